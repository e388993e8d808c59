"""Named schedules beside `tou_periods`: read and proven whole in the same way."""

from __future__ import annotations

from datetime import date

import pytest

from engine.calendars.calendar import period_names, schedule_names, tou_period_names
from tests.calendars.written import codes, messages, period_at, read

# An example: energy by three periods on workdays, demand by two numbered periods in summer and one at other times.
BOTH = """\
    day_types: {workday: [monday, tuesday, wednesday, thursday, friday], weekend: rest}
    tou_periods:
      - {day_types: workday, sharp: 18:00-20:00, peak: 08:00-22:00, valley: rest}
      - {day_types: weekend, valley: rest}
    schedules:
      demand_period:
        - {months: 6-9, period_1: 12:00-18:00, period_2: 16:00-18:00, period_0: rest}
        - {months: others, period_0: 00:00-24:00}
      months_of_grace: [{months: [1], yes_: rest}, {months: others, no_: rest}]
    precedence: {tou_period: [sharp, peak], demand_period: [period_2, period_1]}
"""


def test_schedules_and_their_periods_are_named_in_the_order_written() -> None:
    calendar = read(BOTH)

    found = {name: period_names(calendar, name) for name in schedule_names(calendar)}

    assert list(found) == ["tou_period", "demand_period", "months_of_grace"]
    assert found["tou_period"] == tou_period_names(calendar) == ("sharp", "peak", "valley")
    assert found["demand_period"] == ("period_1", "period_2", "period_0")
    assert found["months_of_grace"] == ("yes_", "no_")


def test_each_schedule_says_its_own_period() -> None:
    """Friday 3 July and Sunday 4 January 2026 at 17:00."""
    calendar = read(BOTH)

    found = {
        day: [period_at(calendar, day, "17:00", name) for name in schedule_names(calendar)]
        for day in (date(2026, 7, 3), date(2026, 1, 4))
    }

    assert found == {
        date(2026, 7, 3): ["peak", "period_2", "no_"],
        date(2026, 1, 4): ["valley", "period_0", "yes_"],
    }


def test_a_calendar_without_schedules_names_none() -> None:
    assert schedule_names(read("tou_periods: []")) == ()
    assert tou_period_names(read("schedules: {demand_period: [{on: rest}]}")) == ()


def test_a_schedule_that_is_not_there_is_the_callers_fault() -> None:
    with pytest.raises(ValueError) as caught:
        period_names(read(BOTH), "tou_perod")

    expected = "no schedule 'tou_perod': pass one of ['tou_period', 'demand_period', 'months_of_grace']"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("schedules: {demand: [{on: 08:00-20:00}]}", ["tou-gap"]),
        ("schedules: {demand: [{on: 08:00-20:00, high: 19:00-21:00, off: rest}]}", ["tou-overlap"]),
        ("schedules: {demand: [{months: [1], off: rest}]}", ["tou-months-missing"]),
        ("schedules: {demand: [{off: rest}, {months: [1], off: rest}]}", ["tou-months-twice"]),
        ("schedules: {demand: [{months: all}]}", ["tou-no-periods"]),
        ("schedules: {demand: []}", ["nothing-listed"]),
        ("schedules: {demand: {off: rest}}", ["wrong-shape"]),
        ("schedules: [{off: rest}]", ["wrong-shape"]),
        ("schedules: {tou_period: [{off: rest}]}", ["schedule-name-taken"]),
        ("schedules: {clock: [{off: rest}]}", ["schedule-name-taken"]),
        ("schedules: {2nd: [{off: rest}]}", ["name-expected"]),
        ("schedules: {demand: [{off: rest}]}\nprecedence: [off]", ["precedence-unknown"]),
        ("schedules: {demand: [{off: rest}]}\nprecedence: {demnd: [off]}", ["precedence-unknown"]),
        ("schedules: {demand: [{off: rest}]}\nprecedence: {demand: [on]}", ["precedence-unknown"]),
        ("schedules: {demand: [{off: rest}]}\nprecedence: {demand: [off, off]}", ["precedence-twice"]),
        ("schedules: {demand: [{off: rest}]}\nprecedence: {demand: off}", ["wrong-shape"]),
        ("schedules: {demand: [{off: rest}]}\nprecedence: off", ["wrong-shape"]),
    ],
)
def test_what_is_wrong_is_named(written: str, expected: list[str]) -> None:
    assert expected == codes(written)


def test_a_gap_names_the_schedule() -> None:
    (found,) = messages("schedules: {demand: [{on: 08:00-20:00}]}")

    assert "tou-gap: 00:00-08:00, 20:00-24:00 belongs to no demand." in found


def test_the_order_to_write_is_that_of_the_schedule() -> None:
    (found,) = messages("schedules: {demand: [{on: 08:00-20:00, high: 19:00-20:00, off: rest}]}")

    assert found.endswith("say which wins: `precedence: {demand: [high, on]}`.")
