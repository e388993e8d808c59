"""Draw random rows for a rule set, its edges more often than its middle.

Takes a compiled rule set, a count and a seed; gives a batch in which most rows can be billed: bounds and zero, limits
of tiers and one step either side, inputs that agree where a rule wants them to, every code, both truths, optional
inputs there and absent, the first and last day of each version. A share of rows has something wrong with it.
The same seed gives the same rows. `engine.evaluator.compare` bills them twice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.compiler.program import Compiled, InputSpec
from engine.evaluator import draw_lists, draw_values
from engine.evaluator.draw_days import periods
from engine.evaluator.draw_guide import Guide
from engine.evaluator.drawn import Drawn, in_list, in_rows, list_inputs
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Children, Column, Mask, Rows, Whole

Random = np.random.Generator

BAD_SHARE: Final = 0.05  # of rows that are spoilt on purpose, an input each
GIVEN_SHARE: Final = 0.7  # of rows that give an optional input, before conditions are heeded
ROUNDS: Final = 9  # of mending; what still fails then stays, and is refused
AIMED_ROUNDS: Final = 5  # in which rows are moved to edges, too


def draw(compiled: Compiled, count: int, seed: int) -> Rows:
    """Draw a batch.

    Args:
        compiled: the rule set; its inputs, bounds and constants are read.
        count: rows.
        seed: of the random numbers; any whole number from 0.

    Returns:
        Rows with columns of the kinds that files have: whole numbers, with the declared places or one more,
        dictionaries, booleans, and one input a batch as text or as float64.
    """
    random = np.random.default_rng(seed)
    first, end = periods(compiled, count, random)
    drawn = Drawn(first, end, {}, {})
    for spec in row_inputs(compiled):
        near = first + random.integers(-800, 100, size=count)
        drawn.values[spec.name] = draw_values.values(compiled, spec, near, random)
        optional = spec.optional or spec.default is not None
        drawn.given[spec.name] = random.random(count) < GIVEN_SHARE if optional else np.ones(count, np.bool_)
    drawn.lists = draw_lists.lists(compiled, first, end, random)
    guide = Guide(compiled)
    for round_ in range(ROUNDS):
        guide.mend(drawn, random, aim=round_ < AIMED_ROUNDS)
    return _batch(compiled, drawn, random)


def _batch(compiled: Compiled, drawn: Drawn, random: Random) -> Rows:
    """Lay the rows out as files would, one input in text and one as float64, and spoil a share."""
    count = len(drawn)
    of_lists = {axis: list_inputs(compiled, axis) for axis in drawn.lists}
    specs = [*row_inputs(compiled), *(spec for own in of_lists.values() for spec in own)]
    spoilt = random.random(count) < BAD_SHARE
    which = random.integers(max(len(specs), 1), size=count)
    numbers = [spec.name for spec in specs if spec.type.kind == "number"]
    forms = draw_values.Forms(*(str(random.choice(numbers)) if numbers else "" for _ in range(2)))
    columns: dict[str, Column] = {}
    for at, spec in enumerate(specs):
        bad = spoilt & (which == at)
        values, given = _drawn_of(drawn, spec)
        if spec.type.axis in drawn.lists:
            bad = _one_item(bad, drawn.lists[spec.type.axis].counts, random)
        columns[spec.name] = draw_values.column(spec, values, given, bad, forms, random)
    children: dict[str, Children] = {}
    for axis, own in of_lists.items():
        children[axis] = in_list(axis, drawn.lists[axis], {spec.name: columns.pop(spec.name) for spec in own})
    return in_rows(compiled, drawn, columns, children)


def _drawn_of(drawn: Drawn, spec: InputSpec) -> tuple[Whole, Mask]:
    of = drawn.lists.get(spec.type.axis, drawn)
    return of.values[spec.name], of.given[spec.name]


def _one_item(bad: Mask, counts: Whole, random: Random) -> Mask:
    """Choose an item of each row that is to be spoilt, if it has any."""
    rows = np.flatnonzero(bad & (counts > 0))
    starts = np.cumsum(counts) - counts
    found = np.zeros(int(counts.sum()), np.bool_)
    found[starts[rows] + random.integers(0, counts[rows])] = True
    return found
