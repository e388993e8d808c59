"""penalty: what is paid for breach of the supply contract (违约使用电费): the back charge, and so many times as much.

The multiple is of the unrounded back charge, as in the published answers: 1590.084 yuan at two times are 3180.17,
not 3180.16. Source: 供电营业规则 (1996) on 违约用电 and 窃电: two or three times, by the kind of breach.
"""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, per_unit
from engine.charges.items import check_one_of, check_together
from engine.language.expressions import Expr
from engine.language.fields import FormulaField, PricedField
from engine.language.units import DIMENSIONLESS


class Penalty(ChargeModel):
    amount: FormulaField | None = None
    quantity: FormulaField | None = None
    price: PricedField | None = None
    times: PricedField


def lower(charge: Penalty, context: Context) -> Lowered:
    """Lower to `back` and to `back * times`."""
    check_one_of(charge, context, "amount", "quantity")
    check_together(charge, context, ("quantity", "quantity: kwh"), ("price", "price: price_due - price_paid"))
    price: Expr | None = None
    back = charge.amount
    if charge.quantity is not None and charge.price is not None:
        price = context.figure("back.price", charge.price, per_unit(context, charge.quantity))
        back = context.per_period(charge.quantity * price)
    assert back is not None
    times = context.figure("times", charge.times, DIMENSIONLESS)
    exact = context.define("back_charge", back)
    lines = (
        LoweredLine("back", exact, "", charge.quantity, price, place=charge.place),
        LoweredLine("penalty", exact * times, "", place=charge.place),
    )
    return Lowered(lines, energy=charge.quantity)


KIND = Kind("penalty", Penalty, lower)
