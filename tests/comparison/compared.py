"""What tests of comparisons share: books from texts, portfolios from rows, and what a comparison says of each bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from engine.comparison.compare import Comparison, Options, compare
from engine.comparison.result import to_json
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths

HEAD = """\
ruleset: {id}
title: 试验
source: {{standing: example, note: made up for a test}}
in_force: {{from: 2025-01-01, until_replaced: true}}
version_by: period_from
"""
_COMPILED: Final[dict[tuple[tuple[str, str], ...], RateBook]] = {}


def book(folder: Path, **texts: str) -> RateBook:
    """Write rule sets, each text below a head of its own, under `cn.test.NAME`; and compile them, once a session."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.ruleset.yaml").write_text(HEAD.format(id=f"cn.test.{name}") + text, encoding="utf-8")
    key = tuple(sorted(texts.items()))
    if key not in _COMPILED:
        _COMPILED[key] = compile_paths([folder])
    return _COMPILED[key]


def portfolio(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows; numbers are Decimal or text, days of January 2026 where none are given."""
    names = list(dict.fromkeys(name for one in rows for name in one))
    columns: dict[str, Any] = {}
    for name in names:
        values = [one.get(name) for one in rows]
        if any(isinstance(value, Decimal) for value in values):
            columns[name] = pa.array(values, pa.decimal128(15, 4))
        else:
            columns[name] = pa.array(values)
    for name, day in (("period_from", date(2026, 1, 1)), ("period_to", date(2026, 2, 1))):
        columns[name] = pa.array([one.get(name, day) for one in rows], pa.date32())
    pq.write_table(pa.table(columns), path)
    return path


@dataclass(frozen=True)
class Found:
    """A comparison and what it wrote."""

    made: Comparison
    data: dict[str, Any]
    differences: list[dict[str, Any]]
    bills: list[dict[str, Any]]
    unpaired: list[dict[str, Any]]

    def causes(self, row_id: str) -> list[tuple[str, str, str]]:
        """Charge, cause and amount of each difference of a bill, in order."""
        own = [one for one in self.differences if one["row_id"] == row_id]
        return [(one["charge"], one["cause"].partition(":")[2], str(one["difference"])) for one in own]


def compared(
    old: RateBook | None, new: RateBook, source: Path, folder: Path, stored: Path | None = None, **options: Any
) -> Found:
    """Compare, and read what was written."""
    made = compare(old, new, source, Options(output=folder, **options), stored)
    tables = [
        pq.read_table(folder / name / "00000.parquet").to_pylist() for name in ("differences", "bills", "unpaired")
    ]
    return Found(made, to_json(made), *tables)
