"""What `dianjia check` looks at: every file that was asked for, read by a rule set or not, and each problem once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.compiler.compile import check_paths, compile_all

NOTICE = """\
notice: cn.test.prices.{month}
series: cn.test.prices
source: {{standing: example}}
in_force: {{from: {month}-01, through: {month}-28}}
values:
  flat: {{unit: CNY/kWh, printed: {price}}}
"""
RULESET = """\
ruleset: {name}
source: {{standing: example}}
in_force: {{from: 2026-02-01, until_replaced: true}}
version_by: period_from
"""
OWN = """\
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: PRICE}
"""
FORM = "form: cn.test.form\nsource: {standing: example}\nholes: [prices]\n" + OWN


def ruleset(name: str, hole: str = "prices") -> str:
    """A rule set with a charge of its own, priced by the series."""
    fills = f"fills: {{{hole}: cn.test.prices}}\n"
    return RULESET.format(name=name) + fills + OWN.replace("PRICE", f"{hole}.flat")


def follower(name: str) -> str:
    """A rule set of the form."""
    return RULESET.format(name=name) + "follows: cn.test.form\nfills: {prices: cn.test.prices}\n"


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `rules` of the current folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "rules"
    folder.mkdir()
    return Path("rules")


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def told(*paths: Path) -> list[str]:
    """Code and file of each problem."""
    return [f"{one.code} {one.place.file if one.place else ''}" for one in check_paths(paths)]


class TestFilesThatNoRuleSetReads:
    def test_a_notice_alone(self, rules: Path) -> None:
        """An analyst checks this month's notice before anything bills from it."""
        write(rules, {"feb.notice.yaml": NOTICE.format(month="2026-02", price="74.12")})

        assert told(rules / "feb.notice.yaml") == ["implausible rules/feb.notice.yaml"]

    def test_a_notice_is_checked_with_its_series(self, rules: Path) -> None:
        """The other notices stand around it; the rule set that reads them was not asked for."""
        write(
            rules,
            {
                "feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7412"),
                "mar.notice.yaml": NOTICE.format(month="2026-03", price="0.7412").replace("2026-03-01", "2026-02-15"),
                "shop.ruleset.yaml": "ruleset: [",
            },
        )

        assert told(rules / "mar.notice.yaml") == ["notices-overlap rules/mar.notice.yaml"]

    def test_a_check_of_a_notice_alone(self, rules: Path) -> None:
        """Columns that were exchanged are found without a rule set."""
        table = "tables:\n  t: {unit: CNY/kWh, keys: [v], columns: [peak, flat], rows: [[low, 0.5, 0.6]]}\n"
        checks = "checks:\n  order: {of: t, holds: peak > flat}\n"
        write(rules, {"feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7") + table + checks})

        assert told(rules) == ["check-not-held rules/feb.notice.yaml"]

    def test_a_shared_file_and_a_form_alone(self, rules: Path) -> None:
        """Values, bands, calendars, charges; what rule sets have to fill is left open."""
        check = "checks:\n  order: {of: prices_of_somebody, holds: a > b}\n"
        write(
            rules,
            {
                "a.form.yaml": FORM.replace("PRICE", "prices.flat").replace("quantity", "quantty") + check,
                "b.shared.yaml": "shared: cn.test.b\nsource: {standing: example}\nvalues:\n  a: {unit: kWh}\n",
                "c.shared.yaml": "shared: cn.test.c\nsource: {standing: example}\ncalendar: {timezone: Beijing}\n",
            },
        )

        expected = [
            "missing-key a.form",
            "unknown-key a.form",
            "printed-or-dated b.shared",
            "unknown-timezone c.shared",
        ]
        assert told(rules) == [f"{one.split()[0]} rules/{one.split()[1]}.yaml" for one in expected]

    def test_a_sound_form_alone(self, rules: Path) -> None:
        """Nothing is said about what its rule sets will fill."""
        write(rules, {"a.form.yaml": FORM.replace("PRICE", "prices.flat")})

        assert told(rules) == []


class TestEachProblemOnce:
    def test_of_a_notice_that_two_rule_sets_read_under_other_names(self, rules: Path) -> None:
        table = "tables:\n  t: {unit: CNY/kWh, keys: [v], columns: [peak, flat], rows: [[low, 0.5, 0.6]]}\n"
        checks = "checks:\n  order: {of: t, holds: peak > flat}\n"
        write(
            rules,
            {
                "feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7") + table + checks,
                "a.ruleset.yaml": ruleset("cn.test.a"),
                "b.ruleset.yaml": ruleset("cn.test.b", "agency"),
            },
        )

        assert told(rules) == ["check-not-held rules/feb.notice.yaml"]

    def test_of_a_form_that_two_rule_sets_follow(self, rules: Path) -> None:
        """A formula of the form that does not come out in money."""
        write(
            rules,
            {
                "feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7412"),
                "form.form.yaml": FORM.replace("PRICE", "prices.flt"),
                "a.ruleset.yaml": follower("cn.test.a"),
                "b.ruleset.yaml": follower("cn.test.b"),
            },
        )

        assert told(rules) == ["unknown-name rules/form.form.yaml"]

    def test_of_a_form_that_cannot_be_read(self, rules: Path) -> None:
        """It is there, so nobody is told that it is not."""
        write(
            rules,
            {
                "feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7412"),
                "form.form.yaml": FORM.replace("inputs:", "inptus:"),
                "a.ruleset.yaml": follower("cn.test.a"),
                "b.ruleset.yaml": follower("cn.test.b"),
            },
        )

        assert told(rules) == ["unknown-key rules/form.form.yaml"]
        assert told(rules / "a.ruleset.yaml") == ["unknown-key rules/form.form.yaml"]

    def test_of_a_notice_that_cannot_be_read(self, rules: Path) -> None:
        """A rule set is not told of a gap that the unread notice fills."""
        write(
            rules,
            {
                "feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7412"),
                "mar.notice.yaml": NOTICE.format(month="2026-03", price="0,7412"),
                "apr.notice.yaml": NOTICE.format(month="2026-04", price="0.7412"),
                "a.ruleset.yaml": ruleset("cn.test.a"),
            },
        )

        assert told(rules / "a.ruleset.yaml") == ["decimal-comma rules/mar.notice.yaml"]


def test_rule_sets_without_a_problem_compile_beside_others(rules: Path) -> None:
    """A problem in one file does not hide the others' bills."""
    write(
        rules,
        {
            "feb.notice.yaml": NOTICE.format(month="2026-02", price="0.7412"),
            "a.ruleset.yaml": ruleset("cn.test.a"),
            "b.ruleset.yaml": ruleset("cn.test.b").replace("quantity: kwh", "quantity: kwg"),
        },
    )

    book, problems = compile_all([rules])

    assert (list(book.rulesets), [one.code for one in problems]) == (["cn.test.a"], ["unknown-name"])
