"""exclusive: reductions of which a customer has one alone (优惠不可叠加); a line an option, shown for the one chosen.

`first` takes the first option whose `when` holds, in the order of writing. `largest_reduction` takes the one that takes
off the most, the earlier of two that are equal, and none where none takes anything off. `cap` and `cap_percent` of
`cap_base` bound what is taken off; where both stand, the lower does. Options are compared rounded to money, uncapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.charges.items import PERCENT, check_one_of, check_together
from engine.language.expressions import ZERO, Compare, Expr, If, Unary, both, maximum, minimum, rounded
from engine.language.fields import FormulaField, Model, NameField, PricedField, TextField
from engine.language.units import DIMENSIONLESS


class Option(Model):
    what = "an option"

    title: TextField | None = None
    when: FormulaField | None = None
    amount: FormulaField | None = None
    percent: PricedField | None = None
    base: list[TextField] | None = None


class Exclusive(ChargeModel):
    choose: Literal["first", "largest_reduction"]
    of: dict[NameField, Option]
    cap: PricedField | None = None
    cap_percent: PricedField | None = None
    cap_base: list[TextField] | None = None


def lower(charge: Exclusive, context: Context) -> Lowered:
    """Lower to a line an option, of which `shown` holds for one at most."""
    check_together(charge, context, ("cap_percent", "cap_percent: 20"), ("cap_base", "cap_base: [energy]"))
    lines = [_line(context, str(name), option) for name, option in charge.of.items()]
    if charge.choose == "first":
        shown = _first(charge, context)
    else:
        shown = [_largest([line.amount for line in lines], k) for k in range(len(lines))]
    most = _most(charge, context)
    return Lowered(
        tuple(
            LoweredLine(
                line.id,
                line.amount if most is None else maximum(line.amount, -most),
                line.title,
                line.quantity,
                line.price,
                condition,
                line.place,
            )
            for line, condition in zip(lines, shown, strict=True)
        )
    )


def _line(context: Context, name: str, option: Option) -> LoweredLine:
    """An option as it would be billed by itself: rounded, zero where it does not apply."""
    check_together(option, context, ("percent", "percent: -5"), ("base", "base: [energy]"))
    check_one_of(option, context, "amount", "percent")
    base = price = None
    amount = option.amount
    if option.percent is not None and option.base is not None:
        base = context.base(option.base)
        price = context.figure(f"{name}.percent", option.percent, DIMENSIONLESS, PERCENT)
        amount = base * price
    assert amount is not None
    reduction: Expr = rounded(amount, context.minor_places)
    if option.when is not None:
        reduction = If(option.when, reduction, ZERO, place=option.place)
    reduction = context.define(f"{name}.reduction", reduction)
    return LoweredLine(name, reduction, str(option.title or ""), base, price, place=option.place)


def _first(charge: Exclusive, context: Context) -> list[Expr | None]:
    """That an option applies and none before it does."""
    shown: list[Expr | None] = []
    before: list[Expr] = []
    for name, option in charge.of.items():
        shown.append(both(*before, option.when))
        if option.when is None and len(shown) < len(charge.of):
            context.fail("option-always", name.place, charge=context.name, name=name)
        if option.when is not None:
            before.append(Unary("not", option.when, place=option.when.place))
    return shown


def _largest(reductions: Sequence[Expr], k: int) -> Expr:
    """That an option takes off more than those before it, and no less than those after it."""
    own = reductions[k]
    more = [Compare("<", own, other, place=own.place) for other in (ZERO, *reductions[:k])]
    no_less = [Compare("<=", own, other, place=own.place) for other in reductions[k + 1 :]]
    chosen = both(*more, *no_less)
    assert chosen is not None
    return chosen


def _most(charge: Exclusive, context: Context) -> Expr | None:
    """The most that is taken off."""
    caps: list[Expr] = []
    if charge.cap is not None:
        caps.append(context.per_period(context.figure("cap", charge.cap, context.currency)))
    if charge.cap_percent is not None and charge.cap_base is not None:
        share = context.figure("cap_percent", charge.cap_percent, DIMENSIONLESS, PERCENT)
        caps.append(rounded(context.base(charge.cap_base) * share, context.minor_places))
    return maximum(minimum(*caps), ZERO) if caps else None


KIND = Kind("exclusive", Exclusive, lower, linear=False)
