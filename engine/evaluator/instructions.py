"""Numpy calls written down: instructions over values that are assigned once, still without memory.

`engine.evaluator.lower` writes them, `engine.evaluator.plan` gives them memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.compiler.program import ROW
from engine.evaluator.kernels import Call, Rep
from engine.evaluator.rows import Array


@dataclass(frozen=True, slots=True)
class Value:
    """Something assigned once: a column of a block, a single number, or a table."""

    rep: Rep
    single: bool  # the same for all rows of a version
    prepared: int = -1  # position in Code.prepared; -1: an instruction makes it
    axis: str = ROW
    timed: bool = False  # of a list: known by the place of the item alone, so the same for all rows that lie alike


@dataclass(frozen=True, slots=True)
class Load:
    """out = the block's part of an input, or of its `given` mask."""

    name: str
    mask: bool
    out: int


@dataclass(frozen=True, slots=True)
class Hold:
    """out = something of the block that is no column: the layout of a list or of bills' parts, a timeline laid out."""

    kind: Literal["layout", "parts", "timeline"]
    name: str  # of the list
    slot: int  # of the timeline
    out: int


@dataclass(frozen=True, slots=True)
class Do:
    """out = call(operands). `shares`: operands whose memory the result may take; None: any of its representation."""

    call: Call
    operands: tuple[int, ...]
    out: int
    shares: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Rows where the guard holds and the condition does not are refused, if nothing refused them before."""

    condition: int
    guard: int | None
    refusal: int


@dataclass(frozen=True, slots=True)
class Store:
    """The block's part of an output = value."""

    step: int
    value: int


Instruction = Load | Hold | Do | Check | Store


@dataclass
class Code:
    """What the lowering writes; `plan` gives it memory.

    Attributes:
        values: by number.
        instructions: in an order in which operands come first.
        prepared: constants and tables, each of shape (version or 1, cell).
        figures: positions in prepared of what a version gives; the rest is the program's own.
    """

    values: list[Value] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    prepared: list[Array] = field(default_factory=list)
    figures: set[int] = field(default_factory=set)
