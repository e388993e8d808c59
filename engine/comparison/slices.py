"""What stands beneath the lines of a bill: constants and calendars that reach a charge, a check or a later bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from engine.compiler.program import Compiled, Line

_DAYS: Final = frozenset({"day", "period_from", "period_to", "bill_from", "bill_to"})  # inputs that lie in the period


@dataclass(frozen=True, slots=True)
class Reached:
    """What follows from some constants or calendars.

    Attributes:
        carries: whether a quantity does that later bills of an account take over, or a check of a row before them.
        bills: whether an amount, a score, a class or a check does; else warnings alone.
        inside: of a calendar, whether it is asked for days of the billing period alone.
    """

    charges: tuple[str, ...]
    carries: bool
    bills: bool
    inside: bool = True


class Slices:
    """The steps beneath the outputs of one rule set."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.program = compiled.program
        self._slots: dict[int, frozenset[int]] = {}
        self._calendars: dict[int, frozenset[tuple[str, bool]]] = {}
        self._walk()

    def _walk(self) -> None:
        for at, step in enumerate(self.program.steps):
            slots: set[int] = set()
            calendars: set[tuple[str, bool]] = set()
            if step.primitive in ("constant", "cell"):
                slots |= self.below[step.slot]
            if step.primitive == "calendar":
                day = self.program.steps[step.operands[0]]
                inside = day.primitive == "input" and day.name in _DAYS
                calendars.add((self.program.calendars[step.slot].name, inside))
            for operand in step.operands:
                slots |= self._slots[operand]
                calendars |= self._calendars[operand]
            self._slots[at] = frozenset(slots)
            self._calendars[at] = frozenset(calendars)

    @cached_property
    def below(self) -> Mapping[int, frozenset[int]]:
        """Constant -> itself and those that it follows from."""
        found = {at: frozenset({at}) for at in range(len(self.compiled.constants.slots))}
        for recipe in self.compiled.premises.folded:
            parents = (found[one.slot] for one in recipe.operands if one.slot >= 0)
            found[recipe.slot] = found[recipe.slot].union(*parents)
        return found

    def slots(self, steps: Iterable[int | None]) -> frozenset[int]:
        """The constants beneath some steps, with those that these follow from."""
        return frozenset().union(*(self._slots[one] for one in steps if one is not None))

    def calendars(self, steps: Iterable[int | None]) -> frozenset[tuple[str, bool]]:
        """The calendars beneath some steps, and whether each is asked for a day of the billing period alone."""
        return frozenset().union(*(self._calendars[one] for one in steps if one is not None))

    @cached_property
    def by_charge(self) -> Mapping[str, tuple[Line, ...]]:
        """The lines of each charge."""
        found: dict[str, list[Line]] = {}
        for line in self.program.lines:
            found.setdefault(line.charge, []).append(line)
        return {charge: tuple(lines) for charge, lines in found.items()}

    def charge_steps(self, charge: str) -> list[int | None]:
        """What the lines of a charge come from."""
        return [step for line in self.by_charge.get(charge, ()) for step in (line.amount, line.shown)]

    def reached(self, slots: Iterable[int]) -> Reached:
        """What follows from some constants."""
        wanted = frozenset(slots)
        charges = tuple(name for name in self.by_charge if self.slots(self.charge_steps(name)) & wanted)
        refuses = bool(self.slots(self.requires) & wanted)
        carries = bool(self.slots(self.carried.values()) & wanted) or (refuses and self.takes_over)
        profiles = bool(self.slots(self.program.profile) & wanted)
        return Reached(charges, carries, bool(charges) or profiles or carries or refuses)

    def users_of(self, calendar: str) -> Reached:
        """What follows from a calendar."""
        charges = tuple(name for name in self.by_charge if self._asks(calendar, self.charge_steps(name)))
        carries = self._asks(calendar, self.carried.values())
        carries = carries or (self.takes_over and self._asks(calendar, self.requires))
        steps = [*range(len(self.program.steps))]
        inside = (calendar, False) not in self.calendars(steps)
        return Reached(charges, carries, True, inside)

    @property
    def takes_over(self) -> bool:
        """Whether later bills take something over: then they have none, either, where an earlier row is refused."""
        return any(spec.carried is not None for spec in self.program.inputs)

    def _asks(self, calendar: str, steps: Iterable[int | None]) -> bool:
        return any(name == calendar for name, _ in self.calendars(steps))

    @cached_property
    def requires(self) -> tuple[int, ...]:
        """The steps that refuse a row."""
        return tuple(at for at, step in enumerate(self.program.steps) if step.primitive == "require")

    @cached_property
    def carried(self) -> Mapping[str, int]:
        """Quantity or input that later rows of an account take over -> its step."""
        suffix = "@carried"
        return {name.removesuffix(suffix): step for name, step in self.program.names.items() if name.endswith(suffix)}
