"""One thread's scratch for a plan in machine code, and how a block goes through it.

Takes blocks; fills their part of the table, or tells that the plan's numpy calls have to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from engine.compiler.program import ROW
from engine.evaluator.blocks import Block, Size
from engine.evaluator.kernels import DTYPES
from engine.evaluator.native import Looped, Native
from engine.evaluator.native_source import Argument
from engine.evaluator.rows import Array, Whole

if TYPE_CHECKING:
    from engine.evaluator.worker import At

WORD = 2**64
ANY = (0, WORD - 1)  # bounds that every int64 is in, as the loops look: without a sign
BAD_SHARE = 4  # of a block's rows, from which on all of them are computed again: to pick rows out takes time too
NO_ROWS: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the batch as loops take it: as it is; one value for all rows; or to be converted by block."""

    values: Array
    how: Literal["whole", "same", "converted"]


class Loops:
    """Registers of the values that one step makes and another reads, for blocks of up to a size."""

    def __init__(self, native: Native, size: Size, scratch: Sequence[Array | None]) -> None:
        """`scratch`: by home, where constants and single numbers are."""
        self.native = native
        self.size = size
        self.scratch = scratch
        self.registers = {
            value: np.empty(size.rows if home.axis == ROW else size.items.get(home.axis, 0), DTYPES[home.rep])
            for value, home in native.registers.items()
        }
        self.bad = np.empty(size.rows if native.by_row else 0, np.bool_)
        self.columns: dict[tuple[str, str], _Column] = {}  # kind and name -> as loops take it
        self.bounds: list[Whole] = []  # by step

    def begin(self, at: At) -> None:
        """Go to a batch."""
        self.end()
        for step in self.native.steps:
            looks = step.segment.looks if isinstance(step, Looped) else ()
            pairs = [at.unchecked.get(name, ANY) for name in looks]
            numbers = [number % WORD for low, high in pairs for number in (low, high - low)]
            self.bounds.append(np.array(numbers, np.uint64).view(np.int64))
            for one in step.segment.arguments if isinstance(step, Looped) and step.segment.axis == ROW else ():
                if one.kind in {"input", "given"}:
                    self.columns[one.kind, one.name] = self._column(at, one)

    def end(self) -> None:
        """Leave a batch: nothing of it is kept alive."""
        self.columns.clear()
        self.bounds.clear()

    def settle(self, at: At, block: Block) -> Whole | None:
        """Compute the plain rows of a block, and give the numbers of the others; None: none is computed."""
        for step, bounds in zip(self.native.steps, self.bounds, strict=True):
            if not isinstance(step, Looped):
                operands = [self._shaped(value, at, block) for value in step.operands]
                step.call(*operands, out=self._shaped(step.out, at, block))
                continue
            of = step.segment
            arrays = [self._flat(one, of.axis, at, block) for one in of.arguments]
            inner, outer = self._length(of.axis, of.timed, block), 1
            if of.repeats is not None:
                inner, outer = len(arrays[of.repeats]), inner // max(len(arrays[of.repeats]), 1)
            if step.call(outer, inner, bounds, *arrays):
                bad = np.flatnonzero(self.bad[:inner])
                return bad if self.native.by_row and BAD_SHARE * len(bad) <= inner else None
        return NO_ROWS

    def _column(self, at: At, one: Argument) -> _Column:
        column: Array = (at.inputs if one.kind == "input" else at.given)[one.name]
        dtype = np.dtype(DTYPES[one.rep])
        if column.strides == (0,) and len(column):
            return _Column(np.full(min(self.size.rows, len(column)), column[0], dtype), "same")
        as_it_is = column.dtype == dtype and column.flags.c_contiguous and column.flags.aligned
        return _Column(column, "whole" if as_it_is else "converted")

    def _flat(self, one: Argument, axis: str, at: At, block: Block) -> Array:
        """What a loop reads or writes."""
        if one.kind == "bad":
            return self.bad[: block.rows.stop - block.rows.start]
        if one.kind == "value":
            values: Array = self._shaped(one.number, at, block)
            return values.reshape(-1)
        part = block.rows if axis == ROW else block.spans[axis].items
        if one.kind == "output":
            return at.table.outputs[one.number][part]
        if axis != ROW:
            items = at.list_column(one.name, axis) if one.kind == "input" else at.given_part(one.name, axis)
            return np.require(items, DTYPES[one.rep], ["C", "A"]).reshape(-1)
        column = self.columns[one.kind, one.name]
        if column.how == "same":
            return column.values[: part.stop - part.start]
        values = column.values[part]
        return values if column.how == "whole" else np.require(values, DTYPES[one.rep], ["C", "A"])

    def _shaped(self, value: int, at: At, block: Block) -> Any:
        """What a numpy call reads or writes, in the shape that it has there."""
        place = self.native.plan.home[value]
        home = self.native.plan.homes[place]
        register = self.registers.get(value)
        if register is None:
            mine = self.scratch[place]
            return at.part(home) if mine is None else mine
        part = register[: self._length(home.axis, home.timed, block)]
        even = 0 if home.axis == ROW else block.spans[home.axis].even
        return part.reshape(-1, even) if even else part

    def _length(self, axis: str, timed: bool, block: Block) -> int:
        """Rows or items of a block; where all rows lie alike, the places of one."""
        if axis == ROW:
            rows: int = block.rows.stop - block.rows.start
            return rows
        span = block.spans[axis]
        items: int = span.items.stop - span.items.start
        return span.even if timed and span.alike else items
