"""Scores and classes at the command line: a bill's, a run's, and what a rate book has of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from tests.bulk.profile_book import CUSTOMER, CUSTOMER_YAML

GIVEN = ("--set", "nature=shop", "--set", "kwh=1000", "--set", "kwh_last_year=0")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `rules` in it, as the current one."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "customer.ruleset.yaml").write_text(CUSTOMER_YAML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    return tmp_path


def dianjia(*arguments: str) -> Result:
    found = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found


def test_a_customer_is_shown_without_an_empty_bill(here: Path) -> None:
    """44.25 / 0.7 = 63.2142..., as growth from nothing is left out."""
    english = dianjia("bill", CUSTOMER, "--period", "2026-01", *GIVEN).stdout
    chinese = dianjia("bill", CUSTOMER, "--period", "2026-01", *GIVEN, "--language", "zh").stdout

    assert english == (
        "cn.test.customer  客户评分\n"
        "2026-01-01..2026-02-01\n"
        "\n"
        "score   title     value\n"
        "------  --------  -----\n"
        "value   客户价值   63.2\n"
        "credit  信用         60\n"
        "\n"
        "segment  title  is      title  services\n"
        "-------  -----  ------  -----  -------------------\n"
        "level    等级   silver  银牌   95598热线、客户经理\n"
        "market   市场   other   其他\n"
    )
    assert "评分    名称      数值" in chinese
    assert "分群    名称  类      名称  服务" in chinese


def test_a_program_reads_scores_and_classes(here: Path) -> None:
    found = json.loads(dianjia("bill", CUSTOMER, "--period", "2026-01", *GIVEN, "--format", "json").stdout)

    assert found["scores"][0] == {"score": "value", "title": "客户价值", "value": "63.2"}
    assert found["segments"][0] == {
        "segment": "level",
        "title": "等级",
        "class": "silver",
        "class_title": "银牌",
        "services": ["95598热线", "客户经理"],
    }


def test_the_rate_book_lists_them(here: Path) -> None:
    """With indicators and classes, for people and for programs."""
    text = dianjia("list", "--profiles").stdout
    (found,) = json.loads(dianjia("list", "--profiles", "--format", "json").stdout)

    assert "cn.test.customer  score    value   客户价值  kind, size, growth      example" in text
    assert "cn.test.customer  segment  market  市场      star, other             example" in text
    assert [one["score"] for one in found["scores"]] == ["value", "credit"]
    assert [one["class"] for one in found["segments"][0]["classes"]] == ["ordinary", "silver", "gold"]


def test_a_run_tells_means_and_counts(here: Path) -> None:
    """(63.2 + 100.0) / 2 = 81.6; no money where nobody is billed."""
    (here / "in.csv").write_text(
        "row_id,ruleset,period_from,period_to,nature,kwh,kwh_last_year,late\n"
        f"1,{CUSTOMER},2026-01-01,2026-02-01,shop,1000,0,\n"
        f"2,{CUSTOMER},2026-01-01,2026-02-01,industry,900000,100,0\n",
        encoding="utf-8",
    )

    told = dianjia("run", "--input", "in.csv", "--output", "out", "--database", f"sqlite:///{here}/l.sqlite").stdout

    assert "cn.test.customer  value   客户价值     2  81.600\n" in told
    assert "cn.test.customer  level    等级   ordinary  普通      0\n" in told
    assert "CNY" not in told
