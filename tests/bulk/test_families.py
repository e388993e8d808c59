"""Rule sets of one structure in a run: what is written of a row is what a run of its rule set alone writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk import outputs
from engine.bulk.money import sums_by
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from tests.bulk.book import HOME, HOME_YAML, SHOP, SHOP_YAML
from tests.running import lines, read, run

HOMES = (HOME, "cn.test.cabin", "cn.test.manor")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    """Three rule sets of one structure, of other prices, days and words, and one of another."""
    folder = tmp_path_factory.mktemp("rules")
    cabin = HOME_YAML.replace(HOME, HOMES[1]).replace("0.5283", "0.6001").replace("用电 {kwh}", "小屋用电 {kwh}")
    manor = (
        HOME_YAML.replace(HOME, HOMES[2]).replace("0.5283", "4.5283").replace("2026-01-01, until", "2026-02-01, until")
    )
    for name, text in {"home": HOME_YAML, "cabin": cabin, "manor": manor, "shop": SHOP_YAML}.items():
        (folder / f"{name}.ruleset.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder]).rulesets


def portfolio(count: int) -> pa.Table:
    random = np.random.default_rng(4)
    names = [(*HOMES, SHOP)[at] for at in random.integers(0, 4, count)]
    months = random.integers(1, 4, count)
    return pa.table(
        {
            "row_id": [f"r{at}" for at in range(count)],
            "ruleset": names,
            "period_from": [date(2026, int(at), 1) for at in months],
            "period_to": [date(2026, int(at) + 1, 1) for at in months],
            "kwh": [Decimal(int(at)).scaleb(-2) for at in random.integers(-20_000, 200_000, count)],
            "low_income": [None if name == SHOP else bool(at % 2) for at, name in enumerate(names)],
        }
    )


def test_a_run_writes_what_runs_of_each_rule_set_write(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Bills, lines, refusals with their places, warnings in each one's words, and sums by rule set."""
    rows = portfolio(2_000)
    pq.write_table(rows, tmp_path / "all.parquet")
    together = run(book, tmp_path / "all.parquet", tmp_path / "all", details=True)
    apart = {}
    for name in (*HOMES, SHOP):
        pq.write_table(rows.filter(pa.compute.equal(rows["ruleset"], name)), tmp_path / f"{name}.parquet")
        apart[name] = run(book, tmp_path / f"{name}.parquet", tmp_path / name, details=True)

    assert len({book[name].program.structure for name in HOMES}) == 1
    for table in ("bills", "refused", "warnings"):
        expected = [row for name in apart for row in _rows(tmp_path / name, table)]
        assert sorted(expected, key=repr) == sorted(_rows(tmp_path / "all", table), key=repr)
        assert expected
    refused = {row["row_id"] for row in _rows(tmp_path / "all", "refused")}
    assert [row["row_id"] for row in _rows(tmp_path / "all", "bills")] == [
        name for name in rows["row_id"].to_pylist() if name not in refused
    ]
    structures = lines(tmp_path / "all")
    assert len(structures) == 2
    for table in structures:
        of = [name for name in apart if table in lines(tmp_path / name)]
        expected = [row for name in of for row in _rows(tmp_path / name, f"lines/{table}")]
        assert sorted(expected, key=repr) == sorted(_rows(tmp_path / "all", f"lines/{table}"), key=repr)
    assert {one.id: one for one in together.rulesets} == {one.id: one for of in apart.values() for one in of.rulesets}
    assert together.refused.keys() == {"out-of-bounds", "no-price-in-force"}


def test_lines_of_other_precision_have_a_table_of_their_own(
    book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule sets of one structure may need decimal columns of more digits, which their bounds decide."""
    monkeypatch.setattr(outputs, "precision_of", lambda low, high: 18 if max(-low, high) < 5_500_000 else 19)
    rows = portfolio(200)
    pq.write_table(rows, tmp_path / "rows.parquet")

    run(book, tmp_path / "rows.parquet", tmp_path / "out", amounts="decimal")

    billed = {row["row_id"]: row["ruleset"] for row in _rows(tmp_path / "out", "bills")}
    found = {}
    for name in lines(tmp_path / "out"):
        table = read(tmp_path / "out", f"lines/{name}")
        if "relief" in table.column_names:
            found[str(table.schema.field("energy").type)] = set(table["ruleset"].to_pylist())
            assert all(billed[row["row_id"]] == row["ruleset"] for row in table.to_pylist())
    assert found == {"decimal128(18, 2)": {HOME}, "decimal128(19, 2)": {*HOMES[1:]}}


@pytest.mark.parametrize("high", [10, 2**40, 2**62])
def test_sums_by_code(high: int) -> None:
    """Of both signs and any size, as Python adds them."""
    random = np.random.default_rng(high)
    code, values = random.integers(0, 5, 10_000), random.integers(-high, high, 10_000)

    sums = [0] * 6
    for of, value in zip(code.tolist(), values.tolist(), strict=True):
        sums[of] += value

    assert sums == sums_by(code, 6, values)
    assert [sum(sums)] == sums_by(None, 1, values)


def _rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(folder, table).to_pylist()
    return found
