"""The clock of an interval list, read day by day: how many intervals a period has, and what a timeline says of each.

Takes local days and the timelines of a program; gives counts, values and the clock time of an interval. Days of 23 and
25 hours have their own number of intervals.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.compiler.program import AxisSpec, Program, Timeline
from engine.evaluator.rows import day_text

UNKNOWN = -1
"""What a timeline says of a day whose type is not known."""


def count(program: Program, axis: AxisSpec, first: int, end: int) -> int:
    """Count the intervals of the days [first, end)."""
    return sum(len(minutes) for _, minutes in _days(program, axis, first, end))


def values(program: Program, axis: AxisSpec, timeline: int, first: int, end: int) -> list[int]:
    """Give a timeline's value for each interval of the days [first, end), in their order."""
    found: list[int] = []
    of = program.timelines[timeline]
    for day, minutes in _days(program, axis, first, end):
        pattern = _pattern(of, day)
        if pattern is None:
            found += [UNKNOWN] * len(minutes)
        else:
            assert len(pattern) == len(minutes), f"{of.name} has {len(pattern)} intervals on {day_text(day)}"
            found += pattern
    return found


def times(program: Program, axis: AxisSpec, first: int, end: int) -> list[str]:
    """Give the local time at which each interval of the days [first, end) begins: `2026-01-31 23:45`."""
    return [
        f"{day_text(day)} {minute // 60:02d}:{minute % 60:02d}"
        for day, minutes in _days(program, axis, first, end)
        for minute in minutes
    ]


def _days(program: Program, axis: AxisSpec, first: int, end: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Give each day with the local minutes at which its intervals begin."""
    clock = program.timelines[axis.clock]
    for day in range(first, end):
        minutes = _pattern(clock, day)
        assert minutes is not None, f"the clock of {axis.name} does not know {day_text(day)}"
        yield day, minutes


def _pattern(timeline: Timeline, day: int) -> tuple[int, ...] | None:
    # Days before and after the timeline read as its first and last, as those of a day table do.
    at = min(max(day - timeline.first_day, 0), len(timeline.days) - 1)
    position = timeline.days[at]
    return None if position < 0 else timeline.patterns[position]
