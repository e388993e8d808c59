"""One driver a run: a lock on a file that the system lets go of when the process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.bulk.sinks import writing
from engine.runs.ledger import this_driver

LOCK: Final = "lock"
TRIES: Final = 5  # who looks whether a run is driven holds its lock for a moment
WAIT_SECONDS: Final = 0.02


@contextmanager
def held(folder: Path) -> Iterator[str]:
    """Hold the lock of a run's folder.

    Gives "" where it was free; else the host and process that hold it, and the lock is not held.

    Raises:
        FileProblem: the folder cannot be written to.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("a+", encoding="utf-8")
    with file:
        if not _locked(file.fileno(), folder / LOCK):
            file.seek(0)
            yield file.read().strip() or "unknown"
            return
        with writing(folder):
            file.truncate(0)
            file.write(this_driver())
            file.flush()
        yield ""


@contextmanager
def kept_free(folder: Path) -> Iterator[bool]:
    """Whether no process of this machine drives the run of a folder; none begins to while this lasts."""
    try:
        file = (folder / LOCK).open("r", encoding="utf-8")
    except OSError:  # of a run that never had a folder, or whose folder is gone
        yield True
        return
    with file:
        yield _locked(file.fileno(), folder / LOCK)


def _locked(handle: int, path: Path) -> bool:
    """Lock an open file; gives whether that was possible, and it is still the one of its name."""
    for left in reversed(range(TRIES)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(WAIT_SECONDS)
            continue
        try:
            return os.fstat(handle).st_ino == path.stat().st_ino
        except FileNotFoundError:  # its holder took the folder away at its end, just now
            return False
    return False
