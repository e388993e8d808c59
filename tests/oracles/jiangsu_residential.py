"""Jiangsu residential: an annual ladder, 2760 / 4800 kWh a calendar year, from 2012-07-01.

Read from the notices:
- 0.5283 yuan in tier 1, 0.05 and 0.30 more in tiers 2 and 3; 0.0100 less from 1 to 10 kV. (Two copies print tier 2 as
  0.5738: a misprint of 0.5783.)
- Households of five and more: 100 kWh a month, 1200 a year, on each limit.
- Shared meters (合表): one price, no tiers. Optional peak and valley for single households below 1 kV: the tiers are of
  the total, then +0.03 on peak and -0.17 on valley kWh, each a line of its own.
- Poor households: 15 kWh a month at the tier-1 price, refunded after billing, of what was used; known from 2021-03-01.
- What was used this year before the bill stands under it; the year's first bill starts at what it says, not at zero.
- A bill that runs over 1 January has two ladder years in it and is not billed whole.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles import free_quota, tiered
from tests.oracles.amounts import ZERO, Bill, Lines, Refused, bill, hundred_digits, named
from tests.oracles.flat import flat
from tests.oracles.given import Given, number, truth
from tests.oracles.periods import crosses, months_of

FIRST = {"below_1kv": Decimal("0.5283"), "from_1_to_10kv": Decimal("0.5183")}
SHARED = {"below_1kv": Decimal("0.5483"), "from_1_to_10kv": Decimal("0.5383")}


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one household."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    voltage = str(given.get("voltage", "below_1kv"))
    first = FIRST[voltage]
    kwh = used(given)
    lines: Lines = {}
    if given.get("meter", "household") == "household":
        widen = Decimal(1200) if number(given, "household_size", Decimal(1)) >= 5 else ZERO
        tiers: list[tiered.Tier] = [
            (Decimal(2760), first),
            (Decimal(4800), first + Decimal("0.05")),
            (None, first + Decimal("0.30")),
        ]
        lines |= named("energy", tiered.marginal(kwh, tiers, number(given, "kwh_year_before"), widen))
    else:
        lines["energy_shared"] = flat(kwh, SHARED[voltage])
    if truth(given, "on_tou"):
        lines["peak"] = flat(number(given, "kwh_peak"), Decimal("0.03"))
        lines["valley"] = flat(number(given, "kwh_valley"), Decimal("-0.17"))
    if truth(given, "low_income"):
        lines["free_quota"] = free_quota.refund(Decimal(15), kwh, first, months_of(period_from, period_to))
    return bill(lines)


def used(given: Given) -> Decimal:
    """Return the kWh of the bill: the total register where there is one, else peak and valley."""
    if given.get("kwh_total") is not None:
        return number(given, "kwh_total")
    return number(given, "kwh_peak") + number(given, "kwh_valley")


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    household = given.get("meter", "household") == "household"
    on_tou, low_income = truth(given, "on_tou"), truth(given, "low_income")
    total = given.get("kwh_total")
    if period_from < date(2012, 7, 1):
        reasons.add("no-price-in-force")
    if crosses(period_from, period_to, lambda day: day.year):
        reasons.add("period-crosses-change")
    registers = [given.get("kwh_peak"), given.get("kwh_valley")]
    if (on_tou or total is None) and None in registers:
        reasons.add("missing-value")
    if household and given.get("kwh_year_before") is None:
        reasons.add("missing-value")
    if "missing-value" in reasons:
        return frozenset(reasons)
    if on_tou and total is not None and total != number(given, "kwh_peak") + number(given, "kwh_valley"):
        reasons.add("refused-by-rule")
    if on_tou and (not household or given.get("voltage") == "from_1_to_10kv"):
        reasons.add("refused-by-rule")
    if low_income and (not household or period_from < date(2021, 3, 1)):
        reasons.add("refused-by-rule")
    return frozenset(reasons)
