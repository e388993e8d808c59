"""Scores beside W1: what is measured is right: `make bench`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.scores import customers, measure, render, rulesets
from engine.evaluator.evaluate import Plans, evaluate

ROWS = 2_000  # few, to see that it runs; `python -m benchmarks.scores` takes a million


@pytest.mark.parametrize("name", ["four_highs", "energy_efficiency"])
@pytest.mark.benchmark(timer=time.process_time, min_rounds=2, max_time=0.3, disable_gc=True, warmup=False)
def test_scores(benchmark: Any, name: str) -> None:
    """CPU time of a rule set's scores."""
    compiled = rulesets()[f"cn.national.profiles.{name}"]
    rows, plans = customers(compiled, ROWS, 500), Plans(compiled)

    result = benchmark(lambda: evaluate(compiled, rows, plans=plans))

    assert len(result.total) == ROWS


def test_what_is_measured() -> None:
    """Every shipped rule set with scores or segments, every row billed, every score and class the reference's."""
    found = measure(200, rounds=1, drawn=200)

    assert {one.ruleset for one in found} == set(rulesets())
    assert all(one.wrong == 0 and one.checked == 200 and one.scores + one.segments for one in found)
    assert render(found).count("\n") == len(found) + 1
