"""Events on their way to the desk, and how watchers notice what is new.

`Recorder` records with the triggers of the version that is active at that moment. `Feed` says how far warnings have
come: after each chunk of this process at once, of other processes and commands within half a second; all watchers share
one look at the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from engine.compiler.trigger import Watch
from engine.registry.database import Database
from engine.service.books import Books
from engine.triggers.events import RawEvent
from engine.warnings.correlator import Correlator
from engine.warnings.desk import Desk, Recorded

LOG: Final = logging.getLogger("dianjia.warnings")
POLL_SECONDS: Final = 0.5  # between two looks at the database for what others have written
CLOSE_SECONDS: Final = 5.0  # that a chunk has to end at a shutdown; one that is cut off is not recorded at all
WAKE_SECONDS: Final = 0.1  # after which a watcher notices that nobody listens any more


class Recorder:
    """Records events with the triggers of the active version. Threads share it; chunks go one after another.

    Attributes:
        watermark: of the last chunk [us]; 0: there was none.
    """

    def __init__(self, database: Database, books: Books, correlator: Callable[[Watch], Correlator] | None) -> None:
        """Take what is needed; nothing is opened yet.

        Args:
            database: of the registry.
            books: says which version is active.
            correlator: makes one for triggers; None: the built-in one. Raises ProblemsFound where it cannot.
        """
        self._database = database
        self._books = books
        self._correlator = correlator
        self._desk: Desk | None = None
        self._watch = ""  # hash of the triggers that the desk has
        self._lock = threading.Lock()
        self.watermark = 0

    def record(self, raws: Sequence[RawEvent], received_at: int, complete_until: int | None) -> tuple[Recorded, str]:
        """Record a chunk; gives what became of it and the version whose triggers watched.

        Raises:
            ProblemsFound: `no-version-active`, `registry-unavailable`, or what the correlator cannot do; nothing was
                recorded.
        """
        with self._lock:
            loaded = self._books.choose()
            desk = self._desk_of(loaded.book.watch, loaded.version)
            recorded = desk.record(raws, received_at, complete_until)
            self.watermark = recorded.watermark
        return recorded, loaded.version

    def close(self) -> None:
        """Let go of the correlator, after the chunk that is recorded at this moment."""
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            self._leave()
            self._lock.release()

    def _desk_of(self, watch: Watch, version: str) -> Desk:
        if self._desk is None or self._watch != watch.hash:
            self._leave()
            self._desk = Desk(self._database, watch, self._correlator and self._correlator(watch))
            self._watch = watch.hash
            LOG.info("events are recorded with the %d triggers of %s", len(watch.triggers), version[:12])
        return self._desk

    def _leave(self) -> None:
        if self._desk is not None:
            self._desk.close()
            self._desk = None


class Feed:
    """How far warnings have come. Threads share it."""

    def __init__(self, desk: Desk) -> None:
        """Take the desk that reads them."""
        self._desk = desk
        self._newest = 0
        self._looked_at = float("-inf")
        self._changed = threading.Condition()
        self._looking = threading.Lock()

    def newest(self, *, now: bool = False) -> int:
        """Cursor of the newest warning, as it was at most half a second ago; 0: there is none.

        Args:
            now: look, whatever was seen before.

        Raises:
            ProblemsFound: `registry-unavailable`.
        """
        with self._looking:
            if now or time.monotonic() >= self._looked_at + POLL_SECONDS:
                looked_at = time.monotonic()
                found = self._desk.newest(limit=1)
                self._newest, self._looked_at = (found[0].seq if found else 0), looked_at
            return self._newest

    def ring(self) -> None:
        """Say that this process has written warnings."""
        with self._looking:
            self._looked_at = float("-inf")
        with self._changed:
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait a moment, less where something was written."""
        with self._changed:
            self._changed.wait(WAKE_SECONDS)
