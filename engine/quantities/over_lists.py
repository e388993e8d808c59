"""What the quantity kinds share: from the items of a list to the row, along the items, days, and rounding."""

from __future__ import annotations

from typing import Literal, TypeVar

from engine.charges.base import Context
from engine.language.expressions import (
    ZERO,
    Call,
    Compare,
    Expr,
    If,
    Logic,
    Name,
    PartOf,
    Unary,
    number,
    rounded,
)
from engine.language.fields import Model, PlacesField
from engine.language.units import DIMENSIONLESS, Unit, parse_unit

DAY = parse_unit("day")[0]
MONTH = parse_unit("month")[0]
HOUR = parse_unit("h")[0]
PER_HOUR = HOUR**-1
KWH = parse_unit("kWh")[0]
KVARH = parse_unit("kvarh")[0]

PERIOD_FROM, PERIOD_TO = Name("period_from"), Name("period_to")
BILL_FROM, BILL_TO, BILL_DAYS = Name("bill_from"), Name("bill_to"), Name("bill_days")


T = TypeVar("T")


def present(value: T | None) -> T:
    """What a check before has found to be written."""
    assert value is not None
    return value


class Round(Model):
    """How a quantity is rounded."""

    what = "a rounding"

    places: PlacesField
    mode: Literal["half_up", "half_even", "up", "down", "floor", "ceiling"] = "half_up"


def settled(value: Expr, how: Round | None) -> Expr:
    """The value rounded as declared; as it is where nothing is declared."""
    return value if how is None else rounded(value, how.places, how.mode)


def quotient(top: Expr, bottom: Expr, how: Round | int) -> Expr:
    """A quotient rounded as declared, or half up to so many places."""
    places, mode = (how, "half_up") if isinstance(how, int) else (how.places, how.mode)
    return Call("divide", (top, bottom), places, mode, place=top.place)


def to_row(context: Context, value: Expr) -> Expr:
    """The sum over the row's items where the value is on a list; the value itself where it is the row's."""
    return item_sum(value) if context.list_of(value) else value


def item_sum(value: Expr) -> Expr:
    """Sum over a row's items."""
    return Call("sum", (value,), place=value.place)


def item_count(condition: Expr) -> Expr:
    """How many of a row's items fulfil a condition; of a list's name, how many there are."""
    return Call("count", (condition,), place=condition.place)


def largest_item(value: Expr, if_empty: Expr) -> Expr:
    """Largest of a row's items."""
    return Call("largest_item", (value, if_empty), place=value.place)


def running_sum(value: Expr) -> Expr:
    """Sum of a row's items up to each of them, itself included."""
    return Call("running_sum", (value,), place=value.place)


def previous_item(value: Expr, first: Expr) -> Expr:
    """The value of the item before; `first` at the first item."""
    return Call("previous_item", (value, first), place=value.place)


def windowed(value: Expr, items: int) -> Expr:
    """Sum of each item and the `items` - 1 before it; before the first item lies nothing."""
    result = value
    for _ in range(items - 1):
        value = previous_item(value, ZERO)
        result = result + value
    return result


def where(condition: Expr | None, value: Expr) -> Expr:
    """The value where the condition holds, zero elsewhere."""
    return value if condition is None else If(condition, value, ZERO, place=value.place)


def equals(left: Expr, right: Expr) -> Expr:
    """Whether two values are equal."""
    return Compare("==", left, right, place=left.place)


def at_most(left: Expr, right: Expr) -> Expr:
    """Whether the left value is not above the right one."""
    return Compare("<=", left, right, place=left.place)


def negation(condition: Expr) -> Expr:
    """That a condition does not hold."""
    return Unary("not", condition, place=condition.place)


def any_of(*conditions: Expr) -> Expr:
    """That one of the conditions holds."""
    return conditions[0] if len(conditions) == 1 else Logic("or", conditions, place=conditions[0].place)


def all_of(*conditions: Expr) -> Expr:
    """That every condition holds."""
    return conditions[0] if len(conditions) == 1 else Logic("and", conditions, place=conditions[0].place)


def thirtieths(first: Expr, end: Expr) -> Expr:
    """Thirtieths of months in [first, end), none where the days lie the other way round [month, thirty to one]."""
    return Call("thirtieths", (first, end), place=first.place)


def thirtieths_of_period(context: Context) -> Expr:
    """Thirtieths of months in the billing period: 30 in a full month of any length.

    A part of the bill has what it adds to the parts before it, so that the parts of a month have 30 together.
    """
    if not context.splits():
        return thirtieths(PERIOD_FROM, PERIOD_TO)
    until = thirtieths(BILL_FROM, PERIOD_TO)
    return PartOf(until - thirtieths(BILL_FROM, PERIOD_FROM), until)


def bare(context: Context, value: Expr) -> Expr:
    """The number alone, for formulas whose printed form leaves units out."""
    unit = context.unit_of(value)
    return value if unit == DIMENSIONLESS else value * number(1, DIMENSIONLESS / unit)


def in_unit(value: Expr, unit: Unit) -> Expr:
    """A bare number as a quantity."""
    return value * number(1, unit)
