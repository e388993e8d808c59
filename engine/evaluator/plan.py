"""From numpy calls to memory: registers, and what runs once a version instead of once a block.

Takes a program, its constants and the steps wanted; gives a `Plan`, which any number of threads may bind to scratch of
their own. A register is reused as soon as the value in it was read for the last time, so that a block's values stay in
cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.compiler.program import Constants, Program
from engine.evaluator.kernels import Rep
from engine.evaluator.lower import lower
from engine.evaluator.lowering import Check, Code, Do, Instruction, Load, Store
from engine.evaluator.rows import Array


@dataclass(frozen=True, slots=True)
class Home:
    """Where a value lives.

    `register`: scratch of a block's length. `single`: a number of its own. `prepared`: a constant of the version.
    `input`, `given` and `output`: in the batch itself, the block's part of a column; nothing is copied.
    """

    kind: Literal["register", "single", "prepared", "input", "given", "output"]
    rep: Rep
    number: int  # which one of its kind; of an output: its step
    name: str = ""  # of an input


@dataclass(frozen=True)
class Plan:
    """A program as numpy calls on registers.

    Attributes:
        prologue: calls that run when the version changes; they read and write single numbers.
        instructions: what runs for each block, in order.
        homes: places where values live.
        home: value -> position in homes; -1: nothing reads the value.
        prepared: constants and tables, each of shape (version or 1, cell).
        inputs: names of the inputs that are loaded.
    """

    prologue: tuple[Do, ...]
    instructions: tuple[Instruction, ...]
    homes: tuple[Home, ...]
    home: tuple[int, ...]
    prepared: tuple[Array, ...]
    inputs: frozenset[str]


def plan(program: Program, constants: Constants, outputs: Iterable[int], *, mixed: bool = False) -> Plan:
    """Choose kernels, representations and registers.

    Args:
        program: steps; those that neither an output nor a `require` reads are left out.
        constants: of every version.
        outputs: positions of the steps whose values are stored.
        mixed: rows of a block differ in version; the input `VERSION` holds each row's.

    Raises:
        TooWide: no exact kernel holds a step.
    """
    code = lower(program, constants, frozenset(outputs), mixed=mixed)
    needed = _needed(code)
    singles = [one for one in needed if isinstance(one, Do) and code.values[one.out].single]
    columns = [one for one in needed if not (isinstance(one, Do) and code.values[one.out].single)]
    homes: list[Home | None] = [
        Home("prepared", value.rep, value.prepared) if value.prepared >= 0 else None for value in code.values
    ]
    for number, one in enumerate(singles):
        homes[one.out] = Home("single", code.values[one.out].rep, number)
    _place_in_batch(program, code, columns, homes)
    _allocate(code, columns, homes)
    distinct = list(dict.fromkeys(home for home in homes if home is not None))
    position = {home: i for i, home in enumerate(distinct)}
    return Plan(
        prologue=tuple(singles),
        instructions=tuple(columns),
        homes=tuple(distinct),
        home=tuple(-1 if home is None else position[home] for home in homes),
        prepared=tuple(code.prepared),
        inputs=frozenset(one.name for one in columns if isinstance(one, Load)),
    )


def _reads(one: Instruction) -> tuple[int, ...]:
    match one:
        case Do():
            return one.operands
        case Check():
            return (one.condition,) if one.guard is None else (one.condition, one.guard)
        case Store():
            return (one.value,)
        case Load():
            return ()


def _needed(code: Code) -> list[Instruction]:
    """Instructions whose result is read, or that store or check."""
    wanted: set[int] = set()
    kept = []
    for one in reversed(code.instructions):
        if isinstance(one, Do | Load) and one.out not in wanted:
            continue
        wanted.update(_reads(one))
        kept.append(one)
    return kept[::-1]


def _place_in_batch(program: Program, code: Code, columns: list[Instruction], homes: list[Home | None]) -> None:
    """Leave inputs and outputs that need no conversion where the batch has them."""
    booleans = {spec.name for spec in program.inputs if spec.type.kind == "boolean"}
    made = {one.out for one in columns if isinstance(one, Do)}
    for one in columns:
        if isinstance(one, Load):
            rep = code.values[one.out].rep
            if rep == ("bool" if one.mask or one.name in booleans else "i8"):
                homes[one.out] = Home("given" if one.mask else "input", rep, 0, one.name)
        elif isinstance(one, Store) and one.value in made and homes[one.value] is None:
            rep = code.values[one.value].rep
            if rep != "f8":
                homes[one.value] = Home("output", rep, one.step)


def _allocate(code: Code, columns: list[Instruction], homes: list[Home | None]) -> None:
    """Give each column value a register; the last freed is taken first, as it is the likeliest to be in cache."""
    last = {value: position for position, one in enumerate(columns) for value in _reads(one)}
    counts: dict[Rep, int] = {"f8": 0, "i8": 0, "bool": 0}
    free: dict[Rep, list[int]] = {"f8": [], "i8": [], "bool": []}
    for position, one in enumerate(columns):
        ending = [value for value in dict.fromkeys(_reads(one)) if last[value] == position]
        ending = [value for value in ending if (home := homes[value]) is not None and home.kind == "register"]
        if isinstance(one, Do | Load) and homes[one.out] is None:
            rep = code.values[one.out].rep
            register = _shared(one, ending, homes, rep)
            if register is None:
                register = free[rep].pop() if free[rep] else counts[rep]
                counts[rep] = max(counts[rep], register + 1)
            homes[one.out] = Home("register", rep, register)
        taken = homes[one.out] if isinstance(one, Do | Load) else None
        for value in ending:
            home = homes[value]
            if home is not None and home != taken:
                free[home.rep].append(home.number)


def _shared(one: Do | Load, ending: list[int], homes: list[Home | None], rep: Rep) -> int | None:
    """The register of an operand that ends here and whose memory the result may take."""
    if isinstance(one, Load):
        return None
    allowed = one.operands if one.shares is None else tuple(one.operands[i] for i in one.shares)
    barred = () if one.shares is None else tuple(v for i, v in enumerate(one.operands) if i not in one.shares)
    for value in allowed:
        home = homes[value]
        if value in ending and value not in barred and home is not None and home.rep == rep:
            return home.number
    return None
