"""From typed steps to numpy calls: which kernel and which representation computes each step.

Takes a program and its constants; gives instructions (`engine.evaluator.lowering.Code`). The interpretation of
programs by numpy is `RULES`, a table keyed by primitive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.compiler import capacity
from engine.compiler.capacity import FLOAT_EXACT, Kernel, Ratio, ratio
from engine.compiler.program import ROW, Constants, Program, Step
from engine.evaluator import items
from engine.evaluator import kernels as exact
from engine.evaluator.kernels import Call, Rep
from engine.evaluator.lowering import Check, Code, Lowering, Store


def lower(
    program: Program, constants: Constants, outputs: frozenset[int], *, mixed: bool = False, parts: bool = False
) -> Code:
    """Write a program as numpy calls.

    Args:
        program: steps; those that neither an output nor a `require` reads are left out.
        constants: of every version.
        outputs: steps whose values are stored.
        mixed: rows of a block differ in version, and fetch the constants that differ each by its own.
        parts: some rows have several parts; else a row is one part, and what runs over parts needs no call.

    Raises:
        TooWide: no exact kernel holds a step.
    """
    wanted = capacity.live(program, outputs | capacity.requirements(program))
    lowering = Lowering(program, constants, wanted, mixed=mixed, parts=parts)
    for position in sorted(wanted):
        step = program.steps[position]
        lowering.axis = step.type.axis
        RULES[step.primitive](lowering, position, step)
        if position in outputs:
            rep: Rep = "bool" if step.type.kind == "boolean" else "i8" if lowering.has(position, "i8") else "f8"
            lowering.code.instructions.append(Store(position, lowering.get(position, rep)))
    return lowering.code


Rule = Callable[[Lowering, int, Step], None]


def _input(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    to.offer(position, lambda rep: to.load(step.name, rep, mask=False, axis=step.type.axis))


def _given(to: Lowering, position: int, step: Step) -> None:
    to.assign(position, to.load(step.name, "bool", mask=True, axis=step.type.axis))


def _constant(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    to.offer(position, lambda rep: to.fixed(position, rep, "", lambda number: number))


def _index(to: Lowering, position: int, step: Step) -> None:
    rep = to.rep(position, step)
    total: int | None = None
    low = high = 0
    for operand, stride, offset in zip(step.operands, step.strides, step.offsets, strict=True):
        of = to.program.steps[operand].type
        ends = (stride * (of.low - offset), stride * (of.high - offset))
        low, high = low + min(ends), high + max(ends)
        term = to.get(operand, rep)
        if offset:
            term = to.do(np.subtract, term, to.number(offset, rep), to=rep)
        if stride != 1:
            term = to.do(np.multiply, term, to.number(stride, rep), to=rep)
        total = term if total is None else to.do(np.add, total, term, to=rep)
    total = to.number(0, rep) if total is None else total
    if low < step.type.low:
        total = to.do(np.maximum, total, to.number(step.type.low, rep), to=rep)
    if high > step.type.high:
        total = to.do(np.minimum, total, to.number(step.type.high, rep), to=rep)
    to.assign(position, total)


def _calendar(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    table = to.program.calendars[step.slot]

    def fetch(rep: Rep) -> int:
        day = to.get(step.operands[0], "i8")
        index = to.do(np.subtract, day, to.number(table.first_day, "i8"), to="i8")
        values = to.prepare((rep, "calendar", step.slot), rep, lambda: [table.values])
        return to.do(exact.take, values, index, to=rep, shares=(1,))

    to.offer(position, fetch)


def _ufunc(call: Call) -> Rule:
    """Arithmetic that is the same in float64 and int64."""

    def rule(to: Lowering, position: int, step: Step) -> None:
        rep = to.rep(position, step)
        to.assign(position, to.do(call, *(to.get(i, rep) for i in step.operands), to=rep))

    return rule


def _rescale(to: Lowering, position: int, step: Step) -> None:
    surplus = step.type.places - to.program.steps[step.operands[0]].type.places
    if surplus == 0:
        to.alias(position, step.operands[0])
        return
    rep = to.rep(position, step)
    if to.is_fixed(step.operands[0]):
        to.offer(position, lambda rep: to.fixed(step.operands[0], rep, ("scale", surplus), lambda n: n * 10**surplus))
    else:
        to.assign(position, to.do(np.multiply, to.get(step.operands[0], rep), to.number(10**surplus, rep), to=rep))


def _select(to: Lowering, position: int, step: Step) -> None:
    condition, then, otherwise = step.operands
    if then == otherwise:
        to.alias(position, then)
        return
    if step.type.kind == "boolean":
        holds, yes, no = (to.get(i, "bool") for i in step.operands)
        taken = to.do(np.logical_and, holds, yes, to="bool")
        to.assign(position, to.do(np.logical_or, taken, to.do(np.greater, no, holds, to="bool"), to="bool"))
        return
    choice = Step("select", (then, otherwise), step.type)
    rep = to.rep(position, choice)
    mask = to.mask(condition)
    if _is_zero(to, otherwise):
        value = to.do(exact.keep, mask, to.get(then, rep), to=rep)
    elif _is_zero(to, then):
        value = to.do(exact.keep, to.do(np.invert, mask, to="i8"), to.get(otherwise, rep), to=rep)
    else:
        value = exact.choice(to, mask, to.get(then, rep), to.get(otherwise, rep), rep)
    to.assign(position, value)


def _is_zero(to: Lowering, position: int) -> bool:
    step = to.program.steps[position]
    return step.primitive == "literal" and step.value == 0


def _rounded(to: Lowering, position: int, step: Step) -> None:
    operands = to.operands(step)
    of = ratio(step, operands)
    kernel = to.kernel(position, step)
    exactly = of.divisor is None and of.down == 1
    if kernel is Kernel.WIDE:
        value = _wide(to, step, operands, of)
    elif exactly or of.divisor is not None or kernel is Kernel.INTEGER:
        value = _product_first(to, position, operands, of, "f8" if kernel is Kernel.FLOAT else "i8")
    else:
        value = _two_passes(to, step, of)
    to.assign(position, value)


def _two_passes(to: Lowering, step: Step, of: Ratio) -> int:
    """A product of which one factor, or the divisor alone, is known before the rows are."""
    fixed = [i for i in of.factors if to.is_fixed(step.operands[i])]
    # A single number is prepared once a version, a cell needs a take: prefer it as the factor that is left.
    # The capacity of a literal factor counts on its being the one prepared.
    order = ("literal", "constant", "cell")
    fixed.sort(key=lambda i: order.index(to.program.steps[step.operands[i]].primitive))
    prepared = fixed[0] if fixed else None
    left = [to.get(step.operands[i], "f8") for i in of.factors if i != prepared]
    if prepared is None:
        by = to.prepare(("f8", "inflate", 1, of.down), "f8", lambda: [[exact.inflate(1, of.down)]])
    else:
        key = ("inflate", of.down)
        by = to.fixed(step.operands[prepared], "f8", key, lambda number: exact.inflate(number, of.down))
    column = left[0] if left else to.number(1, "f8")
    for other in left[1:]:
        column = to.do(np.multiply, column, other, to="f8")
    return exact.half_up_product(to, column, by)


def _product_first(to: Lowering, position: int, operands: Sequence[Step], of: Ratio, rep: Rep) -> int:
    """A numerator that fits, then its rounding."""
    step = to.program.steps[position]
    numerator = to.get(step.operands[0], rep)
    for i in of.factors[1:]:
        numerator = to.do(np.multiply, numerator, to.get(step.operands[i], rep), to=rep)
    if of.up != 1:
        numerator = to.do(np.multiply, numerator, to.number(of.up, rep), to=rep)
    signed = any(operands[i].type.low < 0 for i in of.factors)
    if of.divisor is None:
        if of.down == 1:
            return numerator
        return exact.integer_round(to, numerator, of.down, step.mode, signed=signed)
    divisor = operands[of.divisor]
    if rep == "f8" and to.is_fixed(step.operands[of.divisor]):
        key = ("divisor", of.up, of.down)
        by = to.fixed(step.operands[of.divisor], rep, key, lambda number: exact.inflate(1, (number or 1) * of.down))
        return exact.half_up_product(to, numerator, by)
    by = _divisor(to, step, operands, of, rep)
    if rep == "f8":
        return exact.half_up_quotient(to, numerator, by)
    return exact.integer_quotient(
        to,
        numerator,
        by,
        step.mode,
        signed=signed,
        divisor_signed=divisor.type.low < 0,
        small=to.magnitude(position) <= capacity.INTEGER_QUOTIENT,
    )


def _divisor(to: Lowering, step: Step, operands: Sequence[Step], of: Ratio, rep: Rep) -> int:
    """The divisor with one for zero, times its power of ten."""
    if of.divisor is None:
        return to.number(of.down, rep)
    divisor = operands[of.divisor]
    if to.is_fixed(step.operands[of.divisor]):
        key = ("divisor", of.down)
        return to.fixed(step.operands[of.divisor], rep, key, lambda number: (number or 1) * of.down)
    by = to.get(step.operands[of.divisor], rep)
    if divisor.type.low <= 0 <= divisor.type.high:
        by = exact.no_zero(to, by, rep, signed=divisor.type.low < 0)
    return by if of.down == 1 else to.do(np.multiply, by, to.number(of.down, rep), to=rep)


def _wide(to: Lowering, step: Step, operands: Sequence[Step], of: Ratio) -> int:
    factors = [to.get(step.operands[i], "i8") for i in of.factors]
    if of.up != 1:
        factors.append(to.number(of.up, "i8"))
    return exact.wide_ratio(
        to,
        factors,
        _divisor(to, step, operands, of, "i8"),
        step.mode,
        signed=any(operands[i].type.low < 0 for i in of.factors),
        divisor_signed=of.divisor is not None and operands[of.divisor].type.low < 0,
    )


def _sqrt(to: Lowering, position: int, step: Step) -> None:
    (of,) = to.operands(step)
    rep = to.rep(position, step)
    shift = 2 * step.type.places - of.type.places
    value = to.get(step.operands[0], rep)
    if of.type.low < 0:
        value = to.do(np.maximum, value, to.number(0, rep), to=rep)
    if shift > 0:
        value = to.do(np.multiply, value, to.number(10**shift, rep), to=rep)
    if rep == "f8":
        to.assign(position, exact.float_root(to, value, step.mode))
    else:
        to.assign(position, exact.integer_root(to, value, 10 ** max(-shift, 0), step.mode))


def _power_factor(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    places = max(operand.type.places for operand in to.operands(step))
    sides = []
    for i, operand in zip(step.operands, to.operands(step), strict=True):
        side = to.get(i, "f8")
        if operand.type.low < 0:
            side = to.do(np.absolute, side, to="f8")
        if operand.type.places < places:
            side = to.do(np.multiply, side, to.number(10 ** (places - operand.type.places), "f8"), to="f8")
        sides.append(side)
    to.assign(position, exact.power_factor(to, sides[0], sides[1], step.type.places, step.mode))


def _comparison(call: Call) -> Rule:
    def rule(to: Lowering, position: int, step: Step) -> None:
        booleans = all(operand.type.kind == "boolean" for operand in to.operands(step))
        rep: Rep = "bool" if booleans else to.rep(position, step)
        to.assign(position, to.do(call, *(to.get(i, rep) for i in step.operands), to="bool"))

    return rule


def _logic(call: Call) -> Rule:
    def rule(to: Lowering, position: int, step: Step) -> None:
        to.assign(position, to.do(call, *(to.get(i, "bool") for i in step.operands), to="bool"))

    return rule


def _claim(to: Lowering, position: int, step: Step) -> None:
    to.alias(position, step.operands[0])


def _require(to: Lowering, position: int, step: Step) -> None:
    condition, *guard = (to.get(i, "bool") for i in step.operands)
    to.code.instructions.append(Check(condition, guard[0] if guard else None, step.refusal))


# Lists. A row's value is lifted to a list's axis where it is read there (`Lowering.get`).


def _sum_items(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
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
    if then == otherwise or not _is_zero(to, otherwise):
        return None
    holds, value = to.get(condition, "bool", axis), to.get(then, rep, axis)
    known, column = to.code.values[holds], to.code.values[value]
    return (holds, value) if known.timed and not (column.timed or column.single) else None


def _chosen_item(call: Call) -> Rule:
    """One of a row's items, or another value of the row."""

    def rule(to: Lowering, position: int, step: Step) -> None:
        operand, otherwise = step.operands
        axis = to.program.steps[operand].type.axis
        rep: Rep = "bool" if step.type.kind == "boolean" else to.whole(operand)
        if to.kernel(position, step) is Kernel.INTEGER:
            rep = "i8"
        value = to.filled(to.get(operand, rep, axis), axis)
        to.assign(position, to.over(call, to.layout(axis), value, to.get(otherwise, rep, ROW), to=rep, axis=ROW))

    return rule


def _all_items(to: Lowering, position: int, step: Step) -> None:
    (operand,) = step.operands
    axis = to.program.steps[operand].type.axis
    value = to.filled(to.get(operand, "bool", axis), axis)
    to.assign(position, to.over(items.every, to.layout(axis), value, to="bool", axis=ROW))


def _running_sum(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    axis = step.type.axis
    value = to.filled(to.get(step.operands[0], "i8"), axis)
    timed = to.code.values[value].timed
    to.assign(position, to.over(items.running, to.layout(axis), value, to="i8", axis=axis, timed=timed))


def _previous_item(to: Lowering, position: int, step: Step) -> None:
    axis = step.type.axis
    rep: Rep = "bool" if step.type.kind == "boolean" else to.whole(step.operands[0])
    if to.kernel(position, step) is Kernel.INTEGER:
        rep = "i8"
    value = to.filled(to.get(step.operands[0], rep), axis)
    first = to.get(step.operands[1], rep)
    timed = to.code.values[value].timed and (to.code.values[first].timed or to.code.values[first].single)
    to.assign(position, to.over(items.previous, to.layout(axis), value, first, to=rep, axis=axis, timed=timed))


def _timeline(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    to.offer(position, lambda rep: to.timeline(step.slot, step.type.axis, rep))


# Parts of a bill.


def _earlier_parts(to: Lowering, position: int, step: Step) -> None:
    to.kernel(position, step)
    if not to.parts:
        to.assign(position, to.number(0, "i8"))
        return
    value, group = (to.get(i, "i8") for i in step.operands)
    to.assign(position, to.over(items.earlier, to.bills(), value, group, to="i8", axis=ROW))


def _over_parts(call: Call) -> Rule:
    """A value of all parts of a bill, given to each; of a bill that is one part its own."""

    def rule(to: Lowering, position: int, step: Step) -> None:
        to.kernel(position, step)
        if to.parts:
            value = to.get(step.operands[0], "i8")
            to.assign(position, to.over(call, to.bills(), value, to="i8", axis=ROW))
        else:
            to.alias(position, step.operands[0])

    return rule


RULES: Mapping[str, Rule] = {
    "input": _input,
    "given": _given,
    "literal": _constant,
    "constant": _constant,
    "cell": _constant,
    "index": _index,
    "calendar": _calendar,
    "add": _ufunc(np.add),
    "subtract": _ufunc(np.subtract),
    "multiply": _ufunc(np.multiply),
    "rescale": _rescale,
    "negate": _ufunc(np.negative),
    "absolute": _ufunc(np.absolute),
    "minimum": _ufunc(np.minimum),
    "maximum": _ufunc(np.maximum),
    "select": _select,
    "round": _rounded,
    "multiply_round": _rounded,
    "divide": _rounded,
    "multiply_divide": _rounded,
    "sqrt": _sqrt,
    "power_factor": _power_factor,
    "less": _comparison(np.less),
    "less_equal": _comparison(np.less_equal),
    "equal": _comparison(np.equal),
    "both": _logic(np.logical_and),
    "either": _logic(np.logical_or),
    "negation": _logic(np.logical_not),
    "claim": _claim,
    "require": _require,
    "spread": _claim,
    "sum_items": _sum_items,
    "largest_item": _chosen_item(items.largest),
    "smallest_item": _chosen_item(items.smallest),
    "first_item": _chosen_item(items.first),
    "last_item": _chosen_item(items.last),
    "all_items": _all_items,
    "running_sum": _running_sum,
    "previous_item": _previous_item,
    "timeline": _timeline,
    "earlier_parts": _earlier_parts,
    "all_parts": _over_parts(items.of_all),
    "largest_part": _over_parts(items.largest_of_all),
}
