"""Why a customer has a score and a class: indicators with value, band, points, weight, and where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.explain import Explanation, explain, to_json
from engine.evaluator.explain_text import render_text
from engine.evaluator.reference import Bill, reference
from tests.bulk.profile_book import CUSTOMER, CUSTOMER_YAML

NOTICE = """\
notice: cn.test.limits_2026
series: cn.test.limits
source: {standing: derived, document: 十户}
in_force: {from: 2026-01-01, until_replaced: true}
values: {use_q0_5: {unit: kWh, printed: 50.00}}
"""
BY_QUANTILE = """\
ruleset: cn.test.by_quantile
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
fills: {ours: cn.test.limits}
values: {usual: {unit: kWh, printed: 80, source: {standing: example}}}
inputs: {kwh: {unit: kWh, places: 2, from: 0, to: 100000, optional: true}}
segments:
  use:
    by: kwh
    missing: not_known
    quantiles_from: ours
    classes:
      - {is: not_known}
      - {up_to_quantile: 0.5, is: little}
      - is: some
        below: usual + 20[kWh]
      - {is: much}
"""


@pytest.fixture(scope="module")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "customer.ruleset.yaml").write_text(CUSTOMER_YAML, encoding="utf-8")
    return compile_paths([folder]).rulesets[CUSTOMER]


def explained(compiled: Compiled, row: dict[str, object]) -> Explanation:
    bill = reference(compiled, row, period_from="2026-01-01", period_to="2026-02-01")
    assert isinstance(bill, Bill)
    return explain(compiled, bill)


def test_each_indicator_is_shown_with_its_band_and_figures(customer: Compiled) -> None:
    """By hand: 0.2 x 70 + 0.5 x 60.5 + 0.3 x 50 = 59.25, rounded 59.3, which is below 60."""
    told: Any = to_json(explained(customer, {"nature": "shop", "kwh": "1000", "kwh_last_year": "990", "late": 2}))

    value, credit = told["scores"]
    assert (value["value"], value["sum"], credit["value"]) == ("59.3", "59.25", "60")
    kind, size, growth = value["indicators"]
    assert (kind["value"], kind["code_title"], kind["points"]["printed"]) == ("shop", "商业", "70")
    assert (size["value"], size["unit"], size["points"]["value"]) == ("1000.00", "kWh", "60.5")
    assert (size["weight"]["printed"], size["weight_times_points"]) == ("0.5", "30.25")
    band = size["band"]
    assert (band["band"], band["of"], band["title"]) == (2, 3, "中")
    assert (band["lower"]["value"], band["lower"]["in_the_lower_band"]) == ("1000", False)
    assert (band["upper"]["value"], band["upper"]["in_the_lower_band"]) == ("5000", True)
    lines = CUSTOMER_YAML.splitlines()
    place = band["upper"]["place"].rpartition(":")[0].rpartition(":")[2]
    assert "up_to: 5000, points: 60.5" in lines[int(place) - 1]
    assert (growth["value"], growth["points"]["value"]) == ("0.0101", "50")
    level, market = told["segments"]
    assert (level["class"], level["class_title"], level["services"]) == ("ordinary", "普通", ["95598热线"])
    assert (level["value"], level["band"]["band"], market["class"], market["when"]) == ("59.3", 1, "other", None)


def test_an_absent_indicator_says_what_absence_did(customer: Compiled) -> None:
    """Left out, its weight goes to the others: 44.25 / 0.7 = 63.2142...; or it has the points that are declared."""
    told: Any = to_json(explained(customer, {"nature": "shop", "kwh": "1000", "kwh_last_year": "0"}))

    value, credit = told["scores"]
    growth, late = value["indicators"][2], credit["indicators"][0]
    assert (value["value"], value["sum"], value["weights"]) == ("63.2", "44.25", "0.7")
    assert (growth["value"], growth["absent"], growth["weight_times_points"]) == (None, "left_out", None)
    assert (late["value"], late["absent"], late["points"]["printed"]) == (None, "points", "60")


def test_the_text_has_no_empty_bill(customer: Compiled) -> None:
    """Neither lines nor a total of zero: nothing is billed here."""
    one = explained(customer, {"nature": "industry", "kwh": "900000", "kwh_last_year": "100", "late": 0})

    english, chinese = render_text(one), render_text(one, "zh")
    assert "total" not in english
    assert "合计" not in chinese
    for line in (
        "  value  客户价值: 100.0",
        "  level  等级: gold  金牌",
        "  market  市场: star  明星",
        "    condition  level.gold and (credit >= 60)",
    ):
        assert line in english.splitlines()
    assert any("3/3: 5000 < x  大" in line and "50.0" in line for line in english.splitlines())
    assert "    服务  客户经理、专席" in chinese.splitlines()


def test_limits_by_quantile_and_by_formula_are_told(tmp_path: Path) -> None:
    """The quantile with its notice's value, source and place; of a formula the value that it has."""
    (tmp_path / "a.notice.yaml").write_text(NOTICE, encoding="utf-8")
    (tmp_path / "b.ruleset.yaml").write_text(BY_QUANTILE, encoding="utf-8")
    (compiled,) = compile_paths([tmp_path]).rulesets.values()

    little: Any = to_json(explained(compiled, {"kwh": "50"}))["segments"][0]  # type: ignore[index]  # a list of mappings
    some: Any = to_json(explained(compiled, {"kwh": "99.99"}))["segments"][0]  # type: ignore[index]  # as above
    absent = explained(compiled, {})

    upper = little["band"]["upper"]
    assert (little["class"], upper["value"], upper["quantile"], upper["source"]) == ("little", "50.00", "0.5", "十户")
    assert upper["place"].endswith("a.notice.yaml:5:41")
    assert (some["class"], some["band"]["band"], some["band"]["upper"]["value"]) == ("some", 2, "100")
    assert absent.segments[0].class_ == "not_known"
    assert "quantile 0.5  ours.use_q0_5 = 50.00  十户 (derived)" in render_text(explained(compiled, {"kwh": "7"}))
    assert "    condition  not given" in render_text(absent).splitlines()
