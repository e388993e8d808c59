"""The registry of versions: published, approved by somebody else, activated from an instant, withdrawn.

A version is a rate book named by its content; it never changes. Where it stands follows from the audit trail alone. Two
times are never mixed: inside a version the billing period chooses prices; an activation is the instant from which a
version answers calls that name none. Each step is one transaction that holds the lock of the trail, so that two at once
come one after the other. docs/decisions/0017-versions.md says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from engine.language.problems import ProblemsFound, problem
from engine.registry import answers, audit, content, use, versions
from engine.registry.announcing import Announce, Taken
from engine.registry.audit import AuditEntry as AuditEntry
from engine.registry.audit import Step
from engine.registry.building import Builder, Built
from engine.registry.database import Database
from engine.registry.instants import LATEST, microseconds, now
from engine.registry.records import UseRecord as UseRecord
from engine.registry.records import VersionRecord as VersionRecord
from engine.registry.schedule import Schedule as Schedule
from engine.registry.steps import (
    Decision,
    activating,
    approving,
    refuse_published,
    refuse_unfit,
    said,
    schedule_in,
    withdrawing,
)


class Registry:
    """Versions of the rate book in a database, SQLite or PostgreSQL.

    Threads and processes may share one. Nothing is opened before it is used. A database that does not answer is
    `registry-unavailable` for the call that asked; the next one asks it anew.
    """

    def __init__(
        self, url: str, clock: Callable[[], datetime] = now, build: Callable[[Mapping[str, bytes]], Built] | None = None
    ) -> None:
        """Take the place.

        Args:
            url: sqlite:///FILE or postgresql://USER@HOST/NAME.
            clock: gives the present instant, with its offset.
            build: compiles files and runs their tests; a `Builder` unless given.

        Raises:
            ValueError: it is no such URL.
        """
        self._database = Database(url)
        self._clock = clock
        self._build: Callable[[Mapping[str, bytes]], Built] = build or Builder()
        self._reading = threading.Lock()
        self._read: tuple[audit.Head, Schedule] | None = None  # the schedule as of a row of the trail

    def open(self) -> None:
        """Make the tables, or bring them to this release's layout; several processes may do so at once.

        Raises:
            ProblemsFound: `registry-unavailable`, `registry-newer`.
        """
        self._database.open()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def publish(
        self,
        files: Mapping[str, bytes],
        *,
        who: str,
        why: str,
        request_id: str,
        active_files: Mapping[str, bytes] | None = None,
    ) -> VersionRecord:
        """Make a version of files. They have to compile, and the tests in them have to hold.

        Args:
            files: path inside the rate book -> bytes.
            who: its author, who cannot approve it.
            why: the notice, for instance.
            request_id: repeated with the same content it gives its first answer.
            active_files: what answers while the registry has no active version; `changed_files` says what is new.

        Raises:
            ProblemsFound: `rate-book-fails` together with what is wrong; `rate-book-empty`, `rate-book-too-large`,
                `bad-path`, `compile-too-long`, `compile-too-large`, `version-exists`, and what every step may raise.
        """
        content.check_files(files)
        version = content.version_of(files)
        step = said(Step("published", who, version, why, request_id))
        with self._database.reading() as connection:
            first = answers.first_answer(connection, step)
            if first is not None:
                return first
            refuse_published(connection, version)
        built = self._build(files)
        refuse_unfit(built)
        with self._database.writing() as connection:
            head = audit.head_of(connection, lock=True)
            first = answers.first_answer(connection, step)
            if first is not None:
                return first
            refuse_published(connection, version)
            at = self._clock()
            active = schedule_in(connection).active(at)
            hashes = {path: content.content_hash(found) for path, found in files.items()}
            before = {path: content.content_hash(found) for path, found in (active_files or {}).items()}
            if active is not None:
                before = versions.hashes_of(connection, active)
            versions.write(connection, step, files, hashes, content.changed(hashes, before), built)
            audit.append(connection, head, step, step.who, at)
            return answers.keep(connection, step, versions.record(connection, version))

    def approve(self, version: str, *, who: str, why: str, request_id: str) -> VersionRecord:
        """Approve a version: whoever does is not its author.

        Args:
            version: its hash, or the first 8 or more digits.
            who: who looked at it.
            why: what was checked.
            request_id: repeated with the same content it gives its first answer.

        Raises:
            ProblemsFound: `author-approves`, `already-approved`, `is-withdrawn`, and what every step may raise.
        """
        return self._take(Step("approved", who, version, why, request_id), approving)

    def activate(
        self,
        version: str,
        *,
        who: str,
        why: str,
        active_from: datetime | None,
        request_id: str,
        announce: Announce | None = None,
    ) -> VersionRecord:
        """Have an approved version answer calls that name none, from an instant on.

        It has to bill every day before that of the instant that the version which answers then bills.

        Args:
            version: its hash, or the first 8 or more digits.
            who: who activates it; its author may.
            why: why.
            active_from: the instant, with its offset; None: now.
            request_id: repeated with the same content it gives its first answer.
            announce: keeps something in the same transaction; it is not asked again for a request that is repeated.

        Raises:
            ProblemsFound: `not-approved`, `is-withdrawn`, `instant-past`, `bad-instant`, `coverage-lost` for each rule
                set that loses days, and what every step may raise.
            ValueError: the instant has no offset.
        """
        if active_from is not None and microseconds(active_from) >= LATEST:
            raise ProblemsFound([problem("bad-instant", None, None, value=active_from.isoformat())])
        return self._take(Step("activated", who, version, why, request_id, active_from), activating, announce)

    def withdraw(
        self,
        version: str,
        *,
        who: str,
        reason: str,
        return_to: str,
        request_id: str,
        announce: Announce | None = None,
    ) -> VersionRecord:
        """Have a version answer no longer; whoever does is not its author.

        Args:
            version: its hash, or the first 8 or more digits.
            who: who withdraws it.
            reason: why; it must be said.
            return_to: an approved version, not withdrawn, that answers in its place.
            request_id: repeated with the same content it gives its first answer.
            announce: as `activate` has it.

        Raises:
            ProblemsFound: `author-approves`, `is-withdrawn`, `returns-to-itself`, `not-approved`, `reason-missing`, and
                what every step may raise.
        """
        step = Step("withdrawn", who, version, reason, request_id, returns_to=return_to)
        return self._take(step, withdrawing, announce)

    def resolve(self, prefix: str) -> str:
        """Give the whole hash of the version that begins with these digits.

        Raises:
            ProblemsFound: `unknown-version`, `version-ambiguous`, `registry-unavailable`.
        """
        with self._database.reading() as connection:
            return versions.find(connection, prefix)

    def record(self, version: str) -> VersionRecord:
        """Give a version as it stands, by its hash or the first 8 or more digits."""
        with self._database.reading() as connection:
            return versions.record(connection, versions.find(connection, version))

    def records(self, limit: int = 100, before: str = "") -> list[VersionRecord]:
        """Give versions, newest first: at most so many, and only those published before the version `before`."""
        with self._database.reading() as connection:
            return versions.records(connection, limit, versions.find(connection, before) if before else "")

    def files(self, version: str) -> Mapping[str, bytes]:
        """Give the files of a version, by path."""
        with self._database.reading() as connection:
            return versions.files_of(connection, versions.find(connection, version))

    def schedule(self) -> Schedule:
        """Say which version answers when. Asked again it costs one row, unless a step was taken since."""
        with self._database.reading() as connection:
            head = audit.head_of(connection)
            with self._reading:
                if self._read is not None and self._read[0] == head:
                    return self._read[1]
            found = schedule_in(connection)
            with self._reading:
                self._read = head, found
            return found

    def answering(self, at: datetime | None) -> str | None:
        """Which version answers calls that name none at an instant, None: now, by the registry's clock."""
        return self.schedule().active(self._clock() if at is None else at)

    def history(self, version: str | None = None, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """Give rows of the audit trail in order, of one version or of all: at most so many behind the row `after`."""
        with self._database.reading() as connection:
            of = None if version is None else [versions.find(connection, version)]
            return audit.entries(connection, of, after, limit)

    def chain_holds(self) -> bool:
        """Whether the audit trail is as it was written: no row changed, none missing, none put in between."""
        with self._database.reading() as connection:
            return audit.chain_holds(connection)

    def note_use(self, version: str, run: str, bills: Mapping[int, int], at: datetime) -> None:
        """Add bills to what a version billed.

        Args:
            version: content hash; also of a folder that nobody published.
            run: name of the run; "" for single bills.
            bills: month of the first day billed, as year x 12 + month - 1 -> how many were made.
            at: when.
        """
        with self._database.writing() as connection:
            use.note_use(connection, version, run, bills, at)

    def uses(self, version: str, after: tuple[str, int] | None = None, limit: int = 100) -> list[UseRecord]:
        """Give what a version billed, by run and month: at most so many behind the run and month `after`."""
        with self._database.reading() as connection:
            return use.uses(connection, version, after, limit)

    def _take(self, asked: Step, decide: Decision, announce: Announce | None = None) -> VersionRecord:
        """Take a step: all of it, or nothing where something speaks against it."""
        step = said(asked)
        with self._database.writing() as connection:
            head = audit.head_of(connection, lock=True)
            first = answers.first_answer(connection, step)
            if first is not None:
                return first
            at = self._clock()
            decided, author = decide(connection, step, at)
            before = None if announce is None else schedule_in(connection).active(decided.active_from or at)
            audit.append(connection, head, decided, author, at)
            if announce is not None:
                announce(connection, Taken(head.number + 1, decided, at, before))
            return answers.keep(connection, step, versions.record(connection, decided.version))
