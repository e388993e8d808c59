"""Rows of many rule sets: every total that is checked is the reference's, and how long a batch takes: `make bench`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from benchmarks.mixed import DIFFERENT, SHARED, Case, biller, different_structures, measure, shared_structure

CASES = {"one structure": shared_structure, "a structure each": different_structures}
SIZES = (16_384, 100_000)


@cache
def _case(make: Callable[[int], Case], rows: int) -> Case:
    return make(rows)


def test_totals_are_the_references() -> None:
    """Of every rule set; a hundred have one structure, forty have forty."""
    shared, different = measure(4_000, 1)

    assert (shared.rule_sets, shared.structures) == (SHARED, 1)
    assert (different.rule_sets, different.structures) == (DIFFERENT, DIFFERENT)
    assert (shared.wrong_totals, different.wrong_totals) == (0, 0)


@pytest.mark.parametrize("rows", SIZES, ids=lambda rows: f"{rows}-rows")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("many", [True, False], ids=["mixed", "alone"])
@pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=0.5, disable_gc=True, warmup=False)
def test_bills(benchmark: Any, name: str, many: bool, rows: int) -> None:
    """CPU time of rows of many rule sets in any order, and of as many rows of one of them."""
    benchmark.group = f"{name}, {rows:,} rows"
    case = _case(CASES[name], rows)
    book, given = case.book, case.rows
    if not many:
        one, given, _ = case.alone[0]
        book = {one.id: one}
    bill = biller(book, given)
    bill()

    done = benchmark(bill)

    if not benchmark.disabled:
        benchmark.extra_info["ns_per_row"] = benchmark.stats.stats.median / rows * 1e9
    assert done.billed == rows
