"""Lines hold every value of every step: random steps on a stretch of numbers, computed in fractions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest

from engine.advice.bounds import RULES, Form, Over, bound, of_input, of_values
from engine.compiler.program import BOOLEAN, Rounding, Step, Type

WIDE = 10**15
PROGRAMS = 80


def half(x: Fraction, even: bool) -> int:
    """Round to the nearest; a half away from zero, or to the even number."""
    down = math.floor(abs(x))
    rest = abs(x) - down
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and (not even or down % 2 == 1))
    return (1 if x >= 0 else -1) * (down + up)


ROUNDED: Mapping[Rounding, Callable[[Fraction], int]] = {
    Rounding.HALF_UP: lambda x: half(x, even=False),
    Rounding.HALF_EVEN: lambda x: half(x, even=True),
    Rounding.UP: lambda x: math.ceil(x) if x >= 0 else math.floor(x),
    Rounding.DOWN: math.trunc,
    Rounding.FLOOR: math.floor,
    Rounding.CEILING: math.ceil,
}


def value(step: Step, types: Sequence[Type], whole: Sequence[int]) -> int:
    """What a step comes to, in whole numbers of its places, by the meaning of its primitive."""
    x = [Fraction(one, 10**of.places) for one, of in zip(whole, types, strict=True)]
    unit = 10**step.type.places
    match step.primitive:
        case "add":
            found = x[0] + x[1]
        case "subtract":
            found = x[0] - x[1]
        case "multiply" | "multiply_round":
            found = x[0] * x[1]
        case "divide":
            found = x[0] / (x[1] or Fraction(1, 10 ** types[1].places))
        case "multiply_divide":
            found = x[0] * x[1] / (x[2] or Fraction(1, 10 ** types[2].places))
        case "rescale" | "round" | "claim":
            found = x[0]
        case "negate":
            found = -x[0]
        case "absolute":
            found = abs(x[0])
        case "minimum":
            found = min(x)
        case "maximum":
            found = max(x)
        case "select":
            found = x[1] if x[0] else x[2]
        case "index":
            at = sum(s * (w - o) for s, w, o in zip(step.strides, whole, step.offsets, strict=True))
            return min(max(at, step.type.low), step.type.high)
        case "less":
            return int(x[0] < x[1])
        case "less_equal":
            return int(x[0] <= x[1])
        case "equal":
            return int(x[0] == x[1])
        case "both":
            return int(x[0] > 0 and x[1] > 0)
        case "either":
            return int(x[0] > 0 or x[1] > 0)
        case "negation":
            return int(not x[0])
        case other:
            raise KeyError(other)
    return ROUNDED[step.mode](found * unit)


def _number(places: int) -> Type:
    return Type(places=places, low=-WIDE, high=WIDE)


def drawn(draw: random.Random, primitive: str, types: Sequence[Type]) -> tuple[Step, list[int]]:
    """A step of a primitive, on earlier values that it can take."""
    numbers = [at for at, of in enumerate(types) if of.kind == "number" and of.places <= 4]
    truths = [at for at, of in enumerate(types) if of.kind == "boolean"]
    numbers += [numbers[-1], numbers[-1], 0, 0]  # what changes is taken more often than what does not
    truths += [truths[-1]] * 4

    def alike(count: int) -> list[int]:
        first = draw.choice(numbers)
        others = [at for at in numbers if types[at].places == types[first].places]
        return [first, *draw.choices(others, k=count - 1)]

    mode = draw.choice(list(Rounding))
    match primitive:
        case "less" | "less_equal" | "equal":
            return Step(primitive, (), BOOLEAN), alike(2)
        case "both" | "either":
            return Step(primitive, (), BOOLEAN), draw.choices(truths, k=2)
        case "negation":
            return Step(primitive, (), BOOLEAN), draw.choices(truths, k=1)
        case "select":
            of = alike(2)
            return Step(primitive, (), types[of[0]]), [draw.choice(truths), *of]
        case "index":
            of = draw.choices([*numbers, *truths], k=2)
            table = Type(low=0, high=draw.choice([6, 60]))
            return Step(primitive, (), table, strides=(draw.randint(1, 7), 1), offsets=(draw.randint(-3, 3), 0)), of
        case "multiply":
            of = draw.choices(numbers, k=2)
            return Step(primitive, (), _number(sum(types[at].places for at in of))), of
        case "multiply_round" | "divide":
            return Step(primitive, (), _number(draw.randint(0, 3)), mode=mode), draw.choices(numbers, k=2)
        case "multiply_divide":
            return Step(primitive, (), _number(draw.randint(0, 3)), mode=mode), draw.choices(numbers, k=3)
        case "round":
            of = draw.choices(numbers, k=1)
            return Step(primitive, (), _number(draw.randint(0, types[of[0]].places)), mode=mode), of
        case "rescale":
            of = draw.choices(numbers, k=1)
            return Step(primitive, (), _number(types[of[0]].places + draw.randint(0, 2))), of
        case "negate" | "absolute" | "claim":
            of = draw.choices(numbers, k=1)
            return Step(primitive, (), types[of[0]]), of
        case _:
            of = alike(2)
            return Step(primitive, (), types[of[0]]), of


def holds(form: Form, t: int, whole: int) -> bool:
    """Whether a line, at t, holds a value."""
    at, slope, low, high = (float(one[0]) for one in form)
    return at + slope * t + low <= whole <= at + slope * t + high


@pytest.mark.parametrize("primitive", sorted(RULES))
def test_a_rule_holds_every_value(primitive: str) -> None:
    """Random steps end in the primitive; each of their values along a stretch lies within its line."""
    draw = random.Random(primitive)
    others = sorted(RULES)
    varied = 0

    for _ in range(PROGRAMS):
        width, step_of_input = draw.randint(0, 12), draw.choice([1, 5])
        types = [Type(places=draw.randint(0, 1), low=-WIDE, high=WIDE) for _ in range(4)] + [BOOLEAN, BOOLEAN]
        start = [*(draw.randint(-40, 40) for _ in range(4)), 0, 1]
        columns = [
            [start[0] + step_of_input * t for t in range(width + 1)],
            *([one] * (width + 1) for one in start[1:]),
        ]
        forms = [of_input(np.array(start[:1]), step_of_input), *(of_values(np.array([one])) for one in start[1:])]
        for last in [*draw.choices(others, k=draw.randint(0, 5)), "less", primitive]:
            step, of = drawn(draw, last, types)
            operands = [types[at] for at in of]
            column = [value(step, operands, [columns[at][t] for at in of]) for t in range(width + 1)]
            if max(map(abs, column)) > WIDE:
                break
            over = Over(step, operands, np.array([float(width)]), np.array(column[:1]))
            form = bound(over, [forms[at] for at in of])
            assert all(holds(form, t, whole) for t, whole in enumerate(column)), (step, of, column, form)
            varied += len(set(column)) > 1
            types.append(step.type)
            columns.append(column)
            forms.append(form)

    assert varied > PROGRAMS / 4


@pytest.mark.parametrize("mode", list(Rounding))
@pytest.mark.parametrize("at", [-15, -14, 5, 20])
def test_numbers_whole_units_apart_are_rounded_alike_where_they_are(mode: Rounding, at: int) -> None:
    """-1.5, -0.5, 0.5, 1.5, 2.5: away from zero, or to even numbers, halves do not go alike; all else has no error."""
    whole = [ROUNDED[mode](Fraction(at + 10 * t, 10)) for t in range(5)]
    step = Step("round", (), _number(0), mode=mode)
    over = Over(step, [_number(1)], np.array([4.0]), np.array(whole[:1]))

    form = bound(over, [of_input(np.array([at]), 10)])

    assert all(holds(form, t, one) for t, one in enumerate(whole))
    exact = all(one == whole[0] + t for t, one in enumerate(whole))
    assert exact or not (form.low[0] == form.high[0] == 0)
    assert at < 5 or mode is Rounding.HALF_EVEN or (form.low[0] == form.high[0] == 0)
