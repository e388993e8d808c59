"""DuckDB's DECIMAL on one thread, from a table in memory to a table in memory.

DuckDB's `round` on a DECIMAL is half away from zero and its products keep every place, so tiers and prices are
plain SQL. Its division leaves DECIMAL for DOUBLE: the discount divides whole numbers (HUGEINT) instead, and the
power factor is taken in DOUBLE where it is clear and in HUGEINT where it lies near a tie.

Widths decide its speed, so it is measured twice with the same SQL: with DECIMAL(18, n), what a billing database
keeps its quantities in, and with each column declared no wider than its bounds, so that most steps stay in 64 bits.
What is 0 or 1 is a TINYINT, which can hold what has to be refused. One query counts the rows to refuse; where there
are any, the same bills are made of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.peers.arrow_decimals import to_decimals, to_whole_numbers
from benchmarks.peers.power_factor import percent_by_factor
from benchmarks.sides import Side, answered, spread
from benchmarks.workloads import Columns, Input, Workload

Loaded = tuple[Any, str, str]  # the table, which rows are outside, the bills


def side() -> Side:
    """Give DuckDB with DECIMAL(18, n) columns as a side."""
    return Side("duckdb", "DuckDB, DECIMAL(18, n) columns", partial(_load, _usual), _bill, _answer, rows_max=1_000_000)


def narrow() -> Side:
    """Give DuckDB with the narrowest columns that hold the bounds as a side."""
    return Side(
        "duckdb-narrow",
        "DuckDB, narrowest DECIMAL columns",
        partial(_load, _narrowest),
        _bill,
        _answer,
        rows_max=1_000_000,
    )


def _usual(column: Input) -> str:
    if column.high == 1:
        return "TINYINT"
    return f"DECIMAL(18, {column.places})" if column.places else "INTEGER"


def _narrowest(column: Input) -> str:
    return f"DECIMAL({len(str(column.high))}, {column.places})" if column.places else _usual(column)


def _load(declare: Callable[[Input], str], workload: Workload, columns: Columns) -> Loaded:
    connection = duckdb.connect()
    connection.execute("SET threads=1")
    drawn = pa.table({c.name: to_decimals(columns[c.name], 18, c.places) for c in workload.inputs})
    connection.register("drawn", drawn)
    typed = ", ".join(f"{c.name}::{declare(c)} AS {c.name}" for c in workload.inputs)
    connection.execute(f"CREATE TABLE given AS SELECT {typed} FROM drawn")
    connection.unregister("drawn")
    outside = " OR ".join(
        f"{c.name} NOT BETWEEN {_literal(c.low, c.places)} AND {_literal(c.high, c.places)}" for c in workload.inputs
    )
    if workload.claim is not None:
        outside += f" OR {' + '.join(workload.claim.columns)} > {_literal(workload.claim.high, 2)}"
    return connection, outside, RESIDENTIAL if workload.name == "W1" else _industrial()


def _literal(value: int, places: int) -> str:
    return f"{value // 10**places}.{value % 10**places:0{places}d}" if places else str(value)


def _bill(loaded: Loaded) -> tuple[Any, Any]:
    connection, outside, query = loaded
    kept = None
    if connection.execute(f"SELECT count(*) FROM given WHERE {outside}").fetchall()[0][0]:
        kept = connection.execute(f"SELECT rowid FROM given WHERE NOT ({outside})").fetchnumpy()["rowid"]
        query = query.replace("FROM given", f"FROM given WHERE NOT ({outside})", 1)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE bills AS {query}")
    return connection, kept


def _answer(workload: Workload, outcome: tuple[Any, Any]) -> Columns:
    connection, kept = outcome
    table: pa.Table = connection.sql("SELECT * FROM bills").to_arrow_table()
    rows = connection.execute("SELECT count(*) FROM given").fetchall()[0][0]
    whole = {name: to_whole_numbers(table[name], 0 if name in workload.flags else 2) for name in workload.outputs}
    return answered(workload, whole) if kept is None else spread(workload, whole, kept, rows)


RESIDENTIAL = """
WITH limits AS (
    SELECT *,
        kwh_peak + kwh_valley AS kwh,
        ytd_kwh + kwh_peak + kwh_valley AS ladder_end,
        CASE WHEN household_size >= 5 THEN 3960.00 ELSE 2760.00 END AS first_limit,
        CASE WHEN household_size >= 5 THEN 6000.00 ELSE 4800.00 END AS second_limit
    FROM given
), tiers AS (
    SELECT *,
        least(ladder_end, first_limit) - least(ytd_kwh, first_limit) AS below_first,
        least(ladder_end, second_limit) - least(ytd_kwh, second_limit) AS below_second
    FROM limits
), items AS (
    SELECT
        round(below_first * 0.5283, 2) AS first,
        round((below_second - below_first) * 0.5783, 2) AS second,
        round((kwh - below_second) * 0.8283, 2) AS third,
        CASE WHEN on_tou = 1 THEN round(kwh_peak * 0.03, 2) ELSE 0.00 END AS peak,
        CASE WHEN on_tou = 1 THEN round(kwh_valley * -0.17, 2) ELSE 0.00 END AS valley,
        CASE WHEN low_income = 1 THEN -round(least(kwh, 15.00) * 0.5283, 2) ELSE 0.00 END AS quota,
        kwh > last_year_kwh * 1.5 AS surge
    FROM tiers
)
SELECT first AS "energy.1", second AS "energy.2", third AS "energy.3", peak, valley, quota AS free_quota,
    first + second + third + peak + valley + quota AS total, surge AS usage_surge
FROM items
"""


def _industrial() -> str:
    percents = ", ".join(f"{int(p) / 100:.2f}" for p in percent_by_factor())
    return f"""
WITH priced AS (
    SELECT *,
        kwh_sharp + kwh_peak + kwh_flat + kwh_valley AS kwh,
        round(kwh_sharp * 1.12345678, 2) AS sharp,
        round(kwh_peak * 0.98765432, 2) AS peak,
        round(kwh_flat * 0.65432109, 2) AS flat,
        round(kwh_valley * 0.31415926, 2) AS valley
    FROM given
), basics AS (
    SELECT *,
        sharp + peak + flat + valley AS energy,
        CASE WHEN basic_mode = 0 THEN (capacity_kva * 32)::DECIMAL(12, 2)
             WHEN kwh >= capacity_kva * 260 THEN round(max_demand_kw * 43.2, 2)
             ELSE (max_demand_kw * 48)::DECIMAL(12, 2) END AS basic,
        100 * (kwh::DOUBLE / greatest(sqrt(kwh::DOUBLE * kwh::DOUBLE + kvarh::DOUBLE * kvarh::DOUBLE), 0.01)) AS ratio
    FROM priced
), factors AS (
    SELECT *,
        CASE WHEN kwh = 0 THEN 90
             WHEN abs(ratio + 0.5 - round(ratio + 0.5)) >= 1e-9 THEN floor(ratio + 0.5)::INTEGER
             ELSE floor(ratio)::INTEGER + (
                40000 * (kwh * 100)::HUGEINT * (kwh * 100)::HUGEINT
                >= (2 * floor(ratio)::HUGEINT + 1) * (2 * floor(ratio)::HUGEINT + 1) * (
                    (kwh * 100)::HUGEINT * (kwh * 100)::HUGEINT + (kvarh * 100)::HUGEINT * (kvarh * 100)::HUGEINT)
             )::INTEGER END AS factor,
        (energy * 100)::HUGEINT * greatest(((kwh - 1000000) * 100)::BIGINT, 0) AS numerator,
        50 * greatest((kwh * 100)::BIGINT, 1) AS divisor
    FROM basics
), items AS (
    SELECT sharp, peak, flat, valley, basic,
        round((energy + basic) * ([{percents}]::DECIMAL(6, 2)[])[factor + 1] * 0.01, 2) AS adjustment,
        -(((numerator + divisor // 2) // divisor)::DECIMAL(14, 0) * 0.01) AS discount,
        round(kwh * 0.019, 2) AS fund_a,
        round(kwh * 0.0023, 2) AS fund_b
    FROM factors
)
SELECT sharp AS "energy.sharp", peak AS "energy.peak", flat AS "energy.flat", valley AS "energy.valley", basic,
    adjustment AS power_factor, discount AS quantity_discount, fund_a, fund_b,
    sharp + peak + flat + valley + basic + adjustment + discount + fund_a + fund_b AS total
FROM items
"""
