"""minimum_bill: what is missing from a base of charges to a minimum; zero where the base reaches it."""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.language.expressions import ZERO, maximum
from engine.language.fields import PricedField, TextField
from engine.language.units import parse_unit


class MinimumBill(ChargeModel):
    at_least: PricedField
    base: list[TextField]


def lower(charge: MinimumBill, context: Context) -> Lowered:
    """Lower to `max(minimum - base, 0)`; a minimum per month is multiplied by the months."""
    month, _ = parse_unit("month")
    least = context.per_period(context.figure("at_least", charge.at_least, context.currency / month))
    amount = maximum(least - context.base(charge.base), ZERO)
    return Lowered((LoweredLine("", amount, place=charge.place),))


KIND = Kind("minimum_bill", MinimumBill, lower, linear=False)
