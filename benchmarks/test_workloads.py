"""Every side gives the reference's answers and refuses the same rows; how long each takes: `make bench`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from benchmarks.allocator import keep_memory
from benchmarks.clock import cpu_seconds
from benchmarks.measure import differences, positions_to_check, reference, sides
from benchmarks.sides import Side
from benchmarks.workloads import REFUSED, WORKLOADS, Columns, Workload, columns, outside, sample, spoiled

SIDES = {side.name: side for side in sides()}
SIZES = (1, 1_000, 100_000, 1_000_000, 10_000_000)
EXACT = [side for side in SIDES.values() if side.exact and side.name != "decimal"]
ARRAYS = ("dianjia", "dianjia-native", "c", "c-vectors", "numba", "numpy-blocked", "numpy")


def _measurable(side: Side, workload: str, rows: int = 1) -> Workload:
    """Give the workload, or skip what cannot be measured."""
    if side.missing is not None:
        pytest.skip(f"not measured: {side.missing}")
    if workload not in side.workloads:
        pytest.skip("it cannot say this bill")
    if rows > side.rows_max:
        pytest.skip(f"too slow for more than {side.rows_max:,} rows; ns a bill are those of fewer")
    return WORKLOADS[workload]


@lru_cache(maxsize=1)
def _given(workload: str, rows: int) -> Columns:
    return columns(WORKLOADS[workload], rows)


@lru_cache(maxsize=1)
def _expected(workload: str, rows: int) -> Columns:
    return reference(WORKLOADS[workload], _given(workload, rows), positions_to_check(rows))


@lru_cache(maxsize=2)
def _edges_expected(workload: str) -> Columns:
    edges = WORKLOADS[workload].edges()
    return reference(WORKLOADS[workload], edges, positions_to_check(len(next(iter(edges.values())))))


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("side", EXACT, ids=lambda side: side.name)
def test_side_agrees_with_the_reference_on_adversarial_rows(side: Side, workload: str) -> None:
    """No item of any row differs at tier limits, ties, bounds and zero."""
    bill = _measurable(side, workload)
    edges = bill.edges()
    if side.name == "zen":
        edges = sample(edges, np.arange(0, len(edges["kwh_peak"]), 7))  # it takes its time
    assert not outside(bill, edges).any()
    expected = _edges_expected(workload) if side.name != "zen" else reference(bill, edges, _all(edges))

    answer = side.answer(bill, side.bill(side.load(bill, edges)))

    assert differences(bill, answer, expected, None) == (0, 0)


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("side", EXACT, ids=lambda side: side.name)
def test_side_refuses_the_planted_rows_and_bills_the_others_adversarial(side: Side, workload: str) -> None:
    """Each bound missed by one, and the claim: those rows have no bill, all others have theirs."""
    bill = _measurable(side, workload)
    planted = spoiled(bill, columns(bill, 1_000))
    expected = reference(bill, planted, _all(planted))
    assert np.array_equal(expected[REFUSED].astype(np.bool_), outside(bill, planted))
    assert expected[REFUSED].sum() == 334

    answer = side.answer(bill, side.bill(side.load(bill, planted)))

    assert differences(bill, answer, expected, None) == (0, 0)


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("side", [SIDES[name] for name in ARRAYS], ids=lambda side: side.name)
def test_side_refuses_what_lies_far_outside_adversarial(side: Side, workload: str) -> None:
    """The least and the greatest whole numbers, and sums that run over 64 bits, harm no row beside them."""
    bill = _measurable(side, workload)
    given = {name: values.copy() for name, values in columns(bill, 400).items()}
    far = [np.iinfo(np.int64).min, np.iinfo(np.int64).max, -(2**32), 2**32, 2**62, -(2**62)]
    for position, column in enumerate(bill.inputs):
        for number, value in enumerate(far):
            given[column.name][position * len(far) + number] = value
            if column.name.startswith("kwh"):
                given["kwh_peak"][position * len(far) + number] = value
    expected = reference(bill, given, _all(given))

    answer = side.answer(bill, side.bill(side.load(bill, given)))

    assert differences(bill, answer, expected, None) == (0, 0)


def test_openfisca_is_counted_not_trusted_adversarial() -> None:
    """float32 gives wrong totals, and they are counted: the side is marked as not exact."""
    side = SIDES["openfisca"]
    bill = _measurable(side, "W2")
    given = columns(bill, 1_000)

    wrong, _ = differences(
        bill, side.answer(bill, side.bill(side.load(bill, given))), reference(bill, given, _all(given)), None
    )

    assert not side.exact
    assert wrong > 100


@pytest.mark.parametrize("side", SIDES.values(), ids=lambda side: side.name)
@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("rows", SIZES, ids=lambda rows: f"{rows}-rows")
@pytest.mark.benchmark(timer=cpu_seconds, min_rounds=3, max_time=0.5, disable_gc=True, warmup=False)
def test_bills(benchmark: Any, rows: int, workload: str, side: Side) -> None:
    """CPU time of all rows, and no wrong total among those that are checked."""
    bill = _measurable(side, workload, rows)
    keep_memory()
    benchmark.group = f"{workload}, {rows:,} rows"
    loaded = side.load(bill, _given(workload, rows))

    outcome = benchmark(side.bill, loaded)

    answer = side.answer(bill, outcome)
    wrong = differences(bill, sample(answer, positions_to_check(rows)), _expected(workload, rows), None)
    if not benchmark.disabled:
        benchmark.extra_info["ns_per_row"] = benchmark.stats.stats.median / rows * 1e9
    benchmark.extra_info["wrong_totals"] = wrong[0]
    assert not side.exact or wrong == (0, 0)


def _all(given: Columns) -> Any:
    return np.arange(len(given["kwh_peak"]))
