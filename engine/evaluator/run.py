"""Run a plan over columns: blocks of rows that stay in cache, on threads that share nothing but the results.

Takes what to compute and admitted inputs; fills output columns and the refusal of each row (`engine.evaluator.worker`
does, block by block). Where rows come in long runs of one version, a block has one version and its constants are single
numbers; else each row fetches the constants that differ.

Rows may be parts of bills, and may have lists; then a block's rows are as many as its items allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np

from engine.compiler.program import Constants, Program
from engine.evaluator.blocks import Block, Size, cut_blocks, size
from engine.evaluator.clock import axis_clock, laid_out
from engine.evaluator.kernels import DTYPES, Rep
from engine.evaluator.lowering import VERSION
from engine.evaluator.memory import Pool
from engine.evaluator.plan import Plan, plan
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.worker import At, Table, Worker

RUN_ROWS_MIN = 2048  # shorter runs of a version, on average, cost more in calls than in fetching constants by row


Mode = tuple[bool, bool, frozenset[str]]  # versions are mixed, rows are parts, inputs in another representation


class Workers:
    """Steps to compute, with scratch for threads to take and give back: a batch then neither plans nor allocates."""

    def __init__(self, program: Program, constants: Constants, outputs: frozenset[int]) -> None:
        self.program = program
        self.pool = Pool()  # of results
        self._plan = partial(plan, program, constants, outputs)
        self._plans: dict[Mode, Plan] = {}
        self._idle: dict[Mode, list[Worker]] = {}

    def take(self, needed: Size, mode: Mode) -> Worker:
        """Give scratch for blocks of up to a size."""
        try:
            worker = self._idle[mode].pop()
        except (KeyError, IndexError):
            return Worker(self.plan(mode), needed)
        return worker if worker.size.holds(needed) else Worker(worker.plan, needed)

    def give(self, worker: Worker, mode: Mode) -> None:
        """Take scratch back."""
        self._idle.setdefault(mode, []).append(worker)

    def plan(self, mode: Mode) -> Plan:
        """Give the plan, made when first wanted."""
        if mode not in self._plans:
            mixed, parts, narrow = mode
            self._plans[mode] = self._plan(mixed=mixed, parts=parts, narrow=narrow)
        return self._plans[mode]


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
    read = {name: (lists or {})[name] for name in sorted(of.lists)}
    clocks = _clocks(workers.program, of, inputs) if read else _Clocks()
    blocks = cut_blocks(runs, block_rows, read, clocks.begins, bills)
    needed = size(blocks, min(block_rows, len(version)))

    def work(part: list[Block]) -> None:
        worker = workers.take(needed, mode)
        # Rows of a branch that is not taken, or refused, may hold what no branch would compute on.
        with np.errstate(all="ignore"):
            worker.run(At(inputs, given, table, read, clocks.begins, clocks.timelines, bills, unchecked), part)
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
    starts = np.flatnonzero(np.diff(version, prepend=version[0] - 1))
    if len(starts) * RUN_ROWS_MIN > rows + RUN_ROWS_MIN:
        return None
    ends = np.append(starts[1:], rows)
    return list(zip(version[starts].tolist(), starts.tolist(), ends.tolist(), strict=True))


@dataclass(frozen=True)
class _Clocks:
    """The clock of a batch.

    Attributes:
        begins: interval list -> shape (row,) number of each row's first interval.
        timelines: slot and representation -> shape (interval,).
    """

    begins: Mapping[str, Whole] = field(default_factory=dict)
    timelines: Mapping[tuple[int, Rep], Array] = field(default_factory=dict)


def _clocks(program: Program, of: Plan, inputs: Mapping[str, Array]) -> _Clocks:
    """Lay out the timelines that a plan reads, for the days of a batch."""
    begins: dict[str, Whole] = {}
    timelines: dict[tuple[int, Rep], Array] = {}
    for axis in program.axes:
        read = {(home.number, home.rep) for home in of.homes if home.kind == "timeline" and home.axis == axis.name}
        if read:
            first, end = inputs["period_from"], inputs["period_to"]
            clock = axis_clock(program, axis, int(first.min()), int(end.max()))
            begins[axis.name] = clock.begins(first)
            for slot in {slot for slot, _ in read}:
                values = laid_out(program.timelines[slot], clock)
                timelines |= {key: values.astype(DTYPES[key[1]]) for key in read if key[0] == slot}
    return _Clocks(begins, timelines)
