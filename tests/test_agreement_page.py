"""The page of full comparisons keeps up with the shipped rule sets."""

from __future__ import annotations

import re
from pathlib import Path

from engine.compiler.compile import compile_paths

ROOT = Path(__file__).parent.parent
ROW = re.compile(
    r"^\| `([\w.@-]+)` \| `([0-9a-f]{16})` \| [\d-]+ \| ([\d,]+) \| [\d,]+ \| [\d,]+ \| (\d+) \|$",
    re.MULTILINE,
)


ROWS_MIN = 20_000


def test_every_shipped_structure_was_compared() -> None:
    """A structure that is not on the page wants `dianjia test --random 20000`, or more, and a new line on the page."""
    page = (ROOT / "docs/agreement.md").read_text(encoding="utf-8")
    compared = {(name, structure): (rows, found) for name, structure, rows, found in ROW.findall(page)}

    shipped = compile_paths([ROOT / "rules", ROOT / "benchmarks/rules"]).rulesets

    missing = [name for name, one in shipped.items() if (one.id, one.program.structure) not in compared]
    assert missing == []
    assert {found for _, found in compared.values()} == {"0"}
    assert min(int(rows.replace(",", "")) for rows, _ in compared.values()) >= ROWS_MIN
