"""Thirteen real rates, imported, bill as NREL's PySAM does: every month, every component, both interpreters.

The expected amounts are PySAM's (README.md beside this file says from where, and by which conventions), which an
independent calculator had confirmed. Tolerance: half a cent a component, because the saved amounts are unrounded
doubles, our loads are rounded to 6 decimals and our lines to 6.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.compiler.program import Compiled
from engine.urdb.rate import read_rate
from engine.urdb.translate import translate
from tests.urdb.billing import FIRST_DAYS, HERE, INTERPRETERS, by_ledger, imported, options, year_of

HALF_A_CENT = Decimal("0.005")
SCOPES = {"opt0": "pooled_pro_rata", "opt2": "pooled_chronological", "ratchet": None}
LEDGERS = {
    "energy": "energy",
    "demand_flat": "demand_flat",
    "demand_tou": "demand_tou",
    "fixed": "fixed",
    "minimum_topup": "minimum",
    "total": "total",
}
BILLS = sorted((HERE / "cases").glob("*/bill_*.json"))
RATCHET = HERE / "cases" / "ratchet35_wallingford_v8"


def _rate_set(bill: Path, rate: str) -> Compiled:
    scope = SCOPES[bill.stem.rpartition("_")[2]]
    left_out = frozenset({"demandreactivepowercharge"} if bill.parent == RATCHET else ())
    return imported((bill.parent / rate).read_text(encoding="utf-8"), options(tier_scope=scope, without=left_out))


def _days_for_months(rate: dict[str, Any], month: int) -> Any:
    """What PySAM's 365/12 days a month bill more of a price per day than the actual days do."""
    if rate["fixedchargeunits"] != "$/day":
        return Decimal(0)
    days = (FIRST_DAYS[month + 1] - FIRST_DAYS[month]).days
    return rate["fixedchargefirstmeter"] * (Decimal(365) / 12 - days)


def test_every_saved_bill_is_compared() -> None:
    assert len(BILLS) == 12 * 4 + 3
    assert len({bill.parent for bill in BILLS}) == 13


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("bill", BILLS, ids=lambda bill: f"{bill.parent.name}-{bill.stem}")
def test_bills_as_pysam(bill: Path, interpreter: str) -> None:
    """Energy, demand, fixed charges, minimum and total of twelve months."""
    compiled = _rate_set(bill, "rate.json")
    saved = json.loads(bill.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    rate = json.loads((bill.parent / "rate.json").read_text(encoding="utf-8"), parse_float=Decimal)
    rate.setdefault("fixedchargeunits", "$/month")
    rows = year_of(compiled, bill.stem.removeprefix("bill_").rpartition("_")[0])

    bills = [by_ledger(compiled, one) for one in INTERPRETERS[interpreter](compiled, rows)]

    apart = []
    for month, ours in enumerate(bills):
        for component, ledger in LEDGERS.items():
            amount = ours.get(ledger, Decimal(0))
            if component in ("fixed", "total"):
                amount += _days_for_months(rate, month)
            if abs(amount - saved[component][month]) > HALF_A_CENT:
                apart.append((month + 1, component, amount, saved[component][month]))
    assert apart == []


@pytest.mark.parametrize("case", ["demandtou_sce_gs2b", "tiered_fpl_rs1"])
def test_an_older_rate_bills_the_same(case: str) -> None:
    """`fixedmonthlycharge` of version 7 is the `fixedchargefirstmeter` of version 8."""
    new, old = (
        translate(read_rate((HERE / "cases" / case / name).read_text(encoding="utf-8")), options()).ruleset
        for name in ("rate.json", "rate_original.json")
    )

    assert new == old


def test_an_older_ratchet_bills_the_same() -> None:
    """`demandratchetpercentage` of version 7 does not say how far back; 11 months are taken, and told of."""
    rate = json.loads((RATCHET / "rate.json").read_text(encoding="utf-8"), parse_float=Decimal)
    old = {name: value for name, value in rate.items() if not name.startswith("lookback")}

    new_one, old_one = (translate(read_rate(json.dumps(one, default=str)), options()) for one in (rate, old))

    assert new_one.ruleset == old_one.ruleset
    (ratchet,) = (entry for entry in old_one.entries if entry.field == "demandratchetpercentage")
    assert ratchet.text.endswith("it does not say how far back: 11 months")


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_ratchet_as_reopt_expects(interpreter: str) -> None:
    """100 × (10.5 + 0.35 × 10.5 × 5 + 0.35 × 11.5 × 6) = 5302.50, as README.md quotes REopt.jl."""
    compiled = _rate_set(RATCHET / "bill_impulse100_ratchet.json", "rate.json")

    bills = INTERPRETERS[interpreter](compiled, year_of(compiled, "impulse100"))

    assert sum(by_ledger(compiled, bill)["demand_flat"] for bill in bills) == Decimal("5302.50")


def test_the_reactive_charge_that_pysam_drops() -> None:
    """2.70 a kVAR: 40 kvar more are 108.00 more. NREL's converter drops the field without a word."""
    text = (RATCHET / "rate.json").read_text(encoding="utf-8")
    compiled = imported(text, options())
    (january, *_) = year_of(compiled, "com_ssc")
    saved = json.loads((RATCHET / "bill_com_ssc_ratchet.json").read_text(encoding="utf-8"), parse_float=Decimal)
    row = type(january)({**january.given, "kvar": Decimal(40)}, january.period_from, january.period_to)

    (bill,) = INTERPRETERS["reference"](compiled, [row])

    ours = by_ledger(compiled, bill)
    assert ours["reactive"] == Decimal("108.00")
    assert abs(ours["total"] - Decimal("108.00") - saved["total"][0]) <= HALF_A_CENT
