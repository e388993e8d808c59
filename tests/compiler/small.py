"""Small rule sets written into a test, compiled and billed by both interpreters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from engine.compiler.compile import compile_all
from engine.compiler.program import Compiled
from engine.evaluator.rows import RowProblem
from engine.language.problems import Problem
from tests.alone import alike
from tests.billing import evaluated, referred
from tests.oracles.amounts import Lines, Refused
from tests.oracles.given import Value
from tests.properties.case import Row

HEAD = """\
ruleset: cn.test.small
source: {standing: example}
in_force: {from: 2024-01-01, until_replaced: true}
version_by: period_from
"""
KWH = "  kwh: {unit: kWh, places: 2, from: 0, to: 100000}\n"
NOT_PRICED = "energy: {not_priced: the test is about something else}\n"


def inputs(*more: str) -> str:
    """The head of a rule set with an input `kwh`, and more inputs, one a line."""
    return HEAD + "inputs:\n" + KWH + "".join(f"  {one}\n" for one in more)


def problems(folder: Path, text: str, files: Mapping[str, str] | None = None) -> list[str]:
    """Codes of what is wrong with a rule set, in order of place."""
    return [one.code for one in _written(folder, text, files)[1]]


def compiled(folder: Path, text: str, files: Mapping[str, str] | None = None) -> Compiled:
    """A rule set that has no problem."""
    book, found = _written(folder, text, files)
    assert found == []
    return book["cn.test.small"]


def _written(
    folder: Path, text: str, files: Mapping[str, str] | None
) -> tuple[Mapping[str, Compiled], Sequence[Problem]]:
    for name, content in {"small.ruleset.yaml": text, **(files or {})}.items():
        (folder / name).write_text(content, encoding="utf-8")
    book, found = compile_all([folder])
    return book.rulesets, found


def row(period: str = "2024-03-01", to: str = "2024-04-01", /, **given: Value | str | int) -> Row:
    """One row; numbers are written as text, so that they are decimals."""
    return Row({name: _value(one) for name, one in given.items()}, date.fromisoformat(period), date.fromisoformat(to))


def _value(one: Value | str | int) -> Value:
    if isinstance(one, str) and one.replace(".", "", 1).removeprefix("-").isdigit():
        return Decimal(one)
    return one


def billed(of: Compiled, rows: Sequence[Row]) -> list[Lines | str]:
    """Lines with the total, or the code of the refusal; both interpreters say the same."""
    found = evaluated(of, rows)
    assert referred(of, rows) == found
    return [next(iter(one.codes)) if isinstance(one, Refused) else one for one in found]


def totals(of: Compiled, rows: Sequence[Row]) -> list[str]:
    """Totals as text, or codes of refusals."""
    return [one if isinstance(one, str) else f"{one['total']}" for one in billed(of, rows)]


def messages(of: Compiled, one: Row) -> tuple[str, ...]:
    """The messages of the warnings that a row raises, or why it is refused."""
    bill = alike(of, one.given, period_from=one.period_from, period_to=one.period_to)
    return (bill.reason,) if isinstance(bill, RowProblem) else tuple(warning.message for warning in bill.warnings)
