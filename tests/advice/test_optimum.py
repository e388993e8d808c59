"""The best value of an input is the true one: compared with billing every value, and with decimals by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from engine.advice import optimum
from engine.advice.columns import some_rows, with_columns
from engine.advice.optimum import Scan, Target, cheapest
from engine.advice.residual import Priced, Residual, cut
from engine.compiler.advising import Best
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import Children, Column, Rows, Whole
from tests.advice.scanned import book, scanned
from tests.compiler.small import HEAD, NOT_PRICED, compiled
from tests.oracles.basic_charge import contract_demand

KW = Best("contract_kw", "", "", "", 1, 0)
JANUARY = (20454, 20485)  # 2026-01-01, 2026-02-01


def rows_of(compiled: Compiled, columns: dict[str, Column], count: int, **lists: Children) -> Rows:
    """January of so many rows."""
    first, end = (np.full(count, day) for day in JANUARY)
    named = Column(np.zeros(count, np.int64), codes=(compiled.id,))
    return Rows(np.arange(count), named, first, end, columns, lists)


def customers(compiled: Compiled, draw: np.random.Generator, count: int, rows: int) -> Target:
    """Customers with contract demand: kWh per kVA about the 260 rule, demands about each other, some all alike."""
    account = np.repeat(np.arange(count), rows)
    kva = np.repeat(draw.integers(20, 400, count), rows)
    typical = np.repeat(draw.uniform(0.2, 1.1, count), rows)
    spread = np.repeat(draw.choice([0.0, 0.02, 0.2], count), rows)
    demand = (kva * typical * draw.uniform(1 - spread, 1 + spread) * 10_000).astype(np.int64)
    demand = np.where(np.repeat(draw.random(count) < 0.4, rows), demand // 10_000 * 10_000, demand)
    kwh = (kva * np.repeat(draw.uniform(240, 280, count), rows) * draw.uniform(0.98, 1.02, account.shape) * 100).astype(
        np.int64
    )
    columns = {
        "basic_mode": Column(np.ones(len(account), np.int64), codes=("capacity", "contract_demand")),
        "contract_kva": Column(kva),
        "demand_kw": Column(np.minimum(demand, 2 * kva * 10_000), 4),
    }
    if compiled.id.startswith("kinds"):
        return Target(
            compiled,
            rows_of(compiled, {**columns, "capacity_kva": Column(kva), "kwh": Column(kwh, 2)}, len(account)),
            account,
        )
    share = draw.dirichlet([1, 2, 3, 2], len(account))
    periods = {
        name: Column((kwh * share[:, at]).astype(np.int64), 2)
        for at, name in enumerate(("kwh_sharp", "kwh_peak", "kwh_flat", "kwh_valley"))
    }
    columns |= periods
    columns["demand_kw"] = Column(np.minimum(demand, kva * 15_000), 4)
    columns["scheme"] = Column(np.ones(len(account), np.int64), codes=("single", "two_part"))
    columns["voltage"] = Column(np.repeat(draw.integers(0, 2, count), rows), codes=("from_1_to_20kv", "at_35kv"))
    columns["kvarh"] = Column((kwh * draw.uniform(0.2, 0.9, account.shape)).astype(np.int64), 2)
    return Target(compiled, rows_of(compiled, columns, len(account)), account)


def best_of(target: Target, best: Best, low: Whole, high: Whole) -> list[tuple[int, int] | None]:
    """What the search finds, as `scanned` gives it."""
    count = len(low)
    value = cheapest([target], np.ones(count, np.bool_), best, low, high)
    rows = with_columns(target.rows, {best.input: Column(value[target.account], best.places)})
    done = evaluate(target.compiled, rows, totals_only=True)
    total = np.zeros(count, np.int64)
    np.add.at(total, target.account[done.kept], done.total)
    refused = {int(target.account[problem.row]) for problem in done.problems}
    return [None if one in refused else (int(total[one]), int(value[one])) for one in range(count)]


@pytest.mark.parametrize("ruleset", [*(f"kinds.basic_charge_{one}" for one in "abcd"), "cn.hubei.industry_commerce"])
def test_contract_demand_is_that_of_a_scan_of_every_kw(ruleset: str) -> None:
    """Random customers in every way to bill above the contract, with 40 % floor, 260 rule, power factor and ties."""
    of = book()[ruleset]
    draw = np.random.default_rng(8)

    for rows in (1, 2, 12):
        target = customers(of, draw, 8, rows)
        kva = target.rows.columns["contract_kva"].values[::rows]
        low, high = draw.integers(0, 1 + kva // 2), kva + draw.integers(0, 20, len(kva))

        assert scanned([target], KW, low, high) == best_of(target, KW, low, high)


def test_contract_demand_is_that_of_decimals() -> None:
    """Way A over three months at 36.1 CNY, by the oracle: every kW from 300 to 800."""
    demands = [Decimal("512.4"), Decimal("640.0771"), Decimal("588")]
    price = Decimal("36.1")

    def whole(kw: int) -> Decimal:
        months = [contract_demand(Decimal(kw), one, price, "A").values() for one in demands]
        return sum((amount for month in months for amount in month), Decimal(0))

    expected = min((whole(kw), kw) for kw in range(300, 801))
    columns = {
        "basic_mode": Column(np.zeros(3, np.int64), codes=("contract_demand",)),
        "contract_kva": Column(np.full(3, 700)),
        "capacity_kva": Column(np.full(3, 700)),
        "kwh": Column(np.zeros(3, np.int64), 2),
        "demand_kw": Column(np.array([int(one * 10_000) for one in demands]), 4),
    }
    of = book()["kinds.basic_charge_a"]
    target = Target(of, rows_of(of, columns, 3), np.zeros(3, np.int64))

    ((total, kw),) = [one for one in best_of(target, KW, np.array([300]), np.array([800])) if one is not None]

    assert (Decimal(total).scaleb(-2), kw) == expected


def test_of_equal_values_the_smallest() -> None:
    """In way D a contract from demand / 1.05 up to demand / 0.95 costs the same; the first of them is given."""
    of = book()["kinds.basic_charge_d"]
    columns = {
        "basic_mode": Column(np.zeros(1, np.int64), codes=("contract_demand",)),
        "contract_kva": Column(np.array([0])),
        "capacity_kva": Column(np.array([1000])),
        "kwh": Column(np.zeros(1, np.int64), 2),
        "demand_kw": Column(np.array([1050 * 10_000]), 4),
    }
    target = Target(of, rows_of(of, columns, 1), np.zeros(1, np.int64))

    assert best_of(target, KW, np.array([0]), np.array([2_000_000])) == [(1050 * 3610, 1000)]


def test_few_values_are_priced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two million values of a contract, a few hundred are priced."""
    priced: list[int] = []
    price = Residual.price

    def counted(self: Residual, part: Whole, start: Whole, width: Whole) -> Priced:
        priced.append(len(part))
        return price(self, part, start, width)

    monkeypatch.setattr(Residual, "price", counted)
    target = customers(book()["kinds.basic_charge_b"], np.random.default_rng(3), 1, 1)

    cheapest([target], np.ones(1, np.bool_), KW, np.array([0]), np.array([2_000_000]))

    assert 0 < sum(priced) < 500


JUMPS = (
    HEAD
    + """\
inputs:
  x: {places: 1, from: -1000, to: 1000}
  a: {places: 2, from: -1000, to: 1000}
  b: {places: 0, from: 1, to: 50}
"""
    + NOT_PRICED
    + """\
refuse:
  gap: {when: "x > 10 and x < 25.5", field: x, message: no}
charges:
  near:    {kind: formula, amount: "abs(round(x - a, 0, half_even)) * 0.37[CNY]"}
  jump:    {kind: formula, amount: "(12[CNY] if x > a + 4 else 0) + (7.5[CNY] if x <= a or x == 40 else 1[CNY])"}
  fall:    {kind: formula, amount: "a * -0.2[CNY] if x >= b or x == 7 else x * -0.1[CNY]"}
  share:   {kind: formula, amount: "divide(x * x, b, 1, floor) * 0.001[CNY] + divide(x, b, 2, ceiling) * 1[CNY]"}
  corner:  {kind: formula, amount: "min(max(x, a), 60, 3 * b) * -0.29[CNY]"}
  rooted:  {kind: formula, amount: "sqrt(abs(x), 2, half_up) * 1[CNY]"}
"""
)


@pytest.fixture(scope="module")
def jumps(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The rule set above."""
    return compiled(tmp_path_factory.mktemp("jumps"), JUMPS)


def jumpy(of: Compiled, draw: np.random.Generator, count: int, rows: int) -> Target:
    """Customers of the rule set above."""
    columns = {
        "a": Column(draw.integers(-6000, 6000, count * rows), 2),
        "b": Column(np.repeat(draw.integers(1, 51, count), rows)),
    }
    return Target(of, rows_of(of, columns, count * rows), np.repeat(np.arange(count), rows))


def test_jumps_corners_products_and_refusals_are_met(jumps: Compiled) -> None:
    """Amounts that are no line in the input anywhere, values that are refused, steps that are not one."""
    draw = np.random.default_rng(11)
    target = jumpy(jumps, draw, 25, 3)
    best = Best("x", "", "", "", 3, 1)
    low = draw.integers(-200, 0, 25)
    high = low + draw.integers(0, 400, 25)

    assert scanned([target], best, low, high) == best_of(target, best, low, high)


def test_a_search_through_a_table_of_power_factors() -> None:
    """An input that is read through a power factor and the table of adjustments by it."""
    of = book()["cn.hubei.industry_commerce"]
    target = customers(of, np.random.default_rng(5), 6, 2)
    target.rows.columns["contract_kw"] = Column(target.rows.columns["contract_kva"].values)  # type: ignore[index]  # a dict
    best = Best("kvarh", "", "", "", 50_000, 2)
    low = np.arange(6)

    assert scanned([target], best, low, low + 90) == best_of(target, best, low, low + 90)


@pytest.mark.parametrize("ruleset", ["kinds.basic_charge_b", "kinds.basic_charge_d", "cn.hubei.industry_commerce"])
def test_bounds_hold_at_every_kw(ruleset: str) -> None:
    """The total of each customer lies within its line, all along stretches of any length."""
    target = customers(book()[ruleset], np.random.default_rng(9), 40, 1)

    assert_within(target, KW, np.arange(40) * 7)


def test_bounds_hold_over_jumps_and_corners(jumps: Compiled) -> None:
    """The same where no amount is a line, and where a stretch begins or ends with values that are refused."""
    target = jumpy(jumps, np.random.default_rng(4), 120, 1)

    assert_within(target, Best("x", "", "", "", 1, 1), np.arange(120) * 8 - 500)


def assert_within(target: Target, best: Best, start: Whole) -> None:
    """Hold every total that is billed against the bounds of stretches of 0 to 59 steps."""
    of, count = target.compiled, len(start)
    left = cut(of.program, best.input)
    assert left is not None
    width = np.arange(count) % 60
    residual = Residual(of, left, target.rows, target.account, best, np.zeros(count, np.int64))
    priced = residual.price(np.arange(count), start, width)
    row = np.repeat(np.arange(count), width + 1)
    t = np.concatenate([np.arange(one + 1) for one in width.tolist()])
    values = Column((start[row] + t) * best.step, best.places)
    done = evaluate(of, with_columns(some_rows(target.rows, row), {best.input: values}), totals_only=True)
    at, slope, low, high = (np.broadcast_to(one, count)[row][done.kept] for one in priced.bounds)
    line = at + slope * t[done.kept]

    assert len(done.total) > len(row) / 2
    assert (line + low <= done.total).all()
    assert (done.total <= line + high).all()
    assert not priced.never[row][done.kept].any()


def test_what_is_refused_at_every_value_is_told(jumps: Compiled) -> None:
    """A range within the refused gap has no lawful value."""
    of = jumps
    columns = {"a": Column(np.zeros(1, np.int64), 2), "b": Column(np.ones(1, np.int64))}
    target = Target(of, rows_of(of, columns, 1), np.zeros(1, np.int64))

    assert best_of(target, Best("x", "", "", "", 1, 1), np.array([120]), np.array([250])) == [None]


SPLIT = """\
ruleset: cn.test.small
source: {standing: example}
in_force: {from: 2024-01-01, until_replaced: true}
version_by: period_from
changes: split
values:
  price:
    unit: CNY/kW/day
    dated: [{from: 2024-01-01, through: 2026-01-19, printed: 1.13}, {from: 2026-01-20, printed: 0.97}]
inputs:
  contract: {unit: kW, places: 0, from: 0, to: 5000, split: "no"}
  demand:   {unit: kW, places: 1, from: 0, to: 5000, split: "no"}
energy: {not_priced: the test is about something else}
charges:
  held:     {kind: formula, amount: "contract * price * days * 0.333"}
  over:     {kind: formula, amount: "max(demand - 1.05 * contract, 0) * 2 * price * days * 0.333"}
"""


def test_rows_in_parts_are_summed(tmp_path: Path) -> None:
    """A price that changes within the month: a row is two parts, each rounded."""
    of = compiled(tmp_path, SPLIT)
    draw = np.random.default_rng(6)
    demand = Column(draw.integers(500, 3000, 12), 1)
    target = Target(of, rows_of(of, {"demand": demand}, 12), np.repeat(np.arange(4), 3))
    best = Best("contract", "", "", "", 1, 0)
    low, high = np.zeros(4, np.int64), np.full(4, 330)

    assert not isinstance(optimum._pricing(target, best, low), Scan)
    assert scanned([target], best, low, high) == best_of(target, best, low, high)


LISTS = (
    HEAD
    + """\
lists:
  points: {at_most: 20, inputs: {kw: {unit: kW, places: 1, from: 0, to: 1000}}}
inputs:
  level: {unit: kW, places: 1, from: 0, to: 1000}
"""
    + NOT_PRICED
    + """\
charges:
  apart: {kind: formula, amount: "sum(abs(points.kw - level)) * 1.00[CNY/kW]"}
"""
)


def test_what_goes_over_lists_is_scanned(tmp_path: Path) -> None:
    """The sum of distances from points is least at their median; the program cannot be cut: every value is priced."""
    of = compiled(tmp_path, LISTS)
    points = [[31, 250, 77], [400, 12, 900, 500, 640]]
    offsets = np.array([0, 3, 8])
    lists = Children(offsets, {"kw": Column(np.array([one for row in points for one in row]), 1)})
    target = Target(of, rows_of(of, {}, 2, points=lists), np.arange(2))
    low, high = np.zeros(2, np.int64), np.full(2, 1000)

    found = cheapest([target], np.ones(2, np.bool_), Best("level", "", "", "", 1, 1), low, high)

    assert isinstance(optimum._pricing(target, Best("level", "", "", "", 1, 1), low), Scan)
    assert found.tolist() == [77, 500]
