"""A least amount for named charges: what is lacking to it is a line of its own, zero where nothing is.

The amount is per month; a bill of two months must reach twice as much.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits


@hundred_digits
def minimum_bill(at_least: Decimal, base: Decimal, months: int = 1) -> Decimal:
    """Return what brings `base` [CNY] up to `at_least` [CNY/month]."""
    return half_up(max(ZERO, at_least * months - base))
