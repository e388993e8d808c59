"""Lay out a schedule of a calendar: every minute of every month and day type in exactly one period.

Takes what the file says, entry by entry; gives the day layouts, or the problems with their places. An overlap is
settled only by a declared precedence, a gap only by `rest`: there is no default period.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.calendars.calendar import EVERY_DAY, TOU_PERIOD, ScheduleDay
from engine.calendars.months import ALL_MONTHS, MINUTES, clock, months_text
from engine.language.problems import Place, Problem, problem

Spans = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the clock given to a period, half-open, inside one day [min]."""

    start: int
    end: int
    period: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a schedule as written."""

    months: tuple[int, ...] | None  # None: others
    day_types: tuple[str, ...] | None  # None: all
    hours: tuple[Hours, ...]
    rest: str | None
    place: Place | None


def lay_out(
    schedule: str, entries: Sequence[Entry], day_types: Sequence[str], precedence: Sequence[str]
) -> tuple[tuple[ScheduleDay, ...], list[Problem]]:
    """Give each entry its months and day types, and divide its day.

    Args:
        schedule: name of the schedule, for messages.
        entries: as written, in order.
        day_types: every day type of the calendar.
        precedence: names of periods; of two that overlap the one listed first wins.

    Returns:
        The layouts, which together cover each month and day type once where there are no problems; and the problems.
    """
    laid: list[ScheduleDay] = []
    problems: list[Problem] = []
    for entry, cells in zip(entries, _claims(entries, day_types), strict=True):
        if not cells:
            problems.append(problem("tou-nothing-left", entry.place))
            continue
        spans, found = _divide(schedule, entry, precedence)
        problems.extend(found)
        for types, months in _rectangles(cells, day_types):
            laid.append(ScheduleDay(months, types, spans, entry.place))
    problems.extend(_uncovered(entries, day_types))
    return tuple(laid), problems


def _claims(entries: Sequence[Entry], day_types: Sequence[str]) -> list[frozenset[tuple[str, int]]]:
    """Give the (day type, month) pairs of each entry; `others` takes the months that no other entry names."""
    named = {
        (day_type, month)
        for entry in entries
        if entry.months is not None
        for day_type in entry.day_types or day_types
        for month in entry.months
    }
    claims = []
    for entry in entries:
        cells = {(day_type, month) for day_type in entry.day_types or day_types for month in entry.months or ALL_MONTHS}
        claims.append(frozenset(cells - named if entry.months is None else cells))
    return claims


def _rectangles(
    cells: Iterable[tuple[str, int]], day_types: Sequence[str]
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Group (day type, month) pairs into day types that share their months."""
    by_type = {name: tuple(sorted(month for kind, month in cells if kind == name)) for name in day_types}
    grouped: dict[tuple[int, ...], list[str]] = {}
    for name, months in by_type.items():
        if months:
            grouped.setdefault(months, []).append(name)
    return [(tuple(names), months) for months, names in grouped.items()]


def _uncovered(entries: Sequence[Entry], day_types: Sequence[str]) -> list[Problem]:
    """Find months of a day type that two entries lay out, or none."""
    if not entries:
        return []
    problems = []
    claims = _claims(entries, day_types)
    for at, entry in enumerate(entries):
        for before in range(at):
            both = claims[at] & claims[before]
            for types, months in _rectangles(both, day_types):
                place, other = entry.place, entries[before].place
                problems.append(
                    problem("tou-months-twice", place, other, months=months_text(months), **_on_days(types))
                )
    left = {(name, month) for name in day_types for month in ALL_MONTHS}.difference(*claims)
    for types, months in _rectangles(left, day_types):
        place = entries[-1].place
        problems.append(problem("tou-months-missing", place, None, months=months_text(months), **_on_days(types)))
    return problems


def _on_days(types: Sequence[str]) -> dict[str, str]:
    """Name day types, where the calendar has any."""
    if tuple(types) == (EVERY_DAY,):
        return {"day_types": "", "day_types_zh": ""}
    shown = ", ".join(types)
    return {"day_types": f" on days of type {shown}", "day_types_zh": f"的 {shown} "}


def _divide(schedule: str, entry: Entry, precedence: Sequence[str]) -> tuple[Spans, list[Problem]]:
    """Divide [0, 1440) between the periods of an entry; overlaps by precedence, what is left to `rest`."""
    edges = sorted({0, MINUTES} | {hours.start for hours in entry.hours} | {hours.end for hours in entry.hours})
    rank = {name: at for at, name in enumerate(precedence)}
    spans: list[tuple[int, int, str]] = []
    clashes: dict[tuple[Place | None, Place | None, str, str], list[tuple[int, int]]] = {}
    gaps: list[tuple[int, int]] = []
    for start, end in pairwise(edges):
        claims = [hours for hours in entry.hours if hours.start <= start and end <= hours.end]
        if not claims:
            if entry.rest is None:
                _extend(gaps, start, end)
            else:
                spans.append((start, end, entry.rest))
            continue
        winner = min(claims, key=lambda hours: rank.get(hours.period, len(rank)))
        for other in claims:
            same = other is not winner and other.period == winner.period
            if same or (other.period != winner.period and not {other.period, winner.period} <= rank.keys()):
                first, second = (winner, other) if claims.index(winner) < claims.index(other) else (other, winner)
                key = (first.place, second.place, first.period, second.period)
                _extend(clashes.setdefault(key, []), start, end)
        spans.append((start, end, winner.period))
    problems = [
        problem(
            "tou-overlap",
            later,
            earlier,
            first=first,
            second=second,
            hours=_hours_text(where),
            order=_order(schedule, second, first),
        )
        for (earlier, later, first, second), where in clashes.items()
    ]
    if gaps:
        problems.append(problem("tou-gap", entry.place, hours=_hours_text(gaps), schedule=schedule))
    return _joined(spans), problems


def _order(schedule: str, *names: str) -> str:
    """Write an order of periods as `precedence` takes it."""
    listed = f"[{', '.join(names)}]"
    return f"precedence: {listed}" if schedule == TOU_PERIOD else f"precedence: {{{schedule}: {listed}}}"


def _extend(stretches: list[tuple[int, int]], start: int, end: int) -> None:
    """Add a stretch to an ordered list, joined to the last one where they touch."""
    if stretches and stretches[-1][1] == start:
        stretches[-1] = (stretches[-1][0], end)
    else:
        stretches.append((start, end))


def _joined(spans: Sequence[tuple[int, int, str]]) -> Spans:
    """Join neighbours of the same period."""
    joined: list[tuple[int, int, str]] = []
    for start, end, name in spans:
        if joined and joined[-1][1] == start and joined[-1][2] == name:
            joined[-1] = (joined[-1][0], end, name)
        else:
            joined.append((start, end, name))
    return tuple(joined)


def _hours_text(stretches: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in stretches)
