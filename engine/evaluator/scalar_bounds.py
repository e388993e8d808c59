"""What a step can come to whatever branch is taken: bounds that need no proof of the compiler.

The declared bounds of a step hold where its value means something. In a branch that is not taken, or where a `require`
refuses the row, a claim may be wrong. Bounds from here hold there too: of what the door lets in, of literals, constants
and tables, and of exact arithmetic on these. A table may be read by them without a look at its ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.compiler.program import Constants, Program, Step
from engine.evaluator.row_door import OF_BILL

Bounds = tuple[int, int] | None
"""Lowest and highest, both included; None: not known."""

_TRUTHS: Final = frozenset(
    {"given", "less", "less_equal", "equal", "both", "either", "negation", "all_items", "require"}
)


def certain_bounds(program: Program, constants: Constants) -> tuple[Bounds, ...]:
    """Give the bounds of every step that hold in any branch."""
    found: list[Bounds] = []
    let_in = {spec.name: spec for spec in program.inputs}
    for step in program.steps:
        of = step.type
        if step.primitive == "input":
            spec = let_in.get(step.name.removesuffix(OF_BILL))
            ends = [of.low, of.high] if spec is None else [of.low, of.high, spec.type.low, spec.type.high]
            # A share of a value lies between it and zero.
            ends += [0] if spec is not None and spec.split else []
            found.append((min(ends), max(ends)))
        elif step.primitive in ("constant", "cell"):
            slot = constants.slots[step.slot].type
            by = 10 ** max(of.places - slot.places, 0)
            found.append((min(of.low, slot.low * by), max(of.low, slot.high * by)))
        elif step.primitive == "calendar":
            values = program.calendars[step.slot].values
            found.append((min(values), max(values)))
        elif step.primitive in _TRUTHS:
            found.append((0, 1))
        else:
            found.append(_of(program, step, [found[operand] for operand in step.operands]))
    return tuple(found)


def _of(program: Program, step: Step, operands: Sequence[Bounds]) -> Bounds:
    match step.primitive:
        case "literal":
            return step.value, step.value
        case "index":  # the rule keeps it within its type
            return step.type.low, step.type.high
        case "claim" | "spread":
            return operands[0]
    known = [one for one in operands if one is not None]
    if len(known) < len(operands):
        return None
    match step.primitive, known:
        case "add", [a, b]:
            return a[0] + b[0], a[1] + b[1]
        case "subtract", [a, b]:
            return a[0] - b[1], a[1] - b[0]
        case "multiply", [a, b]:
            ends = [x * y for x in a for y in b]
            return min(ends), max(ends)
        case "rescale", [a]:
            by = 10 ** (step.type.places - program.steps[step.operands[0]].type.places)
            return a[0] * by, a[1] * by
        case "negate", [a]:
            return -a[1], -a[0]
        case "absolute", [a]:
            return max(a[0], -a[1], 0), max(a[1], -a[0])
        case "minimum", [a, b]:
            return min(a[0], b[0]), min(a[1], b[1])
        case "maximum", [a, b]:
            return max(a[0], b[0]), max(a[1], b[1])
        case "select", [_, a, b]:
            return min(a[0], b[0]), max(a[1], b[1])
        case "round" | "multiply_round", _ if all(low >= 0 for low, _ in known):
            return 0, _most(step, program, known)
        case _:
            return None


def _most(step: Step, program: Program, known: Sequence[tuple[int, int]]) -> int:
    """Bound a rounded product from above, in any mode."""
    most, places = 1, -step.type.places
    for operand, (_, high) in zip(step.operands, known, strict=True):
        most *= high
        places += program.steps[operand].type.places
    scale: int = 10 ** abs(places)
    return -(-most // scale) if places > 0 else most * scale
