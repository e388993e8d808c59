"""The clocks of a batch: for each interval list what a plan needs to know of the days that the batch is over.

Takes a plan and the billing periods of a batch; gives where each row's intervals begin, the timelines laid out, and the
days by kind for tallies. What depends on the days alone is kept for the next batch: most are over the same months.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.compiler.program import AxisSpec, Program
from engine.evaluator.clock import Clock, axis_clock, laid_out
from engine.evaluator.kernels import DTYPES, Rep
from engine.evaluator.plan import Plan
from engine.evaluator.rows import Array, Whole
from engine.evaluator.tallies import Kinds, Tally, day_kinds

KEPT_MAX = 16  # spans of days


@dataclass(frozen=True)
class Clocks:
    """The clocks of a batch.

    Attributes:
        begins: interval list -> shape (row,) number of each row's first interval.
        timelines: slot and representation -> shape (interval,).
        kinds: of a tally, the days.
    """

    begins: Mapping[str, Whole] = field(default_factory=dict)
    timelines: Mapping[tuple[int, Rep], Array] = field(default_factory=dict)
    kinds: Mapping[Tally, Kinds] = field(default_factory=dict)


@dataclass(frozen=True)
class _Span:
    """What is known of an interval list over a span of days."""

    clock: Clock
    timelines: Mapping[tuple[int, Rep], Array]
    kinds: Mapping[Tally, Kinds]


class Days:
    """Lays out the days of batches for one plan, and keeps what it laid out last. Threads may share it."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self._program = program
        self._plan = plan
        self._read = {
            axis.name: {(home.number, home.rep) for home in plan.homes if _is_timeline(home.kind, home.axis, axis)}
            for axis in program.axes
        }
        self._tallies = {
            axis.name: [one for one in plan.tallies if one.axis.name == axis.name] for axis in program.axes
        }
        self._kept: dict[tuple[str, int, int], _Span] = {}

    def of(self, inputs: Mapping[str, Array]) -> Clocks:
        """Give the clocks of a batch; `inputs` holds the first day and the day after the last of each row."""
        begins: dict[str, Whole] = {}
        timelines: dict[tuple[int, Rep], Array] = {}
        kinds: dict[Tally, Kinds] = {}
        for axis in self._program.axes:
            if self._read[axis.name] or self._tallies[axis.name]:
                first, end = inputs["period_from"], inputs["period_to"]
                span = self._span(axis, int(first.min()), int(end.max()))
                begins[axis.name] = span.clock.begins(first)
                timelines |= span.timelines
                kinds |= span.kinds
        return Clocks(begins, timelines, kinds)

    def _span(self, axis: AxisSpec, low: int, high: int) -> _Span:
        key = (axis.name, low, high)
        found = self._kept.get(key)
        if found is None:
            clock = axis_clock(self._program, axis, low, high)
            read = self._read[axis.name]
            values = {slot: laid_out(self._program.timelines[slot], clock) for slot in {slot for slot, _ in read}}
            found = _Span(
                clock,
                {(slot, rep): values[slot].astype(DTYPES[rep]) for slot, rep in read},
                {tally: day_kinds(tally, clock) for tally in self._tallies[axis.name]},
            )
            while len(self._kept) >= KEPT_MAX:
                self._kept.pop(next(iter(list(self._kept)), key), None)
            self._kept[key] = found
        return found


def _is_timeline(kind: str, of: str, axis: AxisSpec) -> bool:
    return kind == "timeline" and of == axis.name
