"""Exact kernels: each a short sequence of numpy calls that rounds once, with the proof of its bounds.

Columns hold whole numbers, as float64 ("f8") or int64 ("i8"). A kernel does not call numpy itself: it tells a
`Machine` what to call on what. `Eager` calls at once; the evaluator's lowering writes the calls down, to be bound to
scratch registers. So what is tested here is what runs there. `engine.compiler.capacity` holds the bounds under which
each kernel is right; nothing here checks them.

Signs without branches: for an int64 x, `x >> 63` is -1 where x is negative and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import inf, nextafter
from typing import Any, Final, Literal, Protocol, TypeVar

import numpy as np

from engine.compiler.program import Rounding
from engine.evaluator.rows import Array, Mask, Whole

Rep = Literal["f8", "i8", "bool"]
DTYPES: Final[Mapping[Rep, type[np.generic]]] = {"f8": np.float64, "i8": np.int64, "bool": np.bool_}

Call = Callable[..., Any]  # (*operands, out=array); a ufunc, or one of the calls below
V = TypeVar("V")

NUDGE = 1 + 2.0**-52
BIAS = 1.5 * 2.0**52  # float64 from 2^52 to 2^53 are whole numbers one apart
BIAS_BITS = int(np.float64(BIAS).view(np.int64))
NEAREST_MAX = 2**51  # of a number that is rounded by adding the bias


class Machine(Protocol[V]):
    """Whoever carries out, or writes down, numpy calls."""

    def do(self, call: Call, *operands: V, to: Rep, shares: Sequence[int] | None = None) -> V:
        """Call on operands, with a result of representation `to`.

        `shares` names the operands whose memory the result may take; None: any, as ufuncs go element by element.
        """

    def number(self, value: float, rep: Rep) -> V:
        """A single number that broadcasts against columns."""


class Eager:
    """A machine that calls numpy at once."""

    def do(self, call: Call, *operands: Array, to: Rep, shares: Sequence[int] | None = None) -> Array:
        columns = operands[1:] if call is take else operands
        out = np.empty(np.broadcast_shapes(*(operand.shape for operand in columns)), DTYPES[to])
        call(*operands, out=out)
        return out

    def number(self, value: float, rep: Rep) -> Array:
        return np.array([value], DTYPES[rep])


# Calls that no ufunc makes. Operands and result may be single numbers, which broadcast.


def cast(a: Array, *, out: Array) -> None:
    """Change the representation; whole numbers stay what they are."""
    np.copyto(out, a, casting="unsafe")


def spread(condition: Mask, *, out: Whole) -> None:
    """-1 where the condition holds, 0 elsewhere. Negated as single bytes, which is nearly free."""
    np.copyto(out, np.negative(condition.view(np.int8)))


def unbiased(a: Array, bias: Whole, *, out: Whole) -> None:
    """The whole numbers in float64 that the bias was added to: what their bits exceed the bits of the bias by."""
    np.subtract(a.view(np.int64), bias, out=out)


def unbiased_negative(a: Array, bias: Whole, *, out: Whole) -> None:
    """As `unbiased`, with the other sign."""
    np.subtract(bias, a.view(np.int64), out=out)


def floor_divide_positive(a: Whole, divisor: Whole, *, out: Whole) -> None:
    """Divide int64 that are not negative by one positive number; signs to look after would double the time."""
    np.floor_divide(a.view(np.uint64), divisor.view(np.uint64), out=out.view(np.uint64))


def take(table: Array, index: Whole, *, out: Array) -> None:
    """Read a table's cells; an index outside reads its nearest end."""
    table.take(index, out=out, mode="clip")


def differ(a: Array, b: Array, *, out: Array) -> None:
    """The bits in which two columns of any representation differ."""
    np.bitwise_xor(a.view(np.int64), b.view(np.int64), out=out.view(np.int64))


def keep(mask: Whole, a: Array, *, out: Array) -> None:
    """Keep a where the mask is -1; 0 elsewhere."""
    np.bitwise_and(a.view(np.int64), mask, out=out.view(np.int64))


def inflate(b: int, divisor: int) -> float:
    """Give the float64 c a little beyond b / divisor: c / (b / divisor) lies in [1 + 2^-52, 1 + 3 * 2^-52].

    `rint(a * c)` is then a * b / divisor rounded half away from zero, for |a * b| <= 2^50 and an even divisor:
    with v = a * b / divisor, fl(a * c) = v (1 + t), 0 < t < 2^-50.
    - A tie |v| = n + 1/2 is a float64 and the real a * c lies at or beyond the next one, so `rint` goes away from zero.
    - Below a tie the nearest value is 1 / divisor under it; the push |v| * t is less than that where |a * b| * t < 1.
    - Above a tie nothing moves down, and n + 3/2 is out of reach by the same bound.
    With an odd divisor there are no ties, but a value may stand 1 / (2 * divisor) from the middle: |a * b| <= 2^49.

    >>> np.rint(4150.0 * inflate(3, 100))  # 41.50 kWh at 0.03: 1.245 is 1.25, in fen
    np.float64(125.0)
    """
    if b == 0:
        return 0.0
    exact = Fraction(b, divisor)
    least = abs(exact) * (1 + Fraction(1, 2**52))
    found = abs(float(exact))
    while found < least:
        found = nextafter(found, inf)
    return found if exact > 0 else -found


def choice(m: Machine[V], mask: V, then: V, otherwise: V, rep: Rep) -> V:
    """Pick bit by bit, `then` where the mask is -1 and `otherwise` where it is 0.

    Three passes that do not branch: a masked copy takes ten times as long where the condition follows no pattern.
    Nothing that stands in the branch not taken, not even a NaN, reaches the result.
    """
    bits = m.do(keep, mask, m.do(differ, then, otherwise, to="i8"), to="i8")
    return m.do(differ, bits, otherwise, to=rep)


def half_up_product(m: Machine[V], a: V, c: V) -> V:
    """Give what `nearest` makes a * b / D rounded half up; c is `inflate(b, D)`, a number or a gathered column."""
    return m.do(np.multiply, a, c, to="f8")


def half_up_quotient(m: Machine[V], numerator: V, divisor: V) -> V:
    """Give what `nearest` makes numerator / divisor rounded half up; |numerator| <= 2^49, the divisor is not zero.

    By symmetry for v = N / d >= 0; x = fl(v), y = fl(x (1 + 2^-52)), result rint(y).
    - A tie v = n + 1/2 is a float64 (2v is a whole number below 2^51), so x = v, and y is at least the next float64.
    - Else v is at least 1 / (2d) below the next tie, and y - v < v * 2^-50.9 <= 2^-1.9 / d.
    - And y is beyond the tie below: x is at least that tie, y more than x where they are equal.
    """
    quotient = m.do(np.divide, numerator, divisor, to="f8")
    return m.do(np.multiply, quotient, m.number(NUDGE, "f8"), to="f8")


def nearest(m: Machine[V], x: V, rep: Rep, *, negative: bool = False) -> V:
    """Round float64 to the nearest whole number, a tie to the even one; |x| <= 2^51 for int64.

    x + BIAS lies between 2^52 and 2^53, where float64 are the whole numbers: the sum is rounded as `rint` would, and
    counting its bits from those of the bias gives an int64. A float64 that is cast takes half as long again.

    Args:
        negative: give -rint(x).
    """
    if rep == "i8":
        whole = unbiased_negative if negative else unbiased
        return m.do(whole, m.do(np.add, x, m.number(BIAS, "f8"), to="f8"), m.number(BIAS_BITS, "i8"), to="i8")
    rounded = m.do(np.rint, x, to="f8")
    return m.do(np.negative, rounded, to="f8") if negative else rounded


def no_zero(m: Machine[V], divisor: V, rep: Rep, *, signed: bool = True) -> V:
    """The divisor, a whole number, with one for zero."""
    if not signed:
        return m.do(np.maximum, divisor, m.number(1, rep), to=rep)
    return m.do(np.add, divisor, m.do(np.equal, divisor, m.number(0, rep), to="bool"), to=rep)


def integer_round(m: Machine[V], x: V, divisor: int, mode: Rounding, *, signed: bool) -> V:
    """Round x / divisor for int64 x and a known divisor > 1; |x| + divisor < 2^63.

    numpy divides by one number without a division instruction, so all modes become an offset and a floor. Dividing
    without signs takes half as long: with q = floor(2^63 / divisor), q * divisor > 2^63 - divisor > |x|, and x with the
    offset, which is below the divisor, and with q * divisor lies in [0, 2^64), where the bits of int64 sums are right;
    its floor is q too much.
    """
    if not signed:
        mode = {Rounding.DOWN: Rounding.FLOOR, Rounding.UP: Rounding.CEILING}.get(mode, mode)
    all_but_one = m.number(divisor - 1, "i8")
    offset = 0
    match mode:
        case Rounding.CEILING:
            offset = divisor - 1
        case Rounding.DOWN:
            x = _i8(m, np.add, x, _i8(m, np.bitwise_and, _sign(m, x), all_but_one))
        case Rounding.UP:
            x = _i8(m, np.add, x, _i8(m, np.bitwise_and, _i8(m, np.invert, _sign(m, x)), all_but_one))
        case Rounding.HALF_UP | Rounding.HALF_EVEN:
            offset = divisor // 2
    if mode is Rounding.HALF_UP and signed and divisor % 2 == 0:
        x = _i8(m, np.add, x, _sign(m, x))  # a negative tie must not reach the next number
    beyond = 2**63 // divisor if signed else 0
    start = (offset + beyond * divisor + 2**63) % 2**64 - 2**63  # as an int64
    x = x if start == 0 else _plus(m, x, start)
    floor = _i8(m, floor_divide_positive, x, m.number(divisor, "i8"))
    quotient = floor if beyond == 0 else _plus(m, floor, -beyond)
    if mode is not Rounding.HALF_EVEN or divisor % 2:
        return quotient
    rest = _i8(m, np.subtract, x, _i8(m, np.multiply, floor, m.number(divisor, "i8")))
    tie = _i8(m, np.bitwise_and, _sign(m, _plus(m, rest, -1)), m.number(1, "i8"))
    return _i8(m, np.subtract, quotient, _i8(m, np.bitwise_and, quotient, tie))


def integer_quotient(
    m: Machine[V], numerator: V, divisor: V, mode: Rounding, *, signed: bool, divisor_signed: bool, small: bool
) -> V:
    """Round numerator / divisor of int64 columns; |numerator| <= 2^62, |divisor| <= 2^61 and not zero.

    Args:
        small: |quotient| <= 2^48, so that its float64 estimate (three roundings) errs by less than a quarter and one
            correction settles it. Else int64 division, which costs ten times as much.
    """
    if divisor_signed:
        flip = _sign(m, divisor)
        numerator, divisor = _flipped(m, numerator, flip), _flipped(m, divisor, flip)
        signed = True
    sign = _sign(m, numerator) if signed else None
    if small:
        top, bottom = m.do(cast, numerator, to="f8"), m.do(cast, divisor, to="f8")
        return _corrected(m, m.do(np.divide, top, bottom, to="f8"), numerator, divisor, mode, sign)
    quotient = _i8(m, np.floor_divide, numerator, divisor)
    rest = _i8(m, np.subtract, numerator, _i8(m, np.multiply, quotient, divisor))
    return _from_floor(m, quotient, rest, divisor, mode, sign)


def wide_ratio(
    m: Machine[V], factors: Sequence[V], divisor: V, mode: Rounding, *, signed: bool, divisor_signed: bool
) -> V:
    """Round the product of int64 factors / divisor, where the product may pass 2^63.

    The product is taken modulo 2^64, and so is quotient * divisor: their difference is the true remainder, as that
    fits. It needs |divisor| <= 2^61 and |quotient| <= 2^48: seven float64 roundings then err by less than a quarter.
    """
    first, *others = factors
    if divisor_signed:
        flip = _sign(m, divisor)
        first, divisor = _flipped(m, first, flip), _flipped(m, divisor, flip)
        signed = True
    product, signs = first, first
    estimate = m.do(cast, first, to="f8")
    for other in others:
        product = _i8(m, np.multiply, product, other)
        estimate = m.do(np.multiply, estimate, m.do(cast, other, to="f8"), to="f8")
        signs = _i8(m, np.bitwise_xor, signs, other) if signed else signs
    estimate = m.do(np.divide, estimate, m.do(cast, divisor, to="f8"), to="f8")
    return _corrected(m, estimate, product, divisor, mode, _sign(m, signs) if signed else None)


def _corrected(m: Machine[V], estimate: V, numerator: V, divisor: V, mode: Rounding, sign: V | None) -> V:
    """Round from a float64 quotient that errs by less than a quarter, divisor > 0.

    Half up, the result is floor(estimate + 5/4) or one less: which, the exact remainder tells.
    """
    if mode is not Rounding.HALF_UP:
        nearest = m.do(cast, m.do(np.rint, estimate, to="f8"), to="i8")
        rest = _i8(m, np.subtract, numerator, _i8(m, np.multiply, nearest, divisor))  # in (-divisor, divisor)
        below = _sign(m, rest)
        rest = _i8(m, np.add, rest, _i8(m, np.bitwise_and, divisor, below))
        return _from_floor(m, _i8(m, np.add, nearest, below), rest, divisor, mode, sign)
    beyond = m.do(np.floor, m.do(np.add, estimate, m.number(1.25, "f8"), to="f8"), to="f8")
    upper = m.do(cast, beyond, to="i8")
    rest = _i8(m, np.subtract, numerator, _i8(m, np.multiply, upper, divisor))
    # Not negative where the quotient is upper - 1/2 or more.
    twice = _i8(m, np.add, _i8(m, np.add, rest, rest), divisor)
    twice = twice if sign is None else _i8(m, np.add, twice, sign)  # moves a negative tie down, away from zero
    return _i8(m, np.add, upper, _sign(m, twice))


def _from_floor(m: Machine[V], floor: V, rest: V, divisor: V, mode: Rounding, sign: V | None) -> V:
    """Round from the floor of a quotient and the remainder in [0, divisor), divisor > 0."""
    if sign is None:
        mode = {Rounding.DOWN: Rounding.FLOOR, Rounding.UP: Rounding.CEILING}.get(mode, mode)
    if mode is Rounding.FLOOR:
        return floor
    if mode in {Rounding.HALF_UP, Rounding.HALF_EVEN}:
        twice = _i8(m, np.add, rest, rest)
        if mode is Rounding.HALF_EVEN:
            twice = _i8(m, np.add, twice, _i8(m, np.bitwise_and, floor, m.number(1, "i8")))
            return _i8(m, np.subtract, floor, _sign(m, _i8(m, np.subtract, divisor, twice)))
        twice = twice if sign is None else _i8(m, np.add, twice, sign)
        return _plus(m, _i8(m, np.add, floor, _sign(m, _i8(m, np.subtract, twice, divisor))), 1)
    inexact = _sign(m, _i8(m, np.negative, rest))
    if mode is Rounding.DOWN and sign is not None:
        inexact = _i8(m, np.bitwise_and, inexact, sign)
    elif mode is Rounding.UP and sign is not None:
        inexact = _i8(m, np.bitwise_and, inexact, _i8(m, np.invert, sign))
    return _i8(m, np.subtract, floor, inexact)


def float_root(m: Machine[V], x: V, mode: Rounding) -> V:
    """Round the square root of float64 whole numbers up to 2^49.

    The root is rounded correctly to 53 bits; a whole number next to n^2 or to (n + 1/2)^2 has a root that stands
    1 / (8x) or more from n or n + 1/2, relatively, and that is over 2^-53. (n + 1/2)^2 itself is no whole number.
    """
    to_whole = {Rounding.UP: np.ceil, Rounding.CEILING: np.ceil, Rounding.DOWN: np.floor, Rounding.FLOOR: np.floor}
    return m.do(to_whole.get(mode, np.rint), m.do(np.sqrt, x, to="f8"), to="f8")


def integer_root(m: Machine[V], x: V, down: int, mode: Rounding) -> V:
    """Round the square root of x / down for int64 x >= 0 up to 2^60."""
    whole = x if down == 1 else _i8(m, np.floor_divide, x, m.number(down, "i8"))
    near = m.do(np.rint, m.do(np.sqrt, m.do(cast, whole, to="f8"), to="f8"), to="f8")
    root = m.do(cast, near, to="i8")
    root = _i8(m, np.add, root, _sign(m, _i8(m, np.subtract, whole, _i8(m, np.multiply, root, root))))
    if mode in {Rounding.DOWN, Rounding.FLOOR}:
        return root
    if mode in {Rounding.UP, Rounding.CEILING}:
        square = _i8(m, np.multiply, _i8(m, np.multiply, root, root), m.number(down, "i8"))
        return _i8(m, np.subtract, root, _sign(m, _i8(m, np.subtract, square, x)))
    middle = _plus(m, _i8(m, np.add, root, root), 1)
    middle = _i8(m, np.multiply, _i8(m, np.multiply, middle, middle), m.number(down, "i8"))
    beyond = _i8(m, np.subtract, _i8(m, np.multiply, x, m.number(4, "i8")), middle)
    if mode is Rounding.HALF_EVEN:
        beyond = _i8(m, np.add, _plus(m, beyond, -1), _i8(m, np.bitwise_and, root, m.number(1, "i8")))
    return _plus(m, _i8(m, np.add, root, _sign(m, beyond)), 1)


def _i8(m: Machine[V], call: Call, *operands: V) -> V:
    return m.do(call, *operands, to="i8")


def _plus(m: Machine[V], x: V, number: int) -> V:
    return m.do(np.add, x, m.number(number, "i8"), to="i8")


def _sign(m: Machine[V], x: V) -> V:
    return m.do(np.right_shift, x, m.number(63, "i8"), to="i8")


def _flipped(m: Machine[V], x: V, flip: V) -> V:
    """-x where flip is -1."""
    return _i8(m, np.subtract, _i8(m, np.bitwise_xor, x, flip), flip)
