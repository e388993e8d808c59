"""Run a plan over columns: blocks of rows that stay in cache, on threads that share nothing but the results.

Takes what to compute and admitted inputs; fills output columns and the refusal of each row (`engine.evaluator.worker`
does, block by block). Where rows come in long runs of one version, a block has one version and its constants are single
numbers; else each row fetches the constants that differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np

from engine.compiler.program import Constants, Program
from engine.evaluator.lowering import VERSION
from engine.evaluator.memory import Pool
from engine.evaluator.plan import Plan, plan
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.worker import At, Block, Table, Worker

RUN_ROWS_MIN = 2048  # shorter runs of a version, on average, cost more in calls than in fetching constants by row


class Workers:
    """Steps to compute, with scratch for threads to take and give back: a batch then neither plans nor allocates."""

    def __init__(self, program: Program, constants: Constants, outputs: frozenset[int]) -> None:
        self.pool = Pool()  # of results
        self._plan = partial(plan, program, constants, outputs)
        self._plans: dict[bool, Plan] = {}
        self._idle: dict[bool, list[Worker]] = {False: [], True: []}

    def take(self, block_rows: int, *, mixed: bool) -> Worker:
        """Give scratch for blocks of up to so many rows, of one version each or of mixed ones."""
        try:
            worker = self._idle[mixed].pop()
        except IndexError:
            return Worker(self.plan(mixed=mixed), block_rows)
        return worker if worker.block_rows >= block_rows else Worker(worker.plan, block_rows)

    def give(self, worker: Worker, *, mixed: bool) -> None:
        """Take scratch back."""
        self._idle[mixed].append(worker)

    def plan(self, *, mixed: bool) -> Plan:
        """Give the plan, made when first wanted."""
        if mixed not in self._plans:
            self._plans[mixed] = self._plan(mixed=mixed)
        return self._plans[mixed]


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
        workers: of the steps to compute.
        inputs: name -> shape (row,) int64 or bool, in the declared bounds.
        given: name -> shape (row,).
        version: shape (row,) version of each row.
        table: of as many rows.
        threads: of this process; numpy lets go of the interpreter while it computes.
        block_rows: so many rows a call.
    """
    if len(version) == 0:
        return
    runs = _runs(version)
    mixed = runs is None
    if runs is None:
        runs = [(0, 0, len(version))]
        inputs = {**inputs, VERSION: version}
    blocks: list[Block] = [
        (which, slice(at, min(at + block_rows, end)))
        for which, start, end in runs
        for at in range(start, end, block_rows)
    ]
    workers.plan(mixed=mixed)

    def work(part: list[Block]) -> None:
        worker = workers.take(min(block_rows, len(version)), mixed=mixed)
        # Rows of a branch that is not taken, or refused, may hold what no branch would compute on.
        with np.errstate(all="ignore"):
            worker.run(At(inputs, given, table), part)
        workers.give(worker, mixed=mixed)

    threads = max(1, min(threads, len(blocks)))
    if threads == 1:
        work(blocks)
        return
    ends = [len(blocks) * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [blocks[start:end] for start, end in pairwise(ends)]))


def _runs(version: Whole) -> list[tuple[int, int, int]] | None:
    """Cut rows where the version changes: (version, start, end). None: too often."""
    rows = len(version)
    if version.strides == (0,):
        return [(int(version[0]), 0, rows)]
    starts = np.flatnonzero(np.diff(version, prepend=version[0] - 1))
    if len(starts) * RUN_ROWS_MIN > rows + RUN_ROWS_MIN:
        return None
    ends = np.append(starts[1:], rows)
    return list(zip(version[starts].tolist(), starts.tolist(), ends.tolist(), strict=True))
