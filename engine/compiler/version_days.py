"""On which days a version of a rule set begins: those on which a constant may change."""

from __future__ import annotations

from functools import cache

from engine.calendars.days import END_DAY, FIRST_DAY, month_index_table
from engine.compiler.constants import boundaries
from engine.compiler.lower import Resolved
from engine.compiler.program import DayTable


@cache
def months() -> DayTable:
    """The number of each day's month."""
    return DayTable("month_index", FIRST_DAY, month_index_table(FIRST_DAY, END_DAY + 1))


def first_days(resolved: Resolved, first_day: int, end_day: int) -> tuple[int, ...]:
    """Give the first day of each version between two days."""
    scope = resolved.scope
    sources = [*scope.constants.values()]
    for table in scope.tables.values():
        sources += table.columns.values()
    starts = {first_day, *boundaries(sources, first_day, end_day)}
    starts |= {day for day in resolved.boundaries if first_day < day < end_day}
    return tuple(sorted(starts))
