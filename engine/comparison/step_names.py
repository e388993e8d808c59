"""What each step of a program computes on some days, as a name by which two programs can be compared.

Two steps have one name where they compute the same thing of the same inputs and constants, whatever their numbers,
decimal places and bounds. Constants count by their path, calendars by theirs: what these hold is compared apart. On
days on which a charge is not in force, or a price is zero, what follows from that alone is left out, so that a charge
that begins in June is no other rule in May.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Final

from engine.compiler.program import Compiled, Figure, Folded, Line, Step

Row = Sequence[Sequence[Figure | None]]

_ORDERLESS: Final = frozenset({*("add", "multiply", "minimum", "maximum", "both", "either", "equal", "multiply_round")})
_SAME: Final = frozenset({"rescale", "claim", "spread"})  # the value that they are given
_ROUNDED: Final = frozenset({"round", "multiply_round", "divide", "multiply_divide", "sqrt", "power_factor"})
_OF_ZERO: Final = frozenset({"multiply", "multiply_round", "round", "negate", "absolute", "sum_items", "all_parts"})
ZERO: Final = "0"
TRUE: Final = "true"
FALSE: Final = "false"
_CONSTANT: Final = frozenset({ZERO, TRUE, FALSE})


class StepNames:
    """Names of the steps of one rule set at one version of its constants."""

    def __init__(self, compiled: Compiled, settled: Mapping[int, str]) -> None:
        self.compiled = compiled
        self.program = compiled.program
        self._settled = settled
        self._names: list[str] = []
        for step in self.program.steps:
            self._names.append(self._name(step))

    def name(self, step: int | None) -> str:
        """The name of a step; "": none."""
        return "" if step is None else self._names[step]

    def line(self, line: Line) -> str:
        """What makes a line's amount, where it stands and whether it counts; "": it does not appear."""
        shown = TRUE if line.shown is None else self.name(line.shown)
        if shown == FALSE:
            return ""
        return repr((self.name(line.amount), shown, line.money, line.ledger))

    def lines(self, charge: str) -> Mapping[str, str]:
        """The lines of a charge that appear."""
        named = {line.id: self.line(line) for line in self.program.lines if line.charge == charge}
        return {id_: name for id_, name in named.items() if name}

    def checks(self) -> Mapping[str, str]:
        """What refuses a row -> the field that it concerns."""
        found = {}
        for at, step in enumerate(self.program.steps):
            if step.primitive == "require" and not self._always(step):
                refusal = self.program.refusals[step.refusal]
                found[self._names[at]] = refusal.field or refusal.code
        return found

    def _always(self, step: Step) -> bool:
        names = [self._names[one] for one in step.operands]
        return names[0] == TRUE or (len(names) > 1 and names[1] == FALSE)

    def _name(self, step: Step) -> str:
        operands = [self._names[one] for one in step.operands]
        if step.primitive in ("constant", "cell") and step.slot in self._settled:
            return self._settled[step.slot]
        simple = _simple(step.primitive, operands)
        if simple is not None:
            return simple
        if step.primitive in _ORDERLESS:
            operands.sort()
        told: list[object] = [step.primitive, *operands]
        match step.primitive:
            case "literal":
                if step.type.kind == "boolean":
                    return TRUE if step.value else FALSE
                if step.type.kind == "number" and not step.value:
                    return ZERO
                told += [str(Decimal(step.value).scaleb(-step.type.places).normalize()), step.type.kind]
            case "input" | "given":
                told += [step.name]
            case "constant" | "cell":
                told += [self._slot_name(step.slot)]
            case "index":
                told += [step.strides, step.offsets]
            case "calendar":
                told += [self.program.calendars[step.slot].name]
            case "timeline":
                told += [repr(self.program.timelines[step.slot])]
            case "require":
                refusal = self.program.refusals[step.refusal]
                told += [refusal.code, refusal.field]
            case _:
                told += [step.type.axis]
        if step.primitive in _ROUNDED:
            told += [step.type.places, str(step.mode)]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:20]

    def _slot_name(self, at: int) -> str:
        """A constant's path and rows; of one that follows from others, how it does."""
        recipe = self._recipes.get(at)
        slot = self.compiled.constants.slots[at]
        if recipe is None:
            return f"{slot.path}{slot.keys}"
        if recipe.primitive == "rescale":
            return self._slot_name(recipe.operands[0].slot)
        operands = [
            self._slot_name(one.slot) if one.slot >= 0 else str(Decimal(one.value).scaleb(-one.places).normalize())
            for one in recipe.operands
        ]
        if recipe.primitive in _ORDERLESS:
            operands.sort()
        rounded = (slot.type.places, str(recipe.mode)) if recipe.primitive in _ROUNDED else ()
        return f"{recipe.primitive}({', '.join(operands)}){rounded}"

    @cached_property
    def _recipes(self) -> Mapping[int, Folded]:
        return {one.slot: one for one in self.compiled.premises.folded}


def settled(compiled: Compiled, row: Row, other: Compiled, other_row: Row) -> dict[int, str]:
    """Constants that decide something by themselves: flags, and prices of zero.

    Args:
        row: figures of `compiled`, by slot and cell.
        other: the rule set that it is compared with, with its figures; a price that is zero here alone is a number
            that differs, and stays.
    """
    elsewhere = {slot.path: _values(cells) for slot, cells in zip(other.constants.slots, other_row, strict=True)}
    found = {}
    for at, slot in enumerate(compiled.constants.slots):
        values = _values(row[at])
        if slot.type.kind == "boolean" and values in ({0}, {1}):
            found[at] = TRUE if values == {1} else FALSE
        elif values == {0} and elsewhere.get(slot.path, values) == values:
            found[at] = ZERO
    return found


def _values(cells: Sequence[Figure | None]) -> set[int | None]:
    return {None if figure is None else figure.value for figure in cells}


def _simple(primitive: str, operands: Sequence[str]) -> str | None:
    """The name of what a step comes to where an operand settles it."""
    match primitive, operands:
        case _, [one] if primitive in _SAME:
            return one
        case "select", [condition, then, otherwise] if condition in (TRUE, FALSE) or then == otherwise:
            return otherwise if condition == FALSE else then
        case "negation", [one] if one in (TRUE, FALSE):
            return FALSE if one == TRUE else TRUE
        case "both" | "either", [one, other] if one in (TRUE, FALSE) or other in (TRUE, FALSE):
            absorbing, neutral = (FALSE, TRUE) if primitive == "both" else (TRUE, FALSE)
            return absorbing if absorbing in operands else other if one == neutral else one
        case "add", [one, other] if ZERO in operands:
            return other if one == ZERO else one
        case "subtract", [one, "0"]:
            return one
        case _ if primitive in _OF_ZERO and ZERO in operands:
            return ZERO
        case _:
            return None
