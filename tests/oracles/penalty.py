"""Breach of the supply contract (违约用电, 窃电): the back charge and a multiple of it, each rounded by itself.

The multiple is of the unrounded back charge: 1590.084 yuan are 1590.08, and two times 3180.17.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def penalty(unrounded: Decimal, times: Decimal) -> dict[str, Decimal]:
    """Return the lines `back` and `penalty`."""
    return {"back": half_up(unrounded), "penalty": half_up(unrounded * times)}
