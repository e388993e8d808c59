"""quantity_discount: less for much use, by `price` per unit or by `percent` of a base; a negative line.

`marginal` discounts what lies above the threshold, `whole` all of it once the threshold is passed. A percentage of
a base applies to the base's share: base × percent × discounted quantity ÷ quantity, rounded once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, per_unit
from engine.language.expressions import ZERO, Call, Compare, Expr, If, PartOf, maximum, number
from engine.language.fields import FormulaField, NumberField, PricedField, TextField


class QuantityDiscount(ChargeModel):
    quantity: FormulaField
    above: PricedField
    method: Literal["marginal", "whole"]
    price: PricedField | None = None
    percent: NumberField | None = None
    base: list[TextField] | None = None


def lower(charge: QuantityDiscount, context: Context) -> Lowered:
    """Lower to a negative product of the discounted quantity."""
    limit = context.per_period(context.figure("above", charge.above, context.unit_of(charge.quantity)))
    if charge.method == "marginal":
        excess: Expr = maximum(charge.quantity - maximum(limit, ZERO), ZERO)
    else:
        excess = If(Compare(">", charge.quantity, limit, place=charge.place), charge.quantity, ZERO)
    discounted = context.define("quantity", PartOf(excess, charge.quantity, place=charge.place))
    if charge.price is not None and charge.percent is None:
        price = context.figure("price", charge.price, per_unit(context, charge.quantity))
        line = LoweredLine("", -(discounted * price), quantity=discounted, price=price, place=charge.place)
        return Lowered((line,))
    if charge.percent is None or charge.price is not None or not charge.base:
        context.fail("discount-price-or-percent", context.place, charge=context.name)
    share = number(charge.percent.value / Decimal(100))
    base = context.base(charge.base)
    exact = Call(
        "divide",
        (base * share * discounted, charge.quantity),
        context.minor_places,
        "half_up",
        place=charge.place,
    )
    used = Compare("==", charge.quantity, ZERO, place=charge.place)
    amount = If(used, ZERO, -PartOf(exact, base * share, place=charge.place), place=charge.place)
    return Lowered((LoweredLine("", amount, quantity=discounted, place=charge.place),))


KIND = Kind("quantity_discount", QuantityDiscount, lower, linear=False)
