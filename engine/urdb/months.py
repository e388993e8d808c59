"""Months of a year in words: for calendars, for names of seasons, for formulas.

A month is 0 to 11 here, as URDB's lists count them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class Season:
    """Months that are billed alike."""

    name: str
    months: tuple[int, ...]


def runs(months: Iterable[int]) -> list[tuple[int, int]]:
    """Give the first and last month of each run, the year being a ring: June to September, October to May."""
    chosen = sorted(set(months))
    if len(chosen) == len(NAMES):
        return [(0, 11)]
    found = []
    for month in chosen:
        if (month - 1) % 12 in chosen:
            continue
        last = month
        while (last + 1) % 12 in chosen:
            last = (last + 1) % 12
        found.append((month, last))
    return found


def listed(months: Iterable[int]) -> str:
    """Write months as the calendar reads them: `6-9`, `11-4`, `1, 7-8`, `all`."""
    found = runs(months)
    if found == [(0, 11)]:
        return "all"
    return ", ".join(f"{first + 1}" if first == last else f"{first + 1}-{last + 1}" for first, last in found)


def name(months: Iterable[int]) -> str:
    """Name a season after its months: `jun_sep`, `oct_may`, `jan`."""
    return "_".join(NAMES[first] if first == last else f"{NAMES[first]}_{NAMES[last]}" for first, last in runs(months))


def seasons(keys: Sequence[Hashable]) -> tuple[Season, ...]:
    """Put months with equal keys together, in order of their first month."""
    groups: dict[Hashable, list[int]] = {}
    for month, key in enumerate(keys):
        groups.setdefault(key, []).append(month)
    return tuple(Season(name(months), tuple(months)) for months in groups.values())
