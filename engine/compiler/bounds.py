"""Bounds of a step from those of its operands: interval arithmetic on whole numbers.

Takes a step and the types of its operands; gives the lowest and the highest value that it can have. The builder makes
each step with such bounds. Where a number of a compiled rule set is replaced, those of all steps above it are made
again from here (`engine.comparison.proof`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.compiler.fold import change_places, root
from engine.compiler.folds import ratio
from engine.compiler.program import PARTS_MAX, Rounding, Step, Type

Bounds = tuple[int, int]


def product_bounds(x: Type, y: Type) -> Bounds:
    """Bounds of a product, from the four corners."""
    corners = [a * b for a in (x.low, x.high) for b in (y.low, y.high)]
    return min(corners), max(corners)


def quotient_bounds(top: Bounds, divisor: Type, shift: int, mode: Rounding) -> Bounds:
    """Bounds of a rounded quotient; the divisor is at least one of its smallest place (a `require` sees to zero)."""
    corners = [ratio(a, b, shift, mode) for a in top for b in (max(divisor.low, 1), max(divisor.high, 1))]
    return min(corners), max(corners)


def part_bounds(part: Type, whole: Type) -> Bounds:
    """Bounds of a value that lies between zero and another one."""
    by = 10 ** abs(part.places - whole.places)
    if part.places >= whole.places:
        low, high = whole.low * by, whole.high * by
    else:
        low, high = whole.low // by, -(-whole.high // by)  # the part may have been rounded away from zero
    return min(0, low), max(0, high)


def edge_bounds(value: Type, edge: Type, *, is_low: bool) -> Bounds:
    """Bounds of a value that is no lower, or no higher, than another one: of the numbers with the value's places."""
    at = change_places(edge.low, edge.places, value.places, Rounding.CEILING if is_low else Rounding.FLOOR)
    return (at, value.high) if is_low else (value.low, at)


def step_bounds(step: Step, operands: Sequence[Type], at_most: Mapping[str, int]) -> Bounds:
    """The bounds that a step has by its operands' alone.

    Args:
        step: any; of one that the operands say nothing of, its own bounds are given.
        operands: types of the steps that it reads, in its order.
        at_most: items of each list.
    """
    made = _BOUNDS.get(step.primitive)
    return (step.type.low, step.type.high) if made is None else made(step, operands, at_most)


def _product(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    return product_bounds(o[0], o[1])


def _rounded(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    low, high = (change_places(v, o[0].places, step.type.places, step.mode) for v in (o[0].low, o[0].high))
    return low, high


def _product_rounded(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    places = o[0].places + o[1].places
    low, high = (change_places(v, places, step.type.places, step.mode) for v in product_bounds(o[0], o[1]))
    return low, high


def _quotient(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    return quotient_bounds((o[0].low, o[0].high), o[1], step.type.places + o[1].places - o[0].places, step.mode)


def _product_quotient(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    shift = step.type.places + o[2].places - o[0].places - o[1].places
    return quotient_bounds(product_bounds(o[0], o[1]), o[2], shift, step.mode)


def _root(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    low, high = (root(max(v, 0), o[0].places, step.type.places, step.mode) for v in (o[0].low, o[0].high))
    return low, high


def _absolute(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    low = 0 if o[0].low <= 0 <= o[0].high else min(abs(o[0].low), abs(o[0].high))
    return low, max(abs(o[0].low), abs(o[0].high))


def _rescaled(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    by = 10 ** (step.type.places - o[0].places)
    return o[0].low * by, o[0].high * by


def _hull(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    return min(one.low for one in o), max(one.high for one in o)


def _chosen(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    return min(o[1].low, o[2].low), max(o[1].high, o[2].high)


def _summed(step: Step, o: Sequence[Type], at_most: Mapping[str, int]) -> Bounds:
    n = at_most[o[0].axis]
    return min(0, n * o[0].low), max(0, n * o[0].high)


def _running(step: Step, o: Sequence[Type], at_most: Mapping[str, int]) -> Bounds:
    n = at_most[o[0].axis]
    return min(o[0].low, n * o[0].low), max(o[0].high, n * o[0].high)


def _parts(step: Step, o: Sequence[Type], _: Mapping[str, int]) -> Bounds:
    return min(0, PARTS_MAX * o[0].low), max(0, PARTS_MAX * o[0].high)


_BOUNDS: Final[Mapping[str, Callable[[Step, Sequence[Type], Mapping[str, int]], Bounds]]] = {
    "add": lambda step, o, n: (o[0].low + o[1].low, o[0].high + o[1].high),
    "subtract": lambda step, o, n: (o[0].low - o[1].high, o[0].high - o[1].low),
    "multiply": _product,
    "rescale": _rescaled,
    "negate": lambda step, o, n: (-o[0].high, -o[0].low),
    "absolute": _absolute,
    "minimum": lambda step, o, n: (min(o[0].low, o[1].low), min(o[0].high, o[1].high)),
    "maximum": lambda step, o, n: (max(o[0].low, o[1].low), max(o[0].high, o[1].high)),
    "select": _chosen,
    "round": _rounded,
    "multiply_round": _product_rounded,
    "divide": _quotient,
    "multiply_divide": _product_quotient,
    "sqrt": _root,
    "claim": _hull,
    "spread": _hull,
    "sum_items": _summed,
    "largest_item": _hull,
    "smallest_item": _hull,
    "first_item": _hull,
    "last_item": _hull,
    "running_sum": _running,
    "previous_item": _hull,
    "earlier_parts": _parts,
    "all_parts": _parts,
    "largest_part": _hull,
}
