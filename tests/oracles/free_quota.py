"""Free electricity for poor households (低保、五保户免费电量), charged first and refunded (先征后返).

`refund`: what was used, up to the quota, at the given price. `refund_whatever_used`: the whole quota every month
(Sichuan: 15 x 0.5224 = 7.836, refunded as 7.84). The quota is per month; a bill of two months has two, and where
the amount of a month is fixed, twice that amount: 15.68, not 15.67.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def refund(free: Decimal, used: Decimal, price: Decimal, months: int = 1) -> Decimal:
    """Return the refund as an amount below zero, of the kWh used at most."""
    return half_up(-min(free * months, used) * price)


@hundred_digits
def refund_whatever_used(free: Decimal, price: Decimal, months: int = 1) -> Decimal:
    """Return the refund as an amount below zero, of the whole quota: so many times the amount of a month."""
    return half_up(-free * price) * months
