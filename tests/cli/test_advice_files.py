"""Advice files on the command line: checked, tested and listed like rule sets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli import main

SHOP = """\
ruleset: cn.test.shop
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
inputs:
  mode: {codes: {by_kva: 按容量, by_kw: 按需量}}
  kva:  {unit: kVA, places: 0, from: 0, to: 1000}
  kw:   {unit: kW, places: 0, from: 0, to: 1000, needed_when: mode == by_kw}
energy: {not_priced: 只计容需量电费}
charges:
  basic: {kind: formula, amount: "10[CNY/kVA] * kva if mode == by_kva else 20[CNY/kW] * kw"}
tests:
  - name: 按容量
    vouched_by: {who: worked by hand, from: 100 × 10}
    billing_period: 2026-01
    given: {mode: by_kva, kva: 100}
    expect: {total: 1000.00}
"""
ADVICE = """\
advice: cn.test.shop.advice
title: 选择计收方式
source: {standing: example, note: 例}
for: [cn.test.shop]
inputs: {measured_kw: {unit: kW, places: 0, from: 0, to: 1000, title: 实测}}
alternatives:
  by_kw:
    title: 按需量
    kind: choice
    lawful: mode == by_kva
    otherwise: 已按需量，{kw} 千瓦
    set: {mode: by_kw, kw: measured_kw}
    conditions: [{text: 每季可改}]
tests:
  - name: 两个月
    vouched_by: {who: worked by hand, from: 2 × 1000 and 20 × (40 + 30)}
    ruleset: cn.test.shop
    rows:
      - {billing_period: 2026-01, given: {mode: by_kva, kva: 100, measured_kw: 40}}
      - {billing_period: 2026-02, given: {mode: by_kva, kva: 100, measured_kw: 30}}
    expect: {now: 2000.00, by_kw: 1400.00, by_kw.saving: 600.00}
  - name: 已按需量
    vouched_by: {who: worked by hand, from: 20 × 40}
    ruleset: cn.test.shop
    rows: [{billing_period: 2026-01, given: {mode: by_kw, kva: 100, kw: 40}}]
    expect: {now: 800.00}
    not_lawful: [by_kw]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a rule set and its advice in `rules`, as the current one."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "shop.ruleset.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "rules" / "shop.advice.yaml").write_text(ADVICE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    return tmp_path


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def changed(here: Path, old: str, new: str) -> None:
    text = (here / "rules" / "shop.advice.yaml").read_text(encoding="utf-8")
    assert old in text
    (here / "rules" / "shop.advice.yaml").write_text(text.replace(old, new), encoding="utf-8")


def test_check_counts_the_files_of_advice(here: Path) -> None:
    """Also where only the rule set is asked for: its advice is read with it."""
    assert ["1 rule set of 2 files: no problem\n"] * 2 == [
        dianjia("check").stdout,
        dianjia("check", "rules/shop.ruleset.yaml").stdout,
    ]


def test_a_problem_of_advice_fails_the_check(here: Path) -> None:
    """With its place, and what to write instead."""
    changed(here, "kw: measured_kw", "kw: mesured_kw")

    done = dianjia("check")

    assert 1 == done.exit_code
    assert "rules/shop.advice.yaml:12:28: unknown-name: `mesured_kw` is not declared." in done.stderr
    assert "Write `measured_kw`." in done.stderr


class TestTest:
    def test_tests_of_advice_are_run(self, here: Path) -> None:
        """They count among the tests."""
        done = dianjia("test")

        assert (0, "1 rule set, 3 tests, 0 failed\n", "") == (done.exit_code, done.stdout, done.stderr)

    def test_one_that_fails_is_told(self, here: Path) -> None:
        """Each figure that differs, and what an alternative is instead of unlawful."""
        changed(here, "by_kw: 1400.00", "by_kw: 1400.01")
        changed(here, "given: {mode: by_kw, kva: 100, kw: 40}", "given: {mode: by_kva, kva: 80}")

        done = dianjia("test")

        assert (1, "1 rule set, 3 tests, 2 failed\n") == (done.exit_code, done.stdout)
        assert done.stderr == (
            "rules/shop.advice.yaml:15:5: test-failed: cn.test.shop.advice: 两个月\n"
            "  alternative  expected      got\n"
            "  -----------  --------  -------\n"
            "  by_kw         1400.01  1400.00\n"
            "\n"
            "rules/shop.advice.yaml:22:5: test-failed: cn.test.shop.advice: 已按需量\n"
            "  alternative    expected                     got\n"
            "  -----------  ----------  ----------------------\n"
            "  by_kw        not_lawful  not_known: measured_kw\n"
            "\n"
        )

    def test_as_json(self, here: Path) -> None:
        """For a program that counts."""
        changed(here, "by_kw.saving: 600.00", "by_kw.saving: 599.99")

        found = json.loads(dianjia("test", "--format", "json").stdout)

        assert (3, 1) == (found["tests"], found["failed"])
        failing = [one for one in found["results"] if not one["passed"]]
        difference = {"path": "by_kw.saving", "expected": "599.99", "got": "600.00", "interpreter": "columns"}
        assert [("cn.test.shop.advice", "两个月", [difference])] == [
            (one["advice"], one["test"], one["differences"]) for one in failing
        ]

    def test_advice_without_a_test_is_named(self, here: Path) -> None:
        """As a rule set is."""
        text = (here / "rules" / "shop.advice.yaml").read_text(encoding="utf-8")
        (here / "rules" / "shop.advice.yaml").write_text(text.partition("tests:")[0], encoding="utf-8")

        assert "cn.test.shop.advice: no tests\n" == dianjia("test").stderr


class TestList:
    def test_by_file(self, here: Path) -> None:
        """A line an alternative."""
        assert dianjia("list", "--advice").stdout == (
            "advice               alternative  kind    rule set      standing  title\n"
            "-------------------  -----------  ------  ------------  --------  ------\n"
            "cn.test.shop.advice  by_kw        choice  cn.test.shop  example   按需量\n"
        )

    def test_as_json(self, here: Path) -> None:
        """With what it sets and on which conditions."""
        (found,) = json.loads(dianjia("list", "--advice", "--format", "json").stdout)

        (alternative,) = found.pop("alternatives")
        assert found == {
            "advice": "cn.test.shop.advice",
            "title": "选择计收方式",
            "rulesets": ["cn.test.shop"],
            "inputs": [{"name": "measured_kw", "title": "实测", "unit": "kW"}],
            "source": "例",
            "standing": "example",
            "at": "rules/shop.advice.yaml:1:1",
        }
        assert ["mode", "kw"] == alternative["sets"]
        assert [{"text": "每季可改", "source": "", "standing": ""}] == alternative["conditions"]
