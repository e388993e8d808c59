"""Reductions of which a customer has one alone (优惠不可叠加), with a cap on what is taken off.

Options are (name, whether it applies, amount rounded to fen); amounts below zero take something off.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO

Option = tuple[str, bool, Decimal]


def first(options: Sequence[Option], most: Decimal | None = None) -> dict[str, Decimal]:
    """Return the line of the first option that applies; none where none does."""
    for name, applies, amount in options:
        if applies:
            return {name: amount if most is None else max(amount, -max(most, ZERO))}
    return {}


def largest(options: Sequence[Option], most: Decimal | None = None) -> dict[str, Decimal]:
    """Return the line of the option that takes off the most; of two that are equal the earlier."""
    best: tuple[str, Decimal] | None = None
    for name, applies, amount in options:
        if applies and amount < 0 and (best is None or amount < best[1]):
            best = (name, amount)
    if best is None:
        return {}
    name, amount = best
    return {name: amount if most is None else max(amount, -max(most, ZERO))}
