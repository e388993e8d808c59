"""Bill plain rows through the engine's two interpreters, and give back plain lines: what the oracles give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Result, evaluate
from engine.evaluator.reference import Bill, Reference
from engine.evaluator.rows import EPOCH, Column, RowProblem, Rows
from tests.oracles.amounts import Lines, Refused
from tests.properties.case import Row

ROOT = Path(__file__).resolve().parent.parent


@cache
def book() -> Mapping[str, Compiled]:
    """Compile the shipped rule sets, those of the kinds and those of the examples; every one, once."""
    folders = [ROOT / "rules", ROOT / "tests" / "kinds", ROOT / "tests" / "examples"]
    return compile_paths(folders).rulesets


def as_rows(compiled: Compiled, rows: Sequence[Row]) -> Rows:
    """Lay rows out in columns of objects, a column for each input that any of them gives."""
    names = sorted({name for row in rows for name in row.given})
    columns = {}
    for name in names:
        values = np.empty(len(rows), dtype=object)
        values[:] = [row.given.get(name) for row in rows]
        columns[name] = Column(values)
    return Rows(
        row_id=np.arange(len(rows), dtype=np.int64),
        ruleset=Column(np.zeros(len(rows), dtype=np.int64), codes=(compiled.id,)),
        period_from=np.array([row.period_from.toordinal() - EPOCH for row in rows], dtype=np.int64),
        period_to=np.array([row.period_to.toordinal() - EPOCH for row in rows], dtype=np.int64),
        columns=columns,
    )


def evaluated(compiled: Compiled, rows: Sequence[Row], block_rows: int = 16384) -> list[Lines | Refused]:
    """Bill rows in one batch; every row is billed or refused, none twice."""
    result = evaluate(compiled, as_rows(compiled, rows), block_rows=block_rows)
    return outcomes(compiled, result, len(rows))


def outcomes(compiled: Compiled, result: Result, received: int) -> list[Lines | Refused]:
    """Give the bills and refusals of a result by position; received = billed + refused."""
    bills: dict[int, Lines | Refused] = {problem.row: Refused(frozenset({problem.code})) for problem in result.problems}
    assert len(bills) == len(result.problems), "a row is refused once"
    kept = result.kept.tolist()
    assert not bills.keys() & set(kept), "a row is billed or refused, never both"
    assert sorted([*bills, *kept]) == list(range(received)), "received = billed + refused"
    types = [step.type for step in compiled.program.steps]
    total_places = types[compiled.program.total].places
    for at, position in enumerate(kept):
        lines: Lines = {}
        for line in compiled.program.lines:
            shown = result.shown.get(line.id)
            if line.money and (shown is None or shown[at]):
                lines[line.id] = Decimal(int(result.amounts[line.id][at])).scaleb(-types[line.amount].places)
        lines["total"] = Decimal(int(result.total[at])).scaleb(-total_places)
        bills[position] = lines
    return [bills[position] for position in range(received)]


def referred(compiled: Compiled, rows: Sequence[Row]) -> list[Lines | Refused]:
    """Bill rows one by one with the Decimal interpreter."""
    reference = Reference(compiled)
    found: list[Lines | Refused] = []
    for row in rows:
        bill = reference.bill(row.given, period_from=row.period_from, period_to=row.period_to)
        found.append(_lines(bill))
    return found


def _lines(bill: Bill | RowProblem) -> Lines | Refused:
    if isinstance(bill, RowProblem):
        return Refused(frozenset({bill.code}))
    return {line.id: line.amount for line in bill.lines if line.money} | {"total": bill.total}


def without_zeros(lines: Mapping[str, Decimal]) -> Lines:
    """Leave out lines of nothing: whether a bill shows them is not a question of money."""
    return {line: amount for line, amount in lines.items() if amount or line == "total"}
