"""Primitives on single values: how steps whose operands are all constants become constants.

A table keyed by primitive, of functions from whole numbers of the operands' places to one of the result's. Steps that
read a row are the evaluator's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.compiler.fold import change_places, root, round_ratio
from engine.compiler.program import Figure, Folded, Rounding, Type

Fold = Callable[[Sequence[int], Sequence[Type], Type, Rounding], int]


def ratio(numerator: int, denominator: int, shift: int, mode: Rounding) -> int:
    """Round numerator / denominator * 10^shift; a divisor of zero reads as one."""
    denominator = denominator or 1
    if shift >= 0:
        return round_ratio(numerator * 10**shift, denominator, mode)
    return round_ratio(numerator, denominator * 10**-shift, mode)


FOLDS: Final[Mapping[str, Fold]] = {
    "add": lambda v, o, t, m: v[0] + v[1],
    "subtract": lambda v, o, t, m: v[0] - v[1],
    "multiply": lambda v, o, t, m: v[0] * v[1],
    "rescale": lambda v, o, t, m: v[0] * 10 ** (t.places - o[0].places),
    "negate": lambda v, o, t, m: -v[0],
    "absolute": lambda v, o, t, m: abs(v[0]),
    "minimum": lambda v, o, t, m: min(v),
    "maximum": lambda v, o, t, m: max(v),
    "select": lambda v, o, t, m: v[1] if v[0] else v[2],
    "round": lambda v, o, t, m: change_places(v[0], o[0].places, t.places, m),
    "multiply_round": lambda v, o, t, m: change_places(v[0] * v[1], o[0].places + o[1].places, t.places, m),
    "divide": lambda v, o, t, m: ratio(v[0], v[1], t.places + o[1].places - o[0].places, m),
    "multiply_divide": lambda v, o, t, m: ratio(
        v[0] * v[1], v[2], t.places + o[2].places - o[0].places - o[1].places, m
    ),
    "sqrt": lambda v, o, t, m: root(v[0], o[0].places, t.places, m),
    "less": lambda v, o, t, m: int(v[0] < v[1]),
    "less_equal": lambda v, o, t, m: int(v[0] <= v[1]),
    "equal": lambda v, o, t, m: int(v[0] == v[1]),
    "both": lambda v, o, t, m: int(bool(v[0]) and bool(v[1])),
    "either": lambda v, o, t, m: int(bool(v[0]) or bool(v[1])),
    "negation": lambda v, o, t, m: int(not v[0]),
}

Cells = tuple[Sequence[int | None], Sequence[Figure | None]]  # values, and the figures that documents print of them


def folded_cells(
    recipe: Folded, type_: Type, slots: Mapping[int, Cells]
) -> tuple[list[int | None], list[Figure | None]]:
    """The cells at one version of a constant that follows from others.

    Args:
        recipe: of the constant.
        type_: of the constant; its bounds are not read.
        slots: by position, the cells at that version of those that it is made from. A single one counts for each cell
            of a table; two tables have the same cells.

    Returns:
        Values, None where one that it needs is absent; and the first figure of those that it is made from, with the
        value that follows.
    """
    fold = FOLDS[recipe.primitive]
    types = [replace(type_, places=operand.places) for operand in recipe.operands]
    lengths = [len(slots[operand.slot][0]) for operand in recipe.operands if operand.slot >= 0]
    values: list[int | None] = []
    figures: list[Figure | None] = []
    for at in range(max(lengths)):
        known: list[int] = []
        first: Figure | None = None
        for operand in recipe.operands:
            value: int | None = operand.value
            if operand.slot >= 0:
                cells, shown = slots[operand.slot]
                position = at if len(cells) > 1 else 0
                value = cells[position]
                first = first or shown[position]
            if value is not None:
                known.append(value)
        result = fold(known, types, type_, recipe.mode) if len(known) == len(recipe.operands) else None
        values.append(result)
        figures.append(None if result is None or first is None else replace(first, value=result))
    return values, figures
