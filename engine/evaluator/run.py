"""Run a plan over columns: blocks of rows that stay in cache, on threads that share nothing but the results.

Takes what to compute and admitted inputs; fills output columns and the refusal of each row (`engine.evaluator.worker`
does, block by block). Where rows come in long runs of one version, a block has one version and its constants are single
numbers; else each row fetches the constants that differ.

Rows may be parts of bills, and may have lists; then a block's rows are as many as its items allow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from threading import Lock

import numpy as np

from engine.cache.store import folder_of
from engine.compiler.program import Constants, Program
from engine.evaluator.blocks import Block, Size, cut_blocks, size
from engine.evaluator.clocks import Clocks, Days
from engine.evaluator.lowering import VERSION
from engine.evaluator.memory import Pool
from engine.evaluator.native import KIND, Backend, Native, native, require_native
from engine.evaluator.plan import Plan, plan
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.worker import At, Table, Worker

ROWS_LOOKED_AT = 16384
RUN_ROWS_MIN = 2048  # shorter runs of a version, on average, cost more in calls than in fetching constants by row


Mode = tuple[bool, bool, frozenset[str]]  # versions are mixed, rows are parts, inputs in another representation


class Workers:
    """Steps to compute, with scratch for threads to take and give back: a batch then neither plans nor allocates."""

    def __init__(
        self,
        program: Program,
        constants: Constants,
        outputs: frozenset[int],
        backend: Backend = "numpy",
        native_rows_min: int = 0,
    ) -> None:
        """`native_rows_min`: rows and items that have to come before it is worth while to compile the plan."""
        self.program = program
        self.backend = backend
        self.pool = Pool()  # of results
        self._plan = partial(plan, program, constants, outputs)
        self._plans: dict[Mode, Plan] = {}
        self._days: dict[Mode, Days] = {}
        self.natives: dict[Mode, Native] = {}
        self._native_rows_min = native_rows_min
        self._came: Counter[Mode] = Counter()  # rows and items
        self._compiling = Lock()
        self._idle: dict[Mode, list[Worker]] = {}

    def take(self, needed: Size, mode: Mode) -> Worker:
        """Give scratch for blocks of up to a size."""
        native = self.natives.get(mode)
        try:
            worker = self._idle[mode].pop()
        except (KeyError, IndexError):
            return Worker(self.plan(mode), needed, native)
        fits = worker.size.holds(needed) and (worker.loops is None) == (native is None)
        return worker if fits else Worker(worker.plan, needed, native)

    def give(self, worker: Worker, mode: Mode) -> None:
        """Take scratch back."""
        self._idle.setdefault(mode, []).append(worker)

    def plan(self, mode: Mode) -> Plan:
        """Give the plan, made when first wanted."""
        if mode not in self._plans:
            mixed, parts, narrow = mode
            self._plans[mode] = self._plan(mixed=mixed, parts=parts, narrow=narrow)
        return self._plans[mode]

    def days(self, mode: Mode) -> Days:
        """Give what lays out the days of a batch for the plan."""
        if mode not in self._days:
            self._days[mode] = Days(self.program, self.plan(mode))
        return self._days[mode]

    def prepare(self, mode: Mode, coming: int) -> None:
        """Have the plan in machine code if that is the backend, and enough has come by now.

        `coming`: rows and items.

        Raises:
            NoNative: numba is not installed.
        """
        if self.backend == "numpy" or mode in self.natives:
            return
        require_native()
        with self._compiling:  # threads that want it at once wait for one
            self._came[mode] += coming
            if mode not in self.natives and self._came[mode] >= self._native_rows_min:
                booleans = {spec.name for spec in self.program.inputs if spec.type.kind == "boolean"}
                self.natives[mode] = native(self.plan(mode), booleans, mode[2], folder_of(KIND))


def run(
    workers: Workers,
    inputs: Mapping[str, Array],
    given: Mapping[str, Mask],
    version: Whole,
    table: Table,
    *,
    threads: int,
    block_rows: int,
    lists: Mapping[str, Whole] | None = None,
    bills: Whole | None = None,
    unchecked: Mapping[str, tuple[int, int]] | None = None,
) -> None:
    """Fill a table.

    Args:
        workers: of the steps to compute.
        inputs: name -> shape (row,) int64 or bool, in the declared bounds; any integers where they are unchecked.
        given: name -> shape (row,).
        version: shape (row,) version of each row.
        table: of as many rows.
        threads: of this process; numpy lets go of the interpreter while it computes.
        block_rows: so many rows a call.
        lists: list -> shape (row + 1,) first item of each row; inputs and outputs of a list are (item,).
        bills: shape (bill + 1,) first row of each bill, where rows are parts; None: each row is a bill.
        unchecked: name -> bounds of inputs that nobody has looked at; rows with a value outside are refused.
    """
    if len(version) == 0:
        return
    runs = _runs(version)
    if bills is not None and runs is not None and len(runs) > 1:
        runs = None  # a bill's parts differ in version, and stay in one block
    mixed = runs is None
    if runs is None:
        runs = [(0, 0, len(version))]
        inputs = {**inputs, VERSION: version}
    unchecked = {} if unchecked is None else unchecked
    mode = (mixed, bills is not None, _narrow(workers.program, inputs, unchecked))
    of = workers.plan(mode)
    workers.prepare(mode, len(version) + sum(int(offsets[-1]) for offsets in (lists or {}).values()))
    looked_at = {name.partition(".")[0] for name in unchecked if "." in name} - of.lists
    read = {name: (lists or {})[name] for name in sorted(of.lists | looked_at)}
    clocks = workers.days(mode).of(inputs) if read else Clocks()
    time_major = {name.partition(".")[0] for name, values in inputs.items() if values.ndim > 1}
    blocks = cut_blocks(runs, block_rows, read, clocks.begins, bills, of.tallied | looked_at, time_major)
    needed = size(blocks, min(block_rows, len(version)))

    def work(part: list[Block]) -> None:
        worker = workers.take(needed, mode)
        # Rows of a branch that is not taken, or refused, may hold what no branch would compute on.
        with np.errstate(all="ignore"):
            at = At(
                inputs, given, table, read, clocks.begins, clocks.timelines, bills, unchecked, of.tallied, clocks.kinds
            )
            worker.run(at, part)
        workers.give(worker, mode)

    threads = max(1, min(threads, len(blocks)))
    if threads == 1:
        work(blocks)
        return
    ends = [len(blocks) * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [blocks[start:end] for start, end in pairwise(ends)]))


def _narrow(program: Program, inputs: Mapping[str, Array], unchecked: Mapping[str, tuple[int, int]]) -> frozenset[str]:
    """Inputs that come as other integers than their values are computed on."""
    if not unchecked:
        return frozenset()
    booleans = {spec.name for spec in program.inputs if spec.type.kind == "boolean"}
    return frozenset(name for name in unchecked if name in booleans or inputs[name].dtype != np.int64)


def _runs(version: Whole) -> list[tuple[int, int, int]] | None:
    """Cut rows where the version changes: (version, start, end). None: too often."""
    rows = len(version)
    if version.strides == (0,):
        return [(int(version[0]), 0, rows)]
    # Where the versions of a few rows change as often as those of all may, there is no need to look at the others.
    few = version[:ROWS_LOOKED_AT]
    if np.count_nonzero(few[1:] != few[:-1]) * RUN_ROWS_MIN > rows + RUN_ROWS_MIN:
        return None
    starts = np.flatnonzero(np.diff(version, prepend=version[0] - 1))
    if len(starts) * RUN_ROWS_MIN > rows + RUN_ROWS_MIN:
        return None
    ends = np.append(starts[1:], rows)
    return list(zip(version[starts].tolist(), starts.tolist(), ends.tolist(), strict=True))
