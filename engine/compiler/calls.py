"""Functions of the formula language as steps: rounding, division, roots, extremes, what was given."""

from __future__ import annotations

from datetime import date

from engine.calendars.days import day_number
from engine.compiler.days import OF_DAYS, extreme_day
from engine.compiler.fold import root
from engine.compiler.inferring import Inferring
from engine.compiler.lists import OVER_LISTS, over_items
from engine.compiler.names import is_given, read_name
from engine.compiler.needs import Need, Value, joined, surely
from engine.compiler.program import BOOLEAN, Refusal, Rounding, Type
from engine.language.expressions import Binary, Call, Expr, If, Name, Number, Unary, factors, written
from engine.language.reading import did_you_mean

SYMMETRIC = ("half_up", "half_even", "up", "down")  # rounding that a minus sign does not change


def call(infer: Inferring, expr: Call) -> Value:
    """A function of the formula language."""
    places, mode = expr.places or 0, Rounding(expr.mode)
    arguments = expr.arguments
    match expr.function:
        case "min" | "max" | "sum" if len(arguments) == 1:
            return over_items(infer, expr)
        case "min" | "max" | "sum":
            return fold_call(infer, expr)
        case "abs":
            inner = infer.numeric(arguments[0])
            return Value(infer.builder.absolute(inner.step), inner.needs, inner.zero)
        case "round":
            return rounded(infer, arguments[0], places, mode)
        case "divide":
            return divide(infer, expr, places, mode)
        case "sqrt":
            return sqrt(infer, expr, places, mode)
        case "power_factor":
            active, reactive = (infer.numeric(argument) for argument in arguments)
            a, b, _ = infer.builder.align(active.step, reactive.step)
            for side, written_side in zip((a, b), arguments, strict=True):
                if not infer.builder.not_negative(side):
                    infer.fail(
                        "power-factor-below-zero", written_side.place or expr.place, formula=written(written_side)
                    )
            type_ = Type(places=places, low=0, high=10**places)
            step = infer.builder.make("power_factor", (a, b), type_, mode, expr.place)
            return Value(step, joined(infer.builder, active.needs, reactive.needs))
        case "given":
            return asked_given(infer, expr)
        case "unrounded":
            return unrounded(infer, expr)
        case "day":
            return written_day(infer, expr)
        case _ if expr.function in OVER_LISTS:
            return OVER_LISTS[expr.function](infer, expr)
        case _ if expr.function in OF_DAYS:
            return OF_DAYS[expr.function](infer, expr)
        case _:
            raise AssertionError(expr.function)


def fold_call(infer: Inferring, expr: Call) -> Value:
    """min, max and sum, two by two."""
    if expr.function != "sum" and infer.type(infer.value(expr.arguments[0])).kind == "date":
        return extreme_day(infer, expr)
    result = infer.numeric(expr.arguments[0])
    for argument in expr.arguments[1:]:
        other = infer.numeric(argument)
        a, b = infer.same_unit(expr.function, result, other, expr.place, expr.arguments[0], argument)
        unit, needs = infer.type(a).unit, joined(infer.builder, a.needs, b.needs)
        if expr.function == "sum":
            step = infer.builder.add(a.step, b.step, unit)
        else:
            step = infer.builder.extreme(f"{expr.function}imum", a.step, b.step, unit)
        result = Value(step, needs, a.zero and b.zero)
    return result


def rounded(infer: Inferring, inner: Expr, places: int, mode: Rounding) -> Value:
    """Round, fused with what is beneath: a product wider than a column exists only with its rounding."""
    match inner:
        case If(condition=condition, then=then, otherwise=otherwise):
            return infer.choice(inner, condition, lambda e: rounded(infer, e, places, mode), then, otherwise)
        case Unary(op="-", operand=operand) if mode.value in SYMMETRIC:
            value = rounded(infer, operand, places, mode)
            return Value(infer.builder.negate(value.step), value.needs, value.zero)
        case Binary(op="*"):
            values = [infer.numeric(factor) for factor in factors(inner)]
            *rest, last = infer.by_size(values)
            first = rest[0]
            for other in rest[1:]:
                unit = infer.type(first).unit * infer.type(other).unit
                step = infer.builder.multiply(first.step, other.step, unit)
                first = Value(step, joined(infer.builder, first.needs, other.needs))
            unit = infer.type(first).unit * infer.type(last).unit
            step = infer.builder.multiply_round(first.step, last.step, unit, places, mode, inner.place)
            zero = any(value.zero for value in values)
            return Value(step, joined(infer.builder, first.needs, last.needs), zero)
        case _:
            value = infer.numeric(inner)
            return Value(infer.builder.round(value.step, places, mode, inner.place), value.needs, value.zero)


def divide(infer: Inferring, expr: Call, places: int, mode: Rounding) -> Value:
    """A quotient with named places and mode; a divisor of zero refuses the row."""
    top, bottom = expr.arguments
    divisor = infer.numeric(bottom)
    if not infer.builder.not_negative(divisor.step):
        infer.fail("divisor-below-zero", bottom.place, formula=written(bottom))
    zero = infer.builder.literal(0, Type(unit=infer.type(divisor).unit))
    not_zero = infer.builder.negation(infer.builder.compare("equal", divisor.step, zero))
    refusal = Refusal("divide-by-zero", written(bottom), "", (), expr.place)
    need = Need(not_zero, None, refusal)
    *rest, last = infer.by_size([infer.numeric(factor) for factor in factors(top)])
    needs = joined(infer.builder, divisor.needs, (need,), *(value.needs for value in (*rest, last)))
    unit = infer.type(last).unit
    if not rest:
        unit = unit / infer.type(divisor).unit
        step = infer.builder.divide(last.step, divisor.step, unit, places, mode, expr.place)
        return Value(step, needs)
    first = rest[0].step
    for other in rest[1:]:
        joint = infer.builder.type(first).unit * infer.type(other).unit
        first = infer.builder.multiply(first, other.step, joint)
    unit = infer.builder.type(first).unit * unit / infer.type(divisor).unit
    step = infer.builder.multiply_divide(first, last.step, divisor.step, unit, places, mode, expr.place)
    return Value(step, needs)


def sqrt(infer: Inferring, expr: Call, places: int, mode: Rounding) -> Value:
    """A square root with named places and mode."""
    inner = infer.numeric(expr.arguments[0])
    type_ = infer.type(inner)
    if not infer.builder.not_negative(inner.step):
        infer.fail("root-below-zero", expr.arguments[0].place, formula=written(expr.arguments[0]))
    if 2 * places < type_.places:
        infer.fail("root-places", expr.place, places=(type_.places + 1) // 2)
    low, high = (root(v, type_.places, places, mode) for v in (type_.low, type_.high))
    unit = type_.unit.root(2)
    bounds = Type("number", unit, places, low, high)
    return Value(infer.builder.make("sqrt", (inner.step,), bounds, mode, expr.place), inner.needs)


def asked_given(infer: Inferring, expr: Call) -> Value:
    """given(x), of an input that may be absent."""
    name = expr.arguments[0]
    if isinstance(name, Name) and name.path in infer.scope.axes:
        if not infer.scope.axes[name.path].spec.optional:
            infer.fail("always-given", expr.place, name=name.path)
        return Value(is_given(infer, name.path))
    if isinstance(name, Name) and name.path in infer.scope.reads:
        return read_given(infer, name)
    if not isinstance(name, Name) or name.path not in infer.scope.inputs:
        near = did_you_mean(written(name), (*infer.scope.inputs, *infer.scope.axes))
        infer.fail("given-needs-input", name.place, None, formula=written(expr), **near)
    rule = infer.scope.inputs[name.path]
    if not rule.spec.optional or rule.spec.default is not None:
        infer.fail("always-given", expr.place, name=name.path)
    return Value(is_given(infer, name.path))


def read_given(infer: Inferring, name: Name) -> Value:
    """given(x), of what a shared file reads: here it may be an input of any sort, a quantity or a value."""
    rule = infer.scope.inputs.get(name.path)
    if rule is not None and rule.spec.optional and rule.spec.default is None:
        return Value(is_given(infer, name.path))
    there = Value(infer.builder.literal(1, BOOLEAN), () if rule is not None else infer.value(name).needs)
    return Value(surely(infer.builder, there))


def unrounded(infer: Inferring, expr: Call) -> Value:
    """A charge's amount before rounding."""
    name = expr.arguments[0]
    path = f"{name.path}.unrounded" if isinstance(name, Name) else ""
    if path not in infer.scope.definitions:
        charges = [path.removesuffix(".unrounded") for path in infer.scope.definitions if path.endswith(".unrounded")]
        near = did_you_mean(written(name), charges)
        infer.fail("unrounded-needs-charge", name.place, None, formula=written(expr), **near)
    return read_name(infer, Name(path, place=expr.place))


def written_day(infer: Inferring, expr: Call) -> Value:
    """day(2026, 1, 31)."""
    parts = [int(a.value) for a in expr.arguments if isinstance(a, Number) and a.value == int(a.value)]
    try:
        year, month, day = parts
        at = day_number(date(year, month, day))
    except ValueError:
        infer.fail("no-such-day", expr.place, formula=written(expr))
    return Value(infer.builder.literal(at, Type("date")))
