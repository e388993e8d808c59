"""The example customers of `docs/examples` are billed and advised as plain decimals and a scan of every kW say."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from engine.advice.advise import advise
from engine.advice.result import AdviceResult, Advised
from engine.commands.test import run_case
from engine.compiler.compile import RateBook, compile_paths
from engine.evaluator.rows import EPOCH, Column, Rows
from tests.documents import ROOT
from tests.oracles import basic_charge, power_factor, time_of_use
from tests.oracles.flat import flat

D = Decimal

EXAMPLES: Final = ROOT / "docs" / "examples"
PERIODS: Final = ("sharp", "peak", "flat", "valley")
FUNDS: Final = (D("0.0200"), D("0.0062"), D("0.0190"))
# what a period adds to agency price and losses, as a share of both: in January, July, August, December; in others
HIGH: Final = (D("1.00"), D("0.50"), D(0), D("-0.55"))
OTHER: Final = (D("0.80"), D("0.50"), D(0), D("-0.50"))
# agency price, from January on
AGENCY: Final = ("0.386", *("0.376",) * 5, *("0.396",) * 2, *("0.381",) * 3, "0.391")


@cache
def book() -> RateBook:
    return compile_paths(
        [
            EXAMPLES / "advice",
            ROOT / "rules" / "cn" / "national" / "industry_commerce.advice.yaml",
            *(ROOT / "rules" / "cn" / place for place in ("example", "jiangsu", "shanghai")),
        ]
    )


@cache
def customers() -> tuple[Mapping[str, str], ...]:
    """Return the rows of the file, a cell that is empty left out."""
    with (EXAMPLES / "customers_2026.csv").open(encoding="utf-8", newline="") as file:
        return tuple({name: cell for name, cell in row.items() if cell != ""} for row in csv.DictReader(file))


@cache
def advice() -> AdviceResult:
    """Advise every customer of the file."""
    rows = customers()
    keys = ("row_id", "account", "ruleset", "period_from", "period_to")
    names = sorted({name for row in rows for name in row} - set(keys))
    columns = {}
    for name in names:
        values = np.empty(len(rows), dtype=object)
        values[:] = [row[name] == "true" if name == "on_tou" and name in row else row.get(name) for row in rows]
        columns[name] = Column(values)
    codes = tuple(sorted({row["ruleset"] for row in rows}))
    return advise(
        book(),
        Rows(
            row_id=np.array([row["row_id"] for row in rows], dtype=object),
            ruleset=Column(np.array([codes.index(row["ruleset"]) for row in rows]), codes=codes),
            period_from=np.array([date.fromisoformat(row["period_from"]).toordinal() - EPOCH for row in rows]),
            period_to=np.array([date.fromisoformat(row["period_to"]).toordinal() - EPOCH for row in rows]),
            columns=columns,
        ),
        [row["account"] for row in rows],
    )


def _advised(account: str) -> Advised:
    (found,) = [one for one in advice().advised if one.account == account]
    return found


def _months(account: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    return ((int(row["period_from"][5:7]), row) for row in customers() if row["account"] == account)


def _energy(month: int, row: Mapping[str, str]) -> Decimal:
    """Return the energy charge of a 10 kV two-part customer, from the components of the example notices."""
    agency = D(AGENCY[month - 1])
    moves = HIGH if month in (1, 7, 8, 12) else OTHER
    rest = D("0.13") + D("0.08") + sum(FUNDS)
    floats = agency + D("0.014")
    printed = {period: floats + rest + share * floats for period, share in zip(PERIODS, moves, strict=True)}
    kwh = {period: D(row[f"kwh_{period}"]) for period in PERIODS}
    return sum(time_of_use.time_of_use(kwh, printed, less=list(FUNDS)).values(), D(0))


def _bill(energy: Decimal, basic: Decimal, row: Mapping[str, str]) -> Decimal:
    """Return the bill of a month: energy, basic charge, what the power factor makes of both, and the funds."""
    kwh = sum((D(row[f"kwh_{period}"]) for period in PERIODS), D(0))
    base = energy + basic
    adjustment = power_factor.adjustment(kwh, D(row["kvarh"]), D("0.90"), base)
    return base + adjustment + sum((flat(kwh, price) for price in FUNDS), D(0))


def _under_contract(contract_kw: int, row: Mapping[str, str]) -> Decimal:
    """Return the basic charge of a month for a contract demand, at 40 CNY/kW."""
    kwh = sum((D(row[f"kwh_{period}"]) for period in PERIODS), D(0))
    price = basic_charge.demand_price(D("40.0"), kwh, D(row["contract_kva"]))
    contract = basic_charge.floored_contract(D(contract_kw), D(row["contract_kva"]))
    measured = D(row.get("demand_kw", row.get("measured_kw", "")))
    return sum(basic_charge.contract_demand(contract, measured, price, over="A").values(), D(0))


def test_every_example_customer_is_advised() -> None:
    """Each of the eleven has twelve months, every one of them billed, and some lawful alternative."""
    result = advice()

    assert result.unadvised == ()
    assert [(len(one.rows), len(one.bills)) for one in result.advised] == [(12, 12)] * 11
    assert all(any(outcome.state == "billed" for outcome in one.outcomes) for one in result.advised)


@pytest.mark.parametrize("account", ["42010001", "42010003"])
def test_best_contract_is_the_cheapest_of_every_kw(account: str) -> None:
    """Of all whole kW from 40 per cent of the transformers to all of them none is cheaper, in plain decimals."""
    months = [(row, _energy(month, row)) for month, row in _months(account)]
    kva = int(months[0][0]["contract_kva"])
    totals = {
        kw: sum((_bill(energy, _under_contract(kw, row), row) for row, energy in months), D(0))
        for kw in range(-(-kva * 2 // 5), kva + 1)
    }
    cheapest = min(totals, key=lambda kw: (totals[kw], kw))

    advised = _advised(account)
    (found,) = [one for one in advised.outcomes if one.alternative == "contract_at_best"]

    assert (found.best, found.total) == (cheapest, int(totals[cheapest] * 100))
    assert found.saving == advised.total - int(totals[cheapest] * 100)


def test_bills_of_a_year_by_capacity() -> None:
    """Twelve bills of the factory as they are, and with one of its two transformers suspended in February."""
    now = [_bill(_energy(month, row), D(row["capacity_kva"]) * 25, row) for month, row in _months("42010001")]
    suspended = [
        _bill(_energy(month, row), (D(row["capacity_kva"]) - D(row["idle_kva"])) * 25, row)
        for month, row in _months("42010001")
    ]

    advised = _advised("42010001")
    (found,) = [one for one in advised.outcomes if one.alternative == "suspend_idle"]

    assert list(advised.bills) == [int(bill * 100) for bill in now]
    assert list(found.bills) == [int(bill * 100) for bill in suspended]


def test_what_a_customer_does_not_give_is_named() -> None:
    """The cold store does not say what it could suspend: that alternative is not known, the others are billed."""
    outcomes = {one.alternative: one for one in _advised("42010002").outcomes}

    assert (outcomes["suspend_idle_demand"].state, outcomes["suspend_idle_demand"].total) == ("not_known", None)
    assert "idle_kva" in outcomes["suspend_idle_demand"].reason
    assert outcomes["by_capacity"].state == "billed"


def _marked() -> list[Path]:
    return sorted(path for folder in (EXAMPLES / "advice", ROOT / "rules/cn/example") for path in folder.glob("*.yaml"))


@pytest.mark.parametrize("path", _marked(), ids=lambda path: path.name)
def test_examples_say_that_they_are_examples(path: Path) -> None:
    """Made-up prices are marked: each file's source has the standing `example`, and its id says so too."""
    text = path.read_text(encoding="utf-8")

    kind = next(line for line in text.splitlines() if not line.startswith("#"))
    assert kind.split(": ")[1].startswith("cn.example.")
    assert "\nsource: {standing: example" in text


def test_example_rule_sets_pass_their_tests() -> None:
    """The made-up province and packages have tests by hand, and they hold."""
    ours = [one for name, one in book().rulesets.items() if name.startswith("cn.example.")]

    assert len(ours) == 6
    assert all(one.tests for one in ours)
    assert [problem for one in ours for case in one.tests for problem in run_case(one, case)] == []
