"""What a run is cut into: each row once, an account in one partition, ids that come twice as a set finds them."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.bulk import files
from engine.bulk.partitions import Partition, Wanted
from engine.bulk.problems import FileProblem
from engine.compiler.program import Compiled
from engine.runs import keys, staging
from engine.runs.inputs import look, rows_about
from engine.runs.manifest import By, Manifest, plan_partitions
from tests.bulk.book import HOME, SHOP, make_book

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def portfolio(row_ids: Any, accounts: Any = None, **more: Any) -> pa.Table:
    """Rows whose `mark` counts up, so that each can be told."""
    rows = len(row_ids)
    columns = {
        "row_id": row_ids,
        "account": accounts,
        "ruleset": [HOME] * rows,
        "period_from": pa.array([JANUARY] * rows, pa.date32()),
        "period_to": pa.array([FEBRUARY] * rows, pa.date32()),
        "kwh": pa.array([Decimal("1.00")] * rows, pa.decimal128(18, 2)),
        "mark": pa.array(range(rows), pa.int64()),
    }
    columns |= more
    return pa.table({name: column for name, column in columns.items() if column is not None})


def rows_of(partition: Partition) -> list[dict[str, Any]]:
    """A partition's rows, read by plain pyarrow."""
    return [
        row
        for one in partition.slices
        for row in pq.read_table(one.path, partitioning=None).slice(one.first, one.rows).to_pylist()
    ]


def again_of(row_ids: Sequence[object]) -> set[int]:
    """Which rows' ids have come before; a row without one is told of elsewhere."""
    seen: set[object] = set()
    found = set()
    for at, id_ in enumerate(row_ids):
        if id_ is not None and id_ in seen:
            found.add(at)
        seen.add(id_)
    return found


def check(manifest: Manifest, table: pa.Table) -> None:
    """Every row is there once, in order; an account lies in one partition; what came before is marked."""
    homes: dict[object, int] = {}
    marks, again = [], set()
    for number, partition in enumerate(manifest.partitions):
        rows = rows_of(partition)
        inside = [int(row["mark"]) for row in rows]
        assert partition.number == number
        assert partition.rows == len(rows)
        assert inside == sorted(inside)
        assert list(partition.again) == sorted(set(partition.again))
        marks += inside
        again |= {inside[at] for at in partition.again}
        for row in rows:
            if row.get("account") is not None:
                assert homes.setdefault(row["account"], number) == number
    assert sorted(marks) == list(range(table.num_rows))
    assert manifest.rows == table.num_rows
    assert again == again_of(table.column("row_id").to_pylist())
    assert manifest.keys.duplicates == len(again)
    assert manifest.keys.accounts == (len(homes) if "account" in table.schema.names else None)


def parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=7)


def csv(table: pa.Table, path: Path) -> None:
    pa_csv.write_csv(table, path)


def csv_gz(table: pa.Table, path: Path) -> None:
    with gzip.open(path, "wb") as file:
        pa_csv.write_csv(table, file)


def arrow_file(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


def arrow_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=5)


Write = Callable[[pa.Table, Path], None]
WRITERS: tuple[Write, ...] = (parquet, csv, csv_gz, arrow_file, arrow_stream)

IDS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-9, 60)), max_size=60).map(lambda ids: pa.array(ids, pa.int64())),
    st.lists(
        st.one_of(st.none(), st.text("ab甲", max_size=9), st.text("x", min_size=14, max_size=18)), max_size=60
    ).map(lambda ids: pa.array(ids, pa.string())),
    st.integers(0, 60).map(lambda rows: pa.array(range(rows), pa.int32())),
)


@given(ids=IDS, draw=st.randoms(use_true_random=False), by=st.sampled_from(["auto", "hash"]), rows=st.integers(1, 30))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_row_is_there_once_and_an_account_in_one_partition(
    ids: pa.Array,
    draw: random.Random,
    by: By,
    rows: int,
    book: Mapping[str, Compiled],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Accounts in order, scattered, few, many, absent, or none at all; one file, or several."""
    folder = tmp_path_factory.mktemp("input")
    count = len(ids)
    named = [
        None if draw.random() < 0.1 else f"c{draw.randrange(1 + count // draw.choice((1, 3, 9)))}" for _ in range(count)
    ]
    kind = draw.choice(("scattered", "sorted", "numbers", "none"))
    accounts: Any = None
    if kind == "sorted":
        accounts = pa.array(sorted(named, key=str), pa.string())
    elif kind == "scattered":
        accounts = pa.array(named, pa.string()).dictionary_encode()
    elif kind == "numbers":
        accounts = pa.array([None if one is None else int(one[1:]) for one in named], pa.int16())
    table = portfolio(ids, accounts)
    cut = draw.randrange(count + 1)
    parquet(table.slice(0, cut), folder / "1")
    parquet(table.slice(cut), folder / "2")

    manifest = plan_partitions([folder], folder / "_work", book, by=by, partition_rows=rows)

    check(manifest, table)
    assert not (folder / "_work" / "spill").exists()


@pytest.mark.parametrize("by", ["auto", "given", "hash"])
@pytest.mark.parametrize("write", WRITERS)
def test_every_format_is_cut(write: Write, by: By, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio([f"b{n % 90}" for n in range(100)], [f"c{n // 3}" for n in range(100)])
    write(table, tmp_path / "rows")

    manifest = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, by=by, partition_rows=30)

    check(manifest, table)
    assert manifest.how == ("ranges" if write is parquet and by != "hash" else "staged")
    assert len(manifest.partitions) == (1 if by == "given" else 3)


@pytest.mark.parametrize("text", [True, False])
@pytest.mark.parametrize("accounts", ["together", "scattered"])
def test_the_disk_says_what_memory_says(
    text: bool, accounts: str, book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that do not fit into memory are spilled, and the plan is the same."""
    draw = random.Random(20260102)
    numbers = [draw.randrange(40_000) for _ in range(30_000)]
    ids = [f"row {one:06d} of the year" for one in numbers] if text else numbers
    whose = [at // 2 if accounts == "together" else draw.randrange(9_000) for at in range(len(ids))]
    table = portfolio(ids, whose)
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=10_000)
    spilled = []
    spill = keys.KeyStore._spill

    def counted(store: keys.KeyStore) -> None:
        spilled.append(1)
        spill(store)

    monkeypatch.setattr(keys.KeyStore, "_spill", counted)

    plenty = plan_partitions([tmp_path / "rows.parquet"], tmp_path / "a", book, partition_rows=4_000)
    in_memory = len(spilled)
    little = plan_partitions([tmp_path / "rows.parquet"], tmp_path / "b", book, partition_rows=4_000, memory=1)

    assert in_memory == 0
    assert len(spilled) > 6
    check(plenty, table)
    assert [one.again for one in little.partitions] == [one.again for one in plenty.partitions]
    assert [one.rows for one in little.partitions] == [one.rows for one in plenty.partitions]
    assert little.keys == plenty.keys


def test_ids_that_ascend_at_first_are_all_compared(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Nothing is kept of them until one does not; then they are read once more."""
    ids = [*range(300_000), 7, None, 299_999, 300_000]
    pq.write_table(portfolio(ids), tmp_path / "rows.parquet")

    manifest = plan_partitions([tmp_path / "rows.parquet"], tmp_path / "work", book)

    assert [one.again for one in manifest.partitions] == [(300_000, 300_002)]


def test_more_partitions_than_files_may_be_open(
    book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "OPEN_MAX", 4)
    table = portfolio([n % 190 for n in range(200)], [f"c{n % 31}" for n in range(200)])
    csv(table, tmp_path / "rows")

    manifest = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, partition_rows=20, memory=1)

    text = table.set_column(0, "row_id", table.column("row_id").cast(pa.string()))
    check(manifest, text)
    assert len(manifest.partitions) == 10


def test_a_range_begins_where_a_row_group_does(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    pq.write_table(portfolio(range(1_000)), tmp_path / "rows.parquet", row_group_size=240)

    manifest = plan_partitions([tmp_path / "rows.parquet"], tmp_path / "work", book, partition_rows=250)

    assert [one.slices[0].first for one in manifest.partitions] == [0, 240, 480, 720]


def test_enough_row_groups_are_never_cut(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A range that begins within one costs reading what stands before it; of few row groups it has to."""
    pq.write_table(portfolio(range(1_000)), tmp_path / "many", row_group_size=120)
    pq.write_table(portfolio(range(1_000)), tmp_path / "few", row_group_size=500)

    many = plan_partitions([tmp_path / "many"], tmp_path / "work", book, partition_rows=50)
    few = plan_partitions([tmp_path / "few"], tmp_path / "work", book, partition_rows=200)

    assert [one.slices[0].first for one in many.partitions] == [0, 120, 240, 360, 480, 600, 720, 840, 960]
    assert [one.slices[0].first for one in few.partitions] == [0, 200, 500, 800]  # 400 and 600 are near 500


def test_a_long_account_makes_a_long_range(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    accounts = ["a"] * 10 + ["b"] * 75 + ["c"] * 15
    pq.write_table(portfolio(range(100), accounts), tmp_path / "rows.parquet")

    manifest = plan_partitions([tmp_path / "rows.parquet"], tmp_path / "work", book, partition_rows=20)

    assert [one.rows for one in manifest.partitions] == [85, 15]


def test_each_file_is_a_partition_where_that_is_given(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio(range(60), [f"c{n // 20}" for n in range(60)])
    folder = tmp_path / "input"
    (folder / "sub").mkdir(parents=True)
    for name, part in (("a", table.slice(0, 20)), ("b", table.slice(0, 0)), ("sub/c", table.slice(20))):
        pq.write_table(part, folder / f"{name}.parquet")
    (folder / "_SUCCESS").write_text("")

    manifest = plan_partitions([folder], tmp_path / "work", book, by="given", partition_rows=7)

    check(manifest, table)
    assert [one.rows for one in manifest.partitions] == [20, 0, 40]
    assert not (tmp_path / "work" / "staging").exists()


@pytest.mark.parametrize("write", [parquet, csv])
def test_an_account_in_two_given_files_stops_the_run(
    write: Write, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    write(portfolio(["a", "b", "c"], ["甲", "乙", "甲"]), tmp_path / "one")
    write(portfolio(["d", "e"], ["丙", "乙"]), tmp_path / "two")

    with pytest.raises(FileProblem) as raised:
        plan_partitions([tmp_path / "one", tmp_path / "two"], tmp_path / "work", book, by="given")

    assert raised.value.code == "portfolio-account-split"
    assert raised.value.file == str(tmp_path / "two")
    assert raised.value.parameters == {"came": "乙", "input": str(tmp_path / "one")}


def test_files_of_one_run_have_the_same_columns(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio(["a"], ["甲"])
    pq.write_table(table, tmp_path / "one")

    def code(other: pa.Table) -> tuple[str, str, str]:
        pq.write_table(other, tmp_path / "two")
        with pytest.raises(FileProblem) as raised:
            plan_partitions([tmp_path / "one", tmp_path / "two"], tmp_path / "work", book)
        return raised.value.code, Path(raised.value.file).name, raised.value.parameters["column"]

    scaled = pa.field("mark", pa.int64(), metadata={"places": "2"})
    assert code(table.drop_columns(["mark"])) == ("portfolio-files-columns", "two", "mark")
    assert code(table.append_column("more", [[1]])) == ("portfolio-files-columns", "one", "more")
    assert code(table.set_column(6, "mark", [["1"]])) == ("portfolio-files-types", "two", "mark")
    assert code(table.set_column(6, scaled, [[1]])) == ("portfolio-files-types", "two", "mark")


def test_an_empty_folder_and_a_missing_column(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()

    with pytest.raises(FileProblem) as raised:
        plan_partitions([tmp_path / "input"], tmp_path / "work", book)

    assert raised.value.code == "portfolio-folder-empty"
    pq.write_table(portfolio(["a"]).drop_columns(["ruleset"]), tmp_path / "input" / "rows")
    with pytest.raises(FileProblem) as raised:
        plan_partitions([tmp_path / "input"], tmp_path / "work", book)
    assert raised.value.code == "portfolio-column-missing"


def test_columns_of_several_files_may_be_in_any_order(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio(range(40), [f"c{n % 7}" for n in range(40)])
    pq.write_table(table.slice(0, 20), tmp_path / "one")
    pq.write_table(table.slice(20).select(table.schema.names[::-1]), tmp_path / "two")

    for by in ("auto", "hash"):
        manifest = plan_partitions([tmp_path / "one", tmp_path / "two"], tmp_path / "work", book, by=by)
        check(manifest, table)


def test_a_copy_keeps_what_cells_and_columns_are(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Lists, dictionaries and places as they are; what Parquet does not hold becomes plain; CSV cells are text."""
    lists = pa.array([[{"kva": 100}], None, []], pa.list_(pa.struct([pa.field("kva", pa.int64())])))
    fields = [
        pa.field("mark", pa.int64(), metadata={"places": "2"}),
        pa.field("zone", pa.dictionary(pa.int8(), pa.string())),
        pa.field("wide", pa.decimal256(50, 1)),
        pa.field("view", pa.string_view()),
        pa.field("runs", pa.run_end_encoded(pa.int32(), pa.string())),
        pa.field("list_view", pa.list_view(pa.int64())),
        pa.field("pair", pa.list_(pa.int8(), 2)),
        pa.field("nothing", pa.null()),
    ]
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["x", None]))
    values = [
        pa.array([0, 1, 2]),
        pa.array(["n", None, "s"]).dictionary_encode().cast(fields[1].type),
        pa.array([Decimal("1.5"), None, Decimal("-2.0")], fields[2].type),
        pa.array(["u", "v", None], pa.string_view()),
        runs,
        pa.ListViewArray.from_arrays([1, 0, 0], [2, 0, 1], [5, 1, 2], mask=pa.array([False, True, False])),
        pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
        pa.nulls(3),
    ]
    table = portfolio(["a", "b", "c"], ["甲", "甲", "甲"], mark=None, lists=lists)
    for field, column in zip(fields, values, strict=True):
        table = table.append_column(field, pa.chunked_array([column]))
    arrow_file(table, tmp_path / "rows")

    manifest = plan_partitions([tmp_path / "rows"], tmp_path / "work", book)

    (one,) = manifest.partitions[0].slices
    copy = pq.read_table(one.path)
    assert copy.schema.equals(manifest.schema)
    assert manifest.schema.field("mark").metadata == {b"places": b"2"}
    assert manifest.schema.field("zone").type == fields[1].type
    assert manifest.schema.field("view").type == manifest.schema.field("runs").type == pa.string()
    assert copy.column("lists").to_pylist() == [[{"kva": 100}], None, []]
    assert copy.column("wide").to_pylist() == [Decimal("1.5"), None, Decimal("-2.0")]
    assert copy.column("runs").to_pylist() == ["x", "x", None]
    assert copy.column("list_view").to_pylist() == [[1, 2], None, [5]]
    assert copy.column("pair").to_pylist() == [[1, 2], None, [3, 4]]
    assert copy.column("nothing").to_pylist() == [None] * 3
    (tmp_path / "rows").write_text(
        "row_id,ruleset,period_from,period_to,kwh\n007,cn.test.home,2026-01-01,2026-02-01,1.50\n,,,,\n",
        encoding="utf-8",
    )
    manifest = plan_partitions([tmp_path / "rows"], tmp_path / "work", book)
    (row, absent) = rows_of(manifest.partitions[0])
    assert (row["row_id"], row["kwh"], absent["kwh"]) == ("007", "1.50", None)


def test_a_copy_that_was_cut_short_is_begun_anew(
    book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves nothing behind, a killed process a folder of another name, which does not count."""
    table = portfolio([f"b{n}" for n in range(50)], [f"c{n % 9}" for n in range(50)])
    csv(table, tmp_path / "rows")
    work = tmp_path / "work"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(staging._Writers, "_write", full)
        with pytest.raises(FileProblem) as raised:
            plan_partitions([tmp_path / "rows"], work, book, partition_rows=10)
    assert raised.value.code == "output-unwritable"
    assert list(work.iterdir()) == []
    (work / "staging.partial").mkdir()
    (work / "staging.partial" / "00000.parquet").write_bytes(b"PAR1 half a file")

    manifest = plan_partitions([tmp_path / "rows"], work, book, partition_rows=10)

    check(manifest, table)
    assert [path.name for path in work.iterdir()] == ["staging"]


def test_a_plan_made_twice_is_the_same(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio([f"b{n % 190}" for n in range(200)], [f"c{n % 31}" for n in range(200)])
    csv(table, tmp_path / "rows")

    first = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, partition_rows=30)
    files = [path.read_bytes() for path in sorted((tmp_path / "work" / "staging").iterdir())]
    second = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, partition_rows=30)

    assert first.hash == second.hash
    assert files == [path.read_bytes() for path in sorted((tmp_path / "work" / "staging").iterdir())]
    other = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, partition_rows=60)
    assert other.hash != first.hash


@pytest.mark.parametrize("write", [csv, csv_gz, arrow_stream])
def test_rows_of_a_file_that_does_not_say_are_guessed(write: Write, tmp_path: Path) -> None:
    """From the first four million bytes; partitions then have about the rows that were asked for."""
    draw = random.Random(20260103)
    table = pa.table({"row_id": range(200_000), "note": [f"{draw.getrandbits(80):020x}" for _ in range(200_000)]})
    write(table, tmp_path / "rows")

    rows = rows_about(look([tmp_path / "rows"])[0])

    assert abs(rows - 200_000) < 20_000


@pytest.mark.parametrize("by", ["auto", "hash"])
def test_nothing_is_one_empty_partition(by: By, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio(pa.array([], pa.string()), pa.array([], pa.string()))
    pq.write_table(table, tmp_path / "rows")

    manifest = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, by=by)

    check(manifest, table)
    assert [one.rows for one in manifest.partitions] == [0]
    (one,) = manifest.partitions[0].slices
    assert list(files.sliced(one, manifest.schema, [], 10)) == []


@pytest.mark.parametrize("by", ["auto", "hash"])
def test_what_is_wanted_is_counted_before_anything_is_billed(
    by: By, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    rows = [("甲", HOME, JANUARY), ("甲", HOME, FEBRUARY), ("甲", SHOP, FEBRUARY), ("乙", HOME, FEBRUARY)]
    ruleset, begins = [row[1] for row in rows], pa.array([row[2] for row in rows])
    ends = pa.array([FEBRUARY if row[2] == JANUARY else MARCH for row in rows])
    table = portfolio(range(4), [row[0] for row in rows], ruleset=ruleset, period_from=begins, period_to=ends)
    pq.write_table(table, tmp_path / "rows")
    january = ((JANUARY - date(1970, 1, 1)).days, (FEBRUARY - date(1970, 1, 1)).days)
    wanted = Wanted(days={HOME: (january,)}, following=(HOME,))

    manifest = plan_partitions([tmp_path / "rows"], tmp_path / "work", book, by=by, partition_rows=2, wanted=wanted)

    assert manifest.wanted_counts == {HOME: 2}
    with pytest.raises(FileProblem) as raised:
        plan_partitions([tmp_path / "rows"], tmp_path / "work", book, wanted=Wanted({"regoin": ("north",)}))
    assert raised.value.code == "portfolio-only-column"
