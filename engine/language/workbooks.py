"""Cells of an XLSX workbook as texts with places: the numbers as the sheet shows them.

A workbook stores 0.60 as the binary fraction 0.6 and shows it by its format. What is read is what is shown; a cell
that shows fewer digits than it holds, a formula, an error and a date are problems. openpyxl is imported only here, and
only when a workbook is read.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound, problem

UNPACKED_BYTES_MAX = 256 * 1024 * 1024

_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')  # of a number format: texts, colours, escaped signs, spacing
_DECIMALS = re.compile(r"0(?:\.(0+))?(?![0#?.])")


def read_workbook(path: Path, file: str, names: Sequence[str], sheet: str | None, start: Place) -> list[list[Text]]:
    """Cells of one sheet, row by row, as wide as its used range.

    Args:
        path: of the workbook.
        file: its name in places.
        names: declared columns, for messages.
        sheet: the sheet's name; None where the workbook has one.
        start: where problems of the whole workbook are shown.

    Raises:
        ProblemsFound: it cannot be opened, the sheet is not clear, or cells are formulas, errors, dates or hide digits.
    """
    try:
        import openpyxl  # an extra, wanted only where tables are kept as XLSX
    except ImportError:
        raise ProblemsFound([problem("workbook-reader-missing", start)]) from None
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > UNPACKED_BYTES_MAX:
            raise ProblemsFound([problem("file-too-large", start, size=unpacked, limit=UNPACKED_BYTES_MAX)])
        book = openpyxl.load_workbook(path)
    except zipfile.BadZipFile:
        raise ProblemsFound(
            [problem("workbook-unreadable", start, reason="it is not an XLSX file, or has a password")]
        ) from None
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, OSError) as error:
        if isinstance(error, ProblemsFound):
            raise
        raise ProblemsFound([problem("workbook-unreadable", start, reason=str(error) or "it is damaged")]) from None
    sheets = ", ".join(book.sheetnames)
    if sheet is None and len(book.sheetnames) > 1:
        raise ProblemsFound([problem("which-sheet", start, count=len(book.sheetnames), sheets=sheets)])
    if sheet is not None and sheet not in book.sheetnames:
        raise ProblemsFound([problem("unknown-sheet", start, sheet=sheet, sheets=sheets)])
    page: Any = book[sheet if sheet is not None else book.sheetnames[0]]
    rows: list[list[Text]] = []
    found: list[Problem] = []
    for row in page.iter_rows():
        cells: list[Text] = []
        for cell in row:
            place = Place(f"{file}:{page.title}", cell.row, cell.column, cell.row, cell.column + 1)
            name = names[cell.column - 1] if cell.column <= len(names) else cell.column_letter
            text, trouble = _text(cell, place, name)
            cells.append(text)
            found += trouble
        rows.append(cells)
    if found:
        raise ProblemsFound(found)
    return rows


def _text(cell: Any, place: Place, column: str) -> tuple[Text, list[Problem]]:
    value = cell.value
    if value is None:
        return Text("", place), []
    if cell.data_type == "f":
        shown = str(getattr(value, "text", value))
        return Text(shown, place), [problem("table-cell-formula", place, column=column, text=shown)]
    if cell.data_type == "e":
        return Text(str(value), place), [problem("table-cell-error", place, column=column, text=value)]
    if isinstance(value, datetime | date | time | timedelta):
        shown = value.date().isoformat() if isinstance(value, datetime) else str(value)
        return Text(shown, place), [problem("table-cell-date", place, column=column, text=shown)]
    if isinstance(value, bool):
        return Text("true" if value else "false", place), []
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format), place, column)
    return Text(str(value).strip(), place, quoted=True), []


def _number(value: int | float, shown_as: str, place: Place, column: str) -> tuple[Text, list[Problem]]:
    """A stored number as its format shows it; all its digits where the format fixes none."""
    held = Decimal(repr(value))
    plain = format(held, "f").removesuffix(".0")
    layout = _LITERAL.sub("", shown_as.split(";")[0])
    if "%" in layout:
        shown = f"{format(held * 100, 'f').removesuffix('.0')}%"
    elif (fixed := _DECIMALS.search(layout)) is not None and "E" not in layout.upper():
        shown = format(held, f".{len(fixed[1] or '')}f")
        if Decimal(shown) == held:
            return Text(shown, place), []
    else:
        return Text(plain, place), []
    return Text(plain, place), [problem("table-cell-hidden-digits", place, column=column, shown=shown, text=plain)]
