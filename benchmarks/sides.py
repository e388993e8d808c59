"""What every side of a measurement looks like.

`load` lays the columns out as the side keeps them in memory and is not measured. `bill` checks the inputs' bounds
and computes every item of every row; this is what is measured. `answer` turns the outcome into int64 columns and
is not measured either, so no side pays for another's layout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads import Columns, Workload


@dataclass(frozen=True, slots=True)
class Side:
    """One way to compute a workload."""

    name: str
    title: str
    load: Callable[[Workload, Columns], Any]
    bill: Callable[[Any], Any]
    answer: Callable[[Workload, Any], Columns]
