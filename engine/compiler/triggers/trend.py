"""trend: a condition that compares each event with the one before it and holds so many times running."""

from __future__ import annotations

from engine.compiler.program import Type
from engine.compiler.trigger import AT, Pattern
from engine.compiler.triggers.base import Kind, Side, TriggerModel, Watched
from engine.compiler.triggers.maker import Maker
from engine.compiler.triggers.patterns import Patterns
from engine.language.expressions import Expr
from engine.language.fields import DurationField, FormulaField, IntField, NameField
from engine.language.problems import ProblemsFound, problem
from engine.language.units import DIMENSIONLESS

BEFORE = "previous"
TIMES_MAX = 120


class Trend(TriggerModel):
    on: NameField
    when: FormulaField
    times: IntField
    at_most_apart: DurationField


def formulas(trigger: Trend) -> tuple[Expr, ...]:
    """Give the formula."""
    return (trigger.when,)


def check(trigger: Trend) -> None:
    """Tell a number of times that is none."""
    if not 1 <= trigger.times <= TIMES_MAX:
        place = trigger.place_of("times")
        raise ProblemsFound([problem("times-range", place, None, times=trigger.times, low=1, high=TIMES_MAX)])


def watch(trigger: Trend, maker: Maker) -> Watched:
    """Remember the event before, and how often running the condition has held up to it."""
    run_type = Type(low=0, high=trigger.times)
    before, run = maker.was("previous_at", AT), maker.was("run", run_type)
    event = maker.types[str(trigger.on)]
    linked = maker.no_later(before, trigger.at_most_apart)
    maker.bind_remembered(BEFORE, event, linked)  # what lies further back may have been forgotten
    fits = maker.fits(trigger.on, trigger.when)
    if maker.reads(trigger.when, BEFORE):
        fits = maker.both(fits, linked)
    build = maker.builder
    counted = build.add(maker.choose(linked, run, maker.number(0), run_type), maker.number(1), DIMENSIONLESS)
    running = build.extreme("minimum", counted, maker.number(trigger.times), DIMENSIONLESS)
    now = maker.choose(fits, running, maker.number(0), run_type)
    here = maker.is_on(trigger.on)
    if here:
        maker.keep("run", now)
        maker.keep("previous_at", maker.at)
    for spec in maker.remembered_fields(BEFORE, event):
        maker.remember(BEFORE, spec, maker.yes if here else maker.no)
    return Watched(maker.is_number(now, trigger.times) if here else maker.no, {BEFORE: Side(event.name)})


def pattern(trigger: Trend, patterns: Patterns) -> Pattern:
    """One step that comes so many times."""
    step = patterns.step("", trigger.on, trigger.when, {BEFORE: str(trigger.on)})
    return Pattern("trend", (step,), trigger.times, trigger.at_most_apart)


KIND = Kind(
    "trend",
    Trend,
    lambda one: (one.on,),
    formulas,
    lambda one: {BEFORE: str(one.on)},
    lambda one: one.at_most_apart,
    watch,
    pattern,
    check,
)
