"""Calendars written in a test, and what stands at a clock time of a local day."""

from __future__ import annotations

from datetime import date
from textwrap import dedent

import pytest

from engine.calendars.calendar import Calendar, day_type_table
from engine.calendars.days import FIRST_DAY, day_number
from engine.calendars.read import read_calendar
from engine.calendars.timeline import Timeline, clock, schedule_timeline
from engine.language.load import load_text
from engine.language.problems import ProblemsFound, render


def read(written: str, timezone: str = "Asia/Shanghai") -> Calendar:
    return read_calendar(load_text(f"timezone: {timezone}\n" + dedent(written), "calendar.yaml"))


def messages(written: str) -> list[str]:
    text = "timezone: Asia/Shanghai\n" + dedent(written)
    with pytest.raises(ProblemsFound) as caught:
        read_calendar(load_text(text, "calendar.yaml"))
    return [render(found, sources=lambda _: text) for found in caught.value.problems]


def codes(written: str) -> list[str]:
    with pytest.raises(ProblemsFound) as caught:
        read(written)
    return [found.code for found in caught.value.problems]


def minutes(clock_time: str) -> int:
    hour, minute = clock_time.split(":")
    return int(hour) * 60 + int(minute)


def pattern(timeline: Timeline, day: date) -> tuple[int, ...]:
    """The values of a day's intervals; the day's type is known."""
    position = timeline.days[day_number(day) - timeline.first_day]
    assert position >= 0
    return timeline.patterns[position]


def periods(calendar: Calendar, day: date, schedule: str = "tou_period", every: int = 5) -> list[tuple[int, str]]:
    """Clock time [min] and period of each interval of a day."""
    timeline = schedule_timeline(calendar, schedule, every)
    starts = pattern(clock(calendar, every), day)
    return [(start, timeline.names[code]) for start, code in zip(starts, pattern(timeline, day), strict=True)]


def period_at(calendar: Calendar, day: date, clock_time: str, schedule: str = "tou_period") -> str:
    """The period at a clock time of a day on which the clock is not changed."""
    at = minutes(clock_time)
    return dict(periods(calendar, day, schedule))[at - at % 5]


def day_types(calendar: Calendar, *days: date) -> list[str | None]:
    table = day_type_table(calendar)
    found = [table[day_number(day) - FIRST_DAY] for day in days]
    return [None if at < 0 else calendar.day_types[at].name for at in found]
