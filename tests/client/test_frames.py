"""Columns of every library, read without losing a digit, and refused where digits may be lost already."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dianjia.client import Coded, Items, Scaled
from dianjia.client.described import Kind, Wanted
from dianjia.client.frames import framed
from dianjia.client.values import Column, Days, Flags, Texts
from tests.documents import ROOT

NUMBER = Wanted(Kind.NUMBER, 2)
CODE = Wanted(Kind.CODE)
LIST = Wanted(Kind.TEXT, 0, {"kva": Wanted(Kind.NUMBER, 1), "from_day": Wanted(Kind.DATE)})
ONE = Wanted(Kind.TEXT, 0, {"kwh": Wanted(Kind.NUMBER, 2)})

Library = Callable[[dict[str, Any]], Any]


def in_arrow(columns: dict[str, Any]) -> Any:
    return pd.DataFrame(
        {name: pd.Series(pd.arrays.ArrowExtensionArray(pa.array(one))) for name, one in columns.items()}
    )


LIBRARIES: list[Any] = [
    pytest.param(lambda columns: columns, id="lists"),
    pytest.param(lambda columns: {name: np.array(one, dtype=object) for name, one in columns.items()}, id="objects"),
    pytest.param(lambda columns: pd.DataFrame(columns, dtype=object), id="pandas"),
    pytest.param(in_arrow, id="pandas in arrow"),
    pytest.param(pl.DataFrame, id="polars"),
    pytest.param(pa.table, id="arrow"),
    pytest.param(lambda columns: pa.RecordBatch.from_pydict(columns), id="arrow batch"),
]


def read(frame: Any, wanted: Wanted, start: int = 0, stop: int | None = None) -> Column:
    own = framed(frame)
    return own.column("x", wanted, start, own.rows if stop is None else stop)


def numbers(column: Column) -> list[Decimal | None]:
    assert isinstance(column, Scaled)
    given = np.ones(len(column), dtype=bool) if column.given is None else column.given
    return [value if there else None for value, there in zip(column.decimals(), given.tolist(), strict=True)]


@pytest.mark.parametrize("library", LIBRARIES)
def test_decimals(library: Library) -> None:
    """Decimals keep every digit; one that is missing is not given; a slice begins where it says."""
    values = [Decimal("0.01"), None, Decimal("-12345678901234567.89"), Decimal("92233720368547758.07"), Decimal("5.00")]

    column = read(library({"x": values}), NUMBER)
    piece = read(library({"x": values}), NUMBER, 2, 4)

    assert values == numbers(column)
    assert values[2:4] == numbers(piece)


@pytest.mark.parametrize("library", LIBRARIES)
def test_more_places_than_declared(library: Library) -> None:
    """A value with more places is sent with them, for the service to refuse its row; it is never rounded."""
    values = [Decimal("1.50"), Decimal("1.005"), None]

    column = read(library({"x": values}), NUMBER)

    assert values == numbers(column)


@pytest.mark.parametrize("library", LIBRARIES)
def test_beyond_64_bits(library: Library) -> None:
    """What 64 bits cannot hold goes as text, digit by digit."""
    values = [Decimal("92233720368547758.08"), Decimal("1.00"), None]

    column = read(library({"x": values}), NUMBER)

    assert isinstance(column, Texts)
    assert column.given is not None
    assert [Decimal("92233720368547758.08"), Decimal(1)] == [Decimal(text) for text in column.values[:2]]
    assert [True, True, False] == column.given.tolist()


@pytest.mark.parametrize("wanted", [NUMBER, Wanted(Kind.MIXED, 2)])
def test_arrow_as_text_has_no_exponent(wanted: Wanted) -> None:
    """Arrow writes zero with nine places as 0E-9, which the service takes for no number."""
    values = [Decimal(0), Decimal("0.000000001"), Decimal("9300000000"), None]

    column = read(pa.table({"x": pa.array(values, pa.decimal128(38, 9))}), wanted)

    assert isinstance(column, Texts)
    assert ["0.000000000", "0.000000001", "9300000000.000000000", ""] == column.values.tolist()


@pytest.mark.parametrize("scale", [18, 30])
@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_wide_scale(library: str, scale: int) -> None:
    """Decimals of a wide scale, as Spark writes them, are brought to the declared places where nothing is lost."""
    array = pa.array([Decimal("99999.25"), None, Decimal("-0.50")], pa.decimal128(38, scale))
    frame = pa.table({"x": array})

    column = read(frame if library == "arrow" else pl.from_arrow(frame), NUMBER)

    assert isinstance(column, Scaled)
    assert (column.places, [9_999_925, 0, -50]) == (2, np.where(column.values == 0, 0, column.values).tolist())
    assert [Decimal("99999.25"), None, Decimal("-0.50")] == numbers(column)


@pytest.mark.parametrize("type_", [pa.decimal32(7, 2), pa.decimal64(12, 2), pa.decimal256(50, 2)])
def test_every_width_of_arrow(type_: Any) -> None:
    """Decimals of any width, also in several pieces and with an offset."""
    values = [Decimal("1.25"), None, Decimal("-3.50"), Decimal("7.00")]
    column = pa.chunked_array([pa.array(values[:2], type_), pa.array(values, type_).slice(2)])

    found = read(pa.table({"x": column}), NUMBER, 1, 4)

    assert values[1:] == numbers(found)


@pytest.mark.parametrize("library", LIBRARIES)
def test_whole_numbers(library: Library) -> None:
    """Whole numbers are what they say, whatever places are declared."""
    column = read(library({"x": [1, -2, 10**15]}), NUMBER)

    assert [Decimal(1), Decimal(-2), Decimal(10**15)] == numbers(column)


def test_arrow_places_in_metadata() -> None:
    """Whole numbers whose field says `places` are of that smallest place, as in the files of `dianjia run`."""
    field = pa.field("x", pa.int64(), metadata={"places": "2"})

    column = read(pa.Table.from_arrays([pa.array([1234, None])], schema=pa.schema([field])), NUMBER)

    assert [Decimal("12.34"), None] == numbers(column)


def test_nullable_pandas() -> None:
    """pandas' own whole numbers and booleans with missing values."""
    frame = pd.DataFrame({"x": pd.array([7, None], dtype="Int64"), "y": pd.array([True, None], dtype="boolean")})

    whole = framed(frame).column("x", NUMBER, 0, 2)
    flags = framed(frame).column("y", Wanted(Kind.BOOLEAN), 0, 2)

    assert [Decimal(7), None] == numbers(whole)
    assert isinstance(flags, Flags)
    assert flags.given is not None
    assert ([True, False], [True, False]) == (flags.values.tolist(), flags.given.tolist())


def test_unsigned_pandas() -> None:
    """pandas' own whole numbers above 2^63 go as text; they never turn negative."""
    frame = pd.DataFrame({"x": pd.array([2**63 + 1, None], dtype="UInt64")})

    column = read(frame, NUMBER)

    assert isinstance(column, Texts)
    assert [str(2**63 + 1), ""] == column.values.tolist()


def test_masked_array() -> None:
    """A masked array says by its mask what is not given."""
    array = np.ma.MaskedArray(np.array([1, 2, 3]), [False, True, False])

    bare, scaled = read({"x": array}, NUMBER), read({"x": Scaled(array, 2)}, NUMBER)

    assert [Decimal(1), None, Decimal(3)] == numbers(bare)
    assert [Decimal("0.01"), None, Decimal("0.03")] == numbers(scaled)


FLOATS: list[Any] = [
    pytest.param({"x": np.array([1.5])}, id="numpy"),
    pytest.param({"x": [1.5]}, id="list"),
    pytest.param({"x": np.array([1.5], dtype=np.float32)}, id="float32"),
    pytest.param(pd.DataFrame({"x": [1.5]}), id="pandas"),
    pytest.param(pd.DataFrame({"x": [1, None]}), id="pandas with a gap"),
    pytest.param(pd.DataFrame({"x": pd.array([1.5], dtype="Float64")}), id="pandas Float64"),
    pytest.param(pd.DataFrame({"x": [Decimal(1), 1.5]}, dtype=object), id="pandas objects"),
    pytest.param(in_arrow({"x": [1.5]}), id="pandas in arrow"),
    pytest.param(pl.DataFrame({"x": [1.5]}), id="polars"),
    pytest.param(pa.table({"x": [1.5]}), id="arrow"),
]


@pytest.mark.parametrize("frame", FLOATS)
def test_binary_floats_are_refused(frame: Any) -> None:
    """No library's floats are taken, and the message says what to pass."""
    with pytest.raises(ValueError) as raised:
        read(frame, NUMBER)

    assert str(raised.value).startswith("`x` ")
    assert "Pass decimals, whole numbers or text; Scaled.of_floats" in str(raised.value)


def test_floats_beyond_doubt() -> None:
    """`of_floats` takes the nearest doubles to decimals, and no trace of arithmetic."""
    column = Scaled.of_floats(np.array([41.5, 0.1, np.nan, -2.675]), 3)
    with pytest.raises(ValueError) as raised:
        Scaled.of_floats(np.array([41.5, 0.1 + 0.2]), 2)
    with pytest.raises(ValueError):
        Scaled.of_floats(np.array([0.1], dtype=np.float32), 2)
    with pytest.raises(ValueError):
        Scaled.of_floats(np.array([2.0**60]), 0)

    assert [Decimal("41.500"), Decimal("0.100"), None, Decimal("-2.675")] == numbers(column)
    assert "row 1: 0.30000000000000004 is not the nearest binary float" in str(raised.value)


@pytest.mark.parametrize("library", LIBRARIES)
def test_days(library: Library) -> None:
    """Days are days, also before 1970."""
    column = read(library({"x": [date(2026, 1, 31), None, date(1969, 12, 31)]}), Wanted(Kind.DATE))

    assert isinstance(column, Days)
    assert column.given is not None
    assert ([20_484, 0, -1], [True, False, True]) == (column.values.tolist(), column.given.tolist())


def test_instants_are_no_days() -> None:
    """A timestamp is taken at midnight without a zone where the library has no days, and nowhere else."""
    midnight = pd.DataFrame({"x": np.array(["2026-01-31", "NaT"], dtype="datetime64[s]")})

    column = read(midnight, Wanted(Kind.DATE))

    assert isinstance(column, Days)
    assert [20_484, 0] == column.values.tolist()
    for frame in (
        pd.DataFrame({"x": pd.to_datetime(["2026-01-31 08:00"])}),
        pd.DataFrame({"x": pd.to_datetime(["2026-01-31"]).tz_localize("Asia/Shanghai")}),
        pl.DataFrame({"x": [datetime(2026, 1, 31)]}),
        pa.table({"x": pa.array([datetime(2026, 1, 31)], pa.timestamp("us"))}),
        {"x": [datetime(2026, 1, 31, tzinfo=UTC)]},
        {"x": np.array(["2026-01-31T08"], dtype="datetime64[h]")},
    ):
        with pytest.raises(ValueError, match="`x`"):
            read(frame, Wanted(Kind.DATE))


CODES: list[Any] = [
    *LIBRARIES,
    pytest.param(lambda columns: pd.DataFrame(columns), id="pandas strings"),
    pytest.param(lambda columns: pd.DataFrame(columns, dtype="category"), id="pandas category"),
    pytest.param(lambda columns: pl.DataFrame(columns).cast(pl.Categorical), id="polars category"),
    pytest.param(lambda columns: pl.DataFrame(columns).cast(pl.Enum(["z", "b", "a"])), id="polars enum"),
    pytest.param(lambda columns: pa.table({"x": pa.array(columns["x"]).dictionary_encode()}), id="arrow dictionary"),
    pytest.param(lambda columns: pa.table({"x": pa.array(columns["x"], pa.string_view())}), id="arrow view"),
]


@pytest.mark.parametrize("library", CODES)
def test_codes(library: Library) -> None:
    """Codes come from text, categories and dictionaries alike."""
    column = read(library({"x": ["a", "b", None, "a"]}), Wanted(Kind.CODE))

    assert isinstance(column, Coded)
    assert ["a", "b", None, "a"] == column.texts().tolist()


def test_dictionaries_that_differ() -> None:
    """Pieces of a chunked column may have dictionaries of their own, with texts twice or none."""
    first = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["a", "b", None]))
    second = pa.DictionaryArray.from_arrays(pa.array([1, 0, None]), pa.array(["c", "a"]))

    column = read(pa.table({"x": pa.chunked_array([first, second])}), Wanted(Kind.CODE))

    assert isinstance(column, Coded)
    assert ["a", "b", None, "a", "c", None] == column.texts().tolist()


def test_codes_of_digits() -> None:
    """Whole numbers stand for codes that are digits."""
    for frame in (
        {"x": np.array([10, 20])},
        pd.DataFrame({"x": [10, 20]}),
        pl.DataFrame({"x": [10, 20]}),
        pa.table({"x": [10, 20]}),
    ):
        column = read(frame, Wanted(Kind.CODE))

        assert isinstance(column, Coded)
        assert ["10", "20"] == column.texts().tolist()


@pytest.mark.parametrize("library", LIBRARIES)
def test_booleans(library: Library) -> None:
    """True, false, and not given."""
    column = read(library({"x": [True, None, False]}), Wanted(Kind.BOOLEAN))

    assert isinstance(column, Flags)
    assert column.given is not None
    assert ([True, False, False], [True, False, True]) == (column.values.tolist(), column.given.tolist())


ITEMS = [
    [
        {"kva": Decimal("630.5"), "from_day": date(2026, 1, 1)},
        {"kva": Decimal("1000.0"), "from_day": date(2026, 1, 15)},
    ],
    None,
    [],
    [{"kva": Decimal("1.0"), "from_day": None}],
]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(("start", "stop"), [(0, 4), (1, 4), (3, 4), (0, 1)])
def test_lists(library: Library, start: int, stop: int) -> None:
    """Lists of items: none given, an empty one, an item without an input; a slice begins at its own items."""
    column = read(library({"x": ITEMS}), LIST, start, stop)

    rows = ITEMS[start:stop]
    flat = [item for row in rows for item in row or []]
    assert isinstance(column, Items)
    given = np.ones(len(rows), dtype=bool) if column.given is None else column.given
    assert [len(row or []) for row in rows] == column.lengths.tolist()
    assert [row is not None for row in rows] == given.tolist()
    assert [item["kva"] for item in flat] == numbers(column.columns["kva"])
    days = column.columns["from_day"]
    absent = [False] * len(flat) if days.given is None else (~days.given).tolist()
    assert [item["from_day"] is None for item in flat] == absent


@pytest.mark.parametrize("library", LIBRARIES)
def test_lists_of_plain_values(library: Library) -> None:
    """A list with one input is a list of plain values."""
    column = read(library({"x": [[Decimal("0.25"), Decimal("0.50")], None, [Decimal("1.00")]]}), ONE)

    assert isinstance(column, Items)
    assert [2, 0, 1] == column.lengths.tolist()
    assert [Decimal("0.25"), Decimal("0.50"), Decimal(1)] == numbers(column.columns["kwh"])


def test_lists_of_one_length() -> None:
    """Two axes (row, interval) of numpy, a fixed-size list of Arrow, an Array of Polars; and Items as they are."""
    whole = np.array([[25, 50], [75, 100]])
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(whole.reshape(-1)), 2)
    frames = (
        {"x": whole},
        {"x": Items(np.array([2, 2]), {"kwh": whole.reshape(-1)})},
        pa.table({"x": fixed}),
        pl.DataFrame({"x": pl.Series(whole, dtype=pl.Array(pl.Int64, 2))}),
    )

    for frame in frames:
        column = read(frame, ONE)

        assert isinstance(column, Items)
        assert ([2, 2], [25, 50, 75, 100]) == (
            column.lengths.tolist(),
            [int(one or 0) for one in numbers(column.columns["kwh"])],
        )


WRONG: list[Any] = [
    pytest.param(
        {"x": np.array(["2026-01-01"], dtype="datetime64[D]")},
        NUMBER,
        "`x` is a column of datetime64[D]",
        id="days for a number",
    ),
    pytest.param({"x": [True]}, NUMBER, "`x` holds values of bool; it takes decimal numbers", id="bool for a number"),
    pytest.param(pd.DataFrame({"x": pd.Categorical([1.0, 2.0])}), CODE, "categories of float64", id="categories"),
    pytest.param({"x": np.zeros((2, 2, 2))}, ONE, "`x` is a column of float64 of shape (2, 2, 2)", id="three axes"),
    pytest.param(
        {"x": np.zeros((2, 2), dtype=int)}, NUMBER, "`x` has the shape (2, 2); a column has one axis", id="two axes"
    ),
    pytest.param({"x": [1, 2], "y": [1]}, NUMBER, "`y` has 1 rows, `x` 2", id="lengths"),
    pytest.param({"x": "a"}, NUMBER, "pass at least one column", id="no column"),
    pytest.param([1, 2], NUMBER, "came builtins.list; pass a mapping of numpy arrays", id="no frame"),
    pytest.param(pl.LazyFrame({"x": [1]}), NUMBER, "a LazyFrame holds no rows yet", id="lazy"),
    pytest.param(
        pd.DataFrame([[1, 2]], columns=["x", "x"]), NUMBER, "column names are texts, each once", id="pandas twice"
    ),
    pytest.param(pa.table([[1], [2]], names=["x", "x"]), NUMBER, "column names come twice", id="arrow twice"),
    pytest.param(pa.table({"x": [b"1"]}), NUMBER, "`x` is a column of binary", id="bytes"),
    pytest.param({"x": ["a"]}, LIST, "`x` is a list; row 0 holds 'a'", id="text for a list"),
    pytest.param({"x": [[{"kw": 1}]]}, LIST, "`x` has no `kw`; an item has `kva`, `from_day`", id="unknown item"),
    pytest.param(pa.table({"x": [[{"kw": 1}]]}), LIST, "`x` has no `kw`", id="unknown item in arrow"),
    pytest.param(pl.DataFrame({"x": [[{"kw": 1}]]}), LIST, "`x` has no `kw`", id="unknown item in polars"),
    pytest.param({"x": [[1]]}, LIST, "an item of `x` is a mapping with `kva`, `from_day`", id="plain items"),
    pytest.param({"x": Scaled(np.array([1]))}, LIST, "`x` is a column of Scaled", id="scaled for a list"),
    pytest.param(
        {"x": Scaled(np.array([1]), 2)}, Wanted(Kind.BOOLEAN), "`x` is a column of Scaled", id="scaled for a bool"
    ),
]  # fmt: skip - a table


@pytest.mark.parametrize(("frame", "wanted", "said"), WRONG)
def test_malformed_frames(frame: Any, wanted: Wanted, said: str) -> None:
    """What cannot be a column is refused with what came and what to pass."""
    with pytest.raises(ValueError) as raised:
        read(frame, wanted)

    assert said in str(raised.value)


def test_malformed_values() -> None:
    """Scaled, Coded and Items check what they are made of."""
    for make, said in (
        (lambda: Scaled(np.array([1.5])), "Scaled holds whole numbers of the smallest place; came an array of float64"),
        (lambda: Scaled(np.array([1]), 19), "places is 0 to 18; came 19"),
        (lambda: Scaled(np.array([[1]])), "a column has one axis, row; came an array of shape (1, 1)"),
        (lambda: Scaled(np.array([2**63], dtype=np.uint64)), "whole numbers below 2^63"),
        (lambda: Scaled(np.array([1]), 0, np.array([1])), "given is bool of shape (1,); came int64"),
        (lambda: Coded(np.array([2]), ("a", "b")), "positions are 0 to 1; came 2 to 2"),
        (
            lambda: Items(np.array([2]), {"kva": np.array([1])}),
            "`kva` has 1 items; the lengths of the lists add up to 2",
        ),
        (lambda: Items(np.array([-1]), {}), "lengths are whole numbers from 0"),
        (lambda: Scaled.of_decimals([Decimal(1), Decimal("0.001")], 2), "row 1: Decimal('0.001') is no decimal number"),
    ):
        with pytest.raises(ValueError) as raised:
            make()

        assert said in str(raised.value)


def test_nothing_is_imported_that_did_not_come() -> None:
    """The client needs numpy alone: pandas, Polars and Arrow stay where they are, and so does the engine."""
    code = (
        "import sys, numpy, dianjia.client; from dianjia.client.frames import framed;"
        "framed({'x': numpy.arange(3)});"
        "print([name for name in ('pandas', 'polars', 'pyarrow', 'engine', 'grpc_status') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "proto")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"
