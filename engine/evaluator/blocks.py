"""A run of rows cut into blocks: few enough rows and items that a block's values stay in cache.

Takes the offsets of the lists that a plan reads, and those of bills' parts; gives blocks, each a stretch of rows of one
version (or of mixed ones) with a stretch of items of each list. A bill's parts stay together, and so do a row's items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.evaluator.items import EVEN_MIN
from engine.evaluator.rows import Whole

ITEMS_MAX = 49152  # of one list in a block, unless one row, or the parts of one bill, have more
TALLIED_MAX = 2**23  # likewise, of a list that only tallies read: they look at it piece by piece


@dataclass(frozen=True, slots=True)
class Span:
    """A block's items of one list, and how they lie (`engine.evaluator.items.Layout`).

    `time_major`: the items of an interval lie together, not those of a row.
    """

    items: slice
    even: int
    alike: bool
    time_major: bool = False

    @property
    def key(self) -> tuple[int, int, bool, bool]:
        """What calls that are bound to memory depend on."""
        return (self.items.stop - self.items.start, self.even, self.alike, self.time_major)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of rows; `spans` by list."""

    version: int
    rows: slice
    spans: Mapping[str, Span] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """What calls that are bound to memory depend on; blocks of one plan have the same lists."""
        return (self.rows.stop - self.rows.start, *(span.key for span in self.spans.values()))


@dataclass(frozen=True)
class Size:
    """What the largest block holds."""

    rows: int
    items: Mapping[str, int] = field(default_factory=dict)

    def holds(self, other: Size) -> bool:
        """Whether scratch of this size serves the other."""
        return self.rows >= other.rows and all(self.items.get(name, 0) >= n for name, n in other.items.items())


def size(blocks: Sequence[Block], block_rows: int) -> Size:
    """Find the largest block."""
    items: dict[str, int] = {}
    rows = block_rows
    for block in blocks:
        rows = max(rows, block.rows.stop - block.rows.start)
        for name, span in block.spans.items():
            items[name] = max(items.get(name, 0), span.items.stop - span.items.start)
    return Size(rows, items)


def cut_blocks(
    runs: Sequence[tuple[int, int, int]],
    block_rows: int,
    lists: Mapping[str, Whole],
    begins: Mapping[str, Whole],
    bills: Whole | None,
    tallied: Collection[str] = (),
    time_major: Collection[str] = (),
) -> list[Block]:
    """Cut runs of rows.

    Args:
        runs: version, first row, and the row after the last; of bills with parts, all rows.
        block_rows: at most so many rows, unless the parts of one bill are more.
        lists: list -> shape (row + 1,) first item of each row.
        begins: interval list -> shape (row,) number of each row's first interval.
        bills: shape (bill + 1,) first part of each bill; None: each row is a bill.
        tallied: lists that only tallies read.
        time_major: lists whose intervals lie behind one another, each with the items of all rows.
    """
    most = [(offsets, TALLIED_MAX if name in tallied else ITEMS_MAX) for name, offsets in lists.items()]
    if not lists and bills is None:
        return [
            Block(which, slice(at, min(at + block_rows, end)))
            for which, start, end in runs
            for at in range(start, end, block_rows)
        ]
    return [
        Block(which, slice(at, to), {n: _span(its, begins.get(n), at, to, n in time_major) for n, its in lists.items()})
        for which, start, end in runs
        for at, to in _stretches(start, end, block_rows, most, bills)
    ]


def _stretches(
    start: int, end: int, block_rows: int, lists: Sequence[tuple[Whole, int]], bills: Whole | None
) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        to = min(at + block_rows, end)
        for offsets, items in lists:
            to = min(to, int(np.searchsorted(offsets, offsets[at] + items, side="right")) - 1)
        to = max(to, at + 1)
        if bills is not None:
            bill = int(np.searchsorted(bills, to, side="right")) - 1
            to = int(bills[bill])
            to = to if to > at else int(bills[bill + 1])
        yield at, to
        at = to


def _span(offsets: Whole, begins: Whole | None, at: int, to: int, time_major: bool) -> Span:
    items = slice(int(offsets[at]), int(offsets[to]))
    count = int(offsets[at + 1]) - items.start
    even = count if count >= EVEN_MIN and (np.diff(offsets[at : to + 1]) == count).all() else 0
    alike = even > 0 and (begins is None or bool((begins[at:to] == begins[at]).all()))
    return Span(items, even, alike, time_major)
