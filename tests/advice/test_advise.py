"""What customers are advised of: every state of an alternative, by hand, and bills that are those of `bill`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.advice.advise import advise
from engine.advice.columns import rows_of, some_rows
from engine.advice.result import AdviceResult, Advised, Outcome
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.evaluator.batch import dispatch
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Column, Rows

SHOP = """\
ruleset: cn.test.shop
title: shop
source: {standing: example}
in_force: {from: 2025-01-01, until_replaced: true}
version_by: period_from
inputs:
  mode:        {type: code, codes: {flat: flat, by_hour: by hour}}
  kwh_day:     {unit: kWh, places: 0, from: 0, to: 1000000}
  kwh_night:   {unit: kWh, places: 0, from: 0, to: 1000000}
  contract_kw: {unit: kW, places: 0, from: 0, to: 5000, needed_when: mode == by_hour}
  demand_kw:   {unit: kW, places: 1, from: 0, to: 5000, needed_when: mode == by_hour}
energy: {not_priced: the test is about something else}
refuse:
  too_much: {when: "mode == by_hour and demand_kw > 900[kW]", field: demand_kw, message: "{demand_kw} kW"}
charges:
  flat:     {kind: formula, when: mode == flat, amount: "(kwh_day + kwh_night) * 0.60[CNY/kWh]"}
  hours:    {kind: formula, when: mode == by_hour, amount: "kwh_day * 0.70[CNY/kWh] + kwh_night * 0.30[CNY/kWh]"}
  contract:
    kind: formula
    when: mode == by_hour
    amount: "contract_kw * 10[CNY/kW] + max(demand_kw - contract_kw, 0) * 40[CNY/kW]"
"""
GREEN = """\
ruleset: cn.test.green
title: green
source: {standing: example}
in_force: {from: 2025-01-01, until_replaced: true}
version_by: period_from
inputs:
  kwh_day:   {unit: kWh, places: 0, from: 0, to: 1000000}
  kwh_night: {unit: kWh, places: 0, from: 0, to: 1000000}
energy: {not_priced: the test is about something else}
charges:
  all: {kind: formula, amount: "(kwh_day + kwh_night) * 0.50[CNY/kWh]"}
"""
ADVICE = """\
advice: cn.test.advice
title: advice
source: {standing: example}
for: [cn.test.shop]
in_force: {from: 2025-01-01, until_replaced: true}
inputs:
  metered_kw: {unit: kW, places: 1, from: 0, to: 5000, optional: true}
values:
  share: {unit: 1, printed: 0.10, source: {standing: example}}
quantities:
  moved: {formula: "round(kwh_day * share, 0, down)"}
alternatives:
  flat:
    title: flat
    kind: choice
    set: {mode: flat, contract_kw: absent, demand_kw: absent}
  by_hour:
    title: by hour
    kind: choice
    lawful: kwh_day + kwh_night >= 100[kWh]
    otherwise: only {kwh_day} by day
    set: {mode: by_hour, demand_kw: demand_kw if mode == by_hour else metered_kw}
    best: {input: contract_kw, from: "10[kW]", to: "500[kW]", step: 5}
  shift:
    title: shift
    kind: measure
    set: {kwh_day: kwh_day - moved, kwh_night: kwh_night + moved}
    cost: moved * 2[CNY/kWh]
  both:
    title: both
    kind: measure
    first: [shift]
    set:
      mode: by_hour
      contract_kw: "contract_kw if mode == by_hour else 50[kW]"
      demand_kw: demand_kw if mode == by_hour else metered_kw
    cost: 100[CNY]
  green:
    title: green
    kind: plan
    ruleset: cn.test.green
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> RateBook:
    """The rule sets and the advice above."""
    folder = tmp_path_factory.mktemp("rules")
    for name, text in (("shop.ruleset", SHOP), ("green.ruleset", GREEN), ("all.advice", ADVICE)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder])


def rows_with(*given: dict[str, object], ruleset: str = "cn.test.shop") -> Rows:
    """Rows of months from January 2025 on, one after another."""
    names = sorted({name for row in given for name in row})
    columns = {}
    for name in names:
        values = np.empty(len(given), object)
        values[:] = [row.get(name) for row in given]
        columns[name] = Column(values)
    months = np.array([np.datetime64("2025-01", "M") + at for at in range(len(given) + 1)])
    days = months.astype("datetime64[D]").astype(np.int64)
    named = Column(np.array([ruleset] * len(given), object))
    return Rows(np.arange(len(given)), named, days[:-1], days[1:], columns)


def only(found: AdviceResult) -> Advised:
    """The one account advised."""
    (advised,) = found.advised
    assert found.unadvised == ()
    return advised


def of(advised: Advised, name: str) -> Outcome:
    """One alternative's outcome."""
    (found,) = [one for one in advised.outcomes if one.alternative == name]
    return found


FLAT = {"mode": "flat", "kwh_day": 1000, "kwh_night": 3000}


def test_alternatives_are_billed_and_ranked(book: RateBook) -> None:
    """Two flat months; by hand.

    now       2400 + 2400
    by hour   700 + 900 twice; demands 50 and 100: of contracts 10 c + 40 max(0, a - c) twice, least at 100: 1000 each
    shift     100 kWh moved at 2 CNY; flat: the same bill
    both      900 x 0.7 + 3100 x 0.3 = 1560; contract 50: 500, and 500 + 2000
    green     2000 twice
    """
    rows = rows_with({**FLAT, "metered_kw": 50}, {**FLAT, "metered_kw": 100})

    advised = only(advise(book, rows, ["a", "a"]))

    assert (advised.account, advised.rows, advised.keys) == ("a", (0, 1), ("cn.test.shop", "cn.test.shop"))
    assert (advised.bills, advised.total, advised.currency, advised.places) == ((240000, 240000), 480000, "CNY", 2)
    assert [(one.alternative, one.state, one.saving) for one in advised.outcomes] == [
        ("green", "billed", 80000),
        ("shift", "billed", 0),
        ("by_hour", "billed", -40000),
        ("both", "billed", -132000),
        ("flat", "unchanged", None),
    ]


def test_the_least_contract_of_all_months(book: RateBook) -> None:
    """Demands 50, 50 and 100 at 10 CNY and 40 above: at c in [50, 100] 30 c - 40 c falls, so 100; its bill by month."""
    rows = rows_with(*({**FLAT, "metered_kw": kw} for kw in (50, 50, 100)))

    found = of(only(advise(book, rows, ["a"] * 3, only=["by_hour"])), "by_hour")

    assert (found.best, found.now, found.bills) == (100, None, (260000, 260000, 260000))
    assert (found.total, found.saving) == (780000, 720000 - 780000)


def test_costs_of_stages_are_added_and_the_largest_month_counts(book: RateBook) -> None:
    """100 and 200 kWh moved at 2 CNY: 400; and 100 of its own."""
    rows = rows_with({**FLAT, "metered_kw": 50}, {**FLAT, "kwh_day": 2000, "metered_kw": 50})

    advised = only(advise(book, rows, ["a", "a"], kinds=["measure"]))

    assert {one.alternative: one.cost for one in advised.outcomes} == {"shift": 40000, "both": 50000}


def test_a_cost_that_is_not_known_for_a_row_is_not_known(tmp_path: Path) -> None:
    """Of one month the metered demand is not given: it may be the dearest. The bills are there all the same."""
    advice = ADVICE.replace("cost: moved * 2[CNY/kWh]", "cost: metered_kw * 2[CNY/kW]")
    for name, text in (("shop.ruleset", SHOP), ("green.ruleset", GREEN), ("all.advice", advice)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    rows = rows_with({**FLAT, "metered_kw": 50}, FLAT, {**FLAT, "metered_kw": 50}, {**FLAT, "metered_kw": 70})

    found = advise(compile_paths([tmp_path]), rows, ["a", "a", "b", "b"], only=["shift"])

    assert [(of(one, "shift").state, of(one, "shift").cost) for one in found.advised] == [
        ("billed", None),
        ("billed", 14000),
    ]


def test_what_is_already_best_is_unchanged(book: RateBook) -> None:
    """By hour with the contract at its best: nothing to do; the value is told."""
    row = {**FLAT, "mode": "by_hour", "contract_kw": 100, "demand_kw": 100}

    advised = only(advise(book, rows_with(row), ["a"]))

    found = of(advised, "by_hour")
    assert (found.state, found.best, found.now, found.bills, found.total) == ("unchanged", 100, 100, (), None)
    assert of(advised, "flat").saving == 20000


def test_not_lawful_names_the_first_row_with_its_values(book: RateBook) -> None:
    """The second month has too little use; its number is told in the words of the advice."""
    rows = rows_with({**FLAT, "metered_kw": 50}, {"mode": "flat", "kwh_day": 7, "kwh_night": 0, "metered_kw": 50})

    found = of(only(advise(book, rows, ["a", "a"])), "by_hour")

    assert (found.state, found.row, found.reason) == ("not_lawful", 1, "only 7 by day")


def test_not_known_names_what_is_not_given(book: RateBook) -> None:
    """No demand was metered: nothing is guessed."""
    advised = only(advise(book, rows_with(FLAT), ["a"]))

    assert [(of(advised, name).state, of(advised, name).reason) for name in ("by_hour", "both")] == [
        ("not_known", "metered_kw"),
        ("not_known", "metered_kw"),
    ]


def test_what_a_rewritten_row_is_refused_for(book: RateBook) -> None:
    """At every contract the demand is refused by the rule set: its own problem is told, at the row's own position."""
    rows = rows_with({**FLAT, "metered_kw": 50}, {**FLAT, "metered_kw": 901})

    found = of(only(advise(book, rows, ["a", "a"])), "by_hour")

    assert (found.state, found.row, found.bills, found.best) == ("refused", 1, (), None)
    assert found.problem is not None
    assert (found.problem.row, found.problem.code, found.problem.reason) == (1, "refused-by-rule", "901.0 kW")


def test_an_input_of_the_advice_that_is_out_of_bounds(book: RateBook) -> None:
    """The rows are billed as they are; what is computed with the advice's inputs is refused, a plan is not."""
    advised = only(advise(book, rows_with({**FLAT, "metered_kw": 5001}), ["a"]))

    assert of(advised, "by_hour").problem is not None
    assert (of(advised, "by_hour").state, of(advised, "green").state) == ("refused", "billed")


def test_accounts_come_in_any_order_and_rows_by_their_days(book: RateBook) -> None:
    """Rows of two accounts mixed, the later month first; each has its own bills."""
    two = rows_with(*({**FLAT, "kwh_day": day} for day in (1000, 2000, 3000, 4000)))
    at = np.array([3, 0, 1, 2])
    specs = row_inputs(book.rulesets["cn.test.shop"])
    rows = rows_of(two, at, specs, ())

    found = advise(book, rows, ["b", "a", "b", "a"])

    assert [(one.account, one.rows, one.bills) for one in found.advised] == [
        ("b", (2, 0), (300000, 420000)),
        ("a", (1, 3), (240000, 360000)),
    ]
    assert of(found.advised[0], "green").bills == (250000, 350000)
    assert found.billed["cn.test.advice:green"] == 2


def test_accounts_that_cannot_be_advised(book: RateBook) -> None:
    """One has a row that is refused, one has a rule set without advice; each is told of."""
    rows = rows_with(FLAT, {**FLAT, "kwh_day": -1}, FLAT)
    named = np.array(["cn.test.shop", "cn.test.shop", "cn.test.green"], object)
    rows = replace(
        rows,
        ruleset=Column(named),
        columns={**rows.columns, "mode": Column(np.array(["flat", "flat", None], object))},
    )

    found = advise(book, rows, ["a", "a", "b"])

    assert found.advised == ()
    bad, none = found.unadvised
    assert (bad.account, bad.rows, [one.code for one in bad.problems]) == ("a", (0, 1), ["out-of-bounds"])
    assert (none.account, none.problems, none.rulesets) == ("b", (), ("cn.test.green",))


def test_bills_of_two_currencies_are_not_added(tmp_path: Path) -> None:
    """An account that moves from one currency to another is told of its first row in the second; another is advised."""
    abroad = SHOP.replace("cn.test.shop", "cn.test.abroad").replace("CNY", "USD") + "currency: USD\n"
    head = ADVICE.partition("inputs:")[0].replace("[cn.test.shop]", "[cn.test.shop, cn.test.abroad]")
    advice = head + "alternatives:\n  flat: {title: flat, kind: choice, set: {mode: flat}}\n"
    for name, text in (("shop.ruleset", SHOP), ("abroad.ruleset", abroad), ("all.advice", advice)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    named = np.array(["cn.test.shop", "cn.test.abroad", "cn.test.abroad", "cn.test.abroad"], object)
    rows = replace(rows_with(*[FLAT] * 4), ruleset=Column(named))

    found = advise(compile_paths([tmp_path]), rows, ["a", "a", "a", "b"])

    (left,), (advised,) = found.unadvised, found.advised
    told = "`cn.test.abroad` bills in USD, earlier rows of the account in CNY."
    assert [(one.row, one.code, one.field, one.reason) for one in left.problems] == [
        (1, "currencies-differ", "ruleset", told),
        (2, "currencies-differ", "ruleset", told),
    ]
    assert (advised.account, advised.currency, advised.total) == ("b", "USD", 240000)


def test_bills_are_those_of_rows_rewritten_by_hand(book: RateBook) -> None:
    """Random customers: every bill of an alternative is what `dispatch` gives for the row as it would be."""
    draw = np.random.default_rng(2)
    given = [
        {"mode": "flat", "kwh_day": int(day), "kwh_night": int(night), "metered_kw": int(kw)}
        for day, night, kw in draw.integers(100, 900, (40, 3))
    ]
    rows = rows_with(*given)
    accounts = [f"c{at % 7}" for at in range(40)]

    found = advise(book, rows, accounts)

    for advised in found.advised:
        for name in ("by_hour", "shift", "both", "green"):
            outcome = of(advised, name)
            by_hand = dispatch(book.rulesets, _rewritten(rows, given, advised.rows, name, outcome.best))
            (group,) = by_hand.groups
            assert tuple(group.result.total.tolist()) == outcome.bills
            assert outcome.saving == advised.total - sum(outcome.bills)


def _rewritten(rows: Rows, given: list[dict[str, object]], of: tuple[int, ...], name: str, best: int | None) -> Rows:
    """Rows of an account under an alternative, written out."""
    made = []
    for at in of:
        row = dict(given[at])
        demand = row.pop("metered_kw")
        if name in ("shift", "both"):
            moved = int(str(row["kwh_day"])) // 10
            row |= {"kwh_day": int(str(row["kwh_day"])) - moved, "kwh_night": int(str(row["kwh_night"])) + moved}
        if name in ("by_hour", "both"):
            row |= {"mode": "by_hour", "demand_kw": demand, "contract_kw": 50 if best is None else best}
        if name == "green":
            del row["mode"]
        made.append(row)
    batch = rows_with(*made, ruleset="cn.test.green" if name == "green" else "cn.test.shop")
    positions = np.array(of)
    return replace(batch, period_from=rows.period_from[positions], period_to=rows.period_to[positions])


def test_versions_of_a_rule_set_are_billed_each_by_its_own(tmp_path: Path) -> None:
    """Above the contract 40 CNY until February, then 4: demands 50, 50, 100, 100 of January to April.

    From 50 to 100 a kW costs 40 and saves 8: 50 is the best. January and February 1600 + 500, then 200 more.
    """
    until = SHOP.replace("until_replaced: true", "through: 2025-02-28")
    later = SHOP.replace("from: 2025-01-01", "from: 2025-03-01").replace("* 40[CNY/kW]", "* 4[CNY/kW]")
    for name, text in (("old.ruleset", until), ("new.ruleset", later), ("green.ruleset", GREEN), ("a.advice", ADVICE)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    rows = rows_with(*({**FLAT, "metered_kw": kw} for kw in (50, 50, 100, 100)))

    advised = only(advise(compile_paths([tmp_path]), rows, ["a"] * 4, only=["by_hour"]))

    found = of(advised, "by_hour")
    assert advised.keys == (*["cn.test.shop@2025-01-01"] * 2, *["cn.test.shop@2025-03-01"] * 2)
    assert (found.best, found.bills) == (50, (210000, 210000, 230000, 230000))


@pytest.mark.parametrize("finer", ["old", "new"])
def test_versions_may_have_other_places_of_what_is_searched(tmp_path: Path, finer: str) -> None:
    """One version takes whole kW and the other hundredths; demands 50, 50, 100, 100 of January to April.

    A kW from 50 to 100 costs 10 in four months and saves 40 in two: 100. Each month 1600 + 1000.
    An account on whole kW alone is told in whole kW, whoever else is asked about: its demand, as 40 is more than 10.
    """
    texts = {
        "old": SHOP.replace("until_replaced: true", "through: 2025-02-28"),
        "new": SHOP.replace("from: 2025-01-01", "from: 2025-03-01"),
        "green": GREEN,
    }
    texts[finer] = texts[finer].replace("contract_kw: {unit: kW, places: 0", "contract_kw: {unit: kW, places: 2")
    for name, text in texts.items():
        (tmp_path / f"{name}.ruleset.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "all.advice.yaml").write_text(ADVICE, encoding="utf-8")
    now = {"mode": "by_hour", "kwh_day": 1000, "kwh_night": 3000, "contract_kw": 60}
    rows = rows_with(*({**now, "demand_kw": kw} for kw in (50, 50, 100, 100)))
    months = {"old": slice(0, 2), "new": slice(2, 4)}
    accounts = np.array(["both"] * 4 + ["coarse"] * 2)
    whole = np.arange(4)[months["new" if finer == "old" else "old"]]
    book = compile_paths([tmp_path])
    both = some_rows(rows, np.concatenate([np.arange(4), whole]))

    mixed, coarse = advise(book, both, accounts, only=["by_hour"]).advised

    found, alone = of(mixed, "by_hour"), of(coarse, "by_hour")
    assert (found.best, found.now, found.best_places, found.bills) == (10_000, 6_000, 2, (260_000,) * 4)
    assert (alone.best, alone.now, alone.best_places) == (50 if finer == "new" else 100, 60, 0)


def test_no_rows_no_advice(book: RateBook) -> None:
    """An empty batch has no accounts."""
    found = advise(book, rows_of(rows_with(FLAT), np.zeros(0, np.int64), (), ()), [])

    assert (found.advised, found.unadvised) == ((), ())


def test_what_is_asked_for_has_to_exist(book: RateBook) -> None:
    """Names and kinds that no advice has, and accounts that are too few."""
    rows = rows_with(FLAT)

    with pytest.raises(ValueError, match="no advice has by_day; there are both, by_hour, flat, green, shift"):
        advise(book, rows, ["a"], only=["by_day"])
    with pytest.raises(ValueError, match="kinds are choice, measure and plan; came gift"):
        advise(book, rows, ["a"], kinds=["gift"])
    with pytest.raises(ValueError, match="accounts has 2 entries, rows 1"):
        advise(book, rows, ["a", "b"])
