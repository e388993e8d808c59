"""Advice as the compiler leaves it: for which rule sets, what it holds by name, and what it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from engine.cache.packed import pack, unpack
from engine.compiler.advising import Advice, AdviceCase, Best, Change, Condition
from engine.compiler.book import RateBook
from engine.compiler.compile import check_paths, compile_paths
from engine.evaluator.reference import Bill, reference
from engine.language.problems import ProblemsFound
from engine.registry.rule_tests import failing_advice_tests

FORM = """\
form: cn.test.two_part
source: {standing: example}
holes: [rate]
inputs:
  mode:     {codes: {capacity: 按容量, demand: 按需量}}
  kva:      {unit: kVA, places: 0, from: 0, to: 2000}
  contract: {unit: kW, places: 0, from: 0, to: 2000, needed_when: mode == demand}
  running:  {unit: kVA, places: 0, from: 0, to: 2000, optional: true}
  kwh:      {unit: kWh, places: 2, from: 0, to: 100000}
  new:      {type: boolean, default: false}
lists:
  meters: {at_most: 3, optional: true, inputs: {kwh: {unit: kWh, places: 0, from: 0, to: 1000}}}
quantities:
  in_use: running if given(running) else kva
  metered: sum(meters.kwh)
refuse:
  over: {when: "new and kva > 1000[kVA]", message: 新装用户容量不超过1000}
  meters_over: {when: metered > kwh, message: 分表多于总表}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: rate}
  basic:
    kind: formula
    amount: "10[CNY/kVA] * kva if mode == capacity else 20[CNY/kW] * contract"
warnings:
  small: {title: 小, level: info, when: "in_use < 10[kVA]", message: "{kva}"}
"""
SHOP = """\
ruleset: cn.test.shop
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
follows: cn.test.two_part
fills: {rate: "0.5000[CNY/kWh]"}
"""
ADVICE = """\
advice: cn.test.advice
title: 办法
source: {standing: example, note: 例}
for: [cn.test.two_part]
inputs: {idle: {unit: kVA, places: 0, from: 0, to: 2000, title: 闲置}}
values: {share: {unit: 1, printed: 0.1}}
quantities: {saved: "round(kwh * share, 2, half_up)"}
alternatives:
  capacity:
    title: 按容量
    kind: choice
    lawful: mode == demand
    otherwise: 已按容量 {kva}，运行 {running}
    set: {mode: capacity, contract: absent}
    conditions: [{text: 每季可改, source: {document: 通知, standing: recalled}}]
  demand:
    title: 按需量
    kind: choice
    set: {mode: demand, new: "false"}
    best: {input: contract, from: "0.40[kW/kVA] * in_use", to: "1[kW/kVA] * kva", step: 5}
  idle:
    title: 停用
    kind: measure
    lawful: idle > 0
    set: {running: in_use - idle, kva: 0}
    cost: 3[CNY/kVA] * idle
  less:
    title: 节电
    kind: measure
    first: [idle]
    set: {kwh: kwh - saved, new: "kwh > 1000[kWh]"}
tests:
  - name: 节电一成
    vouched_by: {who: 手算, from: 0.5 × 10}
    ruleset: cn.test.shop
    rows: [{billing_period: 2026-03, given: {mode: capacity, kva: 100, kwh: 100}}]
    expect: {now: 1050.00}
    not_lawful: [capacity]
"""


def book(folder: Path, *asked: str, **files: str) -> RateBook:
    for name, text in ({"form": FORM, "shop": SHOP, "advice": ADVICE} | files).items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder / one for one in asked] or [folder])


def advice(folder: Path, **files: str) -> Advice:
    (one,) = book(folder, **files).advice["cn.test.shop"]
    return one


def named(one: Advice, **given: str) -> Mapping[str, Decimal | bool]:
    """What the rewriting program holds by name for a row, in decimals."""
    bill = reference(one.rewrite, given, period_from=date(2026, 3, 1), period_to=date(2026, 4, 1))
    assert isinstance(bill, Bill)
    (values,) = [part.values for part in bill.parts]
    program, found = one.rewrite.program, {}
    for name, step in program.names.items():
        value = values[step]
        assert isinstance(value, Decimal)
        found[name] = bool(value) if program.steps[step].type.kind == "boolean" else value
    return found


@pytest.fixture(autouse=True)
def no_rules_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules that the repository ships are not read."""
    monkeypatch.chdir(tmp_path)


class TestForWhom:
    def test_each_rule_set_that_follows_a_form_and_each_version_has_its_own(self, tmp_path: Path) -> None:
        """Keys are those of the book; a rule set that neither is named nor follows the form has none."""
        versions = {
            "shop": SHOP.replace("until_replaced: true", "through: 2026-06-30"),
            "later": SHOP.replace("2026-01-01", "2026-07-01"),
            "home": SHOP.replace("cn.test.shop", "cn.test.home"),
            "other": FORM.replace("form: cn.test.two_part", "ruleset: cn.test.other")
            .replace("holes: [rate]", "version_by: period_from\nin_force: {from: 2026-01-01, until_replaced: true}")
            .replace("price: rate", "price: 0.6"),
        }

        found = book(tmp_path, **versions).advice

        assert ["cn.test.home", "cn.test.shop@2026-01-01", "cn.test.shop@2026-07-01"] == list(found)
        assert [[key] for key in found] == [[one.key for one in several] for several in found.values()]
        assert [1] == [len(one.tests) for several in found.values() for one in several if one.tests]

    def test_days_on_which_both_are_in_force(self, tmp_path: Path) -> None:
        """Advice that ended before a version began says nothing of it."""
        until_june = "for: [cn.test.two_part]\nin_force: {from: 2026-02-01, through: 2026-06-30}"
        versions = {
            "shop": SHOP.replace("until_replaced: true", "through: 2026-06-30"),
            "later": SHOP.replace("2026-01-01", "2026-07-01"),
            "advice": ADVICE.replace("for: [cn.test.two_part]", until_june),
        }

        found = book(tmp_path, **versions).advice

        assert ["cn.test.shop@2026-01-01"] == list(found)
        rewrite = found["cn.test.shop@2026-01-01"][0].rewrite
        assert (date(2026, 2, 1), date(2026, 7, 1)) == tuple(
            date.fromordinal(719163 + day) for day in (rewrite.first_day, rewrite.end_day or 0)
        )

    def test_a_plan_is_billed_by_a_rule_set_that_was_not_asked_for(self, tmp_path: Path) -> None:
        """It stands beside the book's own: rows that name it are not billed."""
        folder = tmp_path / "rules"
        folder.mkdir()
        plan = "  offer: {title: 套餐, kind: plan, ruleset: cn.test.offer}\ntests:"
        offer = SHOP.replace("cn.test.shop", "cn.test.offer").replace("0.5000", "0.4000")

        found = book(folder, "shop.yaml", offer=offer, advice=ADVICE.replace("tests:", plan))

        assert (["cn.test.shop"], ["cn.test.offer"]) == (list(found.rulesets), list(found.plans))
        assert ["cn.test.shop"] == list(found.advice)

    def test_advice_that_is_asked_for_alone_is_checked_with_a_rule_set_of_the_library(self, tmp_path: Path) -> None:
        """As a form is: a name that the rule set lacks is told."""
        folder = tmp_path / "rules"
        folder.mkdir()

        found = book(folder, "advice.yaml")
        (folder / "advice.yaml").write_text(ADVICE.replace("in_use - idle", "in_us - idle"), encoding="utf-8")

        assert ({}, {}) == (found.rulesets, found.advice)
        assert ["unknown-name"] == [one.code for one in check_paths([folder / "advice.yaml"])]


class TestProgram:
    def test_it_takes_every_input_and_bills_nothing(self, tmp_path: Path) -> None:
        """Inputs that no formula of the advice reads, and lists, pass through; nothing refuses a row."""
        program = advice(tmp_path).rewrite.program

        names = [spec.name for spec in program.inputs]
        assert ["mode", "kva", "contract", "running", "kwh", "new", "meters.kwh", "idle"] == names
        assert ["meters"] == [axis.name for axis in program.axes]
        assert ((), (), (), ()) == (program.lines, program.refusals, program.warnings, program.ledgers)
        assert {"require"}.isdisjoint(step.primitive for step in program.steps)

    def test_what_the_alternatives_set(self, tmp_path: Path) -> None:
        """Codes and absence are said; numbers and conditions are named steps with the places of the input."""
        one = advice(tmp_path)

        demand, idle, less = (one.alternatives[name] for name in ("demand", "idle", "less"))
        assert (Change("mode", code="capacity"), Change("contract", absent=True)) == one.alternatives[
            "capacity"
        ].changes
        assert (Change("mode", code="demand"), Change("new", name="demand.set.new")) == demand.changes
        assert Best("contract", "demand.best.from", "demand.best.to", "", 5, 0, unit="kW") == demand.best
        assert ("running", "idle.set.running", "idle.set.running.present") == (
            idle.changes[0].input,
            idle.changes[0].name,
            idle.changes[0].present,
        )
        assert (("idle",), ()) == (less.first, less.needs)
        places = {name: one.rewrite.program.steps[step].type.places for name, step in one.rewrite.program.names.items()}
        assert (2, 0, 0) == (places["less.set.kwh"], places["idle.set.running"], places["idle.set.kva"])

    def test_values_by_hand(self, tmp_path: Path) -> None:
        """100 kVA of which 60 run and 20 idle; 1,234.55 kWh less a tenth of it, 123.455 rounded half up."""
        values = named(
            advice(tmp_path), mode="demand", kva="100", contract="80", running="60", kwh="1234.55", idle="20"
        )

        assert values["capacity.lawful"] is True
        assert (Decimal(24), Decimal(100)) == (values["demand.best.from"], values["demand.best.to"])
        assert (Decimal(40), True) == (values["idle.set.running"], values["idle.set.running.present"])
        assert (Decimal(60), Decimal(0)) == (values["idle.cost"], values["idle.set.kva"])
        assert (Decimal("1111.09"), True) == (values["less.set.kwh"], values["less.set.new"])
        assert values["demand.set.new"] is False
        assert (Decimal(100), Decimal(60)) == (values["capacity.otherwise.kva"], values["capacity.otherwise.running"])

    def test_what_is_not_given_makes_nothing_up(self, tmp_path: Path) -> None:
        """Without `idle` the alternative is neither lawful nor computed, and its input is named; no row is refused."""
        one = advice(tmp_path)

        values = named(one, mode="capacity", kva="100", kwh="10")

        idle = one.alternatives["idle"]
        assert (False, False) == (values["idle.lawful"], values[idle.lawful_present])
        assert (False, False) == (values["idle.set.running.present"], values[idle.cost_present])
        assert [("idle", "missing-value", False)] == [(need.field, need.code, values[need.met]) for need in idle.needs]
        assert (False, "") == (values["capacity.lawful"], one.alternatives["capacity"].lawful_present)
        assert values["capacity.otherwise.running.present"] is False

    def test_a_row_whose_bill_is_cut_is_rewritten_whole(self, tmp_path: Path) -> None:
        """The advice of a rule set that cuts bills where a price changes sees what the row gives."""
        split = """\
ruleset: cn.test.shop
source: {standing: example}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
inputs: {kwh: {unit: kWh, places: 2, from: 0, to: 100000, split: by_days}}
values:
  rate: {unit: CNY/kWh, dated: [{from: 2026-01-01, printed: 0.5}, {from: 2026-03-16, printed: 0.6}]}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: rate}
"""
        halved = """\
advice: cn.test.advice
source: {standing: example}
for: [cn.test.shop]
alternatives:
  half: {title: 减半, kind: measure, set: {kwh: "round(0.5 * kwh, 2, half_up)"}, cost: "2[day] * 1[CNY/day]"}
"""
        values = named(advice(tmp_path, shop=split, advice=halved), kwh="300")

        assert (Decimal(150), Decimal(2)) == (values["half.set.kwh"], values["half.cost"])

    def test_what_it_says_of_itself(self, tmp_path: Path) -> None:
        """Titles, kinds, conditions with their sources; the file's source where an alternative has none."""
        one = advice(tmp_path)

        capacity = one.alternatives["capacity"]
        assert (Condition("每季可改", "通知", "recalled"),) == capacity.conditions
        assert ("例", "example", "choice") == (capacity.source, capacity.standing, capacity.kind)
        assert (("kva", "capacity.otherwise.kva"), ("running", "capacity.otherwise.running")) == capacity.values
        assert [("idle", "闲置", True)] == [(spec.name, spec.title, spec.optional) for spec in one.inputs]

    def test_a_formula_wider_than_any_kernel_is_told(self, tmp_path: Path) -> None:
        """As in a rule set: the input to bound is named."""
        wide = ADVICE.replace(
            "3[CNY/kVA] * idle", "kwh * kwh * kwh * kwh * 1[CNY/kWh] * 1[1/kWh] * 1[1/kWh] * 1[1/kWh]"
        )

        with pytest.raises(ProblemsFound) as found:
            advice(tmp_path, advice=wide)

        assert [("too-wide", "kwh")] == [(one.code, one.parameters["name"]) for one in found.value.problems]


class TestBook:
    def test_the_hash_counts_advice(self, tmp_path: Path) -> None:
        """A changed number in an advice file is another book."""
        before, same = book(tmp_path).hash, book(tmp_path).hash
        after = book(tmp_path, advice=ADVICE.replace("printed: 0.1", "printed: 0.2")).hash

        assert (before, True) == (same, before != after)

    def test_a_book_with_advice_as_bytes_and_back(self, tmp_path: Path) -> None:
        """What the cache keeps and a publication hands over."""
        one = book(tmp_path)

        again = unpack(pack(one, RateBook), RateBook)

        assert (one, one.hash, list(one.advice)) == (again, again.hash, list(again.advice))

    def test_a_test_of_the_file(self, tmp_path: Path) -> None:
        """Days, given values and figures as written."""
        (case,) = advice(tmp_path).tests

        assert isinstance(case, AdviceCase)
        given = {"mode": "capacity", "kva": "100", "kwh": "100"}
        assert ((date(2026, 3, 1), date(2026, 4, 1), given),) == case.rows
        assert ({"now": "1050.00"}, ("capacity",)) == (case.expect, case.not_lawful)

    def test_a_test_that_does_not_hold_keeps_a_publication_out(self, tmp_path: Path) -> None:
        """100 kVA at 10 and 100 kWh at 0.5 are 1,050.00; demand is lawful for whoever is billed by capacity."""
        holds = failing_advice_tests(book(tmp_path))
        wrong = ADVICE.replace("now: 1050.00", "now: 1050.01").replace("not_lawful: [capacity]", "not_lawful: [demand]")

        (failing,) = failing_advice_tests(book(tmp_path, advice=wrong))

        assert [] == holds
        assert ("test-fails", "节电一成") == (failing.code, failing.parameters["name"])
        assert "now is 1050.00, expected 1050.01" in failing.parameters["found"]
        assert "demand is billed, expected not_lawful" in failing.parameters["found"]
