"""A partition's rows are in PostgreSQL once, however often and by however many it is written, or not at all."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from engine.bulk import postgresql_sink
from engine.bulk.partitions import WrittenFile
from engine.bulk.postgresql_check import recount
from engine.bulk.postgresql_sink import PostgresqlSink, finish, open_sink, prepare, table_name
from engine.bulk.postgresql_url import without_password
from engine.bulk.problems import FileProblem
from tests.postgresql import Cluster

RUN = "run-20261122-101530-3f2a"
LINES = "lines/cn.jiangsu.residential"

BILLS = pa.schema(
    [
        pa.field("row_id", pa.int64()),
        pa.field("ruleset", pa.dictionary(pa.int32(), pa.string())),
        pa.field("period_from", pa.date32()),
        pa.field("total", pa.decimal128(18, 2)),
    ]
)
REFUSED = pa.schema([pa.field("row_id", pa.int64()), pa.field("reason", pa.string())])
ENERGY = pa.schema(
    [
        pa.field("row_id", pa.int64()),
        pa.field("energy.flat", pa.int64(), metadata={"places": "2", "currency": "CNY", "unit": "CNY"}),
    ]
)
SCHEMAS: Mapping[str, Any] = {"bills": BILLS, "refused": REFUSED, LINES: ENERGY}


def bills(ids: Sequence[int], total: str = "10.25") -> Any:
    rows = len(ids)
    return pa.table(
        [
            pa.array(ids, pa.int64()),
            pa.array(["cn.jiangsu.residential"] * rows).dictionary_encode(),
            pa.array([20_000] * rows, pa.int32()).cast(pa.date32()),
            pa.array([Decimal(total)] * rows, pa.decimal128(18, 2)),
        ],
        schema=BILLS,
    )


def energy(ids: Sequence[int]) -> Any:
    return pa.table([pa.array(ids, pa.int64()), pa.array([1025] * len(ids), pa.int64())], schema=ENERGY)


def asked(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


def ids_there(url: str) -> list[tuple[int, int]]:
    found = asked(url, "SELECT partition, row_id FROM dianjia.bills ORDER BY partition, row_id")
    return [(partition, row_id) for partition, row_id in found]


def written(url: str, partition: int, table: Any, attempt: int = 1) -> Mapping[str, WrittenFile]:
    sink = open_sink(url, RUN, partition, attempt)
    sink.write("bills", table)
    return sink.commit()


def problem(url: str) -> FileProblem:
    with pytest.raises(FileProblem) as found:
        prepare(url, SCHEMAS)
    return found.value


def test_rows_are_there_with_their_run_and_partition(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)
    sink = open_sink(postgresql_url, RUN, 7, 1)

    sink.write("bills", bills([1, 2]))
    sink.write(LINES, energy([1, 2]))
    sink.write("bills", bills([3], "-0.50"))
    found = sink.commit()

    assert found == {"bills": WrittenFile(3), LINES: WrittenFile(2)}
    assert asked(postgresql_url, "SELECT * FROM dianjia.bills ORDER BY row_id")[2] == (
        RUN,
        7,
        3,
        "cn.jiangsu.residential",
        asked(postgresql_url, "SELECT date '2024-10-04'")[0][0],  # 20,000 days after 1970-01-01
        Decimal("-0.50"),
    )
    assert asked(postgresql_url, 'SELECT sum("energy.flat") FROM dianjia."lines_cn.jiangsu.residential"') == [(2050,)]
    assert asked(postgresql_url, "SELECT run, partition, attempt, rows, sums FROM dianjia.partitions") == [
        (
            RUN,
            7,
            "1",
            {"bills": 3, LINES: 2},
            {"bills": {"row_id": "6", "total": "20.00"}, LINES: {"row_id": "3", "energy.flat": "2050"}},
        )
    ]


def test_columns_say_what_their_numbers_are(postgresql_url: str) -> None:
    """Money is numeric with its places; of whole numbers, places, unit and currency are the column's comment."""
    prepare(postgresql_url, SCHEMAS)

    types = asked(
        postgresql_url,
        "SELECT attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum) FROM pg_attribute "
        "WHERE attrelid = 'dianjia.bills'::regclass AND attnum > 0 ORDER BY attnum",
    )
    assert types == [
        ("run", "text", None),
        ("partition", "integer", None),
        ("row_id", "bigint", None),
        ("ruleset", "text", None),
        ("period_from", "date", None),
        ("total", "numeric(18,2)", None),
    ]
    comment = "SELECT col_description('dianjia.\"lines_cn.jiangsu.residential\"'::regclass, 4)"
    assert asked(postgresql_url, comment) == [("currency: CNY, places: 2, unit: CNY",)]


def test_a_partition_that_is_repeated_is_there_once(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)

    first = written(postgresql_url, 0, bills([1, 2]), 1)
    again = written(postgresql_url, 0, bills([1, 2]), 2)
    written(postgresql_url, 1, bills([3]), 1)

    assert again == first
    assert ids_there(postgresql_url) == [(0, 1), (0, 2), (1, 3)]
    assert asked(postgresql_url, "SELECT attempt FROM dianjia.partitions ORDER BY partition") == [("1",), ("1",)]


@pytest.mark.parametrize(
    ("now", "said", "said_zh"),
    [
        (bills([1]), "bills has 2 rows, not 1", "bills 有 2 行，应为 1 行"),
        (
            bills([1, 2], "10.26"),
            "`total` of bills adds up to 20.50, not 20.52",
            "bills 的 `total` 合计 20.50，应为 20.52",
        ),
    ],
)
def test_a_repeat_with_other_rows_stops(now: Any, said: str, said_zh: str, postgresql_url: str) -> None:
    """What is there stays: somebody may have read it."""
    prepare(postgresql_url, SCHEMAS)
    written(postgresql_url, 0, bills([1, 2]))

    with pytest.raises(FileProblem) as found:
        written(postgresql_url, 0, now, 2)

    assert found.value.code == "database-partition-differs"
    assert f"the rows of {RUN}/0 are there already, and differ from those made now: {said}." in found.value.render()
    assert f"{RUN}/0 的行已存在，且与这次得到的不同：{said_zh}。" in found.value.render("zh")
    assert ids_there(postgresql_url) == [(0, 1), (0, 2)]


def test_two_attempts_at_once_leave_one(postgresql_url: str) -> None:
    """Neither sees the other's marker when it begins; the slower one takes its rows back."""
    prepare(postgresql_url, SCHEMAS)
    sinks = [open_sink(postgresql_url, RUN, 0, attempt) for attempt in (1, 2)]
    for sink in sinks:
        sink.write("bills", bills([1, 2]))
    found: list[Mapping[str, WrittenFile]] = []

    threads = [threading.Thread(target=lambda sink=sink: found.append(sink.commit())) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [{"bills": WrittenFile(2)}] * 2
    assert ids_there(postgresql_url) == [(0, 1), (0, 2)]


def test_partitions_written_at_once_are_all_there(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)

    def some(first: int) -> None:
        for partition in range(first, first + 5):
            written(postgresql_url, partition, bills([partition]))

    threads = [threading.Thread(target=some, args=(first,)) for first in (0, 5, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids_there(postgresql_url) == [(at, at) for at in range(15)]


def test_what_is_abandoned_was_never_there(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_sink, "FLUSH_ROWS", 1)
    prepare(postgresql_url, SCHEMAS)
    sink = open_sink(postgresql_url, RUN, 0, 1)
    sink.write("bills", bills([1, 2]))

    sink.abandon()

    assert ids_there(postgresql_url) == []
    written(postgresql_url, 0, bills([1, 2]))
    assert ids_there(postgresql_url) == [(0, 1), (0, 2)]


KILLED = """
import sys
from engine.bulk import postgresql_sink
from tests.bulk.test_postgresql_sink import RUN, bills

postgresql_sink.FLUSH_ROWS = 1
sink = postgresql_sink.open_sink(sys.argv[1], RUN, 0, 1)
sink.write("bills", bills(range(1000)))
sys.stdout.write("written\\n")
sys.stdout.flush()
sys.stdin.read()
"""


def test_a_killed_writer_leaves_nothing(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)
    command = [sys.executable, "-c", KILLED, postgresql_url]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        writer.send_signal(signal.SIGKILL)

    assert ids_there(postgresql_url) == []
    written(postgresql_url, 0, bills(range(1000)), 2)
    assert len(ids_there(postgresql_url)) == 1000


def test_a_server_that_stops_is_told_and_the_partition_can_be_written_later(
    own_postgresql: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_sink, "FLUSH_ROWS", 1)
    url = own_postgresql.create_database()
    prepare(url, SCHEMAS)
    sink = open_sink(url, RUN, 0, 1)
    sink.write("bills", bills([1]))

    own_postgresql.stop()

    with pytest.raises(FileProblem) as found:
        sink.commit()
    sink.abandon()
    assert found.value.code == "database-unreachable"
    with pytest.raises(FileProblem) as found:
        open_sink(url, RUN, 0, 2)
    assert found.value.code == "database-unreachable"
    own_postgresql.start()
    written(url, 0, bills([1]), 3)
    assert ids_there(url) == [(0, 1)]


def test_a_text_that_postgresql_cannot_hold_is_refused_whole(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)
    sink = open_sink(postgresql_url, RUN, 0, 1)
    sink.write("bills", bills([1]))
    sink.write("refused", pa.table([pa.array([2]), pa.array(["a\0b"])], schema=REFUSED))

    with pytest.raises(FileProblem) as found:
        sink.commit()
    sink.abandon()

    assert (
        found.value.render()
        .splitlines()[0]
        .endswith(
            'database-refused: the database refused to write: invalid byte sequence for encoding "UTF8": 0x00 '
            "(COPY refused, line 1, column reason)."
        )
    )
    assert ids_there(postgresql_url) == []


def test_preparing_twice_and_at_once_makes_the_tables_once(postgresql_url: str) -> None:
    failed: list[BaseException] = []

    def one() -> None:
        try:
            prepare(postgresql_url, SCHEMAS)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    prepare(postgresql_url, SCHEMAS)

    assert failed == []
    tables = asked(postgresql_url, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'dianjia' ORDER BY 1")
    assert tables == [("bills",), ("lines_cn.jiangsu.residential",), ("partitions",), ("refused",), ("runs",)]


def test_tables_of_other_columns_are_left_alone(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE SCHEMA dianjia")
        connection.execute("CREATE TABLE dianjia.bills (run text, partition integer, row_id text)")

    found = problem(postgresql_url)

    assert found.code == "database-table-differs"
    lines = found.render().splitlines()
    assert lines[0].endswith(
        "the table dianjia.bills is there already, with other columns: `row_id` is text, and would be bigint."
    )
    assert lines[1] == (
        "  Name another schema, for example `?schema=dianjia_2` at the end of the URL, or drop the table."
    )
    assert "表 dianjia.bills 已存在，但列不同：`row_id` 为 text，应为 bigint。" in found.render("zh")


def test_another_schema_is_another_place(postgresql_url: str) -> None:
    url = f"{postgresql_url}?schema=%E7%94%B5%E4%BB%B7%202&application_name=x"
    prepare(url, SCHEMAS)

    written(url, 0, bills([1]))

    assert asked(postgresql_url, 'SELECT row_id FROM "电价 2".bills') == [(1,)]


def test_long_names_do_not_collide(postgresql_url: str) -> None:
    """Names that begin alike for more than 63 bytes, of tables and of columns."""
    one, other = (f"lines/cn.{'x' * 60}.{end}" for end in ("peak", "flat"))
    columns = pa.schema([pa.field(f"{'电' * 21}{end}", pa.int64()) for end in ("峰", "谷")])
    prepare(postgresql_url, {one: columns, other: columns})

    sink = open_sink(postgresql_url, RUN, 0, 1)
    sink.write(one, pa.table([[1], [2]], schema=columns))
    sink.write(other, pa.table([[3], [4]], schema=columns))
    sink.commit()

    assert len(table_name(one).encode()) <= 63
    found = [asked(postgresql_url, f'SELECT * FROM dianjia."{table_name(name)}"') for name in (one, other)]
    assert found == [[(RUN, 0, 1, 2)], [(RUN, 0, 3, 4)]]
    comment = f"SELECT col_description('dianjia.\"{table_name(one)}\"'::regclass, 3)"
    assert asked(postgresql_url, comment) == [(f"name: {'电' * 21}峰",)]


def test_a_column_with_a_name_of_ours_is_refused(postgresql_url: str) -> None:
    with pytest.raises(FileProblem) as found:
        prepare(postgresql_url, {"bills": pa.schema([pa.field("partition", pa.string())])})

    assert found.value.code == "portfolio-column-taken"


def test_a_column_that_postgresql_cannot_hold_is_named(postgresql_url: str) -> None:
    with pytest.raises(FileProblem) as found:
        prepare(postgresql_url, {"bills": pa.schema([pa.field("took", pa.duration("s"))])})

    assert (
        found.value.render()
        .splitlines()[0]
        .endswith("the database has no type for the column `took`, which is duration[s].")
    )


def test_a_run_that_was_not_prepared_is_told(postgresql_url: str) -> None:
    with pytest.raises(FileProblem) as found:
        open_sink(postgresql_url, RUN, 0, 1)

    assert "there is no table dianjia.partitions." in found.value.render()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://bill:s3cret@127.0.0.1:1/x", "database-unreachable"),
        ("postgresql://bill@127.0.0.1:1/x?password=s3cret", "database-unreachable"),
        ("postgresql://bill:%73%33cret@127.0.0.1:1/x", "database-unreachable"),
        ("postgresql://bill:s3@cret@127.0.0.1:1/x", "database-url"),
        ("postgresql://bill:s3cret@127.0.0.1:1/x?nonsense=1", "database-url"),
        ("postgresql://bill:s3/cret@127.0.0.1/x", "database-url"),
        ("mysql://bill:s3cret@127.0.0.1/x", "database-url"),
    ],
)
def test_passwords_are_never_shown(url: str, code: str) -> None:
    found = problem(url)

    assert found.code == code
    told = f"{found.render()} {found.render('zh')} {found.to_json()} {found!r}"
    assert "s3" not in told
    assert "cret" not in told


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("postgresql://bill:s3cret@db:5432/x?schema=a%20b", "postgresql://bill@db:5432/x?schema=a%20b"),
        ("postgresql://bill@db/x?password=s3cret&schema=a&sslpassword=s3", "postgresql://bill@db/x?schema=a"),
        ("postgresql://bill@db/x?password=s3cret", "postgresql://bill@db/x"),
        ("postgres://db/x", "postgres://db/x"),
        ("postgresql:///x?host=/run/postgresql", "postgresql:///x?host=/run/postgresql"),
    ],
)
def test_a_url_for_the_ledger_has_no_password(written: str, kept: str) -> None:
    assert without_password(written) == kept


def test_a_finished_run_says_so(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)

    finish(postgresql_url, RUN, {"billed": 1, "title": "居民"})
    finish(postgresql_url, RUN, {"billed": 2, "title": "居民"})

    assert asked(postgresql_url, "SELECT * FROM dianjia.runs") == [(RUN, {"billed": 2, "title": "居民"})]


def test_rows_are_recounted_against_the_markers(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)
    for partition in (0, 1):
        written(postgresql_url, partition, bills([10 * partition, 10 * partition + 1]))
    done = {0: {"bills": 2}, 1: {"bills": 2}}
    assert list(recount(postgresql_url, RUN, done)) == []

    with psycopg.connect(postgresql_url) as connection:
        connection.execute("DELETE FROM dianjia.bills WHERE row_id = 10")
        connection.execute("UPDATE dianjia.bills SET total = 10.26 WHERE row_id = 0")
        connection.execute("INSERT INTO dianjia.bills (run, partition, row_id) VALUES (%s, 2, 20)", [RUN])

    assert list(recount(postgresql_url, RUN, done)) == [
        (0, "bills", "total", "20.50", "20.51"),
        (1, "bills", "rows", "2", "1"),
        (1, "bills", "row_id", "21", "11"),
        (1, "bills", "total", "20.50", "10.25"),
        (2, "bills", "rows", "", "1"),
    ]


def test_a_partition_whose_marker_is_gone_differs(postgresql_url: str) -> None:
    """Somebody has emptied the tables, markers and all; the ledger still knows of the rows."""
    prepare(postgresql_url, SCHEMAS)
    written(postgresql_url, 0, bills([0, 1]))
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("TRUNCATE dianjia.bills, dianjia.partitions")

    found = list(recount(postgresql_url, RUN, {0: {"bills": 2}}))

    assert found == [(0, "partitions", "rows", "1", "0")]


def test_a_marker_that_says_other_rows_than_the_ledger(postgresql_url: str) -> None:
    prepare(postgresql_url, SCHEMAS)
    written(postgresql_url, 0, bills([0, 1]))

    found = list(recount(postgresql_url, RUN, {0: {"bills": 3}}))

    assert found == [(0, "bills", "rows of the marker", "3", "2")]


def test_few_rows_of_many_tables_do_not_pile_up(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql_sink, "WAITING_ROWS_MAX", 3)
    prepare(postgresql_url, SCHEMAS)
    sink: PostgresqlSink = open_sink(postgresql_url, RUN, 0, 1)

    for at in range(6):
        sink.write("bills", bills([at]))
        sink.write(LINES, energy([at]))
        assert sink.waiting <= 3
    sink.commit()

    assert len(ids_there(postgresql_url)) == 6
