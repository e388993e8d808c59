"""Rows whose billing period crosses a change, cut into parts: days, and what is divided by them.

Takes columns of rows and the days of change; gives columns of parts, which stay behind one another in the order of the
rows. All in int64: a share is a whole number of days times a whole number of the smallest place, over all days, and is
worked so that no product leaves int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluator.rows import Whole


@dataclass(frozen=True)
class Cut:
    """Where rows are cut.

    Attributes:
        offsets: shape (row + 1,) first part of each row.
        row: shape (part,) the row of each part.
        first: shape (part,) first day of each part.
        end: shape (part,) the day after its last.
    """

    offsets: Whole
    row: Whole
    first: Whole
    end: Whole

    @property
    def counts(self) -> Whole:
        """Parts of each row."""
        return np.diff(self.offsets)

    @property
    def number(self) -> Whole:
        """Shape (part,): how many parts of its row stand before each."""
        return np.arange(len(self.row)) - self.offsets[:-1].take(self.row)

    def some(self, rows: Whole) -> Cut:
        """Give the parts of some rows."""
        counts = self.counts[rows]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        at = np.repeat(self.offsets[rows] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Cut(offsets, np.repeat(np.arange(len(rows)), counts), self.first[at], self.end[at])


def cut(
    first: Whole, end: Whole, changes: Sequence[int] | Whole, passed: tuple[Whole, Whole] | None = None
) -> Cut | None:
    """Cut billing periods at every change strictly inside; None: no period holds one.

    Args:
        first: shape (row,) first day of each.
        end: shape (row,) the day after its last, later than the first.
        changes: days, ascending; with `passed`, those of one row behind another's as well.
        passed: shape (row,) each: where in `changes` stand the first after a row's first day, and the first of its end
            or later; None: every row has all changes.
    """
    if not len(first):
        return None
    if passed is None:
        low, high = int(first.min()), int(end.max())
        days = np.array([day for day in changes if low < day < high], np.int64)
        if not len(days):
            return None
        # By day: the changes on it or before, and those before it.
        span = np.arange(low, high + 1)
        after, before = (np.searchsorted(days, span, side).astype(np.int64) for side in ("right", "left"))
        passed = after.take(first - low), before.take(end - low)
    else:
        days = np.asarray(changes, np.int64)
    skipped, before = passed
    counts = before - skipped + 1
    if (counts <= 1).all():
        return None
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    row = np.repeat(np.arange(len(first)), counts)
    number = np.arange(offsets[-1]) - offsets[:-1].take(row)
    begins = number > 0
    firsts, ends = first.take(row), end.take(row)
    change = days.take(skipped.take(row) + number - 1, mode="clip")  # the change with which a part begins
    firsts[begins] = change[begins]
    goes_on = np.flatnonzero(begins) - 1
    ends[goes_on] = firsts[goes_on + 1]
    return Cut(offsets, row, firsts, ends)


def divided(values: Whole, of: Cut) -> Whole:
    """Divide each row's value between its parts by days.

    Each part but the last gets its share, rounded half away from zero, but never more than is left; the last gets the
    rest. The parts add up to the value.

    Args:
        values: shape (row,) whole numbers of the smallest place.
        of: how the rows are cut.

    >>> of = Cut(np.array([0, 2]), np.array([0, 0]), np.array([0, 10]), np.array([10, 31]))
    >>> divided(np.array([100]), of).tolist(), divided(np.array([-1]), of).tolist()
    ([32, 68], [0, -1])
    """
    found = values.take(of.row)
    rows = np.flatnonzero(of.counts > 1)
    if not len(rows):
        return found
    parts, starts, size = of.counts[rows], of.offsets[rows], np.abs(values[rows])
    first, end = of.first[starts], of.end[starts + parts - 1]
    whole = end - first
    each, rest = np.divmod(size, whole)  # size * days = each * days * whole + rest * days; rest and days are small
    left = size.copy()
    for number in range(int(parts.max())):
        some = np.flatnonzero(parts > number)
        at = starts[some] + number
        days, of_all = of.end[at] - of.first[at], whole[some]
        share = each[some] * days + (2 * rest[some] * days + of_all) // (2 * of_all)
        share = np.where(parts[some] == number + 1, left[some], np.minimum(share, left[some]))
        found[at] = np.where(values[rows[some]] < 0, -share, share)
        left[some] -= share
    return found
