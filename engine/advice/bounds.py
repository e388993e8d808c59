"""Proven bounds of every step of a program, over a stretch of values of one input.

Takes a program of which one input is searched, and for each pair of a row and a stretch [c, c + w] of that input's
values the numbers that do not depend on it. Gives for each step a `Form`: a line in the input, and how far the true
value may lie from it anywhere in the stretch. So sums keep their slopes, what is linear has no error but that of its
roundings, and a choice that is the same in the whole stretch is no choice. This is affine arithmetic with one variable:
an interpretation of the program as `engine.evaluator.interpretation` is, with lines for numbers.

    value of the step at c + t  is in  [at + slope * t + low, at + slope * t + high],  t = 0, 1, ... w

It holds for every value that means something; one of a branch that is not taken, or of a row that is refused, may lie
outside, as nothing reads it. A step for which there is no rule lies between the bounds that the compiler proved, or is
what it is at c where nothing that it reads changes.

Lines are float64. A form without an error is exact: its numbers are whole and below 2^52. Every other one is widened by
more than what float64 may have lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Rounding, Step, Type
from engine.evaluator.rows import Array, Mask

Real = NDArray[np.float64]

EXACT: Final = 2.0**52  # whole numbers below it, and sums of two of them, are float64
LOST: Final = 2.0**-46  # of a number's size: more than all that the few operations of one rule lose, 2^-53 each
NONE: Final = np.zeros(1)
ERRORS: Final[Mapping[Rounding, tuple[float, float]]] = {
    Rounding.HALF_UP: (-0.5, 0.5),
    Rounding.HALF_EVEN: (-0.5, 0.5),
    Rounding.UP: (-1.0, 1.0),
    Rounding.DOWN: (-1.0, 1.0),
    Rounding.FLOOR: (-1.0, 0.0),
    Rounding.CEILING: (0.0, 1.0),
}


class Form(NamedTuple):
    """Shapes (pair,), or (1,) where all pairs have the same."""

    at: Real
    slope: Real
    low: Real
    high: Real

    @property
    def fixed(self) -> Mask:
        """Where the value is known and the same in the whole stretch."""
        known: Mask = (self.slope == 0) & (self.low == 0) & (self.high == 0)
        return known


@dataclass(frozen=True, slots=True)
class Over:
    """A step over stretches.

    Attributes:
        step: the step.
        types: of its operands.
        width: shape (pair,) w.
        start: shape (pair,) the step's value at c; None: it is not at hand.
    """

    step: Step
    types: Sequence[Type]
    width: Real
    start: Array | None


def lowest(form: Form, width: Real) -> Real:
    """The least that a value may be in its stretch."""
    return form.at + np.minimum(form.slope * width, 0) + form.low


def highest(form: Form, width: Real) -> Real:
    """The most that a value may be in its stretch."""
    return form.at + np.maximum(form.slope * width, 0) + form.high


def of_values(values: Array) -> Form:
    """Values that do not depend on the input."""
    at = values.astype(np.float64)
    lost = np.where(np.abs(at) < EXACT, 0.0, np.abs(at) * LOST)
    return Form(at, NONE, -lost, lost)


def of_input(start: Array, step: int) -> Form:
    """The input itself: from c, a step more for each t."""
    return Form(start.astype(np.float64), np.array([float(step)]), NONE, NONE)


def bound(over: Over, operands: Sequence[Form]) -> Form:
    """Bound a step by what its operands lie between."""
    rule = RULES.get(over.step.primitive)
    found = _between(over.step.type) if rule is None else rule(over, operands)
    return _where_fixed(over, operands, found) if wants_start(over.step) else found


def wants_start(step: Step) -> bool:
    """Tell whether a step's value at c says more than its rule, where nothing that it reads changes."""
    return step.primitive in ROUNDED or step.primitive not in RULES


def _where_fixed(over: Over, operands: Sequence[Form], found: Form) -> Form:
    """Where nothing that a step reads changes, it is what it is at c."""
    if over.start is None:
        return found
    fixed = operands[0].fixed
    for one in operands[1:]:
        fixed = fixed & one.fixed
    if not fixed.any():
        return found
    return _chosen(fixed, of_values(over.start), found)


def _chosen(where: Mask, one: Form, other: Form) -> Form:
    return Form(*(np.where(where, a, b) for a, b in zip(one, other, strict=True)))


def _widened(form: Form, width: Real) -> Form:
    """Widen a form by what float64 may have lost in making it; one that is exact stays so."""
    at, slope, low, high = form
    size = np.abs(at) + np.abs(slope) * width + np.maximum(np.abs(low), np.abs(high))
    lost = np.where((low != 0) | (high != 0) | (size >= EXACT), size * LOST, 0.0)
    return Form(at, slope, low - lost, high + lost)


def _between(of: Type) -> Form:
    """What the compiler proved, whatever the operands."""
    low, high = float(of.low), float(of.high)
    return Form(NONE, NONE, np.array([low - abs(low) * LOST]), np.array([high + abs(high) * LOST]))


def _hull(low: Real, high: Real) -> Form:
    """Anything between two numbers; the same twice is no error."""
    return Form(low, np.zeros_like(low), np.zeros_like(low), high - low)


def _truth(surely: Mask, maybe: Mask) -> Form:
    """A condition: 1, 0, or between them."""
    at = surely.astype(np.float64)
    return Form(at, np.zeros_like(at), np.zeros_like(at), (maybe & ~surely).astype(np.float64))


def _sum(one: Form, other: Form) -> Form:
    return Form(one.at + other.at, one.slope + other.slope, one.low + other.low, one.high + other.high)


def _difference(one: Form, other: Form) -> Form:
    return Form(one.at - other.at, one.slope - other.slope, one.low - other.high, one.high - other.low)


def _minus(form: Form) -> Form:
    return Form(-form.at, -form.slope, -form.high, -form.low)


def _times(form: Form, by: Real) -> Form:
    """A form times numbers that do not change."""
    low, high = form.low * by, form.high * by
    return Form(form.at * by, form.slope * by, np.minimum(low, high), np.maximum(low, high))


def _product(one: Form, other: Form, width: Real) -> Form:
    """A line times a number that does not change; else between the products of their ends."""
    fixed = other.fixed
    by_other = _times(one, other.at)
    if fixed.all():
        return _widened(by_other, width)
    by_one = _times(other, one.at)
    ends = [a * b for a in _ends(one, width) for b in _ends(other, width)]
    between = _hull(np.minimum.reduce(ends), np.maximum.reduce(ends))
    found = _chosen(fixed, by_other, _chosen(one.fixed, by_one, between))
    return _widened(found, width)


def _ends(form: Form, width: Real) -> tuple[Real, Real]:
    return lowest(form, width), highest(form, width)


def _rounded(form: Form, places: int, over: Over) -> Form:
    """A form with some places fewer, rounded as the step says; below zero: more, exactly."""
    if places <= 0:
        return _widened(_times(form, np.array([10.0**-places])), over.width)
    unit = 10.0**places
    low, high = ERRORS[over.step.mode]
    at, slope = form.at / unit, form.slope / unit
    found = _widened(Form(at, slope, form.low / unit + low, form.high / unit + high), over.width)
    if over.start is None:
        return found
    # What goes in whole units is rounded by the same amount everywhere, as at c.
    alike = (form.low == 0) & (form.high == 0) & (form.slope % unit == 0) & _rounds_alike(form, unit, over)
    start = of_values(over.start)
    return _chosen(alike, _widened(Form(start.at, slope, start.low, start.high), over.width), found)


def _rounds_alike(form: Form, unit: float, over: Over) -> Mask:
    """Where numbers whole units apart are rounded by the same: not where zero or an even number decides."""
    match over.step.mode:
        case Rounding.FLOOR | Rounding.CEILING:
            found: Mask = np.ones_like(form.at, np.bool_)
        case Rounding.HALF_EVEN:
            found = form.at % unit * 2 != unit
        case _:
            least, most = _ends(form, over.width)
            found = (least >= 0) | (most <= 0)
    return found


def _add(over: Over, operands: Sequence[Form]) -> Form:
    return _widened(_sum(*operands), over.width)


def _subtract(over: Over, operands: Sequence[Form]) -> Form:
    return _widened(_difference(*operands), over.width)


def _multiply(over: Over, operands: Sequence[Form]) -> Form:
    return _product(operands[0], operands[1], over.width)


def _rescale(over: Over, operands: Sequence[Form]) -> Form:
    by = 10.0 ** (over.step.type.places - over.types[0].places)
    return _widened(_times(operands[0], np.array([by])), over.width)


def _negate(_over: Over, operands: Sequence[Form]) -> Form:
    return _minus(operands[0])


def _same(_over: Over, operands: Sequence[Form]) -> Form:
    return operands[0]


def _maximum(over: Over, operands: Sequence[Form]) -> Form:
    """The larger: y + max(x - y, 0), or x + max(y - x, 0), whichever leaves less open."""
    one, other = operands
    apart = _widened(_difference(one, other), over.width)
    least, most = _ends(apart, over.width)
    above, below = np.maximum(most, 0), np.maximum(-least, 0)  # how far x may lie above y, and y above x
    near = _chosen(above <= below, other, one)
    more = np.minimum(above, below)
    return _widened(Form(near.at, near.slope, near.low, near.high + more), over.width)


def _minimum(over: Over, operands: Sequence[Form]) -> Form:
    return _minus(_maximum(over, [_minus(one) for one in operands]))


def _absolute(over: Over, operands: Sequence[Form]) -> Form:
    return _maximum(over, [operands[0], _minus(operands[0])])


def _select(over: Over, operands: Sequence[Form]) -> Form:
    """The one chosen; where that is not sure, the second with how far the first may lie from it."""
    condition, one, other = operands
    surely, never = _is_true(condition), _is_false(condition)
    if (surely | never).all():
        return _chosen(surely, one, other)
    least, most = _ends(_widened(_difference(one, other), over.width), over.width)
    open_ = Form(other.at, other.slope, other.low + np.minimum(least, 0), other.high + np.maximum(most, 0))
    return _chosen(surely, one, _chosen(never, other, _widened(open_, over.width)))


def _is_true(condition: Form) -> Mask:
    sure: Mask = condition.at + condition.low >= 1
    return sure


def _is_false(condition: Form) -> Mask:
    sure: Mask = condition.at + condition.high <= 0
    return sure


def _less(over: Over, operands: Sequence[Form]) -> Form:
    least, most = _ends(_subtract(over, operands), over.width)
    return _truth(most < 0, least < 0)


def _less_equal(over: Over, operands: Sequence[Form]) -> Form:
    least, most = _ends(_subtract(over, operands), over.width)
    return _truth(most <= 0, least <= 0)


def _equal(over: Over, operands: Sequence[Form]) -> Form:
    least, most = _ends(_subtract(over, operands), over.width)
    return _truth((least == 0) & (most == 0), (least <= 0) & (most >= 0))


def _both(_over: Over, operands: Sequence[Form]) -> Form:
    one, other = operands
    return _truth(_is_true(one) & _is_true(other), ~(_is_false(one) | _is_false(other)))


def _either(_over: Over, operands: Sequence[Form]) -> Form:
    one, other = operands
    return _truth(_is_true(one) | _is_true(other), ~(_is_false(one) & _is_false(other)))


def _negation(_over: Over, operands: Sequence[Form]) -> Form:
    return _truth(_is_false(operands[0]), ~_is_true(operands[0]))


def _round(over: Over, operands: Sequence[Form]) -> Form:
    return _rounded(operands[0], over.types[0].places - over.step.type.places, over)


def _multiply_round(over: Over, operands: Sequence[Form]) -> Form:
    places = sum(one.places for one in over.types) - over.step.type.places
    return _rounded(_product(operands[0], operands[1], over.width), places, over)


def _divide(over: Over, operands: Sequence[Form]) -> Form:
    return _quotient(over, operands[0], operands[1], over.types[0].places - over.types[1].places)


def _multiply_divide(over: Over, operands: Sequence[Form]) -> Form:
    one, other, divisor = operands
    places = over.types[0].places + over.types[1].places - over.types[2].places
    return _quotient(over, _product(one, other, over.width), divisor, places)


def _quotient(over: Over, form: Form, divisor: Form, places: int) -> Form:
    """A line by a number that does not change; else what the compiler proved. A divisor of zero reads as one."""
    by = 10.0 ** (over.step.type.places - places) / np.where(divisor.at == 0, 1.0, divisor.at)
    low, high = ERRORS[over.step.mode]
    line = _times(form, by)
    line = _widened(Form(line.at, line.slope, line.low + low, line.high + high), over.width)
    return _chosen(divisor.fixed, line, _between(over.step.type))


def _index(over: Over, operands: Sequence[Form]) -> Form:
    """A place in a table; outside of it, its ends."""
    step = over.step
    found = Form(NONE, NONE, NONE, NONE)
    for operand, stride, offset in zip(operands, step.strides, step.offsets, strict=True):
        moved = Form(operand.at - offset, operand.slope, operand.low, operand.high)
        found = _sum(found, _times(moved, np.array([float(stride)])))
    found = _widened(found, over.width)
    least, most = _ends(found, over.width)
    return _chosen((least >= step.type.low) & (most <= step.type.high), found, _between(step.type))


ROUNDED: Final = frozenset({"round", "multiply_round", "divide", "multiply_divide"})

RULES: Final[Mapping[str, Callable[[Over, Sequence[Form]], Form]]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "rescale": _rescale,
    "negate": _negate,
    "absolute": _absolute,
    "minimum": _minimum,
    "maximum": _maximum,
    "select": _select,
    "round": _round,
    "multiply_round": _multiply_round,
    "divide": _divide,
    "multiply_divide": _multiply_divide,
    "less": _less,
    "less_equal": _less_equal,
    "equal": _equal,
    "both": _both,
    "either": _either,
    "negation": _negation,
    "claim": _same,
    "index": _index,
}
"""How each primitive goes with lines. Others are bounded by what the compiler proved of them."""
