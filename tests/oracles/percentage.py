"""A percentage of named charges: taxes and riders above zero, discounts below.

The base is the sum of the charges' rounded amounts. A cap is a largest amount in yuan, of a discount as well as of a
surcharge: what is given or taken never exceeds it.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def percentage(percent: Decimal, base: Decimal, cap: Decimal | None = None) -> Decimal:
    """Return percent x base in yuan, kept within the cap."""
    amount = half_up(base * percent / 100)
    if cap is None:
        return amount
    cap = half_up(cap)
    return max(-cap, min(cap, amount))
