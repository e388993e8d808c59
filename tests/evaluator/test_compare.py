"""Random rows: what is drawn, and that a difference between the interpreters is found."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any, cast

import numpy as np
import pytest

from engine.compiler.program import BOOLEAN, InputSpec, Refusal, Step, Type
from engine.evaluator.compare import Comparison, compare, compare_random, plain
from engine.evaluator.draw import draw
from engine.evaluator.draw_edges import edges
from engine.evaluator.interpretation import INTERPRETATION, Rule
from engine.evaluator.rows import Column
from tests.billing import book
from tests.evaluator.programs import FROM_2024, FROM_2025, two_tiers

SHIPPED = [
    "cn.guangdong.residential",
    "cn.hubei.industry_commerce",
    "cn.jiangsu.residential",
    "cn.national.two_part_1996",
    "cn.shanghai.residential",
    "cn.sichuan.residential",
]


def test_the_same_seed_draws_the_same_rows() -> None:
    one, again, other = (draw(two_tiers(), 200, seed) for seed in (1, 1, 2))

    assert plain(one.columns["kwh"]) == plain(again.columns["kwh"])
    assert plain(one.columns["kwh"]) != plain(other.columns["kwh"])


def test_edges_are_drawn() -> None:
    """The limit of 100 kWh and of 1,000 kWh, one step either side, the bounds and zero."""
    spec = two_tiers().program.inputs[0]

    near = set(edges(two_tiers(), spec).tolist())

    assert {0, 1, 9_999, 10_000, 10_001, 99_999, 100_000, 100_001, 999_999, 1_000_000} <= near
    assert min(near) == 0
    assert max(near) == 1_000_000


def test_days_of_both_versions_and_their_ends_are_drawn() -> None:
    rows = draw(two_tiers(), 2_000, 5)
    first, end = rows.period_from, rows.period_to

    assert {FROM_2024, FROM_2025} <= set(first.tolist())
    assert np.any(first < FROM_2024)  # before anything was in force
    assert np.any(end <= first)  # ends before it begins
    assert np.any((first < FROM_2025) & (end > FROM_2025))  # holds a change
    assert np.any(end == FROM_2025)


def test_small_rules_agree_and_every_kind_of_row_comes() -> None:
    found = compare_random(two_tiers(), 3_000, 7, processes=1)

    assert (found.rows, found.different, found.differences) == (3_000, 0, ())
    assert found.billed + sum(found.refused.values()) == 3_000
    assert found.billed > 2_000
    assert set(found.refused) == {
        "bad-date",
        "bad-period",
        "missing-value",
        "no-price-in-force",
        "not-a-number",
        "period-crosses-change",
        "refused-by-rule",
    }
    assert min(found.lines.values()) > 300
    assert found.warnings["second_tier"] > 300


def test_inputs_that_must_agree_are_made_to() -> None:
    """Where the total must be the sum of two registers, most rows still have a bill."""
    rules = two_tiers()
    kwh = rules.program.inputs[0].type
    steps = (
        *rules.program.steps,
        Step("input", (), kwh, name="peak"),
        Step("input", (), kwh, name="valley"),
        Step("add", (16, 17), replace(kwh, high=2 * kwh.high)),
        Step("equal", (0, 18), BOOLEAN),
        Step("require", (19,), BOOLEAN, refusal=1),
    )
    program = replace(
        rules.program,
        inputs=(*rules.program.inputs, InputSpec("peak", kwh), InputSpec("valley", kwh)),
        steps=steps,
        refusals=(*rules.program.refusals, Refusal("refused-by-rule", "peak", "{peak}", (("peak", 16),))),
    )

    found = compare_random(replace(rules, program=program), 2_000, 3, processes=1)

    assert found.different == 0
    assert found.billed > 1_000


def test_a_difference_is_found_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reference that cuts instead of rounding half up, the comparison must speak."""

    def cut(frame: Any, step: Step, operands: list[Decimal]) -> Decimal:
        return (operands[0] * operands[1]).quantize(Decimal("0.01"), ROUND_DOWN, frame.naming)

    rules = cast("MutableMapping[str, Rule]", INTERPRETATION)
    monkeypatch.setitem(rules, "multiply_round", cast("Rule", cut))

    found = compare(two_tiers(), draw(two_tiers(), 500, 1))

    assert found.different > 50
    first = found.differences[0]
    assert first.path in ("energy.1", "energy.2", "total", "ledger energy")
    assert Decimal(first.by_columns) - Decimal(first.in_decimals) in (Decimal("0.01"), Decimal("0.02"))
    assert first.given["kwh"]


def test_a_proof_that_does_not_hold_is_found() -> None:
    """Bounds that the compiler got wrong are the reference's to notice."""
    rules = two_tiers()
    steps = list(rules.program.steps)
    steps[8] = replace(steps[8], type=Type("number", steps[8].type.unit, 2, 0, 100))

    found = compare(replace(rules, program=replace(rules.program, steps=tuple(steps))), draw(rules, 200, 1))

    assert found.different > 100
    assert found.differences[0].path == "fault"
    assert "is outside" in found.differences[0].in_decimals


def test_counts_are_added() -> None:
    one = Comparison("a", 10, 8, {"bad-date": 2}, {"x": 0}, {"w": 1})

    both = one.and_(Comparison("a", 5, 5, {}, {"x": 3}, {"w": 0}))

    assert both == Comparison("a", 15, 13, {"bad-date": 2}, {"x": 3}, {"w": 1})


def test_columns_as_one_row_gives_them() -> None:
    valid = np.array([True, False])

    assert plain(Column(np.array([1050, 0]), 3, valid)) == [Decimal("1.050"), None]
    assert plain(Column(np.array([0, 1]), 0, None, ("low", "high"))) == ["low", "high"]
    assert plain(Column(np.array([0.1, 2.5]))) == [Decimal("0.1"), Decimal("2.5")]
    assert plain(Column(np.array(["1970-01-02", "1970-01-03"], "datetime64[D]"))) == [1, 2]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_rules_agree(name: str) -> None:
    found = compare_random(book()[name], 1_500, 11, processes=1)

    assert found.differences == ()
    assert found.billed > found.rows / 2
    assert min(found.lines.values()) > 0


@pytest.mark.slow
def test_processes_find_what_one_finds() -> None:
    one = compare_random(two_tiers(), 25_000, 1, processes=1)

    assert compare_random(two_tiers(), 25_000, 1, processes=2) == one
