"""Which printed figures a line of a bill read, with the notice, place and day of each.

Takes a rule set, the values of one part of a bill and a line; gives figures in the order of the line's formula. Only
branches that were taken count; on a list, those that any item took.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine.compiler.program import Compiled, Line, Program, Slot, Step
from engine.evaluator import decimals
from engine.evaluator.interpretation import Value
from engine.evaluator.reference import PartValues, unit_text
from engine.language.problems import Place


@dataclass(frozen=True, slots=True)
class FigureRead:
    """A printed figure that a line read."""

    path: str
    row: tuple[str, ...]  # names of the table's keys; () for a single value
    printed: str
    value: Decimal
    unit: str
    place: Place | None
    source: str
    standing: str
    since: date | None


def figures_read(compiled: Compiled, part: PartValues, line: Line) -> Iterable[FigureRead]:
    """Give the printed figures that a line read, in the order of the line's formula.

    A figure that was folded with others into one constant is not read by itself; it is shown where the constant that
    took it in was read, at the same row of the table.
    """
    slots, figures = compiled.constants.slots, compiled.constants.figures[part.version]
    others = {one.amount for one in compiled.program.lines if one.amount != line.amount}
    read = _cells_read(compiled.program, part.values, line.amount, others)
    folded = " ".join(slots[slot].path for slot, _ in read if _is_folded(slots[slot]))
    by_keys = {slots[slot].keys: cell for slot, cell in read if slots[slot].keys}
    wanted = [(slot, cell) for slot, cell in read if not _is_folded(slots[slot])]
    found = {slot for slot, _ in wanted}
    for at in line.working.slots:
        if slots[at].path in folded and not _is_folded(slots[at]) and at not in found:
            wanted.append((at, by_keys.get(slots[at].keys, 0)))
    order = {slot: at for at, slot in enumerate(line.working.slots)}
    for at, cell in sorted(wanted, key=lambda one: order.get(one[0], len(order))):
        figure = figures[at][cell]
        if figure is not None:
            slot = slots[at]
            value = decimals.of_whole(figure.value, slot.type.places)
            yield FigureRead(
                slot.path,
                cell_keys(slot, cell),
                figure.text,
                value,
                unit_text(slot.type.unit),
                figure.place,
                figure.source,
                figure.standing,
                figure.since,
            )


def _is_folded(slot: Slot) -> bool:
    """Tell a constant that the compiler worked out from others, by its path: `add(a, b)`."""
    return "(" in slot.path


def _cells_read(program: Program, values: Sequence[Value], root: int, others: set[int]) -> list[tuple[int, int]]:
    """Find slot and cell of each constant beneath a step, in branches that were taken.

    Amounts of other lines have their own working, so what they read is left to them.
    """
    found: dict[tuple[int, int], None] = {}
    seen = set(others)
    waiting = [root]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        step: Step = program.steps[at]
        match step.primitive:
            case "constant":
                found[(step.slot, 0)] = None
            case "cell":
                found |= {(step.slot, int(cell)): None for cell in sorted(set(_each(values[step.operands[0]])))}
                waiting.append(step.operands[0])
            case "select":
                conditions = set(_each(values[step.operands[0]]))
                waiting += [step.operands[1 if condition else 2] for condition in sorted(conditions, reverse=True)]
                waiting.append(step.operands[0])
            case _:
                waiting += reversed(step.operands)
    return list(found)


def _each(value: Value) -> tuple[Decimal, ...]:
    return value if isinstance(value, tuple) else (value,)


def cell_keys(slot: Slot, cell: int) -> tuple[str, ...]:
    """Name the row of a table at a position; the last key runs fastest.

    >>> from engine.compiler.program import Type
    >>> cell_keys(Slot("price", Type(), (("low", "high"), ("summer", "winter"))), 2)
    ('high', 'summer')
    """
    names: list[str] = []
    for key in reversed(slot.keys):
        names.append(key[cell % len(key)])
        cell //= len(key)
    return tuple(reversed(names))
