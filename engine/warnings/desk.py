"""The desk: events come in, in any order and more than once; each warning is kept exactly once.

Takes a database and the triggers of a rate book. A chunk of events is one transaction: the log, the memory of accounts,
the warnings and the watermark are written together or not at all, so that a process may be killed at any moment and
events sent again. Reads no clock.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Final

from engine.compiler.trigger import DAY_US, Watch
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import RowProblem
from engine.language.problems import ProblemsFound, problem
from engine.registry.database import Database
from engine.triggers.events import Event, RawEvent, read_event, time_text
from engine.warnings import kept, snapshot
from engine.warnings.built_in import BuiltIn
from engine.warnings.correlator import Correlator
from engine.warnings.replay import Replayed, new_warning, replay
from engine.warnings.store import Transaction, in_pages, looking, recording
from engine.warnings.warning import NewWarning, Wanted, WarningRecord

AHEAD: Final = DAY_US
HOUR_US: Final = DAY_US // 24
EVERY: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a chunk: accepted + duplicates + refused = events that came.

    Attributes:
        refused: `row` is the position in the chunk.
        watermark: everything before was processed [us].
        warnings: how many were kept, raised and cleared.
    """

    accepted: int
    duplicates: int
    refused: tuple[RowProblem, ...]
    watermark: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Status:
    """How the desk stands. Times are [us]; 0: none."""

    correlator: str
    triggers: int
    watermark: int
    latest_at: int  # of an accepted event
    complete_until: int  # the latest that a source has told
    events: int  # in the log
    waiting: int  # of them, not before the watermark yet
    log_from: int  # events before were taken out of the log; 0: none was
    accounts: int  # of which something is remembered
    memory_bytes: int  # of all packed memories
    next_due: int  # the earliest deadline
    warnings: int
    cursor: int  # of the newest warning
    unacknowledged: int
    chunks: int  # recorded so far
    unread: tuple[str, ...]  # triggers whose memory has another structure, and begins anew


class Desk:
    """The desk. Threads and processes may share a database; chunks are recorded one after the other."""

    def __init__(
        self, database: Database, watch: Watch, correlator: Correlator | None = None, ahead: int = AHEAD
    ) -> None:
        """Take the place.

        Args:
            database: of the registry.
            watch: the triggers of a rate book.
            correlator: the built-in one unless given.
            ahead: how long after it was received an event may have happened [us].
        """
        self.database = database
        self.watch = watch
        self.ahead = ahead
        self.correlator: Correlator = correlator or BuiltIn(watch)
        self._lateness = max((one.lateness for one in watch.events.values()), default=0)
        self._recording = threading.Lock()
        self._chunks = -1  # as of which the correlator stands; -1: it has to be told
        self._beside = ExitStack()

    def record(self, raws: Sequence[RawEvent], received_at: int, complete_until: int | None = None) -> Recorded:
        """Record a chunk of events, in one transaction. What was recorded before is a duplicate, and no harm.

        Args:
            raws: in any order.
            received_at: when they came [us].
            complete_until: the source says that it has sent every event with at < complete_until [us].

        Raises:
            ProblemsFound: `registry-unavailable`; `complete-until-ahead`: that is later than `received_at` by more
                than `ahead`. Nothing was recorded.
        """
        if complete_until is not None and complete_until > received_at + self.ahead:
            told = {"value": time_text(complete_until), "received": time_text(received_at)}
            raise ProblemsFound([problem("complete-until-ahead", None, None, **told)])
        types = self.watch.events
        read = [read_event(types, raw, position) for position, raw in enumerate(raws)]
        with self._recording:
            try:
                self._keep_open()
                with recording(self.database, self.watch) as transaction:
                    self._take_up(transaction)
                    recorded = self._record(transaction, read, received_at, complete_until or 0)
                    transaction.state.chunks += 1
            except BaseException:
                self._chunks = -1  # the correlator may have seen what the database gave up
                raise
            self._chunks = transaction.state.chunks
        return recorded

    def _keep_open(self) -> None:
        """Keep a connection to SQLite open that does nothing.

        Whoever closes the last one moves the whole write-ahead log into the file, which would be at each chunk.
        """
        if self._chunks < 0 and self.database.url.get_backend_name() == "sqlite":
            self._beside.close()
            connection = self._beside.enter_context(self.database.session())
            connection.exec_driver_sql("PRAGMA schema_version").scalar_one()  # the log is opened once something is read
            connection.rollback()  # whoever reads on keeps the log from being emptied

    def _take_up(self, transaction: Transaction) -> None:
        if transaction.state.chunks != self._chunks:
            self.correlator.resume(transaction.events, transaction.state.watermark)

    def _record(
        self, transaction: Transaction, read: Sequence[Event | RowProblem], received_at: int, complete_until: int
    ) -> Recorded:
        state = transaction.state
        before = state.watermark
        accepted, refused, duplicates = self._sort(transaction, read, received_at)
        state.complete_until = max(state.complete_until, complete_until)
        # A rate book may declare less lateness than one before, and what has been told holds under every one.
        state.watermark = max(state.watermark, state.complete_until, state.latest_at - self._lateness)
        accepted.sort(key=_order)
        mine = accepted[: bisect_left(accepted, state.watermark, key=_at)]
        released = merge(transaction.events(before, state.watermark), mine, key=_order)
        warnings = 0
        if state.watermark > before:
            for page, until in in_pages(released, state.watermark):
                raised = self.correlator.process(transaction, page, until)
                new = [new_warning(self.watch, one) for one in raised]
                warnings += kept.add(transaction.connection, state, new, received_at)
        transaction.log(accepted)
        return Recorded(len(accepted), duplicates, tuple(refused), state.watermark, warnings)

    def _sort(
        self, transaction: Transaction, read: Sequence[Event | RowProblem], received_at: int
    ) -> tuple[list[Event], list[RowProblem], int]:
        """Say which events are accepted, which refused, and how many were there before; the watermark moves on."""
        state = transaction.state
        known = transaction.known({one.id for one in read if isinstance(one, Event)})
        accepted: list[Event] = []
        refused: list[RowProblem] = []
        duplicates = 0
        for position, event in enumerate(read):
            if not isinstance(event, Event):
                refused.append(event)
                continue
            same = known.get(event.id)
            if same is not None:
                if same == event:
                    duplicates += 1
                else:
                    refused.append(row_problem(position, event.id, "event-id-taken", "id", event.id))
            elif event.at > received_at + self.ahead:
                told = {"received": time_text(received_at), "ahead": _hours(self.ahead)}
                refused.append(
                    row_problem(position, event.id, "event-from-the-future", "at", time_text(event.at), None, **told)
                )
            elif event.at < state.watermark:
                told = {"watermark": time_text(state.watermark)}
                refused.append(
                    row_problem(position, event.id, "event-too-late", "at", time_text(event.at), None, **told)
                )
            else:
                known[event.id] = event
                accepted.append(event)
                if event.at > state.latest_at:
                    state.latest_at = event.at
                    # Event by event: what is refused does not depend on where one chunk ends and the next begins.
                    state.watermark = max(state.watermark, event.at - self._lateness)
        return accepted, refused, duplicates

    def warnings(self, after: int = 0, limit: int = 1000, wanted: Wanted = EVERY) -> list[WarningRecord]:
        """Give warnings behind a cursor, oldest first; at most so many."""
        with self.database.reading() as connection:
            return kept.after(connection, after, limit, wanted)

    def newest(self, before: int = 0, limit: int = 100, wanted: Wanted = EVERY) -> list[WarningRecord]:
        """Give warnings before a cursor, newest first; 0: from the newest on."""
        with self.database.reading() as connection:
            return kept.before(connection, before, limit, wanted)

    def acknowledge(self, id_: str, by: str, at: int, note: str = "") -> WarningRecord:
        """Say that somebody has taken a warning up. The first to say so is kept.

        Raises:
            ProblemsFound: `warning-not-found`.
        """
        with self.database.writing() as connection:
            return kept.acknowledge(connection, id_, by, at, note)

    def announce(self, warnings: Sequence[NewWarning], recorded_at: int) -> int:
        """Keep warnings that come from elsewhere, such as tariff notices; gives how many of them are new."""
        with self.database.writing() as connection:
            return kept.announce(connection, warnings, recorded_at)

    def status(self) -> Status:
        """Say how the desk stands. It counts the rows of the log and of the memory, which takes a while."""
        with looking(self.database, self.watch) as transaction:
            counts = transaction.counts()
            state = transaction.state
            return Status(
                correlator=self.correlator.name,
                triggers=len(self.watch.triggers),
                watermark=state.watermark,
                latest_at=state.latest_at,
                complete_until=state.complete_until,
                log_from=state.log_from,
                cursor=state.cursor,
                chunks=state.chunks,
                unread=transaction.unread(),
                **counts,
            )

    def replay(self, since: int = 0, rebuild: bool = False) -> Replayed:
        """Run afresh over the log and compare the warnings with those that are kept.

        Args:
            since: compare warnings with at >= since [us].
            rebuild: write the memory of accounts anew from the fresh run; nobody records meanwhile.

        Raises:
            ProblemsFound: `log-too-short`: memory cannot be made anew, as the log lacks its beginning.
        """
        with self._recording:
            found = replay(self.database, self.watch, since, rebuild)
            self._chunks = -1
        return found

    def snapshot(self, file: Path) -> int:
        """Write everything that the desk keeps to a file; gives how many rows that are."""
        with self.database.reading() as connection:
            return snapshot.write(connection, file)

    def restore(self, file: Path) -> int:
        """Read a snapshot into a desk that keeps nothing yet; gives how many rows that are.

        Raises:
            ProblemsFound: `snapshot-unreadable`, `warnings-not-empty`.
        """
        with self._recording, self.database.writing() as connection:
            self._chunks = -1
            return snapshot.read(connection, file)

    def forget(self, before: int) -> int:
        """Take processed events with at < before out of the log; gives how many.

        One that is sent again later is too late then, and no duplicate. A trigger that is new, or whose memory has
        changed, can no longer be given what it would remember.
        """
        with self._recording, recording(self.database, self.watch) as transaction:
            return transaction.forget(before)

    def close(self) -> None:
        """Let go of the correlator. The database is its owner's."""
        self.correlator.close()
        self._beside.close()


def _hours(duration: int) -> str:
    return f"{duration // HOUR_US} h"


_order: Final = attrgetter("at", "id")
_at: Final = attrgetter("at")
