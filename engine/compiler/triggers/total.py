"""total: a sum over a calendar month or year, and a condition on it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.compiler.needs import Value, surely
from engine.compiler.program import BOOLEAN, Type
from engine.compiler.trigger import DAY_US, Pattern
from engine.compiler.triggers.base import Kind, TriggerModel, Watched
from engine.compiler.triggers.maker import SUPPLIED, Maker
from engine.compiler.triggers.patterns import Patterns
from engine.language.expressions import Expr, written
from engine.language.fields import BoolField, FormulaField, NameField, NumberField
from engine.language.problems import ProblemsFound, problem


class Total(TriggerModel):
    on: NameField
    of: FormulaField
    over: Literal["month", "year"]
    to: NumberField
    when: FormulaField
    once: BoolField = False  # complete once a period at most


def formulas(trigger: Total) -> tuple[Expr, ...]:
    """Give the formulas."""
    return trigger.of, trigger.when


def watch(trigger: Total, maker: Maker) -> Watched:
    """Remember the period and its sum so far; the sum stays at `to` once it is reached."""
    build, over = maker.builder, trigger.over
    number_type = SUPPLIED[f"is.{over}_number"]
    if not maker.is_on(trigger.on):  # never: the pattern looks at one event type
        return Watched(maker.no, {})
    of = maker.inference.numeric(trigger.of)
    type_ = build.type(of.step)
    limit = int(trigger.to.value.scaleb(type_.places))
    if type_.low < 0:
        told = {"formula": written(trigger.of), "low": lowest(type_)}
        raise ProblemsFound([problem("total-negative", trigger.of.place, None, **told)])
    if trigger.to.places > type_.places or limit <= 0:
        told = {"formula": written(trigger.of), "to": trigger.to.text, "places": str(type_.places)}
        raise ProblemsFound([problem("total-range", trigger.to.place, None, **told)])
    kept = Type("number", type_.unit, type_.places, 0, limit)
    zero = build.literal(0, kept)
    period, before = maker.was("period", number_type), maker.was("total", kept)
    now = maker.supplied(f"{over}_number")
    known = surely(build, Value(maker.yes, of.needs))
    same = build.compare("equal", period, now)
    so_far = maker.choose(same, before, zero, kept)
    more = maker.choose(known, of.step, build.literal(0, type_), type_)
    total = build.extreme("minimum", build.add(so_far, more, type_.unit), build.literal(limit, kept), type_.unit)
    maker.keep("period", now)
    maker.keep("total", total)
    maker.bind("total", Value(total))
    maker.bind("days_passed", Value(maker.supplied(f"{over}_passed")))
    maker.bind("days_in_period", Value(maker.supplied(f"{over}_days")))
    complete = maker.both(known, maker.holds(trigger.when))
    if trigger.once:
        done = maker.both(same, maker.was("done", BOOLEAN))
        complete = maker.both(complete, maker.negation(done))
        maker.keep("done", maker.either(done, complete))
    return Watched(complete, {})


def lowest(of: Type) -> str:
    """Write the lowest value of a type."""
    return f"{Decimal(of.low).scaleb(-of.places):f}"


def pattern(trigger: Total, patterns: Patterns) -> Pattern:
    """One step; what it sums is not said."""
    return Pattern("total", (patterns.step("", trigger.on, None, {}),))


KIND = Kind(
    "total",
    Total,
    lambda one: (one.on,),
    formulas,
    lambda _: {},
    lambda one: (32 if one.over == "month" else 367) * DAY_US,  # October has 31 days and an hour where clocks go back
    watch,
    pattern,
)
