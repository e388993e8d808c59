"""Draw lists: none to as many items as a row may have, mostly few; of an interval list, those of the billing period.

Takes a compiled rule set, billing periods and random numbers; gives items with values in their bounds, days near the
edges of their billing period. A share of rows has an item too many, or an interval too few.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from engine.compiler.program import END_DAY, FIRST_DAY, AxisSpec, Compiled
from engine.evaluator import draw_values, row_intervals
from engine.evaluator.drawn import DrawnList, list_inputs
from engine.evaluator.rows import Whole

Random = np.random.Generator

GIVEN_SHARE: Final = 0.7  # of rows that give an optional list, of items that give an optional input
BAD_COUNT_SHARE: Final = 0.02
ABSENT_SHARE: Final = 0.005  # of rows that do not give a list that they must
FEW: Final = (0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6)
MANY_MAX: Final = 60  # items: a list that may have more is drawn full in two rows of a batch alone
INTERVALS_MAX: Final = 1000  # of a row; with more, an interval list comes with one item but for two rows of a batch
ORDERED_SHARE: Final = 0.95  # of items whose days are in the order of their declaration


def lists(compiled: Compiled, first: Whole, end: Whole, random: Random) -> dict[str, DrawnList]:
    """Draw the lists of rows with the billing periods [first, end)."""
    found = {}
    for axis in compiled.program.axes:
        counts = _intervals(compiled, axis, first, end, random) if axis.minutes else _few(axis, len(first), random)
        absent = 1 - GIVEN_SHARE if axis.optional else ABSENT_SHARE
        present = random.random(len(first)) >= absent
        its = DrawnList(counts, present, {}, {})
        _fill(compiled, axis, its, first, end, random)
        found[axis.name] = its
    return found


def _few(axis: AxisSpec, count: int, random: Random) -> Whole:
    """Draw how many items rows have; the most that they may have, and one more, too."""
    counts = np.minimum(random.choice(np.array(FEW), size=count), axis.at_most)
    full = random.random(count) < BAD_COUNT_SHARE if axis.at_most <= MANY_MAX else np.arange(count) < 2
    return np.where(full, axis.at_most + random.integers(2, size=count), counts)


def _intervals(compiled: Compiled, axis: AxisSpec, first: Whole, end: Whole, random: Random) -> Whole:
    """Count the intervals of billing periods; a few rows have one too many or too few."""
    found = []
    long_rows = 0
    for one, other in zip(first.tolist(), end.tolist(), strict=True):
        days = (max(one, FIRST_DAY), min(other, END_DAY - 1))
        count = row_intervals.count(compiled.program, axis, *days) if days[0] < days[1] else 1
        if count > INTERVALS_MAX:
            long_rows += 1
            count = min(count, axis.at_most + 1) if long_rows <= 2 else 1
        found.append(count)
    counts = np.array(found, np.int64)
    wrong = random.random(len(counts)) < BAD_COUNT_SHARE
    return np.maximum(counts + np.where(wrong, random.choice([-1, 1], size=len(counts)), 0), 0)


def _fill(compiled: Compiled, axis: AxisSpec, its: DrawnList, first: Whole, end: Whole, random: Random) -> None:
    """Draw the items' values."""
    row = its.row
    specs = list_inputs(compiled, axis.name)
    optional = {spec.name: spec.optional or spec.default is not None for spec in specs}
    for spec in specs:
        near = _near(first[row], end[row], random)
        its.values[spec.name] = draw_values.values(compiled, spec, near, random)
        its.given[spec.name] = random.random(len(row)) < (GIVEN_SHARE if optional[spec.name] else 2.0)
    days = [spec.name for spec in specs if spec.type.kind == "date"]
    if len(days) > 1:
        # A first and a last day are in order most of the time.
        # A day that may be absent is so where the one before it is: what did not begin did not end.
        laid = np.stack([its.values[name] for name in days])
        ordered = random.random(len(row)) < ORDERED_SHARE
        its.values |= dict(zip(days, np.where(ordered, np.sort(laid, axis=0), laid), strict=True))
        for earlier, later in pairwise(days):
            its.given[later] &= its.given[earlier] | ~(ordered & optional[later])


def _near(first: Whole, end: Whole, random: Random) -> Whole:
    """Draw days at the edges of billing periods, inside, and some way before and after."""
    count = len(first)
    edge = np.where(random.random(count) < 0.5, first, end) + random.integers(-1, 2, size=count)
    inside = random.integers(first, np.maximum(end, first + 1))
    away = first + random.integers(-800, 100, size=count)
    how = random.random(count)
    return np.where(how < 0.5, edge, np.where(how < 0.8, inside, away))
