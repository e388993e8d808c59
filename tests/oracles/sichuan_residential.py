"""Sichuan residential (notice of 2021-06-21): a monthly ladder, cheap nights, a fixed refund.

Read from the notice:
- 0.5224 yuan; +0.10 from 180 to 280 kWh a month, +0.30 above. From 2026-07-01 the first limit is 260 from July to
  September (one copy alone says so). A bill of two months has twice the limits.
- Valley (23 to 7 h): 0.1750 in June to October, 0.2535 otherwise, for single households that chose it; their valley
  kWh count in the tiers like the others.
- Shared meters and non-households at the residential price: 0.5464, no tiers. Whether they have the valley price two
  copies disagree on: not billed.
- Poor households: 7.84 yuan a month (15 x 0.5224 = 7.836) whatever they use, so a small bill goes below zero.
- A bill that runs over a change of the valley price or of the first limit is not billed whole. The July to September
  limit makes 1 July and 1 October such days in every year: the seasons of the rule are the notice's two, cut there.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles import free_quota
from tests.oracles.amounts import Bill, Lines, Refused, bill, hundred_digits, named
from tests.oracles.flat import flat
from tests.oracles.given import Given, number, truth
from tests.oracles.periods import crosses, months_of
from tests.oracles.tier_uplift import tier_uplift
from tests.oracles.time_of_use import time_of_use

PRICE = Decimal("0.5224")


def season(day: date) -> str:
    """Return the part of the year that a day's prices and limits depend on."""
    if 7 <= day.month <= 9:
        return "high summer"
    return "wet" if day.month in (6, 10) else "dry"


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one customer."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    kwh, months = number(given, "kwh"), months_of(period_from, period_to)
    lines: Lines = {}
    if given.get("user", "household") != "household":
        lines["energy_shared"] = flat(kwh, Decimal("0.5464"))
    else:
        if truth(given, "on_tou"):
            valley = number(given, "kwh_valley")
            night = Decimal("0.2535") if season(period_from) == "dry" else Decimal("0.1750")
            registers = {"flat": kwh - valley, "valley": valley}
            lines |= named("energy_tou", time_of_use(registers, {"flat": PRICE, "valley": night}))
        else:
            lines["energy"] = flat(kwh, PRICE)
        wide = season(period_from) == "high summer" and period_from >= date(2026, 7, 1)
        first = Decimal(260 if wide else 180) * months
        uplifts = [(first, Decimal("0.10")), (Decimal(280) * months, Decimal("0.30"))]
        lines |= named("tier_uplift", tier_uplift(kwh, uplifts))
    if truth(given, "low_income"):
        lines["free_quota"] = free_quota.refund_whatever_used(Decimal(15), PRICE, months)
    return bill(lines)


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    if period_from < date(2021, 7, 1):
        reasons.add("no-price-in-force")
    if crosses(period_from, period_to, season):
        reasons.add("period-crosses-change")
    on_tou, user = truth(given, "on_tou"), given.get("user", "household")
    if on_tou and given.get("kwh_valley") is None:
        return frozenset({*reasons, "missing-value"})
    if on_tou and (user != "household" or number(given, "kwh_valley") > number(given, "kwh")):
        reasons.add("refused-by-rule")
    if truth(given, "low_income") and user == "non_household":
        reasons.add("refused-by-rule")
    return frozenset(reasons)
