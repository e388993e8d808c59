"""Recalculations that a server was asked for: which wait, which are under way, who asked, why one stopped.

Takes the ledger, so that what is known outlives every server; gives rows of `recalculation`. Where one stands is told
by the ledger's run of the same id. A server claims what waits: as many as it takes, by priority, then age.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from sqlalchemy import Connection, Row, exists, func, insert, literal, select, tuple_, union_all, update

from engine.language.problems import ProblemsFound, problem
from engine.registry.database import Database
from engine.registry.instants import microseconds, now, of_microseconds
from engine.registry.use import note_use
from engine.runs.alive import hold, is_driven, is_held, this_host
from engine.runs.ledger import Ledger, new_id
from engine.runs.order import Order
from engine.runs.queue_tables import RECALCULATION, RECALCULATION_STEP
from engine.runs.tables import RUN

State = Literal["waiting", "started", "ended", "cancelled"]

WAITING_MAX: Final = 1_000
_COMPILES_AT_MOST: Final = timedelta(minutes=10)
_LOCK: Final = 0x646A7175  # PostgreSQL's number of the lock that whoever changes the queue holds


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for.

    Attributes:
        order: what is read, billed and written; its rules are the version's.
        version: content hash of the rate book.
        affected_since: content hash of the one that billed before, where the rows alone are meant that it billed
            otherwise; "": every row is.
        overwrite: replace the results of an earlier run.
        priority: larger ones go first.
    """

    order: Order
    version: str
    affected_since: str = ""
    overwrite: bool = False
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Recalculation:
    """One that a server was asked for."""

    run: str
    state: State
    asked: Asked
    created_at: datetime
    changed_at: datetime
    started_by: str
    cancelled_by: str
    host: str
    error: Mapping[str, Any] | None  # code, file, parameters, text; None: nothing went wrong, or nobody could say what
    use_noted: bool


class Queue:
    """The recalculations of a ledger's database. Threads and processes may share it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.database: Database = ledger.database

    def is_alive(self, found: Recalculation) -> bool:
        """Whether a process is about a recalculation."""
        if found.state != "started":
            return False
        if is_held(found.run) or self._is_here(found):
            return is_held(found.run)
        record = self.ledger.several([found.run]).get(found.run)
        if record is None:  # another machine compiles its rate book, or was switched off over it
            return now() - found.changed_at < _COMPILES_AT_MOST
        return record.state in ("planning", "running") and is_driven(self.ledger, record)

    def enter(self, asked: Asked, who: str, request_id: str, digest: str) -> str:
        """Let a recalculation wait; gives its id, of a request that came before the same.

        Raises:
            ProblemsFound: `request-id-reused`; `too-many-calls`: too many wait.
        """
        with self._changing() as connection:
            before = _before(connection, request_id, digest)
            if before:
                return before
            count = select(func.count()).where(RECALCULATION.c.state == "waiting")
            if connection.execute(count).scalar_one() >= WAITING_MAX:
                told = {"at_most": WAITING_MAX, "what": "recalculations waiting", "what_zh": "等待中的重算"}
                raise ProblemsFound([problem("too-many-calls", None, None, **told)])
            run, at = new_id(), _now()
            row = {
                "run": run,
                "state": "waiting",
                "priority": asked.priority,
                "created_at": at,
                "changed_at": at,
                "orders": asked.order.to_json(),
                "version": asked.version,
                "overwrite": int(asked.overwrite),
                "affected_since": asked.affected_since,
                "started_by": who,
                "cancelled_by": "",
                "host": "",
                "error": "",
                "use_noted": 0,
            }
            connection.execute(insert(RECALCULATION).values(row))
            _step(connection, run, "start", who, request_id, digest)
            return run

    def resume(self, run: str, who: str, request_id: str, digest: str, priority: int) -> None:
        """Let one wait again that stopped or was interrupted.

        Raises:
            ProblemsFound: `request-id-reused`; `not-resumable`: it goes on, or ended for good.
        """
        with self._changing() as connection:
            if _before(connection, request_id, digest):
                return
            found = _one(connection, run)
            standing = connection.execute(select(RUN.c.state).where(RUN.c.run == run)).scalar_one_or_none()
            over = found is not None and (found.state in ("waiting", "cancelled") or self.is_alive(found))
            if found is None or over or standing in ("finished", "cancelled"):
                told = {"run": run, "state": standing or ("" if found is None else found.state)}
                raise ProblemsFound([problem("not-resumable", None, None, **told)])
            _set(connection, run, state="waiting", priority=priority, error="", cancelled_by="")
            _step(connection, run, "resume", who, request_id, digest)

    def resume_interrupted(self) -> list[str]:
        """Let those wait again whose process is gone, on this machine; give their ids."""
        with self._changing() as connection:
            found = [one.run for one in self._started(connection) if self._is_here(one) and not is_held(one.run)]
            for run in found:
                _set(connection, run, state="waiting")
            return found

    def claim(self, at_most: int, mine: Callable[[Recalculation], bool]) -> tuple[Recalculation, int] | None:
        """Take the one whose turn it is, if fewer than so many are under way on this machine.

        Args:
            at_most: under way at once.
            mine: whether this server may drive it.

        Returns:
            It, and the open file of its lock, for the process that drives it; None: there is nothing to do.
        """
        states = RECALCULATION.c.state
        with self.database.reading() as connection:  # most looks find nothing, and hold nobody up
            if connection.execute(select(func.count()).where(states == "waiting")).scalar_one() == 0:
                return None
        with self._changing() as connection:
            if sum(is_held(one.run) for one in self._started(connection)) >= at_most:
                return None
            for one in map(_row, connection.execute(_in_turn()).all()):
                lock = hold(one.run) if mine(one) else None
                if lock is not None:
                    _set(connection, one.run, state="started", host=this_host(), error="")
                    return one, lock
        return None

    def end(self, run: str, error: Mapping[str, object] | None, used: tuple[str, Mapping[int, int]] | None) -> None:
        """Say that the process of a recalculation is at its end.

        Args:
            run: its id.
            error: why it stopped; None: it did not.
            used: the version that billed, and bills by month; noted once, however often a run is finished.
        """
        with self._changing() as connection:
            found = _one(connection, run)
            assert found is not None, "only what was entered is driven"
            changes: dict[str, Any] = {"error": "" if error is None else json.dumps(error, ensure_ascii=False)}
            if used is not None and not found.use_noted:
                note_use(connection, used[0], run, used[1], now())
                changes["use_noted"] = 1
            _set(connection, run, state="ended", **changes)

    def cancel(self, run: str, who: str) -> bool:
        """Note who wants the end of a recalculation; gives whether no process is about it, so that it is cancelled."""
        with self._changing() as connection:
            found = _one(connection, run)
            if found is None or found.state == "cancelled":
                return found is not None
            over = not self.is_alive(found)
            _set(connection, run, cancelled_by=found.cancelled_by or who, state="cancelled" if over else "started")
            return over

    def find(self, run: str) -> Recalculation | None:
        """Give one by its id; None: no server was asked for it."""
        with self.database.reading() as connection:
            return _one(connection, run)

    def several(self, runs: Sequence[str]) -> dict[str, Recalculation]:
        """Give those of some ids that there are."""
        with self.database.reading() as connection:
            found = connection.execute(select(RECALCULATION).where(RECALCULATION.c.run.in_(runs))).all()
            return {one.run: _row(one) for one in found}

    def waiting_before(self, run: str) -> int:
        """How many of those that wait begin before one; 0 where it has begun itself."""
        with self.database.reading() as connection:
            waiting = connection.execute(_in_turn().with_only_columns(RECALCULATION.c.run)).scalars().all()
        return waiting.index(run) if run in waiting else 0

    def newest(self, limit: int, after: tuple[int, str] | None) -> list[tuple[int, str]]:
        """Instant and id of all runs of the ledger and recalculations, newest first, behind one of them."""
        waits = exists().where(RECALCULATION.c.run == RUN.c.run)
        both = union_all(
            select(RECALCULATION.c.created_at.label("at"), RECALCULATION.c.run.label("run")),
            select(RUN.c.created_at, RUN.c.run).where(~waits),
        ).subquery()
        query = select(both.c.at, both.c.run).order_by(both.c.at.desc(), both.c.run.desc()).limit(limit)
        if after is not None:
            query = query.where(tuple_(both.c.at, both.c.run) < tuple_(literal(after[0]), literal(after[1])))
        with self.database.reading() as connection:
            return [(int(one.at), str(one.run)) for one in connection.execute(query)]

    def _started(self, connection: Connection) -> list[Recalculation]:
        query = select(RECALCULATION).where(RECALCULATION.c.state == "started")
        return [_row(one) for one in connection.execute(query).all()]

    def _is_here(self, found: Recalculation) -> bool:
        """Whether this machine drives one, or did last. A ledger in SQLite has one machine, whatever it is called."""
        return found.host == this_host() or self.database.url.get_backend_name() == "sqlite"

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A transaction that changes the queue, one at a time: SQLite sees to that itself."""
        with self.database.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            yield connection


def digest_of(action: str, who: str, content: object) -> str:
    """What a request asked, in few digits: repeated with the same id it has to be the same."""
    text = json.dumps([action, who, content], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _in_turn() -> Any:
    columns = RECALCULATION.c
    query = select(RECALCULATION).where(columns.state == "waiting")
    return query.order_by(columns.priority.desc(), columns.created_at, columns.run)


def _before(connection: Connection, request_id: str, digest: str) -> str:
    """The run that a request was about; "": it is new."""
    columns = RECALCULATION_STEP.c
    query = select(columns.run, columns.digest).where(columns.request_id == request_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        return ""
    if found.digest != digest:
        raise ProblemsFound([problem("request-id-reused", None, None, request=request_id)])
    return str(found.run)


def _step(connection: Connection, run: str, action: str, who: str, request_id: str, digest: str) -> None:
    row = {"request_id": request_id, "run": run, "action": action, "who": who, "at": _now(), "digest": digest}
    connection.execute(insert(RECALCULATION_STEP).values(row))


def _set(connection: Connection, run: str, **values: Any) -> None:
    connection.execute(update(RECALCULATION).where(RECALCULATION.c.run == run).values(changed_at=_now(), **values))


def _one(connection: Connection, run: str) -> Recalculation | None:
    found = connection.execute(select(RECALCULATION).where(RECALCULATION.c.run == run)).one_or_none()
    return None if found is None else _row(found)


def _row(one: Row[Any]) -> Recalculation:
    order = Order.from_json(one.orders)
    return Recalculation(
        run=one.run,
        state=cast("State", one.state),
        asked=Asked(order, one.version, one.affected_since, bool(one.overwrite), one.priority),
        created_at=of_microseconds(one.created_at),
        changed_at=of_microseconds(one.changed_at),
        started_by=one.started_by,
        cancelled_by=one.cancelled_by,
        host=one.host,
        error=json.loads(one.error) if one.error else None,
        use_noted=bool(one.use_noted),
    )


def _now() -> int:
    return microseconds(now())
