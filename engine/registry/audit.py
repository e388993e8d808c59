"""The audit trail: rows that are only ever added, each with the hash of the row before.

A row's hash is the SHA-256 of this JSON in UTF-8, keys sorted, no blanks, letters of any script as they are:

    {"action":"activated","active_from":"2026-11-30T16:00:00.000000Z","at":"2026-11-20T02:11:45.120000Z","number":3,
     "previous_hash":"5f0c…","request_id":"…","returns_to":"","version":"2402…","who":"Li Na","why":"…"}

Instants are UTC with six decimal places; `active_from` is null but for an activation, `returns_to` empty but for a
withdrawal; the first row's `previous_hash` is 64 zeros. Whoever adds a row locks the row of `audit_head` first, so that
numbers have no gap and the chain no branch. The database refuses to change or delete rows, or to add one that does not
follow the last; who goes round that breaks the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, insert, select, update

from engine.registry.instants import instant_text, microseconds, of_microseconds
from engine.registry.tables import AUDIT, AUDIT_HEAD

Action = Literal["published", "approved", "activated", "withdrawn"]

NO_HASH: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row of the audit trail.

    Attributes:
        number: counts from 1 without a gap.
        at: when it was written.
        who: who did it.
        action: what was done.
        version: to which version.
        why: why.
        active_from: of an activation: from which instant.
        returns_to: of a withdrawal: which version answers instead; "" otherwise.
        request_id: the request that did it.
        previous_hash: hash of the row before; 64 zeros for the first.
        hash: of this row.
    """

    number: int
    at: datetime
    who: str
    action: Action
    version: str
    why: str
    active_from: datetime | None
    returns_to: str
    request_id: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be written: who does what to which version, and why."""

    action: Action
    who: str
    version: str
    why: str
    request_id: str
    active_from: datetime | None = None
    returns_to: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The last row: its number, 0 before the first, and its hash."""

    number: int
    hash: str


def head_of(connection: Connection, lock: bool = False) -> Head:
    """Give the last row of the trail; with `lock` nobody else adds one before this transaction ends."""
    query = select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.hash)
    found = connection.execute(query.with_for_update() if lock else query).one()
    return Head(found.number, found.hash)


def append(connection: Connection, head: Head, step: Step, author: str, at: datetime) -> None:
    """Add a row behind the last one, which this transaction has locked.

    Args:
        connection: with a transaction that holds the lock.
        head: the last row.
        step: what is done.
        author: who published the version.
        at: the present instant.
    """
    entry = _chained(head, step, at)
    connection.execute(
        insert(AUDIT).values(
            number=entry.number,
            at=microseconds(at),
            who=entry.who,
            action=entry.action,
            version=entry.version,
            author=author,
            why=entry.why,
            active_from=None if entry.active_from is None else microseconds(entry.active_from),
            returns_to=entry.returns_to or None,
            request_id=entry.request_id,
            previous_hash=entry.previous_hash,
            hash=entry.hash,
        )
    )
    connection.execute(update(AUDIT_HEAD).values(number=entry.number, hash=entry.hash))


def entries(
    connection: Connection,
    versions: Sequence[str] | None = None,
    after: int = 0,
    limit: int | None = None,
    leave_out: Action | None = None,
) -> list[AuditEntry]:
    """Read rows in order: of some versions or of all, behind the row `after`, of any action but one."""
    query = select(AUDIT).where(AUDIT.c.number > after).order_by(AUDIT.c.number)
    if leave_out is not None:
        query = query.where(AUDIT.c.action != leave_out)
    if versions is not None:
        query = query.where(AUDIT.c.version.in_(versions))
    return [_entry(row) for row in connection.execute(query if limit is None else query.limit(limit))]


def chain_holds(connection: Connection) -> bool:
    """Whether every row has the hash of its content, follows the one before, and none is missing, the last included."""
    last = Head(0, NO_HASH)
    for row in connection.execute(select(AUDIT).order_by(AUDIT.c.number)):
        entry = _entry(row)
        if (entry.number, entry.previous_hash) != (last.number + 1, last.hash) or entry.hash != hash_of(entry):
            return False
        last = Head(entry.number, entry.hash)
    return last == head_of(connection)


def hash_of(entry: AuditEntry) -> str:
    """The hash of a row's content and of the row before."""
    fields = {name: getattr(entry, name) for name in AuditEntry.__slots__ if name != "hash"}
    for name in ("at", "active_from"):
        fields[name] = None if fields[name] is None else instant_text(microseconds(fields[name]))
    written = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _chained(head: Head, step: Step, at: datetime) -> AuditEntry:
    fields: dict[str, Any] = {name: getattr(step, name) for name in Step.__slots__}
    entry = AuditEntry(**fields, number=head.number + 1, at=at, previous_hash=head.hash, hash="")
    return replace(entry, hash=hash_of(entry))


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        number=row.number,
        at=of_microseconds(row.at),
        who=row.who,
        action=row.action,
        version=row.version,
        why=row.why,
        active_from=None if row.active_from is None else of_microseconds(row.active_from),
        returns_to=row.returns_to or "",
        request_id=row.request_id,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
