"""Many accounts at once: triggers over a panel of events, in numpy.

Takes events as columns, in any order; gives every warning raised and cleared. All accounts of a block take their first
event together, then their second, and so on: a transition runs over a column of accounts, and what is remembered is
carried from one to the next in columns that stay in cache. The programs are those that `engine.triggers.machine` runs
for one account.

    columns ──layout──▶ events by account, in order ──blocks──▶ layer by layer: deadlines, transitions ──▶ raised
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from engine.compiler.trigger import FIRST_AT, Trigger
from engine.evaluator.rows import Array, Mask, Whole
from engine.triggers.layers import Grid
from engine.triggers.layout import Layout, Log, Texts, View
from engine.triggers.machine import Raised
from engine.triggers.transitions import Found, Running

BLOCK_GROUPS: Final = 16_384  # accounts that take their events together: what is remembered of them stays in cache
TOLD_AT_ONCE: Final = 65_536  # warnings that are given their names together


class Ids(Protocol):
    """Ids of events: an array of text, or anything that gives one by its position."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, row: int, /) -> object:
        """Give the id of an event."""


@dataclass(frozen=True)
class EventColumns:
    """Events of one type.

    Attributes:
        type: name of the event type.
        ids: shape (event,) text; they are looked up one by one, where a warning or the order asks for one.
        accounts: shape (event,) text, or `Coded`.
        at: shape (event,) int64 [us since 1970-01-01 UTC].
        values: input -> shape (event,) int64, whole numbers of its places; what is absent is anything.
        given: input -> shape (event,); of inputs that may be absent. One that is not there is given throughout.
        keys: key -> shape (event,) text, or `Coded`.
        regions: shape (event,) text, or `Coded`; None: not said.
        rulesets: likewise.

    Raises:
        ValueError: the shapes differ.
    """

    type: str
    ids: Ids
    accounts: Texts
    at: Whole
    values: Mapping[str, Array] = field(default_factory=dict)
    given: Mapping[str, Mask] = field(default_factory=dict)
    keys: Mapping[str, Texts] = field(default_factory=dict)
    regions: Texts | None = None
    rulesets: Texts | None = None

    def __post_init__(self) -> None:
        count = len(self.at)
        columns: dict[str, object] = {"ids": self.ids, "accounts": self.accounts, "regions": self.regions}
        columns |= {"rulesets": self.rulesets, **self.values, **self.given, **self.keys}
        for name, column in columns.items():
            if column is not None and len(column) != count:  # type: ignore[arg-type]  # arrays and codes have lengths
                raise ValueError(f"{name} of {self.type} has {len(column)} events, at has {count}")  # type: ignore[arg-type]  # as above


@dataclass(frozen=True)
class RaisedColumns:
    """What was raised and cleared, sorted by (at, account, trigger, key, state, event); iterate for each `Raised`.

    Attributes:
        found: in parts, each of one trigger.
        part, place: shape (warning,) which part, and which of it.
        at: shape (warning,) [us].
    """

    log: Log
    found: Sequence[Found]
    part: Whole
    place: Whole
    at: Whole

    @classmethod
    def of(cls, log: Log, found: Sequence[Found]) -> RaisedColumns:
        """Put what was found in order."""
        part = np.repeat(np.arange(len(found)), [len(one.at) for one in found])
        place = _together([np.arange(len(one.at)) for one in found])
        at = _together([one.at for one in found])
        account = log.ranks(_together([one.layout.accounts[one.groups] for one in found]))
        names = sorted({one.trigger.id for one in found})
        trigger = np.array([names.index(one.trigger.id) for one in found], np.int64)[part]
        order = np.lexsort((trigger, account, at))
        own = cls(log, found, part[order], place[order], at[order])
        same = [column[order[1:]] == column[order[:-1]] for column in (at, account, trigger)]
        tied = same[0] & same[1] & same[2]
        return own._untied(tied) if tied.any() else own

    def _untied(self, tied: Mask) -> RaisedColumns:
        """Sort those of one trigger, account and time; `tied`: shape (warning - 1,), with the one after it."""
        places = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
        raised = list(self._told(places))
        order = places[sorted(range(len(places)), key=lambda number: raised[number].order)]
        part, place = self.part.copy(), self.place.copy()
        part[places], place[places] = self.part[order], self.place[order]
        return replace(self, part=part, place=place)

    def __len__(self) -> int:
        return len(self.at)

    def __iter__(self) -> Iterator[Raised]:
        return self.since(FIRST_AT)

    def since(self, at: int) -> Iterator[Raised]:
        """Give those at or after a time [us]."""
        first = int(np.searchsorted(self.at, at))
        for start in range(first, len(self), TOLD_AT_ONCE):
            yield from self._told(np.arange(start, min(start + TOLD_AT_ONCE, len(self))))

    def _told(self, places: Whole) -> Iterator[Raised]:
        """Give some by name, in the order of `places`."""
        told: dict[int, Raised] = {}
        parts = self.part[places]
        for number in np.unique(parts).tolist():
            mine = np.flatnonzero(parts == number)
            names = _named(self.log, self.found[number], self.place[places[mine]])
            told.update(zip(mine.tolist(), names, strict=True))
        for number in range(len(places)):
            yield told[number]


def panel(triggers: Iterable[Trigger], events: Sequence[EventColumns], until: int, threads: int = 1) -> RaisedColumns:
    """Run triggers over events.

    Args:
        triggers: of one rate book.
        events: each event once; several columns may be of one type.
        until: events before it are processed, and deadlines before it fire [us].
        threads: of this process.

    Raises:
        ValueError: the columns of an event type lack an input or a key.
    """
    log = Log.of(events, until)
    views: dict[View, list[Trigger]] = {}
    for trigger in triggers:
        views.setdefault(View.of(trigger), []).append(trigger)
    found: list[Found] = []
    for view, of_view in views.items():
        for types, several in _apart(of_view):
            layout = log.layout(view, types)
            if layout is not None:
                found += _run(log, layout, several, until, threads)
    return RaisedColumns.of(log, found)


def _apart(triggers: Sequence[Trigger]) -> list[tuple[set[str], list[Trigger]]]:
    """Put triggers together that look at the same types of events, directly or by way of another.

    Only they need those types in one order.
    """
    found: list[tuple[set[str], list[Trigger]]] = []
    for trigger in triggers:
        types, several = {one.event for one in trigger.transitions} - {""}, [trigger]
        others = []
        for own, its in found:
            if own & types:
                types, several = own | types, its + several
            else:
                others.append((own, its))
        found = [*others, (types, several)]
    return found


def _run(log: Log, layout: Layout | Grid, triggers: Sequence[Trigger], until: int, threads: int) -> list[Found]:
    """Run triggers that see the same events of the same accounts."""
    runnings = [Running(trigger, log, layout) for trigger in triggers]
    groups = layout.groups
    blocks = [(start, min(start + BLOCK_GROUPS, groups)) for start in range(0, groups, BLOCK_GROUPS)]

    def work(block: tuple[int, int]) -> list[Found]:
        found: list[Found] = []
        memories = [running.begin(block[1] - block[0]) for running in runnings]
        for layer in layout.layers(*block):
            columns = log.columns(layer)
            for running, memory in zip(runnings, memories, strict=True):
                running.take(memory, layer, columns, found)
        for running, memory in zip(runnings, memories, strict=True):
            running.end(memory, block[0], until, found)
        return found

    if threads <= 1 or len(blocks) == 1:
        return [one for block in blocks for one in work(block)]
    with ThreadPoolExecutor(min(threads, len(blocks))) as pool:
        return [one for several in pool.map(work, blocks) for one in several]


def _named(log: Log, one: Found, some: Whole) -> Iterator[Raised]:
    """Give names to some of what a trigger found."""
    layout, trigger, regions = one.layout, one.trigger, log.regions
    groups, tables, rows = one.groups[some], one.tables[some].tolist(), one.rows[some].tolist()
    shown = [
        [value if there else None for value, there in zip(values[some].tolist(), known[some].tolist(), strict=True)]
        for values, known in one.values
    ]
    accounts, ats = layout.accounts[groups].tolist(), one.at[some].tolist()
    for number, (group, account, at) in enumerate(zip(groups.tolist(), accounts, ats, strict=True)):
        table, row = tables[number], rows[number]
        event = str(log.tables[table].ids[row]) if table >= 0 else ""
        region = regions.of_event(table, row) if table >= 0 else regions.at(account, at)
        values = tuple(column[number] for column in shown)
        yield Raised(trigger.id, one.state, log.accounts[account], layout.key_of(group), at, event, region, values)


def _together(parts: Sequence[Whole]) -> Whole:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
