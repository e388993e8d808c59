"""What stands in for the desk: memories of accounts in this process, and events released chunk by chunk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from engine.compiler.compile import compile_paths
from engine.compiler.trigger import EventType, Watch
from engine.triggers.events import Event, RawEvent, read_event
from engine.triggers.machine import Raised
from engine.warnings.correlator import AccountMemory, Correlator
from tests.oracles import triggers as oracle


class Held:
    """Memories of accounts, copied in and out as a transaction does it."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[AccountMemory, int]] = {}
        self._round = 0

    def load(self, accounts: Collection[str]) -> dict[str, AccountMemory]:
        return {one: self._of(one) for one in accounts}

    def save(self, accounts: Iterable[tuple[AccountMemory, int]]) -> None:
        for memory, due in accounts:
            if memory.slots or memory.region:
                self.accounts[memory.account] = _copy(memory), due
            else:
                self.accounts.pop(memory.account, None)

    def due(self, watermark: int) -> Iterator[list[AccountMemory]]:
        while True:
            found = sorted(one for one, (_, due) in self.accounts.items() if 0 < due < watermark)[:50]
            if not found:
                return
            yield [self._of(one) for one in found]

    def examined(self, count: int) -> list[AccountMemory]:
        names = sorted(self.accounts)
        first = self._round % max(1, len(names))
        self._round += count
        return [self._of(one) for one in (*names[first:], *names[:first])[:count]]

    def _of(self, account: str) -> AccountMemory:
        held = self.accounts.get(account)
        return AccountMemory(account) if held is None else _copy(held[0])


def _copy(memory: AccountMemory) -> AccountMemory:
    return AccountMemory(memory.account, memory.region, memory.region_at, dict(memory.slots))


def watched(
    correlator: Correlator, events: Sequence[Event], until: int, random: Random, memories: Held | None = None
) -> list[Raised]:
    """Release sorted events in chunks, some with a watermark of its own, and give what is raised."""
    memories = Held() if memories is None else memories
    found: list[Raised] = []
    waiting = list(events)
    watermark = 0
    while waiting:
        cut = min(len(waiting), random.choice((0, 1, 3, 10, 40)))
        while cut < len(waiting) and cut and waiting[cut].at == waiting[cut - 1].at:
            cut += 1  # events of one time are released together
        chunk, waiting = waiting[:cut], waiting[cut:]
        low = max(watermark, chunk[-1].at + 1 if chunk else 0)
        high = waiting[0].at if waiting else until
        watermark = max(low, min(high, random.choice((low, high, (low + high) // 2))))
        found += correlator.process(memories, chunk, watermark)
    return found + correlator.process(memories, (), until)


def compiled(files: Mapping[str, str]) -> Watch:
    """Compile files as they lie on a disk."""
    with TemporaryDirectory(prefix="dianjia-durable-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        return compile_paths([folder]).watch


def read_events(types: Mapping[str, EventType], events: Iterable[oracle.Event]) -> list[Event]:
    """Read events through the engine's door, in their order."""
    found = []
    for one in events:
        raw = RawEvent(one.id, one.type, one.account, one.at, one.values, one.keys, one.region, one.ruleset)
        read = read_event(types, raw)
        assert isinstance(read, Event), read
        found.append(read)
    return sorted(found, key=lambda event: event.order)
