"""One trigger over the accounts of a block: memory in columns, transitions as numpy plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from engine.compiler.capacity import live
from engine.compiler.trigger import AT, WAS, Transition, Trigger
from engine.compiler.triggers.maker import IS
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.run import Workers, run
from engine.evaluator.worker import Table
from engine.triggers.layers import Columns, Grid, Layer, calendar, local_days
from engine.triggers.layout import Layout, Log, View

_DAYS: Final = {"period_from": 0, "period_to": 1, "day": 0, "bill_from": 0, "bill_to": 1}


@dataclass(frozen=True)
class Found:
    """Warnings of one trigger, raised or cleared together.

    Attributes:
        groups: shape (warning,) positions in the layout.
        at: shape (warning,) [us].
        tables: shape (warning,) of the event that completed it; -1: a deadline did.
        rows: shape (warning,).
        values: in the order of `Trigger.values`: values and whether they can be computed, each of shape (warning,).
    """

    trigger: Trigger
    layout: Layout | Grid
    state: Literal["raised", "cleared"]
    groups: Whole
    at: Whole
    tables: Whole
    rows: Whole
    values: tuple[tuple[Array, Mask], ...]


Memory = list[Array]
"""By remembered number: shape (group,) int64, or bool."""


class Running:
    """One trigger over a layout. Threads may share it."""

    def __init__(self, trigger: Trigger, log: Log, layout: Layout | Grid) -> None:
        self.trigger = trigger
        self._layout = layout
        self._steps = {one.event: _Step(trigger, one) for one in trigger.transitions}
        self._deadline = self._steps.get("")
        self._ends = View.of(trigger).ends if trigger.end_day is not None else AT.high
        types = {log.tables[number].type for number in range(len(log.tables))}
        self._looks = frozenset(types & self._steps.keys())
        self._dtypes = [np.bool_ if one.type.kind == "boolean" else np.int64 for one in trigger.remembered]

    def begin(self, groups: int) -> Memory:
        """Give the memory of a block of groups before their first event."""
        return [np.zeros(groups, dtype) for dtype in self._dtypes]

    def take(self, memory: Memory, layer: Layer, columns: Columns, found: list[Found]) -> None:
        """Process a layer's events; deadlines that have passed by then fire first."""
        if columns.type not in self._looks:
            return
        if self._deadline is not None:
            due = memory[self.trigger.due]
            due = due if layer.groups is None else due[layer.groups]
            passed = (due < layer.at) & (due > 0)
            if passed.any():
                groups = np.flatnonzero(passed) if layer.groups is None else layer.groups[passed]
                self._fire(memory, groups, layer.first, found)
        was = list(memory) if layer.groups is None else [column[layer.groups] for column in memory]
        step = self._steps[columns.type]
        ran = step.run(was, columns, layer.at)
        for place, column in ran.next.items():
            if layer.groups is None:
                memory[place] = column
            else:
                memory[place][layer.groups] = column
        for state, mask in (("cleared", ran.cleared), ("raised", ran.raised)):
            if mask is None or not mask.any():
                continue
            some = np.flatnonzero(mask)
            groups = layer.first + (some if layer.groups is None else layer.groups[some])
            values = step.values(was, columns, layer.at, some) if state == "raised" else ()
            tables = np.full(len(some), layer.table)
            told: Literal["raised", "cleared"] = "raised" if state == "raised" else "cleared"
            found.append(
                Found(self.trigger, self._layout, told, groups, layer.at[some], tables, layer.row(some), values)
            )

    def end(self, memory: Memory, first: int, until: int, found: list[Found]) -> None:
        """Fire deadlines before a time [us]."""
        if self._deadline is not None:
            due = memory[self.trigger.due]
            passed = np.flatnonzero((due > 0) & (due < until))
            if len(passed):
                self._fire(memory, passed, first, found)

    def _fire(self, memory: Memory, groups: Whole, first: int, found: list[Found]) -> None:
        """Fire the deadlines of some groups of a block."""
        step = self._deadline
        assert step is not None
        was = [column[groups] for column in memory]
        at = was[self.trigger.due]
        ran = step.run(was, None, at)
        for place, column in ran.next.items():
            memory[place][groups] = column
        if ran.raised is None:
            return
        # After the rules have ended what would have answered is not looked at: nothing is complete then.
        some = np.flatnonzero(ran.raised & (at < self._ends))
        if not len(some):
            return
        none = np.full(len(some), -1)
        values = step.values(was, None, at, some)
        found.append(Found(self.trigger, self._layout, "raised", first + groups[some], at[some], none, none, values))


@dataclass(frozen=True)
class _Ran:
    next: Mapping[int, Array]  # of the numbers that may change
    raised: Mask | None
    cleared: Mask | None


class _Step:
    """A transition as a numpy plan."""

    def __init__(self, trigger: Trigger, transition: Transition) -> None:
        program = transition.compiled.program
        self._trigger = trigger
        self._program = program
        self._steps = program.steps
        self._raised, self._cleared = transition.raised, transition.cleared
        unchanged = [
            program.steps[step].primitive == "input" and program.steps[step].name == f"{WAS}{one.name}"
            for step, one in zip(transition.next, trigger.remembered, strict=True)
        ]
        self._next = {place: step for place, step in enumerate(transition.next) if not unchanged[place]}
        self._values = transition.values
        self._memory = {f"{WAS}{one.name}": place for place, one in enumerate(trigger.remembered)}
        kept = {*self._next.values(), transition.raised, transition.cleared} - {-1}
        told = {step for pair in transition.values for step in pair} - {-1}
        self._changing = _Plan(transition, frozenset(kept))
        self._telling = _Plan(transition, frozenset(told))
        self._starts = np.array([one.first_day for one in transition.compiled.constants.versions], np.int64)

    def run(self, was: Sequence[Array], columns: Columns | None, at: Whole) -> _Ran:
        """Give what is remembered afterwards, and what is raised and cleared."""
        made = self._outputs(self._changing, was, columns, at, None)
        return _Ran(
            {place: made[step] for place, step in self._next.items()},
            made[self._raised] if self._raised >= 0 else None,
            made[self._cleared] if self._cleared >= 0 else None,
        )

    def values(
        self, was: Sequence[Array], columns: Columns | None, at: Whole, some: Whole
    ) -> tuple[tuple[Array, Mask], ...]:
        """Give the values that the message names, of some events, with whether they can be computed."""
        made = self._outputs(self._telling, [column[some] for column in was], columns, at[some], some)
        every = np.ones(len(some), np.bool_)
        return tuple((made[step], every if told < 0 else made[told]) for step, told in self._values)

    def _outputs(
        self, plan: _Plan, was: Sequence[Array], columns: Columns | None, at: Whole, some: Whole | None
    ) -> Mapping[int, Array]:
        count = len(at)
        if not plan.outputs:
            return {}
        inputs: dict[str, Array] = {}
        day: Whole | None = None
        zone = self._trigger.timezone
        if plan.by_day or len(self._starts) > 1:
            if columns is None:
                day = local_days(at, zone)
            else:
                day = columns.days(zone) if some is None else columns.days(zone)[some]
        for name in plan.inputs:
            if name.startswith(WAS):
                inputs[name] = was[self._memory[name]]
            elif name.startswith(IS):
                inputs[name] = at if name == f"{IS}at" else self._told(name.removeprefix(IS), day, columns, some)
            elif name in _DAYS:
                assert day is not None
                inputs[name] = day + _DAYS[name]
            elif name in ("part", "parts"):
                inputs[name] = np.ones(count, np.int64)
            else:
                assert columns is not None, f"the deadline reads {name}"
                value = columns.value(name)
                inputs[name] = value if some is None else value[some]
        given = {}
        for name in plan.given:
            assert columns is not None, f"the deadline reads {name}"
            mask = columns.given(name)
            given[name] = mask if some is None else mask[some]
        if len(self._starts) > 1:
            assert day is not None
            version = np.clip(np.searchsorted(self._starts, day, "right") - 1, 0, None)
        else:
            version = np.broadcast_to(np.int64(0), count)
        table = Table(count, plan.outputs)
        run(plan.workers, inputs, given, version, table, threads=1, block_rows=count)
        assert table.refusal is None, f"a transition of {self._trigger.id} refuses an event"
        return table.outputs

    def _told(self, name: str, day: Whole | None, columns: Columns | None, some: Whole | None) -> Whole:
        """What is told of the day of each event."""
        if columns is not None and some is None:
            return columns.calendar(name, self._trigger.timezone)
        assert day is not None
        return calendar(name, day)


class _Plan:
    """The steps of a program that are wanted, and what they read."""

    def __init__(self, transition: Transition, wanted: frozenset[int]) -> None:
        program, constants = transition.compiled.program, transition.compiled.constants
        self.outputs: dict[int, type[np.generic]] = {
            step: np.bool_ if program.steps[step].type.kind == "boolean" else np.int64 for step in sorted(wanted)
        }
        self.workers = Workers(program, constants, wanted)
        read = [program.steps[step] for step in live(program, wanted)]
        self.inputs = tuple(dict.fromkeys(step.name for step in read if step.primitive == "input"))
        self.given = tuple(dict.fromkeys(step.name for step in read if step.primitive == "given"))
        self.by_day = any(name in _DAYS or (name.startswith(IS) and name != f"{IS}at") for name in self.inputs)
