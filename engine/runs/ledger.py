"""The ledger of runs: what was ordered, which partitions are done, what they came to.

Takes a database; gives runs and their partitions. A partition is marked done in one transaction, after its files are on
the disk, with the counts and sums that they hold: what the ledger says is done is there, and what is there without the
ledger's word is made again. Nothing here reads a bill.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal, cast

import numpy as np
from sqlalchemy import Connection, Row, bindparam, case, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from engine.bulk.partitions import Done, Partition, WrittenFile
from engine.bulk.problems import FileProblem
from engine.registry.database import Database
from engine.registry.instants import microseconds, now, of_microseconds
from engine.runs.order import Order, slices_json, slices_of
from engine.runs.tables import RUN, RUN_PARTITION

State = Literal["planning", "running", "stopped", "cancelled", "finished"]

RUNS_AT_ONCE: Final = 500  # that are asked for by their ids; a database takes some thousands
_LOCK_SPACE: Final = 0x646A  # first number of PostgreSQL's advisory locks of runs


@dataclass(frozen=True, slots=True)
class Planned:
    """What is known of a run once its input was looked at.

    Attributes:
        code: hash of the engine's sources and of what computes with them.
        manifest: hash of its partitions.
        input_files: JSON of the input's fingerprint.
        work: JSON of `engine.bulk.partitions.Work`.
        filter: as a person reads it; "" the whole input is billed.
    """

    book: str
    code: str
    manifest: str
    input_files: str
    work: str
    filter: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it stands. received = billed + refused + left_out, of the partitions that are done."""

    id: str
    state: State
    reason: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    driver: str
    stop_asked: str
    order: Order
    output: str
    folder: str
    book: str
    code: str
    manifest: str
    input_files: str
    work: str
    filter: str
    refers_to: str
    rows: int
    partitions: int
    summary: str
    seconds: float
    partitions_done: int
    received: int
    billed: int
    refused: int
    left_out: int
    attempts: int

    @property
    def complete(self) -> bool:
        """Whether every row of the input is billed or refused."""
        return self.state == "finished" and not self.filter

    def to_json(self) -> dict[str, object]:
        """The run for a program to read."""
        return {
            "run": self.id,
            "state": self.state,
            **({"reason": self.reason} if self.reason else {}),
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "finished_at": None if self.finished_at is None else self.finished_at.isoformat(),
            "driver": self.driver,
            "input": list(self.order.inputs),
            "output": self.output,
            "rate_book": self.book,
            "manifest": self.manifest,
            "filter": self.filter,
            "complete": self.complete,
            **({"refers_to": self.refers_to} if self.refers_to else {}),
            "counts": {
                "rows": self.rows,
                "received": self.received,
                "billed": self.billed,
                "refused": self.refused,
                "left_out": self.left_out,
                "partitions": self.partitions,
                "partitions_done": self.partitions_done,
                "attempts": self.attempts,
            },
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class PartitionRecord:
    """A partition as it stands; `done` is None while it is pending."""

    partition: Partition
    attempts: int
    done: Done | None


class Ledger:
    """The runs of a database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(self, order: Order, folder: str, id_: str = "") -> str:
        """Enter a run that is being planned; gives its id."""
        id_ = id_ or new_id()
        at = _now()
        values = {
            "run": id_,
            "state": "planning",
            "reason": "",
            "created_at": at,
            "changed_at": at,
            "driver": this_driver(),
            "stop_asked": "",
            "orders": order.to_json(),
            "output": order.output,
            "folder": folder,
            "book": "",
            "code": "",
            "manifest": "",
            "input_files": "[]",
            "work": "{}",
            "filter": "",
            "refers_to": order.refers_to,
            "rows": 0,
            "partitions": 0,
            "summary": "",
            "seconds_us": 0,
        }
        with self.database.writing() as connection:
            connection.execute(insert(RUN).values(values))
        return id_

    def forget(self, run: str) -> None:
        """Strike a run out that could not be planned."""
        with self.database.writing() as connection:
            connection.execute(delete(RUN_PARTITION).where(RUN_PARTITION.c.run == run))
            connection.execute(delete(RUN).where(RUN.c.run == run))

    def plan(self, run: str, planned: Planned, partitions: Sequence[Partition]) -> None:
        """Enter a run's partitions, all of them pending; from now on it is running."""
        rows = [
            {
                "run": run,
                "number": one.number,
                "state": "pending",
                "attempts": 0,
                "rows": one.rows,
                "slices": slices_json(one),
                "again": _packed(one.again),
            }
            for one in partitions
        ]
        with self.database.writing() as connection:
            if rows:
                connection.execute(insert(RUN_PARTITION), rows)
            self._set(
                connection,
                run,
                **asdict(planned),
                state="running",
                rows=sum(one.rows for one in partitions),
                partitions=len(partitions),
            )

    def pending(self, run: str) -> list[Partition]:
        """Partitions that are not done, by number."""
        table = RUN_PARTITION.c
        query = select(table.number, table.rows, table.slices, table.again)
        with self.database.reading() as connection:
            found = connection.execute(
                query.where(table.run == run, table.state == "pending").order_by(table.number)
            ).all()
        return [_partition(cast("Row[Any]", one)) for one in found]

    def records(self, run: str) -> Iterator[PartitionRecord]:
        """All partitions of a run, by number."""
        with self.database.reading() as connection:
            query = select(RUN_PARTITION).where(RUN_PARTITION.c.run == run).order_by(RUN_PARTITION.c.number)
            found = connection.execute(query).all()
        for one in found:
            yield PartitionRecord(_partition(one), one.attempts, _done(one) if one.state == "done" else None)

    def attempt(self, run: str, number: int) -> int:
        """Count an attempt at a partition; gives which it is, from 1."""
        table = RUN_PARTITION.c
        mine = (table.run == run) & (table.number == number)
        with self.database.writing() as connection:
            connection.execute(update(RUN_PARTITION).where(mine).values(attempts=table.attempts + 1))
            return int(connection.execute(select(table.attempts).where(mine)).scalar_one())

    def commit(self, run: str, done: Done, seconds: float) -> None:
        """Mark a partition as done, with what it came to.

        Args:
            run: its id.
            done: what became of the partition; its rows are on the disk.
            seconds: that the driver spent since the last time it said so.
        """
        table = RUN_PARTITION.c
        values = {
            "state": "done",
            "billed": done.billed,
            "refused": done.refused,
            "left_out": done.left_out,
            "files": json.dumps({name: [one.rows, one.size, one.sha256] for name, one in done.files.items()}),
            "sums": json.dumps(done.sums, ensure_ascii=False),
            "overlaps": json.dumps(done.overlaps, ensure_ascii=False),
            "native": json.dumps(done.native),
            "cpu_us": round(done.cpu_seconds * 1e6),
            "done_at": _now(),
        }
        with self.database.writing() as connection:
            connection.execute(
                update(RUN_PARTITION).where(table.run == run, table.number == done.partition).values(values)
            )
            self._set(connection, run, seconds_us=RUN.c.seconds_us + round(seconds * 1e6))

    def take_over(self, run: str) -> None:
        """Say that this process has the lock of a run: what a driver before it was asked is not for this one."""
        with self.database.writing() as connection:
            self._set(connection, run, stop_asked="", driver=this_driver())

    def drive(self, run: str) -> None:
        """Say that a run goes on; whoever has asked for its end since it was taken over is heard."""
        with self.database.writing() as connection:
            self._set(connection, run, state="running", reason="")

    def stop(self, run: str, state: State, reason: str) -> None:
        """Say that a run no longer goes on, and why."""
        with self.database.writing() as connection:
            self._set(connection, run, state=state, reason=reason, stop_asked="")

    def finish(self, run: str, summary: Mapping[str, object]) -> None:
        """Say that a run is finished: every partition is done."""
        with self.database.writing() as connection:
            text_ = json.dumps(summary, ensure_ascii=False)
            self._set(connection, run, state="finished", reason="", stop_asked="", finished_at=_now(), summary=text_)

    def ask_to_stop(self, run: str) -> None:
        """Ask whoever drives a run to cancel it."""
        with self.database.writing() as connection:
            connection.execute(update(RUN).where(RUN.c.run == run).values(stop_asked="cancel"))

    def is_asked_to_stop(self, run: str) -> bool:
        """Whether somebody has asked that a run be cancelled."""
        with self.database.reading() as connection:
            return bool(connection.execute(select(RUN.c.stop_asked).where(RUN.c.run == run)).scalar_one())

    def show(self, run: str) -> RunRecord:
        """Give a run by its id, or by the end of its id where that is enough.

        Raises:
            FileProblem: `run-not-found`.
        """
        with self.database.reading() as connection:
            found = list(self._runs(connection, RUN.c.run == run)) or list(
                self._runs(connection, RUN.c.run.endswith(run, autoescape=True))
            )
        if len(found) != 1:
            raise FileProblem("run-not-found", run, count=len(found))
        return found[0]

    def list(self, count: int | None = None) -> list[RunRecord]:
        """The runs, newest first."""
        with self.database.reading() as connection:
            return list(self._runs(connection, text("1 = 1"), count))

    def several(self, runs: Sequence[str]) -> dict[str, RunRecord]:
        """Give runs by their whole ids; those that the ledger does not have are left out."""
        with self.database.reading() as connection:
            return {one.id: one for one in self._runs(connection, RUN.c.run.in_(runs))}

    @contextmanager
    def driving(self, run: str) -> Iterator[bool]:
        """Hold PostgreSQL's lock of a run while it is driven; gives whether it was free. SQLite has one machine."""
        if self.database.url.get_backend_name() != "postgresql":
            yield True
            return
        space, number = lock_number(run)
        key: tuple[Any, Any] = (bindparam("space", space), bindparam("number", number))
        with ExitStack() as opening:
            connection = opening.enter_context(self.database.session())
            free = bool(connection.execute(select(func.pg_try_advisory_lock(*key))).scalar_one())
            session = opening.pop_all()
        try:
            yield free
        finally:
            # The connection is kept open for others, and would keep the lock; one that is lost has lost it.
            if free:
                with suppress(DBAPIError):
                    connection.execute(select(func.pg_advisory_unlock(*key)))
            session.close()  # not told what ended the driver: of a full disk it would say that no database answers

    def _set(self, connection: Connection, run: str, **values: Any) -> None:
        connection.execute(update(RUN).where(RUN.c.run == run).values(changed_at=_now(), **values))

    def _runs(self, connection: Connection, condition: Any, count: int | None = None) -> Iterable[RunRecord]:
        part = RUN_PARTITION.c
        newest = select(RUN).where(condition).order_by(RUN.c.created_at.desc(), RUN.c.run.desc()).limit(count)
        found = connection.execute(newest).all()
        counts = {
            "partitions_done": func.sum(case((part.state == "done", 1), else_=0)),
            "billed": func.sum(part.billed),
            "refused": func.sum(part.refused),
            "left_out": func.sum(part.left_out),
            "attempts": func.sum(part.attempts),
        }
        # Of these runs alone: a ledger keeps partitions for years.
        query = select(part.run, *(column.label(name) for name, column in counts.items())).group_by(part.run)
        told: dict[str, Row[Any]] = {}
        for first in range(0, len(found), RUNS_AT_ONCE):
            ids = [one.run for one in found[first : first + RUNS_AT_ONCE]]
            told |= {one.run: one for one in connection.execute(query.where(part.run.in_(ids))).all()}
        return [_run(one, told.get(one.run)) for one in found]


def lock_number(run: str) -> tuple[int, int]:
    """The two numbers of PostgreSQL's lock of a run."""
    return _LOCK_SPACE, zlib.crc32(run.encode()) - 2**31


def new_id() -> str:
    """An id that no other run has: when it began, in UTC, and four digits."""
    return f"run-{now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def this_driver() -> str:
    """This machine and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _now() -> int:
    return microseconds(now())


def _packed(again: Sequence[int]) -> bytes:
    return zlib.compress(np.array(again, dtype="<i8").tobytes(), 1)


def _partition(one: Row[Any]) -> Partition:
    again = np.frombuffer(zlib.decompress(one.again), dtype="<i8")
    return Partition(one.number, one.rows, slices_of(one.slices), tuple(again.tolist()))


def _done(one: Row[Any]) -> Done:
    native = json.loads(one.native)
    return Done(
        partition=one.number,
        received=one.rows,
        billed=one.billed,
        refused=one.refused,
        left_out=one.left_out,
        files={name: WrittenFile(*told) for name, told in json.loads(one.files).items()},
        sums=json.loads(one.sums),
        overlaps=json.loads(one.overlaps),
        cpu_seconds=one.cpu_us / 1e6,
        native=None if native is None else (native[0], native[1]),
    )


def _run(one: Row[Any], counts: Row[Any] | None) -> RunRecord:
    billed, refused, left_out = (int(getattr(counts, name, 0) or 0) for name in ("billed", "refused", "left_out"))
    return RunRecord(
        id=one.run,
        state=cast("State", one.state),
        reason=one.reason,
        created_at=of_microseconds(one.created_at),
        changed_at=of_microseconds(one.changed_at),
        finished_at=None if one.finished_at is None else of_microseconds(one.finished_at),
        driver=one.driver,
        stop_asked=one.stop_asked,
        order=Order.from_json(one.orders),
        output=one.output,
        folder=one.folder,
        book=one.book,
        code=one.code,
        manifest=one.manifest,
        input_files=one.input_files,
        work=one.work,
        filter=one.filter,
        refers_to=one.refers_to,
        rows=one.rows,
        partitions=one.partitions,
        summary=one.summary,
        seconds=one.seconds_us / 1e6,
        partitions_done=int(getattr(counts, "partitions_done", 0) or 0),
        received=billed + refused + left_out,
        billed=billed,
        refused=refused,
        left_out=left_out,
        attempts=int(getattr(counts, "attempts", 0) or 0),
    )
