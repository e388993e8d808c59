"""flat: quantity × price, one line. Energy at one price, funds per kWh, adders and reductions."""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, per_unit
from engine.language.fields import FormulaField, PricedField
from engine.language.units import parse_unit


class Flat(ChargeModel):
    quantity: FormulaField
    price: PricedField


def lower(charge: Flat, context: Context) -> Lowered:
    """Lower to `quantity * price`, times the months where the price is per month."""
    unit = per_unit(context, charge.quantity)
    if charge.prorate is not None:  # what is prorated is a price per month
        unit = unit / parse_unit("month")[0]
    price = context.figure("price", charge.price, unit)
    amount = context.per_period(charge.quantity * price)
    line = LoweredLine("", amount, quantity=charge.quantity, price=price, place=charge.place)
    return Lowered((line,), energy=charge.quantity)


KIND = Kind("flat", Flat, lower)
