"""A ladder whose tiers have a price for each time-of-use period (Shanghai: +0.06 / +0.03, +0.36 / +0.18).

`pooled_pro_rata`: the total of all periods decides the tiers, and each tier's kWh are divided over the periods in
the proportion of the whole bill. The notice does not say how a share of a kWh is rounded, so a rule set must:
- `kwh(n)`: each cell's kWh to n places; what is left in each tier goes to the last period. Then kWh x price.
- `exact`: tier kWh x period kWh x price / total kWh, rounded to fen once.
A bill of no kWh has no shares: every cell is zero.

`per_period`: each period runs through the limits by itself, with what it has itself used before. Each may have limits
of its own.

`chronological`: interval by interval, in order of time, the total runs through the limits; what an interval has in a
tier costs that tier's price in the interval's period (option 2 of the URDB conventions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Lines, half_up, hundred_digits
from tests.oracles.tiered import kwh_in_tiers

Tier = tuple[Decimal | None, Mapping[str, Decimal]]  # (upper limit [kWh], price by period [CNY/kWh])
SimpleTier = tuple[Decimal | None, Decimal]  # of one period: (upper limit [kWh], price [CNY/kWh])


@hundred_digits
def pooled_pro_rata(
    quantity: Mapping[str, Decimal],
    tiers: Sequence[Tier],
    share_places: int | None,
    before: Decimal = ZERO,
    widen: Decimal = ZERO,
) -> Lines:
    """Return lines `1.peak`, `1.valley`, `2.peak` …; `share_places` None means `share: exact`."""
    total = sum(quantity.values(), ZERO)
    periods = list(quantity)
    lines: Lines = {}
    for n, (part, (_, prices)) in enumerate(
        zip(kwh_in_tiers(total, [limit for limit, _ in tiers], before, widen), tiers, strict=True), 1
    ):
        left = part
        for period in periods:
            if total == 0:
                amount = half_up(ZERO)
            elif share_places is None:
                amount = half_up(part * quantity[period] * prices[period] / total)
            else:
                cell = left if period == periods[-1] else half_up(part * quantity[period] / total, share_places)
                left -= cell
                amount = half_up(cell * prices[period])
            lines[f"{n}.{period}"] = amount
    return lines


@hundred_digits
def per_period(
    quantity: Mapping[str, Decimal],
    tiers: Sequence[Tier],
    before: Mapping[str, Decimal] | None = None,
    widen: Decimal = ZERO,
) -> Lines:
    """Return lines `1.peak` …, each period alone against the limits."""
    limits = [limit for limit, _ in tiers]
    lines: Lines = {}
    for period, kwh in quantity.items():
        used = ZERO if before is None else before[period]
        for n, (part, (_, prices)) in enumerate(zip(kwh_in_tiers(kwh, limits, used, widen), tiers, strict=True), 1):
            lines[f"{n}.{period}"] = half_up(part * prices[period])
    return lines


@hundred_digits
def ladders_apart(quantity: Mapping[str, Decimal], ladders: Mapping[str, Sequence[SimpleTier]]) -> Lines:
    """Return lines `1.peak` …, each period alone against limits of its own."""
    lines: Lines = {}
    for period, kwh in quantity.items():
        tiers = ladders[period]
        for n, (part, (_, price)) in enumerate(
            zip(kwh_in_tiers(kwh, [limit for limit, _ in tiers]), tiers, strict=True), 1
        ):
            lines[f"{n}.{period}"] = half_up(part * price)
    return lines


@hundred_digits
def chronological(
    items: Sequence[tuple[str, Decimal]], ladders: Mapping[str, Sequence[SimpleTier]], before: Decimal = ZERO
) -> Lines:
    """Return lines `1.peak` …; items are (period, kWh) in order of time, on one ladder with prices for each period."""
    cells = {(n, period): ZERO for period, tiers in ladders.items() for n in range(1, len(tiers) + 1)}
    reached = before
    for period, kwh in items:
        limits = [limit for limit, _ in ladders[period]]
        for n, part in enumerate(kwh_in_tiers(kwh, limits, reached), 1):
            cells[n, period] += part
        reached += kwh
    return {f"{n}.{period}": half_up(kwh * ladders[period][n - 1][1]) for (n, period), kwh in cells.items()}
