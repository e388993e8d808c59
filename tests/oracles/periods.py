"""Billing periods as the oracles count them: half-open days, whole calendar months."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from tests.oracles.amounts import half_up, hundred_digits

Days = tuple[date, date]  # half-open


def months_of(period_from: date, period_to: date) -> int:
    """Return the calendar months of a period that begins and ends with one."""
    assert period_from.day == period_to.day == 1, "the oracles bill whole calendar months"
    return (period_to.year - period_from.year) * 12 + period_to.month - period_from.month


def crosses(period_from: date, period_to: date, first_of: Callable[[date], object]) -> bool:
    """Say whether something that `first_of` reads off a day changes inside the period."""
    return first_of(period_from) != first_of(period_to - timedelta(days=1))


def calendar_months(period_from: date, period_to: date) -> int:
    """Return how many months lie between the months of the two days, one at least."""
    return max(1, (period_to.year - period_from.year) * 12 + period_to.month - period_from.month)


def days_of(period: Days) -> int:
    """Return how many days a period has."""
    return (period[1] - period[0]).days


def cut(period_from: date, period_to: date, changes: Iterable[date]) -> list[Days]:
    """Return the parts of a period, cut at each change strictly inside it.

    >>> cut(date(2025, 12, 20), date(2026, 1, 20), [date(2026, 1, 1)])[1]
    (datetime.date(2026, 1, 1), datetime.date(2026, 1, 20))
    """
    marks = [period_from, *sorted(day for day in set(changes) if period_from < day < period_to), period_to]
    return list(pairwise(marks))


@hundred_digits
def divided(value: Decimal, parts: Sequence[Days], places: int) -> list[Decimal]:
    """Divide a quantity by days: each part half up to `places` and at most what is left, the last what remains."""
    whole = sum(map(days_of, parts))
    left, shares = value, []
    for part in parts[:-1]:
        share = min(left, half_up(value * days_of(part) / whole, places))
        shares.append(share)
        left -= share
    return [*shares, left]


def thirtieths(first: date, end: date) -> int:
    """Return the 30ths of months in the days [first, end): a whole calendar month has 30, a part of one its days, 30 at
    most. An end that is not after the first day leaves nothing.
    """
    found, at = 0, first
    while at < end:
        next_month = date(at.year + at.month // 12, at.month % 12 + 1, 1)
        until = min(next_month, end)
        found += 30 if at.day == 1 and until == next_month else min(30, (until - at).days)
        at = until
    return found
