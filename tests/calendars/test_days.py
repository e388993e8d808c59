"""Tables over days and 30ths of months, against the standard library's dates and against counts by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars import days
from engine.calendars.days import END_DAY, FIRST_DAY, day_date, day_number, thirtieths
from engine.compiler import program

# What each table says of a day, by `datetime.date` alone.
BY_DATE: dict[str, Callable[[date], int]] = {
    "month": lambda day: day.month,
    "month_index": lambda day: (day.year - 1970) * 12 + day.month - 1,
    "month_start": lambda day: day_number(day.replace(day=1)),
    "month_end": lambda day: day_number(date(day.year + day.month // 12, day.month % 12 + 1, 1)),
    "year": lambda day: day.year,
    "year_end": lambda day: day_number(date(day.year + 1, 1, 1)),
}


def table(name: str) -> tuple[int, ...]:
    found: tuple[int, ...] = getattr(days, f"{name}_table")()
    return found


@pytest.mark.parametrize("name", BY_DATE)
def test_a_table_says_of_each_day_what_its_date_says(name: str) -> None:
    expected = tuple(BY_DATE[name](day_date(day)) for day in range(FIRST_DAY, END_DAY))

    assert expected == table(name)


@pytest.mark.parametrize("name", [*BY_DATE, "thirtieths_begin", "thirtieths_end"])
def test_a_table_of_some_days_is_a_part_of_the_whole(name: str) -> None:
    """From the middle of one month to the middle of another, and one day beyond the last that can be billed."""
    first, end = day_number(date(2024, 2, 15)), day_number(date(2025, 1, 10))

    part = getattr(days, f"{name}_table")(first, end)
    longer = getattr(days, f"{name}_table")(FIRST_DAY, END_DAY + 1)

    assert table(name)[first - FIRST_DAY : end - FIRST_DAY] == part
    assert table(name) == longer[:-1]


def test_what_a_program_can_bill_is_what_the_tables_cover() -> None:
    assert (program.FIRST_DAY, program.END_DAY) == (FIRST_DAY, END_DAY)


@pytest.mark.parametrize(
    ("first", "end", "expected"),
    [
        (date(2026, 6, 11), date(2026, 7, 1), 20),  # 11 to 30 June
        (date(2026, 2, 1), date(2026, 3, 1), 30),  # the whole of February
        (date(2026, 2, 2), date(2026, 3, 1), 27),  # 2 to 28 February
        (date(2024, 2, 1), date(2024, 2, 29), 28),  # a February of 29 days but the last
        (date(2026, 1, 31), date(2026, 3, 1), 31),  # one day of January, the whole of February
        (date(2026, 1, 1), date(2026, 1, 31), 30),  # January but its last day: 30 days
        (date(2026, 1, 2), date(2026, 2, 1), 30),  # January but its first day: 30 days
        (date(2026, 1, 1), date(2026, 2, 1), 30),  # 31 days, and 30 all the same
        (date(2026, 1, 15), date(2026, 2, 15), 31),  # 15 to 31 January: 17; 1 to 14 February: 14
        (date(2026, 2, 15), date(2026, 3, 15), 28),  # 14 and 14
        (date(2025, 12, 20), date(2026, 2, 20), 61),  # 12, the whole of January, 19
        (date(2025, 1, 1), date(2026, 1, 1), 360),
        (date(2026, 6, 10), date(2026, 6, 11), 1),
        (date(2026, 6, 10), date(2026, 6, 10), 0),
        (date(2026, 6, 10), date(2026, 5, 31), 0),
    ],
)
def test_thirtieths_counted_by_hand(first: date, end: date, expected: int) -> None:
    assert expected == thirtieths(day_number(first), day_number(end))


def by_walking(first: int, end: int) -> int:
    """The definition, month by month: 30 for a month whose days all lie inside, else those that do, at most 30."""
    total = 0
    inside: dict[tuple[int, int], int] = {}
    for number in range(first, end):
        day = day_date(number)
        inside[day.year, day.month] = inside.get((day.year, day.month), 0) + 1
    for (year, month), count in inside.items():
        length = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
        total += 30 if count == length else min(30, count)
    return total


NEAR = st.integers(-40, 800)


@given(st.integers(FIRST_DAY + 40, END_DAY - 801), NEAR)
def test_thirtieths_are_those_of_a_walk_over_the_days(first: int, length: int) -> None:
    assert by_walking(first, first + length) == thirtieths(first, first + length)


@given(st.integers(FIRST_DAY + 40, END_DAY - 801), NEAR)
def test_thirtieths_follow_from_the_tables(first: int, length: int) -> None:
    """The closed formula of the docstring, which is what a program computes."""
    month, begin, end = table("month_index"), table("thirtieths_begin"), table("thirtieths_end")
    a, b = first - FIRST_DAY, first + length - FIRST_DAY

    found = max(0, b - a if month[a] == month[b] else end[b] - begin[a])

    assert thirtieths(first, first + length) == found


@given(st.integers(FIRST_DAY, END_DAY - 801), st.integers(0, 400), st.integers(0, 400))
def test_thirtieths_of_whole_months_add_up(first: int, one: int, other: int) -> None:
    """Where a period is divided at the first of a month, its halves add up to it."""
    middle = table("month_end")[first + one - FIRST_DAY]
    end = middle + other

    assert thirtieths(first, end) == thirtieths(first, middle) + thirtieths(middle, end)
