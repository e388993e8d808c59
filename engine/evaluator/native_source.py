"""Element-wise numpy calls as the text of one loop: a row's values are local variables, and nothing is stored between.

Takes instructions of a plan that go over the rows, or the items of one list, one by one; gives the text of a function
and what its parameters stand for. `EXPRESSIONS` says what each numpy call is as an expression, `KERNELS` the same of
the calls that are no ufunc; a call that is in neither stays the numpy call it is.

    def segment(outer, inner, bounds, a0, a1, a2):
        low0, span0 = bounds[0], u8(bounds[1])
        v1 = a1[0]
        any = False
        for i in range(inner):
            bad = False
            x0 = load(a0, i, 2)
            bad |= u8(minus(x0, low0)) > span0
            v0 = f8(x0)
            v2 = v0 * v1
            v3 = nearest(v2)
            store(a2, i, i8(v3), 0, 2)
            store(a3, i, bad, 1, 2)
            any |= bad
        return any

The text has numbers and names of ours in it, and nothing that an analyst writes: figures of a rule set are parameters,
so rule sets of one structure share the text. `engine.evaluator.native_numba` says what `f8` or `nearest` is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.compiler.program import ROW
from engine.evaluator import kernels as exact
from engine.evaluator.homes import Home
from engine.evaluator.instructions import Check, Do, Load, Store
from engine.evaluator.kernels import Call, Rep
from engine.evaluator.plan import Plan
from engine.evaluator.settle import Settle

Row = Do | Check | Load | Store  # an instruction that may stand in a loop


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter that is an array.

    `input` and `given`: a column of the batch, as it came. `output`: a column of the table. `value`: whatever a value
    of the plan lives in, flat. `bad`: the rows that the loop may not settle.
    """

    kind: Literal["input", "given", "output", "value", "bad"]
    rep: Rep
    number: int  # of an output: its step; of a value: itself
    name: str = ""  # of an input
    written: bool = False


@dataclass(frozen=True)
class Segment:
    """A loop.

    Attributes:
        text: of the function `segment(outer, inner, bounds, *arguments)`. It tells whether there is a row that the
            loop may not settle: a check fails, a value is out of its bounds, or an estimate is too near a tie.
        arguments: in order.
        axis: of its rows or items, and whether it goes over the places of a list alone.
        looks: inputs whose bounds it looks at; `bounds` has the lowest and the highest less the lowest of each.
        repeats: the argument, known by place alone, that stands for every `inner` items of `outer` rows; None: there
            is one loop, over `inner`.
    """

    text: str
    arguments: tuple[Argument, ...]
    axis: str
    timed: bool
    looks: tuple[str, ...]
    repeats: int | None


EXPRESSIONS: Mapping[Call, str] = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.absolute: "absolute({})",
    np.minimum: "least({}, {})",
    np.maximum: "most({}, {})",
    np.rint: "nearest({})",
    np.floor: "floor({})",
    np.ceil: "ceil({})",
    np.trunc: "trunc({})",
    np.sqrt: "root({})",
    np.bitwise_and: "{} & {}",
    np.bitwise_or: "{} | {}",
    np.bitwise_xor: "{} ^ {}",
    np.invert: "~{}",
    np.right_shift: "{} >> {}",
    np.floor_divide: "floored({}, {})",
    exact.floor_divide_positive: "floored_positive({}, {})",
}
"""Calls whose operands are of the result's representation."""

WRAPPED: Mapping[Call, str] = {
    np.add: "plus({}, {})",
    np.subtract: "minus({}, {})",
    np.multiply: "times({}, {})",
    np.negative: "minus(0, {})",
}
"""The same of int64, where what overflows comes back. Of Python's signs numba takes it that nothing overflows."""

COMPARISONS: Mapping[Call, str] = {
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.equal: "{} == {}",
    np.not_equal: "{} != {}",
}
"""Calls whose operands are of the widest representation of them."""

LOGIC: Mapping[Call, str] = {
    np.logical_and: "{} & {}",
    np.logical_or: "{} | {}",
    np.logical_not: "not {}",
}

BITS: Mapping[Call, str] = {
    exact.keep: "{} & {}",
    exact.differ: "{} ^ {}",
    exact.unbiased: "minus({}, {})",
    exact.unbiased_negative: "minus({1}, {0})",
}
"""Calls on the bits of their operands, of whatever representation."""

DIVISORS = range(2**13, 2**62)  # known, of a division by multiplying (`quotient` of `engine.evaluator.native_numba`)

KERNELS: Collection[Call] = (exact.cast, exact.spread, exact.take)
_KNOWN: frozenset[Call] = frozenset({*EXPRESSIONS, *COMPARISONS, *LOGIC, *BITS, *KERNELS})


def may_loop(call: Call) -> bool:
    """Whether a call goes element by element and can be an expression."""
    return isinstance(call, Settle) or call in _KNOWN


def segment(
    plan: Plan,
    axis: str,
    timed: bool,
    instructions: Sequence[Row],
    written: Collection[int],
    loads: Mapping[int, Load],
    booleans: Collection[str],
    narrow: Collection[str],
    *,
    by_row: bool,
) -> Segment:
    """Write a loop.

    Args:
        plan: of the instructions.
        axis: of the instructions.
        timed: whether the loop goes over the places of a list alone.
        instructions: operands first.
        written: values that somebody reads afterwards.
        loads: value -> how it is loaded.
        booleans: inputs that are booleans.
        narrow: inputs that come as other integers than their values are computed on.
        by_row: note each row that the loop may not settle.
    """
    return _Writer(plan, axis, timed, written, loads, booleans, narrow, by_row).write(instructions)


class _Writer:
    """A loop that is being written."""

    def __init__(
        self,
        plan: Plan,
        axis: str,
        timed: bool,
        written: Collection[int],
        loads: Mapping[int, Load],
        booleans: Collection[str],
        narrow: Collection[str],
        by_row: bool,
    ) -> None:
        self.plan = plan
        self.axis = axis
        self.timed = timed
        self.written = written
        self.loads = loads
        self.booleans = booleans
        self.narrow = narrow
        self.by_row = by_row
        self.arguments: list[Argument] = []
        self.looks: list[str] = []
        self.head: list[str] = []
        self.lines: list[str] = []
        self.names: dict[int, str] = {}  # of values
        self.columns: dict[str, str] = {}  # input -> variable that holds it as it came
        self.repeats: int | None = None
        self.stores = 0

    def write(self, instructions: Sequence[Row]) -> Segment:
        """Write all of it."""
        for one in instructions:
            if isinstance(one, Do):
                self._define(one.out, self._expression(one))
            elif isinstance(one, Load):
                self._define(one.out, self._value(one.out))
            elif isinstance(one, Check):
                failed = f"(not {self._value(one.condition)})"
                self._flag(failed if one.guard is None else f"{self._value(one.guard)} & {failed}")
            else:
                rep: Rep = "bool" if self._home(one.value).rep == "bool" else "i8"
                place = self._argument(Argument("output", rep, one.step, written=True))
                self._write(place, self._as(one.value, rep))
        if self.by_row:
            self._write(self._argument(Argument("bad", "bool", 0, written=True)), "bad")
        body = ["bad = False", *self.lines, "any |= bad"]
        if self.repeats is None:
            loop = ["for i in range(inner):"]
        else:
            loop = ["for o in range(outer):", "    for j in range(inner):", "        i = o * inner + j"]
            body = [f"    {line}" for line in body]
        parameters = ", ".join(["outer", "inner", "bounds", *(f"a{i}" for i in range(len(self.arguments)))])
        lines = [*self.head, "any = False", *loop, *(f"    {line}" for line in body), "return any"]
        text = "\n".join([f"def segment({parameters}):", *(f"    {line}" for line in lines), ""])
        text = text.replace("COUNT", str(self.stores))
        return Segment(text, tuple(self.arguments), self.axis, self.timed, tuple(self.looks), self.repeats)

    def _define(self, value: int, expression: str) -> None:
        name = f"v{value}"
        if expression != name:
            self.lines.append(f"{name} = {expression}")
        self.names[value] = name
        if value in self.written:
            place = self._argument(Argument("value", self._home(value).rep, value, written=True))
            self._write(place, name)

    def _write(self, place: str, value: str) -> None:
        self.lines.append(f"store({place}, i, {value}, {self.stores}, COUNT)")
        self.stores += 1

    def _flag(self, condition: str) -> None:
        """Note that the loop may not settle a row."""
        self.lines.append(f"bad |= {condition}")

    def _expression(self, one: Do) -> str:
        call, to = one.call, self._home(one.out).rep
        reps = [self._home(value).rep for value in one.operands]
        if call is exact.take:
            return self._taken(*one.operands)
        if isinstance(call, Settle):
            nearest, distance = (self._value(value) for value in one.operands[:2])
            limit = repr(call.limit)
            if call.at_halves and call.error:  # numpy looks at a block's largest number, this at the row's own
                limit = f"{limit} - {call.error!r} * (absolute({nearest}) + 2.0)"
            self._flag(f"(not (absolute({distance}) {'<' if call.at_halves else '>'} {limit}))")
            return nearest
        if call is exact.cast:
            return self._as(one.operands[0], to)
        if call is exact.spread:
            return f"-{self._as(one.operands[0], 'i8')}"
        if call in BITS:
            bits = BITS[call].format(*(self._bits(value) for value in one.operands))
            return f"of_bits({bits})" if to == "f8" else bits
        if call in LOGIC:
            return LOGIC[call].format(*(self._as(value, "bool") for value in one.operands))
        if call in COMPARISONS:
            # Booleans are compared as numbers.
            widest: Rep = "f8" if "f8" in reps else "i8"
            return COMPARISONS[call].format(*(self._as(value, widest) for value in one.operands))
        if call in {np.floor_divide, exact.floor_divide_positive} and to == "i8":
            by = self._known(one.operands[1])
            if by is not None and by in DIVISORS:
                name = "quotient" if call is np.floor_divide else "quotient_positive"
                return f"{name}({self._as(one.operands[0], to)}, {by}, {1 / by!r})"
        form = WRAPPED.get(call) if to == "i8" else None
        return (form or EXPRESSIONS[call]).format(*(self._as(value, to) for value in one.operands))

    def _taken(self, table: int, index: int) -> str:
        """A cell of a table; an index outside reads its nearest end."""
        home = self._home(table)
        place = self._argument(Argument("value", home.rep, table))
        last = self.plan.prepared[home.number].shape[1] - 1
        return f"load({place}, least(most({self._value(index)}, 0), {last}), COUNT)"

    def _as(self, value: int, rep: Rep) -> str:
        """A value in another representation."""
        name, of = self._value(value), self._home(value).rep
        if of == rep:
            return name
        return f"({name} != 0)" if rep == "bool" else f"{rep}({name})"

    def _bits(self, value: int) -> str:
        name = self._value(value)
        return f"bits({name})" if self._home(value).rep == "f8" else name

    def _value(self, value: int) -> str:
        """The variable that holds a value, or the number it is."""
        if value not in self.names:
            self.names[value] = self._fetched(value)
        return self.names[value]

    def _fetched(self, value: int) -> str:
        home = self._home(value)
        load = self.loads.get(value)
        if load is not None:
            return self._loaded(load, value)
        name = f"v{value}"
        known = self._known(value)
        if known is not None:
            return f"({known!r})" if known < 0 else repr(known)
        if home.kind in {"prepared", "single"}:
            self.head.append(f"{name} = {self._argument(Argument('value', home.rep, value))}[0]")
            return name
        place = self._argument(Argument("value", home.rep, value))
        at = "i"
        if home.timed and not self.timed:
            self.repeats = int(place[1:])
            at = "j"
        self.lines.append(f"{name} = load({place}, {at}, COUNT)")
        return name

    def _known(self, value: int) -> float | None:
        """The number that a value is by the program, whatever the version."""
        home = self._home(value)
        if home.kind != "prepared" or home.number in self.plan.figures:
            return None
        table = self.plan.prepared[home.number]
        return table.item() if table.shape == (1, 1) else None  # a whole number, float64 or a boolean

    def _loaded(self, load: Load, value: int) -> str:
        """A value as the batch has it, converted."""
        home = self._home(value)
        if load.mask:
            place = self._argument(Argument("given", "bool", 0, load.name))
            self.lines.append(f"v{value} = load({place}, i, COUNT)")
            return f"v{value}"
        rep: Rep = "bool" if load.name in self.booleans and load.name not in self.narrow else "i8"
        if load.name not in self.columns:
            place = self._argument(Argument("input", rep, 0, load.name))
            column = f"x{place[1:]}"
            self.columns[load.name] = column
            self.lines.append(f"{column} = load({place}, i, COUNT)")
            if self.axis == ROW and rep == "i8":
                at = 2 * len(self.looks)
                self.looks.append(load.name)
                self.head.append(f"low{place[1:]}, span{place[1:]} = bounds[{at}], u8(bounds[{at + 1}])")
                self._flag(f"(u8(minus({column}, low{place[1:]})) > span{place[1:]})")
        column = self.columns[load.name]
        if home.rep == rep:
            return column
        self.lines.append(f"v{value} = " + (f"{column} != 0" if home.rep == "bool" else f"{home.rep}({column})"))
        return f"v{value}"

    def _argument(self, wanted: Argument) -> str:
        """The parameter that stands for something."""
        if wanted not in self.arguments:
            self.arguments.append(wanted)
        return f"a{self.arguments.index(wanted)}"

    def _home(self, value: int) -> Home:
        return self.plan.homes[self.plan.home[value]]
