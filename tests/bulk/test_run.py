"""A run bills or refuses every row once, whatever the format, the batch size and the number of threads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.bulk.problems import FileProblem
from engine.bulk.single import portfolio_rows
from engine.compiler.program import Compiled
from engine.evaluator.reference import reference
from engine.evaluator.rows import RowProblem
from tests.bulk.book import HOME, SHOP, make_book
from tests.running import ledger_at, ledger_file, read, run

JANUARY = (date(2026, 1, 1), date(2026, 2, 1))

# row id, rule set, period, kwh, low income, zone, moved in, kvarh
ROWS: list[tuple[Any, ...]] = [
    ("r1", HOME, *JANUARY, "100.00", True, "north", None, None),  # 52.83 - 5.00
    ("r2", SHOP, *JANUARY, "12.34", None, None, None, 11),  # 12.34, a warning
    ("r3", HOME, *JANUARY, "1000.01", False, "south", date(2026, 1, 1), None),  # 528.31 - 1.00, a warning
    ("r1", HOME, *JANUARY, "7.00", None, None, None, None),  # an id for the second time
    ("r5", "cn.test.none", *JANUARY, "7.00", None, None, None, None),
    ("r6", HOME, *JANUARY, None, None, None, None, None),  # no kWh
    ("r7", HOME, *JANUARY, "100000.01", None, None, None, None),  # too many kWh
    ("r8", HOME, *JANUARY, "1.00", None, "east", None, None),  # a zone that is none
    ("r9", HOME, *JANUARY, "1.00", None, None, None, 3),  # kvarh, which homes do not give
    ("r10", HOME, date(2025, 12, 1), date(2026, 1, 1), "1.00", None, None, None, None),  # before the prices
    (None, HOME, *JANUARY, "1.00", None, None, None, None),
    ("r12", None, *JANUARY, "1.00", None, None, None, None),
    ("r13", HOME, JANUARY[0], JANUARY[0], "1.00", None, None, None, None),  # a period without days
    ("r14", SHOP, *JANUARY, "0.01", None, None, None, None),
]
NAMES = ("row_id", "ruleset", "period_from", "period_to", "kwh", "low_income", "zone", "moved_in", "kvarh")
BILLED = {"r1": ("47.83", "52.83", "-5.00"), "r2": ("12.34", "12.34", None), "r3": ("527.31", "528.31", "-1.00")}
BILLED["r14"] = ("0.01", "0.01", None)
REFUSED = [
    ("r1", HOME, "duplicate-row", "row_id", "r1"),
    ("r5", "cn.test.none", "unknown-ruleset", "ruleset", "cn.test.none"),
    ("r6", HOME, "missing-value", "kwh", ""),
    ("r7", HOME, "out-of-bounds", "kwh", "100000.01"),
    ("r8", HOME, "unknown-code", "zone", "east"),
    ("r9", HOME, "unknown-column", "kvarh", "3"),
    ("r10", HOME, "no-price-in-force", HOME, "2025-12-01"),
    (None, HOME, "missing-value", "row_id", ""),
    ("r12", None, "missing-value", "ruleset", ""),
    ("r13", HOME, "bad-period", "period_to", "2026-01-01"),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def portfolio(rows: list[tuple[Any, ...]] = ROWS) -> pa.Table:
    columns = dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))
    columns["kwh"] = [None if text is None else Decimal(text) for text in columns["kwh"]]
    table = pa.table(columns)
    return table.append_column("bill_id", pa.array([f"b{at}" for at in range(len(rows))]))


def written(folder: Path, table: pa.Table | None = None) -> Path:
    path = folder / "rows.parquet"
    pq.write_table(portfolio() if table is None else table, path)
    return path


@pytest.mark.parametrize("format_", ["parquet", "csv", "arrow"])
def test_every_row_is_billed_or_refused_with_its_reason(
    format_: Any, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    summary = run(book, written(tmp_path), tmp_path / "out", format_=format_)

    bills = read(tmp_path / "out", "bills", format_).to_pylist()
    found = {row["row_id"]: (row["total"], row["ledger_energy"], row["ledger_aid"]) for row in bills}
    expected = {id_: tuple(None if text is None else Decimal(text) for text in row) for id_, row in BILLED.items()}
    assert found == expected
    assert [row["bill_id"] for row in bills] == ["b0", "b1", "b2", "b13"]
    assert {row["currency"] for row in bills} == {"CNY"}
    refused = read(tmp_path / "out", "refused", format_).to_pylist()
    came = [tuple(row[name] for name in ("row_id", "ruleset", "code", "field", "value")) for row in refused]
    empty = {None: "", "": ""} if format_ == "csv" else {}
    assert [tuple(empty.get(x, x) for x in row) for row in came] == [
        tuple(empty.get(x, x) for x in row) for row in REFUSED
    ]
    assert (summary.rows, summary.billed, summary.refused_rows) == (14, 4, 10)


def test_lines_are_whole_numbers_with_their_places_beside(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    run(book, written(tmp_path), tmp_path / "out", details=True)

    home = read(tmp_path / "out", f"lines/{HOME}")
    assert home.column("row_id").to_pylist() == ["r1", "r3"]
    assert home.column("energy").to_pylist() == [5283, 52831]
    assert home.column("relief").to_pylist() == [-500, None]
    assert home.column("new_here").to_pylist() == [None, -100]
    assert home.column("energy.quantity").to_pylist() == [10000, 100001]
    assert home.column("energy.price").to_pylist() == [5283, 5283]
    metadata = home.schema.field("energy").metadata
    assert metadata[b"places"] == b"2"
    assert metadata[b"currency"] == b"CNY"
    assert home.schema.field("energy.price").metadata[b"places"] == b"4"


def test_lines_as_decimals(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    run(book, written(tmp_path), tmp_path / "out", amounts="decimal")

    home = read(tmp_path / "out", f"lines/{HOME}")

    assert home.column("energy").to_pylist() == [Decimal("52.83"), Decimal("528.31")]


def test_warnings_name_the_values_of_their_row(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    summary = run(book, written(tmp_path), tmp_path / "out")

    found = {tuple(row.values()) for row in read(tmp_path / "out", "warnings").to_pylist()}

    assert found == {
        ("r3", HOME, "much", "amber", "用电 1000.01 千瓦时，south"),
        ("r2", SHOP, "reactive", "info", "请装电容器"),
    }
    assert summary.warnings == {"amber": {"much": 1}, "info": {"reactive": 1}}


def test_the_summary_adds_up(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    run(book, written(tmp_path), tmp_path / "out")

    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))

    home, shop = summary["rulesets"]
    assert (home["ruleset"], home["billed"], home["total"]) == (HOME, 2, "575.14")
    assert home["charges"] == {"energy": "581.14", "new_here": "-1.00", "relief": "-5.00"}
    assert home["ledgers"] == {"energy": "581.14", "aid": "-6.00"}
    assert (shop["billed"], shop["total"]) == (2, "12.35")
    assert summary["refused"]["rows"] == 10
    assert summary["refused"]["by_code"]["missing-value"] == 3
    assert summary["files"] == {
        "bills/00000.parquet": 4,
        "refused/00000.parquet": 10,
        "warnings/00000.parquet": 2,
        f"lines/{HOME}/00000.parquet": 2,
        f"lines/{SHOP}/00000.parquet": 2,
    }


@pytest.mark.parametrize("batch_rows", [1, 2, 5])
@pytest.mark.parametrize(("threads", "partition_rows"), [(1, 0), (3, 4)])
def test_batches_partitions_and_threads_change_nothing(
    batch_rows: int, threads: int, partition_rows: int, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    source = written(tmp_path)
    run(book, source, tmp_path / "whole")

    run(book, source, tmp_path / "parts", threads=threads, batch_rows=batch_rows, partition_rows=partition_rows)

    assert len(list((tmp_path / "parts" / "bills").iterdir())) == (4 if partition_rows else 1)
    for name in ("bills", "refused", f"lines/{HOME}", f"lines/{SHOP}"):
        assert read(tmp_path / "parts", name).equals(read(tmp_path / "whole", name)), name
    assert sorted(map(str, read(tmp_path / "parts", "warnings").to_pylist())) == sorted(
        map(str, read(tmp_path / "whole", "warnings").to_pylist())
    )


def test_formats_of_the_input_change_nothing(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """The same rows as text and as typed columns."""
    pa_csv.write_csv(portfolio(), tmp_path / "rows.csv")

    run(book, written(tmp_path), tmp_path / "typed")
    run(book, tmp_path / "rows.csv", tmp_path / "text")

    for name in ("bills", "refused", f"lines/{HOME}", f"lines/{SHOP}"):
        assert read(tmp_path / "text", name).equals(read(tmp_path / "typed", name)), name


def test_text_that_is_no_number_is_refused_with_its_text(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    heading = "row_id,ruleset,period_from,period_to,kwh,low_income,moved_in,zone"
    lines = [
        f"a,{HOME},2026-01-01,2026-02-01,１２,,,",
        f"b,{HOME},2026-01-01,2026-02-01,1.005,,,",
        f"c,{HOME},2026-01-01,2026-02-01,1.500000000000000000,,,",
        f"d,{HOME},2026-01-01,2026-02-01,1,是,,",
        f"e,{HOME},2026-01-01,2026-02-01,1,,2026-02-30,",
        f"f,{HOME},2026-1-1,2026-02-01,1,,,",
    ]
    (tmp_path / "rows.csv").write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")

    run(book, tmp_path / "rows.csv", tmp_path / "out")

    refused = read(tmp_path / "out", "refused").to_pylist()
    assert [(row["row_id"], row["code"], row["field"], row["value"]) for row in refused] == [
        ("a", "not-a-number", "kwh", "１２"),
        ("b", "too-many-places", "kwh", "1.005"),
        ("d", "unknown-code", "low_income", "是"),
        ("e", "bad-date", "moved_in", "2026-02-30"),
        ("f", "bad-date", "period_from", "2026-1-1"),
    ]
    assert read(tmp_path / "out", "bills").column("row_id").to_pylist() == ["c"]


def test_binary_floats_pass_only_as_nearest_doubles(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio(ROWS[:1] * 2).set_column(0, "row_id", pa.array(["a", "b"]))
    table = table.set_column(4, "kwh", pa.array([0.1, 0.1 + 0.2]))

    run(book, written(tmp_path, table), tmp_path / "out")

    assert read(tmp_path / "out", "bills").column("row_id").to_pylist() == ["a"]
    (refused,) = read(tmp_path / "out", "refused").to_pylist()
    assert (refused["code"], refused["value"]) == ("binary-float", "0.30000000000000004")


def test_a_column_that_is_meant_to_be_unread_is_named(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """With --pass, a home that gives kvarh is billed without it."""
    summary = run(book, written(tmp_path), tmp_path / "out", pass_through=["kvarh"])

    assert "unknown-column" not in summary.refused
    assert summary.billed == 5


def test_whole_number_row_ids_stay_whole_numbers(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio(ROWS[:2]).set_column(0, "row_id", pa.array([7, 7], pa.int32()))

    run(book, written(tmp_path, table), tmp_path / "out")

    assert read(tmp_path / "out", "bills").column("row_id").to_pylist() == [7]
    (refused,) = read(tmp_path / "out", "refused").to_pylist()
    assert (refused["row_id"], refused["code"], refused["value"]) == (7, "duplicate-row", "7")


def test_progress_is_told(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """The rows of each batch as it is done; how many there are is known from the plan."""
    told: list[int] = []

    run(book, written(tmp_path), tmp_path / "out", batch_rows=5, advance=told.append)

    assert told == [5, 5, 4]


def test_results_are_not_overwritten_unasked(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    source = written(tmp_path)
    run(book, source, tmp_path / "out")

    with pytest.raises(FileProblem) as found:
        run(book, source, tmp_path / "out")

    assert found.value.code == "output-not-empty"


def test_overwriting_leaves_nothing_of_the_earlier_run(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    run(book, written(tmp_path), tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")

    run(book, written(tmp_path, portfolio(ROWS[:1])), tmp_path / "out", format_="csv", overwrite=True)

    left = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (book_file,) = (name for name in left if name.startswith("_run/book-"))
    assert left - {book_file} == {
        "_run/lock",
        "_run/run",
        "bills/00000.csv",
        f"lines/{HOME}/00000.csv",
        "notes.txt",
        "refused/00000.csv",
        "summary.json",
        "warnings/00000.csv",
    }


def test_an_input_that_cannot_be_read_leaves_nothing(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A CSV file whose last line is cut off: it is read to its end before the first row is billed."""
    pa_csv.write_csv(portfolio(), tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open("a") as file:
        file.write(f"last,{HOME},2026")

    with pytest.raises(FileProblem) as found:
        run(book, tmp_path / "rows.csv", tmp_path / "out")

    assert found.value.code == "portfolio-line"
    assert not (tmp_path / "out").exists()
    with ledger_at(ledger_file(tmp_path / "out")) as ledger:
        assert ledger.list() == []


def test_a_file_where_the_folder_should_be(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    with pytest.raises(FileProblem) as found:
        run(book, written(tmp_path), tmp_path / "rows.parquet")

    assert found.value.code == "output-not-folder"


def test_a_folder_that_cannot_be_made(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """The folder of the run's own files, and what the system says against it."""
    source = written(tmp_path)

    with pytest.raises(FileProblem) as found:
        run(book, source, source / "out", ledger=tmp_path / "ledger.sqlite")

    assert (found.value.code, found.value.file) == ("output-unwritable", str(source / "out" / "_run"))
    assert "writing stopped: Not a directory." in str(found.value)


def test_a_disk_that_is_full(book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with the file's name; no results are left, and closing what is half written is no second error."""

    class Full:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def write_table(self, _: object = None) -> None:
            raise OSError(28, "No space left on device")

        close = write_table

    source = written(tmp_path)
    monkeypatch.setattr("engine.bulk.sinks.pq.ParquetWriter", Full)

    with pytest.raises(FileProblem) as found:
        run(book, source, tmp_path / "out")

    assert found.value.code == "output-unwritable"
    assert "No space left on device" in str(found.value)
    assert not (tmp_path / "out" / "summary.json").exists()


def test_an_empty_portfolio_gives_empty_tables(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    summary = run(book, written(tmp_path, portfolio().slice(0, 0)), tmp_path / "out")

    assert (summary.rows, summary.billed, summary.refused_rows) == (0, 0, 0)
    assert read(tmp_path / "out", "bills").num_rows == 0


def test_a_file_cannot_be_its_own_output(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Results beside the portfolio do not touch it."""
    source = written(tmp_path)
    before = source.read_bytes()

    run(book, source, tmp_path)

    assert source.read_bytes() == before


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
@pytest.mark.parametrize("dictionary", [False, True])
def test_a_row_id_comes_twice_whatever_the_text_type(
    text: pa.DataType, dictionary: bool, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    """Ids of dictionaries with 64-bit offsets were once hashed as if they had 32: the third row was billed too."""
    ids = pa.array(["one", "two", "one"])
    if dictionary:
        encoded = ids.dictionary_encode()
        ids = pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(text))
    else:
        ids = ids.cast(text)
    table = portfolio(ROWS[:1] * 3).set_column(0, "row_id", ids).set_column(9, "bill_id", ids)
    with pa.ipc.new_file(str(tmp_path / "rows.arrow"), table.schema) as file:
        file.write_table(table)

    summary = run(book, tmp_path / "rows.arrow", tmp_path / "out")

    assert (summary.billed, summary.refused) == (2, {"duplicate-row": 1})
    bills = read(tmp_path / "out", "bills")
    assert bills.column("row_id").to_pylist() == ["one", "two"]
    assert bills.column("bill_id").to_pylist() == ["one", "two"]


@pytest.mark.parametrize("name", ["total", "version", "currency", "ledger_energy"])
def test_a_passing_column_does_not_take_a_name_of_the_bills(
    name: str, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    table = portfolio().rename_columns([*NAMES, name])

    with pytest.raises(FileProblem) as found:
        run(book, written(tmp_path, table), tmp_path / "out")

    assert found.value.code == "portfolio-column-taken"
    assert not (tmp_path / "out").exists()


def test_a_null_in_a_dictionary_is_a_cell_not_given(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    zone = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["south", None]))
    table = portfolio([ROWS[0], ("r2", *ROWS[0][1:])]).set_column(6, "zone", zone)
    with pa.ipc.new_file(str(tmp_path / "rows.arrow"), table.schema) as file:
        file.write_table(table)

    summary = run(book, tmp_path / "rows.arrow", tmp_path / "out")

    totals = read(tmp_path / "out", "bills").column("total").to_pylist()
    assert summary.refused == {}
    assert totals == [Decimal("52.83"), Decimal("47.83")]  # the default zone is north


def test_a_row_asked_for_alone_says_the_same_of_a_float(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    kwh = [0.1, 0.1 + 0.2, 1.005, 1e-7, 1e16, float("nan"), 12345678901234567.0]
    table = portfolio([(f"r{at}", *ROWS[0][1:]) for at in range(len(kwh))]).set_column(4, "kwh", pa.array(kwh))
    path = written(tmp_path, table)

    run(book, path, tmp_path / "out")

    alone = []
    for row in portfolio_rows(path, [book[HOME]], [], book):
        bill = reference(
            book[HOME], row.values, period_from=row.period_from, period_to=row.period_to, row_id=row.row_id
        )
        if isinstance(bill, RowProblem):
            alone.append((bill.row_id, bill.code, bill.field, bill.value, bill.reason))
    names = ("row_id", "code", "field", "value", "reason")
    refused = [tuple(row[name] for name in names) for row in read(tmp_path / "out", "refused").to_pylist()]
    assert len(refused) == 6
    assert alone == refused


def test_results_cut_short_while_being_replaced_keep_no_summary(
    book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(book, written(tmp_path), tmp_path / "out")
    unlink = Path.unlink
    gone: list[Path] = []

    def failing(path: Path, missing_ok: bool = False) -> None:
        if gone:
            raise OSError("no more")
        gone.append(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", failing)
    with pytest.raises(FileProblem):
        run(book, written(tmp_path), tmp_path / "out", overwrite=True)

    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_refusal_names_the_text_that_was_given(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A column of text is read at its most places: `0100001` must not come back as 100001.00."""
    rows = [("a", "0100001"), ("b", "1.25"), ("c", "-1")]
    lines = [f"{row_id},{HOME},2026-01-01,2026-02-01,{kwh}" for row_id, kwh in rows]
    (tmp_path / "rows.csv").write_text("\n".join(["row_id,ruleset,period_from,period_to,kwh", *lines]) + "\n")

    run(book, tmp_path / "rows.csv", tmp_path / "out")

    refused = read(tmp_path / "out", "refused").to_pylist()
    assert [(row["row_id"], row["value"], row["reason"]) for row in refused] == [
        ("a", "0100001", "`kwh` is 0100001, outside 0.00 to 100000.00."),
        ("c", "-1", "`kwh` is -1, outside 0.00 to 100000.00."),
    ]


@pytest.mark.parametrize("text", [pa.large_string(), pa.string_view()], ids=str)
def test_a_row_asked_for_alone_whatever_the_text_type(
    text: pa.DataType, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    table = portfolio(ROWS[:3])
    table = table.cast(pa.schema([f.with_type(text) if f.type == pa.string() else f for f in table.schema]))
    with pa.ipc.new_file(str(tmp_path / "rows.arrow"), table.schema) as file:
        file.write_table(table)

    (row,) = portfolio_rows(tmp_path / "rows.arrow", [book[HOME]], ["r3"], book)

    assert row.values["kwh"] == Decimal("1000.01")
