"""Late fees, bands, deviations, events, taxes, penalties: published answers and edges, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.compiler.small import HEAD, NOT_PRICED, billed, compiled, inputs, row, totals
from tests.oracles.given import Item

D = Decimal

ARREARS = """\
lists:
  arrears:
    at_most: 12
    inputs:
      owed: {unit: CNY, places: 2, from: 0, to: 1000000}
      due: {type: date}
      paid: {type: date}
"""


def late_fee(*keys: str) -> str:
    """A rule set with one late fee over a list."""
    of_list = "owed: arrears.owed, due: arrears.due, paid: arrears.paid, count_due_day: false, count_paid_day: true"
    return f"{HEAD}{ARREARS}charges:\n  late: {{kind: late_fee, {', '.join((of_list, *keys))}}}\n"


def owing(owed: str, due: str, paid: str) -> Item:
    """One item of arrears."""
    return {"owed": D(owed), "due": date.fromisoformat(due), "paid": date.fromisoformat(paid)}


DECEMBER_AND_JANUARY = [owing("2000", "2000-12-15", "2001-01-18"), owing("3000", "2001-01-15", "2001-01-18")]


@pytest.mark.parametrize(
    ("cross_year", "expected"),
    [("new_year_only", "126.00"), ("split", "190.00"), ("all", "222.00")],
)
def test_a_bill_paid_in_another_year(tmp_path: Path, cross_year: str, expected: str) -> None:
    """One exam question, three published answers. January's 3000 bear 3 x 2‰ = 18 in each.

    December's 2000: 16 days to the 31st, 18 of January. 18 x 3‰ = 108; 16 x 2‰ + 18 x 3‰ = 172; 34 x 3‰ = 204.
    """
    text = late_fee("permille: 2", "permille_later: 3", f"cross_year: {cross_year}", "round_each: false")

    assert [expected] == totals(compiled(tmp_path, text), [row(arrears=DECEMBER_AND_JANUARY)])


def test_a_fee_is_one_yuan_at_least_where_anything_accrued(tmp_path: Path) -> None:
    """60 yuan, 10 days, 1‰: 0.60 is 1.00. Two of 0.60 are 1.20. Nothing owed, or paid in time, is no fee."""
    text = late_fee("permille: 1", "round_each: false", "at_least: 1")
    late, in_time = owing("60", "2024-03-10", "2024-03-20"), owing("60", "2024-03-10", "2024-03-10")
    lists = [[late], [late, late], [in_time], [owing("0", "2024-03-10", "2024-03-20")], []]

    rows = [row(arrears=items) for items in lists]

    assert ["1.00", "1.20", "0.00", "0.00", "0.00"] == totals(compiled(tmp_path, text), rows)


def test_a_capped_fee_does_not_exceed_what_is_owed(tmp_path: Path) -> None:
    """1000 days at 2‰ are 200 %: 50.00 of 50.00, beside 10 days of 100.00, 2.00. The cap is each item's own."""
    text = late_fee("permille: 2", "round_each: false", "cap_percent: 100")
    items = [owing("50", "2021-01-01", "2023-09-28"), owing("100", "2024-03-10", "2024-03-20")]

    assert ["52.00"] == totals(compiled(tmp_path, text), [row(arrears=items)])


@pytest.mark.parametrize(("round_each", "expected"), [("true", "0.03"), ("false", "0.02")])
def test_rounding_each_item_and_the_sum_differ(tmp_path: Path, round_each: str, expected: str) -> None:
    """3.00 yuan, 2 days at 1‰: 0.006 is 0.01; three of them 0.03, and their sum 0.018 is 0.02."""
    text = late_fee("permille: 1", f"round_each: {round_each}")
    items = [owing("3", "2024-03-10", "2024-03-12")] * 3

    assert [expected] == totals(compiled(tmp_path, text), [row(arrears=items)])


def banded(*keys: str) -> str:
    """A rule set with one charge by bands, of kWh a tonne unless the keys say otherwise."""
    text = inputs(
        "year_kwh: {unit: kWh, places: 0, from: 0, to: 10000000000}",
        "tonnes: {unit: tonne, places: 0, from: 0, to: 1000000}",
    )
    return f"{text}{NOT_PRICED}charges:\n  band: {{kind: banded, {', '.join(keys)}}}\n"


OF_2014 = "bands: [{up_to: 13700, price: 0}, {up_to: 13800, price: 0.02}, {price: 0.08}]"
EXACT = "ratio: {of: year_kwh, per: tonnes}"


def test_aluminium_of_2014_at_its_limits(tmp_path: Path) -> None:
    """100 kWh at 0, 0.02 and 0.08. A limit belongs to the band below; one kWh of ten million more does not."""
    made = compiled(tmp_path, banded("quantity: kwh", "method: whole", EXACT, OF_2014))
    years = [13700 * 1000, 13700 * 1000 + 1, 13800 * 1000, 13800 * 1000 + 1]

    rows = [row(kwh="100", year_kwh=year, tonnes=1000) for year in years]

    assert ["0.00", "2.00", "2.00", "8.00"] == totals(made, rows)


def test_a_ratio_may_be_rounded_first(tmp_path: Path) -> None:
    """13,700.001 kWh a tonne to two places is 13,700.00, and 13,700.005 is 13,700.01."""
    rounded = "ratio: {of: year_kwh, per: tonnes, places: 2, round: half_up}"
    made = compiled(tmp_path, banded("quantity: kwh", "method: whole", rounded, OF_2014))

    rows = [row(kwh="100", year_kwh=13700 * 1000 + more, tonnes=1000) for more in (1, 5)]

    assert ["0.00", "2.00"] == totals(made, rows)


def test_nothing_is_a_ratio_to_nothing(tmp_path: Path) -> None:
    """No tonnes: the row is refused, whichever way it would fall."""
    made = compiled(tmp_path, banded("quantity: kwh", "method: whole", EXACT, OF_2014))

    rows = [row(kwh="100", year_kwh=year, tonnes=0) for year in (0, 1)]

    assert ["refused-by-rule", "refused-by-rule"] == totals(made, rows)


@pytest.mark.parametrize(
    ("count", "expected"), [("started", ["0.00", "1.00", "1.00", "2.00"]), ("full", ["0.00", "0.00", "1.00", "1.00"])]
)
def test_steps_that_were_started_and_full_ones(tmp_path: Path, count: str, expected: list[str]) -> None:
    """20 kWh a tonne to a step of 0.01, above 13,300: at 13,300, 13,301, 13,320 and 13,321 kWh a tonne."""
    bands = f"bands: [{{up_to: 13300, price: 0}}, {{price: 0, steps: {{every: 20, add: 0.01, count: {count}}}}}]"
    text = inputs("used: {unit: kWh/tonne, places: 0, from: 0, to: 100000}") + NOT_PRICED
    text += f"charges:\n  band: {{kind: banded, quantity: kwh, method: whole, measure: used, {bands}}}\n"
    made = compiled(tmp_path, text)

    rows = [row(kwh="100", used=used) for used in (13300, 13301, 13320, 13321)]

    assert expected == totals(made, rows)


def test_hours_of_use_by_the_part(tmp_path: Path) -> None:
    """10 kW: 2000 kWh are 200 hours, 2000 more another 200. 5000 kWh: 2000 x 0.5 + 2000 x 0.4 + 1000 x 0.3."""
    text = inputs("kw: {unit: kW, places: 0, from: 0, to: 1000}") + NOT_PRICED
    text += "charges:\n  hours: {kind: banded, quantity: kwh, method: marginal, ratio: {of: kwh, per: kw}, "
    text += "bands: [{up_to: 200, price: 0.5}, {up_to: 400, price: 0.4}, {price: 0.3}]}\n"

    (lines,) = billed(compiled(tmp_path, text), [row(kwh="5000", kw=10)])

    assert {"hours.1": D(1000), "hours.2": D(800), "hours.3": D(300), "total": D(2100)} == lines


def test_the_penalty_multiplies_the_unrounded_difference(tmp_path: Path) -> None:
    """The published answer: 1590.084 yuan, 3180.17 at two times; 2 x 1590.08 would be 3180.16."""
    text = inputs() + NOT_PRICED + "charges:\n  breach: {kind: penalty, quantity: kwh, price: 0.29446, times: 2}\n"

    (lines,) = billed(compiled(tmp_path, text), [row(kwh="5400")])

    assert {"breach.back": D("1590.08"), "breach.penalty": D("3180.17"), "total": D("4770.25")} == lines


def test_theft_by_a_household(tmp_path: Path) -> None:
    """The published kWh: 2 kW, 180 days of 6 hours: 2160 kWh x 0.30 = 648.00, and three times 1944.00."""
    text = HEAD + "inputs:\n  kw: {unit: kW, places: 0, from: 0, to: 1000}\n"
    text += 'charges:\n  theft: {kind: penalty, amount: "kw * 1080[h] * 0.30[CNY/kWh]", times: 3}\n'

    (lines,) = billed(compiled(tmp_path, text), [row(kw=2)])

    assert {"theft.back": D(648), "theft.penalty": D(1944), "total": D(2592)} == lines


def test_a_tax_in_the_price_informs(tmp_path: Path) -> None:
    """100.00 hold 100 x 13 / 113 = 11.504 -> 11.50 of tax; the bill stays at 100.00."""
    text = inputs() + NOT_PRICED
    text += "charges:\n  energy: {quantity: kwh, price: 1}\n"
    text += "  vat: {kind: tax, percent: 13, base: [energy], included: true}\n"
    text += "  read: {kind: formula, amount: vat.tax - vat.net}\n"

    (lines,) = billed(compiled(tmp_path, text), [row(kwh="100")])

    assert {"energy": D(100), "read": D("11.50") - D("88.50"), "total": D(23)} == lines


EXCLUSIVE = """\
charges:
  energy: {quantity: kwh, price: 1}
  less:
    kind: exclusive
    choose: %s
    of:
      one: {when: a, percent: -10, base: [energy]}
      two: {when: b, amount: "-10[CNY]"}
%s"""


@pytest.mark.parametrize(
    ("choose", "kwh", "chosen"),
    [
        ("first", "50", "one"),
        ("first", "200", "one"),
        ("largest_reduction", "50", "two"),
        ("largest_reduction", "100", "one"),
        ("largest_reduction", "200", "one"),
    ],
)
def test_one_reduction_of_two(tmp_path: Path, choose: str, kwh: str, chosen: str) -> None:
    """10 % of 50 is 5, less than 10; of 100 as much, and the earlier is taken; of 200 more."""
    text = inputs("a: {type: boolean}", "b: {type: boolean}") + NOT_PRICED + EXCLUSIVE % (choose, "")
    made = compiled(tmp_path, text)

    both, other, none = billed(
        made, [row(kwh=kwh, a=True, b=True), row(kwh=kwh, a=False, b=True), row(kwh=kwh, a=False, b=False)]
    )

    assert {"energy", f"less.{chosen}", "total"} == set(both)
    assert {"energy": D(kwh), "less.two": D(-10), "total": D(kwh) - 10} == other
    assert {"energy": D(kwh), "total": D(kwh)} == none


def test_the_lower_of_two_caps_holds(tmp_path: Path) -> None:
    """10 % of 1000 is 100, capped at 60; of 100 it is 10, and 4 % of it 4."""
    caps = "    cap: 60\n    cap_percent: 4\n    cap_base: [energy]\n"
    text = inputs("a: {type: boolean}", "b: {type: boolean}") + NOT_PRICED + EXCLUSIVE % ("first", caps)

    rows = [row(kwh=kwh, a=True, b=False) for kwh in ("1000", "100", "2000")]

    assert ["960.00", "96.00", "1940.00"] == totals(compiled(tmp_path, text), rows)
