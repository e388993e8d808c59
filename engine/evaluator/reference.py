"""The reference: a program run in decimals, one row at a time, in the plainest way there is.

Every sum and product is exact in a context of 100 digits that raises where a digit would be lost, so a rounding that no
rule names cannot happen. Each value, and each item of a list, is asserted to lie in its type's bounds with at most its
places: a proof of the compiler that does not hold is a fault of ours and stops everything. A row of several parts runs
them in step with each other, as a part may read what came of the others. It shares the table of primitives with nobody;
the evaluator of columns is compared with it row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext

from engine.calendars.days import day_date
from engine.compiler.program import Compiled, Line, Step, Type, Warning
from engine.evaluator import decimals, row_intervals
from engine.evaluator.interpretation import Frame, Value, WholeRule, axis_of, rule_of, single
from engine.evaluator.refuse import refused_by, row_problem
from engine.evaluator.row_door import Admitted, Fault, Part, admit_row
from engine.evaluator.row_lists import Items
from engine.evaluator.rows import RowProblem, value_text
from engine.evaluator.soundness import (
    NOWHERE,
    Positions,
    assert_read_sound,
    not_excused,
    outside,
    spoilt,
    spoilt_by_parts,
)
from engine.evaluator.soundness import Unsound as Unsound
from engine.language.problems import Place
from engine.language.units import DIMENSIONLESS, Unit


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill, as shown."""

    id: str
    charge: str
    title: str
    amount: Decimal  # [the bill's currency]
    quantity: Decimal | None
    quantity_unit: str
    price: Decimal | None
    price_unit: str
    ledger: str
    part: str  # from 1; "" where the row is one part
    part_from: date
    part_to: date  # half-open
    money: bool  # False: informs only; the charge's own line carries the money


@dataclass(frozen=True, slots=True)
class RaisedWarning:
    """A warning that a row raises."""

    id: str
    title: str
    level: str
    message: str
    causes: tuple[str, ...]
    action: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PartValues:
    """One part of a row with the value of every step."""

    period_from: date
    period_to: date  # half-open
    version: int
    inputs: Mapping[str, Decimal]  # divided ones with their share, and what the door supplies
    lists: Mapping[str, Items]
    before: Mapping[str, int]  # list -> items of the row that belong to earlier parts
    values: tuple[Value, ...]  # by step


@dataclass(frozen=True, slots=True)
class Bill:
    """What a row comes to, with the value of every step."""

    ruleset: str
    row_id: object
    period_from: date
    period_to: date  # half-open
    currency: str
    lines: tuple[BillLine, ...]  # that are shown, part by part
    total: Decimal
    ledgers: Mapping[str, Decimal]
    warnings: tuple[RaisedWarning, ...]
    inputs: Mapping[str, Decimal]  # undivided
    given: Mapping[str, bool]  # inputs and lists
    lists: Mapping[str, Items]
    parts: tuple[PartValues, ...]
    scores: Mapping[str, Decimal]
    segments: Mapping[str, str]  # segment -> class

    @property
    def version(self) -> int:
        """That of the first part."""
        return self.parts[0].version

    def line(self, id_: str, part: str = "") -> BillLine:
        """Find a shown line by its id, and its part where there are several; KeyError where the bill has none."""
        for line in self.lines:
            if line.id == id_ and line.part == part:
                return line
        raise KeyError(id_, part) if part else KeyError(id_)


def reference(
    compiled: Compiled,
    row: Mapping[str, object],
    *,
    period_from: date | str | int,
    period_to: date | str | int,
    row_id: object = "",
    position: int = 0,
) -> Bill | RowProblem:
    """Bill one row.

    Args:
        compiled: the rule set.
        row: input name -> Decimal, int, text, bool, date or None (not given); list name -> its items.
        period_from: first day billed, as a date, `2026-01-01` or days since 1970-01-01.
        period_to: the day after the last day billed.
        row_id: names the row to whoever sent it.
        position: of the row in its batch.

    Returns:
        The bill, or why there is none.
    """
    return Reference(compiled).bill(row, period_from=period_from, period_to=period_to, row_id=row_id, position=position)


@dataclass(frozen=True, slots=True)
class Ran:
    """The value of every step in one row, part by part."""

    admitted: Admitted
    parts: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A step with what running it needs, looked up once."""

    step: Step
    rule: WholeRule
    low: Decimal
    high: Decimal
    unit: Decimal  # of the last place
    known: bool  # a truth that a comparison gave: nothing to check
    over_parts: bool


@dataclass(slots=True)
class _PartRun:
    """The values of one part as they come."""

    frame: Frame
    values: list[Value]
    # Where values mean nothing: they lie in a branch that is not taken, or a `require` further down refuses the row.
    # Nothing that leaves the program may read them.
    unsound: dict[int, Positions] = field(default_factory=dict)
    refused: int | None = None  # by the first `require` that does not hold

    def take(self, at: int, prepared: _Prepared, together: Sequence[_PartRun]) -> None:
        """Compute a step, and check what came of it."""
        step = prepared.step
        operands = [self.values[operand] for operand in step.operands]
        value = prepared.rule(self.frame, step, operands)
        self.values.append(value)
        bad: Positions = NOWHERE
        if prepared.over_parts:
            if any(one.unsound for one in together):
                bad = spoilt_by_parts(step, self.frame.part, self.frame.run, [one.unsound for one in together])
        elif self.unsound and not self.unsound.keys().isdisjoint(step.operands):
            bad = spoilt(step, operands, [self.unsound.get(operand, NOWHERE) for operand in step.operands], value)
        if not prepared.known:
            wrong = outside(value, prepared.low, prepared.high, prepared.unit) - bad
            if wrong:
                if not_excused(step, wrong):
                    raise Unsound(f"step {at}, {step.primitive} {step.name}: {value} is outside {step.type}")
                bad |= wrong
        if bad:
            self.unsound[at] = bad
        if step.primitive == "require" and self.refused is None and not value and not bad:
            self.refused = step.refusal


class Reference:
    """A rule set made ready to bill many rows one by one."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self._context = decimals.exact()
        self._naming = decimals.naming()
        self._steps = tuple(_prepare(step) for step in compiled.program.steps)

    def bill(
        self,
        row: Mapping[str, object],
        *,
        period_from: date | str | int,
        period_to: date | str | int,
        row_id: object = "",
        position: int = 0,
    ) -> Bill | RowProblem:
        """Bill one row; as `reference`."""
        ran = self.run(row, period_from=period_from, period_to=period_to, row_id=row_id, position=position)
        if isinstance(ran, RowProblem):
            return ran
        return self.bill_of(ran, row_id)

    def bill_of(self, ran: Ran, row_id: object) -> Bill:
        """Make a bill of a row that was run, here or elsewhere."""
        with localcontext(self._context):
            return self._bill(ran, row_id)

    def run(
        self,
        row: Mapping[str, object],
        *,
        period_from: date | str | int,
        period_to: date | str | int,
        row_id: object = "",
        position: int = 0,
    ) -> Ran | RowProblem:
        """Compute one row without making a bill of it."""
        admitted = admit_row(self.compiled, row, period_from, period_to)
        if isinstance(admitted, Fault):
            return _row_problem(position, row_id, admitted)
        with localcontext(self._context):
            runs = self._run(admitted)
            refused = [(ran.refused, at) for at, ran in enumerate(runs) if ran.refused is not None]
            if refused:  # for the first refusal of any part, in the order of the program
                _, at = min(refused)
                return self._refusal(admitted.parts[at], runs[at], position, row_id)
            for at, ran in enumerate(runs):
                assert_read_sound(self.compiled.program, ran.values, ran.unsound, last=at == len(runs) - 1)
            return Ran(admitted, tuple(tuple(ran.values) for ran in runs))

    def _run(self, admitted: Admitted) -> list[_PartRun]:
        """Run the parts in step with each other: a step may read what earlier steps came to in any part."""
        program, constants = self.compiled.program, self.compiled.constants
        values: list[list[Value]] = [[] for _ in admitted.parts]
        runs = [
            _PartRun(
                Frame(
                    program,
                    part.inputs,
                    admitted.given,
                    part.lists,
                    (part.first, part.end),
                    constants.slots,
                    constants.figures[part.version],
                    self._naming,
                    at,
                    values,
                ),
                values[at],
            )
            for at, part in enumerate(admitted.parts)
        ]
        for at, prepared in enumerate(self._steps):
            for run in runs:
                run.take(at, prepared, runs)
        return runs

    def _refusal(self, part: Part, ran: _PartRun, position: int, row_id: object) -> RowProblem:
        """Say why a part refuses its row; of a list, what is told is of the first item that fails."""
        program = self.compiled.program
        assert ran.refused is not None
        refusal = program.refusals[ran.refused]
        where: dict[str, str] | None = None
        item: int | None = None
        if refusal.items is not None:
            name, condition = refusal.items
            held = ran.values[condition]
            assert isinstance(held, tuple)
            item = next((at for at, holds in enumerate(held) if not holds), 0)
            if held:
                axis = axis_of(program, name)
                where = {"axis": name, "item": str(part.before[name] + item + 1)}
                if axis.minutes:
                    where["item_time"] = row_intervals.times(program, axis, part.first, part.end)[item]
        return refused_by(refusal, position, row_id, self._texts(refusal.values, ran.values, item), where)

    def _texts(
        self, names: Iterable[tuple[str, int]], values: Sequence[Value], item: int | None = None
    ) -> dict[str, str]:
        """Write the values that a message names; of a list, that of the item."""
        texts = {}
        for name, step in names:
            value = values[step]
            if isinstance(value, tuple):
                value = value[item or 0] if value else decimals.ZERO
            texts[name] = step_text(value, self._type(step))
        return texts

    def _bill(self, ran: Ran, row_id: object) -> Bill:
        compiled, admitted = self.compiled, ran.admitted
        program = compiled.program
        parts = tuple(
            PartValues(
                day_date(part.first),
                day_date(part.end),
                part.version,
                part.inputs,
                part.lists,
                part.before,
                values,
            )
            for part, values in zip(admitted.parts, ran.parts, strict=True)
        )
        last = ran.parts[-1]
        raised = [warning for warning in program.warnings if last[warning.when]]
        return Bill(
            ruleset=compiled.id,
            row_id=row_id,
            period_from=parts[0].period_from,
            period_to=parts[-1].period_to,
            currency=compiled.currency,
            lines=tuple(
                self._line(line, one, str(at) if len(parts) > 1 else "")
                for at, one in enumerate(parts, 1)
                for line in program.lines
                if line.shown is None or one.values[line.shown]
            ),
            total=self._sum(program.total, ran.parts),
            ledgers={code: self._sum(step, ran.parts) for code, step in program.ledgers},
            warnings=tuple(self._warning(warning, last) for warning in raised),
            inputs=admitted.inputs,
            given=admitted.given,
            lists=admitted.lists,
            parts=parts,
            scores={one.id: self._value(program.names[one.id], last) for one in program.scores},
            segments={one.id: one.classes[int(single(last[program.names[one.id]]))].id for one in program.segments},
        )

    def _line(self, line: Line, of: PartValues, part: str) -> BillLine:
        quantity, price, values = line.quantity, line.price, of.values
        return BillLine(
            id=line.id,
            charge=line.charge,
            title=line.title,
            amount=self._value(line.amount, values),
            quantity=None if quantity is None else self._value(quantity, values),
            quantity_unit="" if quantity is None else unit_text(self._type(quantity).unit),
            price=None if price is None else self._value(price, values),
            price_unit="" if price is None else unit_text(self._type(price).unit),
            ledger=line.ledger,
            part=part,
            part_from=of.period_from,
            part_to=of.period_to,
            money=line.money,
        )

    def _warning(self, warning: Warning, values: Sequence[Value]) -> RaisedWarning:
        message = filled(warning.message, self._texts(warning.values, values))
        return RaisedWarning(
            warning.id, warning.title, warning.level, message, warning.causes, warning.action, warning.place
        )

    def _type(self, step: int) -> Type:
        return self.compiled.program.steps[step].type

    def _value(self, step: int, values: Sequence[Value]) -> Decimal:
        """Give a step's value with all its places: 12.50, not 12.5."""
        return with_places(single(values[step]), self._type(step).places)

    def _sum(self, step: int, parts: Iterable[Sequence[Value]]) -> Decimal:
        """Add up what a step comes to in all parts."""
        return with_places(sum((single(values[step]) for values in parts), decimals.ZERO), self._type(step).places)


def _prepare(step: Step) -> _Prepared:
    low, high = (decimals.of_whole(bound, step.type.places) for bound in (step.type.low, step.type.high))
    if step.primitive == "require":
        low, high = decimals.ZERO, decimals.ONE
    unit = decimals.of_whole(1, step.type.places)
    known = step.type.kind == "boolean" and step.primitive not in ("literal", "constant", "cell", "input")
    over_parts = step.primitive in ("earlier_parts", "all_parts", "largest_part")
    return _Prepared(step, rule_of(step), low, high, unit, known, over_parts)


def _row_problem(position: int, row_id: object, fault: Fault) -> RowProblem:
    parameters = {name: text for name, text in fault.parameters.items() if name not in ("field", "value")}
    return row_problem(position, row_id, fault.code, fault.field, fault.value, fault.place, **parameters)


def filled(message: str, texts: Mapping[str, str]) -> str:
    """Put values into a message that names them in braces; other braces stay.

    >>> filled("used {kwh} kWh", {"kwh": "120"})
    'used 120 kWh'
    """
    for name, text in texts.items():
        message = message.replace(f"{{{name}}}", text)
    return message


def with_places(value: Decimal, places: int) -> Decimal:
    """Write an exact value with all its places; it has at most so many."""
    whole = decimals.to_whole(value, places)
    assert whole is not None, f"{value} has more than {places} places"
    return decimals.of_whole(whole, places)


def step_text(value: Decimal, of: Type) -> str:
    """Write a step's value as an analyst would; a value outside its places as it is."""
    whole = decimals.to_whole(value, of.places)
    return f"{value:f}" if whole is None else value_text(whole, of)


def unit_text(unit: Unit) -> str:
    """Write a unit; a pure number has none."""
    return "" if unit == DIMENSIONLESS else str(unit)
