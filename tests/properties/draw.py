"""What Hypothesis draws a customer's row from: the edges of the rules more often than the middle.

Edges are limits and one step either side, the bounds, zero, and quantities whose product with a price ends exactly in
half a fen: there `round` of a binary float and rounding to even go wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from math import ceil

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

HALF_FEN = Decimal("0.005")


@cache
def ties(price: str, places: int = 2, at_most: int = 12) -> tuple[Decimal, ...]:
    """Return quantities of `places` whose product with `price` is a whole number of fen and a half."""
    step = Decimal(1).scaleb(-places)
    value = Decimal(price)
    found = (n * step for n in range(1, 400_001) if n * step * value % (2 * HALF_FEN) == HALF_FEN)
    return tuple(quantity for quantity, _ in zip(found, range(at_most), strict=False))


def number(
    low: Decimal | int | str,
    high: Decimal | int | str,
    places: int = 0,
    near: Iterable[Decimal | int | str] = (),
    usual: Decimal | int | str | None = None,
) -> SearchStrategy[Decimal]:
    """Draw a number of `places` from low to high, both included; half of the time one at an edge.

    `near` names further edges; `usual` is where everyday values end, far below a generous bound.
    """
    step = Decimal(1).scaleb(-places)
    bottom, top = Decimal(low), Decimal(high)
    marks = {bottom, top, Decimal(0), *(Decimal(mark) for mark in near)}
    around = {mark + move * step for mark in marks for move in (-1, 0, 1)}
    edges = sorted(value for value in around if bottom <= value <= top and value == value.quantize(step))

    def between(least: Decimal, most: Decimal) -> SearchStrategy[Decimal]:
        return st.integers(int(least / step), int(most / step)).map(lambda n: n * step)

    everyday = between(max(bottom, Decimal(0)), min(top, Decimal(usual))) if usual is not None else between(bottom, top)
    whole = st.integers(ceil(bottom), int(min(top, Decimal(2000)))).map(Decimal)
    return st.one_of(st.sampled_from(edges), everyday, whole, between(bottom, top))


def month(years: Sequence[int], months: Sequence[int] = range(1, 13)) -> SearchStrategy[tuple[date, date]]:
    """Draw a billing period of one calendar month, half-open."""
    return st.builds(lambda y, m: several(y, m, 1), st.sampled_from(years), st.sampled_from(list(months)))


def several(year: int, first: int, count: int) -> tuple[date, date]:
    """Return the half-open period of `count` calendar months from the first day of month `first`.

    >>> several(2025, 11, 2)
    (datetime.date(2025, 11, 1), datetime.date(2026, 1, 1))
    """
    last = first - 1 + count
    return date(year, first, 1), date(year + last // 12, last % 12 + 1, 1)


def maybe(strategy: SearchStrategy[Decimal]) -> SearchStrategy[Decimal | None]:
    """Draw from `strategy`, or nothing."""
    return st.one_of(st.none(), strategy)
