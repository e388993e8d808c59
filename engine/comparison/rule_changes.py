"""Rules that differ between two rule sets: charges, scores and segments, quantities carried, inputs, checks, calendars.

Steps are compared by name (`engine.comparison.step_names`) on each stretch of days, so that a charge which begins or
ends on some day differs from then on alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.comparison.change import Change, Days, merged, place_text
from engine.comparison.two_versions import TwoVersions, settings
from engine.compiler.program import Compiled, DayTable, InputSpec, Line, Program

LINES_SHOWN: Final = 3  # of a charge


def rule_changes(two: TwoVersions) -> list[Change]:
    """What is computed otherwise; nothing where the rule sets compute the same steps."""
    if two.alike:
        return []
    found = [*_charges(two), *_profiles(two), *_carried(two), *_inputs(two), *_checks(two)]
    found += [*_calendars(two), *_settings(two)]
    if not found:
        days = merged(
            stretch.days
            for stretch, old, new in two.names()
            if old.name(two.old.program.total) != new.name(two.new.program.total)
        )
        found += [_plain(two, "total", _every_charge(two), days)] if days else []
    return found


def _every_charge(two: TwoVersions) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*two.slices[0].by_charge, *two.slices[1].by_charge]))


def _plain(two: TwoVersions, path: str, charges: Sequence[str], days: Days, *, carries: bool = False) -> Change:
    return Change(two.new.id, "rule", path, days, tuple(charges), carries=carries, follows=two.follows)


def _charges(two: TwoVersions) -> list[Change]:
    """Charges whose lines are others, or come from something else."""
    days: dict[str, list[tuple[int, int]]] = {}
    lines: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for stretch, *names in two.names():
        for charge in _every_charge(two):
            old, new = names[0].lines(charge), names[1].lines(charge)
            if old != new:
                days.setdefault(charge, []).append(stretch.days)
                sides = lines.setdefault(charge, ({}, {}))
                sides[0].update(dict.fromkeys(id_ for id_ in old if old[id_] != new.get(id_)))
                sides[1].update(dict.fromkeys(id_ for id_ in new if new[id_] != old.get(id_)))
    found = []
    for charge, stretches in days.items():
        before, after = (
            [line for line in slices.by_charge.get(charge, ()) if line.id in ids]
            for slices, ids in zip(two.slices, lines[charge], strict=True)
        )
        change = _plain(two, charge, [charge], merged(stretches))
        found.append(
            replace(
                change,
                before=_formulas(before),
                after=_formulas(after),
                source_before=before[0].source if before else "",
                source_after=after[0].source if after else "",
                place_before=place_text(before[0].place) if before else "",
                place_after=place_text(after[0].place) if after else "",
            )
        )
    return found


def _formulas(lines: Sequence[Line]) -> str:
    more = len(lines) - LINES_SHOWN
    shown = [f"{line.id}: {line.working.formula}" for line in lines[:LINES_SHOWN]]
    return "; ".join([*shown, *([f"+{more}"] if more > 0 else [])])


def _profiles(two: TwoVersions) -> list[Change]:
    """Scores and segments that come from something else, or have other classes."""
    sides = [_classes(side.program) for side in (two.old, two.new)]
    days: dict[str, list[tuple[int, int]]] = {}
    for stretch, old, new in two.names():
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            steps = two.old.program.names.get(name), two.new.program.names.get(name)
            same = name in sides[0] and name in sides[1] and sides[0][name] == sides[1][name]
            if not same or old.name(steps[0]) != new.name(steps[1]):
                days.setdefault(name, []).append(stretch.days)
    return [_plain(two, f"profile:{name}", (), merged(of)) for name, of in days.items()]


def _classes(program: Program) -> dict[str, tuple[str, ...]]:
    """Score or segment -> its classes; a score has none."""
    found: dict[str, tuple[str, ...]] = {one.id: () for one in program.scores}
    return found | {one.id: tuple(each.id for each in one.classes) for one in program.segments}


def _carried(two: TwoVersions) -> list[Change]:
    """Quantities that later bills of an account take over."""
    sides = two.slices[0].carried, two.slices[1].carried
    days: dict[str, list[tuple[int, int]]] = {}
    for stretch, old, new in two.names():
        for name in dict.fromkeys([*sides[0], *sides[1]]):
            if old.name(sides[0].get(name)) != new.name(sides[1].get(name)):
                days.setdefault(name, []).append(stretch.days)
    every = _every_charge(two)
    return [_plain(two, f"quantity:{name}", every, merged(of), carries=True) for name, of in days.items()]


def _checks(two: TwoVersions) -> list[Change]:
    """What refuses a row, by the field that it concerns."""
    days: dict[str, list[tuple[int, int]]] = {}
    for stretch, *names in two.names():
        old, new = names[0].checks(), names[1].checks()
        fields = [field for name, field in old.items() if name not in new]
        fields += [field for name, field in new.items() if name not in old]
        for field in fields:
            days.setdefault(field, []).append(stretch.days)
    carries = two.takes_over
    return [_plain(two, f"check:{field}", (), merged(of), carries=carries) for field, of in days.items()]


def _inputs(two: TwoVersions) -> list[Change]:
    """Inputs and lists with other bounds, defaults or codes; those that one of the rule sets alone reads."""
    sides = _inputs_of(two.old), _inputs_of(two.new)
    every = _every_charge(two)
    found = []
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        old, new = sides[0].get(name), sides[1].get(name)
        if _of_input(old) != _of_input(new):
            change = _plain(two, f"input:{name}", every, two.days, carries=two.takes_over)
            places = ("" if one is None else place_text(one.place) for one in (old, new))
            found.append(replace(change, place_before=next(places), place_after=next(places)))
    lists = _lists_of(two.old), _lists_of(two.new)
    for name in dict.fromkeys([*lists[0], *lists[1]]):
        if lists[0].get(name) != lists[1].get(name):
            found.append(_plain(two, f"input:{name}", every, two.days, carries=two.takes_over))
    return found


def _inputs_of(compiled: Compiled) -> Mapping[str, InputSpec]:
    return {spec.name: spec for spec in compiled.program.inputs}


def _of_input(spec: InputSpec | None) -> object:
    return None if spec is None else (spec.type, spec.default, spec.optional, spec.split, spec.carried)


def _lists_of(compiled: Compiled) -> Mapping[str, object]:
    return {axis.name: (axis.at_most, axis.optional, axis.minutes) for axis in compiled.program.axes}


def _calendars(two: TwoVersions) -> list[Change]:
    """Calendars of one name whose days differ."""
    tables = [{table.name: table for table in compiled.program.calendars} for compiled in (two.old, two.new)]
    found = []
    for name in (name for name in tables[0] if name in tables[1]):
        old, new = tables[0][name], tables[1][name]
        if (old.values, old.first_day, old.names) == (new.values, new.first_day, new.names):
            continue
        users = [slices.users_of(name) for slices in two.slices]
        days = two.days
        if all(one.inside for one in users) and old.names == new.names:
            days = merged(_overlap(_differing_days(old, new), two.days))
        charges = tuple(dict.fromkeys([*users[0].charges, *users[1].charges]))
        carries = any(one.carries for one in users)
        # a calendar may be asked for the day after a period, too
        found.append(replace(_plain(two, f"calendar:{name}", charges, days, carries=carries), follows=True))
    return found


def _differing_days(one: DayTable, other: DayTable) -> list[tuple[int, int]]:
    first = min(one.first_day, other.first_day)
    end = max(table.first_day + len(table.values) for table in (one, other))
    return [(day, day + 1) for day in range(first, end) if _on(one, day) != _on(other, day)]


def _on(table: DayTable, day: int) -> int | None:
    at = day - table.first_day
    return table.values[at] if 0 <= at < len(table.values) else None


def _overlap(some: Iterable[tuple[int, int]], days: Days) -> list[tuple[int, int]]:
    return [
        (max(first, begin), min(end, until))
        for first, end in some
        for begin, until in days
        if max(first, begin) < min(end, until)
    ]


def _settings(two: TwoVersions) -> list[Change]:
    """How days choose a version, how changes cut bills, and the currency."""
    before, after = settings(two.old), settings(two.new)
    every = _every_charge(two)
    found = []
    for name in before:
        if before[name] != after[name]:
            change = _plain(two, f"setting:{name}", every, two.days, carries=True)
            found.append(replace(change, before=str(before[name]), after=str(after[name])))
    return found
