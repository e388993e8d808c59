"""A side in an environment of its own: columns go there as .npy files, `bill` is a line on a pipe, answers come back.

The other end is `benchmarks.elsewhere_worker`. What is counted is the CPU time of both processes (`benchmarks.clock`);
asking and waiting cost some 20 microseconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import weakref
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import environments
from benchmarks.sides import Side
from benchmarks.workloads import REFUSED, Columns, Workload

ROOT = Path(__file__).resolve().parent.parent


def side(
    name: str,
    title: str,
    environment: str | None,
    module: str,
    *,
    rows_max: int,
    exact: bool = True,
    workloads: tuple[str, ...] = ("W1", "W2"),
) -> Side:
    """Give a side that `module` computes in `environment`; where that is not made, the side says so.

    `environment`: None: this one, in a process of its own, whose memory is as glibc has it.
    """
    there = environment is None or environments.missing(environment) is None
    return Side(
        name,
        title,
        partial(_load, environment, module),
        Elsewhere.bill,
        _answer,
        rows_max=rows_max,
        exact=exact,
        workloads=workloads,
        missing=None if there else "run `make bench-peers`",
    )


class Elsewhere:
    """A process that holds one workload's columns; it ends when nobody holds it."""

    def __init__(self, environment: str | None, module: str, workload: Workload, columns: Columns) -> None:
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1"}
        self.folder = tempfile.TemporaryDirectory()
        worker = ["-m", "benchmarks.elsewhere_worker", module]
        self.process = subprocess.Popen(
            [sys.executable, *worker, "as-it-is"]
            if environment is None
            else [environments.python(environment), *worker, "keep"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env=settings,
        )
        self.end = weakref.finalize(self, _ended, self.process, self.folder)
        for name, values in columns.items():
            np.save(Path(self.folder.name) / f"{name}.npy", values)
        self.ask(f"load {workload.name} {self.folder.name}")

    def ask(self, line: str) -> None:
        """Send a line and wait until it is done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin)
        if self.process.stdout.readline() != "done\n":
            raise RuntimeError(f"{self.process.args!r} failed at `{line}`; it says why above")

    def bill(self) -> Elsewhere:
        """Bill all rows; this is what is measured."""
        self.ask("bill")
        return self


def _load(environment: str | None, module: str, workload: Workload, columns: Columns) -> Elsewhere:
    return Elsewhere(environment, module, workload, columns)


def _answer(workload: Workload, there: Elsewhere) -> Columns:
    there.ask(f"answer {there.folder.name}")
    return {name: np.load(Path(there.folder.name) / f"{name}.npy") for name in (*workload.outputs, REFUSED)}


def _ended(process: subprocess.Popen[str], folder: tempfile.TemporaryDirectory[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    process.wait()
    folder.cleanup()
