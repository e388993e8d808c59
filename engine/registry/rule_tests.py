"""The tests that stand in rule sets, as a publication runs them.

Takes a compiled rule set; gives a problem for each of its tests that does not hold. The bill that is compared with what
the test expects is made in decimals; that it comes out alike by columns and in integers, to the last digit of every
line, is seen to for all tests of the rule set at once. What a path names is as `dianjia test` has it: a line, its
amount, quantity or price, a charge, `total`, a named value; of a bill in parts `energy.1@2` is that of the second part,
and `energy.1` the sum over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Final

import numpy as np

from engine.advice.cases import cases_of
from engine.advice.cases import run_case as run_advice_case
from engine.calendars.days import day_number
from engine.compiler.book import RateBook
from engine.compiler.program import ROW, Compiled, Program, TestCase
from engine.compiler.trigger import Watch
from engine.evaluator.compare import Difference, compare
from engine.evaluator.interpretation import single
from engine.evaluator.reference import Bill, BillLine, Reference
from engine.evaluator.rows import Children, Column, RowProblem, Rows
from engine.language.problems import Problem, problem
from engine.triggers.cases import run_case

_SHOWN_MAX: Final = 5  # differences of one test that are told
_OF_LINES: Final = ("amount", "quantity", "price")
_SHAPE: Final = frozenset({"not-a-list", "unknown-item-key"})  # of a list that columns cannot hold


def failing_tests(compiled: Compiled) -> list[Problem]:
    """Run the tests of a rule set and tell those that do not hold."""
    ready = Reference(compiled)
    found, in_columns = [], []
    for case in compiled.tests:
        made = ready.bill(case.given, period_from=case.period_from, period_to=case.period_to)
        wrong = differences(compiled.program, case, made)
        if wrong:
            found.append(problem("test-fails", case.place, None, **_named(compiled, case), **_told(wrong)))
        if not (isinstance(made, RowProblem) and made.code in _SHAPE):
            in_columns.append(case)
    if in_columns:
        for one in compare(compiled, rows_of(compiled, in_columns)).differences:
            case = in_columns[int(one.row_id)]
            found.append(problem("test-fails", case.place, None, **_named(compiled, case), **_disagreeing(one)))
    return found


def failing_trigger_tests(watch: Watch) -> list[Problem]:
    """Run the tests of triggers over time and tell those that do not hold."""
    found = []
    for case in watch.tests:
        wrong = [(one.what, one.expected, one.got) for one in run_case(watch, case)]
        if wrong:
            told = {"name": case.name, "ruleset": case.ruleset, **_told(wrong)}
            found.append(problem("test-fails", case.place, None, **told))
    return found


def failing_advice_tests(book: RateBook) -> list[Problem]:
    """Run the tests in advice files and tell those that do not hold."""
    found = []
    for advice, case in cases_of(book):
        wrong = [(one.path, one.expected, one.got) for one in run_advice_case(book, advice, case)]
        if wrong:
            told = {"name": case.name, "ruleset": advice.id, **_told(wrong)}
            found.append(problem("test-fails", case.place, None, **told))
    return found


def rows_of(compiled: Compiled, cases: Sequence[TestCase]) -> Rows:
    """Lay tests out in columns, as they are written; a row's id is its number."""
    axes = [axis.name for axis in compiled.program.axes]
    given = sorted({name for case in cases for name in case.given})
    return Rows(
        row_id=np.arange(len(cases), dtype=np.int64),
        ruleset=Column(np.zeros(len(cases), dtype=np.int64), codes=(compiled.id,)),
        period_from=np.array([day_number(case.period_from) for case in cases], dtype=np.int64),
        period_to=np.array([day_number(case.period_to) for case in cases], dtype=np.int64),
        columns={name: _cells([case.given.get(name) for case in cases]) for name in given if name not in axes},
        children={name: _children(name, cases) for name in given if name in axes},
    )


def differences(program: Program, case: TestCase, made: Bill | RowProblem) -> list[tuple[str, str, str]]:
    """Give path, expected and got of what a bill has otherwise than a test expects."""
    if isinstance(made, RowProblem):
        got = f"{made.code} {made.field}".strip()
        if case.refused is None:
            return [("refused", "-", got)]
        code, field = case.refused
        return [] if made.code == code and field in ("", made.field) else [("refused", " ".join(case.refused), got)]
    if case.refused is not None:
        return [("refused", " ".join(case.refused).strip(), "-")]
    found = []
    for path, text in case.expect.items():
        value = _value(program, made, path)
        if value is None or value != Decimal(text):
            found.append((path, text, "-" if value is None else f"{value:f}"))
    for segment, expected in case.segments.items():
        got = made.segments.get(segment, "-")
        if got != expected:
            found.append((segment, expected, got))
    raised = sorted(warning.id for warning in made.warnings)
    if case.warnings is not None and sorted(case.warnings) != raised:
        found.append(("warnings", ", ".join(sorted(case.warnings)) or "-", ", ".join(raised) or "-"))
    return found


def _value(program: Program, bill: Bill, path: str) -> Decimal | None:
    """What a bill has under a path; None: nothing."""
    if path == "total":
        return bill.total
    name, at, part = path.partition("@")
    if at and (len(bill.parts) < 2 or part not in [str(number + 1) for number in range(len(bill.parts))]):
        return None
    parts = [int(part) - 1] if at else range(len(bill.parts))
    values = [value for number in parts if (value := _of_part(program, bill, number, name)) is not None]
    if not values:
        return None
    adds_up = _is_of_lines(program, name) and not name.endswith(".price")
    return sum(values, Decimal(0)) if adds_up else values[-1]


def _is_of_lines(program: Program, name: str) -> bool:
    head, _, last = name.rpartition(".")
    known = {line.id for line in program.lines} | {line.charge for line in program.lines}
    return name in known or (last in _OF_LINES and head in known)


def _of_part(program: Program, bill: Bill, number: int, name: str) -> Decimal | None:
    several = len(bill.parts) > 1
    shown = {line.id: line for line in bill.lines if line.part == (str(number + 1) if several else "")}
    ids = [line.id for line in program.lines]
    head, _, last = name.rpartition(".")
    if name in ids:
        return _field(shown.get(name), "amount")
    if last in _OF_LINES and head in ids:
        return _field(shown.get(head), last)
    charged = [line.id for line in program.lines if line.charge == name]
    if charged:
        return _sum(
            [_field(shown.get(line.id), "amount") for line in program.lines if line.charge == name and line.money]
        )
    step = program.names.get(name)
    if step is None or program.steps[step].type.axis != ROW:
        return None
    return single(bill.parts[number].values[step])


def _field(line: BillLine | None, name: str) -> Decimal | None:
    """A line that is not shown has an amount of zero and nothing else."""
    if line is None:
        return Decimal(0) if name == "amount" else None
    found: Decimal | None = getattr(line, name)
    return found


def _sum(amounts: Sequence[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def _children(name: str, cases: Sequence[TestCase]) -> Children:
    lists = [case.given.get(name) for case in cases]
    items = [() if isinstance(one, str) or one is None else one for one in lists]
    offsets = [0, *accumulate(len(one) for one in items)]
    whole = [item for one in items for item in one]
    columns = {
        key: _cells([item.get(key) for item in whole]) for key in sorted({key for item in whole for key in item})
    }
    return Children(np.array(offsets, dtype=np.int64), columns, np.array([one is not None for one in lists]))


def _cells(values: Sequence[object]) -> Column:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return Column(cells)


def _named(compiled: Compiled, case: TestCase) -> dict[str, str]:
    return {"name": case.name, "ruleset": compiled.id}


def _disagreeing(one: Difference) -> dict[str, str]:
    """Words for what is a fault of the engine, and keeps the rate book out all the same."""
    other, other_zh, value = ("by columns", "列算", one.by_columns)
    if not value:
        other, other_zh, value = ("in integers", "整数", one.in_integers)
    return {
        "found": f"{one.path} is {value} {other} and {one.in_decimals} in decimals, a fault of the engine",
        "found_zh": f"{one.path} {other_zh}为 {value}，十进制为 {one.in_decimals}，这是引擎的错误",
    }


def _told(wrong: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    shown = wrong[:_SHOWN_MAX]
    more = ["…"] if len(wrong) > len(shown) else []
    english = [f"{path} is {got}, expected {expected}" for path, expected, got in shown]
    chinese = [f"{path} 为 {got}，应为 {expected}" for path, expected, got in shown]
    return {"found": "; ".join([*english, *more]), "found_zh": "；".join([*chinese, *more])}
