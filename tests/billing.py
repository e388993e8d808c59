"""Bill plain rows through the engine's interpreters, and give back plain lines: what the oracles give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np

from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled, Line, Working
from engine.evaluator.evaluate import Result, evaluate
from engine.evaluator.reference import Bill
from engine.evaluator.rows import EPOCH, Children, Column, RowProblem, Rows
from tests.alone import Alike
from tests.oracles.amounts import Lines, Refused
from tests.oracles.given import Item, Value
from tests.properties.case import Row

ROOT = Path(__file__).resolve().parent.parent


@cache
def whole_book() -> RateBook:
    """Compile the shipped rules, those of the kinds and those of the examples; every one, once."""
    return compile_paths([ROOT / "rules", ROOT / "tests" / "kinds", ROOT / "tests" / "examples"])


def book() -> Mapping[str, Compiled]:
    """Give the rule sets of `whole_book`."""
    return whole_book().rulesets


def as_rows(compiled: Compiled, rows: Sequence[Row]) -> Rows:
    """Lay rows out in columns of objects, a column for each input and a list of items for each list that any gives."""
    lists = {axis.name for axis in compiled.program.axes}
    names = sorted({name for row in rows for name in row.given} - lists)
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
        children={name: _children([row.given.get(name) for row in rows]) for name in sorted(lists)},
    )


def _children(rows: Sequence[Value]) -> Children:
    """One list of every row: None is a row that gives none, an item that lacks a value has None there."""
    lists: list[Sequence[Item]] = [[] if items is None else _items(items) for items in rows]
    offsets = np.concatenate([[0], np.cumsum([len(items) for items in lists])]).astype(np.int64)
    whole = [item for items in lists for item in items]
    columns = {}
    for name in sorted({name for item in whole for name in item}):
        values = np.empty(len(whole), dtype=object)
        values[:] = [item.get(name) for item in whole]
        columns[name] = Column(values)
    return Children(offsets, columns, np.array([items is not None for items in rows], dtype=np.bool_))


def _items(value: Value) -> Sequence[Item]:
    assert isinstance(value, Sequence), "a list has items"
    assert not isinstance(value, str), "a list has items"
    return value


def evaluated(compiled: Compiled, rows: Sequence[Row], block_rows: int = 16384) -> list[Lines | Refused]:
    """Bill rows in one batch; every row is billed or refused, none twice."""
    result = evaluate(compiled, as_rows(compiled, rows), block_rows=block_rows)
    return outcomes(compiled, result, len(rows))


def with_quantities(compiled: Compiled, names: Iterable[str]) -> Compiled:
    """The rule set with a line for each of these names of its program, so that a bill says what they came to."""
    steps = compiled.program.names
    lines = [Line(name, name, "", steps[name], None, None, None, "", True, NO_WORKING) for name in names]
    return replace(compiled, program=replace(compiled.program, lines=(*compiled.program.lines, *lines)))


NO_WORKING = Working("", (), None, ())


def outcomes(compiled: Compiled, result: Result, received: int) -> list[Lines | Refused]:
    """Give the bills and refusals of a result by position; received = billed + refused.

    A line of a bill of several parts is called `energy.1@2`, for the second of them.
    """
    bills: dict[int, Lines | Refused] = {problem.row: Refused(frozenset({problem.code})) for problem in result.problems}
    assert len(bills) == len(result.problems), "a row is refused once"
    kept = result.kept.tolist()
    assert not bills.keys() & set(kept), "a row is billed or refused, never both"
    assert sorted([*bills, *kept]) == list(range(received)), "received = billed + refused"
    types = [step.type for step in compiled.program.steps]
    total_places = types[compiled.program.total].places
    offsets = range(len(kept) + 1) if result.offsets is None else result.offsets.tolist()
    for at, position in enumerate(kept):
        lines: Lines = {}
        parts = range(offsets[at], offsets[at + 1])
        for number, part in enumerate(parts, 1):
            for line in compiled.program.lines:
                shown = result.shown.get(line.id)
                if line.money and (shown is None or shown[part]):
                    name = line.id if len(parts) == 1 else f"{line.id}@{number}"
                    lines[name] = Decimal(int(result.amounts[line.id][part])).scaleb(-types[line.amount].places)
        lines["total"] = Decimal(int(result.total[at])).scaleb(-total_places)
        bills[position] = lines
    return [bills[position] for position in range(received)]


def referred(compiled: Compiled, rows: Sequence[Row]) -> list[Lines | Refused]:
    """Bill rows one by one with the Decimal interpreter; the scalar is seen to make the same of each."""
    alike = Alike(compiled)
    found: list[Lines | Refused] = []
    for row in rows:
        bill = alike.bill(row.given, period_from=row.period_from, period_to=row.period_to)
        found.append(_lines(bill))
    return found


def _lines(bill: Bill | RowProblem) -> Lines | Refused:
    if isinstance(bill, RowProblem):
        return Refused(frozenset({bill.code}))
    lines = {f"{line.id}@{line.part}" if line.part else line.id: line.amount for line in bill.lines if line.money}
    return {**lines, "total": bill.total}


def without_zeros(lines: Mapping[str, Decimal]) -> Lines:
    """Leave out lines of nothing: whether a bill shows them is not a question of money."""
    return {line: amount for line, amount in lines.items() if amount or line == "total"}
