"""Warnings of one row against an oracle in plain Decimal, over random rows that lie near the thresholds."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Result, evaluate
from engine.evaluator.rows import Rows
from tests.billing import ROOT, as_rows
from tests.oracles import one_row
from tests.oracles.given import Value
from tests.properties.case import Row

ROWS: Final = 3000
# name -> (decimals, values about which a row's value lies)
NEAR: Final = {
    "kwh": (2, ["0", "50", "70", "85", "100", "115", "130", "200", "2880", "14880", "89280"]),
    "kwh_last_month": (2, ["0", "100", "200"]),
    "kwh_last_year": (2, ["0", "100", "200"]),
    "months_zero": (0, ["0", "3", "6"]),
    "kwh_peak": (2, ["0", "300"]),
    "kwh_valley": (2, ["0", "100"]),
    "tier_kwh": (2, ["2592", "2880", "2980", "4320", "4800", "4900"]),
    "tier_1_kwh": (2, ["2880"]),
    "tier_2_kwh": (2, ["4800"]),
    "balance_cny": (2, ["0", "30", "50", "-100"]),
    "owed_cny": (2, ["0", "100"]),
    "days_overdue": (0, ["0", "1", "30"]),
    "kvarh": (2, ["0", "36.33", "48.43", "75", "88.19", "102.02"]),
    "power_factor_standard": (2, ["0.80", "0.85", "0.90"]),
    "demand_kw": (4, ["0", "30", "90", "100", "105", "62.6"]),
    "contract_kw": (0, ["0", "100"]),
    "capacity_kva": (0, ["0", "100"]),
    "contract_kva": (0, ["0", "100"]),
    "running_kva": (0, ["0", "100"]),
    "load_kva": (2, ["0", "80", "100"]),
    "response_times": (0, ["0", "10"]),
    "voltage_min_kv": (4, ["0.1980"]),
    "voltage_max_kv": (4, ["0.2354"]),
    "current_a": (2, ["0", "100"]),
    "current_b": (2, ["0", "100"]),
    "current_c": (2, ["0", "75", "85"]),
    "total_start": (2, ["100"]),
    "total_end": (2, ["100"]),
    "kwh_reverse": (2, ["0"]),
    "cover_opened_times": (0, ["0"]),
    "voltage_lost_hours": (2, ["0", "1"]),
    "current_lost_hours": (2, ["0", "1"]),
    "phase_deviation": (4, ["0.1"]),
}
SIGNED: Final = ("balance_cny",)
FIXED: Final = ("power_factor_standard", "tier_1_kwh", "tier_2_kwh")


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    """The rule set of its own that has nothing but these warnings."""
    return compile_paths([ROOT / "rules/cn/national/warnings"]).rulesets["cn.national.warnings.one_row"]


def drawn(seed: int, many: int = ROWS) -> list[Row]:
    """Random rows: each value is left out in a third of them, lies on one of its numbers, or a step or two beside."""
    draw = random.Random(seed)
    rows = []
    for _ in range(many):
        given: dict[str, Value] = {}
        for name, (places, about) in NEAR.items():
            if draw.random() < 1 / 3:
                continue
            step = 0 if name in FIXED else draw.choice([-2, -1, 0, 0, 0, 1, 2])
            value = Decimal(draw.choice(about)) + step * Decimal(1).scaleb(-places)
            given[name] = value if name in SIGNED else max(Decimal(0), value)
        begins = date(2026, draw.choice([1, 2, 4]), 1)
        ends = (begins + timedelta(days=31)).replace(day=1)
        for name in ("temporary_through", "suspended_through"):
            if draw.random() < 1 / 3:
                given[name] = ends + timedelta(days=draw.choice([-2, -1, 0, 29, 30]))
        rows.append(Row(given, begins, ends))
    return rows


def names(result: Result, row: int) -> frozenset[str]:
    """The warnings that a row raises."""
    return frozenset(name for name, mask in result.warnings.items() if mask[row])


def ran(compiled: Compiled, rows: Rows) -> Result:
    """Every row is taken."""
    result = evaluate(compiled, rows)
    assert result.problems == ()
    return result


def test_random_rows_raise_what_the_oracle_says_and_every_warning_is_raised(compiled: Compiled) -> None:
    """The oracle is written from the list of thresholds, and shares nothing with the engine."""
    rows = drawn(20260101)

    result = ran(compiled, as_rows(compiled, rows))

    expected = [one_row.raised(row.given, row.period_from, row.period_to) for row in rows]
    assert expected == [names(result, at) for at in range(len(rows))]
    assert {one.id for one in compiled.program.warnings} == frozenset().union(*expected)


@pytest.mark.parametrize("left_out", ["kwh", "kwh_last_month", "contract_kva", "current_b", "temporary_through"])
def test_a_column_that_is_not_there_is_a_column_in_which_nothing_is_given(compiled: Compiled, left_out: str) -> None:
    """Warnings that a batch cannot raise are not computed; they are told as not raised, with the same others."""
    rows = as_rows(compiled, drawn(7, 300))
    columns = dict(rows.columns)
    empty = replace(columns[left_out], values=np.full(len(rows), None, dtype=object))

    without = ran(compiled, replace(rows, columns={name: c for name, c in columns.items() if name != left_out}))

    with_nothing = ran(compiled, replace(rows, columns={**columns, left_out: empty}))
    assert with_nothing.warnings.keys() == without.warnings.keys()
    for name, mask in with_nothing.warnings.items():
        np.testing.assert_array_equal(mask, without.warnings[name], err_msg=name)
