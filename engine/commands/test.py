"""`dianjia test`: the tests inside rule sets, and random rows, each through both interpreters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click

from engine.commands.asked import Asked
from engine.commands.bill import one_row
from engine.commands.output import Language, complain, counted, emit, table
from engine.commands.rates import compiled_book
from engine.commands.words import words
from engine.compiler.program import Compiled, TestCase
from engine.evaluator.evaluate import Result, evaluate
from engine.evaluator.reference import Bill, reference
from engine.evaluator.rows import RowProblem

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a test expects and does not get."""

    path: str
    expected: str
    got: str
    interpreter: str  # columns, decimals; both where they agree


@dataclass(frozen=True, slots=True)
class Answer:
    """What an interpreter makes of a test: amounts, quantities and prices by path, or a refusal."""

    values: dict[str, Decimal]
    warnings: tuple[str, ...]
    refused: tuple[str, str] | None
    reason: str


def test(paths: Sequence[Path], random_rows: int, seed: int, format_: str, language: Language) -> None:
    """Run the tests; exit 1 where one fails."""
    book = compiled_book(paths, language)
    if random_rows:
        from engine.commands.agreement import agreement

        agreement(list(book.rulesets.values()), random_rows, seed, format_, language)
        return
    ran = [(one, case, run_case(one, case)) for one in book.rulesets.values() for case in one.tests]
    failed = [found for found in ran if found[2]]
    if format_ == "json":
        emit({"tests": len(ran), "failed": len(failed), "results": [_json(*found) for found in ran]})
    else:
        for found in failed:
            complain(_text(*found, language=language) + "\n")
        without = [one.id for one in book.rulesets.values() if not one.tests]
        if language == "zh":
            click.echo(f"{len(book.rulesets)} 个规则集，{len(ran)} 个测试，{len(failed)} 个未通过")
        else:
            click.echo(f"{counted(len(book.rulesets), 'rule set')}, {counted(len(ran), 'test')}, {len(failed)} failed")
        for id_ in without:
            complain(f"{id_}: no tests" if language == "en" else f"{id_}：没有测试")
    if failed:
        raise SystemExit(1)


def run_case(compiled: Compiled, case: TestCase) -> list[Difference]:
    """Run one test through both interpreters and give what is not as expected."""
    asked = Asked(case.name, case.period_from, case.period_to, case.given)
    by_columns = answer_of_columns(compiled, evaluate(compiled, one_row(compiled, asked), details=True))
    in_decimals = answer_of_decimals(
        compiled, reference(compiled, case.given, period_from=case.period_from, period_to=case.period_to)
    )
    found = {
        "columns": differences(case, by_columns),
        "decimals": differences(case, in_decimals),
    }
    if found["columns"] == found["decimals"]:
        return [Difference(*one, "both") for one in found["columns"]]
    return [Difference(*one, name) for name, several in found.items() for one in several]


def differences(case: TestCase, answer: Answer) -> list[tuple[str, str, str]]:
    """Give path, expected and got of what an answer gets wrong."""
    refused = " ".join(answer.refused or ()).strip()
    if case.refused is not None:
        code, field = case.refused
        got = answer.refused
        if got is not None and got[0] == code and field in ("", got[1]):
            return []
        return [("refused", f"{code} {field}".strip(), refused or "billed")]
    if answer.refused is not None:
        return [("refused", "billed", f"{refused}: {answer.reason}")]
    found = []
    for path, text in case.expect.items():
        value = answer.values.get(path)
        if value is None:
            found.append((path, text, "no such line"))
        elif value != Decimal(text):
            found.append((path, text, f"{value:f}"))
    if case.warnings is not None and sorted(case.warnings) != sorted(answer.warnings):
        found.append(("warnings", ", ".join(sorted(case.warnings)), ", ".join(sorted(answer.warnings))))
    return found


def answer_of_decimals(compiled: Compiled, made: Bill | RowProblem) -> Answer:
    """What the reference makes of a test."""
    if isinstance(made, RowProblem):
        return Answer({}, (), (made.code, made.field), made.reason)
    program = compiled.program
    values: dict[str, Decimal] = {}
    shown = {line.id: line for line in made.lines}
    for line in program.lines:
        of = shown.get(line.id)
        _enter(values, line.id, of.amount if of else ZERO, of.quantity if of else None, of.price if of else None)
    _charges(compiled, values)
    values["total"] = made.total
    return Answer(values, tuple(warning.id for warning in made.warnings), None, "")


def answer_of_columns(compiled: Compiled, result: Result) -> Answer:
    """What the evaluator makes of a test, a batch of one row."""
    if result.problems:
        found = result.problems[0]
        return Answer({}, (), (found.code, found.field), found.reason)
    values: dict[str, Decimal] = {}
    for line in compiled.program.lines:
        shown = result.shown.get(line.id)
        if shown is not None and not shown[0]:
            _enter(values, line.id, ZERO, None, None)
            continue
        amount = _decimal(compiled, line.amount, result.amounts[line.id][0])
        quantity = None if line.quantity is None else _decimal(compiled, line.quantity, result.quantities[line.id][0])
        price = None if line.price is None else _decimal(compiled, line.price, result.prices[line.id][0])
        assert amount is not None
        _enter(values, line.id, amount, quantity, price)
    _charges(compiled, values)
    total = _decimal(compiled, compiled.program.total, result.total[0])
    assert total is not None
    values["total"] = total
    raised = tuple(warning.id for warning in compiled.program.warnings if result.warnings[warning.id][0])
    return Answer(values, raised, None, "")


def _enter(
    values: dict[str, Decimal], id_: str, amount: Decimal, quantity: Decimal | None, price: Decimal | None
) -> None:
    values[id_] = values[f"{id_}.amount"] = amount
    if quantity is not None:
        values[f"{id_}.quantity"] = quantity
    if price is not None:
        values[f"{id_}.price"] = price


def _charges(compiled: Compiled, values: dict[str, Decimal]) -> None:
    """Enter the charges of several lines: the sum of the lines that carry money."""
    for charge in dict.fromkeys(line.charge for line in compiled.program.lines):
        lines = [line for line in compiled.program.lines if line.charge == charge and line.money]
        values.setdefault(charge, sum((values[line.id] for line in lines), ZERO))


def _decimal(compiled: Compiled, step: int, whole: object) -> Decimal | None:
    return Decimal(int(str(whole))).scaleb(-compiled.program.steps[step].type.places)


def _text(compiled: Compiled, case: TestCase, found: list[Difference], language: Language) -> str:
    say = words(language)
    headers = [say("line"), say("expected"), say("got"), say("difference")]
    alike = all(one.interpreter == "both" for one in found)
    rows = []
    for one in found:
        row = [one.path, one.expected, one.got, _gap(one)]
        rows.append(row if alike else [*row, one.interpreter])
    head = f"{case.place}: test-failed: {compiled.id}: {case.name}"
    lines = table(rows, headers if alike else [*headers, ""], "<>>>").splitlines()
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _gap(one: Difference) -> str:
    try:
        return f"{Decimal(one.got) - Decimal(one.expected):+f}"
    except ArithmeticError:
        return ""


def _json(compiled: Compiled, case: TestCase, found: list[Difference]) -> dict[str, object]:
    return {
        "ruleset": compiled.id,
        "test": case.name,
        "at": str(case.place),
        "passed": not found,
        "differences": [
            {"path": one.path, "expected": one.expected, "got": one.got, "interpreter": one.interpreter}
            for one in found
        ],
    }
