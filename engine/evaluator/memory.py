"""Memory for results that is used again once nobody holds a result in it.

The system hands out fresh memory page by page and zeroes it, which costs a batch more than computing what is stored
there. A `Pool` lends stretches; one comes back by itself when the last array over it is gone, views and views of views
included.
"""

from __future__ import annotations

import weakref

import numpy as np
from numpy.typing import NDArray

IDLE_MAX = 4  # stretches kept for later


class Pool:
    """Stretches of memory for one kind of result. Threads may share it."""

    def __init__(self) -> None:
        self._idle: list[NDArray[np.int64]] = []

    def lend(self, columns: int, rows: int) -> NDArray[np.int64]:
        """Give an array of shape (column, row) that holds anything."""
        count = columns * rows
        if count == 0:
            return np.empty((columns, rows), np.int64)
        try:
            memory = self._idle.pop()
        except IndexError:
            memory = np.empty(count, np.int64)
        # A stretch far too large would keep memory that nothing uses.
        if not count <= len(memory) <= 2 * count:
            memory = np.empty(count, np.int64)
        # Every view of `lent` keeps `lent` alive, as that does not own its memory but is no view of an array either.
        lent = np.frombuffer(memory.data, np.int64, count)
        weakref.finalize(lent, self._back, memory).atexit = False
        return lent.reshape(columns, rows)

    def _back(self, memory: NDArray[np.int64]) -> None:
        if len(self._idle) < IDLE_MAX:
            self._idle.append(memory)
