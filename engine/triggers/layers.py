"""Layers of events: one event of each of some accounts, with its columns and the days that it falls on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.calendars.local import DAY_US, offsets
from engine.evaluator.rows import Array, Mask, Whole

if TYPE_CHECKING:
    from engine.triggers.panel import EventColumns


@dataclass(frozen=True)
class Layer:
    """One event of each of some groups of a block, all of one type.

    Attributes:
        first: number of the block's first group.
        groups: shape (event,) positions in the block, ascending; None: all of them.
        table: position in `Log.tables`.
        rows: shape (event,) rows of it, or the stretch of it that they are.
        at: shape (event,) [us].
    """

    first: int
    groups: Whole | None
    table: int
    rows: Whole | slice
    at: Whole

    def row(self, some: Whole) -> Whole:
        """Give the rows of some of the events."""
        if isinstance(self.rows, slice):
            stretch: Whole = self.rows.start + some * (self.rows.step or 1)
            return stretch
        found: Whole = self.rows[some]
        return found


@dataclass(frozen=True)
class Grid:
    """A table in which every account has as many events: stretches of columns are its layers as they lie.

    Attributes:
        accounts: shape (group,) position in `Log.accounts`.
        table: position in `Log.tables`.
        each: events of an account.
        by_period: the first event of every account comes first, then the second; else one account after another.
        at: shape (event,) [us].
    """

    accounts: Whole
    table: int
    each: int
    by_period: bool
    at: Whole

    @property
    def groups(self) -> int:
        """How many there are."""
        return len(self.accounts)

    def key_of(self, group: int) -> tuple[str, ...]:
        """Give the key of a group: it is an account."""
        del group
        return ()

    def layers(self, start: int, end: int) -> Iterator[Layer]:
        """As of `Layout`."""
        for number in range(self.each):
            if self.by_period:
                rows = slice(number * self.groups + start, number * self.groups + end)
            else:
                rows = slice(start * self.each + number, end * self.each, self.each)
            yield Layer(start, None, self.table, rows, np.ascontiguousarray(self.at[rows]))

    @classmethod
    def of(cls, table: int, codes: Whole, at: Whole) -> Grid | None:
        """Find out whether a table is one: accounts ascend, and the times of each do, none of them equal."""
        count = len(codes)
        of_first = np.flatnonzero(codes == codes[0])
        each = len(of_first)
        if count % each:
            return None
        groups = count // each
        by_period = each == 1 or int(of_first[1]) == groups
        shape = (each, groups) if by_period else (groups, each)
        codes, times = codes.reshape(shape), at.reshape(shape)
        accounts = codes[0] if by_period else np.ascontiguousarray(codes[:, 0])
        regular = (
            bool((accounts[1:] > accounts[:-1]).all())
            and bool((codes == (accounts if by_period else accounts[:, None])).all())
            and bool((times[1:] > times[:-1]).all() if by_period else (times[:, 1:] > times[:, :-1]).all())
        )
        return cls(accounts, table, each, by_period, at) if regular else None


class Columns:
    """Values of the events of a layer, each fetched once for all triggers."""

    def __init__(self, table: EventColumns, layer: Layer) -> None:
        self._table = table
        self._rows, self._at = layer.rows, layer.at
        self._values: dict[str, Array] = {}
        self._days: dict[str, Whole] = {}
        self._calendar: dict[tuple[str, str], Whole] = {}
        self._given: dict[str, Mask] = {}

    @property
    def type(self) -> str:
        """The event type."""
        return self._table.type

    def value(self, name: str) -> Array:
        """Give an input: shape (event,)."""
        if name not in self._values:
            column = self._table.values.get(name)
            if column is None:
                raise ValueError(f"the events {self.type} lack {name}")
            self._values[name] = np.ascontiguousarray(column[self._rows])
        return self._values[name]

    def given(self, name: str) -> Mask:
        """Give whether an input is there: shape (event,)."""
        if name not in self._given:
            column = self._table.given.get(name)
            every = np.ones(len(self._at), np.bool_)
            self._given[name] = every if column is None else np.ascontiguousarray(column[self._rows])
        return self._given[name]

    def days(self, zone: str) -> Whole:
        """Give the local day of each event: shape (event,) [days since 1970-01-01]."""
        if zone not in self._days:
            self._days[zone] = local_days(self._at, zone)
        return self._days[zone]

    def calendar(self, name: str, zone: str) -> Whole:
        """Give what a transition is told of the month or year of each event: shape (event,)."""
        if (name, zone) not in self._calendar:
            self._calendar[name, zone] = calendar(name, self.days(zone))
        return self._calendar[name, zone]


def local_days(at: Whole, zone: str) -> Whole:
    """Give the local day of each moment: shape (moment,) [days since 1970-01-01]."""
    moments, offset = offsets(zone)
    low, high = int(at.min(initial=at[0])), int(at.max(initial=at[0]))
    first, last = np.searchsorted(moments, (low, high), "right") - 1
    if first == last:
        by = offset[max(int(first), 0)]
        if (low + by) // DAY_US == (high + by) // DAY_US:  # as where all billing periods end with the month
            return np.full(len(at), (low + by) // DAY_US)
        days: Whole = (at + by) // DAY_US
        return days
    which = np.clip(np.searchsorted(np.array(moments, np.int64), at, "right") - 1, 0, None)
    each: Whole = (at + np.array(offset, np.int64)[which]) // DAY_US
    return each


def calendar(name: str, day: Whole) -> Whole:
    """What a transition is told of the month or year of each day (`engine.compiler.triggers.maker.SUPPLIED`)."""
    if len(day) > 1 and bool((day == day[0]).all()):
        return np.full(len(day), calendar(name, day[:1])[0])
    unit = "M" if name.startswith("month") else "Y"
    dates = day.astype("datetime64[D]")
    number = dates.astype(f"datetime64[{unit}]")
    begins = number.astype("datetime64[D]")
    found: Whole
    if name.endswith("_number"):
        found = number.astype(np.int64)
    elif name.endswith("_passed"):
        found = (dates - begins).astype(np.int64) + 1
    else:
        found = ((number + 1).astype("datetime64[D]") - begins).astype(np.int64)
    return found
