"""Timelines: what a schedule says of each interval of each local day, for lists that follow the clock.

Takes a calendar that was read and the length of an interval; gives a `Timeline` over every day that can be billed.
Days that are divided alike share one pattern. A day on which the clock is put forward skips the intervals that the
clock skips; one on which it is put back has those of the repeated hour twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Final

from engine.calendars.calendar import Calendar, Schedule, day_type_table, schedule_of
from engine.calendars.days import END_DAY, FIRST_DAY, day_date, month_table
from engine.calendars.months import MINUTES
from engine.calendars.months import clock as clock_text
from engine.calendars.zone import WHOLE_DAY, ClockChange, Stretches, Zone, zone_of
from engine.language.problems import Problem, ProblemsFound, problem

INTERVALS: Final = (5, 10, 15, 20, 30, 60)
"""How long the intervals of a list may be [min]."""

CLOCK: Final = "clock"
"""Name of the timeline whose values are the local minutes at which the intervals begin."""

_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Timeline:
    """Interval of a local day -> whole number, for days in [first_day, first_day + len(days)).

    A day of 23 or 25 hours has a pattern of its own length. A pattern of -1 is a day whose type is not known.
    """

    name: str  # of the schedule: tou_period; "clock": the local minute of the day at which the interval begins
    minutes: int  # of each interval
    first_day: int
    days: tuple[int, ...]  # position in patterns
    patterns: tuple[tuple[int, ...], ...]  # by interval of the day
    names: tuple[str, ...] = ()  # of the values, where they are codes


def schedule_timeline(calendar: Calendar, schedule: str, minutes: int, since: int = FIRST_DAY) -> Timeline:
    """Give, for each interval of each day, the position of its period in `period_names(calendar, schedule)`.

    Args:
        calendar: as `read_calendar` gave it.
        schedule: one of `schedule_names(calendar)`.
        minutes: length of an interval, one of INTERVALS [min].
        since: first day that is billed; how the clock was put forward and back before it does not matter.

    Returns:
        A timeline of the schedule's name. The pattern of a day whose type no holiday list decides is -1, unless the
        schedule divides days of all types alike in that month.

    Raises:
        ProblemsFound: a period begins or ends inside an interval (`schedule-finer-than-interval`), or the clock is put
            forward or back inside one (`clock-change-inside-interval`).
        ValueError: there is no such schedule, or the intervals are none of INTERVALS.
    """
    _check_minutes(minutes)
    found = [*_finer(schedule_of(calendar, schedule), minutes), *_clock_problems(calendar, minutes, since)]
    if found:
        raise ProblemsFound(found)
    return _schedule_timeline(calendar, schedule, minutes)


def clock(calendar: Calendar, minutes: int, since: int = FIRST_DAY) -> Timeline:
    """Give, for each interval of each day, the minute of the local day at which it begins [min].

    Every day has a pattern, also where its type is not known. A day that the place never had (Samoa skipped 30 December
    2011) has no intervals.

    Raises:
        ProblemsFound: the clock is put forward or back inside an interval (`clock-change-inside-interval`).
        ValueError: the intervals are none of INTERVALS.
    """
    _check_minutes(minutes)
    found = _clock_problems(calendar, minutes, since)
    if found:
        raise ProblemsFound(found)
    return _clock_timeline(calendar.timezone, minutes)


def _check_minutes(minutes: int) -> None:
    if minutes not in INTERVALS:
        raise ValueError(f"intervals of {minutes} minutes: pass one of {INTERVALS}")


@lru_cache(maxsize=64)
def _schedule_timeline(calendar: Calendar, name: str, minutes: int) -> Timeline:
    schedule = schedule_of(calendar, name)
    types = {day_type.name: at for at, day_type in enumerate(calendar.day_types)}
    # month -> day type -> layout; the last place of a row is that of a day whose type is not known
    layouts = [[_UNKNOWN] * (len(types) + 1) for _ in range(13)]
    values: list[tuple[int, ...]] = []
    for at, day in enumerate(schedule.days):
        for month in day.months:
            for day_type in day.day_types:
                layouts[month][types[day_type]] = at
        codes = [(end - start, schedule.periods.index(period)) for start, end, period in day.spans]
        values.append(tuple(code for length, code in codes for _ in range(length // minutes)))
    for row in layouts[1:]:
        if len({values[layout] for layout in row[:-1]}) == 1:
            row[-1] = row[0]  # days of all types are divided alike: the type need not be known
    days = [layouts[month][kind] for month, kind in zip(month_table(), day_type_table(calendar), strict=True)]
    return _timeline(
        name, minutes, days, lambda layout, start: values[layout][start // minutes], calendar.timezone, schedule.periods
    )


@lru_cache(maxsize=64)
def _clock_timeline(timezone: str, minutes: int) -> Timeline:
    return _timeline(CLOCK, minutes, [0] * (END_DAY - FIRST_DAY), lambda _, start: start, timezone)


def _timeline(
    name: str,
    minutes: int,
    layouts: Sequence[int],
    value: Callable[[int, int], int],
    timezone: str,
    names: tuple[str, ...] = (),
) -> Timeline:
    """Make the patterns.

    Args:
        name: of the timeline.
        minutes: length of an interval [min].
        layouts: for each day from FIRST_DAY on, how it is divided; -1 where that is not known.
        value: layout, minute of the day -> value.
        timezone: says which days are not of 24 hours.
        names: of the values.
    """
    patterns: dict[tuple[int, ...], int] = {}

    def pattern(layout: int, stretches: Stretches) -> int:
        if layout == _UNKNOWN:
            return _UNKNOWN
        starts = (minute for start, end in stretches for minute in range(start, end, minutes))
        return patterns.setdefault(tuple(value(layout, start) for start in starts), len(patterns))

    of = {layout: pattern(layout, WHOLE_DAY) for layout in dict.fromkeys(layouts)}
    days = [of[layout] for layout in layouts]
    for day, stretches in zone_of(timezone).days.items():
        days[day - FIRST_DAY] = pattern(layouts[day - FIRST_DAY], stretches)
    return Timeline(name, minutes, FIRST_DAY, tuple(days), tuple(patterns), names)


def _finer(schedule: Schedule, minutes: int) -> list[Problem]:
    """Find entries in which a period begins inside an interval; one problem an entry."""
    edges = gcd(*(start for day in schedule.days for start, _, _ in day.spans))
    found = {}
    for day in schedule.days:
        inside = [(start, period) for start, _, period in day.spans if start % minutes]
        if inside and day.place not in found:
            (start, period), *_ = inside
            found[day.place] = problem(
                "schedule-finer-than-interval",
                day.place,
                None,
                period=period,
                schedule=schedule.name,
                time=clock_text(start),
                minutes=minutes,
                **_suggestion(edges),
            )
    return list(found.values())


def _clock_problems(calendar: Calendar, minutes: int, since: int) -> list[Problem]:
    """Find the first day, from `since` on, on which intervals cannot follow the clock."""
    zone = zone_of(calendar.timezone)
    wrong = [change for change in zone.changes if change.day >= since and not _follows(change, minutes)]
    if not wrong:
        return []
    change = wrong[0]
    parameters = {
        "timezone": calendar.timezone,
        "before": clock_text(change.before),
        "after": clock_text(change.after % MINUTES),
        "day": day_date(change.day),
        "minutes": minutes,
    }
    return [
        problem(
            "clock-change-inside-interval", calendar.timezone_place, None, **parameters, **_clock_advice(zone, since)
        )
    ]


def _follows(change: ClockChange, minutes: int) -> bool:
    """Whether intervals divide the day on both sides of a change, and one day's do not come between another's."""
    return change.before % minutes == change.after % minutes == 0 and (change.after >= 0 or change.before == 0)


def _clock_advice(zone: Zone, since: int) -> dict[str, str]:
    changes = [change for change in zone.changes if change.day >= since]
    if not all(_follows(change, INTERVALS[0]) for change in changes):
        return _suggestion(1)
    return _suggestion(gcd(*(edge for change in changes for edge in (change.before, change.after))))


def _suggestion(edges: int) -> dict[str, str]:
    """Say the longest interval that divides `edges` [min]."""
    fitting = [minutes for minutes in INTERVALS if edges % minutes == 0]
    if not fitting:
        return {
            "suggestion": f"No interval does: the shortest is {INTERVALS[0]} minutes.",
            "suggestion_zh": f"没有合适的间隔：最短为 {INTERVALS[0]} 分钟。",
        }
    return {
        "suggestion": f"Write `every: {fitting[-1]} minutes` in the list.",
        "suggestion_zh": f"请在列表中写 `every: {fitting[-1]} minutes`。",
    }
