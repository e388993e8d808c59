"""demand: a price per kW (or kVA) of billing demand, flat or in tiers; for all hours, or for each demand period.

Billing demand is the largest of what was measured, a share of the contract, a share of the highest demand of the
months before (ratchet), and a minimum:
    billed = max(measured, contract.of * percent, highest(history) * percent, minimum)
`measured` is a value of the row, or one of a list: then its highest item counts, of those for which `only` holds
(a demand period, hours that were flagged as the system's peak). kWh of an interval list are made kW by its clock.
Limits of tiers are in kW: more months do not widen them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, LoweredRefusal
from engine.charges.items import check_read
from engine.charges.rounding import RoundTo, rounded_to
from engine.charges.tiers import DAY, MONTH, Tier, check_order, per_day_or, rising, split, whole_in
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Name, both, maximum, number, written
from engine.language.fields import FormulaField, IntField, Model, NameField, Priced, PricedField, TextField
from engine.language.units import DIMENSIONLESS, Unit, parse_unit

HOUR = parse_unit("h")[0]
PERCENT = Fraction(1, 100)


class Contract(Model):
    what = "the contract demand"

    of: FormulaField
    percent: PricedField | None = None


class Ratchet(Model):
    what = "a ratchet"

    history: FormulaField
    percent: PricedField
    months: IntField | None = None
    day: FormulaField | None = None
    only: FormulaField | None = None


class Billed(Model):
    """Keys of one billing demand."""

    what = "a demand"

    title: TextField | None = None
    measured: FormulaField | None = None
    only: FormulaField | None = None
    contract: Contract | None = None
    minimum: PricedField | None = None
    ratchet: Ratchet | None = None
    round_billed: RoundTo | None = None
    price: PricedField | None = None
    tiers: list[Tier] | None = None
    method: Literal["marginal", "whole"] = "marginal"
    at_limit: Literal["lower", "upper"] = "lower"


class DemandCharge(ChargeModel):
    measured: FormulaField | None = None
    only: FormulaField | None = None
    contract: Contract | None = None
    minimum: PricedField | None = None
    ratchet: Ratchet | None = None
    round_billed: RoundTo | None = None
    price: PricedField | None = None
    tiers: list[Tier] | None = None
    method: Literal["marginal", "whole"] = "marginal"
    at_limit: Literal["lower", "upper"] = "lower"
    periods: dict[NameField, Billed] | None = None


_KEYS = ("measured", "only", "contract", "minimum", "ratchet", "round_billed", "price", "tiers", "method", "at_limit")


def lower(charge: DemandCharge, context: Context) -> Lowered:
    """Lower to `billing demand * price`, times the months; a line for each period and tier."""
    lines: list[LoweredLine] = []
    refusals: list[LoweredRefusal] = []
    if charge.periods is None:
        _bill(charge, "", context, lines, refusals)
        return Lowered(tuple(lines), refusals=tuple(refusals))
    if not charge.periods:
        context.fail("nothing-listed", charge.place_of("periods"), key="periods")
    for key in _KEYS:
        if key in charge.model_fields_set:
            context.fail("demand-keys", charge.place_of(key), charge=context.name)
    for period, billed in charge.periods.items():
        _bill(billed, str(period), context, lines, refusals)
    return Lowered(tuple(lines), refusals=tuple(refusals))


def _bill(
    rule: DemandCharge | Billed, period: str, context: Context, lines: list[LoweredLine], refusals: list[LoweredRefusal]
) -> None:
    """The lines of one billing demand."""
    prefix = f"{period}." if period else ""
    if rule.measured is None or (rule.price is None) == (rule.tiers is None):
        context.fail("demand-keys", rule.place if period else context.place, charge=context.name)
    if rule.tiers is not None and not rule.tiers:
        context.fail("nothing-listed", rule.place_of("tiers"), key="tiers")
    check_read(rule, context, "method", "tiers", read=rule.tiers is not None)
    check_read(rule, context, "at_limit", "method: whole", read=rule.tiers is not None and rule.method == "whole")
    billed: Expr = context.define(f"{prefix}billed", _billed(rule, rule.measured, prefix, context))
    unit = context.unit_of(billed)
    title = str(rule.title or "") if period else ""
    if rule.price is not None:
        price = context.figure(f"{prefix}price", rule.price, _per_time(context, rule.price, unit))
        amount = context.per_period(billed * price)
        lines.append(LoweredLine(period, amount, title, billed, price, place=rule.place))
        return
    assert rule.tiers is not None
    for tier in rule.tiers[:-1]:
        if tier.up_to is None:
            context.fail("tier-without-limit", tier.place)
    if rule.tiers[-1].up_to is not None:
        context.fail("last-tier-with-limit", rule.tiers[-1].place_of("up_to"))
    named = [(f"{prefix}{k}.up_to", tier.up_to) for k, tier in enumerate(rule.tiers, 1) if tier.up_to is not None]
    check_order(context, [limit for _, limit in named])
    limits = [context.figure(path, limit, unit) for path, limit in named]
    refusals += rising(context, named, limits)
    if rule.method == "whole":
        found = whole_in(billed, billed, limits, rule.at_limit)
    else:
        found = [(None, part) for part in split(billed, None, limits)]
    for k, (tier, (reached, part)) in enumerate(zip(rule.tiers, found, strict=True), 1):
        price = context.figure(f"{prefix}{k}.price", tier.price, _per_time(context, tier.price, unit))
        quantity = context.define(f"{prefix}{k}.kw", part)
        name = " ".join(filter(None, (title, str(tier.title or ""))))
        amount = context.per_period(quantity * price)
        lines.append(LoweredLine(f"{prefix}{k}", amount, name, quantity, price, reached, place=tier.place))


def _per_time(context: Context, priced: Priced, unit: Unit) -> Unit:
    """Money per kW and month; a formula may be per day."""
    per = context.currency / unit
    return per_day_or(context, priced, per / DAY, per / MONTH)


def _billed(rule: DemandCharge | Billed, measured: Expr, prefix: str, context: Context) -> Expr:
    """The largest of what the rule names, rounded where it says so."""
    candidates = [_measured(rule, measured, context)]
    unit = context.unit_of(candidates[0])
    if rule.contract is not None:
        share = rule.contract.of
        if rule.contract.percent is not None:
            path = f"{prefix}contract.percent"
            share = share * context.figure(path, rule.contract.percent, DIMENSIONLESS, PERCENT)
        candidates.append(share)
    if rule.ratchet is not None:
        percent = context.figure(f"{prefix}ratchet.percent", rule.ratchet.percent, DIMENSIONLESS, PERCENT)
        highest = context.define(f"{prefix}ratchet.highest", _highest(rule.ratchet, context))
        candidates.append(highest * percent)
    if rule.minimum is not None:
        candidates.append(context.figure(f"{prefix}minimum", rule.minimum, unit))
    most = candidates[0] if len(candidates) == 1 else maximum(*candidates)
    return rounded_to(most, rule.round_billed, unit, context)


def _measured(rule: DemandCharge | Billed, measured: Expr, context: Context) -> Expr:
    """The highest demand of the row; kWh of intervals become kW."""
    on = context.list_of(measured)
    if not on:
        if rule.only is not None:
            told = {"key": "only", "formula": written(measured)}
            context.fail("demand-list", rule.place_of("only"), None, charge=context.name, **told)
        return measured
    if dict(context.unit_of(measured).dims).get("h") == 1:
        minutes = context.every(on)
        if minutes == 0:
            told = {"formula": written(measured), "list": on}
            context.fail("demand-of-energy", measured.place, None, charge=context.name, **told)
        measured = measured * number(60 // minutes, DIMENSIONLESS / HOUR)
    return _largest(measured, rule.only)


def _highest(ratchet: Ratchet, context: Context) -> Expr:
    """The highest demand of the months before: a value of the row, or the highest that a list has of them."""
    history = ratchet.history
    if not context.list_of(history):
        for key in ("months", "day", "only"):
            if getattr(ratchet, key) is not None:
                told = {"key": key, "formula": written(history)}
                context.fail("demand-list", ratchet.place_of(key), None, charge=context.name, **told)
        return history
    if (ratchet.months is None) != (ratchet.day is None) or (ratchet.months is not None and ratchet.months < 1):
        key = "months" if ratchet.day is None else "day"
        context.fail("ratchet-months", ratchet.place_of(key), charge=context.name)
    counts: Expr | None = ratchet.only
    if ratchet.months is not None and ratchet.day is not None:
        place = history.place
        ago = _month_number(Name("period_from", place=place)) - _month_number(ratchet.day)
        recent = both(
            Compare(">=", ago, number(1), place=place), Compare("<=", ago, number(ratchet.months), place=place)
        )
        counts = both(recent, ratchet.only)
    return _largest(history, counts)


def _month_number(day: Expr) -> Expr:
    """Months since the year 0, of a day."""
    return Call("year", (day,), place=day.place) * number(12) + Call("month", (day,), place=day.place)


def _largest(items: Expr, counts: Expr | None) -> Expr:
    """The largest item of those that count; zero where there is none."""
    of = items if counts is None else If(counts, items, ZERO, place=items.place)
    return Call("largest_item", (of, ZERO), place=items.place)


KIND = Kind("demand", DemandCharge, lower, linear=False)
