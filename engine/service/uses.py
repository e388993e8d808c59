"""What versions billed, on its way to the registry.

A key (version, run, billing month) that this process has not written before is written before the answer goes out.
Counts of known keys are gathered and written by `flush`, every second. While the registry does not answer, everything
is gathered, and written later.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from engine.language.problems import ProblemsFound, problem
from engine.registry.registry import Registry

LOG: Final = logging.getLogger("dianjia.versions")
Key = tuple[str, str, int]  # version, run, month

KNOWN_MAX: Final = 10_000  # keys remembered as written; one that is forgotten is written at once again
WAITING_MAX: Final = 100_000  # keys gathered while the registry does not answer; runs are named by callers


class Uses:
    """Counts bills by version, run and billing month. Threads share it."""

    def __init__(self, registry: Registry, clock: Callable[[], datetime]) -> None:
        """Begin with none."""
        self._registry = registry
        self._clock = clock
        self._known: OrderedDict[Key, None] = OrderedDict()
        self._waiting: dict[Key, int] = {}
        self._answers = True  # whether the registry answered last
        self._lock = threading.Lock()
        self._flushing = threading.Lock()

    def note(self, version: str, run: str, bills: Mapping[int, int]) -> None:
        """Count bills.

        Args:
            version: content hash.
            run: "" for single bills.
            bills: month -> how many were made.

        Raises:
            ProblemsFound: `registry-unavailable`: the registry does not answer, and no more can be gathered.
        """
        new: dict[int, int] = {}
        with self._lock:
            for month, count in bills.items():
                key = (version, run, month)
                if key in self._known:
                    self._known.move_to_end(key)
                    self._waiting[key] = self._waiting.get(key, 0) + count
                else:
                    new[month] = count
            if not self._answers:
                self._gather(version, run, new)
                return
        if new:
            self._write_new(version, run, new)

    def flush(self) -> bool:
        """Write what was gathered; give whether nothing is left."""
        with self._flushing:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            by_run: dict[tuple[str, str], dict[int, int]] = {}
            for (version, run, month), count in waiting.items():
                by_run.setdefault((version, run), {})[month] = count
            for version, run in list(by_run):
                if not self._written(version, run, by_run[version, run]):
                    self._put_back(by_run)
                    return False
                with self._lock:
                    self._remember(version, run, by_run.pop((version, run)))
            with self._lock:
                self._answers = True
        return True

    def _write_new(self, version: str, run: str, new: Mapping[int, int]) -> None:
        written = self._written(version, run, new)
        with self._lock:
            if written:
                self._remember(version, run, new)
            else:
                self._answers = False
                self._gather(version, run, new)

    def _written(self, version: str, run: str, bills: Mapping[int, int]) -> bool:
        """Write counts; give whether the registry took them. Whatever keeps it from that, rating goes on."""
        try:
            self._registry.note_use(version, run, bills, self._clock())
        except ProblemsFound:
            return False
        except Exception:  # tables that are not there while a backup is put back, say
            if self._answers:
                LOG.exception("what was billed is not written to the registry")
            return False
        return True

    def _gather(self, version: str, run: str, bills: Mapping[int, int]) -> None:
        """Keep counts for later. The lock is held."""
        if bills and len(self._waiting) + len(bills) > WAITING_MAX:
            raise ProblemsFound([problem("registry-unavailable", None)])
        for month, count in bills.items():
            key = (version, run, month)
            self._waiting[key] = self._waiting.get(key, 0) + count

    def _put_back(self, by_run: Mapping[tuple[str, str], Mapping[int, int]]) -> None:
        with self._lock:
            self._answers = False
            for (version, run), bills in by_run.items():
                for month, count in bills.items():
                    key = (version, run, month)
                    self._waiting[key] = self._waiting.get(key, 0) + count

    def _remember(self, version: str, run: str, bills: Mapping[int, int]) -> None:
        """Take keys as written. The lock is held."""
        for month in bills:
            self._known[version, run, month] = None
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
