"""Explanations of lists and parts: what is shown of few and of thousands of items, and each part with its prices.

Amounts are worked out by hand: of the day's curve 8 x 0.5 + 2 x 0.1 = 4.2 kWh lie in the valley and 14 x 1.5 = 21 in
the peak; 25.2 kWh at 0.5000 are 12.60. 315 and 200 kVA are not spare; 515 kVA at 0.10 are 51.50.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from engine.compiler.compile import compile_paths
from engine.evaluator.explain import Explanation, explain, to_json
from engine.evaluator.explain_text import render_text
from engine.evaluator.reference import Bill, reference
from tests.evaluator.lists import LIST, LOAD, load_rules, split_rules
from tests.evaluator.programs import JANUARY

KVA: list[dict[str, object]] = [{"kva": 315}, {"kva": 1000, "spare": True}, {"kva": 200, "from_day": "2025-01-01"}]
CURVE = ["0.5"] * 8 + ["1.5"] * 14 + ["0.1"] * 2


def of_day(kva: Sequence[Mapping[str, object]], curve: list[str], **period: object) -> Explanation:
    rules = load_rules()
    days = period or {"period_from": date(2025, 1, 1), "period_to": date(2025, 1, 2)}
    billed = reference(rules, {LOAD: curve, LIST: kva}, **days)  # type: ignore[arg-type]  # days by name
    assert isinstance(billed, Bill), billed
    return explain(rules, billed)


LISTS = """\
Given: load  负荷, 24 items
  item           begins             kwh [kWh]
                                         电量
  1              2025-01-01 00:00         0.5
  2              2025-01-01 01:00         0.5
  3              2025-01-01 02:00         0.5
  … 18 more
  22             2025-01-01 21:00         1.5
  23             2025-01-01 22:00         0.1
  24             2025-01-01 23:00         0.1
  largest        2025-01-01 08:00         1.5
  by tou_period  valley (10 items)        4.2
  by tou_period  peak (14 items)         21.0
  sum                                    25.2

Given: transformers  变压器, 3 items
  item  kva [kVA]    from_day  spare
             容量
  1           315              false
  2          1000               true
  3           200  2025-01-01  false
  sum        1515
"""

WORKING = """\
    formula   sum(load.kwh) * price
    where     load.kwh = 24 items: 0.5, 0.5, 0.5, …, 1.5, 0.1, 0.1; sum 25.2 kWh  电量
              tou_period = 24 items: valley 10, peak 14
              price = 0.5000 CNY/kWh
    amount    25.2 kWh × 0.5000 CNY/kWh = 12.60 CNY
"""


def test_lists_are_shown_item_by_item_and_by_their_ends() -> None:
    text = render_text(of_day(KVA, CURVE))

    assert LISTS in text
    assert WORKING in text
    assert "billed = 3 items: 315, 0, 200; sum 515 kVA" in text


def test_lists_in_chinese() -> None:
    lines = render_text(of_day(KVA, CURVE), "zh").splitlines()

    for line in (
        "输入: load  负荷, 24 项",
        "  …… 另 18 项",
        "  最大           2025-01-01 08:00        1.5",
        "  按 tou_period  peak (14 项)           21.0",
        "输入: transformers  变压器, 3 项",
        "          billed = 3 项: 315, 0, 200; 合计 515 kVA",
        "          tou_period = 24 项: valley 10, peak 14",
    ):
        assert line in lines


def test_twelve_items_are_shown_and_then_how_many_more() -> None:
    lines = render_text(of_day([{"kva": 100}] * 15, CURVE)).splitlines()

    assert "  12          100            false" in lines
    assert "  … 3 more" in lines
    assert not any(line.startswith("  13 ") for line in lines)
    assert "  sum        1500" in lines


def test_a_list_of_none_and_of_one() -> None:
    assert "Given: transformers  变压器, 0 items" in render_text(of_day([], CURVE))
    assert "billed = empty" in render_text(of_day([], CURVE))
    assert "Given: transformers  变压器, 1 item" in render_text(of_day(KVA[:1], CURVE))


def test_a_month_of_intervals_does_not_flood() -> None:
    """The 743 hours of March 2025; 31 x 14 = 434 of them are in the peak."""
    shown = of_day([], ["1.0"] * 743, period_from="2025-03-01", period_to="2025-04-01")

    lines = render_text(shown).splitlines()

    assert len(lines) < 60
    assert max(map(len, lines)) < 120
    assert "by tou_period peak (434 items) 434.0" in [" ".join(line.split()) for line in lines]
    assert "743 2025-03-31 23:00 1.0" in [" ".join(line.split()) for line in lines]


def test_lists_in_json() -> None:
    read = json.loads(json.dumps(to_json(of_day(KVA, CURVE))))

    curve, kva = read["lists"]
    assert (curve["name"], curve["count"], len(curve["items"])) == (LOAD, 24, 6)
    assert curve["items"][-1] == {"number": 24, "time": "2025-01-01 23:00", "values": ["0.1"]}
    assert curve["largest"] == [{"number": 9, "time": "2025-01-01 08:00", "values": ["1.5"]}]
    assert kva["largest"] == []
    assert kva["columns"][0] == {"name": "kva", "title": "容量", "unit": "kVA", "total": "1515"}
    assert kva["items"][2]["values"] == ["200", "2025-01-01", "false"]
    assert read["lines"][1]["names"][1] == {
        "name": "billed",
        "value": None,
        "unit": "kVA",
        "title": "",
        "items": {"count": 3, "first": ["315", "0", "200"], "last": [], "total": "515", "tally": [], "whole": 0},
    }


PARTS = """\
Lines
  line    title         quantity          price           amount
  Part 1: 2025-01-01 - 2025-01-10, 10 days
  energy  energy              26  kWh  × 0.5000  CNY/kWh   13.00
  beyond  beyond               0  kWh  × 0.1000  CNY/kWh    0.00
          of this part                                     13.00
  Part 2: 2025-01-11 - 2025-01-31, 21 days
  energy  energy              54  kWh  × 0.6000  CNY/kWh   32.40
  once    once                                              1.00
  beyond  beyond              30  kWh  × 0.1000  CNY/kWh    3.00
          of this part                                     36.40
  total                                                    49.40  CNY
"""


def of_parts(kwh: int) -> Explanation:
    rules = split_rules()
    billed = reference(rules, {"kwh": kwh}, **JANUARY)
    assert isinstance(billed, Bill), billed
    return explain(rules, billed)


def test_parts_stand_under_headings_with_their_days_and_prices() -> None:
    """80 kWh over 31 days: 80 x 10 / 31 = 25.8 -> 26, and 54."""
    text = render_text(of_parts(80))

    assert PARTS in text
    assert "  parts           2" in text
    assert "    prices unchanged  since 2025-01-11, through 2025-12-31" in text
    assert "    where             kwh = 26 of 80 kWh  电量" in text


def test_parts_in_chinese() -> None:
    lines = render_text(of_parts(80), "zh").splitlines()

    for line in (
        "  第 1 段：2025-01-01 - 2025-01-10，10 天",
        "    价格不变的日期  自 2025-01-11, 至 2025-12-31",
        "    其中            kwh = 26 kWh（共 80 kWh）  电量",
    ):
        assert line in lines


def test_parts_in_json() -> None:
    read = to_json(of_parts(80))

    assert isinstance(read["parts"], list)
    assert isinstance(read["lines"], list)
    assert [(part["part"], part["days"], part["total"]) for part in read["parts"]] == [
        ("1", 10, "13.00"),
        ("2", 21, "36.40"),
    ]
    assert [(line["part"], line["part_from"]) for line in read["lines"]][:3] == [
        ("1", "2025-01-01"),
        ("1", "2025-01-01"),
        ("2", "2025-01-11"),
    ]
    assert (read["version_from"], read["version_through"]) == (None, None)


CURVE_IN_PARTS = """\
ruleset: cn.test.curve
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
calendar: {timezone: Asia/Shanghai}
lists:
  load: {every: 60 minutes, at_most: 744, inputs: {kwh: {unit: kWh, places: 1, from: 0, to: 1000}}}
quantities:
  used: sum(load.kwh)
energy: {total: used, priced_by: [energy]}
charges:
  energy: {quantity: used, price: {dated: [{from: 2026-01-01, printed: 0.5}, {from: 2026-01-02, printed: 0.6}]}}
  fund: {per: bill, quantity: used, price: 0.01}
"""


def test_a_part_has_some_of_the_intervals_and_a_charge_of_the_bill_reads_all(tmp_path: Path) -> None:
    """24 hours of 1.0 at 0.5 and 24 of 2.0 at 0.6; the fund on 72 kWh is billed in the last part, which has 48 kWh."""
    (tmp_path / "curve.ruleset.yaml").write_text(CURVE_IN_PARTS, encoding="utf-8")
    (rules,) = compile_paths([tmp_path]).rulesets.values()
    days = {"period_from": date(2026, 1, 1), "period_to": date(2026, 1, 3)}
    billed = reference(rules, {"load": ["1.0"] * 24 + ["2.0"] * 24}, **days)  # type: ignore[arg-type]  # days by name
    assert isinstance(billed, Bill), billed

    english, chinese = (render_text(explain(rules, billed), language).splitlines() for language in ("en", "zh"))

    items = "1.0, 1.0, 1.0, …, 1.0, 1.0, 1.0; sum 24.0 kWh"
    assert f"              load.kwh = 24 of 48 items: {items}" in english
    items = "2.0, 2.0, 2.0, …, 2.0, 2.0, 2.0; 合计 48.0 kWh"
    assert f"          load.kwh = 48 项中的 24 项: {items}" in chinese
    fund = english[english.index("  fund") :]
    assert "    where     used = 72.0 kWh" in fund
    assert "    amount    72.0 kWh × 0.01 CNY/kWh = 0.72 CNY" in fund
