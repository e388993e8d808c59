"""Whole numbers that depend on a rule set and a day: which version is in force, when the next change comes.

Takes, for each member of a family, steps by day; reads them for a batch's rows, by a table over its days where the
batch is large enough to pay for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.compiler.program import END_DAY, FIRST_DAY
from engine.evaluator.door_days import Days
from engine.evaluator.rows import Array, Whole, same

NO_VERSION: Final = -1
DAYS: Final = END_DAY - FIRST_DAY + 1
ROWS_READ: Final = 65536  # at a time: what lies between two passes stays in cache
TABLES_KEPT: Final = 4
CELLS_A_ROW: Final = 16  # filling so many cells costs about as much as searching for one


@dataclass(frozen=True, slots=True)
class Read:
    """What rows found.

    Attributes:
        found: shape (row,) int64; of stride 0 where all are the same.
        among: numbers, of any shape; every one that is in `found` is among them.
    """

    found: Whole
    among: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Numbers by member and day, or by member alone where its days do not differ."""

    cells: Array
    offsets: Whole  # (member,) what added to a day gives its cell
    by_member: bool
    single: bool  # all numbers are the same


@dataclass(frozen=True, eq=False)
class ByDay:
    """A whole number by member and day.

    Attributes:
        starts: shape (step,) ascending: member x DAYS + the day from which a number holds, counted from `FIRST_DAY`,
            with which every member's first step begins.
        values: shape (step,) int16 or int32.
        members: how many.
    """

    starts: Whole
    values: Array
    members: int
    _tables: dict[tuple[int, int, int], _Table] = field(default_factory=dict)

    @classmethod
    def of(cls, members: Sequence[Sequence[tuple[int, int]]]) -> ByDay:
        """Take each member's (day, number), ascending by day; of two on one day the later counts."""
        starts = [number * DAYS + max(day - FIRST_DAY, 0) for number, steps in enumerate(members) for day, _ in steps]
        values = [value for steps in members for _, value in steps]
        small = min(values) >= -(2**15) and max(values) < 2**15
        return cls(np.array(starts, np.int64), np.array(values, np.int16 if small else np.int32), len(members))

    def read(self, member: Whole | None, days: Days) -> Read:
        """Find each row's number.

        Args:
            member: shape (row,); None: all rows are the first's.
            days: shape (row,), in [FIRST_DAY, END_DAY].
        """
        rows, low, span = len(days.values), days.low, days.high - days.low + 1
        members = 1 if member is None else self.members
        if members * span > CELLS_A_ROW * rows + 1024:
            keys = days.values - FIRST_DAY
            if member is not None:
                keys += member * DAYS
            values = self.values[np.searchsorted(self.starts, keys, side="right") - 1].astype(np.int64)
            return Read(values, values)
        table = self._table(low, span, members)
        if table.single:
            return Read(same(np.int64(table.cells[0]), rows), table.cells[:1])
        found = np.empty(rows, np.int64)
        for start in range(0, rows, ROWS_READ):
            at = slice(start, start + ROWS_READ)
            if member is None:
                index = days.values[at] - low
            elif table.by_member:
                index = member[at]
            else:
                index = table.offsets.take(member[at])
                index += days.values[at]
            found[at] = table.cells.take(index)
        return Read(found, table.cells)

    def _table(self, low: int, span: int, members: int) -> _Table:
        """Lay numbers out for `span` days from `low` on; batches are often of the same days."""
        key = (low, span, members)
        found = self._tables.get(key)
        if found is None:
            if len(self._tables) >= TABLES_KEPT:
                self._tables.clear()
            cells = self._cells(low, span, members)
            by_member = members > 1 and bool((cells == cells[:, :1]).all())
            found = self._tables[key] = _Table(
                np.ascontiguousarray(cells[:, 0]) if by_member else cells.ravel(),
                np.arange(members) * span - low,
                by_member,
                bool((cells == cells[0, 0]).all()),
            )
        return found

    def _cells(self, low: int, span: int, members: int) -> Array:
        """Shape (member, day) for `span` days from `low` on."""
        if members == 1:
            begin_day, end = low - FIRST_DAY, low - FIRST_DAY + span
            first, last = np.searchsorted(self.starts, (begin_day, end - 1), side="right").tolist()
            days = [begin_day, *self.starts[first:last].tolist(), end]
            return np.repeat(self.values[first - 1 : last], np.diff(days)).reshape(1, span)
        begin = np.arange(members) * DAYS + (low - FIRST_DAY)
        of = self.starts // DAYS
        # Where each step begins in the table; what begins before its first day, begins on it.
        cells = of * span + np.clip(self.starts - begin[of], 0, span)
        counts = np.diff(cells, append=members * span)
        return np.repeat(self.values, counts).reshape(members, span)
