"""One thread's part of a run: scratch, and a plan's calls bound to it.

Takes blocks of rows; fills a `Table`. Every call is bound to scratch once. Inputs and outputs that need no conversion
are read and written where the batch has them: for each block their slices are put into the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from engine.evaluator.kernels import DTYPES
from engine.evaluator.lowering import Check, Do, Instruction, Load, Store
from engine.evaluator.memory import Pool
from engine.evaluator.plan import Home, Plan
from engine.evaluator.rows import Array, Mask

Block = tuple[int, slice]  # version, rows
Bound = list[Any]  # [call, arguments, out]: call(*arguments, out=out)

NOT_REFUSED = -1
LENGTHS_MAX = 8  # of blocks, whose bound calls a worker keeps
OUT = -1  # in place of an argument's number


class Table:
    """Columns that a run fills.

    Attributes:
        outputs: step -> shape (row,) int64 or bool.
        refusal: shape (row,) the first refusal of each row, in program order; `NOT_REFUSED`.
    """

    def __init__(self, rows: int, outputs: Mapping[int, type[np.generic]], pool: Pool | None = None) -> None:
        # One stretch of memory: over a few megabytes the system gives it in large pages, which cost far fewer faults.
        columns = sum(dtype is np.int64 for dtype in outputs.values())
        whole = iter((Pool() if pool is None else pool).lend(columns, rows))
        self.outputs: dict[int, Array] = {
            step: next(whole) if dtype is np.int64 else np.empty(rows, dtype) for step, dtype in outputs.items()
        }
        self.refusal = np.full(rows, NOT_REFUSED, np.int32)


class At:
    """Where a worker is: in which batch, and at which of its rows."""

    def __init__(self, inputs: Mapping[str, Array], given: Mapping[str, Mask], table: Table) -> None:
        self.inputs = inputs
        self.given = given
        self.table = table
        self.rows = slice(0, 0)

    def part(self, home: Home) -> Array:
        """The rows of a column that is a value's home."""
        match home.kind:
            case "input":
                return self.inputs[home.name][self.rows]
            case "given":
                return self.given[home.name][self.rows]
            case _:
                return self.table.outputs[home.number][self.rows]


def _nowhere() -> At:
    """Where a worker is between batches, so that it keeps none of them alive."""
    return At({}, {}, Table(0, {}))


class Calls:
    """A plan's calls for blocks of one length.

    Attributes:
        calls: in order.
        uses: by home in the batch, the calls that it stands in and as which argument; filled in for each block.
    """

    def __init__(self) -> None:
        self.calls: list[Bound] = []
        self.uses: dict[Home, list[tuple[Bound, int]]] = {}

    def fill(self, at: At | None) -> None:
        """Put in the block's parts of the batch; None: leave nothing of it."""
        for home, uses in self.uses.items():
            part = None if at is None else at.part(home)
            for bound, argument in uses:
                if argument == OUT:
                    bound[2] = part
                else:
                    bound[1][argument] = part

    def make(self) -> None:
        """Call."""
        for call, arguments, out in self.calls:
            call(*arguments, out=out)


class Worker:
    """One thread's scratch."""

    def __init__(self, plan: Plan, block_rows: int) -> None:
        self.plan = plan
        self.block_rows = block_rows
        self.at = _nowhere()
        self.scratch: list[Array | None] = []  # by home; None: in the batch
        self.changing: list[tuple[Array, Array]] = []
        for home in plan.homes:
            mine: Array | None = None
            if home.kind == "prepared":
                prepared = plan.prepared[home.number]
                mine = prepared[0] if len(prepared) == 1 else np.empty(prepared.shape[1], prepared.dtype)
                if len(prepared) > 1:
                    self.changing.append((mine, prepared))
            elif home.kind in {"register", "single"}:
                mine = np.empty(block_rows if home.kind == "register" else 1, DTYPES[home.rep])
            self.scratch.append(mine)
        self.version: int | None = None
        self.prologue = self._bind(plan.prologue, block_rows)
        self.bound: dict[int, Calls] = {}

    def run(self, at: At, blocks: Iterable[Block]) -> None:
        """Compute blocks of a batch."""
        self.at = at
        for version, rows in blocks:
            if version != self.version:
                self.version = version
                for mine, prepared in self.changing:
                    mine[:] = prepared[version]
                self.prologue.make()
            at.rows = rows
            calls = self._calls(rows.stop - rows.start)
            calls.fill(at)
            calls.make()
        for calls in self.bound.values():
            calls.fill(None)
        self.at = _nowhere()

    def _calls(self, rows: int) -> Calls:
        """The plan's calls for blocks of so many rows: a few lengths are kept, as most blocks are full."""
        found = self.bound.get(rows)
        if found is None:
            if len(self.bound) >= LENGTHS_MAX:
                self.bound.pop(next(length for length in self.bound if length != self.block_rows)).fill(None)
            found = self.bound[rows] = self._bind(self.plan.instructions, rows)
        return found

    def _bind(self, instructions: Iterable[Instruction], rows: int) -> Calls:
        """Tie instructions to scratch, for blocks of so many rows."""
        made = Calls()
        views = [
            mine[:rows] if mine is not None and home.kind == "register" else mine
            for home, mine in zip(self.plan.homes, self.scratch, strict=True)
        ]
        homes = self.plan.home

        def bind(call: Callable[..., Any], values: Iterable[int], out: object, result: int | None = None) -> None:
            places = [homes[value] for value in values]
            bound: Bound = [call, [views[place] for place in places], out if result is None else views[homes[result]]]
            made.calls.append(bound)
            if result is not None:
                places.append(homes[result])
            for argument, place in enumerate(places):
                if views[place] is None:
                    at = OUT if result is not None and argument == len(places) - 1 else argument
                    made.uses.setdefault(self.plan.homes[place], []).append((bound, at))

        for one in instructions:
            if isinstance(one, Do):
                bind(one.call, one.operands, None, one.out)
            elif isinstance(one, Load):
                if views[homes[one.out]] is not None:
                    load = self._load_given if one.mask else self._load
                    made.calls.append([load, [one.name], views[homes[one.out]]])
            elif isinstance(one, Check):
                operands = (one.condition,) if one.guard is None else (one.condition, one.guard)
                bind(self._check, operands, one.refusal)
            elif not self._stands(one):
                bind(self._store, (one.value,), one.step)
        return made

    def _stands(self, one: Store) -> bool:
        """Whether a value is made where it is to be stored."""
        home = self.plan.homes[self.plan.home[one.value]]
        return home.kind == "output" and home.number == one.step

    def _load(self, name: str, *, out: Array) -> None:
        np.copyto(out, self.at.inputs[name][self.at.rows], casting="unsafe")

    def _load_given(self, name: str, *, out: Array) -> None:
        np.copyto(out, self.at.given[name][self.at.rows])

    def _store(self, value: Array, *, out: int) -> None:
        """Store the value of step `out`."""
        self.at.table.outputs[out][self.at.rows] = value

    def _check(self, condition: Mask, guard: Mask | None = None, *, out: int) -> None:
        """Refuse, for reason `out`, the rows that fail and that nothing refused before."""
        if condition.all():
            return
        failed = np.logical_not(condition) if guard is None else np.greater(guard, condition)
        if not failed.any():
            return
        refusal, rows = self.at.table.refusal, self.at.rows
        before = refusal[rows]
        refusal[rows] = np.where(failed & (before == NOT_REFUSED), np.int32(out), before)
