"""Constants while compiling, and those that follow from others.

Takes slots with their values by version and cell; gives the slot of a formula of parameters alone, with the recipe by
which it is made again where one of them is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.compiler.folds import folded_cells
from engine.compiler.program import Figure, Folded, Operand, Rounding, Step, Type


@dataclass(slots=True)
class SlotData:
    """A constant while compiling: whole numbers and figures by version and cell."""

    path: str
    type: Type
    keys: tuple[tuple[str, ...], ...]
    values: list[list[int | None]]
    figures: list[list[Figure | None]]
    uncovered: tuple[bool, ...] = ()  # per version whether no price is in force; (): one always is
    field: str = ""  # what a refusal names there
    recipe: Folded | None = None  # of a constant that follows from others
    plausible: tuple[Decimal, Decimal] | None = None  # as its document says

    @property
    def parents(self) -> tuple[int, ...]:
        """The constants that it was made from."""
        operands = () if self.recipe is None else self.recipe.operands
        return tuple(dict.fromkeys(operand.slot for operand in operands if operand.slot >= 0))


def folded_slot(
    slots: Sequence[SlotData], steps: Sequence[Step], type_: Type, mode: Rounding, primitive: str
) -> SlotData:
    """The constant that a primitive makes of constants.

    Args:
        slots: so far; the new one stands behind them.
        steps: literals, constants and cells; the cells are of tables of one shape.
    """
    literal = [step.primitive == "literal" for step in steps]
    operands = tuple(
        Operand(-1 if fixed else step.slot, step.value, step.type.places)
        for step, fixed in zip(steps, literal, strict=True)
    )
    recipe = Folded(len(slots), primitive, mode, operands)
    parents = {operand.slot: slots[operand.slot] for operand in operands if operand.slot >= 0}
    keys = next((slots[step.slot].keys for step in steps if step.primitive == "cell"), ())
    values: list[list[int | None]] = []
    figures: list[list[Figure | None]] = []
    for v in range(len(next(iter(parents.values())).values)):
        given = {at: (data.values[v], data.figures[v]) for at, data in parents.items()}
        row, shown = folded_cells(recipe, type_, given)
        values.append(row)
        figures.append(shown)
    labels = [_label(step) if step.primitive == "literal" else slots[step.slot].path for step in steps]
    return SlotData(f"{primitive}({', '.join(labels)})", type_, keys, values, figures, recipe=recipe)


def _label(literal: Step) -> str:
    return str(literal.value) if literal.type.places == 0 else f"{literal.value}e-{literal.type.places}"
