"""Seasons by month, day types, and schedules of the clock, once they are known to be whole.

A `Calendar` comes from `engine.calendars.read`, which has checked that every month is in one season, every day has one
day type, and each minute of a day belongs to one period of each schedule in every month and day type. Nothing here can
fail on a calendar that was read; a day of which a holiday list says nothing has no day type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from engine.calendars.days import END_DAY, FIRST_DAY, month_table, weekday_of
from engine.language.problems import Place

EVERY_DAY: Final = "every_day"
"""The day type of a calendar that declares none."""

TOU_PERIOD: Final = "tou_period"
"""The schedule that stands under `tou_periods`."""


@dataclass(frozen=True, slots=True)
class HolidayList:
    """Days named by a notice, and the stretches of days of which it speaks: there a day not named is none of them."""

    name: str
    days: tuple[int, ...]  # sorted, days since 1970-01-01
    known: tuple[tuple[int, int], ...]  # half-open, sorted, apart
    source: str
    standing: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class DayType:
    """A class of days: some weekdays, the days of holiday lists, or the rest."""

    name: str
    weekdays: tuple[int, ...] = ()  # 0 is Monday
    holidays: tuple[str, ...] = ()  # names of holiday lists
    rest: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class ScheduleDay:
    """How the clock divides a day of certain months and day types; spans cover [0, 1440) in order, half-open [min]."""

    months: tuple[int, ...]
    day_types: tuple[str, ...]
    spans: tuple[tuple[int, int, str], ...]  # start, end, period
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Periods by the clock, for each month and day type."""

    name: str
    days: tuple[ScheduleDay, ...]  # together each month and day type once
    periods: tuple[str, ...]  # in the order in which they are first written
    precedence: tuple[str, ...] = ()  # of periods listed one inside another, the first wins
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Seasons, day types and schedules of one place."""

    timezone: str
    seasons: tuple[tuple[str, tuple[int, ...]], ...] = ()  # name, months; together all twelve, or none declared
    day_types: tuple[DayType, ...] = (DayType(EVERY_DAY, rest=True),)  # in order of precedence
    holidays: tuple[HolidayList, ...] = ()
    schedules: tuple[Schedule, ...] = ()  # that of `tou_periods` first
    source: str = ""
    standing: str = ""
    place: Place | None = None
    timezone_place: Place | None = None


def season_at(calendar: Calendar, month: int) -> str:
    """Name the season of a calendar month 1 to 12; ValueError where the calendar has no seasons."""
    for name, months in calendar.seasons:
        if month in months:
            return name
    raise ValueError(f"month {month} in no season of {[name for name, _ in calendar.seasons]}: pass a month 1 to 12")


def season_table(calendar: Calendar, first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give, for each day in [first_day, end_day), the position of its season in `calendar.seasons`."""
    names = [name for name, _ in calendar.seasons]
    by_month = {month: names.index(season_at(calendar, month)) for month in range(1, 13)}
    return tuple(by_month[month] for month in month_table(first_day, end_day))


def schedule_names(calendar: Calendar) -> tuple[str, ...]:
    """Name the schedules: `tou_period` first where the calendar has `tou_periods`, then those of `schedules`."""
    return tuple(schedule.name for schedule in calendar.schedules)


def schedule_of(calendar: Calendar, name: str) -> Schedule:
    """Find a schedule by its name; ValueError where the calendar has none of that name."""
    for schedule in calendar.schedules:
        if schedule.name == name:
            return schedule
    raise ValueError(f"no schedule {name!r}: pass one of {list(schedule_names(calendar))}")


def period_names(calendar: Calendar, schedule: str) -> tuple[str, ...]:
    """Name the periods of a schedule, in the order in which they are first written.

    Raises ValueError where the calendar has no schedule of that name.
    """
    return schedule_of(calendar, schedule).periods


def tou_period_names(calendar: Calendar) -> tuple[str, ...]:
    """Name the tou_periods, in the order in which they are first written; none where the calendar has none."""
    return period_names(calendar, TOU_PERIOD) if TOU_PERIOD in schedule_names(calendar) else ()


def day_type_table(calendar: Calendar, first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give, for each day in [first_day, end_day), the position of its type in `calendar.day_types`.

    It is -1 where a list that could decide it does not speak of the day: a year whose list is not published yet is not
    a year without holidays.
    """
    edges = {edge for known in calendar.holidays for stretch in known.known for edge in stretch}
    edges = {first_day, end_day} | {edge for edge in edges if first_day < edge < end_day}
    table: list[int] = []
    for start, end in pairwise(sorted(edges)):
        lists = [one.name for one in calendar.holidays if any(low <= start < high for low, high in one.known)]
        week = [_day_type(calendar, weekday_of(start + at), (), lists) for at in range(7)]
        table += (week * ((end - start) // 7 + 1))[: end - start]
        for day in sorted({day for one in calendar.holidays for day in one.days if start <= day < end}):
            named = [one.name for one in calendar.holidays if day in one.days]
            table[day - first_day] = _day_type(calendar, weekday_of(day), named, lists)
    return tuple(table)


def _day_type(calendar: Calendar, weekday: int, named: Sequence[str], known: Sequence[str]) -> int:
    """Decide the type of a day that some lists name, where only those of `known` speak of it."""
    rest = -1
    for at, day_type in enumerate(calendar.day_types):
        if weekday in day_type.weekdays or any(name in named for name in day_type.holidays):
            return at
        if any(name not in known for name in day_type.holidays):
            return -1
        if day_type.rest:
            rest = at
    return rest
