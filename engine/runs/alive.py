"""Whether somebody drives a run: locks that the system lets go of when a process ends, however it ends.

    a recalculation that a server began   a file beside the others of this user's state, held by the process that drives
    any run                               the lock of its folder, and PostgreSQL's where the ledger is there

Nothing here needs pyarrow, so that a server that answers questions about runs does not either.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import Final

from sqlalchemy import text

from engine.registry.where import state_folder
from engine.runs.ledger import Ledger, RunRecord, lock_number

_FOLDER_LOCK: Final = "lock"  # as engine.runs.lock has it
_HELD: Final = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND classid::bigint = :space AND objid::bigint = :number"
)


def hold(run: str) -> int | None:
    """Hold the lock of a recalculation; give the open file, which a child may inherit; None: somebody else has it."""
    file = _file(run)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == file.stat().st_ino:  # else its holder took it away at its end, just now
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None


def is_held(run: str) -> bool:
    """Whether a process of this machine holds the lock of a recalculation."""
    return is_locked(_file(run))


def take_away(run: str) -> None:
    """Take the file of a lock away; its holder does so at its end."""
    _file(run).unlink(missing_ok=True)


def is_driven(ledger: Ledger, record: RunRecord) -> bool:
    """Whether a process drives a run that the ledger says goes on.

    Of a ledger in SQLite every driver is on this machine. PostgreSQL knows of drivers on others.
    """
    if is_locked(Path(record.folder) / _FOLDER_LOCK):
        return True
    if ledger.database.url.get_backend_name() != "postgresql":
        return False
    space, number = lock_number(record.id)
    with ledger.database.reading() as connection:
        found = connection.execute(_HELD, {"space": space, "number": number & 0xFFFFFFFF}).scalar_one()
    return bool(found)


def this_host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def is_locked(file: Path) -> bool:
    """Whether somebody holds a lock; to look at it is to hold it for a moment, shared with others who look."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _file(run: str) -> Path:
    return state_folder() / "runs" / f"{run}.lock"
