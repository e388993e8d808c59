"""event_credit: what a customer is paid for reducing load when asked (需求响应, 可中断负荷); a negative line.

Each event of a list is paid for its reduction, kW or kWh, at a price; without a list the row is one event. Of a
committed reduction, less than `pays_from_percent` earns nothing and more than `pays_to_percent` earns no more. `cap`
is the most that an event is paid. `shortfall` is charged for what is missing from the committed reduction.
"""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, per_unit
from engine.charges.items import PERCENT, Beyond, beyond, check_round_each, check_together, gathered, item_price, money
from engine.language.expressions import ZERO, Compare, Expr, If, maximum, minimum
from engine.language.fields import BoolField, FormulaField, PricedField
from engine.language.units import DIMENSIONLESS


class EventCredit(ChargeModel):
    reduced: FormulaField
    committed: FormulaField | None = None
    pays_from_percent: PricedField | None = None
    pays_to_percent: PricedField | None = None
    price: PricedField
    cap: PricedField | None = None
    round_each: BoolField | None = None
    shortfall: Beyond | None = None


def lower(charge: EventCredit, context: Context) -> Lowered:
    """Lower to `-(paid reduction * price)` and, where there is one, the charge for the shortfall."""
    if charge.committed is None:
        for key in ("pays_from_percent", "pays_to_percent", "shortfall"):
            check_together(charge, context, (key, ""), ("committed", "committed: events.committed_kw"))
    paid = context.define("credit.paid", _paid(charge, context))
    price = item_price(context, "credit", charge.price, per_unit(context, charge.reduced))
    each: Expr = paid * price.of_item
    if charge.cap is not None:
        each = minimum(each, context.figure("credit.cap", charge.cap, context.currency))
    check_round_each(charge, context, charge.round_each, each)
    amount = -money(context, each, charge.round_each)
    lines = [LoweredLine("credit", amount, "", gathered(context, paid), price.of_line, place=charge.place)]
    rule = charge.shortfall
    if rule is not None:
        assert charge.committed is not None
        missing = context.define("shortfall.missing", beyond(context, "under", rule, charge.reduced, charge.committed))
        price = item_price(context, "shortfall", rule.price, per_unit(context, charge.reduced), rule.times)
        amount = money(context, missing * price.of_item, charge.round_each)
        lines.append(LoweredLine("shortfall", amount, "", gathered(context, missing), price.of_line, place=rule.place))
    return Lowered(tuple(lines))


def _paid(charge: EventCredit, context: Context) -> Expr:
    """The reduction that is paid: none below the least share of the committed, no more than the largest."""
    reduced: Expr = maximum(charge.reduced, ZERO)
    if charge.committed is None:
        return reduced
    paid = reduced
    if charge.pays_to_percent is not None:
        most = context.figure("credit.pays_to", charge.pays_to_percent, DIMENSIONLESS, PERCENT)
        paid = minimum(reduced, charge.committed * most)
    if charge.pays_from_percent is None:
        return paid
    least = context.figure("credit.pays_from", charge.pays_from_percent, DIMENSIONLESS, PERCENT)
    enough = Compare(">=", reduced, charge.committed * least, place=charge.place)
    return If(enough, paid, ZERO, place=charge.place)


KIND = Kind("event_credit", EventCredit, lower, linear=False)
