"""Primitives on single values: how steps whose operands are all constants become constants.

A table keyed by primitive, of functions from whole numbers of the operands' places to one of the result's. Steps that
read a row are the evaluator's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.compiler.fold import change_places, root, round_ratio
from engine.compiler.program import Rounding, Type

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
