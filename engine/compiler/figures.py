"""Printed figures of values, tables, bands and notices as constants through time.

Takes models; gives `ConstantSource`s and `TableSource`s. Every number is checked against plausible bounds: those that
the document declares, else those of its unit, so that fen typed for yuan does not bill.
"""

from __future__ import annotations

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
    check_pieces,
    scaled,
)
from engine.compiler.scope import TableSource
from engine.language import scalars
from engine.language.fields import Printed, Source, WrittenUnit
from engine.language.models import (
    Bands,
    Bounds,
    Check,
    Notice,
    Table,
    TableColumn,
    Value,
)
from engine.language.nodes import Map, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.tables import read_table
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


def check_plausible(cell: Cell, unit: Unit, bounds: Bounds | None, scale: Fraction) -> list[Problem]:
    """A problem where a number lies outside what its document or unit allows."""
    if bounds is not None:
        low, high = scaled(bounds.from_, scale).value, scaled(bounds.to, scale).value
    elif str(unit) in PLAUSIBLE:
        low, high = PLAUSIBLE[str(unit)]
    else:
        return []
    if low <= cell.value <= high:
        return []
    other = bounds.place if bounds is not None else None
    return [problem("implausible", cell.place, other, value=cell.text, unit=unit, low=low, high=high)]


def label(source: Source | None) -> tuple[str, str]:
    """How a figure names its source, and the source's standing."""
    return (source.label, source.standing) if source is not None else ("", "")


def days(first: date | None, through: date | None) -> tuple[int, int]:
    """Printed days, both included, as a half-open interval of day numbers."""
    start = FIRST_DAY if first is None else max(FIRST_DAY, day_number(first))
    return start, END_DAY if through is None else day_number(through) + 1


def value_source(name: Text, value: Value, source: Source | None) -> ConstantSource:
    """A value with one printed figure or several with dates.

    Raises:
        ProblemsFound: no figure, two figures for one day, no source, an implausible number.
    """
    problems: list[Problem] = []
    unit, scale = value.unit.unit, value.unit.scale
    dated = value.dated or []
    if (value.printed is None) == (not dated):
        raise ProblemsFound((problem("printed-or-dated", value.place, name=name),))
    pieces: list[Piece] = []
    if value.printed is not None:
        own = value.source or source
        problems += _sourced(own, value.place, name)
        cell = scaled(value.printed, scale)
        problems += check_plausible(cell, unit, value.plausible, scale)
        pieces.append(Piece(FIRST_DAY, END_DAY, {(): cell}, *label(own)))
    for entry, following in zip(dated, [*dated[1:], None], strict=False):
        own = entry.source or value.source or source
        problems += _sourced(own, entry.place, name)
        first, end = days(entry.from_, entry.through)
        if entry.through is None and following is not None:
            end = day_number(following.from_)
            if end <= first:
                problems.append(
                    problem("two-values-one-day", following.place, entry.place, path=name, day=following.from_)
                )
                continue
        cell = scaled(entry.printed, scale)
        problems += check_plausible(cell, unit, value.plausible, scale)
        pieces.append(Piece(first, end, {(): cell}, *label(own)))
    problems += check_pieces(str(name), pieces, value.place)
    if problems:
        raise ProblemsFound(tuple(problems))
    return ConstantSource(str(name), unit, str(name), (), tuple(pieces), value.place)


def _sourced(source: Source | None, place: Place, name: Text) -> list[Problem]:
    return [problem("missing-source", place, name=name)] if source is None else []


def table_source(
    name: Text,
    table: Table,
    source: Source | None,
    interval: tuple[int, int] = (FIRST_DAY, END_DAY),
    field: str = "",
) -> TableSource:
    """A table's columns as constants, one cell a row.

    Raises:
        ProblemsFound: rows of the wrong length, a row twice, a number that is none, missing units, lost zeros.
    """
    problems: list[Problem] = []
    own = table.source or source
    problems += _sourced(own, table.place, name)
    columns = _columns(table)
    rows = _rows(table, list(columns))
    cells: dict[str, dict[tuple[str, ...], Cell | None]] = {column: {} for column in columns}
    seen: dict[tuple[str, ...], Place] = {}
    width = len(table.keys) + len(columns)
    for row in rows:
        if len(row) != width:
            names = ", ".join([*map(str, table.keys), *columns])
            place = row[0].place if row else table.place
            problems.append(problem("row-length", place, count=len(row), expected=width, names=names))
            continue
        key = tuple(str(text) for text in row[: len(table.keys)])
        if key in seen:
            problems.append(problem("row-twice", row[0].place, seen[key], row=", ".join(key)))
            continue
        seen[key] = row[0].place
        for (column, spec), text in zip(columns.items(), row[len(table.keys) :], strict=True):
            try:
                cells[column][key] = _cell(table, spec, text, problems)
            except ProblemsFound as bad:
                problems += bad.problems
    sources: dict[str, ConstantSource] = {}
    for column, spec in columns.items():
        unit = spec.unit or table.unit
        if unit is None:
            problems.append(problem("column-without-unit", spec.place, table=name, column=column))
            continue
        piece = Piece(*interval, cells[column], *label(own))
        path = f"{name}.{column}"
        keys = tuple(str(key) for key in table.keys)
        sources[column] = ConstantSource(path, unit.unit, field or str(name), keys, (piece,), spec.place)
    if problems:
        raise ProblemsFound(tuple(problems))
    return TableSource(str(name), tuple(str(key) for key in table.keys), sources, table.place)


def _columns(table: Table) -> dict[str, TableColumn]:
    if isinstance(table.columns, dict):
        return {str(name): column for name, column in table.columns.items()}
    return {str(name): TableColumn.model_validate(Map(name.place)) for name in table.columns}


def _rows(table: Table, columns: Sequence[str]) -> Sequence[Sequence[Text]]:
    if (table.rows is None) == (table.file is None):
        raise ProblemsFound((problem("rows-or-file", table.place),))
    if table.file is None:
        return table.rows or []
    places = {name: column.places or table.places for name, column in _columns(table).items()}
    path = Path(table.place.file).parent / str(table.file)
    return read_table(
        path, [str(key) for key in table.keys], columns, table.sheet, places=places, asked=table.file.place
    )


def _cell(table: Table, spec: TableColumn, text: Text, problems: list[Problem]) -> Cell | None:
    if str(text) == ABSENT:
        return None
    unit: WrittenUnit | None = spec.unit or table.unit
    number = scalars.number(text)
    places = spec.places if spec.places is not None else table.places
    if places is not None and number.places != places:
        problems.append(problem("places-differ", text.place, value=text, places=places, got=number.places))
    scale = unit.scale if unit is not None else Fraction(1)
    cell = scaled(number, scale)
    if unit is not None:
        problems += check_plausible(cell, unit.unit, spec.plausible or table.plausible, scale)
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
    for row in bands.rows:
        if (row.value is None) == (row.first is None or row.each is None):
            problems.append(problem("band-row", row.place))
            continue
        count = (row.to.value - row.from_.value) / step
        if count != int(count):
            problems.append(problem("band-step", row.place, step=bands.step.text))
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
            problems.append(problem("band-gap", bands.place, lower=lower, upper=upper))
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
        for name, value in notice.values.items():
            made = value_source(name, value, notice.source)
            pieces = tuple(
                Piece(max(p.first_day, interval[0]), min(p.end_day, interval[1]), p.cells, p.source, p.standing)
                for p in made.pieces
                if p.first_day < interval[1] and p.end_day > interval[0]
            )
            path = f"{prefix}.{name}"
            constants[path] = _join(constants.get(path), made, path, prefix, pieces, problems)
        for name, table in notice.tables.items():
            made_table = table_source(name, table, notice.source, interval, prefix)
            path = f"{prefix}.{name}"
            known = tables.get(path)
            if known is not None and known.keys != made_table.keys:
                problems.append(problem("notices-differ", made_table.place, known.place, name=name))
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
            if own.through is not None and starts < end:
                day = following.in_force.from_
                problems.append(problem("notices-overlap", following.place, notice.place, day=day))
            if own.through is not None and starts > end and not following.gap_before:
                last = day_date(starts - 1)
                problems.append(problem("notices-gap", following.place, notice.place, first=day_date(end), last=last))
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
        problems.append(problem("notices-differ", made.place, known.place, name=path))
    before = known.pieces if known is not None else ()
    return ConstantSource(path, made.unit, field, made.keys, before + pieces, made.place)
