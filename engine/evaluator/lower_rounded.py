"""What is rounded, as numpy calls: products, quotients, roots and the power factor (part of `engine.evaluator.lower`).

A product or quotient that float64 rounds right is left unrounded until somebody asks for it, in float64 or in int64
(`Lowering.pends`): a condition that stands over it is then multiplied in before, and its sign costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.compiler import capacity
from engine.compiler.capacity import Kernel, Ratio, ratio
from engine.compiler.program import Rounding, Step
from engine.evaluator import kernels as exact
from engine.evaluator.kernels import Rep
from engine.evaluator.lowering import Lowering, Pending
from engine.evaluator.settle import HALVES, Quotient, power_factor, settled_ratio

SETTLE_PRODUCT = 2.0**-17  # error of an estimate up to which a block of rows is rarely in doubt


def rounded(to: Lowering, position: int, step: Step) -> None:
    """Lower `round`, `multiply_round`, `divide` and `multiply_divide`."""
    operands = to.operands(step)
    of = ratio(step, operands)
    kernel = to.kernel(position, step)
    if of.divisor is not None and Kernel.FLOAT in capacity.kernels(step, operands):
        kernel = Kernel.FLOAT  # dividing int64 by a column costs more than any conversion
    if of.divisor is None and of.down == 1:
        to.assign(position, _product(to, step, of, "f8" if kernel is Kernel.FLOAT else "i8"))
    elif kernel is Kernel.FLOAT:
        step, holds = _ungated(to, position, step, of)
        value = _product_by_known(to, step, of) if of.divisor is None else _quotient(to, step, of)
        to.pends(position, Pending(value, holds=holds))
    elif (error := _settles(to, position, step, of, kernel)) is not None:
        to.pends(position, Pending(_settled(to, position, step, of, kernel, error), whole=True))
    else:
        again = _exact(to, position, step, of, kernel)
        by = None if of.divisor is None else _divisor(to, step, of.divisor, "i8")
        to.assign(position, again.make(to, [to.get(i, "i8") for i, _ in _factors(to, step, of, kernel)], by))


def _ungated(to: Lowering, position: int, step: Step, of: Ratio) -> tuple[Step, int | None]:
    """The step without the conditions that stand over its factors, and those: they are as well put over the result."""
    if to.reach(position) is None:
        return step, None
    operands = list(step.operands)
    holds: int | None = None
    for i in of.factors:
        pending = to.pending(operands[i])
        if pending is not None and pending.holds is not None and pending.of is not None:
            more = pending.holds
            holds = more if holds is None else to.do(np.logical_and, holds, more, to="bool")
            operands[i] = pending.of
    return replace(step, operands=tuple(operands)), holds


def _factors(to: Lowering, step: Step, of: Ratio, kernel: Kernel) -> list[tuple[int, int]]:
    """Steps whose product the numerator is, each with a whole number that it is multiplied by."""
    whole = [step.operands[i] for i in of.factors]
    scaled = [to.scaled(one) for one in whole]
    # A wide product is modulo 2^64, its factors are not.
    fits = kernel is not Kernel.WIDE or abs(_times(scaled)) * of.up <= capacity.INTEGER_EXACT
    return scaled if fits else [(one, 1) for one in whole]


def _times(factors: Sequence[tuple[int, int]]) -> int:
    product = 1
    for _, one in factors:
        product *= one
    return product


def _product(to: Lowering, step: Step, of: Ratio, rep: Rep) -> int:
    """The numerator, which fits."""
    factors = _factors(to, step, of, Kernel.FLOAT)
    numerator = to.get(factors[0][0], rep)
    for other, _ in factors[1:]:
        numerator = to.do(np.multiply, numerator, to.get(other, rep), to=rep)
    up = of.up * _times(factors)
    return numerator if up == 1 else to.do(np.multiply, numerator, to.number(up, rep), to=rep)


def _product_by_known(to: Lowering, step: Step, of: Ratio) -> int:
    """A product of which one factor, or the divisor alone, is known before the rows are."""
    factors = _factors(to, step, of, Kernel.FLOAT)
    scale = _times(factors)
    fixed = [i for i, _ in factors if to.is_fixed(i)]
    # A single number is prepared once a version, a cell needs a take: prefer it as the factor that is left.
    # The capacity of a literal factor counts on its being the one prepared.
    order = ("literal", "constant", "cell")
    fixed.sort(key=lambda i: order.index(to.program.steps[i].primitive))
    left = [i for i, _ in factors]
    if fixed:
        left.remove(fixed[0])
        key = ("inflate", scale, of.down)
        by = to.fixed(fixed[0], "f8", key, lambda number: exact.inflate(number * scale, of.down))
    else:
        by = to.prepare(("f8", "inflate", scale, of.down), "f8", lambda: [[exact.inflate(scale, of.down)]])
    column = to.get(left[0], "f8") if left else to.number(1, "f8")
    for other in left[1:]:
        column = to.do(np.multiply, column, to.get(other, "f8"), to="f8")
    return exact.half_up_product(to, column, by)


def _quotient(to: Lowering, step: Step, of: Ratio) -> int:
    assert of.divisor is not None, "a quotient has a divisor"
    if to.is_fixed(step.operands[of.divisor]):
        factors = _factors(to, step, of, Kernel.FLOAT)
        numerator = to.get(factors[0][0], "f8")
        for other, _ in factors[1:]:
            numerator = to.do(np.multiply, numerator, to.get(other, "f8"), to="f8")
        up = of.up * _times(factors)
        key = ("divisor", up, of.down)
        by = to.fixed(step.operands[of.divisor], "f8", key, lambda number: exact.inflate(up, (number or 1) * of.down))
        return exact.half_up_product(to, numerator, by)
    numerator = _product(to, step, of, "f8")
    divisor = _divisor(to, step, of.divisor, "f8")
    if of.down != 1:
        divisor = to.do(np.multiply, divisor, to.number(of.down, "f8"), to="f8")
    return exact.half_up_quotient(to, numerator, divisor)


def _divisor(to: Lowering, step: Step, operand: int, rep: Rep) -> int:
    """The divisor with one for zero."""
    position = step.operands[operand]
    divisor = to.program.steps[position]
    if to.is_fixed(position):
        return to.fixed(position, rep, "divisor", lambda number: number or 1)
    by = to.get(position, rep)
    if divisor.type.low <= 0 <= divisor.type.high:
        return exact.no_zero(to, by, rep, signed=divisor.type.low < 0)
    return by


def _exact(to: Lowering, position: int, step: Step, of: Ratio, kernel: Kernel) -> Quotient:
    """The kernel of int64 that holds a step."""
    operands = to.operands(step)
    return Quotient(
        step.mode,
        of.up * _times(_factors(to, step, of, kernel)),
        of.down,
        signed=any(operands[i].type.low < 0 for i in of.factors),
        divisor_signed=of.divisor is not None and operands[of.divisor].type.low < 0,
        wide=kernel is Kernel.WIDE,
        small=to.magnitude(position) <= capacity.INTEGER_QUOTIENT,
    )


def _settles(to: Lowering, position: int, step: Step, of: Ratio, kernel: Kernel) -> float | None:
    """The relative error of an estimate that is cheaper than the exact kernel, settled rows and all; None: none is."""
    error = capacity.estimate_error(to.operands(step))
    largest = to.magnitude(position)
    if step.mode not in HALVES or error is None or largest > exact.NEAREST_MAX:
        return None
    if of.divisor is not None or kernel is Kernel.WIDE:
        return error
    at_hand = all(to.has(i, "i8") for i in step.operands) and step.mode is Rounding.HALF_UP
    return error if error * (largest + 1) <= SETTLE_PRODUCT and not at_hand else None


def _settled(to: Lowering, position: int, step: Step, of: Ratio, kernel: Kernel, error: float) -> int:
    factors = [i for i, _ in _factors(to, step, of, kernel)]
    known = [i for i in factors if to.is_fixed(i)]
    columns = [i for i in factors if i not in known] or [known.pop()]
    by = None if of.divisor is None else _divisor(to, step, of.divisor, "f8")
    again = _exact(to, position, step, of, kernel)
    varying, fixed = ([to.get(i, "f8") for i in some] for some in (columns, known))
    return settled_ratio(to, varying, fixed, by, again, error, to.magnitude(position))


def square_root(to: Lowering, position: int, step: Step) -> None:
    """Lower `sqrt`."""
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


def factor(to: Lowering, position: int, step: Step) -> None:
    """Lower `power_factor`."""
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
    to.assign(position, power_factor(to, sides[0], sides[1], step.type.places, step.mode))
