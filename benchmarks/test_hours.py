"""A year of hours: the engine's bills are PySAM's, and those of its own reference; small sizes, to see that it runs."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.hours import (
    CHECKED,
    COMPONENTS,
    HALF_A_CENT,
    SIDES,
    Engine,
    Side,
    differences,
    reference,
    render,
    saved_bills,
    saved_load,
)
from benchmarks.hours import Measurement as Measured
from benchmarks.hours_rates import HOURS, RATES, Rate, compiled, loads, rows
from engine.evaluator.evaluate import Plans, evaluate

OTHERS = [side for side in SIDES if not side.name.startswith("dianjia")]


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_bills_are_those_that_pysam_made(rate: Rate) -> None:
    """Every component of twelve bills, to half a cent: PySAM's are doubles, ours have 6 decimals."""
    engine = Engine(rate, saved_load(), meters=1, by_month=False)

    (ours,) = engine.bills()

    assert differences([ours], [saved_bills(rate)], HALF_A_CENT) == 0


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_a_saved_bill_has_what_the_rate_is_measured_for(rate: Rate) -> None:
    bills = saved_bills(rate)

    billed = {component for component in COMPONENTS if any(bill[component] for bill in bills)}

    demand = {"demand_flat", "demand_tou"} if rate.name != "tou-dr-1" else set()
    assert billed == {"energy", "fixed", "total"} | demand


@pytest.mark.parametrize("by_month", [False, True], ids=["year after year", "month after month"])
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_bills_are_those_of_the_reference(rate: Rate, by_month: bool) -> None:
    given = loads(CHECKED)

    ours = Engine(rate, given, meters=CHECKED, by_month=by_month).bills()

    assert differences(ours, reference(rate, given), Decimal(0)) == 0


@pytest.mark.parametrize(
    ("side", "rate"),
    [pytest.param(side, RATES[rate], id=f"{side.name}-{rate}") for side in OTHERS for rate in side.rates],
)
def test_another_calculator_bills_the_same(side: Side, rate: Rate) -> None:
    missing = side.missing()
    if missing is not None:
        pytest.skip(missing)
    given = loads(CHECKED)

    theirs = side.begin(rate, given).bills()

    assert differences(theirs, reference(rate, given), side.tolerance) == 0


def test_a_wrong_component_is_counted() -> None:
    right = [{"energy": Decimal("10.00"), "total": Decimal("10.00")}] * 12
    wrong = [{"energy": Decimal("10.006"), "total": Decimal("10.00")}, *right[1:]]

    assert differences([right, right], [right, wrong], HALF_A_CENT) == 1
    assert differences([right, right], [right, wrong], Decimal("0.01")) == 0


def test_loads_are_whole_years_that_differ() -> None:
    given = loads(3)

    assert given.shape == (3, HOURS)
    assert len({meter.tobytes() for meter in given}) == 3
    assert given.min() > 0


def test_a_side_that_is_not_there_is_told_of() -> None:
    there = Measured("e-19", "dianjia", "Dianjia", seconds=0.0006, fastest=0.0005, slowest=0.0007, checked=36)
    not_there = Measured("e-19", "pysam", "PySAM", missing="the environment `pysam` is not there")

    text = render([there, not_there])

    assert "| **Dianjia** | 20,000 | 600 | 500 to 700 |  | 0 of 36 |" in text
    assert text.endswith("PySAM: the environment `pysam` is not there.")


@pytest.mark.parametrize("meters", [1, 100])
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=0.5, disable_gc=True, warmup=False)
def test_speed(benchmark: Any, rate: Rate, meters: int) -> None:
    """CPU time of a call, and every row billed."""
    benchmark.group = f"a year of hours, {rate.title}"
    plans = Plans(compiled(rate))
    batch = rows(rate, loads(meters), by_month=meters > 1)

    result = benchmark(evaluate, plans.compiled, batch, plans=plans)

    assert len(result.kept) == 12 * meters
