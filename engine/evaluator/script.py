"""A plan's calls as one Python function of a block.

Takes instructions and where their values live; gives a function that makes the calls one after another, without a loop
and without looking anything up: an in-place numpy call on a block of some thousand rows takes microseconds, and a
wrapper around each would take as long. Registers and single numbers are the function's default values, so that each
size of block binds its own to the same code. What lies in the batch is fetched where it is first read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Final, Literal

import numpy as np

from engine.compiler.program import ROW
from engine.evaluator import kernels as exact
from engine.evaluator.homes import Home
from engine.evaluator.instructions import Check, Do, Instruction, Load, Store
from engine.evaluator.kernels import Call
from engine.evaluator.rows import Array

Look = Literal["f8", "i8", "u8", "bool", "i1"]  # how memory is looked at; i1: a boolean's single byte
LOOKS: Final[Mapping[Look, type[np.generic]]] = {
    "f8": np.float64,
    "i8": np.int64,
    "u8": np.uint64,
    "bool": np.bool_,
    "i1": np.int8,
}
BY_KEYWORD: Final = frozenset({np.minimum, np.maximum})  # numpy wants `out` by its name

Block = Callable[[Any], None]


@dataclass(frozen=True)
class Script:
    """The function of a block, without its memory.

    Attributes:
        code: of a function whose first parameter says where it is (`engine.evaluator.worker.At`).
        names: what the code calls.
        memory: home and look of each further parameter.
    """

    code: CodeType
    names: dict[str, Any]
    memory: tuple[tuple[int, Look], ...]

    def bind(self, views: Sequence[Array | None]) -> Block:
        """Tie the function to memory: `views` by home, in the size of a block."""
        bound = []
        for place, look in self.memory:
            view = views[place]
            assert view is not None, "a place in the batch is fetched, not bound"
            bound.append(view.view(LOOKS[look]))
        return FunctionType(self.code, self.names, "block", tuple(bound))


def write(
    instructions: Iterable[Instruction], homes: Sequence[Home], home: Sequence[int], axes: Mapping[int, str]
) -> Script:
    """Write the function.

    Args:
        instructions: in order.
        homes: places where values live.
        home: value -> position in homes.
        axes: outputs on a list -> the list.
    """
    writer = _Writer(homes, home, axes)
    for one in instructions:
        writer.instruction(one)
    parameters = ", ".join(["at", *(f"{name}=None" for name in writer.memory.values())])
    prelude = ["rows = at.rows", "outputs = at.table.outputs"] if writer.stores else []
    lines = [f"    {line}\n" for line in [*prelude, *writer.lines, "return"]]
    text = f"def block({parameters}):\n{''.join(lines)}"
    # The text holds names of ours, steps' numbers and names of inputs as quoted literals; nothing else of a rule file.
    exec(compile(text, "<a plan's calls>", "exec"), writer.names)  # noqa: S102  # a plan becomes Python here alone
    function = writer.names.pop("block")
    assert isinstance(function, FunctionType)
    return Script(function.__code__, writer.names, tuple(writer.memory))


class _Writer:
    """Lines of the function, and the names in them."""

    def __init__(self, homes: Sequence[Home], home: Sequence[int], axes: Mapping[int, str]) -> None:
        self.homes = homes
        self.home = home
        self.axes = axes
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"copyto": np.copyto, "count_nonzero": np.count_nonzero, "negative": np.negative}
        self.names.update({str(look): dtype for look, dtype in LOOKS.items()})
        self.memory: dict[tuple[int, Look], str] = {}
        self.stores = False
        self._fetched: set[int] = set()

    def instruction(self, one: Instruction) -> None:
        """Write one down; a `Hold` is fetched where it is read."""
        match one:
            case Do():
                self._do(one)
            case Load():
                self._load(one)
            case Check():
                self._check(one)
            case Store():
                self._store(one)

    def _do(self, one: Do) -> None:
        if one.call is exact.cast:
            self._line("copyto({}, {}, 'unsafe')", self._value(one.out), self._value(one.operands[0]))
        elif one.call is exact.spread:
            byte = self._value(one.operands[0], "i1")
            self._line("copyto({}, negative({}))", self._value(one.out), byte)
        elif one.call is exact.keep:
            mask, kept = self._value(one.operands[0]), self._value(one.operands[1], "i8")
            self._call(np.bitwise_and, [kept, mask], self._value(one.out, "i8"))
        elif one.call is exact.differ:
            sides = [self._value(operand, "i8") for operand in one.operands]
            self._call(np.bitwise_xor, sides, self._value(one.out, "i8"))
        elif one.call is exact.unbiased:
            biased, bias = self._value(one.operands[0], "i8"), self._value(one.operands[1])
            self._call(np.subtract, [biased, bias], self._value(one.out))
        elif one.call is exact.unbiased_negative:
            biased, bias = self._value(one.operands[0], "i8"), self._value(one.operands[1])
            self._call(np.subtract, [bias, biased], self._value(one.out))
        elif one.call is exact.floor_divide_positive:
            sides = [self._value(operand, "u8") for operand in one.operands]
            self._call(np.floor_divide, sides, self._value(one.out, "u8"))
        elif one.call is exact.take:
            table, index = (self._value(operand) for operand in one.operands)
            self._line("{}.take({}, None, {}, 'clip')", table, index, self._value(one.out))
        else:
            self._call(one.call, [self._value(operand) for operand in one.operands], self._value(one.out))

    def _call(self, call: Call, operands: Sequence[str], out: str) -> None:
        by_position = isinstance(call, np.ufunc) and call not in BY_KEYWORD
        name = call.__name__ if isinstance(call, np.ufunc) else f"call_{len(self.names)}"
        self.names[name] = call
        self._line("{}({}, {}{})", name, ", ".join(operands), "" if by_position else "out=", out)

    def _load(self, one: Load) -> None:
        of = self.homes[self.home[one.out]]
        if of.in_batch:
            return
        if one.mask:
            column = f"at.given_part({one.name!r}, {of.axis!r})"
        else:
            column = f"at.column({one.name!r})" if of.axis == ROW else f"at.list_column({one.name!r}, {of.axis!r})"
        self._line("copyto({}, {}, 'unsafe')", self._value(one.out), column)

    def _check(self, one: Check) -> None:
        condition = self._value(one.condition)
        guard = "None" if one.guard is None else self._value(one.guard)
        self._line("if count_nonzero({}) != {}.size: at.refuse({}, {}, {})", *[condition] * 3, guard, str(one.refusal))

    def _store(self, one: Store) -> None:
        of = self.homes[self.home[one.value]]
        if of.kind == "output" and of.number == one.step:
            return
        value = self._value(one.value)
        if one.step in self.axes:
            self._line(
                "copyto(at.items(at.table.outputs[{}], {}), {})", str(one.step), repr(self.axes[one.step]), value
            )
        else:
            self.stores = True
            self._line("copyto(outputs[{}][rows], {}, 'unsafe')", str(one.step), value)

    def _value(self, value: int, look: Look | None = None) -> str:
        """Name a value's memory, looked at as it is or as another representation of as many bytes."""
        place = self.home[value]
        of = self.homes[place]
        if of.in_batch:
            self._fetch(place, of)
            return f"b{place}" if look in (None, of.rep) else f"b{place}.view({look})"
        seen: Look = of.rep if look is None else look
        return self.memory.setdefault((place, seen), f"m{place}_{seen}")

    def _fetch(self, place: int, of: Home) -> None:
        """Fetch the block's part of the batch, once."""
        if place in self._fetched:
            return
        self._fetched.add(place)
        if of.kind == "input" and of.axis == ROW:
            self._line("b{} = at.column({})", str(place), repr(of.name))
        elif of.kind == "output" and of.axis == ROW:
            self.stores = True
            self._line("b{} = outputs[{}][rows]", str(place), str(of.number))
        else:
            self.names[f"home_{place}"] = of
            self._line("b{} = at.part(home_{})", str(place), str(place))

    def _line(self, form: str, *parts: str) -> None:
        self.lines.append(form.format(*parts))
