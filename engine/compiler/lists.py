"""Functions over lists as steps: from the items to the row, along the items, over the parts of a bill.

Takes calls of the formula language; gives values. What an item needs becomes a need of its row where the row takes
the list's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from engine.calendars import timeline as timelines
from engine.compiler.inferring import Inferring
from engine.compiler.names import along
from engine.compiler.needs import Need, Value, joined, reduced
from engine.compiler.program import ROW, Type
from engine.language.expressions import Call, Expr, Name, Number, written
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS


def on_list(infer: Inferring, expr: Expr, whole: Call) -> tuple[str, Value]:
    """A formula as a value of each item, and the list that it is on."""
    axis = infer.list_of(expr)
    if not axis:
        known = [name for name, rule in infer.scope.inputs.items() if rule.spec.type.axis != ROW]
        near = did_you_mean(written(expr), known)
        infer.fail(
            "not-on-a-list", expr.place or whole.place, None, formula=written(whole), inner=written(expr), **near
        )
    value = infer.value(expr)
    step = value.step
    if infer.builder.type(step).axis == ROW:  # what is the same for each item is so known by its row
        fixed = infer.builder.steps[step].primitive in ("literal", "constant")
        step = infer.builder.claim_axis(step, axis) if fixed else infer.builder.spread(step, axis)
    return axis, replace(value, step=step)


def of_bill(infer: Inferring, expr: Expr) -> bool:
    """Whether the whole bill is meant of a list whose items each part has its own of: those that follow the clock."""
    if not infer.bill:
        return False
    rule = infer.scope.axes.get(infer.list_of(expr))
    return rule is not None and rule.spec.minutes > 0


def largest_of_bill(infer: Inferring, expr: Call) -> Value:
    """The largest or smallest interval of the whole bill, of what each part has of it."""
    if expr.function not in ("largest_item", "smallest_item"):
        infer.fail("bill-reads-intervals", expr.place, None, formula=written(expr))
    part = chosen(infer.part, expr)
    if expr.function == "largest_item":
        return replace(part, step=infer.builder.largest_part(part.step))
    step = infer.builder.negate(infer.builder.largest_part(infer.builder.negate(part.step)))
    return replace(part, step=step)


def over_items(infer: Inferring, expr: Call) -> Value:
    """sum(x) of a list; max and min of one say what stands where it is empty."""
    if expr.function != "sum":
        infer.fail("item-otherwise", expr.place, None, formula=written(expr), key="if_empty")
    if of_bill(infer, expr.arguments[0]):
        part = over_items(infer.part, expr)
        return replace(part, step=infer.builder.all_parts(part.step))
    _, value = on_list(infer, expr.arguments[0], expr)
    if infer.type(value).kind != "number":
        infer.numeric(expr.arguments[0])
    step = infer.builder.sum_items(value.step)
    return Value(step, reduced(infer.builder, value.needs), value.zero)


def count(infer: Inferring, expr: Call) -> Value:
    """count(condition): items for which it holds; count(list): all items."""
    (inner,) = expr.arguments
    if of_bill(infer, inner):
        part = count(infer.part, expr)
        return replace(part, step=infer.builder.all_parts(part.step))
    one, nothing = (infer.builder.literal(n, Type(low=n, high=n)) for n in (1, 0))
    if isinstance(inner, Name) and inner.path in infer.scope.axes:
        step = infer.builder.claim_axis(one, inner.path)
        needs: tuple[Need, ...] = ()
    else:
        _, value = on_list(infer, inner, expr)
        if infer.type(value).kind != "boolean":
            infer.fail("not-a-condition", inner.place, formula=written(inner))
        step = infer.builder.select(value.step, one, nothing, Type())
        needs = reduced(infer.builder, value.needs)
        if infer.builder.type(step).axis == ROW:
            step = infer.builder.claim_axis(step, infer.list_of(inner))
    return Value(infer.builder.sum_items(step), needs)


def chosen(infer: Inferring, expr: Call) -> Value:
    """max, min, first and last of a list, and what stands where it is empty."""
    inner, otherwise = expr.arguments
    if of_bill(infer, inner):
        return largest_of_bill(infer, expr)
    _, a = on_list(infer, inner, expr)
    b = infer.value(otherwise)
    kinds = {infer.type(a).kind, infer.type(b).kind}
    if len(kinds) > 1 or infer.type(b).axis != ROW or (kinds & {"boolean", "code"}):
        infer.fail("branches-differ", expr.place, then=written(inner), otherwise=written(otherwise))
    if kinds == {"number"}:
        a, b = infer.same_unit(expr.function, a, b, expr.place, inner, otherwise)
    step = infer.builder.chosen_item(expr.function, a.step, b.step)
    return Value(step, joined(infer.builder, reduced(infer.builder, a.needs), b.needs), a.zero and b.zero)


def running_sum(infer: Inferring, expr: Call) -> Value:
    """The sum of a row's items up to each, it included."""
    if of_bill(infer, expr.arguments[0]):
        infer.fail("bill-reads-intervals", expr.place, None, formula=written(expr))
    _, value = on_list(infer, expr.arguments[0], expr)
    if infer.type(value).kind != "number":
        infer.numeric(expr.arguments[0])
    return Value(infer.builder.running_sum(value.step), value.needs, value.zero)


def previous(infer: Inferring, expr: Call) -> Value:
    """The value of the item before; `first` at the first."""
    inner, otherwise = expr.arguments
    if of_bill(infer, inner):
        infer.fail("bill-reads-intervals", expr.place, None, formula=written(expr))
    _, a = on_list(infer, inner, expr)
    b = infer.value(otherwise)
    if infer.type(a).kind != infer.type(b).kind or infer.type(a).kind in ("boolean", "code"):
        infer.fail("branches-differ", expr.place, then=written(inner), otherwise=written(otherwise))
    if infer.type(a).kind == "number":
        a, b = infer.same_unit("previous", a, b, expr.place, inner, otherwise)
    return Value(infer.builder.previous_item(a.step, b.step), joined(infer.builder, a.needs, b.needs))


def window_end(infer: Inferring, expr: Call) -> Value:
    """Whether an interval ends a block of so many minutes, counted from midnight (written by quantity kinds)."""
    name, minutes = expr.arguments
    assert isinstance(name, Name)
    assert isinstance(minutes, Number)
    assert infer.scope.calendar is not None
    every, block = infer.scope.axes[name.path].spec.minutes, int(minutes.value)
    clock = timelines.clock(infer.scope.calendar, every, infer.version_days[0])
    patterns = tuple(tuple(int((at + every) % block == 0) for at in pattern) for pattern in clock.patterns)
    ends = replace(clock, name=f"window_end_{block}", patterns=patterns)
    value = along(infer, name.path, ends)
    one = infer.builder.literal(1, Type(low=1, high=1))
    return replace(value, step=infer.builder.compare("equal", value.step, one))


def earlier_parts(infer: Inferring, expr: Call) -> Value:
    """The sum of a row's value over earlier parts of the bill (written by charge kinds)."""
    inner, group = expr.arguments
    value = infer.numeric(inner)
    if infer.bill or not infer.scope.splits:
        zero = infer.builder.literal(0, Type(unit=infer.type(value).unit))
        return Value(zero, (), infer.type(value).unit == DIMENSIONLESS)
    of = infer.value(group)
    step = infer.builder.earlier_parts(value.step, of.step)
    return Value(step, joined(infer.builder, value.needs, of.needs))


def all_parts(infer: Inferring, expr: Call) -> Value:
    """The sum of a row's value over all parts of the bill (written by charge kinds)."""
    value = infer.part.numeric(expr.arguments[0])
    if not infer.scope.splits:
        return value
    return Value(infer.builder.all_parts(value.step), value.needs)


OVER_LISTS: Final[Mapping[str, Callable[[Inferring, Call], Value]]] = {
    "count": count,
    "largest_item": chosen,
    "smallest_item": chosen,
    "first_item": chosen,
    "last_item": chosen,
    "running_sum": running_sum,
    "previous_item": previous,
    "window_end": window_end,
    "earlier_parts": earlier_parts,
    "all_parts": all_parts,
}
