"""Answer a tally's questions for a block of rows: sums and extremes of items by conditions of the clock.

Takes items as they lie in memory, a row after another or an interval after another, and where their days are; gives a
whole number for each question and row. Nothing is rounded, and int64 sums fit by the list's `at_most`.

Rows with the same days (`_alike`). Days of one kind are put together interval by interval, and only what is left, one
day of each row, is divided by condition. So every item is read once for its sum and once for its extreme, both in the
order of memory, while a stretch of items is in the second-level cache. A sum of D days is at most D * magnitude: items
of fewer bits are added up in their own type where that fits.

Where a block mixes rows of different days, but each kind of row comes often, as the months of many meters do, those of
the same days are looked at together (`_group`).

Rows of any days (`_apart`). A row is whole days. Those of one kind, of many rows, make a matrix (day, interval), which
is multiplied by the kind's (interval, condition) matrix of ones and zeros in float64. Every product is an item or 0,
and every partial sum, in whatever order they are taken, is a whole number of at most length * magnitude: up to 2^53
that is exact. Beyond, the columns are taken out and added up in int64. Sums of days are then added up to rows.
A product has at most `PRODUCT_MAX` multiplications: a library that computes larger ones on threads of its own would
take cores from the evaluator's.

Items that the door did not look at are looked at here: each row's largest item, and its smallest unless the largest
tells of both. Rows with one out of its bounds are turned away, and what is answered of them is 0. Nothing of them
reaches another row: each answer is made of its own row's items alone, whatever overflows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from engine.compiler.capacity import FLOAT_EXACT
from engine.evaluator.columns import one_look
from engine.evaluator.items import Layout, windows
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.tallies import ALL, How, Kind, Kinds, Question, Tally

CHUNK: Final = 65_536  # items that are looked at several times before the next are: 512 KiB of int64
LINES: Final = 49_152  # the same where the rows of an interval lie together, as what they are added to is as long
GROUPED_MIN: Final = 48  # rows of a block, from which on those of the same days are looked for
GROUP_MIN: Final = 8  # of them, on average, from which on they are looked at together
GATHERED: Final = 2**20  # items of such rows that are brought together at once where they stand in no order
PRODUCT_MAX: Final = 2**18  # OpenBLAS takes threads beyond
_UFUNCS: Final[Mapping[How, np.ufunc]] = {"sum": np.add, "largest": np.maximum, "smallest": np.minimum}

SUM_OF_ALL: Final = Question("sum", ALL)

_Run = tuple[int, int, int]  # kind, first item, days: days of one kind that follow one another


class Ask:
    """The answer to one of a tally's questions, as a call over a list (`engine.evaluator.items`).

    The first call in a block answers all questions; the block's layout keeps the answers.
    """

    def __init__(self, tally: Tally, number: int) -> None:
        self.tally = tally
        self.number = number

    def __call__(self, layout: Layout, x: Array, otherwise: Array | None = None, *, out: Whole) -> None:
        """Answer for each row; `otherwise` for a row without items."""
        found = layout.answers.get(self.tally)
        if found is None:
            found = layout.answers[self.tally] = answers(self.tally, layout, x)
        np.copyto(out, found[self.number])
        if otherwise is not None and layout.filled is not None:
            np.copyto(out, otherwise, where=layout.counts == 0)


def answers(tally: Tally, layout: Layout, x: Array) -> Whole:
    """Answer all questions, shape (question, row); of a row without items 0.

    Args:
        tally: one whose kinds of days the layout knows.
        layout: of a list with a clock.
        x: shape (row, item), in either order of memory, where the layout is even, else (item,).
    """
    found = np.zeros((len(tally.questions), len(layout.counts)), np.int64)
    bounds = layout.unchecked.get(tally.name)
    ends = None if bounds is None else _Ends(*bounds, len(layout.counts), x.dtype)
    begins, counts = layout.begins, layout.counts
    assert begins is not None, "a tally is of a list with a clock"
    if layout.even and layout.alike:
        _alike(tally, layout.kinds[tally], int(begins[0]), x, found, ends)
    elif layout.offsets[-1] > layout.offsets[0]:
        flat = np.ascontiguousarray(x.reshape(-1))
        groups = _groups(begins, counts) if len(counts) >= GROUPED_MIN else []
        for rows in groups:
            of = int(rows[0])
            if counts[of]:
                starts, days = layout.starts[rows], (int(begins[of]), int(counts[of]))
                _group(tally, layout.kinds[tally], *days, flat, starts, rows, found, ends)
        if not groups:
            _apart(tally, layout, flat, found, ends)
    outside = None if ends is None else ends.outside(layout)
    if outside is not None:
        assert layout.turn_away is not None, "whoever leaves values unchecked says how to refuse rows"
        layout.turn_away(outside)
        found[:, outside] = 0
    return found


class _Ends:
    """The largest and the smallest item of each row, beside the bounds in which they have to be.

    Where nothing is below zero, the largest may tell of both: `one_look`.
    """

    def __init__(self, low: int, high: int, rows: int, dtype: np.dtype[Any]) -> None:
        self.low = low
        self.high = high
        self.unsigned = one_look(dtype, low, high)
        self.seen = np.dtype(f"u{dtype.itemsize}") if self.unsigned else dtype
        self.most = np.zeros(rows, self.seen)
        self.least = self.most if self.unsigned else self.most.copy()

    @property
    def wanted(self) -> tuple[tuple[np.ufunc, Array], ...]:
        """What to find of each row, and where it goes; items are looked at as `seen`."""
        most = (np.maximum, self.most)
        return (most,) if self.unsigned else (most, (np.minimum, self.least))

    def outside(self, layout: Layout) -> Mask | None:
        """Shape (row,): rows that have an item out of bounds; None: none has."""
        if not self.most.size or (self.most.max() <= self.high and (self.unsigned or self.least.min() >= self.low)):
            return None
        failed: Mask = ((self.most > self.high) | (self.least < self.low)) & (layout.counts > 0)
        return failed if failed.any() else None


def _extremes(tally: Tally, found: Whole, ends: _Ends | None, x: Array) -> list[tuple[Array, np.ufunc, Array]]:
    """Extremes of all items: the items as they are looked at, what finds it, and where it goes, shape (row,)."""
    wanted = [] if ends is None else [(x.view(ends.seen), ufunc, out) for ufunc, out in ends.wanted]
    known = {ufunc for _, ufunc, _ in wanted}
    for at, one in enumerate(tally.questions):
        if one.how != "sum" and one.condition == ALL and _UFUNCS[one.how] not in known:
            wanted.append((x, _UFUNCS[one.how], found[at]))
    return wanted


def _from_ends(tally: Tally, found: Whole, ends: _Ends | None) -> None:
    """Answer questions about all items with what was looked at for its bounds."""
    if ends is not None:
        known = dict(ends.wanted)
        for at, one in enumerate(tally.questions):
            if one.how != "sum" and one.condition == ALL and _UFUNCS[one.how] in known:
                np.copyto(found[at], known[_UFUNCS[one.how]], casting="unsafe")


# Rows with the same days.


def _groups(begins: Whole, counts: Whole) -> list[Whole]:
    """Rows by the days that they have, where each has as many on average as is worth while; else none."""
    key = begins * (int(counts.max()) + 1) + counts
    found, group, many = np.unique(key, return_inverse=True, return_counts=True)
    if len(found) * GROUP_MIN > len(counts):
        return []
    return np.split(np.argsort(group, kind="stable"), np.cumsum(many)[:-1])


def _group(
    tally: Tally,
    kinds: Kinds,
    begin: int,
    count: int,
    x: Array,
    starts: Whole,
    rows: Whole,
    found: Whole,
    ends: _Ends | None,
) -> None:
    """Answer for rows of a block that have the same days, and that others stand between.

    Args:
        tally: whose questions.
        kinds: the batch's days.
        begin: number of the rows' first interval.
        count: items of each.
        x: shape (item,) of all rows of the block.
        starts: shape (row,) first item of each of the rows.
        rows: shape (row,) their numbers in the block.
        found: answers for the block.
        ends: of the block's rows.
    """
    steps = np.diff(starts)
    apart = len(steps) == 0 or bool((steps == steps[0]).all())  # in even steps, as one month of meter after meter
    step = len(rows) if apart else max(1, GATHERED // count)
    for at in range(0, len(rows), step):
        some = slice(at, at + step)
        if apart:
            by = int(steps[0]) if len(steps) else count
            own = np.ndarray((len(rows), count), x.dtype, x[starts[0] :], strides=(by * x.itemsize, x.itemsize))
        else:
            own = windows(x, count)[starts[some]]
        answered = np.zeros((len(found), len(own)), np.int64)
        looked = None if ends is None else _Ends(ends.low, ends.high, len(own), x.dtype)
        _alike(tally, kinds, begin, own, answered, looked)
        found[:, rows[some]] = answered
        if ends is not None and looked is not None:
            for (_, of_all), (_, of_some) in zip(ends.wanted, looked.wanted, strict=True):
                of_all[rows[some]] = of_some


def _alike(tally: Tally, kinds: Kinds, begin: int, x: Array, found: Whole, ends: _Ends | None) -> None:
    even = x.shape[1]
    runs = _runs(kinds, begin, even)
    by_day = {_UFUNCS[one.how] for one in tally.questions if one.condition != ALL}
    at_once = _extremes(tally, found, ends, x)
    for number, one in enumerate(tally.questions):
        if one == SUM_OF_ALL and np.add not in by_day:
            at_once.append((x, np.add, found[number]))
    lines = len(x) > 1 and x.strides[0] < x.strides[1]
    present = list(dict.fromkeys(run[0] for run in runs))
    days: dict[tuple[np.ufunc, int], _Day] = {}
    for kind in present:
        for ufunc in by_day:
            start, end = _stretch(tally, ufunc, kinds.kinds[kind])
            if start < end:
                fits = ufunc is not np.add or tally.magnitude * even <= np.iinfo(x.dtype).max
                shape = (end - start, len(x)) if lines else (len(x), end - start)
                days[ufunc, kind] = _Day(start, end, np.empty(shape, x.dtype if fits else np.int64))
    if lines:
        _look_by_line(x.T, kinds, runs, [(of.T, ufunc, out) for of, ufunc, out in at_once], days)
    else:
        rows = max(1, CHUNK // even)
        for at in range(0, len(x), rows):
            some = slice(at, at + rows)
            own = [(of[some], ufunc, out[some]) for of, ufunc, out in at_once]
            _look_by_row(x[some], kinds, runs, own, {key: its.some(some) for key, its in days.items()})
    _from_ends(tally, found, ends)
    for number, one in enumerate(tally.questions):
        ufunc = _UFUNCS[one.how]
        if ufunc in by_day and (one.condition != ALL or one.how == "sum"):
            of_kinds = [(kinds.kinds[kind], days.get((ufunc, kind))) for kind in present]
            _from_days(one, of_kinds, found[number], lines=lines)


@dataclass(frozen=True, slots=True)
class _Day:
    """One day of each row: days of a kind put together, of the intervals [start, end) that are asked for.

    `values`: shape (row, interval), or (interval, row) where items lie so.
    """

    start: int
    end: int
    values: Array

    def some(self, rows: slice) -> _Day:
        return _Day(self.start, self.end, self.values[rows])


def _stretch(tally: Tally, ufunc: np.ufunc, kind: Kind) -> tuple[int, int]:
    """The intervals of a day that are asked for; none: (0, 0)."""
    asked = [one for one in tally.questions if _UFUNCS[one.how] is ufunc]
    if ufunc is np.add and SUM_OF_ALL in asked:
        return 0, kind.length
    holds = [kind.holds[one.condition] for one in asked if one.condition != ALL and len(kind.holds[one.condition])]
    return (min(int(its[0]) for its in holds), max(int(its[-1]) for its in holds) + 1) if holds else (0, 0)


def _runs(kinds: Kinds, begin: int, items: int) -> list[_Run]:
    """Cut a row's days where the kind changes."""
    first, end = (int(day) for day in np.searchsorted(kinds.starts, (begin, begin + items)))
    numbers = kinds.numbers[first:end]
    cuts = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(numbers)]
    return [(int(numbers[a]), int(kinds.starts[first + a]) - begin, b - a) for a, b in pairwise(cuts)]


def _look_by_row(
    x: Array,
    kinds: Kinds,
    runs: Iterable[_Run],
    at_once: Iterable[tuple[Array, np.ufunc, Array]],
    days: Mapping[tuple[np.ufunc, int], _Day],
) -> None:
    """Look at rows, shape (row, item), whose items lie together."""
    for of, ufunc, out in at_once:
        np.copyto(out, ufunc.reduce(of, axis=1))
    begun: set[tuple[np.ufunc, int]] = set()
    for kind, first, count in runs:
        length = kinds.kinds[kind].length
        run = x[:, first : first + count * length].reshape(len(x), count, length)
        for key, day in days.items():
            ufunc, into = key[0], day.values
            if key[1] != kind:
                continue
            some = run[:, :, day.start : day.end]
            if key not in begun:
                _together(ufunc, some, into)
            elif count == 1:
                ufunc(into, some[:, 0], out=into)
            else:
                ufunc(into, _together(ufunc, some, np.empty_like(into)), out=into)
            begun.add(key)


def _together(ufunc: np.ufunc, days: Array, out: Array) -> Array:
    """Put days together, (row, day, interval) to (row, interval)."""
    if ufunc is np.add:  # whose `reduce` takes half as long again, and twice as long over short days
        return np.einsum("rdi->ri", days, out=out, dtype=out.dtype, casting="same_kind")
    ufunc.reduce(days, axis=1, out=out)
    return out


def _look_by_line(
    x: Array,
    kinds: Kinds,
    runs: Iterable[_Run],
    at_once: Iterable[tuple[Array, np.ufunc, Array]],
    days: Mapping[tuple[np.ufunc, int], _Day],
) -> None:
    """Look at lines, shape (item, row): an interval of all rows lies together."""
    lines = max(1, LINES // x.shape[1])
    begun: set[int] = set()
    for kind, first, count in runs:
        length = kinds.kinds[kind].length
        own = [(ufunc, day) for (ufunc, which), day in days.items() if which == kind]
        for at in range(first, first + count * length, length):
            for start in range(0, length, lines):
                end = min(start + lines, length)
                for of, ufunc, out in at_once:
                    # numpy would add unsigned items up as uint64, which with int64 is a float64.
                    dtype = np.int64 if ufunc is np.add else of.dtype
                    found = ufunc.reduce(of[at + start : at + end], axis=0, dtype=dtype)
                    np.copyto(out, found if at + start == 0 else ufunc(out, found))
                for ufunc, day in own:
                    low, high = max(start, day.start), min(end, day.end)
                    if low < high:
                        some, into = x[at + low : at + high], day.values[low - day.start : high - day.start]
                        if kind in begun:
                            ufunc(into, some, out=into)
                        else:
                            np.copyto(into, some)
            begun.add(kind)


def _from_days(asked: Question, days: Sequence[tuple[Kind, _Day | None]], out: Whole, *, lines: bool) -> None:
    """Answer from one day of each kind and row; None: nothing is asked of days of the kind."""
    ufunc = _UFUNCS[asked.how]
    begun = False
    for kind, day in days:
        holds = np.arange(kind.length) if asked.condition == ALL else kind.holds[asked.condition]
        if day is not None and len(holds):
            of = day.values if lines else day.values.T
            found = ufunc.reduce(of[holds - day.start], axis=0, dtype=np.int64 if ufunc is np.add else of.dtype)
            np.copyto(out, ufunc(out, found) if begun else found)
            begun = True
        if len(holds) < kind.length and asked.how != "sum":
            np.copyto(out, ufunc(out, 0) if begun else 0)
            begun = True


# Rows of any days.


def _apart(tally: Tally, layout: Layout, x: Array, found: Whole, ends: _Ends | None) -> None:
    begins, counts = layout.begins, layout.counts
    assert begins is not None, "a tally is of a list with a clock"
    offsets = layout.offsets - layout.offsets[0]
    at_once = _extremes(tally, found, ends, x)
    for number, one in enumerate(tally.questions):
        if one == SUM_OF_ALL:
            at_once.append((x, np.add, found[number]))
    at = 0
    while at < len(counts):
        to = int(np.searchsorted(offsets, offsets[at] + CHUNK, side="right")) - 1
        to = max(to, at + 1)
        filled = at + np.flatnonzero(counts[at:to])
        if len(filled):
            items = slice(offsets[at], offsets[to])
            heads = offsets[filled] - offsets[at]
            for of, ufunc, out in at_once:
                out[filled] = ufunc.reduceat(of[items], heads, dtype=np.int64 if ufunc is np.add else of.dtype)
            _by_day(tally, layout.kinds[tally], x[items], begins[filled], counts[filled], found, filled)
        at = to
    _from_ends(tally, found, ends)


def _by_day(tally: Tally, kinds: Kinds, x: Array, begins: Whole, counts: Whole, found: Whole, rows: Whole) -> None:
    """Answer questions with conditions, of rows that have items.

    Args:
        tally: whose questions.
        kinds: the batch's days.
        x: shape (item,) of the rows, behind one another.
        begins: shape (row,) number of each row's first interval.
        counts: shape (row,) items of each.
        found: answers.
        rows: shape (row,) where theirs go in `found`.
    """
    asked = [(at, one) for at, one in enumerate(tally.questions) if one.condition != ALL]
    if not asked:
        return
    first, end = np.searchsorted(kinds.starts, begins), np.searchsorted(kinds.starts, begins + counts)
    many = end - first
    ends = np.cumsum(many)
    day = np.repeat(first - ends + many, many) + np.arange(ends[-1])
    lengths = kinds.lengths[day]
    starts = np.cumsum(lengths) - lengths
    number = kinds.numbers[day]
    by_day = np.empty((len(asked), len(day)), np.int64)
    present = np.flatnonzero(np.bincount(number)).tolist()
    for kind in present:
        of = kinds.kinds[kind]
        if len(present) == 1:
            by_day[...] = _of_days(tally, of, x.reshape(-1, of.length), asked)
        else:
            own = np.flatnonzero(number == kind)
            by_day[:, own] = _of_days(tally, of, windows(x, of.length)[starts[own]], asked)
    for (at, one), of_days in zip(asked, by_day, strict=True):
        found[at, rows] = _UFUNCS[one.how].reduceat(of_days, ends - many)


def _of_days(tally: Tally, of: Kind, days: Array, asked: Sequence[tuple[int, Question]]) -> Whole:
    """Answer for each of some days of a kind, shape (day, interval): shape (question, day)."""
    found = np.zeros((len(asked), len(days)), np.int64)
    sums = _sums(of, days, tally.magnitude) if any(one.how == "sum" for _, one in asked) else None
    for (_, one), out in zip(asked, found, strict=True):
        holds = of.holds[one.condition]
        if sums is not None and one.how == "sum":
            np.copyto(out, sums[tally.conditions.index(one.condition)], casting="unsafe")
        elif len(holds):
            ufunc = _UFUNCS[one.how]
            np.copyto(out, ufunc.reduce(days.T[holds], axis=0))
            if len(holds) < of.length:
                ufunc(out, 0, out=out)
    return found


def _sums(of: Kind, days: Array, magnitude: int) -> Array:
    """Sum each day by every condition of its kind, shape (condition, day)."""
    if of.length * magnitude > FLOAT_EXACT:
        return np.stack([np.add.reduce(days.T[its], axis=0, dtype=np.int64) for its in of.holds.values()])
    found = np.empty((len(days), of.matrix.shape[1]))
    rows = max(1, PRODUCT_MAX // of.matrix.size)
    exact = days.astype(np.float64)
    for at in range(0, len(days), rows):
        np.matmul(exact[at : at + rows], of.matrix, out=found[at : at + rows])
    return found.T
