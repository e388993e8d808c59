"""Read `holidays` and `day_types`: which days a calendar tells apart.

    holidays:
      statutory: {source: {document: 国办发明电〔2025〕7号, standing: recalled}, days: [2026-01-01, 2026-01-02]}
      worked:    {source: {document: 国办发明电〔2025〕7号, standing: recalled}, days: [2026-01-04]}
      called:    {source: {publisher: 省电力公司, standing: copy}, known_through: 2026-08-31, days: [2026-07-15]}
    day_types: {holiday: statutory, workday: [monday, tuesday, wednesday, thursday, friday, worked], weekend: rest}
    day_type_precedence: [holiday, workday]

A list that is published by the year speaks of each year of which it names a day. A list that grows day by day says
with `known_through` how far it goes. Of other days nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from engine.calendars.calendar import EVERY_DAY, DayType, HolidayList
from engine.calendars.days import WEEKDAYS, day_date, day_number, weekday_of
from engine.calendars.written import REST, order, texts
from engine.language import scalars
from engine.language.fields import DayField, Model, Source, TextField
from engine.language.nodes import Node, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import did_you_mean


class Holidays(Model):
    """Days that a notice names."""

    what = "a list of holidays"

    source: Source
    days: list[TextField] = []
    known_from: DayField | None = None
    known_through: DayField | None = None


def read_holidays(name: Text, model: Holidays, problems: list[Problem]) -> HolidayList:
    """Read the days of a list, and the stretches of days of which it speaks."""
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
    if model.known_through is None:
        known = _years(model, days, problems)
    else:
        known = _stretch(model, model.known_through, days, problems)
    return HolidayList(str(name), tuple(sorted(days)), known, model.source.label, model.source.standing, name.place)


def _years(model: Holidays, days: Mapping[int, Text], problems: list[Problem]) -> tuple[tuple[int, int], ...]:
    """Give the years of which a list names a day."""
    if model.known_from is not None:
        problems.append(_missing("known_through", model.place_of("known_from")))
    if "days" not in model.model_fields_set:
        problems.append(_missing("days", model.place))
    elif not model.days:
        problems.append(problem("nothing-listed", model.place_of("days"), key="days"))
    years = sorted({day_date(day).year for day in days})
    return tuple((day_number(date(year, 1, 1)), day_number(date(year + 1, 1, 1))) for year in years)


def _missing(key: str, place: Place) -> Problem:
    return problem("missing-key", place, key=key, what=Holidays.what, allowed=", ".join(Holidays.model_fields))


def _stretch(
    model: Holidays, through: date, days: Mapping[int, Text], problems: list[Problem]
) -> tuple[tuple[int, int], ...]:
    """Give the days from `known_from`, or else from the year in which a list begins, to the last one that it knows."""
    first = model.known_from or date(min([day_date(day) for day in days] + [through]).year, 1, 1)
    if through < first:
        place = model.place_of("known_through")
        problems.append(problem("through-before-from", place, None, through=through, from_day=first))
        return ()
    for day, text in days.items():
        if not first <= day_date(day) <= through:
            key = "known_through" if day_date(day) > through else "known_from"
            problems.append(
                problem(
                    "holiday-not-known", text.place, model.place_of(key), day=text, key=key, first=first, last=through
                )
            )
    return ((day_number(first), day_number(through) + 1),)


def read_day_types(
    written: Mapping[Text, Node],
    place: Place,
    precedence: Sequence[Text],
    holidays: Sequence[HolidayList],
    problems: list[Problem],
) -> tuple[DayType, ...]:
    """Read the day types, in order of precedence; every weekday in one, holidays apart where they overlap."""
    if not written:
        return (DayType(EVERY_DAY, rest=True),)
    before = len(problems)
    types = [_day_type(name, node, holidays, problems) for name, node in written.items()]
    ranked = order(precedence, [one.name for one in types], problems)
    rests = [one for one in types if one.rest]
    for second in rests[1:]:
        problems.append(problem("rest-twice", second.place, rests[0].place, first=rests[0].name, second=second.name))
    if len(problems) > before:
        return tuple(types)
    ranks = {name: at for at, name in enumerate(ranked)}
    lists = {one.name: one for one in holidays}
    for at, later in enumerate(types):
        for earlier in types[:at]:
            days = _shared_days(earlier, later, lists)
            if days and not {earlier.name, later.name} <= ranks.keys():
                names = {"first": earlier.name, "second": later.name}
                problems.append(problem("day-type-overlap", later.place, earlier.place, days=days, **names))
    open_ = [name for at, name in enumerate(WEEKDAYS) if all(at not in one.weekdays for one in types)]
    if open_ and not rests:
        problems.append(problem("day-type-gap", place, days=", ".join(open_)))
    return tuple(sorted(types, key=lambda one: ranks.get(one.name, len(ranks))))


def _day_type(name: Text, node: Node, holidays: Sequence[HolidayList], problems: list[Problem]) -> DayType:
    known = [one.name for one in holidays]
    weekdays: list[int] = []
    lists: list[str] = []
    rest = False
    for item in texts(node, problems) or ():
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
    days |= {day for day in claimed[0] if weekday_of(day) in other.weekdays}
    days |= {day for day in claimed[1] if weekday_of(day) in one.weekdays}
    shown = sorted(days)
    some = [day_date(day).isoformat() for day in shown[:3]] + (["…"] if len(shown) > 3 else [])
    return ", ".join(weekdays + some)
