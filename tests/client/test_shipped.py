"""Every test that stands in a shipped rule set, through the client: one by one, and all of them in one frame.

What is expected was vouched for by whoever wrote the test into the rule set; nothing here is computed by the engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dianjia.client import Bills, Client, Input, RowRefused, RuleSet
from dianjia.client.described import Kind
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled, TestCase
from tests.service.serving import SHIPPED, serving

BOOK = compile_paths([SHIPPED]).rulesets
CASES = [(key, one, case) for key, one in BOOK.items() for case in one.tests]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("server"), rules=SHIPPED) as server, Client(server.address) as found:
        yield found


@pytest.fixture(scope="module")
def described(client: Client) -> dict[str, RuleSet]:
    return {key: client.ruleset(key, files=False) for key in BOOK}


def of_kind(text: str, told: Input) -> Any:
    """A value as a program that has read the description would have it."""
    try:
        match told.kind:
            case Kind.NUMBER:
                return Decimal(text)
            case Kind.BOOLEAN:
                return {"true": True, "false": False}[text]
            case Kind.DATE:
                return date.fromisoformat(text)
    except (ArithmeticError, KeyError, ValueError):
        return text  # a test may say that it is refused
    return text


@dataclass(frozen=True, slots=True)
class Typed:
    """A case with Python's own values."""

    values: dict[str, Any]
    lists: dict[str, list[dict[str, Any]]]


def typed(told: RuleSet, case: TestCase) -> Typed:
    given: dict[str, Any] = dict(case.given)
    lists = {
        name: [{key: of_kind(one, told.lists[name].inputs[key]) for key, one in item.items()} for item in value]
        for name, value in given.items()
        if name in told.lists
    }
    values = {name: of_kind(value, told.inputs[name]) for name, value in given.items() if name in told.inputs}
    assert given.keys() == values.keys() | lists.keys()
    return Typed(values, lists)


def expected(one: Compiled, case: TestCase) -> dict[str, Decimal]:
    """What a case expects of the total and of lines, parts summed; quantities, prices and named values are left out."""
    known = {"total", *(line.id for line in one.program.lines)}
    return {path: Decimal(text) for path, text in case.expect.items() if path in known}


def test_each_alone(client: Client, described: dict[str, RuleSet]) -> None:
    """`bill` gives what each test expects, in lines and total and warnings, or refuses what it refuses."""
    wrong = []
    for key, one, case in CASES:
        row = typed(described[key], case)
        try:
            bill = client.bill(one.id, case.period_from, case.period_to, row.values, lists=row.lists)
        except RowRefused as refused:
            if case.refused is None or case.refused[0] != refused.code or case.refused[1] not in ("", refused.field):
                wrong.append((key, case.name, str(refused)))
            continue
        shown = {line.id for line in bill.lines}
        got = {path: bill.amount(path) if path in shown else Decimal(0) for path in expected(one, case)}
        if "total" in got:
            got["total"] = bill.total
        raised = sorted(warning.id for warning in bill.warnings)
        if case.refused is not None or got != expected(one, case):
            wrong.append((key, case.name, str(got)))
        if case.warnings is not None and sorted(case.warnings) != raised:
            wrong.append((key, case.name, str(raised)))

    assert wrong == []
    assert len(CASES) > 300


def rows(described: dict[str, RuleSet]) -> dict[str, list[Any]]:
    """Every case as a row; columns that rule sets have as different kinds hold text."""
    columns: dict[str, list[Any]] = {
        "row_id": [f"{key}: {case.name}" for key, _, case in CASES],
        "ruleset": [one.id for _, one, _ in CASES],
        "period_from": [case.period_from for _, _, case in CASES],
        "period_to": [case.period_to for _, _, case in CASES],
    }
    for at, (key, _, case) in enumerate(CASES):
        row = typed(described[key], case)
        for name, value in {**row.values, **row.lists}.items():
            columns.setdefault(name, [None] * len(CASES))[at] = value
    for name, values in columns.items():
        if len({type(value) for value in values if value is not None}) > 1:
            columns[name] = [None if value is None else as_text(value) for value in values]
    return columns


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def alike(frame: Any) -> list[dict[str, Any]]:
    """Rows of a frame of any library, as mappings; what is missing is None."""
    if isinstance(frame, pd.DataFrame):
        frame = pa.Table.from_pandas(frame, preserve_index=False)
    found: list[dict[str, Any]] = frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame.to_pylist()
    return found


LIBRARIES = [
    pytest.param(pd.DataFrame, id="pandas"),
    # Polars takes the fields of a struct from the first item alone.
    pytest.param(lambda columns: pl.from_arrow(pa.table(columns)), id="polars"),
    pytest.param(pa.table, id="arrow"),
]


@pytest.mark.parametrize("library", LIBRARIES)
def test_all_in_one_frame(client: Client, described: dict[str, RuleSet], library: Any) -> None:
    """A frame with the rows of every rule set gives each the bill, or the refusal, that it has alone."""
    frame = library(rows(described))

    bills: Bills = client.bills(frame, chunk_rows=100)

    totals = {one["row_id"]: one["total"] for one in alike(bills.bills)}
    refused = {one["row_id"]: (one["code"], one["field"]) for one in alike(bills.refused)}
    lines: dict[str, dict[str, Decimal]] = {}
    for one in alike(bills.long_lines()):
        own = lines.setdefault(one["row_id"], {})
        own[one["line"]] = own.get(one["line"], Decimal(0)) + one["amount"]
    wrong = []
    for key, compiled, case in CASES:
        row_id = f"{key}: {case.name}"
        if case.refused is not None:
            code, field = refused.get(row_id, ("billed", ""))
            if code != case.refused[0] or case.refused[1] not in ("", field):
                wrong.append((row_id, code, field))
            continue
        due = expected(compiled, case)
        got = {path: lines.get(row_id, {}).get(path, Decimal(0)) for path in due}
        if "total" in due:
            got["total"] = totals[row_id]
        if got != due:
            wrong.append((row_id, str(due), str(got)))
    assert wrong == []
    assert bills.received == len(CASES) == len(totals) + len(refused)
