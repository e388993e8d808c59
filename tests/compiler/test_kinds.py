"""Charge kinds at their edges: limits and thresholds below zero, shares of the whole, what counts twice."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.compiler.small import HEAD, KWH, NOT_PRICED, billed, compiled, inputs, problems, row, totals

TIERS = "tiers: [{up_to: 200, price: 0.5}, {price: 1.0}]"


def test_limits_that_widening_brings_below_zero(tmp_path: Path) -> None:
    """Nothing lies under a limit of -100: 100 x 1.0. Under 50 lie 50: 50 x 0.5 + 50 x 1.0. Under 200 all: 100 x 0.5."""
    text = (
        inputs("widen: {unit: kWh, places: 0, from: -500, to: 500}")
        + NOT_PRICED
        + "charges:\n  energy: {kind: tiered, quantity: kwh, over: reading_cycle, widen_limits: widen, "
        + TIERS
        + "}\n"
    )
    rows = [row(kwh="100", widen=widen) for widen in ("-300", "-150", "0")]

    assert ["100.00", "75.00", "50.00"] == totals(compiled(tmp_path, text), rows)


def test_a_year_has_no_limits_per_month(tmp_path: Path) -> None:
    """100 kWh a month, times the months of a bill, widened a year's limits by a month's worth."""
    ladder = "charges:\n  energy: {{kind: tiered, quantity: kwh, before: before, over: calendar_year, {}}}\n"
    text = inputs("before: {unit: kWh, places: 2, from: 0, to: 100000}") + NOT_PRICED
    widened = 'widen_limits: "100[kWh/month]", ' + TIERS

    assert ["figure-unit"] == problems(tmp_path, text + ladder.format(widened))
    assert ["figure-unit"] == problems(tmp_path, text + ladder.format(TIERS.replace("200", '"200[kWh/month]"')))
    assert [] == problems(tmp_path, text + ladder.format(TIERS))


@pytest.mark.parametrize("over", ["billing_month", "reading_cycle", "calendar_year"])
def test_only_a_ladder_year_starts_in_a_month(tmp_path: Path, over: str) -> None:
    """A calendar year that started in month 13 never ended."""
    before = "before: before, " if over == "calendar_year" else ""
    text = inputs("before: {unit: kWh, places: 2, from: 0, to: 100000}") + NOT_PRICED
    text += f"charges:\n  energy: {{kind: tiered, quantity: kwh, {before}over: {over}, year_starts: 13, {TIERS}}}\n"

    assert "year-starts-unread" in problems(tmp_path, text)


def test_a_period_below_zero_is_no_share_of_the_whole(tmp_path: Path) -> None:
    """10 + 30 = 40 kWh in the first tier: 10 x 1.0 + 30 x 0.5 = 25.00, by either sharing."""
    tiers = "tiers: [{up_to: 50, price: {peak: 1, valley: 0.5}}, {price: {peak: 2, valley: 1}}]"
    kind = "{kind: tiered_time_of_use, over: reading_cycle, scope: pooled_pro_rata"
    kind += ", quantity: {peak: peak, valley: valley}"
    text = (
        HEAD
        + """\
inputs:
  peak: {unit: kWh, places: 2, from: -10, to: 100}
  valley: {unit: kWh, places: 2, from: 10, to: 100}
"""
        + NOT_PRICED
        + f"charges:\n  rounded: {kind}, share: kwh(2), {tiers}}}\n  exact: {kind}, share: exact, {tiers}}}\n"
    )
    rows = [row(peak="10", valley="30"), row(peak="-10", valley="90")]

    assert ["50.00", "refused-by-rule"] == totals(compiled(tmp_path, text), rows)


def test_a_quantity_discount_of_more_than_all_and_of_less_than_nothing(tmp_path: Path) -> None:
    """Half of 200 kWh lie above 100: 150 % of half of 100.00 is 75.00; -5 % of it adds 2.50."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
charges:
  energy: {quantity: kwh, price: 0.5}
  less: {kind: quantity_discount, quantity: kwh, above: 100, method: marginal, percent: 150, base: [energy]}
  more: {kind: quantity_discount, quantity: kwh, above: 100, method: marginal, percent: -5, base: [energy]}
"""
    )

    (lines,) = billed(compiled(tmp_path, text), [row(kwh="200")])

    assert not isinstance(lines, str)
    expected = {"energy": "100.00", "less": "-75.00", "more": "2.50", "total": "27.50"}
    assert expected == {name: f"{amount}" for name, amount in lines.items()}


def test_no_more_than_the_quantity_is_discounted(tmp_path: Path) -> None:
    """Above -20 lie all of 100 kWh, not 120: 100 x 0.1 = 10.00; above 20 lie 80."""
    text = (
        inputs("threshold: {unit: kWh, places: 0, from: -50, to: 500}")
        + NOT_PRICED
        + """\
charges:
  less: {kind: quantity_discount, quantity: kwh, above: threshold, method: marginal, price: 0.1}
"""
    )
    rows = [row(kwh="100", threshold="-20"), row(kwh="100", threshold="20")]

    assert ["-10.00", "-8.00"] == totals(compiled(tmp_path, text), rows)


def test_a_cap_per_month(tmp_path: Path) -> None:
    """10 % of 50.00 is 5.00, capped at 2.00 a month: 2.00 in one, 4.00 in two."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
charges:
  energy: {quantity: kwh, price: 0.5}
  less: {kind: percentage, percent: -10, base: [energy], cap: "2[CNY/month]"}
"""
    )
    rows = [row(kwh="100"), row("2024-03-01", "2024-05-01", kwh="100")]

    assert ["48.00", "46.00"] == totals(compiled(tmp_path, text), rows)


def test_a_charge_may_price_the_line_of_a_later_one(tmp_path: Path) -> None:
    """50 x 0.01 = 0.50; 50 x 0.5 + 50 x 1.0 = 75.00. The order in which charges are written does not matter."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
charges:
  fund: {quantity: energy.1.kwh, price: 0.01}
  energy: {kind: tiered, quantity: kwh, over: billing_month, tiers: [{up_to: 50, price: 0.5}, {price: 1.0}]}
"""
    )

    assert ["75.50"] == totals(compiled(tmp_path, text), [row(kwh="100")])


def test_what_would_count_twice_is_told(tmp_path: Path) -> None:
    """A charge and its ledger code in one base; a charge that prices the energy twice."""
    charges = "charges:\n  energy: {quantity: kwh, price: 0.5, ledger: electricity}\n"
    tax = "  tax: {kind: percentage, percent: 13, base: [energy, electricity]}\n"
    twice = "energy: {total: kwh, priced_by: [energy, energy]}\n"

    assert ["listed-twice"] == problems(tmp_path, inputs() + NOT_PRICED + charges + tax)
    assert ["listed-twice"] == problems(tmp_path, inputs() + twice + charges)


def test_two_lines_of_one_name_are_told(tmp_path: Path) -> None:
    """The line of what is taken off is called `less`; a period of that name was billed as it."""
    text = (
        inputs()
        + NOT_PRICED
        + """\
charges:
  fund: {quantity: kwh, price: 0.1}
  energy:
    kind: time_of_use
    quantity: {less: kwh}
    price: {less: 0.5}
    less: [fund]
    split: whole_rounded
    rest_to: energy
"""
    )

    assert ["name-twice"] == problems(tmp_path, text)


@pytest.mark.parametrize("some", ["when: not exempt", "in_force: {from: 2025-01-01, until_replaced: true}"])
@pytest.mark.parametrize("split", ["each_rounded", "whole_rounded, rest_to: energy"])
def test_a_fund_in_a_price_is_billed_in_every_row(tmp_path: Path, split: str, some: str) -> None:
    """Where it was not billed, one split left it out of the price and the other left it in."""
    text = (
        inputs("exempt: {type: boolean}")
        + NOT_PRICED
        + f"""\
charges:
  energy: {{kind: time_of_use, quantity: {{flat: kwh}}, price: {{flat: 0.5}}, less: [fund], split: {split}}}
  fund: {{quantity: kwh, price: 0.1, {some}}}
  other: {{quantity: kwh, price: 0.1, when: exempt}}
"""
    )

    assert ["less-not-always"] == problems(tmp_path, text)


@pytest.mark.parametrize("split", ["each_rounded", "whole_rounded, rest_to: energy"])
def test_an_exempt_customer_has_a_fund_of_zero(tmp_path: Path, split: str) -> None:
    """100 x 0.5 = 50.00 in all, with the fund's 10.00 in it or, for the exempt, without a fund."""
    text = (
        inputs("exempt: {type: boolean}")
        + NOT_PRICED
        + f"""\
charges:
  energy: {{kind: time_of_use, quantity: {{flat: kwh}}, price: {{flat: 0.5}}, less: [fund], split: {split}}}
  fund: {{quantity: kwh, price: "0 if exempt else 0.1[CNY/kWh]"}}
"""
    )
    made = compiled(tmp_path, text)
    rows = [row(kwh="100", exempt=False), row(kwh="100", exempt=True)]

    assert ["50.00", "50.00"] == totals(made, rows)
    funds = [lines["fund"] for lines in billed(made, rows) if not isinstance(lines, str)]
    assert [Decimal("10.00"), Decimal("0.00")] == funds


@pytest.mark.parametrize(
    "name", ["months: {unit: month, places: 0, from: 0, to: 9}", "day: {type: date}", "period_to: {type: date}"]
)
def test_names_of_the_language_are_not_taken(tmp_path: Path, name: str) -> None:
    """An input `months` multiplied every price per month."""
    text = inputs(name) + NOT_PRICED + "charges:\n  least: {kind: minimum_bill, at_least: 10, base: [energy]}\n"

    assert "name-reserved" in problems(tmp_path, text)


def test_no_charge_is_called_total(tmp_path: Path) -> None:
    """The sum of the bill is."""
    text = inputs() + NOT_PRICED + "charges:\n  total: {quantity: kwh, price: 0.5}\n"

    assert ["name-reserved"] == problems(tmp_path, text)


@pytest.mark.parametrize(
    "charge",
    [
        "{kind: demand, measured: kw, method: whole, price: 3}",
        "{kind: demand, measured: kw, at_limit: upper, tiers: [{up_to: 9, price: 2}, {price: 1}]}",
        "{kind: tiered, across_parts: by_days, limit_places: 0, TIERS}",
        "{kind: tiered, limit_places: 0, TIERS}",
        "{kind: tiered, at_limit: upper, TIERS}",
        "{kind: free_quota, method: refund_whatever_used, free: 15, of: kwh, price: 1}",
        "{kind: time_of_use, quantity: {peak: kwh}, price: {peak: 1}, split: each_rounded}",
        "{kind: tiered_time_of_use, scope: per_period, share: exact, over: billing_month, quantity: {peak: kwh}, "
        "tiers: [{up_to: 9, price: {peak: 1}}, {price: {peak: 2}}]}",
    ],
)
def test_a_key_that_nothing_reads_is_told(tmp_path: Path, charge: str) -> None:
    """Whoever wrote it believes that it changes the bill."""
    tiers = "quantity: kwh, over: billing_month, tiers: [{up_to: 9, price: 1}, {price: 2}]"
    text = inputs("kw: {unit: kW, places: 0, from: 0, to: 9}") + NOT_PRICED
    text += f"charges:\n  fee: {charge.replace('TIERS', tiers)}\n"
    text += "  all: {kind: formula, amount: 'kw * 1[CNY/kW] + kwh * 1[CNY/kWh]'}\n"

    assert problems(tmp_path, text) == ["key-without"]


def test_a_method_above_the_periods_of_a_demand_is_told(tmp_path: Path) -> None:
    """`method: whole` over `periods` would bill them by the default, marginal."""
    text = inputs("kw: {unit: kW, places: 0, from: 0, to: 9}") + NOT_PRICED + "charges:\n  fee:\n    kind: demand\n"
    text += "    method: whole\n    periods: {any: {measured: kw, tiers: [{up_to: 9, price: 2}, {price: 1}]}}\n"

    assert problems(tmp_path, text.replace(KWH, "")) == ["demand-keys"]


EVERY = "  all: {kind: formula, amount: 'kwh * 1[CNY/kWh] + (1[CNY] if mode == capacity else 0)'}\n"


@pytest.mark.parametrize(
    ("charge", "code"),
    [
        ("{kind: demand, measured: kwh, tiers: []}", "nothing-listed"),  # a traceback, once
        ("{kind: demand, periods: {}}", "nothing-listed"),
        ("{kind: banded, measure: kwh, method: whole, base: [], bands: [{percent: 1}]}", "nothing-listed"),
        ("{kind: exclusive, choose: first, of: {one: {percent: -5, base: []}}}", "nothing-listed"),
        ("{kind: basic_charge, mode: mode}", "missing-key"),
        (
            "{kind: tiered, quantity: kwh, over: reading_cycle, tiers: [{price: 1}], limit_places: -1}",
            "rounding-places",
        ),
    ],
)
def test_a_charge_of_nothing_is_told(tmp_path: Path, charge: str, code: str) -> None:
    """What lists nothing would bill nothing."""
    text = inputs("mode: {codes: {capacity: 容量, contract_demand: 需量}}") + NOT_PRICED
    text += f"charges:\n  fee: {charge}\n" + EVERY

    assert problems(tmp_path, text) == [code]
