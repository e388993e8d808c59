"""register: energy from a meter's readings, (end - start) × multiplier.

The readings are two inputs of the row, or a list with an item for each stretch that one meter measured: after a change
of meters the old meter's stretch and the new one's are added, and a meter with tariff registers has items for each.

A meter whose `end` is below its `start` has passed its highest number: 10^digits are added, by the digits of the dial
before the decimal point. (One billing engine takes the digits of the start reading; that is wrong where the start has
fewer digits than the dial.) Without `digits` such a reading is refused.

With `from_day` and `to_day` the stretches of each register, in the list's order, must fill the days of the bill without
gap or overlap. A list needs them where billing periods are cut into parts: `by_reading` refuses a stretch that lies in
two parts; `by_days` divides its energy by days. What a part gets is the rounded energy up to its end less that up to
its beginning, so that parts add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from engine.charges.base import Context, LoweredRefusal
from engine.language.expressions import (
    ZERO,
    Call,
    Compare,
    Expr,
    If,
    Name,
    Number,
    PartOf,
    maximum,
    minimum,
    number,
    total,
    written,
)
from engine.language.fields import FormulaField, NameField
from engine.quantities import over_lists as lists
from engine.quantities.base import Kind, LoweredQuantity, QuantityModel

DIGITS_MAX = 8  # of a dial, before the decimal point


class RegisterRound(lists.Round):
    """Rounding of readings: each stretch by itself, or their sum."""

    per: Literal["stretch", "sum"] = "sum"


class Register(QuantityModel):
    start: FormulaField
    end: FormulaField
    multiplier: FormulaField | None = None
    digits: FormulaField | None = None
    round: RegisterRound | None = None
    estimated: FormulaField | None = None
    register_: Annotated[FormulaField | None, Field(alias="register")] = None  # `register` is a method of the class
    total: NameField | None = None
    periods: list[NameField] = []
    rest: NameField | None = None
    may_differ: FormulaField | None = None
    may_lack: list[NameField] = []
    from_day: FormulaField | None = None
    to_day: FormulaField | None = None
    parts: Literal["by_reading", "by_days"] | None = None


def lower(model: Register, context: Context) -> LoweredQuantity:
    """Lower to sums of `(end - start) * multiplier`, one for each register that is asked for."""
    _check(model, context)
    codes = [str(code) for code in ([model.total] if model.total else []) + model.periods]
    refusals = [*_readings(model, context), *_present(model, context, codes), *_stretches(model, context, codes)]
    each = context.define("each", _each(model, context))
    parts: list[tuple[str, Expr]] = []
    if model.register_ is None:
        whole = _summed(model, context, "all", each)
    else:
        sums = {code: _summed(model, context, code, lists.where(_of(model, code), each)) for code in codes}
        whole, parts, more = _registers(model, sums)
        refusals += more
    if model.estimated is not None:
        # of the registers that make the whole: the total where the rest is taken from it, else the periods
        made_of = codes[:1] if model.rest is not None or not model.periods else [str(code) for code in model.periods]
        condition = model.estimated
        if model.register_ is not None:
            condition = lists.all_of(condition, lists.any_of(*(_of(model, code) for code in made_of)))
        parts.append(("estimated", _summed(model, context, "guessed", lists.where(condition, each))))
    return LoweredQuantity(whole, tuple(parts), tuple(refusals))


def _check(model: Register, context: Context) -> None:
    """Keys that need one another."""
    has = {field.alias or name: bool(getattr(model, name)) for name, field in Register.model_fields.items()}
    for key, other in (
        ("from_day", "to_day"),
        ("to_day", "from_day"),
        ("total", "register"),
        ("periods", "register"),
        ("rest", "total"),
        ("rest", "periods"),
        ("may_differ", "total"),
        ("may_lack", "register"),
    ):
        if has[key] and not has[other]:
            _wanting(model, context, key, key, other)
    if model.register_ is not None and not model.total and not model.periods:
        _wanting(model, context, "register", "register", "periods")
    if model.total and model.periods and (model.rest is None) == (model.may_differ is None):
        context.fail("register-rest", model.place_of("total"), name=context.name)
    on = context.list_of(model.start)
    for key in ("register", "estimated", "from_day"):
        if not on and has[key]:
            context.fail("quantity-needs-list", model.place_of(key), name=context.name, key=key)
    if not context.splits() and model.parts is not None:
        context.fail("register-parts-unread", model.place_of("parts"), name=context.name)
    if context.splits():
        if model.parts is None:
            context.fail("register-parts", context.place, name=context.name)
        for reading in (model.start, model.end):
            if context.divided(reading):
                context.fail("divided-in-parts", reading.place, name=context.name, formula=written(reading))
        if on and model.from_day is None:
            _wanting(model, context, "parts", f"parts: {model.parts}", "from_day")
        if model.parts == "by_days" and model.round is None:
            _wanting(model, context, "parts", "parts: by_days", "round")


def _wanting(model: Register, context: Context, at: str, because: str, key: str) -> None:
    context.fail("quantity-key-needed", model.place_of(at), name=context.name, because=because, key=key)


def _of(model: Register, code: str) -> Expr:
    """That an item is of a register."""
    assert model.register_ is not None
    return lists.equals(model.register_, Name(code, place=model.register_.place))


def _each(model: Register, context: Context) -> Expr:
    """The energy of each stretch."""
    dial = _dial(model, context)
    turned: Expr = model.end - model.start
    whole: Expr = model.end
    if dial is not None:
        passed = Compare("<", model.end, model.start, place=model.end.place)
        turned, whole = If(passed, turned + dial, turned, place=model.end.place), dial
    advance: Expr = PartOf(turned, whole, place=model.end.place)
    energy = advance if model.multiplier is None else advance * model.multiplier
    return lists.settled(energy, model.round) if model.round is not None and model.round.per == "stretch" else energy


def _dial(model: Register, context: Context) -> Expr | None:
    """Where a dial begins anew: 10^digits, in the unit of the readings."""
    if model.digits is None:
        return None
    unit = context.unit_of(model.start)
    if isinstance(model.digits, Number):
        if model.digits.value not in range(1, DIGITS_MAX + 1):
            context.fail("register-digits", model.digits.place, name=context.name, most=DIGITS_MAX)
        return number(10 ** int(model.digits.value), unit)
    dial: Expr = number(10**DIGITS_MAX, unit)
    for digits in range(DIGITS_MAX - 1, 0, -1):
        is_this = lists.equals(model.digits, number(digits))
        dial = If(is_this, number(10**digits, unit), dial, place=model.digits.place)
    return dial


def _readings(model: Register, context: Context) -> list[LoweredRefusal]:
    """What no meter can show; the proof that what it measured lies between zero and a turn of its dial."""
    told = (("start", model.start), ("end", model.end))
    dial = _dial(model, context)
    if dial is None or model.digits is None:
        runs = lists.all_of(lists.at_most(ZERO, model.start), lists.at_most(model.start, model.end))
        message = f"{context.name}: the reading goes back from {{start}} to {{end}}"
        return [LoweredRefusal(runs, _field(model.end, context), message, None, told)]
    refusals = []
    if not isinstance(model.digits, Number):
        known = lists.all_of(lists.at_most(number(1), model.digits), lists.at_most(model.digits, number(DIGITS_MAX)))
        message = f"{context.name}: a dial of {{digits}} digits; 1 to {DIGITS_MAX} are known"
        told_digits = (("digits", model.digits),)
        refusals.append(LoweredRefusal(known, _field(model.digits, context), message, None, told_digits))
    lowest, highest = minimum(model.start, model.end), maximum(model.start, model.end)
    shown = lists.all_of(lists.at_most(ZERO, lowest), Compare("<", highest, dial, place=model.end.place))
    message = f"{context.name}: no dial of {{digits}} digits shows {{start}} and {{end}}"
    with_digits = (*told, ("digits", model.digits))
    refusals.append(LoweredRefusal(shown, _field(model.end, context), message, None, with_digits))
    return refusals


def _field(expr: Expr, context: Context) -> str:
    """What a refusal names: the input itself, where the formula is one."""
    return expr.path if isinstance(expr, Name) else context.name


def _present(model: Register, context: Context, codes: Sequence[str]) -> list[LoweredRefusal]:
    """That every register has a reading: absence is not zero."""
    on = context.list_of(model.start)
    if not on:
        return []
    if not codes:
        some = lists.at_most(number(1), lists.item_count(Name(on, place=model.start.place)))
        return [LoweredRefusal(some, on, f"{context.name}: no reading")]
    return [
        LoweredRefusal(
            lists.at_most(number(1), lists.item_count(_of(model, code))), on, f"{context.name}: no reading of {code}"
        )
        for code in codes
        if code not in {str(one) for one in model.may_lack}
    ]


def _stretches(model: Register, context: Context, codes: Sequence[str]) -> list[LoweredRefusal]:
    """That the stretches of each register fill the bill, one after another; none lies in two parts, if so declared."""
    refusals: list[LoweredRefusal] = []
    first, end = _days(model)
    told = (("from", first), ("to", end))
    if model.from_day is not None:
        days = end - first
        forward = Compare("<", first, end, place=end.place)
        message = f"{context.name}: readings from {{from}} to {{to}} span no day"
        refusals.append(LoweredRefusal(forward, _field(end, context), message, None, told))
        for code in codes or [""]:
            own = _of(model, code) if code else None
            own_days = lists.where(own, days)
            follows = lists.equals(first - lists.BILL_FROM, lists.running_sum(own_days) - own_days)
            if own is not None:
                follows = lists.any_of(lists.negation(own), follows)
            message = f"{context.name}: the readings from {{from}} to {{to}} do not begin where those before them end"
            refusals.append(LoweredRefusal(follows, _field(first, context), message, None, told))
            filled = lists.equals(lists.item_sum(own_days), lists.BILL_DAYS)
            if own is not None and code in {str(one) for one in model.may_lack}:
                filled = lists.any_of(lists.equals(lists.item_count(own), ZERO), filled)
            message = f"{context.name}: the readings do not reach the last day of the bill"
            refusals.append(LoweredRefusal(filled, context.list_of(model.start), message))
    if context.splits() and model.parts == "by_reading":
        message = f"{context.name}: the readings from {{from}} to {{to}} lie in two parts of the bill"
        at_borders = [
            lists.any_of(lists.at_most(day, first), lists.at_most(end, day))
            for day in (lists.PERIOD_FROM, lists.PERIOD_TO)
        ]
        refusals.append(LoweredRefusal(lists.all_of(*at_borders), _field(end, context), message, None, told))
    return refusals


def _days(model: Register) -> tuple[Expr, Expr]:
    """The days of a stretch; two readings of the row are those of the bill."""
    return model.from_day or lists.BILL_FROM, model.to_day or lists.BILL_TO


def _summed(model: Register, context: Context, name: str, item: Expr) -> Expr:
    """Sum of the items; of a part of the bill, what lies in it."""
    on = context.list_of(model.start)
    how = model.round if model.round is not None and (model.round.per == "sum" or not on) else None

    def until(day: Expr | None) -> Expr:
        value = item if day is None else _until(model, item, day)
        return lists.settled(lists.item_sum(value) if on else value, how)

    value = until(lists.PERIOD_TO) - until(lists.PERIOD_FROM) if context.splits() else until(None)
    return context.define(f"{name}.sum", value)


def _until(model: Register, item: Expr, day: Expr) -> Expr:
    """The energy of a stretch before a day."""
    first, end = _days(model)
    over = lists.at_most(end, day)
    if model.parts == "by_reading":
        return lists.where(over, item)
    assert model.round is not None
    days = maximum(end - first, number(1, lists.DAY))
    share = PartOf(lists.quotient(item * (day - first), days, model.round), item, place=item.place)
    return If(over, item, lists.where(Compare("<", first, day, place=first.place), share), place=item.place)


def _registers(model: Register, sums: dict[str, Expr]) -> tuple[Expr, list[tuple[str, Expr]], list[LoweredRefusal]]:
    """The whole, each period's energy, and that they add up to it."""
    parts = [(str(period), sums[str(period)]) for period in model.periods]
    if not model.periods:
        return sums[str(model.total)], parts, []
    added = total([expr for _, expr in parts])
    if model.total is None:
        return added, parts, []
    whole = sums[str(model.total)]
    told = (("total", whole), ("periods", added))
    if model.rest is not None:
        holds = lists.all_of(lists.at_most(ZERO, added), lists.at_most(added, whole))
        message = f"{model.total} {{total}} is less than its registers together, {{periods}}"
        refusal = LoweredRefusal(holds, str(model.rest), message, None, told)
        rest = PartOf(whole - added, whole, place=model.rest.place)
        return whole, [*parts, (str(model.rest), rest), ("total", whole)], [refusal]
    assert model.may_differ is not None
    apart = lists.at_most(Call("abs", (whole - added,), place=whole.place), model.may_differ)
    message = f"{model.total} {{total}} and its registers together, {{periods}}, differ"
    return added, [*parts, ("total", whole)], [LoweredRefusal(apart, str(model.total), message, None, told)]


KIND = Kind("register", Register, lower)
