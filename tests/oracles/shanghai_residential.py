"""Shanghai residential, the price list published on 2020-07-27: an annual ladder whose steps differ by period.

Read from the list:
- 0.617 / 0.667 / 0.917 with 3120 and 4800 kWh a calendar year. Peak and valley customers 0.617 / 0.307 in tier 1,
  0.677 / 0.337 in tier 2, 0.977 / 0.487 in tier 3: the step is not the same on peak as on valley kWh, so each tier's
  kWh have to be divided over the two. The list does not say how; pro rata of the bill, to 0.01 kWh, the rest of a
  tier to valley, is the usual practice and what the rule set declares.
- Five people and more: 1200 kWh a year on each limit.
- Non-households at the residential price: 0.641 below 1 kV, 0.636 at 10 kV, no tiers, no time of use.
- A bill that runs over 1 January has two ladder years in it and is not billed whole.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles import tiered, tiered_time_of_use
from tests.oracles.amounts import ZERO, Bill, Refused, bill, hundred_digits, named
from tests.oracles.flat import flat
from tests.oracles.given import Given, number, truth
from tests.oracles.jiangsu_residential import used
from tests.oracles.periods import crosses

TIERS: list[tiered.Tier] = [
    (Decimal(3120), Decimal("0.617")),
    (Decimal(4800), Decimal("0.667")),
    (None, Decimal("0.917")),
]
TOU: list[tiered_time_of_use.Tier] = [
    (Decimal(3120), {"peak": Decimal("0.617"), "valley": Decimal("0.307")}),
    (Decimal(4800), {"peak": Decimal("0.677"), "valley": Decimal("0.337")}),
    (None, {"peak": Decimal("0.977"), "valley": Decimal("0.487")}),
]
NON_HOUSEHOLD = {"below_1kv": Decimal("0.641"), "at_10kv": Decimal("0.636")}


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one customer."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    if given.get("user", "household") != "household":
        return bill({"energy_non_household": flat(used(given), NON_HOUSEHOLD[str(given.get("voltage", "below_1kv"))])})
    before = number(given, "kwh_year_before")
    widen = Decimal(1200) if number(given, "household_size", Decimal(1)) >= 5 else ZERO
    if not truth(given, "on_tou"):
        return bill(named("energy", tiered.marginal(used(given), TIERS, before, widen)))
    registers = {"peak": number(given, "kwh_peak"), "valley": number(given, "kwh_valley")}
    return bill(named("energy_tou", tiered_time_of_use.pooled_pro_rata(registers, TOU, 2, before, widen)))


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    if period_from < date(2020, 7, 27):
        reasons.add("no-price-in-force")
    if crosses(period_from, period_to, lambda day: day.year):
        reasons.add("period-crosses-change")
    household, on_tou = given.get("user", "household") == "household", truth(given, "on_tou")
    total, registers = given.get("kwh_total"), [given.get("kwh_peak"), given.get("kwh_valley")]
    if (on_tou or total is None) and None in registers:
        reasons.add("missing-value")
    if household and given.get("kwh_year_before") is None:
        reasons.add("missing-value")
    if "missing-value" in reasons:
        return frozenset(reasons)
    if on_tou and total is not None and total != number(given, "kwh_peak") + number(given, "kwh_valley"):
        reasons.add("refused-by-rule")
    if on_tou and not household:
        reasons.add("refused-by-rule")
    if household and given.get("voltage") == "at_10kv":
        reasons.add("refused-by-rule")
    return frozenset(reasons)
