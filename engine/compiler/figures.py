"""Printed figures of values, tables, bands and notices as constants through time.

Takes models; gives `ConstantSource`s and `TableSource`s. Every number is checked against plausible bounds: those that
the document declares, else those of its unit, so that fen typed for yuan does not bill.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from engine.calendars.days import END_DAY, FIRST_DAY, day_date, day_number
from engine.compiler.constants import (
    Cell,
    ConstantSource,
    Piece,
    scaled,
)
from engine.compiler.scope import TableSource
from engine.language import scalars
from engine.language.documents import DOCUMENTS
from engine.language.fields import Printed, Source, WrittenUnit
from engine.language.load import shown_path
from engine.language.models import (
    Bands,
    Bounds,
    Check,
    Document,
    Notice,
    Table,
    TableColumn,
    Value,
)
from engine.language.nodes import Map, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.tables import check_places, read_table
from engine.language.units import Unit

ABSENT = "-"


@dataclass(frozen=True, slots=True)
class TableCheck:
    """A check of a table's rows: `prefix` stands before names of its notice; `day` picks its figures."""

    name: str
    check: Check
    prefix: str
    place: Place
    day: int


# Plausible sizes by unit, where a document declares none: wide of every tariff known, narrow enough for fen in yuan.
PLAUSIBLE: Mapping[str, tuple[Decimal, Decimal]] = {
    "CNY/kWh": (Decimal(-3), Decimal(5)),
    "USD/kWh": (Decimal(-3), Decimal(5)),
    "CNY/kVA/month": (Decimal(0), Decimal(200)),
    "CNY/kW/month": (Decimal(0), Decimal(200)),
}


def check_plausible(
    cell: Cell, unit: Unit, bounds: Bounds | None, scale: Fraction, as_written: str = ""
) -> list[Problem]:
    """A problem where a number lies outside what its document or unit allows; told in the unit as written."""
    limits = _limits(bounds, scale) or PLAUSIBLE.get(str(unit))
    if limits is None:
        return []
    low, high = limits
    if low <= cell.value <= high:
        return []
    other = bounds.place if bounds is not None else None
    texts = [_unscaled(low, scale), _unscaled(high, scale)] if bounds is None else [bounds.from_.text, bounds.to.text]
    shown = {"value": cell.text, "unit": as_written or unit, "low": texts[0], "high": texts[1]}
    return [problem("implausible", cell.place, other, **shown)]


def _limits(bounds: Bounds | None, scale: Fraction) -> tuple[Decimal, Decimal] | None:
    """What a document declares plausible, in the unit's own scale."""
    return None if bounds is None else (scaled(bounds.from_, scale).value, scaled(bounds.to, scale).value)


def _unscaled(bound: Decimal, scale: Fraction) -> str:
    return f"{(bound * Decimal(scale.denominator) / Decimal(scale.numerator)).normalize():f}"


def label(source: Source | None) -> tuple[str, str]:
    """How a figure names its source, and the source's standing."""
    return (source.label, source.standing) if source is not None else ("", "")


def days(first: date | None, through: date | None) -> tuple[int, int]:
    """Printed days, both included, as a half-open interval of day numbers."""
    start = FIRST_DAY if first is None else max(FIRST_DAY, day_number(first))
    return start, END_DAY if through is None else day_number(through) + 1


def check_source(document: Document) -> list[Problem]:
    """A problem where a document does not say where it comes from."""
    if document.source is not None:
        return []
    (name,) = (getattr(document, kind) for kind, model in DOCUMENTS.items() if isinstance(document, model))
    return [problem("missing-source", name.place, name=name)]


def value_source(name: Text, value: Value, source: Source | None) -> ConstantSource:
    """A value with one printed figure or several with dates.

    Raises:
        ProblemsFound: no figure, an implausible number.
    """
    problems: list[Problem] = []
    unit, scale, as_written = value.unit.unit, value.unit.scale, value.unit.text
    dated = value.dated or []
    if (value.printed is None) == (not dated):
        raise ProblemsFound((problem("printed-or-dated", name.place, name=name),))
    pieces: list[Piece] = []
    if value.printed is not None:
        cell = scaled(value.printed, scale)
        problems += check_plausible(cell, unit, value.plausible, scale, as_written)
        pieces.append(Piece(FIRST_DAY, END_DAY, {(): cell}, *label(value.source or source)))
    for entry, following in zip(dated, [*dated[1:], None], strict=False):
        first, end = days(entry.from_, entry.through)
        if entry.through is None and following is not None:
            end = day_number(following.from_)
        cell = scaled(entry.printed, scale)
        problems += check_plausible(cell, unit, value.plausible, scale, as_written)
        pieces.append(Piece(first, end, {(): cell}, *label(entry.source or value.source or source)))
    if problems:
        raise ProblemsFound(tuple(problems))
    limits = _limits(value.plausible, scale)
    return ConstantSource(str(name), unit, str(name), (), tuple(pieces), value.unit.place, limits)


def table_source(
    name: Text,
    table: Table,
    source: Source | None,
    interval: tuple[int, int] = (FIRST_DAY, END_DAY),
    field: str = "",
) -> TableSource:
    """A table's columns as constants, one cell a row.

    Raises:
        ProblemsFound: rows of the wrong length, a row twice, a number that is none, a column without a unit, lost
            zeros.
    """
    problems: list[Problem] = []
    own = table.source or source
    columns = _columns(table)
    rows = _rows(name, table, columns)
    cells: dict[Text, dict[tuple[str, ...], Cell | None]] = {column: {} for column in columns}
    seen: dict[tuple[str, ...], Place] = {}
    names = [*map(str, table.keys), *map(str, columns)]
    for row in rows:
        if len(row) != len(names):
            commas = _commas(row) if len(row) > len(names) else []
            if commas:
                problems += commas
                continue
            place = spanned(row) if row else name.place
            header = ", ".join(names)
            problems.append(problem("table-cell-count", place, found=len(row), expected=len(names), header=header))
            continue
        key = tuple(row[: len(table.keys)])  # texts, so that a key knows its place
        if key in seen:
            problems.append(problem("table-row-twice", spanned(key), seen[key], keys=", ".join(key)))
            continue
        seen[key] = spanned(key)
        for (column, spec), text in zip(columns.items(), row[len(table.keys) :], strict=True):
            try:
                cells[column][key] = _cell(table, column, spec, text, problems)
            except ProblemsFound as bad:
                problems += bad.problems
    sources: dict[str, ConstantSource] = {}
    keys = tuple(str(key) for key in table.keys)
    for column, spec in columns.items():
        unit = spec.unit or table.unit
        if unit is None:
            problems.append(problem("column-without-unit", column.place, table=name, column=column))
            continue
        piece = Piece(*interval, cells[column], *label(own))
        sources[str(column)] = ConstantSource(
            f"{name}.{column}",
            unit.unit,
            field or str(name),
            keys,
            (piece,),
            unit.place,
            _limits(spec.plausible or table.plausible, unit.scale),
        )
    if problems:
        raise ProblemsFound(tuple(problems))
    return TableSource(str(name), keys, sources, table.place_of("keys"))


def table_files(document: Document) -> set[str]:
    """The CSV and XLSX files beside a document that hold its tables."""
    return {shown_path(_file(table)) for table in document.tables.values() if table.file is not None}


def _file(table: Table) -> Path:
    return Path(table.place.file).parent / str(table.file)


def _columns(table: Table) -> dict[Text, TableColumn]:
    if isinstance(table.columns, dict):
        return table.columns
    return {name: TableColumn.model_validate(Map(name.place)) for name in table.columns}


def _rows(name: Text, table: Table, columns: Mapping[Text, TableColumn]) -> Sequence[Sequence[Text]]:
    if (table.rows is None) == (table.file is None):
        raise ProblemsFound((problem("rows-or-file", name.place, name=name),))
    if table.file is None:
        return table.rows or []
    places = {str(name): _places(table, column) for name, column in columns.items()}
    return read_table(
        _file(table), [str(key) for key in table.keys], list(places), table.sheet, places=places, asked=table.file.place
    )


def _places(table: Table, column: TableColumn) -> int | None:
    return column.places if column.places is not None else table.places


def _commas(row: Sequence[Text]) -> list[Problem]:
    """Decimal commas of an inline row: `0,6557` are two cells to YAML, a whole number and digits right behind it."""
    found = []
    for before, after in pairwise(row):
        joined = before.place.end_column + 1 == after.place.column and before.place.line == after.place.line
        if joined and re.fullmatch(r"-?[0-9]+", before) and re.fullmatch(r"[0-9]{2,}", after):
            text, suggestion = f"{before},{after}", f"{before}.{after}"
            found.append(problem("decimal-comma", spanned([before, after]), None, text=text, suggestion=suggestion))
    return found


def spanned(texts: Sequence[Text]) -> Place:
    """Place from the first text to the last, where they stand on one line; else of the first."""
    first, last = texts[0].place, texts[-1].place
    if first.line != last.end_line:
        return first
    return Place(first.file, first.line, first.column, last.end_line, last.end_column)


def _cell(table: Table, name: Text, spec: TableColumn, text: Text, problems: list[Problem]) -> Cell | None:
    if str(text) == ABSENT:
        return None
    unit: WrittenUnit | None = spec.unit or table.unit
    number = scalars.number(text)
    scale = unit.scale if unit is not None else Fraction(1)
    cell = scaled(number, scale)
    found: list[Problem] = []
    if unit is not None:
        found = check_plausible(cell, unit.unit, spec.plausible or table.plausible, scale, unit.text)
    # a number in the wrong unit has other decimals too, which need not be said
    problems += found or check_places(text, name, _places(table, spec))
    return cell


def band_source(name: Text, bands: Bands, source: Source | None) -> TableSource:
    """A band table, dense over its steps: position n is the number low + n × step.

    Raises:
        ProblemsFound: a step without a value or with two, a row that says neither `value` nor `first` and `each`.
    """
    problems: list[Problem] = []
    step, places = bands.step.value, bands.step.places
    cells: dict[tuple[str, ...], Cell | None] = {}
    places_of: dict[tuple[str, ...], Place] = {}
    if step <= 0:
        raise ProblemsFound([problem("band-step-size", bands.step.place, None, step=bands.step.text)])
    for row in bands.rows:
        if [row.first is None, row.each is None] != [row.value is not None] * 2:
            problems.append(problem("band-row", row.place))
            continue
        count = (row.to.value - row.from_.value) / step
        if count != int(count) or row.from_.value % step:
            problems.append(problem("band-step", row.to.place, row.from_.place, step=bands.step.text))
            continue
        direction = 1 if count >= 0 else -1
        for n in range(abs(int(count)) + 1):
            number = row.from_.value + direction * n * step
            key = (f"{number:.{places}f}",)
            if key in cells:
                problems.append(problem("band-twice", row.place, places_of[key], number=key[0]))
                break
            cells[key] = _band_cell(row, n, bands.unit.scale)
            places_of[key] = row.place
    numbers = sorted(Decimal(key[0]) for key in cells)
    for lower, upper in pairwise(numbers):
        if upper - lower != step:
            here, there = (places_of[(f"{number:.{places}f}",)] for number in (lower, upper))
            problems.append(problem("band-gap", here, there, lower=lower, upper=upper))
    if problems:
        raise ProblemsFound(tuple(problems))
    piece = Piece(FIRST_DAY, END_DAY, cells, *label(bands.source or source))
    column = ConstantSource(f"{name}.value", bands.unit.unit, str(name), (str(bands.of),), (piece,), bands.place)
    return TableSource(str(name), (str(bands.of),), {"value": column}, bands.place)


def _band_cell(row, n: int, scale: Fraction) -> Cell:  # type: ignore[no-untyped-def]  # BandRow, whose one of two forms was checked above
    if row.value is not None:
        return scaled(row.value, scale)
    value = row.first.value + n * row.each.value
    places = max(row.first.places, row.each.places)
    return scaled(Printed(f"{value:.{places}f}", value, places, row.place), scale)


def notice_sources(
    prefix: str, notices: Sequence[Notice]
) -> tuple[dict[str, ConstantSource], dict[str, TableSource], list[TableCheck]]:
    """The values and tables of a series of notices, each for its own days, under `prefix`.

    Raises:
        ProblemsFound: notices that overlap, or disagree in unit or keys.
    """
    problems: list[Problem] = []
    constants: dict[str, ConstantSource] = {}
    tables: dict[str, TableSource] = {}
    checks: list[TableCheck] = []
    for notice, interval in zip(notices, notice_days(notices, problems), strict=True):
        problems += check_source(notice)
        for name, value in notice.values.items():
            try:
                made = value_source(name, value, notice.source)
            except ProblemsFound as bad:
                problems += bad.problems
                continue
            pieces = tuple(
                Piece(max(p.first_day, interval[0]), min(p.end_day, interval[1]), p.cells, p.source, p.standing)
                for p in made.pieces
                if p.first_day < interval[1] and p.end_day > interval[0]
            )
            path = f"{prefix}.{name}"
            constants[path] = _join(constants.get(path), made, path, prefix, pieces, problems)
        for name, table in notice.tables.items():
            try:
                made_table = table_source(name, table, notice.source, interval, prefix)
            except ProblemsFound as bad:
                problems += bad.problems
                continue
            path = f"{prefix}.{name}"
            known = tables.get(path)
            if known is not None and known.keys != made_table.keys:
                problems.append(_differ(name, made_table.place, known.place, _keys(made_table), _keys(known)))
                continue
            columns = dict(known.columns) if known is not None else {}
            for column, source in made_table.columns.items():
                columns[column] = _join(
                    columns.get(column), source, f"{path}.{column}", prefix, source.pieces, problems
                )
            tables[path] = TableSource(path, made_table.keys, columns, made_table.place)
        for name, check in notice.checks.items():
            checks.append(TableCheck(str(name), check, f"{prefix}.", name.place, interval[0]))
    if problems:
        raise ProblemsFound(tuple(problems))
    return constants, tables, checks


def notice_days(notices: Sequence[Notice], problems: list[Problem]) -> list[tuple[int, int]]:
    """Days of each notice of a series; one that holds until it is replaced ends where the next begins."""
    intervals: list[tuple[int, int]] = []
    for notice, following in zip(notices, [*notices[1:], None], strict=True):
        own = notice.in_force
        assert own is not None
        if (own.through is None) == (not own.until_replaced):
            problems.append(problem("notice-end", own.place))
        first, end = days(own.from_, own.through)
        if following is not None and following.in_force is not None:
            starts = day_number(following.in_force.from_)
            here = following.in_force.place_of("from")
            there = own.place_of("from" if own.through is None else "through")
            if (own.through is not None and starts < end) or starts <= first:
                problems.append(problem("notices-overlap", here, there, day=following.in_force.from_))
            if own.through is not None and starts > end and not following.gap_before:
                last = day_date(starts - 1)
                problems.append(problem("notices-gap", here, there, first=day_date(end), last=last))
            end = min(end, starts)
        intervals.append((first, end))
    return intervals


def _join(
    known: ConstantSource | None,
    made: ConstantSource,
    path: str,
    field: str,
    pieces: tuple[Piece, ...],
    problems: list[Problem],
) -> ConstantSource:
    if known is not None and known.unit != made.unit:
        name = path.removeprefix(f"{field}.")
        problems.append(_differ(name, made.place, known.place, f"[{made.unit}]", f"[{known.unit}]"))
    before = known.pieces if known is not None else ()
    return ConstantSource(path, made.unit, field, made.keys, before + pieces, made.place, made.plausible)


def _keys(table: TableSource) -> str:
    return f"[{', '.join(table.keys)}]"


def _differ(name: str, here: Place | None, there: Place | None, now: str, then: str) -> Problem:
    return problem("notices-differ", here, there, name=name, now=now, then=then)
