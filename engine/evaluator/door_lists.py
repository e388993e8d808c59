"""Lists at the door: the items of some rows of a batch, read into columns in the declared bounds.

Takes a list as it came and the rows that are looked at; gives the items of those rows, behind one another. Which rows a
fault refuses is the door's to say (`engine.evaluator.door`). Items of all rows, or of rows that follow one another, are
not copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.compiler.program import InputSpec
from engine.evaluator.columns import Reading, absent, read_column
from engine.evaluator.items import chosen_items
from engine.evaluator.rows import Array, Children, Column, Mask, Whole, same


@dataclass(frozen=True)
class Listed:
    """One list of the rows looked at.

    Attributes:
        offsets: shape (row + 1,) from 0.
        given: shape (row,) whether the row gives the list; one that is not given is empty.
        columns: input of an item -> shape (item,), as it came.
    """

    offsets: Whole
    given: Mask
    columns: Mapping[str, Column]

    def read(self, spec: InputSpec) -> tuple[Column | None, Reading]:
        """Check an input of the items; also give its column, if there is one."""
        column = self.columns.get(spec.name.removeprefix(f"{spec.type.axis}."))
        return column, absent(spec, int(self.offsets[-1])) if column is None else read_column(spec, column)

    def faulty(self, faults: Array) -> tuple[Mask, Whole]:
        """Give the rows that have a faulty item, and the first such item of each row."""
        bad = np.flatnonzero(faults)
        rows, at = np.unique(np.searchsorted(self.offsets, bad, side="right") - 1, return_index=True)
        refused = np.zeros(len(self.offsets) - 1, np.bool_)
        first = np.zeros(len(refused), np.int64)
        refused[rows], first[rows] = True, bad[at]
        return refused, first


def listed(children: Children | None, rows: int, positions: Whole | None) -> Listed:
    """Take a list's items of some rows.

    Args:
        children: the list as it came; None: no row gives it.
        rows: of the batch.
        positions: shape (row,) ascending positions of the rows looked at; None: all.
    """
    count = rows if positions is None else len(positions)
    if children is None:
        return Listed(np.zeros(count + 1, np.int64), np.zeros(count, np.bool_), {})
    offsets, valid = children.offsets, children.valid
    if positions is not None and count:
        low, high = int(positions[0]), int(positions[-1]) + 1
        if high - low == count:
            offsets, valid, positions = offsets[low : high + 1], None if valid is None else valid[low:high], None
    if positions is None and (valid is None or valid.all()):
        low, high = int(offsets[0]), int(offsets[-1])
        columns = {
            name: Column(
                column.values[low:high],
                column.places,
                None if column.valid is None else column.valid[low:high],
                column.codes,
            )
            for name, column in children.columns.items()
        }
        return Listed(offsets - low if low else offsets, same(np.True_, count), columns)
    return _gathered(children, offsets, valid, np.arange(count) if positions is None else positions)


def _gathered(children: Children, offsets: Whole, valid: Mask | None, rows: Whole) -> Listed:
    given = same(np.True_, len(rows)) if valid is None else valid[rows]
    items, found = chosen_items(offsets, rows[given])
    counts = np.zeros(len(rows), np.int64)
    counts[given] = np.diff(found)
    columns = {
        name: Column(
            column.values[items], column.places, None if column.valid is None else column.valid[items], column.codes
        )
        for name, column in children.columns.items()
    }
    return Listed(np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), given, columns)
