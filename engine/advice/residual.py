"""What is left of a program when one input is searched: the steps that depend on it.

Takes a rule set and the rows of accounts; computes once all that does not depend on the input. What is left is a
program of its own, with those values as inputs, run by the ordinary evaluator for as many values of the input as are
asked for. The kernels are those that bill, so that totals are those of bills.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from engine.advice.bounds import Form, Over, Real, bound, of_input, of_values, wants_start
from engine.advice.columns import with_columns
from engine.compiler.advising import Best
from engine.compiler.program import BOOLEAN, ELEMENTWISE_NOT, ROW, Compiled, InputSpec, Program, Step
from engine.evaluator.door import Door, admit
from engine.evaluator.evaluate import BLOCK_ROWS
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Array, Column, Mask, Rows, Whole
from engine.evaluator.run import Workers, run
from engine.evaluator.worker import NOT_REFUSED, Table

KEPT: Final = frozenset({"literal", "constant", "cell", "rescale"})
"""Steps that stay in a residual program although they do not depend on the input: kernels are chosen by them."""


@dataclass(frozen=True)
class Left:
    """A program cut in two.

    Attributes:
        base: the whole, without the refusals that depend on the input.
        residual: the rest; its steps are in the order of the whole.
        leaves: steps of the whole that are inputs of the rest.
        step: position in the whole -> position in the rest.
        depends: positions in the rest of the steps that depend on the input.
    """

    base: Program
    residual: Program
    leaves: tuple[int, ...]
    step: dict[int, int]
    depends: frozenset[int]


def leaf(step: int) -> str:
    """Name a value that was computed before, as an input of what is left."""
    return f"@{step}"


def cut(program: Program, name: str) -> Left | None:
    """Cut a program where an input comes in.

    Returns:
        None where what depends on the input goes over lists, or over parts of a row, or where it is divided between
        these.
    """
    if any(spec.split for spec in program.inputs if spec.name == name):
        return None
    depends = _depending(program, name)
    read = _read(program, depends)
    for at in read & depends:
        step = program.steps[at]
        if step.type.axis != ROW or (step.primitive in ELEMENTWISE_NOT and step.primitive != "require"):
            return None
    kept = _kept(program, read & depends)
    leaves = {operand for at in kept for operand in program.steps[at].operands} - kept
    if program.total not in kept:
        leaves.add(program.total)
    steps: list[Step] = []
    position: dict[int, int] = {}
    for at in sorted(kept | leaves):
        step = program.steps[at]
        position[at] = len(steps)
        if at in leaves:
            steps.append(Step("input", (), step.type, name=leaf(at)))
        else:
            steps.append(replace(step, operands=tuple(position[one] for one in step.operands)))
    inputs = [InputSpec(leaf(at), program.steps[at].type) for at in sorted(leaves)]
    inputs += [spec for spec in program.inputs if spec.name == name]
    residual = replace(
        program,
        inputs=tuple(inputs),
        steps=tuple(steps),
        lines=(),
        total=position[program.total],
        ledgers=(),
        warnings=(),
        names={},
        axes=(),
        timelines=(),
        scores=(),
        segments=(),
    )
    held = Step("literal", (), BOOLEAN, value=1)
    base = replace(
        program,
        steps=tuple(
            held if one.primitive == "require" and at in depends else one for at, one in enumerate(program.steps)
        ),
    )
    return Left(base, residual, tuple(sorted(leaves)), position, frozenset(position[at] for at in kept & depends))


def _depending(program: Program, name: str) -> set[int]:
    found: set[int] = set()
    for at, step in enumerate(program.steps):
        if (step.primitive == "input" and step.name == name) or not found.isdisjoint(step.operands):
            found.add(at)
    return found


def _read(program: Program, depends: set[int]) -> set[int]:
    """Steps that the total, or a refusal that depends on the input, reads; they too."""
    wanted = {program.total} | {at for at in depends if program.steps[at].primitive == "require"}
    for at in range(len(program.steps) - 1, -1, -1):
        if at in wanted:
            wanted.update(program.steps[at].operands)
    return wanted


def _kept(program: Program, depends: set[int]) -> set[int]:
    """Steps of what is left: those that depend, and what their kernels are chosen by."""
    found = set(depends)
    left = list(depends)
    while left:
        for operand in program.steps[left.pop()].operands:
            step = program.steps[operand]
            if operand not in found and step.primitive in KEPT and step.type.axis == ROW:
                found.add(operand)
                left.append(operand)
    return found


@dataclass(frozen=True)
class Priced:
    """Stretches of an input's values, by row: what the rows come to at the start, and bounds beyond.

    Attributes:
        total: shape (pair,) at the start; it says nothing of a row refused.
        refused: shape (pair,) whether the row is refused at the start.
        bounds: of the total over the stretch.
        never: shape (pair,) whether the row is refused in the whole stretch.
    """

    total: Whole
    refused: Mask
    bounds: Form
    never: Mask


class Residual:
    """A rule set's rows, ready to be priced at any value of one input.

    Rows that are cut into parts have a part for each; `account` is of those. Raises `TooWide` where no kernel holds
    what is left of the program: it has to be billed as a whole then.

    Attributes:
        account: shape (part,) ascending.
        hopeless: accounts with a row that is refused whatever the value is.
    """

    def __init__(self, compiled: Compiled, left: Left, rows: Rows, account: Whole, best: Best, low: Whole) -> None:
        """`low`: shape (account,) a lawful value, in steps."""
        self.left = left
        self.best = best
        self.unit = best.step
        start = Column(low[account] * best.step, best.places)
        known = {spec.name for spec in row_inputs(compiled)} | {axis.name for axis in compiled.program.axes}
        foreign = {*rows.columns, *rows.children, best.input} - known
        door = admit(compiled, with_columns(rows, {best.input: start}), pass_through=foreign)
        outputs, refused = _computed(left, compiled, door)
        part_row = door.kept if door.offsets is None else np.repeat(door.kept, np.diff(door.offsets))
        turned = np.array([one.row for one in door.problems], np.int64)
        self.hopeless: Whole = np.unique(np.concatenate([account[turned], account[part_row[refused]]]))
        keep = np.flatnonzero(~np.isin(account[part_row], self.hopeless))
        self.account: Whole = account[part_row[keep]]
        self.values = {at: outputs[at][keep] for at in left.leaves}
        self.version: Whole = door.version[keep]
        wanted = {left.residual.total}
        for at, step in enumerate(left.residual.steps):
            computed = step.primitive not in ("input", "literal", "require")
            if computed and (at not in left.depends or wants_start(step)):
                wanted.add(at)
        self.wanted = frozenset(wanted)
        self.workers = Workers(left.residual, compiled.constants, self.wanted)
        for mixed in (False, True):  # raises TooWide before anything is priced
            self.workers.plan((mixed, False, frozenset()))

    @cached_property
    def _counts(self) -> tuple[Whole, Whole]:
        """First part and number of parts of each account."""
        accounts = int(self.account[-1]) + 1 if len(self.account) else 0
        counts = np.bincount(self.account, minlength=accounts)
        return np.cumsum(counts) - counts, counts

    def pairs(self, account: Whole) -> tuple[Whole, Whole]:
        """Give the parts of some accounts, account by account, and for each part which of those accounts it is of."""
        first, counts = self._counts
        known = account < len(counts)
        each = np.where(known, counts[np.where(known, account, 0)], 0) if len(counts) else np.zeros_like(account)
        of = np.repeat(np.arange(len(account)), each)
        ends = np.cumsum(each)
        part = np.arange(len(of)) - np.repeat(ends - each, each)
        return part + (first[account[of]] if len(of) else part), of

    def price(self, part: Whole, start: Whole, width: Whole) -> Priced:
        """Price parts, each at the start of a stretch and over it.

        Args:
            part: shape (pair,) positions of parts.
            start: shape (pair,) first value, in steps.
            width: shape (pair,) steps to the last value.
        """
        value = start * self.unit
        inputs: dict[str, Array] = {leaf(at): of[part] for at, of in self.values.items()}
        inputs[self.best.input] = value
        program = self.left.residual
        table = _table(program, self.wanted, len(part))
        run(self.workers, inputs, {}, self.version[part], table, threads=1, block_rows=BLOCK_ROWS)
        refused = np.zeros(len(part), np.bool_) if table.refusal is None else table.refusal != NOT_REFUSED
        bounds, never = self._bounds(inputs, value, width.astype(np.float64), table)
        return Priced(table.outputs[program.total], refused, bounds, never)

    def _bounds(self, inputs: dict[str, Array], value: Whole, width: Real, table: Table) -> tuple[Form, Mask]:
        """Bound the total over the stretches, and find where a row is refused in all of one."""
        program = self.left.residual
        forms: list[Form | None] = []
        last = self._last
        never = np.zeros(len(value), np.bool_)
        for at, step in enumerate(program.steps):
            if step.primitive == "input":
                own = step.name == self.best.input
                forms.append(of_input(value, self.unit) if own else of_values(inputs[step.name]))
                continue
            operands = [form for one in step.operands if (form := forms[one]) is not None]
            if step.primitive == "require":
                condition, *guard = operands
                fails = condition.at + condition.high <= 0
                if guard:
                    fails = fails & (guard[0].at + guard[0].low >= 1)
                never |= fails
                forms.append(None)
            elif step.primitive == "literal":
                forms.append(of_values(np.array([step.value])))
            elif at in self.left.depends:
                types = [program.steps[one].type for one in step.operands]
                forms.append(bound(Over(step, types, width, table.outputs.get(at)), operands))
            else:
                forms.append(of_values(table.outputs[at]))
            for one in step.operands:
                if last[one] == at and one != program.total:
                    forms[one] = None
        found = forms[program.total]
        assert found is not None, "the total is read by nobody"
        return found, never

    @cached_property
    def _last(self) -> dict[int, int]:
        """Step -> the last step that reads it."""
        return {one: at for at, step in enumerate(self.left.residual.steps) for one in step.operands}


def _computed(left: Left, compiled: Compiled, door: Door) -> tuple[Mapping[int, Array], Mask]:
    """What does not depend on the input, and which parts are refused whatever it is."""
    outputs = frozenset(left.leaves)
    table = _table(left.base, outputs, len(door.version))
    run(
        Workers(left.base, compiled.constants, outputs),
        door.inputs,
        door.given,
        door.version,
        table,
        threads=1,
        block_rows=BLOCK_ROWS,
        lists=door.lists,
        bills=door.offsets,
        unchecked=door.unchecked,
    )
    none = np.zeros(len(door.version), np.bool_)
    return table.outputs, none if table.refusal is None else table.refusal != NOT_REFUSED


def _table(program: Program, steps: Collection[int], rows: int) -> Table:
    """Columns for some steps of a row."""
    booleans = {at for at in steps if program.steps[at].type.kind == "boolean"}
    return Table(rows, {at: np.bool_ if at in booleans else np.int64 for at in sorted(steps)})
