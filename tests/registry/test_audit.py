"""The audit trail is only ever added to: the database sees to that, and the chain tells who went round it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from engine.registry.database import Database
from engine.registry.registry import Registry
from tests.registry.books import NOON, Clock, build_in_process
from tests.registry.office import Office

APPENDED = ("version", "version_file", "content", "coverage", "audit", "request")
COLUMNS = "number, at, who, action, version, author, why, active_from, returns_to, request_id, previous_hash, hash"


@pytest.fixture
def written(database_url: str) -> Iterator[Registry]:
    """A registry in which each kind of step was taken."""
    registry = Registry(database_url, Clock(), build_in_process)
    office = Office(registry)
    old, new = office.approved("0.5000"), office.approved("0.6000")
    office.activate(old)
    office.activate(new, datetime(2026, 12, 1, tzinfo=timezone(timedelta(hours=8))))
    office.withdraw(new, old)
    yield registry
    registry.close()


@contextmanager
def changing(database_url: str) -> Iterator[Connection]:
    """A transaction of somebody who has the database's password."""
    database = Database(database_url)
    try:
        with database._begun(writes=True) as connection:
            yield connection
    finally:
        database.close()


def unguard(connection: Connection) -> None:
    """Take away what guards the trail, as somebody who owns the database can."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
    else:
        for name in ("audit_no_update", "audit_no_delete", "audit_chain"):
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))


def test_each_row_holds_the_hash_of_its_content_and_of_the_row_before(written: Registry) -> None:
    """Computed here from the description in engine/registry/audit.py, of rows of every kind."""
    before = "0" * 64
    expected = []
    for row in written.history():
        fields = {
            "number": row.number,
            "at": "2026-03-01T12:00:00.000000Z",
            "who": row.who,
            "action": row.action,
            "version": row.version,
            "why": row.why,
            "active_from": {5: "2026-03-01T12:00:00.000000Z", 6: "2026-11-30T16:00:00.000000Z"}.get(row.number),
            "returns_to": row.returns_to,
            "request_id": row.request_id,
            "previous_hash": before,
        }
        whole = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        before = hashlib.sha256(whole.encode()).hexdigest()
        expected.append(before)

    hashes = [row.hash for row in written.history()]

    assert expected == hashes
    assert ["published", "approved", "published", "approved", "activated", "activated", "withdrawn"] == [
        row.action for row in written.history()
    ]


def test_an_entry_says_who_did_what_when_and_why(written: Registry) -> None:
    """The last one is the withdrawal."""
    *_, last = written.history()
    first = written.history()[0]

    said = (last.number, last.at, last.who, last.action, last.why, last.returns_to, last.active_from)

    assert (7, NOON, "Wang", "withdrawn", "typing error", first.version, None) == said


@pytest.mark.parametrize("table", APPENDED)
@pytest.mark.parametrize("change", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_the_database_refuses_to_change_what_was_written(
    written: Registry, database_url: str, table: str, change: str
) -> None:
    """Of the trail, and of the versions that it speaks of."""
    column = {"content": "hash", "request": "digest", "audit": "why"}.get(table, "version")

    with pytest.raises(DBAPIError) as found, changing(database_url) as connection:
        connection.execute(text(change.format(table=table, column=column)))

    assert f"rows of {table} are never changed" in str(found.value)
    assert written.chain_holds()


@pytest.mark.parametrize("table", APPENDED)
def test_the_database_refuses_to_replace_a_row(written: Registry, database_url: str, table: str) -> None:
    """SQLite's `INSERT OR REPLACE` deletes without asking a trigger; PostgreSQL empties whole tables."""
    sqlite = database_url.startswith("sqlite")
    change = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1" if sqlite else f"TRUNCATE {table} CASCADE"

    with pytest.raises(DBAPIError) as found, changing(database_url) as connection:
        connection.execute(text(change))

    assert "never changed" in str(found.value) or "follows the last one" in str(found.value)
    assert written.chain_holds()


def test_the_head_of_the_trail_stays(written: Registry, database_url: str) -> None:
    """It is one row, moved on with each row of the trail."""
    refused = []
    for change in (
        "DELETE FROM audit_head",
        "INSERT INTO audit_head SELECT one, 1, hash FROM audit_head",
        "INSERT INTO audit_head SELECT 2, 1, hash FROM audit_head",
    ):
        with pytest.raises(DBAPIError) as found, changing(database_url) as connection:
            connection.execute(text(change))
        refused.append(type(found.value).__name__)

    assert 3 == len(refused)
    assert written.chain_holds()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"number": "number + 2"}, "follows the last one"),
        ({"number": "number"}, "follows the last one"),
        ({"previous_hash": "'" + "0" * 64 + "'"}, "follows the last one"),
        ({"who": "'Li'"}, "audit_author_does_not_approve"),
        ({"author": "'Wang'"}, ""),  # nobody of that name published it
        ({"action": "'erased'"}, "audit_action"),
        ({"action": "'activated'"}, "audit_activated_from"),
        ({"returns_to": "version"}, "audit_"),
        ({"version": "(SELECT version FROM audit WHERE number = 1)"}, ""),  # it is approved already
        ({"request_id": "request_id"}, ""),
    ],
    ids=["gap", "number", "hash", "approver", "author", "action", "instant", "itself", "twice", "request"],
)
def test_the_database_refuses_a_row_that_cannot_be(database_url: str, changed: dict[str, str], reason: str) -> None:
    """Written by hand behind a publication by Li: only as an approval by Wang does it pass."""
    registry = Registry(database_url, Clock(), build_in_process)
    office = Office(registry)
    office.approved("0.5000")
    office.publish("0.6000")
    registry.close()
    values = {
        "number": "number + 1",
        "at": "at",
        "who": "'Wang'",
        "action": "'approved'",
        "version": "version",
        "author": "author",
        "why": "''",
        "active_from": "NULL",
        "returns_to": "NULL",
        "request_id": "'by hand'",
        "previous_hash": "hash",
        "hash": "'" + "f" * 64 + "'",
    }

    def insert(connection: Connection, **more: str) -> None:
        written = ", ".join({**values, **more}[name] for name in COLUMNS.split(", "))
        connection.execute(text(f"INSERT INTO audit ({COLUMNS}) SELECT {written} FROM audit WHERE number = 3"))

    with pytest.raises(DBAPIError) as found, changing(database_url) as connection:
        insert(connection, **changed)

    assert reason in str(found.value)
    with changing(database_url) as connection:
        insert(connection)


@pytest.mark.parametrize(
    "changes",
    [
        ["UPDATE audit SET why = 'another' WHERE number = 4"],
        ["UPDATE audit SET at = at + 1 WHERE number = 1"],
        ["UPDATE audit SET active_from = active_from + 1 WHERE number = 6"],
        [
            "UPDATE audit SET returns_to = (SELECT version FROM audit WHERE number = 3), "
            "version = (SELECT version FROM audit WHERE number = 1) WHERE number = 7"
        ],
        ["DELETE FROM request WHERE request_id = 'request 6'", "DELETE FROM audit WHERE number = 6"],
        ["DELETE FROM request WHERE request_id = 'request 7'", "DELETE FROM audit WHERE number = 7"],
        ["UPDATE audit_head SET number = 6, hash = (SELECT hash FROM audit WHERE number = 6)"],
    ],
    ids=["why", "when", "from", "which", "middle", "last", "head"],
)
def test_the_chain_tells_who_went_round_the_guard(written: Registry, database_url: str, changes: list[str]) -> None:
    """A row changed, one in the middle gone, the last one gone."""
    assert written.chain_holds()

    with changing(database_url) as connection:
        unguard(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE request DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER request_no_delete"))
        for change in changes:
            connection.execute(text(change))

    assert not written.chain_holds()


def test_a_row_that_was_put_in_with_its_own_hash_breaks_the_chain(written: Registry, database_url: str) -> None:
    """Rewriting one row's hash too does not help: the next row holds the old one."""
    rows = written.history()
    forged = json.dumps("whatever").encode()

    with changing(database_url) as connection:
        unguard(connection)
        connection.execute(
            text("UPDATE audit SET why = 'another', hash = :hash WHERE number = :number"),
            {"hash": hashlib.sha256(forged).hexdigest(), "number": rows[3].number},
        )

    assert not written.chain_holds()


def test_files_that_were_changed_in_the_database_are_not_given(written: Registry, database_url: str) -> None:
    """A version is its content: whoever loads it would bill with something else."""
    version = written.history()[0].version
    with changing(database_url) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE content DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER content_no_update"))
        connection.execute(text("UPDATE content SET content = :content"), {"content": b"ruleset: another"})

    with pytest.raises(RuntimeError) as found:
        written.files(version)

    assert "the registry is damaged" in str(found.value)
