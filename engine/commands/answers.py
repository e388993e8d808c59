"""What an interpreter makes of a test: amounts, quantities, prices and named values by path, or a refusal.

Of a row in parts, `energy.1` is the sum over its parts and `energy.1@2` that of the second; a price, and a named value,
is that of the last part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from engine.compiler.program import ROW, Compiled, Line, Program, Working
from engine.evaluator.evaluate import Result
from engine.evaluator.interpretation import single
from engine.evaluator.reference import Bill
from engine.evaluator.rows import RowProblem
from engine.evaluator.scalar import ScalarBill

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a row."""

    values: Mapping[str, Decimal]
    warnings: tuple[str, ...]
    refused: tuple[str, str] | None  # code, field
    reason: str


@dataclass(frozen=True, slots=True)
class _Read:
    """A line of one part; a line that is not shown has an amount of zero and nothing else."""

    amount: Decimal
    quantity: Decimal | None = None
    price: Decimal | None = None


def named(program: Program, paths: Iterable[str]) -> dict[str, int]:
    """The steps of those paths that name a value of the row and no line or charge."""
    lines = {line.id for line in program.lines} | {line.charge for line in program.lines}
    found = {}
    for path in paths:
        name, _, _ = path.partition("@")
        head, _, last = name.rpartition(".")
        if name in lines or name == "total" or (last in ("amount", "quantity", "price") and head in lines):
            continue
        if name in program.names and program.steps[program.names[name]].type.axis == ROW:
            found[name] = program.names[name]
    return found


def with_named(compiled: Compiled, names: Mapping[str, int]) -> Compiled:
    """The rule set with lines, which carry no money, that say named values."""
    if not names:
        return compiled
    nothing = Working("", (), None, ())
    lines = [Line(name, name, "", step, None, None, None, "", False, nothing) for name, step in names.items()]
    return replace(compiled, program=replace(compiled.program, lines=(*compiled.program.lines, *lines)))


def of_decimals(compiled: Compiled, made: Bill | RowProblem, names: Mapping[str, int]) -> Answer:
    """What the reference makes of a row."""
    if isinstance(made, RowProblem):
        return Answer({}, (), (made.code, made.field), made.reason)
    program = compiled.program
    shown = {(line.part, line.id): _Read(line.amount, line.quantity, line.price) for line in made.lines}
    several = len(made.parts) > 1
    parts = []
    for number, part in enumerate(made.parts, start=1):
        key = str(number) if several else ""
        lines = {line.id: shown.get((key, line.id), _Read(ZERO)) for line in program.lines}
        parts.append((lines, {name: single(part.values[step]) for name, step in names.items()}))
    return _answer(program, parts, made.total, [warning.id for warning in made.warnings])


def of_columns(compiled: Compiled, result: Result, names: Mapping[str, int]) -> Answer:
    """What the evaluator makes of a row, a batch of one; `compiled` is without the lines of named values."""
    if result.problems:
        found = result.problems[0]
        return Answer({}, (), (found.code, found.field), found.reason)
    program = compiled.program
    parts = []
    for at in range(len(result.version)):
        lines = {line.id: _read(program, line, result, at) for line in program.lines}
        parts.append((lines, {name: _decimal(program, step, result.amounts[name][at]) for name, step in names.items()}))
    total = _decimal(program, program.total, result.total[0])
    return _answer(program, parts, total, [one.id for one in program.warnings if result.warnings[one.id][0]])


def of_integers(compiled: Compiled, made: ScalarBill | RowProblem, names: Mapping[str, int]) -> Answer:
    """What the scalar makes of a row; `compiled` is without the lines of named values, which it was made with."""
    if isinstance(made, RowProblem):
        return Answer({}, (), (made.code, made.field), made.reason)
    program = compiled.program
    declared = len(program.lines)
    parts = []
    for part in made.parts:
        lines = {line.id: _Read(ZERO) for line in program.lines}
        more = {}
        for at, amount, quantity, price in part.lines:
            if at >= declared:
                name, step = list(names.items())[at - declared]
                more[name] = _decimal(program, step, amount)
                continue
            line = program.lines[at]
            lines[line.id] = _Read(
                _decimal(program, line.amount, amount),
                None if line.quantity is None else _decimal(program, line.quantity, quantity),
                None if line.price is None else _decimal(program, line.price, price),
            )
        parts.append((lines, more))
    return _answer(program, parts, _decimal(program, program.total, made.total), made.warnings)


def _read(program: Program, line: Line, result: Result, at: int) -> _Read:
    shown = result.shown.get(line.id)
    if shown is not None and not shown[at]:
        return _Read(ZERO)
    return _Read(
        _decimal(program, line.amount, result.amounts[line.id][at]),
        None if line.quantity is None else _decimal(program, line.quantity, result.quantities[line.id][at]),
        None if line.price is None else _decimal(program, line.price, result.prices[line.id][at]),
    )


def _decimal(program: Program, step: int, whole: object) -> Decimal:
    return Decimal(int(whole)).scaleb(-program.steps[step].type.places)  # type: ignore[call-overload]  # numpy's integer


def _answer(
    program: Program,
    parts: Sequence[tuple[Mapping[str, _Read], Mapping[str, Decimal]]],
    total: Decimal,
    warnings: Sequence[str],
) -> Answer:
    values: dict[str, Decimal] = {}
    several = len(parts) > 1
    for number, (lines, more) in enumerate(parts, start=1):
        of_part: dict[str, Decimal] = {}
        for id_, read in lines.items():
            of_part[id_] = of_part[f"{id_}.amount"] = read.amount
            if read.quantity is not None:
                of_part[f"{id_}.quantity"] = read.quantity
            if read.price is not None:
                of_part[f"{id_}.price"] = read.price
        for charge in dict.fromkeys(line.charge for line in program.lines):
            money = [line.id for line in program.lines if line.charge == charge and line.money]
            of_part.setdefault(charge, sum((lines[id_].amount for id_ in money), ZERO))
        if several:
            values |= {f"{path}@{number}": value for path, value in {**of_part, **more}.items()}
        for path, value in of_part.items():
            adds_up = path in values and not path.endswith(".price")
            values[path] = values[path] + value if adds_up else value
        values |= more
    values["total"] = total
    return Answer(values, tuple(warnings), None, "")
