"""Thirtieths of months (按日三十分之一): a full calendar month thirty, a part of one its days, thirty at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta


def days_of(first: date, end: date) -> Iterator[date]:
    """Give the days of [first, end), one by one."""
    day = first
    while day < end:
        yield day
        day += timedelta(days=1)


def by_month(days: Iterator[date]) -> dict[tuple[int, int], int]:
    """Count days by calendar month."""
    return dict(Counter((day.year, day.month) for day in days))


def length(month: tuple[int, int]) -> int:
    """Return how many days a month has."""
    year, number = month
    first = date(year, number, 1)
    return ((first + timedelta(days=32)).replace(day=1) - first).days


def thirtieths(first: date, end: date) -> int:
    """Return the thirtieths in [first, end).

    >>> thirtieths(date(2026, 1, 1), date(2026, 2, 1)), thirtieths(date(2026, 2, 1), date(2026, 2, 28))
    (30, 27)
    """
    found = by_month(days_of(first, end))
    return sum(30 if days == length(month) else min(30, days) for month, days in found.items())
