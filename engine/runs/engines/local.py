"""Partitions on threads of this process: numpy and pyarrow let go of Python's lock while they work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from engine.bulk.partition_run import Stopped
from engine.bulk.partitions import Done, Partition, Work
from engine.runs.watched import bill_partition


class LocalEngine:
    """As many partitions at once as there are threads."""

    name = "local"

    def __init__(self, threads: int, advance: Callable[[int], None] | None = None) -> None:
        """Start no thread yet.

        Args:
            threads: partitions at once.
            advance: called with the rows of each batch that is done.
        """
        self.width = threads
        self._pool = ThreadPoolExecutor(threads, "bill")
        self._advance = advance
        self._ended = Event()

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        """Bill a partition on a thread."""
        return self._pool.submit(bill_partition, work, partition, attempt, self._between)

    def close(self) -> None:
        """End what is under way between two batches, and wait for it."""
        self._ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _between(self, rows: int) -> None:
        if self._ended.is_set():
            raise Stopped
        if self._advance is not None:
            self._advance(rows)
