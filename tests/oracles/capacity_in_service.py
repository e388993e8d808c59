"""Capacity to be billed where transformers come, go and are suspended (计费容量, 暂停), by thirtieths of months.

The days are counted one by one, month by month. A suspension begins on the day of sealing (加封之日起减收) and ends
before the day of unsealing; one of fewer than 15 days changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits
from tests.oracles.thirtieths import by_month, days_of, length, thirtieths

Stay = tuple[Decimal, date, date]  # kVA, first day, day after the last


def _off(first: date, end: date, period: tuple[date, date], counts: str) -> int:
    """Return the thirtieths that a suspension takes off a period."""
    billed = by_month(days_of(*period))
    sealed = by_month(days_of(max(first, period[0]), min(end, period[1])))
    taken = 0
    for month, days in sealed.items():
        whole = 30 if billed[month] == length(month) else min(30, billed[month])
        if counts == "inactive_days":
            taken += 30 if days == length(month) else min(30, days)
        else:
            taken += whole - min(whole, billed[month] - days)
    return taken


@hundred_digits
def thirtieths_billed(
    installed: Sequence[Stay], suspended: Sequence[Stay], period: tuple[date, date], counts: str, pays: Decimal
) -> Decimal | None:
    """Return kVA times thirtieths; None where more is suspended than stands there.

    None also where days in service are counted of several suspensions in a period whose days are not thirtieths: of one
    transformer the second has nothing left to settle, of two each has, and the list does not say which they are.
    """
    inside = [stay for stay in suspended if (stay[2] - stay[1]).days >= 15]
    inside = [stay for stay in inside if max(stay[1], period[0]) < min(stay[2], period[1])]
    if counts == "active_days" and len(inside) > 1 and (period[1] - period[0]).days != thirtieths(*period):
        return None
    whole = ZERO
    for kva, first, end in installed:
        whole += kva * thirtieths(max(first, period[0]), min(end, period[1]))
    off = ZERO
    for kva, first, end in suspended:
        if (end - first).days >= 15:
            off += kva * _off(first, end, period, counts)
    return None if off > whole else whole - off * (1 - pays)


@hundred_digits
def kva_billed(kva_thirtieths: Decimal, period: tuple[date, date]) -> Decimal:
    """Return the capacity that is billed, in whole kVA."""
    return half_up(kva_thirtieths / thirtieths(*period), 0)
