"""The database of the registry, SQLite or PostgreSQL: connections, transactions, layout, and what its failures mean.

Takes a URL; gives transactions. A database that does not answer is `registry-unavailable`, every time it is asked anew:
nothing here gives up for good, so that the registry is there again as soon as its database is.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Column, Connection, Engine, create_engine, event, inspect, make_url, select, table
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from engine.language.problems import ProblemsFound, problem
from engine.registry.tables import LAYOUT, LAYOUT_TABLE

_WRITES: Final = "registry_writes"
_BUSY_SECONDS: Final = 30  # that SQLite waits for another process's transaction
_CONNECT_SECONDS: Final = 5
_LOCK_SECONDS: Final = 30  # that PostgreSQL waits for another process's transaction
_READ_ONLY: Final = "25006"  # PostgreSQL's state of a standby that takes no changes
_LOG: Final = logging.getLogger("dianjia.registry")


class Database:
    """Where the registry is kept. Threads may share it; nothing is opened before it is used."""

    def __init__(self, url: str) -> None:
        """Take the URL.

        Raises:
            ValueError: it is no URL of SQLite or PostgreSQL.
        """
        self.url = _read_url(url)
        self._engine = _engine(self.url)
        self._opening = threading.Lock()
        self._opened = threading.Event()
        self._silent = threading.Event()  # while the database does not answer

    def open(self) -> None:
        """Make the tables, or bring them to this release's layout. Several processes may do so at once.

        Raises:
            ProblemsFound: `registry-unavailable`; `registry-newer`: a later release has changed the layout.
        """
        if self._opened.is_set():
            return
        with self._opening, self._told():
            if self._opened.is_set():
                return
            if self.url.get_backend_name() == "sqlite":
                _make_file(Path(str(self.url.database)))
            with self._begun(writes=False) as connection:
                found = layout_of(connection)
            if found != LAYOUT:
                from engine.registry.layout import bring_up_to_date  # Alembic takes a third of a second to import

                with self._begun(writes=True) as connection:
                    bring_up_to_date(connection)
            self._opened.set()

    def close(self) -> None:
        """Let go of every connection; it may be opened again."""
        with self._opening:
            self._opened.clear()
            self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the registry, whatever others write meanwhile."""
        self.open()
        with self._told(), self._begun(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that changes something; of SQLite it is the only one at a time."""
        self.open()
        with self._told(), self._begun(writes=True) as connection:
            yield connection

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """A connection without a transaction, for what lasts as long as the connection, such as PostgreSQL's locks."""
        self.open()
        with self._told(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of a database that does not answer that it does not; why is for the log, once."""
        try:
            yield
        except (DBAPIError, PoolTimeout, sqlite3.Error, OSError) as error:
            if not _is_unavailable(error):
                raise
            level = logging.DEBUG if self._silent.is_set() else logging.WARNING
            self._silent.set()
            _LOG.log(level, "the registry's database does not answer: %s", str(getattr(error, "orig", error)).strip())
            raise ProblemsFound([problem("registry-unavailable", None)]) from error
        self._silent.clear()

    @contextmanager
    def _begun(self, writes: bool) -> Iterator[Connection]:
        options: dict[str, Any] = {_WRITES: writes}
        if not writes and self.url.get_backend_name() == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection


def layout_of(connection: Connection) -> str | None:
    """Which migration was the last to run; None: the database has no registry."""
    if not inspect(connection).has_table(LAYOUT_TABLE):
        return None
    number: Column[str] = Column("version_num")
    found = connection.execute(select(number).select_from(table(LAYOUT_TABLE))).scalar_one_or_none()
    return None if found is None else str(found)


def _read_url(written: str) -> URL:
    try:
        url = make_url(written)
    except ArgumentError:
        raise ValueError(
            f"`{written}` is no URL of a database; pass sqlite:///FILE or postgresql://HOST/NAME"
        ) from None
    shown = url.render_as_string(hide_password=True)
    match url.get_backend_name():
        case "sqlite":
            if url.database in (None, "", ":memory:"):
                raise ValueError(f"`{shown}` names no file; pass sqlite:///FILE")
            return url.set(drivername="sqlite", database=os.path.abspath(str(url.database)))  # noqa: PTH100  # no links
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"the registry is kept in SQLite or PostgreSQL; `{shown}` is of {other}")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        file = f"file:{quote(str(url.database))}?mode=rw"  # a file that is gone is not made anew, empty

        def connect() -> sqlite3.Connection:
            # One that is kept for long is closed by whichever thread comes to it; no two use one at once.
            return sqlite3.connect(file, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)

        # A connection kept open would go on writing to a file that was moved away, and nobody would ever read that.
        engine = create_engine(url, creator=connect, poolclass=NullPool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    arguments = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "dianjia",
        "keepalives_idle": 30,
        "tcp_user_timeout": 10_000,  # [ms] a peer that vanished is noticed
        "prepare_threshold": None,  # prepared statements do not survive PgBouncer
    }
    try:
        engine = create_engine(url, pool_pre_ping=True, pool_recycle=1800, connect_args=arguments, pool_timeout=10)
    except ImportError:
        raise ValueError("PostgreSQL needs psycopg, which is not here: pip install 'dianjia[postgresql]'") from None
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # what the audit trail says was done is on the disk


def _begin_sqlite(connection: Connection) -> None:
    """Begin by hand: the driver's own way lets two transactions read first and then collide."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        cursor.execute("SET timezone = 'UTC'")
    connection.commit()


def _make_file(file: Path) -> None:
    """Make the file of SQLite with its write-ahead log, in which readers and a writer do not wait for each other."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                    return
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:  # another process does the same; SQLite does not wait for this
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
    finally:
        connection.close()


def _is_unavailable(error: Exception) -> bool:
    """Whether it is the database that fails, and not what it was asked."""
    if not isinstance(error, DBAPIError):
        return True
    orig = error.orig
    damaged = type(error) is DatabaseError and type(orig) is sqlite3.DatabaseError  # the file is no database
    standby = getattr(orig, "sqlstate", None) == _READ_ONLY
    return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated or damaged or standby
