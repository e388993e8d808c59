"""Guangdong residential: a monthly ladder with summer limits, Zhanjiang and Shenzhen, known from 2026-01-01.

Read from the notices:
- Summer is May to October: 260 / 600 kWh a month; the other months 200 / 400. A bill of two months has twice that; one
  that runs from one season into the other is not billed whole.
- Every kWh at the city's price; +0.05 on the kWh between the limits and +0.30 on those above the second, the whole
  province alike, peak and valley customers too (their total decides).
- Households of five and more: 100 kWh a month on each limit, so that the tiers keep their width.
- Shared meters: one price 0.037 above, no tiers, no time of use.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles.amounts import ZERO, Bill, Lines, Refused, bill, hundred_digits, named
from tests.oracles.flat import flat
from tests.oracles.given import Given, number, truth, word
from tests.oracles.periods import crosses, months_of
from tests.oracles.tier_uplift import tier_uplift
from tests.oracles.time_of_use import time_of_use

HOUSEHOLD = {"zhanjiang": Decimal("0.6002"), "shenzhen": Decimal("0.6542")}
TIME_OF_USE = {
    "zhanjiang": {"peak": Decimal("0.9903"), "flat": Decimal("0.6002"), "valley": Decimal("0.3001")},
    "shenzhen": {"peak": Decimal("1.1121"), "flat": Decimal("0.6542"), "valley": Decimal("0.2486")},
}
PERIODS = ("peak", "flat", "valley")


def summer(day: date) -> bool:
    """Say whether a day has the summer limits."""
    return 5 <= day.month <= 10


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one household."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    city, kwh = word(given, "city"), number(given, "kwh")
    household = given.get("meter", "household") == "household"
    lines: Lines = {}
    if truth(given, "on_tou"):
        registers = {period: number(given, f"kwh_{period}") for period in PERIODS}
        lines |= named("energy_tou", time_of_use(registers, TIME_OF_USE[city]))
    else:
        lines["energy"] = flat(kwh, HOUSEHOLD[city] + (ZERO if household else Decimal("0.037")))
    if household:
        months = months_of(period_from, period_to)
        first, second = (260, 600) if summer(period_from) else (200, 400)
        widen = 100 if number(given, "household_size", Decimal(1)) >= 5 else 0
        uplifts = [
            (Decimal((first + widen) * months), Decimal("0.05")),
            (Decimal((second + widen) * months), Decimal("0.30")),
        ]
        lines |= named("tier_uplift", tier_uplift(kwh, uplifts))
    return bill(lines)


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    if period_from < date(2026, 1, 1):
        reasons.add("no-price-in-force")
    if crosses(period_from, period_to, summer):
        reasons.add("period-crosses-change")
    if not truth(given, "on_tou"):
        return frozenset(reasons)
    if any(given.get(f"kwh_{period}") is None for period in PERIODS):
        return frozenset({*reasons, "missing-value"})
    if number(given, "kwh") != sum((number(given, f"kwh_{period}") for period in PERIODS), ZERO):
        reasons.add("refused-by-rule")
    if given.get("meter", "household") != "household":
        reasons.add("refused-by-rule")
    return frozenset(reasons)
