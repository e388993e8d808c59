"""What is encoded for COPY is what PostgreSQL then holds: read back by psycopg, and as PostgreSQL prints it."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.bulk.copy_binary import BLOCK_ROWS, HEADER, TRAILER, blocks, postgresql_type
from engine.bulk.money import decimals

UTC = dt.UTC
DAY = dt.date
TIME = dt.datetime


def stored(url: str, table: Any, shown: str = "*") -> list[tuple[Any, ...]]:
    """The rows of an Arrow table after a way through PostgreSQL."""
    columns = ", ".join(f'"{one.name}" {postgresql_type(one.type)}' for one in table.schema)
    with psycopg.connect(url) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute(f"CREATE TEMPORARY TABLE t ({columns})".encode())
        with connection.cursor().copy("COPY t FROM STDIN (FORMAT binary)") as copy:
            copy.write(HEADER)
            for block in blocks(table):
                copy.write(block)
            copy.write(TRAILER)
        return connection.execute(f"SELECT {shown} FROM t".encode()).fetchall()


def column(values: Sequence[object], type_: Any) -> Any:
    return pa.table({"a": pa.array(values, type_)})


PLAIN: list[tuple[Any, list[object]]] = [
    (pa.bool_(), [True, False, None]),
    (pa.int8(), [-128, 127, None]),
    (pa.uint16(), [0, 65_535]),
    (pa.int32(), [-(2**31), 2**31 - 1, None, 0]),
    (pa.uint32(), [0, 2**32 - 1]),
    (pa.int64(), [-(2**63), 2**63 - 1, 0, None]),
    (pa.uint64(), [0, 9_999, 10_000, 2**64 - 1, None]),
    (pa.float32(), [0.5, None, -1.25]),
    (pa.float64(), [0.1, -1e300, None]),
    (pa.string(), ["", "电价 ¥0.5483", "a\tb\\N\n", None, "'; DROP TABLE t; --", "𝟚"]),
    (pa.large_string(), ["江苏", None]),
    (pa.binary(), [b"", b"\0\xff", None]),
    (pa.date32(), [DAY(1, 1, 1), DAY(1999, 12, 31), DAY(2000, 1, 1), DAY(2026, 2, 28), None, DAY(9999, 12, 31)]),
    (pa.timestamp("s"), [TIME(1970, 1, 1), TIME(2026, 11, 22, 10, 15, 30), None]),
    (pa.timestamp("us"), [TIME(1999, 12, 31, 23, 59, 59, 999_999), None]),
    (pa.timestamp("ns"), [TIME(2026, 1, 1, 0, 0, 0, 1)]),
    (pa.timestamp("ms", "Asia/Shanghai"), [TIME(2026, 1, 1, tzinfo=UTC), None]),
    (pa.null(), [None, None]),
]


@pytest.mark.parametrize(("type_", "values"), PLAIN, ids=[str(type_) for type_, _ in PLAIN])
def test_values_come_back_as_they_went(type_: Any, values: list[object], postgresql_url: str) -> None:
    assert stored(postgresql_url, column(values, type_)) == [(value,) for value in values]


DECIMALS: list[tuple[int, int, list[str | None]]] = [
    (18, 2, ["0.00", "0.01", "-0.01", "9999.99", "10000.00", "-10000.01", "9999999999999999.99", None]),
    (19, 2, ["92233720368547758.07", "-92233720368547758.08", "99999999999999999.99", None, "0.00"]),
    (5, 0, ["0", "-1", "9999", "10000", "99999", None]),
    (18, 4, ["0.0001", "-0.9999", "1.0000", "99999999999999.9999"]),
    (18, 6, ["0.000001", "0.123456", "-7.000000"]),
    (18, 16, ["0.0000000000000001", "-99.9999999999999999"]),
    (18, 18, ["0.000000000000000001", "-0.999999999999999999", None]),
    (38, 0, ["9" * 38, "-" + "9" * 38, "0", None, "10000", "1" + "0" * 37]),
    (38, 38, ["0." + "9" * 38, "-0." + "0" * 37 + "1"]),
    (38, 19, ["9" * 19 + "." + "9" * 19, "-0." + "0" * 18 + "1", None]),
]


@pytest.mark.parametrize(("precision", "scale", "texts"), DECIMALS)
def test_decimals_are_printed_by_postgresql_as_they_were_written(
    precision: int, scale: int, texts: list[str | None], postgresql_url: str
) -> None:
    """All digits and places, up to 38; PostgreSQL's own text shows the places that it keeps."""
    table = column([None if text is None else Decimal(text) for text in texts], pa.decimal128(precision, scale))

    assert stored(postgresql_url, table, "a::text") == [(text,) for text in texts]
    for text in texts:  # alone, so that its own digits decide how many are written
        alone = column([None if text is None else Decimal(text)], pa.decimal128(precision, scale))
        assert stored(postgresql_url, alone, "a::text") == [(text,)]


def test_decimals_of_other_widths(postgresql_url: str) -> None:
    narrow = column([Decimal("-1.25"), None], pa.decimal32(5, 2)) if hasattr(pa, "decimal32") else None
    if narrow is not None:
        assert stored(postgresql_url, narrow, "a::text") == [("-1.25",), (None,)]
    wide = column([Decimal("-" + "9" * 70 + ".125"), Decimal("0.001"), None], pa.decimal256(76, 3))
    assert stored(postgresql_url, wide, "a::text") == [("-" + "9" * 70 + ".125",), ("0.001",), (None,)]
    hundreds = column([Decimal(1_200), Decimal(-300), None], pa.decimal128(5, -2))
    assert stored(postgresql_url, hundreds, "a::text") == [("1200",), ("-300",), (None,)]


def as_number(octets: bytes) -> Decimal:
    """Read a numeric as PostgreSQL's manual and its `numeric_recv` do."""
    count, weight, sign, places, *digits = struct.unpack(f">hhHH{len(octets) // 2 - 4}H", octets)
    assert count == len(digits)
    assert all(0 <= digit < 10_000 for digit in digits)
    assert sign in (0, 0x4000)
    found = sum((Decimal(digit).scaleb(4 * (weight - at)) for at, digit in enumerate(digits)), Decimal(0))
    return (-found if sign else found).quantize(Decimal(1).scaleb(-places))


@settings(max_examples=200)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=8), st.integers(0, 18))
def test_numbers_of_64_bits_have_the_digits_of_their_decimals(values: list[int], places: int) -> None:
    table = pa.table({"a": decimals(np.array(values, np.int64), places, 19)})

    octets = b"".join(bytes(block) for block in blocks(table))

    rows = [
        octets[at + 6 : at + len(octets) // len(values)] for at in range(0, len(octets), len(octets) // len(values))
    ]
    assert [as_number(one) for one in rows] == [Decimal(value).scaleb(-places) for value in values]


@pytest.mark.parametrize("values", [["cn.jiangsu.residential"], ["aa", "bb"], ["a", "", "电价"]])
@pytest.mark.parametrize("nulls", [False, True])
def test_dictionaries_are_texts(values: list[str], nulls: bool, postgresql_url: str) -> None:
    """Of one text, of texts as long as each other, and of texts that are not; with and without nulls."""
    given = [*values * 3, *([None] if nulls else [])]
    table = pa.table({"a": pa.array(given, pa.string()).dictionary_encode()})

    assert stored(postgresql_url, table) == [(one,) for one in given]


def test_dictionaries_that_differ_from_chunk_to_chunk(postgresql_url: str) -> None:
    chunks = [pa.array(["x", "y"]).dictionary_encode(), pa.array(["z", None]).dictionary_encode()]

    assert stored(postgresql_url, pa.table({"a": pa.chunked_array(chunks)})) == [("x",), ("y",), ("z",), (None,)]


def test_a_null_within_a_dictionary_is_a_null(postgresql_url: str) -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), pa.array(["x", None]))

    assert stored(postgresql_url, pa.table({"a": array})) == [("x",), (None,), ("x",)]


LISTS: list[tuple[Any, list[object]]] = [
    (pa.int64(), [[1, -2, None], [], None, [2**62]]),
    (pa.int32(), [None, None]),
    (pa.string(), [["a", None, "电"], [""], []]),
    (pa.bool_(), [[True, None, False]]),
    (pa.date32(), [[DAY(2026, 1, 1)], None]),
    (pa.decimal128(10, 2), [[Decimal("1.25"), None, Decimal("-10000.01")], [Decimal("0.00")]]),
    (pa.float64(), [[0.5], []]),
]


@pytest.mark.parametrize(("type_", "values"), LISTS, ids=[str(type_) for type_, _ in LISTS])
def test_lists_are_arrays(type_: Any, values: list[object], postgresql_url: str) -> None:
    table = column(values, pa.list_(type_))

    assert stored(postgresql_url, table) == [(value,) for value in values]
    assert stored(postgresql_url, table.slice(1)) == [(value,) for value in values[1:]]


def test_items_under_a_null_are_not_written(postgresql_url: str) -> None:
    validity = pa.py_buffer(bytes([0b101]))
    offsets = pa.py_buffer(np.array([0, 1, 3, 4], np.int32))
    array = pa.Array.from_buffers(
        pa.list_(pa.int32()), 3, [validity, offsets], children=[pa.array([1, 2, 3, 4], pa.int32())]
    )

    assert stored(postgresql_url, pa.table({"a": array})) == [([1],), (None,), ([4],)]


def test_items_with_fields_are_json(postgresql_url: str) -> None:
    type_ = pa.list_(pa.struct([("kva", pa.int32()), ("name", pa.string())]))
    values: list[object] = [[{"kva": 315, "name": "变压器"}], [], None]

    assert stored(postgresql_url, column(values, type_)) == [(value,) for value in values]


def test_rows_of_several_blocks_keep_their_order_and_their_nulls(postgresql_url: str) -> None:
    """More rows than a block has, with nulls and texts of all lengths, given as a slice of a longer table."""
    rows = 2 * BLOCK_ROWS + 7
    numbers = [None if at % 3 == 0 else at * 1_000_003 for at in range(rows)]
    texts = [None if at % 5 == 0 else "x" * (at % 41) for at in range(rows)]
    table = pa.table({"at": pa.array(range(rows), pa.int32()), "n": pa.array(numbers, pa.int64()), "s": texts})

    found = stored(postgresql_url, table.slice(3), "at, n, s")

    assert found == list(zip(range(3, rows), numbers[3:], texts[3:], strict=True))


def test_tables_without_rows_or_columns(postgresql_url: str) -> None:
    assert stored(postgresql_url, column([], pa.decimal128(18, 2))) == []


def test_constants_stand_before_the_columns() -> None:
    """A row byte by byte: three fields; the text `r`, the integer 7, and the number 1.5 of two digits."""
    table = column([Decimal("1.5")], pa.decimal128(18, 1))

    found = b"".join(bytes(block) for block in blocks(table, ("r", 7)))

    assert found.hex(" ", -2) == ("0003 0000 0001 7200 0000 0400 0000 0700 0000 0c00 0200 0000 0000 0100 0113 88")


def test_nanoseconds_are_not_cut_off() -> None:
    with pytest.raises(ValueError, match="nanoseconds"):
        list(blocks(column([1], pa.timestamp("ns"))))


@pytest.mark.parametrize("type_", [pa.duration("s"), pa.month_day_nano_interval(), pa.time64("us")])
def test_types_that_are_not_kept_have_no_name(type_: Any) -> None:
    assert postgresql_type(type_) is None
