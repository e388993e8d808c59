"""event: a warning at each event that fits."""

from __future__ import annotations

from engine.compiler.trigger import Pattern
from engine.compiler.triggers.base import Kind, TriggerModel, Watched
from engine.compiler.triggers.maker import Maker
from engine.compiler.triggers.patterns import Patterns
from engine.language.expressions import Expr
from engine.language.fields import FormulaField, NameField


class Event(TriggerModel):
    on: NameField
    when: FormulaField | None = None


def formulas(trigger: Event) -> tuple[Expr, ...]:
    """Give the formulas."""
    return () if trigger.when is None else (trigger.when,)


def watch(trigger: Event, maker: Maker) -> Watched:
    """Complete where the event fits; nothing is remembered."""
    return Watched(maker.fits(trigger.on, trigger.when), {})


def pattern(trigger: Event, patterns: Patterns) -> Pattern:
    """One step."""
    return Pattern("event", (patterns.step("", trigger.on, trigger.when, {}),))


KIND = Kind("event", Event, lambda one: (one.on,), formulas, lambda _: {}, lambda _: 0, watch, pattern)
