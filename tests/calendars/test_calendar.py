"""Seasons, day types and what is wrong with a calendar: whole messages at their places."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.calendar import season_at, season_table
from engine.calendars.days import END_DAY, FIRST_DAY, day_number
from engine.calendars.months import clock, months_text, read_months, read_span
from engine.calendars.read import read_calendar
from engine.language.load import load_text
from engine.language.problems import ProblemsFound
from tests.calendars.written import codes, messages, period_at, periods, read

# Guangdong's residential seasons: summer is May to October.
GUANGDONG = "seasons: {summer: months 5-10, non_summer: months 11-4}\n"


def test_seasons_of_guangdong() -> None:
    calendar = read(GUANGDONG)

    found = {month: season_at(calendar, month) for month in (1, 4, 5, 10, 11, 12)}

    assert found == {1: "non_summer", 4: "non_summer", 5: "summer", 10: "summer", 11: "non_summer", 12: "non_summer"}


def test_the_season_table_says_each_day() -> None:
    calendar = read(GUANGDONG)
    table = season_table(calendar)

    found = [table[day_number(date(2026, *day)) - FIRST_DAY] for day in ((4, 30), (5, 1), (10, 31), (11, 1))]

    assert len(table) == END_DAY - FIRST_DAY
    assert found == [1, 0, 0, 1]


def test_others_are_the_months_that_the_same_day_type_leaves() -> None:
    calendar = read(
        """\
        day_types: {workday: [monday, tuesday, wednesday, thursday, friday], weekend: rest}
        tou_periods:
          - {months: [7, 8], day_types: workday, sharp: 20:00-22:00, flat: rest}
          - {months: others, flat: 00:00-24:00}
        """
    )

    # Friday 3 July, Saturday 4 July and Friday 4 September 2026
    found = [period_at(calendar, date(2026, *day), "20:00") for day in ((7, 3), (7, 4), (9, 4))]

    assert found == ["sharp", "flat", "flat"]


def test_an_overlap_is_shown_at_both_places() -> None:
    found = messages(
        """\
        tou_periods:
          - {months: all, peak: [08:00-11:00], sharp: [10:00-12:00], flat: rest}
        """
    )

    assert found == [
        "calendar.yaml:3:48: tou-overlap: 10:00-11:00 is both `peak` and `sharp`.\n"
        "    3 |   - {months: all, peak: [08:00-11:00], sharp: [10:00-12:00], flat: rest}\n"
        "      |                                                ^^^^^^^^^^^\n"
        "  The other hours: calendar.yaml:3:26\n"
        "    3 |   - {months: all, peak: [08:00-11:00], sharp: [10:00-12:00], flat: rest}\n"
        "      |                          ^^^^^^^^^^^\n"
        "  Shorten one; or, where one stands inside the other, say which wins: `precedence: [sharp, peak]`."
    ]


def test_a_gap_is_shown_with_its_hours() -> None:
    (found,) = messages("tou_periods: [{months: all, peak: [08:00-11:00, 12:00-24:00]}]")

    assert found.startswith("calendar.yaml:2:15: tou-gap: 00:00-08:00, 11:00-12:00 belongs to no tou_period."), found


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("seasons: {wet: months 6-10, dry: months 12-4}", ["season-gap"]),
        ("seasons: {wet: months 6-10, dry: months 10-5}", ["season-overlap"]),
        ("seasons: {wet: months 6-13, dry: months 11-5}", ["months-not-read"]),
        ("tou_periods: [{months: [7, 8], flat: rest}]", ["tou-months-missing"]),
        ("tou_periods: [{months: 1-7, flat: rest}, {months: 7-12, flat: rest}]", ["tou-months-twice"]),
        ("tou_periods: [{months: all, flat: rest}, {months: others, flat: rest}]", ["tou-nothing-left"]),
        ("tou_periods: [{months: all}]", ["tou-no-periods"]),
        ("tou_periods: [{months: all, flat: rest, peak: rest}]", ["rest-twice"]),
        ("tou_periods: [{months: all, peak: 8-11, flat: rest}]", ["clock-not-read"]),
        ("tou_periods: [{months: all, peak: 08:00-08:00, flat: rest}]", ["clock-not-read"]),
        ("tou_periods: [{months: all, peak: 24:00-06:00, flat: rest}]", ["clock-not-read"]),
        ("tou_periods: [{months: all, peak: 08:00-24:30, flat: rest}]", ["clock-not-read"]),
        ("tou_periods: [{months: all, peak: [08:00-10:00, 09:00-11:00], flat: rest}]", ["tou-overlap"]),
        ("tou_periods: [{months: all, flat: rest}]\nprecedence: [sharp]", ["precedence-unknown"]),
        ("tou_periods: [{months: all, flat: rest}]\nprecedence: [flat, flat]", ["precedence-twice"]),
        ("tou_periods: [{months: all, day_types: weekend, flat: rest}]", ["unknown-word"]),
        ("day_types: {weekend: [saturday, sunday]}", ["day-type-gap"]),
        ("day_types: {weekend: [saturday, sundy], workday: rest}", ["day-type-unknown-day"]),
        ("day_types: {a: [saturday, sunday], b: [sunday], c: rest}", ["day-type-overlap"]),
        ("day_types: {a: rest, b: rest}", ["rest-twice"]),
        ("holidays: {may: {source: {standing: copy}, days: [2026-05-01, 2026-05-01]}}", ["holiday-twice"]),
        ("holidays: {may: {source: {standing: copy}, days: [2026-05-32]}}", ["day-not-in-calendar"]),
        ("season: {wet: months 1-12}", ["unknown-key"]),
    ],
)
def test_what_is_wrong_is_named(written: str, expected: list[str]) -> None:
    assert expected == codes(written)


def test_a_holiday_on_a_weekend_needs_a_precedence() -> None:
    """2 May 2026 is a Saturday."""
    (found,) = messages(
        """\
        holidays: {may: {source: {standing: copy}, days: [2026-05-01, 2026-05-02]}}
        day_types: {holiday: may, weekend: [saturday, sunday], workday: rest}
        """
    )

    assert "day-type-overlap: 2026-05-02 can be both `holiday` and `weekend`." in found


def test_an_unknown_timezone_is_named() -> None:
    with pytest.raises(ProblemsFound) as caught:
        read_calendar(load_text("timezone: Asia/Beijing\n", "calendar.yaml"))

    assert [found.code for found in caught.value.problems] == ["unknown-timezone"]


def test_several_problems_come_together_in_order() -> None:
    found = codes(
        """\
        seasons: {wet: months 6-10}
        tou_periods:
          - {months: all, peak: 08:00-11:00}
        """
    )

    assert found == ["season-gap", "tou-gap"]


@given(st.sets(st.integers(1, 12), min_size=1))
def test_months_written_are_read_again(months: set[int]) -> None:
    assert tuple(sorted(months)) == read_months(f"months {months_text(months)}")


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_a_span_covers_from_its_start_to_its_end(start: int, end: int) -> None:
    spans = read_span(f"{clock(start)}-{clock(end)}")

    if start == end:
        assert spans is None
    else:
        assert spans is not None
        assert (end - start) % 1440 == sum(high - low for low, high in spans) % 1440
        assert all(0 <= low < high <= 1440 for low, high in spans)
        assert any(low == start for low, _ in spans)
        assert any(high == end for _, high in spans)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 47), st.integers(1, 48)), min_size=1, max_size=4))
def test_what_is_read_divides_the_day(spans: list[tuple[str, int, int]]) -> None:
    """Whatever is written either has a problem or gives every minute one period."""
    written: dict[str, list[str]] = {}
    for name, start, end in spans:
        written.setdefault(name, []).append(f"{clock(start * 30)}-{clock(end * 30)}")
    items = ", ".join(f"{name}: [{', '.join(hours)}]" for name, hours in written.items())

    text = f"tou_periods: [{{months: all, {items}, flat: rest}}]"
    taken = [minute // 30 for _, start, end in spans for minute in range(start * 30, _end(start, end), 30)]
    if len({minute % 48 for minute in taken}) < len(taken) or any(start == end for _, start, end in spans):
        assert {"tou-overlap", "clock-not-read"} >= set(codes(text))
        return

    calendar = read(text)

    found = periods(calendar, date(2026, 6, 1))
    assert [start for start, _ in found] == list(range(0, 1440, 5))
    listed = [name for name, start, end in spans for _ in range(start * 30, _end(start, end), 5)]
    assert sorted(name for _, name in found if name != "flat") == sorted(listed)
    for name, start, _ in spans:
        assert name == dict(found)[start * 30 % 1440]


def _end(start: int, end: int) -> int:
    """End of a span in minutes, beyond 1440 where it runs over midnight."""
    return end * 30 if start < end else 1440 + end * 30
