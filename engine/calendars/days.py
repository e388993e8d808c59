"""Local days as whole numbers, and the tables over them that a program reads.

A day is the number of days since 1970-01-01; a clock time is the number of minutes since the day's midnight.
Takes dates and days, gives whole numbers. Knows no timezone: the days are local days of the rule set's place.

Each table holds one whole number for each day in [first_day, end_day): the days that a program can bill, unless said.
They are made month by month and kept, so that asking again costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

EPOCH: Final = date(1970, 1, 1)

FIRST_DAY: Final = (date(1990, 1, 1) - EPOCH).days
"""First day that a program can bill."""
END_DAY: Final = (date(2100, 1, 1) - EPOCH).days
"""Day after the last that a program can bill (half-open)."""

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_THURSDAY: Final = 3  # 1970-01-01 was one, where 0 is Monday

# `datetime.date.fromisoformat` also takes 20260101 and 2026-W01-1, which no notice prints.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_day(text: str) -> date | None:
    """Read a day written `2026-01-31`; None where the text is not a day of the calendar.

    >>> read_day("2024-02-29"), read_day("2023-02-29"), read_day("20240229")
    (datetime.date(2024, 2, 29), None, None)
    """
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def day_number(day: date) -> int:
    """Count the days from 1970-01-01 to `day`.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return (day - EPOCH).days


def day_date(number: int) -> date:
    """Give the date that is `number` days after 1970-01-01.

    >>> day_date(365)
    datetime.date(1971, 1, 1)
    """
    return EPOCH + timedelta(days=number)


def weekday_of(number: int) -> int:
    """Give the weekday of a day, where 0 is Monday, as in WEEKDAYS.

    >>> WEEKDAYS[weekday_of(day_number(date(2026, 1, 1)))]
    'thursday'
    """
    return (number + _THURSDAY) % 7


def month_index(day: date) -> int:
    """Count the calendar months from January 1970 to the month of `day`.

    >>> month_index(date(2026, 3, 1)) - month_index(date(2026, 1, 31))
    2
    """
    return (day.year - EPOCH.year) * 12 + day.month - 1


def thirtieths(first_day: int, end_day: int) -> int:
    """Count the 30ths of months in [first_day, end_day): what a price per month is billed for at 1/30 a day.

    A calendar month that the days cover whole counts 30, however long it is; of any other each day counts one, and at
    most 30. Zero where `end_day` does not come after `first_day`. (A month that is not covered whole has at most 30 of
    the days, so the limit of 30 never bites.)

    Elementwise, with tables of days alone:

        thirtieths(a, b) = max(0, b - a                        where month_index[a] == month_index[b]
                                  thirtieths_end[b] - thirtieths_begin[a]                    elsewhere)

    where `thirtieths_begin[a]` counts, from January 1970 on, 30 for each month and stops so far before the end of a's
    month as that month has days left, or before the whole of it where a is its first day; and `thirtieths_end[b]` is
    30 for each month before b's and one for each day of it before b: `thirtieths_begin_table`, `thirtieths_end_table`.

    >>> june_11, july_1 = day_number(date(2026, 6, 11)), day_number(date(2026, 7, 1))
    >>> thirtieths(june_11, july_1), thirtieths(june_11, july_1 + 31)
    (20, 50)
    """
    if end_day <= first_day:
        return 0
    first, end = day_date(first_day), day_date(end_day)
    if month_index(first) == month_index(end):
        return end_day - first_day
    return _end_30ths(month_index(end), end.day) - _begin_30ths(month_index(first), _length(first), first.day)


def _begin_30ths(month: int, length: int, day_of_month: int) -> int:
    left = 30 if day_of_month == 1 else length - day_of_month + 1
    return 30 * (month + 1) - left


def _end_30ths(month: int, day_of_month: int) -> int:
    return 30 * month + day_of_month - 1


def _length(day: date) -> int:
    return (_month_start(month_index(day) + 1) - _month_start(month_index(day))).days


def _month_start(index: int) -> date:
    return date(EPOCH.year + index // 12, index % 12 + 1, 1)


def _months(first_day: int, end_day: int) -> Iterator[tuple[int, int, int, range]]:
    """Give month by month: its `month_index`, its first day, the next month's, its days in [first_day, end_day)."""
    index = month_index(day_date(first_day))
    start = day_number(_month_start(index))
    while start < end_day:
        following = day_number(_month_start(index + 1))
        yield index, start, following, range(max(start, first_day), min(following, end_day))
        index, start = index + 1, following


def _spread(values: Iterable[tuple[int, range]]) -> tuple[int, ...]:
    """Give each day of a month the month's value."""
    table: list[int] = []
    for value, days in values:
        table += [value] * len(days)
    return tuple(table)


@lru_cache(maxsize=8)
def month_index_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give `month_index` of each day."""
    return _spread((index, days) for index, _, _, days in _months(first_day, end_day))


@lru_cache(maxsize=8)
def month_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give the calendar month 1 to 12 of each day."""
    return _spread((index % 12 + 1, days) for index, _, _, days in _months(first_day, end_day))


@lru_cache(maxsize=8)
def month_start_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give the first day of each day's month."""
    return _spread((start, days) for _, start, _, days in _months(first_day, end_day))


@lru_cache(maxsize=8)
def month_end_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give the first day of the month after each day's; of the last month that is END_DAY, which no table holds."""
    return _spread((following, days) for _, _, following, days in _months(first_day, end_day))


@lru_cache(maxsize=8)
def year_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give the calendar year of each day."""
    return _spread((EPOCH.year + index // 12, days) for index, _, _, days in _months(first_day, end_day))


@lru_cache(maxsize=8)
def year_end_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give 1 January of the year after each day's; of the last year that is END_DAY, which no table holds."""
    return _spread((_new_year(index // 12 + 1), days) for index, _, _, days in _months(first_day, end_day))


def _new_year(years: int) -> int:
    return day_number(date(EPOCH.year + years, 1, 1))


@lru_cache(maxsize=8)
def thirtieths_begin_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give, for each day as the first of a period, the 30ths from January 1970 that lie before it; see `thirtieths`."""
    return tuple(
        _begin_30ths(index, following - start, day - start + 1)
        for index, start, following, days in _months(first_day, end_day)
        for day in days
    )


@lru_cache(maxsize=8)
def thirtieths_end_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give, for each day as the end of a period, the 30ths from January 1970 that lie before it; see `thirtieths`."""
    return tuple(
        _end_30ths(index, day - start + 1) for index, start, _, days in _months(first_day, end_day) for day in days
    )
