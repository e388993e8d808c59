"""Lists and parts of a bill, as numpy calls (part of `engine.evaluator.lower`).

A row's value is lifted to a list's axis where it is read there (`Lowering.get`).
"""

from __future__ import annotations

from engine.compiler.capacity import FLOAT_EXACT, Kernel
from engine.compiler.program import ROW, Step
from engine.evaluator import items
from engine.evaluator.kernels import Call, Rep
from engine.evaluator.lowering import Lowering, Rule
from engine.evaluator.tallying import Ask


def _tallied(to: Lowering, position: int, step: Step) -> bool:
    """Write down a figure of an interval list that a tally answers, if one does."""
    asked = to.tallied.get(position)
    if asked is None:
        return False
    axis = asked.tally.axis.name
    value = to.get(asked.tally.source, "i8", axis)
    otherwise = [to.get(operand, "i8", ROW) for operand in step.operands[1:]]
    call = Ask(asked.tally, asked.number)
    to.assign(position, to.over(call, to.layout(axis), value, *otherwise, to="i8", axis=ROW))
    return True


def sum_items(to: Lowering, position: int, step: Step) -> None:
    """Lower `sum_items`."""
    to.kernel(position, step)
    if _tallied(to, position, step):
        return
    (operand,) = step.operands
    axis = to.program.steps[operand].type.axis
    most = next(spec.at_most for spec in to.program.axes if spec.name == axis) * to.magnitude(operand)
    rep: Rep = to.whole(operand) if most <= FLOAT_EXACT else "i8"
    where = _where(to, to.source(operand), rep, axis)
    if where is not None:
        to.assign(position, to.over(items.total_where, to.layout(axis), *where, to=rep, axis=ROW))
        return
    value = to.get(operand, rep, axis)
    call = items.times if to.code.values[value].single else items.total
    to.assign(position, to.over(call, to.layout(axis), value, to=rep, axis=ROW))


def _where(to: Lowering, summed: Step, rep: Rep, axis: str) -> tuple[int, int] | None:
    """The condition and the value of a sum of `value if condition else 0`, if the place of an item decides it."""
    if summed.primitive != "select" or summed.type.axis != axis or summed.type.kind == "boolean":
        return None
    condition, then, otherwise = summed.operands
    if then == otherwise or not to.is_zero(otherwise):
        return None
    holds, value = to.get(condition, "bool", axis), to.get(then, rep, axis)
    known, column = to.code.values[holds], to.code.values[value]
    return (holds, value) if known.timed and not (column.timed or column.single) else None


def chosen_item(call: Call) -> Rule:
    """One of a row's items, or another value of the row."""

    def rule(to: Lowering, position: int, step: Step) -> None:
        if _tallied(to, position, step):
            return
        operand, otherwise = step.operands
        axis = to.program.steps[operand].type.axis
        rep: Rep = "bool" if step.type.kind == "boolean" else to.whole(operand)
        if to.kernel(position, step) is Kernel.INTEGER:
            rep = "i8"
        value = to.filled(to.get(operand, rep, axis), axis)
        to.assign(position, to.over(call, to.layout(axis), value, to.get(otherwise, rep, ROW), to=rep, axis=ROW))

    return rule


def all_items(to: Lowering, position: int, step: Step) -> None:
    """Lower `all_items`."""
    (operand,) = step.operands
    axis = to.program.steps[operand].type.axis
    value = to.filled(to.get(operand, "bool", axis), axis)
    to.assign(position, to.over(items.every, to.layout(axis), value, to="bool", axis=ROW))


def running_sum(to: Lowering, position: int, step: Step) -> None:
    """Lower `running_sum`."""
    to.kernel(position, step)
    axis = step.type.axis
    value = to.filled(to.get(step.operands[0], "i8"), axis)
    timed = to.code.values[value].timed
    to.assign(position, to.over(items.running, to.layout(axis), value, to="i8", axis=axis, timed=timed))


def previous_item(to: Lowering, position: int, step: Step) -> None:
    """Lower `previous_item`."""
    axis = step.type.axis
    rep: Rep = "bool" if step.type.kind == "boolean" else to.whole(step.operands[0])
    if to.kernel(position, step) is Kernel.INTEGER:
        rep = "i8"
    value = to.filled(to.get(step.operands[0], rep), axis)
    first = to.get(step.operands[1], rep)
    timed = to.code.values[value].timed and (to.code.values[first].timed or to.code.values[first].single)
    to.assign(position, to.over(items.previous, to.layout(axis), value, first, to=rep, axis=axis, timed=timed))


def timeline(to: Lowering, position: int, step: Step) -> None:
    """Lower `timeline`."""
    to.kernel(position, step)
    to.offer(position, lambda rep: to.timeline(step.slot, step.type.axis, rep))


# Parts of a bill.


def earlier_parts(to: Lowering, position: int, step: Step) -> None:
    """Lower `earlier_parts`."""
    to.kernel(position, step)
    if not to.parts:
        to.assign(position, to.number(0, "i8"))
        return
    value, group = (to.get(i, "i8") for i in step.operands)
    to.assign(position, to.over(items.earlier, to.bills(), value, group, to="i8", axis=ROW))


def over_parts(call: Call) -> Rule:
    """A value of all parts of a bill, given to each; of a bill that is one part its own."""

    def rule(to: Lowering, position: int, step: Step) -> None:
        to.kernel(position, step)
        if to.parts:
            value = to.get(step.operands[0], "i8")
            to.assign(position, to.over(call, to.bills(), value, to="i8", axis=ROW))
        else:
            to.alias(position, step.operands[0])

    return rule
