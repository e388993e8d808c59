"""Numpy calls over lists: from the row to its items, from the items to the row, along the items, over a row's parts.

The items of a block lie behind one another. Where every row has the same number of them, and enough, columns come as
(row, item), and what is the same for every row, such as the period of each interval, as (1, item): numpy then spreads
it without a copy. Else columns come as (item,). A `Layout` tells which, and where each row's items are.

Nothing of one row reaches another: a sum over float64 goes row by row, and a sum that runs through all items is int64,
where what overflows comes back when it is subtracted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.tallies import Kinds, Tally

EVEN_MIN = 16  # items of a row; with fewer, numpy's loop over (row, item) costs more than one over (item,)


class Layout:
    """How the items of a block lie in its rows, or its parts in its bills.

    Attributes:
        offsets: shape (row + 1,) first item of each row.
        even: items of each row, where columns are (row, item); 0: columns are (item,).
        begins: shape (row,) on an interval list, the number of each row's first interval; None: no clock.
        alike: every row begins at the same interval and has as many.
        kinds: of a tally, the batch's days (`engine.evaluator.tallies`).
        unchecked: input -> bounds, of inputs that a tally looks at (`engine.evaluator.tallying`).
        turn_away: refuses rows that have a value out of them.
        answers: of a tally, shape (question, row): kept for all who ask.
    """

    def __init__(
        self,
        offsets: Whole,
        even: int = 0,
        begins: Whole | None = None,
        *,
        alike: bool = False,
        kinds: Mapping[Tally, Kinds] | None = None,
        unchecked: Mapping[str, tuple[int, int]] | None = None,
        turn_away: Callable[[Mask], None] | None = None,
    ) -> None:
        self.offsets = offsets
        self.even = even
        self.begins = begins
        self.alike = alike
        self.kinds = {} if kinds is None else kinds
        self.unchecked = {} if unchecked is None else unchecked
        self.turn_away = turn_away
        self.answers: dict[Tally, Whole] = {}

    @cached_property
    def counts(self) -> Whole:
        """Items of each row."""
        found: Whole = np.diff(self.offsets)
        return found

    @cached_property
    def starts(self) -> Whole:
        """First item of each row, counted from the block's."""
        found: Whole = self.offsets[:-1] - self.offsets[0]
        return found

    @cached_property
    def filled(self) -> Whole | None:
        """Rows that have items; None: all."""
        return None if self.counts.all() else np.flatnonzero(self.counts)

    @cached_property
    def heads(self) -> Whole:
        """First item of each row that has one."""
        return self.starts if self.filled is None else self.starts[self.filled]

    @cached_property
    def tails(self) -> Whole:
        """Last item of each row that has one."""
        ends: Whole = self.offsets[1:] - self.offsets[0] - 1
        return ends if self.filled is None else ends[self.filled]

    @cached_property
    def number(self) -> Whole:
        """Shape (item,): how many items of its row stand before each."""
        return np.arange(self.offsets[-1] - self.offsets[0]) - np.repeat(self.starts, self.counts)

    @cached_property
    def interval(self) -> Whole:
        """Shape (item,): the interval of each item."""
        assert self.begins is not None, "a list without a clock has no intervals"
        return np.repeat(self.begins, self.counts) + self.number


def repeat(layout: Layout, x: Array, *, out: Array) -> None:
    """Give a row's value to each of its items."""
    if layout.even:
        np.copyto(out, x[:, None])
    else:
        np.copyto(out, np.repeat(x, layout.counts))


def fill(layout: Layout, x: Array, *, out: Array) -> None:
    """Give a single number to every item."""
    np.copyto(out, x)


def times(layout: Layout, x: Array, *, out: Array) -> None:
    """Sum a single number over each row's items."""
    np.multiply(layout.counts, x, out=out, casting="unsafe")


def total(layout: Layout, x: Array, *, out: Array) -> None:
    """Sum each row's items; 0 where there are none."""
    _reduced(np.add, layout, x, np.zeros(1, out.dtype), out)


def total_where(layout: Layout, holds: Mask, x: Array, *, out: Array) -> None:
    """Sum those of each row's items for which a condition holds that depends on their place alone.

    Where it is the same for every row, their columns are taken out, which costs less than a choice for each item; of
    int64 the fewer are, and subtracted from the sum of all. Of float64 none is read for which the condition does not
    hold: it may be no number.
    """
    if not layout.even or len(holds) == len(x):
        kept = np.negative(holds.view(np.int8)).astype(np.int64)  # bit by bit, as a choice that does not branch
        total(layout, np.bitwise_and(x.view(np.int64), kept, out=kept).view(x.dtype), out=out)
        return
    chosen = np.flatnonzero(holds[0])
    if x.dtype == np.int64 and 2 * len(chosen) > layout.even:
        np.add.reduce(x, axis=1, out=out)
        out -= np.add.reduce(_columns(x, np.flatnonzero(~holds[0])), axis=1)
    else:
        np.add.reduce(_columns(x, chosen), axis=1, out=out)


def _columns(x: Array, chosen: Whole) -> Array:
    """Some items of each row, in the order of memory that they have."""
    return x.take(chosen, axis=1) if x.flags.c_contiguous else x.T.take(chosen, axis=0).T


def largest(layout: Layout, x: Array, otherwise: Array, *, out: Array) -> None:
    """Give the largest of each row's items; `otherwise` where there are none."""
    _reduced(np.maximum, layout, x, otherwise, out)


def smallest(layout: Layout, x: Array, otherwise: Array, *, out: Array) -> None:
    """Give the smallest of each row's items; `otherwise` where there are none."""
    _reduced(np.minimum, layout, x, otherwise, out)


def every(layout: Layout, x: Mask, *, out: Mask) -> None:
    """Whether a condition holds for all of each row's items; true where there are none."""
    _reduced(np.logical_and, layout, x, np.ones(1, np.bool_), out)


def _reduced(ufunc: np.ufunc, layout: Layout, x: Array, otherwise: Array, out: Array) -> None:
    if layout.even:
        if len(x) == len(out):
            ufunc.reduce(x, axis=1, out=out)
        else:  # the same for every row
            np.copyto(out, ufunc.reduce(x, axis=1))
    elif layout.filled is None:
        ufunc.reduceat(x, layout.heads, out=out)
    else:
        np.copyto(out, otherwise)
        if len(layout.heads):
            out[layout.filled] = ufunc.reduceat(x, layout.heads)


def first(layout: Layout, x: Array, otherwise: Array, *, out: Array) -> None:
    """Give the first of each row's items; `otherwise` where there are none."""
    if layout.even:
        np.copyto(out, x[:, 0])
    else:
        _picked(layout, x, layout.heads, otherwise, out)


def last(layout: Layout, x: Array, otherwise: Array, *, out: Array) -> None:
    """Give the last of each row's items; `otherwise` where there are none."""
    if layout.even:
        np.copyto(out, x[:, -1])
    else:
        _picked(layout, x, layout.tails, otherwise, out)


def _picked(layout: Layout, x: Array, at: Whole, otherwise: Array, out: Array) -> None:
    if layout.filled is None:
        np.copyto(out, x[at])
    else:
        np.copyto(out, otherwise)
        out[layout.filled] = x[at]


def running(layout: Layout, x: Whole, *, out: Whole) -> None:
    """Sum each row's items up to and including each; int64, where what overflows comes back."""
    if layout.even:
        np.cumsum(x, axis=1, out=out)
        return
    np.cumsum(x, out=out)
    before = out[layout.heads] - x[layout.heads]
    counts = layout.counts if layout.filled is None else layout.counts[layout.filled]
    np.subtract(out, np.repeat(before, counts), out=out)


def previous(layout: Layout, x: Array, first: Array, *, out: Array) -> None:
    """Give each item the one before it in its row; `first`, an item of its own or a single number, to the first."""
    if layout.even:
        np.copyto(out[:, 1:], x[:, :-1])
        np.copyto(out[:, 0], first[:, 0] if first.ndim == 2 else first)
        return
    np.copyto(out[1:], x[:-1])
    out[layout.heads] = first if len(first) == 1 else first[layout.heads]


def timeline(layout: Layout, values: Array, *, out: Array) -> None:
    """Give each item the value of its interval.

    Args:
        layout: of a list with a clock.
        values: by interval.
        out: (1, item) where every row has the same intervals.
    """
    assert layout.begins is not None, "a list without a clock has no timelines"
    if layout.even:
        if layout.alike:
            begin = int(layout.begins[0])
            np.copyto(out[0], values[begin : begin + layout.even])
        else:
            np.copyto(out, windows(values, layout.even)[layout.begins])
    elif len(out) >= EVEN_MIN * len(layout.begins):
        # Rows of one length at a time: a few, as months are, or as many as there are lengths.
        for count in np.unique(layout.counts).tolist():
            if count:
                rows = np.flatnonzero(layout.counts == count)
                windows(out, count)[layout.starts[rows]] = windows(values, count)[layout.begins[rows]]
    else:
        values.take(layout.interval, out=out, mode="clip")


def windows(x: Array, length: int) -> Array:
    """Every stretch of so many items that follow one another, shape (first item, length), without a copy."""
    step = x.strides[0]
    return np.ndarray((max(len(x) - length + 1, 0), length), x.dtype, x, 0, (step, step))


# Over the parts of a bill: a layout's rows are bills, its items parts.


def earlier(layout: Layout, x: Whole, group: Whole, *, out: Whole) -> None:
    """Sum a value over the earlier parts of each part's bill that are of an equal group."""
    out[...] = 0
    x, group = np.broadcast_to(x, out.shape), np.broadcast_to(group, out.shape)
    for before in range(1, int(layout.counts.max())):
        at = np.flatnonzero(layout.number >= before)
        equal = group[at] == group[at - before]
        out[at] += np.where(equal, x[at - before], 0)


def of_all(layout: Layout, x: Whole, *, out: Whole) -> None:
    """Sum a value over all parts of each part's bill."""
    sums = np.add.reduceat(np.broadcast_to(x, out.shape), layout.starts)
    np.copyto(out, np.repeat(sums, layout.counts))


def largest_of_all(layout: Layout, x: Whole, *, out: Whole) -> None:
    """Give each part the largest value of the parts of its bill."""
    found = np.maximum.reduceat(np.broadcast_to(x, out.shape), layout.starts)
    np.copyto(out, np.repeat(found, layout.counts))


def chosen_items(offsets: Whole, rows: Whole) -> tuple[Whole, Whole]:
    """Give the positions of the items of some rows, and the offsets of those rows among them.

    >>> [found.tolist() for found in chosen_items(np.array([0, 2, 2, 5]), np.array([2, 0]))]
    [[2, 3, 4, 0, 1], [0, 3, 5]]
    """
    counts = offsets[rows + 1] - offsets[rows]
    ends = np.cumsum(counts)
    found = np.concatenate([np.zeros(1, np.int64), ends])
    return np.repeat(offsets[rows] - found[:-1], counts) + np.arange(found[-1]), found
