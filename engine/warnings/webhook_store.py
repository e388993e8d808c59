"""How far each endpoint was told, and what it did not take: rows of the registry's database.

One sender at a time tells an endpoint. It takes the endpoint for a while (`take`), sends, and writes down what came of
it (`settle`) in one transaction. One that dies meanwhile has told what it has told, and whoever takes over sends the
unsettled warnings again, under the same ids: at least once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.compiler.trigger import MICROSECONDS
from engine.registry.database import Database
from engine.triggers.events import time_text
from engine.warnings.webhook_tables import WEBHOOK_ENDPOINT, WEBHOOK_MESSAGE

WAIT_MAX_US: Final = 86_400 * MICROSECONDS  # between two attempts, by whatever reason
OWNED_MAX_US: Final = 900 * MICROSECONDS  # that an endpoint is taken for at once, three times the longest timeout
_NO_TEXT: Final = "\0"  # PostgreSQL keeps any character but this one


@dataclass(frozen=True, slots=True)
class Progress:
    """How an endpoint stands. Times are [us]; 0: none."""

    endpoint: str
    cursor: int
    owner: str
    owned_until: int
    failures: int
    paused_until: int
    taken: int
    last_taken_at: int
    reason: str
    waiting: int = 0
    dead: int = 0

    def to_json(self) -> dict[str, object]:
        """The state for a program to read."""
        return {
            "endpoint": self.endpoint,
            "cursor": self.cursor,
            "taken": self.taken,
            "waiting": self.waiting,
            "dead": self.dead,
            "last_taken_at": time_text(self.last_taken_at) if self.last_taken_at else None,
            "paused_until": time_text(self.paused_until) if self.paused_until else None,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A warning that an endpoint has not taken yet; `tries` is how often it failed to."""

    endpoint: str
    warning: str
    seq: int
    state: Literal["waiting", "dead"]
    tries: int
    first_at: int
    last_at: int
    next_at: int
    status: int
    reason: str
    body: str

    def to_json(self) -> dict[str, object]:
        """The message for a program to read."""
        return {
            "endpoint": self.endpoint,
            "id": self.warning,
            "cursor": self.seq,
            "state": self.state,
            "tries": self.tries,
            "first_at": time_text(self.first_at),
            "last_at": time_text(self.last_at),
            "status": self.status,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of some attempts at one endpoint.

    Attributes:
        cursor: where the endpoint stands now.
        taken: ids of warnings that it took.
        failed: warnings that it did not take, as they are to be kept.
        failures, paused_until, reason: as of `Progress`.
    """

    cursor: int
    taken: Sequence[str]
    failed: Sequence[Message]
    failures: int
    paused_until: int
    reason: str


class Deliveries:
    """What endpoints were told. Threads and processes may share a database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def take(self, endpoint: str, owner: str, at: int, until: int, begins: int) -> Progress | None:
        """Take an endpoint for a while, or keep it longer; None: another sender has it.

        Args:
            endpoint: its name; one that is new is entered.
            owner: who takes it.
            at: now [us].
            until: when another may take it [us].
            begins: cursor of a new one.
        """
        held = self._held(endpoint, owner, at, until)
        if held is not None:
            return held
        table = WEBHOOK_ENDPOINT.c
        new = {"endpoint": endpoint, "cursor": begins, "owner": "", "owned_until": 0, "failures": 0, "paused_until": 0}
        with self.database.writing() as connection:
            _insert_if_new(connection, new | {"taken": 0, "last_taken_at": 0, "reason": ""})
            # What lies further ahead than anybody waits was written by a clock that has been set back since.
            free = (table.owner == owner) | (table.owned_until <= at) | (table.owned_until > at + OWNED_MAX_US)
            done = connection.execute(
                update(WEBHOOK_ENDPOINT).where(table.endpoint == endpoint, free).values(owner=owner, owned_until=until)
            )
            return _progress(connection, endpoint) if done.rowcount else None

    def _held(self, endpoint: str, owner: str, at: int, until: int) -> Progress | None:
        """An endpoint that is the owner's for long enough: a look every second writes nothing."""
        table = WEBHOOK_ENDPOINT.c
        mine = (table.endpoint == endpoint) & (table.owner == owner) & (table.owned_until >= at + (until - at) // 2)
        with self.database.reading() as connection:
            if connection.execute(select(table.endpoint).where(mine)).first() is None:
                return None
            return _progress(connection, endpoint)

    def due(self, endpoint: str, at: int, limit: int) -> list[Message]:
        """Warnings whose next attempt has come, those that wait longest first."""
        table = WEBHOOK_MESSAGE.c
        come = (table.next_at <= at) | (table.next_at > at + WAIT_MAX_US)  # see `take`
        query = select(WEBHOOK_MESSAGE).where(table.endpoint == endpoint, table.state == "waiting", come)
        with self.database.reading() as connection:
            found = connection.execute(query.order_by(table.next_at, table.seq).limit(limit)).all()
        return [Message(*one) for one in found]

    def next_at(self, endpoint: str) -> int:
        """When the next attempt of a waiting warning comes [us]; 0: none waits."""
        table = WEBHOOK_MESSAGE.c
        query = select(func.min(table.next_at)).where(table.endpoint == endpoint, table.state == "waiting")
        with self.database.reading() as connection:
            return int(connection.execute(query).scalar_one() or 0)

    def settle(self, endpoint: str, owner: str, at: int, settled: Settled) -> bool:
        """Write down what came of attempts; False: another sender has the endpoint, and nothing was written."""
        table, message = WEBHOOK_ENDPOINT.c, WEBHOOK_MESSAGE.c
        values: dict[str, Any] = {
            "cursor": settled.cursor,
            "failures": settled.failures,
            "paused_until": settled.paused_until,
            "taken": table.taken + len(settled.taken),
            "reason": settled.reason.replace(_NO_TEXT, "\ufffd"),
        }
        if settled.taken:
            values["last_taken_at"] = at
        ids = [*settled.taken, *(one.warning for one in settled.failed)]
        with self.database.writing() as connection:
            mine = (table.endpoint == endpoint) & (table.owner == owner)
            if not connection.execute(update(WEBHOOK_ENDPOINT).where(mine).values(values)).rowcount:
                return False
            if ids:
                connection.execute(
                    delete(WEBHOOK_MESSAGE).where(message.endpoint == endpoint, message.warning.in_(ids))
                )
            if settled.failed:
                connection.execute(insert(WEBHOOK_MESSAGE), [_row(one) for one in settled.failed])
        return True

    def owner(self, endpoint: str) -> str:
        """Who has an endpoint; "": nobody."""
        query = select(WEBHOOK_ENDPOINT.c.owner).where(WEBHOOK_ENDPOINT.c.endpoint == endpoint)
        with self.database.reading() as connection:
            return str(connection.execute(query).scalar_one_or_none() or "")

    def release(self, endpoint: str, owner: str) -> None:
        """Let another sender take an endpoint at once."""
        table = WEBHOOK_ENDPOINT.c
        with self.database.writing() as connection:
            connection.execute(
                update(WEBHOOK_ENDPOINT)
                .where(table.endpoint == endpoint, table.owner == owner)
                .values(owner="", owned_until=0)
            )

    def progress(self) -> list[Progress]:
        """How every endpoint stands that was ever told of anything, by name."""
        with self.database.reading() as connection:
            names = connection.execute(select(WEBHOOK_ENDPOINT.c.endpoint).order_by(WEBHOOK_ENDPOINT.c.endpoint))
            return [_progress(connection, one) for one in names.scalars().all()]

    def dead(self, endpoint: str = "", limit: int = 1000) -> list[Message]:
        """Dead letters, oldest first; of all endpoints, or of one."""
        query = select(WEBHOOK_MESSAGE).where(_dead(endpoint, ""))
        with self.database.reading() as connection:
            order = (WEBHOOK_MESSAGE.c.seq, WEBHOOK_MESSAGE.c.endpoint)
            return [Message(*one) for one in connection.execute(query.order_by(*order).limit(limit)).all()]

    def retry(self, at: int, endpoint: str = "", warning: str = "") -> int:
        """Let dead letters be sent again, as if none had been tried; gives how many there are."""
        table = WEBHOOK_MESSAGE.c
        with self.database.writing() as connection:
            done = connection.execute(
                update(WEBHOOK_MESSAGE).where(_dead(endpoint, warning)).values(state="waiting", tries=0, next_at=at)
            )
            some = select(table.endpoint).where(table.state == "waiting", table.next_at == at)
            # The endpoint may have been mended since: whoever says "again" does not want to wait for its pause.
            connection.execute(
                update(WEBHOOK_ENDPOINT).where(WEBHOOK_ENDPOINT.c.endpoint.in_(some)).values(paused_until=0)
            )
            return int(done.rowcount)


def _dead(endpoint: str, warning: str) -> Any:
    table = WEBHOOK_MESSAGE.c
    found = table.state == "dead"
    if endpoint:
        found &= table.endpoint == endpoint
    if warning:
        found &= table.warning == warning
    return found


def _progress(connection: Connection, endpoint: str) -> Progress:
    table = WEBHOOK_MESSAGE.c
    row = connection.execute(select(WEBHOOK_ENDPOINT).where(WEBHOOK_ENDPOINT.c.endpoint == endpoint)).one()
    counts = connection.execute(
        select(table.state, func.count()).where(table.endpoint == endpoint).group_by(table.state)
    ).all()
    by_state = {state: int(count) for state, count in counts}
    told: dict[str, Any] = dict(row._mapping)
    return Progress(**told, waiting=by_state.get("waiting", 0), dead=by_state.get("dead", 0))


def _insert_if_new(connection: Connection, row: dict[str, Any]) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(make(WEBHOOK_ENDPOINT).values(row).on_conflict_do_nothing())


def _row(one: Message) -> dict[str, Any]:
    row = {column.name: getattr(one, column.name) for column in WEBHOOK_MESSAGE.columns}
    return row | {"reason": one.reason.replace(_NO_TEXT, "\ufffd")}
