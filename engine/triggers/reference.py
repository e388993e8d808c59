"""Triggers in decimals: the programs of a trigger run by the reference, event by event, in the plainest way there is.

Every number is asserted to lie in the bounds that the compiler proved, those of the memory too. Nothing is forgotten
and nothing is shared with the machine or the panel but the programs; both are compared with it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from engine.calendars.days import END_DAY, day_date
from engine.calendars.local import local_day
from engine.compiler.program import InputSpec, Type
from engine.compiler.trigger import WAS, Transition, Trigger
from engine.compiler.triggers.maker import IS
from engine.evaluator import decimals
from engine.evaluator.interpretation import Value, single
from engine.evaluator.reference import Reference
from engine.evaluator.rows import RowProblem
from engine.triggers.events import Event
from engine.triggers.machine import Raised


@dataclass(slots=True)
class _Memory:
    """What is remembered of an account, or of a key of it."""

    account: str
    key: tuple[str, ...]
    numbers: tuple[Decimal, ...]  # as of `Trigger.remembered`, in their units


def reference_run(trigger: Trigger, events: Iterable[Event], until: int) -> list[Raised]:
    """Run one trigger over events.

    Args:
        trigger: as compiled.
        events: in any order, each once; of any type and account.
        until: everything before has come [us]: events before it are processed, deadlines before it fire.

    Returns:
        What is raised and cleared, in order of (at, account, key, event, state).
    """
    interpreter = _Interpreter(trigger)
    for event in sorted((one for one in events if one.at < until), key=lambda one: one.order):
        interpreter.take(event)
    interpreter.pass_time(until)
    return sorted(interpreter.raised, key=lambda one: (one.at, one.account, one.key, one.event, one.state))


class _Interpreter:
    """One trigger with all that it remembers."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        self.references = {one.event: Reference(one.compiled) for one in trigger.transitions}
        self.ruleset = trigger.ruleset.partition("@")[0]
        self.memories: dict[tuple[str, tuple[str, ...]], _Memory] = {}
        self.regions: dict[str, str] = {}
        self.raised: list[Raised] = []

    def take(self, event: Event) -> None:
        """Process the next event; one that the trigger does not look at only says its account's region."""
        self.pass_time(event.at, event.account)
        if event.region:
            self.regions[event.account] = event.region
        transition = self.trigger.transition(event.type)
        if transition is None or (self.trigger.own and event.ruleset != self.ruleset):
            return
        day = local_day(event.at, self.trigger.timezone)
        if self.in_force(day) != day:
            return
        key = tuple(event.keys[place] for place in transition.keys)
        start = tuple(decimals.of_whole(0, one.type.places) for one in self.trigger.remembered)
        memory = self.memories.setdefault((event.account, key), _Memory(event.account, key, start))
        values = {
            spec.name: None if whole is None else plain(decimals.of_whole(whole, spec.type.places), spec.type)
            for spec, whole in zip(inputs_of(transition), event.values, strict=True)
        }
        self.run(transition, memory, values, event.at, event.id)

    def pass_time(self, until: int, account: str | None = None) -> None:
        """Let every deadline before a time pass, of one account or of all."""
        for memory in self.memories.values() if self.trigger.due >= 0 else ():
            due = int(memory.numbers[self.trigger.due])
            if 0 < due < until and account in (None, memory.account):
                self.run(self.trigger.transitions[-1], memory, {}, due, "")

    def run(self, transition: Transition, memory: _Memory, values: Mapping[str, object], at: int, event: str) -> None:
        """Run a transition, and keep what it remembers and raises."""
        row = dict(values)
        for one, number in zip(self.trigger.remembered, memory.numbers, strict=True):
            row[f"{WAS}{one.name}"] = plain(number, one.type)
        row |= supplied(at, local_day(at, self.trigger.timezone))
        day = self.in_force(local_day(at, self.trigger.timezone))
        ran = self.references[transition.event].run(row, period_from=day, period_to=day + 1, row_id=event)
        if isinstance(ran, RowProblem):
            raise AssertionError(f"a transition of {self.trigger.id} refuses an event: {ran}")
        steps = ran.parts[0]
        memory.numbers = tuple(single(steps[step]) for step in transition.next)
        if day != local_day(at, self.trigger.timezone):
            return  # a deadline after the rules have ended: what would have answered it was not looked at
        states: tuple[Literal["cleared", "raised"], ...] = ("cleared", "raised")
        for state, step in zip(states, (transition.cleared, transition.raised), strict=True):
            if step >= 0 and steps[step]:
                told = self.told(transition, steps) if state == "raised" else ()
                region = self.regions.get(memory.account, "")
                self.raised.append(Raised(self.trigger.id, state, memory.account, memory.key, at, event, region, told))

    def told(self, transition: Transition, steps: Sequence[Value]) -> tuple[int | None, ...]:
        """Give the values that the message names; None: one cannot be computed."""
        found: list[int | None] = []
        for (step, known), (_, type_) in zip(transition.values, self.trigger.values, strict=True):
            if known >= 0 and not steps[known]:
                found.append(None)
                continue
            whole = decimals.to_whole(single(steps[step]), type_.places)
            assert whole is not None, f"{steps[step]} has more than {type_.places} places"
            found.append(whole)
        return tuple(found)

    def in_force(self, day: int) -> int:
        """Give the day whose numbers count: itself, or of a deadline after the last day of the rules that last day."""
        return min(max(day, self.trigger.first_day), (self.trigger.end_day or END_DAY) - 1)


def inputs_of(transition: Transition) -> list[InputSpec]:
    """Give what a transition takes of its event, in the order of the event's values."""
    return [spec for spec in transition.compiled.program.inputs if not spec.name.startswith((WAS, IS))]


def plain(value: Decimal, type_: Type) -> object:
    """Give a number as a row gives it: codes as text."""
    return type_.codes[int(value)] if type_.kind == "code" else int(value) if type_.kind != "number" else value


def supplied(at: int, day: int) -> dict[str, int]:
    """Give what a transition is told of a time besides the event: the local month and year, and how far they are."""
    local = day_date(day)
    return {
        f"{IS}at": at,
        f"{IS}month_number": (local.year - 1970) * 12 + local.month - 1,
        f"{IS}month_passed": local.day,
        f"{IS}month_days": monthrange(local.year, local.month)[1],
        f"{IS}year_number": local.year - 1970,
        f"{IS}year_passed": (local - date(local.year, 1, 1)).days + 1,
        f"{IS}year_days": (date(local.year + 1, 1, 1) - date(local.year, 1, 1)).days,
    }
