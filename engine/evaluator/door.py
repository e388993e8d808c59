"""The door: which rows of a batch may be computed, and their inputs as whole numbers in the declared bounds.

Takes a rule set and a batch; gives admitted rows with safe columns, the version of each, and the first thing that is
wrong with every other row: its days, the version, a change inside the period, then each input as declared. After it no
step needs a check of its own. Whether an input is needed, or may be read where it is absent, are `require` steps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from engine.compiler.program import END_DAY, FIRST_DAY, Compiled, InputSpec
from engine.evaluator.columns import Fault, Reading, absent, bounds_text, fault_text, read_column
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Array, Column, Mask, RowProblem, Rows, UnknownColumns, Whole, day_text
from engine.language.problems import Place

BUILT_IN = ("period_from", "period_to", "day")  # inputs of kind date that the door supplies
NO_VERSION = -1
NO_DAY = np.iinfo(np.int64).min  # how numpy writes a missing datetime64


@dataclass(frozen=True)
class Door:
    """What the door lets in.

    Attributes:
        received: rows that came.
        kept: shape (row,) positions in the batch of the rows admitted, ascending.
        inputs: name -> shape (row,) int64, or bool; an absent value reads as its default or the type's low. Also
            `period_from`, `period_to` and `day`, the day that picks the version [days since 1970-01-01].
        given: name -> shape (row,) whether the row gives the input.
        version: shape (row,) positions in `compiled.constants.versions`; of stride 0 where all are the same.
        problems: one for each row refused, by position.
    """

    received: int
    kept: Whole
    inputs: Mapping[str, Array]
    given: Mapping[str, Mask]
    version: Whole
    problems: tuple[RowProblem, ...]


def admit(
    compiled: Compiled, rows: Rows, positions: Whole | None = None, *, pass_through: Collection[str] = ()
) -> Door:
    """Check a batch.

    Args:
        compiled: the rule set of every row; `rows.ruleset` is not looked at.
        rows: the batch.
        positions: shape (row,) ascending positions of the rows to look at; None: all.
        pass_through: columns that nothing reads.

    Raises:
        UnknownColumns: a column is neither an input nor passed through.
    """
    specs = [spec for spec in compiled.program.inputs if spec.name not in BUILT_IN]
    names = {spec.name for spec in specs}
    unknown = sorted(rows.columns.keys() - names - set(pass_through))
    if unknown:
        raise UnknownColumns(tuple(unknown), tuple(sorted(names)))
    desk = _Desk(compiled, rows, positions)
    period_from, period_to = desk.days()
    match compiled.version_by:
        case "period_from":
            day = period_from
        case "last_day":
            day = _Days(period_to.values - 1, period_to.low - 1, period_to.high - 1)
        case "reading_day":
            day = period_to
    version = desk.versions(day)
    desk.changes(period_from, period_to)
    inputs: dict[str, Array] = {"period_from": period_from.values, "period_to": period_to.values, "day": day.values}
    given: dict[str, Mask] = {}
    everywhere = np.broadcast_to(np.True_, len(desk))
    for spec in specs:
        read = desk.read(spec)
        inputs[spec.name] = read.values
        given[spec.name] = everywhere if read.given is None else read.given
    return desk.close(inputs, given, version)


@dataclass(frozen=True, slots=True)
class _Days:
    """A column of days with its least and largest, which are looked for once."""

    values: Whole
    low: int
    high: int

    @classmethod
    def of(cls, values: Whole) -> _Days:
        if not len(values):
            return cls(values, FIRST_DAY, FIRST_DAY)
        return cls(values, int(values.min()), int(values.max()))


class _Desk:
    """The state of one batch at the door: which rows are refused, and why."""

    def __init__(self, compiled: Compiled, rows: Rows, positions: Whole | None) -> None:
        self.compiled = compiled
        self.rows = rows
        self.positions = positions
        self.refused: Mask | None = None
        self.problems: list[RowProblem] = []

    def __len__(self) -> int:
        return len(self.rows) if self.positions is None else len(self.positions)

    def days(self) -> tuple[_Days, _Days]:
        """Check the billing periods; a row refused reads as the first day."""
        first, end = self._taken(self.rows.period_from), self._taken(self.rows.period_to)
        firsts, ends = _Days.of(first), _Days.of(end)
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
        return _Days.of(first), _Days.of(end)

    def versions(self, days: _Days) -> Whole:
        """Find each row's version by a table over the days of the batch."""
        day, low, high = days.values, days.low, days.high
        if not len(day):
            return day
        compiled = self.compiled
        table = np.full(high - low + 1, NO_VERSION, np.int64)
        for position, one in enumerate(compiled.constants.versions):
            last = one.end_day if compiled.end_day is None else min(one.end_day, compiled.end_day)
            table[max(max(one.first_day, compiled.first_day) - low, 0) : max(last - low, 0)] = position
        # By version, and last what NO_VERSION, as a position, reads.
        unpriced = np.array([*(bool(one.missing) for one in compiled.constants.versions), True])
        if (table == table[0]).all():
            version = np.broadcast_to(table[0], day.shape)
        else:
            version = table.take(day - low)
        if unpriced[table].any():
            self._refuse(unpriced[version], lambda at: self._no_price(at, int(version[at]), int(day[at])))
        return version

    def _no_price(self, at: int, version: int, day: int) -> RowProblem:
        text = day_text(day)
        if version == NO_VERSION:
            compiled = self.compiled
            return self._problem(at, "no-price-in-force", compiled.id, text, compiled.place, day=text)
        missing = self.compiled.constants.versions[version].missing[0]
        return self._problem(at, missing.code, missing.field, text, missing.place, day=text)

    def changes(self, firsts: _Days, ends: _Days) -> None:
        """Refuse periods that hold a change strictly inside."""
        first, end, low, high = firsts.values, ends.values, firsts.low, ends.high
        days = np.array([day for day in self.compiled.change_days if low < day < high], np.int64)
        if not len(days):
            return
        # For each day on which a period begins, the next change after it.
        begins = np.arange(low, firsts.high + 1)
        following = np.append(days, END_DAY)[np.searchsorted(days, begins, side="right")]
        change = following.take(first - low)

        def crossing(at: int) -> RowProblem:
            texts = {"period_from": first[at], "period_to": end[at], "day": change[at]}
            named = {name: day_text(int(day)) for name, day in texts.items()}
            return self._problem(at, "period-crosses-change", "period_to", named["period_to"], None, **named)

        self._refuse(change < end, crossing)

    def read(self, spec: InputSpec) -> Reading:
        """Check an input's column."""
        column = self.rows.columns.get(spec.name)
        if column is not None and self.positions is not None:
            valid = None if column.valid is None else column.valid[self.positions]
            column = Column(column.values[self.positions], column.places, valid, column.codes)
        read = absent(spec, len(self)) if column is None else read_column(spec, column)
        if read.faults is not None:
            faults = read.faults

            def faulty(at: int) -> RowProblem:
                fault = Fault(int(faults[at]))
                low, high = bounds_text(spec.type)
                codes = ("true", "false") if spec.type.kind == "boolean" else spec.type.codes
                more = {"low": low, "high": high, "places": str(spec.type.places), "codes": ", ".join(codes)}
                return self._problem(at, fault.code, spec.name, fault_text(spec, column, at, fault), spec.place, **more)

            self._refuse(faults != 0, faulty)
        return read

    def close(self, inputs: Mapping[str, Array], given: Mapping[str, Mask], version: Whole) -> Door:
        """Leave the refused rows out."""
        kept = np.arange(len(self.rows)) if self.positions is None else self.positions
        if self.refused is not None:
            rows = np.flatnonzero(~self.refused)
            kept = kept[rows]
            inputs = {name: values[rows] for name, values in inputs.items()}
            given = {name: _thinned(mask, rows) for name, mask in given.items()}
            version = _thinned(version, rows)
        problems = tuple(sorted(self.problems, key=lambda found: found.row))
        assert len(kept) + len(problems) == len(self), f"{len(self)} rows came, {len(kept)} kept, {len(problems)} not"
        return Door(len(self), kept, inputs, given, version, problems)

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
        return np.broadcast_to(values[0], rows.shape)
    return values[rows]
