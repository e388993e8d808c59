"""deviation: what is paid for using more or less than was contracted (偏差考核), beyond a tolerance on each side.

Each side has its own tolerance and its own price, or a price difference `times` so many: an early Guangdong rule takes
the price difference once for what is over and three times for what is under. On a list (months, periods) each item
deviates by itself, and the lines are sums.
"""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, per_unit
from engine.charges.items import Beyond, beyond, check_round_each, gathered, item_price, money
from engine.language.fields import BoolField, FormulaField


class Deviation(ChargeModel):
    actual: FormulaField
    contract: FormulaField
    over: Beyond | None = None
    under: Beyond | None = None
    round_each: BoolField | None = None


def lower(charge: Deviation, context: Context) -> Lowered:
    """Lower to a line a side: `quantity beyond the tolerance * price`."""
    if charge.over is None and charge.under is None:
        context.fail("deviation-sides", context.place, charge=context.name)
    lines = []
    for side, rule in (("over", charge.over), ("under", charge.under)):
        if rule is None:
            continue
        quantity = context.define(f"{side}.beyond", beyond(context, side, rule, charge.actual, charge.contract))
        price = item_price(context, side, rule.price, per_unit(context, charge.actual), rule.times)
        each = quantity * price.of_item
        check_round_each(charge, context, charge.round_each, each)
        amount = money(context, each, charge.round_each)
        lines.append(LoweredLine(side, amount, "", gathered(context, quantity), price.of_line, place=rule.place))
    return Lowered(tuple(lines))


KIND = Kind("deviation", Deviation, lower, linear=False)
