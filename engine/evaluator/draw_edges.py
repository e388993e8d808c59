"""Where a rule set changes its mind: the numbers near which an input is worth drawing.

Takes the constants and literals of a program; gives whole numbers of an input's places: limits in its unit, quotas per
month times some months, each with one step either side, and the input's own bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.rows import Whole
from engine.language.units import Unit, parse_unit

MONTHS = (1, 2, 3, 12)
EDGES_MAX = 2000  # a long table gives its cells as edges; so many are kept, evenly


def edges(compiled: Compiled, spec: InputSpec) -> Whole:
    """Give the edges of a numeric input, ascending, within its bounds."""
    of = spec.type
    found = {of.low, of.high, 0, 1, -1}
    for value in _marks(compiled, of.unit):
        at = round(value * 10**of.places)
        found |= {at - 1, at, at + 1}
    kept = sorted(value for value in found | {of.low + 1, of.high - 1} if of.low <= value <= of.high)
    return np.array(kept[:: len(kept) // EDGES_MAX + 1], np.int64)


def _marks(compiled: Compiled, unit: Unit) -> Iterator[Fraction]:
    """Give the numbers in a unit that the rule set writes, and those per month times some months."""
    per_month = unit / parse_unit("month")[0]
    for written, value in _numbers(compiled):
        if written == unit:
            yield value
        elif written == per_month:
            yield from (value * months for months in MONTHS)


def _numbers(compiled: Compiled) -> Iterable[tuple[Unit, Fraction]]:
    constants = compiled.constants
    for figures in constants.figures:
        for slot, cells in zip(constants.slots, figures, strict=True):
            for cell in cells:
                if cell is not None:
                    yield slot.type.unit, Fraction(cell.value, 10**slot.type.places)
    for step in compiled.program.steps:
        if step.primitive == "literal" and step.type.kind == "number":
            yield step.type.unit, Fraction(step.value, 10**step.type.places)
