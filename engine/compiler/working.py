"""Where an explanation finds the working of an amount: the names of its formula, and the constants under it.

Takes an amount's formula and the inference that made it; gives a `Working`. No bill needs a step that is made here.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.compiler.inferring import Inferring
from engine.compiler.program import Working
from engine.compiler.scope import BUILT_IN
from engine.language.expressions import Expr, Name, children, written
from engine.language.problems import ProblemsFound


def working(infer: Inferring, expr: Expr, charge: str) -> Working:
    """Every name of an amount's formula, and of the formulas behind them, with the steps that hold them."""
    names: dict[str, int] = {}
    for path in _reads(infer, expr, charge):
        try:
            names[path] = infer.value(Name(path)).step
        except ProblemsFound:
            continue  # an optional input that the formula guards with given()
    unrounded: int | None = None
    try:
        unrounded = infer.value(expr).step
    except ProblemsFound:
        unrounded = None
    slots = () if unrounded is None else tuple(_slots_below(infer, unrounded))
    return Working(written(expr), tuple(names.items()), unrounded, slots)


def _slots_below(infer: Inferring, step: int) -> Iterable[int]:
    """Constants that a step reads, and those that were folded into them."""
    open_steps, seen = [step], {step}
    found: set[int] = set()
    while open_steps:
        current = infer.builder.steps[open_steps.pop()]
        if current.primitive in ("constant", "cell"):
            queue = [current.slot]
            while queue:
                slot = queue.pop()
                if slot not in found:
                    found.add(slot)
                    queue += infer.builder.slots[slot].parents
        for operand in current.operands:
            if operand not in seen:
                seen.add(operand)
                open_steps.append(operand)
    return sorted(found)


def _reads(infer: Inferring, expr: Expr, charge: str) -> list[str]:
    """Names of a formula and of the formulas behind them; another charge is one name."""
    known = infer.scope
    found: dict[str, None] = {}
    queue: list[Expr] = [expr]
    while queue:
        current = queue.pop(0)
        if isinstance(current, Name) and current.path not in found:
            if any(current.path in names for names in (known.inputs, known.constants, known.definitions, BUILT_IN)):
                found[current.path] = None
            definition = known.definitions.get(current.path)
            if definition is not None and definition.charge in ("", charge):
                queue.append(definition.expr)
        queue.extend(children(current))
    return list(found)
