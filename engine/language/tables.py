"""Read a price table from a CSV or XLSX file beside the YAML, refusing what spreadsheets change unasked.

Takes a path and the declared columns; gives rows of texts with places. Of a workbook the place's file is
`prices.xlsx:Sheet1`, its line the row and its column the sheet's column. The numbers stay text, with their zeros; the
caller reads them as it reads inline rows.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.language.load import decode, shown_path
from engine.language.nodes import Text
from engine.language.problems import LINE_BREAK, Place, Problem, ProblemsFound, problem
from engine.language.workbooks import read_workbook

ABSENT = "-"
BYTES_MAX = 16 * 1024 * 1024

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    r"[0-9]{1,2}\s*月\s*[0-9]{1,2}\s*日?|[0-9]{2,4}\s*年\s*[0-9]{1,2}\s*月(\s*[0-9]{1,2}\s*日)?"
    rf"|[0-9]{{1,2}}[-/ ]({_MONTHS})[a-z]*([-/ ][0-9]{{2,4}})?|({_MONTHS})[a-z]*[-/ ][0-9]{{1,4}}"
    r"|[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}( .*)?|[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}",
    re.IGNORECASE,
)
_DECIMAL = re.compile(r"-?[0-9]+(?:\.([0-9]*))?")
_CELL = re.compile(r'"((?:[^"]|"")*)"|([^,\r\n"][^,\r\n]*|)')


def read_table(
    path: Path | str,
    keys: Sequence[str],
    columns: Sequence[str],
    sheet: str | None = None,
    places: Mapping[str, int | None] | None = None,
    asked: Place | None = None,
) -> list[list[Text]]:
    """Read a table whose first line names its columns.

    Args:
        path: a `.csv` (UTF-8, comma between cells) or `.xlsx` file.
        keys: names of the key columns, which come first.
        columns: names of the number columns.
        sheet: of a workbook; needed where it has several.
        places: decimal places that the notice prints, by column; None or absent: not checked.
        asked: where a rule names the file; problems of the file as a whole are shown there.

    Returns:
        Rows of cells, keys first, in the order of the file; an absent cell is `-`. Lines without any cell are left out.

    Raises:
        ProblemsFound: everything that is wrong with the file's form, its header, its cells, or two equal rows.
    """
    path = Path(path)
    file = shown_path(path)
    start = asked or Place(file, 1, 1, 1, 1)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ProblemsFound(
            [problem("file-not-found", start, file=file, reason=error.strerror or "no reason given")]
        ) from None
    if size > BYTES_MAX:
        raise ProblemsFound([problem("file-too-large", start, size=size, limit=BYTES_MAX)])
    names = [*keys, *columns]
    match path.suffix.lower():
        case ".csv":
            lines = read_csv(path, file)
        case ".xlsx":
            lines = read_workbook(path, file, names, sheet, start)
        case _:
            raise ProblemsFound([problem("table-file-kind", start, file=path.name)])
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    header = ",".join(names)
    if len(lines) < 2:
        raise ProblemsFound([problem("table-empty", lines[0][0].place if lines else start, header=header)])
    found = _check_header(lines[0], names)
    if found:
        raise ProblemsFound(found)
    rows = lines[1:]
    for row in rows:
        found += _check_row(row, names, len(keys), places or {})
    found += _check_twice(rows, len(keys))
    if found:
        raise ProblemsFound(found)
    return rows


def read_items(path: Path, asked: Place) -> tuple[dict[str, str], ...]:
    """Read the items of a list from a CSV file: a line an item, named by the first line; an empty cell is not given.

    Raises:
        ProblemsFound: there is no such file, or a line has more or fewer cells than the first.
    """
    if not path.is_file():
        told = {"file": shown_path(path), "reason": "No such file or directory"}
        raise ProblemsFound([problem("file-not-found", asked, None, **told)])
    header, *lines = [line for line in read_csv(path, shown_path(path)) if any(cell.strip() for cell in line)]
    for line in lines:
        if len(line) != len(header):
            counts = {"found": len(line), "expected": len(header)}
            raise ProblemsFound([problem("table-cell-count", line[0].place, None, **counts, header=",".join(header))])
    return tuple(
        {str(name): str(cell) for name, cell in zip(header, line, strict=True) if cell.strip()} for line in lines
    )


def read_csv(path: Path, file: str) -> list[list[Text]]:
    """Cells of a CSV file with their places; Excel's byte order mark is passed over.

    Raises:
        ProblemsFound: the file is not UTF-8, or a quote is not closed.
    """
    text = decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), file)
    lines: list[list[Text]] = [[]]
    at, line, line_start = 0, 1, 0
    while True:
        cell = _CELL.match(text, at)
        assert cell is not None  # its last branch matches nothing at all
        column = at - line_start + 1
        breaks = list(LINE_BREAK.finditer(text, at, cell.end()))
        end_line = line + len(breaks)
        if breaks:
            line_start = breaks[-1].end()
        place = Place(file, line, column, end_line, cell.end() - line_start + 1)
        quoted = cell[1] is not None
        value = cell[1].replace('""', '"') if quoted else cell[2].strip(" \t")
        lines[-1].append(Text(value, place, quoted))
        at, line = cell.end(), end_line
        if at < len(text) and text[at] == ",":
            at += 1
            continue
        ending = LINE_BREAK.match(text, at)
        if at < len(text) and ending is None:
            after = Place(file, line, at - line_start + 1, line, at - line_start + 2)
            if text[at] == '"' and not quoted:
                raise ProblemsFound([problem("unclosed-quote", after, quote='"')])
            raise ProblemsFound([problem("text-after-quotes", after)])
        if ending is None or ending.end() == len(text):
            return lines
        at, line, line_start = ending.end(), line + 1, ending.end()
        lines.append([])


def _check_header(cells: Sequence[Text], names: Sequence[str]) -> list[Problem]:
    """The first line has the declared columns, each once, in the declared order."""
    header = ",".join(names)
    while cells and not cells[-1]:
        cells = cells[:-1]
    found: list[Problem] = []
    seen: dict[str, Text] = {}
    missing = [name for name in names if name not in cells]
    for cell in cells:
        if cell in seen:
            found.append(problem("table-header-twice", cell.place, seen[cell].place, column=cell, header=header))
        elif cell not in names:
            near = difflib.get_close_matches(cell, missing, n=1, cutoff=0.6)
            found.append(
                problem(
                    "table-header-unknown",
                    cell.place,
                    column=cell,
                    header=header,
                    suggestion=f"Write `{near[0]}`. " if near else "",
                    suggestion_zh=f"请写 `{near[0]}`。" if near else "",
                )
            )
            missing = [name for name in missing if name not in near]
        seen[str(cell)] = cell
    found += [problem("table-header-missing", cells[0].place, column=name, header=header) for name in missing]
    if found:
        return found
    for position, (cell, name) in enumerate(zip(cells, names, strict=True), start=1):
        if cell != name:
            told = {"position": position, "column": cell, "expected": name, "header": header}
            return [problem("table-header-order", cell.place, None, **told)]
    return []


def _check_row(cells: list[Text], names: Sequence[str], keys: int, places: Mapping[str, int | None]) -> list[Problem]:
    """A cell for each column, none of them a date, with the places that the notice prints."""
    while len(cells) > len(names) and not cells[-1]:
        cells.pop()
    if len(cells) != len(names):
        first, last = cells[0].place, cells[-1].place
        place = Place(first.file, first.line, first.column, last.end_line, last.end_column)
        told = {"found": len(cells), "expected": len(names), "header": ",".join(names)}
        return [problem("table-cell-count", place, None, **told)]
    found: list[Problem] = []
    for at, (cell, name) in enumerate(zip(cells, names, strict=True)):
        if not cell.strip():
            found.append(problem("table-cell-empty", cell.place, column=name))
        elif _DATE.fullmatch(cell):
            found.append(problem("table-cell-date", cell.place, column=name, text=cell))
        elif at >= keys and cell != ABSENT:
            found += check_places(cell, name, places.get(name))
    return found


def check_places(cell: Text, column: str, wanted: int | None) -> list[Problem]:
    """A number with other decimals than the notice prints: a spreadsheet drops zeros at the end, a hand types two."""
    written = _DECIMAL.fullmatch(cell)
    if wanted is None or written is None:
        return []
    decimals = written[1] or ""
    told: dict[str, object] = {"column": column, "text": cell, "found": len(decimals), "places": wanted}
    if len(decimals) > wanted:
        return [problem("table-places-many", cell.place, None, **told)]
    if len(decimals) < wanted:
        whole = cell.partition(".")[0]
        told["suggestion"] = f"{whole}.{decimals.ljust(wanted, '0')}"
        return [problem("table-places-lost", cell.place, None, **told)]
    return []


def _check_twice(rows: Sequence[Sequence[Text]], keys: int) -> list[Problem]:
    """Rows whose keys have come before."""
    seen: dict[tuple[str, ...], Place] = {}
    found: list[Problem] = []
    for row in rows:
        key = tuple(str(cell) for cell in row[:keys])
        place = row[0].place
        if key in seen:
            found.append(problem("table-row-twice", place, seen[key], keys=", ".join(key)))
        seen.setdefault(key, place)
    return found
