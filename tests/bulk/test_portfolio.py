"""A portfolio is the same for the same seed, and says beforehand which of its rows cannot be billed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk.customers import RULE_SETS
from engine.bulk.portfolio import BATCH_ROWS, planted, portfolio_batches, schema, write_portfolio
from engine.compiler.compile import compile_paths
from tests.running import read, run

SEED = 20260101
RULES = Path(__file__).parents[2] / "rules" / "cn"


def test_file_holds_the_batches(tmp_path: Path) -> None:
    """The Parquet file reads back as what was drawn, and more than one batch is written."""
    rows = BATCH_ROWS + 5
    drawn = pa.Table.from_batches(list(portfolio_batches(rows, SEED)))

    written = write_portfolio(tmp_path / "portfolio.parquet", rows, SEED)

    back = pq.read_table(written.path)
    assert rows == written.rows == back.num_rows
    assert schema() == back.schema
    assert drawn.to_pydict() == back.to_pydict()


def test_same_seed_same_rows() -> None:
    """Two drawings are alike, and another seed gives other rows."""
    first, again, other = (pa.Table.from_batches(list(portfolio_batches(3_000, seed))) for seed in (1, 1, 2))

    assert first.equals(again)
    assert not first.equals(other)


def test_every_rule_set_has_about_its_share() -> None:
    """Shares are met to within a percent of the portfolio."""
    rows = 50_000
    table = pa.Table.from_batches(list(portfolio_batches(rows, SEED)))

    counts = Counter(table["ruleset"].to_pylist())

    for name, share, _ in RULE_SETS:
        assert counts[name] / rows == pytest.approx(share, abs=0.01)


def test_planted_rows_stand_where_they_are_said_to() -> None:
    """Each planted row has the id that is announced, and only duplicates repeat one."""
    rows = 20_000
    table = pa.Table.from_batches(list(portfolio_batches(rows, SEED)))
    ids = table["row_id"].to_pylist()

    announced = planted(rows, SEED)

    assert [one.row_id for one in announced] == [ids[one.row] for one in announced]
    repeated = [one for one in announced if one.code == "duplicate-row"]
    assert len(set(ids)) == rows - len(repeated)
    assert len({one.row for one in announced}) == len(announced) == 45


@pytest.mark.parametrize("rows", [0, 1, 39, 40, 1_000])
def test_small_portfolios_have_few_planted_rows(rows: int) -> None:
    """At most one row in forty is bad, and a portfolio of any size can be drawn."""
    drawn = sum(batch.num_rows for batch in portfolio_batches(rows, SEED))

    assert rows == drawn
    assert len(planted(rows, SEED)) == min(45, rows // 40)


def test_periods_registers_and_households_make_sense() -> None:
    """Quantities add up and lie in bounds in every row that is not planted."""
    rows = 30_000
    table = pa.Table.from_batches(list(portfolio_batches(rows, SEED)))
    bad = {one.row for one in planted(rows, SEED)}
    sound = [row for position, row in enumerate(table.to_pylist()) if position not in bad]

    for row in sound:
        assert row["period_from"] < row["period_to"]
        assert row["period_from"].day == row["period_to"].day == 1
        assert all(value >= 0 for name, value in row.items() if name.startswith("kwh") and value is not None)
        if row["ruleset"] == "cn.guangdong.residential" and row["on_tou"]:
            assert row["kwh"] == row["kwh_peak"] + row["kwh_flat"] + row["kwh_valley"]
        if row["ruleset"] == "cn.jiangsu.residential":
            assert (row["kwh_total"] is None) == row["on_tou"]
            assert row["period_from"].month > 1 or row["meter"] == "shared" or row["kwh_year_before"] == 0
        if row["ruleset"] == "cn.hubei.industry_commerce":
            assert row["period_from"].month == 1
            assert row["demand_kw"] is None or row["demand_kw"] <= row["contract_kva"]
            assert row["under_100_kva"] == (row["kvarh"] is None)


def test_planted_rows_are_refused_as_announced_and_no_others(tmp_path: Path) -> None:
    """Over the shipped rule sets every row that is not planted is billed."""
    book = compile_paths([RULES]).rulesets
    written = write_portfolio(tmp_path / "portfolio.parquet", 20_000, SEED)

    summary = run(book, written.path, tmp_path / "bills", threads=1)

    refused = read(tmp_path / "bills", "refused").select(["row_id", "code", "field"]).to_pylist()
    found = Counter((int(row["row_id"]), row["code"], row["field"]) for row in refused)
    assert Counter((one.row_id, one.code, one.field) for one in written.planted) == found
    assert summary.refused_rows == len(written.planted)
