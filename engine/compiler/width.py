"""What a step that no exact kernel holds tells the analyst: which input to bound, and by which name."""

from __future__ import annotations

from typing import Final

from engine.compiler.program import Program
from engine.language.problems import Problem, problem


def width_problem(program: Program, step: int) -> Problem:
    """Name the widest input under a step that no exact kernel holds, and the bound to tighten."""
    widest, size = "", -1
    queue, seen = [step], {step}
    while queue:
        current = program.steps[queue.pop()]
        magnitude = max(abs(current.type.low), abs(current.type.high))
        if current.primitive == "input" and magnitude > size:
            widest, size = current.name, magnitude
        for operand in current.operands:
            if operand not in seen:
                seen.add(operand)
                queue.append(operand)
    spec = next((one for one in program.inputs if one.name == widest), None)
    at = program.steps[step]
    other = spec.place if spec is not None else None
    word, word_zh = _STEPS.get(at.primitive, ("result", "结果"))
    told = {"primitive": word, "primitive_zh": word_zh, "name": widest, "places": at.type.places}
    return problem("too-wide", at.place or other, other if at.place is not None else None, **told)


_STEPS: Final = {
    "input": ("number", "数"),
    "multiply": ("product", "乘积"),
    "multiply_round": ("product", "乘积"),
    "add": ("sum", "和"),
    "subtract": ("difference", "差"),
    "divide": ("quotient", "商"),
    "multiply_divide": ("quotient", "商"),
    "sqrt": ("square root", "平方根"),
    "power_factor": ("power factor", "功率因数"),
}
