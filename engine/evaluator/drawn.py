"""Rows while they are drawn, and the plainest batch that they make.

Takes whole numbers by input and which rows or items give them; gives columns of whole numbers with the declared places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Array, Children, Column, Mask, Rows, Whole

NO_CODE: Final = "no_such_code"


@dataclass
class DrawnList:
    """One list of rows being drawn: how many items each has, and their whole numbers by input."""

    counts: Whole  # (row,)
    present: Mask  # (row,) whether the row gives the list
    values: dict[str, Whole]  # input, as `transformers.kva` -> (item,)
    given: dict[str, Mask]

    @property
    def offsets(self) -> Whole:
        """Shape (row + 1,): first item of each row."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])

    @property
    def row(self) -> Whole:
        """Shape (item,): the row of each item."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


@dataclass
class Drawn:
    """Rows being drawn: whole numbers by input, and which rows give them."""

    period_from: Whole
    period_to: Whole
    values: dict[str, Whole]
    given: dict[str, Mask]
    lists: dict[str, DrawnList] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.period_from)


def batch(compiled: Compiled, drawn: Drawn) -> Rows:
    """Lay drawn rows out plainly: whole numbers of the declared places."""
    columns = {}
    for spec in row_inputs(compiled):
        columns[spec.name] = plain_column(spec, drawn.values[spec.name], drawn.given[spec.name])
    children = {}
    for axis, its in drawn.lists.items():
        of_items = {
            spec.name: plain_column(spec, its.values[spec.name], its.given[spec.name])
            for spec in list_inputs(compiled, axis)
        }
        children[axis] = in_list(axis, its, of_items)
    return in_rows(compiled, drawn, columns, children)


def list_inputs(compiled: Compiled, axis: str) -> tuple[InputSpec, ...]:
    """Give the inputs of a list."""
    return tuple(spec for spec in compiled.program.inputs if spec.type.axis == axis)


def in_list(axis: str, its: DrawnList, columns: Mapping[str, Column]) -> Children:
    """Give columns of items, named `transformers.kva`, their rows."""
    short = {name.removeprefix(f"{axis}."): column for name, column in columns.items()}
    return Children(its.offsets, short, its.present)


def in_rows(compiled: Compiled, drawn: Drawn, columns: Mapping[str, Column], children: Mapping[str, Children]) -> Rows:
    """Give columns their row ids, rule set and periods."""
    count = len(drawn)
    return Rows(
        row_id=np.arange(count, dtype=np.int64),
        ruleset=Column(np.zeros(count, np.int64), codes=(compiled.id,)),
        period_from=drawn.period_from,
        period_to=drawn.period_to,
        columns=columns,
        children=children,
    )


def plain_column(spec: InputSpec, values: Array, given: Mask | None) -> Column:
    """Lay one input out in whole numbers; a code one beyond the last is none of the rule set's."""
    match spec.type.kind:
        case "number":
            return Column(values, spec.type.places, given)
        case "boolean":
            return Column(values.astype(np.uint8), 0, given)
        case "code":
            return Column(values, 0, given, (*spec.type.codes, NO_CODE))
        case "date":
            return Column(values.astype("datetime64[D]"), 0, given)
