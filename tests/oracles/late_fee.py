"""The fee on bills that are paid late (电费违约金), 供电营业规则 (1996), article 98, day by day.

Every day from the due day to the day of payment bears so many per mille of what is owed; the fee bears no fee. A bill
that is paid in another year than it was due in is charged in one of three ways, since published answers to one
question have all three: 126, 190 and 222 yuan. 2000 yuan of December and 3000 of January, due on the 15th, paid on 18
January 2001: December 2000 x 18 x 3‰ = 108 (new year only), + 2000 x 16 x 2‰ = 172 (split), 2000 x 34 x 3‰ = 204
(all); January 3000 x 3 x 2‰ = 18.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits

BOTH, DAY_AFTER, DAY_BEFORE, BETWEEN = (True, True), (False, True), (True, False), (False, False)
"""Whether the due day and the day of payment bear a fee."""


def days_late(due: date, paid: date, ends: tuple[bool, bool]) -> list[date]:
    """Return the days that bear a fee; who pays by the due day bears none."""
    if paid <= due:
        return []
    first = due if ends[0] else due + timedelta(days=1)
    last = paid if ends[1] else paid - timedelta(days=1)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@hundred_digits
def accrued(
    owed: Decimal,
    due: date,
    paid: date,
    ends: tuple[bool, bool],
    rate: Decimal,
    later_rate: Decimal | None = None,
    cross_year: str = "split",
) -> Decimal:
    """Return what accrues on one bill, unrounded. Rates are shares a day; in one year only the first counts."""
    if owed <= 0:
        return ZERO
    days = days_late(due, paid, ends)
    later = [day for day in days if day.year > due.year]
    if later_rate is None or not later:
        return owed * rate * len(days)
    if cross_year == "all":
        return owed * later_rate * len(days)
    if cross_year == "new_year_only":
        return owed * later_rate * len(later)
    return sum((owed * (later_rate if day in later else rate) for day in days), ZERO)


def fee(
    accrued_each: Iterable[Decimal],
    *,
    round_each: bool = False,
    at_least: Decimal | None = None,
) -> Decimal:
    """Return the fee of a line: the sum, raised to the minimum if anything accrued at all."""
    each = [half_up(one) if round_each else one for one in accrued_each]
    whole = sum(each, ZERO)
    if at_least is not None and whole > 0:
        whole = max(whole, at_least)
    return half_up(whole)
