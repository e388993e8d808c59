"""A query's rows are one snapshot, exact, and what is wrong with a query is said in its own words."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from engine.bulk.cells import Wanted, read
from engine.bulk.postgresql_source import open_query, query_batches
from engine.bulk.problems import FileProblem
from tests.postgresql import Cluster

MADE = """
CREATE TYPE season AS ENUM ('summer', 'winter');
CREATE TABLE meters (
    row_id bigint, ruleset text, period_from date, period_to date, kwh numeric(18,2), kvarh numeric, low_income boolean,
    season season, zone varchar(8), read_at timestamptz, steps int, demands numeric(8,1)[], items jsonb
);
INSERT INTO meters VALUES
    (1, 'cn.test.home', '2026-01-01', '2026-02-01', 9999999999999999.99, 0.1, true, 'summer', '北',
     '2026-01-01 00:00+08', -5, '{1.5,2.0}', '[{"kva": 315}]'),
    (2, 'cn.test.home', '2026-01-01', '2026-02-01', -0.01, 123456789012345678.000001, false, 'winter', '', NULL,
     7, '{}', '[]'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""


@pytest.fixture
def url(postgresql_url: str) -> str:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute(MADE)
    return postgresql_url


def rows_of(url: str, query: str) -> tuple[Any, list[dict[str, Any]]]:
    schema, batches = query_batches(url, query)
    return schema, pa.Table.from_batches(batches, schema=schema).to_pylist()


def problem(url: str, query: str | None) -> FileProblem:
    with pytest.raises(FileProblem) as found:
        list(query_batches(url, query)[1])
    return found.value


def test_columns_come_in_types_that_portfolios_have(url: str) -> None:
    """A numeric whose digits are declared is a decimal, another is text: neither is ever a binary float."""
    schema, rows = rows_of(url, "SELECT * FROM meters ORDER BY row_id")

    assert {one.name: str(one.type) for one in schema} == {
        "row_id": "int64",
        "ruleset": "string",
        "period_from": "date32[day]",
        "period_to": "date32[day]",
        "kwh": "decimal128(18, 2)",
        "kvarh": "string",
        "low_income": "bool",
        "season": "string",
        "zone": "string",
        "read_at": "timestamp[us, tz=UTC]",
        "steps": "int32",
        "demands": "list<item: string>",
        "items": "string",
    }
    assert rows[0] == {
        "row_id": 1,
        "ruleset": "cn.test.home",
        "period_from": dt.date(2026, 1, 1),
        "period_to": dt.date(2026, 2, 1),
        "kwh": Decimal("9999999999999999.99"),
        "kvarh": "0.1",
        "low_income": True,
        "season": "summer",
        "zone": "北",
        "read_at": dt.datetime(2025, 12, 31, 16, tzinfo=dt.UTC),
        "steps": -5,
        "demands": ["1.5", "2.0"],
        "items": '[{"kva": 315}]',
    }
    assert rows[1]["kwh"] == Decimal("-0.01")
    assert rows[1]["kvarh"] == "123456789012345678.000001"
    assert rows[2] == {"row_id": 3, **dict.fromkeys(schema.names[1:])}


def test_numbers_are_read_exactly_from_both(url: str) -> None:
    """What billing reads of a decimal and of a text: the same whole numbers of the smallest place."""
    schema, batches = query_batches(url, "SELECT kwh, round(kwh, 3)::numeric AS kvarh FROM meters WHERE row_id = 2")
    (batch,) = batches

    found = [
        read(batch.column(name), schema.field(name), Wanted(frozenset({"number"}), 3), "f").column
        for name in ("kwh", "kvarh")
    ]

    assert [(one.values.tolist(), one.places) for one in found] == [([-1], 2), ([-10], 3)]


def test_a_query_without_rows_has_columns(url: str) -> None:
    schema, rows = rows_of(url, "SELECT row_id, kwh FROM meters WHERE false;")

    assert schema.names == ["row_id", "kwh"]
    assert rows == []


def test_rows_are_of_one_snapshot(url: str) -> None:
    """What is committed after the query began is not seen, however late and often its rows are read."""
    query = "SELECT row_id FROM meters WHERE pg_sleep(0) IS NOT NULL;"
    with open_query(url, query) as found:
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO meters (row_id) SELECT generate_series(100, 20000)")

        several = [[row_id for batch in found.batches() for row_id in batch.column(0).to_pylist()] for _ in range(3)]

    assert [sorted(ids) for ids in several] == [[1, 2, 3]] * 3
    told = found.fingerprint()
    assert told["rows"] == 3
    assert told["query"] == "SELECT row_id FROM meters WHERE pg_sleep(0) IS NOT NULL"


def test_fingerprints_tell_states_of_the_database_apart(url: str) -> None:
    """After a change the snapshot is another, the query the same; rows are known at the end."""
    query = "SELECT row_id FROM meters"
    with open_query(url, query) as first:
        assert first.fingerprint()["rows"] is None

    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meters SET kwh = 1")
    with open_query(url, query) as later:
        pass

    assert later.fingerprint()["snapshot"] != first.fingerprint()["snapshot"]
    assert later.fingerprint()["query_sha256"] == first.fingerprint()["query_sha256"]


def test_more_rows_than_a_batch_are_all_read(url: str) -> None:
    columns = "g AS row_id, (g || '.25')::numeric(12,2) AS kwh, repeat('x', 100) AS t"
    query = f"SELECT {columns} FROM generate_series(1, 300000) g"
    schema, batches = query_batches(url, query)

    several = list(batches)

    assert len(several) > 1
    table = pa.Table.from_batches(several, schema=schema)
    assert table.column("row_id").to_pylist() == list(range(1, 300_001))
    assert table.column("kwh")[299_999].as_py() == Decimal("300000.25")


def test_queries_stand_in_the_url_or_in_a_file(url: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.sql"
    file.write_text("-- the rows\nSELECT row_id\nFROM meters WHERE zone = '北';\n", encoding="utf-8")

    _, in_url = query_batches(f"{url}?query=SELECT%20row_id+1%20AS%20row_id%20FROM%20meters%20WHERE%20steps%20=%207")

    assert [one for batch in in_url for one in batch.column(0).to_pylist()] == [3]
    assert rows_of(url, f"@{file}")[1] == [{"row_id": 1}]


def test_reading_changes_nothing(url: str) -> None:
    said = problem(url, "DELETE FROM meters RETURNING row_id").render()

    assert "cannot execute DELETE in a read-only transaction" in said
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM meters").fetchone() == (3,)


REFUSED = [
    ("SELECT row_id, kwhh FROM meters", 'column "kwhh" does not exist (1:16)'),
    ("SELECT row_id\nFROM meterz", 'relation "meterz" does not exist (2:6)'),
    ("SELEC row_id", 'syntax error at or near "SELEC" (1:1)'),
    ("SELECT row_id FROM meters WHERE steps = $1", "there is no parameter $1 (1:41)"),
    ("SELECT 1; SELECT 2", "cannot insert multiple commands into a prepared statement"),
    ("SELECT 1 / (steps - 7) AS n FROM meters", "division by zero"),
    ("SET search_path = public", "it gives no columns"),
    ("-- nothing", "it is empty"),
]


@pytest.mark.parametrize(("query", "said"), REFUSED, ids=[query for query, _ in REFUSED])
def test_what_the_database_says_of_a_query_is_told_with_its_place(query: str, said: str, url: str) -> None:
    found = problem(url, query)

    assert found.code == "query-refused"
    english, chinese = (found.render(language).splitlines() for language in ("en", "zh"))
    assert english[0].endswith(f"/{url.rpartition('/')[2]}: query-refused: the database refused the query: {said}.")
    assert english[1] == (
        "  Write one SELECT that changes nothing and gives row_id, ruleset, period_from, period_to and the inputs."
    )
    assert chinese[0].endswith(f"数据库拒绝了查询：{said}。")


@pytest.mark.parametrize("query", [None, "", "  "])
def test_a_query_is_needed(query: str | None, url: str) -> None:
    found = problem(url, query)

    assert found.render().splitlines()[1] == (
        "  Say --query 'SELECT ...', or --query @FILE for one that stands in a file."
    )


def test_a_query_file_that_is_not_there(url: str, tmp_path: Path) -> None:
    found = problem(url, f"@{tmp_path / 'none.sql'}")

    assert found.code == "query-unreadable"
    assert "No such file or directory" in found.render()


def test_columns_twice_are_told(url: str) -> None:
    assert problem(url, "SELECT row_id, steps AS row_id FROM meters").code == "portfolio-column-twice"


@pytest.mark.parametrize(
    ("column", "came"), [("interval '1 day'", "interval"), ("time '10:00'", "time"), ("row(1, 2)", "record")]
)
def test_types_that_no_reader_takes_are_told_before_the_first_row(column: str, came: str, url: str) -> None:
    found = problem(url, f"SELECT row_id, {column} AS odd FROM meters")

    assert found.code == "portfolio-column-type"
    assert found.render().endswith(
        f"portfolio-column-type: the column `odd` is {came}.\n"
        "  Give it as text, odd::text; where it is a list, as JSON: to_jsonb(odd)."
    )


def test_a_numeric_that_is_no_number_is_told(url: str) -> None:
    found = problem(url, "SELECT row_id, (CASE steps WHEN 7 THEN 'NaN' ELSE '1' END)::numeric(6,2) AS kwh FROM meters")

    assert found.render().endswith(
        "database-value: the column `kwh` holds nan.\n"
        "  Leave such rows out of the query, or give null: NULLIF(kwh, 'NaN')."
    )
    assert found.render("zh").endswith("请在查询中去掉这些行，或改为空值：NULLIF(kwh, 'NaN')。")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("postgresql://bill:s3cret@127.0.0.1:1/x", "database-unreachable"),
        ("postgresql://bill@127.0.0.1:1/x?password=s3cret", "database-unreachable"),
        ("postgresql://bill:s3@cret@127.0.0.1:1/x", "database-url"),
    ],
)
def test_passwords_are_never_shown(written: str, code: str) -> None:
    found = problem(written, "SELECT 1")

    assert found.code == code
    told = f"{found.render()} {found.render('zh')} {found.to_json()} {found!r} {found.__cause__!r}"
    assert "s3" not in told
    assert "cret" not in told


def test_a_server_that_stops_in_mid_way_is_told(own_postgresql: Cluster) -> None:
    url = own_postgresql.create_database()
    query = "SELECT g AS row_id, repeat('x', 200) AS t FROM generate_series(1, 2000000) g"
    _, rows = query_batches(url, query)
    next(rows)

    own_postgresql.stop()

    with pytest.raises(FileProblem) as found:
        list(rows)
    assert found.value.code == "database-unreachable"
