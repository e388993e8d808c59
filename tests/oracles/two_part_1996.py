"""A two-part customer under the rules of 1996, with the prices of the published exam bill.

Read from the rules and the example:
- 15 yuan/kVA/month; energy 0.45 in flat periods, 1.5 times that in peak, half in valley; lighting, a fixed quantity
  taken out of the flat period beforehand, at 0.70.
- Suspension: from 15 days on, 1/30 of the month for each day, in long and short months alike; below 15 days nothing.
  Within two years of connection the suspended part still pays half.
- Power factor 0.90, on basic charge (after suspension) and the energy of power use, not on lighting nor funds. Active
  kWh of the factor are the meter's: lighting included.
- Three funds on every kWh, lighting included. Each line is rounded to fen.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles import power_factor
from tests.oracles.amounts import ZERO, Bill, Lines, Refused, bill, half_up, hundred_digits, named
from tests.oracles.basic_charge import capacity
from tests.oracles.flat import flat
from tests.oracles.given import Given, number, truth
from tests.oracles.periods import months_of
from tests.oracles.time_of_use import time_of_use

ENERGY = {"peak": Decimal("0.675"), "flat": Decimal("0.45"), "valley": Decimal("0.225")}
FUNDS = {"loan_fund": Decimal("0.020"), "three_gorges_fund": Decimal("0.007"), "local_fund": Decimal("0.007")}
BASIC = Decimal("15.00")


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one month."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    assert months_of(period_from, period_to) == 1, "a two-part customer is billed by the month"
    kwh = {period: number(given, f"kwh_{period}") for period in ENERGY}
    lighting = number(given, "kwh_lighting", ZERO)
    total = sum(kwh.values(), lighting)
    lines: Lines = {"basic": capacity(number(given, "capacity_kva"), BASIC)}
    days = number(given, "suspended_days", ZERO)
    if days > 0:
        free = number(given, "suspended_kva", ZERO) / (2 if truth(given, "within_two_years") else 1)
        lines["suspension"] = half_up(-free * BASIC * days / 30) if days >= 15 else half_up(ZERO)
    energy = named("energy", time_of_use(kwh, ENERGY))
    base = sum(lines.values(), ZERO) + sum(energy.values(), ZERO)
    adjustment = power_factor.adjustment(total, number(given, "kvarh"), Decimal("0.90"), base)
    funds = {fund: flat(total, price) for fund, price in FUNDS.items()}
    return bill(lines, energy, {"lighting": flat(lighting, Decimal("0.70")), "power_factor": adjustment}, funds)


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    if not (date(1996, 10, 8) <= period_from and period_to <= date(2024, 6, 1)):
        reasons.add("no-price-in-force")
    suspended, days = number(given, "suspended_kva", ZERO), number(given, "suspended_days", ZERO)
    if suspended > number(given, "capacity_kva") or (days > 0 and suspended == 0):
        reasons.add("refused-by-rule")
    return frozenset(reasons)
