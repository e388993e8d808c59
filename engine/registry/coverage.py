"""On which days a rate book has prices, by rule set id; and what a new one would lose.

A day counts where a version of the constants holds it with nothing missing, inside the days on which the rule set is in
force. The rule sets that share an id are taken together. Days are days since 1970-01-01, intervals half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from engine.calendars.days import END_DAY, day_date
from engine.compiler.program import Compiled

Days: TypeAlias = tuple[tuple[int, int], ...]
"""Intervals [first day, end day), in order, that neither overlap nor touch."""


def covered(rulesets: Iterable[Compiled]) -> dict[str, Days]:
    """Give the days that each rule set id bills."""
    found: dict[str, list[tuple[int, int]]] = {}
    for compiled in rulesets:
        end = END_DAY if compiled.end_day is None else compiled.end_day
        found.setdefault(compiled.id, []).extend(
            (max(version.first_day, compiled.first_day), min(version.end_day, end))
            for version in compiled.constants.versions
            if not version.missing
        )
    return {id_: joined(days) for id_, days in sorted(found.items())}


def lost(before: Mapping[str, Days], after: Mapping[str, Days], until: int) -> dict[str, Days]:
    """Give the days earlier than `until` that only `before` bills, by rule set id; ids that lose none are left out.

    >>> lost({"a": ((0, 10),), "b": ((0, 5),)}, {"a": ((0, 4), (6, 20))}, 8)
    {'a': ((4, 6),), 'b': ((0, 5),)}
    """
    found = {}
    for id_, days in before.items():
        past = [(first, min(end, until)) for first, end in days]
        gone = without(joined(past), after.get(id_, ()))
        if gone:
            found[id_] = gone
    return found


def joined(days: Iterable[tuple[int, int]]) -> Days:
    """Put intervals in order and together.

    >>> joined([(5, 9), (1, 3), (3, 4), (6, 7), (8, 8)])
    ((1, 4), (5, 9))
    """
    found: list[tuple[int, int]] = []
    for first, end in sorted(days):
        if first >= end:
            continue
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return tuple(found)


def without(days: Days, others: Sequence[tuple[int, int]]) -> Days:
    """Give what is left of intervals when others are taken out of them.

    >>> without(((0, 10), (12, 14)), ((2, 3), (9, 13)))
    ((0, 2), (3, 9), (13, 14))
    """
    left = list(days)
    for first, end in others:
        pieces = [((a, min(b, first)), (max(a, end), b)) for a, b in left]
        left = [piece for two in pieces for piece in two]
    return joined(left)


def days_text(days: Days, at_most: int = 3) -> str:
    """Write intervals for people, both days of each included.

    >>> days_text(((19723, 19754), (19783, 19784)))
    '2024-01-01..2024-01-31, 2024-03-01'
    """
    shown = [_interval_text(first, end) for first, end in days[:at_most]]
    return ", ".join([*shown, "…"] if len(days) > at_most else shown)


def _interval_text(first: int, end: int) -> str:
    one, last = day_date(first).isoformat(), day_date(end - 1).isoformat()
    return one if one == last else f"{one}..{last}"
