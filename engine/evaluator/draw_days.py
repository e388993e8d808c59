"""Draw billing periods: in each version, at its first and last days, over leap days, and over changes.

Takes a compiled rule set, a count and random numbers; gives the first days and the days after the last. A rule set with
an interval list gets periods of a few days, those on which the clock changes among them, as a day alone has up to 288
items. A few periods are where they may not be.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.calendars.days import day_date
from engine.compiler.program import END_DAY, FIRST_DAY, Compiled, Timeline
from engine.evaluator.rows import Whole

Random = np.random.Generator

BAD_PERIOD_SHARE: Final = 0.02
CUT_SHARE: Final = 0.9  # of periods that are cut at the next change, where a period may not hold one
CROSSING_SHARE: Final = 0.45  # of periods that hold a change, where rules split or bill the whole
LEAP_SHARE: Final = 0.04  # of periods with a 29 February, where a version has one
CLOCK_SHARE: Final = 0.25  # of periods with a day of 23 or 25 hours, where there is an interval list
LENGTHS: Final = (1, 7, 28, 29, 30, 31, 31, 31, 59, 61, 92, 365)
LENGTHS_OF_INTERVALS: Final = (1, 1, 1, 1, 1, 1, 2, 2, 3)
CHANGES_HELD: Final = (1, 1, 1, 1, 2, 2, 3, 4)


def periods(compiled: Compiled, count: int, random: Random) -> tuple[Whole, Whole]:
    """Draw billing periods [first, end)."""
    by_interval = any(axis.minutes for axis in compiled.program.axes)
    versions = [version for version in compiled.constants.versions if not version.missing]
    days = np.array([(version.first_day, version.end_day) for version in versions or compiled.constants.versions])
    low = np.maximum(days[:, 0], compiled.first_day)
    high = np.minimum(days[:, 1], END_DAY - 1 if compiled.end_day is None else compiled.end_day)
    high = np.maximum(high, low + 1)
    # A version without an end is billed in its first years most of the time.
    usual = np.minimum(high, low + 20 * 365)
    which = random.integers(len(low), size=count)
    start, stop, near = low[which], high[which], usual[which]
    length = random.choice(np.array(LENGTHS_OF_INTERVALS if by_interval else LENGTHS), size=count)
    first = random.integers(start, np.maximum(near, start + 1))
    month_start = first.astype("datetime64[D]").astype("datetime64[M]")
    by_month = random.random(count) < (0.001 if by_interval else 0.5)
    months = random.choice(np.array([1, 1, 1, 2, 3, 12]), size=count)
    first = np.where(by_month, month_start.astype("datetime64[D]").astype(np.int64), first)
    following = (month_start + months).astype("datetime64[D]").astype(np.int64)
    end = np.where(by_month, following, first + length)
    edge = random.random(count)
    first = np.where(edge < 0.08, start, np.where(edge > 0.92, stop - length, first))
    end = np.where(edge < 0.08, start + length, np.where(edge > 0.92, stop, end))
    first, end = _over_days(first, end, _leap_days(compiled, usual), LEAP_SHARE, by_interval, random)
    if by_interval:
        first, end = _over_days(first, end, _clock_days(compiled, usual), CLOCK_SHARE, by_interval, random)
    # Most periods end where a season or a ladder year does, at the latest.
    changes = np.array([*compiled.change_days, END_DAY])
    following = changes[np.searchsorted(changes, first, side="right").clip(max=len(changes) - 1)]
    cut = random.random(count) < (CUT_SHARE if compiled.changes == "refuse" else CUT_SHARE / 3)
    end = np.where(cut, np.minimum(end, np.maximum(following, first + 1)), end)
    inside = random.random(count) < 0.97
    first = np.where(inside, np.clip(first, start, stop - 1), first)
    last = stop if compiled.changes == "refuse" else np.full(count, END_DAY - 1)
    end = np.where(inside, np.clip(end, first + 1, np.maximum(last, first + 1)), end)
    if compiled.changes != "refuse":
        first, end = _over_changes(compiled, first, end, int(usual.max()), by_interval, random)
    return _spoilt_days(first, end, following, random)


def _over_days(
    first: Whole, end: Whole, days: Whole, share: float, by_interval: bool, random: Random
) -> tuple[Whole, Whole]:
    """Move a share of periods so that they hold one of some days: begin with it, end with it, or lie around it."""
    if not len(days):
        return first, end
    count = len(first)
    chosen = random.random(count) < share
    day = random.choice(days, size=count)
    around = random.choice(np.array([0, 0, 1] if by_interval else [0, 1, 27, 28]), size=count)
    after = random.choice(np.array([0, 0, 1] if by_interval else [0, 1, 2, 30]), size=count)
    return np.where(chosen, day - around, first), np.where(chosen, day + 1 + after, end)


def _over_changes(
    compiled: Compiled, first: Whole, end: Whole, horizon: int, by_interval: bool, random: Random
) -> tuple[Whole, Whole]:
    """Move a share of periods so that they hold one to four changes."""
    highest = min(horizon, END_DAY - 1 if compiled.end_day is None else compiled.end_day)
    days = np.array([day for day in compiled.change_days if compiled.first_day < day < highest], np.int64)
    if not len(days):
        return first, end
    count = len(first)
    at = random.integers(len(days), size=count)
    held = np.ones(count, np.int64) if by_interval else random.choice(np.array(CHANGES_HELD), size=count)
    last = np.minimum(at + held - 1, len(days) - 1)
    reach = np.array([1, 1, 2] if by_interval else [1, 2, 10, 15, 27, 31, 40])
    chosen = random.random(count) < CROSSING_SHARE
    before, after = random.choice(reach, size=count), random.choice(reach, size=count)
    over_first = np.maximum(days[at] - before, compiled.first_day)
    over_end = np.minimum(days[last] + after, END_DAY - 1)
    return np.where(chosen, over_first, first), np.where(chosen, over_end, end)


def _leap_days(compiled: Compiled, usual: Whole) -> Whole:
    """Find each 29 February of the years that are drawn."""
    span = range(compiled.first_day, int(usual.max()))
    years = range(day_date(span.start).year, day_date(max(span.start, span.stop - 1)).year + 1)
    leaps = [np.datetime64(f"{year}-02-29").astype(np.int64) for year in years if year % 4 == 0 and year % 100]
    return np.array([day for day in leaps if day in span], np.int64)


def _clock_days(compiled: Compiled, usual: Whole) -> Whole:
    """Find the days that are drawn on which the clock is put forward or back."""
    program = compiled.program
    found: set[int] = set()
    for axis in program.axes:
        if axis.minutes:
            found |= _uneven(program.timelines[axis.clock])
    return np.array(sorted(day for day in found if compiled.first_day <= day < int(usual.max())), np.int64)


def _uneven(clock: Timeline) -> set[int]:
    lengths = [len(pattern) for pattern in clock.patterns]
    uneven = {at for at, length in enumerate(lengths) if length * clock.minutes != 24 * 60}
    return {clock.first_day + at for at, pattern in enumerate(clock.days) if pattern in uneven}


def _spoilt_days(first: Whole, end: Whole, following: Whole, random: Random) -> tuple[Whole, Whole]:
    """Draw a few days outside what can be billed, periods that end before they begin, and periods over a change."""
    wrong = random.random(len(first))
    beyond = random.choice(np.array([FIRST_DAY - 1, FIRST_DAY, END_DAY - 2, END_DAY - 1, END_DAY]), size=len(first))
    first = np.where(wrong < BAD_PERIOD_SHARE / 2, beyond, first)
    over = (wrong >= BAD_PERIOD_SHARE) & (wrong < 1.5 * BAD_PERIOD_SHARE)
    end = np.where(over, np.minimum(following + random.integers(1, 40, size=len(first)), END_DAY - 1), end)
    back = (wrong >= BAD_PERIOD_SHARE / 2) & (wrong < BAD_PERIOD_SHARE)
    end = np.where(back, first - random.integers(0, 40, size=len(first)), end)
    return first.astype(np.int64), np.minimum(end, END_DAY - 1 + (wrong < BAD_PERIOD_SHARE)).astype(np.int64)
