"""Batches of a file through some work on several threads, in the order of the file; few are in memory at once.

source ──read ahead──▶ seen row ids ──▶ work (threads) ──▶ results in order
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.bulk.sources import Batch, Source
from engine.evaluator.seen import SeenRows

Made = TypeVar("Made")
Work = Callable[[Batch, NDArray[np.bool_]], Made]
"""Takes a batch, and which of its row ids have come before."""


def in_order(source: Source, work: Work[Made], threads: int, again: NDArray[np.bool_] | None = None) -> Iterator[Made]:
    """Do some work on every batch, and give what it makes in the order of the file.

    Args:
        source: of the batches.
        work: to be done.
        threads: that do it.
        again: (row,) of the whole source, which row ids have come before; None: to be found here.
    """
    seen = SeenRows()
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads, "bill") as working, ThreadPoolExecutor(1, "read") as reading:
        try:
            for batch in _read_ahead(source, reading):
                stretch = slice(batch.first, batch.first + batch.size)
                repeated = _again(seen, batch) if again is None else again[stretch]
                waiting.append(working.submit(work, batch, repeated))
                while len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read_ahead(source: Source, reading: ThreadPoolExecutor) -> Iterator[Batch]:
    batches = source.batches()
    coming = reading.submit(next, batches, None)
    while (batch := coming.result()) is not None:
        coming = reading.submit(next, batches, None)
        yield batch


def _again(seen: SeenRows, batch: Batch) -> NDArray[np.bool_]:
    """(row,) which row ids have come before; rows without an id are refused for that."""
    primary, check = batch.keys
    if not batch.row_id.null_count:
        return seen.add(primary, check)
    given = np.flatnonzero(np.asarray(batch.row_id.is_valid()))
    again = np.zeros(batch.size, dtype=bool)
    again[given] = seen.add(primary[given], check[given])
    return again
