"""tax: a tax of so many per cent of a base (增值税), added to it or contained in it.

`included: false` adds base × rate to the bill. `included: true` says what is in the base already and adds nothing:
tax = base × rate ÷ (1 + rate), rounded once, and net = base - tax, so that the two are the base.
"""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.charges.items import PERCENT
from engine.language.expressions import Call, number
from engine.language.fields import BoolField, PricedField, TextField
from engine.language.units import DIMENSIONLESS


class Tax(ChargeModel):
    percent: PricedField
    base: list[TextField]
    included: BoolField


def lower(charge: Tax, context: Context) -> Lowered:
    """Lower to `base * rate`, or to two lines that only inform."""
    base = context.base(charge.base)
    if not charge.included:
        rate = context.figure("percent", charge.percent, DIMENSIONLESS, PERCENT)
        return Lowered((LoweredLine("", base * rate, quantity=base, price=rate, place=charge.place),))
    rate = context.figure("percent", charge.percent, DIMENSIONLESS, PERCENT)
    divided = (base * rate, number(1) + rate)
    tax = context.define("contained", Call("divide", divided, context.minor_places, "half_up", place=charge.place))
    return Lowered(
        (
            LoweredLine("net", base - tax, "", place=charge.place, informs=True),
            LoweredLine("tax", tax, "", quantity=base, price=rate, place=charge.place, informs=True),
        )
    )


KIND = Kind("tax", Tax, lower)
