"""Steps of consumption, for the kinds that have them: limits, and the part of the use that falls in each.

The use of this bill runs from `before` (the same ladder's use so far) to `before + quantity`. Under a limit L lies
m(L) = min(before + quantity, L) - min(before, L) of it; tier k has m(L_k) - m(L_k-1). At a limit both tiers give the
same money, so it does not matter which of them owns the limit itself. Negative use (a correction) unwinds the
tiers from the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from engine.charges.base import ChargeModel, Context, LoweredRefusal
from engine.language.expressions import ZERO, Compare, Expr, PartOf, minimum
from engine.language.expressions import written as as_written
from engine.language.fields import FormulaField, IntField, Model, Priced, PricedField, Printed, TextField
from engine.language.problems import problem
from engine.language.units import parse_unit

Over = Literal["billing_month", "reading_cycle", "calendar_year", "ladder_year"]
ANNUAL = ("calendar_year", "ladder_year")


class Tier(Model):
    what = "a tier"

    title: TextField | None = None
    up_to: PricedField | None = None
    price: PricedField


class LadderModel(ChargeModel):
    """Keys of every charge that has tiers."""

    before: FormulaField | None = None
    over: Over
    year_starts: IntField | None = None
    widen_limits: FormulaField | None = None


def check_ladder(charge: LadderModel, context: Context) -> None:
    """An annual ladder says what was used before; a monthly one starts empty."""
    annual = charge.over in ANNUAL
    if annual and charge.before is None:
        context.fail("before-not-declared", charge.place_of("over"), charge=context.name)
    if not annual and charge.before is not None:
        context.fail("before-not-annual", charge.place_of("before"), charge=context.name, over=charge.over)
    if charge.over == "ladder_year" and charge.year_starts not in range(1, 13):
        key = "over" if charge.year_starts is None else "year_starts"
        context.fail("year-starts", charge.place_of(key), charge=context.name)
    if charge.over != "ladder_year" and charge.year_starts is not None:
        context.fail("year-starts-unread", charge.place_of("year_starts"), charge=context.name, over=charge.over)


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
    unit = context.unit_of(quantity)
    if charge.over == "billing_month":  # a printed limit is a month's, and two months have two
        unit = unit / parse_unit("month")[0]
    printed = [context.figure(path, limit, unit) for path, limit in written]
    if charge.over in ANNUAL:  # the bill's months say nothing of a year's limits
        for figure in [*printed, *([] if charge.widen_limits is None else [charge.widen_limits])]:
            if context.per_period(figure) is not figure:
                told = {"formula": as_written(figure), "unit": context.unit_of(figure), "expected": unit}
                context.fail("figure-unit", figure.place, None, **told)
    values = [context.per_period(limit) for limit in printed]
    if charge.widen_limits is not None:
        values = [value + context.per_period(charge.widen_limits) for value in values]
    # months and widening are the same on both sides, so what is printed is enough to compare
    texts = [as_written(limit) if isinstance(limit, Expr) else f"{context.name}.{path}" for path, limit in written]
    rising = tuple(
        LoweredRefusal(
            Compare("<", printed[k], printed[k + 1], place=printed[k + 1].place),
            context.name,
            f"{context.name}: the tiers' limits {{lower}} and {{upper}} do not rise",
            problem("tiers-out-of-order", printed[k + 1].place, printed[k].place, lower=texts[k], upper=texts[k + 1]),
            (("lower", printed[k]), ("upper", printed[k + 1])),
        )
        for k in range(len(printed) - 1)
    )
    return Limits(tuple(values), rising)


def split(quantity: Expr, before: Expr | None, limits: Sequence[Expr]) -> list[Expr]:
    """The parts of `quantity` in the tiers that `limits` bound, one more than there are limits."""
    parts: list[Expr] = []
    below: Expr | None = None
    for limit in limits:
        if before is None:  # a limit that widening brings below zero bounds no use at all
            under = minimum(quantity, limit) - minimum(ZERO, limit)
        else:
            under = minimum(before + quantity, limit) - minimum(before, limit)
        under = PartOf(under, quantity, place=quantity.place)
        parts.append(under if below is None else PartOf(under - below, quantity, place=quantity.place))
        below = under
    parts.append(quantity if below is None else PartOf(quantity - below, quantity, place=quantity.place))
    return parts
