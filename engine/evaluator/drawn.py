"""Rows while they are drawn, and the plainest batch that they make.

Takes whole numbers by input and which rows give them; gives columns of whole numbers with the declared places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.row_door import BUILT_IN
from engine.evaluator.rows import Column, Mask, Rows, Whole

NO_CODE: Final = "no_such_code"


@dataclass
class Drawn:
    """Rows being drawn: whole numbers by input, and which rows give them."""

    period_from: Whole
    period_to: Whole
    values: dict[str, Whole]
    given: dict[str, Mask]

    def __len__(self) -> int:
        return len(self.period_from)


def batch(compiled: Compiled, drawn: Drawn) -> Rows:
    """Lay drawn rows out plainly: whole numbers of the declared places."""
    columns = {}
    for spec in compiled.program.inputs:
        if spec.name not in BUILT_IN:
            columns[spec.name] = plain_column(spec, drawn.values[spec.name], drawn.given[spec.name])
    return in_rows(compiled, drawn, columns)


def in_rows(compiled: Compiled, drawn: Drawn, columns: Mapping[str, Column]) -> Rows:
    """Give columns their row ids, rule set and periods."""
    count = len(drawn)
    return Rows(
        row_id=np.arange(count, dtype=np.int64),
        ruleset=Column(np.zeros(count, np.int64), codes=(compiled.id,)),
        period_from=drawn.period_from,
        period_to=drawn.period_to,
        columns=columns,
    )


def plain_column(spec: InputSpec, values: Whole, given: Mask | None) -> Column:
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
