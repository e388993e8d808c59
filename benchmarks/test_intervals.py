"""Interval data: every way gives the same figures and bills, and how long each takes: `make bench`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.intervals import WORKLOADS, measure, sides

METERS = 40  # few, to see that it runs; `python -m benchmarks.intervals` takes as many as it says
SIDES = {workload: sides(workload, METERS) for workload in WORKLOADS}
WAYS = [pytest.param(side, id=f"{side.workload}-{side.name}") for ways in SIDES.values() for side in ways]


@pytest.mark.parametrize("side", WAYS)
@pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=0.5, disable_gc=True, warmup=False)
def test_ways(benchmark: Any, side: Any) -> None:
    """CPU time of all rows, and no wrong one among those that are checked."""
    benchmark.group = side.workload

    outcome = benchmark(side.call)

    checked, wrong = side.wrong(outcome)
    if not benchmark.disabled:
        benchmark.extra_info["ns_per_item"] = benchmark.stats.stats.median / side.items * 1e9
    assert checked > 0
    assert wrong == 0


def test_what_is_measured() -> None:
    """Every way of a workload, with the rows that were compared."""
    found = measure(rounds=1, workloads=("year",))

    assert [(one.workload, one.side, one.rows, one.wrong) for one in found] == [
        ("year", "1", 12, 0),
        ("year", "1000", 12_000, 0),
    ]
    assert all(one.checked and one.seconds > 0 for one in found)
