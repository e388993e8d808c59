"""What the kinds share that price a row value or each item of a list: sums, prices of items, tolerances.

Such a kind takes its formulas from the row or from one list. On a list each item is priced, and the line is their sum.
Whether each item's money is rounded before it is added has no default: the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from engine.charges.base import ChargeModel, Context
from engine.language.expressions import ZERO, Call, Compare, Expr, If, maximum, number, rounded
from engine.language.fields import BoolField, Model, NumberField, Priced, PricedField
from engine.language.units import DIMENSIONLESS, Unit

PERCENT = Fraction(1, 100)


def check_together(model: Model, context: Context, *keys: tuple[str, str]) -> None:
    """Keys that stand together or not at all; each comes with an example of itself."""
    here = [key for key, _ in keys if getattr(model, key) is not None]
    absent = [(key, example) for key, example in keys if getattr(model, key) is None]
    if here and absent:
        lacking, example = absent[0]
        place = model.place_of(here[0])
        context.fail("key-without", place, charge=context.name, key=here[0], lacking=lacking, example=example)


def check_read(model: Model, context: Context, key: str, beside: str, *, read: bool) -> None:
    """A key that is written is read: it changes nothing where what it stands `beside` is not there."""
    if not read and key in model.model_fields_set:
        context.fail("key-without", model.place_of(key), charge=context.name, key=key, lacking=beside, example=beside)


def check_one_of(model: Model, context: Context, first: str, second: str) -> None:
    """Two keys of which one is written, and not both."""
    if (getattr(model, first) is None) == (getattr(model, second) is None):
        at_name = isinstance(model, ChargeModel) and getattr(model, first) is None
        place = context.place if at_name else model.place_of(second)
        context.fail("one-of-two", place, charge=context.name, first=first, second=second)


def gathered(context: Context, expr: Expr) -> Expr:
    """A value of the row: the sum over the items where `expr` is on a list, else itself."""
    return Call("sum", (expr,), place=expr.place) if context.list_of(expr) else expr


def check_round_each(charge: ChargeModel, context: Context, round_each: BoolField | None, expr: Expr) -> None:
    """Whether items are rounded is said where there are items, and nowhere else."""
    if context.list_of(expr) and round_each is None:
        context.fail("round-each-not-declared", context.place, charge=context.name, items=context.list_of(expr))
    if not context.list_of(expr) and round_each is not None:
        context.fail("round-each-unread", charge.place_of("round_each"), charge=context.name)


def money(context: Context, expr: Expr, round_each: bool | None) -> Expr:
    """The line's money: each item's rounded first where that is declared."""
    return gathered(context, rounded(expr, context.minor_places) if round_each else expr)


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """A price as it multiplies an item, and as the line shows it; an item's own price is not the line's."""

    of_item: Expr
    of_line: Expr | None


def item_price(context: Context, line: str, priced: Priced, unit: Unit, times: NumberField | None = None) -> ItemPrice:
    """The price of a line, named `LINE.price`, `times` as much where that is declared.

    Args:
        line: its id in the charge; "" for a line that is named as the charge.
    """
    before = f"{line}." if line else ""
    if isinstance(priced, Expr) and context.list_of(priced):
        each = context.figure(f"{before}item_price", priced, unit)
        return ItemPrice(each if times is None else each * number(times.value), None)
    if times is None:
        price = context.figure(f"{before}price", priced, unit)
    else:
        price = context.figure(f"{before}full_price", priced, unit) * number(times.value)
    return ItemPrice(price, price)


class Beyond(Model):
    """What lies beyond a tolerance round a contracted quantity, and its price."""

    what = "a deviation"

    tolerance_percent: PricedField
    method: Literal["marginal", "whole"]
    price: PricedField
    times: NumberField | None = None


def beyond(context: Context, side: str, rule: Beyond, actual: Expr, contract: Expr) -> Expr:
    """How much `actual` is `over` or `under` the contract by more than the tolerance; zero within it.

    Marginal: what lies beyond the tolerance. Whole: all that lies beyond the contract, once the tolerance is passed.
    """
    tolerance = context.figure(f"{side}.tolerance", rule.tolerance_percent, DIMENSIONLESS, PERCENT)
    more, less = (actual, contract) if side == "over" else (contract, actual)
    share = number(1) + tolerance if side == "over" else number(1) - tolerance
    limit = context.define(f"{side}.limit", contract * share)
    if rule.method == "marginal":
        return maximum(actual - limit if side == "over" else limit - actual, ZERO)
    passed = Compare(">" if side == "over" else "<", actual, limit, place=rule.place)
    return If(passed, maximum(more - less, ZERO), ZERO, place=rule.place)
