"""Bills into PostgreSQL and rows out of it, each beside the least that could be done, in turns.

    python -m benchmarks.postgresql              # 2,000,000 rows of 12 columns, 5 rounds
    python -m benchmarks.postgresql --rows 5000000 --rounds 7

In: the sink, from Arrow tables to committed rows with their marker, beside bare COPY of the same rows, whose bytes were
made before the clock started. Out: the source, from the query to Arrow batches that a portfolio's readers take, beside
ADBC's own batches of the same query, in which decimals are texts. Wall time is what is asked for, and counts the server
too; the CPU told is the client's. The server is the tests' own, without fsync: a slower one hides more of a client.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa

from engine.bulk.copy_binary import HEADER, TRAILER, blocks
from engine.bulk.money import decimals
from engine.bulk.postgresql_sink import open_sink, prepare
from engine.bulk.postgresql_source import query_batches
from tests.postgresql import running

ROWS = 2_000_000
ROUNDS = 5
BATCH_ROWS = 131_072  # as `dianjia run` bills
PARTITION_ROWS = 500_000
RUN = "run-20261122-101530-3f2a"
SETTLE_SECONDS = 0.1
ASKED = 0.8  # of the bare way's rows a second
QUERY = "SELECT * FROM dianjia.bills"


@dataclass(frozen=True, slots=True)
class Side:
    """One way of doing it, by rounds [s]: wall, CPU of this process, CPU of the server's processes that have ended."""

    name: str
    wall: list[float]
    client: list[float]
    server: list[float]

    def told(self, rows: int) -> str:
        wall, client, server = (statistics.median(one) / rows * 1e6 for one in (self.wall, self.client, self.server))
        return f"{self.name:<12} {1 / wall:6.3f} M rows/s   CPU [us/row]: client {client:5.2f}, server {server:5.2f}"


def bills(rows: int) -> Any:
    """Draw bills: 12 columns as `dianjia run` lays them out, one of them with nulls."""
    drawn = np.random.default_rng(1)
    code = pa.array(drawn.integers(0, 4, rows).astype(np.int32))
    days = drawn.integers(20_000, 20_700, rows).astype(np.int32)

    def named(texts: Sequence[str]) -> Any:
        return pa.DictionaryArray.from_arrays(code, pa.array(texts, pa.string()))

    def money(low: int, valid: Any = None) -> Any:
        return decimals(drawn.integers(low, 300_000, rows), 2, 18, valid)

    return pa.table(
        {
            "row_id": pa.array(np.arange(rows) + 10**9),
            "account": pa.array(drawn.integers(10**9, 10**10, rows)).cast(pa.string()),
            "ruleset": named(
                ["cn.jiangsu.residential", "cn.beijing.residential", "cn.guangdong.commercial", "uk.flat"]
            ),
            "version": named([f"{at:064x}" for at in range(4)]),
            "period_from": pa.array(days).view(pa.date32()),
            "period_to": pa.array(days + 30).view(pa.date32()),
            "total": money(-1_000),
            "ledger_energy": money(0),
            "ledger_aid": money(-1_000, drawn.random(rows) < 0.4),
            "ledger_surcharge": money(0),
            "energy_kwh": money(0),
            "currency": named(["CNY", "CNY", "CNY", "GBP"]),
        }
    )


def in_turns(
    sides: Sequence[tuple[str, Callable[[], None]]], rounds: int, before: Callable[[], None], server: Path
) -> tuple[Side, ...]:
    """Time each side once a round, after a round that is not counted; who begins changes.

    Args:
        sides: names, and what is to be timed.
        rounds: that count.
        before: is done before each, and not timed.
        server: `/proc/NUMBER/stat` of the server's first process.
    """
    found = {name: Side(name, [], [], []) for name, _ in sides}
    for turn in range(rounds + 1):
        for name, do in sides if turn % 2 else sides[::-1]:
            before()
            of_server = _server_cpu(server)
            start, client = time.perf_counter(), time.process_time()
            do()
            wall, client = time.perf_counter() - start, time.process_time() - client
            if turn:
                found[name].wall.append(wall)
                found[name].client.append(client)
                found[name].server.append(_server_cpu(server) - of_server)
    return tuple(found.values())


def _server_cpu(stat: Path) -> float:
    """CPU seconds of the server's processes that have ended; the last one is given time to."""
    time.sleep(SETTLE_SECONDS)
    fields = stat.read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")  # cutime and cstime, proc(5)


def into(url: str, table: Any, rounds: int, server: Path) -> tuple[Side, ...]:
    """Bare COPY of bytes, and the sink."""
    prepare(url, {"bills": table.schema})
    columns = ", ".join(f'"{name}"' for name in ("run", "partition", *table.schema.names))
    made = [
        [bytes(block) for block in blocks(table.slice(first, PARTITION_ROWS), (RUN, number))]
        for number, first in enumerate(range(0, table.num_rows, PARTITION_ROWS))
    ]

    statement = f"COPY dianjia.bills ({columns}) FROM STDIN (FORMAT binary)"

    def bare() -> None:
        for partition in made:
            with psycopg.connect(url) as connection, connection.cursor().copy(statement) as copy:
                copy.write(HEADER)
                for block in partition:
                    copy.write(block)
                copy.write(TRAILER)

    def sink() -> None:
        for number, first in enumerate(range(0, table.num_rows, PARTITION_ROWS)):
            one = open_sink(url, RUN, number, 1)
            for batch in table.slice(first, PARTITION_ROWS).to_batches(max_chunksize=BATCH_ROWS):
                one.write("bills", pa.Table.from_batches([batch]))
            one.commit()

    def empty() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("TRUNCATE dianjia.bills, dianjia.partitions")
            connection.execute("CHECKPOINT")

    return in_turns([("bare COPY", bare), ("sink", sink)], rounds, empty, server)


def out_of(url: str, rows: int, rounds: int, server: Path) -> tuple[Side, ...]:
    """ADBC's own batches, and the source's."""
    from adbc_driver_postgresql import dbapi

    def bare() -> None:
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(QUERY)
            assert sum(batch.num_rows for batch in cursor.fetch_record_batch()) == rows

    def source() -> None:
        assert sum(batch.num_rows for batch in query_batches(url, QUERY)[1]) == rows

    return in_turns([("plain ADBC", bare), ("source", source)], rounds, lambda: None, server)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both ways; 1 where one falls short of what is asked."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.postgresql", description="Rows into PostgreSQL and out."
    )
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    found = measure(options.rows, options.rounds, _tell)
    return int(min(found.values()) < ASKED)


def measure(
    rows: int = ROWS,
    rounds: int = ROUNDS,
    told: Callable[[str, tuple[Side, ...], int, float], None] = lambda *_: None,
) -> dict[str, float]:
    """Measure both ways, in and out: rows a second of ours to those of the bare one, the median of the rounds."""
    table, found = bills(rows), {}
    with running() as cluster:
        url = cluster.create_database()
        number = (cluster.data / "postmaster.pid").read_text("ascii").split()[0]
        server = Path(f"/proc/{number}/stat")
        for way, sides in (("in", into(url, table, rounds, server)), ("out", out_of(url, rows, rounds, server))):
            bare, ours = sides
            ratios = (one / other for one, other in zip(bare.wall, ours.wall, strict=True))
            found[way] = statistics.median(ratios)
            told(way, sides, rows, found[way])
    return found


def _tell(way: str, sides: tuple[Side, ...], rows: int, ratio: float) -> None:
    """Print what was measured."""
    bare, ours = sides
    for side in sides:
        print(f"{way:<4} {side.told(rows)}")
    state = "holds" if ratio >= ASKED else "FALLS SHORT"
    rounds = len(bare.wall)
    said = f"rows/s of {ours.name} to {bare.name}, median of {rounds} rounds"
    print(f"{way:<4} {said}: {ratio:.2f}, asked at least {ASKED:.2f}: {state}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
