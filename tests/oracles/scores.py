"""Scores of customers: points by bands, and a weighted mean of them.

A limit belongs to the band above it (`below`) or to the one that it ends (`up_to`). An indicator that is left out is
neither in the sum nor among the weights. A score is rounded once, half up, to one place. No one published the
thresholds of the shipped scores: what the oracles of this folder vouch for is that files do what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits

Answer = Mapping[str, Decimal | str]  # scores and points by name, classes of segments by name
Weighted = tuple[str, Decimal | None]  # weight as written, points; None: left out


def below(value: Decimal, limits: Sequence[str], points: Sequence[int]) -> Decimal:
    """Return the points of the first band whose limit lies above `value`, else the last."""
    return _first([value < Decimal(limit) for limit in limits], points)


def up_to(value: Decimal, limits: Sequence[str], points: Sequence[int]) -> Decimal:
    """Return the points of the first band whose limit is not below `value`, else the last."""
    return _first([value <= Decimal(limit) for limit in limits], points)


def _first(holds: Sequence[bool], points: Sequence[int]) -> Decimal:
    assert len(points) == len(holds) + 1
    return Decimal(points[holds.index(True)] if True in holds else points[-1])


@hundred_digits
def score(indicators: Iterable[Weighted]) -> Decimal | None:
    """Return the weighted mean of the indicators that are there, to one place; None where there is none."""
    there = [(Decimal(weight), points) for weight, points in indicators if points is not None]
    weights = sum((weight for weight, _ in there), Decimal(0))
    if not weights:
        return None
    return half_up(sum((weight * points for weight, points in there), Decimal(0)) / weights, 1)


@hundred_digits
def ratio(part: Decimal, whole: Decimal, places: int) -> Decimal:
    """Return a quotient, half up to `places`; the whole is not zero."""
    return half_up(part / whole, places)
