"""Steps of consumption, for the kinds that have them: limits, and the part of the use that falls in each.

The use of this bill runs from `before` (the same ladder's use so far) to `before + quantity`. Under a limit L lies
m(L) = min(before + quantity, L) - min(before, L) of it; tier k has m(L_k) - m(L_k-1). At a limit both tiers give the
same money, so it does not matter which of them owns the limit itself. Negative use (a correction) unwinds the
tiers from the top.

A billing period that is cut into parts climbs its ladder part by part, as `across_parts` says:
`continue`: one ladder for the whole bill; a part begins where those before it in the same ladder year ended.
`by_months`: each part has a ladder of its own, with the limits of its own months.
`by_days`: each part has the share of the bill's limits that its days have of the bill's days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, WithJsonSchema

from engine.charges.base import ChargeModel, Context, LoweredRefusal
from engine.charges.items import check_read
from engine.language import scalars
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Logic, Name, PartOf, both, minimum, number
from engine.language.expressions import written as as_written
from engine.language.fields import (
    Dated,
    FormulaField,
    Model,
    PlacesField,
    Priced,
    PricedField,
    Printed,
    TextField,
    read,
)
from engine.language.nodes import List, Map, Text
from engine.language.problems import ProblemsFound, problem
from engine.language.reading import ONE_VALUE, wrong_shape
from engine.language.units import Unit, parse_unit

Over = Literal["billing_month", "reading_cycle", "calendar_year", "ladder_year"]
ANNUAL = ("calendar_year", "ladder_year")
AcrossParts = Literal["continue", "by_months", "by_days"]
MONTH = parse_unit("month")[0]
DAY = parse_unit("day")[0]


def _year_starts(node: Any) -> Any:
    """A month, or months with the days from which each of them begins the year."""
    if isinstance(node, List):
        raise ProblemsFound([wrong_shape(node, ONE_VALUE)])
    if isinstance(node, Map):
        return read(Dated, node)
    return scalars.whole_number(node) if isinstance(node, Text) else node


YearStartsField = Annotated[
    int | Dated,
    PlainValidator(_year_starts),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "object", "required": ["dated"]}]}),
]


class Tier(Model):
    what = "a tier"

    title: TextField | None = None
    up_to: PricedField | None = None
    price: PricedField


class LadderModel(ChargeModel):
    """Keys of every charge that has tiers."""

    before: FormulaField | None = None
    over: Over
    year_starts: YearStartsField | None = None
    widen_limits: FormulaField | None = None
    limits_times: FormulaField | None = None
    months_in_use: FormulaField | None = None
    limit_places: PlacesField | None = None
    across_parts: AcrossParts | None = None


def check_ladder(charge: LadderModel, context: Context) -> None:
    """An annual ladder says what was used before; a monthly one starts empty."""
    annual = charge.over in ANNUAL
    if annual and charge.before is None:
        context.fail("before-not-declared", charge.place_of("over"), charge=context.name)
    if not annual and charge.before is not None:
        context.fail("before-not-annual", charge.place_of("before"), charge=context.name, over=charge.over)
    months = _months(charge.year_starts)
    if charge.over == "ladder_year" and (not months or any(month not in range(1, 13) for month in months)):
        key = "over" if charge.year_starts is None else "year_starts"
        context.fail("year-starts", charge.place_of(key), charge=context.name)
    if charge.over != "ladder_year" and charge.year_starts is not None:
        context.fail("year-starts-unread", charge.place_of("year_starts"), charge=context.name, over=charge.over)
    if charge.months_in_use is not None and not annual:
        context.fail("months-in-use", charge.place_of("months_in_use"), charge=context.name, over=charge.over)
    cut = cut_into_parts(charge, context)
    if context.splits() and annual and (charge.per == "bill" or charge.across_parts not in (None, "continue")):
        key = "per" if charge.per == "bill" else "across_parts"  # a bill may hold the first day of a year
        context.fail("across-parts-annual", charge.place_of(key), charge=context.name)
    if cut and charge.before is not None and context.divided(charge.before):
        told = {"name": context.name, "formula": as_written(charge.before)}
        context.fail("divided-in-parts", charge.before.place, None, **told)
    if cut and charge.across_parts is None:
        context.fail("across-parts-not-declared", charge.place_of("over"), charge=context.name)
    check_read(charge, context, "across_parts", "per: part" if context.splits() else "changes: split", read=cut)
    divides = charge.months_in_use is not None or charge.across_parts == "by_days"
    check_read(charge, context, "limit_places", "across_parts: by_days", read=divides)
    if charge.limit_places is None and (charge.months_in_use is not None or (cut and charge.across_parts == "by_days")):
        key = "across_parts" if charge.months_in_use is None else "months_in_use"
        context.fail("limit-places", charge.place_of(key), charge=context.name)


def cut_into_parts(charge: ChargeModel, context: Context) -> bool:
    """Whether the charge is billed part by part: its rule set cuts billing periods, and it is not said once a bill."""
    return context.splits() and charge.per != "bill"


def year_begins(charge: LadderModel) -> tuple[tuple[int, date | None, date | None], ...]:
    """The months in whose first day a year of the ladder begins, each with the half-open days for which it does.

    Empty where the ladder is not annual. The first day of each entry but the first begins a year too.
    """
    if charge.over not in ANNUAL:
        return ()
    if not isinstance(charge.year_starts, Dated):
        return ((charge.year_starts or 1, None, None),)
    entries = charge.year_starts.dated
    ends = [*(entry.from_ for entry in entries[1:]), None]
    return tuple(
        (int(entry.printed.value), None if at == 0 else entry.from_, end)
        for at, (entry, end) in enumerate(zip(entries, ends, strict=True))
    )


def _months(starts: int | Dated | None) -> list[Decimal]:
    """The months in which the ladder's year begins, one after another."""
    if isinstance(starts, Dated):
        return [entry.printed.value for entry in starts.dated]
    return [] if starts is None else [Decimal(starts)]


def ladder_year(charge: LadderModel, day: Expr) -> Expr:
    """A number that is the same for two days where they lie in one year of the ladder."""
    year, month = Call("year", (day,), place=day.place), Call("month", (day,), place=day.place)
    if charge.over == "calendar_year":
        return year
    of_each = [
        year + If(Compare(">=", month, number(start)), number(1), ZERO, place=day.place)
        for start in _months(charge.year_starts)
    ]
    found = of_each[0]
    if isinstance(charge.year_starts, Dated):  # years that begin otherwise are other years
        for turn, (entry, years) in enumerate(zip(charge.year_starts.dated[1:], of_each[1:], strict=True), 1):
            first = entry.from_
            begins = Call("day", (number(first.year), number(first.month), number(first.day)), place=day.place)
            later = years + number(10_000 * turn)
            found = If(Compare(">=", day, begins, place=day.place), later, found, place=day.place)
    return found


def used_before(charge: LadderModel, context: Context, quantity: Expr) -> Expr | None:
    """What the ladder has used when the bill, or this part of it, begins; None where it begins at nothing."""
    if not cut_into_parts(charge, context) or charge.across_parts != "continue":
        return charge.before
    if charge.over not in ANNUAL:
        return context.earlier(quantity)
    here = ladder_year(charge, Name("period_from", place=quantity.place))
    earlier = context.earlier(quantity, here)
    assert charge.before is not None
    first_year = Compare("==", here, ladder_year(charge, Name("bill_from", place=quantity.place)), place=quantity.place)
    return If(first_year, charge.before, ZERO, place=charge.before.place) + earlier


def check_order(context: Context, limits: Sequence[Priced]) -> None:
    """Printed limits rise from tier to tier; others are compared once constants are known."""
    printed = [limit for limit in limits if isinstance(limit, Printed)]
    for lower, upper in pairwise(printed):
        if upper.value <= lower.value:
            context.fail("tiers-out-of-order", upper.place, lower.place, lower=lower.text, upper=upper.text)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a ladder for one bill, and the proof that they rise."""

    values: tuple[Expr, ...]
    rising: tuple[LoweredRefusal, ...]


def lower_limits(
    charge: LadderModel, context: Context, written: Sequence[tuple[str, Priced]], quantity: Expr
) -> Limits:
    """Limits in the unit of the quantity: times the months where they are per month, widened where declared.

    Args:
        written: path and limit of each tier that has one.
    """
    check_order(context, [limit for _, limit in written])
    whole = context.unit_of(quantity)
    unit = whole if charge.limits_times is None else whole / context.unit_of(charge.limits_times)
    monthly = charge.over == "billing_month"  # a printed limit is a month's, and two months have two
    printed = [
        context.figure(path, limit, per_day_or(context, limit, unit / DAY, unit / MONTH if monthly else unit))
        for path, limit in written
    ]
    if charge.over in ANNUAL:  # the bill's months say nothing of a year's limits
        for figure in [*printed, *([] if charge.widen_limits is None else [charge.widen_limits])]:
            if context.per_period(figure) is not figure:
                told = {"formula": as_written(figure), "unit": context.unit_of(figure), "expected": unit}
                context.fail("figure-unit", figure.place, None, **told)
    values = [figure if charge.limits_times is None else figure * charge.limits_times for figure in printed]
    values = [_of_period(charge, context, value) for value in values]
    if charge.widen_limits is not None:
        wider = _of_period(charge, context, charge.widen_limits)
        values = [value + wider for value in values]
    if charge.months_in_use is not None:
        used, year = charge.months_in_use, number(12, MONTH)
        values = [_divided(charge, value * used, year) for value in values]
    same = _same_in_parts(charge, context, values, quantity)
    return Limits(tuple(values), (*rising(context, written, printed), *same))


def _same_in_parts(
    charge: LadderModel, context: Context, values: Sequence[Expr], quantity: Expr
) -> tuple[LoweredRefusal, ...]:
    """That a ladder which goes on through the parts of a bill has one limit in them, as far as a year goes.

    What a bill may use where some of its days have one limit and some another, the limits alone do not say.
    """
    if not cut_into_parts(charge, context) or charge.across_parts != "continue":
        return ()
    group = ladder_year(charge, Name("period_from", place=quantity.place)) if charge.over in ANNUAL else None
    parts = context.earlier(number(1), group)
    return tuple(
        LoweredRefusal(
            Compare("==", context.earlier(value, group), value * parts, place=value.place),
            context.name,
            f"{context.name}: a limit changes inside the bill; write `across_parts: by_months` or `by_days`",
        )
        for value in values
    )


def per_day_or(context: Context, priced: Priced, daily: Unit, otherwise: Unit) -> Unit:
    """The unit of a figure that may be a formula per day; a printed number has the other unit."""
    return daily if isinstance(priced, Expr) and context.unit_of(priced) == daily else otherwise


def _of_period(charge: LadderModel, context: Context, limit: Expr) -> Expr:
    """A limit per month or day times those that count for this part of the bill; others are a cycle's or a year's."""
    mode = charge.across_parts if cut_into_parts(charge, context) else None
    powers = dict(context.unit_of(limit).dims)
    per_day = powers.get("day", 0) == -1
    if mode == "by_months" and not per_day and powers.get("month", 0) != -1:  # each part would have all of it
        unit = context.unit_of(limit)
        told = {"formula": as_written(limit), "unit": unit, "expected": unit / MONTH}
        context.fail("figure-unit", limit.place, None, **told)
    if mode in (None, "by_months") or (per_day and mode == "by_days"):
        return context.per_period(limit)
    if per_day:
        return limit * Name("bill_days", place=limit.place)
    bill = limit * Name("bill_months", place=limit.place) if powers.get("month", 0) == -1 else limit
    if mode == "continue":
        return bill
    return _divided(charge, bill * Name("days", place=limit.place), Name("bill_days", place=limit.place))


def _divided(charge: LadderModel, top: Expr, bottom: Expr) -> Expr:
    return Call("divide", (top, bottom), charge.limit_places, "half_up", place=top.place)


def rising(
    context: Context, written: Sequence[tuple[str, Priced]], figures: Sequence[Expr]
) -> tuple[LoweredRefusal, ...]:
    """That each limit lies above the one before it; or both are zero, as kWh per kW are of a month without demand.

    Months and widening are the same on both sides, so what is printed is enough to compare.
    """
    texts = [as_written(limit) if isinstance(limit, Expr) else f"{context.name}.{path}" for path, limit in written]
    return tuple(
        LoweredRefusal(
            _rises(figures[k], figures[k + 1]),
            context.name,
            f"{context.name}: the tiers' limits {{lower}} and {{upper}} do not rise",
            problem("tiers-out-of-order", figures[k + 1].place, figures[k].place, lower=texts[k], upper=texts[k + 1]),
            (("lower", figures[k]), ("upper", figures[k + 1])),
        )
        for k in range(len(figures) - 1)
    )


def _rises(lower: Expr, upper: Expr) -> Expr:
    place = upper.place
    nothing = Logic("and", (Compare("==", lower, ZERO, place=place), Compare("==", upper, ZERO, place=place)))
    return Logic("or", (Compare("<", lower, upper, place=place), nothing), place=place)


def split(quantity: Expr, before: Expr | None, limits: Sequence[Expr]) -> list[Expr]:
    """The parts of `quantity` in the tiers that `limits` bound, one more than there are limits."""
    return between(None if before is None else before + quantity, before, quantity, limits)


def between(end: Expr | None, begin: Expr | None, quantity: Expr, limits: Sequence[Expr]) -> list[Expr]:
    """The parts of `quantity`, which leads from `begin` to `end` on the ladder; from nothing to itself where None."""
    parts: list[Expr] = []
    below: Expr | None = None
    for limit in limits:
        if end is None or begin is None:  # a limit that widening brings below zero bounds no use at all
            under = minimum(quantity, limit) - minimum(ZERO, limit)
        else:
            under = minimum(end, limit) - minimum(begin, limit)
        under = PartOf(under, quantity, place=quantity.place)
        parts.append(under if below is None else PartOf(under - below, quantity, place=quantity.place))
        below = under
    parts.append(quantity if below is None else PartOf(quantity - below, quantity, place=quantity.place))
    return parts


def whole_in(
    quantity: Expr, position: Expr, limits: Sequence[Expr], at_limit: Literal["lower", "upper"]
) -> list[tuple[Expr | None, Expr]]:
    """For each tier whether `position` lies in it (None: in the only one), and the quantity if it does, else nothing.

    A position at a limit is in the tier below it, or above it where the tariff says "below 100" and "100 and more".
    """
    above, within = (">", "<=") if at_limit == "lower" else (">=", "<")
    found: list[tuple[Expr | None, Expr]] = []
    for k in range(len(limits) + 1):
        conditions: list[Expr] = []
        if k > 0:
            conditions.append(Compare(above, position, limits[k - 1], place=quantity.place))
        if k < len(limits):
            conditions.append(Compare(within, position, limits[k], place=quantity.place))
        reached = both(*conditions)
        part = quantity if reached is None else If(reached, quantity, ZERO, place=quantity.place)
        found.append((reached, part if reached is None else PartOf(part, quantity, place=quantity.place)))
    return found
