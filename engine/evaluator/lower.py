"""From typed steps to numpy calls: which kernel and which representation computes each step.

Takes a program and its constants; gives instructions (`engine.evaluator.lowering.Code`). The interpretation of
programs by numpy is `RULES`, a table keyed by primitive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import gcd, log2

import numpy as np

from engine.compiler import capacity
from engine.compiler.capacity import FLOAT_EXACT
from engine.compiler.program import Constants, Program, Step
from engine.evaluator import items, lower_lists, lower_rounded
from engine.evaluator import kernels as exact
from engine.evaluator.instructions import Check, Code, Store
from engine.evaluator.kernels import Call, Rep
from engine.evaluator.lowering import Lowering, Pending, Rule


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
    lowering = Lowering(program, constants, wanted, outputs, mixed=mixed, parts=parts)
    for position in sorted(wanted):
        step = program.steps[position]
        lowering.axis = step.type.axis
        RULES[step.primitive](lowering, position, step)
        if position in outputs:
            lowering.code.instructions.append(Store(position, lowering.stored(position)))
    return lowering.code


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


def _multiply(to: Lowering, position: int, step: Step) -> None:
    a, b = step.operands
    for literal, other in ((a, b), (b, a)):
        of = to.program.steps[literal]
        if of.primitive == "literal" and not to.is_fixed(other):
            to.scales(position, other, of.value)
            return
    _ufunc(np.multiply)(to, position, step)


def _rescale(to: Lowering, position: int, step: Step) -> None:
    (of,) = step.operands
    surplus = step.type.places - to.program.steps[of].type.places
    if surplus == 0:
        to.alias(position, of)
    elif to.is_fixed(of):
        to.offer(position, lambda rep: to.fixed(of, rep, ("scale", 10**surplus), lambda n: n * 10**surplus))
    elif (most := _known_magnitude(to, of)) is not None and most * 10**surplus <= FLOAT_EXACT:
        to.assign(position, _known_scaled(to, of, 10**surplus))
    else:
        to.scales(position, of, 10**surplus)


def _known_magnitude(to: Lowering, position: int) -> int | None:
    """Largest value on the way to a sum of what is known before the rows are, with conditions; None: there is more."""
    step = to.program.steps[position]
    if to.is_fixed(position):
        return capacity.magnitude(step)
    if step.primitive not in {"add", "subtract", "select"}:
        return None
    of = [_known_magnitude(to, i) for i in (step.operands[1:] if step.primitive == "select" else step.operands)]
    bounded = [one for one in of if one is not None]
    return sum(bounded) if len(bounded) == len(of) else None


def _known_scaled(to: Lowering, position: int, scale: int) -> int:
    """A sum of what is known, times a number that is multiplied in before the rows are known."""
    step = to.program.steps[position]
    if to.is_fixed(position):
        return to.fixed(position, "f8", ("scale", scale), lambda number: number * scale)
    a, b = (_known_scaled(to, i, scale) for i in step.operands[-2:])
    if step.primitive == "select":
        holds = to.get(step.operands[0], "bool")
        if to.is_zero(step.operands[2]):
            return to.do(np.multiply, a, to.one(holds), to="f8")
        return _blend(to, holds, a, b)
    return to.do(np.add if step.primitive == "add" else np.subtract, a, b, to="f8")


def _negate(to: Lowering, position: int, step: Step) -> None:
    (of,) = step.operands
    pending = to.pending(of)
    base, scale = to.scaled(of)
    if pending is not None:
        to.pends(position, replace(pending, negative=not pending.negative, of=None))
    elif base != of:
        to.scales(position, base, -scale)
    else:
        _ufunc(np.negative)(to, position, step)


def _select(to: Lowering, position: int, step: Step) -> None:
    condition, then, otherwise = step.operands
    if then == otherwise:
        to.alias(position, then)
        return
    holds = to.get(condition, "bool")
    if step.type.kind == "boolean":
        yes, no = (to.get(i, "bool") for i in (then, otherwise))
        taken = to.do(np.logical_and, holds, yes, to="bool")
        to.assign(position, to.do(np.logical_or, taken, to.do(np.greater, no, holds, to="bool"), to="bool"))
        return
    choice = Step("select", (then, otherwise), step.type)
    if to.is_zero(otherwise):
        _gate(to, position, choice, holds, then)
    elif to.is_zero(then):
        _gate(to, position, choice, to.do(np.logical_not, holds, to="bool"), otherwise)
    else:
        rep = to.rep(position, choice)
        a, b = to.reach(then), to.reach(otherwise)
        yes, no = to.get(then, rep), to.get(otherwise, rep)
        if rep == "f8" and a is not None and b is not None and a + b <= FLOAT_EXACT:
            value = _blend(to, holds, yes, no)
        else:
            value = exact.choice(to, to.mask(holds), yes, no, rep)
        to.assign(position, value)


def _gate(to: Lowering, position: int, choice: Step, holds: int, of: int) -> None:
    """The value where the condition holds, else zero. What is finite may be multiplied by a condition of 1 or 0."""
    pending = to.pending(of)
    rep = "f8" if pending is not None else to.rep(position, choice)
    if to.reach(of) is None or rep == "i8":
        rep = to.rep(position, choice)
        to.assign(position, to.do(exact.keep, to.mask(holds), to.get(of, rep), to=rep))
    elif pending is None:
        to.pends(position, Pending(to.get(of, "f8"), whole=True, holds=holds, of=of))
    elif pending.holds is None:
        to.pends(position, replace(pending, holds=holds, of=of))
    else:
        both = to.do(np.logical_and, pending.holds, holds, to="bool")
        to.pends(position, replace(pending, holds=both))


def _blend(to: Lowering, holds: int, then: int, otherwise: int) -> int:
    """A choice among float64 whole numbers whose difference is exact; of two known ones it is known too."""
    more = to.do(np.subtract, then, otherwise, to="f8")
    return to.do(np.add, otherwise, to.do(np.multiply, more, to.one(holds), to="f8"), to="f8")


def _comparison(call: Call) -> Rule:
    def rule(to: Lowering, position: int, step: Step) -> None:
        if all(operand.type.kind == "boolean" for operand in to.operands(step)):
            to.assign(position, to.do(call, *(to.get(i, "bool") for i in step.operands), to="bool"))
            return
        rep = to.rep(position, step)
        to.assign(position, to.do(call, *_sides(to, step, rep), to="bool"))

    return rule


def _sides(to: Lowering, step: Step, rep: Rep) -> list[int]:
    """What is compared, less the factors that both sides share: 15 a < 10 b is 3 a < 2 b, in float64 1.5 a < b."""
    (first, by_first), (second, by_second) = (to.scaled(i) for i in step.operands)
    shared = gcd(by_first, by_second)
    if shared == 0 or (by_first == 1 and by_second == 1):
        return [to.get(i, rep) for i in step.operands]
    ours: float = by_first // shared
    theirs: float = by_second // shared
    if rep == "f8" and theirs > 0 and log2(theirs).is_integer():
        ours, theirs = ours / theirs, 1
    elif rep == "f8" and ours > 0 and log2(ours).is_integer():
        ours, theirs = 1, theirs / ours
    sides = ((first, ours), (second, theirs))
    return [
        value if scale == 1 else to.do(np.multiply, value, to.number(scale, rep), to=rep)
        for value, scale in ((to.get(base, rep), scale) for base, scale in sides)
    ]


def _logic(call: Call) -> Rule:
    def rule(to: Lowering, position: int, step: Step) -> None:
        to.assign(position, to.do(call, *(to.get(i, "bool") for i in step.operands), to="bool"))

    return rule


def _claim(to: Lowering, position: int, step: Step) -> None:
    to.alias(position, step.operands[0])


def _require(to: Lowering, position: int, step: Step) -> None:
    condition, *guard = (to.get(i, "bool") for i in step.operands)
    to.code.instructions.append(Check(condition, guard[0] if guard else None, step.refusal))


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
    "multiply": _multiply,
    "rescale": _rescale,
    "negate": _negate,
    "absolute": _ufunc(np.absolute),
    "minimum": _ufunc(np.minimum),
    "maximum": _ufunc(np.maximum),
    "select": _select,
    "round": lower_rounded.rounded,
    "multiply_round": lower_rounded.rounded,
    "divide": lower_rounded.rounded,
    "multiply_divide": lower_rounded.rounded,
    "sqrt": lower_rounded.square_root,
    "power_factor": lower_rounded.factor,
    "less": _comparison(np.less),
    "less_equal": _comparison(np.less_equal),
    "equal": _comparison(np.equal),
    "both": _logic(np.logical_and),
    "either": _logic(np.logical_or),
    "negation": _logic(np.logical_not),
    "claim": _claim,
    "require": _require,
    "spread": _claim,
    "sum_items": lower_lists.sum_items,
    "largest_item": lower_lists.chosen_item(items.largest),
    "smallest_item": lower_lists.chosen_item(items.smallest),
    "first_item": lower_lists.chosen_item(items.first),
    "last_item": lower_lists.chosen_item(items.last),
    "all_items": lower_lists.all_items,
    "running_sum": lower_lists.running_sum,
    "previous_item": lower_lists.previous_item,
    "timeline": lower_lists.timeline,
    "earlier_parts": lower_lists.earlier_parts,
    "all_parts": lower_lists.over_parts(items.of_all),
    "largest_part": lower_lists.over_parts(items.largest_of_all),
}
