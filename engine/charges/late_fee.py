"""late_fee: what a bill paid late costs (电费违约金), so many per mille of what is owed for each day.

The days are counted from the due day to the day of payment; which of the two counts is declared. Days of later years
than the due day's may have another rate. Sources disagree how a bill that is paid in another year is charged, so
`cross_year` is named (2000 yuan due on 15 December and paid on 18 January, at 2 and 3 per mille):
split          each day at its year's rate: 16 days at 2, 18 at 3        64 + 108 = 172
all            all days at the later rate: 34 at 3                       204
new_year_only  only the days of the later year: 18 at 3                  108
The fee never bears a fee. Source: 供电营业规则 (1996), article 98: 2 per mille a day in the year, 3 per mille across
years, households 1 per mille; a total below 1 yuan is 1 yuan. The rule has no cap at the principal; practice has.
"""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.charges.items import PERCENT, check_round_each, check_together, gathered, money
from engine.language.expressions import ZERO, Call, Compare, Expr, If, PartOf, maximum, minimum, number
from engine.language.fields import BoolField, FormulaField, PricedField, TextField
from engine.language.units import DIMENSIONLESS, parse_unit

CROSS_YEAR = ("split", "all", "new_year_only")


class LateFee(ChargeModel):
    owed: FormulaField
    due: FormulaField
    paid: FormulaField
    count_due_day: BoolField
    count_paid_day: BoolField
    permille: PricedField
    permille_later: PricedField | None = None
    cross_year: TextField | None = None
    round_each: BoolField | None = None
    at_least: PricedField | None = None
    cap_percent: PricedField | None = None


def lower(charge: LateFee, context: Context) -> Lowered:
    """Lower to `owed * (days in the due year * rate + later days * later rate)`, each item's added up."""
    check_together(charge, context, ("permille_later", "permille_later: 3"), ("cross_year", "cross_year: split"))
    owed = maximum(charge.owed, ZERO)
    fee: Expr = owed * _rate(charge, context)
    if charge.cap_percent is not None:
        share = context.figure("cap", charge.cap_percent, DIMENSIONLESS, PERCENT)
        fee = minimum(fee, owed * share)
    check_round_each(charge, context, charge.round_each, fee)
    amount = money(context, fee, charge.round_each)
    if charge.at_least is not None:
        accrued = context.define("accrued", amount)
        least = context.figure("at_least", charge.at_least, context.currency)
        due = Compare(">", accrued, ZERO, place=charge.place)
        amount = If(due, maximum(accrued, least), ZERO, place=charge.place)
    return Lowered((LoweredLine("", amount, quantity=gathered(context, owed), place=charge.place),))


def _rate(charge: LateFee, context: Context) -> Expr:
    """What part of the owed is charged, all days together."""
    late = context.define("days", _days(charge))
    permille = parse_unit("permille")[1]
    rate = context.figure("rate", charge.permille, DIMENSIONLESS, permille)
    if charge.permille_later is None:
        return _counted(late) * rate
    later_rate = context.figure("later_rate", charge.permille_later, DIMENSIONLESS, permille)
    in_year = context.define("days_in_year", PartOf(minimum(late, _to_year_end(charge)), late, place=charge.place))
    later = context.define("days_later", PartOf(late - in_year, late, place=charge.place))
    across = Compare(">", later, ZERO, place=charge.place)
    assert charge.cross_year is not None
    way = context.setting(charge.cross_year, CROSS_YEAR)
    if way == "all":
        return _counted(late) * If(across, later_rate, rate, place=charge.place)
    if way == "new_year_only":
        return If(across, _counted(later) * later_rate, _counted(in_year) * rate, place=charge.place)
    return _counted(in_year) * rate + _counted(later) * later_rate


def _days(charge: LateFee) -> Expr:
    """Days that count; none where it was paid by the due day."""
    more = number(charge.count_due_day + charge.count_paid_day - 1, parse_unit("day")[0])
    late = Compare(">", charge.paid, charge.due, place=charge.paid.place)
    span = If(late, charge.paid - charge.due + more, ZERO, place=charge.paid.place)
    return maximum(span, ZERO)


def _to_year_end(charge: LateFee) -> Expr:
    """Days that count from the due day to 31 December of its year."""
    new_year = Call("year_end", (charge.due,), place=charge.due.place)
    more = number(int(charge.count_due_day) - 1, parse_unit("day")[0])
    return maximum(new_year - charge.due + more, ZERO)


def _counted(days: Expr) -> Expr:
    """A number of days without its unit: a rate is for each of them."""
    return days * number(1, DIMENSIONLESS / parse_unit("day")[0])


KIND = Kind("late_fee", LateFee, lower, linear=False)
