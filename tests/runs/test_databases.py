"""`dianjia run` from a database, into one, and into Delta tables: what an operator gets, and what nobody is shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import deltalake
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from tests.bulk.book import HOME, SHOP, make_book
from tests.running import read
from tests.runs.portfolio import PARTITION_ROWS, REFUSED, ROWS, TOTALS, table, written

PASSWORD = "s3cret-of-nobody"
QUERY = ("--query", "SELECT * FROM meters ORDER BY row_id")
CUT = ("--partition-rows", str(PARTITION_ROWS), "--threads", "1")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and a portfolio in it, and a ledger of its own, as the current one."""
    (tmp_path / "rules").mkdir()
    make_book(tmp_path / "rules")
    written(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)  # that the command would set; taken back when the test ends
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    return tmp_path


@pytest.fixture
def meters(postgresql_url: str) -> str:
    """A database with the portfolio in a table; its URL has a password."""
    with psycopg.connect(postgresql_url) as connection:
        connection.execute(
            "CREATE TABLE meters (row_id text, ruleset text, period_from date, period_to date, kwh numeric(12,2),"
            " region text)"
        )
        rows = [tuple(one.values()) for one in table().to_pylist()]
        connection.cursor().executemany("INSERT INTO meters VALUES (%s, %s, %s, %s, %s, %s)", rows)
    return postgresql_url.replace("dianjia@", f"dianjia:{PASSWORD}@")


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def told(*arguments: str, code: int = 0) -> Any:
    """What a command tells a program."""
    done = dianjia(*arguments, "--format", "json")
    assert done.exit_code == code, done.stderr
    assert PASSWORD not in done.output
    return json.loads(done.stdout)


def billed(rows: list[dict[str, Any]]) -> dict[str, str]:
    found = {one["row_id"]: str(one["total"]) for one in rows}
    assert len(found) == len(rows)
    return found


def test_from_a_query(here: Path, meters: str) -> None:
    summary = told("run", "--input", meters, *QUERY, "--output", "out", *CUT)
    check = told("runs", "verify", summary["run"])
    shown = told("runs", "show", summary["run"])

    assert (summary["rows"], summary["billed"], summary["refused"]["rows"]) == (ROWS, len(TOTALS), len(REFUSED))
    assert billed(read(here / "out", "bills").to_pylist()) == TOTALS
    assert (check["holds"], check["sampled"]) == (True, 11)  # one row names a rule set that there is not
    assert shown["input"] == [meters.replace(f":{PASSWORD}", "")]
    kept = [file for file in here.rglob("*") if file.is_file() and PASSWORD.encode() in file.read_bytes()]
    assert kept == []


def test_from_a_query_joined_and_filtered(here: Path, meters: str) -> None:
    """Rows 0, 2, 4, 6, 8 and 10 are of a segment, row 4 cannot be billed; of row 11 the file knows nothing."""
    rows = {"row_id": [f"r{at}" for at in range(ROWS - 1)], "segment": (["even", "odd"] * (ROWS // 2))[:-1]}
    pq.write_table(pa.table(rows), "segments.parquet")
    plan = "joins:\n  segments:\n    file: segments.parquet\n    on: [row_id]\n    columns: [segment]\n"
    Path("plan.yaml").write_text(plan, encoding="utf-8")

    given = ("--input", meters, *QUERY, "--join", "plan.yaml", "--only", "segment=even")
    planned = told("run", *given, "--output", "out", *CUT, "--dry-run")
    summary = told("run", *given, "--output", "out", *CUT)
    check = told("runs", "verify", summary["run"])

    found = read(here / "out", "bills").to_pylist()
    assert (planned["rows"], planned["without"]) == (ROWS, {"segments": 1})
    assert billed(found) == {row: total for row, total in TOTALS.items() if int(row[1:]) % 2 == 0}
    assert {one["segment"] for one in found} == {"even"}
    assert (summary["billed"], summary["refused"]["by_code"], summary["left_out"]) == (5, {"out-of-bounds": 1}, 6)
    assert check["holds"]


def test_into_a_database(here: Path, meters: str) -> None:
    summary = told("run", "--input", meters, *QUERY, "--output", meters, *CUT)
    check = told("runs", "verify", summary["run"])
    with psycopg.connect(meters) as connection:
        rows = connection.execute("SELECT row_id, total FROM dianjia.bills").fetchall()
        said = str(connection.execute("SELECT * FROM dianjia.runs").fetchall())
        connection.execute("DELETE FROM dianjia.bills WHERE partition = 1")
        connection.execute("DELETE FROM dianjia.partitions WHERE partition = 1")
    spoilt = told("runs", "verify", summary["run"], code=1)

    assert {row: str(total) for row, total in rows} == TOTALS
    assert PASSWORD not in said
    # of all partitions together: ten bills, five of each rule set
    assert [summary["files"][name] for name in ("bills", f"lines/{HOME}", f"lines/{SHOP}")] == [10, 5, 5]
    assert (check["holds"], check["bills"], check["lines"]) == (True, 10, 10)
    # lines without a marker, too: nobody says whether they are whole
    lines = [f"lines/{HOME} rows", f"lines/{SHOP} rows"]
    assert [one["where"] for one in spoilt["differences"]] == ["partition 1"] * 3
    assert [one["what"] for one in spoilt["differences"]] == ["partitions rows", *lines]


def test_into_delta_tables(here: Path) -> None:
    """The folder is the same wherever the run is gone on with; rows that are gone are missed."""
    summary = told("run", "--input", "rows.parquet", "--output", "delta:tables", *CUT)
    listed = told("runs", "list")
    check = told("runs", "verify", summary["run"])
    bills = deltalake.DeltaTable("tables/bills")
    rows = bills.to_pyarrow_table().to_pylist()
    bills.delete("row_id = 'r3'")
    spoilt = told("runs", "verify", summary["run"], code=1)

    assert billed(rows) == TOTALS
    assert listed[0]["output"] == f"delta:{here / 'tables'}"
    assert summary["files"]["bills"] == 10
    assert check["holds"]
    assert spoilt["differences"] == [{"where": "partition 1", "what": "bills rows", "ledger": "2", "found": "1"}]


class TestWhatIsRefused:
    def test_a_database_beside_files(self, here: Path, meters: str) -> None:
        """No rows of either are left out without a word."""
        done = dianjia("run", "--input", meters, "--input", "rows.parquet", *QUERY, "--output", "out")

        assert done.exit_code == 2
        assert "a database is the only --input of a run" in done.stderr

    def test_a_query_of_files(self, here: Path) -> None:
        done = dianjia("run", "--input", "rows.parquet", *QUERY, "--output", "out")

        assert done.exit_code == 2
        assert "--query reads from a database" in done.stderr

    def test_a_url_that_is_none(self, here: Path) -> None:
        done = dianjia("run", "--input", f"postgresql://bill:{PASSWORD}@@db/x", *QUERY, "--output", "out")

        assert done.exit_code == 1
        assert "database-url" in done.stderr
        assert PASSWORD not in done.output

    def test_a_plan_of_joins_that_cannot_be_read(self, here: Path) -> None:
        """It is not entered in the ledger, and leaves nothing."""
        Path("plan.yaml").write_text("joins:\n  a: {fil: rows.parquet, on: [row_id], columns: [region]}\n")

        done = dianjia("run", "--input", "rows.parquet", "--join", "plan.yaml", "--output", "out")

        assert (done.exit_code, "unknown-key" in done.stderr) == (1, True)
        assert told("runs", "list") == []
        assert not Path("out").exists()
