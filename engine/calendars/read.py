"""Read the `calendar` of a rule set or shared file.

Takes the node as loaded; gives a `Calendar` in which every month has one season, every weekday one day type, and every
minute one tou_period; or raises every problem that it found, each with its place.

    calendar:
      timezone: Asia/Shanghai
      seasons: {summer: months 5-10, non_summer: months 11-4}
      holidays: {national: {source: {document: 国办发明电〔2025〕7号, standing: recalled}, days: [2026-01-01]}}
      day_types: {holiday: national, workday: rest}
      tou_periods:
        - {months: [7, 8], sharp: [20:00-22:00], peak: [16:00-20:00, 22:00-24:00], valley: 00:00-06:00, flat: rest}
        - {months: others, peak: [16:00-24:00], valley: [00:00-06:00], flat: rest}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from engine.calendars.calendar import EVERY_DAY, Calendar, DayType, HolidayList
from engine.calendars.days import WEEKDAYS, day_date, day_number
from engine.calendars.layout import Entry, Hours, lay_out
from engine.calendars.months import ALL_MONTHS, months_text, read_months, read_span
from engine.language import scalars
from engine.language.fields import Model, NameField, NodeField, Source, TextField, read
from engine.language.nodes import Map, Node, Text
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.reading import A_LIST, KEYS_WITH_VALUES, ONE_VALUE, did_you_mean, wrong_shape

REST: Final = "rest"
OTHERS: Final = "others"


class Holidays(Model):
    """Days that a notice names, year by year."""

    what = "a list of holidays"

    source: Source
    days: list[TextField]


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
    precedence: list[NameField] = []


def read_calendar(node: Node) -> Calendar:
    """Read a calendar's node.

    Raises:
        ProblemsFound: keys or values that are not a calendar's; months without a season or with two; days without a
            type or with two; minutes without a tou_period or with two.
    """
    model = read(CalendarModel, node)
    problems: list[Problem] = []
    _check_timezone(model.timezone, problems)
    seasons = _seasons(model, problems)
    holidays = tuple(_holidays(name, model.holidays[name], problems) for name in model.holidays)
    day_types = _day_types(model, holidays, problems)
    names = tuple(day_type.name for day_type in day_types)
    entries = [_entry(item, names, problems) for item in model.tou_periods]
    whole = [entry for entry in entries if entry is not None]
    tou_names = tuple(dict.fromkeys(name for entry in whole for name in entry[1]))
    precedence = _precedence(model.precedence, tou_names, problems)
    # Gaps and overlaps of what could not be read would only repeat what was said.
    tou, found = lay_out([entry for entry, _ in whole], names, precedence) if len(whole) == len(entries) else ((), [])
    problems.extend(found)
    if problems:
        raise ProblemsFound(problems)
    source = model.source
    return Calendar(
        timezone=str(model.timezone),
        seasons=seasons,
        day_types=day_types,
        holidays=holidays,
        tou=tou,
        tou_names=tou_names,
        precedence=precedence,
        source="" if source is None else source.label,
        standing="" if source is None else source.standing,
        place=model.place,
    )


def _check_timezone(text: Text, problems: list[Problem]) -> None:
    try:
        ZoneInfo(str(text))
    except (KeyError, ValueError, OSError):  # unknown; not a relative path; a folder of the database
        problems.append(problem("unknown-timezone", text.place, text=text))


def _seasons(model: CalendarModel, problems: list[Problem]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Read the seasons; every month in exactly one."""
    seasons: list[tuple[Text, tuple[int, ...]]] = []
    complete = True
    for name, node in model.seasons.items():
        months = _months(node, problems)
        complete = complete and months is not None
        for earlier, taken in seasons:
            both = set(taken) & set(months or ())
            if both:
                shown = months_text(both)
                problems.append(
                    problem("season-overlap", name.place, earlier.place, months=shown, first=earlier, second=name)
                )
        seasons.append((name, months or ()))
    left = set(ALL_MONTHS).difference(*(months for _, months in seasons))
    if seasons and left and complete:
        problems.append(problem("season-gap", model.place_of("seasons"), months=months_text(left)))
    return tuple((str(name), months) for name, months in seasons)


def _months(node: Node, problems: list[Problem]) -> tuple[int, ...] | None:
    """Read months written as one text or as a list; None where they cannot be read."""
    items = _texts(node, problems)
    if items is None:
        return None
    months: list[int] = []
    for item in items:
        some = read_months(item)
        if some is None or set(some) & set(months):
            problems.append(problem("months-not-read", item.place, text=item))
            return None
        months.extend(some)
    return tuple(sorted(months))


def _texts(node: Node, problems: list[Problem]) -> list[Text] | None:
    """Give the texts of a text or a list of texts."""
    if isinstance(node, Text):
        return [node]
    if isinstance(node, Map):
        problems.append(wrong_shape(node, ONE_VALUE, A_LIST))
        return None
    texts = []
    for item in node:
        if not isinstance(item, Text):
            problems.append(wrong_shape(item, ONE_VALUE))
            return None
        texts.append(item)
    return texts


def _holidays(name: Text, model: Holidays, problems: list[Problem]) -> HolidayList:
    days: dict[int, Text] = {}
    for text in model.days:
        try:
            day = day_number(scalars.day(text))
        except ProblemsFound as found:
            problems.extend(found.problems)
            continue
        if day in days:
            problems.append(problem("holiday-twice", text.place, days[day].place, day=text))
        days.setdefault(day, text)
    return HolidayList(str(name), tuple(sorted(days)), model.source.label, model.source.standing, name.place)


def _day_types(model: CalendarModel, holidays: Sequence[HolidayList], problems: list[Problem]) -> tuple[DayType, ...]:
    """Read the day types, in order of precedence; every weekday in one, holidays apart where they overlap."""
    if not model.day_types:
        return (DayType(EVERY_DAY, rest=True),)
    before = len(problems)
    written = [_day_type(name, node, holidays, problems) for name, node in model.day_types.items()]
    order = _precedence(model.day_type_precedence, [one.name for one in written], problems)
    rests = [one for one in written if one.rest]
    for second in rests[1:]:
        problems.append(problem("rest-twice", second.place, rests[0].place, first=rests[0].name, second=second.name))
    if len(problems) > before:
        return tuple(written)
    ranks = {name: at for at, name in enumerate(order)}
    lists = {one.name: one for one in holidays}
    for at, later in enumerate(written):
        for earlier in written[:at]:
            days = _shared_days(earlier, later, lists)
            if days and not {earlier.name, later.name} <= ranks.keys():
                problems.append(
                    problem(
                        "day-type-overlap", later.place, earlier.place, days=days, first=earlier.name, second=later.name
                    )
                )
    open_ = [name for at, name in enumerate(WEEKDAYS) if all(at not in one.weekdays for one in written)]
    if open_ and not rests:
        problems.append(problem("day-type-gap", model.place_of("day_types"), days=", ".join(open_)))
    return tuple(sorted(written, key=lambda one: ranks.get(one.name, len(ranks))))


def _day_type(name: Text, node: Node, holidays: Sequence[HolidayList], problems: list[Problem]) -> DayType:
    known = [one.name for one in holidays]
    weekdays: list[int] = []
    lists: list[str] = []
    rest = False
    for item in _texts(node, problems) or ():
        if item == REST:
            rest = True
        elif item in WEEKDAYS:
            weekdays.append(WEEKDAYS.index(item))
        elif item in known:
            lists.append(str(item))
        else:
            near = did_you_mean(item, [*WEEKDAYS, *known, REST])
            shown = ", ".join(known) or "-"
            problems.append(problem("day-type-unknown-day", item.place, None, text=item, known=shown, **near))
    return DayType(str(name), tuple(sorted(weekdays)), tuple(lists), rest, name.place)


def _shared_days(one: DayType, other: DayType, lists: Mapping[str, HolidayList]) -> str:
    """Name the days that two day types both claim; "" where they are apart. `rest` claims nothing."""
    weekdays = [name for at, name in enumerate(WEEKDAYS) if at in one.weekdays and at in other.weekdays]
    claimed = [{day for name in kind.holidays for day in lists[name].days} for kind in (one, other)]
    days = claimed[0] & claimed[1]
    days |= {day for day in claimed[0] if day_date(day).weekday() in other.weekdays}
    days |= {day for day in claimed[1] if day_date(day).weekday() in one.weekdays}
    shown = sorted(days)
    some = [day_date(day).isoformat() for day in shown[:3]] + (["…"] if len(shown) > 3 else [])
    return ", ".join(weekdays + some)


def _precedence(listed: Iterable[Text], known: Sequence[str], problems: list[Problem]) -> tuple[str, ...]:
    order: list[str] = []
    for name in listed:
        if name not in known:
            near = did_you_mean(name, known)
            problems.append(problem("precedence-unknown", name.place, None, text=name, known=", ".join(known), **near))
        elif name in order:
            problems.append(problem("precedence-twice", name.place, text=name))
        else:
            order.append(str(name))
    return tuple(order)


def _entry(node: Node, day_types: Sequence[str], problems: list[Problem]) -> tuple[Entry, list[str]] | None:
    """Read one entry of `tou_periods`, with the names of its periods as written; None where it cannot be read."""
    if not isinstance(node, Map):
        problems.append(wrong_shape(node, KEYS_WITH_VALUES))
        return None
    before = len(problems)
    months: tuple[int, ...] | None = ALL_MONTHS
    types: tuple[str, ...] | None = None
    hours: list[Hours] = []
    names: list[str] = []
    rest: Text | None = None
    for key, value in node.items():
        if key == "months":
            months = None if value == OTHERS else _months(value, problems)
        elif key == "day_types":
            types = _day_types_of(value, day_types, problems)
        else:
            names.append(str(_period_name(key, problems)))
            if value == REST:
                if rest is not None:
                    problems.append(problem("rest-twice", key.place, rest.place, first=rest, second=key))
                rest = key
            else:
                hours += _hours(key, value, problems)
    if not names:
        problems.append(problem("tou-no-periods", node.place))
    if len(problems) > before:
        return None
    return Entry(months, types, tuple(hours), None if rest is None else str(rest), node.place), names


def _period_name(key: Text, problems: list[Problem]) -> Text:
    try:
        return scalars.name(key)
    except ProblemsFound as found:
        problems.extend(found.problems)
        return key


def _day_types_of(value: Node, known: Sequence[str], problems: list[Problem]) -> tuple[str, ...] | None:
    """Read the day types of an entry; None for all."""
    texts = _texts(value, problems) or []
    if [str(text) for text in texts] == ["all"]:
        return None
    for text in texts:
        if text not in known:
            near = did_you_mean(text, known)
            problems.append(problem("unknown-word", text.place, None, text=text, allowed=", ".join(known), **near))
    return tuple(dict.fromkeys(str(text) for text in texts))


def _hours(period: Text, value: Node, problems: list[Problem]) -> list[Hours]:
    """Read the spans of one tou_period."""
    hours = []
    for text in _texts(value, problems) or ():
        spans = read_span(text)
        if spans is None:
            problems.append(problem("clock-not-read", text.place, text=text))
        else:
            hours += [Hours(start, end, str(period), text.place) for start, end in spans]
    return hours
