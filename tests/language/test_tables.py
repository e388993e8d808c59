"""Price tables in CSV and XLSX files, and what spreadsheets do to them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.nodes import Text
from engine.language.problems import Place, Problem, ProblemsFound
from engine.language.tables import read_csv, read_table

KEYS, COLUMNS = ["voltage"], ["peak", "valley"]
HEADER = ["voltage", "peak", "valley"]


def table(path: Path, sheet: str | None = None, places: Mapping[str, int | None] | None = None) -> list[list[Text]]:
    return read_table(path, KEYS, COLUMNS, sheet, places)


def problems(path: Path, sheet: str | None = None, places: Mapping[str, int | None] | None = None) -> list[Problem]:
    with pytest.raises(ProblemsFound) as caught:
        table(path, sheet, places)
    return list(caught.value.problems)


def csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "prices.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def workbook(folder: Path, rows: list[list[Any]], formats: Mapping[str, str] | None = None) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in [HEADER, *rows]:
        page.append(row)
    for cell, number_format in (formats or {}).items():
        page[cell].number_format = number_format
    path = folder / "prices.xlsx"
    book.save(path)
    return path


def test_csv_cells_keep_their_digits_and_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    csv(tmp_path, 'voltage,peak,valley\r\nat_35kv,0.5580,-\r\n,,\r\n"at ""110""kv", 0.5480 ,0.3\r\n')

    rows = table(Path("prices.csv"))

    assert rows == [["at_35kv", "0.5580", "-"], ['at "110"kv', "0.5480", "0.3"]]
    assert rows[0][1].place == Place("prices.csv", 2, 9, 2, 15)
    assert rows[1][0].place == Place("prices.csv", 4, 1, 4, 15)


def test_excels_utf8_csv_has_a_byte_order_mark_and_is_read(tmp_path: Path) -> None:
    """`CSV UTF-8` is what Excel offers instead of GBK, and always begins with the mark."""
    path = csv(tmp_path, b"\xef\xbb\xbfvoltage,peak,valley\nat_35kv,0.5,0.3\n")

    assert table(path) == [["at_35kv", "0.5", "0.3"]]


def test_gbk(tmp_path: Path) -> None:
    path = csv(tmp_path, "voltage,peak,valley\n不满1千伏,0.5,0.3\n".encode("gbk"))

    (found,) = problems(path)

    assert found.code == "gbk-encoding"
    assert found.place is not None
    assert (found.place.line, found.place.column) == (2, 1)


@pytest.mark.parametrize(
    "cell",
    [
        "1月10日",
        "10-Jan",
        "Jan-10",
        "10-Jan-26",
        "2026-01-10",
        "2026/1/10",
        "1/10/2026",
        "2026年1月",
        "2026-01-10 00:00:00",
    ],
)
def test_what_excel_makes_of_a_voltage_class(tmp_path: Path, cell: str) -> None:
    (found,) = problems(csv(tmp_path, f"voltage,peak,valley\n{cell},0.5,0.3\n"))

    assert (found.code, found.parameters["text"]) == ("table-cell-date", cell)


@pytest.mark.parametrize("cell", ["1-10", "from_1_to_10kv", "1-10（20）千伏", "10"])
def test_a_voltage_class_is_no_date(tmp_path: Path, cell: str) -> None:
    assert table(csv(tmp_path, f"voltage,peak,valley\n{cell},0.5,0.3\n"))[0][0] == cell


def test_all_problems_of_a_table_are_told_at_once(tmp_path: Path) -> None:
    path = csv(tmp_path, "voltage,peak,valley\na,0.5,0.30\nb,,0.300\na,0.50\na,0.50,0.30\n")

    found = problems(path, places={"peak": 2, "valley": 2})

    assert [(one.code, one.place and (one.place.line, one.place.column)) for one in found] == [
        ("table-places-lost", (2, 3)),
        ("table-cell-empty", (3, 3)),
        ("table-places-many", (3, 4)),
        ("table-row-twice", (4, 1)),
        ("table-cell-count", (4, 1)),
        ("table-row-twice", (5, 1)),
    ]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("voltage,valley,peak", ["table-header-order"]),
        ("peak,voltage,valley", ["table-header-order"]),
        ("voltage,peak", ["table-header-missing"]),
        ("voltage,peak,peak", ["table-header-missing", "table-header-twice"]),
        ("voltage,peak,valley,sharp", ["table-header-unknown"]),
        ("voltage;peak;valley", ["table-header-missing"] * 3 + ["table-header-unknown"]),
    ],
)
def test_headers(tmp_path: Path, header: str, expected: list[str]) -> None:
    found = problems(csv(tmp_path, f"{header}\na,1,2\n"))

    assert [one.code for one in found] == expected


def test_problems_of_the_whole_file_stand_where_the_rule_names_it(tmp_path: Path) -> None:
    asked = Place("a.yaml", 7, 11, 7, 21)

    with pytest.raises(ProblemsFound) as caught:
        read_table(tmp_path / "prices.csv", KEYS, COLUMNS, asked=asked)

    assert [(found.code, found.place) for found in caught.value.problems] == [("file-not-found", asked)]


def test_a_workbook_is_read_as_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows: list[list[Any]] = [["at_35kv", 0.6, 1], ["at_110kv", "0.5480", 0.1234], [10, 0.1, 0.25]]
    workbook(tmp_path, rows, {"B2": "0.0000", "C2": "#,##0.00", "B4": '"¥"0.00_ '})

    read = table(Path("prices.xlsx"))

    assert read == [["at_35kv", "0.6000", "1.00"], ["at_110kv", "0.5480", "0.1234"], ["10", "0.10", "0.25"]]
    assert read[1][2].place == Place("prices.xlsx:Sheet", 3, 3, 3, 4)


def test_zeros_that_a_workbook_does_not_show(tmp_path: Path) -> None:
    (found,) = problems(workbook(tmp_path, [["at_35kv", 0.6, 0.3583]]), places={"peak": 4, "valley": 4})

    assert (found.code, found.parameters["suggestion"]) == ("table-places-lost", "0.6000")


@pytest.mark.parametrize(
    ("cell", "number_format", "code"),
    [
        (datetime(2026, 1, 10), "m月d日", "table-cell-date"),
        (date(2026, 1, 10), "yyyy-mm-dd", "table-cell-date"),
        (time(16, 0), "h:mm", "table-cell-date"),
        ("=0.5+0.0583", "General", "table-cell-formula"),
        ("#N/A", "General", "table-cell-error"),
        (0.60025, "0.00", "table-cell-hidden-digits"),
        (0.6, "0%", "table-cell-hidden-digits"),
        (0.60000001, "0.0000", "table-cell-hidden-digits"),
        (None, "General", "table-cell-empty"),
    ],
)
def test_cells_that_are_not_what_they_show(tmp_path: Path, cell: object, number_format: str, code: str) -> None:
    path = workbook(tmp_path, [["at_35kv", cell, 0.3]], {"B2": number_format})

    (found,) = problems(path)

    assert (found.code, found.parameters["column"]) == (code, "peak")
    assert found.place is not None
    assert (found.place.line, found.place.column) == (2, 2)


def test_a_workbook_of_several_sheets(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["at_35kv", 0.5, 0.3]])
    book = openpyxl.load_workbook(path)
    book.create_sheet("备注")
    book.save(path)

    assert [found.code for found in problems(path)] == ["which-sheet"]
    assert [found.code for found in problems(path, "电价")] == ["unknown-sheet"]
    assert table(path, "Sheet") == [["at_35kv", "0.5", "0.3"]]


def test_workbook_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "prices.xlsx"
    path.write_bytes(b"PK\x03\x04 not a workbook")

    assert [found.code for found in problems(path)] == ["workbook-unreadable"]


def test_workbook_reader_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path, [["at_35kv", 0.5, 0.3]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    assert [found.code for found in problems(path)] == ["workbook-reader-missing"]


CELLS = st.text(alphabet='ab,"\n 电', max_size=6).map(lambda text: text.strip(" "))


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=4))
def test_cells_read_back_whatever_they_hold(rows: list[list[str]]) -> None:
    text = "\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: text.encode())

        read = read_csv(Path("prices.csv"), "prices.csv")

    assert read == rows


@given(st.binary(max_size=60) | st.text(alphabet='ab,"\n\r电1-.', max_size=40).map(str.encode))
def test_any_bytes_are_a_table_or_problems(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda _: data)
        patch.setattr(Path, "stat", lambda _: type("Stat", (), {"st_size": len(data)}))
        try:
            rows = read_table(Path("prices.csv"), ["a"], ["b"])
        except ProblemsFound:
            pass
        else:
            assert all(len(row) == 2 for row in rows)
