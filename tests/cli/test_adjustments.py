"""`dianjia runs export`, `acknowledge` and `reverse`, on runs that `dianjia run` has made."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from tests.registry.books import home
from tests.runs.adjusting import read, write_csv

KWH = {"B1": 100, "B2": 200, "B3": 300}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a portfolio of three bills."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIANJIA_DATABASE", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    count = len(KWH)
    table = pa.table(
        {
            "row_id": pa.array(range(count), pa.int64()),
            "account": [f"A{at}" for at in range(count)],
            "bill_id": list(KWH),
            "revision": pa.array([0] * count, pa.int32()),
            "ruleset": ["cn.test.home"] * count,
            "period_from": pa.array([20_454] * count, pa.int32()).cast(pa.date32()),  # 2026-01-01
            "period_to": pa.array([20_485] * count, pa.int32()).cast(pa.date32()),
            "kwh": pa.array(list(KWH.values()), pa.int64()),
        }
    )
    pq.write_table(table, "portfolio.parquet")
    return tmp_path


def typed(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def ran(price: str, name: str, *more: str) -> str:
    """Bill the portfolio at a price; gives the run."""
    rules = Path(f"rules-{name}")
    rules.mkdir()
    (rules / "home.ruleset.yaml").write_bytes(home(price))
    done = typed("run", "--rules", str(rules), "--input", "portfolio.parquet", "--output", name, *more)
    assert done.exit_code == 0, done.output
    run: str = json.loads((Path(name) / "summary.json").read_text("utf-8"))["run"]
    return run


def answered(*arguments: str) -> dict[str, Any]:
    done = typed(*arguments, "--format", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def acknowledged(name: str, outcome: str) -> dict[str, Any]:
    rows = read(Path(name))
    write_csv(Path(f"{name}.back.csv"), ["adjustment_id", "outcome"], [(one["adjustment_id"], outcome) for one in rows])
    return answered("runs", "acknowledge", "--file", f"{name}.back.csv")


def test_a_price_corrected_twice_ends_at_the_last_price(here: Path) -> None:
    """0.50, then 0.60 by mistake, then 0.55 CNY/kWh: the amounts of both files, by hand."""
    first, wrong, right = ran("0.50", "v1"), ran("0.60", "v2"), ran("0.55", "v3")

    one = answered("runs", "export", wrong, "--original", first, "--output", "one.parquet", "--reason", "P1")
    told = acknowledged("one.parquet", "posted")
    answered("runs", "export", right[-4:], "--original", "v1", "--output", "two.csv", "--reason", "P2")
    acknowledged("two.csv", "posted")
    answered("runs", "reverse", right, "--output", "three.csv")

    tenth = {"B1": Decimal("10.00"), "B2": Decimal("20.00"), "B3": Decimal("30.00")}
    assert tenth == {row["bill_id"]: row["amount"] for row in read(Path("one.parquet"))}
    assert {"B1": "-5.00", "B2": "-10.00", "B3": "-15.00"} == {
        row["bill_id"]: row["amount"] for row in read(Path("two.csv"))
    }
    assert {"B1": "5.00", "B2": "10.00", "B3": "15.00"} == {
        row["bill_id"]: row["amount"] for row in read(Path("three.csv"))
    }
    assert [("energy", "60.00")] == [(of["charge"], of["collect"]["amount"]) for of in one["sums"]]
    assert (3, 0, 0) == (told["posted"], told["still_open"], told["halves"])
    beside = json.loads(Path("one.parquet.summary.json").read_text("utf-8"))
    assert (wrong, first, True, 3) == (beside["run"], beside["original"], beside["complete"], beside["adjustments"])


def test_what_stops_an_export_is_told_in_the_language_asked_for(here: Path) -> None:
    """Exit code 1, the problem and what to do; the run is still to be acknowledged."""
    first, second, third = ran("0.50", "v1"), ran("0.60", "v2"), ran("0.55", "v3")
    typed("runs", "export", second, "--original", first, "--output", "one.csv", "--reason", "P1")

    english = typed("runs", "export", third, "--original", first, "--output", "two.csv", "--reason", "P2")
    chinese = typed(
        "runs", "export", third, "--original", first, "--output", "two.csv", "--reason", "P2", "--language", "zh"
    )
    unknown = typed("runs", "export", "run-none", "--original", first, "--output", "two.csv", "--reason", "P2")

    assert [1, 1, 1] == [one.exit_code for one in (english, chinese, unknown)]
    assert f"{third}: adjustment-open: 3 bills have a correction that was exported" in english.stderr
    assert "--hold-open" in english.stderr
    assert f"{third}: adjustment-open: 3 张账单已有导出而未回执的退补" in chinese.stderr
    assert "run-none: run-not-found" in unknown.stderr
    assert not Path("two.csv").exists()


def test_an_export_is_shown_as_text(here: Path) -> None:
    """Groups, sums by charge, and the file, in both languages."""
    first, second = ran("0.50", "v1"), ran("0.60", "v2")

    english = typed("runs", "export", second, "--original", first, "--output", "one.csv", "--reason", "P1")
    chinese = typed("runs", "reverse", second, "--output", "back.csv", "--language", "zh")

    assert english.exit_code == chinese.exit_code == 0
    shown = [line.split() for line in english.stdout.splitlines()]
    assert ["bills", "in", "both", "3"] in shown
    assert ["energy", "CNY", "0", "0.00", "3", "60.00"] in shown
    assert ["one.csv"] in shown
    assert ["energy", "CNY", "3", "-60.00", "0", "0.00"] in [line.split() for line in chinese.stdout.splitlines()]
    assert "曾更正的账单" in chinese.stdout


def test_a_run_over_part_of_a_portfolio_is_not_exported_as_complete(here: Path) -> None:
    """The filter goes into the export; --complete refuses it. Bills outside of it are listed."""
    first, part = ran("0.50", "v1"), ran("0.60", "v2", "--only", "bill_id=B2")

    refused = typed("runs", "export", part, "--original", first, "--output", "one.csv", "--reason", "P1", "--complete")
    done = answered("runs", "export", part, "--original", first, "--output", "one.csv", "--reason", "P1")

    assert (1, True) == (refused.exit_code, "run-partial" in refused.stderr)
    assert (False, 1, 2) == (done["complete"], done["bills"]["in_both"], done["bills"]["only_in_original"])
    assert "B2" in done["filter"]
    listed = [(row["bill_id"], row["reason"]) for row in read(Path("one.unmatched.csv"))]
    assert [("B1", "absent-or-outside-filter"), ("B3", "absent-or-outside-filter")] == listed


def test_a_run_that_was_written_over_or_is_not_finished_is_refused(here: Path) -> None:
    """Its folder holds another run's bills; or the ledger says that it was cancelled."""
    import sqlite3

    first, second = ran("0.50", "v1"), ran("0.60", "v2")
    rules = Path("rules-v2")
    typed("run", "--rules", str(rules), "--input", "portfolio.parquet", "--output", "v2", "--overwrite")
    with sqlite3.connect("ledger.sqlite") as connection:
        connection.execute("UPDATE run SET state = 'cancelled' WHERE run = ?", (first,))
    connection.close()

    over = typed("runs", "export", second, "--original", "v1", "--output", "one.csv", "--reason", "P1")
    unfinished = typed("runs", "export", first, "--original", "v1", "--output", "one.csv", "--reason", "P1")

    assert f"{second}: folder-of-another" in over.stderr
    assert f"{first}: run-unfinished: the run is not finished; it is cancelled." in unfinished.stderr


@pytest.mark.parametrize("name", ["v1", "v2"])
def test_bills_that_adjustments_stand_on_are_not_written_over(here: Path, name: str) -> None:
    """Neither the original's nor the run's own: what was handed over could not be made good any more."""
    ran("0.50", "v1")
    second = ran("0.60", "v2")
    answered("runs", "export", second, "--original", "v1", "--output", "one.parquet", "--reason", "P1")
    bills = (here / name / "bills" / "00000.parquet").read_bytes()

    command = ["run", "--rules", "rules-v2", "--input", "portfolio.parquet", "--output", name, "--overwrite"]
    again, other = typed(*command), typed(*command[:-2], "elsewhere")

    assert (1, 0) == (again.exit_code, other.exit_code)
    assert f"output-handed-over: the adjustments of {second} were made from the bills" in again.stderr
    assert bills == (here / name / "bills" / "00000.parquet").read_bytes()
