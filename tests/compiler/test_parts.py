"""Bills that are cut into parts: by part and once a bill, what a part has of a quantity, versions of one rule set."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.days import day_number
from engine.compiler.compile import compile_all
from engine.compiler.program import Compiled
from engine.evaluator.reference import Bill
from tests.alone import alike
from tests.compiler.small import HEAD, billed, compiled, messages, problems, row, totals
from tests.properties.case import Row

SPLIT = HEAD + "changes: split\n"
PRICE = (
    "{dated: [{from: 2024-01-01, printed: 0.50}, {from: 2024-03-11, printed: 0.60}, {from: 2024-03-21, printed: 0.70}]}"
)
KWH = "  kwh: {unit: kWh, places: 0, from: 0, to: 100000, split: by_days}\n"
ENERGY = "energy: {total: kwh, priced_by: [energy]}\ncharges:\n  energy: {quantity: kwh, price: " + PRICE + "}\n"


def test_a_quantity_is_divided_by_days(tmp_path: Path) -> None:
    """100 kWh over 31 days, cut at the 11th and the 21st: 10/31 is 32, again 32, and 36 are left.

    16.00 + 19.20 + 25.20 = 60.40. 2 kWh: 0.65 is 1, and 1, and nothing is left: 0.50 + 0.60.
    """
    of = compiled(tmp_path, SPLIT + "inputs:\n" + KWH + ENERGY)

    assert totals(of, [row(kwh="100"), row(kwh="2"), row("2024-03-11", "2024-03-21", kwh="10")]) == [
        "60.40",
        "1.10",
        "6.00",
    ]


def test_once_a_bill_is_in_the_last_part_on_the_whole(tmp_path: Path) -> None:
    """Minimum 70: 70 - 60.40 = 9.60. A rider of 1 % by part: 0.16 + 0.19 + 0.25; of the bill: 0.604 is 0.60."""
    text = SPLIT + "inputs:\n" + KWH + ENERGY
    text += "  least: {kind: minimum_bill, per: bill, at_least: 70, base: [energy]}\n"
    text += "  by_part: {kind: percentage, percent: 1, base: [energy]}\n"
    text += "  of_bill: {kind: percentage, percent: 1, per: bill, base: [energy]}\n"
    of = compiled(tmp_path, text)

    (lines,) = billed(of, [row(kwh="100")])
    assert not isinstance(lines, str)
    assert lines["least@3"] == Decimal("9.60")
    assert [lines[f"by_part@{n}"] for n in (1, 2, 3)] == [Decimal("0.16"), Decimal("0.19"), Decimal("0.25")]
    assert lines["of_bill@3"] == Decimal("0.60")
    assert "of_bill@1" not in lines
    assert lines["total"] == Decimal("71.20")


def test_checks_and_warnings_read_the_whole_bill(tmp_path: Path) -> None:
    """99 kWh are too many for a check at 98, though no part has so many; the message says 99."""
    text = SPLIT + "inputs:\n" + KWH + ENERGY
    text += "refuse:\n  many:\n    when: kwh > 98[kWh]\n    field: kwh\n    message: too much, {kwh}\n"
    text += "warnings:\n  high:\n    title: high\n    level: info\n    when: kwh > 90[kWh]\n    message: used {kwh}\n"
    of = compiled(tmp_path, text)

    assert billed(of, [row(kwh="99")]) == ["refused-by-rule"]
    assert "too much, 99" in messages(of, row(kwh="99"))[0]
    assert messages(of, row(kwh="95")) == ("used 95",)


def test_a_price_per_month_is_prorated_as_said(tmp_path: Path) -> None:
    """31 days of March at 30 a month. Thirtieths: 10/30, 10/30 and what is left to 30/30; days: 10/31, 10/31, 11/31."""
    text = SPLIT + "inputs:\n" + KWH + ENERGY
    text += "  by_30: {quantity: kva, price: 30, prorate: thirtieths}\n"
    text += "  by_days: {quantity: kva, price: 30, prorate: days}\n"
    text = text.replace("inputs:\n", "inputs:\n  kva: {unit: kVA, places: 0, from: 0, to: 1000}\n")
    of = compiled(tmp_path, text)

    (lines,) = billed(of, [row(kwh="0", kva="1")])
    assert not isinstance(lines, str)
    assert [lines[f"by_30@{n}"] for n in (1, 2, 3)] == [Decimal("10.00")] * 3
    assert [lines[f"by_days@{n}"] for n in (1, 2, 3)] == [Decimal("9.68"), Decimal("9.68"), Decimal("10.65")]


def test_a_read_cycle_that_is_no_month_without_parts(tmp_path: Path) -> None:
    """5 March to 8 April: 27 days of March and 7 of April are 34/30 of 30 yuan; two whole months are 60."""
    text = HEAD + "inputs:\n  kva: {unit: kVA, places: 0, from: 0, to: 1000}\nenergy: {not_priced: capacity alone}\n"
    text += "charges:\n  fee: {quantity: kva, price: 30, prorate: thirtieths}\n"
    of = compiled(tmp_path, text)

    assert totals(of, [row("2024-03-05", "2024-04-08", kva="1"), row("2024-02-01", "2024-04-01", kva="1")]) == [
        "34.00",
        "60.00",
    ]


def test_the_whole_period_at_the_version_of_its_first_day(tmp_path: Path) -> None:
    """`whole`: 100 x 0.50, whatever changes later."""
    text = HEAD + "changes: whole\ninputs:\n" + KWH.replace(", split: by_days", "") + ENERGY

    assert totals(compiled(tmp_path, text), [row(kwh="100")]) == ["50.00"]


def test_totals_of_24_parts_fit_a_whole_number(tmp_path: Path) -> None:
    """9e14 kVA at 90 yuan are 8.1e18 fen: in one part they fit int64, in two no more."""
    text = SPLIT + "inputs:\n  kva: {unit: kVA, places: 0, from: 0, to: 900000000000000}\n"
    text += "values:\n  price: {unit: CNY/kVA, dated: [{from: 2024-01-01, printed: 90}, "
    text += "{from: 2024-03-11, printed: 90.0}]}\n"
    text += "energy: {not_priced: capacity alone}\ncharges:\n  fee: {kind: formula, per: part, amount: kva * price}\n"

    assert problems(tmp_path, text) == ["too-wide"]
    assert problems(tmp_path, text.replace("changes: split\n", "").replace(", per: part", "")) == []


@pytest.mark.parametrize(
    "charge",
    [
        "{kind: free_quota, method: refund, free: 15, of: kwh, price: 1}",  # 15 kWh in each part
        "{kind: percentage, percent: 50, cap: 5, base: [energy]}",  # 5 yuan in each
        "{kind: quantity_discount, quantity: kwh, above: 80, method: marginal, price: 0.1}",  # 80 kWh in each
    ],
)
def test_what_differs_by_part_has_to_say(tmp_path: Path, charge: str) -> None:
    """March is cut in three: each of these would have its quota, cap or threshold three times."""
    text = SPLIT + "inputs:\n" + KWH + ENERGY + f"  other: {charge}\n"

    assert problems(tmp_path, text) == ["per-not-said"]


def test_once_a_bill_a_quota_a_cap_and_a_threshold_count_once(tmp_path: Path) -> None:
    """Of 100 kWh 15 are free; half of 60.40 is capped at 5; 20 kWh lie above 80."""
    text = SPLIT + "inputs:\n" + KWH + ENERGY
    text += "  free: {kind: free_quota, per: bill, method: refund, free: 15, of: kwh, price: 1}\n"
    text += "  rider: {kind: percentage, per: bill, percent: 50, cap: 5, base: [energy]}\n"
    text += "  less: {kind: quantity_discount, per: bill, quantity: kwh, above: 80, method: marginal, price: 0.1}\n"

    (lines,) = billed(compiled(tmp_path, text), [row(kwh="100")])

    assert not isinstance(lines, str)
    assert [lines[f"{name}@3"] for name in ("free", "rider", "less")] == [Decimal(-15), Decimal(5), Decimal(-2)]


@pytest.mark.parametrize(
    ("charge", "code"),
    [
        ('{kind: formula, amount: "10[CNY]"}', ["same-in-parts"]),
        ('{quantity: kva, price: "3[CNY/kVA]"}', ["same-in-parts"]),
        ('{kind: formula, amount: "10[CNY/month] * months"}', ["same-in-parts"]),  # a part has a month at least
        ('{kind: formula, amount: "10[CNY] if kwh > 0 else 0"}', ["same-in-parts"]),
        ("{kind: percentage, percent: 1, base: [fee]}", []),  # as divided as its base
        ('{kind: formula, per: part, amount: "10[CNY]"}', []),
        ('{kind: formula, per: bill, amount: "10[CNY]"}', []),
        ('{kind: formula, amount: "10[CNY] if period_from <= opened and opened < period_to else 0"}', []),
        ('{kind: formula, amount: "1[CNY/day] * days"}', []),
    ],
)
def test_what_no_part_divides_is_not_billed_in_each_without_saying_so(
    tmp_path: Path, charge: str, code: list[str]
) -> None:
    """A fee of ten yuan is no fee of thirty because a price changed twice."""
    text = SPLIT + "inputs:\n  kva: {unit: kVA, places: 0, from: 0, to: 9}\n  opened: {type: date}\n" + KWH + ENERGY
    text += '  fee: {kind: formula, per: bill, amount: "2[CNY/kVA] * kva if opened < bill_to else 0"}\n'
    text += f"  other: {charge}\n"

    assert problems(tmp_path, text) == code


@pytest.mark.parametrize(
    "days", ["{from: 2024-03-16, until_replaced: true}", "{from: 2024-01-01, through: 2024-03-15}"]
)
def test_what_is_billed_once_is_in_force_throughout_or_not_at_all(tmp_path: Path, days: str) -> None:
    """A rider that begins or ends on 16 March was billed on all of March, or on nothing; the row is refused.

    Who does not pay it is billed: 48 x 0.50 + 52 x 0.60 = 55.20. February and April have it or not.
    """
    price = "{dated: [{from: 2024-01-01, printed: 0.50}, {from: 2024-03-16, printed: 0.60}]}"
    text = SPLIT + "inputs:\n  pays: {type: boolean}\n" + KWH + ENERGY.replace(PRICE, price)
    text += f'  rider: {{kind: formula, per: bill, when: pays, in_force: {days}, amount: "kwh * 0.1[CNY/kWh]"}}\n'
    of = compiled(tmp_path, text)
    months = [("2024-03-01", "2024-04-01"), ("2024-02-01", "2024-03-01"), ("2024-04-01", "2024-05-01")]

    found = totals(of, [row(*month, kwh="100", pays=pays) for pays in (True, False) for month in months])

    later = "until_replaced" in days
    assert found[0] == "refused-by-rule"
    assert found[1:3] == (["50.00", "70.00"] if later else ["60.00", "60.00"])
    assert found[3:] == ["55.20", "50.00", "60.00"]


def test_what_is_needed_in_one_part_may_be_given_for_the_bill(tmp_path: Path) -> None:
    """Readings of April are needed in April: a bill from 15 March to 15 April has them, and lacks them at its peril."""
    text = SPLIT + "inputs:\n  extra: {unit: kW, places: 0, from: 0, to: 10, needed_when: month == 4}\n" + KWH + ENERGY
    text += "  more: {kind: formula, per: part, when: month == 4, amount: 'extra * 1[CNY/kW]'}\n"
    of = compiled(tmp_path, text.replace(PRICE, "0.5"))

    rows = [row("2024-03-15", "2024-04-15", kwh="0", extra="3"), row("2024-03-15", "2024-04-15", kwh="0")]
    assert totals(of, [*rows, row(kwh="0", extra="3"), row(kwh="0")]) == ["3.00", "missing-value", "not-needed", "0.00"]


def test_the_energy_of_a_tier_over_the_bill_is_that_of_its_parts(tmp_path: Path) -> None:
    """100 kWh of March, 48 and 52, each on a ladder to 50: 2 kWh in the second tier, where one ladder has 50."""
    price = "{dated: [{from: 2024-01-01, printed: 0.50}, {from: 2024-03-16, printed: 0.60}]}"
    text = SPLIT + "inputs:\n" + KWH + "energy: {total: kwh, priced_by: [energy]}\ncharges:\n"
    text += "  energy: {kind: tiered, quantity: kwh, over: billing_month, across_parts: by_months, "
    text += f"tiers: [{{up_to: 50, price: {price}}}, {{price: 1}}]}}\n"
    text += '  rider: {kind: formula, per: bill, amount: "energy.2.quantity * 10[CNY/kWh]"}\n'

    (lines,) = billed(compiled(tmp_path, text), [row(kwh="100")])

    assert not isinstance(lines, str)
    assert lines["energy.2@2"] == Decimal(2)
    assert lines["rider@2"] == Decimal(20)


def test_each_part_prices_its_energy_once(tmp_path: Path) -> None:
    """Of 100 kWh the parts have 48 and 52. A price for more than 60 and one for 40 and less leave both unpriced.

    Of 160 they have 77 and 83, which are priced: 160 x 1; of 60 they have 29 and 31: 60 x 2.
    """
    text = SPLIT + "inputs:\n" + KWH + "energy: {total: kwh, priced_by: [much, little]}\ncharges:\n"
    text += "  much: {quantity: kwh, price: TURN, when: 'kwh > 60[kWh]'}\n"
    text += "  little: {quantity: kwh, price: 2, when: 'kwh <= 40[kWh]'}\n"
    price = "{dated: [{from: 2024-01-01, printed: 1}, {from: 2024-03-16, printed: 1.0}]}"
    of = compiled(tmp_path, text.replace("TURN", price))

    found = totals(of, [row(kwh="100"), row(kwh="160"), row(kwh="60")])

    assert found == ["energy-priced-once", "160.00", "120.00"]


def test_a_ladder_of_its_own_in_each_part_has_limits_per_month(tmp_path: Path) -> None:
    """200 kWh of a read cycle would be 200 in each part."""
    text = SPLIT + "inputs:\n" + KWH + "energy: {total: kwh, priced_by: [energy]}\ncharges:\n"
    text += "  energy: {kind: tiered, quantity: kwh, over: reading_cycle, across_parts: by_months, "
    text += "tiers: [{up_to: LIMIT, price: 1}, {price: 2}]}\n"

    assert problems(tmp_path, text.replace("LIMIT", "200")) == ["figure-unit"]
    assert problems(tmp_path, text.replace("LIMIT", '"200[kWh/month]"')) == []


def test_what_is_carried_is_a_number_that_every_row_gives(tmp_path: Path) -> None:
    """A code is no number, though it is kept as one; what one row has to give and another has not is not nothing."""
    text = HEAD + "inputs:\n  user: {codes: {shop: 店, farm: 农}}\n"
    text += "  kwh: {unit: kWh, places: 0, from: 10, to: 100, needed_when: user == shop}\n"
    text += "  before: {OF, opening: 0}}\n" + "energy: {not_priced: another test}\n"
    text += (
        "charges:\n  fee: {kind: formula, amount: 'before * 1[CNY/UNIT] + (kwh * 1[CNY/kWh] if user == shop else 0)'}\n"
    )
    number = "type: integer, from: 0, to: 9, carried: {last: user"
    energy = "unit: kWh, places: 0, from: 0, to: 900, carried: {sum: kwh"

    assert problems(tmp_path, text.replace("OF", number).replace("/UNIT", "")) == ["carried-differs"]
    assert problems(tmp_path, text.replace("OF", energy).replace("UNIT", "kWh")) == ["may-be-absent"]


INTERVALS = """\
calendar:
  timezone: Asia/Shanghai
  tou_periods:
    - {months: all, peak: [08:00-12:00], flat: rest}
lists:
  load:
    every: 60 minutes
    at_most: 800
    inputs:
      kwh: {unit: kWh, places: 0, from: 0, to: 1000}
quantities:
  kwh: sum(load.kwh)
  kw: max(load.kwh, if_empty=0)
"""


def test_intervals_of_a_part_are_those_of_its_days(tmp_path: Path) -> None:
    """Two days, the price changes between them: 24 x 1 x 0.50 and 24 x 2 x 0.60; of the bill 72 kWh and at most 2."""
    text = SPLIT + INTERVALS + ENERGY
    text += '  of_bill: {kind: formula, per: bill, amount: "kwh * 0.01[CNY/kWh] + kw * 10[CNY/kWh]"}\n'
    of = compiled(tmp_path, text)
    items = [{"kwh": Decimal(1)}] * 24 + [{"kwh": Decimal(2)}] * 24

    (lines,) = billed(of, [row("2024-03-10", "2024-03-12", load=items)])
    assert not isinstance(lines, str)
    assert [lines["energy@1"], lines["energy@2"]] == [Decimal("12.00"), Decimal("28.80")]
    assert lines["of_bill@2"] == Decimal("20.72")


def test_what_cannot_be_read_of_a_whole_bill(tmp_path: Path) -> None:
    """The first interval of a bill is not that of its last part."""
    text = SPLIT + INTERVALS.replace("max(load.kwh", "first(load.kwh") + ENERGY
    text += '  of_bill: {kind: formula, per: bill, amount: "kw * 1[CNY/kWh]"}\n'

    assert problems(tmp_path, text) == ["bill-reads-intervals"]


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """A price that is printed anew on 1 May, and does not change."""
    price = "{dated: [{from: 2024-01-01, printed: 0.5}, {from: 2024-05-01, printed: 0.50}]}"
    text = SPLIT + "inputs:\n" + KWH + ENERGY.replace(PRICE, price)
    return compiled(tmp_path_factory.mktemp("flat"), text)


@given(kwh=st.integers(0, 5000), start=st.integers(0, 40), days=st.integers(1, 60), cut=st.integers(1, 59))
def test_a_period_split_in_two_bills_the_same_energy(flat: Compiled, kwh: int, start: int, days: int, cut: int) -> None:
    """Where no price changes and no tier resets: two bills of the parts come to the bill of the whole, within rounding.

    At 0.5 yuan and whole kWh each bill is exact to a fen, so that the sums are equal.
    """
    first = date(2024, 4, 1).toordinal() + start
    whole = Row({"kwh": Decimal(kwh)}, date.fromordinal(first), date.fromordinal(first + days))
    cut = min(cut, days)
    middle = date.fromordinal(first + cut)
    share = kwh * cut // days
    parts = [Row({"kwh": Decimal(share)}, whole.period_from, middle)]
    if cut < days:
        parts.append(Row({"kwh": Decimal(kwh - share)}, middle, whole.period_to))
    else:
        parts[0] = whole

    (one,) = billed(flat, [whole])
    several = billed(flat, parts)

    assert not isinstance(one, str)
    assert one["total"] == sum((bill["total"] for bill in several if not isinstance(bill, str)), Decimal(0))


class TestVersions:
    """Two rule sets of one id, one after the other."""

    def book(self, folder: Path) -> tuple[list[str], object]:
        early = HEAD.replace("{from: 2024-01-01, until_replaced: true}", "{from: 2024-01-01, through: 2024-03-31}")
        late = HEAD.replace("2024-01-01", "2024-04-01")
        body = "inputs:\n" + KWH.replace(", split: by_days", "") + "energy: {total: kwh, priced_by: [energy]}\n"
        (folder / "early.ruleset.yaml").write_text(early + body + "charges:\n  energy: {quantity: kwh, price: 0.5}\n")
        more = "charges:\n  energy: {quantity: kwh, price: 0.4}\n  fee: {kind: formula, amount: '3[CNY]'}\n"
        (folder / "late.ruleset.yaml").write_text(late + body + more)
        book, found = compile_all([folder])
        return [one.code for one in found], book

    def test_the_day_picks_the_structure(self, tmp_path: Path) -> None:
        """100 x 0.5 in March, 100 x 0.4 + 3 in April; nothing is due, as the earlier has a successor."""
        found, book = self.book(tmp_path)

        assert found == []
        assert list(book.rulesets) == ["cn.test.small@2024-01-01", "cn.test.small@2024-04-01"]  # type: ignore[attr-defined] # a RateBook
        for month, total in ((3, "50.00"), (4, "43.00")):
            first, end = date(2024, month, 1), date(2024, month + 1, 1)
            of = book.at("cn.test.small", day_number(first), day_number(end))  # type: ignore[attr-defined] # a RateBook
            bill = alike(of, {"kwh": 100}, period_from=first, period_to=end)
            assert isinstance(bill, Bill)
            assert f"{bill.total}" == total
            assert of.replaces_due == ()

    def test_versions_that_overlap(self, tmp_path: Path) -> None:
        self.book(tmp_path)
        early = (tmp_path / "early.ruleset.yaml").read_text()
        (tmp_path / "early.ruleset.yaml").write_text(early.replace("2024-03-31", "2024-04-01"))

        _, found = compile_all([tmp_path])

        assert [one.code for one in found] == ["document-twice"]
