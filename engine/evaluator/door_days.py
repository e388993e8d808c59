"""The days of a batch at the door: a column with its least and largest, and which of them picks the version."""

from __future__ import annotations

from dataclasses import dataclass

from engine.compiler.program import FIRST_DAY, Compiled
from engine.evaluator.rows import Whole


@dataclass(frozen=True, slots=True)
class Days:
    """A column of days with its least and largest, which are looked for once."""

    values: Whole
    low: int
    high: int

    @classmethod
    def of(cls, values: Whole) -> Days:
        if not len(values):
            return cls(values, FIRST_DAY, FIRST_DAY)
        if values.strides == (0,):  # one period for all rows
            return cls(values, int(values[0]), int(values[0]))
        return cls(values, int(values.min()), int(values.max()))


def version_day(compiled: Compiled, first: Days, end: Days) -> Days:
    """Give the days that pick versions."""
    match compiled.version_by:
        case "period_from":
            return first
        case "last_day":
            return Days(end.values - 1, end.low - 1, end.high - 1)
        case "reading_day":
            return end
