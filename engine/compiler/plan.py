"""Plan: what was inferred becomes a Program and its Constants.

Takes the builder's steps and the outputs; keeps what something reads, puts the refusals in order behind the values,
joins days on which no constant differs into versions, and says on which days a billing period may not be crossed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.calendars.days import END_DAY, FIRST_DAY, day_date, day_number
from engine.charges.tiers import LadderModel, year_begins
from engine.compiler.builder import Builder
from engine.compiler.lower import Resolved
from engine.compiler.needs import NO_PRICE, Need
from engine.compiler.outputs import Outputs
from engine.compiler.program import (
    BOOLEAN,
    Constants,
    DayTable,
    Figure,
    Line,
    Premise,
    Premises,
    Program,
    Refusal,
    Slot,
    Step,
    Version,
    Warning,
    Working,
)
from engine.compiler.settled import numbered, settled
from engine.compiler.slots import SlotData


@dataclass(frozen=True, slots=True)
class Planned:
    program: Program
    constants: Constants
    change_days: tuple[int, ...]
    premises: Premises


def plan(
    builder: Builder,
    resolved: Resolved,
    outputs: Outputs,
    version_days: tuple[int, ...],
    end_day: int,
) -> Planned:
    """Assemble the program of one rule set.

    Args:
        version_days: first day of each version that the builder's constants were made for.
        end_day: day after the last one in force.
    """
    by_day = [need for need in outputs.needs if need.refusal.code == NO_PRICE and _by_version(builder, need)]
    needs = [need for need in outputs.needs if need not in by_day]
    requires, refusals = _requires(needs)
    keep = _reachable(builder, outputs, needs)
    places = {step: at for at, step in enumerate(keep)}
    _keep_by_version(builder, by_day)
    stands_on = settled(builder, keep)
    every = [*keep, *stands_on.extra]
    slot_ids = _slots_kept(builder, every, outputs)
    calendars = [table for n, table in enumerate(builder.calendars) if _calendar_read(builder, every, n)]
    read = {step.slot for step in (builder.steps[at] for at in every) if step.primitive == "timeline"}
    axes = [rule.spec for rule in resolved.scope.axes.values()]
    clocks = {axis.name: builder.clocks[axis.name] for axis in axes if axis.minutes}
    timeline_ids = {old: new for new, old in enumerate(sorted(read | set(clocks.values())))}
    steps = [_moved(builder, builder.steps[step], places, slot_ids, calendars, timeline_ids) for step in keep]
    for condition, guard, refusal in requires:
        operands = (places[condition],) if guard is None else (places[condition], places[guard])
        steps.append(Step("require", operands, BOOLEAN, refusal=refusal))
    at = places.__getitem__
    here = places | {step: len(steps) + n for n, step in enumerate(stands_on.extra)}
    extra = [_moved(builder, builder.steps[step], here, slot_ids, calendars, timeline_ids) for step in stands_on.extra]
    premises = numbered(builder, stands_on, keep, len(steps), slot_ids, extra)
    program = Program(
        inputs=tuple(rule.spec for rule in resolved.scope.inputs.values()),
        steps=tuple(steps),
        refusals=tuple(_refusal(one, places) for one in refusals),
        calendars=tuple(calendars),
        lines=tuple(_line(line, places, slot_ids) for line in outputs.lines),
        total=at(outputs.total),
        ledgers=tuple((name, at(step)) for name, step in outputs.ledgers.items()),
        warnings=tuple(_warning(one, places) for one in outputs.warnings),
        names={name: at(step) for name, step in outputs.names.items() if step in places},
        axes=tuple(replace(axis, clock=timeline_ids[clocks[axis.name]] if axis.minutes else -1) for axis in axes),
        timelines=tuple(builder.timelines[old] for old in timeline_ids),
        scores=outputs.scores,
        segments=outputs.segments,
    )
    program = replace(program, structure=structure_of(program))
    constants = _constants(builder, slot_ids, by_day, version_days, end_day)
    changes = {version.first_day for version in constants.versions} | {end_day}
    for table in calendars:
        changes |= _table_changes(table.values, table.first_day) if table.name in ("season", "month") else set()
    for rule in resolved.charges:
        if isinstance(rule.model, LadderModel):
            changes |= _year_starts(rule.model)
    return Planned(program, constants, tuple(sorted(changes)), premises)


def _requires(needs: Sequence[Need]) -> tuple[list[tuple[int, int | None, int]], list[Refusal]]:
    """(condition, guard, refusal) in order, each once; a guarded one behind the same one unguarded is dropped."""
    requires: list[tuple[int, int | None, int]] = []
    refusals: list[Refusal] = []
    seen: set[tuple[int, int | None, str, str]] = set()
    for need in needs:
        why = need.refusal
        key = (need.condition, need.guard, why.code, why.field)
        if key in seen or (need.condition, None, why.code, why.field) in seen:
            continue
        seen.add(key)
        if why not in refusals:
            refusals.append(why)
        requires.append((need.condition, need.guard, refusals.index(why)))
    return requires, refusals


def _roots(outputs: Outputs) -> Iterable[int]:
    yield outputs.total
    yield from outputs.ledgers.values()
    yield from outputs.names.values()
    for line in outputs.lines:
        yield from (step for step in (line.amount, line.shown, line.quantity, line.price) if step is not None)
        yield from (step for _, step in line.working.names)
        if line.working.unrounded is not None:
            yield line.working.unrounded
    for warning in outputs.warnings:
        yield warning.when
        yield from (step for _, step in warning.values)


def _below(builder: Builder, roots: Iterable[int]) -> set[int]:
    found: set[int] = set()
    open_steps = list(roots)
    while open_steps:
        step = open_steps.pop()
        if step not in found:
            found.add(step)
            open_steps += builder.steps[step].operands
    return found


def _reachable(builder: Builder, outputs: Outputs, needs: Sequence[Need]) -> list[int]:
    roots = list(_roots(outputs))
    for need in needs:
        roots += [need.condition, *(step for _, step in need.refusal.values)]
        if need.refusal.items is not None:
            roots.append(need.refusal.items[1])
        if need.guard is not None:
            roots.append(need.guard)
    return sorted(_below(builder, roots))


def _slots_kept(builder: Builder, keep: Iterable[int], outputs: Outputs) -> dict[int, int]:
    """Slots that steps or explanations read, and those that they follow from, with their new positions."""
    used = {step.slot for step in (builder.steps[at] for at in keep) if step.primitive in ("constant", "cell")}
    for line in outputs.lines:
        used |= set(line.working.slots)
    for slot in reversed(range(len(builder.slots))):  # a constant stands behind those that it follows from
        used |= set(builder.slots[slot].parents) if slot in used else set()
    return {slot: at for at, slot in enumerate(sorted(used))}


def _calendar_read(builder: Builder, keep: Iterable[int], calendar: int) -> bool:
    steps = (builder.steps[at] for at in keep)
    return any(step.primitive == "calendar" and step.slot == calendar for step in steps)


def _moved(
    builder: Builder,
    step: Step,
    places: Mapping[int, int],
    slots: Mapping[int, int],
    calendars: list[DayTable],
    timelines: Mapping[int, int],
) -> Step:
    slot = step.slot
    if step.primitive in ("constant", "cell"):
        slot = slots[slot]
    elif step.primitive == "calendar":
        slot = calendars.index(builder.calendars[slot])
    elif step.primitive == "timeline":
        slot = timelines[slot]
    return replace(step, operands=tuple(places[operand] for operand in step.operands), slot=slot)


def _refusal(refusal: Refusal, places: Mapping[int, int]) -> Refusal:
    items = None if refusal.items is None else (refusal.items[0], places[refusal.items[1]])
    return replace(refusal, values=tuple((name, places[step]) for name, step in refusal.values), items=items)


def _line(line: Line, places: Mapping[int, int], slots: Mapping[int, int]) -> Line:
    def at(step: int | None) -> int | None:
        return None if step is None else places[step]

    working = Working(
        line.working.formula,
        tuple((name, places[step]) for name, step in line.working.names),
        at(line.working.unrounded),
        tuple(slots[slot] for slot in line.working.slots),
    )
    return replace(
        line,
        amount=places[line.amount],
        shown=at(line.shown),
        quantity=at(line.quantity),
        price=at(line.price),
        working=working,
    )


def _warning(warning: Warning, places: Mapping[int, int]) -> Warning:
    return replace(
        warning, when=places[warning.when], values=tuple((name, places[step]) for name, step in warning.values)
    )


def structure_of(program: Program) -> str:
    """Hash of what is computed and given: the same for rule sets that differ only in numbers, titles and places.

    Bounds are left out, as those of a step follow from the numbers; an input's bounds refuse rows, and count.
    """
    parts: list[object] = [(spec.name, spec.type, spec.default, spec.optional) for spec in program.inputs]
    parts += [replace(step, type=replace(step.type, low=0, high=0), place=None) for step in program.steps]
    for line in program.lines:
        parts.append((line.id, line.amount, line.shown, line.quantity, line.price, line.money, line.ledger))
    parts += [program.total, program.ledgers]
    parts += [(one.id, one.level, one.when, one.values) for one in program.warnings]
    parts += [(one.code, one.field, one.values) for one in program.refusals]
    parts += [(one.id, program.names.get(one.id)) for one in program.scores]
    parts += [(one.id, program.names.get(one.id), [each.id for each in one.classes]) for one in program.segments]
    parts += [(axis.name, axis.at_most, axis.optional, axis.minutes) for axis in program.axes]
    parts += [(one.name, one.minutes, hashlib.sha256(repr(one).encode()).hexdigest()) for one in program.timelines]
    parts += [(spec.name, spec.split) for spec in program.inputs if spec.split]
    parts += [(table.name, hashlib.sha256(repr(table.values).encode()).hexdigest()) for table in program.calendars]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


# constants


def _by_version(builder: Builder, need: Need) -> bool:
    """Whether the version alone decides if a need is met; else it takes a row to know whether the need counts."""
    return need.guard is None or builder.steps[need.guard].primitive == "constant"


def _keep_by_version(builder: Builder, needs: Sequence[Need]) -> None:
    """Keep that what decides whether a version has its prices does not change with a number."""
    for need in needs:
        for step in (need.condition, need.guard):
            if step is not None:
                builder.premises[Premise("unchanged", step)] = None


def _missing(builder: Builder, needs: Sequence[Need], version: int) -> dict[str, Refusal]:
    """What has no price in a version, by the field that refusals name."""
    missing: dict[str, Refusal] = {}
    for need in needs:
        counts = need.guard is None or builder.constant_at(need.guard, version)
        if counts and not builder.constant_at(need.condition, version):
            missing.setdefault(need.refusal.field, replace(need.refusal, values=()))
    return missing


def _constants(
    builder: Builder,
    slot_ids: Mapping[int, int],
    by_day: Sequence[Need],
    version_days: tuple[int, ...],
    end_day: int,
) -> Constants:
    """Slots in their new order, versions joined where nothing that is read differs."""
    kept = [builder.slots[slot] for slot in slot_ids]
    versions: list[Version] = []
    figures: list[tuple[tuple[Figure | None, ...], ...]] = []
    values_before: object = None
    for v, first in enumerate(version_days):
        end = version_days[v + 1] if v + 1 < len(version_days) else end_day
        missing = _missing(builder, by_day, v)
        # the figures themselves count: the same number in another notice is another version
        row = tuple(tuple(slot.figures[v]) for slot in kept)
        values = (row, tuple(tuple(slot.values[v]) for slot in kept), tuple(missing))
        if versions and values == values_before:
            versions[-1] = replace(versions[-1], end_day=end)
            continue
        values_before = values
        versions.append(Version(first, end, tuple(missing.values())))
        figures.append(_figures(kept, v))
    slots = tuple(Slot(slot.path, slot.type, slot.keys) for slot in kept)
    return Constants(slots, tuple(versions), tuple(figures))


def _figures(slots: Sequence[SlotData], version: int) -> tuple[tuple[Figure | None, ...], ...]:
    """Every cell with where it comes from; a flag that no document prints has only its value."""
    rows = []
    for slot in slots:
        cells: list[Figure | None] = []
        for value, figure in zip(slot.values[version], slot.figures[version], strict=True):
            printed = figure is not None or value is None
            cells.append(figure if printed else Figure(str(value), value or 0, None, "", "", None))
        rows.append(tuple(cells))
    return tuple(rows)


def _table_changes(values: tuple[int, ...], first_day: int) -> set[int]:
    return {first_day + at for at in range(1, len(values)) if values[at] != values[at - 1]}


def _year_starts(charge: LadderModel) -> set[int]:
    """First days of the ladder's years."""
    days: set[int] = set()
    for month, first, end in year_begins(charge):
        start = FIRST_DAY if first is None else day_number(first)
        until = END_DAY if end is None else day_number(end)
        years = range(day_date(start).year, day_date(until - 1).year + 1)
        begins = [day_number(date(year, month, 1)) for year in years]
        days |= {day for day in begins if start <= day < until}
        days |= set() if first is None else {start}
    return days
