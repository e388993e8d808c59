"""Rounding from a float64 estimate: cheap for almost all rows, and the few that stand too near a tie are done again.

Takes float64 whole numbers; gives float64 whole numbers. An estimate x that errs by no more than e rounds to the right
number wherever it is further than e from a boundary. A block's rows are looked at together: the smallest and the
largest distance say whether any row is in doubt, and those that are go through the exact kernels by themselves. Bills
on ties are rare; where all rows are on one, the exact kernels do them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, nextafter

import numpy as np

from engine.compiler.program import Rounding
from engine.evaluator import kernels as exact
from engine.evaluator.kernels import Eager, Machine, V
from engine.evaluator.rows import Array

FACTOR_WITHIN = 1e-9  # of a boundary of the power factor's last place
DOUBT_MAX = 2.0**-10  # error up to which the largest number that the bounds allow may stand for a block's own
NOTHING = 2.0**-1000  # added to a whole number, it changes zero alone
HALVES = frozenset({Rounding.HALF_UP, Rounding.HALF_EVEN})


@dataclass(frozen=True, slots=True)
class Settle:
    """The last pass: `out` is the nearest whole number, or in doubt what `again` says.

    Attributes:
        again: int64 columns of the rows in doubt, in the order of the operands -> whole numbers.
        limit: with `at_halves`, a row is in doubt where |distance| >= limit; else where |distance| <= limit.
        at_halves: whether what is rounded turns at n + 1/2; else at whole numbers.
        error: if not zero, how far the estimate errs at most, relatively; it is the block's own largest number that
            says what that comes to, and the limit is the lower by it.
    """

    again: Callable[[Sequence[Array]], Array]
    limit: float
    at_halves: bool
    error: float = 0.0

    def __call__(self, nearest: Array, distance: Array, *operands: Array, out: Array) -> None:
        """`distance`: of the estimate from its nearest whole number; what is no number is in doubt."""
        if out is not nearest:
            np.copyto(out, nearest)
        if self.at_halves:
            limit = self.limit
            if self.error:
                limit -= self.error * (max(-_least(nearest), _largest(nearest)) + 2.0)
            if _least(distance) > -limit and _largest(distance) < limit:
                return
            rows = np.nonzero(~(np.absolute(distance) < limit))
        else:
            rows = np.nonzero(~(np.absolute(distance) > self.limit))
        if len(rows[0]):
            out[rows] = self.again([np.broadcast_to(one, out.shape)[rows].astype(np.int64) for one in operands])


def _least(values: Array) -> float:
    return float(np.minimum.reduce(values, axis=None, initial=0.0))


def _largest(values: Array) -> float:
    return float(np.maximum.reduce(values, axis=None, initial=0.0))


@dataclass(frozen=True, slots=True)
class Quotient:
    """round(product of factors * up / (divisor * down)) in int64.

    Attributes:
        wide: the product may pass 2^63, and goes modulo 2^64 beside its float64 quotient.
        small: |quotient| <= 2^48.
    """

    mode: Rounding
    up: int
    down: int
    signed: bool
    divisor_signed: bool
    wide: bool
    small: bool

    def make(self, m: Machine[V], factors: Sequence[V], divisor: V | None) -> V:
        """Compute on any machine; the divisor is not zero."""
        factors = list(factors) if self.up == 1 else [*factors, m.number(self.up, "i8")]
        if divisor is None and not self.wide:
            numerator = self._product(m, factors)
            if self.down == 1:
                return numerator
            return exact.integer_round(m, numerator, self.down, self.mode, signed=self.signed)
        by = m.number(self.down, "i8")
        if divisor is not None:
            by = divisor if self.down == 1 else m.do(np.multiply, divisor, by, to="i8")
        signs = {"signed": self.signed, "divisor_signed": self.divisor_signed}
        if self.wide:
            return exact.wide_ratio(m, factors, by, self.mode, **signs)
        return exact.integer_quotient(m, self._product(m, factors), by, self.mode, **signs, small=self.small)

    def _product(self, m: Machine[V], factors: Sequence[V]) -> V:
        product, *others = factors
        for other in others:
            product = m.do(np.multiply, product, other, to="i8")
        return product


@dataclass(frozen=True, slots=True)
class QuotientAgain:
    """A quotient of rows in doubt: factors, then the divisor if it divides by a column."""

    of: Quotient
    divides: bool

    def __call__(self, columns: Sequence[Array]) -> Array:
        """Compute at once."""
        return self.of.make(Eager(), columns[:-1] if self.divides else columns, columns[-1] if self.divides else None)


def settled_ratio(
    m: Machine[V],
    factors: Sequence[V],
    known: Sequence[V],
    divisor: V | None,
    again: Quotient,
    error: float,
    largest: int,
) -> V:
    """Round a quotient to the nearest whole number, halves up or to even.

    Args:
        factors: whole numbers.
        known: factors that are known before the rows are: they meet the powers of ten first.
        divisor: not zero; None: one.
        again: what is exact.
        error: how far the estimate errs at most, relatively (`engine.compiler.capacity.estimate_error`).
        largest: absolute value of the result, up to 2^51.
    """
    scale = m.number(float(Fraction(again.up, again.down)), "f8")
    for one in known:
        scale = m.do(np.multiply, scale, one, to="f8")
    estimate, *others = factors
    for other in others:
        estimate = m.do(np.multiply, estimate, other, to="f8")
    if divisor is not None:
        estimate = m.do(np.divide, estimate, divisor, to="f8")
    estimate = m.do(np.multiply, estimate, scale, to="f8")
    nearest = m.do(np.rint, estimate, to="f8")
    distance = m.do(np.subtract, estimate, nearest, to="f8")
    columns = [*factors, *known] if divisor is None else [*factors, *known, divisor]
    within = error * (largest + 1)
    known_now = within <= DOUBT_MAX
    limit = nextafter(0.5 - within if known_now else 0.5, 0.0)
    settle = Settle(QuotientAgain(again, divisor is not None), limit, at_halves=True, error=0.0 if known_now else error)
    return m.do(settle, nearest, distance, *columns, to="f8", shares=(0,))


def power_factor(m: Machine[V], active: V, reactive: V, places: int, mode: Rounding) -> V:
    """Round active / sqrt(active^2 + reactive^2), both not negative, as whole numbers of `places`; 0 where both are 0.

    Float64 errs by a few parts in 10^16; rows within `FACTOR_WITHIN` of a boundary are settled in Python integers.
    """
    squares = [m.do(np.multiply, one, one, to="f8") for one in (active, reactive)]
    square = m.do(np.add, *squares, to="f8")
    # Of two whole numbers that are not both zero the sum is 1 or more; zero over almost nothing is zero.
    apparent = m.do(np.sqrt, m.do(np.add, square, m.number(NOTHING, "f8"), to="f8"), to="f8")
    factor = m.do(np.divide, active, apparent, to="f8")
    scaled = m.do(np.multiply, factor, m.number(10.0**places, "f8"), to="f8")
    within = max(FACTOR_WITHIN, 10.0**places * 2.0**-48)
    nearest = m.do(np.rint, scaled, to="f8")
    distance = m.do(np.subtract, scaled, nearest, to="f8")
    at_halves = mode in HALVES
    if not at_halves:
        nearest = m.do(np.ceil if mode in {Rounding.UP, Rounding.CEILING} else np.floor, scaled, to="f8")
    settle = Settle(FactorAgain(places, mode), 0.5 - within if at_halves else within, at_halves)
    return m.do(settle, nearest, distance, active, reactive, to="f8", shares=(0,))


@dataclass(frozen=True, slots=True)
class FactorAgain:
    """A power factor of rows in doubt, in Python integers."""

    places: int
    mode: Rounding

    def __call__(self, columns: Sequence[Array]) -> Array:
        """Compute row by row, but for those with one of the two alone."""
        active, reactive = columns
        found = np.where(active != 0, 10**self.places, 0)
        rows = np.nonzero((active != 0) & (reactive != 0))
        pairs = zip(active[rows].tolist(), reactive[rows].tolist(), strict=True)
        found[rows] = [settled(p, q, self.places, self.mode) for p, q in pairs]
        return found


def settled(active: int, reactive: int, places: int, mode: Rounding) -> int:
    """Round active / sqrt(active^2 + reactive^2) in whole numbers; not both are zero.

    >>> settled(4, 3, 1, Rounding.FLOOR)
    8
    """
    top: int = active * active * 100**places
    bottom = active * active + reactive * reactive
    floor = isqrt(top // bottom)
    match mode:
        case Rounding.DOWN | Rounding.FLOOR:
            return floor
        case Rounding.UP | Rounding.CEILING:
            return floor + (floor * floor * bottom < top)
    beyond = 4 * top - (2 * floor + 1) * (2 * floor + 1) * bottom
    return floor + (beyond > 0 or (beyond == 0 and (mode is Rounding.HALF_UP or floor % 2 == 1)))
