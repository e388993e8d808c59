"""Loaded versions: the few that were used last, and those that are wanted soon."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from engine.service.books import LoadedBook


class Shelf:
    """Keeps versions ready to bill. Threads may share it.

    A version that is wanted by several at once is loaded once.
    """

    def __init__(self, size: int, load: Callable[[str], LoadedBook]) -> None:
        """Begin with none.

        Args:
            size: how many versions to keep; pinned ones are kept whatever their number.
            load: makes a version ready to bill; it takes seconds.
        """
        self._size = size
        self._load = load
        self._kept: OrderedDict[str, LoadedBook] = OrderedDict()  # last used last
        self._coming: dict[str, Future[LoadedBook]] = {}
        self._pinned: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def get(self, version: str) -> LoadedBook | None:
        """Give a version that is loaded."""
        with self._lock:
            found = self._kept.get(version)
            if found is not None:
                self._kept.move_to_end(version)
            return found

    def take(self, version: str) -> LoadedBook:
        """Give a version: load it where it is not, or wait for whoever is loading it.

        Raises:
            Exception: what the load raises, to everybody who waits for it.
        """
        with self._lock:
            found = self._kept.get(version)
            if found is not None:
                self._kept.move_to_end(version)
                return found
            coming = self._coming.get(version)
            mine = coming is None
            if coming is None:
                coming = self._coming[version] = Future()
        if mine:
            self._fetch(version, coming)
        return coming.result()

    def pin(self, versions: Iterable[str]) -> None:
        """Say which versions are never put away."""
        with self._lock:
            self._pinned = frozenset(versions)
            self._clear()

    def versions(self) -> tuple[str, ...]:
        """Which versions are loaded, last used last."""
        with self._lock:
            return tuple(self._kept)

    def _fetch(self, version: str, coming: Future[LoadedBook]) -> None:
        try:
            loaded = self._load(version)
        except BaseException as error:  # noqa: BLE001 - it goes to everybody who waits
            with self._lock:
                del self._coming[version]
            coming.set_exception(error)
            return
        with self._lock:
            self._kept[version] = loaded
            del self._coming[version]
            self._clear()
        coming.set_result(loaded)

    def _clear(self) -> None:
        """Put away what was not used for longest. The lock is held."""
        for version in [one for one in self._kept if one not in self._pinned]:
            if len(self._kept) <= self._size:
                return
            if version != next(reversed(self._kept)):  # what was loaded this moment is about to be used
                del self._kept[version]
