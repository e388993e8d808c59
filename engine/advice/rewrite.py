"""An alternative -> the rows of customers as they would be under it, and who may not, or cannot, be told.

Takes rows that one rule set bills and the alternative's changes; gives rows for the ordinary evaluator. The changes are
computed by a program of the advice, in the same evaluator, so nothing here computes an amount.

    rows ─▶ changes of `first`, one after another ─▶ its own changes ─▶ rewritten rows, range of the value to search

Axis `row` is that of the rows given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.advice.columns import column_of, same_as, with_columns
from engine.compiler.advising import Advice, Alternative, Best, Change
from engine.compiler.program import ROW, Compiled, InputSpec, Program
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.reference import filled
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Array, Column, Mask, RowProblem, Rows, Whole, value_text

PRESENT: Final = ".present"
"""Behind the name of a step: that of the boolean that the row has it."""


@dataclass(frozen=True, slots=True)
class Range:
    """Between which values the best one is searched.

    Attributes:
        low: shape (row,) least lawful value, counted in steps.
        high: shape (row,) most.
    """

    best: Best
    low: Whole
    high: Whole


@dataclass(slots=True)
class Rewritten:
    """Rows under an alternative.

    Attributes:
        rows: with what it sets.
        unlawful: shape (row,) may not be billed so.
        unknown: shape (row,) something that it is computed from is not given.
        unchanged: shape (row,) it sets nothing that is not so already.
        problems: position -> why the changes could not be computed: an input of the advice that is out of bounds.
        costs: of each stage that has one, shape (row,) cost once, whether it is known, and its places.
        range: of the value to search.
        stages: what says why not, in order.
    """

    rows: Rows
    unlawful: Mask
    unknown: Mask
    unchanged: Mask
    problems: dict[int, RowProblem] = field(default_factory=dict)
    costs: list[tuple[Whole, Mask, int]] = field(default_factory=list)
    range: Range | None = None
    stages: list[Stage] = field(default_factory=list)

    def reason(self, row: int) -> str:
        """Why a row may not be billed so, in the words of the advice; "" where it says none."""
        for stage in self.stages:
            if stage.unlawful[row]:
                return stage.told(row)
        return ""

    def missing(self, row: int) -> str:
        """Which inputs are not given that the alternative is computed from, joined by commas."""
        for stage in self.stages:
            if stage.unknown[row]:
                return ", ".join(stage.missing(row))
        return ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One alternative's own changes, as computed."""

    alternative: Alternative
    program: Program
    asked: Asked
    rows: Rows
    unlawful: Mask
    unknown: Mask

    def told(self, row: int) -> str:
        """Why not, with its values; a value that the row lacks is a dash."""
        texts = {}
        for name, step in self.alternative.values:
            of = self.program.steps[self.program.names[step]].type
            there = self.asked.values.get(f"{step}{PRESENT}")
            known = there is None or bool(there[row])
            texts[name] = value_text(int(self.asked.values[step][row]), of) if known else "-"
        return filled(self.alternative.otherwise, texts)

    def missing(self, row: int) -> list[str]:
        """What is read and not there: inputs, and what has no price on the row's days."""
        needs = self.alternative.needs
        return list(dict.fromkeys(need.field for need in needs if not self.asked.values[need.met][row]))


@dataclass(frozen=True, slots=True)
class Asked:
    """Named values of a rewriting program.

    Attributes:
        values: name -> shape (row,); of a row that the door refuses, zero.
        problems: position -> why it is refused.
    """

    values: Mapping[str, Array]
    problems: Mapping[int, RowProblem]


def inputs_read(advice: Advice, compiled: Compiled) -> tuple[list[InputSpec], list[str]]:
    """Give the inputs of the row, and the lists, that a rule set and its advice read."""
    specs = {spec.name: spec for one in (advice.rewrite, compiled) for spec in row_inputs(one)}
    lists = {axis.name: None for one in (advice.rewrite, compiled) for axis in one.program.axes}
    return list(specs.values()), list(lists)


def rewrite(advice: Advice, alternative: Alternative, compiled: Compiled, rows: Rows, plans: Plans) -> Rewritten:
    """Rewrite rows.

    Args:
        advice: for the rule set that bills the rows.
        alternative: of the advice.
        compiled: that rule set.
        rows: that it bills, as `rows_of` gives them.
        plans: of the advice's program.
    """
    count = len(rows)
    unlawful, unknown = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    done = Rewritten(rows, unlawful, unknown, np.ones(count, np.bool_))
    for one in stages(advice, alternative):
        _apply(done, advice, one, plans)
    specs = {spec.name: spec for spec in row_inputs(compiled)}
    changed = {change.input for one in stages(advice, alternative) for change in one.changes}
    for name in changed & specs.keys():
        done.unchanged &= same_as(specs[name], rows.columns.get(name), done.rows.columns.get(name), count)
    return done


def stages(advice: Advice, alternative: Alternative) -> list[Alternative]:
    """Give the alternatives whose changes are made, in order, the alternative itself last."""
    before = [one for name in alternative.first for one in stages(advice, advice.alternatives[name])]
    return [*before, alternative]


def _apply(done: Rewritten, advice: Advice, alternative: Alternative, plans: Plans) -> None:
    """Make one alternative's own changes."""
    asked = _ask(advice.rewrite, done.rows, _names(advice.rewrite.program, alternative), plans)
    count = len(done.rows)
    unlawful, unknown = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    if alternative.lawful:
        unlawful = ~asked.values[alternative.lawful]
    if alternative.lawful_present:
        unknown = ~asked.values[alternative.lawful_present]
        unlawful &= ~unknown
    for change in alternative.changes:
        if change.present:
            unknown |= ~asked.values[change.present]
    best = alternative.best
    if best is not None and best.present:
        unknown |= ~asked.values[best.present]
    refused = list(asked.problems)
    unlawful[refused] = unknown[refused] = False
    done.stages.append(Stage(alternative, advice.rewrite.program, asked, done.rows, unlawful, unknown))
    done.unlawful |= unlawful
    done.unknown |= unknown
    done.problems |= {row: found for row, found in asked.problems.items() if row not in done.problems}
    program = advice.rewrite.program
    if alternative.cost:
        known = asked.values[alternative.cost_present] if alternative.cost_present else np.ones(count, np.bool_)
        places = program.steps[program.names[alternative.cost]].type.places
        done.costs.append((asked.values[alternative.cost], known, places))
    done.range = None if best is None else _range(program, best, asked)
    columns = {change.input: _column(program, change, asked, count) for change in alternative.changes}
    done.rows = with_columns(done.rows, columns)


def _names(program: Program, alternative: Alternative) -> set[str]:
    """Steps that are wanted of the rewriting program."""
    names = {alternative.lawful, alternative.lawful_present, alternative.cost, alternative.cost_present}
    names |= {need.met for need in alternative.needs}
    for _, step in alternative.values:
        names |= {step, *{f"{step}{PRESENT}"} & program.names.keys()}
    for change in alternative.changes:
        names |= {change.name, change.present}
    if alternative.best is not None:
        names |= {alternative.best.low, alternative.best.high, alternative.best.present}
    return names - {""}


def _ask(compiled: Compiled, rows: Rows, names: Iterable[str], plans: Plans) -> Asked:
    """Compute named values of every row that the door lets in."""
    names = sorted(names)
    if not names:
        return Asked({}, {})
    known = {spec.name for spec in row_inputs(compiled)}
    foreign = {*(rows.columns.keys() - known), *(rows.children.keys() - {axis.name for axis in compiled.program.axes})}
    result = evaluate(compiled, rows, pass_through=foreign, totals_only=True, plans=plans, besides=names)
    problems = {one.row: one for one in result.problems}
    return Asked({name: _whole(compiled, result, name) for name in names}, problems)


def _whole(compiled: Compiled, result: Result, name: str) -> Array:
    """A named value of every row that came."""
    values = result.steps[compiled.program.names[name]]
    if result.offsets is not None:
        values = values[result.offsets[:-1]]
    if result.positions is None:
        return values
    whole = np.zeros(result.received, values.dtype)
    whole[result.positions] = values
    return whole


def _column(program: Program, change: Change, asked: Asked, rows: int) -> Column | None:
    """What an input becomes; None: it is left out."""
    if change.absent:
        return None
    if change.code:
        return Column(np.zeros(rows, np.int64), codes=(change.code,))
    given = asked.values[change.present] if change.present else None
    return column_of(program.steps[program.names[change.name]].type, asked.values[change.name], given)


def _range(program: Program, best: Best, asked: Asked) -> Range:
    """The values between `low` and `high`, in steps: rounded to those that lie between."""
    low, high = ((asked.values[name], program.steps[program.names[name]].type.places) for name in (best.low, best.high))
    return Range(best, -_steps(-low[0], low[1], best), _steps(high[0], high[1], best))


def _steps(values: Whole, places: int, best: Best) -> Whole:
    """The most steps that a value holds."""
    down: Whole = values * 10 ** max(best.places - places, 0) // (best.step * 10 ** max(places - best.places, 0))
    return down


def own_inputs(advice: Advice) -> set[str]:
    """Columns and lists that an advice reads besides those of the rule set."""
    return {spec.name if spec.type.axis == ROW else spec.type.axis for spec in advice.inputs}
