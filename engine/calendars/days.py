"""Local days as whole numbers, and the tables over them that a program reads.

A day is the number of days since 1970-01-01; a clock time is the number of minutes since the day's midnight.
Takes dates and days, gives whole numbers. Knows no timezone: the days are local days of the rule set's place.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

EPOCH: Final = date(1970, 1, 1)

FIRST_DAY: Final = (date(1990, 1, 1) - EPOCH).days
"""First day that a program can bill."""
END_DAY: Final = (date(2100, 1, 1) - EPOCH).days
"""Day after the last that a program can bill (half-open)."""

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

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


def month_index(day: date) -> int:
    """Count the calendar months from January 1970 to the month of `day`.

    >>> month_index(date(2026, 3, 1)) - month_index(date(2026, 1, 31))
    2
    """
    return (day.year - EPOCH.year) * 12 + day.month - 1


def month_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give the calendar month 1 to 12 of each day in [first_day, end_day)."""
    return tuple(day_date(day).month for day in range(first_day, end_day))


def month_index_table(first_day: int = FIRST_DAY, end_day: int = END_DAY) -> tuple[int, ...]:
    """Give `month_index` of each day in [first_day, end_day)."""
    return tuple(month_index(day_date(day)) for day in range(first_day, end_day))
