"""Two rule sets' constants laid over each other in time: stretches of days in which neither changes.

Takes the constants of an old and a new rule set; gives the stretches that both have, and constants cut at all of them.
A bill does not depend on where constants are cut without a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.compiler.program import Constants, Version


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days [first_day, end_day) on which both have constants: positions of the versions that hold them."""

    first_day: int
    end_day: int
    old: int
    new: int


def stretches(old: Constants, new: Constants) -> tuple[Stretch, ...]:
    """The stretches, by day."""
    found = []
    for i, one in enumerate(old.versions):
        for j, other in enumerate(new.versions):
            first, end = max(one.first_day, other.first_day), min(one.end_day, other.end_day)
            if first < end:
                found.append(Stretch(first, end, i, j))
    return tuple(sorted(found, key=lambda one: one.first_day))


def cut(constants: Constants, by: Sequence[Stretch]) -> tuple[Constants, tuple[int, ...]]:
    """Cut versions at the ends of stretches.

    Returns:
        The constants, and for each of their versions the position of its stretch; -1: it lies in none.
    """
    days = sorted({day for one in by for day in (one.first_day, one.end_day)})
    versions: list[Version] = []
    figures, at = [], []
    for version, row in zip(constants.versions, constants.figures, strict=True):
        inside = [day for day in days if version.first_day < day < version.end_day]
        for first, end in zip((version.first_day, *inside), (*inside, version.end_day), strict=True):
            versions.append(replace(version, first_day=first, end_day=end))
            figures.append(row)
            at.append(next((n for n, one in enumerate(by) if one.first_day <= first and end <= one.end_day), -1))
    return Constants(constants.slots, tuple(versions), tuple(figures)), tuple(at)
