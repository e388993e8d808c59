"""Cheaper calls for what bounds and neighbours allow, and the same whole numbers from them."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from engine.evaluator import door as at_the_door
from engine.evaluator.evaluate import evaluate
from engine.evaluator.instructions import Code, Do, Load
from engine.evaluator.lower import lower
from engine.evaluator.rows import Column
from tests.evaluator.builder import Builder, batch

RNG = np.random.default_rng(5)


def share_of_base(claimed: bool) -> tuple[Builder, int]:
    """base * some / whole, whose interval knows nothing of some <= whole; the claim does."""
    b = Builder()
    base, part, whole = (b.input(name, high=2 * 10**9) for name in ("base", "some", "whole"))
    divided = b.rounded("multiply_divide", (base, part, whole), 0)
    total = b.claim(divided, 0, 2 * 10**9) if claimed else divided
    b.line("share", total)
    return b, total


def column_divisions(code: Code) -> int:
    """How many int64 divisions by a column are called: the slowest call there is."""
    divisions = [one for one in code.instructions if isinstance(one, Do) and one.call is np.floor_divide]
    return sum(not code.values[one.operands[1]].single for one in divisions)


@pytest.mark.parametrize(("claimed", "divisions"), [(True, 0), (False, 1)])
def test_a_quotient_that_is_read_through_a_claim_needs_no_division_by_a_column(claimed: bool, divisions: int) -> None:
    b, total = share_of_base(claimed)

    code = lower(b.program(total), b.constants(), frozenset({total}))

    assert divisions == column_divisions(code)


def test_a_quotient_that_something_else_reads_too_keeps_its_own_bounds() -> None:
    """A `require` that checks the claim must see the true quotient."""
    b, total = share_of_base(claimed=True)
    divided = b.steps[total].operands[0]
    b.require(b.holds("less_equal", divided, b.literal(2 * 10**9)))

    code = lower(b.program(total), b.constants(), frozenset({total}))

    assert column_divisions(code) == 1


def test_claimed_quotients_are_rounded_as_fractions_are() -> None:
    """Random shares, ties and whole shares, against `fractions.Fraction`."""
    b, total = share_of_base(claimed=True)
    whole = np.concatenate([RNG.integers(1, 2 * 10**9, 3_000), 2 * RNG.integers(1, 10**9, 1_000), [1, 1, 2 * 10**9]])
    part = np.concatenate([RNG.integers(0, whole[:3_000] + 1), whole[3_000:4_000] // 2, [0, 1, 2 * 10**9]])
    base = np.concatenate([RNG.integers(0, 2 * 10**9, 3_000), 2 * RNG.integers(0, 10**9, 1_000) + 1, [7, 7, 2 * 10**9]])

    result = evaluate(b.compiled(total), batch({"base": base, "some": part, "whole": whole}, len(whole)))

    exact = [Fraction(x * y, z) for x, y, z in zip(base.tolist(), part.tolist(), whole.tolist(), strict=True)]
    assert [int(value + Fraction(1, 2)) for value in exact] == result.total.tolist()


def test_an_input_that_one_step_needs_as_int64_is_loaded_once() -> None:
    """A price of eight places leaves float64; the sum of the same inputs then stays in int64 too."""
    b = Builder()
    first, second = (b.input(name, 2, high=5 * 10**8) for name in ("first", "second"))
    priced = [b.price(one, b.constant(112_345_678, 8)) for one in (first, second)]
    b.line("energy", b.sum(*priced))
    b.line("fund", b.price(b.sum(first, second), b.constant(19, 3)))
    total = b.sum(b.lines[0].amount, b.lines[1].amount)

    code = lower(b.program(total), b.constants(), frozenset({total}))

    loads = Counter(one.name for one in code.instructions if isinstance(one, Load))
    assert loads == {"first": 1, "second": 1}


@pytest.mark.parametrize("bad", [-1, 11, -(2**63), 2**63 - 1])
def test_one_look_at_a_column_finds_numbers_on_both_sides_of_its_bounds(bad: int) -> None:
    b = Builder()
    b.line("x", b.input("x", high=10))
    rows = batch({"x": np.array([0, 10, bad, 3])}, 4)

    door = at_the_door.admit(b.compiled(0), rows)

    assert [(one.row, one.code) for one in door.problems] == [(2, "out-of-bounds")]


def test_codes_in_the_declared_order_pass_as_they_are() -> None:
    """A dictionary with the input's own codes gives its positions, another order gives the same codes."""
    b = Builder()
    mode = b.input("mode", kind="code", codes=("low", "high"))
    b.line("x", b.select(b.holds("equal", mode, b.literal(1)), b.literal(7), b.literal(5)))
    compiled = b.compiled(b.lines[0].amount)
    same = Column(np.array([0, 1, 1]), codes=("low", "high"))
    turned = Column(np.array([1, 0, 0]), codes=("high", "low"))

    totals = [evaluate(compiled, batch({"mode": one}, 3)).total.tolist() for one in (same, turned)]

    assert totals == [[5, 7, 7], [5, 7, 7]]


@pytest.mark.parametrize("b_whole", [9, 11, 1025, 1027])
def test_a_literal_that_shares_all_its_tens_with_the_divisor_is_exact_at_the_bounds(b_whole: int) -> None:
    """A product with 1025.0 rounded to whole numbers has a divisor of one, which is odd: 2^50 is too much for it."""
    b = Builder()
    high = 2**50 // b_whole
    a = b.input("a", high=high)
    total = b.rounded("multiply_round", (a, b.literal(b_whole * 10, 1)), 0)
    b.line("x", total)
    came = high - np.arange(20_000)

    bills = evaluate(b.compiled(total), batch({"a": came}, len(came)))

    assert np.array_equal(came * b_whole, bills.total)
