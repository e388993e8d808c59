"""Tallies: what a program asks of one column of an interval list, by conditions that the clock decides.

Takes a program; gives, for each step that sums a column's items, or finds their largest or smallest, of all intervals
or of those of a time-of-use period, the `Ask` that answers it. All such questions about one column make one `Tally`,
which `engine.evaluator.tallying` answers in one look at the items.

A condition that reads nothing but timelines and literals is the same on all days of one kind: days that are divided
alike in every timeline it reads, and are as long.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np

from engine.compiler import capacity
from engine.compiler.program import AxisSpec, Program, Step, Timeline
from engine.evaluator.clock import UNKNOWN, Clock, patterns
from engine.evaluator.rows import Array, Mask, Whole

How = Literal["sum", "largest", "smallest"]

ALL: Final = -1  # in place of a condition: it holds for every interval
_HOW: Mapping[str, How] = {"sum_items": "sum", "largest_item": "largest", "smallest_item": "smallest"}
_CALLS: Mapping[str, np.ufunc] = {
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "both": np.logical_and,
    "either": np.logical_or,
    "negation": np.logical_not,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One figure of a row: of the items for which a condition holds; the others count as 0."""

    how: How
    condition: int  # step, or ALL


@dataclass(frozen=True, eq=False)
class Tally:
    """All questions about one column.

    Attributes:
        program: of the steps named here.
        axis: the list.
        source: step of the column.
        questions: of which each `Ask` names one.
        magnitude: largest absolute value of an item.
    """

    program: Program = field(repr=False)
    axis: AxisSpec
    source: int
    questions: tuple[Question, ...]
    magnitude: int

    @property
    def name(self) -> str:
        """The input that the column is."""
        return self.program.steps[self.source].name

    @cached_property
    def conditions(self) -> tuple[int, ...]:
        """Steps of the conditions, each once."""
        return tuple(dict.fromkeys(one.condition for one in self.questions if one.condition != ALL))


@dataclass(frozen=True, slots=True)
class Asked:
    """A step answered by a tally: the answer to question `number`."""

    tally: Tally
    number: int


@dataclass(frozen=True)
class Kind:
    """Days divided alike.

    Attributes:
        length: intervals of a day.
        holds: condition -> shape (interval,) numbers of the day's intervals for which it holds.
        matrix: shape (interval, condition) 1.0 where the condition holds, else 0.0; in the order of `holds`.
    """

    length: int
    holds: Mapping[int, Whole]
    matrix: Array


@dataclass(frozen=True)
class Kinds:
    """The days of a batch by kind.

    Attributes:
        starts: shape (day + 1,) intervals before each day.
        lengths: shape (day,) intervals of each.
        numbers: shape (day,) position in `kinds`.
        kinds: that occur.
    """

    starts: Whole
    lengths: Whole
    numbers: Whole
    kinds: tuple[Kind, ...]


def find(program: Program, wanted: Collection[int]) -> dict[int, Asked]:
    """Find what tallies answer: step -> what it asks.

    Args:
        program: any.
        wanted: steps that are computed.
    """
    clocks = {axis.name: axis for axis in program.axes if axis.minutes}
    if not clocks:
        return {}
    questions: dict[int, dict[Question, int]] = {}
    steps: dict[int, tuple[int, Question]] = {}
    for position in sorted(wanted):
        step = program.steps[position]
        how = _HOW.get(step.primitive)
        operand = program.steps[step.operands[0]] if how else step
        if how is None or operand.type.axis not in clocks or operand.type.kind == "boolean":
            continue
        source, condition = _source(program, step.operands[0])
        if source is None:
            continue
        question = Question(how, condition)
        questions.setdefault(source, {}).setdefault(question, len(questions[source]))
        steps[position] = source, question
    tallies = {
        source: Tally(
            program,
            clocks[program.steps[source].type.axis],
            source,
            tuple(asked),
            capacity.magnitude(program.steps[source]),
        )
        for source, asked in questions.items()
    }
    return {at: Asked(tallies[source], questions[source][one]) for at, (source, one) in steps.items()}


def _source(program: Program, position: int) -> tuple[int | None, int]:
    """The column of which a figure is asked, and the condition; None: no tally answers it."""
    axis = program.steps[position].type.axis
    position = _origin(program, position)
    step = program.steps[position]
    condition = ALL
    if step.primitive == "select":
        condition, position, otherwise = (_origin(program, i) for i in step.operands)
        zero = program.steps[otherwise]
        if zero.primitive != "literal" or zero.value != 0 or not _by_clock(program, condition):
            return None, ALL
    of = program.steps[position]  # a value of the row, which each item has, is no column of the list
    return (position, condition) if of.primitive == "input" and of.type.axis == axis else (None, ALL)


def _origin(program: Program, position: int) -> int:
    """The step whose value a step has: that which it claims a narrower type of."""
    while program.steps[position].primitive in {"claim", "spread"}:
        (position,) = program.steps[position].operands
    return position


def _by_clock(program: Program, position: int) -> bool:
    """Whether a condition reads timelines and literals alone, and at least one timeline."""
    read = _leaves(program, position)
    return read is not None and any(one.primitive == "timeline" for one in read)


def _leaves(program: Program, position: int) -> list[Step] | None:
    """The timelines and literals that a condition reads; None: it reads something else too."""
    step = program.steps[_origin(program, position)]
    if step.primitive in {"timeline", "literal"}:
        return [step]
    if step.primitive not in _CALLS:
        return None
    found = []
    for operand in step.operands:
        of = _leaves(program, operand)
        if of is None:
            return None
        found += of
    return found


def day_kinds(tally: Tally, clock: Clock) -> Kinds:
    """Sort the days of a clock by how the conditions of a tally divide them."""
    program, conditions = tally.program, tally.conditions
    leaves = [leaf for condition in conditions for leaf in _leaves(program, condition) or []]
    slots = sorted({leaf.slot for leaf in leaves if leaf.primitive == "timeline"} | {tally.axis.clock})
    days = len(clock.starts) - 1
    by_slot = [patterns(program.timelines[slot], clock.first_day, clock.first_day + days) for slot in slots]
    found, numbers = np.unique(np.stack(by_slot), axis=1, return_inverse=True)
    lengths = np.diff(clock.starts)
    kinds = []
    for one in found.T.tolist():
        length = len(program.timelines[tally.axis.clock].patterns[one[slots.index(tally.axis.clock)]])
        values = {
            slot: _of_day(program.timelines[slot], pattern, length) for slot, pattern in zip(slots, one, strict=True)
        }
        masks = [_held(program, condition, values, length) for condition in conditions]
        matrix = np.zeros((length, len(masks)))
        for number, mask in enumerate(masks):
            matrix[:, number] = mask
        holds = {condition: np.flatnonzero(mask) for condition, mask in zip(conditions, masks, strict=True)}
        kinds.append(Kind(length, holds, matrix))
    return Kinds(clock.starts, lengths, numbers.reshape(-1), tuple(kinds))


def _of_day(timeline: Timeline, pattern: int, length: int) -> Whole:
    """A timeline's values on a day of a pattern; on a day of unknown type, as the clock lays it out."""
    return np.array(timeline.patterns[pattern], np.int64) if pattern >= 0 else np.full(length, UNKNOWN)


def _held(program: Program, position: int, values: Mapping[int, Whole], length: int) -> Mask:
    """Shape (interval,): where a condition holds on a day."""
    return np.broadcast_to(np.asarray(_value(program, position, values), np.bool_), length)


def _value(program: Program, position: int, values: Mapping[int, Whole]) -> Array:
    step = program.steps[_origin(program, position)]
    if step.primitive == "timeline":
        return values[step.slot]
    if step.primitive == "literal":
        return np.array([step.value])
    operands: Sequence[Array] = [_value(program, operand, values) for operand in step.operands]
    found: Array = _CALLS[step.primitive](*operands)
    return found
