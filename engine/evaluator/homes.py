"""Where the values of a plan live: in scratch, in a number of their own, or in the batch itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.compiler.program import ROW
from engine.evaluator.kernels import Rep


@dataclass(frozen=True, slots=True)
class Home:
    """Where a value lives.

    `register`: scratch of a block's length on its axis. `single`: a number of its own. `prepared`: a constant of the
    version. `input`, `given` and `output`: in the batch itself, the block's part of a column; nothing is copied.
    `layout`, `parts`, `timeline`: what a `Hold` holds.
    """

    kind: Literal["register", "single", "prepared", "input", "given", "output", "layout", "parts", "timeline"]
    rep: Rep
    number: int  # which one of its kind; of an output: its step; of a timeline: its slot
    name: str = ""  # of an input
    axis: str = ROW
    timed: bool = False

    @property
    def in_batch(self) -> bool:
        """Whether it is another stretch of memory for each block."""
        return self.kind not in {"register", "single", "prepared"}
