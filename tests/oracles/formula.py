"""A charge that a rule set writes out itself: whatever its formula gives, rounded to fen once."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def formula(unrounded: Decimal) -> Decimal:
    """Return the amount in yuan. The caller's own Decimal arithmetic is the formula."""
    return half_up(unrounded)
