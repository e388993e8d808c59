"""Which values of a run mean something: the reference's check that every proof of the compiler holds.

A value may lie outside its bounds only where nothing reads it: in a branch that is not taken, or where a `require`
refuses the row. Takes a step, its operands, and where those mean nothing; tells where the value means nothing either.
A value of the row has one position, 0; a value on a list has one for each item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from engine.compiler.program import ELEMENTWISE_NOT, Program, Step
from engine.evaluator.interpretation import Value

Positions = frozenset[int]

NOWHERE: Final[Positions] = frozenset()
WHOLE: Final[Positions] = frozenset({0})


class Unsound(AssertionError):
    """A value that the compiler proved impossible. A fault of the engine, never of a rule or a row."""


def spoilt(step: Step, operands: Sequence[Value], bad: Sequence[Positions], value: Value) -> Positions:
    """Tell where a value means nothing because its operands mean nothing there; not by a branch that is not taken."""
    if step.primitive in ELEMENTWISE_NOT and step.primitive != "require":
        return _along(step.primitive, operands, bad, value)
    if not isinstance(value, tuple):
        return WHOLE if _spoils(step.primitive, operands, [bool(one) for one in bad]) else NOWHERE
    everywhere = range(len(value))
    near = {at for operand, one in zip(operands, bad, strict=True) if one for at in _spread(operand, one, everywhere)}
    return frozenset(
        at
        for at in near
        if _spoils(
            step.primitive,
            [_at(operand, at) for operand in operands],
            [
                at in one if isinstance(operand, tuple) else bool(one)
                for operand, one in zip(operands, bad, strict=True)
            ],
        )
    )


def spoilt_by_parts(
    step: Step, part: int, run: Sequence[Sequence[Value]], unsound: Sequence[Mapping[int, Positions]]
) -> Positions:
    """Tell whether a sum over parts means nothing because a part that it reads does.

    Args:
        step: an `earlier_parts`, `all_parts` or `largest_part`.
        part: the part whose value it is.
        run: values so far, part by part.
        unsound: step -> where its value means nothing, part by part.
    """
    value = step.operands[0]
    if step.primitive in ("all_parts", "largest_part"):
        return WHOLE if any(value in one for one in unsound) else NOWHERE
    group = step.operands[1]
    for earlier in range(part):
        if group in unsound[part] or group in unsound[earlier]:
            return WHOLE
        if value in unsound[earlier] and run[earlier][group] == run[part][group]:
            return WHOLE
    return NOWHERE


def outside(value: Value, low: Decimal, high: Decimal, unit: Decimal) -> Positions:
    """Tell where a value lies outside its bounds, or has more places than its type."""
    if isinstance(value, tuple):
        return frozenset(at for at, item in enumerate(value) if not low <= item <= high or item % unit)
    return WHOLE if not low <= value <= high or value % unit else NOWHERE


def not_excused(step: Step, where: Positions) -> Positions:
    """Leave out where a value may leave its bounds: what a `require` claims, and quotients.

    A quotient may have bounds that a kind or a `require` knows, and its divisor may be zero.
    """
    return NOWHERE if step.primitive in ("claim", "divide", "multiply_divide") else where


def assert_read_sound(
    program: Program, values: Sequence[Value], unsound: Mapping[int, Positions], *, last: bool
) -> None:
    """Assert that nothing that means nothing leaves the program.

    Args:
        program: that ran.
        values: by step, of one part.
        unsound: step -> where its value means nothing.
        last: it is the last part of its row, whose warnings are told.
    """
    if not unsound:
        return
    read = {program.total, *(step for _, step in program.ledgers)}
    for line in program.lines:
        read |= {step for step in (line.shown,) if step is not None}
        if line.shown is None or values[line.shown]:
            read |= {step for step in (line.amount, line.quantity, line.price) if step is not None}
    for warning in program.warnings if last else ():
        read.add(warning.when)
        if values[warning.when]:
            read |= {step for _, step in warning.values}
    read |= {at for at, step in enumerate(program.steps) if step.primitive == "require"}
    faults = sorted(read & unsound.keys())
    if faults:
        raise Unsound(f"steps {faults} read values that no `require` and no branch keeps in their bounds")


def _spoils(primitive: str, operands: Sequence[Value], bad: Sequence[bool]) -> bool:
    """Tell whether an unsound operand makes a single value unsound."""
    match primitive:
        case "select":
            return bad[0] or bad[1 if operands[0] else 2]
        case "both":
            return any(bad) and not any(not one and not value for one, value in zip(bad, operands, strict=True))
        case "either":
            return any(bad) and not any(not one and value for one, value in zip(bad, operands, strict=True))
        case "require" if len(operands) == 2:
            return bad[1] or bool(bad[0] and operands[1])
        case _:
            return any(bad)


def _along(primitive: str, operands: Sequence[Value], bad: Sequence[Positions], value: Value) -> Positions:
    """Tell where a primitive that goes over a list, or onto one, reads what means nothing."""
    items = operands[0]
    match primitive:
        case "spread":
            assert isinstance(value, tuple)
            return frozenset(range(len(value))) if bad[0] else NOWHERE
        case "running_sum":
            assert isinstance(value, tuple)
            return frozenset(range(min(bad[0]), len(value))) if bad[0] else NOWHERE
        case "previous_item":
            assert isinstance(value, tuple)
            first = WHOLE if value and (0 in bad[1]) else NOWHERE
            return first | frozenset(at + 1 for at in bad[0] if at + 1 < len(value))
        case "all_items":
            assert isinstance(items, tuple)
            fails = any(not item and at not in bad[0] for at, item in enumerate(items))
            return WHOLE if bad[0] and not fails else NOWHERE
        case "sum_items":
            return bad[0] and WHOLE
        case _:
            assert isinstance(items, tuple)
            if not items:
                return bad[1] and WHOLE
            one = {"first_item": {0}, "last_item": {len(items) - 1}}.get(primitive)
            return WHOLE if (bad[0] if one is None else bad[0] & one) else NOWHERE


def _spread(operand: Value, bad: Positions, everywhere: range) -> Sequence[int] | Positions:
    return bad if isinstance(operand, tuple) else everywhere


def _at(operand: Value, at: int) -> Decimal:
    return operand[at] if isinstance(operand, tuple) else operand
