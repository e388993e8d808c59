"""The reference: a program run in decimals, one row at a time, in the plainest way there is.

Every sum and product is exact in a context of 100 digits that raises where a digit would be lost, so a rounding that no
rule names cannot happen. Each value is asserted to lie in its type's bounds with at most its places: a proof of the
compiler that does not hold is a fault of ours and stops everything. It shares the table of primitives with nobody; the
evaluator of columns is compared with it row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from engine.calendars.days import day_date
from engine.compiler.program import Compiled, Line, Step, Type, Warning
from engine.evaluator import decimals
from engine.evaluator.interpretation import INTERPRETATION, Frame, Rule
from engine.evaluator.refuse import refused_by, row_problem
from engine.evaluator.row_door import Admitted, Fault, admit_row
from engine.evaluator.rows import RowProblem, value_text
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
    part: str
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
class Bill:
    """What a row comes to, with the value of every step."""

    ruleset: str
    row_id: object
    period_from: date
    period_to: date  # half-open
    version: int
    currency: str
    lines: tuple[BillLine, ...]  # that are shown
    total: Decimal
    ledgers: Mapping[str, Decimal]
    warnings: tuple[RaisedWarning, ...]
    inputs: Mapping[str, Decimal]
    given: Mapping[str, bool]
    values: tuple[Decimal, ...]  # by step

    def line(self, id_: str) -> BillLine:
        """Find a shown line by its id; KeyError where the bill has none."""
        for line in self.lines:
            if line.id == id_:
                return line
        raise KeyError(id_)


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
        row: input name -> Decimal, int, text, bool, date or None (not given).
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
    """The value of every step in one row."""

    admitted: Admitted
    values: tuple[Decimal, ...]


class Unsound(AssertionError):
    """A value that the compiler proved impossible. A fault of the engine, never of a rule or a row."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A step with what running it needs, looked up once."""

    step: Step
    rule: Rule
    low: Decimal
    high: Decimal
    unit: Decimal  # of the last place
    known: bool  # a truth that a comparison gave: nothing to check


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
        with localcontext(self._context):
            return self._bill(ran.admitted, ran.values, row_id)

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
            ran = self._run(admitted)
            if isinstance(ran, _Refused):
                refusal = self.compiled.program.refusals[ran.refusal]
                return refused_by(refusal, position, row_id, self._texts(refusal.values, ran.values))
            return Ran(admitted, ran)

    def _run(self, admitted: Admitted) -> tuple[Decimal, ...] | _Refused:
        program, constants = self.compiled.program, self.compiled.constants
        frame = Frame(
            program,
            admitted.inputs,
            admitted.given,
            constants.slots,
            constants.figures[admitted.version],
            self._naming,
        )
        values: list[Decimal] = []
        # Steps whose value means nothing in this row: they lie in a branch that is not taken, or a `require` further
        # down refuses the row. Nothing that leaves the program may read them.
        unsound: set[int] = set()
        refused: int | None = None
        for at, prepared in enumerate(self._steps):
            step = prepared.step
            operands = [values[operand] for operand in step.operands]
            value = prepared.rule(frame, step, operands)
            values.append(value)
            if unsound and not unsound.isdisjoint(step.operands) and _spoils(step, operands, unsound):
                unsound.add(at)
            elif not prepared.known and (not prepared.low <= value <= prepared.high or value % prepared.unit):
                if not _excused(step, operands):
                    raise Unsound(f"step {at}, {step.primitive} {step.name}: {value} is outside {step.type}")
                unsound.add(at)
            if step.primitive == "require" and refused is None and not value and at not in unsound:
                refused = step.refusal
        if refused is not None:
            return _Refused(refused, tuple(values))
        self._assert_sound(values, unsound)
        return tuple(values)

    def _assert_sound(self, values: Sequence[Decimal], unsound: set[int]) -> None:
        """Assert that nothing unsound leaves the program."""
        if not unsound:
            return
        program = self.compiled.program
        read = {program.total, *(step for _, step in program.ledgers), *(w.when for w in program.warnings)}
        for line in program.lines:
            read |= {step for step in (line.shown,) if step is not None}
            if line.shown is None or values[line.shown]:
                read |= {step for step in (line.amount, line.quantity, line.price) if step is not None}
        for warning in program.warnings:
            if values[warning.when]:
                read |= {step for _, step in warning.values}
        read |= {at for at, step in enumerate(program.steps) if step.primitive == "require"}
        faults = sorted(read & unsound)
        if faults:
            raise Unsound(f"steps {faults} read values that no `require` and no branch keeps in their bounds")

    def _texts(self, names: Iterable[tuple[str, int]], values: Sequence[Decimal]) -> dict[str, str]:
        """Write the values that a message names."""
        return {name: step_text(values[step], self._type(step)) for name, step in names}

    def _bill(self, admitted: Admitted, values: tuple[Decimal, ...], row_id: object) -> Bill:
        compiled = self.compiled
        program = compiled.program
        shown = [line for line in program.lines if line.shown is None or values[line.shown]]
        raised = [warning for warning in program.warnings if values[warning.when]]
        return Bill(
            ruleset=compiled.id,
            row_id=row_id,
            period_from=day_date(int(admitted.inputs["period_from"])),
            period_to=day_date(int(admitted.inputs["period_to"])),
            version=admitted.version,
            currency=compiled.currency,
            lines=tuple(self._line(line, values) for line in shown),
            total=self._value(program.total, values),
            ledgers={code: self._value(step, values) for code, step in program.ledgers},
            warnings=tuple(self._warning(warning, values) for warning in raised),
            inputs=admitted.inputs,
            given=admitted.given,
            values=values,
        )

    def _line(self, line: Line, values: Sequence[Decimal]) -> BillLine:
        quantity, price = line.quantity, line.price
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
            part=line.part,
            money=line.money,
        )

    def _warning(self, warning: Warning, values: Sequence[Decimal]) -> RaisedWarning:
        message = filled(warning.message, self._texts(warning.values, values))
        return RaisedWarning(
            warning.id, warning.title, warning.level, message, warning.causes, warning.action, warning.place
        )

    def _type(self, step: int) -> Type:
        return self.compiled.program.steps[step].type

    def _value(self, step: int, values: Sequence[Decimal]) -> Decimal:
        """Give a step's value with all its places: 12.50, not 12.5."""
        return with_places(values[step], self._type(step).places)


@dataclass(frozen=True, slots=True)
class _Refused:
    refusal: int
    values: tuple[Decimal, ...]


def _prepare(step: Step) -> _Prepared:
    low, high = (decimals.of_whole(bound, step.type.places) for bound in (step.type.low, step.type.high))
    if step.primitive == "require":
        low, high = decimals.ZERO, decimals.ONE
    unit = decimals.of_whole(1, step.type.places)
    known = step.type.kind == "boolean" and step.primitive not in ("literal", "constant", "cell", "input")
    return _Prepared(step, INTERPRETATION[step.primitive], low, high, unit, known)


def _spoils(step: Step, operands: Sequence[Decimal], unsound: set[int]) -> bool:
    """Tell whether an unsound operand makes a step's value unsound: not in a branch that is not taken."""
    bad = [operand in unsound for operand in step.operands]
    match step.primitive:
        case "select":
            return bad[0] or bad[1 if operands[0] else 2]
        case "both":
            return not any(not spoilt and not value for spoilt, value in zip(bad, operands, strict=True))
        case "either":
            return not any(not spoilt and value for spoilt, value in zip(bad, operands, strict=True))
        case "require" if len(operands) == 2:
            return bad[1] or bool(bad[0] and operands[1])
        case _:
            return True


def _excused(step: Step, operands: Sequence[Decimal]) -> bool:
    """Tell whether a value may leave its bounds in a row that is refused or a branch that is not taken."""
    match step.primitive:
        case "claim":
            return True
        case "divide" | "multiply_divide":
            return operands[-1] <= 0
        case _:
            return False


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
