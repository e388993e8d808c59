"""Less for large use (数量折扣): so much off each kWh, or so many percent off, above a quantity.

`marginal`: the kWh above the limit alone earn it ("月用电超过 200 千瓦时的部分每千瓦时优惠 0.10 元").
`whole`: who goes above the limit earns it on every kWh. At the limit itself nobody has gone above.
As a percentage the marginal part of the base is its share by kWh: base x percent x (q - above) / q.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits


@hundred_digits
def earning(quantity: Decimal, above: Decimal, method: str) -> Decimal:
    """Return the kWh that earn the discount."""
    if quantity <= above:
        return ZERO
    return quantity - above if method == "marginal" else quantity


@hundred_digits
def by_price(quantity: Decimal, above: Decimal, method: str, price: Decimal) -> Decimal:
    """Return the discount as an amount below zero, at so much a kWh."""
    return half_up(-earning(quantity, above, method) * price)


@hundred_digits
def by_percent(quantity: Decimal, above: Decimal, method: str, percent: Decimal, base: Decimal) -> Decimal:
    """Return the discount as an amount below zero, percent of the base's share that earns it."""
    if quantity == 0:
        return half_up(ZERO)
    return half_up(-base * percent / 100 * earning(quantity, above, method) / quantity)
