"""Read the `calendar` of a rule set or shared file.

Takes the node as loaded; gives a `Calendar` in which every month has one season, every weekday one day type, and every
minute one period of each schedule; or raises every problem that it found, each with its place.

    calendar:
      timezone: Asia/Shanghai
      seasons: {summer: months 5-10, non_summer: months 11-4}
      holidays: {national: {source: {document: 国办发明电〔2025〕7号, standing: recalled}, days: [2026-01-01]}}
      day_types: {holiday: national, workday: rest}
      tou_periods: [{months: all, peak: [16:00-24:00], valley: [00:00-06:00], flat: rest}]
"""

from __future__ import annotations

from engine.calendars.calendar import Calendar
from engine.calendars.day_types import Holidays, read_day_types, read_holidays
from engine.calendars.months import ALL_MONTHS, months_text
from engine.calendars.schedules import read_schedules
from engine.calendars.written import months
from engine.calendars.zone import zone_names
from engine.language.fields import Model, NameField, NodeField, Source, TextField, read
from engine.language.nodes import Node, Text
from engine.language.problems import Problem, ProblemsFound, problem


class CalendarModel(Model):
    """A calendar as written."""

    what = "a calendar"

    timezone: TextField
    source: Source | None = None
    seasons: dict[NameField, NodeField] = {}
    holidays: dict[NameField, Holidays] = {}
    day_types: dict[NameField, NodeField] = {}
    day_type_precedence: list[NameField] = []
    tou_periods: list[NodeField] = []
    schedules: dict[NameField, list[NodeField]] = {}
    precedence: list[NameField] | dict[NameField, list[NameField]] = []


def read_calendar(node: Node) -> Calendar:
    """Read a calendar's node.

    Raises:
        ProblemsFound: keys or values that are not a calendar's; months without a season or with two; days without a
            type or with two; minutes without a period of a schedule or with two.
    """
    model = read(CalendarModel, node)
    problems: list[Problem] = []
    if model.timezone not in zone_names():
        problems.append(problem("unknown-timezone", model.timezone.place, text=model.timezone))
    seasons = _seasons(model, problems)
    holidays = tuple(read_holidays(name, model.holidays[name], problems) for name in model.holidays)
    types_place = model.place_of("day_types")
    day_types = read_day_types(model.day_types, types_place, model.day_type_precedence, holidays, problems)
    names = [day_type.name for day_type in day_types]
    tou_place = model.place_of("tou_periods")
    schedules = read_schedules(model.tou_periods, tou_place, model.schedules, model.precedence, names, problems)
    if problems:
        raise ProblemsFound(problems)
    source = model.source
    return Calendar(
        timezone=str(model.timezone),
        seasons=seasons,
        day_types=day_types,
        holidays=holidays,
        schedules=schedules,
        source="" if source is None else source.label,
        standing="" if source is None else source.standing,
        place=model.place,
        timezone_place=model.timezone.place,
    )


def _seasons(model: CalendarModel, problems: list[Problem]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Read the seasons; every month in exactly one."""
    seasons: list[tuple[Text, tuple[int, ...]]] = []
    complete = True
    for name, node in model.seasons.items():
        found = months(node, problems)
        complete = complete and found is not None
        for earlier, taken in seasons:
            both = set(taken) & set(found or ())
            if both:
                shown = months_text(both)
                problems.append(
                    problem("season-overlap", name.place, earlier.place, months=shown, first=earlier, second=name)
                )
        seasons.append((name, found or ()))
    left = set(ALL_MONTHS).difference(*(taken for _, taken in seasons))
    if seasons and left and complete:
        problems.append(problem("season-gap", model.place_of("seasons"), months=months_text(left)))
    return tuple((str(name), taken) for name, taken in seasons)
