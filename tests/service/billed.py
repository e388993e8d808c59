"""What became of a row, in one form whoever says it: the library, a chunk's answer, a single bill, or a run's files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.evaluator.batch import Dispatched, Group
from engine.evaluator.refuse import of_item
from engine.evaluator.rows import whole_text
from tests.running import lines as lines_of
from tests.running import read


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a bill, or of one part of it; numbers as decimal text, "" where there is none."""

    part: int  # from 1; 0 where the row is one part
    id: str
    amount: str
    quantity: str = ""
    price: str = ""


@dataclass(frozen=True, slots=True)
class Billed:
    """A bill."""

    ruleset: str
    total: str
    currency: str
    ledgers: Mapping[str, str]
    lines: tuple[Line, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no bill."""

    code: str
    field: str
    value: str
    reason: str


Outcome = Billed | Refused | None


def of_library(done: Dispatched) -> list[Outcome]:
    """What `dispatch`, with details, made of each row."""
    found: list[Outcome] = [None] * done.received
    for problem in done.refused:
        field = of_item(problem.field, problem.parameters.get("item", ""))
        found[problem.row] = Refused(problem.code, field, problem.value, problem.reason)
    for group in done.groups:
        for number, row in enumerate(group.result.kept.tolist()):
            found[row] = _of_group(group, number)
    return found


def _of_group(group: Group, number: int) -> Billed:
    result, program = group.result, group.compiled.program
    start, end = (number, number + 1) if result.offsets is None else result.offsets[number : number + 2].tolist()

    def text(column: Any, at: int, step: int) -> str:
        return whole_text(int(column[at]), program.steps[step].type.places)

    lines = []
    for part in range(start, end):
        for line in program.lines:
            shown = result.shown.get(line.id)
            if shown is None or shown[part]:
                lines.append(
                    Line(
                        part - start + 1 if end - start > 1 else 0,
                        line.id,
                        text(result.amounts[line.id], part, line.amount),
                        "" if line.quantity is None else text(result.quantities[line.id], part, line.quantity),
                        "" if line.price is None else text(result.prices[line.id], part, line.price),
                    )
                )
    return Billed(
        group.compiled.id,
        text(result.total, number, program.total),
        group.compiled.currency,
        {code: text(result.ledgers[code], number, step) for code, step in program.ledgers},
        tuple(lines),
        tuple(one.id for one in program.warnings if result.warnings[one.id][number]),
    )


def of_stream(answer: rating_pb2.CalculateBillsResponse) -> list[Outcome]:
    """What the answer to a chunk says of each row; a row that it says nothing of, or two things, fails."""
    found: list[Outcome] = [None] * answer.received
    for error in answer.row_errors:
        assert found[error.index] is None
        found[error.index] = of_error(error)
    for group in answer.groups:
        index = list(group.index) or list(range(answer.received))
        parts = list(group.parts) or [1] * len(index)
        assert len(index) == len(parts) == len(group.total.values)
        assert len(group.part_from) == len(group.part_to) == (sum(parts) if group.parts else 0)
        raised = {one.id: set(one.index) for one in group.warnings}
        first = 0
        for number, (row, several) in enumerate(zip(index, parts, strict=True)):
            assert found[row] is None
            found[row] = Billed(
                group.ruleset,
                whole_text(group.total.values[number], group.total.places),
                group.currency,
                {one.ledger: whole_text(one.amounts.values[number], one.amounts.places) for one in group.ledgers},
                tuple(_lines(group, first, several)),
                tuple(name for name, rows in raised.items() if row in rows),
            )
            first += several
    assert answer.billed == sum(isinstance(one, Billed) for one in found)
    assert None not in found
    return found


def _lines(group: rating_pb2.BillGroup, first: int, several: int) -> list[Line]:
    lines = []
    for part in range(first, first + several):
        for one in group.lines:
            if not one.shown or one.shown[part // 8] >> part % 8 & 1:
                lines.append(
                    Line(
                        part - first + 1 if several > 1 else 0,
                        one.id,
                        whole_text(one.amounts.values[part], one.amounts.places),
                        whole_text(one.quantities.values[part], one.quantities.places) if one.quantities.values else "",
                        whole_text(one.prices.values[part], one.prices.places) if one.prices.values else "",
                    )
                )
    return lines


def of_error(error: type_pb2.RowError) -> Refused:
    return Refused(error.code, error.field, error.value, error.reason)


def of_bill(bill: rating_pb2.Bill) -> Billed:
    """What a single bill says."""
    return Billed(
        bill.ruleset,
        whole_text(bill.total.unscaled, bill.total.places),
        bill.total.currency,
        {one.ledger: _decimal(one.amount) for one in bill.ledgers},
        tuple(
            Line(
                one.part,
                one.id,
                _decimal(one.amount),
                _decimal(one.quantity) if one.HasField("quantity") else "",
                _decimal(one.price) if one.HasField("price") else "",
            )
            for one in bill.lines
        ),
        tuple(one.id for one in bill.warnings),
    )


def _decimal(of: type_pb2.Decimal) -> str:
    return whole_text(of.unscaled, of.places)


def of_run(folder: Path, rows: int) -> list[Outcome]:
    """What the files of `dianjia run --details --amounts decimal` say of each row; totals have the book's places."""
    found: list[Outcome] = [None] * rows
    lines: list[list[Line]] = [[] for _ in range(rows)]
    for structure in lines_of(folder):
        table = read(folder, f"lines/{structure}")
        names = [name for name in table.column_names if (table.schema.field(name).metadata or {}).get(b"currency")]
        for one in table.to_pylist():
            lines[one["row_id"]] += [
                Line(
                    one.get("part", 1), name, f"{one[name]:f}", _text(one, name, "quantity"), _text(one, name, "price")
                )
                for name in names
                if one[name] is not None
            ]
    warnings: list[list[str]] = [[] for _ in range(rows)]
    for one in read(folder, "warnings").to_pylist():
        warnings[one["row_id"]].append(one["warning"])
    for one in read(folder, "refused").to_pylist():
        found[one["row_id"]] = Refused(one["code"], one["field"], one["value"], one["reason"])
    for one in read(folder, "bills").to_pylist():
        assert found[one["row_id"]] is None
        ledgers = {name.removeprefix("ledger_"): value for name, value in one.items() if name.startswith("ledger_")}
        at = one["row_id"]
        found[at] = Billed(
            one["ruleset"],
            f"{one['total']:f}",
            one["currency"],
            {code: f"{value:f}" for code, value in ledgers.items() if value is not None},
            tuple(lines[at])
            if any(line.part > 1 for line in lines[at])
            else tuple(replace(line, part=0) for line in lines[at]),
            tuple(warnings[at]),
        )
    return found


def _text(one: Mapping[str, Any], name: str, suffix: str) -> str:
    value = one.get(f"{name}.{suffix}")
    return "" if value is None else f"{value:f}"


def as_run(outcomes: Sequence[Outcome], places: int) -> list[Outcome]:
    """Outcomes as a run's files say them: totals and ledgers with the book's places, fields without items."""
    return [
        _widened(one, places) if isinstance(one, Billed) else replace(one, field=re.sub(r"\[\d+\]", "", one.field))
        for one in outcomes
        if one is not None
    ]


def _widened(one: Billed, places: int) -> Billed:
    def wide(text: str) -> str:
        whole, _, rest = text.partition(".")
        return f"{whole}.{rest.ljust(places, '0')}" if places else whole

    return Billed(
        one.ruleset,
        wide(one.total),
        one.currency,
        {code: wide(amount) for code, amount in one.ledgers.items()},
        one.lines,
        one.warnings,
    )
