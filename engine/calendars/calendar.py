"""Seasons by month, day types, and time-of-use periods by clock, once they are known to be whole.

A `Calendar` comes from `engine.calendars.read`, which has checked that every month is in one season, every day has one
day type, and each minute of a day belongs to one tou_period in every month and day type. Nothing here can fail on a
calendar that was read, except a day type of a year for which its holiday list names no day.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from engine.calendars.days import END_DAY, FIRST_DAY, day_date
from engine.calendars.months import MINUTES
from engine.language.problems import Place

EVERY_DAY: Final = "every_day"
"""The day type of a calendar that declares none."""


@dataclass(frozen=True, slots=True)
class HolidayList:
    """Days named by a public notice, year by year."""

    name: str
    days: tuple[int, ...]  # sorted, days since 1970-01-01
    source: str
    standing: str
    place: Place | None = None

    @property
    def years(self) -> tuple[int, ...]:
        """Years of which the list names at least one day; of the others nothing is known."""
        return tuple(sorted({day_date(day).year for day in self.days}))


@dataclass(frozen=True, slots=True)
class DayType:
    """A class of days: some weekdays, the days of holiday lists, or the rest."""

    name: str
    weekdays: tuple[int, ...] = ()  # 0 is Monday
    holidays: tuple[str, ...] = ()  # names of holiday lists
    rest: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class TouDay:
    """How the clock divides a day of certain months and day types; spans cover [0, 1440) in order, half-open [min]."""

    months: tuple[int, ...]
    day_types: tuple[str, ...]
    spans: tuple[tuple[int, int, str], ...]  # start, end, tou_period
    place: Place | None = None

    def minutes(self) -> dict[str, int]:
        """Add up the minutes of each tou_period [min]."""
        total: dict[str, int] = {}
        for start, end, name in self.spans:
            total[name] = total.get(name, 0) + end - start
        return total


@dataclass(frozen=True, slots=True)
class Calendar:
    """Seasons, day types and tou_periods of one place."""

    timezone: str
    seasons: tuple[tuple[str, tuple[int, ...]], ...] = ()  # name, months; together all twelve, or none declared
    day_types: tuple[DayType, ...] = (DayType(EVERY_DAY, rest=True),)  # in order of precedence
    holidays: tuple[HolidayList, ...] = ()
    tou: tuple[TouDay, ...] = ()
    tou_names: tuple[str, ...] = ()  # in the order in which they are first written
    precedence: tuple[str, ...] = ()  # of tou_periods listed one inside another, the first wins
    source: str = ""
    standing: str = ""
    place: Place | None = None


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
    return tuple(by_month[day_date(day).month] for day in range(first_day, end_day))


def season_changes(calendar: Calendar, first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give the days, after first_day, that begin a season: their season is not that of the day before."""
    if not calendar.seasons:
        return ()
    table = season_table(calendar, first_day, end_day)
    return tuple(first_day + i for i in range(1, len(table)) if table[i] != table[i - 1])


def tou_period_names(calendar: Calendar) -> tuple[str, ...]:
    """Name the tou_periods, in the order in which they are first written."""
    return calendar.tou_names


def period_at(calendar: Calendar, month: int, day_type: str, minute: int) -> str:
    """Name the tou_period at a minute of the day [min since midnight] in a month 1 to 12 and day type.

    Raises ValueError where the calendar has no tou_periods or the month, day type or minute is not one of its own.
    """
    if not 0 <= minute < MINUTES:
        raise ValueError(f"minute {minute}: pass a minute of the day, 0 to {MINUTES - 1}")
    for day in calendar.tou:
        if month in day.months and day_type in day.day_types:
            starts = [start for start, _, _ in day.spans]
            return day.spans[bisect_right(starts, minute) - 1][2]
    allowed = [known.name for known in calendar.day_types]
    raise ValueError(f"no tou_periods for month {month} and day type {day_type!r}: pass 1 to 12 and one of {allowed}")


def day_type_at(calendar: Calendar, day: int) -> str | None:
    """Name the day type of a day; None where a holiday list that could decide it names no day of that year.

    The lists are published year by year: a year that is not there yet is not a year without holidays.
    """
    lists = {holidays.name: holidays for holidays in calendar.holidays}
    year = day_date(day).year
    weekday = day_date(day).weekday()
    rest: str | None = None
    for day_type in calendar.day_types:
        for name in day_type.holidays:
            if year not in lists[name].years:
                return None
            if day in lists[name].days:
                return day_type.name
        if weekday in day_type.weekdays:
            return day_type.name
        if day_type.rest:
            rest = day_type.name
    return rest
