"""capacity_in_service: kVA to be billed where transformers come, go and are suspended within a month (计费容量).

A month has thirty thirtieths of any length; what changes within it counts by days, at most thirty a month. `installed`
is what stands there, `suspended` what is sealed of it: from a list, or one of each from the row. The day of sealing
and the day of unsealing count as `include_start` and `include_end` say: sources disagree.

`counts: active_days` counts the days in service, the rest of the month is suspended; `inactive_days` counts the days
suspended, the rest is in service. In a month of thirty days both are the same; in others `active_days` is known of one
suspension alone, and a list with two is refused.

A suspension shorter than `at_least` days is charged in full (15 days: 供电营业规则 1996). `pays` is the percentage that
suspended capacity still pays (50 within two years of a new connection, 1996 rule, dropped in 2016).

Results: `NAME.thirtieths`, exactly, [kVA*month], thirty to a month; `NAME`, that divided by the thirtieths of the
billing period [kVA].
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from engine.charges.base import Context, LoweredRefusal
from engine.language.expressions import ZERO, Binary, Compare, Expr, If, Logic, Name, maximum, minimum, number
from engine.language.fields import BoolField, FormulaField, IntField, Model, PricedField
from engine.language.units import DIMENSIONLESS
from engine.quantities import over_lists as lists
from engine.quantities.base import Kind, LoweredQuantity, QuantityModel


class Installed(Model):
    what = "installed capacity"

    kva: FormulaField
    from_: Annotated[FormulaField | None, Field(alias="from")] = None
    to: FormulaField | None = None
    when: FormulaField | None = None
    include_start: BoolField = True
    include_end: BoolField = False


class Suspended(Installed):
    what = "suspended capacity"

    from_: Annotated[FormulaField, Field(alias="from")]
    to: FormulaField
    include_start: BoolField
    include_end: BoolField
    at_least: IntField = 0
    pays: PricedField | None = None


class CapacityInService(QuantityModel):
    installed: Installed
    suspended: Suspended | None = None
    counts: Literal["active_days", "inactive_days"] | None = None
    round: lists.Round


def lower(model: CapacityInService, context: Context) -> LoweredQuantity:
    """Lower to `sum(kVA * thirtieths installed) - sum(kVA * thirtieths suspended) * share not paid`."""
    if (model.suspended is None) != (model.counts is None):
        because, key = ("suspended", "counts") if model.counts is None else ("counts", "suspended")
        context.fail("quantity-key-needed", model.place_of(because), name=context.name, because=because, key=key)
    own = lists.PERIOD_FROM, lists.PERIOD_TO
    installed = context.define("installed.thirtieths", _installed(model.installed, context, *own))
    refusals = _in_order(model.installed, context)
    total: Expr = installed
    share = _not_paid(model.suspended, context)
    if model.suspended is not None:
        refusals += _in_order(model.suspended, context)
        off = context.define("suspended.thirtieths", _suspended(model, model.suspended, context, *own))
        message = f"{context.name}: more is suspended than stands there"
        refusals.append(LoweredRefusal(lists.at_most(off, installed), context.name, message))
        refusals += _one_suspension(model, model.suspended, context)
        total = installed - off * share
    exact = context.define("exact", total)
    value = lists.quotient(exact, lists.thirtieths(*own), model.round)
    if context.splits():  # what a part adds to those before it: a month has thirty thirtieths, however it is cut
        until, before = (_billed(model, context, share, day) for day in (lists.PERIOD_TO, lists.PERIOD_FROM))
        exact = context.define("added", until - before)
    return LoweredQuantity(value, (("thirtieths", exact),), tuple(refusals))


def _billed(model: CapacityInService, context: Context, share: Expr, until: Expr) -> Expr:
    """What is billed of the days of the bill before `until`, kVA times thirtieths."""
    installed = _installed(model.installed, context, lists.BILL_FROM, until)
    if model.suspended is None:
        return installed
    return installed - _suspended(model, model.suspended, context, lists.BILL_FROM, until) * share


def _installed(of: Installed, context: Context, begin: Expr, until: Expr) -> Expr:
    """What stands there on the days [begin, until), kVA times thirtieths."""
    first, end = _days(of)
    if of.from_ is not None:
        begin = maximum(begin, first)
    if of.to is not None:
        until = minimum(until, end)
    return lists.to_row(context, lists.where(of.when, of.kva * lists.thirtieths(begin, until)))


def _days(of: Installed) -> tuple[Expr, Expr]:
    """The days [first, end) that are declared, by whether the days written count themselves."""
    first = lists.PERIOD_FROM if of.from_ is None else of.from_
    end = lists.PERIOD_TO if of.to is None else of.to
    if of.from_ is not None and not of.include_start:
        first = _next_day(first)
    if of.to is not None and of.include_end:
        end = _next_day(end)
    return first, end


def _next_day(day: Expr) -> Expr:
    return Binary("+", day, number(1, lists.DAY), place=day.place)


def _in_order(of: Installed, context: Context) -> list[LoweredRefusal]:
    """That what is declared does not end before it begins."""
    if of.from_ is None or of.to is None:
        return []
    first, end = _days(of)
    message = f"{context.name}: the days from {{from}} to {{to}} end before they begin"
    told = (("from", of.from_), ("to", of.to))
    return [LoweredRefusal(lists.at_most(first, end), context.name, message, None, told)]


def _suspended(model: CapacityInService, of: Suspended, context: Context, begin: Expr, until: Expr) -> Expr:
    """What is taken off for being suspended on the days [begin, until), kVA times thirtieths."""
    first, end = _days(of)
    inside = maximum(begin, first), minimum(until, end)
    if model.counts == "inactive_days":
        off = lists.thirtieths(*inside)
    else:
        period = lists.thirtieths(begin, until)
        active = lists.thirtieths(begin, inside[0]) + lists.thirtieths(inside[1], until)
        some = Compare("<", *inside, place=of.place)
        off = If(some, period - minimum(active, period), ZERO, place=of.place)
    counted = lists.where(of.when, of.kva * off)
    if of.at_least:
        long_enough = lists.at_most(number(of.at_least, lists.DAY), end - first)
        counted = lists.where(long_enough, counted)
    return lists.to_row(context, counted)


def _one_suspension(model: CapacityInService, of: Suspended, context: Context) -> list[LoweredRefusal]:
    """That days in service are counted of one suspension, but in months of thirty days.

    What a month of another length has over or under thirty is settled once a transformer, and a list does not say which
    of its items are of one.
    """
    if model.counts != "active_days" or not context.list_of(of.kva):
        return []
    first, end = _days(of)
    begin, until = lists.BILL_FROM, Name("bill_to")
    inside = Compare("<", maximum(begin, first), minimum(until, end), place=of.place)
    one = lists.where(of.when, If(inside, number(1), ZERO, place=of.place))
    if of.at_least:  # a shorter one changes nothing
        one = lists.where(lists.at_most(number(of.at_least, lists.DAY), end - first), one)
    several = lists.to_row(context, one)
    days = Binary("-", until, begin, place=of.place)
    thirty = Compare("==", days, lists.thirtieths(begin, until) * number(1, lists.DAY / lists.MONTH), place=of.place)
    message = f"{context.name}: two suspensions where days are not thirtieths; write `counts: inactive_days`"
    met = Logic("or", (lists.at_most(several, number(1)), thirty), place=of.place)
    return [LoweredRefusal(met, context.name, message)]


def _not_paid(of: Suspended | None, context: Context) -> Expr:
    """The share that suspended capacity does not pay."""
    if of is None or of.pays is None:
        return number(1)
    return number(1) - context.figure("suspended.pays", of.pays, DIMENSIONLESS, Fraction(1, 100))


KIND = Kind("capacity_in_service", CapacityInService, lower)
