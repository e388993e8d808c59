"""Partitions on the executors of Spark: a Spark Connect server that is there, a master, or workers of our own.

    driver ──Spark Connect──▶ server ──▶ executors ──▶ Python workers: perform(task)

One way to speak to all of them: where only a master is given, or nothing, a Connect server is started on this machine,
which ends when this process does. A partition is a job of one task; its one row says what became of the partition.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Final

import grpc
import pyarrow as pa
from pyspark.sql.connect.client import DefaultChannelBuilder
from pyspark.sql.connect.client.retries import DefaultPolicy
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.functions import spark_partition_id

from engine.bulk.partitions import Done, Partition, Work
from engine.bulk.problems import FileProblem
from engine.runs.engines import WORKERS
from engine.runs.engines.reach import need_listener
from engine.runs.engines.spark_server import SparkServer
from engine.runs.engines.task import done_of, perform, task_text

CLOSE_SECONDS: Final = 5
RETRIES: Final = 8  # of a call that the server does not answer, within a minute
BACKOFF_MS_MAX: Final = 10_000
_LOOK_ROWS: Final = 100_000  # of a range that Spark cuts into as many parts as it has cores


class SparkEngine:
    """A job a partition; one more than there are cores, so that an executor never waits for the driver."""

    name = "spark"

    def __init__(self, cluster: str = "", threads: int | None = None) -> None:
        """Connect, or start a server.

        Args:
            cluster: `sc://HOST:PORT` or a master; "": workers of our own.
            threads: partitions at once.

        Raises:
            FileProblem: there is no server or master there, or it does not start.
        """
        self._server: SparkServer | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._left: set[Future[Done]] = set()
        if cluster:
            need_listener(self.name, cluster)
        address = cluster
        if not cluster.startswith("sc://"):
            self._server = SparkServer(cluster, threads or WORKERS)
            address = self._server.address
        try:
            self._builder = _Builder(address)
            self._session = SparkSession.builder.channelBuilder(self._builder).create()
            self._session.client.set_retry_policies([DefaultPolicy(RETRIES, max_backoff=BACKOFF_MS_MAX)])
            slots = threads or (WORKERS if not cluster else _cores(self._session))
        except Exception as error:  # noqa: BLE001  # what is wrong with an address or a server has no class of its own
            if self._server is not None:
                self._server.close()
            raise FileProblem("engine-start", cluster or self.name, engine=self.name, reason=_line(error)) from None
        self.width = slots + 1

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        """Bill a partition on an executor."""
        future: Future[Done] = Future()
        with self._lock:
            self._left.add(future)
        # Nobody waits for a thread whose server is gone, so these are not a pool's, which Python ends by waiting.
        task = task_text(work, partition, attempt)
        threading.Thread(target=self._settle, args=(future, task), name="spark", daemon=True).start()
        return future

    def worker_pids(self) -> list[int]:
        """Process ids of the executors of our own cluster, for whoever wants to see one die."""
        return [] if self._server is None else self._server.executors()

    def close(self) -> None:
        """End what is under way; what it leaves behind has temporary names."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            left = set(self._left)
        for future in left:
            future.cancel()
        if self._server is None:
            # A server that does not answer must not keep us.
            goodbye = threading.Thread(target=self._say_goodbye, daemon=True)
            goodbye.start()
            goodbye.join(CLOSE_SECONDS)
        self._builder.channel.close()  # ends all calls, which would be tried again for a minute
        if self._server is not None:
            self._server.close()

    def _settle(self, future: Future[Done], task: str) -> None:
        """See a partition through."""
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            try:
                done = done_of(self._outcome(task))
            except Exception as error:  # noqa: BLE001  # whatever it is, the driver is told
                future.set_exception(error)
            else:
                future.set_result(done)
        with self._lock:
            self._left.discard(future)

    def _outcome(self, task: str) -> str:
        try:
            rows = self._session.range(0, 1, 1, 1).mapInArrow(partial(_perform, task), "outcome string").toArrow()
        except Exception as error:  # noqa: BLE001  # Spark's own, gRPC's, Arrow's: the cluster could not do it
            raise FileProblem("engine-failed", self.name, reason=_line(error)) from None
        (outcome,) = rows.column("outcome").to_pylist()
        return str(outcome)

    def _say_goodbye(self) -> None:
        with suppress(Exception):  # it is gone: there is nothing to end
            self._session.interruptAll()
            self._session.client.release_session()


class _Builder(DefaultChannelBuilder):
    """The channel to a server, for whoever closes it."""

    channel: grpc.Channel

    def toChannel(self) -> grpc.Channel:  # noqa: N802  # Spark calls it so
        self.channel = super().toChannel()
        return self.channel


def _perform(task: str, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Bill the partition of a task; Spark calls this on an executor with the one row of a range."""
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"outcome": [perform(task)]})


def _cores(session: SparkSession) -> int:
    """How many tasks the cluster works on at once, as far as its executors are there."""
    return int(session.range(_LOOK_ROWS).select(spark_partition_id()).distinct().count())


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:400]
