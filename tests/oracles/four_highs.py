"""The four highs of a customer, its kind, and its VIP level (四高客户画像、VIP等级).

Read from the rules: reliability is 0.6 of breaches (a theft is three) and 0.4 of the share of late fees; contribution
0.3 of the nature of use and 0.7 of the kWh a month; service 0.5 of the services a month and 0.5 of complaints a
service; potential is the growth, 60 where there is no year before. In all 0.25, 0.35, 0.20, 0.20.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.amounts import Refused
from tests.oracles.given import Given, number, word
from tests.oracles.periods import calendar_months
from tests.oracles.scores import Answer, below, ratio, score

D = Decimal
NATURE = {"large_industry": 100, "commerce": 80, "agriculture": 50, "residential": 40}


def profile(given: Given, period_from: date, period_to: date) -> dict[str, Decimal | str] | Refused:
    """Return the five scores and the points of the indicators."""
    services, complaints = number(given, "services"), number(given, "complaints")
    billed, late_fee = number(given, "billed_cny"), number(given, "late_fee_cny")
    if complaints > services or late_fee > billed or period_from < date(2020, 1, 1):
        return Refused(frozenset({"refused-by-rule", "no-price-in-force"}))
    months = D(calendar_months(period_from, period_to))
    breach = below(number(given, "breaches") + 3 * number(given, "thefts"), ["1", "2", "3"], [100, 60, 30, 0])
    share = _late_fee_share(billed, late_fee)
    nature = D(NATURE[word(given, "nature_of_use")])
    size = ["1000", "10000", "100000", "1000000"]
    kwh = below(ratio(number(given, "kwh"), months, 2), size, [20, 40, 60, 80, 100])
    served = below(ratio(services, months, 2), ["0.5", "1", "3"], [40, 60, 80, 100])
    complained = _complaints(complaints, services)
    grown = _growth(given)
    reliability = score([("0.60", breach), ("0.40", share)])
    contribution = score([("0.30", nature), ("0.70", kwh)])
    service = score([("0.50", served), ("0.50", complained)])
    potential = score([("1.00", grown)])
    found: dict[str, Decimal | str | None] = {
        "high_reliability.breach.points": breach,
        "high_contribution.nature.points": nature,
        "high_contribution.monthly_kwh.points": kwh,
        "high_service.monthly_services.points": served,
        "high_potential.growth.points": grown,
        "high_reliability": reliability,
        "high_contribution": contribution,
        "high_service": service,
        "high_potential": potential,
        "four_highs": score([("0.25", reliability), ("0.35", contribution), ("0.20", service), ("0.20", potential)]),
    }
    return {name: value for name, value in found.items() if value is not None}


def _late_fee_share(billed: Decimal, late_fee: Decimal) -> Decimal | None:
    if billed == 0:
        return None
    share = ratio(late_fee, billed, 5)
    return D(100) if share <= 0 else below(share, ["0.001", "0.01"], [80, 50, 0])


def _complaints(complaints: Decimal, services: Decimal) -> Decimal | None:
    if services == 0:
        return None
    rate = ratio(complaints, services, 4)
    return D(100) if rate <= 0 else below(rate, ["0.05", "0.20"], [70, 40, 0])


def _growth(given: Given) -> Decimal:
    before = number(given, "kwh_last_year", D(0))
    if before == 0:
        return D(60)
    growth = ratio(number(given, "kwh") - before, before, 3)
    return below(growth, ["-0.10", "0", "0.10", "0.30"], [20, 40, 60, 80, 100])


def customer(given: Given, period_from: date, period_to: date) -> Answer | Refused:
    """Return the scores and the kind of customer: four high, key, growing, to be watched, or ordinary."""
    found = profile(given, period_from, period_to)
    if isinstance(found, Refused):
        return found
    names = ("high_reliability", "high_contribution", "high_service", "high_potential")
    reliability, contribution, service, potential = (number(found, name) for name in names)
    if reliability < 60:
        kind = "watched"
    elif min(reliability, contribution, service, potential) >= 80:
        kind = "four_high"
    elif contribution >= 80:
        kind = "key"
    else:
        kind = "growing" if potential >= 80 else "ordinary"
    return {**found, "customer_kind": kind}


def vip(given: Given, period_from: date, period_to: date) -> Answer | Refused:
    """Return the scores and the level: gold from 85 (80 until the end of 2024), silver from 70, none with a theft."""
    found = profile(given, period_from, period_to)
    if isinstance(found, Refused):
        return found
    total, reliability = number(found, "four_highs"), number(found, "high_reliability")
    gold = 80 if period_to - timedelta(days=1) <= date(2024, 12, 31) else 85
    if number(given, "thefts") > 0:
        level = "barred"
    elif reliability < 60 or total < 70:
        level = "ordinary"
    else:
        level = "gold" if total >= gold else "silver"
    return {**found, "vip_level": level}
