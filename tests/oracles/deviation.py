"""Using more or less than was contracted (偏差考核): what lies beyond a tolerance, at a price for each side.

`marginal` charges what lies beyond the tolerance. `whole` charges the whole difference from the contract once the
tolerance is passed; at the tolerance itself nothing.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import ZERO, hundred_digits


@hundred_digits
def over(actual: Decimal, contract: Decimal, percent: Decimal, method: str) -> Decimal:
    """Return the quantity that is over."""
    allowed = contract * (100 + percent) / 100
    if actual <= allowed:
        return ZERO
    return actual - allowed if method == "marginal" else max(actual - contract, ZERO)


@hundred_digits
def under(actual: Decimal, contract: Decimal, percent: Decimal, method: str) -> Decimal:
    """Return the quantity that is missing."""
    wanted = contract * (100 - percent) / 100
    if actual >= wanted:
        return ZERO
    return wanted - actual if method == "marginal" else max(contract - actual, ZERO)
