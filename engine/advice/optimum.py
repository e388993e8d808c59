"""The best value of an input: for each account the one at which its rows come to least, of equal ones the smallest.

Takes the rows of accounts by the rule set that bills them, and the values that are lawful. The value found is the true
least of all of them, and most are never priced: values are taken in stretches, each is priced at its first value and
bounded over the rest (`engine.advice.bounds`), and a stretch that cannot hold anything better than what is known is
dropped. What is left is cut into pieces, down to single values.

    stretches ─▶ priced at the start ─▶ bounded beyond it ─▶ dropped, or cut in pieces ─▶ stretches

Rows are summed before they are bounded, so that what one month loses and another gains by a higher value cancels out.
Where a bound cannot tell (amounts that are equal but for roundings), each value is priced. A value at which any row is
refused is not lawful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from engine.advice.bounds import Form
from engine.advice.columns import some_rows, with_columns
from engine.advice.residual import Priced, Residual, cut
from engine.compiler.advising import Best
from engine.compiler.capacity import TooWide
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Array, Column, Mask, Rows, Whole

PIECES: Final = 8  # that a stretch is cut into
PAIRS_MAX: Final = 49_152  # rows and stretches priced at once; a column of them stays in the second-level cache
NOTHING: Final = np.iinfo(np.int64).max  # the total where no value is known yet


@dataclass(frozen=True)
class Target:
    """Rows, and the rule set that bills them.

    Attributes:
        account: shape (row,) ascending.
    """

    compiled: Compiled
    rows: Rows
    account: Whole


class Pricing(Protocol):
    """What prices a target's rows."""

    hopeless: Whole

    def pairs(self, account: Whole) -> tuple[Whole, Whole]: ...

    def price(self, part: Whole, start: Whole, width: Whole) -> Priced: ...


class Stretches(NamedTuple):
    """Values of accounts, from `first` to `last`, in steps. Axis `stretch`.

    `least` is less than or equal to the total at any of them.
    """

    account: Whole
    first: Whole
    last: Whole
    least: Array

    def some(self, at: Array | slice) -> Stretches:
        """Give some of them."""
        return Stretches(*(one[at] for one in self))


def cheapest(targets: Sequence[Target], accounts: Mask, best: Best, low: Whole, high: Whole) -> Whole:
    """Find the best value of an input.

    Args:
        targets: rows of the accounts.
        accounts: shape (account,) those asked about.
        best: the input.
        low: shape (account,) its least value, in steps.
        high: shape (account,) its highest, no less.

    Returns:
        Shape (account,) the value, whole number of the input's places; where every value is refused, the least.
    """
    pricing = [_pricing(target, best, low) for target in targets]
    hopeless = np.zeros(len(accounts), np.bool_)
    for one in pricing:
        hopeless[one.hopeless] = True
    asked = np.flatnonzero(accounts & ~hopeless)
    known = _Known(np.full(len(accounts), NOTHING), np.where(accounts, low, 0))
    left = Stretches(asked, low[asked], high[asked], np.full(len(asked), -np.inf))
    while len(left.account):
        left = left.some(known.may_better(left))
        few = _few(pricing, left.account)
        left, now = left.some(slice(None, -few)), left.some(slice(-few, None))
        if len(now.account):
            beyond = _priced(pricing, now, known)
            beyond = beyond.some(known.may_better(beyond))
            left = Stretches(*map(np.concatenate, zip(left, _pieces(beyond), strict=True)))
    return known.value * best.step


@dataclass
class _Known:
    """The best of each account so far.

    Attributes:
        total: shape (account,)
        value: shape (account,) in steps.
    """

    total: Whole
    value: Whole

    def take(self, account: Whole, total: Whole, value: Whole) -> None:
        """Keep what is better: a lower total, or the same at a smaller value."""
        order = np.lexsort((value, total, account))
        account, total, value = account[order], total[order], value[order]
        first = np.flatnonzero(np.diff(account, prepend=-1))
        account, total, value = account[first], total[first], value[first]
        better = (total < self.total[account]) | ((total == self.total[account]) & (value < self.value[account]))
        self.total[account[better]] = total[better]
        self.value[account[better]] = value[better]

    def may_better(self, some: Stretches) -> Mask:
        """Tell the stretches that may hold a better value."""
        total = self.total[some.account]
        found: Mask = (some.least < total) | ((some.least == total) & (some.first < self.value[some.account]))
        return found


def _priced(pricing: Sequence[Pricing], some: Stretches, known: _Known) -> Stretches:
    """Price stretches at their first values; gives what lies beyond those, with bounds."""
    count = len(some.account)
    width = some.last - some.first
    total = np.zeros(count, np.int64)
    refused, never = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    at, slope, size, rows = np.zeros((4, count))
    for one in pricing:
        part, of = one.pairs(some.account)
        found = one.price(part, some.first[of], width[of])
        np.add.at(total, of, found.total)
        refused[of[found.refused]] = True
        never[of[found.never]] = True
        lines = np.broadcast_arrays(*found.bounds[:3], found.bounds.at + width[of])[:3]
        at += np.bincount(of, lines[0] + lines[2], count)
        slope += np.bincount(of, lines[1], count)
        size += np.bincount(of, np.abs(lines[0]) + np.abs(lines[1]) * width[of] + np.abs(lines[2]), count)
        rows += np.bincount(of, minlength=count)
    lawful = ~refused
    known.take(some.account[lawful], total[lawful], some.first[lawful])
    # Sums of float64 lose no more than a unit in the last place for each number added. Totals are whole.
    least = np.ceil(at + np.minimum(slope, slope * width) - size * (rows + 4) * 2.0**-52)
    beyond = Stretches(some.account, some.first + 1, some.last, np.maximum(least, some.least))
    return beyond.some((width > 0) & ~never)


def _pieces(some: Stretches) -> Stretches:
    """Cut stretches in pieces that differ in length by one at most."""
    length = some.last - some.first + 1
    count = np.minimum(length, PIECES)
    of = np.repeat(np.arange(len(length)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    first = some.first[of] + length[of] * number // count[of]
    last = some.first[of] + length[of] * (number + 1) // count[of] - 1
    return Stretches(some.account[of], first, last, some.least[of])


def _few(pricing: Sequence[Pricing], account: Whole) -> int:
    """How many stretches, of the last, are priced at once: 1 or more."""
    rows = np.zeros(len(account), np.int64)
    for one in pricing:
        rows += np.bincount(one.pairs(account)[1], minlength=len(account))
    ends = np.cumsum(rows[::-1])
    return max(int(np.searchsorted(ends, PAIRS_MAX, side="right")), 1)


def _pricing(target: Target, best: Best, low: Whole) -> Pricing:
    spec = next((one for one in row_inputs(target.compiled) if one.name == best.input), None)
    best = best if spec is None else best.with_places(spec.type.places)
    left = cut(target.compiled.program, best.input)
    if left is None:
        return Scan(target, best)
    try:
        return Residual(target.compiled, left, target.rows, target.account, best, low)
    except TooWide:
        return Scan(target, best)


class Scan:
    """Prices rows with the whole program, and bounds nothing: every value is then priced.

    For programs of which what depends on the input goes over lists, or over parts of a row.
    """

    def __init__(self, target: Target, best: Best) -> None:
        self.target = target
        self.best = best
        self.hopeless: Whole = np.zeros(0, np.int64)
        self.plans = Plans(target.compiled)
        known = {spec.name for spec in row_inputs(target.compiled)}
        known |= {axis.name for axis in target.compiled.program.axes}
        self.foreign = {*target.rows.columns, *target.rows.children, best.input} - known

    def pairs(self, account: Whole) -> tuple[Whole, Whole]:
        """Give the rows of some accounts, account by account, and for each row which of those accounts it is of."""
        first = np.searchsorted(self.target.account, account)
        counts = np.searchsorted(self.target.account, account, side="right") - first
        of = np.repeat(np.arange(len(account)), counts)
        return np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts - first, counts), of

    def price(self, part: Whole, start: Whole, width: Whole) -> Priced:
        """Price rows at a value."""
        value = Column(start * self.best.step, self.best.places)
        rows = with_columns(some_rows(self.target.rows, part), {self.best.input: value})
        done = evaluate(self.target.compiled, rows, pass_through=self.foreign, totals_only=True, plans=self.plans)
        total, refused = np.zeros(len(part), np.int64), np.ones(len(part), np.bool_)
        total[done.kept], refused[done.kept] = done.total, False
        none = np.zeros(len(part))
        return Priced(total, refused, Form(none, none, none - 1e30, none + 1e30), np.zeros(len(part), np.bool_))
