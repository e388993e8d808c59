"""Power-factor adjustment (功率因数调整电费), (83)水电财字第215号.

The month's factor P / sqrt(P^2 + Q^2) to two places, half up (0.855 is 0.86, 0.754 is 0.75). No kWh and no kvarh: no
adjustment. The tables are steps of 0.01: half a percent for each step below the standard, one percent for each from
10 % on, two percent for each beyond 15 %, without end; above the standard a reduction that stops.
The 0.85 table's reduction ends at 1.10 % (one copy in circulation prints 1.0; the steps of 0.15 give 1.10).
A customer who was granted a lower standard pays below it and gets no reduction above it.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits

# standard in hundredths -> the reductions printed for the steps above it, in percent; the last holds to 1.00
REDUCTIONS = {
    90: ("0.15", "0.30", "0.45", "0.60", "0.75"),
    85: ("0.1", "0.2", "0.3", "0.4", "0.5", "0.65", "0.80", "0.95", "1.10"),
    80: ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0", "1.15", "1.30"),
}


@hundred_digits
def hundredths(active: Decimal, reactive: Decimal) -> int | None:
    """Return the power factor x 100, half up; None where there is neither kWh nor kvarh.

    Settled without a root: n is the largest whole number with (n - 1/2)/100 <= P / sqrt(P^2 + Q^2).
    """
    squares = active * active + reactive * reactive
    if squares == 0:
        return None
    estimate = active / squares.sqrt() * 100
    n = int((estimate + Decimal("0.5")).to_integral_value(rounding=ROUND_FLOOR)) + 1
    while n > 0 and (2 * n - 1) ** 2 * squares > 40000 * active * active:
        n -= 1
    return n


@hundred_digits
def percent(standard: Decimal, factor: int) -> Decimal:
    """Return the adjustment in percent of the base: a surcharge above zero, a reduction below."""
    norm = int(standard * 100)
    if factor > norm:
        printed = REDUCTIONS[norm]
        return -Decimal(printed[min(factor - norm, len(printed)) - 1])
    short = norm - factor
    if short <= 20:
        return short * Decimal("0.5")
    if short <= 25:
        return Decimal(10) + (short - 20)
    return Decimal(15) + 2 * (short - 25)


@hundred_digits
def adjustment(active: Decimal, reactive: Decimal, standard: Decimal, base: Decimal) -> Decimal:
    """Return the adjustment in yuan: percent x base, where the base is a sum of amounts already rounded to fen."""
    factor = hundredths(active, reactive)
    if factor is None:
        return half_up(ZERO)
    return half_up(base * percent(standard, factor) / 100)


@hundred_digits
def without_reduction(active: Decimal, reactive: Decimal, standard: Decimal, base: Decimal) -> Decimal:
    """Return the adjustment of a customer with a lowered standard: never below zero, for a base that is not."""
    factor = hundredths(active, reactive)
    if factor is None:
        return half_up(ZERO)
    return half_up(base * max(ZERO, percent(standard, factor)) / 100)
