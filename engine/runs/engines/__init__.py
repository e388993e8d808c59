"""What bills the partitions of a run: threads of this process, Spark, or Dask.

Each of them calls `engine.bulk.partition_run.bill_partition` with the very same arguments. What they move about is what
names a partition, and what became of it; rows are read, and bills written, where the partition is billed, so that a
cluster's machines share the folders of the input and the output.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.runs.driver import Engine

ENGINES: Final = ("local", "spark", "dask")
WORKERS: Final = 2  # of a cluster of our own, where nobody says how many


def open_engine(name: str, cluster: str = "", threads: int | None = None) -> Engine:
    """Connect to a cluster, or start one on this machine.

    Args:
        name: `spark` or `dask`.
        cluster: its address: `sc://HOST:PORT` (Spark Connect), `spark://HOST:PORT` (a master); `tcp://HOST:PORT` or
            `tls://HOST:PORT` (Dask's scheduler). "": workers of our own on this machine, reachable from it alone.
        threads: partitions at once; None: two on this machine, or what the cluster has.

    Returns:
        The engine; whoever opens it closes it.

    Raises:
        FileProblem: there is no such cluster, or it does not start.
        ModuleNotFoundError: the extra of this name is not installed.
    """
    if name == "spark":
        # It is said at the import and at each job; nothing of pandas is used here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        from engine.runs.engines.spark import SparkEngine

        return SparkEngine(cluster, threads)
    if name == "dask":
        from engine.runs.engines.dask import DaskEngine

        return DaskEngine(cluster, threads)
    raise ValueError(f"{name!r} is no engine with a cluster; they are spark and dask")
