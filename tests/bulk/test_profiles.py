"""Scores and classes of a run: the table `profiles`, and what the summary says of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk import delta_sink, postgresql_sink
from engine.bulk.profiles import mean
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.runs.verify import verify
from tests.bulk.book import HOME, make_book
from tests.bulk.profile_book import CUSTOMER, CUSTOMER_YAML
from tests.running import ledger_at, ledger_file, read, record, run

JANUARY = (date(2026, 1, 1), date(2026, 2, 1))
NAMES = ("row_id", "account", "ruleset", "period_from", "period_to", "nature", "kwh", "kwh_last_year", "late")
ROWS: list[tuple[Any, ...]] = [
    ("r1", "A", CUSTOMER, *JANUARY, "shop", "1000.00", "990.00", 2),
    ("r2", "B", CUSTOMER, *JANUARY, "industry", "900000.00", "100.00", 0),
    ("r3", None, CUSTOMER, *JANUARY, "shop", "10.00", None, None),
    ("r4", "D", CUSTOMER, *JANUARY, "farm", "10.00", None, None),  # a code that is none
    ("r5", "E", HOME, *JANUARY, None, "10.00", None, None),
    ("r6", "F", CUSTOMER, *JANUARY, "industry", "5000.00", "5000.00", 0),
]
# By hand. r1: 0.2x70 + 0.5x60.5 + 0.3x50 (10/990 = 0.0101) = 59.25; r2: 100; r3: (14 + 10) / 0.7 = 34.2857...;
# r6: 20 + 30.25 + 0.3x50 = 65.25
VALUES = {"r1": "59.3", "r2": "100.0", "r3": "34.3", "r6": "65.3"}
CREDITS = {"r1": "60", "r2": "100", "r3": "60", "r6": "100"}
LEVELS = {"r1": ("ordinary", "普通"), "r2": ("gold", "金牌"), "r3": ("ordinary", "普通"), "r6": ("silver", "银牌")}
MARKETS = {"r1": ("other", "其他"), "r2": ("star", "明星"), "r3": ("other", "其他"), "r6": ("other", "其他")}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "customer.ruleset.yaml").write_text(CUSTOMER_YAML, encoding="utf-8")
    make_book(folder)
    return compile_paths([folder]).rulesets


def portfolio(folder: Path) -> Path:
    columns = dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True))
    for name in ("kwh", "kwh_last_year"):
        columns[name] = [None if text is None else Decimal(text) for text in columns[name]]
    path = folder / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def told(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], Any]:
    """What a table of profiles says, by row, kind and id."""
    found = {}
    for row in rows:
        value = Decimal(str(row["value"])) if row["kind"] == "score" else (row["class"], row["title"])
        found[row["row_id"], row["kind"], row["id"]] = value
    assert len(found) == len(rows), "each score and class of a row stands once"
    return found


EXPECTED = {
    **{(row, "score", "value"): Decimal(text) for row, text in VALUES.items()},
    **{(row, "score", "credit"): Decimal(text) for row, text in CREDITS.items()},
    **{(row, "segment", "level"): class_ for row, class_ in LEVELS.items()},
    **{(row, "segment", "market"): class_ for row, class_ in MARKETS.items()},
}


@pytest.mark.parametrize("format_", ["parquet", "csv", "arrow"])
def test_a_run_writes_a_row_for_each_score_and_class(
    format_: Any, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    """Values are those worked by hand; refused rows and rows of other rule sets have none."""
    run(book, portfolio(tmp_path), tmp_path / "out", format_=format_)

    rows = read(tmp_path / "out", "profiles", format_).to_pylist()
    assert told(rows) == EXPECTED
    assert {(row["row_id"], row["account"] or None) for row in rows} == {
        ("r1", "A"),
        ("r2", "B"),
        ("r3", None),
        ("r6", "F"),
    }
    assert {row["ruleset"] for row in rows} == {CUSTOMER}
    assert {row["title"] for row in rows if row["id"] == "value"} == {"客户价值"}


def test_a_rule_set_that_only_profiles_has_no_table_of_lines(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """It has bills of zero, as every row is in `bills` or in `refused`."""
    run(book, portfolio(tmp_path), tmp_path / "out")

    assert sorted(one.name for one in (tmp_path / "out" / "lines").iterdir()) == [HOME]
    bills = {row["row_id"]: row["total"] for row in read(tmp_path / "out", "bills").to_pylist()}
    assert bills == {"r1": 0, "r2": 0, "r3": 0, "r5": Decimal("5.28"), "r6": 0}


def test_without_scores_there_is_no_table(tmp_path: Path) -> None:
    """Neither in files nor among the columns that are laid out beforehand."""
    rules = tmp_path / "rules"
    rules.mkdir()
    summary = run(make_book(rules), portfolio_of_homes(tmp_path), tmp_path / "out")

    assert not (tmp_path / "out" / "profiles").exists()
    assert "scores" not in summary.to_json()["rulesets"][0]  # type: ignore[index]  # a list of mappings


def portfolio_of_homes(folder: Path) -> Path:
    path = folder / "homes.parquet"
    columns = {"row_id": ["h1"], "ruleset": [HOME], "period_from": [JANUARY[0]], "period_to": [JANUARY[1]]}
    pq.write_table(pa.table({**columns, "kwh": [Decimal("10.00")]}), path)
    return path


def test_the_summary_has_exact_sums_means_and_counts(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """258.9 / 4 = 64.725; 320 / 4 = 80; classes without rows are told too."""
    summary = run(book, portfolio(tmp_path), tmp_path / "out")

    written = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    (of_customer,) = [one for one in written["rulesets"] if one["ruleset"] == CUSTOMER]
    scores = {one["score"]: (one["rows"], one["sum"], one["mean"], one["rounding"]) for one in of_customer["scores"]}
    assert scores == {"value": (4, "258.9", "64.725", "half_up"), "credit": (4, "320", "80.00", "half_up")}
    classes = {
        one["segment"]: {each["class"]: each["rows"] for each in one["classes"]} for one in of_customer["segments"]
    }
    assert classes == {"level": {"ordinary": 2, "silver": 1, "gold": 1}, "market": {"star": 1, "other": 3}}
    assert (summary.billed, summary.refused_rows) == (5, 1)


@pytest.mark.parametrize(
    ("total", "rows", "places", "expected"),
    [("2.5", 2, 1, "1.3"), ("-2.5", 2, 1, "-1.3"), ("1.0", 3, 3, "0.333"), ("2.0", 3, 3, "0.667"), ("0", 7, 2, "0.00")],
)
def test_means_are_rounded_once_half_away_from_zero(total: str, rows: int, places: int, expected: str) -> None:
    assert f"{mean(Decimal(total), rows, places):f}" == expected


def test_verification_looks_at_scores(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A value that is changed on the disk differs from the reference's."""
    run(book, portfolio(tmp_path), tmp_path / "out", format_="csv")

    assert differences(tmp_path / "out") == []
    (file,) = (tmp_path / "out" / "profiles").glob("*.csv")
    file.write_text(file.read_text(encoding="utf-8").replace("59.3", "59.4"), encoding="utf-8")
    assert ("row r1", "score value, billed again") in differences(tmp_path / "out")


def differences(output: Path) -> list[tuple[str, str]]:
    with ledger_at(ledger_file(output)) as ledger:
        return [(one.where, one.what) for one in verify(ledger, record(output), sample=100, seed=1).differences]


def test_databases_have_the_same_table(book: Mapping[str, Compiled], tmp_path: Path, postgresql_url: str) -> None:
    """Its columns have types in PostgreSQL and in Delta, and every value arrives."""
    run(book, portfolio(tmp_path), tmp_path / "out")
    table = read(tmp_path / "out", "profiles")

    for sinks, output in ((postgresql_sink, postgresql_url), (delta_sink, f"delta:{tmp_path / 'delta'}")):
        sinks.prepare(output, {"profiles": table.schema})
        sink = sinks.open_sink(output, "run-1", 0, 1)
        sink.write("profiles", table)
        sink.commit()

    names = ("row_id", "kind", "id", "value", "class", "title")
    with psycopg.connect(postgresql_url) as connection:
        rows = connection.execute('SELECT row_id, kind, id, value, "class", title FROM dianjia.profiles').fetchall()
    assert told([dict(zip(names, row, strict=True)) for row in rows]) == EXPECTED
    assert told(deltalake.DeltaTable(f"{tmp_path}/delta/profiles").to_pyarrow_table().to_pylist()) == EXPECTED
