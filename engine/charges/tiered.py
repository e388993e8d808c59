"""tiered: a residential ladder. `marginal`: each tier's kWh at its own price, a line a tier. `uplift` (递增): all
kWh at the first tier's price, then each higher tier's kWh at the difference. Both give the same money before
rounding; notices print one or the other. `whole`: all kWh at the price of the tier that the use reaches.
"""

from __future__ import annotations

from typing import Literal

from engine.charges.base import Context, Kind, Lowered, LoweredLine, per_unit
from engine.charges.items import check_read
from engine.charges.tiers import (
    LadderModel,
    Tier,
    check_ladder,
    cut_into_parts,
    lower_limits,
    split,
    used_before,
    whole_in,
)
from engine.language.expressions import Expr
from engine.language.fields import FormulaField


class Tiered(LadderModel):
    quantity: FormulaField
    method: Literal["marginal", "uplift", "whole"] = "marginal"
    at_limit: Literal["lower", "upper"] = "lower"
    tiers: list[Tier]


def lower(charge: Tiered, context: Context) -> Lowered:
    """Lower to `part of the quantity in the tier * price of the tier`."""
    check_ladder(charge, context)
    check_read(charge, context, "at_limit", "method: whole", read=charge.method == "whole")
    for tier in charge.tiers[:-1]:
        if tier.up_to is None:
            context.fail("tier-without-limit", tier.place)
    if charge.tiers[-1].up_to is not None:
        context.fail("last-tier-with-limit", charge.tiers[-1].place_of("up_to"))
    if charge.method == "whole" and cut_into_parts(charge, context) and charge.across_parts == "continue":
        context.fail("whole-across-parts", charge.place_of("across_parts"), charge=context.name)
    written = [(f"{k}.up_to", tier.up_to) for k, tier in enumerate(charge.tiers, 1) if tier.up_to is not None]
    limits = lower_limits(charge, context, written, charge.quantity)
    unit = per_unit(context, charge.quantity)
    prices = [context.figure(f"{k}.price", tier.price, unit) for k, tier in enumerate(charge.tiers, 1)]
    before = used_before(charge, context, charge.quantity)
    lines: list[LoweredLine] = []
    quantity: Expr
    if charge.method == "whole":
        position = charge.quantity if before is None else before + charge.quantity
        found = whole_in(charge.quantity, position, limits.values, charge.at_limit)
        for k, (tier, (reached, part)) in enumerate(zip(charge.tiers, found, strict=True), 1):
            quantity, title = context.define(f"{k}.kwh", part), str(tier.title or "")
            amount = quantity * prices[k - 1]
            lines.append(LoweredLine(str(k), amount, title, quantity, prices[k - 1], reached, place=tier.place))
        return Lowered(tuple(lines), energy=charge.quantity, refusals=limits.rising)
    for k, (tier, part) in enumerate(zip(charge.tiers, split(charge.quantity, before, limits.values), strict=True), 1):
        title = str(tier.title or "")
        if charge.method == "marginal":
            price, quantity, name = prices[k - 1], context.define(f"{k}.kwh", part), str(k)
        elif k == 1:
            price, quantity, name = prices[0], charge.quantity, "base"
        else:
            price, quantity, name = prices[k - 1] - prices[0], context.define(f"{k}.kwh", part), str(k)
        lines.append(LoweredLine(name, quantity * price, title, quantity, price, place=tier.place))
    return Lowered(tuple(lines), energy=charge.quantity, refusals=limits.rising)


KIND = Kind("tiered", Tiered, lower)
