"""The door: which rows of a batch may be computed, and their inputs as whole numbers in the declared bounds.

Takes a rule set and a batch; gives admitted rows with safe columns, the version of each, and the first thing that is
wrong with every other row: its days, the version, a change inside the period, then each input as declared, then each
list. After it no step needs a check of its own. Whether an input is needed, or may be read where it is absent, are
`require` steps.

In a rule set that splits, a row whose period crosses a change comes out as parts, each a row of its own to the program.
A batch without such rows and without lists is not copied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from engine.compiler.program import END_DAY, FIRST_DAY, PARTS_MAX, ROW, AxisSpec, Compiled, InputSpec
from engine.evaluator.clock import Clock, axis_clock
from engine.evaluator.columns import Fault, Reading, absent, as_it_came, bounds_text, fault_text, read_column
from engine.evaluator.door_days import Days, version_day
from engine.evaluator.door_lists import Listed, listed
from engine.evaluator.items import chosen_items
from engine.evaluator.parts import Cut, cut, divided
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Array, Column, Mask, RowProblem, Rows, UnknownColumns, Whole, day_text, same
from engine.language.problems import Place

BUILT_IN: Final = ("period_from", "period_to", "day", "bill_from", "bill_to", "part", "parts")
"""Inputs that the door supplies, beside the undivided ones."""
OF_BILL: Final = "@bill"
"""What the name of a divided input ends in where the undivided one is meant."""
NO_VERSION = -1
NO_DAY = np.iinfo(np.int64).min  # how numpy writes a missing datetime64


@dataclass(frozen=True)
class Door:
    """What the door lets in.

    Attributes:
        received: rows that came.
        positions: shape (row,) positions in the batch of the rows admitted, ascending; None: every row is.
        inputs: name -> shape (part,) int64, or bool, of a list's inputs (item,); an absent value reads as its default
            or the type's low. Those that are unchecked may be any integers. Also `period_from`, `period_to`,
            `bill_from`, `bill_to` and `day`, the day that picks the version [days since 1970-01-01], `part` from 1,
            `parts`, and undivided inputs.
        given: name -> shape (part,) whether the row gives the input or the list; of a list's inputs (item,).
        version: shape (part,) positions in `compiled.constants.versions`; of stride 0 where all are the same.
        problems: one for each row refused, by position.
        offsets: shape (row + 1,) first part of each row; None: every row is one part.
        lists: list -> shape (part + 1,) first item of each part.
        unchecked: name -> bounds of an input that was not looked at: who computes looks, a block at a time. A row that
            has a value outside is refused; `admit` says why, if it is asked to look at that row.
    """

    received: int
    positions: Whole | None
    inputs: Mapping[str, Array]
    given: Mapping[str, Mask]
    version: Whole
    problems: tuple[RowProblem, ...]
    offsets: Whole | None = None
    lists: Mapping[str, Whole] = field(default_factory=dict)
    unchecked: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @cached_property
    def kept(self) -> Whole:
        """Shape (row,): positions in the batch of the rows admitted, ascending."""
        return np.arange(self.received) if self.positions is None else self.positions

    def some(self, rows: Whole) -> Door:
        """Let in some of the rows admitted, by their numbers here, and say nothing of the others."""
        parts, offsets = (rows, None) if self.offsets is None else chosen_items(self.offsets, rows)
        inputs = {name: values for name, values in self.inputs.items() if _list_of(name, self.lists) is None}
        given = {name: mask for name, mask in self.given.items() if _list_of(name, self.lists) is None}
        inputs = {name: _thinned(values, parts) for name, values in inputs.items()}
        given = {name: _thinned(mask, parts) for name, mask in given.items()}
        lists = {}
        for name, its in self.lists.items():
            items, lists[name] = chosen_items(its, parts)
            inputs |= {one: _thinned(v, items) for one, v in self.inputs.items() if _list_of(one, (name,)) == name}
            given |= {one: _thinned(v, items) for one, v in self.given.items() if _list_of(one, (name,)) == name}
        kept = rows if self.positions is None else self.positions[rows]
        version = _thinned(self.version, parts)
        return Door(len(rows), kept, inputs, given, version, (), offsets, lists, self.unchecked)


def supplied(name: str) -> bool:
    """Tell an input that the door supplies from one that a row gives.

    >>> supplied("day"), supplied("kwh@bill"), supplied("kwh")
    (True, True, False)
    """
    return name in BUILT_IN or name.endswith(OF_BILL)


def admit(
    compiled: Compiled,
    rows: Rows,
    positions: Whole | None = None,
    *,
    pass_through: Collection[str] = (),
    look: bool = True,
) -> Door:
    """Check a batch.

    Args:
        compiled: the rule set of every row; `rows.ruleset` is not looked at.
        rows: the batch.
        positions: shape (row,) ascending positions of the rows to look at; None: all.
        pass_through: columns that nothing reads.
        look: at the values of every column; else those that can be computed on as they came stay unchecked.

    Raises:
        UnknownColumns: a column is neither an input nor passed through.
    """
    program = compiled.program
    specs = [one for one in program.inputs if one.name not in BUILT_IN and not one.name.endswith(OF_BILL)]
    _all_known(specs, program.axes, rows, pass_through)
    desk = _Desk(compiled, rows, positions)
    period_from, period_to = desk.days()
    of = cut(period_from.values, period_to.values, compiled.change_days) if compiled.changes == "split" else None
    if of is None:
        day = version_day(compiled, period_from, period_to)
        version = desk.versions(day)
        if compiled.changes == "refuse":
            desk.changes(period_from, period_to)
    else:
        desk.parts(of, period_from, period_to)
        day = version_day(compiled, Days.of(of.first), Days.of(of.end))
        version = desk.versions(day, of)
    desk.looks = look or of is not None  # what is divided between parts has to be in its bounds
    inputs: dict[str, Array] = {}
    given: dict[str, Mask] = {}
    everywhere = same(np.True_, len(desk))
    for spec in specs:
        if spec.type.axis == ROW:
            read = desk.read(spec)
            inputs[spec.name] = read.values
            given[spec.name] = everywhere if read.given is None else read.given
    lists = {}
    clocks = {}
    for axis in program.axes:
        if axis.minutes:
            clocks[axis.name] = axis_clock(program, axis, period_from.low, max(period_to.high, period_from.low + 1))
        items = listed(rows.children.get(axis.name), len(rows), positions)
        desk.counts(axis, items, clocks.get(axis.name), period_from.values, period_to.values)
        given[axis.name] = items.given
        for spec in specs:
            if spec.type.axis == axis.name:
                read = desk.read_items(spec, items)
                inputs[spec.name] = read.values
                given[spec.name] = same(np.True_, len(read.values)) if read.given is None else read.given
        lists[axis.name] = items.offsets
    inputs |= {"period_from": period_from.values, "period_to": period_to.values}
    if of is None:
        inputs["day"] = day.values
        return desk.close(inputs, given, version, lists, specs)
    door = desk.close(inputs, given, same(np.int64(0), len(desk)), lists, ())
    days = day.values
    if desk.refused is not None:
        left = np.flatnonzero(~desk.refused)
        parts, _ = chosen_items(of.offsets, left)
        of, days, version = of.some(left), days[parts], _thinned(version, parts)
    return _in_parts(door, of, days, version, specs, clocks)


def _all_known(
    specs: Collection[InputSpec], axes: Collection[AxisSpec], rows: Rows, pass_through: Collection[str]
) -> None:
    """Raise where the batch has columns or lists that nothing reads."""
    known = {spec.name for spec in specs}
    unknown = rows.columns.keys() - known - set(pass_through)
    if rows.children:
        # A column is of the row, a list is a list.
        lists = {axis.name for axis in axes}
        unknown |= rows.children.keys() - lists
        unknown |= {f"{n}.{one}" for n, its in rows.children.items() if n in lists for one in its.columns} - known
        unknown -= set(pass_through)
    if unknown:
        known |= {axis.name for axis in axes}
        raise UnknownColumns(tuple(sorted(unknown)), tuple(sorted(known)))


def _list_of(name: str, lists: Collection[str]) -> str | None:
    """The list that an input is of."""
    axis, dot, _ = name.partition(".")
    return axis if dot and axis in lists else None


def _in_parts(
    door: Door, of: Cut, day: Whole, version: Whole, specs: Collection[InputSpec], clocks: Mapping[str, Clock]
) -> Door:
    """Make a row of each part: what is divided by days, an interval list by its clock, all else for each."""
    row, rows = of.row, door.inputs
    inputs = {name: _thinned(v, row) for name, v in rows.items() if _list_of(name, door.lists) is None}
    given = {name: _thinned(v, row) for name, v in door.given.items() if _list_of(name, door.lists) is None}
    inputs |= {"bill_from": inputs["period_from"], "bill_to": inputs["period_to"]}
    inputs |= {"period_from": of.first, "period_to": of.end, "day": day}
    inputs |= {"part": of.number + 1, "parts": of.counts.take(row)}
    for spec in specs:
        if spec.split:
            inputs[f"{spec.name}{OF_BILL}"] = inputs[spec.name]
            inputs[spec.name] = divided(rows[spec.name], of)
    lists = {}
    for name, offsets in door.lists.items():
        items: Whole | slice = slice(None)
        if name in clocks:
            # One after another the parts' intervals are the row's: only where each begins is new.
            begins = clocks[name].begins(of.first) - clocks[name].begins(inputs["bill_from"])
            empty = (np.diff(offsets) == 0).take(row)
            lists[name] = np.append(offsets[:-1].take(row) + np.where(empty, 0, begins), offsets[-1])
        else:
            items, lists[name] = chosen_items(offsets, row)
        inputs |= {one: v[items] for one, v in rows.items() if _list_of(one, (name,)) == name}
        given |= {one: v[items] for one, v in door.given.items() if _list_of(one, (name,)) == name}
    return Door(door.received, door.positions, inputs, given, version, door.problems, of.offsets, lists)


class _Desk:
    """The state of one batch at the door: which rows are refused, and why."""

    def __init__(self, compiled: Compiled, rows: Rows, positions: Whole | None) -> None:
        self.compiled = compiled
        self.rows = rows
        self.positions = positions
        self.refused: Mask | None = None
        self.problems: list[RowProblem] = []
        self.looks = True
        self.unchecked: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self.rows) if self.positions is None else len(self.positions)

    def days(self) -> tuple[Days, Days]:
        """Check the billing periods; a row refused reads as the first day."""
        first, end = self._taken(self.rows.period_from), self._taken(self.rows.period_to)
        firsts, ends = Days.of(first), Days.of(end)
        for name, days, of in (("period_from", first, firsts), ("period_to", end, ends)):
            if not (of.low >= FIRST_DAY and of.high < END_DAY):

                def bad_day(at: int, name: str = name, days: Whole = days) -> RowProblem:
                    missing = days[at] == NO_DAY
                    value = "" if missing else day_text(int(days[at]))
                    return self._problem(at, "missing-value" if missing else "bad-date", name, value)

                self._refuse((days < FIRST_DAY) | (days >= END_DAY), bad_day)
        if firsts.high >= ends.low and not (first < end).all():

            def backwards(at: int) -> RowProblem:
                both = {"period_from": day_text(int(first[at])), "period_to": day_text(int(end[at]))}
                return self._problem(at, "bad-period", "period_to", both["period_to"], None, **both)

            self._refuse(first >= end, backwards)
        if self.refused is None:
            return firsts, ends
        first, end = (np.where(self.refused, FIRST_DAY + plus, days) for plus, days in ((0, first), (1, end)))
        return Days.of(first), Days.of(end)

    def parts(self, of: Cut, firsts: Days, ends: Days) -> None:
        """Refuse periods of too many parts."""
        counts = of.counts
        if counts.max() <= PARTS_MAX:
            return

        def many(at: int) -> RowProblem:
            both = {"period_from": day_text(int(firsts.values[at])), "period_to": day_text(int(ends.values[at]))}
            more = {**both, "found": str(counts[at]), "at_most": str(PARTS_MAX)}
            return self._problem(at, "too-many-parts", "period_to", both["period_to"], None, **more)

        self._refuse(counts > PARTS_MAX, many)

    def versions(self, days: Days, of: Cut | None = None) -> Whole:
        """Find the version of each row, or part, by a table over the days of the batch."""
        day, low, high = days.values, days.low, days.high
        if not len(day):
            return day
        compiled = self.compiled
        table = np.full(high - low + 1, NO_VERSION, np.int64)
        for position, one in enumerate(compiled.constants.versions):
            last = one.end_day if compiled.end_day is None else min(one.end_day, compiled.end_day)
            table[max(max(one.first_day, compiled.first_day) - low, 0) : max(last - low, 0)] = position
        if of is not None:
            self._leaves(days, of)
        # By version, and last what NO_VERSION, as a position, reads.
        unpriced = np.array([*(bool(one.missing) for one in compiled.constants.versions), True])
        if (table == table[0]).all():
            version = same(table[0], len(day))
        else:
            version = table.take(day - low)
        if unpriced[table].any():
            bad = unpriced[version]
            if of is None:
                self._refuse(bad, lambda at: self._no_price(at, int(version[at]), int(day[at])))
                return version

            def first_unpriced(at: int) -> RowProblem:
                part = int(of.offsets[at]) + int(bad[of.offsets[at] :].argmax())
                return self._no_price(at, int(version[part]), int(day[part]))

            self._refuse(np.logical_or.reduceat(bad, of.offsets[:-1]), first_unpriced)
        return version

    def _leaves(self, days: Days, of: Cut) -> None:
        """Refuse rows of which some parts are within the days of the rule set and others are not."""
        last = END_DAY if self.compiled.end_day is None else self.compiled.end_day - 1
        if self.compiled.first_day <= days.low and days.high <= last:
            return
        within = (self.compiled.first_day <= days.values) & (days.values <= last)
        turns = np.append(False, within[1:] != within[:-1]) & (of.number > 0)

        def leaving(at: int) -> RowProblem:
            start, end = int(of.offsets[at]), int(of.offsets[at + 1])
            turn = start + int(turns[start:end].argmax())
            return self._crosses(at, int(of.first[start]), int(of.end[end - 1]), int(of.first[turn]))

        self._refuse(np.logical_or.reduceat(turns, of.offsets[:-1]), leaving)

    def _no_price(self, at: int, version: int, day: int) -> RowProblem:
        text = day_text(day)
        if version == NO_VERSION:
            compiled = self.compiled
            return self._problem(at, "no-price-in-force", compiled.id, text, compiled.place, day=text)
        missing = self.compiled.constants.versions[version].missing[0]
        return self._problem(at, missing.code, missing.field, text, missing.place, day=text)

    def changes(self, firsts: Days, ends: Days) -> None:
        """Refuse periods that hold a change strictly inside."""
        first, end, low, high = firsts.values, ends.values, firsts.low, ends.high
        days = np.array([day for day in self.compiled.change_days if low < day < high], np.int64)
        if not len(days):
            return
        # For each day on which a period begins, the next change after it.
        begins = np.arange(low, firsts.high + 1)
        following = np.append(days, END_DAY)[np.searchsorted(days, begins, side="right")]
        change = following.take(first - low)

        self._refuse(change < end, lambda at: self._crosses(at, int(first[at]), int(end[at]), int(change[at])))

    def _crosses(self, at: int, first: int, end: int, day: int) -> RowProblem:
        named = {"period_from": day_text(first), "period_to": day_text(end), "day": day_text(day)}
        return self._problem(at, "period-crosses-change", "period_to", named["period_to"], None, **named)

    def read(self, spec: InputSpec) -> Reading:
        """Check an input's column."""
        column = self.rows.columns.get(spec.name)
        if column is not None and self.positions is not None:
            valid = None if column.valid is None else column.valid[self.positions]
            column = Column(column.values[self.positions], column.places, valid, column.codes)
        bounds = None if self.looks or column is None else as_it_came(spec.type, column)
        if column is not None and bounds is not None:
            self.unchecked[spec.name] = bounds
            return Reading(column.values)
        read = absent(spec, len(self)) if column is None else read_column(spec, column)
        if read.faults is not None:
            faults = read.faults
            self._refuse(faults != 0, lambda at: self._faulty(at, spec, column, at, Fault(int(faults[at]))))
        return read

    def counts(self, axis: AxisSpec, items: Listed, clock: Clock | None, period_from: Whole, period_to: Whole) -> None:
        """Check that a list is given, that it is not too long, and that an interval list has all its intervals."""
        if not axis.optional and not items.given.all():
            self._refuse(~items.given, lambda at: self._problem(at, "missing-value", axis.name, "", axis.place))
        counts = np.diff(items.offsets)
        if (counts > axis.at_most).any():

            def too_many(at: int) -> RowProblem:
                found, at_most = str(counts[at]), str(axis.at_most)
                return self._problem(at, "too-many-items", axis.name, found, axis.place, found=found, at_most=at_most)

            self._refuse(counts > axis.at_most, too_many)
        if clock is None:
            return
        expected = clock.begins(period_to) - clock.begins(period_from)
        wrong = (counts != expected) & items.given
        if wrong.any():

            def miscounted(at: int) -> RowProblem:
                texts = {"expected": str(expected[at]), "found": str(counts[at])}
                return self._problem(at, "interval-count", axis.name, texts["found"], axis.place, **texts)

            self._refuse(wrong, miscounted)

    def read_items(self, spec: InputSpec, items: Listed) -> Reading:
        """Check an input of a list; the first faulty item refuses its row."""
        column, read = items.read(spec)
        if read.faults is not None:
            faults = read.faults
            bad, first = items.faulty(faults)

            def faulty(at: int) -> RowProblem:
                item = int(first[at])
                number = str(item - int(items.offsets[at]) + 1)
                return self._faulty(at, spec, column, item, Fault(int(faults[item])), item=number)

            self._refuse(bad, faulty)
        return read

    def _faulty(
        self, at: int, spec: InputSpec, column: Column | None, cell: int, fault: Fault, **item: str
    ) -> RowProblem:
        """Say what is wrong with a cell of a column."""
        low, high = bounds_text(spec.type)
        codes = ("true", "false") if spec.type.kind == "boolean" else spec.type.codes
        more = {"low": low, "high": high, "places": str(spec.type.places), "codes": ", ".join(codes), **item}
        return self._problem(at, fault.code, spec.name, fault_text(spec, column, cell, fault), spec.place, **more)

    def close(
        self,
        inputs: Mapping[str, Array],
        given: Mapping[str, Mask],
        version: Whole,
        lists: Mapping[str, Whole],
        specs: Collection[InputSpec],
    ) -> Door:
        """Leave the refused rows out, and supply what a program may ask about parts: each row is one.

        `specs`: inputs, of which some are divided between parts.
        """
        kept, count = self.positions, len(self)
        if self.refused is not None:
            left = np.flatnonzero(~self.refused)
            some = Door(count, kept, inputs, given, version, (), None, lists).some(left)
            kept, inputs, given, version, lists = some.positions, some.inputs, some.given, some.version, some.lists
            count = len(left)
        problems = tuple(sorted(self.problems, key=lambda found: found.row))
        assert count + len(problems) == len(self), f"{len(self)} rows came, {count} kept, {len(problems)} not"
        one = same(np.int64(1), count)
        of_bill = {"bill_from": inputs["period_from"], "bill_to": inputs["period_to"], "part": one, "parts": one}
        undivided = {f"{spec.name}{OF_BILL}": inputs[spec.name] for spec in specs if spec.split}
        inputs = {**inputs, **of_bill, **undivided}
        self.unchecked |= {f"{n}{OF_BILL}": of for n, of in self.unchecked.items() if f"{n}{OF_BILL}" in undivided}
        return Door(len(self), kept, inputs, given, version, problems, None, lists, self.unchecked)

    def _taken(self, values: Whole) -> Whole:
        return values if self.positions is None else values[self.positions]

    def _refuse(self, bad: Mask, say: Callable[[int], RowProblem]) -> None:
        """Refuse rows that nothing refused before."""
        new = bad if self.refused is None else bad & ~self.refused
        self.problems.extend(say(at) for at in np.flatnonzero(new).tolist())
        self.refused = bad.copy() if self.refused is None else self.refused | bad

    def _problem(
        self, at: int, code: str, field: str, value: str, place: Place | None = None, **parameters: str
    ) -> RowProblem:
        """Make a row's problem; `place` is of the rule that it fell foul of."""
        row = at if self.positions is None else int(self.positions[at])
        return row_problem(row, self.rows.row_id[row], code, field, value, place, **parameters)


def _thinned(values: Array, rows: Whole) -> Array:
    """Some rows of a column; one that repeats a single value goes on doing so."""
    if values.strides == (0,) and len(values):
        return same(values[0], len(rows))
    return values[rows]
