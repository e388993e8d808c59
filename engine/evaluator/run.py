"""Run a plan over columns: blocks of rows that stay in cache, on threads that share nothing but the results.

Takes a plan and admitted inputs; fills output columns and the refusal of each row (`engine.evaluator.worker` does,
block by block). Rows are grouped by version, in place where they come in long runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from engine.evaluator.memory import Pool
from engine.evaluator.plan import Plan
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.worker import At, Block, Table, Worker

RUN_ROWS_MIN = 2048  # runs of a version that are shorter on average are gathered instead


class Workers:
    """A plan with scratch for threads to take and give back: a batch then neither allocates nor binds anew."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.pool = Pool()  # of results
        self._idle: list[Worker] = []

    def take(self, block_rows: int) -> Worker:
        """Give scratch for blocks of up to so many rows."""
        try:
            worker = self._idle.pop()
        except IndexError:
            return Worker(self.plan, block_rows)
        return worker if worker.block_rows >= block_rows else Worker(self.plan, block_rows)

    def give(self, worker: Worker) -> None:
        """Take scratch back."""
        self._idle.append(worker)


def run(
    workers: Workers,
    inputs: Mapping[str, Array],
    given: Mapping[str, Mask],
    version: Whole,
    table: Table,
    *,
    threads: int,
    block_rows: int,
) -> None:
    """Fill a table.

    Args:
        workers: of the plan.
        inputs: name -> shape (row,) int64 or bool, in the declared bounds.
        given: name -> shape (row,).
        version: shape (row,) version of each row.
        table: of as many rows.
        threads: of this process; numpy lets go of the interpreter while it computes.
        block_rows: so many rows a call.
    """
    blocks = _blocks(version, block_rows)
    if not blocks:
        return

    def work(part: list[Block]) -> None:
        worker = workers.take(min(block_rows, len(version)))
        # Rows of a branch that is not taken, or refused, may hold what no branch would compute on.
        with np.errstate(all="ignore"):
            worker.run(At(inputs, given, table), part)
        workers.give(worker)

    threads = max(1, min(threads, len(blocks)))
    if threads == 1:
        work(blocks)
        return
    ends = [len(blocks) * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [blocks[start:end] for start, end in pairwise(ends)]))


def _blocks(version: Whole, block_rows: int) -> list[Block]:
    """Cut rows into blocks of one version each."""
    rows = len(version)
    if rows == 0:
        return []
    if version.strides == (0,):
        runs = [(int(version[0]), 0, rows)]
    else:
        starts = np.flatnonzero(np.diff(version, prepend=version[0] - 1))
        if len(starts) * RUN_ROWS_MIN > rows + RUN_ROWS_MIN:
            return _gathered(version, block_rows)
        ends = [*starts[1:].tolist(), rows]
        runs = [(int(version[start]), start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
    return [
        (which, slice(at, min(at + block_rows, end)))
        for which, start, end in runs
        for at in range(start, end, block_rows)
    ]


def _gathered(version: Whole, block_rows: int) -> list[Block]:
    """Blocks of row positions, where versions are mixed."""
    order = np.argsort(version.astype(np.int16 if version.max() < 2**15 else np.int64), kind="stable")
    counts = np.bincount(version)
    blocks: list[Block] = []
    end = 0
    for which in np.flatnonzero(counts).tolist():
        start, end = end, end + int(counts[which])
        blocks += [(which, order[at : min(at + block_rows, end)]) for at in range(start, end, block_rows)]
    return blocks
