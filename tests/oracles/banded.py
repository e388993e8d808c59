"""A price by the band in which a ratio falls: kWh a tonne, use to quota, kWh a kW (hours of use).

Ratios are fractions, never rounded unless the notice rounds them. A band that is `closed` holds its limit ("不超过",
"含"), an open one does not ("低于", "不满").
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil

from tests.oracles.amounts import ZERO, half_up, hundred_digits

Limit = tuple[Decimal, bool]  # limit, closed


def band_of(ratio: Fraction, limits: Sequence[Limit]) -> int:
    """Return the number of the band, from 1."""
    for k, (limit, closed) in enumerate(limits, 1):
        if ratio < limit or (closed and ratio == limit):
            return k
    return len(limits) + 1


@hundred_digits
def whole(quantity: Decimal, ratio: Fraction, limits: Sequence[Limit], prices: Sequence[Decimal]) -> dict[str, Decimal]:
    """Return the one line of the band: all of the quantity, or of a base in yuan, at its price or share."""
    k = band_of(ratio, limits)
    return {str(k): half_up(quantity * prices[k - 1])}


def steps_started(ratio: Fraction, above: Decimal, every: Decimal) -> int:
    """Return how many steps of a width were started above a limit: 1 right above it, 1 a whole step above it."""
    return max(0, ceil((ratio - Fraction(above)) / Fraction(every)))


def steps_full(ratio: Fraction, above: Decimal, every: Decimal) -> int:
    """Return how many whole steps of a width lie between a limit and the ratio."""
    return max(0, int((ratio - Fraction(above)) / Fraction(every)))


@hundred_digits
def marginal(quantity: Decimal, per: Decimal, limits: Sequence[Limit], prices: Sequence[Decimal]) -> dict[str, Decimal]:
    """Return a line a band: the quantity between its limits, each multiplied by what the ratio divides by."""
    ends = [ZERO, *(limit * per for limit, _ in limits), max(quantity, ZERO)]
    lines = {}
    for k, price in enumerate(prices, 1):
        last = k == len(prices)
        part = max(quantity - ends[k - 1], ZERO) if last else max(min(quantity, ends[k]) - ends[k - 1], ZERO)
        lines[str(k)] = half_up(part * price)
    return lines
