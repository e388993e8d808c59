"""Partitions on the workers of Dask: a scheduler that is there, or one with workers of our own on this machine."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import Any, Final

import dask
from distributed import Client, LocalCluster, Security

from engine.bulk.partitions import Done, Partition, Work
from engine.bulk.problems import FileProblem
from engine.runs.engines import WORKERS
from engine.runs.engines.loopback import HOST, environment
from engine.runs.engines.reach import need_listener
from engine.runs.engines.task import done_of, perform, task_text

CONNECT_SECONDS: Final = 60
CLOSE_SECONDS: Final = 10
DEATHS_MAX: Final = 8  # workers that may die of one partition, before it is taken to be its fault


class DaskEngine:
    """A task a partition; one more than there are threads, so that a worker never waits for the driver."""

    name = "dask"

    def __init__(self, cluster: str = "", threads: int | None = None) -> None:
        """Connect, or start workers.

        Args:
            cluster: address of a scheduler; "": workers of our own.
            threads: partitions at once.

        Raises:
            FileProblem: there is no scheduler there.
        """
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._cluster: Any = None
        self._lock = threading.Lock()
        self._tasks: dict[Future[Done], Any] = {}
        self._closed = False
        if cluster:
            need_listener(self.name, cluster)
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="dianjia-dask-", ignore_cleanup_errors=True)
            self._cluster = _own_cluster(threads or WORKERS, self._folder.name)
        try:
            self._client = Client(self._cluster or cluster, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            self._end()
            raise FileProblem("engine-start", cluster or HOST, engine=self.name, reason=_line(error)) from None
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        self.width = (threads or sum(one["nthreads"] for one in workers) or WORKERS) + 1

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        """Bill a partition on a worker."""
        future: Future[Done] = Future()
        task = self._client.submit(perform, task_text(work, partition, attempt), pure=False)
        with self._lock:
            self._tasks[future] = task
        task.add_done_callback(lambda ended: self._settle(future, ended))
        return future

    def worker_pids(self) -> list[int]:
        """Process ids of the workers, for whoever wants to see one die."""
        return sorted(self._client.run(_pid).values())

    def close(self) -> None:
        """End what is under way; what it leaves behind has temporary names."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            left = dict(self._tasks)
            self._tasks.clear()
        with suppress(Exception):  # a scheduler that is gone has nothing to cancel
            self._client.cancel(list(left.values()), force=True)
        for future in left:
            future.cancel()
        self._end()

    def _settle(self, future: Future[Done], ended: Any) -> None:
        """Hand on what became of a task; called on a thread of the client."""
        with self._lock:
            self._tasks.pop(future, None)
        with suppress(InvalidStateError):  # it was cancelled meanwhile
            if ended.cancelled():
                future.cancel()
                return
            try:
                done = done_of(ended.result())
            except FileProblem as problem:
                future.set_exception(problem)
            except Exception as error:  # noqa: BLE001  # whatever it is, the driver is told
                future.set_exception(self._failed(error))
            else:
                future.set_result(done)

    def _failed(self, error: Exception) -> Exception:
        """What the cluster says, as a problem; what a worker said, as it is."""
        if not type(error).__module__.startswith(("distributed", "dask")):
            return error
        return FileProblem("engine-failed", self.name, reason=_line(error))

    def _end(self) -> None:
        with _quiet():
            if hasattr(self, "_client"):
                with suppress(Exception):  # it is gone: there is nothing to end
                    self._client.close(timeout=CLOSE_SECONDS)
            if self._cluster is not None:
                self._cluster.close(timeout=CLOSE_SECONDS)
        if self._folder is not None:
            self._folder.cleanup()


def _own_cluster(workers: int, folder: str) -> Any:
    """Workers of one thread on this machine, which only this process can speak to."""
    # Dask has glibc give memory back at every chance; tables of some megabytes are then mapped anew each time.
    spawn = {**environment(), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "MALLOC_MMAP_THRESHOLD_": str(1 << 25)}
    told = {
        "distributed.nanny.pre-spawn-environ": spawn,
        "distributed.scheduler.http.routes": [],
        "distributed.scheduler.allowed-failures": DEATHS_MAX,
        "distributed.worker.profile.enabled": False,
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    with dask.config.set(told):
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=HOST,
            dashboard_address=f"{HOST}:0",  # None would be a port that somebody may have
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            local_directory=folder,
            silence_logs=logging.ERROR,
            security=Security.temporary(),
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of connections that end because we end them."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _pid() -> int:
    return os.getpid()


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")[:400]
