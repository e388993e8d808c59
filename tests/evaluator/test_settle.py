"""Estimates that are settled, against fractions: rows on ties and beside them, all of them in doubt, and none."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from engine.compiler.program import Rounding
from engine.evaluator.evaluate import evaluate
from engine.evaluator.instructions import Code, Do
from engine.evaluator.kernels import Eager
from engine.evaluator.lower import lower
from engine.evaluator.reach import reaches
from engine.evaluator.rows import Array
from engine.evaluator.settle import HALVES, Quotient, Settle, power_factor, settled_ratio
from tests.evaluator.builder import Builder, batch
from tests.evaluator.test_kernels import assert_each, rooted, rounded

SEED = 20260101
ERROR = 6 * 2.0**-53  # of two factors and a divisor


def settled(a: Sequence[int], b: Sequence[int], divisor: Sequence[int], down: int, mode: Rounding) -> Array:
    again = Quotient(mode, 1, down, signed=True, divisor_signed=True, wide=True, small=True)
    columns = [np.array(one, np.float64) for one in (a, b, divisor)]
    largest = max(abs(x * y) // abs(z * down) + 1 for x, y, z in zip(a, b, divisor, strict=True))
    assert largest <= 2**48
    got: Array = settled_ratio(Eager(), columns[:2], [], columns[2], again, ERROR, largest)
    return got


def on_and_beside_ties(rng: Random, down: int, bits: int) -> tuple[list[int], list[int], list[int]]:
    """a * b / (divisor * down) = n + 1/2, and as near to it as one more or less in a brings it."""
    a, b, divisors = [], [], []
    for _ in range(300):
        divisor = rng.randrange(1, 2**10)
        spare = 2 ** min(bits // 2, 53 - divisor.bit_length() - down.bit_length())
        factor = 2 * rng.randrange(1, 2 ** (bits // 2)) + 1
        # (2 n + 1) * divisor * down / 2 = a * factor: n is chosen so that factor divides 2 n + 1.
        whole = factor * (2 * rng.randrange(spare) + 1) * divisor * down // 2
        for step in (-1, 0, 1):
            a.append((whole // factor + step) * rng.choice([1, -1]))
            b.append(factor)
            divisors.append(divisor * rng.choice([1, -1]))
    fits = [abs(x) < 2**53 for x in a]
    return tuple([one for one, fit in zip(column, fits, strict=True) if fit] for column in (a, b, divisors))  # type: ignore[return-value]  # three of them


@pytest.mark.parametrize("mode", sorted(HALVES))
@pytest.mark.parametrize("down", [2, 100, 10**8])
@pytest.mark.parametrize("bits", [8, 24, 40])
def test_around_ties(mode: Rounding, down: int, bits: int) -> None:
    """Up to 40 bits the bounds alone say that few are in doubt; beyond, what the block holds does."""
    a, b, divisor = on_and_beside_ties(Random(SEED), down, bits)

    got = settled(a, b, divisor, down, mode)

    assert len(a) > 100
    assert_each([rounded(Fraction(x * y, z * down), mode) for x, y, z in zip(a, b, divisor, strict=True)], got)


@pytest.mark.parametrize("mode", sorted(HALVES))
@pytest.mark.parametrize("largest", [2**20, 2**30, 2**48])
def test_anything(mode: Rounding, largest: int) -> None:
    rng = Random(SEED)
    a = [rng.randint(-(2**53), 2**53) for _ in range(3000)]
    b = [rng.randint(1, 2**20) for _ in a]
    divisor = [abs(x * y) // rng.randint(1, largest) // 100 + 1 for x, y in zip(a, b, strict=True)]
    kept = [i for i, z in enumerate(divisor) if z <= 2**53]
    a, b, divisor = ([column[i] for i in kept] for column in (a, b, divisor))

    got = settled(a, b, divisor, 100, mode)

    assert len(a) > 100
    assert_each([rounded(Fraction(x * y, z * 100), mode) for x, y, z in zip(a, b, divisor, strict=True)], got)


def test_what_is_no_number_is_in_doubt() -> None:
    settle = Settle(lambda columns: columns[0] + 1, 0.4, at_halves=True)
    nearest = np.array([1.0, np.nan, 3.0])

    settle(nearest, np.array([0.1, np.nan, -0.4]), np.array([5.0, 6.0, 7.0]), out=nearest)

    assert nearest.tolist() == [1.0, 7.0, 8.0]


def test_a_block_of_nothing_is_settled() -> None:
    nothing = np.zeros((0, 48))

    Settle(lambda columns: columns[0], 0.4, at_halves=True)(nothing, nothing, nothing, out=nothing)


@pytest.mark.parametrize("mode", list(Rounding))
def test_power_factors_with_one_side_alone(mode: Rounding) -> None:
    p, q = np.array([[0, 0, 7, 3, 2**53], [0, 5, 0, 4, 0]], np.float64)

    got = power_factor(Eager(), p, q, 2, mode)

    assert_each([0, 0, 100, rooted(Fraction(3600), mode), 100], got)


# Programs


def lowered(b: Builder, output: int) -> Code:
    return lower(b.program(output), b.constants(), frozenset({output}))


def calls(code: Code) -> list[object]:
    return [one.call for one in code.instructions if isinstance(one, Do)]


@pytest.mark.parametrize(("bound", "claimed"), [(2**31, True), (2**25, False)])
def test_a_quotient_of_columns_is_settled(bound: int, claimed: bool) -> None:
    """A share of an amount, as a quantity discount takes it: ties everywhere; a divisor of zero reads as one.

    Without the claim the bounds allow a quotient whose estimate may err by more than a half; the block has none such.
    """
    b = Builder()
    columns = [b.input(name, high=bound) for name in ("amount", "over", "whole")]
    quotient = b.rounded("multiply_divide", columns, 0)
    total = b.claim(quotient, 0, bound) if claimed else quotient
    b.line("discount", total)
    rng = np.random.default_rng(SEED)
    whole = np.concatenate([2 * rng.integers(1, bound // 2, 3000), [0, 0, 1, bound]])
    over = np.concatenate([whole[:3000] // 2, [0, 1, 1, bound]])
    amount = np.concatenate([2 * rng.integers(1, bound // 2, 3000) - 1, [5, 0, 7, bound]])

    result = evaluate(b.compiled(total), batch({"amount": amount, "over": over, "whole": whole}, len(whole)))

    triples = zip(amount.tolist(), over.tolist(), whole.tolist(), strict=True)
    assert [rounded(Fraction(x * y, z or 1), Rounding.HALF_UP) for x, y, z in triples] == result.total.tolist()
    (settle,) = [one for one in calls(lowered(b, total)) if isinstance(one, Settle)]
    assert (settle.error == 0) == claimed


def test_nothing_of_the_branch_not_taken_reaches_a_bill() -> None:
    """A root of less than nothing is no number, and no condition of zero makes one of it."""
    b = Builder()
    x, holds = b.input("x", low=-(10**6)), b.input("holds", kind="boolean")
    root = b.step("sqrt", (b.claim(x, 0, 10**6),), b.type(b.literal(1000)))
    b.line("x", b.select(holds, root, b.literal(0)))
    total = b.lines[0].amount

    bills = evaluate(b.compiled(total), batch({"x": np.array([-4, 9]), "holds": np.array([False, True])}, 2))

    assert reaches(b.program(total))[root] is None
    assert bills.total.tolist() == [0, 3]


def test_conditions_over_a_factor_stand_over_the_product() -> None:
    """Both conditions are joined, and the price is multiplied in as if there were none: 4150 at 0.5283 is 2192.445."""
    b = Builder()
    x, first, second = b.input("x", 2, -(10**6)), b.input("first", kind="boolean"), b.input("second", kind="boolean")
    nought = b.literal(0, 4)
    price = b.select(first, b.constant(5283, 4), nought)
    amount = b.rounded("multiply_round", (x, price), 2)
    total = b.select(second, b.negate(amount), b.literal(0, 2))
    b.line("x", total)
    came = {
        "x": np.array([4150, 4150, 4150, -4150]),
        "first": np.array([True, False, True, True]),
        "second": np.array([True, True, False, True]),
    }

    bills = evaluate(b.compiled(total), batch(came, 4))

    assert bills.total.tolist() == [-219245, 0, 0, 219245]
    made = calls(lowered(b, total))
    assert made.count(np.multiply) == 2
    assert made.count(np.logical_and) == 1


def test_scaled_sides_are_compared_without_what_they_share() -> None:
    """1.5 a < b at the places of both, on ties and beside them, and with a factor of zero."""
    b = Builder()
    a, c = b.input("a", 2), b.input("c", 2)
    more = b.holds("less", b.binary("multiply", b.literal(15, 1), a), b.rescale(c, 3))
    never = b.holds("less", b.binary("multiply", b.literal(0, 1), a), b.rescale(b.literal(0, 2), 3))
    total = b.select(more, b.literal(1), b.select(never, b.literal(2), b.literal(3)))
    b.line("x", total)

    bills = evaluate(b.compiled(total), batch({"a": np.array([2, 2, 2, 3]), "c": np.array([2, 3, 4, 5])}, 4))

    assert bills.total.tolist() == [3, 3, 1, 1]
    assert calls(lowered(b, more)).count(np.multiply) == 1


def test_whole_numbers_beyond_what_a_bias_holds_are_cast() -> None:
    """Between 2^51 and 2^53."""
    b = Builder()
    x, holds = b.input("x", high=2**53 - 1), b.input("holds", kind="boolean")
    total = b.select(holds, b.binary("minimum", x, b.literal(2**53 - 3)), b.literal(0))
    b.line("x", total)
    came = np.array([2**53 - 1, 2**52 + 1, 2**51 + 1, 5])

    bills = evaluate(b.compiled(total), batch({"x": came, "holds": np.array([True, True, True, False])}, 4))

    assert bills.total.tolist() == [2**53 - 3, 2**52 + 1, 2**51 + 1, 0]


def test_a_claim_says_nothing_of_a_step_that_leaves_by_itself() -> None:
    """A quotient of up to 2^60 is a line, and another line takes it where it is small: the claim bounds that alone."""
    b = Builder()
    a, c, divisor = b.input("a", high=2**30), b.input("c", high=2**30), b.input("divisor", low=1, high=1000)
    quotient = b.rounded("multiply_divide", (a, c, divisor), 0)
    small = b.select(b.holds("less_equal", a, b.literal(10)), b.claim(quotient, 0, 2**10), b.literal(0))
    b.line("quotient", quotient)
    b.line("small", small)
    rng = Random(SEED)
    columns = {name: [rng.randint(1, high) for _ in range(300)] for name, high in (("a", 2**30), ("c", 2**30))}
    columns["divisor"] = [rng.randint(1, 1000) for _ in range(300)]
    rows = batch({name: np.array(values) for name, values in columns.items()}, 300)

    got = evaluate(b.compiled(small), rows)

    exact = [Fraction(x * y, z) for x, y, z in zip(*columns.values(), strict=True)]
    assert_each([rounded(one, Rounding.HALF_UP) for one in exact], got.amounts["quotient"])
