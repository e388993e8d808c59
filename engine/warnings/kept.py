"""Warnings and tariff notices as the database keeps them: each once, in an order that no reader sees change.

Whoever adds one holds the lock of the desk's row: numbers have no holes, and a reader who has seen one could see every
lower one. A cursor is the number of the last that was read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from engine.language.problems import ProblemsFound, problem
from engine.warnings.store import State, among, keep_state, locked
from engine.warnings.tables import WARNING
from engine.warnings.warning import PAGE_MAX, NewWarning, Wanted, WarningRecord

_JSON: Final = ("keys", "values", "causes")
_NEW: Final = tuple(one.name for one in fields(NewWarning))
_ALL: Final = tuple(one.name for one in fields(WarningRecord))
_COLUMNS: Final = {
    "regions": "region",
    "levels": "level",
    "recipients": "recipient",
    "rulesets": "ruleset",
    "triggers": "trigger",
    "kinds": "kind",
    "states": "state",
    "accounts": "account",
    "ids": "id",
}


def announce(connection: Connection, warnings: Sequence[NewWarning], recorded_at: int) -> int:
    """Keep warnings in a transaction that writes; those whose id is kept already are left out.

    Args:
        connection: of `Database.writing()`.
        warnings: in the order in which they are to be read.
        recorded_at: [us].

    Returns:
        How many are new.
    """
    state = locked(connection)
    count = add(connection, state, warnings, recorded_at)
    keep_state(connection, state)
    return count


def add(connection: Connection, state: State, warnings: Sequence[NewWarning], recorded_at: int) -> int:
    """Keep warnings where the desk's row is locked, and count them in its state; gives how many are new."""
    if not warnings:
        return 0
    query = select(WARNING.c.id).where(among(connection, WARNING.c.id, [one.id for one in warnings]))
    known = set(connection.execute(query).scalars())
    rows = []
    for one in warnings:
        if one.id not in known:
            known.add(one.id)
            state.cursor += 1
            rows.append(_columns(one) | {"seq": state.cursor, "recorded_at": recorded_at})
    if rows:
        connection.execute(insert(WARNING), rows)
    return len(rows)


def after(connection: Connection, cursor: int, limit: int, wanted: Wanted) -> list[WarningRecord]:
    """Give warnings behind a cursor, oldest first; at most so many."""
    query = select(WARNING).where(WARNING.c.seq > cursor, *_conditions(wanted)).order_by(WARNING.c.seq)
    return [_record(one) for one in connection.execute(query.limit(min(limit, PAGE_MAX)))]


def before(connection: Connection, cursor: int, limit: int, wanted: Wanted) -> list[WarningRecord]:
    """Give warnings before a cursor, newest first; at most so many. 0: from the newest on."""
    conditions = _conditions(wanted)
    if cursor:
        conditions.append(WARNING.c.seq < cursor)
    query = select(WARNING).where(*conditions).order_by(WARNING.c.seq.desc())
    return [_record(one) for one in connection.execute(query.limit(min(limit, PAGE_MAX)))]


def acknowledge(connection: Connection, id_: str, by: str, at: int, note: str) -> WarningRecord:
    """Say that somebody has taken a warning up; the first to say so is kept.

    Raises:
        ProblemsFound: `warning-not-found`.
    """
    open_ = (WARNING.c.id == id_) & WARNING.c.acknowledged_at.is_(None)
    connection.execute(update(WARNING).where(open_).values(acknowledged_at=at, acknowledged_by=by, note=note))
    found = connection.execute(select(WARNING).where(WARNING.c.id == id_)).one_or_none()
    if found is None:
        raise ProblemsFound([problem("warning-not-found", None, value=id_)])
    return _record(found)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        WARNING.c[name].in_(getattr(wanted, field)) for field, name in _COLUMNS.items() if getattr(wanted, field)
    ]
    if wanted.since:
        found.append(WARNING.c.at >= wanted.since)
    if wanted.until:
        found.append(WARNING.c.at < wanted.until)
    if wanted.acknowledged is not None:
        acknowledged = WARNING.c.acknowledged_at
        found.append(acknowledged.is_not(None) if wanted.acknowledged else acknowledged.is_(None))
    return found


def _columns(one: NewWarning) -> dict[str, Any]:
    found = {name: getattr(one, name) for name in _NEW}
    for name in _JSON:
        found[name] = json.dumps((list if name == "causes" else dict)(found[name]), ensure_ascii=False)
    return found | {"acknowledged_at": None, "acknowledged_by": "", "note": ""}


def _record(row: Row[Any]) -> WarningRecord:
    told = dict(row._mapping)  # SQLAlchemy's own name: `row.keys` and `row.values` would be methods
    for name in _JSON:
        told[name] = json.loads(told[name])
    told["causes"] = tuple(told["causes"])
    return WarningRecord(**cast("dict[str, Any]", {name: told[name] for name in _ALL}))
