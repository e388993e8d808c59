"""Why a bill is what it is: the reference with its working shown, as data.

Takes a rule set and a bill of the reference; gives, for each line, its formula, the value of every name in it, the
amount before and after rounding, and each printed figure that it read with its file and line, its notice, how far that
can be trusted, and the day it took effect. `engine.evaluator.explain_text` writes it for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from engine.calendars.days import day_date
from engine.compiler.program import END_DAY, FIRST_DAY, Compiled, Line, Program, Rounding, Slot, Step
from engine.evaluator import decimals
from engine.evaluator.door import BUILT_IN
from engine.evaluator.reference import Bill, BillLine, step_text, unit_text
from engine.language.problems import Place

RATIO_DIGITS: Final = 10
"""Decimals that are shown of a quotient or root before it is rounded, where it has no end."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name and its value in this row, as text."""

    name: str
    value: str
    unit: str = ""
    title: str = ""


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


@dataclass(frozen=True, slots=True)
class LineExplained:
    """One line with its working."""

    line: BillLine
    formula: str
    names: tuple[Named, ...]
    before: str  # the amount before its rounding; "" where nothing was rounded
    place: Place | None
    source: str
    figures: tuple[FigureRead, ...]


@dataclass(frozen=True, slots=True)
class WarningExplained:
    """A warning that the row raises, with the values that its message names."""

    id: str
    title: str
    level: str
    message: str
    values: tuple[Named, ...]
    causes: tuple[str, ...]
    action: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A bill with all that leads to it."""

    ruleset: str
    title: str
    row_id: str
    period_from: date
    period_to: date  # half-open
    version_from: date | None  # first day on which every constant has the value it has here; None: since ever
    version_through: date | None  # last such day, included; None: no end is known
    currency: str
    source: str
    standing: str
    place: Place
    inputs: tuple[Named, ...]
    lines: tuple[LineExplained, ...]
    total: Decimal
    ledgers: Mapping[str, Decimal]
    warnings: tuple[WarningExplained, ...]


def explain(compiled: Compiled, bill: Bill) -> Explanation:
    """Show the working of a bill that `reference` made with the same rule set."""
    program = compiled.program
    lines = {line.id: line for line in program.lines}
    version = compiled.constants.versions[bill.version]
    raised = {warning.id for warning in bill.warnings}
    with localcontext(decimals.exact()):
        return Explanation(
            ruleset=compiled.id,
            title=compiled.title,
            row_id=str(bill.row_id),
            period_from=bill.period_from,
            period_to=bill.period_to,
            version_from=day_date(version.first_day) if version.first_day > FIRST_DAY else None,
            version_through=day_date(version.end_day) - timedelta(1) if version.end_day < END_DAY else None,
            currency=bill.currency,
            source=compiled.source,
            standing=compiled.standing,
            place=compiled.place,
            inputs=tuple(_inputs(program, bill)),
            lines=tuple(_explained(compiled, bill, lines[line.id], line) for line in bill.lines),
            total=bill.total,
            ledgers=bill.ledgers,
            warnings=tuple(
                WarningExplained(
                    shown.id,
                    shown.title,
                    shown.level,
                    shown.message,
                    _named(program, bill, warning.values),
                    shown.causes,
                    shown.action,
                    shown.place,
                )
                for warning in program.warnings
                if warning.id in raised
                for shown in bill.warnings
                if shown.id == warning.id
            ),
        )


def _inputs(program: Program, bill: Bill) -> Iterable[Named]:
    """Name the inputs that the row gives, or that have a default."""
    for spec in program.inputs:
        value = bill.inputs.get(spec.name)
        if value is not None:
            yield Named(
                spec.name, step_text(value, spec.type), unit_text(spec.type.unit), _title(program, spec.name, value)
            )


def _title(program: Program, name: str, value: Decimal) -> str:
    """Give the title of a code where the name is a code input, else the title of the input."""
    for spec in program.inputs:
        if spec.name == name:
            return spec.code_titles[int(value)] if spec.code_titles else spec.title
    return ""


def _named(program: Program, bill: Bill, names: Iterable[tuple[str, int]]) -> tuple[Named, ...]:
    """Name values of steps; an input that the row does not give has none (its step holds a zero that nothing uses)."""
    absent = {spec.name for spec in program.inputs if spec.name not in BUILT_IN and bill.inputs.get(spec.name) is None}
    found = []
    values = bill.values
    for name, at in names:
        if name in absent:
            continue
        of = program.steps[at].type
        unit = unit_text(of.unit) if of.kind == "number" else ""
        found.append(Named(name, step_text(values[at], of), unit, _title(program, name, values[at])))
    return tuple(found)


def _explained(compiled: Compiled, bill: Bill, line: Line, shown: BillLine) -> LineExplained:
    program, working = compiled.program, line.working
    return LineExplained(
        line=shown,
        formula=working.formula,
        names=_named(program, bill, working.names),
        before=_before(program, bill.values, line),
        place=line.place,
        source=line.source,
        figures=tuple(_figures(compiled, bill, line)),
    )


def _before(program: Program, values: Sequence[Decimal], line: Line) -> str:
    """Write the amount before its rounding; "" where the amount was not rounded."""
    if line.working.unrounded is not None:
        at = line.working.unrounded
        return step_text(values[at], program.steps[at].type)
    at, sign = _taken(program, values, line.amount), 1
    while program.steps[at].primitive == "negate":
        at, sign = _taken(program, values, program.steps[at].operands[0]), -sign
    step = program.steps[at]
    operands = [values[operand] for operand in step.operands]
    match step.primitive:
        case "round":
            exact = operands[0]
        case "multiply_round":
            exact = operands[0] * operands[1]
        case "divide" | "multiply_divide":
            *factors, divisor = operands
            top = factors[0] if len(factors) == 1 else factors[0] * factors[1]
            return _quotient(top * sign, divisor)
        case _:
            return ""
    return f"{exact * sign + decimals.ZERO:f}"


def _quotient(top: Decimal, divisor: Decimal) -> str:
    """Write a quotient: all of it, or its first decimals and an ellipsis."""
    if not divisor:
        return ""
    cut = decimals.divided(top, divisor, RATIO_DIGITS, Rounding.DOWN)
    if cut * divisor == top:
        return f"{cut.normalize():f}"
    return f"{cut:f}…"


def _taken(program: Program, values: Sequence[Decimal], at: int) -> int:
    """Follow the branches that were taken to the step that made a value."""
    while True:
        step = program.steps[at]
        if step.primitive == "select":
            at = step.operands[1 if values[step.operands[0]] else 2]
        elif step.primitive in ("claim", "rescale"):
            at = step.operands[0]
        else:
            return at


def _figures(compiled: Compiled, bill: Bill, line: Line) -> Iterable[FigureRead]:
    """Give the printed figures that a line read, in the order of the line's formula.

    A figure that was folded with others into one constant is not read by itself; it is shown where the constant that
    took it in was read, at the same row of the table.
    """
    slots, figures = compiled.constants.slots, compiled.constants.figures[bill.version]
    others = {one.amount for one in compiled.program.lines if one.amount != line.amount}
    read = _cells_read(compiled.program, bill.values, line.amount, others)
    folded = " ".join(slots[slot].path for slot, _ in read if _is_folded(slots[slot]))
    by_keys = {slots[slot].keys: cell for slot, cell in read if slots[slot].keys}
    wanted = {slot: cell for slot, cell in read if not _is_folded(slots[slot])}
    for at in line.working.slots:
        if slots[at].path in folded and not _is_folded(slots[at]):
            wanted.setdefault(at, by_keys.get(slots[at].keys, 0))
    order = {slot: at for at, slot in enumerate(line.working.slots)}
    for at, cell in sorted(wanted.items(), key=lambda one: order.get(one[0], len(order))):
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


def _cells_read(program: Program, values: Sequence[Decimal], root: int, others: set[int]) -> list[tuple[int, int]]:
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
                found[(step.slot, int(values[step.operands[0]]))] = None
                waiting.append(step.operands[0])
            case "select":
                waiting += [step.operands[1 if values[step.operands[0]] else 2], step.operands[0]]
            case _:
                waiting += reversed(step.operands)
    return list(found)


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


def to_json(explanation: Explanation) -> dict[str, object]:
    """Give an explanation for a program to read; every number is a decimal string."""
    one = explanation
    return {
        "ruleset": one.ruleset,
        "title": one.title,
        "row_id": one.row_id,
        "period_from": one.period_from.isoformat(),
        "period_to": one.period_to.isoformat(),
        "version_from": _day(one.version_from),
        "version_through": _day(one.version_through),
        "currency": one.currency,
        "source": one.source,
        "standing": one.standing,
        "place": str(one.place),
        "inputs": [_named_json(name) for name in one.inputs],
        "lines": [_line_json(line) for line in one.lines],
        "total": f"{one.total:f}",
        "ledgers": {code: f"{amount:f}" for code, amount in one.ledgers.items()},
        "warnings": [_warning_json(warning) for warning in one.warnings],
    }


def _line_json(explained: LineExplained) -> dict[str, object]:
    line = explained.line
    return {
        "id": line.id,
        "charge": line.charge,
        "title": line.title,
        "part": line.part,
        "quantity": None if line.quantity is None else f"{line.quantity:f}",
        "quantity_unit": line.quantity_unit,
        "price": None if line.price is None else f"{line.price:f}",
        "price_unit": line.price_unit,
        "amount": f"{line.amount:f}",
        "ledger": line.ledger,
        "money": line.money,
        "formula": explained.formula,
        "names": [_named_json(name) for name in explained.names],
        "before_rounding": explained.before or None,
        "place": None if explained.place is None else str(explained.place),
        "source": explained.source,
        "figures": [_figure_json(figure) for figure in explained.figures],
    }


def _figure_json(figure: FigureRead) -> dict[str, object]:
    return {
        "path": figure.path,
        "row": list(figure.row),
        "printed": figure.printed,
        "value": f"{figure.value:f}",
        "unit": figure.unit,
        "place": None if figure.place is None else str(figure.place),
        "source": figure.source,
        "standing": figure.standing,
        "since": _day(figure.since),
    }


def _warning_json(warning: WarningExplained) -> dict[str, object]:
    return {
        "id": warning.id,
        "title": warning.title,
        "level": warning.level,
        "message": warning.message,
        "values": [_named_json(name) for name in warning.values],
        "causes": list(warning.causes),
        "action": warning.action,
        "place": None if warning.place is None else str(warning.place),
    }


def _named_json(named: Named) -> dict[str, str]:
    return {"name": named.name, "value": named.value, "unit": named.unit, "title": named.title}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
