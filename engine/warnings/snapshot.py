"""Everything that the desk keeps, as a file: to move it, to keep a copy, to begin again from it.

A snapshot is lines of JSON, compressed by gzip: a head, the rows of each table, and a last line with the count of rows
and the hash of all before it. It does not depend on the database: one of SQLite is restored into PostgreSQL.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, Table, delete, func, insert, select, update

from engine.language.problems import ProblemsFound, problem
from engine.warnings.store import locked
from engine.warnings.tables import DESK, EVENT, MEMORY, SHAPE, SLOT, WARNING

FORMAT: Final = 1
_TABLES: Final = (SHAPE, SLOT, EVENT, MEMORY, WARNING)
_ROWS_AT_ONCE: Final = 5_000
_BY_NAME: Final = {table.name: table for table in _TABLES}


def write(connection: Connection, file: Path) -> int:
    """Write a snapshot, as of one transaction that reads; gives how many rows it has.

    The file is there whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    partial = file.with_name(file.name + ".partial")
    digest, rows = hashlib.sha256(), 0
    try:
        with partial.open("wb") as plain, gzip.GzipFile("", "wb", 6, plain, mtime=0) as packed:
            for line in _lines(connection):
                digest.update(line)
                packed.write(line)
                rows += 1
            rows -= 1  # the head is none
            packed.write(_line({"rows": rows, "sha256": digest.hexdigest()}))
            packed.close()
            plain.flush()
            os.fsync(plain.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def read(connection: Connection, file: Path) -> int:
    """Read a snapshot into a database that keeps no events or warnings; gives how many rows it has.

    Args:
        connection: of `Database.writing()`: all of it is read, or nothing.
        file: as `write` left it.

    Raises:
        ProblemsFound: `snapshot-unreadable`, `warnings-not-empty`.
    """
    locked(connection)
    kept = (EVENT, MEMORY, WARNING)
    if any(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in kept):
        raise ProblemsFound([problem("warnings-not-empty", None)])
    for _ in _checked(file):
        pass  # nothing is read of one that is not whole
    for table in (SHAPE, SLOT):  # of a desk that has recorded nothing
        connection.execute(delete(table))
    rows = 0
    waiting: list[dict[str, Any]] = []
    of: Table | None = None
    for line in _checked(file):
        told = json.loads(line)
        if isinstance(told, dict):
            state = told["desk"]
            connection.execute(update(DESK).values(state))
            continue
        table = _BY_NAME[told[0]]
        if table is not of or len(waiting) >= _ROWS_AT_ONCE:
            _put(connection, of, waiting)
            of, waiting = table, []
        waiting.append(_row(table, told[1:]))
        rows += 1
    _put(connection, of, waiting)
    return rows


def _lines(connection: Connection) -> Iterator[bytes]:
    desk = dict(connection.execute(select(DESK)).one()._mapping)
    yield _line({"dianjia": "warnings", "format": FORMAT, "desk": desk})
    streaming = {"yield_per": _ROWS_AT_ONCE}
    for table in _TABLES:
        binary = [isinstance(column.type, LargeBinary) for column in table.columns]
        # Sorted by key, so that equal desks have equal snapshots.
        for row in connection.execute(select(table).order_by(*table.primary_key.columns), execution_options=streaming):
            values = [
                base64.b64encode(value).decode() if is_binary else value
                for value, is_binary in zip(row, binary, strict=True)
            ]
            yield _line([table.name, *values])


def _line(told: object) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _checked(file: Path) -> Iterator[bytes]:
    """Give the head and the rows of a snapshot; at the end it is known whether all of it is as it was written."""
    digest, rows, last = hashlib.sha256(), -1, b""
    try:
        with gzip.open(file, "rb") as packed:
            for line in packed:
                if last:
                    digest.update(last)
                    rows += 1
                    if rows == 0 and not _is_head(json.loads(last)):
                        raise _unreadable(file, "it is of another release", "由其他版本生成")
                    yield last
                last = line
        end = json.loads(last) if last else None
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, ProblemsFound):
            raise
        raise _unreadable(file, "it cannot be read", "无法读取") from error
    if end != {"rows": rows, "sha256": digest.hexdigest()}:
        raise _unreadable(file, "it ends early, or was changed", "不完整或被改动过")


def _is_head(told: object) -> bool:
    return isinstance(told, dict) and told.get("format") == FORMAT


def _unreadable(file: Path, what: str, what_zh: str) -> ProblemsFound:
    return ProblemsFound([problem("snapshot-unreadable", None, None, file=str(file), what=what, what_zh=what_zh)])


def _row(table: Table, values: list[Any]) -> dict[str, Any]:
    return {
        column.name: base64.b64decode(value) if isinstance(column.type, LargeBinary) else value
        for column, value in zip(table.columns, values, strict=True)
    }


def _put(connection: Connection, table: Table | None, rows: list[dict[str, Any]]) -> None:
    if table is not None and rows:
        connection.execute(insert(table), rows)
