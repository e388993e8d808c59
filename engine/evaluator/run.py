"""Run a plan over columns: blocks of rows that stay in cache, on threads that share nothing but the results.

Takes a plan and admitted inputs; fills output columns and the refusal of each row. Every call is bound to its arrays
once; the block loop cuts inputs and outputs and nothing else. Rows are grouped by version, in place where they come in
long runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from engine.evaluator.kernels import DTYPES
from engine.evaluator.lowering import Check, Do, Instruction, Load
from engine.evaluator.plan import Plan
from engine.evaluator.rows import Array, Mask, Whole

Bound = tuple[Callable[..., Any], tuple[Any, ...], Array]  # call(*arguments, out=array)
Block = tuple[int, slice | Whole]  # version, rows

NOT_REFUSED = -1
RUN_ROWS_MIN = 2048  # runs of a version that are shorter on average are gathered instead


class Table:
    """Columns that a run fills.

    Attributes:
        outputs: step -> shape (row,) int64 or bool.
        refusal: shape (row,) the first refusal of each row, in program order; `NOT_REFUSED`.
    """

    def __init__(self, rows: int, outputs: Mapping[int, type[np.generic]]) -> None:
        # One stretch of memory: over a few megabytes the system gives it in large pages, which cost far fewer faults.
        whole = iter(np.empty((sum(dtype is np.int64 for dtype in outputs.values()), rows), np.int64))
        self.outputs: dict[int, Array] = {
            step: next(whole) if dtype is np.int64 else np.empty(rows, dtype) for step, dtype in outputs.items()
        }
        self.refusal = np.full(rows, NOT_REFUSED, np.int32)


def run(
    plan: Plan,
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
        plan: what to call.
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
        # Rows of a branch that is not taken, or refused, may hold what no branch would compute on.
        with np.errstate(all="ignore"):
            _Worker(plan, inputs, given, table, min(block_rows, len(version))).run(part)

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


class _At:
    """Where the block is. The bound loads, stores and checks look here."""

    rows: slice | Whole = slice(0, 0)


class _Worker:
    """One thread's scratch."""

    def __init__(
        self, plan: Plan, inputs: Mapping[str, Array], given: Mapping[str, Mask], table: Table, block_rows: int
    ) -> None:
        self.plan = plan
        self.inputs = inputs
        self.given = given
        self.table = table
        self.block_rows = block_rows
        self.at = _At()
        self.arrays: list[Array] = []  # by home
        self.changing: list[tuple[Array, Array]] = []
        for home in plan.homes:
            if home.kind == "prepared":
                prepared = plan.prepared[home.number]
                mine = prepared[0] if len(prepared) == 1 else np.empty(prepared.shape[1], prepared.dtype)
                if len(prepared) > 1:
                    self.changing.append((mine, prepared))
            else:
                mine = np.empty(block_rows if home.kind == "register" else 1, DTYPES[home.rep])
            self.arrays.append(mine)
        self.prologue = self._bind(plan.prologue, block_rows)

    def run(self, blocks: list[Block]) -> None:
        """Compute blocks."""
        now: int | None = None
        bound: list[Bound] = []
        length = -1
        for version, rows in blocks:
            if version != now:
                for mine, prepared in self.changing:
                    mine[:] = prepared[version]
                for call, arguments, out in self.prologue:
                    call(*arguments, out=out)
                now = version
            here = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
            if here != length:
                bound, length = self._bind(self.plan.instructions, here), here
            self.at.rows = rows
            for call, arguments, out in bound:
                call(*arguments, out=out)

    def _bind(self, instructions: tuple[Instruction, ...], rows: int) -> list[Bound]:
        """Tie instructions to arrays, for blocks of so many rows."""
        kinds = zip(self.arrays, self.plan.homes, strict=True)
        views = [array[:rows] if home.kind == "register" else array for array, home in kinds]
        homes = self.plan.home
        bound: list[Bound] = []
        for one in instructions:
            if isinstance(one, Do):
                operands = tuple([views[homes[value]] for value in one.operands])
                bound.append((one.call, operands, views[homes[one.out]]))
            elif isinstance(one, Load):
                column = (self.given if one.mask else self.inputs)[one.name]
                bound.append((_load, (self.at, column), views[homes[one.out]]))
            elif isinstance(one, Check):
                guard = None if one.guard is None else views[homes[one.guard]]
                condition = views[homes[one.condition]]
                bound.append((_check, (self.at, condition, guard, one.refusal), self.table.refusal))
            else:
                bound.append((_store, (self.at, views[homes[one.value]]), self.table.outputs[one.step]))
        return bound


def _load(at: _At, column: Array, *, out: Array) -> None:
    np.copyto(out, column[at.rows], casting="unsafe")


def _store(at: _At, value: Array, *, out: Array) -> None:
    out[at.rows] = value


def _check(at: _At, condition: Mask, guard: Mask | None, refusal: int, *, out: Array) -> None:
    if condition.all():
        return
    failed = np.logical_not(condition) if guard is None else np.greater(guard, condition)
    if not failed.any():
        return
    before = out[at.rows]
    out[at.rows] = np.where(failed & (before == NOT_REFUSED), np.int32(refusal), before)
