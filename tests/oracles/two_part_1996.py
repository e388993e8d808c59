"""A two-part customer under the rules of 1996, with the prices of the published exam bill.

Read from the rules and the example:
- Energy is (end - start) × PT × CT of each register; the flat period is the total less peak and valley. Lighting, a
  fixed quantity, is taken from the flat period first, then from peak and valley.
- 15 yuan/kVA/month; energy 0.45 in flat periods, 1.5 times that in peak, half in valley; lighting at 0.70.
- Suspension: from the day of sealing, 1/30 of the month for each day, in long and short months alike; one of less than
  15 days is charged in full. Within two years of connection the suspended part still pays half.
- Power factor 0.90, on basic charge (after suspension) and the energy of power use, not on lighting nor funds. Active
  kWh of the factor are the meter's: lighting included; kvarh are those forward and those in reverse.
- Three funds on every kWh, lighting included. Each line is rounded to fen.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles import deduction, power_factor
from tests.oracles.amounts import ZERO, Bill, Refused, bill, hundred_digits, named
from tests.oracles.basic_charge import capacity_in_thirtieths
from tests.oracles.capacity_in_service import thirtieths_billed
from tests.oracles.flat import flat
from tests.oracles.given import Given, items, number, truth
from tests.oracles.periods import months_of
from tests.oracles.time_of_use import time_of_use

ENERGY = {"peak": Decimal("0.675"), "flat": Decimal("0.45"), "valley": Decimal("0.225")}
FUNDS = {"loan_fund": Decimal("0.020"), "three_gorges_fund": Decimal("0.007"), "local_fund": Decimal("0.007")}
BASIC = Decimal("15.00")
HALF = Decimal("0.5")
NEVER = date(2099, 12, 31)  # where no day of sealing or unsealing is given


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one month."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    assert months_of(period_from, period_to) == 1, "a two-part customer is billed by the month"
    multiplier = number(given, "pt_ratio", Decimal(1)) * number(given, "ct_ratio", Decimal(1))
    total, peak, valley, forward, reverse = (_advance(given, name) * multiplier for name in REGISTERS)
    lighting = number(given, "kwh_lighting", ZERO)
    meter = {"peak": peak, "flat": total - peak - valley, "valley": valley}
    taken = deduction.deducted(meter, ["flat", "peak", "valley"], [("lighting", lighting, False)], clip=False)
    if isinstance(taken, Refused):
        return taken
    stays = [(number(item, "kva"), date.min, date.max) for item in items(given, "transformers")]
    sealed = [(number(item, "kva"), *_sealed(item)) for item in items(given, "transformers")]
    pays = HALF if truth(given, "within_two_years") else ZERO
    stood = thirtieths_billed(stays, sealed, (period_from, period_to), "inactive_days", pays)
    assert stood is not None, "no more is suspended than stands there"
    basic = {"basic.capacity": capacity_in_thirtieths(stood, BASIC)}
    energy = named("energy", time_of_use(taken[0], ENERGY))
    base = sum(basic.values(), ZERO) + sum(energy.values(), ZERO)
    adjustment = power_factor.adjustment(total, forward + reverse, Decimal("0.90"), base)
    funds = {fund: flat(total, price) for fund, price in FUNDS.items()}
    return bill(basic, energy, {"lighting": flat(lighting, Decimal("0.70")), "power_factor": adjustment}, funds)


REGISTERS = ("total", "peak", "valley", "reactive", "reverse")


def _advance(given: Given, register: str) -> Decimal:
    least = ZERO if register == "reverse" else None
    return number(given, f"{register}_end", least) - number(given, f"{register}_start", least)


def _sealed(item: Given) -> tuple[date, date]:
    first, end = item.get("sealed_day") or NEVER, item.get("unsealed_day") or NEVER
    assert isinstance(first, date), "sealed_day is no day"
    assert isinstance(end, date), "unsealed_day is no day"
    return first, end


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    if not (date(1996, 10, 8) <= period_from and period_to <= date(2024, 6, 1)):
        reasons.add("no-price-in-force")
    total, peak, valley, *reactive = (_advance(given, name) for name in REGISTERS)
    if min(total, peak, valley, *reactive) < 0 or total < peak + valley:
        reasons.add("refused-by-rule")
    if any(first > end for first, end in map(_sealed, items(given, "transformers"))):
        reasons.add("refused-by-rule")
    return frozenset(reasons)
