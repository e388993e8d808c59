"""What each primitive means in decimals: the interpretation of a program that `reference` runs, one row at a time.

Numbers are decimals in their unit (0.5283 CNY/kWh, not 5283). Codes, days and booleans are decimals without places:
positions, days since 1970-01-01, 0 and 1. The table is keyed by primitive; a test asserts that it lacks none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from engine.compiler.program import DayTable, Figure, Program, Slot, Step
from engine.evaluator import decimals
from engine.evaluator.decimals import ONE, ZERO


@dataclass(frozen=True, slots=True)
class Frame:
    """What one row brings to a program."""

    program: Program
    inputs: Mapping[str, Decimal]  # absent ones are not in it
    given: Mapping[str, bool]
    slots: tuple[Slot, ...]
    figures: tuple[tuple[Figure | None, ...], ...]  # slot x cell, at the row's version
    naming: Context  # of the named roundings


Rule = Callable[[Frame, Step, Sequence[Decimal]], Decimal]


def _input(frame: Frame, step: Step, _: Sequence[Decimal]) -> Decimal:
    value = frame.inputs.get(step.name)
    return decimals.constant(step.type.low, step.type.places) if value is None else value


def _given(frame: Frame, step: Step, _: Sequence[Decimal]) -> Decimal:
    return _truth(frame.given.get(step.name, False))


def _literal(_frame: Frame, step: Step, _: Sequence[Decimal]) -> Decimal:
    return decimals.constant(step.value, step.type.places)


def _constant(frame: Frame, step: Step, _: Sequence[Decimal]) -> Decimal:
    return _figure(frame, step, 0)


def _cell(frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _figure(frame, step, int(operands[0]))


def _figure(frame: Frame, step: Step, cell: int) -> Decimal:
    figure = frame.figures[step.slot][cell]
    if figure is None:
        # A `require` beside it refuses the rows that would use it.
        return decimals.constant(step.type.low, step.type.places)
    return decimals.constant(figure.value, frame.slots[step.slot].type.places)


def _index(frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    position = 0
    for operand, source, stride, offset in zip(operands, step.operands, step.strides, step.offsets, strict=True):
        whole = decimals.to_whole(operand, frame.program.steps[source].type.places)
        assert whole is not None, f"a number with too many places indexes a table: {operand}"
        position += stride * (whole - offset)
    return Decimal(min(max(position, step.type.low), step.type.high))


def _calendar(frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    table: DayTable = frame.program.calendars[step.slot]
    at = int(operands[0]) - table.first_day
    # The door keeps days inside; an absent date reads as its type's low, in a branch that is not taken.
    return decimals.constant(table.values[min(max(at, 0), len(table.values) - 1)], step.type.places)


def _add(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return operands[0] + operands[1]


def _subtract(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return operands[0] - operands[1]


def _multiply(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    # A zero times a negative number has a sign in decimals; no bill shows -0.00.
    return operands[0] * operands[1] + ZERO


def _same(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return operands[0]


def _negate(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return ZERO - operands[0]


def _absolute(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return abs(operands[0])


def _minimum(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return operands[0] if operands[0] <= operands[1] else operands[1]


def _maximum(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return operands[0] if operands[0] >= operands[1] else operands[1]


def _select(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return operands[1] if operands[0] else operands[2]


def _round(frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    return decimals.rounded(operands[0], step.type.places, step.mode, frame.naming)


def _multiply_round(frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    return decimals.rounded(operands[0] * operands[1], step.type.places, step.mode, frame.naming)


def _divide(_frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    return decimals.divided(operands[0], _divisor(_frame, step, operands, 1), step.type.places, step.mode)


def _multiply_divide(_frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    product = operands[0] * operands[1]
    return decimals.divided(product, _divisor(_frame, step, operands, 2), step.type.places, step.mode)


def _divisor(frame: Frame, step: Step, operands: Sequence[Decimal], at: int) -> Decimal:
    """Read a divisor of zero as one whole number of its smallest place; a `require` beside it refuses the row."""
    if operands[at]:
        return operands[at]
    return decimals.of_whole(1, frame.program.steps[step.operands[at]].type.places)


def _sqrt(_frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    # Negative only in a branch that is not taken.
    return decimals.square_root(max(operands[0], ZERO), step.type.places, step.mode)


def _power_factor(_frame: Frame, step: Step, operands: Sequence[Decimal]) -> Decimal:
    factor = decimals.power_factor(abs(operands[0]), operands[1], step.type.places, step.mode)
    # Energy flowing backwards has no power factor in [0, 1]: below zero it leaves the step's bounds and is noticed.
    return factor if operands[0] >= 0 else ZERO - factor


def _less(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _truth(operands[0] < operands[1])


def _less_equal(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _truth(operands[0] <= operands[1])


def _equal(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _truth(operands[0] == operands[1])


def _both(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _truth(bool(operands[0]) and bool(operands[1]))


def _either(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _truth(bool(operands[0]) or bool(operands[1]))


def _negation(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    return _truth(not operands[0])


def _require(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    """Tell whether the row may pass: the condition holds, or its guard does not."""
    guarded = len(operands) == 1 or bool(operands[1])
    return _truth(bool(operands[0]) or not guarded)


def _truth(value: bool) -> Decimal:
    return ONE if value else ZERO


INTERPRETATION: Final[Mapping[str, Rule]] = {
    "input": _input,
    "given": _given,
    "literal": _literal,
    "constant": _constant,
    "cell": _cell,
    "index": _index,
    "calendar": _calendar,
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "rescale": _same,
    "negate": _negate,
    "absolute": _absolute,
    "minimum": _minimum,
    "maximum": _maximum,
    "select": _select,
    "round": _round,
    "multiply_round": _multiply_round,
    "divide": _divide,
    "multiply_divide": _multiply_divide,
    "sqrt": _sqrt,
    "power_factor": _power_factor,
    "less": _less,
    "less_equal": _less_equal,
    "equal": _equal,
    "both": _both,
    "either": _either,
    "negation": _negation,
    "claim": _same,
    "require": _require,
}
