"""Whole-number arithmetic of single values: how constants are folded and bounds are rounded.

Values are whole numbers of their smallest place, as everywhere in a program. Every result is exact or rounded as
named. Nothing here knows steps or types.
"""

from __future__ import annotations

from math import isqrt

from engine.compiler.program import Rounding


def round_ratio(numerator: int, denominator: int, mode: Rounding) -> int:
    """Round numerator / denominator to a whole number.

    Args:
        denominator: not zero; its sign is carried to the numerator.
        mode: `half_up` is half away from zero.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    sign = -1 if numerator < 0 else 1
    quotient, rest = divmod(abs(numerator), denominator)
    match mode:
        case Rounding.HALF_UP:
            up = 2 * rest >= denominator
        case Rounding.HALF_EVEN:
            up = 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
        case Rounding.UP:
            up = rest > 0
        case Rounding.DOWN:
            up = False
        case Rounding.FLOOR:
            up = rest > 0 and sign < 0
        case Rounding.CEILING:
            up = rest > 0 and sign > 0
    return sign * (quotient + int(up))


def change_places(value: int, places: int, to: int, mode: Rounding = Rounding.HALF_UP) -> int:
    """The same number at other places: exact to more, rounded to fewer."""
    return value * 10 ** (to - places) if to >= places else round_ratio(value, 10 ** (places - to), mode)


def root(value: int, places: int, to: int, mode: Rounding) -> int:
    """Square root of a non-negative number, rounded to places `to`."""
    scaled = value * 10 ** (2 * to - places) if 2 * to >= places else None
    if scaled is None:
        raise ValueError(f"a root of a number with {places} places needs at least {(places + 1) // 2} places")
    floor = isqrt(scaled)
    rest = scaled - floor * floor
    match mode:
        case Rounding.HALF_UP | Rounding.HALF_EVEN:
            return floor + int(rest > floor)  # (floor + 1/2)^2 is no whole number, so there is no tie
        case Rounding.UP | Rounding.CEILING:
            return floor + int(rest > 0)
        case Rounding.DOWN | Rounding.FLOOR:
            return floor
