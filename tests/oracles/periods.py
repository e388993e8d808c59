"""Billing periods as the oracles count them: half-open days, whole calendar months."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta


def months_of(period_from: date, period_to: date) -> int:
    """Return the calendar months of a period that begins and ends with one."""
    assert period_from.day == period_to.day == 1, "the oracles bill whole calendar months"
    return (period_to.year - period_from.year) * 12 + period_to.month - period_from.month


def crosses(period_from: date, period_to: date, first_of: Callable[[date], object]) -> bool:
    """Say whether something that `first_of` reads off a day changes inside the period."""
    return first_of(period_from) != first_of(period_to - timedelta(days=1))
