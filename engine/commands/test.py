"""`dianjia test`: the tests inside rule sets, and random rows, each through all three interpreters.

Tests of triggers over time go through the three ways to run those: one account, many at once, and decimals. Tests of
advice are billed as `dianjia advise` bills.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click

from engine.cache.compiled import RateBook
from engine.commands import advice_tests
from engine.commands.answers import Answer, named, of_columns, of_decimals, of_integers, with_named
from engine.commands.asked import Asked
from engine.commands.backend import need_backend
from engine.commands.one_row import SHAPE, as_batch
from engine.commands.output import Language, complain, counted, emit, table
from engine.commands.rates import compiled_book
from engine.commands.warnings_words import warning_words
from engine.commands.words import words
from engine.compiler.program import Compiled, Program, TestCase
from engine.compiler.trigger import TriggerCase
from engine.evaluator.evaluate import evaluate
from engine.evaluator.native import Backend
from engine.evaluator.reference import reference
from engine.evaluator.rows import RowProblem
from engine.evaluator.scalar import Scalar
from engine.triggers import cases


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a test expects and does not get."""

    path: str
    expected: str
    got: str
    interpreter: str  # columns, decimals, integers; all where they agree


def test(
    paths: Sequence[Path], random_rows: int, seed: int, backend: Backend, format_: str, language: Language
) -> None:
    """Run the tests; exit 1 where one fails."""
    need_backend(backend)
    book = compiled_book(paths, language)
    if random_rows:
        from engine.commands.agreement import agreement

        agreement(list(book.rulesets.values()), random_rows, seed, backend, format_, language)
        return
    ran = [(one, case, run_case(one, case, backend)) for one in book.rulesets.values() for case in one.tests]
    failed = [found for found in ran if found[2]]
    watched = [(case, cases.run_case(book.watch, case)) for case in book.watch.tests]
    wrong = [found for found in watched if found[1]]
    advised = advice_tests.run(book)
    misled = [one for one in advised if one.differences]
    if format_ == "json":
        results = [*(_json(*found) for found in ran), *(_trigger_json(*found) for found in watched)]
        results += [advice_tests.as_json(one) for one in advised]
        emit({"tests": len(results), "failed": len(failed) + len(wrong) + len(misled), "results": results})
    else:
        for found in failed:
            complain(_text(*found, language=language) + "\n")
        for case, differs in wrong:
            complain(_trigger_text(case, differs, language) + "\n")
        for one in misled:
            complain(advice_tests.as_text(one, language) + "\n")
        tests = len(ran) + len(watched) + len(advised)
        _tell_counts(book, tests, len(failed) + len(wrong) + len(misled), language)
    if failed or wrong or misled:
        raise SystemExit(1)


def _tell_counts(book: RateBook, tests: int, failed: int, language: Language) -> None:
    """Say how many there are, and what has no tests."""
    rulesets, triggers = len(book.rulesets), len(book.watch.triggers)
    if language == "zh":
        watched = f"、{triggers} 个触发器" if triggers else ""
        click.echo(f"{rulesets} 个规则集{watched}，{tests} 个测试，{failed} 个未通过")
    else:
        watched = f", {counted(triggers, 'trigger')}" if triggers else ""
        click.echo(f"{counted(rulesets, 'rule set')}{watched}, {counted(tests, 'test')}, {failed} failed")
    tested = {id_ for case in book.watch.tests for id_ in case.triggers}
    without = [one.id for one in book.rulesets.values() if not one.tests]
    without += [id_ for id_ in book.watch.triggers if id_ not in tested]
    for id_ in [*without, *advice_tests.without(book)]:
        complain(f"{id_}: no tests" if language == "en" else f"{id_}：没有测试")


def run_case(compiled: Compiled, case: TestCase, backend: Backend = "numpy") -> list[Difference]:
    """Run one test through every interpreter and give what is not as expected."""
    asked = Asked(compiled, case.name, case.period_from, case.period_to, case.given)
    names = named(compiled.program, (*case.expect, *case.segments))
    made = reference(compiled, case.given, period_from=case.period_from, period_to=case.period_to)
    in_decimals = of_decimals(compiled, made, names)
    more = with_named(compiled, names)
    if isinstance(made, RowProblem) and made.code in SHAPE:  # columns cannot hold what is no list
        by_columns = in_decimals
    else:
        by_columns = of_columns(compiled, evaluate(more, as_batch(asked), details=True, backend=backend), names)
    alone = Scalar(more).bill(case.given, period_from=case.period_from, period_to=case.period_to)
    found = {
        "columns": differences(compiled.program, case, by_columns),
        "decimals": differences(compiled.program, case, in_decimals),
        "integers": differences(compiled.program, case, of_integers(compiled, alone, names)),
    }
    if found["columns"] == found["decimals"] == found["integers"]:
        return [Difference(*one, "all") for one in found["columns"]]
    return [Difference(*one, name) for name, several in found.items() for one in several]


def differences(program: Program, case: TestCase, answer: Answer) -> list[tuple[str, str, str]]:
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
    classes = {one.id: tuple(each.id for each in one.classes) for one in program.segments}
    for segment, expected in case.segments.items():
        position = answer.values.get(segment) if segment in classes else None
        told = "no such segment" if position is None else classes[segment][int(position)]
        if told != expected:
            found.append((segment, expected, told))
    if case.warnings is not None and sorted(case.warnings) != sorted(answer.warnings):
        found.append(("warnings", ", ".join(sorted(case.warnings)), ", ".join(sorted(answer.warnings))))
    return found


def _text(compiled: Compiled, case: TestCase, found: list[Difference], language: Language) -> str:
    say = words(language)
    headers = [say("line"), say("expected"), say("got"), say("difference")]
    alike = all(one.interpreter == "all" for one in found)
    rows = []
    for one in found:
        row = [one.path, one.expected, one.got, _gap(one)]
        rows.append(row if alike else [*row, one.interpreter])
    head = f"{case.place}: test-failed: {compiled.id}: {case.name}"
    lines = table(rows, headers if alike else [*headers, ""], "<>>>").splitlines()
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _trigger_text(case: TriggerCase, found: Sequence[cases.Difference], language: Language) -> str:
    say = warning_words(language)
    headers = ["", say("expected"), say("got")]
    alike = all(one.engine in ("all", "events") for one in found)
    became = {word: say(word) for word in ("raised", "cleared", "nothing", "accepted")}
    rows = []
    for one in found:
        row = [one.what, became.get(one.expected, one.expected), became.get(one.got, one.got)]
        rows.append(row if alike else [*row, one.engine])
    head = f"{case.place}: test-failed: {case.ruleset}: {case.name}"
    lines = table(rows, headers if alike else [*headers, ""], "<<<").splitlines()
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _trigger_json(case: TriggerCase, found: Sequence[cases.Difference]) -> dict[str, object]:
    return {
        "ruleset": case.ruleset,
        "test": case.name,
        "at": str(case.place),
        "passed": not found,
        "differences": [
            {"path": one.what, "expected": one.expected, "got": one.got, "interpreter": one.engine} for one in found
        ],
    }


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
