"""The second correlator: durable_rules finds the matches, in a process of its own.

What is remembered lies in the desk's transaction, as whole numbers, as the built-in correlator has it; so one may take
over from the other between any two chunks, and a child that dies takes nothing with it: the chunk is begun again with a
new one, and what the dead one had answered of it is forgotten. Accounts and keys are told to the child as numbers given
out here, by their exact text: two accounts whose texts share a hash stay two accounts.

What an event fulfils by itself is computed here, and so is the text of a warning; which events belong together, in what
time and by which comparison, the library says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import Any, Final

from engine.calendars.local import local_day
from engine.compiler.trigger import PatternStep, Trigger, Watch
from engine.compiler.triggers.maker import IS
from engine.evaluator.scalar import Scalar
from engine.language.problems import ProblemsFound, problem
from engine.triggers.events import Event
from engine.triggers.machine import Machine, Raised, supplied_value, versions
from engine.warnings.built_in import EXAMINED, EXAMINED_LEAST, REGION_KEPT
from engine.warnings.correlator import AccountMemory, History, Memories, Slot
from engine.warnings.durable_plan import flags_of, plan_of, require_durable
from engine.warnings.durable_process import MEMORY_BYTES, Child, ChildEnded, require_installed

STARTS_MAX: Final = 3  # children that one question may cost
ACCOUNTS_MAX: Final = 2_000  # that one question is about, so that a child never has to hold more at once than it can

_ORDER: Final = attrgetter("order")

Item = list[Any]


@dataclass(frozen=True, slots=True)
class _Watcher:
    """One trigger.

    Attributes:
        flags: by event type the steps that such an event may fit: number, and condition on the event alone.
    """

    number: int
    trigger: Trigger
    machine: Machine
    flags: dict[str, list[tuple[int, Callable[[Event], bool]]]]

    def fits(self, event: Event) -> list[int]:
        """Give the steps that an event fits by itself."""
        return [number for number, holds in self.flags.get(event.type, ()) if holds(event)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an item of a batch is about, for when the child says that it completes a pattern."""

    slot: Slot
    account: str
    event: Event | None  # None: a tick
    region: str
    region_at: int = 0  # a deadline too long after this has no region; 0: that was looked at

    def region_of(self, due: int) -> str:
        """Give the region of a warning that a deadline completes."""
        return self.region if not self.region_at or due - self.region_at <= REGION_KEPT else ""


class Durable:
    """durable_rules. One thread at a time calls it."""

    name = "durable"

    def __init__(self, watch: Watch, memory_bytes: int = MEMORY_BYTES) -> None:
        """Take triggers up.

        Args:
            watch: the triggers of a rate book.
            memory_bytes: that a child may have; at half of it a new one takes over.

        Raises:
            ProblemsFound: `durable-not-installed`; `durable-cannot-...`, for each thing that it cannot do correctly.
        """
        require_installed()
        require_durable(watch)
        self._watchers = [_watcher(number, one) for number, one in enumerate(watch.triggers.values())]
        self._by_id = {one.trigger.id: one for one in self._watchers}
        self._plans = [plan_of(one.trigger, watch) for one in self._watchers]
        self._memory_bytes = memory_bytes
        self._child: Child | None = None
        self._accounts: dict[str, int] = {}
        self._keys: dict[tuple[str, Slot], int] = {}  # what the child knows
        self._numbers = count()
        self._forgotten: list[Item] = []
        self.started = 0  # children so far

    @property
    def child(self) -> Child | None:
        """The child that runs now."""
        return self._child

    def resume(self, history: History, watermark: int) -> None:
        """Forget what the child knows; what is remembered is in the transaction."""
        self._end()

    def close(self) -> None:
        """End the child."""
        self._end()

    def process(self, memories: Memories, events: Sequence[Event], watermark: int) -> list[Raised]:
        """Process released events, then fire every deadline before the watermark.

        Raises:
            ProblemsFound: `durable-stopped`: three children died of it.
        """
        raised: list[Raised] = []
        held = memories.load({event.account for event in events})
        raised += self._chunk(held, events, watermark)
        self._save(memories, held.values(), watermark)
        for some in memories.due(watermark):
            raised += self._chunk({one.account: one for one in some}, (), watermark)
            self._save(memories, some, watermark)
        some = memories.examined(max(EXAMINED_LEAST, len(events) // EXAMINED))
        raised += self._chunk({one.account: one for one in some}, (), watermark)
        self._save(memories, some, watermark)
        raised.sort(key=_ORDER)
        return raised

    # a chunk

    def _chunk(self, held: dict[str, AccountMemory], events: Sequence[Event], watermark: int) -> list[Raised]:
        """Process events of accounts, then their deadlines; accounts have nothing to do with one another."""
        raised: list[Raised] = []
        names = list(held)
        for first in range(0, len(names), ACCOUNTS_MAX):
            some = {name: held[name] for name in names[first : first + ACCOUNTS_MAX]}
            self._recycle()
            raised += self._asked(some, [event for event in events if event.account in some], watermark)
        return raised

    def _asked(self, held: dict[str, AccountMemory], events: Sequence[Event], watermark: int) -> list[Raised]:
        """Ask the child; nothing is changed where it dies."""
        said = ""
        for _ in range(STARTS_MAX):
            before = {one.account: (one.region, one.region_at) for one in held.values()}
            batch = _Batch(self, held)
            for event in events:
                batch.event(event)
            for memory in held.values():
                batch.ticks(memory, watermark)
            if not batch.items:
                return []
            forgotten, self._forgotten = self._forgotten, []
            try:
                answer = self._running().ask([*batch.items, *forgotten])
            except ChildEnded as error:
                said = str(error)
                self._end()
                for account, region in before.items():
                    held[account].region, held[account].region_at = region
                continue
            return batch.taken(answer)
        raise ProblemsFound([problem("durable-stopped", None, times=STARTS_MAX, said=said)])

    def watchers(self, event: Event) -> Iterator[tuple[_Watcher, tuple[str, ...]]]:
        """Give the triggers that look at an event, each with the key that it watches by."""
        for watcher in self._watchers:
            key = watcher.machine.key_of(event)
            if key is not None:
                yield watcher, key

    def watcher(self, trigger: str) -> _Watcher:
        """Give a trigger by its id."""
        return self._by_id[trigger]

    def numbers(self, memory: AccountMemory, slot: Slot) -> tuple[list[int], Item | None]:
        """Give trigger, account and key as the child knows them, and what to tell it before if it does not."""
        account = self._accounts.setdefault(memory.account, len(self._accounts))
        number = self._by_id[slot[0]].number
        known = self._keys.get((memory.account, slot))
        if known is not None:
            return [number, account, known], None
        key = self._keys[memory.account, slot] = next(self._numbers)
        was = memory.slots.get(slot)
        where = [number, account, key]
        return where, None if was is None else [0, *where, list(was[0])]

    def _save(self, memories: Memories, accounts: Collection[AccountMemory], watermark: int) -> None:
        memories.save([(one, self._settle(one, watermark)) for one in accounts])

    def _settle(self, memory: AccountMemory, watermark: int) -> int:
        """Forget what is idle, as the built-in correlator does; gives the earliest deadline, 0: none."""
        earliest = 0
        for slot, (was, at) in list(memory.slots.items()):
            machine = self._by_id[slot[0]].machine
            due = machine.due(was)
            if due:
                earliest = min(due, earliest or due)
            elif was == machine.start or machine.idle(was, at, watermark):
                del memory.slots[slot]
                key = self._keys.pop((memory.account, slot), None)
                if key is not None:
                    where = [self._by_id[slot[0]].number, self._accounts[memory.account], key]
                    self._forgotten.append([3, *where])
        if not memory.slots and watermark - memory.region_at > REGION_KEPT:
            memory.region, memory.region_at = "", 0
        return earliest

    # the child

    def _running(self) -> Child:
        if self._child is None:
            self.started += 1
            self._child = Child(self._plans, self._memory_bytes)
        return self._child

    def _recycle(self) -> None:
        """Let a new child take over before this one is full."""
        if self._child is not None and self._child.kilobytes * 1024 > self._memory_bytes // 2:
            self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.close()
        self._child = None
        self._accounts.clear()
        self._keys.clear()
        self._forgotten.clear()


class _Batch:
    """The items of one question, and what each is about."""

    def __init__(self, durable: Durable, held: dict[str, AccountMemory]) -> None:
        self._durable = durable
        self._held = held
        self.items: list[Item] = []
        self._asked: list[_Asked | None] = []
        self._slots: dict[tuple[int, ...], tuple[AccountMemory, Slot]] = {}
        self._last: dict[tuple[int, ...], int] = {}  # time of the last event of a slot

    def event(self, event: Event) -> None:
        """Add an event."""
        memory = self._held[event.account]
        if event.region:
            if memory.region != event.region:  # deadlines that passed before had the region of then, or none
                self.ticks(memory, event.at)
            memory.region, memory.region_at = event.region, event.at
        region = memory.region if event.at - memory.region_at <= REGION_KEPT else ""
        for watcher, key in self._durable.watchers(event):
            slot = watcher.trigger.id, key
            where = self._where(memory, slot)
            if watcher.trigger.due >= 0:
                self._add([2, *where, event.at], _Asked(slot, memory.account, None, region))
            item = [1, *where, event.at, event.type, watcher.fits(event), event.values]
            self._add(item, _Asked(slot, memory.account, event, region))
            self._last[tuple(where)] = event.at

    def ticks(self, memory: AccountMemory, at: int) -> None:
        """Say that everything before a time has come."""
        here = [slot for one, slot in self._slots.values() if one is memory and slot not in memory.slots]
        for slot in [*memory.slots, *here]:
            if self._durable.watcher(slot[0]).trigger.due >= 0:
                asked = _Asked(slot, memory.account, None, memory.region, memory.region_at)
                self._add([2, *self._where(memory, slot), at], asked)

    def taken(self, answer: dict[str, Any]) -> list[Raised]:
        """Take the child's answer: memories as they are now, and what was raised."""
        raised: list[Raised] = []
        fired: dict[tuple[str, Slot], int] = {}
        for number, before, due, states in answer["found"]:
            asked = self._asked[number]
            assert asked is not None
            machine = self._durable.watcher(asked.slot[0]).machine
            memory = tuple(before)
            if asked.event is None:
                _, found = machine.on_watermark(memory, asked.account, asked.slot[1], asked.region_of(due), due + 1)
                fired[asked.account, asked.slot] = due
            else:
                _, found = machine.on_event(memory, asked.event, asked.slot[1], asked.region)
            if asked.event is None and not machine.in_force(due):
                states = []  # the rules have ended: what would have answered is not looked at
            assert [one.state for one in found] == states, f"durable_rules and the program do not agree: {asked}"
            raised += found
        for trigger, account, key, now in answer["slots"]:
            held, slot = self._slots[trigger, account, key]
            at = self._last.get((trigger, account, key), held.slots.get(slot, ((), 0))[1])
            held.slots[slot] = tuple(now), max(at, fired.get((held.account, slot), 0))
        return raised

    def _where(self, memory: AccountMemory, slot: Slot) -> list[int]:
        where, told = self._durable.numbers(memory, slot)
        if told is not None:
            self.items.append(told)
            self._asked.append(None)
        self._slots[tuple(where)] = memory, slot
        return where

    def _add(self, item: Item, asked: _Asked) -> None:
        self.items.append(item)
        self._asked.append(asked)


def _watcher(number: int, trigger: Trigger) -> _Watcher:
    flags: dict[str, list[tuple[int, Callable[[Event], bool]]]] = {}
    for position, step in enumerate(flags_of(trigger.pattern)):
        flags.setdefault(step.event, []).append((position, _holds(step, trigger.timezone)))
    return _Watcher(number, trigger, Machine(trigger), flags)


def _holds(step: PatternStep, timezone: str) -> Callable[[Event], bool]:
    """Give what says whether an event fulfils a step's condition on the event alone."""
    own = step.own
    if own is None:
        return lambda _: True
    function, version = Scalar(own).steps((step.own_step,)), versions(own)
    supplied = [spec.name.removeprefix(IS) for spec in own.program.inputs if spec.name.startswith(IS)]

    def holds(event: Event) -> bool:
        day = local_day(event.at, timezone)
        told = [supplied_value(name, event.at, day) for name in supplied]
        return bool(function(version(day))(day, day + 1, day, day, day + 1, 1, 1, *event.values, *told)[4][0])

    return holds
