"""Time-of-use tables of provincial notices: the hours as printed there, and what each clock time then is.

The hours come from the notices named beside each table (copies of the price tables, late 2025); the counts of hours
were added up by hand from them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from textwrap import dedent

import pytest

from engine.calendars.calendar import Calendar, tou_period_names
from tests.calendars.written import period_at, periods, read

MONTHS = range(1, 13)


@dataclass(frozen=True)
class Table:
    """A notice's table, its hours by month, and clock times with the period that the notice gives them."""

    notice: str
    tou_periods: str
    hours: dict[tuple[int, ...], dict[str, float]]
    at: tuple[tuple[int, str, str], ...]  # month, clock time, period


TABLES = {
    "hubei": Table(
        "鄂发改价管〔2024〕77号",
        """\
        - {months: [7, 8], sharp: [20:00-22:00], peak: [16:00-20:00, 22:00-24:00], valley: [00:00-06:00, 12:00-14:00],
           flat: rest}
        - {months: others, sharp: [18:00-20:00], peak: [16:00-18:00, 20:00-24:00], valley: [00:00-06:00, 12:00-14:00],
           flat: rest}
        """,
        {tuple(MONTHS): {"sharp": 2, "peak": 6, "valley": 8, "flat": 8}},
        ((7, "20:00", "sharp"), (7, "18:00", "peak"), (1, "18:00", "sharp"), (1, "20:00", "peak"),
         (1, "14:00", "flat")),
    ),
    "jiangsu": Table(
        "苏发改价格发〔2025〕426号",
        """\
        - {months: [6, 7, 8, 12, 1, 2], peak: [14:00-22:00], valley: [00:00-06:00, 11:00-13:00], flat: rest}
        - {months: others, peak: [15:00-22:00], valley: [02:00-06:00, 10:00-14:00], flat: rest}
        """,
        {
            (1, 2, 6, 7, 8, 12): {"peak": 8, "valley": 8, "flat": 8},
            (3, 4, 5, 9, 10, 11): {"peak": 7, "valley": 8, "flat": 9},
        },
        ((12, "14:00", "peak"), (11, "14:00", "flat"), (11, "13:59", "valley"), (1, "22:00", "flat"),
         (3, "00:00", "flat")),
    ),
    "shanghai_single": Table(
        "沪发改价管〔2022〕50号，单一制",
        "- {months: all, peak: [06:00-22:00], valley: [22:00-06:00]}\n",
        {tuple(MONTHS): {"peak": 16, "valley": 8}},
        ((2, "05:59", "valley"), (2, "06:00", "peak"), (2, "21:59", "peak"), (2, "22:00", "valley")),
    ),
    "beijing": Table(
        "京发改规〔2023〕11号",
        """\
        - {months: [7, 8], peak: [10:00-13:00, 17:00-22:00], valley: 23:00-07:00, sharp: [11:00-13:00, 16:00-17:00],
           flat: rest}
        - {months: [12, 1], peak: [10:00-13:00, 17:00-22:00], valley: 23:00-07:00, sharp: 18:00-21:00, flat: rest}
        - {months: others, peak: [10:00-13:00, 17:00-22:00], valley: 23:00-07:00, flat: rest}
        """,
        {
            (7, 8): {"sharp": 3, "peak": 6, "valley": 8, "flat": 7},
            (1, 12): {"sharp": 3, "peak": 5, "valley": 8, "flat": 8},
            (2, 3, 4, 5, 6, 9, 10, 11): {"peak": 8, "valley": 8, "flat": 8},
        },
        ((7, "11:00", "sharp"), (7, "16:30", "sharp"), (7, "10:30", "peak"), (1, "17:59", "peak"),
         (4, "16:30", "flat")),
    ),
    "liaoning": Table(
        "辽发改价格〔2023〕441号",
        """\
        - {months: [1, 7, 8, 12], peak: [7:30-10:30, 16:00-21:00], valley: [11:30-12:30, 22:00-05:00],
           sharp: 17:00-19:00, flat: rest}
        - {months: others, peak: [7:30-10:30, 16:00-21:00], valley: [11:30-12:30, 22:00-05:00], flat: rest}
        """,
        {
            (1, 7, 8, 12): {"sharp": 2, "peak": 6, "valley": 8, "flat": 8},
            (2, 3, 4, 5, 6, 9, 10, 11): {"peak": 8, "valley": 8, "flat": 8},
        },
        ((1, "07:29", "flat"), (1, "07:30", "peak"), (1, "11:30", "valley"), (1, "17:00", "sharp"),
         (2, "17:00", "peak")),
    ),
    "heilongjiang": Table(
        "黑发改价格函〔2024〕291号",
        "- {months: all, peak: [7:00-8:00, 9:00-11:30, 15:30-20:00], valley: [12:00-14:00, 23:30-5:30], flat: rest}\n",
        {tuple(MONTHS): {"peak": 8, "valley": 8, "flat": 8}},
        ((5, "23:29", "flat"), (5, "23:30", "valley"), (5, "05:30", "flat"), (5, "11:29", "peak"),
         (5, "08:00", "flat")),
    ),
    "guangdong_residential": Table(
        "湛江居民峰谷：高峰10-12、14-19，低谷0-8",
        "- {months: all, peak: [10:00-12:00, 14:00-19:00], valley: [00:00-08:00], flat: rest}\n",
        {tuple(MONTHS): {"peak": 7, "valley": 8, "flat": 9}},
        ((8, "12:00", "flat"), (8, "13:59", "flat"), (8, "14:00", "peak"), (8, "23:59", "flat")),
    ),
    "shandong": Table(
        "鲁发改价格〔2023〕914号，2025年",
        """\
        - {months: 12-2, peak: [07:00-09:00, 16:00-21:00], valley: [02:00-06:00, 10:00-15:00], sharp: [16:00-19:00],
           deep_valley: [11:00-14:00], flat: rest}
        - {months: 3-5, peak: 17:00-22:00, valley: 10:00-15:00, sharp: 17:00-20:00, deep_valley: 11:00-14:00,
           flat: rest}
        - {months: 6, peak: 16:00-23:00, valley: 07:00-12:00, sharp: 17:00-22:00, flat: rest}
        - {months: 7-8, peak: 16:00-23:00, valley: 01:00-06:00, sharp: 17:00-22:00, flat: rest}
        - {months: 9-11, peak: 16:00-21:00, valley: 10:00-15:00, sharp: 17:00-19:00, deep_valley: 11:00-14:00,
           flat: rest}
        """,
        {
            (12, 1, 2): {"sharp": 3, "peak": 4, "valley": 6, "deep_valley": 3, "flat": 8},
            (3, 4, 5): {"sharp": 3, "peak": 2, "valley": 2, "deep_valley": 3, "flat": 14},
            (6, 7, 8): {"sharp": 5, "peak": 2, "valley": 5, "flat": 12},
            (9, 10, 11): {"sharp": 2, "peak": 3, "valley": 2, "deep_valley": 3, "flat": 14},
        },
        ((1, "16:00", "sharp"), (1, "19:00", "peak"), (1, "11:00", "deep_valley"), (1, "14:00", "valley"),
         (6, "11:00", "valley"), (8, "11:00", "flat"), (10, "16:30", "peak")),
    ),
}  # fmt: skip


def calendar(table: Table) -> Calendar:
    precedence = "precedence: [deep_valley, sharp, peak, valley]\n" if "deep" in table.tou_periods else ""
    if "sharp" in table.tou_periods and not precedence:
        precedence = "precedence: [sharp, peak, valley]\n"
    return read(f"tou_periods:\n{dedent(table.tou_periods)}{precedence}")


@pytest.mark.parametrize("name", TABLES)
def test_hours_of_each_period_are_those_printed(name: str) -> None:
    """Counted over the intervals of five minutes of the 15th of each month."""
    table = TABLES[name]
    whole = calendar(table)

    counted = {
        month: {
            period: intervals / 12
            for period, intervals in Counter(period for _, period in periods(whole, date(2026, month, 15))).items()
        }
        for month in MONTHS
    }

    expected = {month: hours for months, hours in table.hours.items() for month in months}
    assert set(MONTHS) == set(expected)
    assert expected == counted


@pytest.mark.parametrize("name", TABLES)
def test_clock_times_at_the_edges(name: str) -> None:
    table = TABLES[name]
    whole = calendar(table)

    found = tuple((month, clock, period_at(whole, date(2026, month, 15), clock)) for month, clock, _ in table.at)

    assert table.at == found


def test_names_come_in_the_order_written() -> None:
    assert tou_period_names(calendar(TABLES["hubei"])) == ("sharp", "peak", "valley", "flat")
