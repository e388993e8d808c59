"""Kernels against whole-number and decimal arithmetic: ties, ties ± 1, both signs, at their bounds."""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.program import Rounding
from engine.evaluator import kernels
from engine.evaluator.kernels import Eager
from engine.evaluator.rows import Array
from engine.evaluator.settle import power_factor

MODES = {
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.HALF_EVEN: decimal.ROUND_HALF_EVEN,
    Rounding.UP: decimal.ROUND_UP,
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.FLOOR: decimal.ROUND_FLOOR,
    Rounding.CEILING: decimal.ROUND_CEILING,
}
SEED = 20260101
TENS = [10**k for k in range(1, 11)]


def rounded(exact: Fraction, mode: Rounding) -> int:
    """The fraction's tenths and whether anything follows decide every mode; decimal then rounds."""
    tenths = floor(exact * 10)
    more = 0 if exact * 10 == tenths else 1
    digits = Decimal(tenths * 10 + more).scaleb(-2)
    return int(digits.quantize(Decimal(1), MODES[mode]))


def whole(*numbers: int) -> Array:
    return np.array(numbers, np.int64)


def near_ties(divisor: int, largest: int, count: int) -> list[int]:
    """Numerators on ties, one beside them, on whole quotients, and anywhere, both signs, up to `largest`."""
    rng = Random(SEED + divisor)
    quotients = [rng.randrange(max(largest // divisor, 1)) for _ in range(count)]
    found = []
    for quotient in [*quotients, 0, max(largest // divisor - 1, 0)]:
        middle = (2 * quotient + 1) * divisor // 2
        found += [middle + step for step in (-1, 0, 1)]
        found += [quotient * divisor + step for step in (-1, 0, 1)]
    found += [rng.randint(-largest, largest) for _ in range(count)] + [largest, largest - 1]
    return [sign * n for n in found for sign in (1, -1) if abs(n) <= largest]


def assert_each(expected: Sequence[int], actual: Array) -> None:
    assert list(expected) == [int(one) for one in actual.tolist()]


class TestInflate:
    @given(st.integers(-(2**50), 2**50).filter(bool), st.integers(1, 2**50))
    def test_lies_a_little_beyond_the_ratio(self, b: int, divisor: int) -> None:
        c = kernels.inflate(b, divisor)

        over = Fraction(c) / Fraction(b, divisor)
        assert 1 + Fraction(1, 2**52) <= over <= 1 + Fraction(3, 2**52)

    def test_zero_stays_zero(self) -> None:
        assert kernels.inflate(0, 100) == 0.0


def product(a: Sequence[int], b: int, divisor: int) -> Array:
    unrounded = kernels.half_up_product(Eager(), np.array(a, np.float64), np.array([kernels.inflate(b, divisor)]))
    return nearest(unrounded)


def nearest(unrounded: Array) -> Array:
    """Both representations, which agree."""
    rounded, whole = (kernels.nearest(Eager(), unrounded, rep) for rep in ("f8", "i8"))
    assert_each([int(one) for one in rounded.tolist()], whole)
    return whole


class TestHalfUpProduct:
    @pytest.mark.parametrize("divisor", [*TENS, 30, 360, 12])
    def test_is_exact_up_to_its_bound(self, divisor: int) -> None:
        """a * b around ties of an even divisor, with |a * b| up to 2^50."""
        for b in (1, -1, 3, 7, 17, 5283, -5783, 99999, 112345678):
            numerators = near_ties(divisor, 2**50, 60)
            a = sorted({n // b for n in numerators} | {n // b + 1 for n in numerators})
            a = [one for one in a if abs(one * b) <= 2**50]

            got = product(a, b, divisor)

            assert_each([rounded(Fraction(one * b, divisor), Rounding.HALF_UP) for one in a], got)

    @pytest.mark.parametrize("divisor", [3, 31, 365, 7, 999])
    def test_odd_divisors_up_to_half_that_bound(self, divisor: int) -> None:
        a = near_ties(divisor, 2**49, 200)

        got = product(a, 1, divisor)

        assert_each([rounded(Fraction(one, divisor), Rounding.HALF_UP) for one in a], got)

    def test_examples_that_floats_get_wrong(self) -> None:
        """41.50 kWh at 0.03 is 1.245, and 101.50 at 0.03 is 3.045."""
        got = product([4150, 10150], 3, 100)

        assert_each([125, 305], got)


class TestHalfUpQuotient:
    @given(st.integers(-(2**49), 2**49), st.integers(1, 2**53))
    def test_any(self, numerator: int, divisor: int) -> None:
        got = nearest(kernels.half_up_quotient(Eager(), np.array([float(numerator)]), np.array([float(divisor)])))

        assert_each([rounded(Fraction(numerator, divisor), Rounding.HALF_UP)], got)

    @pytest.mark.parametrize("divisor", [1, 2, 3, 7, 12, 31, 365, 1000, 12345, 2**20 + 1, 2**31, 2**40 - 1])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_around_ties(self, divisor: int, sign: int) -> None:
        a = near_ties(divisor, 2**49, 200)

        got = nearest(kernels.half_up_quotient(Eager(), np.array(a, np.float64), np.array([float(sign * divisor)])))

        assert_each([rounded(Fraction(one, sign * divisor), Rounding.HALF_UP) for one in a], got)


class TestIntegerRound:
    @pytest.mark.parametrize("mode", list(Rounding))
    @pytest.mark.parametrize("divisor", [2, 3, 10, 100, 365, 10**6, 10**12, 10**18])
    def test_around_ties(self, mode: Rounding, divisor: int) -> None:
        a = near_ties(divisor, 2**63 - 1 - divisor, 100)

        got = kernels.integer_round(Eager(), whole(*a), divisor, mode, signed=True)

        assert_each([rounded(Fraction(one, divisor), mode) for one in a], got)

    @pytest.mark.parametrize("mode", list(Rounding))
    def test_without_signs(self, mode: Rounding) -> None:
        a = [n for n in near_ties(100, 10**15, 100) if n >= 0]

        got = kernels.integer_round(Eager(), whole(*a), 100, mode, signed=False)

        assert_each([rounded(Fraction(one, 100), mode) for one in a], got)


class TestIntegerQuotient:
    @pytest.mark.parametrize("mode", list(Rounding))
    @pytest.mark.parametrize("divisor", [1, 2, 3, 7, 100, 365, 12345678, 2**31 - 1, 2**61 - 1])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_around_ties(self, mode: Rounding, divisor: int, sign: int) -> None:
        a = near_ties(divisor, min(2**62, divisor * 2**48), 100)
        column = np.full(len(a), sign * divisor)

        got = kernels.integer_quotient(
            Eager(), whole(*a), column, mode, signed=True, divisor_signed=sign < 0, small=True
        )

        assert_each([rounded(Fraction(one, sign * divisor), mode) for one in a], got)

    @pytest.mark.parametrize("mode", list(Rounding))
    @given(st.integers(-(2**62), 2**62), st.integers(-(2**61), 2**61).filter(bool))
    def test_any_quotient(self, mode: Rounding, numerator: int, divisor: int) -> None:
        expected = rounded(Fraction(numerator, divisor), mode)
        small = abs(Fraction(numerator, divisor)) <= 2**48

        got = kernels.integer_quotient(
            Eager(), whole(numerator), whole(divisor), mode, signed=True, divisor_signed=True, small=small
        )

        assert_each([expected], got)

    @pytest.mark.parametrize("mode", list(Rounding))
    @given(st.integers(0, 2**62), st.integers(1, 2**61))
    def test_without_signs(self, mode: Rounding, numerator: int, divisor: int) -> None:
        small = Fraction(numerator, divisor) <= 2**48

        got = kernels.integer_quotient(
            Eager(), whole(numerator), whole(divisor), mode, signed=False, divisor_signed=False, small=small
        )

        assert_each([rounded(Fraction(numerator, divisor), mode)], got)


class TestWideRatio:
    @pytest.mark.parametrize("mode", list(Rounding))
    @given(st.data())
    def test_any(self, mode: Rounding, data: st.DataObject) -> None:
        """Products up to 2^126 over divisors that bring the quotient to 2^48."""
        a, b = (data.draw(st.integers(-(2**63) + 1, 2**63 - 1)) for _ in range(2))
        least = abs(a * b) // 2**48 + 1
        if least > 2**61:
            a, b = a >> 32, b >> 32
            least = abs(a * b) // 2**48 + 1
        divisor = data.draw(st.integers(least, 2**61)) * data.draw(st.sampled_from([1, -1]))

        got = kernels.wide_ratio(Eager(), [whole(a), whole(b)], whole(divisor), mode, signed=True, divisor_signed=True)

        assert_each([rounded(Fraction(a * b, divisor), mode)], got)

    @pytest.mark.parametrize("mode", list(Rounding))
    @pytest.mark.parametrize("divisor", [10**10, 10**14, 10**18])
    def test_around_ties_with_eight_decimals(self, mode: Rounding, divisor: int) -> None:
        """Prices of eight and more decimals: a is solved for, so that a * b lies on a tie, or beside it, of divisor."""
        rng = Random(SEED)
        a, b = [], []
        for _ in range(200):
            factor = rng.randrange(1, 2**44) * 10 + 1  # coprime to the divisor
            rest = (rng.choice([0, divisor // 2]) + rng.choice([-1, 0, 1])) * pow(factor, -1, divisor) % divisor
            least = rest + divisor * rng.randrange(max(1, 2**48 // factor))
            a.append(least * rng.choice([1, -1]))
            b.append(factor)
        fits = [abs(x * y) <= divisor * 2**48 and abs(x) < 2**63 and y < 2**63 for x, y in zip(a, b, strict=True)]
        a, b = ([one for one, fit in zip(column, fits, strict=True) if fit] for column in (a, b))

        got = kernels.wide_ratio(
            Eager(), [whole(*a), whole(*b)], whole(divisor), mode, signed=True, divisor_signed=False
        )

        assert len(a) > 20
        assert any(abs(x * y) > 2**63 for x, y in zip(a, b, strict=True))
        assert_each([rounded(Fraction(x * y, divisor), mode) for x, y in zip(a, b, strict=True)], got)

    @pytest.mark.parametrize("mode", list(Rounding))
    def test_ties_beyond_an_int64(self, mode: Rounding) -> None:
        """a * 5 * 10^17 / 10^18 is a tie for every odd a; the product passes 2^63 from a = 19."""
        a = [sign * (2 * int(n) + 1) for n in np.random.default_rng(SEED).integers(0, 2**48, 200) for sign in (1, -1)]

        got = kernels.wide_ratio(
            Eager(), [whole(*a), whole(5 * 10**17)], whole(10**18), mode, signed=True, divisor_signed=False
        )

        assert_each([rounded(Fraction(one, 2), mode) for one in a], got)


def rooted(value: Fraction, mode: Rounding) -> int:
    with decimal.localcontext(prec=120):
        root = (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()
        return int(root.quantize(Decimal(1), MODES[mode]))


class TestRoots:
    @pytest.mark.parametrize("mode", list(Rounding))
    @pytest.mark.parametrize("largest", [2**10, 2**30, 2**49])
    def test_float(self, mode: Rounding, largest: int) -> None:
        x = squares(largest)

        got = kernels.float_root(Eager(), np.array(x, np.float64), mode)

        assert_each([rooted(Fraction(one), mode) for one in x], got)

    @pytest.mark.parametrize("mode", list(Rounding))
    @pytest.mark.parametrize("down", [1, 10, 100, 10**6])
    def test_integer(self, mode: Rounding, down: int) -> None:
        """Also ties: 225 / 100 is 1.5 squared."""
        x = [*squares(2**60), *((2 * n + 1) ** 2 * down // 4 for n in range(50)), 0]

        got = kernels.integer_root(Eager(), whole(*x), down, mode)

        assert_each([rooted(Fraction(one, down), mode) for one in x], got)


def squares(largest: int) -> list[int]:
    """Squares, squares ± 1, and n * n + n, n * n + n + 1 at both sides of a half, up to `largest`."""
    rng = np.random.default_rng(SEED)
    roots = [int(one) for one in rng.integers(0, int(largest**0.5), 200)] + [0, 1, 2, int(largest**0.5) - 1]
    found = [n * n + more for n in roots for more in (-1, 0, 1, n, n + 1)]
    return [one for one in found if 0 <= one <= largest]


class TestPowerFactor:
    @pytest.mark.parametrize("mode", list(Rounding))
    @pytest.mark.parametrize("places", [0, 2, 3, 6])
    def test_near_boundaries(self, mode: Rounding, places: int) -> None:
        """Pairs whose factor lies as close to n or n + 1/2 as whole numbers allow, and Pythagorean ones on them."""
        rng = np.random.default_rng(SEED)
        pairs = [(0, 0), (0, 5), (5, 0), (3, 4), (4, 3), (7, 24), (8, 15), (20, 21), (2**53 - 1, 1), (1, 2**53 - 1)]
        for active in rng.integers(1, 10**9, 300).tolist():
            boundary = Fraction(int(rng.integers(1, 2 * 10**places)), 2 * 10**places)
            with decimal.localcontext(prec=60):
                reactive = Decimal(active) ** 2 / Decimal(boundary.numerator) ** 2 * boundary.denominator**2
                near = int((reactive - Decimal(active) ** 2).sqrt())
            pairs += [(active, near + step) for step in (-1, 0, 1) if near + step >= 0]
        p, q = np.array(pairs, np.float64).T

        got = power_factor(Eager(), p, q, places, mode)

        expected = [rooted(Fraction(a * a * 100**places, a * a + b * b), mode) if a or b else 0 for a, b in pairs]
        assert_each(expected, got)

    @given(st.integers(0, 2**53), st.integers(0, 2**53))
    def test_any(self, active: int, reactive: int) -> None:
        squares = active**2 + reactive**2
        expected = rooted(Fraction(active**2 * 10000, squares), Rounding.HALF_UP) if squares else 0

        got = power_factor(Eager(), np.array([float(active)]), np.array([float(reactive)]), 2, Rounding.HALF_UP)

        assert_each([expected], got)
        assert 0 <= got[0] <= 100


class TestCalls:
    def test_choice_takes_nothing_from_the_other_branch(self) -> None:
        mask = whole(-1, 0, -1, 0)
        then = np.array([1.0, np.nan, -3.0, np.inf])
        otherwise = np.array([np.nan, 2.0, np.inf, -4.0])

        got = kernels.choice(Eager(), mask, then, otherwise, "f8")

        assert got.tolist() == [1.0, 2.0, -3.0, -4.0]

    def test_take_keeps_inside(self) -> None:
        got = Eager().do(kernels.take, np.array([10.0, 20.0]), whole(-7, 0, 1, 9), to="f8")

        assert got.tolist() == [10.0, 10.0, 20.0, 20.0]

    def test_a_zero_divisor_reads_as_one(self) -> None:
        assert kernels.no_zero(Eager(), whole(0, 5, -2), "i8").tolist() == [1, 5, -2]
