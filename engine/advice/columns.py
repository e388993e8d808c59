"""Columns of some rows, read once: billed again and again as rewritten, no text is then read twice.

Takes a batch and the rows of it that one rule set bills; gives a batch of those rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from engine.compiler.program import InputSpec, Type
from engine.evaluator.columns import read_column
from engine.evaluator.items import chosen_items
from engine.evaluator.rows import Array, Children, Column, Mask, Rows, Whole


def rows_of(rows: Rows, at: Whole, specs: Iterable[InputSpec], lists: Iterable[str]) -> Rows:
    """Give some rows of a batch with the inputs that are read, each as whole numbers of its places.

    A column that holds something else than its input allows stays as it came, for the door to say so.

    Args:
        rows: a batch.
        at: shape (row,) positions in it.
        specs: inputs of the row; other columns are left out.
        lists: that are read.
    """
    columns = {
        spec.name: _read(spec, taken(rows.columns[spec.name], at)) for spec in specs if spec.name in rows.columns
    }
    return Rows(
        row_id=rows.row_id[at],
        ruleset=taken(rows.ruleset, at),
        period_from=rows.period_from[at],
        period_to=rows.period_to[at],
        columns=columns,
        children={name: some_children(rows.children[name], at) for name in lists if name in rows.children},
    )


def some_rows(rows: Rows, at: Whole) -> Rows:
    """Give some rows of a batch, in the order asked for; a row may come several times."""
    return Rows(
        row_id=rows.row_id[at],
        ruleset=taken(rows.ruleset, at),
        period_from=rows.period_from[at],
        period_to=rows.period_to[at],
        columns={name: taken(column, at) for name, column in rows.columns.items()},
        children={name: some_children(children, at) for name, children in rows.children.items()},
    )


def taken(column: Column, at: Whole) -> Column:
    """Give a column's values at some positions."""
    return replace(column, values=column.values[at], valid=None if column.valid is None else column.valid[at])


def some_children(children: Children, at: Whole) -> Children:
    """Give the lists of some rows."""
    children = children.by_row()
    items, offsets = chosen_items(children.offsets, at)
    valid = None if children.valid is None else children.valid[at]
    return Children(offsets, {name: taken(column, items) for name, column in children.columns.items()}, valid)


def column_of(of: Type, values: Array, given: Mask | None = None) -> Column:
    """Make a column of values as a program holds them.

    >>> column_of(Type(places=2), np.array([1234])).places
    2
    """
    match of.kind:
        case "code":
            return Column(values.astype(np.int64, copy=False), valid=given, codes=of.codes)
        case "boolean":
            return Column(values.astype(np.bool_, copy=False), valid=given)
        case _:
            return Column(values.astype(np.int64, copy=False), of.places, given)


def same_as(spec: InputSpec, before: Column | None, after: Column | None, rows: int) -> Mask:
    """Tell the rows whose input is the same before and after; an absent one is its default, where it has one."""
    (values, given), (new, new_given) = (_known(spec, column, rows) for column in (before, after))
    same: Mask = (given == new_given) & ((values == new) | ~given)
    return same


def with_columns(rows: Rows, columns: Mapping[str, Column | None]) -> Rows:
    """Give the rows with other columns; None: without it."""
    kept = {**rows.columns, **columns}
    return replace(rows, columns={name: column for name, column in kept.items() if column is not None})


def _read(spec: InputSpec, column: Column) -> Column:
    if column.values.dtype.kind == "f":
        return column
    read = read_column(replace(spec, default=None, optional=True), column)
    return column if read.faults is not None else column_of(spec.type, read.values, read.given)


def _known(spec: InputSpec, column: Column | None, rows: int) -> tuple[Array, Mask]:
    """What an input comes to, and where it is known; a value that is no value of it differs from all."""
    if column is None:
        return np.full(rows, spec.default or 0), np.full(rows, spec.default is not None)
    read = read_column(replace(spec, optional=True), column)
    given = np.ones(rows, np.bool_) if read.given is None or spec.default is not None else read.given
    values = read.values.astype(np.int64)
    return (values if read.faults is None else np.where(read.faults != 0, np.iinfo(np.int64).min, values)), given
