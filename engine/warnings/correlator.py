"""What correlates events: the interface that the built-in engine and durable_rules stand behind.

The desk orders events, refuses late ones, keeps the log and writes warnings down. A correlator takes what is released,
in order, and gives the warnings that this brings. It decides nothing about time: the watermark is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from engine.triggers.events import Event
from engine.triggers.machine import Memory, Raised

History = Callable[[int, int], Iterable[Event]]
"""Released events with since <= at < until, in order of (at, id), read as they are asked for."""

Slot = tuple[str, tuple[str, ...]]
"""Trigger id, and the key values that it watches by: () is the account as a whole."""


@dataclass(slots=True)
class AccountMemory:
    """What is remembered of one account. A correlator changes it and saves it.

    Attributes:
        account: compared exactly.
        region: last one that an event said; "": none.
        region_at: of that event [us].
        slots: by trigger and key: the memory, and the time of the last event or deadline that changed it [us]. One
            that is all zero, or idle, is left out.
    """

    account: str
    region: str = ""
    region_at: int = 0
    slots: dict[Slot, tuple[Memory, int]] = field(default_factory=dict)


class Memories(Protocol):
    """What the desk keeps of accounts, in its open transaction: a correlator does not hold it past `process`."""

    def load(self, accounts: Collection[str]) -> dict[str, AccountMemory]:
        """Give what is remembered of each account; one that is new is empty."""

    def save(self, accounts: Iterable[tuple[AccountMemory, int]]) -> None:
        """Keep accounts, each with its earliest deadline [us], 0: none. What is empty is forgotten."""

    def due(self, watermark: int) -> Iterator[list[AccountMemory]]:
        """Give accounts that have a deadline before the watermark, some at a time; save them before asking on."""

    def examined(self, count: int) -> list[AccountMemory]:
        """Give so many accounts further on in a round over all of them, to see whether they can be forgotten."""


class Correlator(Protocol):
    """An engine. One thread at a time calls it."""

    name: str  # built-in, durable

    def resume(self, history: History, watermark: int) -> None:
        """Take up at a watermark: what is held outside of `Memories` is made anew from the released events.

        The desk calls it before the first `process`, after a transaction that was given up, and where another process
        has recorded events meanwhile. Every event with at < watermark was processed, every deadline < watermark fired.
        """

    def process(self, memories: Memories, events: Sequence[Event], watermark: int) -> list[Raised]:
        """Process released events, then fire every deadline before the watermark.

        Args:
            memories: of accounts, inside the open transaction.
            events: sorted by (at, id); none is earlier than one of a call before.
            watermark: [us]; every event that is not among these and comes later has at >= watermark.

        Returns:
            What was raised and cleared, sorted by (at, account, trigger, key, state, event).
        """

    def close(self) -> None:
        """Let go of what it holds."""
