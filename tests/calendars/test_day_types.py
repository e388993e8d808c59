"""Holiday lists, make-up days and lists that grow: which type each day has, and where it is not known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendars.calendar import Calendar, DayType, HolidayList, day_type_table
from engine.calendars.days import END_DAY, FIRST_DAY, day_date, day_number
from engine.calendars.read import read_calendar
from engine.language.load import load_text
from tests.calendars.written import codes, day_types, messages, period_at, read
from tests.documents import ROOT, blocks

# 国务院办公厅: 2026 New Year 1 to 3 January, Sunday 4 January worked instead.
NEW_YEAR = """\
    holidays:
      new_year: {source: {document: 国办发明电, standing: recalled}, days: [2026-01-01, 2026-01-02, 2026-01-03]}
      worked: {source: {document: 国办发明电, standing: recalled}, days: [2026-01-04]}
    day_types:
      holiday: new_year
      workday: [monday, tuesday, wednesday, thursday, friday, worked]
      weekend: rest
    day_type_precedence: [holiday, workday]
"""


def test_holidays_go_before_weekdays_and_make_up_days_before_weekends() -> None:
    found = day_types(read(NEW_YEAR), *(date(2026, 1, day) for day in range(1, 12)))

    assert found == ["holiday"] * 3 + ["workday"] * 6 + ["weekend"] * 2


def test_a_year_without_a_list_is_unknown_and_not_without_holidays() -> None:
    found = day_types(read(NEW_YEAR), date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 5, 1))

    assert found == [None, "holiday", "workday", None]


def test_make_up_days_may_also_be_a_weekend_that_is_written_out() -> None:
    """`weekend: [saturday, sunday]` claims the make-up day too; the order says that the workday wins."""
    written = NEW_YEAR.replace("weekend: rest", "weekend: [saturday, sunday]").replace(
        ", workday]", ", workday, weekend]"
    )

    found = day_types(read(written), *(date(2026, 1, day) for day in range(3, 12)))

    assert found == ["holiday"] + ["workday"] * 6 + ["weekend"] * 2


def test_a_day_type_takes_days_from_several_lists() -> None:
    found = day_types(
        read(
            """\
            holidays:
              national: {source: {standing: copy}, days: [2026-05-01]}
              local: {source: {standing: copy}, days: [2026-04-18]}
            day_types: {holiday: [national, local, sunday], other: rest}
            """
        ),
        *(
            date(2026, 5, 1),
            date(2026, 4, 18),
            date(2026, 4, 19),
            date(2026, 4, 20),
            date(2027, 4, 18),
            date(2027, 4, 19),
        ),
    )

    # In 2027 no list is there; Sunday 18 April needs none.
    assert found == ["holiday", "holiday", "holiday", "other", "holiday", None]


def test_periods_by_day_type() -> None:
    """Shanghai's large industry: on holidays the whole night is deep valley; other days valley."""
    calendar = read(
        NEW_YEAR
        + """\
    tou_periods:
      - {months: all, day_types: [holiday], deep_valley: ["00:00-06:00", "22:00-24:00"], flat: rest}
      - {months: all, day_types: [workday, weekend], valley: 22:00-06:00, flat: rest}
    """
    )

    found = [period_at(calendar, date(2026, 1, day), "23:00") for day in (1, 5, 10)]

    assert found == ["deep_valley", "valley", "valley"]


# Days of peak prices that are called the day before, by the temperature that is forecast.
CALLED = """\
    holidays:
      called: {source: {standing: example}, known_through: 2026-08-31, days: [2026-07-15, 2026-08-03]}
    day_types: {called: called, other: rest}
    """


def test_a_list_that_grows_is_known_to_its_last_day() -> None:
    calendar = read(CALLED)

    days = ((2025, 12, 31), (2026, 1, 1), (2026, 7, 15), (2026, 7, 16), (2026, 8, 31), (2026, 9, 1))
    found = day_types(calendar, *(date(*day) for day in days))

    assert found == [None, "other", "called", "other", "other", None]


def test_a_year_in_which_no_day_was_called_is_known() -> None:
    calendar = read(CALLED.replace("known_through", "known_from: 2024-07-01, known_through"))

    found = day_types(calendar, date(2024, 6, 30), date(2024, 7, 1), date(2025, 7, 1))

    assert found == [None, "other", "other"]


def test_a_list_may_be_known_before_it_names_a_day() -> None:
    calendar = read(CALLED.replace("[2026-07-15, 2026-08-03]", "[]"))

    assert day_types(calendar, date(2026, 1, 1), date(2026, 8, 31), date(2026, 9, 1)) == ["other", "other", None]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("days: []", ["nothing-listed"]),
        ("source: {standing: copy}", ["missing-key"]),
        ("known_from: 2026-01-01, days: [2026-05-01]", ["missing-key"]),
        ("known_through: 2026-04-30, days: [2026-05-01]", ["holiday-not-known"]),
        ("known_from: 2026-05-02, known_through: 2026-12-31, days: [2026-05-01]", ["holiday-not-known"]),
        ("known_from: 2026-12-31, known_through: 2026-01-01, days: [2026-05-01]", ["through-before-from"]),
        ("known_through: 2026-04-31, days: [2026-05-01]", ["day-not-in-calendar"]),
        ("known_until: 2026-04-30, days: [2026-05-01]", ["unknown-key"]),
    ],
)
def test_what_is_wrong_with_a_list_is_named(written: str, expected: list[str]) -> None:
    source = "" if written.startswith("source") else "source: {standing: copy}, "

    assert expected == codes(f"holidays: {{may: {{{source}{written}}}}}")


def test_a_day_after_the_last_one_known_is_shown_with_both_places() -> None:
    (found,) = messages(CALLED.replace("2026-08-31", "2026-07-31"))

    assert (
        "holiday-not-known: the day 2026-08-03 is not one of those that the list knows, 2026-01-01 to 2026-07-31."
        in (found)
    )
    assert "Said here: calendar.yaml:3:" in found


def test_the_calendar_that_the_language_page_shows() -> None:
    """A called day, a holiday, a make-up Sunday, an ordinary Sunday and a day beyond the last one known."""
    shown = [block.text for block in blocks(ROOT / "docs" / "language.md") if block.text.startswith("calendar:")]
    (whole,) = (load_text(text, "language.md")["calendar"] for text in shown)  # type: ignore[index]  # a mapping
    calendar = read_calendar(whole)

    days = [date(2026, *day) for day in ((7, 15), (1, 2), (1, 4), (1, 11), (9, 1))]

    assert day_types(calendar, *days) == ["hot", "holiday", "workday", "weekend", None]
    assert period_at(calendar, days[0], "20:00") == "sharp"
    assert period_at(calendar, days[0], "20:00", "demand_period") == "period_1"


def by_definition(calendar: Calendar, number: int) -> str | None:
    """The type of a day, asked for type by type: named, on one of its weekdays, perhaps named, the rest."""
    lists = {one.name: one for one in calendar.holidays}
    for day_type in calendar.day_types:
        if day_date(number).weekday() in day_type.weekdays:
            return day_type.name
        if any(number in lists[name].days for name in day_type.holidays):
            return day_type.name
        if not all(any(low <= number < high for low, high in lists[name].known) for name in day_type.holidays):
            return None
    return next(day_type.name for day_type in calendar.day_types if day_type.rest)


START = day_number(date(2026, 1, 1))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    lists = []
    for name in ("first", "second"):
        low = START + draw(st.integers(0, 40))
        high = low + draw(st.integers(1, 40))
        days = draw(st.sets(st.integers(low, high - 1), max_size=6))
        lists.append(HolidayList(name, tuple(sorted(days)), ((low, high),), "", "example"))
    weekdays = st.sets(st.integers(0, 6), max_size=3).map(lambda some: tuple(sorted(some)))
    named = st.sets(st.sampled_from(("first", "second"))).map(lambda some: tuple(sorted(some)))
    types = [DayType(name, draw(weekdays), draw(named)) for name in ("a", "b", "c")]
    return Calendar("Asia/Shanghai", day_types=(*types, DayType("rest", rest=True)), holidays=tuple(lists))


@given(calendars())
def test_the_table_says_of_each_day_what_its_lists_say(calendar: Calendar) -> None:
    found = day_types(calendar, *(date(2026, 1, 1) + timedelta(day) for day in range(-5, 90)))

    assert found == [by_definition(calendar, START + day) for day in range(-5, 90)]


def test_the_table_covers_what_a_program_can_bill() -> None:
    whole = day_type_table(read(NEW_YEAR))
    first, end = day_number(date(2026, 1, 3)), day_number(date(2027, 2, 1))

    assert len(whole) == END_DAY - FIRST_DAY
    assert whole[first - FIRST_DAY : end - FIRST_DAY] == day_type_table(read(NEW_YEAR), first, end)
