"""One price for every unit: quantity x price, rounded to fen."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def flat(quantity: Decimal, price: Decimal) -> Decimal:
    """Return quantity [kWh] x price [CNY/kWh] in yuan. A fund or a discount per kWh is the same arithmetic."""
    return half_up(quantity * price)
