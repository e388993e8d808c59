"""Days that a rate book bills, against sets of days."""

from __future__ import annotations

from datetime import date
from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.days import END_DAY, day_number
from engine.registry.coverage import Days, covered, days_text, joined, lost, without
from tests.registry.books import book, build_in_process, home

INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5)


def days_of(intervals: list[tuple[int, int]] | Days) -> set[int]:
    return set(chain.from_iterable(range(first, end) for first, end in intervals))


@given(INTERVALS)
def test_joined_intervals_hold_the_same_days_and_neither_overlap_nor_touch(intervals: list[tuple[int, int]]) -> None:
    """Empty and backward intervals hold no day."""
    found = joined(intervals)

    assert days_of(intervals) == days_of(found)
    assert all(end < later for (_, end), (later, _) in pairwise(found))
    assert all(first < end for first, end in found)


@given(INTERVALS, INTERVALS)
def test_taking_intervals_out_of_others_leaves_the_difference_of_their_days(
    days: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    """As sets have it."""
    some, more = joined(days), joined(others)

    found = without(some, more)

    assert days_of(some) - days_of(more) == days_of(found)


@given(INTERVALS, INTERVALS, st.integers(0, 31))
def test_lost_are_the_days_before_one_that_only_the_old_book_bills(
    days: list[tuple[int, int]], others: list[tuple[int, int]], until: int
) -> None:
    """An id that the new book lacks loses all its days; one that loses none is not named."""
    before = {"kept": joined(days), "gone": joined(days)}
    expected = {
        "kept": {day for day in days_of(joined(days)) - days_of(joined(others)) if day < until},
        "gone": {day for day in days_of(joined(days)) if day < until},
    }

    found = lost(before, {"kept": joined(others)}, until)

    assert {id_: some for id_, some in expected.items() if some} == {id_: days_of(some) for id_, some in found.items()}


def test_a_book_bills_the_days_on_which_its_rule_sets_are_in_force_with_prices() -> None:
    """Two rule sets of one id, a year between them, are taken together; what is in force until replaced has no end."""
    files = book(
        old=home(id_="cn.test.two", first="2020-01-01", through="2020-12-31"),
        new=home(id_="cn.test.two", first="2022-01-01", through="2022-02-28"),
    )
    new_year = day_number(date(2026, 1, 1))

    found = covered(build_in_process(files).book.rulesets.values())

    assert {
        "cn.test.home": ((new_year, END_DAY),),
        "cn.test.two": (
            (day_number(date(2020, 1, 1)), day_number(date(2021, 1, 1))),
            (day_number(date(2022, 1, 1)), day_number(date(2022, 3, 1))),
        ),
    } == found


def test_days_are_told_with_both_ends_and_not_all_of_many() -> None:
    """One day stands alone."""
    days = ((0, 1), (31, 59), (90, 92), (100, 101))

    assert "1970-01-01, 1970-02-01..1970-02-28, 1970-04-01..1970-04-02, …" == days_text(days)
