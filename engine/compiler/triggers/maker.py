"""One transition in the making: what a trigger kind sees of the compiler.

Takes an inference over the fields of one event type and the memory; gives steps. A kind reads the memory with `was`,
says what it is afterwards with `keep`, asks whether the event fits with `fits`, and names what formulas may read with
`bind`. What is not kept stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.compiler.infer import Inference
from engine.compiler.needs import Need, Value, surely
from engine.compiler.program import BOOLEAN, InputSpec, Refusal, Step, Type
from engine.compiler.scope import Definition
from engine.compiler.trigger import AT, END_AT, FIRST_AT, WAS, EventType, Remembered
from engine.compiler.triggers.base import Fits
from engine.language.expressions import Expr, Name, children
from engine.language.units import DIMENSIONLESS, parse_unit

IS = "is."
"""What the names of inputs begin with that are about the event and none of its values."""

DAY_UNIT = parse_unit("day")[0]
SUPPLIED: Mapping[str, Type] = {
    f"{IS}at": Type(low=FIRST_AT, high=END_AT + 3660 * 86_400_000_000),
    f"{IS}month_number": Type(low=0, high=2400),  # since January 1970
    f"{IS}month_passed": Type(unit=DAY_UNIT, low=1, high=31),  # days, this one included
    f"{IS}month_days": Type(unit=DAY_UNIT, low=28, high=31),
    f"{IS}year_number": Type(low=0, high=200),  # since 1970
    f"{IS}year_passed": Type(unit=DAY_UNIT, low=1, high=366),
    f"{IS}year_days": Type(unit=DAY_UNIT, low=365, high=366),
}
"""Inputs of a transition that whoever runs it gives besides the event's values and the memory."""


class Maker:
    """Builds one transition.

    Attributes:
        event: the event type at hand; None: the deadline.
        memory: what is remembered, in order; kinds add to it, alike for each event type.
        next: by name the step that holds a remembered number afterwards.
    """

    def __init__(
        self,
        inference: Inference,
        definitions: dict[str, Definition],
        event: EventType | None,
        types: Mapping[str, EventType],
        wanted: frozenset[str],
    ) -> None:
        """`definitions`: those of the inference's scope; `wanted`: paths that formulas and the message read."""
        self.inference = inference
        self.definitions = definitions
        self.builder = inference.builder
        self.event = event
        self.types = types
        self.wanted = wanted
        self.memory: dict[str, Remembered] = {}
        self.next: dict[str, int] = {}
        self.at = self.supplied("at")
        self.no = self.builder.literal(0, BOOLEAN)
        self.yes = self.builder.literal(1, BOOLEAN)
        self.never = self.builder.literal(0, AT)

    def supplied(self, name: str) -> int:
        """Read what is given besides the event's values: `at`, or a part of the calendar."""
        full = f"{IS}{name}"
        return self.builder.emit(Step("input", (), SUPPLIED[full], name=full))

    # the memory

    def was(self, name: str, type_: Type) -> int:
        """Read a remembered number; of an account that nothing is remembered of it is zero."""
        type_ = replace(type_, low=min(0, type_.low), high=max(0, type_.high))
        self.memory.setdefault(name, Remembered(name, type_))
        step = self.builder.emit(Step("input", (), type_, name=f"{WAS}{name}"))
        self.next.setdefault(name, step)
        return step

    def keep(self, name: str, step: int) -> None:
        """Say what a number, read before with `was`, is afterwards."""
        assert name in self.memory, f"{name} is kept and never read"
        self.next[name] = step

    def remembered_fields(self, of: str, event: EventType) -> tuple[InputSpec, ...]:
        """Give the inputs of an earlier event that something reads."""
        return tuple(spec for spec in event.inputs if f"{of}.{spec.name}" in self.wanted)

    def remembered(self, of: str, spec: InputSpec) -> Value:
        """What is remembered of a field of an earlier event; one that may be absent comes with its need."""
        step = self.was(f"{of}.{spec.name}", spec.type)
        if not spec.optional or spec.default is not None:
            return Value(step)
        given = self.was(f"{of}.{spec.name}.given", BOOLEAN)
        return Value(step, (Need(given, None, Refusal("missing-value", f"{of}.{spec.name}", "", (), spec.place)),))

    def remember(self, of: str, spec: InputSpec, where: int) -> None:
        """Remember a field of this event where a condition holds."""
        before = self.was(f"{of}.{spec.name}", spec.type)
        came = self.builder.emit(Step("input", (), spec.type, name=spec.name))
        type_ = self.memory[f"{of}.{spec.name}"].type
        self.keep(f"{of}.{spec.name}", self.choose(where, came, before, type_))
        if spec.optional and spec.default is None:
            given = self.builder.emit(Step("given", (), BOOLEAN, name=spec.name))
            was_given = self.was(f"{of}.{spec.name}.given", BOOLEAN)
            self.keep(f"{of}.{spec.name}.given", self.choose(where, given, was_given, BOOLEAN))

    # formulas

    def is_on(self, event: object) -> bool:
        """Whether the event at hand is of a type."""
        return self.event is not None and str(event) == self.event.name

    def fits(self, on: object, when: Expr | None) -> int:
        """Whether the event at hand fits: it is of the type, and the condition holds and can be computed."""
        if not self.is_on(on):
            return self.no
        return self.yes if when is None else self.holds(when)

    def holds(self, when: Expr) -> int:
        """Whether a condition holds; one that cannot be computed does not."""
        return surely(self.builder, self.inference.condition(when))

    def fits_rule(self, rule: Fits) -> int:
        """Whether the event at hand fits a rule of its own."""
        return self.fits(rule.on, rule.when)

    def bind(self, path: str, value: Value) -> None:
        """Name a value, for formulas and the message."""
        self.definitions[path] = Definition(path, Name(path), None)
        self.inference.definitions[path] = value

    def bind_remembered(self, of: str, event: EventType, where: int | None = None) -> None:
        """Name what is remembered of an event's fields: `low.balance`; it can be computed only `where` that holds."""
        for spec in self.remembered_fields(of, event):
            path = f"{of}.{spec.name}"
            value = self.remembered(of, spec)
            if where is not None:
                there = Need(where, None, Refusal("missing-value", path, "", (), spec.place))
                value = Value(value.step, (*value.needs, there))
            self.bind(path, value)

    def bind_kept(self, of: str, spec: InputSpec) -> None:
        """Name what is remembered of a field once this event is done."""
        path = f"{of}.{spec.name}"
        needs: tuple[Need, ...] = ()
        if f"{path}.given" in self.next:
            needs = (Need(self.next[f"{path}.given"], None, Refusal("missing-value", path, "", (), spec.place)),)
        self.bind(path, Value(self.next[path], needs))

    def bind_here(self, of: str, event: EventType) -> None:
        """Name the fields of this event as those of a step."""
        for spec in self.remembered_fields(of, event):
            self.bind(f"{of}.{spec.name}", self.inference.value(Name(spec.name)))

    def reads(self, expr: Expr, of: str) -> bool:
        """Whether a formula reads an earlier event, by itself or through a quantity."""
        return any(path.startswith(f"{of}.") for path in names_read(expr, self.definitions))

    # conditions and choices

    def both(self, *conditions: int) -> int:
        """All of them."""
        found = conditions[0]
        for one in conditions[1:]:
            found = self.builder.logic("both", found, one)
        return found

    def either(self, *conditions: int) -> int:
        """One of them at least."""
        found = conditions[0]
        for one in conditions[1:]:
            found = self.builder.logic("either", found, one)
        return found

    def negation(self, condition: int) -> int:
        """That it does not hold."""
        return self.builder.negation(condition)

    def choose(self, condition: int, then: int, otherwise: int, type_: Type) -> int:
        """`then` where the condition holds; the bounds are those of `type_`."""
        return self.builder.select(condition, then, otherwise, type_)

    def number(self, value: int) -> int:
        """A whole number."""
        return self.builder.literal(value, Type())

    def is_number(self, step: int, value: int) -> int:
        """Whether a whole number is that one."""
        return self.builder.compare("equal", step, self.number(value))

    def no_later(self, since: int, by: int) -> int:
        """Whether the event is no later than `by` [us] after a remembered time; not where there is none.

        A time that is none is 0, before 1970, and further away than any duration that can be written.
        """
        gap = self.builder.add(self.at, since, DIMENSIONLESS, subtract=True)
        return self.builder.compare("less_equal", gap, self.number(by))

    def sooner(self, since: int, by: int) -> int:
        """Whether the event is less than `by` [us] after a remembered time; not where there is none."""
        gap = self.builder.add(self.at, since, DIMENSIONLESS, subtract=True)
        return self.builder.compare("less", gap, self.number(by))


def names_read(expr: Expr, definitions: Mapping[str, Definition]) -> frozenset[str]:
    """Give the names in a formula, and in the quantities that it names."""
    found: set[str] = set()
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Name):
            if one.path in found:
                continue
            found.add(one.path)
            if one.path in definitions:
                waiting.append(definitions[one.path].expr)
        waiting += children(one)
    return frozenset(found)
