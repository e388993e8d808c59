"""sequence: one event after another, each within its time; the last may be that an event does not come."""

from __future__ import annotations

from typing import Literal

from engine.compiler.program import Type
from engine.compiler.trigger import AT, Pattern
from engine.compiler.triggers.base import Fits, Kind, Side, Step, TriggerModel, Watched
from engine.compiler.triggers.maker import Maker
from engine.compiler.triggers.patterns import Patterns
from engine.language.expressions import Expr
from engine.language.fields import NameField
from engine.language.problems import Problem, ProblemsFound, problem
from engine.language.units import DIMENSIONLESS

STEPS_MAX = 6


class Sequence(TriggerModel):
    steps: list[Step]
    keeps: Literal["first", "latest"]
    unless: Fits | None = None


def check(trigger: Sequence) -> None:
    """Tell steps that are no sequence."""
    found: list[Problem] = []
    steps = trigger.steps
    if not 2 <= len(steps) <= STEPS_MAX:
        place = trigger.place_of("steps")
        raise ProblemsFound([problem("sequence-length", place, None, steps=len(steps), high=STEPS_MAX)])
    names: dict[str, NameField] = {}
    for number, step in enumerate(steps):
        first, last = number == 0, number == len(steps) - 1
        if (step.on is None) == (step.absent is None):
            found.append(problem("step-on", step.place))
        if step.absent is not None and not (last and not first):
            found.append(problem("absent-not-last", step.absent.place))
        if first and step.within is not None:
            found.append(problem("first-step-within", step.place_of("within")))
        if not first and step.within is None:
            found.append(problem("step-without-within", step.place))
        if step.as_ is None and not last and step.absent is None:
            found.append(problem("step-without-name", step.place))
        if step.as_ is not None:
            before = names.get(str(step.as_))
            if before is not None:
                found.append(problem("name-twice", step.as_.place, before.place, name=step.as_))
            names[str(step.as_)] = step.as_
    if found:
        raise ProblemsFound(found)


def events(trigger: Sequence) -> tuple[NameField, ...]:
    """Give the event types."""
    named = [one for step in trigger.steps for one in (step.on, step.absent) if one is not None]
    return (*named, *([trigger.unless.on] if trigger.unless is not None else []))


def formulas(trigger: Sequence) -> tuple[Expr, ...]:
    """Give the formulas."""
    found = [step.when for step in trigger.steps]
    if trigger.unless is not None:
        found.append(trigger.unless.when)
    return tuple(one for one in found if one is not None)


def steps_of(trigger: Sequence) -> dict[str, str]:
    """Give the event type of each named step."""
    return {str(step.as_): str(step.on) for step in trigger.steps if step.as_ is not None and step.on is not None}


def watch(trigger: Sequence, maker: Maker) -> Watched:
    """Remember how many steps were taken, when the last was, and what later formulas read of them.

    `stage` is the number of steps taken, `stage_at` the time of the last, `due` the deadline where the last step is
    that nothing comes.
    """
    steps = trigger.steps
    whole = len(steps)
    absence = steps[-1].absent is not None
    stage_type = Type(low=0, high=whole - 1)
    stage, since = maker.was("stage", stage_type), maker.was("stage_at", AT)
    due = maker.was("due", AT) if absence else None
    names = {name: Side(event) for name, event in steps_of(trigger).items()}
    if maker.event is None:  # the deadline has passed: whoever runs this has seen that it is due
        for step in steps[:-1]:
            maker.bind_remembered(str(step.as_), maker.types[str(step.on)])
        maker.keep("stage", maker.number(0))
        maker.keep("due", maker.never)
        return Watched(maker.yes, names)

    at_stage = [maker.is_number(stage, number) for number in range(whole)]
    expired = maker.no
    for number in range(1, whole):
        within = steps[number].within
        assert within is not None
        if steps[number].absent is None:
            expired = maker.either(expired, maker.both(at_stage[number], maker.negation(maker.no_later(since, within))))
    first = steps[0]
    maker.bind_remembered(str(first.as_), maker.types[str(first.on)])
    stopped = expired
    if trigger.unless is not None:
        fits = maker.both(maker.negation(at_stage[0]), maker.fits_rule(trigger.unless))
        barred = maker.both(fits, maker.negation(expired))
        stopped = maker.either(stopped, barred)
    else:
        barred = maker.no
    goes_on = maker.negation(stopped)

    taken: list[int] = []  # for each later step, whether this event takes it
    answered = maker.no
    for number in range(1, whole):
        step = steps[number]
        if number > 1:
            before = steps[number - 1]
            maker.bind_remembered(str(before.as_), maker.types[str(before.on)])
        on = step.on if step.absent is None else step.absent
        fits = maker.both(at_stage[number], goes_on, maker.fits(on, step.when))
        if step.absent is not None:
            answered = fits
        else:
            taken.append(fits)
    complete = maker.no if absence else taken[-1]
    forward = maker.no
    for one in taken:
        forward = maker.either(forward, one)

    # The first step: where none is open any more, or a later one takes its place.
    fits_first = maker.both(maker.negation(maker.either(forward, barred)), maker.fits(first.on, first.when))
    empty = maker.either(at_stage[0], stopped, answered)
    begins = maker.both(fits_first, empty)
    if trigger.keeps == "latest":
        begins = maker.either(begins, maker.both(fits_first, at_stage[1]))

    build = maker.builder
    stepped = build.add(stage, maker.number(1), DIMENSIONLESS)
    stepped = build.extreme("minimum", stepped, maker.number(whole - 1), DIMENSIONLESS)
    after = maker.choose(maker.either(empty, complete), maker.number(0), stage, stage_type)
    after = maker.choose(maker.both(forward, maker.negation(complete)), stepped, after, stage_type)
    after = maker.choose(begins, maker.number(1), after, stage_type)
    moved = maker.either(begins, forward)
    maker.keep("stage", after)
    maker.keep("stage_at", maker.choose(moved, maker.at, since, AT))
    if due is not None:
        within = steps[-1].within
        assert within is not None
        deadline = build.add(maker.at, maker.number(within), DIMENSIONLESS)
        waits = maker.both(moved, maker.is_number(after, whole - 1))
        leaves = maker.either(stopped, answered)
        kept = maker.choose(leaves, maker.never, due, AT)
        maker.keep("due", maker.choose(waits, deadline, maker.choose(begins, maker.never, kept, AT), AT))
    for number, step in enumerate(steps):
        if step.as_ is None or step.on is None:
            continue
        event, where = maker.types[str(step.on)], begins if number == 0 else taken[number - 1]
        for spec in maker.remembered_fields(str(step.as_), event):
            if number < whole - 1:
                maker.remember(str(step.as_), spec, where if maker.is_on(event.name) else maker.no)
    last = steps[-1]
    if last.as_ is not None and last.on is not None and maker.is_on(last.on):
        names[str(last.as_)] = Side(str(last.on), here=True)
    return Watched(complete, names)


def pattern(trigger: Sequence, patterns: Patterns) -> Pattern:
    """Step after step."""
    made = []
    for number, step in enumerate(trigger.steps):
        on = step.on if step.on is not None else step.absent
        assert on is not None
        earlier = {str(one.as_): str(one.on) for one in trigger.steps[:number]}
        made.append(
            patterns.step(
                str(step.as_ or ""), on, step.when, earlier, step.absent is not None, step.within or 0, step.place
            )
        )
    first = {str(trigger.steps[0].as_): str(trigger.steps[0].on)}
    unless = None if trigger.unless is None else patterns.step("", trigger.unless.on, trigger.unless.when, first)
    return Pattern("sequence", tuple(made), keeps=trigger.keeps, unless=unless)


KIND = Kind(
    "sequence",
    Sequence,
    events,
    formulas,
    steps_of,
    lambda one: max(step.within or 0 for step in one.steps),
    watch,
    pattern,
    check,
    lambda one: one.steps[-1].absent is not None,
)
