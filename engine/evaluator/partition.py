"""Rows brought together by what bills them: positions and columns, the rows of one bin behind one another.

Takes a small number for each row; gives the rows' positions by that number, in their order, and their columns laid out
so. A stretch of rows at a time is read, of which every column stays in cache however many bins there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.evaluator.memory import Pool
from engine.evaluator.rows import Array, Whole

_LENT: Final = (np.dtype(np.int64), np.dtype(np.float64))
STRETCH_ROWS: Final = 131_072  # of 8 bytes each: 1 MiB a column


class Partition:
    """Rows by bin.

    Attributes:
        positions: shape (row,) of the rows that have a bin, by bin and position.
        offsets: shape (bin + 1,).
    """

    def __init__(self, bins: Array, count: int, pool: Pool | None = None) -> None:
        """Sort rows.

        Args:
            bins: shape (row,) whole numbers; a row with `count` or more is left out.
            count: of bins.
            pool: of memory for the positions.
        """
        self._rows = len(bins)
        small = bins.astype(smallest(count + 1), copy=False)
        orders, counts = [], []
        for start in range(0, self._rows, STRETCH_ROWS):
            stretch = small[start : start + STRETCH_ROWS]
            orders.append(np.argsort(stretch, kind="stable"))
            counts.append(np.bincount(stretch, minlength=count + 1)[:count])
        table = np.array(counts, np.int64).reshape(len(counts), count)
        self.offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(table.sum(axis=0))])
        self._stretches = [
            _Stretch(number * STRETCH_ROWS, order, *places)
            for number, (order, *places) in enumerate(zip(orders, *_places(table, self.offsets), strict=True))
        ]
        (self.positions,) = (Pool() if pool is None else pool).lend(1, int(self.offsets[-1]))
        for one in self._stretches:
            for source, to in zip(one.sources, one.goes, strict=True):
                np.add(one.order[source], one.start, out=self.positions[to])

    def gathered(self, columns: Sequence[Array], wanted: Sequence[Sequence[bool]], pool: Pool) -> list[Array]:
        """Lay columns out by bin.

        Args:
            columns: shape (row,) each.
            wanted: column x bin; where a bin does not want a column, what it has there says nothing.
            pool: of memory.
        """
        found = _lent(columns, len(self.positions), pool)
        for one in self._stretches:
            for column, out, by_bin in zip(columns, found, wanted, strict=True):
                stretch = column[one.start : one.start + STRETCH_ROWS]
                if len(self._stretches) == 1:
                    stretch.take(one.order[: len(out)], out=out, mode="clip")
                    continue
                for wants, source, to in zip(by_bin, one.sources, one.goes, strict=True):
                    if wants:
                        stretch.take(one.order[source], out=out[to], mode="clip")
        return found


def _lent(columns: Sequence[Array], rows: int, pool: Pool) -> list[Array]:
    """Memory for columns of so many rows; numbers of eight bytes are lent, and the rest is small."""
    lent = iter(pool.lend(sum(column.dtype in _LENT for column in columns), rows))
    return [
        next(lent).view(column.dtype) if column.dtype in _LENT else np.empty(rows, column.dtype) for column in columns
    ]


def smallest(count: int) -> type[np.integer[Any]]:
    """Give a type for numbers below `count`; numpy sorts the small ones by their digits.

    >>> smallest(256), smallest(257)
    (<class 'numpy.uint8'>, <class 'numpy.uint16'>)
    """
    return np.uint8 if count <= 2**8 else np.uint16 if count <= 2**16 else np.int64


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Some rows: the first of them, their order by bin, and for each bin where it stands in that and where it goes."""

    start: int
    order: Whole
    sources: list[slice]
    goes: list[slice]


def _places(counts: Whole, offsets: Whole) -> tuple[list[list[slice]], list[list[slice]]]:
    """For each stretch and bin: where its rows stand in the stretch's order, and where they go.

    Args:
        counts: shape (stretch, bin).
        offsets: shape (bin + 1,) first row of each bin.
    """
    ends = np.cumsum(counts, axis=1)
    goes = offsets[1:] - counts.sum(axis=0) + np.cumsum(counts, axis=0)
    return _slices(ends - counts, ends), _slices(goes - counts, goes)


def _slices(starts: Whole, ends: Whole) -> list[list[slice]]:
    return [list(map(slice, first, end)) for first, end in zip(starts.tolist(), ends.tolist(), strict=True)]
