"""count: so many events that fit within a length of time."""

from __future__ import annotations

from engine.compiler.trigger import AT, Pattern
from engine.compiler.triggers.base import Kind, TriggerModel, Watched
from engine.compiler.triggers.maker import Maker
from engine.compiler.triggers.patterns import Patterns
from engine.language.expressions import Expr
from engine.language.fields import DurationField, FormulaField, IntField, NameField
from engine.language.problems import ProblemsFound, problem

TIMES_MAX = 12  # a time is remembered for each but the last


class Count(TriggerModel):
    on: NameField
    when: FormulaField | None = None
    times: IntField
    within: DurationField


def formulas(trigger: Count) -> tuple[Expr, ...]:
    """Give the formula."""
    return () if trigger.when is None else (trigger.when,)


def check(trigger: Count) -> None:
    """Tell a number of times that is no count."""
    if not 2 <= trigger.times <= TIMES_MAX:
        place = trigger.place_of("times")
        raise ProblemsFound([problem("times-range", place, None, times=trigger.times, low=2, high=TIMES_MAX)])


def watch(trigger: Count, maker: Maker) -> Watched:
    """Remember the times of the latest events that fit, one fewer than are counted."""
    names = [f"at_{number}" for number in range(1, trigger.times)]
    times = [maker.was(name, AT) for name in names]
    fits = maker.fits(trigger.on, trigger.when)
    for name, before, now in zip(names, times, [maker.at, *times], strict=False):
        maker.keep(name, maker.choose(fits, now, before, AT))
    return Watched(maker.both(fits, maker.no_later(times[-1], trigger.within)), {})


def pattern(trigger: Count, patterns: Patterns) -> Pattern:
    """One step that comes so many times within a time."""
    return Pattern("count", (patterns.step("", trigger.on, trigger.when, {}),), trigger.times, trigger.within)


KIND = Kind(
    "count",
    Count,
    lambda one: (one.on,),
    formulas,
    lambda _: {},
    lambda one: one.within,
    watch,
    pattern,
    check,
)
