"""Advice: what is measured is right: `make bench`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.advice import book, drawn, measure
from engine.advice.advise import advise

CUSTOMERS = 20  # few, to see that it runs; `python -m benchmarks.advice` takes a thousand


@pytest.mark.benchmark(timer=time.process_time, min_rounds=2, max_time=0.3, disable_gc=True, warmup=False)
def test_advice(benchmark: Any) -> None:
    """CPU time of all alternatives over a year."""
    rows, account = drawn(CUSTOMERS)

    found = benchmark(lambda: advise(book(), rows, [str(one) for one in account.tolist()]))

    assert len(found.advised) == CUSTOMERS


def test_what_is_measured() -> None:
    """Bills as they are, and the best contract demand, are those of the ordinary evaluator at every kW."""
    found = measure(CUSTOMERS, rounds=1)

    assert found.checked > CUSTOMERS * 12
    assert found.alternatives > 10
    assert found.billed > found.alternatives
    assert found.wrong == 0
