"""One thread's part of a run: scratch, and a plan's calls bound to it.

Takes blocks of rows; fills a `Table`. Every call is bound to scratch once for each size of block that often comes; for
another size, as blocks of uneven lists have, the scratch of bound calls is put in anew. Inputs and outputs that need no
conversion are read and written where the batch has them: for each block their slices are put into the calls.

Inputs that the door did not look at are checked here, block by block, where each is first read: the block is then in
cache when it is computed on, and looking costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import ROW
from engine.evaluator.blocks import Block, Size, Span
from engine.evaluator.columns import inside
from engine.evaluator.items import Layout
from engine.evaluator.kernels import DTYPES, Rep, cast
from engine.evaluator.lowering import Check, Do, Instruction, Load, Store
from engine.evaluator.memory import Pool
from engine.evaluator.plan import Home, Plan
from engine.evaluator.rows import Array, Mask, Whole

Bound = list[Any]  # [call, arguments, out]: call(*arguments, out=out)

NOT_REFUSED = -1
AT_THE_DOOR = -2  # a value that the door did not look at is out of its bounds
SIZES_MAX = 8  # of blocks, whose bound calls a worker keeps
OUT = -1  # in place of an argument's number


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
        inputs: name -> shape (row,); of a list's inputs (item,).
        given: likewise.
        table: what is filled.
        lists: list -> shape (row + 1,) first item of each row.
        begins: interval list -> shape (row,) number of each row's first interval.
        timelines: slot and representation -> shape (interval,).
        bills: shape (bill + 1,) first part of each bill, where rows are parts.
        unchecked: name -> bounds of inputs of a row that nobody has looked at.
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
    ) -> None:
        self.inputs = inputs
        self.given = given
        self.table = table
        self.lists = {} if lists is None else lists
        self.begins = {} if begins is None else begins
        self.timelines = {} if timelines is None else timelines
        self.bills = bills
        self.unchecked = {} if unchecked is None else unchecked
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
                if home.axis == ROW:
                    return self.column(home.name)
                column = self.inputs[home.name]
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
            bounds = self.unchecked.get(name)
            if bounds is not None and not inside(found, *bounds):
                low, high = bounds
                outside = (found < low) | (found > high)
                self.table.refuse(self.rows, outside, AT_THE_DOOR)
                found = np.where(outside, low, found)
            self._columns[name] = found
        return found

    def items(self, column: Array, axis: str) -> Array:
        """The block's part of a list's column, in the shape that it has there."""
        span = self.spans[axis]
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
            )
        return self._layouts[axis]

    def _parts(self) -> Layout:
        bills = self.bills
        assert bills is not None, "a plan over parts has met rows without"
        start, end = np.searchsorted(bills, (self.rows.start, self.rows.stop)).tolist()
        return Layout(bills[start : end + 1])


def _nowhere() -> At:
    """Where a worker is between batches, so that it keeps none of them alive."""
    return At({}, {}, Table(0, {}))


class Calls:
    """A plan's calls, bound for blocks of one size.

    Attributes:
        calls: in order.
        uses: by home, the calls that it stands in and as which argument; of homes in the batch, which are filled in for
            each block, and of registers, which are put in anew for another size.
    """

    def __init__(self) -> None:
        self.calls: list[Bound] = []
        self.uses: dict[Home, list[tuple[Bound, int]]] = {}
        self.registers: dict[int, list[tuple[Bound, int]]] = {}

    def fill(self, at: At | None) -> None:
        """Put in the block's parts of the batch; None: leave nothing of it."""
        for home, uses in self.uses.items():
            _put(None if at is None else at.part(home), uses)

    def fit(self, views: list[Array | None]) -> None:
        """Put in registers of another size."""
        for place, uses in self.registers.items():
            _put(views[place], uses)

    def make(self) -> None:
        """Call."""
        for call, arguments, out in self.calls:
            call(*arguments, out=out)


def _put(what: object, uses: list[tuple[Bound, int]]) -> None:
    for bound, argument in uses:
        if argument == OUT:
            bound[2] = what
        else:
            bound[1][argument] = what


class Worker:
    """One thread's scratch, for blocks of up to a size."""

    def __init__(self, plan: Plan, size: Size) -> None:
        self.plan = plan
        self.size = size
        self.nowhere = _nowhere()
        self.at = self.nowhere
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
        self.prologue = self._bind(plan.prologue, self.scratch)
        self.bound: dict[tuple[object, ...], Calls] = {}

    def run(self, at: At, blocks: Iterable[Block]) -> None:
        """Compute blocks of a batch."""
        self.at = at
        unread = [name for name in at.unchecked if name not in self.plan.inputs]
        for block in blocks:
            if block.version != self.version:
                self.version = block.version
                for mine, prepared in self.changing:
                    mine[:] = prepared[block.version]
                self.prologue.make()
            at.enter(block)
            for name in unread:
                at.column(name)
            calls = self._calls(block)
            calls.fill(at)
            calls.make()
        for calls in self.bound.values():
            calls.fill(None)
        self.at = self.nowhere

    def _calls(self, block: Block) -> Calls:
        """The plan's calls for blocks of a size: a few sizes are kept, as most blocks are full."""
        key = block.key
        found = self.bound.get(key)
        if found is None:
            views = [self._view(home, mine, block) for home, mine in zip(self.plan.homes, self.scratch, strict=True)]
            if len(self.bound) < SIZES_MAX:
                found = self._bind(self.plan.instructions, views)
            else:
                # The first stays: most blocks are like it. Else the newest goes, which is in cache.
                found = self.bound.pop(next(reversed(self.bound)))
                found.fit(views)
            self.bound[key] = found
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
            return mine[:items].reshape(-1, span.even)
        return mine[: span.items.stop - span.items.start]

    def _bind(self, instructions: Iterable[Instruction], views: list[Array | None]) -> Calls:
        """Tie instructions to scratch."""
        made = Calls()
        homes = self.plan.home

        def bind(call: Callable[..., Any], values: Iterable[int], out: object, result: int | None = None) -> None:
            places = [homes[value] for value in values]
            bound: Bound = [call, [views[place] for place in places], out if result is None else views[homes[result]]]
            made.calls.append(bound)
            for argument, place in enumerate(places):
                use(bound, argument, place)
            if result is not None:
                use(bound, OUT, homes[result])

        def use(bound: Bound, argument: int, place: int) -> None:
            if views[place] is None:
                made.uses.setdefault(self.plan.homes[place], []).append((bound, argument))
            elif self.plan.homes[place].kind == "register":
                made.registers.setdefault(place, []).append((bound, argument))

        for one in instructions:
            if isinstance(one, Do):
                bind(one.call, one.operands, None, one.out)
            elif isinstance(one, Load):
                place = homes[one.out]
                if views[place] is not None:
                    axis = self.plan.homes[place].axis
                    load = self._load_given if one.mask else self._load if axis == ROW else self._load_items
                    loaded: Bound = [load, [one.name, axis], views[place]]
                    made.calls.append(loaded)
                    use(loaded, OUT, place)
            elif isinstance(one, Check):
                operands = (one.condition,) if one.guard is None else (one.condition, one.guard)
                bind(self._check, operands, one.refusal)
            elif isinstance(one, Store) and not self._stands(one):
                if one.step in self.plan.axes:
                    bind(self._store_items, (one.value,), one.step)
                else:
                    bind(cast, (one.value,), None)
                    made.uses.setdefault(_output(one), []).append((made.calls[-1], OUT))
        return made

    def _stands(self, one: Store) -> bool:
        """Whether a value is made where it is to be stored."""
        home = self.plan.homes[self.plan.home[one.value]]
        return home.kind == "output" and home.number == one.step

    def _load(self, name: str, _axis: str, *, out: Array) -> None:
        np.copyto(out, self.at.column(name), casting="unsafe")

    def _load_items(self, name: str, axis: str, *, out: Array) -> None:
        np.copyto(out, self.at.items(self.at.inputs[name], axis), casting="unsafe")

    def _load_given(self, name: str, axis: str, *, out: Array) -> None:
        column = self.at.given[name]
        np.copyto(out, column[self.at.rows] if axis == ROW else self.at.items(column, axis))

    def _store_items(self, value: Array, *, out: int) -> None:
        """Store the value of step `out` of a list."""
        np.copyto(self.at.items(self.at.table.outputs[out], self.plan.axes[out]), value)

    def _check(self, condition: Mask, guard: Mask | None = None, *, out: int) -> None:
        """Refuse, for reason `out`, the rows that fail and that nothing refused before."""
        if condition.all():
            return
        failed = np.logical_not(condition) if guard is None else np.greater(guard, condition)
        if failed.any():
            self.at.table.refuse(self.at.rows, failed, out)


def _output(one: Store) -> Home:
    """The place in the batch of a row's value that is made elsewhere."""
    return Home("output", "i8", one.step)
