"""Random rows with lists and parts: what is drawn, and that a difference in an item or a part is found."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from engine.calendars.days import day_number
from engine.compiler.program import Compiled
from engine.evaluator.compare import Comparison, compare, compare_random
from engine.evaluator.draw import draw
from engine.evaluator.interpretation import INTERPRETATION, Rule
from engine.evaluator.rows import Rows
from tests.evaluator.lists import BACK, FORWARD, LIST, LOAD, load_rules, split_rules

QUARTERS = [date(2025, month, 1) for month in (2, 5, 8, 11)]


def counts(rows: Rows, name: str) -> list[int]:
    return [int(count) for count in np.diff(rows.children[name].offsets)]


def changes_held(rows: Rows, days: Sequence[date]) -> list[int]:
    numbers = np.array([day_number(day) for day in days])
    inside = (rows.period_from[:, None] < numbers) & (numbers < rows.period_to[:, None])
    return [int(held) for held in inside.sum(axis=1)]


def test_lists_are_mostly_short_and_sometimes_full_or_too_long() -> None:
    found = counts(draw(load_rules(), 1_500, 1), LIST)

    assert set(range(7)) <= set(found)
    assert {40, 41} <= set(found)
    assert sum(count <= 6 for count in found) > 0.95 * len(found)


def test_an_interval_list_has_few_days_and_their_intervals() -> None:
    """Days of 23, 24 and 25 hours come; a few rows have an interval too many or too few."""
    rows = draw(load_rules(), 1_500, 1)
    days = rows.period_to - rows.period_from

    found = counts(rows, LOAD)

    assert {22, 23, 24, 25, 26} <= set(found)
    assert np.mean(days <= 3) > 0.9
    assert np.any((rows.period_from <= FORWARD) & (FORWARD < rows.period_to))
    assert np.any((rows.period_from <= BACK) & (BACK < rows.period_to))


def test_days_of_items_lie_at_the_edges_of_their_billing_period() -> None:
    rows = draw(load_rules(), 1_500, 1)
    days = rows.children[LIST].columns["from_day"].values.astype(np.int64)
    row = np.repeat(np.arange(len(rows)), counts(rows, LIST))

    for edge in (rows.period_from[row], rows.period_to[row]):
        assert {-1, 0, 1} <= set((days - edge).tolist())


def test_optional_lists_are_absent_in_some_rows() -> None:
    valid = draw(load_rules(optional=True), 1_000, 1).children[LOAD].valid

    assert valid is not None
    assert 0.5 < valid.mean() < 0.9


def test_periods_hold_up_to_four_changes_where_rules_split() -> None:
    rows = draw(split_rules(days=QUARTERS), 3_000, 1)

    found = changes_held(rows, QUARTERS)

    assert {0, 1, 2, 3, 4} <= set(found)
    assert sum(held > 0 for held in found) > 0.3 * len(found)


def test_periods_seldom_hold_a_change_where_rules_refuse_it() -> None:
    rows = draw(split_rules(days=QUARTERS, changes="refuse"), 3_000, 1)

    assert sum(held > 0 for held in changes_held(rows, QUARTERS)) < 200


@pytest.mark.parametrize("rules", [split_rules(), load_rules()])
def test_leap_days_are_drawn(rules: Compiled) -> None:
    leap = day_number(date(2024, 2, 29))
    rows = draw(rules, 1_500, 1)

    around = (rows.period_from <= leap) & (leap < rows.period_to)

    assert around.sum() > 20
    assert np.any(rows.period_from[around] == leap)
    assert np.any(rows.period_to[around] == leap + 1)


def assert_agree(found: Comparison) -> None:
    assert (found.different, found.differences) == (0, ())
    assert found.billed > found.rows / 4
    assert min(found.lines.values()) > 0


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("days", [[date(2025, 1, 11)], QUARTERS], ids=["one change", "four changes"])
def test_parts_agree(days: list[date], seed: int) -> None:
    found = compare_random(split_rules(days=days), 2_000, seed, processes=1)

    assert_agree(found)
    assert found.warnings["much"] > 20
    assert found.lines["energy"] > found.billed  # some bills have several parts


def test_rows_billed_whole_agree() -> None:
    assert_agree(compare_random(split_rules(changes="whole"), 1_000, 1, processes=1))


@pytest.mark.parametrize("optional", [False, True])
def test_lists_agree_and_every_refusal_of_a_list_comes(optional: bool) -> None:
    found = compare_random(load_rules(optional=optional), 500, 3, processes=1)

    assert_agree(found)
    assert {"too-many-items", "interval-count", "missing-value", "refused-by-rule", "out-of-bounds"} <= set(
        found.refused
    )


def test_a_difference_in_a_list_is_found_with_its_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reference that leaves the last item out of sums, the comparison must speak."""

    def short(frame: Any, step: Any, operands: Any) -> Decimal:
        return sum(operands[0][:-1], Decimal(0))

    rules = cast("MutableMapping[str, Rule]", INTERPRETATION)
    monkeypatch.setitem(rules, "sum_items", cast("Rule", short))

    found = compare(load_rules(), draw(load_rules(), 60, 1))

    assert found.different > 10
    assert found.differences[0].given[LOAD].startswith('{"kwh": ["')


def test_a_difference_in_a_part_names_the_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reference that forgets earlier parts, the tier begins anew in each."""
    rules = cast("MutableMapping[str, Rule]", INTERPRETATION)
    monkeypatch.setitem(rules, "earlier_parts", cast("Rule", lambda frame, step, operands: Decimal(0)))

    found = compare(split_rules(), draw(split_rules(), 500, 1))

    assert found.different > 5
    assert {one.path for one in found.differences} >= {"part 2 beyond", "part 2 beyond.quantity", "total"}
