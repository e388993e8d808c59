"""Energy by period and the largest demand, from a load curve (负荷曲线), interval by interval.

Clocks are stepped in universal time and read in the tariff's timezone, so that days of 23 and 25 hours are what they
are. A window ends with an interval; blocks are counted from midnight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.oracles.amounts import ZERO, hundred_digits

EVERY = 15  # minutes
Counted = Callable[[int, int], bool]  # first and last interval of a window, by position


def begins(first: date, end: date, zone: str) -> list[int]:
    """Give the local minute of the day at which each interval of the days begins."""
    local, utc = ZoneInfo(zone), ZoneInfo("UTC")
    at = datetime.combine(first, time(), local).astimezone(utc)
    stop = datetime.combine(end, time(), local).astimezone(utc)
    found = []
    while at < stop:
        clock = at.astimezone(local)
        found.append(clock.hour * 60 + clock.minute)
        at += timedelta(minutes=EVERY)
    return found


@hundred_digits
def energy(kwh: Sequence[Decimal], minutes: Sequence[int], counted: Callable[[int], bool]) -> Decimal:
    """Add the intervals that count, by their position."""
    assert len(kwh) == len(minutes), "an interval is missing"
    return sum((one for at, one in enumerate(kwh) if counted(at)), ZERO)


@hundred_digits
def demand(kwh: Sequence[Decimal], minutes: Sequence[int], window: int, windows: str, counted: Counted) -> Decimal:
    """Return the largest average power of the windows that count, zero where none does."""
    items = window // EVERY
    largest = ZERO
    for last in range(items - 1, len(kwh)):
        if windows == "block" and (minutes[last] + EVERY) % window:
            continue
        first = last - items + 1
        if counted(first, last):
            largest = max(largest, sum(kwh[first : last + 1], ZERO) * 60 / window)
    return largest
