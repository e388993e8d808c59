"""From numpy calls to memory: registers, and what runs once a version instead of once a block.

Takes a program, its constants and the steps wanted; gives a `Plan`, which any number of threads may bind to scratch of
their own. A register is reused as soon as the value in it was read for the last time, so that a block's values stay in
cache.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from engine.compiler.program import ROW, Constants, Program
from engine.evaluator.homes import Home
from engine.evaluator.instructions import Check, Code, Do, Hold, Instruction, Load, Store
from engine.evaluator.kernels import Rep
from engine.evaluator.lower import lower
from engine.evaluator.rows import Array
from engine.evaluator.script import Script, write
from engine.evaluator.tallies import Tally
from engine.evaluator.tallying import Ask


@dataclass(frozen=True)
class Plan:
    """A program as numpy calls on registers.

    Attributes:
        prologue: calls that run when the version changes; they read and write single numbers.
        instructions: what runs for each block, in order.
        homes: places where values live.
        home: value -> position in homes; -1: nothing reads the value.
        prepared: constants and tables, each of shape (version or 1, cell).
        figures: positions in prepared of what a version gives; the rest is the program's own.
        inputs: names of the inputs whose values are read.
        lists: whose items are read.
        axes: outputs on a list -> the list.
        tallies: that are asked.
        tallied: lists whose items nothing but tallies reads: they need no scratch.
    """

    prologue: tuple[Do, ...]
    instructions: tuple[Instruction, ...]
    homes: tuple[Home, ...]
    home: tuple[int, ...]
    prepared: tuple[Array, ...]
    figures: frozenset[int]
    inputs: frozenset[str]
    lists: frozenset[str] = frozenset()
    axes: Mapping[int, str] = field(default_factory=dict)
    tallies: tuple[Tally, ...] = ()
    tallied: frozenset[str] = frozenset()

    @cached_property
    def block(self) -> Script:
        """What runs for each block, as Python; made once for all threads."""
        return write(self.instructions, self.homes, self.home, self.axes)

    @cached_property
    def version(self) -> Script:
        """What runs when the version changes."""
        return write(self.prologue, self.homes, self.home, self.axes)


_Registers = tuple[Rep, str, bool]


def plan(
    program: Program,
    constants: Constants,
    outputs: Iterable[int],
    *,
    mixed: bool = False,
    parts: bool = False,
    narrow: Collection[str] = (),
) -> Plan:
    """Choose kernels, representations and registers.

    Args:
        program: steps; those that neither an output nor a `require` reads are left out.
        constants: of every version.
        outputs: positions of the steps whose values are stored.
        mixed: rows of a block differ in version; the input `VERSION` holds each row's.
        parts: some rows have several parts.
        narrow: inputs that come in another representation than that of their values, such as int32, or 0 and 1 for a
            boolean.

    Raises:
        TooWide: no exact kernel holds a step.
    """
    outputs = frozenset(outputs)
    code = lower(program, constants, outputs, mixed=mixed, parts=parts)
    needed = _needed(code)
    singles = [one for one in needed if isinstance(one, Do) and code.values[one.out].single]
    columns = [one for one in needed if not (isinstance(one, Do) and code.values[one.out].single)]
    homes: list[Home | None] = [
        Home("prepared", value.rep, value.prepared) if value.prepared >= 0 else None for value in code.values
    ]
    for number, one in enumerate(singles):
        homes[one.out] = Home("single", code.values[one.out].rep, number)
    tallied = _tallied(code, columns)
    _place_in_batch(program, code, columns, homes, narrow, tallied)
    _allocate(code, columns, homes)
    axes = {step: axis for step in outputs if (axis := program.steps[step].type.axis) != ROW}
    distinct = list(dict.fromkeys(home for home in homes if home is not None))
    position = {home: i for i, home in enumerate(distinct)}
    return Plan(
        prologue=tuple(singles),
        instructions=tuple(columns),
        homes=tuple(distinct),
        home=tuple(-1 if home is None else position[home] for home in homes),
        prepared=tuple(code.prepared),
        figures=frozenset(code.figures),
        inputs=frozenset(one.name for one in columns if isinstance(one, Load) and not one.mask),
        lists=frozenset({*(home.axis for home in distinct), *axes.values()} - {ROW}),
        axes=axes,
        tallies=tuple(dict.fromkeys(ask.tally for one in columns if (ask := _ask(one)) is not None)),
        tallied=tallied,
    )


def _ask(one: Instruction) -> Ask | None:
    return one.call if isinstance(one, Do) and isinstance(one.call, Ask) else None


def _tallied(code: Code, columns: Iterable[Instruction]) -> frozenset[str]:
    """Lists whose items nothing but tallies reads."""
    by = [(code.values[value].axis, _ask(one) is not None) for one in columns for value in reads(one)]
    return frozenset({axis for axis, _ in by} - {axis for axis, asked in by if not asked} - {ROW})


def reads(one: Instruction) -> tuple[int, ...]:
    """Values that an instruction reads."""
    match one:
        case Do():
            return one.operands
        case Check():
            return (one.condition,) if one.guard is None else (one.condition, one.guard)
        case Store():
            return (one.value,)
        case Load() | Hold():
            return ()


def _needed(code: Code) -> list[Instruction]:
    """Instructions whose result is read, or that store or check."""
    wanted: set[int] = set()
    kept = []
    for one in reversed(code.instructions):
        if isinstance(one, Do | Load | Hold) and one.out not in wanted:
            continue
        wanted.update(reads(one))
        kept.append(one)
    return kept[::-1]


def _place_in_batch(
    program: Program,
    code: Code,
    columns: list[Instruction],
    homes: list[Home | None],
    narrow: Collection[str],
    tallied: Collection[str],
) -> None:
    """Leave inputs and outputs that need no conversion where the batch has them."""
    booleans = {spec.name for spec in program.inputs if spec.type.kind == "boolean"}
    made = {one.out for one in columns if isinstance(one, Do)}
    for one in columns:
        if isinstance(one, Load):
            value = code.values[one.out]
            as_it_is = one.mask or one.name not in narrow or value.axis in tallied
            if as_it_is and value.rep == ("bool" if one.mask or one.name in booleans else "i8"):
                homes[one.out] = Home("given" if one.mask else "input", value.rep, 0, one.name, value.axis)
        elif isinstance(one, Hold):
            value = code.values[one.out]
            homes[one.out] = Home(one.kind, value.rep, one.slot, "", value.axis)
        elif isinstance(one, Store) and one.value in made and homes[one.value] is None:
            value = code.values[one.value]
            if value.rep != "f8" and not value.timed:
                homes[one.value] = Home("output", value.rep, one.step, "", value.axis)


def _allocate(code: Code, columns: list[Instruction], homes: list[Home | None]) -> None:
    """Give each column value a register; the last freed is taken first, as it is the likeliest to be in cache.

    Registers of one number differ where their kinds do: representation, axis, and whether known by place alone.
    """
    last = {value: position for position, one in enumerate(columns) for value in reads(one)}
    counts: dict[_Registers, int] = {}
    free: dict[_Registers, list[int]] = {}
    for position, one in enumerate(columns):
        ending = [value for value in dict.fromkeys(reads(one)) if last[value] == position]
        ending = [value for value in ending if (home := homes[value]) is not None and home.kind == "register"]
        if isinstance(one, Do | Load) and homes[one.out] is None:
            value = code.values[one.out]
            kind = (value.rep, value.axis, value.timed)
            register = _shared(one, ending, homes, kind)
            if register is None:
                register = free[kind].pop() if free.get(kind) else counts.get(kind, 0)
                counts[kind] = max(counts.get(kind, 0), register + 1)
            homes[one.out] = Home("register", value.rep, register, "", value.axis, value.timed)
        taken = homes[one.out] if isinstance(one, Do | Load) else None
        for ended in ending:
            home = homes[ended]
            if home is not None and home != taken:
                free.setdefault((home.rep, home.axis, home.timed), []).append(home.number)


def _shared(one: Do | Load, ending: list[int], homes: list[Home | None], kind: _Registers) -> int | None:
    """The register of an operand that ends here and whose memory the result may take."""
    if isinstance(one, Load):
        return None
    allowed = one.operands if one.shares is None else tuple(one.operands[i] for i in one.shares)
    barred = () if one.shares is None else tuple(v for i, v in enumerate(one.operands) if i not in one.shares)
    for value in allowed:
        home = homes[value]
        if value not in ending or value in barred or home is None:
            continue
        if (home.rep, home.axis, home.timed) == kind:
            return home.number
    return None
