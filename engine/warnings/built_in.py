"""The built-in correlator: every trigger's own small program over whole numbers, account by account.

It keeps nothing of its own: what is remembered is in the desk's transaction, so that a process that is killed has lost
nothing, and an account costs memory of the process only while one of its events is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from engine.compiler.trigger import DAY_US, Watch
from engine.triggers.events import Event
from engine.triggers.machine import Machine, Memory, Raised
from engine.warnings.correlator import AccountMemory, History, Memories, Slot

REGION_KEPT: Final = 800 * DAY_US  # for which an account's region is known after the last event that said it
EXAMINED: Final = 16  # for so many events, one account that has none is looked at: can it be forgotten?
EXAMINED_LEAST: Final = 8

_Watching = tuple[tuple[str, Machine], ...]


class BuiltIn:
    """The built-in correlator."""

    name = "built-in"

    def __init__(self, watch: Watch) -> None:
        self._triggers = tuple(watch.triggers.values())
        self._machines = {trigger.id: Machine(trigger) for trigger in self._triggers}
        self._watching: dict[tuple[str, str], _Watching] = {}  # by event type and rule set

    def resume(self, history: History, watermark: int) -> None:
        """Do nothing: all that it needs is in the transaction."""

    def close(self) -> None:
        """Do nothing."""

    def process(self, memories: Memories, events: Sequence[Event], watermark: int) -> list[Raised]:
        """Process released events, then fire every deadline before the watermark."""
        raised: list[Raised] = []
        held = memories.load({event.account for event in events})
        watching = self._watching
        for event in events:
            memory = held[event.account]
            if event.region:
                if memory.region != event.region:  # where none was known, a deadline before has none
                    self._fire_all(memory, event.at, raised)
                memory.region, memory.region_at = event.region, event.at
            region = memory.region if event.at - memory.region_at <= REGION_KEPT else ""
            slots = memory.slots
            looked = watching.get((event.type, event.ruleset))
            if looked is None:
                looked = self._looked(event.type, event.ruleset)
            for trigger, machine in looked:
                key = machine.key_of(event)
                if key is None:
                    continue
                slot = trigger, key
                was = slots.get(slot)
                after, found = machine.on_event(machine.start if was is None else was[0], event, key, region)
                slots[slot] = after, event.at
                if found:
                    raised += found
        memories.save([(memory, self._settle(memory, watermark, raised)) for memory in held.values()])
        for some in memories.due(watermark):
            memories.save([(memory, self._settle(memory, watermark, raised)) for memory in some])
        some = memories.examined(max(EXAMINED_LEAST, len(events) // EXAMINED))
        memories.save([(memory, self._settle(memory, watermark, raised)) for memory in some])
        raised.sort(key=_order)
        return raised

    def _looked(self, type_: str, ruleset: str) -> _Watching:
        """Give the machines that look at events of a type and a rule set."""
        found = tuple(
            (trigger.id, self._machines[trigger.id])
            for trigger in self._triggers
            if trigger.transition(type_) is not None
            and (not trigger.own or trigger.ruleset.partition("@")[0] == ruleset)
        )
        if len(self._watching) < 100_000:  # events may name rule sets that nobody has
            self._watching[type_, ruleset] = found
        return found

    def _settle(self, memory: AccountMemory, watermark: int, raised: list[Raised]) -> int:
        """Fire deadlines before the watermark and forget what is idle; gives the earliest deadline, 0: none."""
        earliest = 0
        idle = []
        for slot, (was, at) in memory.slots.items():
            machine = self._machines[slot[0]]
            due = machine.due(was)
            if 0 < due < watermark:
                was, at = self._fire(memory, slot, due, watermark, raised)
                due = machine.due(was)
            if due:
                earliest = min(due, earliest or due)
            elif was == machine.start or machine.idle(was, at, watermark):
                idle.append(slot)
        for slot in idle:
            del memory.slots[slot]
        if not memory.slots and watermark - memory.region_at > REGION_KEPT:
            memory.region, memory.region_at = "", 0
        return earliest

    def _fire_all(self, memory: AccountMemory, watermark: int, raised: list[Raised]) -> None:
        """Fire an account's deadlines before a time: its region changes then."""
        for slot, (was, _) in memory.slots.items():
            due = self._machines[slot[0]].due(was)
            if 0 < due < watermark:
                self._fire(memory, slot, due, watermark, raised)

    def _fire(
        self, memory: AccountMemory, slot: Slot, due: int, watermark: int, raised: list[Raised]
    ) -> tuple[Memory, int]:
        """Fire a deadline; gives the slot's memory after it."""
        was, at = memory.slots[slot]
        region = memory.region if due - memory.region_at <= REGION_KEPT else ""
        after, found = self._machines[slot[0]].on_watermark(was, memory.account, slot[1], region, watermark)
        raised += found
        memory.slots[slot] = after, max(at, due)
        return memory.slots[slot]


_order: Final = attrgetter("order")
