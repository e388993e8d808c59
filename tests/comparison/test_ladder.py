"""Two years of monthly bills with an annual ladder: what changes in March moves the tier in November."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.comparison.changes import changes
from engine.comparison.reach import reach
from engine.comparison.settings import parse_setting
from engine.comparison.what_if import with_values
from engine.compiler.book import RateBook
from tests.comparison.compared import book, compared, portfolio

LADDER = """
values:
  loss:
    unit: "1"
    dated:
      - {from: 2025-01-01, printed: 0.02}
      - {from: 2025-03-01, printed: 0.02}
      - {from: 2025-04-01, printed: 0.02}
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
  kwh_year_before:
    unit: kWh
    places: 2
    from: 0
    to: 50000
    carried: {sum: kwh_billed, since: calendar_year, opening: 0}
quantities:
  kwh_billed: "round(kwh * (1 + loss), 2, half_up)"
energy: {total: kwh_billed, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh_billed, price: 0.50, ledger: energy}
  more:
    title: 二档加价
    kind: formula
    amount: >-
      (max(0[kWh], kwh_year_before + kwh_billed - 1000[kWh]) - max(0[kWh], kwh_year_before - 1000[kWh]))
      * 0.10[CNY/kWh]
    ledger: energy
"""


def _year(account: str, year: int, kwh: str = "90.00") -> list[dict[str, Any]]:
    return [
        {
            "row_id": f"{account}-{year}-{month:02}",
            "account": account,
            "ruleset": "cn.test.home",
            "kwh": Decimal(kwh),
            "period_from": date(year, month, 1),
            "period_to": date(year + month // 12, month % 12 + 1, 1),
        }
        for month in range(1, 13)
    ]


def test_what_changes_in_march_moves_the_tier_in_november(tmp_path: Path) -> None:
    """Each month 91.80 kWh are billed: 918.00 in ten months, 1009.80 in eleven. With a loss of 0.52 in March that month
    has 136.80, 45.00 more: October ends at 963.00, November at 1054.80, December at 1146.60."""
    old = book(tmp_path / "old", home=LADDER)
    more = LADDER.replace("{from: 2025-03-01, printed: 0.02}", "{from: 2025-03-01, printed: 0.52}")
    new = book(tmp_path / "new", home=more)
    rows = [*_year("a", 2025), *_year("a", 2026), *_year("b", 2026)]
    random.Random(5).shuffle(rows)

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out")

    assert {one["row_id"]: str(one["difference"]) for one in found.bills} == {
        "a-2025-03": "22.50",  # 45 kWh x 0.50
        "a-2025-11": "4.50",  # 54.80 above 1000 in place of 9.80
    }
    assert found.causes("a-2025-03") == [("energy", "loss@2025-03-01", "22.50")]
    assert found.causes("a-2025-11") == [("more", "carried:kwh_year_before", "4.50")]
    assert found.data["rows"]["both"] == 36


def test_a_setting_reaches_later_bills_of_the_year(tmp_path: Path) -> None:
    """The same change as `--set`, of one month alone."""
    old = book(tmp_path / "old", home=LADDER)
    new = with_values(old, [parse_setting("cn.test.home:loss@2025-03-01..2025-03-31=0.52")])

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", _year("a", 2025)), tmp_path / "out")

    assert [one["row_id"] for one in found.bills] == ["a-2025-03", "a-2025-11"]
    assert found.data["currencies"][0]["difference"] == "27.00"


def test_later_bills_are_reached_whichever_version_of_the_id_their_rows_name(tmp_path: Path) -> None:
    """In March the row names a version of the rule set, in November its id: they are one account's ladder."""
    old = book(tmp_path / "old", home=LADDER)
    new = with_values(old, [parse_setting("cn.test.home:loss@2025-03-01..2025-03-31=0.52")])
    old, new = (
        RateBook({**one.rulesets, "cn.test.home@2025-01-01": one.rulesets["cn.test.home"]}) for one in (old, new)
    )
    rows = [{**one, "ruleset": "cn.test.home@2025-01-01"} for one in _year("a", 2025)[:6]] + _year("a", 2025)[6:]
    wanted = reach(changes(old, new), new, old)

    found = compared(old, new, portfolio(tmp_path / "rows.parquet", rows), tmp_path / "out", wanted=wanted)

    assert [one["row_id"] for one in found.bills] == ["a-2025-03", "a-2025-11"]
    assert found.data["rows"]["both"] == 10
