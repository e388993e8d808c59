"""Rule sets of one structure as one program, so that rows of all of them are billed in the order in which they come.

Takes rule sets that compute the same steps with other numbers; gives a `Family`: a rule set that holds the versions of
all its members one after another, and tables by member and day that say which of them bills a row.

A step's bounds are the union of its members'. That is sound: a row is computed with the figures of its own member
alone, so its values stay in that member's bounds, and the kernels, which are chosen for the union, hold them. A figure
that is absent in a member reads as the low of that member's own type, as it does where the member stands alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine.compiler.capacity import too_wide
from engine.compiler.program import END_DAY, FIRST_DAY, PARTS_MAX, ROW, Compiled, Constants, Figure, Program
from engine.evaluator.member_days import NO_VERSION, ByDay
from engine.evaluator.row_door import row_inputs
from engine.evaluator.rows import Array, Whole

Row = tuple[tuple[Figure | None, ...], ...]  # the figures of a version, by slot


@dataclass(frozen=True, eq=False)
class Family:
    """Rule sets of one structure.

    Attributes:
        members: the rule sets.
        compiled: what bills their rows: the first member with the bounds and the versions of all. What it says of
            titles and places is the first's; a row's own are those of its member.
        firsts: position in `compiled.constants.versions` of each member's first version.
    """

    members: tuple[Compiled, ...]
    compiled: Compiled
    firsts: tuple[int, ...]

    @classmethod
    def alone(cls, compiled: Compiled) -> Family:
        """A rule set by itself."""
        return cls((compiled,), compiled, (0,))

    @cached_property
    def of_rows(self) -> frozenset[str]:
        """Names of the columns that a row gives by themselves."""
        return frozenset(spec.name for spec in row_inputs(self.compiled))

    @cached_property
    def of_lists(self) -> frozenset[str]:
        """Names of the columns of lists, each with its list's."""
        return frozenset(spec.name for spec in self.compiled.program.inputs if spec.type.axis != ROW)

    @cached_property
    def first_day(self) -> Whole:
        """Shape (member,): the day from which each is in force."""
        return np.array([one.first_day for one in self.members], np.int64)

    @cached_property
    def end_day(self) -> Whole:
        """Shape (member,): the day until which each is in force."""
        return np.array([END_DAY if one.end_day is None else one.end_day for one in self.members], np.int64)

    @cached_property
    def versions(self) -> ByDay:
        """The version in force on a day, `NO_VERSION` where none is."""
        members = []
        for one, base in zip(self.members, self.firsts, strict=True):
            last = END_DAY if one.end_day is None else one.end_day
            steps = [(FIRST_DAY, NO_VERSION)]
            for position, version in enumerate(one.constants.versions):
                first, end = max(version.first_day, one.first_day), min(version.end_day, last)
                if first < end:
                    steps += [(first, base + position), (end, NO_VERSION)]
            members.append(steps)
        return ByDay.of(members)

    @cached_property
    def unpriced(self) -> Array:
        """Shape (version + 1,): whether nothing can be billed in a version; and last what `NO_VERSION` reads."""
        return np.array([*(bool(one.missing) for one in self.compiled.constants.versions), True])

    @cached_property
    def gaps(self) -> bool:
        """Whether a version has no price."""
        return any(one.missing for one in self.compiled.constants.versions)

    @cached_property
    def following(self) -> ByDay:
        """The first day after a day on which something changes."""
        return ByDay.of(
            [list(zip((FIRST_DAY, *one.change_days), (*one.change_days, END_DAY), strict=True)) for one in self.members]
        )

    @cached_property
    def changes(self) -> Whole:
        """Days of change of all members, each member's ascending and one member's behind another's."""
        return np.array([day for one in self.members for day in one.change_days], np.int64)

    @cached_property
    def passed(self) -> ByDay:
        """How many days of `changes` lie on a day or before it, and with another member, before this one."""
        members, base = [], 0
        for one in self.members:
            counts = range(base, base + len(one.change_days) + 1)
            members.append(list(zip((FIRST_DAY, *one.change_days), counts, strict=True)))
            base += len(one.change_days)
        return ByDay.of(members)

    def version(self, position: int) -> tuple[Compiled, int]:
        """Whose a version is, and its position among that member's own."""
        member = int(np.searchsorted(self.firsts, position, side="right")) - 1
        return self.members[member], position - self.firsts[member]


@dataclass(frozen=True, eq=False)
class Members:
    """Which member of a family bills each row of a batch; `code` is of shape (row,), None: its only one."""

    family: Family
    code: Whole | None = None

    def own(self, row: int) -> Compiled:
        """Give the rule set of a row."""
        return self.family.members[0 if self.code is None else int(self.code[row])]


def alike(book: Collection[Compiled]) -> list[list[int]]:
    """Group rule sets, by position, that one program may bill."""
    by_structure: dict[str, list[int]] = {}
    rulesets = list(book)
    for position, compiled in enumerate(rulesets):
        by_structure.setdefault(compiled.program.structure, []).append(position)
    found = []
    for structure, positions in by_structure.items():
        if len(positions) == 1 or not structure:  # a program made by hand may not name its structure
            found += [[position] for position in positions]
            continue
        by_shape: dict[object, list[int]] = {}
        for position in positions:
            by_shape.setdefault(_shape(rulesets[position]), []).append(position)
        found += by_shape.values()
    return found


def merged(members: Sequence[Compiled]) -> Family | None:
    """Make one rule set of several that are `alike`; None: they differ after all, or no exact kernel holds them."""
    first = members[0]
    computes = _computes(first.program)
    if any(_computes(one.program) != computes for one in members[1:]):
        return None  # a program that was changed after it was compiled
    constants: list[Constants] = []
    for one in members:
        filled = _filled(one)
        if filled is None:
            return None
        constants.append(filled)
    program = _united([one.program for one in members])
    if too_wide(program, PARTS_MAX if first.changes == "split" else 1):
        return None
    firsts = np.cumsum([0, *(len(one.versions) for one in constants)])[:-1]
    joined = Constants(
        first.constants.slots,
        tuple(version for one in constants for version in one.versions),
        tuple(row for one in constants for row in one.figures),
    )
    compiled = replace(
        first,
        first_day=min(one.first_day for one in members),
        end_day=None if any(one.end_day is None for one in members) else max(one.end_day or 0 for one in members),
        program=program,
        constants=joined,
        change_days=tuple(sorted({day for one in members for day in one.change_days})),
    )
    return Family(tuple(members), compiled, tuple(firsts.tolist()))


def _shape(compiled: Compiled) -> object:
    """What must be equal beside the structure: all that the evaluator reads and the structure's hash leaves out."""
    program = compiled.program
    return (
        (compiled.version_by, compiled.changes, compiled.currency, compiled.minor_places),
        tuple(slot.cells for slot in compiled.constants.slots),
        # An index stays inside its table by its bounds.
        tuple((step.type.low, step.type.high) for step in program.steps if step.primitive in ("index", "input")),
        tuple(refusal.items for refusal in program.refusals),
        program.calendars,
        tuple((axis.name, axis.at_most, axis.optional, axis.minutes, axis.clock) for axis in program.axes),
    )


def _computes(program: Program) -> object:
    """All of a program that its results depend on, but for its numbers."""
    return (
        [
            (
                *(
                    step.primitive,
                    step.operands,
                    step.name,
                    step.value,
                    step.slot,
                    step.mode,
                    step.strides,
                    step.offsets,
                ),
                *(step.refusal, step.type.kind, step.type.places, step.type.axis, step.type.codes),
            )
            for step in program.steps
        ],
        [(one.name, one.type, one.default, one.optional, one.split) for one in program.inputs],
        [(one.id, one.amount, one.shown, one.quantity, one.price, one.money) for one in program.lines],
        [(one.id, one.when, one.values) for one in program.warnings],
        [(one.code, one.field, one.values) for one in program.refusals],
        (program.total, program.ledgers),
        [(one.id, program.names[one.id]) for one in program.scores],
        [(one.id, program.names[one.id], [each.id for each in one.classes]) for one in program.segments],
    )


def _united(programs: Sequence[Program]) -> Program:
    """One program whose steps hold the values of all."""
    steps = []
    for alike_steps in zip(*(program.steps for program in programs), strict=True):
        of = alike_steps[0].type
        low = min(step.type.low for step in alike_steps)
        high = max(step.type.high for step in alike_steps)
        steps.append(
            alike_steps[0]
            if (low, high) == (of.low, of.high)
            else replace(alike_steps[0], type=replace(of, low=low, high=high))
        )
    return replace(programs[0], steps=tuple(steps))


def _filled(compiled: Compiled) -> Constants | None:
    """A member's constants without absent cells; None: steps differ in what they read where one is absent."""
    constants = compiled.constants
    lows: dict[int, set[int]] = {}
    for step in compiled.program.steps:
        if step.primitive in ("constant", "cell"):
            lows.setdefault(step.slot, set()).add(step.type.low)
    figures: list[Row] = []
    for row in constants.figures:
        cells: list[tuple[Figure | None, ...]] = []
        for position, slot in enumerate(constants.slots):
            own = (row[position] if position < len(row) else ()) or (None,) * slot.cells
            if None in own and position in lows:
                if len(lows[position]) > 1:
                    return None
                (low,) = lows[position]
                absent = Figure("", low, None, "", "", None)
                own = tuple(absent if figure is None else figure for figure in own)
            cells.append(own)
        figures.append(tuple(cells))
    return replace(constants, figures=tuple(figures))
