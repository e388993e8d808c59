"""Roundings of whole numbers, as the generated text of `engine.evaluator.scalar` calls them.

Takes and gives whole numbers: a quotient or a root is worked exactly and rounded once, as the mode's name says. What is
rounded at every turn (a product, half up) stands in the generated text itself. Written without
`engine.evaluator.decimals`, which does the same for the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isqrt
from typing import Final

from engine.compiler.program import Rounding


def quotient_floor(top: int, bottom: int) -> int:
    """Divide, downwards; `bottom` is not zero, here and below."""
    return top // bottom


def quotient_ceiling(top: int, bottom: int) -> int:
    """Divide, upwards."""
    return -(-top // bottom)


def quotient_down(top: int, bottom: int) -> int:
    """Divide, towards zero.

    >>> quotient_down(-5, 2), quotient_down(5, -2)
    (-2, -2)
    """
    return top // bottom if (top < 0) == (bottom < 0) else -(-top // bottom)


def quotient_up(top: int, bottom: int) -> int:
    """Divide, away from zero.

    >>> quotient_up(-5, 2), quotient_up(5, 2)
    (-3, 3)
    """
    return -(-top // bottom) if (top < 0) == (bottom < 0) else top // bottom


def quotient_half_up(top: int, bottom: int) -> int:
    """Divide, to the nearest, a tie away from zero.

    >>> quotient_half_up(-5, 2), quotient_half_up(5, 2), quotient_half_up(4, -3)
    (-3, 3, -1)
    """
    size = (2 * abs(top) + abs(bottom)) // (2 * abs(bottom))
    return size if (top < 0) == (bottom < 0) else -size


def quotient_half_even(top: int, bottom: int) -> int:
    """Divide, to the nearest, a tie to the even one.

    >>> quotient_half_even(-5, 2), quotient_half_even(5, 2), quotient_half_even(7, 2)
    (-2, 2, 4)
    """
    if bottom < 0:
        top, bottom = -top, -bottom
    below, rest = divmod(top, bottom)
    return below + (2 * rest > bottom or (2 * rest == bottom and below % 2 == 1))


QUOTIENTS: Final[Mapping[Rounding, Callable[[int, int], int]]] = {
    Rounding.HALF_UP: quotient_half_up,
    Rounding.HALF_EVEN: quotient_half_even,
    Rounding.UP: quotient_up,
    Rounding.DOWN: quotient_down,
    Rounding.FLOOR: quotient_floor,
    Rounding.CEILING: quotient_ceiling,
}


def root_down(top: int, bottom: int) -> int:
    """Take the root of a ratio, downwards; neither number is negative, the second not zero, here and below."""
    return isqrt(top // bottom)


def root_up(top: int, bottom: int) -> int:
    """Take the root of a ratio, upwards.

    >>> root_up(4, 1), root_up(5, 1), root_up(9, 2)
    (2, 3, 3)
    """
    root = isqrt(top // bottom)
    return root + (root * root * bottom != top)


def root_half_up(top: int, bottom: int) -> int:
    """Take the root of a ratio, to the nearest, a tie upwards.

    The root of y is at least n + 1/2 where 4y is at least (2n + 1)^2.

    >>> root_half_up(2, 1), root_half_up(9, 4), root_half_up(3, 1)
    (1, 2, 2)
    """
    root = isqrt(top // bottom)
    return root + (4 * top >= (2 * root + 1) ** 2 * bottom)


def root_half_even(top: int, bottom: int) -> int:
    """Take the root of a ratio, to the nearest, a tie to the even one.

    >>> root_half_even(1, 4), root_half_even(9, 4)
    (0, 2)
    """
    root = isqrt(top // bottom)
    half = (2 * root + 1) ** 2 * bottom
    return root + (4 * top > half or (4 * top == half and root % 2 == 1))


ROOTS: Final[Mapping[Rounding, Callable[[int, int], int]]] = {
    Rounding.HALF_UP: root_half_up,
    Rounding.HALF_EVEN: root_half_even,
    Rounding.UP: root_up,
    Rounding.DOWN: root_down,
    Rounding.FLOOR: root_down,
    Rounding.CEILING: root_up,
}


def power_factor(active: int, reactive: int, scale: int, root: Callable[[int, int], int]) -> int:
    """Take p / sqrt(p^2 + q^2) once as a whole number of 1/scale; zero where both are zero, negative where p is.

    Args:
        active: p, a whole number of the same place as `reactive`.
        reactive: q.
        scale: 100 for a factor to 0.01.
        root: the rounded root, of `ROOTS`.

    >>> power_factor(80, 60, 100, root_half_up), power_factor(0, 0, 100, root_half_up)
    (80, 0)
    """
    square = active * active
    both = square + reactive * reactive
    if not both:
        return 0
    factor = root(square * scale * scale, both)
    return factor if active >= 0 else -factor


def cell_at(table: Sequence[int], position: int) -> int:
    """Read a table; a position outside, which no branch that is taken has, reads its first or last cell."""
    return table[min(max(position, 0), len(table) - 1)]
