"""Mend drawn rows so that most can be billed, and aim them at the edges of conditions.

A row drawn input by input is refused nearly always where a rule wants inputs to agree (a total against its periods) or
an input only under a condition. This looks at the program: which `given` a `require` asks for, and where two sides of
a comparison would be equal. It computes with the evaluator, which is no loss: what is drawn is judged by the reference.
Only inputs of the row are moved; of a row in parts, by what its last part comes to, which often reads the whole bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.compiler.program import ROW, Compiled, InputSpec, Program, Step
from engine.evaluator.door import admit
from engine.evaluator.drawn import Drawn, batch
from engine.evaluator.evaluate import BLOCK_ROWS, Plans
from engine.evaluator.row_door import OF_BILL, row_inputs, supplied
from engine.evaluator.rows import Array, Mask, Whole
from engine.evaluator.run import run
from engine.evaluator.worker import Table

AIMED_SHARE = 0.4  # of rows that are moved to the edge of a comparison, each round
BESIDE_SHARE = 0.4  # of rows that meet a limit at its edge, of those that are made to meet it
REDRAWN_SHARE = 0.7  # of rows in which a code or truth is drawn again, where a table or a rule refuses the row
AGREED_SHARE = 0.9  # of rows in which inputs that a rule wants equal are made so
COMPARISONS = ("less", "less_equal", "equal", "minimum", "maximum")
MOVED = ("number", "date")  # kinds of input that can be moved to an edge
LINEAR = ("rescale", "claim", "negate", "add", "subtract", "absolute")


@dataclass(frozen=True, slots=True)
class Target:
    """A comparison whose sides can be made equal by moving an input."""

    left: int
    right: int
    input: str
    factor: int  # left - right grows by so many whole numbers where the input grows by one
    agreed: bool  # the rows in which the sides differ are refused


@dataclass(frozen=True, slots=True)
class Wish:
    """A `require` that wants an input given, or not."""

    condition: int
    guard: int | None
    input: str
    given: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """A `require` that a row can meet by moving an input to the edge of a comparison beneath it."""

    condition: int
    guard: int | None
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A `require` that a row may meet by another code or truth."""

    condition: int
    guard: int | None
    inputs: tuple[InputSpec, ...]


Off = Callable[[Target, int, np.random.Generator], Whole]
"""How far from an edge rows are moved, in steps of the target's input."""


def _nowhere(_: Target, count: int, _random: np.random.Generator) -> Whole:
    return np.zeros(count, np.int64)


def _beside(_: Target, count: int, random: np.random.Generator) -> Whole:
    return random.integers(-1, 2, size=count)


class Guide:
    """What a program says about rows worth drawing."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        program = compiled.program
        known = {spec.name for spec in row_inputs(compiled)}
        self.wishes = tuple(_wishes(program))
        self.targets = tuple(_targets(program, known))
        self.others = tuple(target for target in self.targets if not target.agreed)
        self.agreed = tuple(_by_sides(target for target in self.targets if target.agreed))
        self.limits = tuple(_limits(program, self.targets))
        self.choices = tuple(_choices(program))
        steps = {step for target in self.targets for step in (target.left, target.right)}
        requires: tuple[Wish | Limit | Choice, ...] = (*self.wishes, *self.limits, *self.choices)
        steps |= {one.condition for one in requires} | {one.guard for one in requires if one.guard is not None}
        self._steps = tuple(sorted(steps))
        self._plans = Plans(compiled)

    def mend(self, drawn: Drawn, random: np.random.Generator, *, aim: bool) -> None:
        """Change rows in place: give what is missing, leave out what is not needed, make equal what should be.

        Args:
            drawn: rows with values in their bounds.
            random: decides which rows.
            aim: also move rows to the edges of comparisons. The last times not, so that few are refused for it.
        """
        kept, of_parts, offsets = self._computed(drawn)
        if not len(kept):
            return
        values = of_parts if offsets is None else {step: one[offsets[1:] - 1] for step, one in of_parts.items()}

        def fails(one: Wish | Choice | Limit) -> Mask:
            return _fails(of_parts, one.condition, one.guard, offsets)

        for wish in self.wishes:
            _grant(drawn, wish.input, kept[fails(wish)], wish.given)
        for choice in self.choices:
            failing = fails(choice)
            which = random.integers(len(choice.inputs), size=len(kept))
            for at, spec in enumerate(choice.inputs):
                rows = kept[failing & (which == at) & (random.random(len(kept)) < REDRAWN_SHARE)]
                _redraw(drawn, spec, rows, random)
        for limit in self.limits:
            self._move_one(drawn, limit.targets, kept, values, fails(limit), random, self._away)
        for targets in self.agreed:
            self._move_one(drawn, targets, kept, values, random.random(len(kept)) < AGREED_SHARE, random, _nowhere)
        if aim and self.others:
            self._move_one(drawn, self.others, kept, values, random.random(len(kept)) < AIMED_SHARE, random, _beside)

    def _computed(self, drawn: Drawn) -> tuple[Whole, dict[int, Array], Whole | None]:
        """Compute the steps of interest in the parts of the rows that the door lets in; give those rows, too."""
        door = admit(self.compiled, batch(self.compiled, drawn))
        dtypes: dict[int, type[np.generic]] = {
            step: np.bool_ if self.compiled.program.steps[step].type.kind == "boolean" else np.int64
            for step in self._steps
        }
        table = Table(len(door.version), dtypes)
        run(
            self._plans.of(self._steps),
            door.inputs,
            door.given,
            door.version,
            table,
            threads=1,
            block_rows=BLOCK_ROWS,
            lists=door.lists,
            bills=door.offsets,
        )
        return door.kept, table.outputs, door.offsets

    def _move_one(
        self,
        drawn: Drawn,
        targets: Sequence[Target],
        kept: Whole,
        values: dict[int, Array],
        where: Mask,
        random: np.random.Generator,
        off: Off,
    ) -> None:
        """Move one input of each row: several inputs moved by the same gap would overshoot."""
        which = random.integers(len(targets), size=len(kept))
        for at, target in enumerate(targets):
            self._move(drawn, target, kept, values, where & (which == at), off(target, len(kept), random))

    def _away(self, target: Target, count: int, random: np.random.Generator) -> Whole:
        """Draw how far from an edge a limit is to be met: beside it, or some way off on either side."""
        of = self._spec(target).type
        far = np.exp(random.random(count) * np.log1p(float(of.high) - float(of.low))).clip(0, 2.0**61)
        some_way = (far * random.choice([-1.0, 1.0], size=count)).astype(np.int64)
        return np.where(random.random(count) < BESIDE_SHARE, _beside(target, count, random), some_way)

    def _spec(self, target: Target) -> InputSpec:
        return next(spec for spec in self.compiled.program.inputs if spec.name == target.input)

    def _move(
        self, drawn: Drawn, target: Target, kept: Whole, values: dict[int, Array], where: Mask, off: Whole
    ) -> None:
        """Move an input so that the sides are equal, or `off` steps of the input apart, within its bounds.

        Where the sides must agree and one input cannot make them, it goes as far as it can, and another goes on from
        there in the next round.
        """
        spec = self._spec(target)
        rows = kept[where]
        gap = values[target.left][where] - values[target.right][where]
        moved = drawn.values[target.input][rows] - gap // target.factor + off[where]
        inside = np.clip(moved, spec.type.low, spec.type.high)
        possible = drawn.given[target.input][rows] & (target.agreed | (moved == inside))
        drawn.values[target.input][rows[possible]] = inside[possible]


def _fails(values: dict[int, Array], condition: int, guard: int | None, offsets: Whole | None) -> Mask:
    """Tell the rows that a `require` refuses, in any of their parts."""
    fails = ~values[condition].astype(np.bool_)
    fails = fails if guard is None else fails & values[guard].astype(np.bool_)
    return fails if offsets is None else np.logical_or.reduceat(fails, offsets[:-1])


def _grant(drawn: Drawn, name: str, rows: Whole, given: bool) -> None:
    """Give an input or a list in some rows, or leave it out; of a list's input, in all items."""
    if name in drawn.given:
        drawn.given[name][rows] = given
    elif name in drawn.lists:
        drawn.lists[name].present[rows] = given
    else:
        its = drawn.lists[name.partition(".")[0]]
        its.given[name][np.isin(its.row, rows)] = given


def _redraw(drawn: Drawn, spec: InputSpec, rows: Whole, random: np.random.Generator) -> None:
    """Draw a code or truth again in some rows; of a list, in all their items."""
    if spec.type.axis == ROW:
        drawn.values[spec.name][rows] = random.integers(spec.type.high + 1, size=len(rows))
        return
    its = drawn.lists[spec.type.axis]
    items = np.flatnonzero(np.isin(its.row, rows))
    its.values[spec.name][items] = random.integers(spec.type.high + 1, size=len(items))


def _limits(program: Program, targets: tuple[Target, ...]) -> list[Limit]:
    """Find the rule set's own refusals that rest on a comparison of numbers or days."""
    found = []
    for step in program.steps:
        if step.primitive == "require" and program.refusals[step.refusal].code != "period-too-long":
            beneath = _comparisons(program, step.operands[0], ("less", "less_equal"))
            sides = {program.steps[at].operands for at in beneath}
            guard = step.operands[1] if len(step.operands) > 1 else None
            about = [one for one in targets if (one.left, one.right) in sides]
            found += [Limit(step.operands[0], guard, group) for group in _by_sides(about)]
    return found


def _by_sides(targets: Iterable[Target]) -> list[tuple[Target, ...]]:
    """Group the targets of one comparison."""
    groups: dict[tuple[int, int], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.left, target.right), []).append(target)
    return [tuple(group) for group in groups.values()]


def _wishes(program: Program) -> list[Wish]:
    """Find the requirements that a row can meet by giving an input or a list, or by leaving it out."""
    known = {spec.name for spec in program.inputs if not supplied(spec.name)} | {axis.name for axis in program.axes}
    found = []
    for step in program.steps:
        if step.primitive != "require":
            continue
        refusal = program.refusals[step.refusal]
        if refusal.field in known and refusal.code in ("missing-value", "not-needed"):
            guard = step.operands[1] if len(step.operands) > 1 else None
            found.append(Wish(step.operands[0], guard, refusal.field, refusal.code == "missing-value"))
    return found


def _targets(program: Program, known: set[str]) -> list[Target]:
    agreed = _agreed(program)
    found = []
    for at, step in enumerate(program.steps):
        compares = step.primitive in COMPARISONS and step.type.axis == ROW
        if not compares or program.steps[step.operands[0]].type.kind not in MOVED:
            continue
        left, right = step.operands
        factors = _factors(program, left)
        for name, factor in _factors(program, right).items():
            factors[name] = factors.get(name, 0) - factor
        found += [
            Target(left, right, name, factor, at in agreed)
            for name, factor in factors.items()
            if factor and name in known
        ]
    return found


def _factors(program: Program, root: int) -> dict[str, int]:
    """Give the inputs in which a step is linear, with the whole number by which it grows with each."""
    step: Step = program.steps[root]
    if step.primitive == "input":
        return {step.name.removesuffix(OF_BILL): 1} if step.type.kind in MOVED else {}
    if step.primitive not in LINEAR:
        return {}
    total: dict[str, int] = {}
    for at, operand in enumerate(step.operands):
        sign = -1 if step.primitive == "negate" or (step.primitive == "subtract" and at == 1) else 1
        by = 10 ** (step.type.places - program.steps[operand].type.places) if step.primitive == "rescale" else 1
        for name, factor in _factors(program, operand).items():
            total[name] = total.get(name, 0) + sign * by * factor
    return total


def _agreed(program: Program) -> set[int]:
    """Find the `equal` steps that a requirement wants to hold: a row in which the sides differ may be refused."""
    found: set[int] = set()
    for step in program.steps:
        if step.primitive == "require":
            found |= _comparisons(program, step.operands[0], ("equal",), wanted=True)
    return found


def _comparisons(program: Program, root: int, primitives: tuple[str, ...], wanted: bool | None = None) -> set[int]:
    """Find the comparisons of numbers or days that a condition is made of; `wanted`: those that help it by being so."""
    found: set[int] = set()
    waiting = [(root, True)]
    while waiting:
        at, helps = waiting.pop()
        one = program.steps[at]
        if one.primitive in primitives and program.steps[one.operands[0]].type.kind in MOVED:
            if wanted is None or wanted == helps:
                found.add(at)
        elif one.primitive in ("both", "either", "negation"):
            waiting += [(operand, helps != (one.primitive == "negation")) for operand in one.operands]
    return found


def _choices(program: Program) -> list[Choice]:
    """Find the requirements that codes and truths may meet."""
    found = []
    for step in program.steps:
        if step.primitive == "require" and program.refusals[step.refusal].code in ("no-table-cell", "refused-by-rule"):
            below = _chosen_below(program, step.operands)
            specs = tuple(spec for spec in program.inputs if spec.name in below)
            guard = step.operands[1] if len(step.operands) > 1 else None
            if specs:
                found.append(Choice(step.operands[0], guard, specs))
    return found


def _chosen_below(program: Program, roots: Sequence[int]) -> set[str]:
    """Name the codes and truths that steps read."""
    found: set[str] = set()
    waiting, seen = list(roots), set(roots)
    while waiting:
        step = program.steps[waiting.pop()]
        if step.primitive == "input" and step.type.kind in ("code", "boolean"):
            found.add(step.name)
        new = set(step.operands) - seen
        seen |= new
        waiting += new
    return found
