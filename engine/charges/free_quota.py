"""free_quota: free kWh for poor households (免费电量基数), given back on the bill; a negative line.

`refund` (先征后返) gives back the free kWh that were used, at a price (the first tier's).
`refund_whatever_used` gives back the whole quota each month, however little was used (Sichuan: 7.84 yuan).
The quota is per month and is multiplied by the months of the billing period. Unused quota does not carry over.
"""

from __future__ import annotations

from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.charges.items import check_read
from engine.language.expressions import ZERO, Expr, maximum, minimum, rounded
from engine.language.fields import FormulaField, PricedField
from engine.language.units import parse_unit


class FreeQuota(ChargeModel):
    method: Literal["refund", "refund_whatever_used"]
    free: PricedField
    of: FormulaField | None = None
    price: PricedField


def lower(charge: FreeQuota, context: Context) -> Lowered:
    """Lower to `-(free kWh * price)`; a fixed refund is rounded a month, then multiplied by the months."""
    check_read(charge, context, "of", "method: refund", read=charge.method == "refund")
    kwh, month = parse_unit("kWh")[0], parse_unit("month")[0]
    quota = context.figure("free", charge.free, kwh / month)
    price = context.figure("price", charge.price, context.currency / kwh)
    if charge.method == "refund_whatever_used":
        a_month = rounded(quota * price, context.minor_places)
        amount: Expr = -context.per_period(a_month)
        # of a month that is prorated the money is divided, and no kWh
        months = context.per_period(quota) if charge.prorate is None else None
        return Lowered((LoweredLine("", amount, quantity=months, price=price, place=charge.place),))
    if charge.of is None:
        context.fail("free-quota-of", context.place, charge=context.name)
    used = maximum(minimum(context.per_period(quota), charge.of), ZERO)
    quantity = context.define("kwh", used)
    line = LoweredLine("", -(quantity * price), quantity=quantity, price=price, place=charge.place)
    return Lowered((line,))


KIND = Kind("free_quota", FreeQuota, lower, linear=False)
