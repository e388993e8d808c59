"""What an event of demand response (需求响应) earns: reduction x price, within what was committed, up to a cap.

Below a first share of the committed reduction nothing is earned, above a second one nothing more. What is missing
from the committed reduction is charged as any deviation under a contract is.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits


@hundred_digits
def earned(
    reduced: Decimal,
    price: Decimal,
    committed: Decimal | None = None,
    pays_from: Decimal | None = None,
    pays_to: Decimal | None = None,
    cap: Decimal | None = None,
) -> Decimal:
    """Return what one event earns, unrounded and above zero. Shares of the committed are in per cent."""
    paid = max(reduced, ZERO)
    if committed is not None and pays_from is not None and paid * 100 < committed * pays_from:
        return ZERO if cap is None else min(ZERO, cap)
    if committed is not None and pays_to is not None:
        paid = min(paid, committed * pays_to / 100)
    return paid * price if cap is None else min(paid * price, cap)


@hundred_digits
def line(amounts: Iterable[Decimal], *, round_each: bool) -> Decimal:
    """Return the sum of the events' amounts, each rounded first or only their sum."""
    return half_up(sum((half_up(one) if round_each else one for one in amounts), ZERO))
