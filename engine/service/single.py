"""One row of a message -> a bill of a message.

Takes a `Row` and a version of the rate book; gives the row's values as the evaluator of one bill reads them, and writes
the `Bill`. A row is billed, or refused in the same words, as `engine.evaluator.batch` does in a chunk. What every bill
of a rule set says alike is written once: a bill is a copy of it with its numbers put in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from threading import Lock
from typing import Final

import numpy as np

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.calendars.days import day_number, read_day
from engine.compiler.program import ROW, Line, Program
from engine.evaluator.batch import key_at
from engine.evaluator.reference import RaisedWarning, unit_text
from engine.evaluator.refuse import row_problem
from engine.evaluator.row_door import supplied
from engine.evaluator.row_values import written
from engine.evaluator.rows import PLACES_MAX, Column, RowProblem, day_text, whole_text
from engine.evaluator.scalar import Number, Scalar, ScalarBill
from engine.service.books import LoadedBook
from engine.service.calls import RowRefused, wrong
from engine.service.columns import (
    COLUMNS_MAX,
    ITEMS_PER_ROW,
    ROWS_PER_CHUNK,
    TEXT_MAX,
    new_name,
    read_column,
    refuse_long,
)

Values = Mapping[str, object]
VERSIONS_KEPT: Final = 8  # of the rate book, whose bills are prepared
ALIKE_MAX: Final = 64  # sets of lines that bills of a rule set show, each with its bill prepared


@dataclass(frozen=True, slots=True)
class Asked:
    """A row that somebody asks for, with the rule set that bills it."""

    ruleset: RuleSet
    row: type_pb2.Row
    values: Values
    first: int | None  # [day since 1970-01-01]; None: what came is no day
    end: int | None  # half-open

    def billed(self) -> ScalarBill:
        """Bill the row.

        Raises:
            RowRefused: it has no bill.
        """
        row = self.row
        if self.first is None or self.end is None:
            self._all_days()
        made = self.ruleset.scalar.bill(
            self.values,
            period_from=row.period_from if self.first is None else self.first,
            period_to=row.period_to if self.end is None else self.end,
            row_id=row.row_id,
        )
        if isinstance(made, RowProblem):
            raise RowRefused(made, self.ruleset.compiled.id)
        return made

    def _all_days(self) -> None:
        """Refuse a row that lacks a day; what is wrong with one that is there, the evaluator says."""
        for name, day, text in (
            ("period_from", self.first, self.row.period_from),
            ("period_to", self.end, self.row.period_to),
        ):
            if not text:
                missing = row_problem(0, self.row.row_id, "missing-value", name, "")
                raise RowRefused(missing, self.ruleset.compiled.id)
            if day is None:
                return

    def bill(self, made: ScalarBill, to: rating_pb2.Bill) -> None:
        """Write the row's bill."""
        self.ruleset.write(made, to)
        row = self.row
        to.row_id = row.row_id
        to.period_from = row.period_from
        to.period_to = row.period_to


class RuleSets:
    """Rule sets of the versions that were asked for last, each with what all its bills say. Threads share it."""

    def __init__(self) -> None:
        self._versions: dict[str, _Version] = {}
        self._adding = Lock()

    def asked(self, loaded: LoadedBook, row: type_pb2.Row) -> Asked:
        """Read a row and find its rule set.

        Args:
            loaded: the version that answers.
            row: as it came.

        Raises:
            ProblemsFound: the message is not in one piece.
            RowRefused: no rule set has the name, or the one that has it does not read all that is given.
        """
        for name, text in (("row_id", row.row_id), ("ruleset", row.ruleset)):
            if len(text) > TEXT_MAX:
                refuse_long(text, f"row.{name}")
        first, end = _day(row.period_from, "period_from"), _day(row.period_to, "period_to")
        values = _values(row)
        version = self._version(loaded)
        key = version.sole.get(row.ruleset) or key_at(loaded.rulesets, row.ruleset, first, end)
        if key is None:
            code = "unknown-ruleset" if row.ruleset else "missing-value"
            raise RowRefused(row_problem(0, row.row_id, code, "ruleset", row.ruleset), row.ruleset)
        ruleset = version.rulesets.get(key)
        if ruleset is None:
            ruleset = version.rulesets[key] = RuleSet(loaded, key)
        values = ruleset.without_surplus(values, row)
        return Asked(ruleset, row, values, first, end)

    def _version(self, loaded: LoadedBook) -> _Version:
        found = self._versions.get(loaded.version)
        if found is not None:
            return found
        shared = Counter(compiled.id for compiled in loaded.rulesets.values())
        sole = {one.id: key for key, one in loaded.rulesets.items() if shared[one.id] == 1}
        with self._adding:
            while len(self._versions) >= VERSIONS_KEPT:
                del self._versions[next(iter(self._versions))]
            return self._versions.setdefault(loaded.version, _Version(sole))


@dataclass(frozen=True, slots=True)
class _Version:
    """What is kept of a version."""

    sole: Mapping[str, str]  # ids that one rule set has -> its key
    rulesets: dict[str, RuleSet] = field(default_factory=dict)  # by key, those that were asked for


class RuleSet:
    """A rule set of a version, with what all its bills say."""

    def __init__(self, loaded: LoadedBook, key: str) -> None:
        compiled = self.compiled = loaded.rulesets[key]
        program = compiled.program
        self.scalar: Scalar = loaded.scalars[key]
        self.bill = rating_pb2.Bill(ruleset=compiled.id, version=loaded.version, ruleset_hash=compiled.content_hash)
        self.bill.total.places = _places(program, program.total)
        self.bill.total.currency = compiled.currency
        for code, step in program.ledgers:
            self.bill.ledgers.add(ledger=code).amount.places = _places(program, step)
        self.lines = tuple(_line(program, line) for line in program.lines)
        for score in program.scores:
            given = self.bill.scores.add(id=score.id, title=score.title)
            given.value.places = _places(program, program.names[score.id])
        self._alike: dict[tuple[int, ...], rating_pb2.Bill] = {}  # lines that a bill shows -> what all such bills say
        specs = [spec for spec in program.inputs if not supplied(spec.name)]
        self.own = frozenset(spec.name for spec in specs if spec.type.axis == ROW)
        self.of_lists: Mapping[str, frozenset[str]] = {
            axis.name: frozenset(spec.name for spec in specs if spec.type.axis == axis.name) for axis in program.axes
        }
        self.known = ", ".join(f"`{name}`" for name in sorted(spec.name for spec in specs))

    def write(self, made: ScalarBill, to: rating_pb2.Bill) -> None:
        """Write a bill: a copy of what all bills with its lines say, with its numbers put in."""
        parts = made.parts
        shown = [line for part in parts for line in part.lines] if len(parts) > 1 else parts[0].lines
        to.MergeFrom(self._bill_with(tuple([line[0] for line in shown])))
        to.total.unscaled = made.total
        for ledger, amount in zip(to.ledgers, made.ledgers, strict=True):
            ledger.amount.unscaled = amount
        for line, (_, amount, quantity, price) in zip(to.lines, shown, strict=True):
            line.amount.unscaled = amount
            if quantity is not None:
                line.quantity.unscaled = quantity
            if price is not None:
                line.price.unscaled = price
        if len(parts) > 1:
            lines = iter(to.lines)
            for number, part in enumerate(parts, 1):
                part_from, part_to = day_text(part.first), day_text(part.end)
                for line in islice(lines, len(part.lines)):
                    line.part, line.part_from, line.part_to = number, part_from, part_to
        if made.raised:
            to.warnings.extend(warning_message(one) for one in made.messages())
        if self.compiled.program.profile:
            self._write_profile(made, to)

    def _write_profile(self, made: ScalarBill, to: rating_pb2.Bill) -> None:
        """Write scores and segments; of a bill in parts they are those of the last."""
        program = self.compiled.program
        values = dict(zip(self.scalar.leaves, made.parts[-1].values, strict=True))
        for score in to.scores:
            score.value.unscaled = values[program.names[score.id]]
        for segment in program.segments:
            own = segment.classes[values[program.names[segment.id]]]
            to.segments.add(
                id=segment.id, title=segment.title, class_id=own.id, class_title=own.title, services=own.services
            )

    def _bill_with(self, shown: tuple[int, ...]) -> rating_pb2.Bill:
        """Give what all bills say that show these lines, by position in the program."""
        found = self._alike.get(shown)
        if found is None:
            found = rating_pb2.Bill()
            found.CopyFrom(self.bill)
            found.lines.extend(self.lines[at] for at in shown)
            if len(self._alike) < ALIKE_MAX:
                self._alike[shown] = found
        return found

    def without_surplus(self, values: Values, row: type_pb2.Row) -> Values:
        """Refuse a row that gives what the rule set does not read; leave out what is named and not given."""
        if values.keys() <= self.own:
            return values
        kept: dict[str, object] = {}
        lists = [one.name for one in row.lists]
        for name in sorted(values.keys() - set(lists)):
            if name not in self.own:
                raise self._surplus(row, name, _told(values[name]))
            kept[name] = values[name]
        for name in lists:
            kept |= self._list(row, name, values[name])
        return kept

    def _list(self, row: type_pb2.Row, name: str, came: object) -> Values:
        """Give a list if the rule set reads it, without columns that give nothing."""
        assert isinstance(came, Items)
        if name not in self.of_lists:
            if came.count:
                raise self._surplus(row, name, str(came.count))
            return {}
        columns: dict[str, list[object]] = {}
        for short, column in came.columns.items():
            if f"{name}.{short}" in self.of_lists[name]:
                columns[short] = column
                continue
            at = next((at for at, value in enumerate(column) if value is not None), None)
            if at is not None:
                raise self._surplus(row, f"{name}.{short}", _told(column[at]), item=str(at + 1))
        return {name: columns or [{}] * came.count}

    def _surplus(self, row: type_pb2.Row, name: str, value: str, **more: str) -> RowRefused:
        told = row_problem(0, row.row_id, "unknown-column", name, value, None, known=self.known, **more)
        return RowRefused(told, self.compiled.id)


@dataclass(frozen=True, slots=True)
class Items:
    """One list of a row, as it came."""

    count: int
    columns: Mapping[str, list[object]]  # by the items' own names; None: not given


def warning_message(raised: RaisedWarning) -> rating_pb2.RaisedWarning:
    """Write a warning."""
    return rating_pb2.RaisedWarning(
        id=raised.id,
        title=raised.title,
        level=raised.level,
        message=raised.message,
        causes=raised.causes,
        action=raised.action,
    )


def _line(program: Program, line: Line) -> rating_pb2.BillLine:
    """Write what a line says in every bill."""
    found = rating_pb2.BillLine(id=line.id, charge=line.charge, title=line.title, ledger=line.ledger, money=line.money)
    found.amount.places = _places(program, line.amount)
    if line.quantity is not None:
        found.quantity.places = _places(program, line.quantity)
        found.quantity_unit = unit_text(program.steps[line.quantity].type.unit)
    if line.price is not None:
        found.price.places = _places(program, line.price)
        found.price_unit = unit_text(program.steps[line.price].type.unit)
    return found


_new_number: Final = tuple.__new__  # a named tuple's own way of being made takes twice as long


def _places(program: Program, step: int) -> int:
    return program.steps[step].type.places


def _day(text: str, name: str) -> int | None:
    """Read a day; None: the door of the row says what is wrong with it."""
    if len(text) > TEXT_MAX:
        refuse_long(text, f"row.{name}")
    day = read_day(text)
    return None if day is None else day_number(day)


def _values(row: type_pb2.Row) -> Values:
    """Read what a row gives: whole numbers, `Number`, truths, texts, and `Items` of lists."""
    if len(row.values) > COLUMNS_MAX:
        raise wrong("too-many-entries", "row.values", found=len(row.values), at_most=COLUMNS_MAX)
    values: dict[str, object] = {}
    given = row.values
    for name in given:  # by name: the map's own `items` is Python and takes twice as long
        value = given[name]
        kind = value.WhichOneof("kind")
        if kind == "number":
            number = value.number
            places = number.places
            if places == 0:
                values[name] = number.unscaled
            elif 0 < places <= PLACES_MAX:
                values[name] = _new_number(Number, (number.unscaled, places))
            else:
                raise wrong("column-places", f"{_path(name)}.number.places", found=places)
        elif kind == "boolean":
            values[name] = value.boolean
        elif kind == "text":
            text = values[name] = value.text
            if len(text) > TEXT_MAX:
                refuse_long(text, f"{_path(name)}.text")
        else:
            raise wrong("field-missing", _path(name))
    if row.lists:
        _lists(row.lists, values)
    return values


def _path(name: str) -> str:
    refuse_long(name, "row.values")
    return f'row.values["{name}"]'


def _lists(lists: Collection[type_pb2.ListValue], values: dict[str, object]) -> None:
    if len(lists) > COLUMNS_MAX:
        raise wrong("too-many-entries", "row.lists", found=len(lists), at_most=COLUMNS_MAX)
    for at, one in enumerate(lists):
        path = f"row.lists[{at}]"
        name = new_name(one.name, values, path)
        values[name] = _items(one, path)


def _items(one: type_pb2.ListValue, path: str) -> Items:
    count, at_most = one.items, ROWS_PER_CHUNK * ITEMS_PER_ROW
    if count > at_most:
        raise wrong("too-many-entries", f"{path}.items", found=count, at_most=at_most)
    if count and not one.columns:
        raise wrong("column-length", f"{path}.columns", found=0, expected=count)
    if len(one.columns) > COLUMNS_MAX:
        raise wrong("too-many-entries", f"{path}.columns", found=len(one.columns), at_most=COLUMNS_MAX)
    columns: dict[str, list[object]] = {}
    for at, column in enumerate(one.columns):
        where = f"{path}.columns[{at}]"
        name = new_name(column.name, columns, where)
        columns[name] = _plain(read_column(column, count, where))
    return Items(count, columns)


def _plain(column: Column) -> list[object]:
    """Give the values of a column as one row would give them."""
    came: list[object] = column.values.tolist()
    if column.codes is not None:
        came = [column.codes[at] for at in column.values.tolist()]
    elif column.values.dtype.kind == "M":
        # As days: a whole number would do for a number. Python's end with the year 9999; what lies beyond is text.
        came = [day if isinstance(day, date) else str(np.datetime64(day, "D")) for day in column.values.tolist()]
    elif column.places:
        came = [Number(value, column.places) for value in column.values.tolist()]
    if column.valid is None:
        return came
    return [value if given else None for value, given in zip(came, column.valid.tolist(), strict=True)]


def _told(value: object) -> str:
    """Write a value that no rule set reads."""
    if isinstance(value, Number):
        return whole_text(value.unscaled, value.places)
    return written(value)
