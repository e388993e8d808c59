"""pair: two events in either order, within a length of time."""

from __future__ import annotations

from dataclasses import replace

from engine.compiler.trigger import AT, Pattern
from engine.compiler.triggers.base import Kind, Side, Step, TriggerModel, Watched
from engine.compiler.triggers.maker import Maker
from engine.compiler.triggers.patterns import Patterns
from engine.language.expressions import Expr
from engine.language.fields import DurationField, FormulaField, NameField
from engine.language.problems import Problem, ProblemsFound, problem


class Pair(TriggerModel):
    one: Step
    other: Step
    joined_when: FormulaField | None = None
    within: DurationField


def check(trigger: Pair) -> None:
    """Tell sides that lack their event or name, or have one name."""
    found: list[Problem] = []
    for side in (trigger.one, trigger.other):
        if side.on is None or side.absent is not None:
            found.append(problem("side-on", side.place))
        if side.as_ is None:
            found.append(problem("step-without-name", side.place))
        if side.within is not None:
            found.append(problem("first-step-within", side.place_of("within")))
    if not found and str(trigger.one.as_) == str(trigger.other.as_):
        assert trigger.one.as_ is not None
        assert trigger.other.as_ is not None
        name = trigger.other.as_
        found.append(problem("name-twice", name.place, trigger.one.as_.place, name=name))
    if found:
        raise ProblemsFound(found)


def events(trigger: Pair) -> tuple[NameField, ...]:
    """Give the event types."""
    return tuple(side.on for side in (trigger.one, trigger.other) if side.on is not None)


def formulas(trigger: Pair) -> tuple[Expr, ...]:
    """Give the formulas."""
    found = (trigger.one.when, trigger.other.when, trigger.joined_when)
    return tuple(one for one in found if one is not None)


def steps_of(trigger: Pair) -> dict[str, str]:
    """Give the event type of each side."""
    return {str(side.as_): str(side.on) for side in (trigger.one, trigger.other)}


def watch(trigger: Pair, maker: Maker) -> Watched:
    """Remember the latest event of each side; a pair uses both up."""
    sides = (trigger.one, trigger.other)
    times = [maker.was(f"{side.as_}.at", AT) for side in sides]  # no field is named `at`, no other number has a dot
    is_one = maker.fits(trigger.one.on, trigger.one.when)
    is_other = maker.both(maker.negation(is_one), maker.fits(trigger.other.on, trigger.other.when))
    fits = (is_one, is_other)
    for side, here in zip(sides, fits, strict=True):
        event = maker.types[str(side.on)]
        for spec in maker.remembered_fields(str(side.as_), event):
            maker.remembered(str(side.as_), spec)
            maker.remember(str(side.as_), spec, here if maker.is_on(event.name) else maker.no)
            maker.bind_kept(str(side.as_), spec)
    near = maker.either(
        maker.both(is_one, maker.no_later(times[1], trigger.within)),
        maker.both(is_other, maker.no_later(times[0], trigger.within)),
    )
    complete = near if trigger.joined_when is None else maker.both(near, maker.holds(trigger.joined_when))
    for side, before, here in zip(sides, times, fits, strict=True):
        now = maker.choose(here, maker.at, before, AT)
        maker.keep(f"{side.as_}.at", maker.choose(complete, maker.never, now, AT))
    return Watched(complete, {name: Side(event) for name, event in steps_of(trigger).items()})


def pattern(trigger: Pair, patterns: Patterns) -> Pattern:
    """Two steps in either order."""
    made = []
    for side, counterpart in ((trigger.one, trigger.other), (trigger.other, trigger.one)):
        assert side.on is not None
        joins, plain = patterns.joined(trigger.joined_when, str(side.as_), {str(counterpart.as_): str(counterpart.on)})
        step = patterns.step(str(side.as_), side.on, side.when, {})
        made.append(replace(step, joins=joins, plain=step.plain and plain))
    return Pattern("pair", tuple(made), within=trigger.within)


KIND = Kind("pair", Pair, events, formulas, steps_of, lambda one: one.within, watch, pattern, check)
