"""Why a bill is what it is: the reference with its working shown, as data.

Takes a rule set and a bill of the reference; gives, for each line, its formula, the value of every name in it, the
amount before and after rounding, and each printed figure that it read with its file and line, its notice, how far that
can be trusted, and the day it took effect. `engine.evaluator.explain_text` writes it for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Final

from engine.calendars.days import day_date
from engine.compiler.program import END_DAY, FIRST_DAY, ROW, Compiled, Line, Program, Rounding, Type, Warning
from engine.evaluator import decimals
from engine.evaluator.explain_figures import FigureRead as FigureRead
from engine.evaluator.explain_figures import cell_keys as cell_keys
from engine.evaluator.explain_figures import figures_read
from engine.evaluator.explain_lists import ListShown, Several, lists_shown, several
from engine.evaluator.explain_profile import (
    ScoreExplained,
    SegmentExplained,
    score_json,
    scores_explained,
    segment_json,
    segments_explained,
)
from engine.evaluator.interpretation import Value, single
from engine.evaluator.reference import Bill, BillLine, PartValues, RaisedWarning, step_text, unit_text, with_places
from engine.evaluator.row_door import OF_BILL, row_inputs, supplied
from engine.language.problems import Place

RATIO_DIGITS: Final = 10
"""Decimals that are shown of a quotient or root before it is rounded, where it has no end."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name and its value in this row, as text."""

    name: str
    value: str  # "" where it is on a list
    unit: str = ""
    title: str = ""
    several: Several | None = None  # of a value on a list


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
class PartExplained:
    """A piece of the billing period between two changes, with its own prices and its share of what is divided."""

    part: str  # from 1; "" where the row is one part
    period_from: date
    period_to: date  # half-open
    days: int
    version_from: date | None  # first day on which every constant has the value it has here; None: since ever
    version_through: date | None  # last such day, included; None: no end is known
    shares: tuple[Named, ...]  # divided inputs
    lines: tuple[LineExplained, ...]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """A bill with all that leads to it."""

    ruleset: str
    title: str
    row_id: str
    period_from: date
    period_to: date  # half-open
    currency: str
    source: str
    standing: str
    place: Place
    inputs: tuple[Named, ...]  # of the row, undivided
    lists: tuple[ListShown, ...]
    parts: tuple[PartExplained, ...]
    total: Decimal
    ledgers: Mapping[str, Decimal]
    warnings: tuple[WarningExplained, ...]
    scores: tuple[ScoreExplained, ...]
    segments: tuple[SegmentExplained, ...]
    bills: bool  # False: the rule set has no charges, and only says what a customer is

    @property
    def lines(self) -> tuple[LineExplained, ...]:
        """Those of all parts."""
        return tuple(line for part in self.parts for line in part.lines)


def explain(compiled: Compiled, bill: Bill) -> Explanation:
    """Show the working of a bill that `reference` made with the same rule set."""
    program = compiled.program
    raised = {warning.id: warning for warning in bill.warnings}
    with localcontext(decimals.exact()):
        return Explanation(
            ruleset=compiled.id,
            title=compiled.title,
            row_id=str(bill.row_id),
            period_from=bill.period_from,
            period_to=bill.period_to,
            currency=bill.currency,
            source=compiled.source,
            standing=compiled.standing,
            place=compiled.place,
            inputs=tuple(_inputs(program, bill)),
            lists=tuple(lists_shown(program, bill)),
            parts=tuple(_part(compiled, bill, at) for at in range(len(bill.parts))),
            total=bill.total,
            ledgers=bill.ledgers,
            warnings=tuple(
                _warning(program, bill, warning, raised[warning.id])
                for warning in program.warnings
                if warning.id in raised
            ),
            scores=scores_explained(compiled, bill),
            segments=segments_explained(compiled, bill),
            bills=bool(program.lines),
        )


def _part(compiled: Compiled, bill: Bill, at: int) -> PartExplained:
    program, part = compiled.program, bill.parts[at]
    version = compiled.constants.versions[part.version]
    number = str(at + 1) if len(bill.parts) > 1 else ""
    lines = {line.id: line for line in program.lines}
    divided = [spec for spec in row_inputs(compiled) if spec.split and spec.name in part.inputs]
    return PartExplained(
        part=number,
        period_from=part.period_from,
        period_to=part.period_to,
        days=(part.period_to - part.period_from).days,
        version_from=day_date(version.first_day) if version.first_day > FIRST_DAY else None,
        version_through=day_date(version.end_day) - timedelta(1) if version.end_day < END_DAY else None,
        shares=tuple(_of_row(program, spec.name, spec.type, part.inputs[spec.name]) for spec in divided),
        lines=tuple(
            _explained(compiled, bill, part, lines[line.id], line) for line in bill.lines if line.part == number
        ),
        total=with_places(single(part.values[program.total]), program.steps[program.total].type.places),
    )


def _warning(program: Program, bill: Bill, warning: Warning, shown: RaisedWarning) -> WarningExplained:
    """Show a warning; it reads the whole bill, as the last part sees it."""
    return WarningExplained(
        shown.id,
        shown.title,
        shown.level,
        shown.message,
        _named(program, bill, bill.parts[-1], warning.values),
        shown.causes,
        shown.action,
        shown.place,
    )


def _inputs(program: Program, bill: Bill) -> Iterable[Named]:
    """Name the inputs that the row gives, or that have a default."""
    for spec in program.inputs:
        value = bill.inputs.get(spec.name)
        if value is not None:
            yield _of_row(program, spec.name, spec.type, value)


def _of_row(program: Program, name: str, of: Type, value: Decimal) -> Named:
    unit = unit_text(of.unit) if of.kind == "number" else ""
    return Named(name, step_text(value, of), unit, _title(program, name, value))


def _title(program: Program, name: str, value: Decimal | None) -> str:
    """Give the title of a code where the name is a code input, else the title of the input."""
    for spec in program.inputs:
        if spec.name == name.removesuffix(OF_BILL):
            return spec.code_titles[int(value)] if spec.code_titles and value is not None else spec.title
    return ""


def _named(program: Program, bill: Bill, part: PartValues, names: Iterable[tuple[str, int]]) -> tuple[Named, ...]:
    """Name values of steps; an input that the row does not give has none (its step holds a zero that nothing uses)."""
    absent = {
        spec.name
        for spec in program.inputs
        if spec.type.axis == ROW and not supplied(spec.name) and bill.inputs.get(spec.name) is None
    }
    found = []
    for name, at in names:
        value, step = part.values[at], program.steps[at]
        if name.removesuffix(OF_BILL) in absent:
            continue
        if not isinstance(value, tuple):
            found.append(_of_row(program, name, step.type, value))
            continue
        unit = unit_text(step.type.unit) if step.type.kind == "number" else ""
        items = part.lists[step.type.axis].values.get(name, value) if step.primitive == "input" else value
        shown, whole = several(program, step, items), bill.lists[step.type.axis].count
        if shown.count < whole:
            shown = replace(shown, whole=whole)
        found.append(Named(name, "", unit, _title(program, name, None), shown))
    return tuple(found)


def _explained(compiled: Compiled, bill: Bill, part: PartValues, line: Line, shown: BillLine) -> LineExplained:
    program, working = compiled.program, line.working
    return LineExplained(
        line=shown,
        formula=working.formula,
        names=_named(program, bill, part, working.names),
        before=_before(program, part.values, line),
        place=line.place,
        source=line.source,
        figures=tuple(figures_read(compiled, part, line)),
    )


def _before(program: Program, values: Sequence[Value], line: Line) -> str:
    """Write the amount before its rounding; "" where the amount was not rounded."""
    if line.working.unrounded is not None:
        at = line.working.unrounded
        return step_text(single(values[at]), program.steps[at].type)
    at, sign = _taken(program, values, line.amount), 1
    while program.steps[at].primitive == "negate":
        at, sign = _taken(program, values, program.steps[at].operands[0]), -sign
    step = program.steps[at]
    if any(isinstance(values[operand], tuple) for operand in step.operands):
        return ""
    operands = [single(values[operand]) for operand in step.operands]
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


def _taken(program: Program, values: Sequence[Value], at: int) -> int:
    """Follow the branches that were taken to the step that made a value."""
    while True:
        step = program.steps[at]
        if step.primitive == "select":
            at = step.operands[1 if values[step.operands[0]] else 2]
        elif step.primitive in ("claim", "rescale"):
            at = step.operands[0]
        else:
            return at


def to_json(explanation: Explanation) -> dict[str, object]:
    """Give an explanation for a program to read; every number is a decimal string."""
    one = explanation
    return {
        "ruleset": one.ruleset,
        "title": one.title,
        "row_id": one.row_id,
        "period_from": one.period_from.isoformat(),
        "period_to": one.period_to.isoformat(),
        "version_from": _day(one.parts[0].version_from) if len(one.parts) == 1 else None,
        "version_through": _day(one.parts[0].version_through) if len(one.parts) == 1 else None,
        "currency": one.currency,
        "source": one.source,
        "standing": one.standing,
        "place": str(one.place),
        "inputs": [_named_json(name) for name in one.inputs],
        "lists": [_plain(shown) for shown in one.lists],
        "parts": [_part_json(part) for part in one.parts],
        "lines": [_line_json(line) for line in one.lines],
        "total": f"{one.total:f}",
        "ledgers": {code: f"{amount:f}" for code, amount in one.ledgers.items()},
        "warnings": [_warning_json(warning) for warning in one.warnings],
        **({"scores": [score_json(score) for score in one.scores]} if one.scores else {}),
        **({"segments": [segment_json(segment) for segment in one.segments]} if one.segments else {}),
    }


def _plain(shown: ListShown | Several) -> dict[str, object]:
    """Give fields by name: texts, whole numbers, and such again."""
    return asdict(shown)


def _part_json(part: PartExplained) -> dict[str, object]:
    return {
        "part": part.part,
        "period_from": part.period_from.isoformat(),
        "period_to": part.period_to.isoformat(),
        "days": part.days,
        "version_from": _day(part.version_from),
        "version_through": _day(part.version_through),
        "shares": [_named_json(name) for name in part.shares],
        "total": f"{part.total:f}",
    }


def _line_json(explained: LineExplained) -> dict[str, object]:
    line = explained.line
    return {
        "id": line.id,
        "charge": line.charge,
        "title": line.title,
        "part": line.part,
        "part_from": line.part_from.isoformat(),
        "part_to": line.part_to.isoformat(),
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


def _named_json(named: Named) -> dict[str, object]:
    said: dict[str, object] = {"name": named.name, "value": named.value, "unit": named.unit, "title": named.title}
    return said if named.several is None else {**said, "value": None, "items": _plain(named.several)}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
