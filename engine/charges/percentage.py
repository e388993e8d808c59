"""percentage: a rider, tax or discount in per cent of a declared base; a discount is a negative percentage.

A printed percentage is in per cent; a formula is a share (a value with `unit: percent` is one). `cap` bounds the size
of the amount, whichever its sign.
"""

from __future__ import annotations

from fractions import Fraction

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.language.expressions import Expr, maximum, minimum, rounded
from engine.language.fields import PricedField, TextField
from engine.language.units import DIMENSIONLESS


class Percentage(ChargeModel):
    percent: PricedField
    base: list[TextField]
    cap: PricedField | None = None


def lower(charge: Percentage, context: Context) -> Lowered:
    """Lower to `base * percent * 0.01`, held between -cap and +cap."""
    base = context.base(charge.base)
    price = context.figure("percent", charge.percent, DIMENSIONLESS, Fraction(1, 100))
    amount: Expr = base * price
    if charge.cap is not None:
        if context.splits() and charge.per is None:  # a cap of each part is another than that of the bill
            context.fail("per-not-said", charge.place, charge=context.name, kind="percentage")
        cap = context.per_period(context.figure("cap", charge.cap, context.currency))
        amount = minimum(maximum(rounded(amount, context.minor_places), -cap), cap)
    return Lowered((LoweredLine("", amount, quantity=base, price=price, place=charge.place),))


KIND = Kind("percentage", Percentage, lower)
