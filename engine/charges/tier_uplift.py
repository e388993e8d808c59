"""tier_uplift: what is added to the price above each limit, a line a limit; the energy itself is priced elsewhere.

Each uplift is against the base price and holds between its limit and the next.
"""

from __future__ import annotations

from engine.charges.base import Context, Kind, Lowered, LoweredLine, per_unit
from engine.charges.tiers import LadderModel, check_ladder, lower_limits, split, used_before
from engine.language.fields import FormulaField, Model, PricedField, TextField


class Uplift(Model):
    what = "a tier"

    title: TextField | None = None
    above: PricedField
    price: PricedField


class TierUplift(LadderModel):
    quantity: FormulaField
    tiers: list[Uplift]


def lower(charge: TierUplift, context: Context) -> Lowered:
    """Lower to `part of the quantity above the limit * uplift`."""
    check_ladder(charge, context)
    written = [(f"{k}.above", tier.above) for k, tier in enumerate(charge.tiers, 1)]
    limits = lower_limits(charge, context, written, charge.quantity)
    unit = per_unit(context, charge.quantity)
    parts = split(charge.quantity, used_before(charge, context, charge.quantity), limits.values)[1:]
    lines = []
    for k, (tier, part) in enumerate(zip(charge.tiers, parts, strict=True), 1):
        price = context.figure(f"{k}.price", tier.price, unit)
        quantity = context.define(f"{k}.kwh", part)
        lines.append(LoweredLine(str(k), quantity * price, str(tier.title or ""), quantity, price, place=tier.place))
    return Lowered(tuple(lines), refusals=limits.rising)


KIND = Kind("tier_uplift", TierUplift, lower)
