"""Which runs and billing months a version billed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, case, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from engine.registry.instants import microseconds, of_microseconds
from engine.registry.records import UseRecord
from engine.registry.tables import VERSION_USE

_NO_TEXT = "\0"  # PostgreSQL keeps any character but this one


def note_use(connection: Connection, version: str, run: str, bills: Mapping[int, int], at: datetime) -> None:
    """Add bills to what a version billed.

    Args:
        connection: with a transaction that may write.
        version: content hash; also of a folder that nobody published.
        run: name of the run; "" for single bills.
        bills: month of the first day billed, as year x 12 + month - 1 -> how many were made.
        at: when.
    """
    if not bills:
        return
    instant = microseconds(at)
    rows = [
        {
            "version": version,
            "run": run.replace(_NO_TEXT, "\ufffd"),
            "month": month,
            "bills": count,
            "first_used_at": instant,
            "last_used_at": instant,
        }
        for month, count in sorted(bills.items())  # in order: two who write the same months wait, and do not deadlock
    ]
    columns = VERSION_USE.c
    made = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(VERSION_USE).values(rows)
    new = made.excluded
    connection.execute(
        made.on_conflict_do_update(
            index_elements=[columns.version, columns.run, columns.month],
            set_={
                "bills": columns.bills + new.bills,
                "first_used_at": case(
                    (new.first_used_at < columns.first_used_at, new.first_used_at), else_=columns.first_used_at
                ),
                "last_used_at": case(
                    (new.last_used_at > columns.last_used_at, new.last_used_at), else_=columns.last_used_at
                ),
            },
        )
    )


def uses(connection: Connection, version: str, after: tuple[str, int] | None, limit: int) -> list[UseRecord]:
    """Read what a version billed, by run and month, behind the run and month `after`."""
    columns = VERSION_USE.c
    query = select(VERSION_USE).where(columns.version == version).order_by(columns.run, columns.month).limit(limit)
    if after is not None:
        query = query.where(tuple_(columns.run, columns.month) > tuple_(*after))
    return [
        UseRecord(
            row.version,
            row.run,
            row.month,
            row.bills,
            of_microseconds(row.first_used_at),
            of_microseconds(row.last_used_at),
        )
        for row in connection.execute(query)
    ]
