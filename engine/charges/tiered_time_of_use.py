"""tiered_time_of_use: a price for each tier × time-of-use period, a line a cell.

`scope: per_period`: each period's kWh climbs the ladder by itself.
`scope: pooled_pro_rata`: the total climbs the ladder, and each tier's kWh are shared among the periods in proportion.
With `share: kwh(2)` each cell's kWh are rounded to 2 places and the last period takes the tier's remainder; with
`share: exact` the cell's money is tier kWh × period kWh × price ÷ total kWh, rounded once.
"""

from __future__ import annotations

import re
from typing import Literal

from engine.charges.base import Context, Kind, Lowered, LoweredLine, LoweredRefusal, per_unit
from engine.charges.tiers import LadderModel, Limits, check_ladder, lower_limits, split
from engine.language.expressions import ZERO, Call, Compare, Expr, If, PartOf, total
from engine.language.fields import FormulaField, Model, NameField, PricedField, TextField
from engine.language.nodes import Text
from engine.language.reading import did_you_mean


class TierRow(Model):
    what = "a tier"

    title: TextField | None = None
    up_to: PricedField | None = None
    price: dict[NameField, PricedField]


class TieredTimeOfUse(LadderModel):
    quantity: dict[NameField, FormulaField]
    scope: Literal["per_period", "pooled_pro_rata"]
    share: TextField | None = None
    tiers: list[TierRow]


def lower(charge: TieredTimeOfUse, context: Context) -> Lowered:
    """Lower to a product a cell of tier × period."""
    check_ladder(charge, context)
    for row in charge.tiers:
        missing = [str(period) for period in charge.quantity if period not in row.price]
        extra = [period for period in row.price if period not in charge.quantity]
        if missing:
            place = row.place_of("price")
            context.fail("tou-period-not-priced", place, charge=context.name, missing=", ".join(missing))
        if extra:
            known = ", ".join(str(period) for period in charge.quantity)
            near = did_you_mean(extra[0], map(str, charge.quantity), row.price)
            context.fail("unknown-tou-period", extra[0].place, None, period=extra[0], known=known, **near)
    for row in charge.tiers[:-1]:
        if row.up_to is None:
            context.fail("tier-without-limit", row.place)
    if charge.tiers[-1].up_to is not None:
        context.fail("last-tier-with-limit", charge.tiers[-1].place_of("up_to"))
    written = [(f"{k}.up_to", row.up_to) for k, row in enumerate(charge.tiers, 1) if row.up_to is not None]
    pooled = total(list(charge.quantity.values()))
    limits = lower_limits(charge, context, written, pooled)
    cells = _per_period(charge, context, limits) if charge.scope == "per_period" else None
    lines: list[LoweredLine] = []
    if cells is None:
        lines = _pooled(charge, context, pooled, limits)
    else:
        for k, row in enumerate(charge.tiers, 1):
            for period in charge.quantity:
                kwh = context.define(f"{k}.{period}.kwh", cells[str(period)][k - 1])
                lines.append(_line(charge, context, k, row, str(period), kwh, None))
    shares = () if cells is not None else tuple(_share(charge, context, period) for period in charge.quantity)
    return Lowered(tuple(lines), energy=pooled, refusals=(*limits.rising, *shares))


def _per_period(charge: TieredTimeOfUse, context: Context, limits: Limits) -> dict[str, list[Expr]]:
    if charge.before is not None:
        context.fail("per-period-before", charge.place_of("before"), charge=context.name)
    return {str(period): split(quantity, None, limits.values) for period, quantity in charge.quantity.items()}


def _pooled(charge: TieredTimeOfUse, context: Context, pooled: Expr, limits: Limits) -> list[LoweredLine]:
    share = str(charge.share or "")
    rounding = re.fullmatch(r"kwh\((\d)\)", share)
    if rounding is None and share != "exact":
        key = "scope" if charge.share is None else "share"
        context.fail("share-not-declared", charge.place_of(key), charge=context.name)
    whole = context.define("kwh", pooled)
    nothing = Compare("==", whole, ZERO, place=charge.place)
    lines = []
    for k, (row, part) in enumerate(zip(charge.tiers, split(whole, charge.before, limits.values), strict=True), 1):
        tier = context.define(f"{k}.kwh", part)
        rest: Expr = tier
        periods = list(charge.quantity.items())
        for position, (period, quantity) in enumerate(periods):
            if rounding is None:
                lines.append(_line(charge, context, k, row, str(period), quantity, (tier, whole, nothing)))
                continue
            if position == len(periods) - 1:
                cell = rest
            else:
                places = int(rounding[1])
                shared = Call("divide", (quantity * tier, whole), places, "half_up", place=charge.place)
                cell = If(nothing, ZERO, PartOf(shared, tier, place=charge.place), place=charge.place)
            named = context.define(f"{k}.{period}.kwh", cell)
            rest = rest - named
            lines.append(_line(charge, context, k, row, str(period), named, None))
    return lines


def _share(charge: TieredTimeOfUse, context: Context, period: Text) -> LoweredRefusal:
    """That a period has a share of the whole: none is below zero."""
    quantity = charge.quantity[period]
    message = f"{context.name}: {{kwh}} kWh in {period} are no share of the whole"
    not_below = Compare(">=", quantity, ZERO, place=quantity.place)
    return LoweredRefusal(not_below, context.name, message, values=(("kwh", quantity),))


def _line(
    charge: TieredTimeOfUse,
    context: Context,
    k: int,
    row: TierRow,
    period: str,
    quantity: Expr,
    shared: tuple[Expr, Expr, Expr] | None,
) -> LoweredLine:
    priced = next(value for name, value in row.price.items() if str(name) == period)
    price = context.figure(f"{k}.{period}.price", priced, per_unit(context, quantity))
    title = str(row.title or "")
    if shared is None:
        return LoweredLine(f"{k}.{period}", quantity * price, title, quantity, price, place=row.place)
    tier, whole, nothing = shared
    exact = Call("divide", (tier * price * quantity, whole), context.minor_places, "half_up", place=row.place)
    amount = If(nothing, ZERO, PartOf(exact, tier * price, place=row.place), place=row.place)
    return LoweredLine(f"{k}.{period}", amount, title, None, price, place=row.place)


KIND = Kind("tiered_time_of_use", TieredTimeOfUse, lower)
