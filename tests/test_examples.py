"""Every worked example is billed by a rule set, and the bill shows the example's own figures."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.billing import ROOT, book, evaluated, referred
from tests.examples.cases import EXAMPLES, Billed, Example
from tests.examples.table import examples, page
from tests.oracles.amounts import Refused
from tests.properties.case import Row

BILLS = [(example, bill) for example in EXAMPLES for bill in example.bills]


@pytest.mark.parametrize(("example", "bill"), BILLS, ids=[f"{example.id}-{n}" for n, (example, _) in enumerate(BILLS)])
def test_example_is_billed(example: Example, bill: Billed) -> None:
    """Both interpreters bill the example, with the figures that it states."""
    compiled = book()[bill.ruleset]
    row = Row(bill.given, *bill.period)

    [by_columns], [one_by_one] = evaluated(compiled, [row]), referred(compiled, [row])

    assert by_columns == one_by_one
    assert not isinstance(by_columns, Refused), f"{example.id} is refused: {by_columns}"
    for path, amount in bill.figures.items():
        assert Decimal(amount) == sum(by_columns[line] for line in path.split(" + ")), f"{example.id}: {path}"


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if example.together], ids=lambda example: example.id
)
def test_bills_of_an_example_add_up(example: Example) -> None:
    """Where an example states a sum over its bills, theirs is that."""
    totals = [
        bill["total"]
        for billed in example.bills
        for bill in evaluated(book()[billed.ruleset], [Row(billed.given, *billed.period)])
        if not isinstance(bill, Refused)
    ]

    assert Decimal(example.together) == sum(totals)


def test_every_example_is_billed() -> None:
    """No example is left out, none is there twice."""
    assert sorted(example.id for example in EXAMPLES) == sorted(item["id"] for item in examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_figures_stand_in_the_example(example: Example) -> None:
    """What a bill is compared with was copied from the example: a printed price may be billed on 1,000,000 kWh."""
    stated = _numbers(next(item for item in examples() if item["id"] == example.id))

    for bill in example.bills:
        for path, amount in bill.figures.items():
            figure = abs(Decimal(amount))
            assert figure in stated or figure / 1000000 in stated, f"{path} {amount} is not in {example.id}"


def _numbers(item: dict[str, Any]) -> set[Decimal]:
    texts = json.dumps([item[field] for field in ("inputs", "steps", "expected", "recomputed", "note")])
    return {Decimal(number) for number in re.findall(r"\d+(?:\.\d+)?", texts)}


@pytest.mark.parametrize(
    "item", [item for item in examples() if item["category"] == "agency+tou"], ids=lambda item: item["id"]
)
def test_agency_components_are_the_notices(item: dict[str, Any]) -> None:
    """The notice prints the example's components, and records each misprint that the example found, no other."""
    notice = (ROOT / "rules" / "cn" / "hubei" / "agency_2026-01.notice.yaml").read_text(encoding="utf-8")
    printed, computed = item["expected"], item["recomputed"]

    for component in ("agency", "line_loss", "system_op"):
        assert re.search(rf"printed: {re.escape(item['inputs'][component])}\b", notice), component
    for period in ("flat", "sharp", "peak", "valley"):
        exception = f"printed: {printed[period]}, computed: {computed[period]}"
        assert (exception in notice) == (printed[period] != computed[period]), f"{period}: {exception}"


def test_page_is_up_to_date() -> None:
    """docs/examples.md is what `python -m tests.examples.table` writes."""
    assert page() == (Path(ROOT) / "docs" / "examples.md").read_text(encoding="utf-8")
