"""Where each step's value is, while a program is written down as numpy calls (`engine.evaluator.instructions`).

A `Lowering` knows where each step's value is and in which representation. Sources (inputs, constants, cells) are
fetched where they are first used, in the representation asked for there; a value is converted at most once. Constants
that a kernel wants prepared, such as an inflated price, are prepared here for every version and cell.

A value is on the axis of rows or on that of a list. A row's value is given to the items of a list where a step of that
list reads it; a single number never is, for it serves any axis.
`engine.evaluator.lower` says which calls a step becomes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.compiler import capacity
from engine.compiler.capacity import Kernel, Narrow, TooWide, kernels
from engine.compiler.program import ROW, Constants, Program, Step
from engine.evaluator import items, tallies
from engine.evaluator import kernels as exact
from engine.evaluator.instructions import Code, Do, Hold, Load, Value
from engine.evaluator.kernels import DTYPES, NEAREST_MAX, Call, Rep
from engine.evaluator.reach import Reach, claimed, reaches

COMPARISONS = frozenset({"less", "less_equal", "equal"})
VERSION = "@version"  # the input that holds each row's version, where versions are mixed


Rule = Callable[["Lowering", int, Step], None]


@dataclass(frozen=True, slots=True)
class Pending:
    """A number that is not yet what its step is: whoever reads it says in which representation, or goes on with it.

    Attributes:
        value: float64; the step is the whole number nearest to it.
        negative: or the negative of that.
        whole: the value is a whole number as it stands.
        holds: a boolean value; where it does not hold, the step is zero. The value is then some number, never NaN.
        of: with `holds`, the step that the value is without it, where there is one.
    """

    value: int
    negative: bool = False
    whole: bool = False
    holds: int | None = None
    of: int | None = None


class Lowering:
    """A `kernels.Machine` that writes down what it is told, and knows where each step's value is."""

    def __init__(
        self,
        program: Program,
        constants: Constants,
        wanted: Collection[int],
        outputs: Collection[int],
        *,
        mixed: bool,
        parts: bool,
    ) -> None:
        self.program = program
        self.constants = constants
        self.mixed = mixed
        self.parts = parts
        self.axis = ROW  # of the step that is being written down
        self.tallied = tallies.find(program, wanted)
        self._claimed = claimed(program, wanted, outputs)
        self._reaches = reaches(program)
        self._wanted_whole = _wanted_whole(program, wanted)
        self.code = Code()
        self._values: dict[tuple[int, Rep], int] = {}
        self._sources: dict[int, Callable[[Rep], int]] = {}
        self._same: dict[int, int] = {}  # a step that is another one under a narrower type
        self._prepared: dict[object, int] = {}
        self._fixed: dict[tuple[int, Rep, object], int] = {}
        self._done: dict[tuple[Call, tuple[int, ...], Rep], int] = {}
        self._scaled: dict[int, tuple[int, int]] = {}
        self._pending: dict[int, Pending] = {}
        self._cells: dict[tuple[int, int], int] = {}
        self._version: int | None = None
        self._held: dict[tuple[str, str, int, Rep], int] = {}
        self._lifted: dict[tuple[int, str], int] = {}

    def do(self, call: Call, *operands: int, to: Rep, shares: Sequence[int] | None = None) -> int:
        """Write down a call that goes element by element; one that stands already is not made again."""
        if (call, operands, to) in self._done:
            return self._done[call, operands, to]
        columns = [self.code.values[i] for i in (operands[1:] if call is exact.take else operands)]
        columns = [column for column in columns if not column.single]
        axes = {column.axis for column in columns}
        assert len(axes) <= 1, f"a call joins values on {axes}"
        axis = axes.pop() if axes else ROW
        timed = bool(columns) and all(column.timed for column in columns)
        out = self._value(Value(to, single=not columns, axis=axis, timed=timed))
        self.code.instructions.append(Do(call, operands, out, None if shares is None else tuple(shares)))
        self._done[call, operands, to] = out
        return out

    def over(self, call: Call, layout: int, *operands: int, to: Rep, axis: str, timed: bool = False) -> int:
        """Write down a call of `engine.evaluator.items`, whose result is on `axis`."""
        out = self._value(Value(to, single=False, axis=axis, timed=timed))
        self.code.instructions.append(Do(call, (layout, *operands), out, ()))
        return out

    def layout(self, axis: str) -> int:
        """How a list's items lie in their rows."""
        return self._hold("layout", axis, -1, "i8")

    def bills(self) -> int:
        """How parts lie in their bills."""
        return self._hold("parts", "", -1, "i8")

    def timeline(self, slot: int, axis: str, rep: Rep) -> int:
        """A timeline, by interval of the batch's days."""
        values = self._hold("timeline", axis, slot, rep)
        return self.over(items.timeline, self.layout(axis), values, to=rep, axis=axis, timed=True)

    def lift(self, value: int, axis: str) -> int:
        """Give a row's value to each item of a list; any other value stays what it is."""
        of = self.code.values[value]
        if of.single or of.axis == axis:
            return value
        assert of.axis == ROW, f"a value on {of.axis} is read on {axis}"
        if (value, axis) not in self._lifted:
            self._lifted[value, axis] = self.over(items.repeat, self.layout(axis), value, to=of.rep, axis=axis)
        return self._lifted[value, axis]

    def filled(self, value: int, axis: str) -> int:
        """As `lift`, and a single number as a column too."""
        of = self.code.values[value]
        if not of.single:
            return self.lift(value, axis)
        if (value, axis) not in self._lifted:
            layout = self.layout(axis)
            self._lifted[value, axis] = self.over(items.fill, layout, value, to=of.rep, axis=axis, timed=True)
        return self._lifted[value, axis]

    def number(self, value: float, rep: Rep) -> int:
        """Give a number known now."""
        return self.prepare((rep, value, str(value)), rep, lambda: [[value]])

    def load(self, name: str, rep: Rep, *, mask: bool, axis: str = ROW) -> int:
        """Read a column of the batch."""
        out = self._value(Value(rep, single=False, axis=axis))
        self.code.instructions.append(Load(name, mask, out))
        return out

    def prepare(self, key: object, rep: Rep, table: Callable[[], Sequence[Sequence[float]]]) -> int:
        """Give a constant or a table of shape (version or 1, cell), made once a key."""
        if key not in self._prepared:
            self.code.prepared.append(np.array(table(), DTYPES[rep]))
            self._prepared[key] = self._value(Value(rep, single=True, prepared=len(self.code.prepared) - 1))
        return self._prepared[key]

    def offer(self, position: int, source: Callable[[Rep], int]) -> None:
        """Say how a step's value is fetched when somebody asks for it."""
        self._sources[position] = source

    def assign(self, position: int, value: int) -> None:
        """Say which value a step has."""
        self._values[position, self.code.values[value].rep] = value

    def alias(self, position: int, of: int) -> None:
        """Say that a step has the value of an earlier one."""
        self._same[position] = self._origin(of)

    def get(self, position: int, rep: Rep, axis: str | None = None) -> int:
        """Give a step's value in a representation, converting it if need be, and on an axis; None: the step's own."""
        return self.lift(self._converted(self._origin(position), rep), self.axis if axis is None else axis)

    def _converted(self, position: int, rep: Rep) -> int:
        found = self._values.get((position, rep))
        if found is not None:
            return found
        if position in self._sources:
            asking, self.axis = self.axis, self.program.steps[position].type.axis
            value = self._sources[position](rep)
            self.axis = asking
        else:
            other = next(self._values[position, r] for r in DTYPES if (position, r) in self._values)
            if rep == "bool":
                zero = self.number(0, self.code.values[other].rep)
                value = self.do(np.not_equal, other, zero, to="bool")
            else:
                value = self.do(exact.cast, other, to=rep, shares=())
        self._values[position, rep] = value
        return value

    def has(self, position: int, rep: Rep) -> bool:
        """Whether a step's value costs nothing in a representation: it is there, or will be fetched in it."""
        position = self._origin(position)
        if (position, rep) in self._values:
            return True
        if rep == "f8" and position in self._wanted_whole:
            return False
        if position in self._scaled:
            return self._fits(self.program.steps[position], rep) and self.has(self._scaled[position][0], rep)
        if position not in self._sources or self._made(position):
            return False
        pending = self._pending.get(position)
        return pending is None or not pending.whole or rep == "f8"

    def source(self, position: int) -> Step:
        """The step whose value a step has: itself, unless it is another one under a narrower type."""
        return self.program.steps[self._origin(position)]

    def mask(self, condition: int) -> int:
        """-1 where a boolean value holds, 0 elsewhere."""
        return self.do(exact.spread, condition, to="i8", shares=())

    def one(self, condition: int) -> int:
        """1.0 where a boolean value holds, 0.0 elsewhere."""
        return self.do(exact.cast, condition, to="f8", shares=())

    def scales(self, position: int, of: int, by: int) -> None:
        """Say that a step is another one times a whole number, which whoever reads the step may do otherwise."""
        base, scale = self.scaled(of)
        self._scaled[position] = (base, scale * by)
        step = self.program.steps[position]
        rep = self.rep(position, step)

        def multiplied(wanted: Rep) -> int:
            other = rep if wanted == "bool" or not self._fits(step, wanted) else wanted
            value = self.do(np.multiply, self.get(base, other), self.number(scale * by, other), to=other)
            return value if other == wanted else self.do(exact.cast, value, to=wanted, shares=())

        self.offer(position, multiplied)

    def scaled(self, position: int) -> tuple[int, int]:
        """A step as another one times a whole number; one, but for steps that were said to be so."""
        return self._scaled.get(self._origin(position), (position, 1))

    def pends(self, position: int, pending: Pending) -> None:
        """Say what a step's value is made from when somebody asks for it."""
        self._pending[position] = pending

        def finished(rep: Rep) -> int:
            value = pending.value
            if pending.holds is not None:
                value = self.do(np.multiply, value, self.one(pending.holds), to="f8")
            if pending.whole and self.magnitude(position) > NEAREST_MAX:
                value = self.do(np.negative, value, to="f8") if pending.negative else value
                return value if rep == "f8" else self.do(exact.cast, value, to=rep, shares=())
            if rep == "f8" and pending.whole:
                return self.do(np.negative, value, to="f8") if pending.negative else value
            return exact.nearest(self, value, rep, negative=pending.negative)

        self.offer(position, finished)

    def pending(self, position: int) -> Pending | None:
        """What a step is made from; None where its value is made, or was never put off."""
        position = self._origin(position)
        return None if self._made(position) else self._pending.get(position)

    def stored(self, position: int) -> int:
        """The value to store: boolean, or int64."""
        position = self._origin(position)
        if self.program.steps[position].type.kind == "boolean":
            return self.get(position, "bool")
        value = self._values.get((position, "f8"))
        if value is not None and position not in self._sources and (position, "i8") not in self._values:
            column = not self.code.values[value].single
            if column and self.magnitude(position) <= NEAREST_MAX:
                self._values[position, "i8"] = exact.nearest(self, value, "i8")
        return self.get(position, "i8")  # on the axis of the step that is stored, which may be another's value

    def reach(self, position: int) -> Reach:
        """Largest absolute value of a step in any row, whatever holds of its claims."""
        return self._reaches[position]

    def is_zero(self, position: int) -> bool:
        """Whether a step is the number zero."""
        step = self.program.steps[position]
        return step.primitive == "literal" and step.value == 0

    def operands(self, step: Step) -> list[Step]:
        """The steps that a step reads."""
        return [self.program.steps[i] for i in step.operands]

    def magnitude(self, position: int) -> int:
        """Largest absolute value of a step in rows where anything depends on it."""
        of = capacity.magnitude(self.program.steps[position])
        return min(of, self._claimed.get(position, of))

    def kernel(self, position: int, step: Step) -> Kernel:
        """Choose among the kernels that hold a step: float64, unless its operands stand in int64 only."""
        allowed = kernels(step, self.operands(step))
        if not allowed:
            bounds = tuple((operand.type.low, operand.type.high) for operand in self.operands(step) or [step])
            raise TooWide(Narrow(position, bounds))
        if Kernel.FLOAT not in allowed or Kernel.INTEGER not in allowed:
            return allowed[0]
        in_float = sum(not self.has(i, "f8") for i in step.operands)
        in_integer = sum(not self.has(i, "i8") for i in step.operands)
        # Codes and days mostly end as positions in a table, and those are int64.
        counts = step.primitive == "index" or any(one.type.kind in {"code", "date"} for one in self.operands(step))
        return Kernel.INTEGER if in_integer < in_float + counts else Kernel.FLOAT

    def rep(self, position: int, step: Step) -> Rep:
        """The representation of a step that is computed alike in both."""
        if self.kernel(position, step) is not Kernel.FLOAT:
            return "i8"
        # A list comes as int64, and is long: it is converted where something gains by it, not for a choice or a sum.
        alike = step.type.axis != ROW and all(self.has(i, "i8") for i in step.operands)
        return "i8" if alike and Kernel.INTEGER in kernels(step, self.operands(step)) else "f8"

    def whole(self, position: int) -> Rep:
        """The representation in which a step's value is, int64 if it may be either."""
        return "i8" if self.has(position, "i8") or not self.has(position, "f8") else "f8"

    def figures(self, step: Step) -> list[list[int]]:
        """A constant's whole numbers, version x cell; an absent one reads as the type's low."""
        slot = step.slot
        cells = self.constants.slots[slot].cells
        low = step.type.low
        table = []
        for version in self.constants.figures:
            row = version[slot] if slot < len(version) else ()
            table.append([low if figure is None else figure.value for figure in row] or [low] * cells)
        return table if any(row != table[0] for row in table) else table[:1]

    def fixed(self, position: int, rep: Rep, key: object, prepared: Callable[[int], float]) -> int:
        """A literal, constant or cell whose number went through `prepared` before any row.

        `key` names what `prepared` does.
        """
        position = self._origin(position)
        if (position, rep, key) not in self._fixed:
            asking, self.axis = self.axis, self.program.steps[position].type.axis
            self._fixed[position, rep, key] = self._fix(position, rep, key, prepared)
            self.axis = asking
        return self.lift(self._fixed[position, rep, key], self.axis)

    def _fix(self, position: int, rep: Rep, key: object, prepared: Callable[[int], float]) -> int:
        step = self.program.steps[position]
        if step.primitive == "literal":
            return self.prepare((rep, "literal", step.value, key), rep, lambda: [[prepared(step.value)]])
        figures = self.figures(step)

        def table() -> list[list[float]]:
            known = {number: prepared(number) for number in {number for row in figures for number in row}}
            rows = [[known[number] for number in row] for row in figures]
            return [[number for row in rows for number in row]] if self.mixed else rows

        value = self.prepare((rep, step.slot, step.type.low, key), rep, table)
        self.code.figures.add(self.code.values[value].prepared)
        index = self._cell(step, len(figures), len(figures[0]))
        return value if index is None else self.do(exact.take, value, index, to=rep, shares=(1,))

    def _cell(self, step: Step, versions: int, cells: int) -> int | None:
        """Where a row finds its figure; None: a single one holds for all rows of a block."""
        of = self.get(step.operands[0], "i8") if step.primitive == "cell" else None
        if versions == 1 or not self.mixed:
            return of
        if self._version is None:
            self._version = self.load(VERSION, "i8", mask=False)
        if of is None:
            return self._version
        if (of, cells) not in self._cells:
            start = self.do(np.multiply, self._version, self.number(cells, "i8"), to="i8")
            self._cells[of, cells] = self.do(np.add, self.lift(start, self.axis), of, to="i8")
        return self._cells[of, cells]

    def is_fixed(self, position: int) -> bool:
        """Whether the step's numbers are known before the rows are."""
        return self.program.steps[position].primitive in capacity.FIXED

    def _made(self, position: int) -> bool:
        return any((position, rep) in self._values for rep in DTYPES)

    def _fits(self, step: Step, rep: Rep) -> bool:
        allowed = kernels(step, self.operands(step))
        return (Kernel.FLOAT if rep == "f8" else Kernel.INTEGER) in allowed

    def _origin(self, position: int) -> int:
        return self._same.get(position, position)

    def _hold(self, kind: Literal["layout", "parts", "timeline"], name: str, slot: int, rep: Rep) -> int:
        key = (kind, name, slot, rep)
        if key not in self._held:
            self._held[key] = self._value(Value(rep, single=False, axis=name or ROW))
            self.code.instructions.append(Hold(kind, name, slot, self._held[key]))
        return self._held[key]

    def _value(self, value: Value) -> int:
        self.code.values.append(value)
        return len(self.code.values) - 1


def _wanted_whole(program: Program, wanted: Collection[int]) -> frozenset[int]:
    """Inputs that some step can only take as int64: what else reads them had better do so too.

    And inputs that are compared with what is known, and nothing else: they need not be converted for it.
    """
    found: set[int] = set()
    compared: set[int] = set()
    otherwise: set[int] = set()
    for position in wanted:
        step = program.steps[position]
        operands = [program.steps[i] for i in step.operands]
        divides = step.primitive in {"divide", "multiply_divide"}  # settled in float64 where it can be
        if not divides and Kernel.FLOAT not in kernels(step, operands):
            found.update(i for i, one in zip(step.operands, operands, strict=True) if one.primitive == "input")
        alone = [i for i, one in zip(step.operands, operands, strict=True) if one.primitive not in capacity.FIXED]
        (compared if step.primitive in COMPARISONS and len(alone) == 1 else otherwise).update(alone)
    found.update(i for i in compared - otherwise if program.steps[i].primitive == "input")
    return frozenset(found)
