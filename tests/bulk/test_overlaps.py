"""Rows of one account that bill the same days are billed, and reported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.overlaps import AccountRows, overlapping
from engine.compiler.program import Compiled
from tests.bulk.book import HOME, SHOP, make_book
from tests.running import run


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def day(number: int) -> date:
    return date(2026, 1, number)


# row id, account, rule set, first day and end in January, kWh, what of the account is billed
ROWS: list[tuple[str, Any, str, int, int, float, str]] = [
    ("a1", "7", HOME, 1, 11, 1.0, ""),
    ("a2", "7", HOME, 11, 21, 1.0, ""),
    ("a3", "7", HOME, 20, 31, 1.0, ""),  # the 20th twice
    ("b1", "8", HOME, 1, 31, 1.0, ""),
    ("b2", "8", HOME, 2, 3, 1.0, ""),
    ("b3", "8", HOME, 4, 5, 1.0, ""),  # b1 is not the row before it, and still overlaps
    ("b4", "8", SHOP, 4, 5, 1.0, ""),  # another rule set
    ("b5", "8", HOME, 6, 7, -1.0, ""),  # refused: nothing is billed twice
    ("c1", None, HOME, 1, 31, 1.0, ""),
    ("c2", None, HOME, 1, 31, 1.0, ""),
    ("d1", "9", HOME, 1, 31, 1.0, "house"),
    ("d2", "9", HOME, 1, 31, 1.0, "car"),  # another scope
]


def portfolio(rows: Sequence[tuple[Any, ...]], *, scoped: bool = True) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    table = {
        "row_id": columns[0],
        "account": pa.array(columns[1], pa.string()),
        "ruleset": columns[2],
        "period_from": [day(one) for one in columns[3]],
        "period_to": [day(one) for one in columns[4]],
        "kwh": columns[5],
    }
    return pa.table(table | ({"scope": columns[6]} if scoped else {}))


@pytest.mark.parametrize("reverse", [False, True])
def test_pairs_are_named(reverse: bool, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    pq.write_table(portfolio(ROWS[::-1] if reverse else ROWS), tmp_path / "rows.parquet")

    summary = run(book, tmp_path / "rows.parquet", tmp_path / "out")

    assert summary.overlaps is not None
    assert (summary.billed, summary.overlaps.rows) == (11, 3)
    pairs = [(one.account, one.ruleset, one.row_id, one.other_row_id) for one in summary.overlaps.first]
    assert sorted(pairs) == [("7", HOME, "a3", "a2"), ("8", HOME, "b2", "b1"), ("8", HOME, "b3", "b1")]
    written = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["overlaps"]
    assert written["rows"] == 3
    assert {(one["period"], one["other_period"]) for one in written["first"]} == {
        ("2026-01-20..2026-01-31", "2026-01-11..2026-01-21"),
        ("2026-01-02..2026-01-03", "2026-01-01..2026-01-31"),
        ("2026-01-04..2026-01-05", "2026-01-01..2026-01-31"),
    }


def test_without_a_scope_the_account_is_one(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    pq.write_table(portfolio(ROWS[-2:], scoped=False), tmp_path / "rows.parquet")

    summary = run(book, tmp_path / "rows.parquet", tmp_path / "out")

    assert summary.overlaps is not None
    assert summary.overlaps.rows == 1


def test_without_accounts_nothing_is_said(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    pq.write_table(portfolio(ROWS).drop_columns(["account"]), tmp_path / "rows.parquet")

    summary = run(book, tmp_path / "rows.parquet", tmp_path / "out")

    assert summary.overlaps is None
    assert "overlaps" not in json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(-40, 40), st.integers(1, 30)), max_size=12),
    st.integers(0, 3),
)
def test_each_row_that_overlaps_an_earlier_one_is_found(rows: list[tuple[int, int, int, int]], words: int) -> None:
    """Against every pair; `words` sets how much of the accounts' numbers the second word tells apart."""
    found = AccountRows(
        row=np.arange(len(rows), dtype=np.int64) * 10,
        primary=np.array([row[0] & words for row in rows], dtype=np.uint64),
        check=np.array([row[0] for row in rows], dtype=np.uint64),
        ruleset=np.array([row[1] for row in rows], dtype=np.int32),
        period_from=np.array([row[2] for row in rows], dtype=np.int32),
        period_to=np.array([row[2] + row[3] for row in rows], dtype=np.int32),
    )

    def before(one: int, other: int) -> bool:
        order = [(first, first + length, at) for at, (_, _, first, length) in enumerate(rows)]
        return order[one] < order[other]

    expected = {
        at * 10
        for at, row in enumerate(rows)
        for other, earlier in enumerate(rows)
        if row[:2] == earlier[:2] and before(other, at) and row[2] < earlier[2] + earlier[3]
    }

    at, others = overlapping(found)

    assert set(at.tolist()) == expected
    for one, other in zip((at // 10).tolist(), (others // 10).tolist(), strict=True):
        assert rows[one][:2] == rows[other][:2]
        assert rows[one][2] < rows[other][2] + rows[other][3]
