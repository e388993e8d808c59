"""One account at a time: a trigger's transitions as generated Python over whole numbers.

Takes what is remembered of an account and an event; gives what is remembered afterwards, and the warnings raised or
cleared. Nothing is kept here: whoever asks holds the memory. Many accounts at once are the business of
`engine.triggers.panel`; both run the same programs.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from calendar import isleap, monthrange
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from engine.calendars.days import day_date
from engine.calendars.local import local_day
from engine.compiler.messages import BRACES
from engine.compiler.program import Compiled
from engine.compiler.trigger import Transition, Trigger
from engine.compiler.triggers.maker import IS
from engine.evaluator.rows import value_text
from engine.evaluator.scalar import Scalar
from engine.triggers.events import Event

Memory = tuple[int, ...]
"""Whole numbers, one for each of `Trigger.remembered`."""

CANNOT_TELL: Final = "—"
"""What a message shows for a value that cannot be computed, as a share of nothing."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A warning that is raised, or one that is cleared.

    Attributes:
        trigger: its id.
        key: values of the event's keys by which it watches; () where it watches the account as a whole.
        at: when [us]: the time of the event, or the deadline.
        event: id of the event that completed the pattern; "": a deadline did.
        region: last known of the account.
        values: in the order of `Trigger.values`, whole numbers; None: cannot be computed. () where it is cleared.
    """

    trigger: str
    state: Literal["raised", "cleared"]
    account: str
    key: tuple[str, ...]
    at: int
    event: str
    region: str
    values: tuple[int | None, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same warning, however often it is found."""
        named = [self.trigger, self.state, self.account, list(self.key), self.at, self.event]
        text = json.dumps(named, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def order(self) -> tuple[int, str, str, tuple[str, ...], str, str]:
        """In which order several are told."""
        return self.at, self.account, self.trigger, self.key, self.state, self.event


class Machine:
    """One trigger at work. Threads may share it.

    Attributes:
        start: what is remembered of an account before its first event.
    """

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        self.start: Memory = (0,) * len(trigger.remembered)
        self._steps = {one.event: _Step(trigger, one) for one in trigger.transitions}
        self._keys = {one.event: one.keys for one in trigger.transitions}

    def key_of(self, event: Event) -> tuple[str, ...] | None:
        """Give the key that an event belongs to; None: the trigger does not look at the event."""
        trigger = self.trigger
        if event.type not in self._steps or (trigger.own and event.ruleset != trigger.ruleset):
            return None
        if not self.in_force(event.at):
            return None
        return tuple([event.keys[place] for place in self._keys[event.type]])

    def in_force(self, at: int) -> bool:
        """Whether the trigger counts at a time [us]."""
        trigger = self.trigger
        day = local_day(at, trigger.timezone)
        return day >= trigger.first_day and (trigger.end_day is None or day < trigger.end_day)

    def on_event(self, memory: Memory, event: Event, key: tuple[str, ...], region: str) -> tuple[Memory, list[Raised]]:
        """Process an event; a deadline that has passed by then fires first."""
        raised: list[Raised] = []
        due = self.trigger.due
        if due >= 0 and 0 < memory[due] < event.at:
            memory = self._fire(memory, event.account, key, region, raised)
        return self._steps[event.type].run(
            memory, event.values, event.at, _Told(event.account, key, region, event.id), raised
        ), raised

    def on_watermark(
        self, memory: Memory, account: str, key: tuple[str, ...], region: str, watermark: int
    ) -> tuple[Memory, list[Raised]]:
        """Fire a deadline before the watermark [us]."""
        raised: list[Raised] = []
        if 0 < self.due(memory) < watermark:
            memory = self._fire(memory, account, key, region, raised)
        return memory, raised

    def due(self, memory: Memory) -> int:
        """Give the next deadline [us]; 0: there is none."""
        return memory[self.trigger.due] if self.trigger.due >= 0 else 0

    def idle(self, memory: Memory, last_at: int, watermark: int) -> bool:
        """Whether the memory may be forgotten: what comes finds what it would find without it.

        `last_at`: time of the last event of this account and key; `watermark`: nothing comes from before it [us].
        """
        if memory == self.start:
            return True
        trigger = self.trigger
        if self.due(memory) or (trigger.held >= 0 and memory[trigger.held]):
            return False
        return watermark > last_at + trigger.horizon

    def _fire(self, memory: Memory, account: str, key: tuple[str, ...], region: str, raised: list[Raised]) -> Memory:
        at = memory[self.trigger.due]
        found: list[Raised] = []
        memory = self._steps[""].run(memory, (), at, _Told(account, key, region, ""), found)
        if self.in_force(at):  # else what would have answered it was not looked at
            raised += found
        return memory


@dataclass(frozen=True, slots=True)
class _Told:
    """Of whom a warning is told."""

    account: str
    key: tuple[str, ...]
    region: str
    event: str


class _Step:
    """One transition as a function."""

    def __init__(self, trigger: Trigger, transition: Transition) -> None:
        self._trigger = trigger
        self._values = transition.values
        wanted = [*transition.next, transition.raised, transition.cleared]
        wanted += [step for pair in transition.values for step in pair]
        leaves = tuple(dict.fromkeys(step for step in wanted if step >= 0))
        place = {step: at for at, step in enumerate(leaves)}
        self._next = tuple(place[step] for step in transition.next)
        self._raised = place.get(transition.raised, -1)
        self._cleared = place.get(transition.cleared, -1)
        self._told = tuple((place[step], place.get(told, -1)) for step, told in transition.values)
        self._function: Callable[[int], Callable[..., Any]] = Scalar(transition.compiled).steps(leaves)
        self._version = versions(transition.compiled)
        names = [spec.name for spec in transition.compiled.program.inputs]
        self._supplied = tuple(name.removeprefix(IS) for name in names if name.startswith(IS))

    def run(self, memory: Memory, values: tuple[int | None, ...], at: int, told: _Told, raised: list[Raised]) -> Memory:
        day = local_day(at, self._trigger.timezone)
        supplied = [supplied_value(name, at, day) for name in self._supplied]
        function = self._function(self._version(day))
        left = function(day, day + 1, day, day, day + 1, 1, 1, *values, *memory, *supplied)[4]
        if self._cleared >= 0 and left[self._cleared]:
            raised.append(Raised(self._trigger.id, "cleared", told.account, told.key, at, told.event, told.region))
        if self._raised >= 0 and left[self._raised]:
            shown = tuple(int(left[value]) if known < 0 or left[known] else None for value, known in self._told)
            raised.append(
                Raised(self._trigger.id, "raised", told.account, told.key, at, told.event, told.region, shown)
            )
        return tuple([int(left[place]) for place in self._next])


def versions(compiled: Compiled) -> Callable[[int], int]:
    """Give what finds the version of a day; a day before the first or after the last has that one."""
    starts = [version.first_day for version in compiled.constants.versions]
    last = len(starts) - 1

    def version(day: int) -> int:
        return min(max(bisect_right(starts, day) - 1, 0), last)

    return version


def supplied_value(name: str, at: int, day: int) -> int:
    """Give what a transition is told of an event besides its values (`engine.compiler.triggers.maker.SUPPLIED`)."""
    return at if name == "at" else _of_day(name, day)


@lru_cache(maxsize=65536)
def _of_day(name: str, day: int) -> int:
    date = day_date(day)
    match name:
        case "month_number":
            return (date.year - 1970) * 12 + date.month - 1
        case "month_passed":
            return date.day
        case "month_days":
            return monthrange(date.year, date.month)[1]
        case "year_number":
            return date.year - 1970
        case "year_passed":
            return date.timetuple().tm_yday
        case _:
            return 366 if isleap(date.year) else 365


def values_of(trigger: Trigger, raised: Raised) -> dict[str, str]:
    """Give the values of a warning as an analyst writes them, by their names in the message."""
    return {
        name: CANNOT_TELL if value is None else value_text(value, type_)
        for (name, type_), value in zip(trigger.values, raised.values, strict=False)
    }


def text_of(trigger: Trigger, raised: Raised) -> str:
    """Give the message of a warning; of one that is cleared, its title: there are no values."""
    if raised.state == "cleared":
        return trigger.title
    told = values_of(trigger, raised) | dict(zip(trigger.each, raised.key, strict=True))
    # In one pass: what a key says is told as it is, braces too.
    return BRACES.sub(lambda match: told.get(match[1].strip(), match[0]), trigger.message)
