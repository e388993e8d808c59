"""Decimal arithmetic in which only a rounding that a rule names can happen.

Every sum and product runs under `EXACT`, which holds 100 digits and raises where a digit would be lost. The roundings
are here, each done once on the exact value: by quantize, or in whole numbers where the exact value is a ratio or a
root. Nothing here knows a program.
"""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)
from functools import lru_cache
from math import isqrt
from typing import Final

from engine.compiler.program import Rounding

DIGITS: Final = 100

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


def exact() -> Context:
    """Make a context of 100 digits that raises where a digit would be lost, or a float would be taken for a decimal."""
    traps = [Inexact, InvalidOperation, FloatOperation, DivisionByZero, Overflow, Underflow, Subnormal, Clamped]
    return Context(prec=DIGITS, traps=traps)


def naming() -> Context:
    """Make the context of a named rounding: like `exact`, but digits may go."""
    traps = [InvalidOperation, FloatOperation, DivisionByZero, Overflow, Underflow, Subnormal, Clamped]
    return Context(prec=DIGITS, traps=traps)


_MODES: Final = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.UP: ROUND_UP,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.FLOOR: ROUND_FLOOR,
    Rounding.CEILING: ROUND_CEILING,
}


def of_whole(whole: int, places: int) -> Decimal:
    """Give a whole number of the smallest place as a decimal.

    >>> of_whole(5283, 4)
    Decimal('0.5283')
    """
    # Written out and read, as reading is exact whatever the context.
    return Decimal(f"{whole}E{-places}")


@lru_cache(maxsize=1 << 16)
def constant(whole: int, places: int) -> Decimal:
    """Give `of_whole` of a number that comes again and again: a price, a limit, a bound."""
    return of_whole(whole, places)


def to_whole(value: Decimal, places: int) -> int | None:
    """Give a decimal as a whole number of the smallest place; None where it has more places.

    >>> to_whole(Decimal("0.5283"), 4), to_whole(Decimal("0.5283"), 3), to_whole(Decimal("0.5000"), 1)
    (5283, None, 5)
    """
    numerator, denominator = value.as_integer_ratio()
    scaled, rest = divmod(numerator * 10**places, denominator)
    return None if rest else scaled


def rounded(value: Decimal, places: int, mode: Rounding, context: Context) -> Decimal:
    """Round an exact decimal once in a `naming` context; half_up is half away from zero.

    >>> rounded(Decimal("3.045"), 2, Rounding.HALF_UP, naming())
    Decimal('3.05')
    >>> rounded(Decimal("-0.004"), 2, Rounding.DOWN, naming())
    Decimal('0.00')
    """
    # A zero keeps its sign in `quantize`; no bill shows -0.00.
    return value.quantize(Decimal(f"1E{-places}"), _MODES[mode], context) + ZERO


def rounded_ratio(numerator: int, denominator: int, mode: Rounding) -> int:
    """Round a ratio of whole numbers, denominator not zero, to a whole number.

    >>> [rounded_ratio(n, 2, Rounding.HALF_EVEN) for n in (-3, -1, 1, 3, 5)]
    [-2, 0, 0, 2, 2]
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    below, rest = divmod(numerator, denominator)
    if rest == 0:
        return below
    negative = numerator < 0
    match mode:
        case Rounding.FLOOR:
            return below
        case Rounding.CEILING:
            return below + 1
        case Rounding.UP:
            return below if negative else below + 1
        case Rounding.DOWN:
            return below + 1 if negative else below
        case Rounding.HALF_UP | Rounding.HALF_EVEN:
            if 2 * rest != denominator:
                return below + (2 * rest > denominator)
            if mode is Rounding.HALF_EVEN:
                return below + below % 2
            return below if negative else below + 1


def divided(dividend: Decimal, divisor: Decimal, places: int, mode: Rounding) -> Decimal:
    """Divide and round the exact quotient once; the divisor is not zero."""
    top, top_scale = dividend.as_integer_ratio()
    bottom, bottom_scale = divisor.as_integer_ratio()
    return of_whole(rounded_ratio(top * bottom_scale * 10**places, bottom * top_scale, mode), places)


def rounded_root(numerator: int, denominator: int, places: int, mode: Rounding) -> Decimal:
    """Round the square root of numerator / denominator once, in whole numbers; neither is negative.

    The root r of y lies in [n, n + 1) for n = isqrt(floor(y)); it is a tie where y is (n + 1/2)^2 exactly.

    >>> rounded_root(2, 1, 3, Rounding.HALF_UP), rounded_root(9, 4, 0, Rounding.HALF_UP)
    (Decimal('1.414'), Decimal('2'))
    """
    top = numerator * 100**places
    root = isqrt(top // denominator)
    if root * root * denominator != top:
        # 4y against (2n + 1)^2 tells the half.
        half = 4 * top - (2 * root + 1) ** 2 * denominator
        match mode:
            case Rounding.UP | Rounding.CEILING:
                root += 1
            case Rounding.HALF_UP:
                root += half >= 0
            case Rounding.HALF_EVEN:
                root += half > 0 or (half == 0 and root % 2 == 1)
            case Rounding.DOWN | Rounding.FLOOR:
                pass
    return of_whole(root, places)


def square_root(value: Decimal, places: int, mode: Rounding) -> Decimal:
    """Round the square root of a decimal, not negative, once."""
    numerator, denominator = value.as_integer_ratio()
    return rounded_root(numerator, denominator, places, mode)


def power_factor(active: Decimal, reactive: Decimal, places: int, mode: Rounding) -> Decimal:
    """Round active / sqrt(active^2 + reactive^2) once; zero where both are zero.

    >>> power_factor(Decimal(80), Decimal(60), 2, Rounding.HALF_UP)
    Decimal('0.80')
    """
    p, p_scale = active.as_integer_ratio()
    q, q_scale = reactive.as_integer_ratio()
    p, q = p * q_scale, q * p_scale
    if p == 0 and q == 0:
        return of_whole(0, places)
    return rounded_root(p * p, p * p + q * q, places, mode)
