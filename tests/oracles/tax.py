"""A tax on a base (增值税): added to it, or contained in it and taken apart.

Contained: base x rate / (1 + rate), rounded to fen; what is left is the net amount, so that the two are the base.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def added(base: Decimal, percent: Decimal) -> Decimal:
    """Return the tax on top of a base."""
    return half_up(base * percent / 100)


@hundred_digits
def contained(base: Decimal, percent: Decimal) -> tuple[Decimal, Decimal]:
    """Return the net amount and the tax that a base consists of."""
    tax = half_up(base * percent / (100 + percent))
    return base - tax, tax
