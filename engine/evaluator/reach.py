"""How large a step's value may be in any row that the door let in, whatever holds of the program's claims.

Takes a program; gives a bound for each step. A step's type is bounded by claims, which hold where something depends on
the step. Arithmetic that also touches the branch that a row does not take (`x * condition`) needs bounds without them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from engine.compiler.capacity import FIXED, magnitude, ratio
from engine.compiler.program import PARTS_MAX, Program, Step

FINITE_MAX = 2**1000  # a float64 holds a little more

Reach = int | None  # None: not bounded, or no number
_Rule = Callable[[Program, Step, list[Step], list[int]], Reach]


def reaches(program: Program) -> list[Reach]:
    """Largest absolute value of each step; None: it may be anything, even no number."""
    found: list[Reach] = []
    for step in program.steps:
        reach: Reach = None
        if step.type.kind == "boolean":
            reach = 1
        elif step.primitive in _RULES:
            of = [found[i] for i in step.operands]
            bounded = [one for one in of if one is not None]
            if len(bounded) == len(of):
                reach = _RULES[step.primitive](program, step, [program.steps[i] for i in step.operands], bounded)
        found.append(None if reach is None or reach > FINITE_MAX else reach)
    return found


def claimed(program: Program, wanted: Collection[int], outputs: Collection[int]) -> dict[int, int]:
    """Largest absolute value of steps that are read through claims alone: step -> what the widest claim allows.

    Where a claim does not hold, nothing that leaves the program depends on the step, unless it leaves by itself.
    """
    found: dict[int, int] = {}
    otherwise = set(outputs)
    for position in wanted:
        step = program.steps[position]
        if step.primitive == "claim":
            found[step.operands[0]] = max(found.get(step.operands[0], 0), magnitude(step))
        else:
            otherwise.update(step.operands)
    return {position: largest for position, largest in found.items() if position not in otherwise}


def _own(_program: Program, step: Step, _operands: list[Step], _of: list[int]) -> Reach:
    return magnitude(step)


def _sum(_program: Program, _step: Step, _operands: list[Step], of: list[int]) -> Reach:
    return sum(of)


def _product(_program: Program, _step: Step, _operands: list[Step], of: list[int]) -> Reach:
    return of[0] * of[1]


def _largest(_program: Program, _step: Step, _operands: list[Step], of: list[int]) -> Reach:
    return max(of)


def _choice(_program: Program, _step: Step, _operands: list[Step], of: list[int]) -> Reach:
    return max(of[1:])


def _index(_program: Program, step: Step, _operands: list[Step], of: list[int]) -> Reach:
    terms = zip(of, step.strides, step.offsets, strict=True)
    return sum(abs(stride) * (one + abs(offset)) for one, stride, offset in terms)


def _rescaled(_program: Program, step: Step, operands: list[Step], of: list[int]) -> Reach:
    places: int = step.type.places - operands[0].type.places
    return of[0] * _tens(places)


def _rounded(_program: Program, step: Step, operands: list[Step], of: list[int]) -> Reach:
    by = ratio(step, operands)
    if by.divisor is not None and not _nonzero(operands[by.divisor]):
        return None
    return _times([of[i] for i in by.factors]) * by.up // by.down + 1


def _nonzero(divisor: Step) -> bool:
    """Whether a divisor is never zero: known before the rows are, given so, or put right where it may be zero."""
    return divisor.primitive in {*FIXED, "input"} or divisor.type.low <= 0 <= divisor.type.high


def _root(_program: Program, step: Step, operands: list[Step], of: list[int]) -> Reach:
    # Only what may be negative by its type is kept from it.
    return (of[0] + 1) * _tens(step.type.places) if operands[0].type.low < 0 else None


def _factor(_program: Program, step: Step, _operands: list[Step], _of: list[int]) -> Reach:
    return _tens(step.type.places)


def _items(program: Program, _step: Step, operands: list[Step], of: list[int]) -> Reach:
    at_most = next((axis.at_most for axis in program.axes if axis.name == operands[0].type.axis), None)
    return None if at_most is None else of[0] * max(at_most, 1)


def _parts(_program: Program, _step: Step, _operands: list[Step], of: list[int]) -> Reach:
    return of[0] * PARTS_MAX


def _tens(places: int) -> int:
    return int(10 ** max(places, 0))


def _times(numbers: Sequence[int]) -> int:
    product = 1
    for one in numbers:
        product *= one
    return product


_RULES: Mapping[str, _Rule] = {
    "input": _own,
    "literal": _own,
    "constant": _own,
    "cell": _own,
    "calendar": _own,
    "timeline": _own,
    "index": _index,
    "add": _sum,
    "subtract": _sum,
    "multiply": _product,
    "rescale": _rescaled,
    "negate": _largest,
    "absolute": _largest,
    "minimum": _largest,
    "maximum": _largest,
    "select": _choice,
    "round": _rounded,
    "multiply_round": _rounded,
    "divide": _rounded,
    "multiply_divide": _rounded,
    "sqrt": _root,
    "power_factor": _factor,
    "claim": _largest,
    "spread": _largest,
    "sum_items": _items,
    "running_sum": _items,
    "largest_item": _largest,
    "smallest_item": _largest,
    "first_item": _largest,
    "last_item": _largest,
    "previous_item": _largest,
    "earlier_parts": _parts,
    "all_parts": _parts,
    "largest_part": _largest,
}
