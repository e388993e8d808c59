"""Events in the order in which a panel takes them: by account, or by a key of it, each group in time.

Texts become numbers by comparing the texts themselves, never their hashes alone: two accounts are one only where they
are the same to the letter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.calendars.local import midnight
from engine.compiler.trigger import END_AT, Trigger
from engine.evaluator.rows import Array, Mask, Whole
from engine.triggers.layers import Columns, Grid, Layer
from engine.triggers.regions import Regions

if TYPE_CHECKING:
    from engine.triggers.panel import EventColumns

_NONE: Final[tuple[str, ...]] = ("",)


@dataclass(frozen=True)
class Coded:
    """Texts by number: `texts[codes[i]]` is the text of event i. Two of the texts may be equal."""

    codes: Whole
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.codes)


Texts = Array | Coded
"""Shape (event,) text: numpy's own texts, or objects that are `str`."""


@dataclass(frozen=True)
class View:
    """Which events a trigger sees, and by what it tells them apart."""

    each: tuple[str, ...]
    ruleset: str  # "": every account's
    begins: int  # [us]
    ends: int

    @classmethod
    def of(cls, trigger: Trigger) -> View:
        """Give that of a trigger."""
        begins = midnight(trigger.first_day, trigger.timezone)
        ends = END_AT if trigger.end_day is None else midnight(trigger.end_day, trigger.timezone)
        return cls(trigger.each, trigger.ruleset if trigger.own else "", begins, ends)


@dataclass(frozen=True)
class Layout:
    """Events by group, each group in the order of its events.

    Attributes:
        accounts: shape (group,) position in `Log.accounts`.
        starts: shape (group,) position of its first event.
        counts: shape (group,) of its events.
        tables: shape (event,) position in `Log.tables`; None: all are of `table`.
        rows: shape (event,).
        at: shape (event,) [us].
    """

    accounts: Whole
    keys: tuple[tuple[Whole, Sequence[str]], ...]  # by `each`: (group,) code, texts
    starts: Whole
    counts: Whole
    tables: Whole | None
    table: int
    rows: Whole
    at: Whole

    @property
    def groups(self) -> int:
        """How many there are."""
        return len(self.counts)

    def key_of(self, group: int) -> tuple[str, ...]:
        """Give the key of a group, as text."""
        return tuple(texts[int(codes[group])] for codes, texts in self.keys)

    def layers(self, start: int, end: int) -> Iterator[Layer]:
        """Give the events of a block of groups: the first of each, then the second."""
        starts, counts = self.starts[start:end], self.counts[start:end]
        for number in range(int(counts.max(initial=0))):
            groups = None if int(counts.min()) > number else np.flatnonzero(counts > number)
            events = (starts if groups is None else starts[groups]) + number
            if self.tables is None:
                yield Layer(start, groups, self.table, self.rows[events], self.at[events])
                continue
            tables = self.tables[events]
            for table in np.unique(tables).tolist():
                mine = np.flatnonzero(tables == table)
                whole = groups is None and len(mine) == len(tables)
                some = None if whole else mine if groups is None else groups[mine]
                yield Layer(start, some, table, self.rows[events[mine]], self.at[events[mine]])


class Log:
    """Event columns with their texts as numbers.

    Attributes:
        tables: as they came.
        accounts: every account once.
        account: by table the shape (event,) positions in `accounts`.
    """

    def __init__(self, tables: Sequence[EventColumns], until: int) -> None:
        self.tables = tables
        self.until = until
        self.account, self.accounts = _joined([table.accounts for table in tables])

    @cached_property
    def regions(self) -> Regions:
        """The regions of accounts."""
        return Regions(self)

    def ranks(self, accounts: Whole) -> Whole:
        """Give numbers that are in order as the accounts' texts are."""
        texts = self.accounts
        if all(map(lt, texts, islice(texts, 1, None))):
            return accounts
        ranks = np.empty(len(texts), np.int64)
        ranks[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
        found: Whole = ranks[accounts]
        return found

    @classmethod
    def of(cls, tables: Sequence[EventColumns], until: int) -> Log:
        """Take event columns."""
        return cls([table for table in tables if len(table.at)], until)

    def columns(self, layer: Layer) -> Columns:
        """Give the values of a layer's events, fetched when they are first read."""
        return Columns(self.tables[layer.table], layer)

    def layout(self, view: View, types: set[str]) -> Layout | Grid | None:
        """Order the events that a view sees; None: it sees none."""
        wanted = [number for number, table in enumerate(self.tables) if table.type in types]
        kept = {number: self._seen(number, view) for number in wanted}
        kept = {number: rows for number, rows in kept.items() if rows is None or len(rows)}
        if not kept:
            return None
        if len(kept) == 1 and not view.each:
            number, own = next(iter(kept.items()))
            grid = Grid.of(number, self.account[number], self.tables[number].at) if own is None else None
            if grid is not None:
                return grid
        rows = [np.arange(len(self.tables[number].at)) if own is None else own for number, own in kept.items()]
        at = _together([self.tables[number].at[own] for number, own in zip(kept, rows, strict=True)])
        groups = _together([self.account[number][own] for number, own in zip(kept, rows, strict=True)])
        tables = None
        if len(kept) > 1:
            tables = np.repeat(np.array(list(kept), np.int64), [len(own) for own in rows])
        keys = self._keys(view, kept, rows)
        whole = _together(rows)
        accounts, group_keys, codes = _grouped(groups, keys)
        order = _order(codes, at, lambda events: self._ids(events, tables, next(iter(kept)), whole))
        if order is not None:
            codes, at, whole = codes[order], at[order], whole[order]
            tables = None if tables is None else tables[order]
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        counts = np.diff(starts, append=len(codes))
        held = codes[starts]
        return Layout(
            accounts[held],
            tuple((own[held], texts) for own, texts in group_keys),
            starts,
            counts,
            tables,
            next(iter(kept)),
            whole,
            at,
        )

    def _seen(self, number: int, view: View) -> Whole | None:
        """Rows of a table that a view sees; None: all of them."""
        table = self.tables[number]
        ends = min(view.ends, self.until)
        if not view.ruleset and view.begins <= int(table.at.min()) and int(table.at.max()) < ends:
            return None
        inside = (table.at >= view.begins) & (table.at < ends)
        if view.ruleset:
            inside &= _equal(table.rulesets, view.ruleset, len(table.at))
        return None if inside.all() else np.flatnonzero(inside)

    def _keys(
        self, view: View, kept: Mapping[int, Whole | None], rows: Sequence[Whole]
    ) -> list[tuple[Whole, Sequence[str]]]:
        found: list[tuple[Whole, Sequence[str]]] = []
        for name in view.each:
            missing = [self.tables[number].type for number in kept if name not in self.tables[number].keys]
            if missing:
                raise ValueError(f"the events {', '.join(missing)} lack their key {name}")
            codes, texts = _joined([self.tables[number].keys[name] for number in kept])
            found.append((_together([one[own] for one, own in zip(codes, rows, strict=True)]), texts))
        return found

    def _ids(self, events: Whole, tables: Whole | None, table: int, rows: Whole) -> list[str]:
        """Ids of some events, by position before they are ordered."""
        named = [table] * len(events) if tables is None else tables[events].tolist()
        return [str(self.tables[own].ids[row]) for own, row in zip(named, rows[events].tolist(), strict=True)]


def _together(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _equal(texts: Texts | None, wanted: str, count: int) -> Mask:
    if texts is None:
        return np.zeros(count, np.bool_)
    if isinstance(texts, Coded):
        return np.array([text == wanted for text in texts.texts], np.bool_)[texts.codes]
    found: Mask = np.asarray(texts == wanted, np.bool_)
    return found


def _joined(columns: Sequence[Texts]) -> tuple[list[Whole], list[str]]:
    """Texts of several columns by number, each text once."""
    known: dict[str, int] = {}
    coded: list[Whole] = []
    tables: dict[int, Whole] = {}
    for column in columns:
        if isinstance(column, Coded):
            if id(column.texts) not in tables:
                numbers = [known.setdefault(str(text), len(known)) for text in column.texts]
                tables[id(column.texts)] = np.array(numbers, np.int64)
            table = tables[id(column.texts)]
            same = len(table) == 0 or (table[-1] == len(table) - 1 and bool((np.diff(table) == 1).all()))
            coded.append(column.codes if same else table[column.codes])
        else:
            numbers = [known.setdefault(text, len(known)) for text in column.tolist()]
            coded.append(np.array(numbers, np.int64))
    return coded, list(known)


def _grouped(
    accounts: Whole, keys: Sequence[tuple[Whole, Sequence[str]]]
) -> tuple[Whole, list[tuple[Whole, Sequence[str]]], Whole]:
    """Accounts and their keys as groups: by code of a group its account and keys, and the code of each event."""
    if not keys:
        return np.arange(int(accounts.max(initial=0)) + 1), [], accounts
    codes = accounts
    for own, _ in keys:
        _, codes = np.unique(codes * (int(own.max(initial=0)) + 1) + own, return_inverse=True)
    groups = int(codes.max(initial=0)) + 1
    one = np.empty(groups, np.int64)
    one[codes] = np.arange(len(codes))  # any event of the group
    return accounts[one], [(own[one], texts) for own, texts in keys], codes


def _order(codes: Whole, at: Whole, ids: Callable[[Whole], list[str]]) -> Whole | None:
    """The order of events by group, time and id; None: they are in it."""
    order = None
    if not _in_order(codes, at):
        order = np.argsort(at, kind="stable") if (np.diff(at) < 0).any() else None
        grouped = np.argsort(codes if order is None else codes[order], kind="stable")
        order = grouped if order is None else order[grouped]
    sorted_codes, sorted_at = (codes, at) if order is None else (codes[order], at[order])
    same = (sorted_codes[1:] == sorted_codes[:-1]) & (sorted_at[1:] == sorted_at[:-1])
    if not same.any():
        return order
    order = np.arange(len(codes)) if order is None else order
    tied = np.concatenate([[False], same]) | np.concatenate([same, [False]])
    places = np.flatnonzero(tied)
    events = order[places]
    names = ids(events)
    sorting = sorted(range(len(events)), key=lambda i: (sorted_codes[places[i]], sorted_at[places[i]], names[i]))
    order[places] = events[sorting]
    return order


def _in_order(codes: Whole, at: Whole) -> bool:
    if len(codes) < 2:
        return True
    step = np.diff(codes)
    return bool(((step > 0) | ((step == 0) & (np.diff(at) >= 0))).all())
