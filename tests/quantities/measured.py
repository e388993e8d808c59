"""What both interpreters measure: a line for each quantity, priced at one, of each part of a bill."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import RowProblem
from tests.alone import Alike
from tests.billing import as_rows
from tests.oracles.amounts import Lines
from tests.properties.case import Row

HERE = Path(__file__).parent
Measured = list[Lines] | str  # by part, or why the row is refused


def ruleset(name: str) -> str:
    """Read a rule set of this folder."""
    return (HERE / f"{name}.ruleset.yaml").read_text(encoding="utf-8")


@cache
def shipped(name: str) -> Compiled:
    """Compile a rule set of this folder, once."""
    return compile_paths([HERE / f"{name}.ruleset.yaml"]).rulesets[f"quantities.{name}"]


def compiled(text: str, folder: Path) -> Compiled:
    """Compile a rule set that a test has written."""
    file = folder / "written.ruleset.yaml"
    file.write_text(text, encoding="utf-8")
    (found,) = compile_paths([file]).rulesets.values()
    return found


def measured(name: str, rows: Sequence[Row]) -> list[Measured]:
    """Give the lines of every part of every row, or `code field`."""
    return measured_by(shipped(name), rows)


def measured_by(of: Compiled, rows: Sequence[Row]) -> list[Measured]:
    """Measure with a rule set that a test has compiled; both interpreters say the same."""
    of_columns = _evaluated(of, rows)

    assert _referred(of, rows) == of_columns
    return of_columns


def one(name: str, row: Row) -> Lines | str:
    """Give the lines of a row that is one part."""
    (found,) = measured(name, [row])
    if isinstance(found, str):
        return found
    (lines,) = found
    return lines


def _evaluated(compiled: Compiled, rows: Sequence[Row]) -> list[Measured]:
    result = evaluate(compiled, as_rows(compiled, rows))
    found: dict[int, Measured] = {problem.row: f"{problem.code} {problem.field}" for problem in result.problems}
    types = [step.type for step in compiled.program.steps]
    parts = list(range(len(result.kept) + 1)) if result.offsets is None else result.offsets.tolist()
    for at, row in enumerate(result.kept.tolist()):
        found[row] = [
            {
                line.id: Decimal(int(result.amounts[line.id][part])).scaleb(-types[line.amount].places)
                for line in compiled.program.lines
                if line.money and (line.id not in result.shown or result.shown[line.id][part])
            }
            for part in range(parts[at], parts[at + 1])
        ]
    return [found[row] for row in range(len(rows))]


def _referred(compiled: Compiled, rows: Sequence[Row]) -> list[Measured]:
    alike = Alike(compiled)
    found: list[Measured] = []
    for row in rows:
        bill = alike.bill(row.given, period_from=row.period_from, period_to=row.period_to)
        if isinstance(bill, RowProblem):
            found.append(f"{bill.code} {bill.field}")
            continue
        parts: list[Lines] = [{} for _ in bill.parts]
        for line in bill.lines:
            if line.money:
                parts[int(line.part or 1) - 1][line.id] = line.amount
        found.append(list(parts))
    return found
