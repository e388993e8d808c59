"""One thread's part of a run: scratch, and a plan's calls bound to it.

Takes blocks of rows; fills a `Table`. A plan's function (`engine.evaluator.script`) is bound to scratch for each size
of block. Inputs and outputs that need no conversion are read and written where the batch has them.

Inputs that the door did not look at are checked here, block by block, where each is first read: the block is then in
cache when it is computed on, and looking costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import ROW
from engine.evaluator.blocks import Block, Size, Span
from engine.evaluator.columns import inside, one_look
from engine.evaluator.homes import Home
from engine.evaluator.items import Layout, every
from engine.evaluator.kernels import DTYPES, Rep
from engine.evaluator.memory import Pool
from engine.evaluator.native import Native
from engine.evaluator.native_loops import Loops
from engine.evaluator.plan import Plan
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.script import Block as BlockCalls
from engine.evaluator.tallies import Kinds, Tally

NOT_REFUSED = -1
AT_THE_DOOR = -2  # a value that the door did not look at is out of its bounds
SIZES_MAX = 8  # of blocks, to which a worker keeps its function bound


class Table:
    """Columns that a run fills.

    Attributes:
        outputs: step -> shape (row,) int64 or bool; of a list's step (item,).
        refusal: shape (row,) `AT_THE_DOOR`, the first refusal of each row in program order, or `NOT_REFUSED`; None: no
            row is refused.
    """

    def __init__(
        self,
        rows: int,
        outputs: Mapping[int, type[np.generic]],
        pool: Pool | None = None,
        items: Mapping[int, int] | None = None,
    ) -> None:
        """`items`: step of a list -> items of all rows."""
        lengths = {} if items is None else items
        # One stretch of memory: over a few megabytes the system gives it in large pages, which cost far fewer faults.
        columns = sum(dtype is np.int64 and step not in lengths for step, dtype in outputs.items())
        whole = iter((Pool() if pool is None else pool).lend(columns, rows))
        self.outputs: dict[int, Array] = {
            step: np.empty(lengths.get(step, rows), dtype) if step in lengths or dtype is not np.int64 else next(whole)
            for step, dtype in outputs.items()
        }
        self.refusal: NDArray[np.int32] | None = None
        self._rows = rows
        self._lock = Lock()

    def refuse(self, rows: slice, failed: Mask, reason: int) -> None:
        """Refuse some of a block's rows: at the door, or those that nothing refused before."""
        with self._lock:
            if self.refusal is None:
                self.refusal = np.full(self._rows, NOT_REFUSED, np.int32)
        before = self.refusal[rows]
        new = failed if reason == AT_THE_DOOR else failed & (before == NOT_REFUSED)
        self.refusal[rows] = np.where(new, np.int32(reason), before)


class At:
    """Where a worker is: in which batch, and at which of its blocks.

    Args:
        inputs: name -> shape (row,); of a list's inputs (item,), or (row, item) where the items of an interval lie
            together.
        given: likewise.
        table: what is filled.
        lists: list -> shape (row + 1,) first item of each row.
        begins: interval list -> shape (row,) number of each row's first interval.
        timelines: slot and representation -> shape (interval,).
        bills: shape (bill + 1,) first part of each bill, where rows are parts.
        unchecked: name -> bounds of inputs that nobody has looked at.
        tallied: lists that only tallies read, which look at the values themselves.
        kinds: of a tally, the days of the batch.
    """

    def __init__(
        self,
        inputs: Mapping[str, Array],
        given: Mapping[str, Mask],
        table: Table,
        lists: Mapping[str, Whole] | None = None,
        begins: Mapping[str, Whole] | None = None,
        timelines: Mapping[tuple[int, Rep], Array] | None = None,
        bills: Whole | None = None,
        unchecked: Mapping[str, tuple[int, int]] | None = None,
        tallied: Collection[str] = (),
        kinds: Mapping[Tally, Kinds] | None = None,
    ) -> None:
        self.inputs = inputs
        self.given = given
        self.table = table
        self.lists = {} if lists is None else lists
        self.begins = {} if begins is None else begins
        self.timelines = {} if timelines is None else timelines
        self.bills = bills
        self.unchecked = {} if unchecked is None else unchecked
        self.tallied = tallied
        self.kinds = {} if kinds is None else kinds
        # Where nothing is below zero, one look without the sign finds what is too low as well.
        self._unsigned = {
            name: _unsigned(inputs[name])
            for name, bounds in self.unchecked.items()
            if one_look(inputs[name].dtype, *bounds)
        }
        self.rows = slice(0, 0)
        self.spans: Mapping[str, Span] = {}
        self._columns: dict[str, Array] = {}
        self._layouts: dict[str, Layout] = {}

    def enter(self, block: Block) -> None:
        """Go to a block."""
        self.rows = block.rows
        self.spans = block.spans
        self._columns.clear()
        self._layouts.clear()

    def part(self, home: Home) -> Any:
        """What a home in the batch holds of the block."""
        match home.kind:
            case "input":
                return self.column(home.name) if home.axis == ROW else self.list_column(home.name, home.axis)
            case "given":
                column = self.given[home.name]
            case "output":
                column = self.table.outputs[home.number]
            case "layout":
                return self._layout(home.axis)
            case "parts":
                return self._parts()
            case _:
                return self.timelines[home.number, home.rep]
        return column[self.rows] if home.axis == ROW else self.items(column, home.axis)

    def column(self, name: str) -> Array:
        """The block's part of an input of a row, in the declared bounds; a row with another value is refused."""
        found = self._columns.get(name)
        if found is None:
            found = self.inputs[name][self.rows]
            if name in self.unchecked and not self._inside(name, found):
                low, high = self.unchecked[name]
                outside = (found < low) | (found > high)
                self.table.refuse(self.rows, outside, AT_THE_DOOR)
                found = np.where(outside, low, found)
            self._columns[name] = found
        return found

    def _inside(self, name: str, values: Array) -> bool:
        low, high = self.unchecked[name]
        unsigned = self._unsigned.get(name)
        if unsigned is not None:
            return bool(np.maximum.reduce(unsigned[self.rows]) <= high)
        return bool(np.minimum.reduce(values) >= low and np.maximum.reduce(values) <= high)

    def list_column(self, name: str, axis: str) -> Array:
        """The block's part of an input of a list, as `column`; a tally finds out itself what is out of bounds."""
        found = self._columns.get(name)
        if found is None:
            found = self.items(self.inputs[name], axis)
            if name in self.unchecked and axis not in self.tallied:
                found = self.looked_at(name, axis, found)
            self._columns[name] = found
        return found

    def looked_at(self, name: str, axis: str, values: Array) -> Array:
        """Give items in the declared bounds; a row with another is refused."""
        low, high = self.unchecked[name]
        if inside(values, low, high):
            return values
        outside = (values < low) | (values > high)
        inner = np.empty(self.rows.stop - self.rows.start, np.bool_)
        every(self._layout(axis), np.logical_not(outside), out=inner)
        self.turn_away(np.logical_not(inner, out=inner))
        return np.where(outside, low, values)

    def turn_away(self, failed: Mask) -> None:
        """Refuse rows of the block that have a value out of its bounds."""
        self.table.refuse(self.rows, failed, AT_THE_DOOR)

    def given_part(self, name: str, axis: str) -> Mask:
        """The block's part of whether an input is given."""
        column = self.given[name]
        return column[self.rows] if axis == ROW else self.items(column, axis)

    def refuse(self, condition: Mask, guard: Mask | None, reason: int) -> None:
        """Refuse the rows that fail a condition and that nothing refused before."""
        failed = np.logical_not(condition) if guard is None else np.greater(guard, condition)
        if failed.any():
            self.table.refuse(self.rows, failed, reason)

    def items(self, column: Array, axis: str) -> Array:
        """The block's part of a list's column, in the shape that it has there."""
        span = self.spans[axis]
        if column.ndim > 1:
            return column[self.rows]
        part = column[span.items]
        return part.reshape(-1, span.even) if span.even else part

    def _layout(self, axis: str) -> Layout:
        if axis not in self._layouts:
            span, begins = self.spans[axis], self.begins.get(axis)
            self._layouts[axis] = Layout(
                self.lists[axis][self.rows.start : self.rows.stop + 1],
                span.even,
                None if begins is None else begins[self.rows],
                alike=span.alike,
                kinds=self.kinds,
                unchecked=self.unchecked if axis in self.tallied else {},
                turn_away=self.turn_away,
            )
        return self._layouts[axis]

    def _parts(self) -> Layout:
        bills = self.bills
        assert bills is not None, "a plan over parts has met rows without"
        start, end = np.searchsorted(bills, (self.rows.start, self.rows.stop)).tolist()
        return Layout(bills[start : end + 1])


def _unsigned(column: Array) -> Array:
    return column.view(f"u{column.itemsize}")


class Worker:
    """One thread's scratch, for blocks of up to a size."""

    def __init__(self, plan: Plan, size: Size, native: Native | None = None) -> None:
        """`native`: the plan in machine code, which does what it can of the blocks."""
        self.plan = plan
        self.size = size
        self.scratch: list[Array | None] = []  # by home; None: in the batch
        self.changing: list[tuple[Array, Array]] = []
        for home in plan.homes:
            mine: Array | None = None
            if home.kind == "prepared":
                prepared = plan.prepared[home.number]
                mine = prepared[0] if len(prepared) == 1 else np.empty(prepared.shape[1], prepared.dtype)
                if len(prepared) > 1:
                    self.changing.append((mine, prepared))
            elif home.kind == "single":
                mine = np.empty(1, DTYPES[home.rep])
            elif home.kind == "register":
                mine = np.empty(size.rows if home.axis == ROW else size.items.get(home.axis, 0), DTYPES[home.rep])
            self.scratch.append(mine)
        self.version: int | None = None
        self.prologue = plan.version.bind(self.scratch)
        self.loops = None if native is None else Loops(native, size, self.scratch)
        self.bound: dict[tuple[object, ...], BlockCalls] = {}

    def run(self, at: At, blocks: Iterable[Block]) -> None:
        """Compute blocks of a batch."""
        unread = [name for name in at.unchecked if name not in self.plan.inputs]
        if self.loops is not None:
            self.loops.begin(at)
        for block in blocks:
            if block.version != self.version:
                self.version = block.version
                for mine, prepared in self.changing:
                    mine[:] = prepared[block.version]
                self.prologue(at)
            at.enter(block)
            for name in unread:
                axis, of_list, _ = name.partition(".")
                if of_list:
                    at.looked_at(name, axis, at.items(at.inputs[name], axis))
                else:
                    at.column(name)
            left = None if self.loops is None else self.loops.settle(at, block)
            if left is None:
                self._calls(block)(at)
            elif len(left):
                self._alone(at, block, left)
        if self.loops is not None:
            self.loops.end()

    def _alone(self, at: At, block: Block, rows: Whole) -> None:
        """Compute some rows of a block, by number, in a batch of their own."""
        assert self.loops is not None, "only loops leave rows over"
        columns = at.table.outputs
        table = Table(len(rows), {step: column.dtype.type for step, column in columns.items()})
        names = [name for name in at.inputs if name in self.plan.inputs]
        inputs = {name: at.inputs[name][block.rows][rows] for name in names}
        given = {name: at.given[name][block.rows][rows] for name in self.loops.native.given}
        unchecked = {name: bounds for name, bounds in at.unchecked.items() if name in inputs}
        alone = At(inputs, given, table, unchecked=unchecked)
        part = Block(block.version, slice(0, len(rows)))
        alone.enter(part)
        self._calls(part)(alone)
        for step, column in columns.items():
            column[block.rows][rows] = table.outputs[step]
        if table.refusal is not None:
            for reason in set(table.refusal.tolist()) - {NOT_REFUSED}:
                failed = np.zeros(block.rows.stop - block.rows.start, np.bool_)
                failed[rows[table.refusal == reason]] = True
                at.table.refuse(block.rows, failed, reason)

    def _calls(self, block: Block) -> BlockCalls:
        """The plan's function for blocks of a size: a few sizes are kept, as most blocks are full."""
        found = self.bound.get(block.key)
        if found is None:
            views = [self._view(home, mine, block) for home, mine in zip(self.plan.homes, self.scratch, strict=True)]
            found = self.plan.block.bind(views)
            if len(self.bound) == SIZES_MAX:
                del self.bound[next(reversed(self.bound))]  # the first stays: most blocks are like it
            self.bound[block.key] = found
        return found

    def _view(self, home: Home, mine: Array | None, block: Block) -> Array | None:
        """A home's scratch in a block's size and shape."""
        if mine is None or home.kind != "register":
            return mine
        if home.axis == ROW:
            return mine[: block.rows.stop - block.rows.start]
        span = block.spans[home.axis]
        if span.even:
            items = span.even if home.timed and span.alike else span.items.stop - span.items.start
            return mine[:items].reshape(span.even, -1).T if span.time_major else mine[:items].reshape(-1, span.even)
        return mine[: span.items.stop - span.items.start]
