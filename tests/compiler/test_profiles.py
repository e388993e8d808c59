"""Scores and segments: what absence does, limits by quantile, and that every interpreter gives the same.

Expected points are worked out by hand beside each case.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.compare import compare
from engine.evaluator.evaluate import evaluate
from engine.evaluator.reference import Bill, reference
from engine.evaluator.rows import Column, RowProblem, Rows
from engine.language.problems import ProblemsFound

RULES = """\
ruleset: cn.test.profile
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
fills: {portfolio: cn.test.portfolio}
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 1000000}
  last_kwh: {unit: kWh, places: 0, from: 0, to: 1000000, optional: true}
  visits: {unit: 1, places: 0, from: 0, to: 100, optional: true}
scores:
  value:
    title: 价值
    places: 1
    indicators:
      kwh:
        measure: kwh
        weight: 0.5
        quantiles_from: portfolio
        bands: [{up_to_quantile: 0.25, points: 20}, {below_quantile: 0.75, points: 60}, {points: 100}]
      growth:
        measure: divide(kwh - last_kwh, last_kwh, 4, half_up)
        absent_when: last_kwh == 0
        missing: left_out
        weight: 0.3
        bands: [{below: 0, points: 10}, {points: 90.5}]
      visits: {measure: visits, weight: 0.2, bands: [{up_to: 2, points: 100}, {points: 0}], missing: MISSING}
segments:
  level:
    by: value
    classes: [{below: 60, is: low, title: 低}, {is: high, title: 高, services: [客户经理]}]
  mixed:
    classes: [{is: both, when: "level.high and kwh > 900[kWh]"}, {is: other}]
"""
NOTICE = """\
notice: cn.test.portfolio.2026
series: cn.test.portfolio
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
values:
  value_kwh_q0_25: {unit: kWh, printed: 100}
  value_kwh_q0_75: {unit: kWh, printed: 500}
"""


def profile(folder: Path, missing: str) -> Compiled:
    (folder / "profile.ruleset.yaml").write_text(RULES.replace("MISSING", missing), encoding="utf-8")
    (folder / "portfolio.notice.yaml").write_text(NOTICE, encoding="utf-8")
    return compile_paths([folder]).rulesets["cn.test.profile"]


def bill(compiled: Compiled, row: Mapping[str, object]) -> Bill | RowProblem:
    return reference(compiled, row, period_from="2026-01-01", period_to="2026-02-01")


@pytest.mark.parametrize(
    ("row", "value", "level", "mixed"),
    [
        # 100 is held by the first quarter: 20 x .5 + 90.5 x .3 + 100 x .2 = 57.15
        ({"kwh": 100, "last_kwh": 100, "visits": 2}, "57.2", "low", "other"),
        # 500 is not below the third quartile: 100 x .5 + 10 x .3 + 0 = 53
        ({"kwh": 500, "last_kwh": 501, "visits": 3}, "53.0", "low", "other"),
        # growth left out: (60 x .5 + 100 x .2) / .7 = 71.428...
        ({"kwh": 101, "visits": 0}, "71.4", "high", "other"),
        # growth from nothing is left out: (100 x .5 + 100 x .2) / .7 = 100
        ({"kwh": 901, "last_kwh": 0, "visits": 0}, "100.0", "high", "both"),
        # no visits known, 50 points: (100 x .5 + 50 x .2) / .7 = 85.714...
        ({"kwh": 901}, "85.7", "high", "both"),
    ],
)
def test_scores_and_classes_as_worked_out(
    tmp_path: Path, row: dict[str, object], value: str, level: str, mixed: str
) -> None:
    made = bill(profile(tmp_path, "50"), row)
    assert isinstance(made, Bill)
    assert (made.scores, made.segments) == ({"value": Decimal(value)}, {"level": level, "mixed": mixed})
    assert made.total == 0
    assert not made.lines


def test_a_missing_indicator_that_is_asked_for_refuses_the_row(tmp_path: Path) -> None:
    made = bill(profile(tmp_path, "refuse"), {"kwh": 100, "last_kwh": 100})
    assert isinstance(made, RowProblem)
    assert (made.code, made.field) == ("refused-by-rule", "value.visits")


def test_a_score_of_nothing_refuses_the_row(tmp_path: Path) -> None:
    text = RULES.replace("MISSING", "left_out").replace(
        "{unit: kWh, places: 0, from: 0, to: 1000000}\n  last",
        "{unit: kWh, places: 0, from: 0, to: 1000000, optional: true}\n  last",
    )
    text = text.replace(
        "        quantiles_from: portfolio\n", "        quantiles_from: portfolio\n        missing: left_out\n"
    )
    text = text.replace("level.high and kwh > 900[kWh]", "level.high")
    (tmp_path / "profile.ruleset.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "portfolio.notice.yaml").write_text(NOTICE, encoding="utf-8")
    made = bill(compile_paths([tmp_path]).rulesets["cn.test.profile"], {})
    assert isinstance(made, RowProblem)
    assert (made.code, made.field) == ("refused-by-rule", "value")


def test_columns_and_integers_give_what_decimals_give(tmp_path: Path) -> None:
    compiled = profile(tmp_path, "left_out")
    rng = np.random.default_rng(8)
    rows = 3000
    day = np.full(rows, 20454, dtype=np.int64)  # 2026-01-01
    batch = Rows(
        row_id=np.arange(rows, dtype=np.int64),
        ruleset=Column(np.zeros(rows, dtype=np.int64), codes=(compiled.id,)),
        period_from=day,
        period_to=day + 31,
        columns={
            "kwh": Column(rng.integers(0, 1000, rows)),
            "last_kwh": Column(rng.integers(0, 4, rows) * 100, valid=rng.random(rows) < 0.7),
            "visits": Column(rng.integers(0, 5, rows), valid=rng.random(rows) < 0.7),
        },
    )
    assert compare(compiled, batch).differences == ()
    result = evaluate(compiled, batch)
    assert set(result.segments["level"].tolist()) == {0, 1}
    assert len(np.unique(result.scores["value"])) > 10


def test_a_class_without_a_limit_that_missing_names_is_for_absence_alone(tmp_path: Path) -> None:
    text = RULES.replace("MISSING", "50") + (
        "  loyalty:\n    by: visits\n    missing: unknown\n"
        "    classes: [{is: unknown}, {below: 3, is: rare}, {is: often}]\n"
    )
    (tmp_path / "profile.ruleset.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "portfolio.notice.yaml").write_text(NOTICE, encoding="utf-8")
    compiled = compile_paths([tmp_path]).rulesets["cn.test.profile"]
    rows: list[dict[str, object]] = [{"kwh": 1}, {"kwh": 1, "visits": 2}, {"kwh": 1, "visits": 3}]
    made = [bill(compiled, row) for row in rows]
    assert [one.segments["loyalty"] for one in made if isinstance(one, Bill)] == ["unknown", "rare", "often"]


SPLIT = """\
ruleset: cn.test.split
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
inputs: {kwh: {unit: kWh, places: 2, from: 0, to: 1000000, split: by_days}}
values: {price: {unit: CNY/kWh, dated: [{from: 2026-01-01, printed: 0.5}, {from: 2026-01-16, printed: 0.6}]}}
scores:
  size:
    places: 0
    indicators:
      use:
        measure: kwh
        absent_when: kwh > 320[kWh] and kwh < 400[kWh]
        missing: refuse
        weight: 1
        bands: [{below: 200, points: 20}, {points: 90}]
segments:
  level: {by: size, classes: [{below: 60, is: low}, {is: high}]}
energy: {total: kwh, priced_by: [energy, dear]}
charges:
  energy: {when: not level.high, quantity: kwh, price: price}
  dear: {when: level.high, quantity: kwh, price: 1}
"""


def test_a_score_is_of_the_whole_bill_where_it_has_parts(tmp_path: Path) -> None:
    """310 kWh in two parts of 150 and 160 are above 200, for the score, for each part's charges and for what is absent.

    By hand: 310 x 1 = 310.00; 155 kWh, 75 and 80: 75 x 0.5 + 80 x 0.6 = 85.50.
    """
    (tmp_path / "split.ruleset.yaml").write_text(SPLIT, encoding="utf-8")
    compiled = compile_paths([tmp_path]).rulesets["cn.test.split"]

    large, small, absent = (bill(compiled, {"kwh": kwh}) for kwh in (310, 155, 350))

    assert isinstance(large, Bill)
    assert (large.scores, large.segments) == ({"size": Decimal(90)}, {"level": "high"})
    assert [line.amount for line in large.lines] == [Decimal("150.00"), Decimal("160.00")]
    assert isinstance(small, Bill)
    assert (small.scores, small.segments) == ({"size": Decimal(20)}, {"level": "low"})
    assert [line.amount for line in small.lines] == [Decimal("37.50"), Decimal("48.00")]
    assert isinstance(absent, RowProblem)
    assert (absent.code, absent.field) == ("refused-by-rule", "size.use")
    rows = Rows(
        row_id=np.arange(400, dtype=np.int64),
        ruleset=Column(np.zeros(400, dtype=np.int64), codes=(compiled.id,)),
        period_from=np.full(400, 20454, dtype=np.int64),  # 2026-01-01
        period_to=np.full(400, 20485, dtype=np.int64),
        columns={"kwh": Column(np.arange(400, dtype=np.int64))},
    )
    assert compare(compiled, rows).differences == ()


def test_bands_that_list_nothing_are_told(tmp_path: Path) -> None:
    text = RULES.replace("MISSING", "50").replace("bands: [{up_to: 2, points: 100}, {points: 0}]", "bands: []")
    (tmp_path / "profile.ruleset.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "portfolio.notice.yaml").write_text(NOTICE, encoding="utf-8")

    with pytest.raises(ProblemsFound) as told:
        compile_paths([tmp_path])

    assert [one.code for one in told.value.problems] == ["nothing-listed"]


@pytest.mark.parametrize(("first", "then"), [("below", "below"), ("below", "up_to"), ("up_to", "below")])
def test_limits_with_days_may_be_equal_and_the_first_band_that_holds_is_meant(
    tmp_path: Path, first: str, then: str
) -> None:
    """Both limits are 3: below it the first band, above it the last; at it the one whose `up_to` comes first."""
    values = "".join(f"  {name}: {{unit: 1, dated: [{{from: 2026-01-01, printed: 3}}]}}\n" for name in ("a", "b"))
    bands = f"[{{{first}: a, points: 7}}, {{{then}: b, points: 90}}, {{points: 13}}]"
    text = f"""\
ruleset: cn.test.equal
source: {{standing: example}}
in_force: {{from: 2026-01-01, until_replaced: true}}
version_by: period_from
inputs: {{visits: {{type: integer, from: 0, to: 9}}}}
values:
{values}
scores: {{size: {{places: 0, indicators: {{visits: {{measure: visits, weight: 1, bands: {bands}}}}}}}}}
"""
    (tmp_path / "equal.ruleset.yaml").write_text(text, encoding="utf-8")
    compiled = compile_paths([tmp_path]).rulesets["cn.test.equal"]

    made = [bill(compiled, {"visits": visits}) for visits in (2, 3, 4)]

    at_it = 7 if first == "up_to" else 90 if then == "up_to" else 13
    assert [one.scores["size"] for one in made if isinstance(one, Bill)] == [7, at_it, 13]
