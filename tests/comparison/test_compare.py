"""Two small rate books over a few rows: every amount is worked out by hand beside the row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from engine.comparison.amounts import TooLarge, scaled
from engine.comparison.problems import ComparisonProblem
from tests.comparison.compared import book, compared, portfolio

SHOP = """
values:
  per_kw: {unit: CNY/kW, printed: 30.0}
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
  kw:  {unit: kW, places: 1, from: 0, to: 1000, default: 0}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: 1.00, ledger: energy}
  demand: {title: 需量, quantity: kw, price: per_kw, ledger: energy}
  levy:   {title: 附加, kind: percentage, percent: 10, base: [energy, demand], ledger: levy}
"""


def test_each_parameter_has_its_part_in_the_order_of_the_rules(tmp_path: Path) -> None:
    """The levy is of both others: what the first price adds to it is the first price's, then the second's."""
    old = book(tmp_path / "old", shop=SHOP)
    new = book(
        tmp_path / "new", shop=SHOP.replace("1.00", "1.05").replace("30.0", "29.0").replace("10, base", "20, base")
    )
    source = portfolio(
        tmp_path / "rows.parquet",
        [{"row_id": "a", "ruleset": "cn.test.shop", "kwh": Decimal("100.50"), "kw": Decimal("10.0")}],
    )

    found = compared(old, new, source, tmp_path / "out")

    # 100.50 + 300.00 + 40.05; then 105.525 -> 105.53 + 290.00 + 79.106 -> 79.11
    assert [("440.55", "474.64", "34.09")] == [
        tuple(str(one[name]) for name in ("old", "new", "difference")) for one in found.bills
    ]
    # The levy goes from 40.05 to 10% of 405.53 = 40.55, of 395.53 = 39.55, and to 20% of that = 79.11.
    assert found.causes("a") == [
        ("energy", "energy.price@2025-01-01", "5.03"),
        ("demand", "per_kw@2025-01-01", "-10.00"),
        ("levy", "energy.price@2025-01-01", "0.50"),
        ("levy", "per_kw@2025-01-01", "-1.00"),
        ("levy", "levy.percent@2025-01-01", "39.56"),
    ]
    chain = [(str(one["old"]), str(one["new"]), one["direction"]) for one in found.differences]
    assert chain == [
        ("100.50", "105.53", "up"),
        ("300.00", "290.00", "down"),
        ("40.05", "40.55", "up"),
        ("40.55", "39.55", "down"),
        ("39.55", "79.11", "up"),
    ]


def test_three_groups_add_up_with_reasons(tmp_path: Path) -> None:
    bounded = SHOP.replace("to: 100000", "to: 500")
    old, new = book(tmp_path / "old", shop=SHOP, gone=SHOP), book(tmp_path / "new", shop=bounded, come=SHOP)
    rows = [
        {"row_id": "both", "ruleset": "cn.test.shop", "kwh": Decimal(100)},
        {"row_id": "over", "ruleset": "cn.test.shop", "kwh": Decimal(600)},
        {"row_id": "gone", "ruleset": "cn.test.gone", "kwh": Decimal(200)},
        {"row_id": "come", "ruleset": "cn.test.come", "kwh": Decimal(300)},
        {"row_id": "none", "ruleset": "cn.test.none", "kwh": Decimal(1)},
        {"row_id": "none", "ruleset": "cn.test.shop", "kwh": Decimal(1)},
    ]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    assert found.data["rows"] == {"received": 6, "both": 1, "only_old": 2, "only_new": 1, "neither": 2}
    assert [(one["row_id"], one["group"], one["code"], str(one["total"])) for one in found.unpaired] == [
        ("over", "only_old", "out-of-bounds", "660.00"),
        ("gone", "only_old", "unknown-ruleset", "220.00"),
        ("come", "only_new", "unknown-ruleset", "330.00"),
        ("none", "neither", "unknown-ruleset", "None"),
        ("none", "neither", "duplicate-row", "None"),
    ]
    (cny,) = found.data["currencies"]
    assert (cny["bills"], cny["same"], cny["old"], cny["difference"]) == (1, 1, "110.00", "0.00")
    assert (cny["only_old"], cny["only_new"]) == (
        {"bills": 2, "amount": "880.00"},
        {"bills": 1, "amount": "330.00"},
    )
    assert cny["revenue_effect"] == "-550.00"
    assert found.bills == []


def test_a_changed_rule_is_told_by_charge_after_the_numbers(tmp_path: Path) -> None:
    new_text = SHOP.replace("1.00", "1.10").replace("quantity: kw,", 'quantity: "max(kw - 2[kW], 0)",') + (
        "  fund: {title: 基金, quantity: kwh, price: 0.02, ledger: fund}\n"
    )
    old, new = book(tmp_path / "old", shop=SHOP), book(tmp_path / "new", shop=new_text)
    rows = [{"row_id": "a", "ruleset": "cn.test.shop", "kwh": Decimal(100), "kw": Decimal("10.0")}]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    # energy 100 -> 110 by its price; demand 300 -> 240, the fund 0 -> 2 by rules;
    # the levy 40 -> 41 by the price, -> 35 by the rule of the demand
    assert found.causes("a") == [
        ("energy", "energy.price@2025-01-01", "10.00"),
        ("demand", "rule:demand", "-60.00"),
        ("levy", "energy.price@2025-01-01", "1.00"),
        ("levy", "rule:levy", "-6.00"),
        ("fund", "rule:fund", "2.00"),
    ]


def test_more_decimal_places_are_the_number_not_the_rule(tmp_path: Path) -> None:
    """1.00 becomes 1.0005: the compiled steps have other places, and bill alike but for the number."""
    old, new = book(tmp_path / "old", shop=SHOP), book(tmp_path / "new", shop=SHOP.replace("1.00,", "1.0005,"))
    rows = [{"row_id": "a", "ruleset": "cn.test.shop", "kwh": Decimal(1000)}]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    assert found.causes("a") == [
        ("energy", "energy.price@2025-01-01", "0.50"),
        ("levy", "energy.price@2025-01-01", "0.05"),
    ]


TABLE = """
tables:
  price:
    unit: CNY/kWh
    places: 2
    keys: [city]
    columns: [first, second]
    rows:
      - [north, 0.50, 0.60]
      - [south, 0.55, 0.65]
inputs:
  city: {type: code, codes: {north: 北, south: 南}}
  kwh:  {unit: kWh, places: 0, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy:
    kind: tiered
    quantity: kwh
    over: billing_month
    tiers:
      - {title: 第一档, up_to: "100[kWh/month]", price: "price[city].first"}
      - {title: 第二档, price: "price[city].second"}
    ledger: energy
"""


def test_cells_of_one_table_are_told_apart(tmp_path: Path) -> None:
    old = book(tmp_path / "old", home=TABLE)
    changed = TABLE.replace("[north, 0.50, 0.60]", "[north, 0.52, 0.60]").replace(
        "[south, 0.55, 0.65]", "[south, 0.54, 0.70]"
    )
    new = book(tmp_path / "new", home=changed)
    rows = [
        {"row_id": "n", "ruleset": "cn.test.home", "city": "north", "kwh": Decimal(150)},
        {"row_id": "s", "ruleset": "cn.test.home", "city": "south", "kwh": Decimal(150)},
    ]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    assert found.causes("n") == [("energy", "price[north].first@2025-01-01", "2.00")]
    assert found.causes("s") == [
        ("energy", "price[south].first@2025-01-01", "-1.00"),
        ("energy", "price[south].second@2025-01-01", "2.50"),
    ]
    causes = {one["path"]: (one["before"], one["after"], one["bills"]) for one in found.data["currencies"][0]["causes"]}
    assert causes == {
        "price[north].first": ("0.50", "0.52", 1),
        "price[south].first": ("0.55", "0.54", 1),
        "price[south].second": ("0.65", "0.70", 1),
    }


DATED = """
values:
  price:
    unit: CNY/kWh
    dated:
      - {from: 2025-01-01, printed: 0.50}
      - {from: 2026-02-01, printed: 0.60}
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: price, ledger: energy}
"""


def test_one_number_that_changes_on_two_days_is_two_causes(tmp_path: Path) -> None:
    old = book(tmp_path / "old", shop=DATED)
    new = book(tmp_path / "new", shop=DATED.replace("0.50", "0.51").replace("0.60", "0.55"))
    months = [(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1))]
    rows = [
        {"row_id": str(at), "ruleset": "cn.test.shop", "kwh": Decimal(100), "period_from": first, "period_to": end}
        for at, (first, end) in enumerate(months)
    ]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    assert found.causes("0") == [("energy", "price@2025-01-01", "1.00")]
    assert found.causes("1") == [("energy", "price@2026-02-01", "-5.00")]


def test_where_a_period_is_cut_is_a_cause_of_its_own(tmp_path: Path) -> None:
    """A price that changes in the middle of a bill cuts it; what rounding each part makes of it is not the price's."""
    text = DATED.replace("inputs:\n  kwh: {", "changes: split\ninputs:\n  kwh: {split: by_days, ")
    text = text.replace("      - {from: 2026-02-01, printed: 0.60}\n", "").replace("0.50", "0.5555")
    old = book(tmp_path / "old", shop=text)
    more = "printed: 0.5555}\n      - {from: 2026-01-11, printed: 0.6000}"
    new = book(tmp_path / "new", shop=text.replace("printed: 0.5555}", more))
    rows = [{"row_id": "a", "ruleset": "cn.test.shop", "kwh": Decimal(31)}]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    # 31 x 0.5555 = 17.2205 -> 17.22; cut: 5.555 -> 5.56 and 11.6655 -> 11.67, 17.23; then 5.56 and 21 x 0.60 = 12.60
    assert found.causes("a") == [("energy", "days:change_days", "0.01"), ("energy", "price@2026-01-11", "0.93")]


CUT = """
changes: split
values:
  by_day: {{unit: CNY/kWh, dated: [{{from: 2025-01-01, printed: 0.50}}{day}]}}
  by_night: {{unit: CNY/kWh, dated: [{{from: 2025-01-01, printed: 0.30}}{night}]}}
inputs:
  kwh_day: {{unit: kWh, places: 0, from: 0, to: 100000, split: by_days}}
  kwh_night: {{unit: kWh, places: 0, from: 0, to: 100000, split: by_days}}
energy: {{total: kwh_day + kwh_night, priced_by: [daytime, nighttime]}}
charges:
  daytime: {{quantity: kwh_day, price: by_day, ledger: energy}}
  nighttime: {{quantity: kwh_night, price: by_night, ledger: energy}}
  levy: {{kind: formula, amount: "{of} * 0.01[CNY/kWh]", ledger: levy}}
"""


def test_each_price_keeps_its_part_where_new_days_cut_bills_and_a_rule_changes_too(tmp_path: Path) -> None:
    """From 11 January the day costs 0.10 more and the night 0.20; the levy is of the day's kWh alone. January is cut,
    10 days and 21; February is not."""
    old = book(tmp_path / "old", shop=CUT.format(day="", night="", of="(kwh_day + kwh_night)"))
    since = ", {{from: 2026-01-11, printed: {}}}"
    new = book(tmp_path / "new", shop=CUT.format(day=since.format("0.60"), night=since.format("0.50"), of="kwh_day"))
    rows = [
        {"row_id": "january", "ruleset": "cn.test.shop", "kwh_day": Decimal(310), "kwh_night": Decimal(620)},
        {
            "row_id": "february",
            "ruleset": "cn.test.shop",
            "kwh_day": Decimal(100),
            "kwh_night": Decimal(100),
            "period_from": date(2026, 2, 1),
            "period_to": date(2026, 3, 1),
        },
    ]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    assert found.causes("january") == [
        ("daytime", "by_day@2026-01-11", "21.00"),
        ("nighttime", "by_night@2026-01-11", "84.00"),
        ("levy", "rule:levy", "-6.20"),
    ]
    assert found.causes("february") == [
        ("daytime", "by_day@2026-01-11", "10.00"),
        ("nighttime", "by_night@2026-01-11", "20.00"),
        ("levy", "rule:levy", "-1.00"),
    ]


def test_totals_by_a_column_that_rules_read_show_numbers_as_they_are_written(tmp_path: Path) -> None:
    old, new = book(tmp_path / "old", shop=SHOP), book(tmp_path / "new", shop=SHOP.replace("1.00,", "1.10,"))
    rows = [
        {"row_id": str(at), "ruleset": "cn.test.shop", "kwh": Decimal(kwh), "kw": kw and Decimal(kw)}
        for at, (kwh, kw) in enumerate([("123.45", "12.5"), ("100", "0.0"), ("100", None)])
    ]

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out", by=("kwh", "kw"))

    (cny,) = found.data["currencies"]
    named = {name: [(one["name"], one["bills"]) for one in cny["by"][name]] for name in ("kwh", "kw")}
    assert named == {"kwh": [("100", 2), ("123.45", 1)], "kw": [("", 1), ("0", 1), ("12.5", 1)]}


def test_groups_deciles_and_the_bills_that_change_most(tmp_path: Path) -> None:
    old, new = book(tmp_path / "old", shop=SHOP), book(tmp_path / "new", shop=SHOP.replace("1.00,", "1.10,"))
    rows = [
        {
            "row_id": str(at),
            "account": f"x{at}",
            "segment": "big" if at > 7 else None,
            "ruleset": "cn.test.shop",
            "kwh": Decimal(10 * at),
        }
        for at in range(10)
    ]

    found = compared(
        old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out", by=("segment", "region", "month")
    )

    (cny,) = found.data["currencies"]
    # Each kWh is 0.11 more, with the levy: 450 kWh, of which 170 are big's.
    assert (cny["bills"], cny["up"], cny["down"], cny["same"], cny["difference"]) == (10, 9, 0, 1, "49.50")
    by = {name: {one["name"]: one["difference"] for one in ones} for name, ones in cny["by"].items()}
    assert by == {
        "ruleset": {"cn.test.shop": "49.50"},
        "segment": {"": "30.80", "big": "18.70"},
        "region": {"cn.test": "49.50"},
        "month": {"2026-01": "49.50"},
    }
    assert [(one["from"], one["to"], one["difference"]) for one in cny["deciles"][-2:]] == [
        ("88.00", "88.00", "8.80"),
        ("99.00", "99.00", "9.90"),
    ]
    assert cny["histogram"]["same"] == 1
    assert sum(cny["histogram"]["bills"]) == 9
    first = cny["rise_most"][0]
    assert (first["row_id"], first["account"], first["difference"]) == ("9", "x9", "9.90")
    assert first["causes"] == [{"cause": "cn.test.shop:energy.price@2025-01-01", "amount": "9.90"}]
    assert cny["fall_most"] == []


def test_a_column_of_too_many_values_cannot_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.comparison.compare.VALUES_MAX", 1)
    rules = book(tmp_path / "rules", shop=SHOP)
    rows = [{"row_id": name, "segment": name, "ruleset": "cn.test.shop", "kwh": Decimal(1)} for name in ("a", "b")]
    source = portfolio(tmp_path / "rows.parquet", rows)

    with pytest.raises(ComparisonProblem) as raised:
        compared(rules, rules, source, tmp_path / "out", by=("segment",))

    assert raised.value.code == "comparison-values"
    assert not list((tmp_path / "out").rglob("*.*"))


def test_an_amount_beyond_62_bits_is_not_compared() -> None:
    assert scaled(np.array([-(2**60)]), 4).tolist() == [-(2**62)]
    with pytest.raises(TooLarge):
        scaled(np.array([2**60 + 1]), 4)
