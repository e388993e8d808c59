"""What every trigger has, and what a trigger kind gives the compiler.

A kind is one file in this folder with a model (its YAML keys), a `pattern` function that says in plain data what is
declared, and a `watch` function that builds what an event does to the memory; the file ends in
`KIND = Kind(name, model, pattern, watch)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from engine.compiler.trigger import Pattern
from engine.language.expressions import Expr
from engine.language.fields import DurationField, FormulaField, Model, NameField, NodeField, Source, TextField
from engine.language.models import Level

if TYPE_CHECKING:
    from engine.compiler.triggers.maker import Maker
    from engine.compiler.triggers.patterns import Patterns

Recipient = Literal["customer", "account_manager", "billing", "credit_control", "metering", "inspection", "dispatch"]
"""Who is told: 客户、客户经理、电费核算、催费、计量、用电检查、调度."""


class Fits(Model):
    """An event that fits."""

    what = "an event that fits"

    on: NameField
    when: FormulaField | None = None


class Step(Model):
    """A step of a sequence, or a side of a pair."""

    what = "a step"

    as_: Annotated[NameField | None, Field(alias="as")] = None
    on: NameField | None = None
    absent: NameField | None = None
    when: FormulaField | None = None
    within: DurationField | None = None


class TriggerModel(Model):
    """The keys that every kind has."""

    kind: NameField
    title: TextField
    level: Level
    recipient: Recipient
    message: TextField
    causes: list[TextField] = []
    action: TextField | None = None
    each: list[NameField] = []
    quantities: dict[NameField, NodeField] = {}
    cool_down: DurationField | None = None
    clears: Fits | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What a kind has made of one event, or of the deadline.

    Attributes:
        complete: step, whether the pattern is complete; None: it never is here.
        names: step names whose values a message may read, with the event type and whether it is this event.
    """

    complete: int | None
    names: Mapping[str, Side]


@dataclass(frozen=True, slots=True)
class Side:
    """What a name before a dot stands for: fields of this event, or what is remembered of one."""

    event: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of trigger.

    Attributes:
        events: model -> the event types that the pattern looks at.
        formulas: model -> its formulas, to find which fields of earlier steps they read.
        steps: model -> name before a dot -> event type whose fields it names.
        horizon: model -> how long the memory matters after an event [us].
        deadline: model -> whether the pattern is ever complete at a deadline.
        completes: model -> whether it ever is at an event.
    """

    name: str
    model: type[TriggerModel]
    events: Callable[[Any], tuple[NameField, ...]]
    formulas: Callable[[Any], tuple[Expr, ...]]
    steps: Callable[[Any], Mapping[str, str]]
    horizon: Callable[[Any], int]
    watch: Callable[[Any, Maker], Watched]
    pattern: Callable[[Any, Patterns], Pattern]
    check: Callable[[Any], None] = lambda _: None
    deadline: Callable[[Any], bool] = lambda _: False
