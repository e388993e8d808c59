"""One bill alone, each way there is: what a billing system waits for when it asks for a single bill.

A side takes one row, a mapping of inputs as it comes from a message, and gives a bill with its lines, its total and its
warnings. Rows differ from each other, as one after the other is asked for.

    python -m benchmarks.one_bill    # the table of README.md
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from benchmarks.dianjia import FEBRUARY, JANUARY, compiled
from benchmarks.peers import decimal_loop
from benchmarks.workloads import WORKLOADS, Workload, columns
from engine.evaluator.evaluate import Plans, evaluate
from engine.evaluator.reference import Bill, Reference
from engine.evaluator.rows import Column, Rows
from engine.evaluator.scalar import Number, Scalar, ScalarBill

Row = Mapping[str, object]
DAYS: Final[dict[str, Any]] = {"period_from": JANUARY, "period_to": FEBRUARY}


@dataclass(frozen=True, slots=True)
class One:
    """A way to make one bill."""

    name: str
    title: str
    prepare: Callable[[Workload], Callable[[Row], Any]]
    total: Callable[[Any], int]  # of a bill, in fen
    numbers: Callable[[int, int], object]  # whole number, places -> how a row has it
    rows: int  # that a round bills where it is measured at length


def decimal(whole: int, places: int) -> Decimal:
    """Write a whole number of so many places as a row of decimals has it."""
    return Decimal(whole).scaleb(-places)


def _scalar(workload: Workload) -> Callable[[Row], ScalarBill]:
    one = Scalar(compiled(workload.name))

    def bill(row: Row) -> ScalarBill:
        made = one.bill(row, **DAYS)
        assert isinstance(made, ScalarBill)
        return made

    return bill


def _reference(workload: Workload) -> Callable[[Row], Bill]:
    one = Reference(compiled(workload.name))

    def bill(row: Row) -> Bill:
        made = one.bill(row, **DAYS)
        assert isinstance(made, Bill)
        return made

    return bill


def _columns(workload: Workload) -> Callable[[Row], Any]:
    plans = Plans(compiled(workload.name))
    types = {spec.name: spec.type for spec in plans.compiled.program.inputs}

    def column(name: str, value: Any) -> Column:
        match types[name].kind:
            case "boolean":
                return Column(np.array([value], dtype=np.bool_))
            case "code":
                return Column(np.array([types[name].codes.index(value)]), codes=types[name].codes)
            case _:
                return Column(np.array([value.unscaled]), value.places)

    def bill(row: Row) -> Any:
        rows = Rows(
            row_id=np.zeros(1, dtype=np.int64),
            ruleset=Column(np.zeros(1, dtype=np.int64), codes=(plans.compiled.id,)),
            period_from=np.array([JANUARY]),
            period_to=np.array([FEBRUARY]),
            columns={name: column(name, value) for name, value in row.items()},
        )
        return evaluate(plans.compiled, rows, threads=1, plans=plans)

    return bill


def _by_hand(workload: Workload) -> Callable[[Row], Any]:
    makes, total = decimal_loop.by_hand(workload), workload.outputs.index("total")
    specs = compiled(workload.name).program.inputs
    positions = {code: at for spec in specs for at, code in enumerate(spec.type.codes)}

    def bill(row: Row) -> Any:
        bill = makes(*[positions[value] if type(value) is str else value for value in row.values()])
        return bill, bill[total]

    return bill


SIDES: Final = (
    One("scalar", "**Dianjia, one bill**", _scalar, lambda bill: int(bill.total), Number, 20_000),
    One("scalar-decimal", "Dianjia, one bill, from decimals", _scalar, lambda bill: int(bill.total), decimal, 20_000),
    One(
        "reference", "Dianjia's reference, decimals", _reference, lambda bill: int(bill.total.scaleb(2)), decimal, 2_000
    ),
    One("columns", "Dianjia's evaluator, a batch of one", _columns, lambda bill: int(bill.total[0]), Number, 2_000),
    One("by-hand", "decimal.Decimal, by hand", _by_hand, lambda bill: int(bill[1].scaleb(2)), decimal, 20_000),
)


def rows_of(workload: Workload, side: One, count: int) -> list[Row]:
    """Draw rows as mappings of inputs, numbers as this side takes them."""
    types = {spec.name: spec.type for spec in compiled(workload.name).program.inputs}
    drawn = {name: column.tolist() for name, column in columns(workload, count).items()}

    def cell(name: str, places: int, whole: int) -> object:
        match types[name].kind:
            case "boolean":
                return bool(whole)
            case "code":
                return types[name].codes[whole]
            case _:
                return side.numbers(whole, places)

    return [
        {column.name: cell(column.name, column.places, drawn[column.name][at]) for column in workload.inputs}
        for at in range(count)
    ]


def every(bill: Callable[[Row], Any], rows: Sequence[Row]) -> None:
    """Bill rows one after the other and keep none."""
    for row in rows:
        bill(row)


def cpu_us(side: One, workload: Workload, rounds: int = 7) -> float:
    """Measure the CPU time of one bill [microseconds], the median of some rounds."""
    bill, rows = side.prepare(workload), rows_of(workload, side, side.rows)
    every(bill, rows)
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        every(bill, rows)
        taken.append(time.process_time() - start)
    return sorted(taken)[rounds // 2] / side.rows * 1e6


def render() -> str:
    """Measure every side on both workloads and write a table."""
    lines = ["| | " + " | ".join(WORKLOADS) + " |", "|---|" + "---:|" * len(WORKLOADS)]
    for side in SIDES:
        lines.append(
            f"| {side.title} | " + " | ".join(f"{cpu_us(side, one):,.1f}" for one in WORKLOADS.values()) + " |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(render())
