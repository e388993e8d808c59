"""Causes add up to differences, to the last digit, over random rows and random changes of the rules."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.comparison.compared import book, compared, portfolio

RULES = """
tables:
  price:
    unit: CNY/kWh
    places: 4
    keys: [city]
    columns: [day, night]
    rows:
      - [north, {north_day}, {north_night}]
      - [south, {south_day}, {south_night}]
values:
  fund: {{unit: CNY/kWh, printed: {fund}}}
  limit: {{unit: kWh, printed: {limit}}}
inputs:
  city: {{type: code, codes: {{north: 北, south: 南}}}}
  kwh_day: {{unit: kWh, places: 2, from: 0, to: 100000}}
  kwh_night: {{unit: kWh, places: 2, from: 0, to: 100000}}
quantities:
  kwh: kwh_day + kwh_night
energy: {{total: kwh, priced_by: [daytime, nighttime]}}
charges:
  daytime:   {{quantity: kwh_day, price: "price[city].day - fund", ledger: energy}}
  nighttime: {{quantity: kwh_night, price: "price[city].night - fund", ledger: energy}}
  levied:    {{kind: formula, amount: kwh * fund, ledger: fund}}
  over:      {{kind: formula, when: kwh > limit, amount: "(kwh - limit) * 0.05[CNY/kWh]", ledger: energy}}
  levy:      {{kind: percentage, percent: {levy}, base: [daytime, nighttime, over], ledger: levy}}
"""
START: dict[str, str] = {
    "north_day": "0.6001",
    "north_night": "0.3001",
    "south_day": "0.5503",
    "south_night": "0.2807",
    "fund": "0.0263",
    "limit": "180",
    "levy": "3",
}


def _rows(random: Random, count: int) -> list[dict[str, Any]]:
    return [
        {
            "row_id": str(at),
            "ruleset": "cn.test.home",
            "city": random.choice(["north", "south"]),
            "kwh_day": Decimal(random.randrange(40000)).scaleb(-2),
            "kwh_night": Decimal(random.randrange(20000)).scaleb(-2),
        }
        for at in range(count)
    ]


def _bill(row: dict[str, Any], numbers: dict[str, str]) -> dict[str, Decimal]:
    """A bill worked out without the engine."""
    of = {name: Decimal(text) for name, text in numbers.items()}
    city, day, night = row["city"], row["kwh_day"], row["kwh_night"]

    def fen(amount: Decimal) -> Decimal:
        return amount.quantize(Decimal("0.01"), "ROUND_HALF_UP")

    found = {
        "daytime": fen(day * (of[f"{city}_day"] - of["fund"])),
        "nighttime": fen(night * (of[f"{city}_night"] - of["fund"])),
        "levied": fen((day + night) * of["fund"]),
        "over": fen(max(day + night - of["limit"], Decimal(0)) * Decimal("0.05")),
    }
    return {**found, "levy": fen((found["daytime"] + found["nighttime"] + found["over"]) * of["levy"] / 100)}


PATHS = {  # as the comparison names them, in the order in which the rule set reads them
    "north_day": "price[north].day",
    "south_day": "price[south].day",
    "north_night": "price[north].night",
    "south_night": "price[south].night",
    "fund": "fund",
    "limit": "limit",
    "levy": "levy.percent",
}


@pytest.mark.parametrize("seed", range(2))
def test_causes_are_what_substituting_one_number_after_another_gives(seed: int, tmp_path: Path) -> None:
    """The oracle puts in one parameter after another, all cells of a table's column at once, and bills in Decimal."""
    random = Random(seed)
    after = dict(START)
    for name in random.sample(sorted(START), 5):
        step = Decimal(1).scaleb(int(Decimal(START[name]).as_tuple().exponent))
        after[name] = str(Decimal(START[name]) + step * random.choice([-2, -1, 1, 2, 7]))
    rows = _rows(random, 200)
    old = book(tmp_path / "old", home=RULES.format(**START))
    new = book(tmp_path / "new", home=RULES.format(**after))

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out", threads=2)

    expected: dict[tuple[str, str, str], Decimal] = {}
    order = _order(found.data)
    for row in rows:
        numbers = dict(START)
        before = _bill(row, numbers)
        for name in order:
            numbers[name] = after[name]
            made = _bill(row, numbers)
            for charge, amount in made.items():
                if amount != before[charge]:
                    expected[row["row_id"], charge, PATHS[name]] = amount - before[charge]
            before = made
    assert {
        (one["row_id"], one["charge"], one["cause"].split(":")[1].split("@")[0]): one["difference"]
        for one in found.differences
    } == expected


def _order(data: dict[str, Any]) -> list[str]:
    """The changed numbers in the comparison's order."""
    names = {path: name for name, path in PATHS.items()}
    return [names[one["path"]] for one in data["currencies"][0]["causes"]]


def test_bills_charges_and_causes_agree_in_every_table(tmp_path: Path) -> None:
    rows = _rows(Random(7), 300)
    old = book(tmp_path / "old", home=RULES.format(**START))
    changed = RULES.format(**{**START, "fund": "0.0300", "levy": "4"}).replace("kwh > limit", "kwh > 2 * limit")
    new = book(tmp_path / "new", home=changed)

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    by_bill: dict[str, Decimal] = defaultdict(Decimal)
    for one in found.differences:
        assert one["new"] - one["old"] == one["difference"]
        by_bill[one["row_id"]] += one["difference"]
    assert {one["row_id"]: one["difference"] for one in found.bills} == {id_: by for id_, by in by_bill.items() if by}
    (cny,) = found.data["currencies"]
    for name, key in (("causes", "amount"), ("charges", "difference"), ("deciles", "difference")):
        assert sum(Decimal(one[key]) for one in cny[name]) == Decimal(cny["difference"])
    assert "rule" in {one["kind"] for one in cny["causes"]}
