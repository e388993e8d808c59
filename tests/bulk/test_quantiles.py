"""Limits by quantile from a portfolio: nearest rank, before the first notice and after it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.bulk.quantiles import quantiles, rank, wanted
from engine.cli import main
from engine.compiler.compile import compile_paths
from engine.compiler.library import load_library
from engine.evaluator.reference import Bill, reference
from engine.language.models import Notice
from tests.documents import ROOT
from tests.oracles.portfolio_2025 import households, nearest_rank

PROFILES = ROOT / "rules" / "cn" / "national" / "profiles"
HOUSEHOLDS = "cn.national.profiles.consumption_ability"
RANKED = """\
ruleset: cn.test.ranked
title: 排名
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
fills: {ours: cn.test.portfolio}

inputs:
  kwh:  {unit: kWh, places: 2, from: 0, to: 100000}
  late: {type: integer, from: 0, to: 99, optional: true}

scores:
  size:
    places: 0
    indicators:
      use:
        title: 用电
        measure: kwh
        weight: 0.5
        quantiles_from: ours
        bands:
          - {below: 1, points: 0}
          - {up_to_quantile: 0.5, points: 40}
          - {below_quantile: 0.9, points: 60}
          - {points: 100}
      late:
        title: 逾期
        measure: late
        weight: 0.5
        missing: left_out
        quantiles_from: ours
        bands: [{up_to_quantile: 0.5, points: 100}, {points: 0}]

segments:
  rank:
    title: 名次
    by: size
    quantiles_from: ours
    classes: [{below_quantile: 0.5, is: low, title: 低}, {is: high, title: 高}]
"""
# kWh, late: ten rows that count, one that is refused, one of another rule set
ROWS = [(kwh, late) for kwh, late in zip(range(10, 110, 10), (None, None, 5, 1, 2, None, 3, 4, 4, 9), strict=True)]


def portfolio(path: Path, rows: Sequence[tuple[object, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row_id", "ruleset", "period_from", "period_to", "kwh", "late"])
        for at, (kwh, late) in enumerate(rows):
            writer.writerow([at, "cn.test.ranked", "2026-01-01", "2026-02-01", kwh, late])
        writer.writerow(["bad", "cn.test.ranked", "2026-01-01", "2026-02-01", "-1", 99])
        writer.writerow(["other", "cn.test.none", "2026-01-01", "2026-02-01", "999", 99])
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without `rules`, as the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "ranked.ruleset.yaml").write_text(RANKED, encoding="utf-8")
    return tmp_path


def dianjia(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)


def limits(answer: Result) -> dict[str, str]:
    assert answer.exit_code == 0, answer.output
    return {one["value"]: one["limit"] for one in json.loads(answer.stdout)["values"]}


@pytest.mark.parametrize("share", ["0.01", "0.1", "0.25", "0.333", "0.5", "0.9", "0.99"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 10, 100])
def test_the_rank_is_the_nearest(count: int, share: str) -> None:
    """The smallest value that at least the share of all do not exceed, by its definition."""
    values = [Decimal(at) for at in range(count)]

    assert values[rank(count, share)] == nearest_rank(values, Decimal(share))
    assert values[rank(count, share)] == min(
        value for value in values if sum(other <= value for other in values) >= Decimal(share) * count
    )


def test_the_first_notice_is_made_without_one(here: Path) -> None:
    """The rule set does not compile before; with the notice it does, and scores one row by the portfolio's limits.

    By hand: of 10..100 half do not exceed 50, nine tenths 90; of 1, 2, 3, 4, 4, 5, 9 half do not exceed 4.
    """
    rows = portfolio(here / "rows.csv", ROWS)
    assert dianjia("check", "ours").exit_code == 1

    made = dianjia("quantiles", "ours", rows, "-o", "ours/portfolio.notice.yaml", "--notice", "cn.test.p1")

    assert made.exit_code == 0, made.output
    assert "cn.test.portfolio: rows 10, refused 1" in made.stdout
    assert dianjia("check", "ours").exit_code == 0
    (notice,) = load_library([Path("ours")])[0].notices["cn.test.portfolio"]
    assert isinstance(notice, Notice)
    printed = {str(name): value.printed.text for name, value in notice.values.items() if value.printed is not None}
    assert printed["size_use_q0_5"] == "50.00"
    assert printed["size_use_q0_9"] == "90.00"
    assert printed["size_late_q0_5"] == "4"
    assert notice.source is not None
    assert notice.source.standing == "derived"
    assert str(notice.source.document) == "rows.csv: 10 rows, 2026-01-01..2026-02-01"
    (ranked,) = compile_paths(["ours"]).rulesets.values()
    limits = [(band.limit, band.quantile) for band in ranked.program.segments[0].bands if band.quantile]
    assert limits == [("ours.rank_q0_5", "0.5")]


def test_a_limit_that_depends_on_another_is_measured_with_it(here: Path) -> None:
    """The class goes by the score, whose bands go by quantiles: it takes the score under the limits found first.

    Points by hand: kWh below 1: 0; to 50: 40; below 90: 60; else 100. Late to 4: 100, else 0; absent: not counted.
    10: 40; 20: 40; 30 and 5 late: 20; 40: 70; 50: 70; 60: 60; 70: 80; 80: 80; 90 (not below): 100; 100 and 9 late: 50.
    In order 20 40 40 50 60 70 70 80 80 100: half do not exceed 60.
    """
    rows = portfolio(here / "rows.csv", ROWS)

    found = limits(dianjia("quantiles", "ours", rows, "--format", "json"))

    assert found == {"size_use_q0_5": "50.00", "size_use_q0_9": "90.00", "size_late_q0_5": "4", "rank_q0_5": "60"}


def test_a_limit_that_no_row_could_reach_is_measured_again_too(here: Path) -> None:
    """No use lies below nought, which stands in for the first limit: the compiler leaves that band out.

    Points by hand: kWh below 50: 40; below 90: 60; else 100. Late as above.
    10: 40; 20: 40; 30 and 5 late: 20; 40: 70; 50: 80; 60: 60; 70: 80; 80: 80; 90: 100; 100 and 9 late: 50.
    In order 20 40 40 50 60 70 80 80 80 100: half do not exceed 60.
    """
    bands = "          - {below: 1, points: 0}\n          - {up_to_quantile: 0.5"
    text = RANKED.replace(bands, "          - {below_quantile: 0.5")
    text = text.replace(
        "        quantiles_from: ours\n        bands: [{up_to_quantile: 0.5", "        bands: [{up_to: 4"
    )
    (here / "ours" / "ranked.ruleset.yaml").write_text(text, encoding="utf-8")
    rows = portfolio(here / "rows.csv", ROWS)

    found = limits(dianjia("quantiles", "ours", rows, "--format", "json"))

    assert found == {"size_use_q0_5": "50.00", "size_use_q0_9": "90.00", "rank_q0_5": "60"}


def test_equal_values_give_equal_limits(here: Path) -> None:
    """A band between them stays empty, which is no fault of the rules."""
    rows = portfolio(here / "rows.csv", [("7.00", 1)] * 5)

    found = limits(dianjia("quantiles", "ours", rows, "-o", "ours/p.notice.yaml", "--format", "json"))

    assert (found["size_use_q0_5"], found["size_use_q0_9"]) == ("7.00", "7.00")
    assert dianjia("check", "ours").exit_code == 0


def test_the_shipped_notice_is_what_the_command_makes(here: Path) -> None:
    """Of the 2,000 made-up households, every limit to the last digit."""
    with (here / "homes.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = ["kwh", "billed_cny", "household_size", "bills", "bills_late"]
        writer.writerow(["row_id", "ruleset", "period_from", "period_to", *names])
        for at, home in enumerate(households()):
            values = [home.kwh, home.billed_cny, home.household_size, 12, 0]
            writer.writerow([at, HOUSEHOLDS, "2025-01-01", "2026-01-01", *values])

    found = limits(dianjia("quantiles", PROFILES, "homes.csv", "--format", "json"))

    (notice,) = load_library([PROFILES])[0].notices["cn.national.profiles.portfolio"]
    assert found == {
        str(name): value.printed.text for name, value in notice.values.items() if value.printed is not None
    }


def test_what_cannot_be_made_is_told(here: Path) -> None:
    """No limits by quantile, nothing measured, a file that is there: each says what to do."""
    empty = portfolio(here / "empty.csv", [])
    rows = portfolio(here / "rows.csv", ROWS)
    (here / "there.notice.yaml").write_text("", encoding="utf-8")

    nothing = dianjia("quantiles", "ours", empty)
    others = dianjia("quantiles", "ours", rows, "--ruleset", "cn.test.none")
    there = dianjia("quantiles", "ours", rows, "-o", "there.notice.yaml", "--language", "zh")

    assert (nothing.exit_code, others.exit_code, there.exit_code) == (1, 2, 2)
    assert "gives `size.use`" in nothing.stderr
    assert "limits by quantile" in others.stderr
    assert "已存在" in there.stderr


TWO = """\
ruleset: cn.test.two
source: {standing: example}
in_force: {from: 2026-01-01, WHEN}
version_by: period_from
fills: {ours: cn.test.SERIES}
inputs: {kwh: {unit: kWh, places: 0, from: 0, to: 100000}, cny: {unit: CNY, places: 0, from: 0, to: 100000}}
segments:
  of_use:
    by: kwh
    quantiles_from: ours
    classes: [{below_quantile: 0.5, is: below}, {up_to_quantile: 0.5, is: at}, {is: above}]
"""
READ = "  of_pay: {by: cny, classes: [{below: 5, is: little}, {is: much}]}\n"


def test_a_quantile_on_both_sides_is_one_value(here: Path) -> None:
    """Below the median, at it, above it: of 1, 2, 3 the median is 2."""
    text = TWO.replace("WHEN", "until_replaced: true").replace("SERIES", "portfolio") + READ
    (here / "ours" / "ranked.ruleset.yaml").write_text(text, encoding="utf-8")
    head = "row_id,ruleset,period_from,period_to,kwh,cny\n"
    rows = "".join(f"{kwh},cn.test.two,2026-01-01,2026-02-01,{kwh},9\n" for kwh in (1, 2, 3))
    (here / "rows.csv").write_text(head + rows, encoding="utf-8")

    found = limits(dianjia("quantiles", "ours", "rows.csv", "-o", "ours/portfolio.notice.yaml", "--format", "json"))

    assert found == {"of_use_q0_5": "2"}
    (compiled,) = compile_paths(["ours"]).rulesets.values()
    for kwh, class_ in ((1, "below"), (2, "at"), (3, "above")):
        made = reference(compiled, {"kwh": kwh, "cny": 9}, period_from="2026-01-01", period_to="2026-02-01")
        assert isinstance(made, Bill)
        assert made.segments["of_use"] == class_


def test_versions_may_read_a_series_each(here: Path) -> None:
    """Rows of January count in the first version's series, those of February in the second's."""
    first = TWO.replace("WHEN", "through: 2026-01-31").replace("SERIES", "first") + READ
    second = TWO.replace("2026-01-01, WHEN", "2026-02-01, until_replaced: true").replace("SERIES", "second") + READ
    (here / "ours" / "ranked.ruleset.yaml").write_text(first, encoding="utf-8")
    (here / "ours" / "second.ruleset.yaml").write_text(second, encoding="utf-8")
    head = "row_id,ruleset,period_from,period_to,kwh,cny\n"
    rows = "".join(f"{kwh},cn.test.two,2026-01-01,2026-02-01,{kwh},9\n" for kwh in (1, 2, 3))
    rows += "".join(f"1{kwh},cn.test.two,2026-02-01,2026-03-01,{kwh}0,9\n" for kwh in (1, 2))
    (here / "rows.csv").write_text(head + rows, encoding="utf-8")
    library, _ = load_library([Path("ours")])

    one, two = quantiles(library, wanted(library), here / "rows.csv")

    assert (one.series, one.rows, one.values[0].value) == ("cn.test.first", 3, Decimal(2))
    assert (two.series, two.rows, two.values[0].value) == ("cn.test.second", 2, Decimal(10))


def test_two_numbers_do_not_share_the_name_of_a_limit(here: Path) -> None:
    """The notice would have one value for both: `of.use` and `of_use` are `of_use_q0_5`."""
    one = "bands: [{below_quantile: 0.5, points: 0}, {points: 100}]"
    text = TWO.replace("WHEN", "until_replaced: true").replace("SERIES", "portfolio")
    use = f"use: {{measure: cny, weight: 1, quantiles_from: ours, {one}}}"
    text += f"scores: {{of: {{places: 0, indicators: {{{use}}}}}}}\n"
    (here / "ours" / "ranked.ruleset.yaml").write_text(text, encoding="utf-8")
    rows = portfolio(here / "rows.csv", ROWS)

    made = dianjia("quantiles", "ours", rows)

    assert made.exit_code == 1
    assert "name-twice: the name `of_use_q0_5` is taken" in made.stderr
