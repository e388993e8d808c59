"""What a value needs before it can be computed at all, and where that matters.

A `Need` is a condition with the guard under which it counts. A condition under `if`, `and`, `or`, `given` or a charge's
`when` guards the needs beneath it, so that a refusal in a branch not taken does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.compiler.builder import Builder
from engine.compiler.program import ROW, Refusal
from engine.language.expressions import Call, Expr, Logic, Name, Unary

NO_PRICE = "no-price-in-force"  # of a need that a price's days decide


@dataclass(frozen=True, slots=True)
class Need:
    """Where `guard` holds (None: always), `condition` must hold, or the row is refused."""

    condition: int
    guard: int | None
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Value:
    step: int
    needs: tuple[Need, ...] = ()
    zero: bool = False  # a bare zero, which fits any unit


def guarded(builder: Builder, guard: int, needs: Sequence[Need]) -> tuple[Need, ...]:
    """The needs, only where `guard` holds; those that the guard itself fulfils are dropped."""
    kept = []
    for need in needs:
        whole = guard if need.guard is None else builder.logic("both", guard, need.guard)
        if builder.known(whole) is False or need.condition in conjuncts(builder, whole):
            continue
        kept.append(replace(need, guard=None if builder.known(whole) else whole))
    return tuple(kept)


def conjuncts(builder: Builder, step: int) -> set[int]:
    """The conditions that all hold where `step` does."""
    found = {step}
    if builder.steps[step].primitive == "both":
        for operand in builder.steps[step].operands:
            found |= conjuncts(builder, operand)
    return found


def joined(builder: Builder, *groups: Sequence[Need]) -> tuple[Need, ...]:
    """All needs once, in order; those that always hold are dropped."""
    kept: dict[tuple[int, int | None, str, str], Need] = {}
    for group in groups:
        for need in group:
            if builder.known(need.condition) is not True:
                kept.setdefault((need.condition, need.guard, need.refusal.code, need.refusal.field), need)
    return tuple(kept.values())


def on_row(builder: Builder, need: Need) -> Need:
    """The need of a row: one that stands on a list must be met by each item."""
    axis = builder.type(need.condition).axis
    axis = axis if need.guard is None or axis != ROW else builder.type(need.guard).axis
    if axis == ROW:
        return need
    met = need.condition
    if need.guard is not None:
        met = builder.logic("either", builder.negation(need.guard), met)
    met = builder.spread(met, axis)
    return Need(builder.all_items(met), None, replace(need.refusal, items=(axis, met)))


def reduced(builder: Builder, needs: Sequence[Need]) -> tuple[Need, ...]:
    """The needs of a value that is taken from a list to the row."""
    return tuple(on_row(builder, need) for need in needs)


def givens(expr: Expr, positive: bool) -> set[str]:
    """Optional inputs that are surely given where the condition holds (or, not positive, where it does not)."""
    match expr:
        case Call(function="given", arguments=(Name(path=path),)) if positive:
            return {path}
        case Unary(op="not", operand=operand):
            return givens(operand, not positive)
        case Logic(op="and", items=items) if positive:
            return set().union(*(givens(item, True) for item in items))
        case Logic(op="or", items=items) if not positive:
            return set().union(*(givens(item, False) for item in items))
        case _:
            return set()


def surely(builder: Builder, condition: Value) -> int:
    """The condition where all that it reads is there; false elsewhere."""
    step = condition.step
    for need in reduced(builder, condition.needs):
        holds = need.condition
        if need.guard is not None:
            holds = builder.logic("either", builder.negation(need.guard), holds)
        step = builder.logic("both", holds, step)
    return step


def asked_already(builder: Builder, needs: Sequence[Need], need: Need) -> bool:
    """Whether one of the needs asks the same of more rows: with no guard, or with one that holds where its does."""
    asked = set() if need.guard is None else conjuncts(builder, need.guard)
    return any(
        (one.condition, one.refusal.code, one.refusal.field) == (need.condition, need.refusal.code, need.refusal.field)
        and (one.guard is None or conjuncts(builder, one.guard) <= asked)
        for one in needs
    )


def reads_input(builder: Builder, step: int, name: str) -> bool:
    """Whether a step depends on an input."""
    open_steps, seen = [step], {step}
    while open_steps:
        current = builder.steps[open_steps.pop()]
        if current.primitive in ("input", "given") and current.name.partition("@")[0] == name:
            return True
        more = set(current.operands) - seen
        seen |= more
        open_steps += more
    return False


def where_it_holds(builder: Builder, condition: Value) -> Value:
    """A condition with the needs that it has where it holds: those that its own parts guard count without a guard."""
    holding = conjuncts(builder, condition.step)

    def freed(need: Need) -> Need:
        guard = set() if need.guard is None else conjuncts(builder, need.guard) - holding
        return replace(need, guard=None) if all(builder.steps[one].primitive == "both" for one in guard) else need

    return replace(condition, needs=joined(builder, [freed(need) for need in condition.needs]))


def always_read(condition: Value) -> set[str]:
    """The optional inputs without which a condition cannot be told, whatever the others are."""
    missing = (need.refusal for need in condition.needs if need.guard is None)
    return {why.field for why in missing if why.code == "missing-value"}
