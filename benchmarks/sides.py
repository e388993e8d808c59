"""What every side of a measurement looks like.

`load` lays the columns out as the side keeps them in memory and is not measured. `bill` checks the inputs' bounds,
refuses the rows that miss them, and computes every item of every other row; this is what is measured. `answer` turns
the outcome into int64 columns and the mask `refused`, and is not measured either: no side pays for another's layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.workloads import REFUSED, Columns, Workload


@dataclass(frozen=True, slots=True)
class Side:
    """One way to compute a workload.

    Attributes:
        rows_max: what it is measured on at most; a slow side takes its time a row from fewer rows.
        workloads: those that it can express.
        exact: False: its answers are known to be wrong in places, and are shown for that.
        missing: why it cannot be measured here, and what to type; None: it can.
        note: what a reader of the table has to know.
    """

    name: str
    title: str
    load: Callable[[Workload, Columns], Any]
    bill: Callable[[Any], Any]
    answer: Callable[[Workload, Any], Columns]
    rows_max: int = 10_000_000
    workloads: tuple[str, ...] = ("W1", "W2")
    exact: bool = True
    missing: str | None = None
    note: str = ""


def answered(workload: Workload, bills: Mapping[str, Any]) -> Columns:
    """Give bills as an answer; where they do not say which rows are refused, none is."""
    rows = len(bills["total"])
    refused = bills.get(REFUSED)
    return {
        **{name: np.asarray(bills[name], dtype=np.int64) for name in workload.outputs},
        REFUSED: np.zeros(rows, dtype=np.int64) if refused is None else np.asarray(refused, dtype=np.int64),
    }


def spread(workload: Workload, bills: Mapping[str, Any], kept: Any, rows: int) -> Columns:
    """Give bills of the rows at `kept` as an answer for all `rows`: the others are refused."""
    answer = {name: np.zeros(rows, dtype=np.int64) for name in workload.outputs}
    for name in workload.outputs:
        answer[name][kept] = bills[name]
    answer[REFUSED] = np.ones(rows, dtype=np.int64)
    answer[REFUSED][kept] = 0
    return answer
