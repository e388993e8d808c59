"""A publication runs the tests that `dianjia test` runs, and takes none for right that is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.advice.cases import cases_of, run_case
from engine.compiler.program import Compiled, TestCase
from engine.evaluator.reference import Bill, Reference
from engine.evaluator.rows import RowProblem
from engine.registry.rule_tests import differences, failing_advice_tests, failing_tests
from tests.billing import book, whole_book

Ran = tuple[Compiled, TestCase, Bill | RowProblem]


@pytest.fixture(scope="module")
def ran() -> list[Ran]:
    """The tests of the shipped rule sets, of the kinds and of the examples: lines, parts, lists, refusals, warnings."""
    found = []
    for compiled in book().values():
        ready = Reference(compiled)
        for case in compiled.tests:
            made = ready.bill(case.given, period_from=case.period_from, period_to=case.period_to)
            found.append((compiled, case, made))
    return found


def test_every_test_in_a_rule_set_holds(ran: list[Ran]) -> None:
    """As it does in `dianjia test`."""
    found = {case.name: wrong for compiled, case, made in ran if (wrong := differences(compiled.program, case, made))}

    assert {} == found
    assert len(ran) > 300


def test_interpreters_agree_on_every_test(ran: list[Ran]) -> None:
    """By columns, in decimals and in integers: nothing that a publication would be refused for."""
    rulesets = {compiled.id: compiled for compiled, _, _ in ran}

    found = [str(failing) for compiled in rulesets.values() for failing in failing_tests(compiled)]

    assert [] == found


def test_no_test_holds_whose_expectation_is_off(ran: list[Ran]) -> None:
    """Each expected figure by itself, off by a hundredth: every one is compared."""
    missed = []
    for compiled, case, made in ran:
        for path, text in case.expect.items():
            off = replace(case, expect={path: str(Decimal(text) + Decimal("0.01"))}, warnings=None)
            if [path] != [wrong[0] for wrong in differences(compiled.program, off, made)]:
                missed.append((compiled.id, case.name, path))

    assert [] == missed


def test_a_path_that_a_bill_lacks_is_told(ran: list[Ran]) -> None:
    """A line that is not there, and a part that is not there, are not taken for zero."""
    missed = []
    for compiled, case, made in ran:
        for path in ("no_such_line", "total.price", *(f"{path}@25" for path in case.expect)):
            absent = replace(case, expect={path: "0"}, warnings=None)
            if case.refused is None and [(path, "0", "-")] != differences(compiled.program, absent, made):
                missed.append((compiled.id, case.name, path))

    assert [] == missed


def test_a_refusal_that_is_expected_or_not_is_compared(ran: list[Ran]) -> None:
    """A bill where a refusal is expected, a refusal where a bill is, another code, another field."""
    missed = []
    for compiled, case, made in ran:
        if case.refused is None:
            others = [replace(case, refused=("out-of-bounds", ""), expect={})]
        else:
            code, field = case.refused
            others = [replace(case, refused=None), replace(case, refused=("another-code", field))]
            others += [replace(case, refused=(code, "another_field"))] if field else []
        missed += [(compiled.id, one) for one in others if not differences(compiled.program, one, made)]

    assert [] == missed


def test_warnings_are_compared(ran: list[Ran]) -> None:
    """One too many in the expectation is told, where warnings are expected at all."""
    missed = []
    for compiled, case, made in ran:
        wrong = replace(case, warnings=(*(case.warnings or ()), "another"))
        if case.refused is None and not differences(compiled.program, wrong, made):
            missed.append((compiled.id, case.name))

    assert [] == missed


class TestAdvice:
    def test_every_test_in_an_advice_file_holds(self) -> None:
        """As it does in `dianjia test`."""
        assert [] == [str(one) for one in failing_advice_tests(whole_book())]

    def test_no_test_holds_whose_expectation_is_off(self) -> None:
        """Each expected figure by itself, off by a hundredth: every one is compared."""
        shipped = whole_book()
        missed = []
        for advice, case in cases_of(shipped):
            off = {path: str(Decimal(text) + Decimal("0.01")) for path, text in case.expect.items()}
            wrong = run_case(shipped, advice, replace(case, expect=off))
            if list(off) != [one.path for one in wrong]:
                missed.append((advice.id, case.name))

        assert [] == missed
