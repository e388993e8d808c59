"""Which exact kernels can hold a step, from the proven bounds of its operands alone.

Takes a program; says for each step whether float64 whole numbers, int64 or a wide product can compute it without
losing a digit, and which steps none of them can. No numpy here: the evaluator picks among the answers, and the compiler
refuses a program with a step that has none. The proofs of the bounds stand beside the kernels in
`engine.evaluator.kernels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.compiler.program import Program, Rounding, Step

FLOAT_EXACT = 2**53  # every whole number up to here is a float64
FLOAT_HALF_UP = 2**50  # of |a * b| in round(a * b / D) by two float64 passes, D even
FLOAT_QUOTIENT = 2**49  # of the numerator, where the divisor may be odd or a column; of a root's radicand
INTEGER_EXACT = 2**63 - 1
INTEGER_NUMERATOR = 2**62  # of a corrected quotient
INTEGER_DIVISOR = 2**61  # twice a remainder, less a divisor, stays in int64
INTEGER_QUOTIENT = 2**48  # of a corrected quotient: its float64 estimate errs by less than a quarter
WIDE_QUOTIENT = 2**48  # likewise
POWER_FACTOR_PLACES = 9

FIXED = frozenset({"literal", "constant", "cell"})  # known before the rows are: their products can be prepared


class Kernel(StrEnum):
    """How a step is computed. All three give the same whole numbers."""

    FLOAT = "float"
    INTEGER = "integer"
    WIDE = "wide"  # a product modulo 2^64 beside its float64 quotient, rounded at once


@dataclass(frozen=True, slots=True)
class Narrow:
    """A step that no kernel can hold, and the bounds of its operands (whole numbers of their places)."""

    step: int
    bounds: tuple[tuple[int, int], ...]


class TooWide(ValueError):
    """No exact kernel can hold a step; a narrower bound on an input is needed."""

    def __init__(self, narrow: Narrow) -> None:
        self.narrow = narrow
        bounds = " and ".join(f"{low}..{high}" for low, high in narrow.bounds)
        super().__init__(f"no exact kernel holds step {narrow.step} with operands in {bounds}")


@dataclass(frozen=True, slots=True)
class Ratio:
    """A rounded step as round(product of factors * up / (divisor * down)). Factors and divisor are operand numbers."""

    factors: tuple[int, ...]
    divisor: int | None
    up: int
    down: int


def ratio(step: Step, operands: Sequence[Step]) -> Ratio:
    """Write `round`, `multiply_round`, `divide` or `multiply_divide` as one ratio; places become powers of ten."""
    divides = step.primitive in {"divide", "multiply_divide"}
    factors = tuple(range(len(operands) - 1 if divides else len(operands)))
    divisor = len(operands) - 1 if divides else None
    surplus = sum(operands[i].type.places for i in factors) - step.type.places
    if divisor is not None:
        surplus -= operands[divisor].type.places
    return Ratio(factors, divisor, 10 ** max(-surplus, 0), 10 ** max(surplus, 0))


def magnitude(step: Step) -> int:
    """Largest absolute value that the step's type allows."""
    return max(abs(step.type.low), abs(step.type.high))


def kernels(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    """Kernels that hold a step, cheapest first; () where none does.

    Args:
        step: any step.
        operands: the steps that it reads, in its order.
    """
    return _CAPACITIES[step.primitive](step, operands)


def too_wide(program: Program, parts: int = 1) -> list[Narrow]:
    """Steps that something reads and no kernel can hold, in program order.

    Args:
        parts: of a bill, at most; their totals and ledgers are added up in int64.
    """
    found = []
    added = {program.total, *(step for _, step in program.ledgers)}
    for position in sorted(live(program, roots(program))):
        step = program.steps[position]
        operands = [program.steps[i] for i in step.operands]
        if not kernels(step, operands) or (position in added and magnitude(step) * parts > INTEGER_EXACT):
            bounds = tuple((operand.type.low, operand.type.high) for operand in operands or [step])
            found.append(Narrow(position, bounds))
    return found


def roots(program: Program) -> set[int]:
    """Steps whose values leave the program: amounts, quantities and prices, conditions, values in messages."""
    found = {program.total, *(step for _, step in program.ledgers)}
    for line in program.lines:
        found |= {step for step in (line.amount, line.shown, line.quantity, line.price) if step is not None}
    for warning in program.warnings:
        found |= {warning.when, *(step for _, step in warning.values)}
    for refusal in program.refusals:
        found |= {step for _, step in refusal.values}
    return found | requirements(program)


def requirements(program: Program) -> set[int]:
    """Positions of the `require` steps: alive in every evaluation."""
    return {position for position, step in enumerate(program.steps) if step.primitive == "require"}


def live(program: Program, wanted: Iterable[int]) -> set[int]:
    """The wanted steps and all that they read."""
    found: set[int] = set()
    waiting = list(wanted)
    while waiting:
        position = waiting.pop()
        if position not in found:
            found.add(position)
            waiting.extend(program.steps[position].operands)
    return found


def _held_by(largest: int) -> tuple[Kernel, ...]:
    if largest <= FLOAT_EXACT:
        return (Kernel.FLOAT, Kernel.INTEGER)
    return (Kernel.INTEGER,) if largest <= INTEGER_EXACT else ()


def _same(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    """Sources, sums and choices: what holds every operand and the result."""
    return _held_by(max(magnitude(one) for one in (step, *operands)))


def _compared(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    return _held_by(max((magnitude(one) for one in operands), default=0))


def _sum(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    # The step's own bounds may know more than its operands'; a sum passes through what the operands allow.
    return _held_by(max(magnitude(step), sum(magnitude(one) for one in operands)))


def _whole(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    """What runs through all items or parts of a block: int64, where a sum that overflows comes back."""
    return (Kernel.INTEGER,) if _same(step, operands) else ()


def _product(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    a, b = operands
    return _held_by(max(magnitude(a), magnitude(b), magnitude(a) * magnitude(b)))


def _index(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    terms = zip(operands, step.strides, step.offsets, strict=True)
    return _held_by(sum(abs(stride) * (magnitude(one) + abs(offset)) for one, stride, offset in terms))


def _rescaled(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    return _held_by(magnitude(operands[0]) * 10 ** (step.type.places - operands[0].type.places))


def _rounded(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    of = ratio(step, operands)
    factors = [magnitude(operands[i]) for i in of.factors]
    numerator = of.up
    for factor in factors:
        numerator *= factor
    if of.divisor is None and of.down == 1:
        return _held_by(max(numerator, *factors))
    found = []
    if _float_rounds(step, operands, of, numerator):
        found.append(Kernel.FLOAT)
    if _integer_rounds(operands, of, numerator):
        found.append(Kernel.INTEGER)
    elif _wide_rounds(step, operands, of):
        found.append(Kernel.WIDE)
    return tuple(found)


def _float_rounds(step: Step, operands: Sequence[Step], of: Ratio, numerator: int) -> bool:
    if step.mode is not Rounding.HALF_UP or any(magnitude(one) > FLOAT_EXACT for one in operands):
        return False
    if of.divisor is None:
        return stripped(operands, of, numerator) <= FLOAT_HALF_UP
    return numerator <= FLOAT_QUOTIENT and magnitude(operands[of.divisor]) * of.down <= FLOAT_EXACT


def stripped(operands: Sequence[Step], of: Ratio, numerator: int) -> int:
    """The numerator less the powers of ten that a literal factor shares with the divisor: 0.30 weighs as 0.3.

    One power stays in the divisor: the bound is for an even one, and without it 2^49 would be all that is held.
    """
    down = of.down
    value = next((operands[i].value for i in of.factors if operands[i].primitive == "literal"), 0)
    while value and value % 10 == 0 and down % 100 == 0:
        value, down, numerator = value // 10, down // 10, numerator // 10
    return numerator


def estimate_error(operands: Sequence[Step]) -> float | None:
    """How far a float64 estimate of a rounded step errs at most, relatively; None where an operand is no float64.

    Each factor after the first, the power of ten (itself rounded) and the divisor round once, by 2^-53; R roundings
    together by less than (R + 1) * 2^-53.
    """
    if any(magnitude(one) > FLOAT_EXACT for one in operands):
        return None
    return (len(operands) + 3) * 2.0**-53


def _integer_rounds(operands: Sequence[Step], of: Ratio, numerator: int) -> bool:
    if any(magnitude(one) > INTEGER_EXACT for one in operands):
        return False
    if of.divisor is None:
        return numerator + of.down <= INTEGER_EXACT
    return numerator <= INTEGER_NUMERATOR and magnitude(operands[of.divisor]) * of.down <= INTEGER_DIVISOR


def _wide_rounds(step: Step, operands: Sequence[Step], of: Ratio) -> bool:
    divisor = of.down * (1 if of.divisor is None else magnitude(operands[of.divisor]))
    return (
        all(magnitude(one) <= INTEGER_EXACT for one in operands)
        and of.up <= INTEGER_EXACT
        and divisor <= INTEGER_DIVISOR
        and magnitude(step) <= WIDE_QUOTIENT
    )


def _root(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    (of,) = operands
    shift = 2 * step.type.places - of.type.places
    radicand = max(of.type.high, 0) * 10 ** max(shift, 0)
    found = []
    if shift >= 0 and radicand <= FLOAT_QUOTIENT:
        found.append(Kernel.FLOAT)
    # The integer kernel compares (2 root + 1)^2 * down with 4 * radicand.
    if 8 * (radicand + 10 ** max(-shift, 0)) <= INTEGER_EXACT:
        found.append(Kernel.INTEGER)
    return tuple(found)


def _power_factor(step: Step, operands: Sequence[Step]) -> tuple[Kernel, ...]:
    places = max(one.type.places for one in operands)
    aligned = max(magnitude(one) * 10 ** (places - one.type.places) for one in operands)
    return (Kernel.FLOAT,) if aligned <= FLOAT_EXACT and step.type.places <= POWER_FACTOR_PLACES else ()


_Capacity = Callable[[Step, Sequence[Step]], tuple[Kernel, ...]]

_CAPACITIES: Mapping[str, _Capacity] = {
    "input": _same,
    "given": _same,
    "literal": _same,
    "constant": _same,
    "cell": _same,
    "index": _index,
    "calendar": _same,
    "add": _sum,
    "subtract": _sum,
    "multiply": _product,
    "rescale": _rescaled,
    "negate": _same,
    "absolute": _same,
    "minimum": _same,
    "maximum": _same,
    "select": _same,
    "round": _rounded,
    "multiply_round": _rounded,
    "divide": _rounded,
    "multiply_divide": _rounded,
    "sqrt": _root,
    "power_factor": _power_factor,
    "less": _compared,
    "less_equal": _compared,
    "equal": _compared,
    "both": _compared,
    "either": _compared,
    "negation": _compared,
    "claim": _same,
    "require": _compared,
    "spread": _same,
    "sum_items": _same,  # a list's `at_most` is in the step's bounds; whoever sums in float64 asks for it too
    "largest_item": _same,
    "smallest_item": _same,
    "first_item": _same,
    "last_item": _same,
    "all_items": _compared,
    "running_sum": _whole,
    "previous_item": _same,
    "timeline": _same,
    "earlier_parts": _whole,
    "all_parts": _whole,
    "largest_part": _whole,
}
