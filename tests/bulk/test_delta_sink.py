"""A partition's rows are in its Delta tables once, however often and by however many it is written."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest

from engine.bulk.delta_sink import DeltaSink, finish, is_delta, open_sink, prepare
from engine.bulk.partitions import WrittenFile
from engine.bulk.problems import FileProblem

RUN = "run-20261122-101530-3f2a"
LINES = "lines/cn.jiangsu.residential"
BILLS = pa.schema(
    [
        pa.field("row_id", pa.int64()),
        pa.field("ruleset", pa.dictionary(pa.int32(), pa.string())),
        pa.field("period_from", pa.date32()),
        pa.field("total", pa.decimal128(19, 2)),
    ]
)
ENERGY = pa.schema([pa.field("row_id", pa.int64()), pa.field("energy", pa.int64(), metadata={"places": "2"})])
SCHEMAS: Mapping[str, Any] = {"bills": BILLS, LINES: ENERGY}


def bills(ids: Sequence[int], total: str = "10.25") -> Any:
    rows = len(ids)
    return pa.table(
        [
            pa.array(ids, pa.int64()),
            pa.array(["cn.jiangsu.residential"] * rows).dictionary_encode(),
            pa.array([20_000] * rows, pa.int32()).cast(pa.date32()),
            pa.array([Decimal(total)] * rows, pa.decimal128(19, 2)),
        ],
        schema=BILLS,
    )


def energy(ids: Sequence[int]) -> Any:
    return pa.table([pa.array(ids, pa.int64()), pa.array([1025] * len(ids), pa.int64())], schema=ENERGY)


def rows_of(output: str, name: str = "bills") -> list[dict[str, Any]]:
    table = deltalake.DeltaTable(f"{output.removeprefix('delta:')}/{name}")
    rows: list[dict[str, Any]] = table.to_pyarrow_table().to_pylist()
    return sorted(rows, key=lambda row: (row["run"], row["partition"], row["row_id"]))


def ids_there(output: str, name: str = "bills") -> list[tuple[int, int]]:
    return [(row["partition"], row["row_id"]) for row in rows_of(output, name)]


def written(output: str, partition: int, table: Any) -> Mapping[str, WrittenFile]:
    sink = open_sink(output, RUN, partition, 1)
    sink.write("bills", table)
    return sink.commit()


@pytest.fixture
def output(tmp_path: Path) -> str:
    found = f"delta:{tmp_path / 'bills and lines'}"
    prepare(found, SCHEMAS)
    return found


def test_rows_are_there_with_their_run_and_partition(output: str) -> None:
    sink = open_sink(output, RUN, 7, 1)

    sink.write("bills", bills([1, 2]))
    sink.write(LINES, energy([1, 2]))
    sink.write("bills", bills([3], "-0.50"))
    found = sink.commit()

    assert is_delta(output)
    assert found == {"bills": WrittenFile(3), LINES: WrittenFile(2)}
    assert rows_of(output)[2] == {
        "run": RUN,
        "partition": 7,
        "row_id": 3,
        "ruleset": "cn.jiangsu.residential",
        "period_from": pa.scalar(20_000, pa.date32()).as_py(),
        "total": Decimal("-0.50"),
    }
    assert [row["energy"] for row in rows_of(output, LINES)] == [1025, 1025]


def test_columns_keep_what_is_said_of_their_numbers(output: str) -> None:
    table = deltalake.DeltaTable(f"{output.removeprefix('delta:')}/{LINES}")

    assert {field.name: field.metadata for field in table.schema().fields}["energy"] == {"places": "2"}


def test_a_partition_that_is_repeated_is_there_once(output: str) -> None:
    first = written(output, 0, bills([1, 2]))
    again = written(output, 0, bills([1, 2]))
    written(output, 1, bills([3]))

    assert again == first
    assert ids_there(output) == [(0, 1), (0, 2), (1, 3)]


def test_an_attempt_that_died_between_two_tables_is_ended_by_the_next(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = open_sink(output, RUN, 0, 1)
    sink.write("bills", bills([1]))
    sink.write(LINES, energy([1]))
    append = DeltaSink._append

    def dying(self: DeltaSink, place: str, table: Any) -> None:
        if place.endswith(LINES):
            raise KeyboardInterrupt
        append(self, place, table)

    with monkeypatch.context() as patch:
        patch.setattr(DeltaSink, "_append", dying)
        with pytest.raises(KeyboardInterrupt):
            sink.commit()
    sink.abandon()
    assert (ids_there(output), ids_there(output, LINES)) == ([(0, 1)], [])

    again = open_sink(output, RUN, 0, 2)
    again.write("bills", bills([1]))
    again.write(LINES, energy([1]))
    again.commit()

    assert (ids_there(output), ids_there(output, LINES)) == ([(0, 1)], [(0, 1)])


def test_writers_at_once_all_land(output: str) -> None:
    def some(first: int) -> None:
        for partition in range(first, first + 6):
            written(output, partition, bills([partition]))

    threads = [threading.Thread(target=some, args=(first,)) for first in (0, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids_there(output) == [(at, at) for at in range(12)]


def test_two_attempts_at_once_leave_one(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look before either has committed: Delta refuses the slower one, which looks again and finds it there."""
    both = threading.Barrier(2)
    write = deltalake.write_deltalake
    tried = []

    def together(*arguments: Any, **more: Any) -> None:
        tried.append(threading.get_ident())
        if len(tried) <= 2:
            both.wait()
        write(*arguments, **more)

    monkeypatch.setattr(deltalake, "write_deltalake", together)
    threads = [threading.Thread(target=written, args=(output, 0, bills([1, 2]))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tried) == 2
    assert ids_there(output) == [(0, 1), (0, 2)]


def test_another_run_is_beside_it(output: str) -> None:
    written(output, 0, bills([1]))
    sink = open_sink(output, "run-20261123-090000-0000", 0, 1)
    sink.write("bills", bills([1]))

    sink.commit()

    assert [row["run"] for row in rows_of(output)] == [RUN, "run-20261123-090000-0000"]


def test_what_is_abandoned_was_never_there(output: str) -> None:
    sink = open_sink(output, RUN, 0, 1)
    sink.write("bills", bills([1]))

    sink.abandon()

    assert sink.commit() == {}
    assert ids_there(output) == []


def test_what_a_dead_writer_left_is_gone_at_the_end(output: str) -> None:
    """A writer that dies before its commit leaves a file that no commit names: here, a copy of one."""
    written(output, 0, bills([1]))
    folder = Path(output.removeprefix("delta:")) / "bills" / f"run={RUN}"
    (kept,) = folder.glob("*.parquet")
    (folder / "part-00000-dead.parquet").write_bytes(kept.read_bytes())

    finish(output, RUN, SCHEMAS)

    assert list(folder.iterdir()) == [kept]
    assert ids_there(output) == [(0, 1)]


def test_tables_of_other_columns_are_left_alone(output: str) -> None:
    with pytest.raises(FileProblem) as found:
        prepare(output, {"bills": pa.schema([pa.field("row_id", pa.string())])})

    assert (
        found.value.render()
        .splitlines()[0]
        .endswith("delta-refused: the Delta table could not be written: `row_id` is int64, and would be string.")
    )
    assert "无法写入 Delta 表" in found.value.render("zh")


def test_a_run_that_was_not_prepared_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileProblem) as found:
        written(f"delta:{tmp_path}", 0, bills([1]))

    assert found.value.code == "delta-refused"


def test_a_column_with_a_name_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileProblem) as found:
        prepare(f"delta:{tmp_path}", {"bills": pa.schema([pa.field("run", pa.string())])})

    assert found.value.code == "portfolio-column-taken"


def test_unusual_columns_are_kept_in_types_that_delta_has(tmp_path: Path) -> None:
    output = f"delta:{tmp_path}"
    schema = pa.schema(
        [
            pa.field("row_id", pa.large_string()),
            pa.field("u", pa.uint64()),
            pa.field("n", pa.null()),
            pa.field("t", pa.timestamp("ns", "Asia/Shanghai")),
            pa.field("l", pa.list_(pa.int32())),
        ]
    )
    prepare(output, {"bills": schema})
    prepare(output, {"bills": schema})

    written(output, 0, pa.table([["a"], [2**64 - 1], [None], [1_000], [[1, 2]]], schema=schema))

    found = rows_of(output)[0]
    assert (found["row_id"], found["u"], found["n"], found["l"]) == ("a", Decimal(2**64 - 1), None, [1, 2])
    assert pa.scalar(found["t"], pa.timestamp("us", "UTC")).value == 1


def test_a_commit_is_on_the_disk_when_it_returns(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of rows, its entry in the log and both folders are given to the disk."""
    synced: list[str] = []
    fsync = os.fsync

    def told(number: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{number}").readlink()))
        fsync(number)

    monkeypatch.setattr(os, "fsync", told)

    written(output, 0, bills([1]))

    place = f"{output.removeprefix('delta:')}/bills"
    assert f"{place}/_delta_log/{1:020}.json" in synced
    assert f"{place}/_delta_log" in synced
    assert any(one.endswith(".parquet") for one in synced)
    assert f"{place}/run={RUN}" in synced
