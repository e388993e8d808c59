"""Bill a row in decimals and see that the scalar makes the same of it: bill or refusal, to the last value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compiler.program import Compiled
from engine.evaluator import decimals
from engine.evaluator.compare import as_numbers
from engine.evaluator.reference import Bill, Ran, Reference
from engine.evaluator.rows import RowProblem
from engine.evaluator.scalar import Scalar, ScalarBill


class Alike:
    """A rule set made ready for both interpreters that bill row by row."""

    def __init__(self, compiled: Compiled) -> None:
        self.reference, self.scalar = Reference(compiled), Scalar(compiled)

    def bill(self, row: Mapping[str, object], **about: Any) -> Bill | RowProblem:
        """Bill a row as `Reference.bill` does; the scalar gets it twice, once with its own numbers for decimals."""
        told = self.reference.bill(row, **about)
        for came in (row, {name: as_numbers(value) for name, value in row.items()}):
            made = self.scalar.bill(came, **about)
            if isinstance(told, RowProblem):
                assert told == made
            else:
                assert isinstance(made, ScalarBill), f"the reference bills {told.total}, the scalar says {made}"
                assert told == made.to_bill()
                assert_whole(told, made)
        return told

    def run(self, row: Mapping[str, object], **period: Any) -> Ran | RowProblem:
        """Run a row as `Reference.run` does."""
        ran = self.reference.run(row, **period)
        made = self.scalar.bill(row, **period)
        assert ran == (made if isinstance(made, RowProblem) else made.to_ran())
        return ran


def alike(compiled: Compiled, row: Mapping[str, object], **about: Any) -> Bill | RowProblem:
    """Bill one row; as `Alike.bill`."""
    return Alike(compiled).bill(row, **about)


def assert_whole(bill: Bill, made: ScalarBill) -> None:
    """Compare what a scalar bill says in whole numbers, without its way through decimals."""
    program = made.compiled.program
    types = [step.type for step in program.steps]

    def whole(step: int | None, value: Any) -> int | None:
        return None if step is None else decimals.to_whole(value, types[step].places)

    assert made.total == whole(program.total, bill.total)
    assert made.ledgers == tuple(whole(step, bill.ledgers[code]) for code, step in program.ledgers)
    assert made.messages() == bill.warnings
    assert made.warnings == tuple(warning.id for warning in bill.warnings)
    assert (made.version, len(made.parts)) == (bill.version, len(bill.parts))
    assert [(line.line.id, str(line.part or ""), line.amount, line.quantity, line.price) for line in made.lines] == [
        (
            shown.id,
            shown.part,
            whole(line.line.amount, shown.amount),
            whole(line.line.quantity, shown.quantity),
            whole(line.line.price, shown.price),
        )
        for shown, line in zip(bill.lines, made.lines, strict=True)
    ]
