"""One bill alone, each way there is: the same totals, and how long a bill takes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.measure import positions_to_check, reference
from benchmarks.one_bill import SIDES, One, every, rows_of
from benchmarks.workloads import WORKLOADS, columns

ROWS = 2_000
CPU_US_MAX = 25  # of W1 by the scalar, from a mapping of its own numbers to a bill
SLACK = 4  # of a machine that is busy with something else


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("side", SIDES, ids=lambda side: side.name)
@pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=0.5, disable_gc=True, warmup=False)
def test_one_bill(benchmark: Any, side: One, workload: str) -> None:
    """CPU time of one bill, and no wrong total."""
    benchmark.group = f"{workload}, one bill"
    one = WORKLOADS[workload]
    bill, rows = side.prepare(one), rows_of(one, side, ROWS)
    expected = reference(one, columns(one, ROWS), positions_to_check(ROWS))["total"].tolist()

    benchmark(every, bill, rows)

    assert expected == [side.total(bill(row)) for row in rows]
    if not benchmark.disabled:
        us = benchmark.stats.stats.median / ROWS * 1e6
        benchmark.extra_info["us_per_bill"] = us
        assert side.name != "scalar" or workload != "W1" or us < CPU_US_MAX * SLACK
