"""Read `tou_periods` and `schedules`: how the clock divides the days of each month and day type.

    tou_periods:
      - {months: [7, 8], sharp: [20:00-22:00], peak: [16:00-20:00, 22:00-24:00], valley: 00:00-06:00, flat: rest}
      - {months: others, peak: [16:00-24:00], valley: [00:00-06:00], flat: rest}
    schedules:
      demand_period:
        - {months: all, on_peak: 08:00-22:00, sharp: 18:00-20:00, off_peak: rest}
    precedence: {demand_period: [sharp, on_peak]}

Takes the nodes as loaded; gives schedules in which every minute of every month and day type has one period.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from engine.calendars.calendar import TOU_PERIOD, Schedule
from engine.calendars.layout import Entry, Hours, lay_out
from engine.calendars.months import ALL_MONTHS, read_span
from engine.calendars.written import REST, months, order, texts
from engine.language import scalars
from engine.language.nodes import Map, Node, Text
from engine.language.problems import Place, Problem, ProblemsFound, problem
from engine.language.reading import KEYS_WITH_VALUES, did_you_mean, wrong_shape

OTHERS: Final = "others"

TAKEN: Final = (TOU_PERIOD, "clock")
"""Names that a schedule under `schedules` cannot have: what stands under `tou_periods`, and the time of day."""


def read_schedules(
    tou_periods: Sequence[Node],
    tou_place: Place,
    written: Mapping[Text, Sequence[Node]],
    precedence: Sequence[Text] | Mapping[Text, Sequence[Text]],
    day_types: Sequence[str],
    problems: list[Problem],
) -> tuple[Schedule, ...]:
    """Read every schedule of a calendar.

    Args:
        tou_periods: the entries of the schedule `tou_period`.
        tou_place: where the key `tou_periods` stands.
        written: name -> entries, of the other schedules.
        precedence: periods of `tou_period` in order, or for each schedule its periods in order.
        day_types: every day type of the calendar.
        problems: what is found is added here.
    """
    entries: dict[str, tuple[Sequence[Node], Place]] = {}
    if tou_periods:
        entries[TOU_PERIOD] = tou_periods, tou_place
    for name, listed in written.items():
        if name in TAKEN:
            problems.append(problem("schedule-name-taken", name.place, text=name))
        elif not listed:
            problems.append(problem("nothing-listed", name.place, key=name))
        else:
            entries[str(name)] = listed, name.place
    if isinstance(precedence, Mapping):
        order(precedence, [*entries, *map(str, written)], problems)
        orders = {str(name): listed for name, listed in precedence.items()}
    else:
        orders = {TOU_PERIOD: precedence}
        if TOU_PERIOD not in entries:
            order(precedence, (), problems)
    return tuple(
        _schedule(name, listed, orders.get(name, ()), day_types, place, problems)
        for name, (listed, place) in entries.items()
    )


def _schedule(
    name: str,
    listed: Sequence[Node],
    precedence: Sequence[Text],
    day_types: Sequence[str],
    place: Place,
    problems: list[Problem],
) -> Schedule:
    read = [_entry(name, item, day_types, problems) for item in listed]
    entries = [entry for entry in read if entry is not None]
    periods = tuple(dict.fromkeys(period for _, names in entries for period in names))
    ranked = order(precedence, periods, problems)
    # Gaps and overlaps of what could not be read would only repeat what was said.
    if len(entries) < len(listed):
        return Schedule(name, (), periods, ranked, place)
    days, found = lay_out(name, [entry for entry, _ in entries], day_types, ranked)
    problems.extend(found)
    return Schedule(name, days, periods, ranked, place)


def _entry(
    schedule: str, node: Node, day_types: Sequence[str], problems: list[Problem]
) -> tuple[Entry, list[str]] | None:
    """Read one entry of a schedule, with the names of its periods as written; None where it cannot be read."""
    if not isinstance(node, Map):
        problems.append(wrong_shape(node, KEYS_WITH_VALUES))
        return None
    before = len(problems)
    in_months: tuple[int, ...] | None = ALL_MONTHS
    types: tuple[str, ...] | None = None
    hours: list[Hours] = []
    names: list[str] = []
    rest: Text | None = None
    for key, value in node.items():
        if key == "months":
            in_months = None if value == OTHERS else months(value, problems)
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
        problems.append(problem("tou-no-periods", node.place, schedule=schedule))
    if len(problems) > before:
        return None
    return Entry(in_months, types, tuple(hours), None if rest is None else str(rest), node.place), names


def _period_name(key: Text, problems: list[Problem]) -> Text:
    try:
        return scalars.name(key)
    except ProblemsFound as found:
        problems.extend(found.problems)
        return key


def _day_types_of(value: Node, known: Sequence[str], problems: list[Problem]) -> tuple[str, ...] | None:
    """Read the day types of an entry; None for all."""
    listed = texts(value, problems) or []
    if [str(text) for text in listed] == ["all"]:
        return None
    for text in listed:
        if text not in known:
            near = did_you_mean(text, known)
            problems.append(problem("unknown-word", text.place, None, text=text, allowed=", ".join(known), **near))
    return tuple(dict.fromkeys(str(text) for text in listed))


def _hours(period: Text, value: Node, problems: list[Problem]) -> list[Hours]:
    """Read the spans of one period."""
    hours = []
    for text in texts(value, problems) or ():
        spans = read_span(text)
        if spans is None:
            problems.append(problem("clock-not-read", text.place, text=text))
        else:
            hours += [Hours(start, end, str(period), text.place) for start, end in spans]
    return hours
