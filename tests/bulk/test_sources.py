"""Portfolio files: every format gives the same rows, and a file that cannot be billed from is told what to change."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.bulk.problems import FILE_PROBLEMS, FileProblem
from engine.bulk.sources import open_source
from engine.compiler.program import Compiled
from tests.bulk.book import HOME, make_book


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def portfolio(**changed: object) -> pa.Table:
    """Two rows; a column is replaced by a list or an array, or left out by None."""
    columns: dict[str, Any] = {
        "row_id": ["a", "b"],
        "account": ["甲", "乙"],
        "ruleset": [HOME, HOME],
        "period_from": pa.array([date(2026, 1, 1)] * 2),
        "period_to": pa.array([date(2026, 2, 1)] * 2),
        "kwh": pa.array([Decimal("100.00"), Decimal("12.34")], pa.decimal128(18, 2)),
        "low_income": [True, False],
        "zone": ["north", "south"],
    }
    columns |= changed
    return pa.table({name: column for name, column in columns.items() if column is not None})


def parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)


def csv(table: pa.Table, path: Path) -> None:
    pa_csv.write_csv(table, path)


def csv_gz(table: pa.Table, path: Path) -> None:
    with gzip.open(path, "wb") as file:
        pa_csv.write_csv(table, file)


def arrow_file(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=1)


def arrow_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=1)


Write = Callable[[pa.Table, Path], None]
WRITERS: tuple[Write, ...] = (parquet, csv, csv_gz, arrow_file, arrow_stream)


@pytest.mark.parametrize("write", WRITERS)
def test_every_format_gives_the_same_rows(write: Write, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    write(portfolio(), tmp_path / "rows")

    batches = list(open_source(tmp_path / "rows", book).batches())

    assert [batch.size for batch in batches] == [2]
    (piece,) = batches[0].pieces
    kwh, zone = piece.rows.columns["kwh"], piece.rows.columns["zone"]
    assert [Decimal(int(value)).scaleb(-kwh.places) for value in kwh.values] == [Decimal("100.00"), Decimal("12.34")]
    assert zone.codes is not None
    assert [zone.codes[at] for at in zone.values] == ["north", "south"]
    assert piece.rows.columns["low_income"].values.tolist() == [1, 0]
    assert piece.rows.period_from.tolist() == [20454, 20454]
    assert batches[0].row_id.to_pylist() == ["a", "b"]
    assert batches[0].passing["account"].to_pylist() == ["甲", "乙"]


@pytest.mark.parametrize("write", WRITERS)
def test_batches_are_even_and_in_order(write: Write, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    one = portfolio()
    ids = [f"r{at}" for at in range(8)]
    table = pa.concat_tables([one] * 4).set_column(0, "row_id", pa.array(ids))
    write(table, tmp_path / "rows")

    batches = list(replace(open_source(tmp_path / "rows", book), batch_rows_max=3).batches())

    assert [batch.size for batch in batches] == [3, 3, 2]
    assert [id_ for batch in batches for id_ in batch.row_id.to_pylist()] == ids


def test_a_cell_that_cannot_be_read_sets_its_row_apart(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    csv(portfolio(kwh=["100", "12,5"]), tmp_path / "rows")

    (batch,) = open_source(tmp_path / "rows", book).batches()

    clean, apart = batch.pieces
    assert clean.positions.tolist() == [0]
    assert apart.positions.tolist() == [1]
    assert apart.rows.columns["kwh"].values.tolist() == ["12,5"]


@pytest.mark.parametrize(
    ("changed", "code", "field", "value"),
    [
        ({"row_id": ["a", None]}, "missing-value", "row_id", ""),
        ({"ruleset": [HOME, None]}, "missing-value", "ruleset", ""),
        ({"period_from": ["2026-01-01", None]}, "missing-value", "period_from", ""),
        ({"period_to": ["2026-02-01", "2026-02-30"]}, "bad-date", "period_to", "2026-02-30"),
    ],
)
def test_a_row_without_its_keys_is_refused_alone(
    changed: dict[str, Any], code: str, field: str, value: str, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    parquet(portfolio(**changed), tmp_path / "rows")

    (batch,) = open_source(tmp_path / "rows", book).batches()

    assert [(one.row, one.code, one.field, one.value) for one in batch.refused] == [(1, code, field, value)]
    assert [piece.positions.tolist() for piece in batch.pieces] == [[0]]


def test_an_empty_cell_of_a_csv_file_is_not_given(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        f'row_id,ruleset,period_from,period_to,kwh,zone\na,{HOME},2026-01-01,2026-02-01,5,\nb,{HOME},2026-01-01,2026-02-01,"",north\n'
    )

    (batch,) = open_source(tmp_path / "rows.csv", book).batches()

    (piece,) = batch.pieces
    for name, there in {"zone": [False, True], "kwh": [True, False]}.items():
        valid = piece.rows.columns[name].valid
        assert valid is not None
        assert valid.tolist() == there


def test_a_byte_order_mark_is_no_part_of_the_first_name(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(
        b"\xef\xbb\xbf" + f"row_id,ruleset,period_from,period_to,kwh\na,{HOME},2026-01-01,2026-02-01,5\n".encode()
    )

    (batch,) = open_source(tmp_path / "rows.csv", book).batches()

    assert batch.row_id.to_pylist() == ["a"]


def test_a_file_without_rows_has_no_batches_worth_billing(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    for write in WRITERS:
        write(portfolio().slice(0, 0), tmp_path / "rows")

        assert sum(batch.size for batch in open_source(tmp_path / "rows", book).batches()) == 0


def problem_of(path: Path, book: Mapping[str, Compiled], **options: Any) -> FileProblem:
    with pytest.raises(FileProblem) as found:
        list(open_source(path, book, **options).batches())
    return found.value


@pytest.mark.parametrize("column", ["row_id", "ruleset", "period_from", "period_to"])
def test_a_key_column_is_missing(column: str, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    parquet(portfolio(**{column: None}), tmp_path / "rows")

    found = problem_of(tmp_path / "rows", book)

    assert found.code == "portfolio-column-missing"
    assert f"there is no column `{column}`" in str(found)
    assert found.parameters["instead"] in str(found)


def test_a_slip_in_a_column_name_is_not_taken_for_absence(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Without this, `low_incom` would be carried along and nobody would get the subsidy."""
    parquet(portfolio(low_income=None, low_incom=[True, True]), tmp_path / "rows")

    found = problem_of(tmp_path / "rows", book)

    assert str(found) == (
        f"{tmp_path / 'rows'}: portfolio-column-name: no rule set reads the column `low_incom`, and `low_income`, "
        "which one reads, is missing.\n"
        "  Rename it to `low_income`; if it is meant to pass through unread, name it in --pass."
    )
    assert open_source(tmp_path / "rows", book, ["low_incom"]).passing == ("account", "low_incom")


def test_a_column_name_in_full_width_letters(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A Chinese input method writes `ｋｗｈ`; carried along unread, it would leave every row without its kWh."""
    table = portfolio()
    parquet(
        table.rename_columns(["ｋｗｈ" if name == "kwh" else name for name in table.column_names]), tmp_path / "rows"
    )

    found = problem_of(tmp_path / "rows", book)

    assert (found.code, found.parameters["input"]) == ("portfolio-column-name", "kwh")


def test_a_column_stands_twice(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    table = portfolio()
    csv(table.append_column("kwh", table.column("kwh")), tmp_path / "rows")

    assert problem_of(tmp_path / "rows", book).code == "portfolio-column-twice"


def test_a_type_is_refused_before_the_first_row(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    parquet(portfolio(kwh=pa.array([1.0, 2.0], pa.float32())), tmp_path / "rows")

    with pytest.raises(FileProblem) as found:
        open_source(tmp_path / "rows", book)

    assert found.value.code == "portfolio-column-type"


def test_row_ids_of_a_type_that_is_no_id(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    parquet(portfolio(row_id=[1.5, 2.5]), tmp_path / "rows")

    assert problem_of(tmp_path / "rows", book).code == "portfolio-column-type"


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "portfolio-format"),
        (b"PK\x03\x04\x00\x00\x00\x00", "portfolio-format"),
        (b"PAR1 and then nothing", "portfolio-unreadable"),
        ("row_id,ruleset,户号\n".encode("gb18030"), "portfolio-encoding"),
        ("row_id,ruleset,户号\n".encode("utf-16"), "portfolio-encoding"),
        (b"PK\x03\x04 an Excel workbook", "portfolio-format"),
        (b"row_id;ruleset;period_from;period_to\n", "portfolio-separator"),
        (b"row_id\truleset\tperiod_from\tperiod_to\n", "portfolio-separator"),
        ("row_id，ruleset，period_from，period_to\n".encode(), "portfolio-separator"),
    ],
)
def test_files_that_are_no_portfolio(octets: bytes, code: str, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(octets)

    assert problem_of(tmp_path / "rows", book).code == code


def test_gbk_below_an_ascii_heading(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    text = f"row_id,ruleset,period_from,period_to,account\na,{HOME},2026-01-01,2026-02-01,张三\n"
    (tmp_path / "rows.csv").write_bytes(text.encode("gb18030"))

    assert problem_of(tmp_path / "rows.csv", book).code == "portfolio-encoding"


def test_a_line_with_a_cell_too_few(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"row_id,ruleset,period_from,period_to\na,{HOME},2026-01-01\n")

    found = problem_of(tmp_path / "rows.csv", book)

    assert found.code == "portfolio-line"
    assert "Expected 4 columns, got 3" in str(found)


def test_a_parquet_file_that_was_cut_off(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    parquet(portfolio(), tmp_path / "whole")
    (tmp_path / "rows").write_bytes((tmp_path / "whole").read_bytes()[:-20])

    assert problem_of(tmp_path / "rows", book).code == "portfolio-unreadable"


def test_a_folder_and_nothing(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    assert problem_of(tmp_path, book).code == "portfolio-format"
    assert problem_of(tmp_path / "none", book).code == "portfolio-not-found"


def test_every_file_problem_speaks_both_languages() -> None:
    """A placeholder stands in both texts, so that neither language says less."""

    def names(*texts: str) -> set[str]:
        found = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
        return {name.removesuffix("_zh") for name in found}

    for code, entry in FILE_PROBLEMS.items():
        english = names(entry.headline, entry.remedy)
        assert english == names(entry.headline_zh, entry.remedy_zh), code
        found = FileProblem(code, "f", **dict.fromkeys([*english, *(f"{name}_zh" for name in english)], "…"))
        assert found.render("en").startswith(f"f: {code}: ")
        assert found.render("zh").startswith(f"f: {code}: ")
        assert entry.headline_zh
        assert entry.remedy_zh
