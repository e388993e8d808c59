"""deduction: what a meter measured for others, taken from it in declared order (套扣): 定量, 定比, 总分.

Each step takes from what the steps before it left: `fixed` an agreed quantity (定量), `percent` a share of what is left
(定比), `meter` what a sub-meter measured (总分). Fixed steps stand before percentages, and those before meters: a
percentage is of the meter less the fixed quantities.

A step takes `in_order`: from the first period of `order` until it is empty, then from the next (one engine in use
takes from the flat period first, and a published bill does so with its fixed lighting). Or `in_proportion` to what the
periods have left: the shares are the rounded amounts up to each period of `order` less those before it, so that they
add up. A sub-meter that has the periods itself is taken period by period.

What is taken and what is left add up to the meter.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from engine.charges.base import Context, LoweredRefusal
from engine.language.expressions import ZERO, Expr, If, PartOf, maximum, minimum, number, total
from engine.language.fields import FormulaField, Model, NameField, PricedField
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS
from engine.quantities import over_lists as lists
from engine.quantities.base import Kind, LoweredQuantity, QuantityModel

WAYS = ("fixed", "percent", "meter")  # in the order in which they are taken
TAKEN = "taken"


class Take(Model):
    """One step."""

    what = "a step of a deduction"

    fixed: PricedField | None = None
    percent: PricedField | None = None
    meter: dict[NameField, FormulaField] | FormulaField | None = None
    how: Literal["in_order", "in_proportion"] = "in_order"
    round: lists.Round | None = None


class Deduction(QuantityModel):
    from_: Annotated[dict[NameField, FormulaField], Field(alias="from")]
    order: list[NameField] = []
    take: dict[NameField, Take]
    larger: Literal["refuse", "clip"] = "refuse"


Left = Mapping[str, Expr]  # period -> energy


def lower(model: Deduction, context: Context) -> LoweredQuantity:
    """Lower to what each step takes from each period, and to what is left."""
    _check(model, context)
    order = [str(period) for period in model.order] or [str(period) for period in model.from_]
    left: Left = {str(period): energy for period, energy in model.from_.items()}
    refusals = [
        LoweredRefusal(lists.at_most(ZERO, energy), context.name, f"{context.name}: {period} is below zero")
        for period, energy in left.items()
    ]
    parts: list[tuple[str, Expr]] = []
    all_taken: list[Expr] = []
    for name, step in model.take.items():
        taken, more = _take(model, context, str(name), step, left, order)
        refusals += more
        parts += [(f"{name}.{period}", energy) for period, energy in taken.items()]
        parts.append((str(name), total(list(taken.values()))))
        all_taken += taken.values()
        left = {
            period: context.define(f"{name}.{period}.left", PartOf(energy - taken[period], energy, place=step.place))
            for period, energy in left.items()
        }
    parts += left.items()
    parts.append((TAKEN, total(all_taken)))
    return LoweredQuantity(total(list(left.values())), tuple(parts), tuple(refusals))


def _check(model: Deduction, context: Context) -> None:
    known = [str(period) for period in model.from_]
    listed = [str(period) for period in model.order]
    for period in model.order:
        if str(period) not in known or listed.count(str(period)) > 1:
            _unknown(context, period, known, listed)
    if model.order and len(listed) < len(known):
        missing = ", ".join(period for period in known if period not in listed)
        context.fail("deduction-order", model.place_of("order"), name=context.name, missing=missing)
    reached = 0
    for name, step in model.take.items():
        ways = [way for way in WAYS if getattr(step, way) is not None]
        if len(ways) != 1:
            context.fail("deduction-way", name.place, name=name)
        if WAYS.index(ways[0]) < reached:
            context.fail("deduction-steps", name.place, name=name, way=ways[0], before=WAYS[reached])
        reached = WAYS.index(ways[0])
        by_period = isinstance(step.meter, dict)
        if by_period and not step.meter:
            context.fail("nothing-listed", step.place_of("meter"), key="meter")
        if isinstance(step.meter, dict):
            for period in step.meter:
                if str(period) not in known:
                    _unknown(context, period, known, [])
        cut = step.fixed is not None and context.splits()
        because = "how: in_proportion" if step.how == "in_proportion" else "changes: split" if cut else ways[0]
        if step.round is None and (step.how == "in_proportion" or step.percent is not None or cut):
            context.fail("quantity-key-needed", step.place, name=name, because=because, key="round")
        if by_period and step.how == "in_proportion":
            told = {"name": name, "because": "meter", "key": "how"}
            context.fail("quantity-key-unread", step.place_of("how"), None, **told)


def _unknown(context: Context, period: NameField, known: list[str], listed: list[str]) -> None:
    near = did_you_mean(str(period), [one for one in known if one not in listed])
    told = {"name": context.name, "period": period, "known": ", ".join(known)}
    context.fail("deduction-period", period.place, None, **told, **near)


def _take(
    model: Deduction, context: Context, name: str, step: Take, left: Left, order: list[str]
) -> tuple[Left, list[LoweredRefusal]]:
    """What one step takes from each period."""
    if isinstance(step.meter, dict):
        meter = {
            str(period): lists.settled(lists.to_row(context, one), step.round) for period, one in step.meter.items()
        }
        return _by_period(model, context, name, meter, left)
    whole = context.define(f"{name}.of", total(list(left.values())))
    wanted = context.define(f"{name}.wanted", _wanted(context, name, step, whole))
    refusals = _fits(model, context, name, wanted, whole)
    amount = wanted if model.larger == "refuse" else minimum(wanted, whole)
    amount = context.define(f"{name}.amount", PartOf(amount, whole, place=step.place))
    taken: dict[str, Expr] = {}
    rest: Expr = amount
    reached: Expr = ZERO
    before: Expr = ZERO
    for period in order:
        energy = left[period]
        if step.how == "in_proportion":
            assert step.round is not None
            reached = energy if reached is ZERO else reached + energy
            share = PartOf(lists.quotient(amount * reached, whole, step.round), whole, place=step.place)
            some = If(lists.equals(whole, ZERO), ZERO, share, place=step.place)
            # rounded to fewer places than the energy has, a share may be more than a period or all the others hold
            most = minimum(energy if before is ZERO else before + energy, amount)
            least = maximum(before, amount - (whole - reached))
            held = amount if period == order[-1] else minimum(maximum(some, least), most)
            up_to = context.define(f"{name}.{period}.up_to", PartOf(held, whole, place=step.place))
            one: Expr = up_to if before is ZERO else up_to - before
            before = up_to
        else:
            one = rest if period == order[-1] else minimum(rest, energy)
        one = context.define(f"{name}.{period}.kwh", PartOf(one, energy, place=step.place))
        taken[period] = one
        if step.how == "in_order" and period != order[-1]:
            rest = context.define(f"{name}.{period}.rest", PartOf(rest - one, amount, place=step.place))
    return {period: taken[period] for period in left}, refusals


def _wanted(context: Context, name: str, step: Take, whole: Expr) -> Expr:
    """What a step asks for."""
    if step.meter is not None:
        assert isinstance(step.meter, Expr)
        return lists.settled(lists.to_row(context, step.meter), step.round)
    if step.percent is not None:
        rate = context.figure(f"{name}.rate", step.percent, DIMENSIONLESS, Fraction(1, 100))
        return lists.settled(whole * rate, step.round)
    assert step.fixed is not None
    monthly = context.figure(f"{name}.fixed", step.fixed, context.unit_of(whole) / lists.MONTH)
    if "month" not in dict(context.unit_of(monthly).dims):
        return lists.settled(monthly, step.round)
    if not context.splits():
        return lists.settled(context.per_period(monthly), step.round)
    assert step.round is not None

    def until(day: Expr) -> Expr:  # in the parts of a month lie thirty thirtieths together
        assert step.round is not None
        return lists.quotient(monthly * lists.thirtieths(lists.BILL_FROM, day), number(30), step.round)

    return until(lists.PERIOD_TO) - until(lists.PERIOD_FROM)


def _fits(model: Deduction, context: Context, name: str, wanted: Expr, whole: Expr) -> list[LoweredRefusal]:
    """That a step takes no less than nothing, and no more than there is unless it is clipped."""
    told = (("wanted", wanted), ("left", whole))
    message = f"{context.name}: {name} is {{wanted}}, and {{left}} are left to take it from"
    fits = lists.at_most(ZERO, wanted)
    if model.larger == "refuse":
        fits = lists.all_of(fits, lists.at_most(wanted, whole))
    return [LoweredRefusal(fits, f"{context.name}.{name}", message, None, told)]


def _by_period(
    model: Deduction, context: Context, name: str, meter: Left, left: Left
) -> tuple[Left, list[LoweredRefusal]]:
    """A sub-meter's periods, each from its namesake."""
    taken: dict[str, Expr] = {}
    refusals: list[LoweredRefusal] = []
    for period, energy in left.items():
        if period not in meter:
            taken[period] = context.define(f"{name}.{period}.kwh", energy * number(0))
            continue
        wanted = context.define(f"{name}.{period}.wanted", meter[period])
        refusals += _fits(model, context, f"{name}.{period}", wanted, energy)
        one = wanted if model.larger == "refuse" else minimum(wanted, energy)
        taken[period] = context.define(f"{name}.{period}.kwh", PartOf(one, energy, place=energy.place))
    return taken, refusals


KIND = Kind("deduction", Deduction, lower)
