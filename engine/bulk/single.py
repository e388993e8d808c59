"""Some rows of a portfolio, one by one, as plain values: for showing and explaining single bills."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import arrays, files, sources
from engine.bulk.carried import State
from engine.bulk.filling import REASONS, Carriage
from engine.bulk.list_texts import parsed
from engine.bulk.lists import short_name, wanted_lists
from engine.bulk.survey import survey
from engine.bulk.versions import chosen
from engine.calendars.days import day_number, read_day
from engine.compiler.program import Compiled, Type
from engine.evaluator.columns import of_float
from engine.evaluator.reference import reference
from engine.evaluator.refuse import row_problem
from engine.evaluator.row_door import supplied
from engine.evaluator.row_values import written
from engine.evaluator.rows import RowProblem

_KEYS: Final = ("row_id", "ruleset", "period_from", "period_to")


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """One row: values by the names of inputs and lists, those that are given."""

    row_id: object
    compiled: Compiled  # that bills its days
    period_from: date | str  # text where the cell is no day
    period_to: date | str  # half-open
    values: Mapping[str, object]
    refused: RowProblem | None = None  # it gives what its rule set does not read, or cannot carry what it lacks


def portfolio_rows(
    path: Path,
    versions: Sequence[Compiled],
    row_ids: Collection[str],
    book: Mapping[str, Compiled],
    pass_through: Collection[str] = (),
) -> Iterator[PortfolioRow]:
    """Read the rows of one rule set.

    Args:
        path: a portfolio, as `engine.bulk.sources` reads.
        versions: the rule sets of its id, by first day.
        row_ids: the ids that are meant, as text; none: all.
        book: every rule set: a row that gives another one's input may name the wrong rule set, and is refused.
        pass_through: columns that are meant to be unread.

    Raises:
        FileProblem: the file cannot be read.
    """
    id_ = versions[0].id
    others = {name for name in files.opened(path)[1].names if name not in _KEYS}
    several = {str(at): one for at, one in enumerate(versions)}
    own = {*sources.wanted_of(several), *(axis.name for one in versions for axis in one.program.axes)}
    source = sources.open_source(path, several, {*(others - own), *pass_through})
    anywhere = {*sources.wanted_of(book), *(axis.name for one in book.values() for axis in one.program.axes)}
    named = [name for name in source.schema.names if name in anywhere and name not in pass_through]
    items = {name: frozenset(wanted.inputs) for name, wanted in wanted_lists(book).items()}
    texts = set(row_ids)
    carried = _Carried(path, book, pass_through)
    first_row = 0
    for table in files.tables(path, source.format, source.schema, ["ruleset"], source.batch_rows()):
        columns = {name: arrays.passing(table.column(name)) for name in table.column_names}
        fields = [field.with_type(columns[field.name].type) for field in table.schema]
        table = pa.table(list(columns.values()), schema=pa.schema(fields))
        meant = _equal(table.column("ruleset"), id_)
        if texts:
            ids = pc.is_in(table.column("row_id").cast(pa.string()), pa.array(sorted(texts)))
            meant = pc.and_(meant, ids)
        where = np.flatnonzero(np.asarray(meant))
        readers = {name: _Reader(table.schema.field(name), path) for name in named}
        for position, row in zip((first_row + where).tolist(), table.take(where).to_pylist(), strict=True):
            first, end = _day(row["period_from"]), _day(row["period_to"])
            compiled = _at(versions, first, end)
            cells = {name: readers[name](row[name], compiled) for name in named if row[name] is not None}
            refused = _foreign(compiled, row["row_id"], cells, items)
            made = PortfolioRow(row["row_id"], compiled, first, end, cells, refused)
            yield carried.filled(made, position) if refused is None else made
        first_row += table.num_rows


class _Carried:
    """What rows carry from earlier rows of their accounts: looked up in the whole file once a row lacks it."""

    def __init__(self, path: Path, book: Mapping[str, Compiled], pass_through: Collection[str]) -> None:
        self._path = path
        self._book = book
        self._pass_through = pass_through
        self._looked: Carriage | None = None
        self._done = False

    def filled(self, row: PortfolioRow, position: int) -> PortfolioRow:
        """Give a row what it carries; one that cannot carry it is refused as a run refuses it."""
        carries = [spec for spec in row.compiled.program.inputs if spec.carried is not None]
        if all(row.values.get(spec.name) is not None for spec in carries):
            return row
        carriage = self._carriage()
        values = dict(row.values)
        for spec in carries:
            column = None if carriage is None else carriage.columns.get(spec.name)
            state = State.LEFT if column is None else State(column.states[position])
            if carriage is None or column is None or state == State.LEFT:
                continue
            if state == State.DOOMED:
                return replace(row, refused=self._doomed(carriage, row))
            if state != State.COMPUTED:
                day = {"day": written(row.period_from)}
                told = row_problem(0, row.row_id, REASONS[state], spec.name, "", spec.place, **day)
                return replace(row, refused=told)
            values[spec.name] = Decimal(int(column.values[position])).scaleb(-column.places)
        return replace(row, values=values)

    def _doomed(self, carriage: Carriage, row: PortfolioRow) -> RowProblem:
        """Say why a row has no bill whatever it carries."""
        key = next(key for key, one in self._book.items() if one is row.compiled)
        first, end, id_ = row.period_from, row.period_to, row.row_id
        told = reference(carriage.reduced[key], row.values, period_from=first, period_to=end, row_id=id_)
        assert isinstance(told, RowProblem), "what was refused before is refused again"
        return told

    def _carriage(self) -> Carriage | None:
        if not self._done:
            source = sources.open_source(self._path, self._book, self._pass_through)
            self._looked = survey(self._book, source, 1, (*source.passing, *self._pass_through))
            self._done = True
        return self._looked


def _at(versions: Sequence[Compiled], first: date | str, end: date | str) -> Compiled:
    """The rule set that bills a row; days that are none are for the door of any to refuse."""
    if not isinstance(first, date) or not isinstance(end, date):
        return versions[0]
    days = (np.array([day_number(day)], dtype=np.int64) for day in (first, end))
    return versions[int(chosen(versions, *days)[0])]


def _foreign(
    compiled: Compiled, row_id: object, cells: Mapping[str, object], items: Mapping[str, Collection[str]]
) -> RowProblem | None:
    """Refuse a row that gives what its rule set does not read and another one's does, as a run does."""
    lists = {axis.name for axis in compiled.program.axes}
    own = {spec.name for spec in compiled.program.inputs if not supplied(spec.name)}
    known = ", ".join(f"`{one}`" for one in sorted(own | lists))
    for name, value in cells.items():
        if name in lists:
            for number, item in enumerate(value if isinstance(value, list) else [], start=1):
                for key, one in item.items() if isinstance(item, dict) else ():
                    if one is not None and f"{name}.{key}" not in own and key in items.get(name, ()):
                        more = {"known": known, "item": str(number)}
                        return row_problem(0, row_id, "unknown-column", f"{name}.{key}", written(one), None, **more)
        elif name not in own and not (isinstance(value, list) and not value):
            text = str(len(value)) if isinstance(value, list) else written(value)
            return row_problem(0, row_id, "unknown-column", name, text, None, known=known)
    return None


def _equal(column: Any, text: str) -> Any:
    return pc.fill_null(pc.equal(column.cast(pa.string()), text), False)


class _Reader:
    """Reads a column's cells, as Arrow gives them, into values that the door for one row takes."""

    def __init__(self, field: Any, path: Path) -> None:
        self._places = {"": _places(field, path)}
        kind = field.type
        if pa.types.is_nested(kind) and hasattr(kind, "value_field"):
            inner = kind.value_field
            self._places["item"] = _places(inner, path)
            if pa.types.is_struct(inner.type):
                fields = [inner.type.field(at) for at in range(inner.type.num_fields)]
                self._places |= {f"item.{one.name}": _places(one, path) for one in fields}
        self._name = field.name

    def __call__(self, value: object, compiled: Compiled) -> object:
        types = {spec.name: spec.type for spec in compiled.program.inputs}
        if not any(axis.name == self._name for axis in compiled.program.axes):
            return _value(value, types.get(self._name), self._places[""])
        if isinstance(value, str):
            found = parsed(value)
            return value if found is None else found  # a text of `null` is there, and no list
        if not isinstance(value, list):
            return value
        own = {short_name(spec): spec.type for spec in compiled.program.inputs if spec.type.axis == self._name}
        sole = next(iter(own.values())) if len(own) == 1 else None
        return [self._item(item, own, sole) for item in value]

    def _item(self, item: object, own: Mapping[str, Type], sole: Type | None) -> object:
        if isinstance(item, dict):
            # A field that only another rule set's list has is none of this row's.
            return {
                name: _value(one, own.get(name), self._places.get(f"item.{name}", 0))
                for name, one in item.items()
                if name in own or one is not None
            }
        return _value(item, sole, self._places["item"])


def _places(field: Any, path: Path) -> int:
    return arrays.field_places(field, str(path)) if pa.types.is_integer(field.type) else 0


def _value(value: object, of: Type | None, places: int) -> object:
    if isinstance(value, float):
        return value if of is None else of_float(of, value)
    if isinstance(value, int) and not isinstance(value, bool) and places:
        return Decimal(value).scaleb(-places)
    if isinstance(value, datetime):
        return _day(value)
    return value


def _day(value: object) -> date | str:
    if isinstance(value, datetime):
        return value.date() if value.time() == value.time().min else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value
    text = "" if value is None else str(value)
    return read_day(text) or text
