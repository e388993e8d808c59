"""A rule set reduced to what later rows carry from a row: its quantities, and whether the row needs a carried input.

The program stays as it is but for what it gives: each quantity is a line. Refusals that ask for the carried inputs, or
read them, are left out, so that a row which lacks them is computed. Prices and money are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.compiler.program import BOOLEAN, Compiled, InputSpec, Line, Program, Step, Working
from engine.evaluator.evaluate import Result
from engine.evaluator.rows import Array, Mask, Whole

_NEEDED = "needed"
_LACKS = "missing-value"
_EXCESS = "not-needed"


@dataclass(frozen=True, slots=True)
class Asked:
    """A carried input of a rule set."""

    spec: InputSpec
    quantity: int  # step that it is carried from, over the whole bill
    needs: tuple[str, ...]  # lines of the probe that hold where a row needs the input; none: `always` says
    always: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """A rule set for looking at its rows before they are billed.

    Attributes:
        compiled: the reduced rule set; its lines are quantities and needs, and its money means nothing.
        checked: all of its refusals and none of its bill, for looking again once carried inputs are known.
        asked: its carried inputs that can be computed.
        judged: a refusal reads a carried input's value, so that a second look is needed.
    """

    compiled: Compiled
    checked: Compiled
    asked: tuple[Asked, ...]
    judged: bool


def probe(compiled: Compiled) -> Probe | None:
    """Reduce a rule set; None where it carries nothing that can be computed before."""
    program = compiled.program
    specs = [spec for spec in program.inputs if spec.carried is not None]
    if not specs:
        return None
    names = {spec.name for spec in specs}
    reads = _reading(program, lambda step: step.primitive == "input" and step.name in names)
    looks = _reading(program, lambda step: step.primitive == "given" and step.name in names)
    sources = {spec.name: _source(program, spec) for spec in specs}
    specs = [spec for spec in specs if sources[spec.name] not in reads | looks]
    if not specs:
        return None
    steps, asked = list(program.steps), []
    lines: list[Line] = []
    judged = False
    for at, step in enumerate(steps):
        if step.primitive != "require" or at not in reads | looks:
            continue
        refusal = program.refusals[step.refusal]
        lacks = refusal.code == _LACKS and refusal.field in names
        if at in looks and at not in reads and refusal.code == _EXCESS and refusal.field in names:
            continue  # whether a value that is given may be given is told from what came
        judged |= not lacks
        steps[at] = Step("literal", (), BOOLEAN, value=1)
    for spec in specs:
        needs = _needs(program, spec, steps, lines)
        quantity = sources[spec.name]
        lines.append(_line(spec.name, quantity))
        asked.append(Asked(spec, quantity, needs, not spec.optional))
    inputs = tuple(replace(spec, optional=True) if spec.name in names else spec for spec in program.inputs)
    bare = replace(program, ledgers=(), warnings=(), total=asked[0].quantity)
    reduced = replace(bare, inputs=inputs, steps=tuple(steps), lines=tuple(lines))
    return Probe(
        replace(compiled, program=reduced), replace(compiled, program=replace(bare, lines=())), tuple(asked), judged
    )


def _source(program: Program, spec: InputSpec) -> int:
    assert spec.carried is not None
    return program.names[f"{spec.carried.of}@carried"]


def _reading(program: Program, starts: object) -> frozenset[int]:
    """The steps that read certain steps, and those themselves."""
    assert callable(starts)
    found: set[int] = set()
    for at, step in enumerate(program.steps):
        if starts(step) or not found.isdisjoint(step.operands):
            found.add(at)
    return frozenset(found)


def _needs(program: Program, spec: InputSpec, steps: list[Step], lines: list[Line]) -> tuple[str, ...]:
    """Make a line of each condition under which the rule set refuses a row for want of the input."""
    found: list[str] = []
    for step in program.steps:
        if step.primitive != "require":
            continue
        refusal = program.refusals[step.refusal]
        if (refusal.code, refusal.field) != (_LACKS, spec.name):
            continue
        condition, *guard = step.operands
        steps.append(Step("negation", (condition,), BOOLEAN))
        if guard:
            steps.append(Step("both", (len(steps) - 1, guard[0]), BOOLEAN))
        name = f"{_NEEDED}.{len(found)}.{spec.name}"
        lines.append(_line(name, len(steps) - 1))
        found.append(name)
    return tuple(found)


def _line(name: str, step: int) -> Line:
    return Line(name, name, "", step, None, None, None, "", False, Working("", (), None, ()))


def quantities(asked: Asked, result: Result) -> Whole:
    """Give each row's quantity, in whole numbers of its places; every part of a row says that of the whole bill."""
    return _last(result.amounts[asked.spec.name], result.offsets).astype(np.int64)


def needed(asked: Asked, result: Result) -> Mask:
    """(row,) whether the row needs the input, where it is not given."""
    found = np.full(len(result.kept), asked.always)
    for name in asked.needs:
        found |= _last(result.amounts[name], result.offsets).astype(bool)
    return found


def _last(values: Array, offsets: Whole | None) -> Array:
    """That of each row's last part."""
    return values if offsets is None else values[offsets[1:] - 1]


def probes(book: Mapping[str, Compiled]) -> dict[str, Probe]:
    """The rule sets of a book that carry something, by key."""
    found = {key: probe(one) for key, one in book.items()}
    return {key: one for key, one in found.items() if one is not None}


def carried_inputs(book: Mapping[str, Compiled]) -> frozenset[str]:
    """The inputs that any rule set of a book carries."""
    return frozenset(
        spec.name for compiled in book.values() for spec in compiled.program.inputs if spec.carried is not None
    )
