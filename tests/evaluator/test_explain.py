"""Explanations: what is shown of a bill, as text in two languages and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.compiler.program import BOOLEAN, Rounding, Slot, Step, Type
from engine.evaluator.explain import Explanation, LineExplained, cell_keys, explain, to_json
from engine.evaluator.explain_text import aligned, render_text
from engine.evaluator.reference import Bill, reference
from tests.evaluator.programs import JANUARY, two_tiers


def explained(kwh: str) -> Explanation:
    rules = two_tiers()
    bill = reference(rules, {"kwh": kwh}, **JANUARY, row_id="r7")
    assert isinstance(bill, Bill)
    return explain(rules, bill)


CHINESE = """\
账单: 小例
  行号            r7
  规则集          xx.small  small.ruleset.yaml:1:1
  依据            例〔2024〕1号 (示例)
  计费周期        2025-01-01 - 2025-01-31 (含首尾两日)
  价格不变的日期  自 2025-01-01, 至 2025-12-31

输入
  kwh  150.50  kWh  电量

账单行
  行        名称      数量           单价            金额
  energy.1  第一档  100.00  kWh  × 0.5283  CNY/kWh  52.83
  energy.2  第二档   50.50  kWh  × 0.5783  CNY/kWh  29.20
  合计                                              82.03  CNY

计算过程

  energy.1  第一档
    公式  quantity * price
    其中  quantity = 100.00 kWh
          price = 0.5283 CNY/kWh
    金额  100.00 kWh × 0.5283 CNY/kWh = 52.83 CNY
    取舍  52.8300 → 52.83
    印数  energy.1.price = 0.5283 CNY/kWh  2025-01-01 起执行  例〔2024〕1号 (示例)  small.ruleset.yaml:7:1
          energy.1.up_to = 100 kWh  2024-01-01 起执行  例〔2024〕1号 (示例)  small.ruleset.yaml:7:1
    规则  small.ruleset.yaml:1:1

  energy.2  第二档
    公式  quantity * price
    其中  quantity = 50.50 kWh
          price = 0.5783 CNY/kWh
    金额  50.50 kWh × 0.5783 CNY/kWh = 29.20 CNY
    取舍  29.204150 → 29.20
    印数  energy.2.price = 0.5783 CNY/kWh  2024-01-01 起执行  例〔2024〕1号 (示例)  small.ruleset.yaml:7:1
          energy.1.up_to = 100 kWh  2024-01-01 起执行  例〔2024〕1号 (示例)  small.ruleset.yaml:7:1
    规则  small.ruleset.yaml:1:1

预警

  [黄色] second_tier  进入第二档: 本月 150.50 千瓦时
    其中      kwh = 150.50 kWh  电量
    可能原因  空调
    处理      短信
    规则      small.ruleset.yaml:1:1"""


def test_the_whole_text_in_chinese() -> None:
    assert render_text(explained("150.50"), "zh") == CHINESE


def test_the_headings_in_english() -> None:
    text = render_text(explained("150.50"))

    for line in (
        "  billing period    2025-01-01 - 2025-01-31 (both days included)",
        "  prices unchanged  since 2025-01-01, through 2025-12-31",
        "  energy.2  第二档     50.50  kWh  × 0.5783  CNY/kWh   29.20",
        "    rounding  29.204150 → 29.20",
        "  [yellow] second_tier  进入第二档: 本月 150.50 千瓦时",
    ):
        assert line in text.splitlines()


def test_a_line_that_is_not_shown_is_not_explained() -> None:
    assert [line.line.id for line in explained("100").lines] == ["energy.1"]


def test_json_has_decimals_as_text() -> None:
    read = json.loads(json.dumps(to_json(explained("150.50"))), parse_float=lambda text: pytest.fail(text))

    assert read["total"] == "82.03"
    assert read["lines"][1]["before_rounding"] == "29.204150"
    assert read["lines"][1]["figures"][0] == {
        "path": "energy.2.price",
        "row": [],
        "printed": "0.5783",
        "value": "0.5783",
        "unit": "CNY/kWh",
        "place": "small.ruleset.yaml:7:1",
        "source": "例〔2024〕1号",
        "standing": "example",
        "since": "2024-01-01",
    }
    assert read["warnings"][0]["values"] == [{"name": "kwh", "value": "150.50", "unit": "kWh", "title": "电量"}]


def _amount_by(*steps: Step) -> Any:
    """Explain the first line with its amount made by steps at the end of the program."""
    rules = two_tiers()
    program = rules.program
    # 0.5283 stands in step 6, 100.00 kWh in step 3.
    line = replace(program.lines[0], amount=len(program.steps) + len(steps) - 1)
    program = replace(program, steps=program.steps + steps, lines=(line,))
    rules = replace(rules, program=program)
    bill = reference(rules, {"kwh": "150.50"}, **JANUARY)
    assert isinstance(bill, Bill)
    return explain(rules, bill).lines[0]


MONEY = Type(places=2, low=-(10**12), high=10**12)


@pytest.mark.parametrize(
    ("step", "amount", "before"),
    [
        (Step("divide", (3, 6), MONEY), "189.29", "189.2863903085…"),  # 100 / 0.5283
        (Step("multiply_divide", (3, 6, 3), MONEY), "0.53", "0.5283"),
        (Step("round", (6,), MONEY, mode=Rounding.DOWN), "0.52", "0.5283"),
        (Step("negate", (8,), MONEY), "-52.83", "-52.8300"),
        (Step("add", (8, 8), MONEY), "105.66", ""),
    ],
)
def test_what_stood_before_the_rounding(step: Step, amount: str, before: str) -> None:
    line = _amount_by(step)

    assert (str(line.line.amount), line.before) == (amount, before)


def test_figures_of_a_branch_not_taken_are_not_shown() -> None:
    at = len(two_tiers().program.steps)
    no = Step("literal", (), BOOLEAN, value=0)

    line = _amount_by(no, Step("select", (at, 9, 8), MONEY))

    assert [figure.path for figure in line.figures] == ["energy.1.price", "energy.1.up_to"]


def test_what_another_line_read_is_left_to_it() -> None:
    """Ten percent of the second line reads no price of that line."""
    rules = two_tiers()
    tenth = Step("literal", (), Type(places=1, low=1, high=1), value=1)
    steps = (*rules.program.steps, tenth, Step("multiply_round", (9, len(rules.program.steps)), MONEY))
    fee = replace(rules.program.lines[1], id="fee", amount=len(steps) - 1, shown=None)
    program = replace(rules.program, steps=steps, lines=(*rules.program.lines, fee))
    rules = replace(rules, program=program)
    bill = reference(rules, {"kwh": "150.50"}, **JANUARY)
    assert isinstance(bill, Bill)

    line = explain(rules, bill).lines[2]

    assert (str(line.line.amount), line.before, line.figures) == ("2.92", "2.920", ())


def _with_line(shown: Explanation, line: LineExplained) -> Explanation:
    return replace(shown, parts=(replace(shown.parts[0], lines=(line,)),))


def test_digits_of_a_notice_in_fen_are_shown() -> None:
    """2.00 fen/kWh is 0.0200 CNY/kWh."""
    shown = explained("100")
    figure = replace(shown.lines[0].figures[0], printed="52.83")
    line = replace(shown.lines[0], figures=(figure,))

    text = render_text(_with_line(shown, line), "zh")

    assert "energy.1.price = 0.5283 CNY/kWh (文件印 52.83)  2025-01-01 起执行" in text


def test_an_amount_that_is_not_the_product_is_not_shown_as_one() -> None:
    """Two months of a price per month: 52.83 + 52.83."""
    shown = explained("100")
    line = shown.lines[0]
    twice = replace(line, line=replace(line.line, amount=Decimal("105.66")))

    text = render_text(_with_line(shown, twice))

    assert "105.66 CNY  (100.00 kWh, 0.5283 CNY/kWh)" in text


def test_cells_are_named_by_their_keys() -> None:
    slot = Slot("price", Type(), (("a", "b"), ("x", "y", "z")))

    assert [cell_keys(slot, cell) for cell in (0, 2, 3, 5)] == [("a", "x"), ("a", "z"), ("b", "x"), ("b", "z")]


def test_columns_are_aligned_by_their_width_on_a_terminal() -> None:
    assert aligned([["峰段", "", "1.00"], ["flat", "", "20.00"], ["é", "", "3"]], right=(2,)) == [
        "峰段   1.00",
        "flat  20.00",
        "é         3",
    ]
