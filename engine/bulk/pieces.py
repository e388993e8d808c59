"""Some rows of a batch, out of all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.bulk.arrays import take
from engine.bulk.lists import taken
from engine.evaluator.rows import Rows


def chosen_rows(rows: Rows, positions: NDArray[np.int64]) -> Rows:
    """Give rows at ascending positions; all of them are not copied."""
    if len(positions) == len(rows):
        return rows
    return replace(
        rows,
        row_id=rows.row_id[positions],
        ruleset=take(rows.ruleset, positions),
        period_from=rows.period_from[positions],
        period_to=rows.period_to[positions],
        columns={name: take(column, positions) for name, column in rows.columns.items()},
        children={name: taken(children, positions) for name, children in rows.children.items()},
    )
