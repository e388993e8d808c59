"""Draw random rows for a rule set, its edges more often than its middle.

Takes a compiled rule set, a count and a seed; gives a batch in which most rows can be billed: bounds and zero, limits
of tiers and one step either side, inputs that agree where a rule wants them to, every code, both truths, optional
inputs there and absent, the first and last day of each version. A share of rows has something wrong with it.
The same seed gives the same rows. `engine.evaluator.compare` bills them twice.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import END_DAY, FIRST_DAY, Compiled, InputSpec
from engine.evaluator.draw_edges import edges
from engine.evaluator.draw_guide import Guide
from engine.evaluator.drawn import Drawn, in_rows, plain_column
from engine.evaluator.row_door import BUILT_IN
from engine.evaluator.rows import Array, Column, Mask, Rows, Whole, whole_text

Random = np.random.Generator

BAD_SHARE: Final = 0.05  # of rows that are spoilt on purpose, an input each
BAD_PERIOD_SHARE: Final = 0.02
CUT_SHARE: Final = 0.9  # of periods that are cut at the next change, as a period may not hold one
GIVEN_SHARE: Final = 0.7  # of rows that give an optional input, before conditions are heeded
ROUNDS: Final = 6  # of mending; what still fails then stays, and is refused
WIDE: Final = 2**58  # whole numbers below it have room for one more place in int64
JUNK: Final = ("", "x", "1e3", "1,000", "１２", "-", "0x10", "nan")


def draw(compiled: Compiled, count: int, seed: int) -> Rows:
    """Draw a batch.

    Args:
        compiled: the rule set; its inputs, bounds and constants are read.
        count: rows.
        seed: of the random numbers; any whole number from 0.

    Returns:
        Rows with columns of the kinds that files have: whole numbers, with the declared places or one more,
        dictionaries, booleans, and one input a batch as text or as float64.
    """
    random = np.random.default_rng(seed)
    specs = [spec for spec in compiled.program.inputs if spec.name not in BUILT_IN]
    first, end = _periods(compiled, count, random)
    drawn = Drawn(first, end, {}, {})
    for spec in specs:
        drawn.values[spec.name] = _values(compiled, spec, first, random)
        optional = spec.optional or spec.default is not None
        drawn.given[spec.name] = random.random(count) < GIVEN_SHARE if optional else np.ones(count, np.bool_)
    guide = Guide(compiled)
    for round_ in range(ROUNDS):
        guide.mend(drawn, random, aim=round_ < ROUNDS - 1)
    return _batch(compiled, specs, drawn, random)


# days


def _periods(compiled: Compiled, count: int, random: Random) -> tuple[Whole, Whole]:
    """Draw billing periods [first, end): in each version, at its first and last days, a few where they may not be."""
    versions = [version for version in compiled.constants.versions if not version.missing]
    days = np.array([(version.first_day, version.end_day) for version in versions or compiled.constants.versions])
    low = np.maximum(days[:, 0], compiled.first_day)
    high = np.minimum(days[:, 1], END_DAY - 1 if compiled.end_day is None else compiled.end_day)
    high = np.maximum(high, low + 1)
    # A version without an end is billed in its first years most of the time.
    usual = np.minimum(high, low + 20 * 365)
    which = random.integers(len(low), size=count)
    start, stop, near = low[which], high[which], usual[which]
    length = random.choice(np.array([1, 7, 28, 29, 30, 31, 31, 31, 59, 61, 92, 365]), size=count)
    first = random.integers(start, np.maximum(near, start + 1))
    month_start = first.astype("datetime64[D]").astype("datetime64[M]")
    by_month = random.random(count) < 0.5
    months = random.choice(np.array([1, 1, 1, 2, 3, 12]), size=count)
    first = np.where(by_month, month_start.astype("datetime64[D]").astype(np.int64), first)
    following = (month_start + months).astype("datetime64[D]").astype(np.int64)
    end = np.where(by_month, following, first + length)
    edge = random.random(count)
    first = np.where(edge < 0.08, start, np.where(edge > 0.92, stop - length, first))
    end = np.where(edge < 0.08, start + length, np.where(edge > 0.92, stop, end))
    # Most periods end where a season or a ladder year does, at the latest.
    changes = np.array([*compiled.change_days, END_DAY])
    following = changes[np.searchsorted(changes, first, side="right").clip(max=len(changes) - 1)]
    end = np.where(random.random(count) < CUT_SHARE, np.minimum(end, np.maximum(following, first + 1)), end)
    inside = random.random(count) < 0.97
    first = np.where(inside, np.clip(first, start, stop - 1), first)
    end = np.where(inside, np.clip(end, first + 1, np.maximum(stop, first + 1)), end)
    return _spoilt_days(first, end, following, random)


def _spoilt_days(first: Whole, end: Whole, following: Whole, random: Random) -> tuple[Whole, Whole]:
    """Draw a few days outside what can be billed, periods that end before they begin, and periods over a change."""
    wrong = random.random(len(first))
    beyond = random.choice(np.array([FIRST_DAY - 1, FIRST_DAY, END_DAY - 2, END_DAY - 1, END_DAY]), size=len(first))
    first = np.where(wrong < BAD_PERIOD_SHARE / 2, beyond, first)
    over = (wrong >= BAD_PERIOD_SHARE) & (wrong < 1.5 * BAD_PERIOD_SHARE)
    end = np.where(over, np.minimum(following + random.integers(1, 40, size=len(first)), END_DAY - 1), end)
    back = (wrong >= BAD_PERIOD_SHARE / 2) & (wrong < BAD_PERIOD_SHARE)
    end = np.where(back, first - random.integers(0, 40, size=len(first)), end)
    return first.astype(np.int64), np.minimum(end, END_DAY - 1 + (wrong < BAD_PERIOD_SHARE)).astype(np.int64)


# inputs


def _values(compiled: Compiled, spec: InputSpec, first: Whole, random: Random) -> Whole:
    """Draw values in the declared bounds."""
    count, of = len(first), spec.type
    match of.kind:
        case "code":
            return random.integers(len(of.codes), size=count)
        case "boolean":
            return random.integers(2, size=count)
        case "date":
            near = first + random.integers(-800, 100, size=count)
            return np.clip(np.where(random.random(count) < 0.1, of.low, near), of.low, of.high)
        case "number":
            return _numbers(compiled, spec, count, random)


def _numbers(compiled: Compiled, spec: InputSpec, count: int, random: Random) -> Whole:
    of = spec.type
    at_edge = random.choice(edges(compiled, spec), size=count)
    span = float(of.high) - float(of.low)
    # Small numbers as often as large ones, from the low bound or, where it is negative, from zero both ways.
    size = np.exp(random.random(count) * np.log1p(span))
    everyday = size * random.choice([-1.0, 1.0], size=count) if of.low < 0 else of.low + size
    anywhere = random.integers(of.low, of.high, size=count, endpoint=True)
    # Rounded to a power of ten, so that products come to exactly half a fen more often.
    round_to = 10 ** random.integers(0, of.places + 3, size=count)
    how = random.random(count)
    values = np.where(how < 0.35, at_edge, np.where(how < 0.85, _whole(everyday, of.low, of.high), anywhere))
    return np.clip(np.where(random.random(count) < 0.4, values // round_to * round_to, values), of.low, of.high)


def _whole(values: NDArray[np.float64], low: int, high: int) -> Whole:
    """Give floats as whole numbers in bounds; a float near 2^63 would wrap."""
    return np.clip(np.clip(values, -(2.0**62), 2.0**62).astype(np.int64), low, high)


# what is wrong with rows, and how columns come


def _batch(compiled: Compiled, specs: list[InputSpec], drawn: Drawn, random: Random) -> Rows:
    """Lay the rows out as files would, one input in text and one as float64, and spoil a share."""
    count = len(drawn)
    spoilt = random.random(count) < BAD_SHARE
    which = random.integers(max(len(specs), 1), size=count)
    numbers = [spec.name for spec in specs if spec.type.kind == "number"]
    as_text, as_float = (str(random.choice(numbers)) if numbers else "" for _ in range(2))
    columns = {}
    for at, spec in enumerate(specs):
        bad = spoilt & (which == at)
        values, given = drawn.values[spec.name], drawn.given[spec.name] & ~(bad & (random.random(count) < 0.25))
        if spec.type.kind != "number":
            columns[spec.name] = _spoilt(spec, values, given, bad, random)
        elif spec.name == as_text:
            columns[spec.name] = _in_text(spec, values, given, bad, random)
        elif spec.name == as_float and _fits_float(spec):
            columns[spec.name] = Column(values / np.float64(10**spec.type.places), 0, given)
        else:
            columns[spec.name] = _spoilt_number(spec, values, given, bad, random)
    return in_rows(compiled, drawn, columns)


def _fits_float(spec: InputSpec) -> bool:
    return max(abs(spec.type.low), abs(spec.type.high)) < 10**15


def _spoilt(spec: InputSpec, values: Whole, given: Mask, bad: Mask, random: Random) -> Column:
    """Spoil codes by an unknown one, truths by a number, days by one outside the bounds."""
    of = spec.type
    wrong = {"code": len(of.codes), "boolean": 2, "date": of.high + 1}[of.kind]
    return plain_column(spec, np.where(bad, wrong, values), given if random.random() < 0.9 or not given.all() else None)


def _spoilt_number(spec: InputSpec, values: Whole, given: Mask, bad: Mask, random: Random) -> Column:
    """Spoil numbers by one step outside the bounds, or by a place too many."""
    of = spec.type
    outside = np.where(random.random(len(values)) < 0.5, of.high + 1, of.low - 1)
    values = np.where(bad & (random.random(len(values)) < 0.5), outside, values)
    if max(abs(of.low), abs(of.high)) >= WIDE:
        return Column(values, of.places, given)
    finer = values * 10 + np.where(bad, random.integers(0, 10, size=len(values)), 0)
    return Column(finer, of.places + 1, given)


def _in_text(spec: InputSpec, values: Whole, given: Mask, bad: Mask, random: Random) -> Column:
    """Write numbers as text, absent ones as None, spoilt ones as people and programs write them."""
    texts: Array = np.empty(len(values), object)
    junk = random.integers(len(JUNK), size=len(values)).tolist()
    rows = zip(values.tolist(), given.tolist(), bad.tolist(), junk, strict=True)
    texts[:] = [
        None if not there else JUNK[at] if wrong else whole_text(value, spec.type.places)
        for value, there, wrong, at in rows
    ]
    return Column(texts)
