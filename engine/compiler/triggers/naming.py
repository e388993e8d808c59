"""The names in a trigger's formulas and message: what stands before a dot is an earlier event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from engine.compiler.messages import BRACES
from engine.compiler.trigger import EventType
from engine.compiler.triggers.base import Kind, TriggerModel
from engine.language.expressions import Expr, Name, children
from engine.language.models import Quantity
from engine.language.problems import Problem, problem
from engine.language.reading import did_you_mean


def names_in(kind: Kind, model: TriggerModel, quantities: Iterable[Quantity]) -> list[Name]:
    """Give every name in a trigger's formulas, its own quantities and its message, with its place."""
    message = model.message
    found = [
        Name(match[1].strip(), place=message.piece(match.start(1), match.end(1)))
        for match in BRACES.finditer(str(message))
    ]
    waiting: list[Expr] = [*kind.formulas(model), *(one.formula for one in quantities)]
    if model.clears is not None and model.clears.when is not None:
        waiting.append(model.clears.when)
    while waiting:
        one = waiting.pop()
        if isinstance(one, Name):
            found.append(one)
        waiting += children(one)
    return found


def step_problems(
    names: Sequence[Name], steps: Mapping[str, str], types: Mapping[str, EventType], others: Collection[str]
) -> list[Problem]:
    """Tell names whose part before the dot is no earlier event, or whose part behind it is none of its fields.

    Args:
        names: of the trigger.
        steps: earlier events by name, with their types.
        types: event types by name.
        others: what else may stand before a dot, or have one: constants and tables.
    """
    found = []
    for name in names:
        step, dot, field = name.path.partition(".")
        if not dot or name.path in others or step in others:
            continue
        if step not in steps:
            found.append(problem("unknown-step", name.place, None, step=step, **_advice(step, steps)))
            continue
        event = types[steps[step]]
        fields = [spec.name for spec in event.inputs]
        if field not in fields:
            told = {"event": event.name, "step": step, "name": field, "known": ", ".join(fields) or "-"}
            found.append(problem("step-field", name.place, event.place, **told, **did_you_mean(field, fields)))
    return found


def _advice(step: str, steps: Mapping[str, str]) -> dict[str, str]:
    """What to write where no earlier event has a name."""
    if steps:
        known = ", ".join(f"`{one}`" for one in steps)
        return {"advice": f"Earlier events here: {known}.", "advice_zh": f"这里的在先事件：{known}。"}
    if step == "previous":
        return {"advice": "`previous` belongs to `kind: trend`.", "advice_zh": "`previous` 用于 `kind: trend`。"}
    return {
        "advice": "A trend has `previous`; steps of a sequence and sides of a pair have the name under `as`.",
        "advice_zh": "trend 有 `previous`；sequence 的步骤和 pair 的两方用 `as` 命名。",
    }
