"""Satisfaction, credit, consumption ability and market segments of customers (满意度、信用、消费能力、市场细分)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from tests.oracles import portfolio_2025
from tests.oracles.amounts import Refused, hundred_digits
from tests.oracles.given import Given, number
from tests.oracles.periods import calendar_months
from tests.oracles.scores import Answer, below, ratio, score, up_to

D = Decimal
QUESTIONS = ("supply_quality", "price", "efficiency", "after_sales", "payment")
BY_RULE = Refused(frozenset({"refused-by-rule"}))


def satisfaction(given: Given, _: date, period_to: date) -> Answer | Refused:
    """Return the index of a questionnaire, ten points a mark; from 2026 supply weighs more and after-sales less."""
    in_2026 = period_to - timedelta(days=1) >= date(2026, 1, 1)
    weights = ("0.35", "0.20", "0.20", "0.10", "0.15") if in_2026 else ("0.30", "0.20", "0.20", "0.15", "0.15")
    marks = [given.get(f"{question}_answer") for question in QUESTIONS]
    found = score(
        (weight, None if mark is None else 10 * number(given, f"{question}_answer"))
        for question, weight, mark in zip(QUESTIONS, weights, marks, strict=True)
    )
    if found is None:
        return BY_RULE
    level = "dissatisfied" if found < 60 else "fair" if found < 80 else "satisfied" if found < 90 else "delighted"
    return {"satisfaction": found, "satisfaction_level": level}


@hundred_digits
def credit(given: Given, period_from: date, period_to: date) -> Answer | Refused:
    """Return the score, the grade, the days of grace, and how much may be paid later."""
    bills, late, longest = (number(given, name) for name in ("bills", "bills_late", "longest_late"))
    if late > bills or (late > 0 and longest == 0):
        return BY_RULE
    on_time = below(ratio(bills - late, bills, 4), ["0.75", "0.90", "1"], [0, 40, 70, 100]) if bills else D(60)
    lateness = up_to(longest, ["0", "10", "30"], [100, 70, 30, 0])
    lawful = below(number(given, "breaches") + 3 * number(given, "thefts"), ["1", "2"], [100, 50, 0])
    served = given.get("months_served")
    years = None if served is None else below(number(given, "months_served"), ["12", "36"], [40, 70, 100])
    found = score([("0.40", on_time), ("0.20", lateness), ("0.25", lawful), ("0.15", years)])
    assert found is not None
    grade = "d" if found < 40 else "c" if found < 60 else "b" if found < 85 else "a"
    later = {"a": 2, "b": 1}.get(grade, 0) * number(given, "billed_cny") / calendar_months(period_from, period_to)
    return {
        "credit": found,
        "credit.on_time.points": on_time,
        "credit_grade": grade,
        "grace_days": D({"a": 15, "b": 5}.get(grade, 0)),
        "credit_limit_cny": later.to_integral_value(rounding=ROUND_DOWN),
    }


@hundred_digits
def consumption_ability(given: Given, period_from: date, period_to: date) -> Answer | Refused:
    """Return the score against the portfolio of 2025, whose quantiles are computed here anew, and both tiers."""
    bills, late = number(given, "bills"), number(given, "bills_late")
    early = period_to - timedelta(days=1) < date(2025, 1, 1)
    if late > bills or early:
        return Refused(
            frozenset({"refused-by-rule"} if late > bills else ()) | ({"no-price-in-force"} if early else set())
        )
    months = D(calendar_months(period_from, period_to))
    monthly = ratio(number(given, "billed_cny"), months, 2)
    paid = up_to(monthly, _limits("monthly_cny", "0.2", "0.4", "0.6", "0.8"), [20, 40, 60, 80, 100])
    each, tier = None, "not_known"
    if given.get("household_size") is not None:
        use = ratio(number(given, "kwh"), months * number(given, "household_size"), 2)
        each = below(use, _limits("kwh_per_person", "0.25", "0.5", "0.75"), [25, 50, 75, 100])
        tiers = {D(0): "little", D(1): "usual", D(2): "much"}
        tier = tiers[below(use, _limits("kwh_per_person", "0.2", "0.8"), [0, 1, 2])]
    on_time = below(ratio(bills - late, bills, 4), ["0.80", "1"], [20, 60, 100]) if bills else D(60)
    found = score([("0.50", paid), ("0.30", each), ("0.20", on_time)])
    assert found is not None
    ability = "basic" if found < 40 else "low" if found < 60 else "middle" if found < 80 else "high"
    return {
        "consumption_ability": found,
        "consumption_ability.monthly_cny.points": paid,
        "ability_tier": ability,
        "use_tier": tier,
    }


def _limits(measure: str, *shares: str) -> list[str]:
    return [str(portfolio_2025.limit(measure, share)) for share in shares]


@hundred_digits
def market(given: Given, _: date, __: date) -> Answer | Refused:
    """Return growth, profit and the segment: growth from 0.10 and margin from 0.15 are high."""
    kwh, before = number(given, "kwh"), number(given, "kwh_last_year", D(0))
    revenue = number(given, "revenue_cny")
    profit = revenue - number(given, "cost_cny")
    growth = ratio(kwh - before, before, 4) if before else D(0)
    margin = ratio(profit, revenue, 4) if revenue else D(0)
    if kwh == 0:
        segment = "dormant"
    elif profit < 0:
        segment = "loss"
    elif before == 0:
        segment = "new"
    elif growth >= D("0.10"):
        segment = "star" if margin >= D("0.15") else "growing"
    else:
        segment = "mainstay" if margin >= D("0.15") else "other"
    return {"growth": growth, "margin": margin, "profit_cny": profit, "market_segment": segment}
