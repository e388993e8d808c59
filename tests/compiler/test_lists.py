"""Lists in formulas: from the items to the row and along them, what an item needs, days of items."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.evaluator.rows import RowProblem
from tests.alone import alike
from tests.compiler.small import HEAD, NOT_PRICED, billed, compiled, problems, row, totals
from tests.properties.case import Row

METERS = """\
lists:
  meters:
    at_most: 5
    inputs:
      kwh: {unit: kWh, places: 1, from: -1000, to: 1000}
"""
DATED = METERS + "      day: {type: date, optional: true}\n"
PRICED = (
    METERS
    + """\
      kind: {type: code, codes: {power: 动力, light: 照明}, default: power}
tables:
  price:
    unit: CNY/kWh
    places: 2
    keys: [kind]
    columns: [day]
    rows:
      - [power, 0.50]
      - [light, -]
"""
)


def charge(amount: str) -> str:
    """A rule set's charges: one amount."""
    return NOT_PRICED + f"charges:\n  found:\n    kind: formula\n    amount: {amount}\n"


def three(*numbers: int) -> Row:
    """A row for March 2024 with these items."""
    return Row({"meters": [{"kwh": Decimal(n)} for n in numbers]}, date(2024, 3, 1), date(2024, 4, 1))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("sum(meters.kwh) * 1[CNY/kWh]", ["25.00", "0.00"]),
        ("count(meters) * 1[CNY] + 0 * sum(meters.kwh) * 1[CNY/kWh]", ["3.00", "0.00"]),
        ("count(meters.kwh > 0) * 1[CNY]", ["2.00", "0.00"]),
        ("sum(1 if meters.kwh > 0 else 0) * 1[CNY]", ["2.00", "0.00"]),
        ("max(meters.kwh, if_empty=7[kWh]) * 1[CNY/kWh]", ["20.00", "7.00"]),
        ("min(meters.kwh, if_empty=0) * 1[CNY/kWh]", ["-5.00", "0.00"]),
        ("first(meters.kwh, if_empty=0) * 1[CNY/kWh]", ["10.00", "0.00"]),
        ("last(meters.kwh, if_empty=0) * 1[CNY/kWh]", ["-5.00", "0.00"]),
        # 10, 30, 25
        ("max(running_sum(meters.kwh), if_empty=0) * 1[CNY/kWh]", ["30.00", "0.00"]),
        # 10 - 0, 20 - 10, -5 - 20
        ("min(meters.kwh - previous(meters.kwh, first=0), if_empty=0) * 1[CNY/kWh]", ["-25.00", "0.00"]),
        # a value of the row, the same for each item: 3 x 31 days
        ("sum(days if meters.kwh > -6[kWh] else 0) * 1[CNY/day]", ["93.00", "0.00"]),
        ("sum(abs(meters.kwh)) * 1[CNY/kWh]", ["35.00", "0.00"]),
        # half up to whole numbers of each item: 3, 7 (6.67), -2 (-1.67)
        ("sum(divide(meters.kwh, 3, 0, half_up)) * 1[CNY/kWh]", ["8.00", "0.00"]),
    ],
)
def test_functions_over_a_list(tmp_path: Path, amount: str, expected: list[str]) -> None:
    """By hand, of the items 10, 20 and -5, and of none."""
    assert expected == totals(compiled(tmp_path, HEAD + METERS + charge(amount)), [three(10, 20, -5), three()])


def test_days_of_items(tmp_path: Path) -> None:
    """1000 kVA from 11 June: 20 of 30 days; a whole February has 30; 31 January to 1 March is 1 + 30."""
    text = (
        HEAD
        + """\
lists:
  transformers:
    at_most: 9
    inputs:
      kva: {unit: kVA, places: 0, from: 0, to: 100000}
      since: {type: date}
quantities:
  share: sum(transformers.kva * thirtieths(max(transformers.since, period_from), period_to))
"""
        + charge("divide(share * 15[CNY/kVA/month], 30, 2, half_up)")
    )
    of = compiled(tmp_path, text)
    items = [{"kva": 1000, "since": date(2024, 6, 11)}, {"kva": 630, "since": date(2020, 1, 1)}]

    found = totals(of, [row("2024-06-01", "2024-07-01", transformers=items)])  # type: ignore[arg-type] # items of two types
    found += totals(of, [row("2024-02-01", "2024-03-01", transformers=[{"kva": 1, "since": "2024-01-01"}])])
    found += totals(of, [row("2024-01-31", "2024-03-01", transformers=[{"kva": 30, "since": "2024-01-01"}])])

    assert found == ["19450.00", "15.00", "465.00"]


def test_a_cell_that_is_not_printed_refuses_the_row_and_says_which_item(tmp_path: Path) -> None:
    """The second item has no price: the row is refused, with the item's number and code."""
    of = compiled(tmp_path, HEAD + PRICED + charge("sum(meters.kwh * price[meters.kind].day)"))
    items = [{"kwh": Decimal(1)}, {"kwh": Decimal(2), "kind": "light"}, {"kwh": Decimal(4), "kind": "light"}]

    assert billed(of, [row(meters=items)]) == ["no-table-cell"]  # type: ignore[arg-type] # items of two types
    found = alike(of, {"meters": items}, period_from="2024-03-01", period_to="2024-04-01")
    assert isinstance(found, RowProblem)
    assert (found.parameters["item"], found.parameters["axis"]) == ("2", "meters")
    assert "light" in found.reason


def test_an_optional_input_of_an_item_is_asked_for_item_by_item(tmp_path: Path) -> None:
    """To 1 April from 11 March 21 days; where no day is given the 31 of the month."""
    text = HEAD + DATED + charge("sum((period_to - meters.day if given(meters.day) else days) * 1[CNY/day])")
    text = text.replace("      kwh: {unit: kWh, places: 1, from: -1000, to: 1000}\n", "")
    items = [{"day": date(2024, 3, 11)}, {}]

    assert totals(compiled(tmp_path, text), [row(meters=items)]) == ["52.00"]


def test_a_list_that_is_needed_only_sometimes(tmp_path: Path) -> None:
    """Given where it is not needed, missing where it is."""
    lists = METERS.replace("at_most: 5", "at_most: 5\n    needed_when: on")
    text = HEAD + "inputs:\n  on: {type: boolean}\n" + lists + charge("sum(meters.kwh) * 1[CNY/kWh]")
    of = compiled(tmp_path, text)
    items = [{"kwh": Decimal(3)}]
    rows = [Row({"on": True, "meters": items}, *_march()), Row({"on": True}, *_march())]
    rows += [Row({"on": False, "meters": items}, *_march()), Row({"on": False}, *_march())]

    assert [str(one if isinstance(one, str) else one["total"]) for one in billed(of, rows)] == [
        "3.00",
        "missing-value",
        "not-needed",
        "0.00",
    ]


def _march() -> tuple[date, date]:
    return date(2024, 3, 1), date(2024, 4, 1)


def test_more_items_than_declared(tmp_path: Path) -> None:
    of = compiled(tmp_path, HEAD + METERS + charge("count(meters) * 1[CNY] + 0 * sum(meters.kwh) * 1[CNY/kWh]"))

    assert totals(of, [three(1, 1, 1, 1, 1, 1), three(1, 1, 1, 1, 1)]) == ["too-many-items", "5.00"]


def test_two_lists_meet_on_the_row_alone(tmp_path: Path) -> None:
    """Sums of two lists are values of the row; a formula over both at once is a problem."""
    lists = "lists:\n  a:\n    at_most: 2\n    inputs:\n      x: {unit: kWh, places: 0, from: 0, to: 9}\n"
    lists += "  b:\n    at_most: 2\n    inputs:\n      y: {unit: kWh, places: 0, from: 0, to: 9}\n"
    good = HEAD + lists + charge("(sum(a.x) - sum(b.y)) * 1[CNY/kWh]")
    bad = HEAD + lists + charge("sum(a.x - b.y) * 1[CNY/kWh]")

    assert problems(tmp_path, bad) == ["lists-joined"]
    assert problems(tmp_path, good) == []


OVER_NINE = "when: 'sum(meters.kwh) > 9[kWh]', message: 'of {meters.kwh}'"


@pytest.mark.parametrize(
    ("count", "energy", "more"),
    [
        ("", "{total: meters.kwh, priced_by: [fee]}", ""),
        ("needed_when: 'meters.kwh > 0'", "", ""),
        ("needed_when: flag, ignored_when: 'meters.kwh > 0'", "", ""),
        ("", "", f"warnings:\n  high: {{title: high, level: info, {OVER_NINE}}}\n"),
        ("", "", f"refuse:\n  high: {{{OVER_NINE}}}\n"),
    ],
)
def test_one_value_a_row_is_not_one_of_each_item(tmp_path: Path, count: str, energy: str, more: str) -> None:
    """What is asked of a row would be asked of each item; a message would show an item of another row."""
    text = HEAD + METERS + "inputs:\n  flag: {type: boolean}\n"
    text += f"  count_of: {{type: integer, from: 0, to: 9, {count or 'needed_when: flag'}}}\n"
    text += (f"energy: {energy}\n" if energy else NOT_PRICED) + "charges:\n"
    text += "  fee: {quantity: sum(meters.kwh), price: 1}\n"
    text += "  other: {kind: formula, amount: 'count_of * 1[CNY] if given(count_of) and flag else 0'}\n"

    assert problems(tmp_path, text + more) == ["list-not-reduced"]


def test_no_list_is_called_as_what_is_of_no_list(tmp_path: Path) -> None:
    """An item of a list `row` would be a value of the row."""
    text = HEAD + METERS.replace("meters", "row") + NOT_PRICED + "charges:\n  fee: {quantity: sum(row.kwh), price: 1}\n"

    assert problems(tmp_path, text)[0] == "name-reserved"
