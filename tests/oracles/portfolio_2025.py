"""The portfolio that the example limits by quantile are of: 2,000 made-up households, the same on every machine.

Nobody's data: a year's kWh, yuan and persons of each household, from a linear congruential generator. A limit is the
nearest rank: the smallest value that at least the given share of the households do not exceed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache

from tests.oracles.amounts import ZERO, half_up, hundred_digits

HOUSEHOLDS = 2000
MONTHS = 12
SEED = 2025
PRICE = Decimal("0.5283")  # of the first tier
UPLIFTS = ((2760, Decimal("0.05")), (4800, Decimal("0.25")))  # kWh above which so much is added


@dataclass(frozen=True)
class Household:
    """A household's year."""

    kwh: Decimal
    billed_cny: Decimal
    household_size: int


def _numbers(seed: int) -> Iterator[int]:
    """Numbers from 0 to 999, by the generator of Numerical Recipes; its high bits alone are fit for use."""
    state = seed
    while True:
        state = (1664525 * state + 1013904223) % 2**32
        yield (state >> 12) % 1000


@hundred_digits
def households() -> list[Household]:
    """Return the portfolio: most use little, a few use much, larger households use more."""
    drawn = _numbers(SEED)
    found: list[Household] = []
    for _ in range(HOUSEHOLDS):
        people = 1 + next(drawn) * 5 // 1000
        kwh = Decimal(300 + 200 * people + 6 * next(drawn) * next(drawn) // 1000)
        billed = PRICE * kwh + sum(more * max(ZERO, kwh - above) for above, more in UPLIFTS)
        found.append(Household(kwh, half_up(billed), people))
    return found


def nearest_rank(values: Iterable[Decimal], share: Decimal) -> Decimal:
    """Return the smallest of the values such that at least `share` of them are not larger.

    >>> nearest_rank([Decimal(1), Decimal(2), Decimal(3), Decimal(4)], Decimal("0.5"))
    Decimal('2')
    """
    ordered: Sequence[Decimal] = sorted(values)
    rank = int((share * len(ordered)).to_integral_value(rounding=ROUND_CEILING))
    return ordered[rank - 1]


@cache
@hundred_digits
def measures() -> Mapping[str, list[Decimal]]:
    """Return what is measured of each household: yuan a month, kWh a month and person, to two places each."""
    everyone = households()
    return {
        "monthly_cny": [half_up(one.billed_cny / MONTHS) for one in everyone],
        "kwh_per_person": [half_up(one.kwh / (MONTHS * one.household_size)) for one in everyone],
    }


@cache
def limit(measure: str, share: str) -> Decimal:
    """Return a limit by quantile of the portfolio."""
    return nearest_rank(measures()[measure], Decimal(share))
