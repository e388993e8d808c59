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
from engine.evaluator.items import EVEN_MIN, chosen_items
from engine.evaluator.rows import Array, Children, Column, Mask, Whole, same


@dataclass(frozen=True)
class Listed:
    """One list of the rows looked at.

    Attributes:
        offsets: shape (row + 1,) from 0.
        given: shape (row,) whether the row gives the list; one that is not given is empty.
        columns: input of an item -> shape (item,), as it came; (row, item) where the items of an interval lie together.
    """

    offsets: Whole
    given: Mask
    columns: Mapping[str, Column]

    def column(self, spec: InputSpec) -> Column | None:
        """Give the column of an input of the items, if there is one."""
        return self.columns.get(spec.name.removeprefix(f"{spec.type.axis}."))

    def read(self, spec: InputSpec) -> Reading:
        """Check an input of the items."""
        column = self.column(spec)
        if column is None:
            return absent(spec, int(self.offsets[-1]))
        if column.values.ndim == 1:
            return read_column(spec, column)
        read = read_column(spec, _as_it_lies(column))
        rows = len(self.given)
        given = None if read.given is None else read.given.reshape(-1, rows).T
        faults = None if read.faults is None else read.faults.reshape(-1, rows).T
        return Reading(read.values.reshape(-1, rows).T, given, faults)

    def faulty(self, faults: Array) -> tuple[Mask, Whole]:
        """Give the rows that have a faulty item, and the first such item of each row."""
        bad = np.flatnonzero(faults)  # of two axes as well, by row
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
    if children.time_major and (
        children.offsets[-1] < EVEN_MIN * rows or not (children.valid is None or children.valid.all())
    ):
        children = children.by_row()
    offsets, valid = children.offsets, children.valid
    if children.time_major:
        return _grid(children, count, slice(None) if positions is None else positions)
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


def _grid(children: Children, count: int, rows: Whole | slice) -> Listed:
    """Take rows of a list that lies by interval."""
    whole = len(children.offsets) - 1

    def some(values: Array) -> Array:
        lines = values.reshape(-1, whole)
        return (lines if isinstance(rows, slice) else lines.take(rows, axis=1)).T

    columns = {
        name: Column(some(its.values), its.places, None if its.valid is None else some(its.valid), its.codes)
        for name, its in children.columns.items()
    }
    return Listed(children.offsets[: count + 1], same(np.True_, count), columns)


def by_row(column: Column) -> Column:
    """Give a column of a list one axis, with the items of a row behind one another."""
    if column.values.ndim == 1:
        return column
    valid = None if column.valid is None else column.valid.reshape(-1)
    return Column(column.values.reshape(-1), column.places, valid, column.codes)


def _as_it_lies(column: Column) -> Column:
    """Give a column (row, item) whose intervals lie together one axis, uncopied."""
    valid = None if column.valid is None else column.valid.T.reshape(-1)
    return Column(column.values.T.reshape(-1), column.places, valid, column.codes)


def some_items(values: Array, items: Whole | slice, rows: Whole) -> Array:
    """Take items of a list's column; of two axes the rows that they are of."""
    return values[items] if values.ndim == 1 else values.T.take(rows, axis=1).T


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
