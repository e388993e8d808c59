"""A compiled rule set with other constants: what was proven of the old ones is proven again, or it is refused.

Takes a rule set and new figures; gives the rule set with the bounds that follow. Three things have to hold:

    premises    what the compiler left out because the old numbers decided it is decided in the same way on each day
    bounds      a table is not asked for a row that it has not, a root is not taken of less than zero
    kernels     an exact kernel holds each step with its new bounds

Bounds follow step by step from those of operands, as in the compiler (`engine.compiler.bounds`). No amount is computed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.compiler.bounds import edge_bounds, part_bounds, step_bounds
from engine.compiler.capacity import too_wide
from engine.compiler.folds import folded_cells
from engine.compiler.program import (
    PARTS_MAX,
    Claimed,
    Compiled,
    Constants,
    Figure,
    Premise,
    Slot,
    Step,
    Type,
)

Cells = tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not proven, in words, and the step where."""

    step: Step
    reason: str
    reason_zh: str


class NotProven(ValueError):
    """New constants for which the compiled steps are not known to be right."""

    def __init__(self, gap: Gap) -> None:
        self.gap = gap
        super().__init__(gap.reason)


def refolded(compiled: Compiled, row: Sequence[Cells]) -> tuple[Cells, ...]:
    """The figures of one version, those that follow from others made again.

    Args:
        row: figures by slot; those of folded constants are not read.
    """
    made = list(row)
    for recipe in compiled.premises.folded:
        parents = {one.slot: _cells(made[one.slot]) for one in recipe.operands if one.slot >= 0}
        values, figures = folded_cells(recipe, compiled.constants.slots[recipe.slot].type, parents)
        made[recipe.slot] = tuple(
            None if value is None else figure or Figure(str(value), value, None, "", "", None)
            for value, figure in zip(values, figures, strict=True)
        )
    return tuple(made)


def _cells(cells: Cells) -> tuple[list[int | None], list[Figure | None]]:
    """Values, and the figures that a document prints or an operator gave."""
    values = [None if one is None else one.value for one in cells]
    return values, [None if one is None or (one.since is None and one.place is None) else one for one in cells]


def reproven(compiled: Compiled, constants: Constants) -> Compiled:
    """The rule set with other figures, and the bounds that follow from them.

    Args:
        compiled: as the compiler made it, or as this made it before.
        constants: the same slots in the same order, whose types are made here.

    Raises:
        NotProven: the steps are not known to be right with these figures.
    """
    before = compiled.constants
    slots = tuple(_bounded(slot, at, constants) for at, slot in enumerate(before.slots))
    changed = {at for at in range(len(slots)) if _values(before, at) != _values(constants, at)}
    types = _types(compiled, slots)
    steps = (*compiled.program.steps, *compiled.premises.steps)
    unmet = [one for one in compiled.premises.premises if not _holds(one, types, steps, changed)]
    if unmet:
        _hold_in_each_version(unmet, compiled, constants, changed)
    count = len(compiled.program.steps)
    made = [replace(step, type=type_) for step, type_ in zip(steps, types, strict=True)]
    program = replace(compiled.program, steps=tuple(made[:count]))
    wide = too_wide(program, PARTS_MAX if compiled.changes == "split" else 1)
    if wide:
        raise NotProven(
            Gap(
                program.steps[wide[0].step],
                "no exact arithmetic holds an amount so large",
                "没有精确算法能容纳这样大的数",
            )
        )
    return replace(
        compiled,
        program=program,
        premises=replace(compiled.premises, steps=tuple(made[count:])),
        constants=replace(constants, slots=slots),
    )


def proven(compiled: Compiled, constants: Constants) -> Compiled | None:
    """Like `reproven`; None where the steps are not known to be right with these figures."""
    try:
        return reproven(compiled, constants)
    except NotProven:
        return None


def _bounded(slot: Slot, at: int, constants: Constants) -> Slot:
    present = [figure.value for row in constants.figures for figure in row[at] if figure is not None]
    type_ = replace(slot.type, low=min(present, default=0), high=max(present, default=0))
    return slot if type_ == slot.type else replace(slot, type=type_)


def _values(constants: Constants, at: int) -> list[object]:
    """What a constant is over the days, without boundaries at which it stays as it is."""
    found: list[object] = []
    for row in constants.figures:
        values = tuple(None if one is None else one.value for one in row[at])
        if not found or found[-1] != values:
            found.append(values)
    return found


def _hold_in_each_version(
    premises: Sequence[Premise], compiled: Compiled, constants: Constants, changed: Collection[int]
) -> None:
    """What does not hold of all numbers that a constant has over the days may hold of each day's.

    A bill is computed with the numbers of one version; where it is cut into parts, each part is, and only what is
    added up over parts reads several.

    Raises:
        NotProven: on some days a premise does not hold.
    """
    steps = (*compiled.program.steps, *compiled.premises.steps)
    mixed = _over_parts(steps)
    for row in constants.figures:
        alone = replace(constants, figures=(row,))
        types = _types(compiled, [_bounded(slot, at, alone) for at, slot in enumerate(compiled.constants.slots)])
        for premise in premises:
            several = premise.a in mixed or premise.b in mixed
            if several or not _holds(premise, types, steps, changed):
                raise NotProven(_unmet(premise, steps))


def _over_parts(steps: Sequence[Step]) -> set[int]:
    """Steps that read several parts of a bill; those kept for premises may stand behind the ones that read them."""
    found = {at for at, step in enumerate(steps) if step.primitive in ("earlier_parts", "all_parts", "largest_part")}
    while True:
        more = {at for at, step in enumerate(steps) if at not in found and not found.isdisjoint(step.operands)}
        if not more:
            return found
        found |= more


def _types(compiled: Compiled, slots: Sequence[Slot]) -> list[Type]:
    """Types of all steps, those of the program and those behind it."""
    premises = compiled.premises
    steps = (*compiled.program.steps, *premises.steps)
    count = len(compiled.program.steps)
    order = sorted(range(len(steps)), key=lambda at: (at, 1) if at < count else (premises.before[at - count], 0))
    claims = {claim.step: claim for claim in premises.claims}
    at_most = {axis.name: axis.at_most for axis in compiled.program.axes}
    types = [step.type for step in steps]
    for at in order:
        step = steps[at]
        claim = claims.get(at)
        below = (*step.operands, *(() if claim is None else (one for one in (claim.of, claim.by) if one >= 0)))
        if step.primitive in ("constant", "cell"):
            slot = slots[step.slot].type
            low, high = slot.low, slot.high
        elif all(types[one] == steps[one].type for one in below):
            continue
        elif step.primitive in ("index", "calendar"):
            _inside(step, steps, types)
            continue
        elif claim is not None:
            low, high = _claim(step, claim, types)
        else:
            low, high = step_bounds(step, [types[one] for one in step.operands], at_most)
        types[at] = replace(step.type, low=low, high=high)
    return types


def _inside(step: Step, steps: Sequence[Step], types: Sequence[Type]) -> None:
    """A table has a row for each number that its key could have when it was compiled, and for no other."""
    for operand in step.operands:
        now, then = types[operand], steps[operand].type
        if now.low < then.low or now.high > then.high:
            raise NotProven(Gap(step, "a table would be asked for a row that it has not", "会查到表中没有的行"))


def _claim(step: Step, claim: Claimed, types: Sequence[Type]) -> tuple[int, int]:
    value = types[claim.of]
    match claim.how:
        case "fixed":
            low, high = claim.low, claim.high
        case "part_of":
            low, high = part_bounds(value, types[claim.by])
        case _:
            low, high = edge_bounds(value, types[claim.by], is_low=claim.how == "from")
    low, high = max(low, value.low), min(high, value.high)
    if low > high:
        raise NotProven(Gap(step, "no number is left within the bounds declared", "在声明的范围内已没有可取的数"))
    return low, high


def _holds(premise: Premise, types: Sequence[Type], steps: Sequence[Step], changed: Collection[int]) -> bool:
    one = types[premise.a]
    match premise.holds:
        case "known":
            return one.low == one.high == premise.value
        case "at_most":
            return one.high <= types[premise.b].low
        case "below":
            return one.high < types[premise.b].low
        case "not_negative":
            return one.low >= 0
        case "unchanged":
            return steps[premise.a].primitive != "constant" or steps[premise.a].slot not in changed


_TOO_WIDE = ("no exact arithmetic holds numbers so large", "没有精确算法能容纳这样大的数")
_UNMET: Mapping[str, tuple[str, str]] = {
    "known": (
        "they leave out what the number compiled decides for every bill",
        "其中省去了原数值对每张账单都已决定的部分",
    ),
    "at_most": ("they rest on which of two numbers is larger", "它们依据两个数的大小关系编译"),
    "below": ("they rest on which of two numbers is larger", "它们依据两个数的大小关系编译"),
    "not_negative": ("a number would fall below zero that must not", "会出现不允许的负数"),
    "unchanged": ("the days with a price would be others", "有电价的日期会改变"),
}


def _unmet(premise: Premise, steps: Sequence[Step]) -> Gap:
    return Gap(steps[premise.a], *_UNMET[premise.holds])
