"""Printed numbers of a compiled rule set by name: how `--set`, tables of changes and messages write them.

    energy.2.price                 a single number
    price[below_1kv].second        a cell of a table: its keys, then its column
    standard_0_90.value[0.85]      a table of bands, or any table: the column may stand before the keys

A constant that the compiler worked out of others has no name here. One printed number may stand in several constants
of a rule set, where a table is looked up in several ways: it is told by its place, its text and its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.compiler.program import Compiled, Figure, Slot
from engine.evaluator.explain_figures import cell_keys


@dataclass(frozen=True, slots=True)
class Spot:
    """A cell of a constant."""

    slot: int
    cell: int


def printed_slots(compiled: Compiled) -> tuple[int, ...]:
    """Positions of the constants that documents print: neither flags, nor worked out of others."""
    folded = {one.slot for one in compiled.premises.folded}
    slots = enumerate(compiled.constants.slots)
    return tuple(
        at for at, slot in slots if at not in folded and slot.type.kind == "number" and not _worked_out(slot.path)
    )


def _worked_out(path: str) -> bool:
    """Whether a path is of the form `add(a, b)`: of rule sets whose premises are not kept."""
    return "(" in path.partition("[")[0]


def cell_name(slot: Slot, cell: int) -> str:
    """The name of a printed number.

    >>> from engine.compiler.program import Type
    >>> cell_name(Slot("price.second", Type(), (("low", "high"), ("summer", "winter"))), 2)
    'price[high, summer].second'
    """
    if not slot.keys:
        return slot.path
    keys = cell_keys(slot, cell)
    if "[" in slot.path:  # the last key chooses the column
        table, keys, column = slot.path.partition("[")[0], keys[:-1], keys[-1]
    else:
        table, _, column = slot.path.rpartition(".")
    return f"{table}[{', '.join(keys)}].{column}"


def spots(compiled: Compiled) -> Mapping[str, tuple[Spot, ...]]:
    """Each printed number's name -> where it stands."""
    found: dict[str, list[Spot]] = {}
    for at in printed_slots(compiled):
        slot = compiled.constants.slots[at]
        for cell in range(slot.cells):
            found.setdefault(cell_name(slot, cell), []).append(Spot(at, cell))
    return {name: tuple(where) for name, where in found.items()}


def columns_of(names: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Each column of a table, `price.second`, -> the names of its cells."""
    found: dict[str, list[str]] = {}
    for name in names:
        table, bracket, rest = name.partition("[")
        if bracket:
            found.setdefault(f"{table}.{rest.rpartition('].')[2]}", []).append(name)
    return {column: tuple(cells) for column, cells in found.items()}


def decimal_of(figure: Figure, places: int) -> Decimal:
    """The number that a figure bills with."""
    return Decimal(figure.value).scaleb(-places)


def shown(figure: Figure | None, places: int) -> str:
    """A figure as printed; where it is printed in another unit, with what it bills with. "-": absent."""
    if figure is None:
        return "-"
    value = decimal_of(figure, places)
    try:
        same = Decimal(figure.text) == value
    except ArithmeticError:
        same = False
    return figure.text if same else f"{figure.text} ({value:f})"


def same_number(one: Figure | None, other: Figure | None) -> bool:
    """Whether two cells hold one printed number."""
    if one is None or other is None:
        return one is other
    return (one.place, one.text, one.value) == (other.place, other.text, other.value)
