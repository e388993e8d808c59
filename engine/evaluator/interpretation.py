"""What each primitive means in decimals: the interpretation of a program that `reference` runs, one row at a time.

Numbers are decimals in their unit (0.5283 CNY/kWh, not 5283). Codes, days and booleans are decimals without places:
positions, days since 1970-01-01, 0 and 1. A value on a list is a tuple of such, one for each item; a primitive that
takes each item by itself is written for one and applied to all (`on_items`). The table is keyed by primitive; a test
asserts that it lacks none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from itertools import accumulate, repeat
from typing import Final

from engine.compiler.program import ELEMENTWISE_NOT, ROW, AxisSpec, DayTable, Figure, Program, Slot, Step
from engine.evaluator import decimals, row_intervals
from engine.evaluator.decimals import ONE, ZERO
from engine.evaluator.row_lists import Items

Value = Decimal | tuple[Decimal, ...]
"""A row's value, or one for each item of a list."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What one part of a row brings to a program."""

    program: Program
    inputs: Mapping[str, Decimal]  # absent ones are not in it
    given: Mapping[str, bool]  # inputs and lists
    lists: Mapping[str, Items]
    period: tuple[int, int]  # first day and the day after the last
    slots: tuple[Slot, ...]
    figures: tuple[tuple[Figure | None, ...], ...]  # slot x cell, at the version of the part
    naming: Context  # of the named roundings
    part: int = 0  # position among the parts of the row
    run: Sequence[Sequence[Value]] = ()  # values so far, part by part, in step with each other


Rule = Callable[[Frame, Step, Sequence[Decimal]], Decimal]
"""Of a primitive that takes each row, or each item of a list, by itself."""
WholeRule = Callable[[Frame, Step, Sequence[Value]], Value]
"""Of any primitive: operands on a list come with all their items."""


def on_items(rule: Rule) -> WholeRule:
    """Apply a rule of single values to each item; a literal or constant of the row goes with every item."""

    def applied(frame: Frame, step: Step, operands: Sequence[Value]) -> Value:
        count = frame.lists[step.type.axis].count
        columns = [operand if isinstance(operand, tuple) else repeat(operand, count) for operand in operands]
        if not columns:
            return tuple(rule(frame, step, ()) for _ in range(count))
        found = tuple(rule(frame, step, items) for items in zip(*columns, strict=False))
        assert len(found) == count, f"{step.primitive} has {len(found)} items of the {count} of {step.type.axis}"
        return found

    return applied


def rule_of(step: Step) -> WholeRule:
    """Give what runs a step."""
    rule: WholeRule = INTERPRETATION[step.primitive]  # type: ignore[assignment]  # single values are values
    if step.type.axis == ROW or step.primitive in ELEMENTWISE_NOT:
        return rule
    if step.primitive == "input":
        return _input_items
    if step.primitive == "given":
        return _given_items
    return on_items(INTERPRETATION[step.primitive])  # type: ignore[arg-type]  # it takes each item by itself


def _input(frame: Frame, step: Step, _: Sequence[Decimal]) -> Decimal:
    value = frame.inputs.get(step.name)
    return decimals.constant(step.type.low, step.type.places) if value is None else value


def _input_items(frame: Frame, step: Step, _: Sequence[Value]) -> Value:
    absent = decimals.constant(step.type.low, step.type.places)
    return tuple(absent if item is None else item for item in frame.lists[step.type.axis].values[step.name])


def _given(frame: Frame, step: Step, _: Sequence[Decimal]) -> Decimal:
    return _truth(frame.given.get(step.name, False))


def _given_items(frame: Frame, step: Step, _: Sequence[Value]) -> Value:
    return tuple(map(_truth, frame.lists[step.type.axis].are_given[step.name]))


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


def _spread(frame: Frame, step: Step, operands: Sequence[Value]) -> Value:
    (value,) = operands
    assert isinstance(value, Decimal)
    return (value,) * frame.lists[step.type.axis].count


def _sum_items(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    return sum(_items(operands[0]), ZERO)


def _largest_item(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    items = _items(operands[0])
    return max(items) if items else operands[1]


def _smallest_item(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    items = _items(operands[0])
    return min(items) if items else operands[1]


def _first_item(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    items = _items(operands[0])
    return items[0] if items else operands[1]


def _last_item(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    items = _items(operands[0])
    return items[-1] if items else operands[1]


def _all_items(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    return _truth(all(_items(operands[0])))


def _running_sum(_frame: Frame, _step: Step, operands: Sequence[Value]) -> Value:
    return tuple(accumulate(_items(operands[0])))


def _previous_item(_frame: Frame, step: Step, operands: Sequence[Value]) -> Value:
    items, first = _items(operands[0]), operands[1]
    # At the first item stands what `first` has there; a literal has it everywhere.
    return (*(first[:1] if isinstance(first, tuple) else (first,)), *items[:-1]) if items else ()


def _timeline(frame: Frame, step: Step, _: Sequence[Value]) -> Value:
    axis = axis_of(frame.program, step.type.axis)
    if not frame.lists[axis.name].given:
        return ()
    found = row_intervals.values(frame.program, axis, step.slot, *frame.period)
    assert len(found) == frame.lists[axis.name].count, "the door counts the intervals of a list that follows the clock"
    return tuple(decimals.constant(value, step.type.places) for value in found)


def axis_of(program: Program, name: str) -> AxisSpec:
    """Find a list by its name."""
    return next(axis for axis in program.axes if axis.name == name)


def _items(value: Value) -> tuple[Decimal, ...]:
    assert isinstance(value, tuple), f"{value} is no value on a list"
    return value


def _earlier_parts(frame: Frame, step: Step, operands: Sequence[Value]) -> Value:
    value, group = step.operands
    alike = [part for part in frame.run[: frame.part] if part[group] == operands[1]]
    return sum((single(part[value]) for part in alike), ZERO)


def _all_parts(frame: Frame, step: Step, operands: Sequence[Value]) -> Value:
    (value,) = step.operands
    return sum((single(part[value]) for part in frame.run), ZERO) if frame.run else operands[0]


def _largest_part(frame: Frame, step: Step, operands: Sequence[Value]) -> Value:
    (value,) = step.operands
    return max(single(part[value]) for part in frame.run) if frame.run else operands[0]


def single(value: Value) -> Decimal:
    """Give a value of the row as what it is."""
    assert isinstance(value, Decimal), "a value of the row was expected, not one on a list"
    return value


def _require(_frame: Frame, _step: Step, operands: Sequence[Decimal]) -> Decimal:
    """Tell whether the row may pass: the condition holds, or its guard does not."""
    guarded = len(operands) == 1 or bool(operands[1])
    return _truth(bool(operands[0]) or not guarded)


def _truth(value: bool) -> Decimal:
    return ONE if value else ZERO


INTERPRETATION: Final[Mapping[str, Rule | WholeRule]] = {
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
    "spread": _spread,
    "sum_items": _sum_items,
    "largest_item": _largest_item,
    "smallest_item": _smallest_item,
    "first_item": _first_item,
    "last_item": _last_item,
    "all_items": _all_items,
    "running_sum": _running_sum,
    "previous_item": _previous_item,
    "timeline": _timeline,
    "earlier_parts": _earlier_parts,
    "all_parts": _all_parts,
    "largest_part": _largest_part,
}
