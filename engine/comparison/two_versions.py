"""Two rule sets of one id, on the days on which the new one took the old one's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from engine.comparison.change import Days
from engine.comparison.slices import Slices
from engine.comparison.step_names import StepNames, settled
from engine.compiler.program import Compiled, Constants


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days [first, end) on which both rule sets keep their version: its position among each one's own."""

    first: int
    end: int
    old: int
    new: int

    @property
    def days(self) -> tuple[int, int]:
        return self.first, self.end


@dataclass(frozen=True, eq=False)
class TwoVersions:
    """Two rule sets, and the days on which they are compared."""

    old: Compiled
    new: Compiled
    days: Days
    _names: dict[object, StepNames] = field(default_factory=dict)

    @cached_property
    def slices(self) -> tuple[Slices, Slices]:
        return Slices(self.old), Slices(self.new)

    @cached_property
    def alike(self) -> bool:
        """Whether they compute the same steps: only numbers can differ."""
        return (
            self.old.program.structure == self.new.program.structure
            and settings(self.old) == settings(self.new)
            and _carried(self.old) == _carried(self.new)
        )

    @property
    def takes_over(self) -> bool:
        """Whether later bills of an account take something over, and have none where a row before them is refused."""
        return any(one.takes_over for one in self.slices)

    @property
    def follows(self) -> bool:
        """Whether one of them chooses its version by the day after a period."""
        return "reading_day" in (self.old.version_by, self.new.version_by)

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """The days, cut where one of them changes its version."""
        sides = self.old.constants, self.new.constants
        edges = {day for stretch in self.days for day in stretch}
        edges |= {day for side in sides for version in side.versions for day in (version.first_day, version.end_day)}
        found = []
        for first, end in pairwise(sorted(edges)):
            if any(begin <= first < until for begin, until in self.days):
                at = [_version_at(side, first) for side in sides]
                if at[0] is not None and at[1] is not None:
                    found.append(Stretch(first, end, at[0], at[1]))
        return tuple(found)

    def names(self) -> Iterator[tuple[Stretch, StepNames, StepNames]]:
        """What each of them computes on each stretch of days, by name."""
        for stretch in self.stretches:
            rows = self.old.constants.figures[stretch.old], self.new.constants.figures[stretch.new]
            old = self._named(self.old, settled(self.old, rows[0], self.new, rows[1]))
            new = self._named(self.new, settled(self.new, rows[1], self.old, rows[0]))
            yield stretch, old, new

    def _named(self, compiled: Compiled, known: dict[int, str]) -> StepNames:
        key = compiled is self.old, tuple(known.items())
        if key not in self._names:
            self._names[key] = StepNames(compiled, known)
        return self._names[key]


def settings(compiled: Compiled) -> Mapping[str, object]:
    """What says how rows are billed, besides the program."""
    return {
        "version_by": compiled.version_by,
        "changes": compiled.changes,
        "currency": compiled.currency,
        "minor_places": compiled.minor_places,
    }


def _carried(compiled: Compiled) -> list[object]:
    """What later bills take over, which a structure does not tell."""
    program = compiled.program
    steps = sorted((name, step) for name, step in program.names.items() if name.endswith("@carried"))
    return [*steps, *((spec.name, spec.carried) for spec in program.inputs if spec.carried is not None)]


def _version_at(constants: Constants, day: int) -> int | None:
    versions = enumerate(constants.versions)
    return next((at for at, one in versions if one.first_day <= day < one.end_day), None)
