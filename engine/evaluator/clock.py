"""The clock of an interval list, for the days of a batch: which interval is which of what day.

Takes a `Timeline` and a span of local days; gives arrays. Intervals are numbered from the first of the span's
first day. A day of 23 or 25 hours has its own number of them. Days outside a timeline read as its nearest end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.compiler.program import AxisSpec, Program, Timeline
from engine.evaluator.rows import Array, Whole, day_text

UNKNOWN = -1  # what a timeline says of a day whose type is not known; a `require` refuses the row


@dataclass(frozen=True, slots=True)
class Clock:
    """How many intervals the days of a span have.

    Attributes:
        first_day: of the span.
        starts: shape (day + 1,) intervals before each day, and last the intervals of all.
    """

    first_day: int
    starts: Whole

    def begins(self, days: Whole) -> Whole:
        """Give the first interval of each of some days; the day after the span is one."""
        return self.starts.take(days - self.first_day)


def axis_clock(program: Program, axis: AxisSpec, low: int, high: int) -> Clock:
    """Number the intervals of the days [low, high)."""
    of = program.timelines[axis.clock]
    pattern = patterns(of, low, high)
    assert pattern.min(initial=0) >= 0, f"the clock of {axis.name} does not know every day"
    lengths = np.array([len(minutes) for minutes in of.patterns], np.int64)
    return Clock(low, np.concatenate([[0], np.cumsum(lengths[pattern])]))


def laid_out(timeline: Timeline, clock: Clock) -> Whole:
    """Give a timeline's value for each interval of a clock."""
    days = len(clock.starts) - 1
    pattern = patterns(timeline, clock.first_day, clock.first_day + days)
    counts = np.diff(clock.starts)
    # Behind the patterns stands what a day of unknown type reads.
    longest = int(counts.max(initial=0))
    values = np.concatenate([*(np.array(one, np.int64) for one in timeline.patterns), np.full(longest, UNKNOWN)])
    lengths = np.array([*(len(one) for one in timeline.patterns), longest], np.int64)
    known = pattern >= 0
    assert (lengths[pattern] == counts)[known].all(), f"{timeline.name} differs from the clock in a day's intervals"
    begins = (np.cumsum(lengths) - lengths)[pattern]  # a pattern of -1 reads the last
    found: Whole = values.take(np.repeat(begins - clock.starts[:-1], counts) + np.arange(clock.starts[-1]))
    return found


def time_text(clock: Clock, minutes: Array, interval: int) -> str:
    """Write the local time at which an interval begins: `2026-01-31 23:45`.

    Args:
        clock: of the list.
        minutes: shape (interval,) the clock's own timeline, laid out.
        interval: its number.
    """
    day = int(np.searchsorted(clock.starts, interval, side="right")) - 1
    minute = int(minutes[interval])
    return f"{day_text(clock.first_day + day)} {minute // 60:02d}:{minute % 60:02d}"


def patterns(timeline: Timeline, low: int, high: int) -> Whole:
    """Give a timeline's pattern of each day in [low, high); -1: the day's type is not known."""
    last = len(timeline.days) - 1
    first, end = (min(max(day - timeline.first_day, 0), last) for day in (low, high - 1))
    some = np.array(timeline.days[first : end + 1], np.int64)
    return some.take(np.arange(low, high) - timeline.first_day - first, mode="clip")
