"""What two books differ in, and that no row whose bill differs is left out of what a change reaches."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from engine.bulk.partitions import Wanted
from engine.calendars.days import day_date, day_number
from engine.comparison.changes import Change, changes
from engine.comparison.changes_text import changes_text
from engine.comparison.problems import ComparisonProblem
from engine.comparison.reach import reach
from engine.comparison.settings import Setting
from engine.comparison.what_if import with_values
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import Rows
from tests.billing import ROOT, outcomes
from tests.comparison.edited import bills, chosen_numbers, differing, drawn_rows

SMALL = """\
ruleset: cn.test.small
title: 小规则
source: {standing: example, document: 第一号文件}
in_force: {from: 2024-01-01, until_replaced: true}
version_by: period_from
changes: refuse
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
values:
  fund_price: {unit: CNY/kWh, plausible: {from: 0, to: 1}, dated: [{from: 2024-01-01, printed: 0.0210}]}
quantities:
  more: {formula: "kwh * 2"}
charges:
  energy: {quantity: kwh, price: 0.5283}
  fund: {quantity: kwh, price: fund_price}
"""
OTHER = SMALL.replace("cn.test.small", "cn.test.other")


def compiled(folder: Path, *texts: str) -> RateBook:
    folder.mkdir(parents=True)
    for at, text in enumerate(texts):
        (folder / f"{at}.ruleset.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder])


def edited(tmp_path: Path, edits: Mapping[str, str], text: str = SMALL) -> tuple[RateBook, RateBook]:
    """A small rule set, and the same with some of its text replaced."""
    after = text
    for old, new in edits.items():
        assert old in after
        after = after.replace(old, new)
    return compiled(tmp_path / "old", text), compiled(tmp_path / "new", after)


def named(found: tuple[Change, ...]) -> list[str]:
    return [one.id for one in found]


def stretches(change: Change) -> list[tuple[str, str]]:
    return [(str(day_date(first)), str(day_date(end))) for first, end in change.days]


# name of the case -> what is replaced, ids of the changes, first day from which rows are reached
EDITS: Mapping[str, tuple[Mapping[str, str], list[str], str]] = {
    "a dated figure": (
        {"printed: 0.0210}": "printed: 0.0210}, {from: 2025-06-11, printed: 0.0310}"},
        ["cn.test.small:fund_price"],
        "2025-06-11",
    ),
    "a figure with more places": (
        {"printed: 0.0210}": "printed: 0.0210}, {from: 2025-06-11, printed: 0.021055}"},
        ["cn.test.small:fund_price"],
        "2025-06-11",
    ),
    "a charge that begins": (
        {"charges:": "charges:\n  extra: {quantity: kwh, price: 0.0100, in_force: {from: 2025-06-11}}"},
        ["cn.test.small:rule:extra"],
        "2025-06-11",
    ),
    "a charge that ends": (
        {"price: fund_price}": "price: fund_price, in_force: {from: 2024-01-01, through: 2025-06-10}}"},
        ["cn.test.small:rule:fund"],
        "2025-06-11",
    ),
    "another formula": (
        {"{quantity: kwh, price: fund_price}": "{quantity: more, price: fund_price}"},
        ["cn.test.small:rule:fund"],
        "2024-01-01",
    ),
    "another bound": (
        {"to: 100000}": "to: 50000}"},
        ["cn.test.small:rule:input:kwh"],
        "2024-01-01",
    ),
    "another check": (
        {"charges:": "refuse:\n  large: {when: 'kwh > 90000[kWh]', message: too large}\ncharges:"},
        ["cn.test.small:rule:check:large"],
        "2024-01-01",
    ),
    "an end": (
        {"until_replaced: true": "through: 2025-06-10"},
        ["cn.test.small:in-force:days"],
        "2025-06-11",
    ),
    "a beginning": (
        {"from: 2024-01-01, until_replaced: true": "from: 2024-03-01, until_replaced: true"},
        ["cn.test.small:in-force:days"],
        "2024-01-01",
    ),
    "the day that picks the version": (
        {"version_by: period_from": "version_by: last_day"},
        ["cn.test.small:rule:setting:version_by"],
        "2024-01-01",
    ),
    "a ledger": (
        {"price: 0.5283}": "price: 0.5283, ledger: power}"},
        ["cn.test.small:rule:energy"],
        "2024-01-01",
    ),
    "a number printed again": (
        {"printed: 0.0210}": "printed: 0.0210}, {from: 2025-06-11, printed: 0.0210}"},
        ["cn.test.small:in-force:change days"],
        "2025-06-10",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_edit_is_told_with_its_days(tmp_path: Path, name: str) -> None:
    edits, ids, first = EDITS[name]
    old, new = edited(tmp_path, edits)

    found = changes(old, new)

    assert ids == named(found)
    assert first == stretches(found[0])[0][0]


@pytest.mark.parametrize("name", EDITS)
def test_no_row_that_differs_is_left_out(tmp_path: Path, name: str) -> None:
    edits, _, _ = EDITS[name]
    old, new = edited(tmp_path, edits)

    assert_reached(old, new, "cn.test.small", count=250)


@pytest.mark.parametrize("mode", ["split", "whole", "reading"])
def test_no_row_that_differs_is_left_out_however_bills_are_cut(tmp_path: Path, mode: str) -> None:
    text = SMALL.replace("changes: refuse", f"changes: {mode}").replace("to: 100000}", "to: 100000, split: by_days}")
    if mode == "whole":
        text = SMALL.replace("changes: refuse", "changes: whole")
    if mode == "reading":
        text = SMALL.replace("version_by: period_from", "version_by: reading_day").replace("changes: refuse\n", "")
    old, new = edited(tmp_path, EDITS["a dated figure"][0], text)

    assert assert_reached(old, new, "cn.test.small", count=250) > 0


def test_a_formula_that_stays_is_not_told_twice(tmp_path: Path) -> None:
    old, new = edited(tmp_path, EDITS["a ledger"][0])

    lines = changes_text(changes(old, new)).splitlines()

    assert (
        "  energy: kwh * energy.price  (the formula stays; what it reads, its rounding or its ledger is another)"
        in lines
    )


def test_titles_sources_and_order_change_nothing(tmp_path: Path) -> None:
    old, new = edited(tmp_path, {"小规则": "另一个名字", "第一号文件": "第二号文件"})

    assert () == changes(old, new)


def test_a_value_under_another_name_is_the_same_number(tmp_path: Path) -> None:
    old, new = edited(tmp_path, {"fund_price": "levy"})

    assert () == changes(old, new)


def test_a_rule_set_that_comes_or_goes(tmp_path: Path) -> None:
    old, new = compiled(tmp_path / "old", SMALL), compiled(tmp_path / "new", OTHER)

    found = changes(old, new)

    assert [("cn.test.other", "ruleset-added"), ("cn.test.small", "ruleset-removed")] == [
        (one.ruleset, one.kind) for one in found
    ]
    assert [("energy", "fund")] * 2 == [one.charges for one in found]


def test_versions_of_one_id_are_compared_by_day(tmp_path: Path) -> None:
    """The second of two rule sets of an id prints another price: only its own days differ."""
    first = SMALL.replace("until_replaced: true", "through: 2025-06-10")
    second = SMALL.replace("from: 2024-01-01, until", "from: 2025-06-11, until")
    old = compiled(tmp_path / "old", first, second)
    new = compiled(tmp_path / "new", first, second.replace("0.5283", "0.5483"))

    (found,) = changes(old, new)

    assert "cn.test.small:energy.price" == found.id
    assert "2025-06-11" == stretches(found)[0][0]
    assert ("0.5283 CNY/kWh (2025-06-11)", "0.5483 CNY/kWh (2025-06-11)") == (found.before, found.after)
    assert ("energy",) == found.charges
    assert {"cn.test.small", "cn.test.small@2024-01-01", "cn.test.small@2025-06-11"} == set(
        reach([found], new, old).days or {}
    )


def test_the_same_rules_in_another_folder_are_alike(tmp_path: Path) -> None:
    """Places and hashes of files differ, and mean nothing."""
    hubei = ROOT / "rules" / "cn" / "hubei"
    shutil.copytree(hubei, tmp_path / "hubei")
    shutil.copytree(ROOT / "rules" / "cn" / "national", tmp_path / "national")
    before, after = compile_paths([hubei]), compile_paths([tmp_path / "hubei"])

    assert before.rulesets.keys() == after.rulesets.keys()
    assert () == changes(before, after)


def test_a_limit_that_a_ladder_carries_says_whom_it_reaches(tmp_path: Path) -> None:
    """A quantity that later bills take over is what `carries` tells, not a limit."""
    text = SMALL
    for old_text, new_text in {
        "energy: {total": "  before: {unit: kWh, places: 2, from: 0, to: 900000,"
        " carried: {sum: counted, since: calendar_year}}\nenergy: {total",
        "  more:": "  counted: {formula: 'round(kwh * share, 2, half_up)'}\n  more:",
        "values:": "values:\n  share: {unit: '1', printed: 1.50}",
        "{quantity: kwh, price: fund_price}": "{quantity: before, price: fund_price}",
    }.items():
        text = text.replace(old_text, new_text)
    old, new = edited(tmp_path, {"printed: 1.50": "printed: 1.25"}, text)

    (found,) = changes(old, new)

    assert ("cn.test.small:share", True) == (found.id, found.carries)
    assert ("cn.test.small",) == reach([found], new, old).following


def test_a_ladder_that_begins_in_another_month_is_another_input(tmp_path: Path) -> None:
    """Both compute the same steps; what an account carries into its next bill differs."""
    text = SMALL.replace(
        "energy: {total",
        "  before: {unit: kWh, places: 2, from: 0, to: 900000,"
        " carried: {sum: kwh, since: calendar_year}}\nenergy: {total",
    ).replace("{quantity: kwh, price: fund_price}", "{quantity: before, price: fund_price}")
    old, new = edited(tmp_path, {"since: calendar_year": "since: ladder_year, year_starts: 5"}, text)

    (found,) = changes(old, new)

    assert ("cn.test.small:rule:input:before", True) == (found.id, found.carries)


SEASONS = SMALL.replace(
    "inputs:",
    "calendar:\n"
    "  source: {standing: example}\n"
    "  timezone: Asia/Shanghai\n"
    "  seasons: {summer: months 5-10, other: months 11-4}\n"
    "tables:\n"
    "  season_price:\n"
    "    unit: CNY/kWh\n"
    "    places: 2\n"
    "    keys: [season]\n"
    "    columns: [price]\n"
    "    rows:\n"
    "      - [summer, 0.60]\n"
    "      - [other, 0.40]\n"
    "inputs:",
).replace("price: 0.5283", "price: 'season_price[season].price'")


def test_another_season_reaches_its_months_alone(tmp_path: Path) -> None:
    """Summer ends a month earlier: bills that touch an October differ, and those that end with it."""
    old, new = edited(tmp_path, {"months 5-10": "months 5-9", "months 11-4": "months 10-4"}, SEASONS)

    (found,) = changes(old, new)

    assert ("cn.test.small:rule:calendar:season", ("energy",)) == (found.id, found.charges)
    assert [("2024-10-01", "2024-11-01"), ("2025-10-01", "2025-11-01")] == stretches(found)[:2]
    assert assert_reached(old, new, "cn.test.small", count=250) > 0


def test_a_number_of_a_warning_alone_reaches_no_bill(tmp_path: Path) -> None:
    text = SMALL + ("warnings:\n  much: {title: 多, level: info, when: kwh > limit, message: 用电多}\n")
    text = text.replace("values:", "values:\n  limit: {unit: kWh, printed: 500}")
    old, new = edited(tmp_path, {"printed: 500": "printed: 600"}, text)

    (found,) = changes(old, new)

    assert ("cn.test.small:limit", False, ()) == (found.id, found.bills, found.charges)
    assert Wanted(days={}) == reach([found], new, old)


SCORED = SMALL + (
    "scores:\n  size:\n    places: 0\n    indicators:\n"
    "      kwh: {measure: kwh, weight: 1, bands: [{below: 500, points: 20}, {points: 80}]}\n"
)


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        ({"points: 80": "points: 90"}, "cn.test.small:size.kwh.2.points"),
        ({"{points: 80}": "{below: 900, points: 80}, {points: 90}"}, "cn.test.small:rule:profile:size"),
    ],
)
def test_what_changes_a_score_reaches_the_rows_that_have_it(tmp_path: Path, edit: dict[str, str], path: str) -> None:
    """No charge differs, and the rows are billed again all the same: their scores are others."""
    old, new = edited(tmp_path, edit, SCORED)

    found = changes(old, new)

    assert [(one.id, one.bills, one.charges) for one in found if one.id == path] == [(path, True, ())]
    wanted = reach(found, new, old)
    assert wanted.days is None or "cn.test.small" in wanted.days


@pytest.mark.parametrize("seed", [1])
def test_no_row_that_differs_is_left_out_of_shipped_rule_sets(seed: int) -> None:
    """A number of each shipped rule set is another one on the days of its second year."""
    random = Random(seed)
    old = compile_paths([ROOT / "rules"])
    chosen = chosen_numbers(old, random)
    reached = 0
    for key, (setting, _) in chosen.items():
        compiled_ = old.rulesets[key]
        alone = RateBook({key: compiled_})
        first = day_number(setting.first) + 365
        on_days = Setting(key, setting.path, day_date(first), day_date(first + 364), setting.number)
        try:
            new = with_values(alone, [on_days])
        except ComparisonProblem:
            continue
        found = changes(alone, new)
        assert [("parameter", ((first, first + 365),))] == [(one.kind, one.days) for one in found], str(on_days)
        wanted = reach(found, new, alone)
        rows = drawn_rows(new.rulesets[key], 40, seed)
        before, after = bills(compiled_, rows), bills(new.rulesets[key], rows)
        for at in differing(before, after):
            assert touches(wanted, compiled_.id, rows, at), str(on_days)
            reached += 1

    assert reached > 30


def assert_reached(old: RateBook, new: RateBook, id_: str, count: int) -> int:
    """Every random row that the books bill otherwise is chosen; how many there are."""
    wanted = reach(changes(old, new), new, old)
    differ = 0
    for book in (old, new):
        rows = drawn_rows(book.rulesets[id_], count, 1)
        sides = billed(old.rulesets[id_], rows), billed(new.rulesets[id_], rows)
        for at, (before, after) in enumerate(zip(*sides, strict=True)):
            if before != after:
                assert touches(wanted, id_, rows, at), (before, after)
                differ += 1
    assert differ or not changes(old, new)
    return differ


def billed(compiled_: Compiled, rows: Rows) -> list[object]:
    """Lines, total and ledgers of each row, or why it is refused."""
    result = evaluate(compiled_, rows)
    ledgers: dict[int, list[tuple[str, int]]] = {}
    for name, amounts in result.ledgers.items():
        for position, amount in zip(result.kept.tolist(), amounts.tolist(), strict=True):
            ledgers.setdefault(position, []).append((name, amount))
    lines = outcomes(compiled_, result, len(rows))
    return [(one, ledgers.get(at)) for at, one in enumerate(lines)]


def touches(wanted: Wanted, id_: str, rows: Rows, at: int) -> bool:
    """Whether a row's billing period touches a stretch of its rule set."""
    first, end = int(rows.period_from[at]), int(rows.period_to[at])
    return any(begin < end and first < until for begin, until in (wanted.days or {}).get(id_, ()))
