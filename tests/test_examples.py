"""Every worked example is billed by a rule set, and the bill shows the example's own figures."""

from __future__ import annotations

import csv
import json
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.billing import ROOT, book, evaluated, referred, with_quantities
from tests.examples.cases import EXAMPLES, Billed, Example
from tests.examples.table import examples, other_answers, page
from tests.oracles.amounts import Bill, Refused
from tests.properties.case import Row
from tests.running import read, run

BILLS = [(example, bill) for example in EXAMPLES for bill in example.bills]


@pytest.mark.parametrize(("example", "bill"), BILLS, ids=[f"{example.id}-{n}" for n, (example, _) in enumerate(BILLS)])
def test_example_is_billed(example: Example, bill: Billed) -> None:
    """Both interpreters bill the example, with the figures that it states."""
    found = _billed(bill)

    for path, amount in bill.figures.items():
        assert Decimal(amount) == sum(found[line] for line in path.split(" + ")), f"{example.id}: {path}"


def _billed(bill: Billed) -> Bill:
    """Amounts and quantities by path, the same from both interpreters."""
    compiled = book()[bill.ruleset]
    paths = {path for figure in (*bill.figures, "total") for path in figure.split(" + ")}
    money = {line.id for line in compiled.program.lines if line.money}
    compiled = with_quantities(compiled, sorted(paths - money - {"total"}))
    row = Row(bill.given, *bill.period)

    [by_columns], [one_by_one] = evaluated(compiled, [row]), referred(compiled, [row])

    assert by_columns == one_by_one
    assert not isinstance(by_columns, Refused), f"{bill.ruleset} refuses the example: {by_columns}"
    return by_columns


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if example.together], ids=lambda example: example.id
)
def test_bills_of_an_example_add_up(example: Example) -> None:
    """Where an example states a sum over its bills, theirs is that."""
    assert Decimal(example.together) == sum(_billed(bill)["total"] for bill in example.bills)


@pytest.mark.parametrize(
    "example", [example for example in EXAMPLES if example.average], ids=lambda example: example.id
)
def test_average_price(example: Example) -> None:
    """Where an example states what a kWh costs on average, that is the total by the kWh, to fen."""
    [bill] = example.bills
    average = _billed(bill)["total"] / Decimal(bill.figures["kwh"])

    assert Decimal(example.average) == average.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example.run], ids=lambda example: example.id)
def test_a_run_carries_what_lies_before(example: Example, tmp_path: Path) -> None:
    """Billed from one file in which no row says what was used before it, every bill has its total."""
    carried = {
        spec.name for bill in example.bills for spec in book()[bill.ruleset].program.inputs if spec.carried is not None
    }
    rows = [
        {
            "row_id": str(at),
            "account": example.id,
            "ruleset": bill.ruleset,
            "period_from": bill.period[0].isoformat(),
            "period_to": bill.period[1].isoformat(),
            **{name: str(value) for name, value in bill.given.items() if name not in carried},
        }
        for at, bill in enumerate(example.bills)
    ]
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    run(book(), tmp_path / "rows.csv", tmp_path / "bills")

    bills = read(tmp_path / "bills", "bills").to_pylist()
    assert {one["row_id"]: one["total"] for one in bills} == {
        str(at): Decimal(bill.figures["total"]) for at, bill in enumerate(example.bills)
    }


def test_every_example_is_billed() -> None:
    """No example is left out, none is there twice."""
    assert sorted(example.id for example in EXAMPLES) == sorted(item["id"] for item in examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_other_answers_are_billed(example: Example) -> None:
    """Every answer that is published to an example's question comes out of one of its rule sets."""
    figures = {Decimal(amount) for bill in example.bills for amount in bill.figures.values()}

    assert {Decimal(other["answer"]) for other in other_answers() if other["id"] == example.id} <= figures


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_figures_stand_in_the_example(example: Example) -> None:
    """What a bill is compared with was copied from the example, or from another published answer to the same question.

    A printed price may be billed on 1,000,000 kWh.
    """
    stated = _numbers(next(item for item in examples() if item["id"] == example.id))
    for other in other_answers():
        if other["id"] == example.id:
            stated.add(Decimal(other["answer"]))

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
