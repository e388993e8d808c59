"""Write docs/examples.md: `python -m tests.examples.table`. A test compares it, so that it cannot go stale."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.examples.cases import EXAMPLES, Example

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "examples.md"

HEAD = """# Worked examples and the rule sets that bill them

Bills worked out by others, and what checks that the rules give them. The items are copied, with their sources, into
[tests/data/examples.json](../tests/data/examples.json) ([what its fields mean](../tests/data/README.md)); a rule set
named `cn.…` is shipped, one named `example.…` stands in `tests/examples/` because its tariff is out of force or known
from the example alone. `tests/test_examples.py` bills every item with both interpreters and fails if a figure differs
by a fen or a kWh. This page is written by `python -m tests.examples.table`.

"published" says that the answer stood on the page the item is from. "derived" is our own sum over published prices, so
it vouches for less. Each remark begins with the facts that the item is billed from: what its page states, before
anything is computed from it. What follows from them (kWh from readings, days from dates, losses from a transformer's
data) is the rule set's to compute, and is compared too.

"""


@cache
def examples() -> tuple[dict[str, Any], ...]:
    """Return the items of tests/data/examples.json."""
    return _read("examples.json")


@cache
def other_answers() -> tuple[dict[str, Any], ...]:
    """Return the items of tests/data/other_answers.json: what else is published as an example's answer."""
    return _read("other_answers.json")


def _read(name: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((ROOT / "tests" / "data" / name).read_text(encoding="utf-8")))


def page() -> str:
    """Return the text of docs/examples.md."""
    items = {item["id"]: item for item in examples()}
    rows = ["| example | kind | answer | by rule set | remarks |", "|---|---|---|---|---|"]
    rows += [_row(example, items[example.id]) for example in EXAMPLES]
    count = sum(len(example.bills) for example in EXAMPLES)
    passed = f"{len(EXAMPLES)} examples, {count} bills; all pass.\n"
    return HEAD + "\n".join(rows) + "\n\n" + passed


def _row(example: Example, item: dict[str, Any]) -> str:
    rulesets = ", ".join(f"`{name}`" for name in dict.fromkeys(bill.ruleset for bill in example.bills))
    cells = (f"`{example.id}`", f"{item['category']}, {item['provenance']}", _answer(item), rulesets, _remarks(example))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _answer(item: dict[str, Any]) -> str:
    answer = item["expected"] if item["expected"] is not None else item["recomputed"]
    if isinstance(answer, dict):
        return ", ".join(f"{name} {price}" for name, price in answer.items())
    return str(answer)


def _remarks(example: Example) -> str:
    remarks = [f"From {example.facts}."]
    if example.asks:
        remarks.append(f"Asks for {example.asks}.")
    if example.differs:
        remarks.append(f"Differs: {example.differs}.")
    return " ".join(remarks)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
