"""What a comparison comes to: counts and sums by rule set, segment, decile, charge and cause. All sums are exact.

Takes what each batch came to; gives totals. Amounts are whole numbers of the comparison's places; those of several
currencies are never added. Kept for each bill are 16 bytes, for deciles and the histogram.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.bulk.money import exact_sum, sums_by

Whole = NDArray[np.int64]

TOP: Final = 20
DECILES: Final = 10
VALUES_MAX: Final = 5_000  # of a column that totals are told by


@dataclass(slots=True)
class Sum:
    """Bills, how many go which way, and what they come to."""

    bills: int = 0
    up: int = 0
    down: int = 0
    old: int = 0
    new: int = 0

    @property
    def same(self) -> int:
        return self.bills - self.up - self.down

    @property
    def difference(self) -> int:
        return self.new - self.old

    def add(self, other: Sum) -> None:
        """Take another in."""
        self.bills += other.bills
        self.up += other.up
        self.down += other.down
        self.old += other.old
        self.new += other.new


@dataclass(frozen=True, slots=True)
class Extreme:
    """A bill that changes much, with what is told of it."""

    difference: int
    order: int  # position in the input
    told: Mapping[str, object]


Kind = tuple[str, str]  # dimension, currency


@dataclass(slots=True)
class Totals:
    """What a batch, or all of them, came to."""

    rows: int = 0
    groups: Counter[str] = field(default_factory=Counter)  # both, only_old, only_new, neither
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)  # group and code
    alone: dict[tuple[str, str], Sum] = field(default_factory=dict)  # group that is alone, currency
    sums: dict[Kind, dict[str, Sum]] = field(default_factory=dict)
    charges: dict[str, dict[str, Sum]] = field(default_factory=dict)  # by currency and charge
    causes: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)  # bills and amount
    tops: dict[str, list[Extreme]] = field(default_factory=dict)
    old: dict[str, list[Whole]] = field(default_factory=dict)
    differences: dict[str, list[Whole]] = field(default_factory=dict)

    def add(self, other: Totals) -> None:
        """Take another in; batches come in the order of the input."""
        self.rows += other.rows
        self.groups.update(other.groups)
        self.reasons.update(other.reasons)
        for key, one in other.alone.items():
            self.alone.setdefault(key, Sum()).add(one)
        for kind, by in other.sums.items():
            mine = self.sums.setdefault(kind, {})
            for name, one in by.items():
                mine.setdefault(name, Sum()).add(one)
        for currency, by in other.charges.items():
            mine = self.charges.setdefault(currency, {})
            for name, one in by.items():
                mine.setdefault(name, Sum()).add(one)
        for currency, of in other.causes.items():
            causes = self.causes.setdefault(currency, {})
            for number, (bills, amount) in of.items():
                came = causes.get(number, (0, 0))
                causes[number] = (came[0] + bills, came[1] + amount)
        for currency, tops in other.tops.items():
            self.tops[currency] = extremes([*self.tops.get(currency, []), *tops])
        for currency, arrays in other.old.items():
            self.old.setdefault(currency, []).extend(arrays)
        for currency, arrays in other.differences.items():
            self.differences.setdefault(currency, []).extend(arrays)

    def whole(self, currency: str) -> Sum:
        """All bills of a currency that both sides have."""
        found = Sum()
        for one in self.sums.get(("ruleset", currency), {}).values():
            found.add(one)
        return found

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(sorted({currency for _, currency in self.sums} | {currency for _, currency in self.alone}))

    def check(self) -> None:
        """Assert that every row is in one group, and that causes and charges add up to the differences."""
        assert self.rows == self.groups.total(), f"{self.rows} rows came, {self.groups.total()} were told"
        for currency in self.currencies:
            whole = self.whole(currency).difference
            by_charge = sum(one.difference for one in self.charges.get(currency, {}).values())
            by_cause = sum(amount for _, amount in self.causes.get(currency, {}).values())
            assert by_charge == whole, f"{currency}: charges differ by {by_charge}, bills by {whole}"
            assert by_cause == whole, f"{currency}: causes come to {by_cause}, bills differ by {whole}"


def extremes(found: Sequence[Extreme]) -> list[Extreme]:
    """The bills that rise most and those that fall most."""
    up = sorted((one for one in found if one.difference > 0), key=lambda one: (-one.difference, one.order))[:TOP]
    down = sorted((one for one in found if one.difference < 0), key=lambda one: (one.difference, one.order))[:TOP]
    return [*up, *down]


def most(differences: Whole) -> Whole:
    """Positions of the bills that rise most, and of those that fall most; of equal ones the first in the input."""
    up = np.flatnonzero(differences > 0)
    down = np.flatnonzero(differences < 0)
    found = [some[_smallest(sign * differences[some])] for some, sign in ((up, -1), (down, 1))]
    return np.concatenate(found)


def _smallest(values: Whole) -> Whole:
    """Positions of the smallest values, in their order."""
    some = np.arange(len(values))
    if len(values) > TOP:
        some = np.flatnonzero(values <= np.partition(values, TOP - 1)[TOP - 1])
    return some[np.argsort(values[some], kind="stable")[:TOP]]


def sums_of(code: Whole, names: Sequence[str], old: Whole, new: Whole) -> dict[str, Sum]:
    """Count and add bills up by a code of each; names may be alike."""
    count = len(names)
    bills = np.bincount(code, minlength=count).tolist()
    up = np.bincount(code[new > old], minlength=count).tolist()
    down = np.bincount(code[new < old], minlength=count).tolist()
    old_sums, new_sums = (sums_by(code, count, one) if len(one) else [0] * count for one in (old, new))
    found: dict[str, Sum] = {}
    for at, name in enumerate(names):
        if bills[at]:
            found.setdefault(name, Sum()).add(Sum(bills[at], up[at], down[at], old_sums[at], new_sums[at]))
    return found


def sum_of(old: Whole, new: Whole) -> Sum:
    """Count and add up bills."""
    up, down = int(np.count_nonzero(new > old)), int(np.count_nonzero(new < old))
    return Sum(len(old), up, down, exact_sum(old), exact_sum(new))


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the bills, by the old bill."""

    lowest: int
    highest: int
    sum: Sum


def deciles(old: Sequence[Whole], differences: Sequence[Whole]) -> list[Decile]:
    """Tenths of the bills by what they were; equal bills stay in the order of the input."""
    if not old:
        return []
    before, less = np.concatenate(old), np.concatenate(differences)
    order = np.argsort(before, kind="stable")
    edges = [len(order) * at // DECILES for at in range(DECILES + 1)]
    found = []
    for start, end in pairwise(edges):
        some = order[start:end]
        if len(some):
            its = before[some]
            found.append(Decile(int(its[0]), int(its[-1]), sum_of(its, its + less[some])))
    return found


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bills by their change in percent of the old bill: `counts[i]` from `edges[i]` to below `edges[i + 1]`.

    Bills that stay as they are, and those that were zero and change, are counted apart.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    same: int
    from_zero: int


_WIDTHS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_BARS: Final = 20  # on either side of zero, at most


def histogram(old: Sequence[Whole], differences: Sequence[Whole]) -> Histogram:
    """Count bills by their change; the width of a bar is such that most of them are seen, the ends hold the rest."""
    if not old:
        return Histogram((), (), 0, 0)
    before, less = np.concatenate(old), np.concatenate(differences)
    changed = less != 0
    same = int(np.count_nonzero(~changed))
    some = changed & (before != 0)
    from_zero = int(np.count_nonzero(changed)) - int(np.count_nonzero(some))
    percent = less[some] / np.abs(before[some]) * 100
    if not len(percent):
        return Histogram((), (), same, from_zero)
    far = float(np.quantile(np.abs(percent), 0.99))
    width = next((one for one in _WIDTHS if one * _BARS >= far), _WIDTHS[-1])
    low = max(-_BARS, int(np.floor(percent.min() / width)))
    high = min(_BARS, int(np.floor(percent.max() / width)) + 1)
    low, high = min(low, high - 1), max(high, low + 1)
    places = np.clip(np.floor(percent / width).astype(np.int64), low, high - 1) - low
    counts = np.bincount(places, minlength=high - low)
    edges = tuple(round(at * width, 6) for at in range(low, high + 1))
    return Histogram(edges, tuple(counts.tolist()), same, from_zero)
