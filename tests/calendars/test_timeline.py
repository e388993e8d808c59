"""Timelines of schedules over local days, those of 23 and 25 hours among them.

When clocks change is known from the laws themselves. United States, since 2007: from 2:00 on the second Sunday of
March to 2:00 on the first Sunday of November; in 2026 these are 8 March and 1 November. Europe: from 1:00 UTC on the
last Sunday of March to 1:00 UTC on the last Sunday of October; in 2026 these are 29 March and 25 October. China had
summer time from 1986 to 1991, from 2:00 on the first Sunday of mid-April (11 to 20) to 2:00 on the first Sunday of
mid-September.
"""

from __future__ import annotations

import zoneinfo
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.calendar import schedule_names
from engine.calendars.days import END_DAY, FIRST_DAY, day_date, day_number
from engine.calendars.timeline import INTERVALS, Timeline, clock, schedule_timeline
from engine.calendars.zone import WHOLE_DAY, zone_of
from engine.compiler import program
from engine.language.problems import ProblemsFound
from tests.calendars.written import pattern, periods, read

CLOCK_ONLY = "tou_periods: []"


def hours(start: int, end: int, every: int = 60) -> list[int]:
    return list(range(start * 60, end * 60, every))


SPRING, AUTUMN = hours(0, 2) + hours(3, 24), hours(0, 2) + hours(1, 24)


@pytest.mark.parametrize(
    ("zone", "forward", "back", "spring", "autumn"),
    [
        ("America/New_York", date(2026, 3, 8), date(2026, 11, 1), SPRING, AUTUMN),
        ("America/Los_Angeles", date(2026, 3, 8), date(2026, 11, 1), SPRING, AUTUMN),
        ("Europe/London", date(2026, 3, 29), date(2026, 10, 25), [0, *hours(2, 24)], AUTUMN),
        ("Asia/Shanghai", date(1990, 4, 15), date(1990, 9, 16), SPRING, AUTUMN),
        ("Asia/Shanghai", date(1991, 4, 14), date(1991, 9, 15), SPRING, AUTUMN),
    ],
)
def test_days_of_23_and_25_hours(zone: str, forward: date, back: date, spring: list[int], autumn: list[int]) -> None:
    """The hour that the clock skips is not there, the one that it repeats is there twice; all other days have 24."""
    timeline = clock(read(CLOCK_ONLY, zone), 60)

    year = [date(forward.year, 1, 1) + timedelta(at) for at in range(365)]
    odd = {day: pattern(timeline, day) for day in year if pattern(timeline, day) != tuple(hours(0, 24))}

    assert odd == {forward: tuple(spring), back: tuple(autumn)}
    assert (len(spring), len(autumn)) == (23, 25)


def test_china_has_had_no_other_days_since_1992() -> None:
    days = zone_of("Asia/Shanghai").days

    assert [1990, 1990, 1991, 1991] == [day_date(day).year for day in days]


def test_periods_of_a_day_of_23_hours_and_of_one_of_25() -> None:
    """Valley from midnight to 6:00 has 5 hours on 8 March and 7 on 1 November, in quarters of an hour."""
    calendar = read("tou_periods: [{valley: 00:00-06:00, peak: rest}]", "America/New_York")

    found = {
        day: Counter(period for _, period in periods(calendar, day, every=15))
        for day in (date(2026, 3, 7), date(2026, 3, 8), date(2026, 11, 1))
    }

    assert found == {
        date(2026, 3, 7): {"valley": 6 * 4, "peak": 18 * 4},
        date(2026, 3, 8): {"valley": 5 * 4, "peak": 18 * 4},
        date(2026, 11, 1): {"valley": 7 * 4, "peak": 18 * 4},
    }


def test_a_period_inside_the_hour_that_is_repeated_comes_twice() -> None:
    calendar = read("tou_periods: [{short: 01:00-01:30, long: rest}]", "America/New_York")

    found = [(start, name) for start, name in periods(calendar, date(2026, 11, 1), every=30) if start < 150]

    assert found == [
        (0, "long"),
        (30, "long"),
        (60, "short"),
        (90, "long"),
        (60, "short"),
        (90, "long"),
        (120, "long"),
    ]


# Zone, a year with something odd in it, and an interval that can follow it.
WALKS = [
    ("America/New_York", 2026, 15),
    ("America/New_York", 2006, 60),  # before the law of 2007: first Sunday of April, last of October
    ("America/Los_Angeles", 1990, 30),
    ("Europe/London", 2026, 60),
    ("Asia/Shanghai", 1991, 30),
    ("Asia/Kolkata", 2026, 30),  # an offset of half an hour changes nothing
    ("America/Sao_Paulo", 2018, 60),  # changed at midnight
    ("America/Havana", 2024, 20),  # at 0:00 and 1:00
    ("Australia/Lord_Howe", 2026, 30),  # by half an hour
    ("Pacific/Chatham", 2026, 15),  # at 2:45
    ("Africa/Casablanca", 2024, 60),  # for the month of Ramadan
    ("Pacific/Apia", 2011, 60),  # without 30 December
    ("Pacific/Apia", 2099, 60),
]


def as_packaged(zone: str) -> zoneinfo.ZoneInfo:
    """The standard library's zone by the rules of `tzdata`; the machine may have those of another year."""
    with (files("tzdata") / "zoneinfo" / zone).open("rb") as rules:
        return zoneinfo.ZoneInfo.from_file(rules, key=zone)


@pytest.mark.parametrize(("zone", "year", "every"), WALKS, ids=lambda value: str(value))
def test_a_year_walked_through_in_utc_shows_the_same_clock(zone: str, year: int, every: int) -> None:
    """Each interval of a year in UTC, turned into local time by the standard library alone."""
    there = as_packaged(zone)
    first, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, tzinfo=UTC)
    count = (end - first) // timedelta(minutes=every)
    local = [(first + at * timedelta(minutes=every)).astimezone(there) for at in range(count)]
    walked = {
        day: tuple(moment.hour * 60 + moment.minute for moment in moments)
        for day, moments in groupby(local, key=lambda moment: moment.date())
    }

    timeline = clock(read(CLOCK_ONLY, zone), every, since=day_number(date(year, 1, 1)))

    days = [date(year, 1, 2) + timedelta(at) for at in range(362)]
    assert {day: walked.get(day, ()) for day in days} == {day: pattern(timeline, day) for day in days}


@given(
    st.sampled_from(["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Shanghai", "America/Sao_Paulo"]),
    st.sampled_from([5, 10, 15, 30]),
    st.integers(FIRST_DAY, END_DAY - 2),
)
def test_the_intervals_of_a_day_fill_it(zone: str, every: int, day: int) -> None:
    """Together they last from local midnight to the next, by the standard library."""
    timeline = clock(read(CLOCK_ONLY, zone), every)
    there = as_packaged(zone)

    midnights = [datetime(at.year, at.month, at.day, tzinfo=there) for at in (day_date(day), day_date(day + 1))]
    lasts = midnights[1].astimezone(UTC) - midnights[0].astimezone(UTC)

    assert lasts == len(pattern(timeline, day_date(day))) * timedelta(minutes=every)


BY_DAY = """\
    seasons: {summer: months 6-9, winter: months 10-5}
    holidays: {legal: {source: {standing: example}, days: [2026-07-03]}}
    day_types: {holiday: legal, workday: [monday, tuesday, wednesday, thursday, friday], weekend: rest}
    day_type_precedence: [holiday, workday]
    tou_periods:
      - {months: 6-9, day_types: workday, peak: 12:00-18:00, valley: 22:00-06:00, flat: rest}
      - {months: others, day_types: workday, peak: 17:00-20:00, flat: rest}
      - {day_types: [holiday, weekend], valley: rest}
    schedules:
      demand_period: [{months: 6-9, high: 12:00-18:00, low: rest}, {months: others, low: rest}]
    """


def test_a_day_whose_type_is_not_known_has_no_pattern() -> None:
    """The list speaks of 2026 alone; other years are refused where the type of the day matters."""
    timeline = schedule_timeline(read(BY_DAY, "America/New_York"), "tou_period", 60)

    known = [FIRST_DAY + at for at, position in enumerate(timeline.days) if position >= 0]

    assert [day_number(date(2026, 1, 1)) + at for at in range(365)] == known
    assert set(timeline.days) == {-1, *range(len(timeline.patterns))}


def test_a_schedule_that_divides_days_of_all_types_alike_needs_no_type() -> None:
    timeline = schedule_timeline(read(BY_DAY, "America/New_York"), "demand_period", 60)

    assert min(timeline.days) == 0


def test_equal_days_share_a_pattern() -> None:
    """Summer workdays and winter ones, free days, and two free Sundays on which the clock changes."""
    calendar = read(BY_DAY, "America/New_York")

    timeline = schedule_timeline(calendar, "tou_period", 60)

    assert sorted(len(values) for values in timeline.patterns) == [23, 24, 24, 24, 25]
    assert len(set(timeline.patterns)) == len(timeline.patterns)
    assert (timeline.name, timeline.minutes, timeline.first_day) == ("tou_period", 60, FIRST_DAY)
    assert timeline.names == ("peak", "valley", "flat")


def test_every_timeline_has_the_intervals_of_the_clock() -> None:
    calendar = read(BY_DAY, "America/New_York")

    for every in INTERVALS:
        whole = clock(calendar, every)
        lengths = [len(whole.patterns[at]) for at in whole.days]
        for name in schedule_names(calendar):
            of = schedule_timeline(calendar, name, every)
            assert all(at < 0 or len(of.patterns[at]) == long for at, long in zip(of.days, lengths, strict=True))


def test_the_same_timeline_is_made_once() -> None:
    calendar, alike = read(BY_DAY), read(BY_DAY)

    assert schedule_timeline(calendar, "tou_period", 15) is schedule_timeline(alike, "tou_period", 15)
    assert clock(calendar, 15) is clock(alike, 15)


def test_a_program_holds_the_timelines_of_calendars() -> None:
    assert program.Timeline is Timeline


@pytest.mark.parametrize(
    ("hours_", "every", "fits"),
    [("7:30-11:30", 60, "30"), ("7:30-11:30", 20, "30"), ("7:15-11:30", 30, "15"), ("7:20-11:40", 60, "20"),
     ("7:10-11:30", 15, "10"), ("7:05-11:30", 15, "5")],
)  # fmt: skip
def test_a_schedule_finer_than_the_interval_is_refused_with_one_that_fits(hours_: str, every: int, fits: str) -> None:
    calendar = read(f"tou_periods: [{{months: 1-6, flat: rest}}, {{months: 7-12, peak: {hours_}, flat: rest}}]")

    with pytest.raises(ProblemsFound) as caught:
        schedule_timeline(calendar, "tou_period", every)

    (found,) = caught.value.problems
    assert (found.code, found.parameters["suggestion"]) == (
        "schedule-finer-than-interval",
        f"Write `every: {fits} minutes` in the list.",
    )
    assert found.place is not None
    assert found.place.column == len("tou_periods: [{months: 1-6, flat: rest}, ") + 1


def test_no_interval_fits_a_schedule_by_the_minute() -> None:
    calendar = read("tou_periods: [{peak: 07:32-11:30, flat: rest}]")

    with pytest.raises(ProblemsFound) as caught:
        schedule_timeline(calendar, "tou_period", 5)

    (found,) = caught.value.problems
    assert found.parameters["suggestion"] == "No interval does: the shortest is 5 minutes."


def test_a_clock_that_changes_inside_an_interval_is_refused() -> None:
    """Lord Howe's clock is moved by half an hour."""
    calendar = read("tou_periods: [{peak: 07:00-11:00, flat: rest}]", "Australia/Lord_Howe")
    since = day_number(date(2026, 1, 1))

    assert len(pattern(clock(calendar, 30), date(2026, 4, 5))) == 49
    for ask in (clock, lambda *given: schedule_timeline(given[0], "tou_period", *given[1:])):
        with pytest.raises(ProblemsFound) as caught:
            ask(calendar, 60, since)
        (found,) = caught.value.problems
        assert (found.code, found.parameters["day"]) == ("clock-change-inside-interval", "2026-04-05")
        assert found.parameters["suggestion"] == "Write `every: 30 minutes` in the list."


def test_a_clock_change_before_the_days_that_are_billed_does_not_matter() -> None:
    """Until 2011 Newfoundland changed its clock at 0:01, which no interval follows; since then at 2:00."""
    calendar = read(CLOCK_ONLY, "America/St_Johns")

    timeline = clock(calendar, 15, since=day_number(date(2026, 1, 1)))

    assert len(pattern(timeline, date(2026, 3, 8))) == 23 * 4
    with pytest.raises(ProblemsFound) as caught:
        clock(calendar, 5)
    assert "No interval does" in caught.value.problems[0].parameters["suggestion"]


@pytest.mark.parametrize("every", [0, 7, 45, 90])
def test_intervals_that_are_none_are_the_callers_fault(every: int) -> None:
    with pytest.raises(ValueError) as caught:
        clock(read(CLOCK_ONLY), every)

    assert str(caught.value) == f"intervals of {every} minutes: pass one of (5, 10, 15, 20, 30, 60)"


def test_zones_do_not_need_the_files_of_the_machine() -> None:
    """Without any system zone files the rules come from the package tzdata."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    try:
        found = zone_of.__wrapped__("Europe/London")
    finally:
        zoneinfo.reset_tzpath(to=before)

    assert found.days[day_number(date(2026, 3, 29))] == ((0, 60), (120, 1440))
    assert found == zone_of("Europe/London")
    assert all(stretches != WHOLE_DAY for stretches in found.days.values())


def test_a_zone_that_is_none_is_the_callers_fault() -> None:
    with pytest.raises(ValueError) as caught:
        zone_of("Asia/Beijing")

    assert str(caught.value) == "no timezone 'Asia/Beijing': pass a name such as 'Asia/Shanghai', see zone_names()"
