"""What the desk keeps, in the registry's database: the log, the memory of accounts, the watermark.

Takes an open transaction; gives and takes events and memories in it. Decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from engine.compiler.trigger import Watch
from engine.registry.database import Database
from engine.triggers.events import Event
from engine.warnings.correlator import AccountMemory
from engine.warnings.packing import Shape, pack_event, pack_memory, packer, read_again, unpack_event, unpack_memory
from engine.warnings.tables import DESK, EVENT, MEMORY, SHAPE, SLOT, WARNING

PAGE: Final = 5_000  # rows read at once
CACHE_KIB: Final = 65_536  # of SQLite, for as long as a transaction: pages that do not fit are written more than once


@dataclass(slots=True)
class State:
    """How far the desk has come; columns of `watch_desk`."""

    watermark: int
    latest_at: int
    complete_until: int
    log_from: int
    chunks: int
    cursor: int
    examined: str


class Transaction:
    """One transaction of the desk. One thread uses it."""

    def __init__(self, connection: Connection, watch: Watch, state: State) -> None:
        self.connection = connection
        self.state = state
        self._watch = watch
        self._shapes = Shapes(connection, watch)
        self._slots = _Slots(connection, watch)
        self._packing = packer()

    # The log

    def known(self, ids: Collection[str]) -> dict[str, Event]:
        """Give events of the log by their ids; those that it does not have are left out."""
        if not ids:
            return {}
        rows = rows_among(self.connection, f"{_EVENTS} WHERE id", ids)
        return {one.id: one for one in map(self._shapes.read, rows)}

    def log(self, events: Sequence[Event]) -> None:
        """Add events to the log."""
        number, pack, packing = self._shapes.number, pack_event, self._packing
        rows = [(event.at, event.id, event.account, number(event.type), pack(packing, event)) for event in events]
        put(self.connection, EVENT, rows)

    def events(self, since: int, until: int) -> Iterator[Event]:
        """Give events of the log with since <= at < until, in order of (at, id), read page by page."""
        return events_of(self.connection, self._shapes, since, until)

    # Memories: engine.warnings.correlator.Memories

    def load(self, accounts: Collection[str]) -> dict[str, AccountMemory]:
        """Give what is remembered of each account; one that is new is empty."""
        if not accounts:
            return {}
        rows = rows_among(self.connection, f"{_MEMORIES} WHERE account", accounts)
        found = {one.account: one for one in map(self._memory, rows)}
        for account in accounts:
            if account not in found:
                found[account] = AccountMemory(account)
        return found

    def save(self, accounts: Iterable[tuple[AccountMemory, int]]) -> None:
        """Keep accounts, each with its earliest deadline [us], 0: none. What is empty is forgotten."""
        rows, gone = [], []
        numbers, packing = self._slots.numbers, self._packing
        for one, due in accounts:
            if not one.slots and not one.region:
                gone.append({"gone": one.account})
                continue
            packed = pack_memory(packing, numbers, one)
            rows.append((one.account, due or None, one.region, one.region_at, packed))
        put(self.connection, MEMORY, rows, _OR_CHANGE)
        if gone:
            self.connection.execute(delete(MEMORY).where(MEMORY.c.account == bindparam("gone")), gone)

    def due(self, watermark: int) -> Iterator[list[AccountMemory]]:
        """Give accounts that have a deadline before the watermark, some at a time; save them before asking on."""
        query, before = f"{_MEMORIES} WHERE due < ? ORDER BY due, account LIMIT ?", ""
        while found := [self._memory(one) for one in rows_of(self.connection, query, watermark, PAGE)]:
            assert found[0].account != before, "accounts whose deadlines have passed were not saved"
            before = found[0].account
            yield found

    def examined(self, count: int) -> list[AccountMemory]:
        """Give so many accounts further on in a round over all of them, to see whether they can be forgotten."""
        query = f"{_MEMORIES} WHERE account > ? ORDER BY account LIMIT ?"
        found = rows_of(self.connection, query, self.state.examined, count)
        self.state.examined = found[-1].account if len(found) == count else ""
        return [self._memory(one) for one in found]

    def every_memory(self) -> Iterator[list[tuple[AccountMemory, int]]]:
        """Give all accounts with their earliest deadlines, page by page."""
        account = ""
        while True:
            query = select(MEMORY).where(MEMORY.c.account > account).order_by(MEMORY.c.account).limit(PAGE)
            found = self.connection.execute(query).all()
            if not found:
                return
            yield [(self._memory(one), one.due or 0) for one in found]
            account = found[-1].account

    # The desk itself

    def enter(self) -> None:
        """Enter triggers that are new, before anything is remembered for them."""
        self._slots.enter(self.connection)

    def unread(self) -> tuple[str, ...]:
        """Triggers of which the database has memory of another structure or version, and none of this one."""
        return self._slots.unread()

    def counts(self) -> dict[str, int]:
        """Count what is kept: fields of `engine.warnings.desk.Status` by name."""

        def one(*of: Any) -> tuple[int, ...]:
            return tuple(int(value or 0) for value in self.connection.execute(select(*of)).one())

        accounts, size, due = one(func.count(), func.sum(func.length(MEMORY.c.packed)), func.min(MEMORY.c.due))
        warnings, acknowledged = one(func.count(), func.count(WARNING.c.acknowledged_at))
        return {
            "events": one(func.count(EVENT.c.id))[0],
            "waiting": one(func.count(EVENT.c.id).filter(EVENT.c.at >= self.state.watermark))[0],
            "accounts": accounts,
            "memory_bytes": size,
            "next_due": due,
            "warnings": warnings,
            "unacknowledged": warnings - acknowledged,
        }

    def forget(self, before: int) -> int:
        """Take processed events with at < before out of the log; gives how many."""
        before = min(before, self.state.watermark)
        count = self.connection.execute(delete(EVENT).where(EVENT.c.at < before)).rowcount
        self.state.log_from = max(self.state.log_from, before)
        return count

    def _memory(self, row: Any) -> AccountMemory:
        account, _, region, region_at, packed = row
        return AccountMemory(account, region, region_at, unpack_memory(self._slots.triggers, packed))


class Shapes:
    """Inputs of event types as events of the log were written with them, by number."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        self._connection = connection
        self._types = watch.events
        self._now = {name: Shape.of(type_) for name, type_ in watch.events.items()}
        found = rows_of(connection, "SELECT number, type, inputs FROM watch_shape")
        self._shapes = {one.number: Shape.from_json(one.type, one.inputs) for one in found}
        by_shape = {shape: number for number, shape in self._shapes.items()}
        self._numbers = {name: by_shape[shape] for name, shape in self._now.items() if shape in by_shape}
        for name, number in self._numbers.items():
            self._shapes[number] = self._now[name]  # the same object: two of them need not be compared

    def number(self, type_: str) -> int:
        """Give the number of a type as it is now; it is entered where it is new."""
        found = self._numbers.get(type_)
        if found is None:
            shape = self._now[type_]
            found = self._numbers[type_] = max(self._shapes, default=0) + 1
            self._shapes[found] = shape
            self._connection.execute(insert(SHAPE).values(number=found, type=shape.type, inputs=shape.to_json()))
        return found

    def read(self, row: Any) -> Event:
        """Read an event of the log, as its type is declared now; one that does not fit it any more has NO_TYPE."""
        at, id_, account, number, content = row
        shape = self._shapes[number]
        event = unpack_event(at, id_, account, shape, content)
        now = self._now.get(shape.type)
        return event if now is None or now is shape else read_again(event, shape, self._types[shape.type])


class _Slots:
    """Numbers of triggers in packed memories. A trigger whose memory has another structure has another number."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        found = rows_of(connection, "SELECT number, trigger, structure FROM watch_slot")
        known = {(one.trigger, one.structure): one.number for one in found}
        self._before = {one.trigger for one in found}
        self.numbers = {id_: known.get((id_, one.structure), 0) for id_, one in watch.triggers.items()}
        self._new = [id_ for id_, number in self.numbers.items() if not number]
        last = max(known.values(), default=0)
        for number, id_ in enumerate(self._new, last + 1):
            self.numbers[id_] = number
        self.triggers = {number: id_ for id_, number in self.numbers.items()}
        self._rows = [
            {"number": self.numbers[id_], "trigger": id_, "structure": watch.triggers[id_].structure}
            for id_ in self._new
        ]

    def enter(self, connection: Connection) -> None:
        """Enter the triggers that are new; before the first memory is saved."""
        if self._rows:
            connection.execute(insert(SLOT), self._rows)

    def unread(self) -> tuple[str, ...]:
        before = {_without_day(id_) for id_ in self._before}
        return tuple(sorted(id_ for id_ in self._new if _without_day(id_) in before))


def _without_day(trigger: str) -> str:
    """A trigger's id without the day that a rule set of several versions has in it."""
    ruleset, _, name = trigger.partition(":")
    return f"{ruleset.partition('@')[0]}:{name}"


@contextmanager
def recording(database: Database, watch: Watch) -> Iterator[Transaction]:
    """A transaction that records; whoever else does so waits until it ends."""
    with database.writing() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
        found = Transaction(connection, watch, locked(connection))
        found.enter()
        yield found
        keep_state(connection, found.state)


@contextmanager
def looking(database: Database, watch: Watch) -> Iterator[Transaction]:
    """A transaction that reads."""
    with database.reading() as connection:
        yield Transaction(connection, watch, _state(connection.execute(select(DESK)).one()))


def locked(connection: Connection) -> State:
    """Lock the desk's row until the transaction ends, and give it."""
    return _state(connection.execute(select(DESK).with_for_update()).one())


def keep_state(connection: Connection, state: State) -> None:
    """Write down how far the desk has come."""
    connection.execute(update(DESK).values({name: getattr(state, name) for name in State.__slots__}))


def _state(row: Any) -> State:
    return State(**{name: getattr(row, name) for name in State.__slots__})


def in_pages(released: Iterator[Event], watermark: int) -> Iterator[tuple[list[Event], int]]:
    """Give released events some at a time, each lot with a watermark that holds once it is processed.

    There is always a lot, be it empty; the last one's watermark is the one given.
    """
    page = list(islice(released, PAGE))
    while following := list(islice(released, PAGE)):
        yield page, following[0].at
        page = following
    yield page, watermark


# What is asked at each chunk is written out: to build it from expressions takes as long as the database does.
_EVENTS: Final = "SELECT at, id, account, shape, content FROM watch_event"
_MEMORIES: Final = "SELECT account, due, region, region_at, packed FROM watch_memory"


def rows_of(connection: Connection, query: str, *values: object) -> Sequence[Any]:
    """Give the rows of a query whose values stand as `?`."""
    if connection.dialect.name == "postgresql":
        query = query.replace("?", "%s")
    return connection.exec_driver_sql(query, values).all()


def rows_among(connection: Connection, query: str, texts: Collection[str]) -> Sequence[Any]:
    """Give the rows of a query that ends with a column which is to be one of many texts."""
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql(f"{query} = ANY(%s)", (list(texts),)).all()
    each = json.dumps(list(texts), ensure_ascii=False)
    return connection.exec_driver_sql(f"{query} IN (SELECT value FROM json_each(?))", (each,)).all()


def among(connection: Connection, of: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Give the condition that a column is one of many texts, as one parameter."""
    if connection.dialect.name == "postgresql":
        return of == any_(bindparam("texts", list(texts), type_=ARRAY(Text)))
    each = func.json_each(bindparam("texts", json.dumps(list(texts), ensure_ascii=False))).table_valued("value")
    return of.in_(select(each.c.value))


def events_of(connection: Connection, shapes: Shapes, since: int, until: int) -> Iterator[Event]:
    """Give events of the log with since <= at < until, in order of (at, id), read page by page."""
    at, id_ = since, ""
    query = f"{_EVENTS} WHERE (at, id) > (?, ?) AND at < ? ORDER BY at, id LIMIT ?"
    while at < until:
        found = rows_of(connection, query, at, id_, until, PAGE)
        yield from map(shapes.read, found)
        if len(found) < PAGE:
            return
        at, id_ = found[-1].at, found[-1].id


def put(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]], otherwise: str = "") -> None:
    """Add rows, their values in the order of the columns. It is the driver's own way, which costs half of the time."""
    if rows:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        names = ", ".join(table.columns.keys())
        marks = ", ".join([mark] * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks}){otherwise}", list(rows))


_OR_CHANGE: Final = (
    " ON CONFLICT (account) DO UPDATE SET due = excluded.due, region = excluded.region,"
    " region_at = excluded.region_at, packed = excluded.packed"
)
