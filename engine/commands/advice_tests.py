"""The tests in advice files, as `dianjia test` runs and tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.commands.output import Language, table
from engine.commands.words import words
from engine.compiler.advising import Advice, AdviceCase
from engine.compiler.book import RateBook

if TYPE_CHECKING:
    from engine.advice.cases import Difference


@dataclass(frozen=True, slots=True)
class Ran:
    """A test that was run, and what was not as expected."""

    advice: Advice
    case: AdviceCase
    differences: tuple[Difference, ...]


def run(book: RateBook) -> list[Ran]:
    """Run every test of the advice of a rate book."""
    if not any(one.tests for several in book.advice.values() for one in several):
        return []
    from engine.advice.cases import cases_of, run_case  # and all that advises: only where there is something to test

    return [Ran(advice, case, tuple(run_case(book, advice, case))) for advice, case in cases_of(book)]


def without(book: RateBook) -> list[str]:
    """Advice files without a test."""
    every = [one for several in book.advice.values() for one in several]
    tested = {one.id for one in every if one.tests}
    return sorted({one.id for one in every} - tested)


def as_text(ran: Ran, language: Language) -> str:
    """A failing test for a person to read."""
    say = words(language)
    rows = [[one.path, one.expected, one.got] for one in ran.differences]
    lines = table(rows, [say("alternative"), say("expected"), say("got")], "<>>").splitlines()
    head = f"{ran.case.place}: test-failed: {ran.advice.id}: {ran.case.name}"
    return "\n".join([head, *(f"  {line}" for line in lines)])


def as_json(ran: Ran) -> dict[str, object]:
    """A test for a program to read."""
    return {
        "advice": ran.advice.id,
        "ruleset": ran.case.ruleset,
        "test": ran.case.name,
        "at": str(ran.case.place),
        "passed": not ran.differences,
        "differences": [
            {"path": one.path, "expected": one.expected, "got": one.got, "interpreter": "columns"}
            for one in ran.differences
        ],
    }
