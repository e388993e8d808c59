"""Every side gives the reference's answers, and how long each takes: `make bench`."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import pytest

from benchmarks.measure import differences, positions_to_check, reference, sides
from benchmarks.sides import Side
from benchmarks.workloads import WORKLOADS, Columns, assert_in_bounds, columns, sample

SIDES = {side.name: side for side in sides()}
SIZES = (1_000, 100_000, 1_000_000)
DECIMAL_ROWS_MAX = 100_000  # a million take half a minute


@cache
def _given(workload: str, rows: int) -> Columns:
    return columns(WORKLOADS[workload], rows)


@cache
def _expected(workload: str, rows: int) -> Columns:
    return reference(WORKLOADS[workload], _given(workload, rows), positions_to_check(rows))


@cache
def _edges_expected(workload: str) -> Columns:
    edges = WORKLOADS[workload].edges()
    return reference(WORKLOADS[workload], edges, positions_to_check(len(next(iter(edges.values())))))


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("side", [side for side in SIDES.values() if side.name != "decimal"], ids=lambda s: s.name)
def test_side_agrees_with_the_reference_on_adversarial_rows(side: Side, workload: str) -> None:
    """No item of any row differs at tier limits, ties, bounds and zero."""
    bill = WORKLOADS[workload]
    edges = bill.edges()
    assert_in_bounds(bill, edges)

    answer = side.answer(bill, side.bill(side.load(bill, edges)))

    assert differences(bill, answer, _edges_expected(workload), None) == (0, 0)


@pytest.mark.parametrize("rows", SIZES, ids=lambda rows: f"{rows}-rows")
@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("side", SIDES.values(), ids=lambda s: s.name)
@pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=0.5, disable_gc=True, warmup=False)
def test_bills(benchmark: Any, side: Side, workload: str, rows: int) -> None:
    """CPU time of all rows, and no wrong total among those that are checked."""
    if side.name == "decimal" and rows > DECIMAL_ROWS_MAX:
        pytest.skip("the reference takes its time; the ns a bill are those of 100,000 rows")
    benchmark.group = f"{workload}, {rows:,} rows"
    bill = WORKLOADS[workload]
    loaded = side.load(bill, _given(workload, rows))

    outcome = benchmark(side.bill, loaded)

    answer = side.answer(bill, outcome)
    wrong = differences(bill, sample(answer, positions_to_check(rows)), _expected(workload, rows), None)
    if not benchmark.disabled:
        benchmark.extra_info["ns_per_row"] = benchmark.stats.stats.median / rows * 1e9
    benchmark.extra_info["wrong_totals"] = wrong[0]
    assert wrong == (0, 0)
