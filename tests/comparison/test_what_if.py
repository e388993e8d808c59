"""A number given for a printed one: the rate book bills as if its file had been edited and compiled."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from engine.cache.packed import pack, unpack
from engine.calendars.days import day_date
from engine.comparison.problems import ComparisonProblem
from engine.comparison.settings import parse_setting, parse_sweep
from engine.comparison.what_if import held, with_values
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from tests.billing import ROOT, evaluated
from tests.comparison.edited import (
    bills,
    chosen_numbers,
    compiled_folder,
    copied_rules,
    differing,
    drawn_rows,
    typed,
)
from tests.properties.case import Row

JIANGSU = "cn.jiangsu.residential"
CHECKED = ("check-", "exception-")  # of tables: they guard typing, and a setting passes them by


@pytest.fixture(scope="module")
def jiangsu() -> RateBook:
    return compile_paths([ROOT / "rules" / "cn" / "jiangsu" / "residential.ruleset.yaml"])


@pytest.mark.parametrize("seed", [1])
def test_a_setting_bills_as_the_edited_file_does(tmp_path: Path, seed: int) -> None:
    """One number of each shipped rule set is typed anew; every line of random bills is the same."""
    rules = copied_rules(tmp_path)
    before, problems = compiled_folder(rules)
    assert not problems
    chosen = chosen_numbers(before, Random(seed))
    for _, (setting, figure) in chosen.items():
        typed(figure, setting.number)
    after, problems = compiled_folder(rules)
    failing = {one.place.file: one.code for one in problems if one.place is not None}

    compared = moved = 0
    unproven: list[str] = []
    for key, (setting, figure) in chosen.items():
        assert figure.place is not None
        if figure.place.file in failing and key not in after.rulesets:
            if not failing[figure.place.file].startswith(CHECKED):
                with pytest.raises(ComparisonProblem):
                    with_values(before, [setting])
            continue
        try:
            book = with_values(before, [setting])
        except ComparisonProblem as refused:
            unproven.append(refused.code)
            continue
        rows = drawn_rows(before.rulesets[key], 40, seed)
        expected = bills(after.rulesets[key], rows)
        assert expected == bills(book.rulesets[key], rows), str(setting)
        compared += 1
        moved += bool(differing(expected, bills(before.rulesets[key], rows)))

    assert set(unproven) <= {"setting-not-proven", "setting-places"}
    assert compared >= 30, "most numbers can be set"
    assert moved >= 25, "and most of them change some bill"


def _jiangsu_total(book: RateBook, month: int, **given: str) -> Decimal:
    first, end = date(2026, month, 1), date(2026, month + 1, 1)
    (bill,) = evaluated(
        book.rulesets[JIANGSU], [Row({name: Decimal(text) for name, text in given.items()}, first, end)]
    )
    assert isinstance(bill, dict)
    return bill["total"]


def test_a_price_looked_up_in_a_table_is_set_by_the_charge_that_reads_it(jiangsu: RateBook) -> None:
    """300 kWh in the second tier: 300 x 0.5783 = 173.49 before, 300 x 0.60 = 180.00 with the setting."""
    book = with_values(jiangsu, [parse_setting(f"{JIANGSU}:energy.2.price@2026-01-01=0.60")])

    assert Decimal("173.49") == _jiangsu_total(jiangsu, 2, kwh_total="300", kwh_year_before="3000")
    assert Decimal("180.00") == _jiangsu_total(book, 2, kwh_total="300", kwh_year_before="3000")


def test_a_setting_holds_on_its_days_alone(jiangsu: RateBook) -> None:
    """0.60 from January to March 2026: 180.00 in March, 173.49 in April."""
    setting = parse_setting(f"{JIANGSU}:price[below_1kv].second@2026-01-01..2026-03-31=0.60")

    book = with_values(jiangsu, [setting])

    assert Decimal("180.00") == _jiangsu_total(book, 3, kwh_total="300", kwh_year_before="3000")
    assert Decimal("173.49") == _jiangsu_total(book, 4, kwh_total="300", kwh_year_before="3000")


def test_two_settings_of_one_rule_set_hold_together(jiangsu: RateBook) -> None:
    """Neither limit can be raised to 5000 alone: 5000 and 6000 can. 300 kWh after 4900: 100 in the first tier."""
    settings = [
        parse_setting(f"{JIANGSU}:energy.1.up_to@2026-01-01=5000"),
        parse_setting(f"{JIANGSU}:energy.2.up_to@2026-01-01=6000"),
    ]

    book = with_values(jiangsu, settings)

    # 100 x 0.5283 = 52.83; 200 x 0.5783 = 115.66
    assert Decimal("168.49") == _jiangsu_total(book, 2, kwh_total="300", kwh_year_before="4900")


def test_a_cell_names_a_row_of_its_column(jiangsu: RateBook) -> None:
    of_all = held(jiangsu, [parse_setting(f"{JIANGSU}:energy.2.price@2026-01-01=0.60")])
    of_one = held(jiangsu, [parse_setting(f"{JIANGSU}:energy.2.price[from_1_to_10kv]@2026-01-01=0.60")])

    assert (2, 1) == (len(of_all[0].cells), len(of_one[0].cells))


def test_another_book_has_another_hash_and_the_same_one_the_same(jiangsu: RateBook) -> None:
    one, again, other = (
        with_values(jiangsu, [parse_setting(f"{JIANGSU}:energy.2.price@2026-01-01={number}")])
        for number in ("0.60", "0.60", "0.61")
    )

    assert one.hash == again.hash
    assert len({jiangsu.hash, one.hash, other.hash}) == 3


def test_a_book_with_settings_can_be_packed(jiangsu: RateBook) -> None:
    book = with_values(jiangsu, [parse_setting(f"{JIANGSU}:energy.2.price@2026-01-01=0.60")])

    assert book == unpack(pack(book, RateBook), RateBook)


DATED = """\
ruleset: cn.test.small
source: {standing: example}
in_force: {from: 2024-01-01, until_replaced: true}
version_by: period_from
changes: %s
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000%s}
energy: {total: kwh, priced_by: [energy]}
values:
  fund_price: {unit: fen/kWh, dated: [{from: 2024-01-01, printed: 2.10}%s]}
charges:
  energy: {quantity: kwh, price: 0.5283}
  fund: {quantity: kwh, price: fund_price}
"""


@pytest.mark.parametrize(("changes", "split"), [("refuse", ""), ("split", ", split: by_days"), ("whole", "")])
def test_a_setting_from_a_day_on_is_a_dated_figure(tmp_path: Path, changes: str, split: str) -> None:
    """Printed in fen, set in fen; bills that cross the day are cut, refused or billed whole as the file's are."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, more in ((old, ""), (new, ", {from: 2025-06-11, printed: 3.70}")):
        folder.mkdir()
        (folder / "small.ruleset.yaml").write_text(DATED % (changes, split, more), encoding="utf-8")
    before, after = compile_paths([old]), compile_paths([new])

    book = with_values(before, [parse_setting("cn.test.small:fund_price@2025-06-11=3.70")])

    rows = drawn_rows(after.rulesets["cn.test.small"], 400, 1)
    expected = bills(after.rulesets["cn.test.small"], rows)
    assert expected == bills(book.rulesets["cn.test.small"], rows)
    assert differing(expected, bills(before.rulesets["cn.test.small"], rows))


def test_a_setting_ends_where_the_price_changes_next(tmp_path: Path) -> None:
    text = DATED % ("refuse", "", ", {from: 2025-06-11, printed: 3.75}")
    (tmp_path / "small.ruleset.yaml").write_text(text, encoding="utf-8")
    book = compile_paths([tmp_path])

    (found,) = held(book, [parse_setting("cn.test.small:fund_price@2025-01-01=3.00")])

    assert (date(2025, 1, 1), date(2025, 6, 11)) == (day_date(found.first_day), day_date(found.end_day))


REFUSED = [
    ("cn.jiangsu.residentail:energy.2.price@2026-01-01=0.60", "setting-ruleset", "Write `cn.jiangsu.residential`."),
    (f"{JIANGSU}:energy.2.prise@2026-01-01=0.60", "setting-path", "Write `energy.2.price`."),
    (f"{JIANGSU}:price[at_35kv].second@2026-01-01=0.60", "setting-path", "price[below_1kv].second"),
    (f"{JIANGSU}:energy.2.price@2011-01-01=0.60", "setting-not-in-force", "Its days are: 2012-07-01 .."),
    (f"{JIANGSU}:energy.2.price@2026-01-01=5.783", "setting-implausible", "0.30 to 1.20"),
    (f"{JIANGSU}:energy.2.price@2026-01-01=0.57831", "setting-places", "steps of 0.0001"),
    (f"{JIANGSU}:energy.1.up_to@2026-01-01=5000", "setting-not-proven", "Numbers from 2760 to 4799 can be had."),
    (f"{JIANGSU}:energy.2.price@2026-01-01=cheap", "setting-number", "`cheap` is no number"),
    (f"{JIANGSU}:energy.2.price@2026-13-01=0.60", "setting-day", "`2026-13-01` is no day"),
    (f"{JIANGSU}:energy.2.price@2026-03-01..2026-02-01=0.60", "setting-days", "lies before"),
    ("energy.2.price=0.60", "setting-form", "RULESET:PATH@FIRST_DAY=NUMBER"),
]


@pytest.mark.parametrize(("text", "code", "words"), REFUSED, ids=[code for _, code, _ in REFUSED])
def test_what_cannot_be_set_says_why(jiangsu: RateBook, text: str, code: str, words: str) -> None:
    with pytest.raises(ComparisonProblem) as found:
        with_values(jiangsu, [parse_setting(text)])

    assert code == found.value.code
    assert words in found.value.render()
    assert found.value.render("zh") != found.value.render()


def test_one_number_is_set_once(jiangsu: RateBook) -> None:
    settings = [parse_setting(f"{JIANGSU}:{path}@2026-01-01=0.60") for path in ("energy.2.price", "price.second")]

    with pytest.raises(ComparisonProblem, match="setting-twice"):
        with_values(jiangsu, settings)


def test_a_constant_that_is_worked_out_names_what_it_follows_from() -> None:
    book = compile_paths([ROOT / "rules" / "cn" / "hubei" / "industry_commerce.ruleset.yaml"])

    with pytest.raises(ComparisonProblem) as found:
        with_values(book, [parse_setting("cn.hubei.industry_commerce:energy.peak.price@2026-01-01=0.60")])

    assert "setting-worked-out" == found.value.code
    assert "`prices.energy_price.peak`" in found.value.render()


def test_a_price_of_zero_that_every_bill_was_compiled_without_is_refused(tmp_path: Path) -> None:
    """The compiler adds nothing for a price of zero, so that there is no step to bill another one with."""
    text = DATED.replace("price: 0.5283", "price: base + extra").replace(
        "values:", "values:\n  base: {unit: CNY/kWh, printed: 0.5283}\n  extra: {unit: CNY/kWh, printed: 0.0000}"
    )
    (tmp_path / "small.ruleset.yaml").write_text(text % ("refuse", "", ""), encoding="utf-8")
    book = compile_paths([tmp_path])

    with pytest.raises(ComparisonProblem, match="setting-not-proven"):
        with_values(book, [parse_setting("cn.test.small:extra@2024-01-01=0.0100")])


def test_a_sweep_is_settings_from_the_lowest_to_the_highest() -> None:
    runs = parse_sweep(f"{JIANGSU}:energy.2.price@2026-01-01=0.50..0.70/0.05")

    assert ["0.50", "0.55", "0.60", "0.65", "0.70"] == [one.number for [one] in runs]
    assert [[parse_setting(f"{JIANGSU}:energy.2.price@2026-01-01=0.60")]] == parse_sweep(str(runs[2][0]))


@pytest.mark.parametrize("number", ["0.70..0.50/0.05", "0.50..0.70/0", "0.50..0.70", "0..1/0.0001", "a..b/c"])
def test_a_sweep_that_is_no_range_says_so(number: str) -> None:
    with pytest.raises(ComparisonProblem, match="sweep-form"):
        parse_sweep(f"{JIANGSU}:energy.2.price@2026-01-01={number}")
