"""Loss of the customer's own line (线损): a contract's percentage of energy and transformer loss."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def line_loss(energy: Decimal, transformer: Decimal, percent: Decimal, places: int) -> Decimal:
    """Return the loss in the unit of the energy.

    >>> line_loss(Decimal(40000), Decimal(1037), Decimal(3), 2)
    Decimal('1231.11')
    """
    return half_up((energy + transformer) * percent / 100, places)
