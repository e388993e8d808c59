"""Draw the values of an input in its bounds, and lay them out as files would, with a share spoilt.

Takes an input, random numbers and which rows or items are to be spoilt; gives whole numbers, then columns of the kinds
that files have: whole numbers with the declared places or one more, dictionaries, booleans, text, float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Compiled, InputSpec
from engine.evaluator.draw_edges import edges
from engine.evaluator.drawn import plain_column
from engine.evaluator.rows import Array, Column, Mask, Whole, whole_text

Random = np.random.Generator

WIDE: Final = 2**58  # whole numbers below it have room for one more place in int64
JUNK: Final = ("", "x", "1e3", "1,000", "１２", "-", "0x10", "nan")


def values(compiled: Compiled, spec: InputSpec, near: Whole, random: Random) -> Whole:
    """Draw values in the declared bounds.

    Args:
        compiled: the rule set.
        spec: the input.
        near: a day for each value, which those of a date lie near.
        random: random numbers.
    """
    count, of = len(near), spec.type
    match of.kind:
        case "code":
            return random.integers(len(of.codes), size=count)
        case "boolean":
            return random.integers(2, size=count)
        case "date":
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
    drawn = np.where(how < 0.35, at_edge, np.where(how < 0.85, _whole(everyday, of.low, of.high), anywhere))
    return np.clip(np.where(random.random(count) < 0.4, drawn // round_to * round_to, drawn), of.low, of.high)


def _whole(drawn: NDArray[np.float64], low: int, high: int) -> Whole:
    """Give floats as whole numbers in bounds; a float near 2^63 would wrap."""
    return np.clip(np.clip(drawn, -(2.0**62), 2.0**62).astype(np.int64), low, high)


@dataclass(frozen=True, slots=True)
class Forms:
    """Which inputs come in another form than whole numbers."""

    as_text: str
    as_float: str


def column(spec: InputSpec, drawn: Whole, given: Mask, bad: Mask, forms: Forms, random: Random) -> Column:
    """Lay one input out, spoilt where `bad` says."""
    given = given & ~(bad & (random.random(len(drawn)) < 0.25))
    if spec.type.kind != "number":
        return _spoilt(spec, drawn, given, bad, random)
    if spec.name == forms.as_text:
        return _in_text(spec, drawn, given, bad, random)
    if spec.name == forms.as_float and _fits_float(spec):
        return Column(drawn / np.float64(10**spec.type.places), 0, given)
    return _spoilt_number(spec, drawn, given, bad, random)


def _fits_float(spec: InputSpec) -> bool:
    return max(abs(spec.type.low), abs(spec.type.high)) < 10**15


def _spoilt(spec: InputSpec, drawn: Whole, given: Mask, bad: Mask, random: Random) -> Column:
    """Spoil codes by an unknown one, truths by a number, days by one outside the bounds."""
    of = spec.type
    wrong = {"code": len(of.codes), "boolean": 2, "date": of.high + 1}[of.kind]
    return plain_column(spec, np.where(bad, wrong, drawn), given if random.random() < 0.9 or not given.all() else None)


def _spoilt_number(spec: InputSpec, drawn: Whole, given: Mask, bad: Mask, random: Random) -> Column:
    """Spoil numbers by one step outside the bounds, or by a place too many."""
    of = spec.type
    outside = np.where(random.random(len(drawn)) < 0.5, of.high + 1, of.low - 1)
    drawn = np.where(bad & (random.random(len(drawn)) < 0.5), outside, drawn)
    if max(abs(of.low), abs(of.high)) >= WIDE:
        return Column(drawn, of.places, given)
    finer = drawn * 10 + np.where(bad, random.integers(0, 10, size=len(drawn)), 0)
    return Column(finer, of.places + 1, given)


def _in_text(spec: InputSpec, drawn: Whole, given: Mask, bad: Mask, random: Random) -> Column:
    """Write numbers as text, absent ones as None, spoilt ones as people and programs write them."""
    texts: Array = np.empty(len(drawn), object)
    junk = random.integers(len(JUNK), size=len(drawn)).tolist()
    rows = zip(drawn.tolist(), given.tolist(), bad.tolist(), junk, strict=True)
    texts[:] = [
        None if not there else JUNK[at] if wrong else whole_text(value, spec.type.places)
        for value, there, wrong, at in rows
    ]
    return Column(texts)
