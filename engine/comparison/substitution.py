"""From an old rule set to a new one, parameter by parameter, so that each takes its part of a bill's difference.

    old ─figures of the first parameters─▶ stage 1 ─figures of the next─▶ … ─the rules, where they differ─▶ new

A row is billed by each stage; the difference of two neighbours is the part of what was put in between them, and the
parts add up to the whole difference because each stage begins where the one before it ended. Parameters go in the order
in which the rule set names them; those that no line of the bill reads together go into one stage, as their order says
nothing. Within a stage a line depends on one parameter at most, and which of its cells a row reads, on which days, is
told by the row. Where the new rules compute something else, the rules are the last stage, by charge; where the new
figures do not fit the old rules' decimal places, the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from engine.comparison.causes import Cause, Causes
from engine.comparison.cells import cell_name
from engine.comparison.intervals import Stretch, cut, stretches
from engine.comparison.proof import proven
from engine.compiler.folds import folded_cells
from engine.compiler.program import ROW, Compiled, Constants, Figure, Line, Program, Working
from engine.evaluator.family import alike, merged

Cells = tuple[Figure | None, ...]
_BESIDE = (" printed", " covered")  # constants that say whether there is a figure go with it


@dataclass(frozen=True, eq=False)
class Teller:
    """Which cause a difference of a line has.

    Attributes:
        numbers: shape (stretch, cell) cause, -1 where nothing changed.
        index: line that says which cell a part of a bill reads; "": there is one cell, or which is not known.
        otherwise: cause where the table has none: the change was in another part of the bill.
    """

    numbers: NDArray[np.int32]
    index: str
    otherwise: int


@dataclass(frozen=True, eq=False)
class Stage:
    """What bills a row after some more was put in.

    Attributes:
        compiled: a rule set; None: the new book's own.
        tellers: by line; of a line that is not there no difference is expected.
        charges: cause by charge, where lines say nothing; the cause `otherwise` for the rest.
        otherwise: cause of all else.
        stretch: version of `compiled` -> stretch.
        indexes: steps that say which cell is read.
    """

    compiled: Compiled | None
    tellers: Mapping[str, Teller]
    charges: Mapping[str, int]
    otherwise: int
    stretch: tuple[int, ...] = ()
    indexes: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Transition:
    """The stages from an old rule set to a new one; the last is always the new book's own."""

    old: Compiled
    new: Compiled
    stages: tuple[Stage, ...]
    cut_new: Constants | None = None  # the new rule set's, cut at the stretches that the last stage's tellers know


def transition(old: Compiled, new: Compiled, causes: Causes) -> Transition | None:
    """Find the stages; None: both bill alike."""
    same = _same_program(old, new)
    on = stretches(old.constants, new.constants)
    after_old = _Substitution(old, new, on, base_is_old=True)
    stages: list[Stage] = []
    if not same and after_old.misfits:
        after_new = _Substitution(new, old, on, base_is_old=False)
        if len(after_new.misfits) < len(after_old.misfits):
            start = after_new.compiled(frozenset())
            if start is not None:
                rules = _rules(old, new, causes)
                stages = [replace(rules, compiled=start[0], stretch=start[1]), *_figures(after_new, causes)]
                return _ending(old, new, stages, after_new.cut_base)
    if old.change_days != new.change_days and old.changes == "split":
        start = after_old.compiled(frozenset())
        if start is not None:
            days = causes.number(Cause(old.id, "days", "change_days"))
            stages.append(Stage(start[0], {}, {}, days, start[1]))
    stages += _figures(after_old, causes)
    if not same:
        return _ending(old, new, [*stages, _rules(old, new, causes)], None)
    return _ending(old, new, stages, after_old.cut_other) if stages else None


def _ending(old: Compiled, new: Compiled, stages: Sequence[Stage], cut_new: Constants | None) -> Transition:
    return Transition(old, new, (*stages[:-1], replace(stages[-1], compiled=None)), cut_new)


def _same_program(old: Compiled, new: Compiled) -> bool:
    return len(alike([old, new])) == 1 and merged([old, new]) is not None


def _rules(old: Compiled, new: Compiled, causes: Causes) -> Stage:
    charges = dict.fromkeys(line.charge for one in (old, new) for line in one.program.lines if line.money)
    numbers = {charge: causes.number(Cause(old.id, "rule", charge)) for charge in charges}
    return Stage(None, {}, numbers, causes.number(Cause(old.id, "rule", "")))


@dataclass(frozen=True)
class _Parameter:
    """A constant of the rules, as an analyst names it."""

    path: str
    slots: tuple[int, ...]  # of the base program; the first holds its figures


class _Substitution:
    """One program with figures of two rule sets."""

    def __init__(self, base: Compiled, other: Compiled, on: Sequence[Stretch], *, base_is_old: bool) -> None:
        self.base, self.other, self.on, self.base_is_old = base, other, on, base_is_old
        self.recipes = {one.slot: one for one in base.premises.folded}
        self.cut_base, self.stretch_base = cut(base.constants, on)
        self.cut_other, self.stretch_other = cut(other.constants, on)
        self.same = _same_program(base, other)
        self.misfits: list[str] = []
        self.start: list[list[Cells]] = []  # by stretch, by slot
        self.goal: list[list[Cells]] = []
        self._figures()
        self.parameters = self._parameters()
        self.of_slot = self._ancestors()

    def _figures(self) -> None:
        base, other = self.base.constants, self.other.constants
        where = self._mapped()
        near, far = [], []
        for one in self.on:
            own, its = (one.old, one.new) if self.base_is_old else (one.new, one.old)
            mine, theirs = base.figures[own], other.figures[its]
            near.append([self._of(mine, slot, base.slots[slot].cells) for slot in range(len(base.slots))])
            row = []
            for slot, cells in enumerate(near[-1]):
                at, by = where[slot]
                came = cells if at < 0 else self._at_places(self._of(theirs, at, len(cells)), by)
                if came is None:
                    self.misfits.append(base.slots[slot].path)
                row.append(cells if came is None else came)
            far.append(row)
        self.start, self.goal = (near, far) if self.base_is_old else (far, near)

    def _mapped(self) -> list[tuple[int, int]]:
        """Of each slot of the base, the other's, and by how many places more the base counts; -1: it has none."""
        mine, theirs = self.base.constants.slots, self.other.constants.slots
        if self.same:
            return [(at, 0) for at in range(len(mine))]
        by_path: dict[str, list[int]] = {}
        for at, slot in enumerate(theirs):
            by_path.setdefault(slot.path, []).append(at)
        found = []
        for at, slot in enumerate(mine):
            those = by_path.get(slot.path, [])
            fits = len(those) == 1 and at not in self.recipes and theirs[those[0]].keys == slot.keys
            fits = fits and theirs[those[0]].type.unit == slot.type.unit
            found.append((those[0], slot.type.places - theirs[those[0]].type.places) if fits else (-1, 0))
        return found

    @staticmethod
    def _of(row: Sequence[Cells], slot: int, count: int) -> Cells:
        return (row[slot] if slot < len(row) else ()) or (None,) * count

    @staticmethod
    def _at_places(cells: Cells, by: int) -> Cells | None:
        """Figures with more places, or fewer; None where digits would be lost."""
        if by == 0:
            return cells
        found: list[Figure | None] = []
        for figure in cells:
            if figure is None:
                found.append(None)
            elif by > 0:
                found.append(replace(figure, value=figure.value * 10**by))
            elif figure.value % 10**-by:
                return None
            else:
                found.append(replace(figure, value=figure.value // 10**-by))
        return tuple(found)

    def _parameters(self) -> tuple[_Parameter, ...]:
        """The parameters that change, in the order of the rule set."""
        found: dict[str, list[int]] = {}
        changed: set[str] = set()
        other_recipes = {one.slot: one for one in self.other.premises.folded}
        for at, slot in enumerate(self.base.constants.slots):
            if at in self.recipes and not (self.same and other_recipes.get(at) != self.recipes[at]):
                continue
            path = slot.path
            for ending in _BESIDE:
                path = path.removesuffix(ending)
            found.setdefault(path, []).append(at)
            if any(_values(a[at]) != _values(b[at]) for a, b in zip(self.start, self.goal, strict=True)):
                changed.add(path)
        return tuple(_Parameter(path, tuple(slots)) for path, slots in found.items() if path in changed)

    def _ancestors(self) -> list[frozenset[str]]:
        """By slot, the parameters that change it."""
        own = {slot: one.path for one in self.parameters for slot in one.slots}
        found: list[frozenset[str]] = []
        for at in range(len(self.base.constants.slots)):
            recipe = self.recipes.get(at)
            if at in own:
                found.append(frozenset({own[at]}))
            elif recipe is not None:
                found.append(frozenset().union(*(found[one.slot] for one in recipe.operands if one.slot >= 0)))
            else:
                found.append(frozenset())
        return found

    def constants(self, put_in: frozenset[str]) -> Constants:
        """The base's constants on the stretches, with the goal's figures of some parameters."""
        rows = []
        slots = self.base.constants.slots
        for start, goal in zip(self.start, self.goal, strict=True):
            row: list[Cells] = []
            for at, slot in enumerate(slots):
                changed = self.of_slot[at]
                recipe = self.recipes.get(at)
                if not changed:
                    row.append(start[at])
                elif recipe is None or len(changed) == 1:
                    row.append(goal[at] if changed <= put_in else start[at])
                else:
                    given = {
                        one.slot: (_values(row[one.slot]), row[one.slot]) for one in recipe.operands if one.slot >= 0
                    }
                    row.append(_folded(*folded_cells(recipe, slot.type, given)))
            rows.append(tuple(row))
        versions = tuple(
            replace(
                self.base.constants.versions[one.old if self.base_is_old else one.new],
                first_day=one.first_day,
                end_day=one.end_day,
            )
            for one in self.on
        )
        return Constants(slots, versions, tuple(rows))

    def compiled(self, put_in: frozenset[str]) -> tuple[Compiled, tuple[int, ...]] | None:
        """The base with some parameters put in, and the stretch of each version; None: it cannot be proven exact."""
        made = proven(self.base, self.constants(put_in))
        if made is None:
            return None
        return replace(made, change_days=_later(self).change_days), tuple(range(len(self.on)))


def _folded(values: Sequence[int | None], figures: Sequence[Figure | None]) -> Cells:
    return tuple(
        None if value is None else figure or Figure(str(value), value, None, "", "", None)
        for value, figure in zip(values, figures, strict=True)
    )


def _later(of: _Substitution) -> Compiled:
    return of.other if of.base_is_old else of.base


def _values(cells: Cells) -> tuple[int | None, ...]:
    return tuple(None if figure is None else figure.value for figure in cells)


def _figures(of: _Substitution, causes: Causes) -> list[Stage]:
    """The stages of figures, the last with no rule set of its own where the new book's is what comes of it."""
    if not of.parameters:
        return []
    reads = _reads(of.base.program, of.of_slot)
    together = _scheduled(of, reads)
    stages: list[Stage] = []
    put_in: frozenset[str] = frozenset()
    waiting: list[_Parameter] = []
    for number, group in enumerate(together):
        put_in |= {one.path for one in group}
        waiting += group
        ends = number == len(together) - 1 and (of.same or not of.base_is_old)
        made = None if ends else of.compiled(put_in)
        if made is None and not ends:
            continue  # it goes in with what comes next, and is told with it
        compiled, stretch = made or (None, of.stretch_other if of.base_is_old else of.stretch_base)
        stages.append(_stage(of, waiting, reads, causes, compiled, stretch))
        waiting = []
    return stages


def _scheduled(of: _Substitution, reads: Mapping[str, frozenset[int]]) -> list[list[_Parameter]]:
    """Parameters by stage: behind all earlier ones that some line reads, too."""
    lines = [frozenset().union(*(of.of_slot[_slot(of, at)] for at in steps)) for steps in reads.values()]
    stage: dict[str, int] = {}
    found: list[list[_Parameter]] = []
    for one in of.parameters:
        beside = frozenset().union(*(line for line in lines if one.path in line))
        number = max((stage[path] + 1 for path in beside if path in stage), default=0)
        stage[one.path] = number
        found += [[] for _ in range(number + 1 - len(found))]
        found[number].append(one)
    return found


def _slot(of: _Substitution, step: int) -> int:
    return of.base.program.steps[step].slot


def _reads(program: Program, of_slot: Sequence[frozenset[str]]) -> dict[str, frozenset[int]]:
    """Money lines -> steps that read what changes, on which their amounts depend."""
    below: list[frozenset[int]] = []
    for at, step in enumerate(program.steps):
        own = frozenset({at}) if step.primitive in ("constant", "cell") and of_slot[step.slot] else frozenset()
        below.append(own.union(*(below[operand] for operand in step.operands)))
    return {
        line.id: below[line.amount] | (frozenset() if line.shown is None else below[line.shown])
        for line in program.lines
        if line.money
    }


def _stage(
    of: _Substitution,
    group: Sequence[_Parameter],
    reads: Mapping[str, frozenset[int]],
    causes: Causes,
    compiled: Compiled | None,
    stretch: tuple[int, ...],
) -> Stage:
    tables = {one.path: _table(of, one, causes) for one in group}
    paths = frozenset(tables)
    tellers: dict[str, Teller] = {}
    indexes: set[int] = set()
    steps = of.base.program.steps
    for line, readers in reads.items():
        own = [at for at in sorted(readers) if of.of_slot[steps[at].slot] & paths]
        read = sorted(frozenset().union(*(of.of_slot[steps[at].slot] & paths for at in own)))
        if not read:
            continue
        if len(read) > 1:
            number = causes.number(Cause(of.base.id, "figures", ", ".join(read)))
            tellers[line] = Teller(np.full((len(of.on), 1), number, np.int32), "", number)
            continue
        numbers, joint = tables[read[0]]
        index = ""
        if numbers.shape[1] > 1:
            by = {steps[at].operands for at in own if steps[at].primitive == "cell"}
            fits = len(by) == 1 and all(steps[at].type.axis == ROW for at in own)
            fits = fits and {of.base.constants.slots[steps[at].slot].cells for at in own} == {numbers.shape[1]}
            if fits:
                (operand,) = next(iter(by))
                indexes.add(operand)
                index = index_line(operand)
            else:
                numbers = np.full((len(of.on), 1), joint, np.int32)
        tellers[line] = Teller(numbers, index, joint)
    first = tables[group[0].path][1]
    return Stage(compiled, tellers, {}, first, stretch, frozenset(indexes))


def index_line(step: int) -> str:
    """The line that says which cell a step reads."""
    return f"cell#{step}"


def with_indexes(compiled: Compiled, indexes: frozenset[int]) -> Compiled:
    """A rule set whose bills say, too, which cells they read."""
    if not indexes:
        return compiled
    program = compiled.program
    nothing = Working("", (), None, ())
    more = [
        Line(index_line(at), index_line(at), "", at, None, None, None, "", False, nothing) for at in sorted(indexes)
    ]
    return replace(compiled, program=replace(program, lines=(*program.lines, *more)))


def _table(of: _Substitution, one: _Parameter, causes: Causes) -> tuple[NDArray[np.int32], int]:
    """Shape (stretch, cell) cause of a parameter's changes; and the cause where it is not known which."""
    slot = of.base.constants.slots[one.slots[0]]
    found = np.full((len(of.on), slot.cells), -1, np.int32)
    printed: dict[tuple[object, ...], int] = {}
    for cell in range(slot.cells):
        run: list[int] = []
        for at in range(len(of.on) + 1):
            goes_on = at < len(of.on) and bool(run) and _alike(of, one, cell, run[0], at)
            goes_on = goes_on and of.on[at].first_day == of.on[run[-1]].end_day
            if run and not goes_on:
                # One printed number may stand in several cells: it is one cause, named after the first.
                key = _printed(of, one, cell, run)
                number = printed.get(key) if key is not None else None
                if number is None:
                    number = causes.number(_cause(of, one, cell, cell_name(slot, cell), run))
                    printed |= {} if key is None else {key: number}
                found[run, cell] = number
                run = []
            if at < len(of.on) and _differs(of, one, cell, at):
                run.append(at)
    numbers = sorted({int(number) for number in np.unique(found) if number >= 0})
    joint = numbers[0] if len(numbers) == 1 else causes.number(Cause(of.base.id, "figures", one.path))
    return found, joint


def _printed(of: _Substitution, one: _Parameter, cell: int, run: Sequence[int]) -> tuple[object, ...] | None:
    """What tells a printed number and what takes its place; None: it is not known where it is printed."""
    start, goal = (side[run[0]][one.slots[0]][cell] for side in (of.start, of.goal))
    if start is None or goal is None or start.place is None:
        return None
    return (start.place, start.value, goal.place, goal.text, goal.value, *run)


def _pair(of: _Substitution, one: _Parameter, cell: int, at: int) -> tuple[int | None, int | None]:
    start, goal = _values(of.start[at][one.slots[0]]), _values(of.goal[at][one.slots[0]])
    return start[cell], goal[cell]


def _differs(of: _Substitution, one: _Parameter, cell: int, at: int) -> bool:
    before, after = _pair(of, one, cell, at)
    return before != after


def _alike(of: _Substitution, one: _Parameter, cell: int, a: int, b: int) -> bool:
    return _pair(of, one, cell, a) == _pair(of, one, cell, b)


def _cause(of: _Substitution, one: _Parameter, cell: int, path: str, run: Sequence[int]) -> Cause:
    slot = of.base.constants.slots[one.slots[0]]
    before, after = (
        "" if value is None else f"{Decimal(value).scaleb(-slot.type.places):f}"
        for value in _pair(of, one, cell, run[0])
    )
    first, end = of.on[run[0]].first_day, of.on[run[-1]].end_day
    at = one.slots[0]
    printed = of.goal[run[0]][at][cell] or of.start[run[0]][at][cell]
    source = "" if printed is None else printed.source
    place = "" if printed is None or printed.place is None else f"{printed.place.file}:{printed.place.line}"
    return Cause(of.base.id, "figure", path, first, end, before, after, str(slot.type.unit), source, place)
