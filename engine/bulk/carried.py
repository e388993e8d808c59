"""What follows from an account's earlier rows: sums within a year, the highest of months past, the last.

Takes the rows of one rule set with a quantity each; gives the value that each row needs, or why it has none. Rows are
sorted by account and period, and computed by segments: a segment begins where a value does not depend on the row
before. Nothing here reads a file or knows a bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Carried
from engine.evaluator.seen import Words

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]


class State(IntEnum):
    """What becomes of a row's carried input."""

    LEFT = 0  # as it came: given, or not needed
    COMPUTED = 1
    GAP = 2  # the rows before leave a gap, or overlap
    REFUSED = 3  # an earlier row was refused
    NO_OPENING = 4  # the account's first row, and nothing to begin from
    DOOMED = 5  # the row has no bill whatever is carried


@dataclass(frozen=True, slots=True)
class Earlier:
    """Rows of one rule set, with what they bring to a carried input; shape (row,) each, in any order.

    Attributes:
        primary, check: two numbers that stand for the account.
        period_from, period_to: days since 1970-01-01.
        quantity: of the row itself, in whole numbers of the input's places.
        given: whether the row gives the input; `value` is then what it gives.
        needed: whether the row needs it.
        opens: whether it is told what the account's first row begins from; `opening` is then that.
        refused: rows that have no bill whatever is carried.
    """

    primary: Words
    check: Words
    period_from: Whole
    period_to: Whole
    quantity: Whole
    given: Mask
    value: Whole
    needed: Mask
    opens: Mask
    opening: Whole
    refused: Mask

    def __len__(self) -> int:
        return len(self.quantity)


def carry(how: Carried, rows: Earlier) -> tuple[Whole, NDArray[np.uint8]]:
    """Compute a carried input.

    Args:
        how: but for its opening, which each row has of its own.
        rows: in any order.

    Returns:
        (row,) its value, and its `State`; the value counts where the state is COMPUTED.
    """
    order = np.lexsort((rows.period_to, rows.period_from, rows.check, rows.primary))
    values = np.zeros(len(rows), dtype=np.int64)
    states = np.zeros(len(rows), dtype=np.uint8)
    if len(rows):
        values[order], states[order] = _carried(how, _Chain(rows, order))
    return values, states


class _Chain:
    """Rows sorted by account and period, with what is to be known of their neighbours."""

    def __init__(self, rows: Earlier, order: Whole) -> None:
        self.first, self.end = rows.period_from[order], rows.period_to[order]
        self.quantity, self.value = rows.quantity[order], rows.value[order]
        self.opens, self.opening = rows.opens[order], rows.opening[order]
        self.given, self.refused = rows.given[order], rows.refused[order]
        self.asks = rows.needed[order] & ~self.given
        primary, check = rows.primary[order], rows.check[order]
        self.new = np.ones(len(order), dtype=bool)
        self.new[1:] = (primary[1:] != primary[:-1]) | (check[1:] != check[:-1])
        follows = np.zeros(len(order), dtype=bool)
        follows[1:] = ~self.new[1:] & (self.first[1:] == self.end[:-1])
        # Of two rows that begin on one day, neither is before the other.
        twin = np.zeros(len(order), dtype=bool)
        alike = ~self.new[1:] & (self.first[1:] == self.first[:-1])
        twin[1:] |= alike
        twin[:-1] |= alike
        follows[1:] &= ~twin[:-1]
        self.twin, self.follows = twin, follows & ~twin
        self.clear = self.new.copy()  # no earlier row reaches into this one
        self.clear[1:] |= self.first[1:] >= self.end[:-1]
        self.clear &= ~twin


def _carried(how: Carried, chain: _Chain) -> tuple[Whole, NDArray[np.uint8]]:
    # Where a value is known without the row before: it is given, the year begins, or there is an opening.
    fresh, start = chain.given.copy(), np.where(chain.given, chain.value, 0)
    crossed = np.zeros(len(fresh), dtype=bool)
    if how.how == "sum" and how.year_starts:
        year_begins, crossed = _years(chain, how.year_starts)
        fresh |= year_begins | crossed if how.by_first_day else year_begins
    opens = chain.opens & chain.new & ~chain.given & ~chain.twin
    fresh |= opens
    start = np.where(opens, chain.opening, start)
    broken = ~fresh & (chain.new | ~chain.follows | crossed)
    begins = fresh | broken
    if how.how == "last":
        begins |= chain.follows & ~chain.asks  # such a row is billed whatever was before it, and that is enough
    segment = np.cumsum(begins) - 1
    at = np.flatnonzero(begins)  # first row of each segment
    states = np.full(len(segment), State.COMPUTED, dtype=np.uint8)
    why = np.where(chain.new[at] & ~chain.twin[at], State.NO_OPENING, State.GAP).astype(np.uint8)
    lost = broken if how.how == "last" else broken[at][segment]
    states[lost] = why[segment][lost]
    # A refused row, and a row that asks in vain, spoil what comes after them in their segment.
    spoils = chain.refused | (lost & chain.asks)
    earlier = np.cumsum(spoils) - spoils
    spoilt = ~begins & (earlier > earlier[at][segment])
    states[spoilt] = State.REFUSED
    states[~chain.asks] = State.LEFT
    match how.how:
        case "sum" | "remainder":
            totals = np.cumsum(chain.quantity) - chain.quantity  # may wrap: differences within a segment do not
            values = start[at][segment] + totals - totals[at][segment]
            if how.how == "remainder":
                values %= how.whole
        case "max":
            values = _highest(how, chain, start, fresh, segment, at)
        case "last":
            values = start.copy()
            values[1:] = np.where(fresh[1:], start[1:], chain.quantity[:-1])
    return values, states


def _years(chain: _Chain, year_starts: int) -> tuple[Mask, Mask]:
    """Where nothing of the year lies before a row, and where the row before began in another year and reaches into it.

    How much of that row belongs to the new year its quantity does not say.
    """
    months = chain.first.astype("datetime64[D]").astype("datetime64[M]")
    shifted = months.astype(np.int64) - (year_starts - 1)
    year = shifted // 12
    first_day = (shifted % 12 == 0) & (months.astype("datetime64[D]").astype(np.int64) == chain.first)
    other = np.zeros(len(year), dtype=bool)
    other[1:] = chain.follows[1:] & (year[1:] != year[:-1])
    return first_day & chain.clear, other & ~first_day


def _highest(how: Carried, chain: _Chain, start: Whole, fresh: Mask, segment: Whole, at: Whole) -> Whole:
    """The highest quantity of the segment's rows that ended within the months before; with what it began from."""
    since = _months_before(chain.first, how.months)  # a row that ended by then is too old
    # Within a segment rows follow one another, so that ends ascend; a day takes less than 20 bits.
    lowest = np.searchsorted((segment << 20) + chain.end, (segment << 20) + since, side="right")
    positions = np.arange(len(segment))
    lowest = np.minimum(np.maximum(lowest, at[segment]), positions)
    least = np.iinfo(np.int64).min
    values = _window_max(chain.quantity, lowest, positions, least)
    begun = start[at][segment]
    counts = fresh[at][segment] & ((chain.first[at][segment] > since) | (positions == at[segment]))
    values = np.maximum(values, np.where(counts, begun, least))
    return np.where(values == least, 0, values)


def _months_before(days: Whole, months: int) -> Whole:
    """The same day so many months earlier, or the last of a month that is shorter."""
    whole = days.astype("datetime64[D]")
    month = whole.astype("datetime64[M]")
    day = (whole - month.astype("datetime64[D]")).astype(np.int64)
    earlier = month - months
    length = ((earlier + 1).astype("datetime64[D]") - earlier.astype("datetime64[D]")).astype(np.int64)
    found: Whole = earlier.astype("datetime64[D]").astype(np.int64) + np.minimum(day, length - 1)
    return found


def _window_max(values: Whole, lowest: Whole, end: Whole, nothing: int) -> Whole:
    """The highest of values[lowest[i] : end[i]], by maxima over powers of two; `nothing` where that is empty."""
    length = end - lowest
    found = np.full(len(values), nothing, dtype=np.int64)
    power, level = 1, values
    while True:
        # Two stretches of `power` values, which may overlap, cover a window of power to 2 * power - 1.
        of = np.flatnonzero((length >= power) & (length < 2 * power))
        found[of] = np.maximum(level[lowest[of]], level[end[of] - power])
        if not bool((length >= 2 * power).any()):
            return found
        level = np.maximum(level[:-power], level[power:])
        power *= 2
