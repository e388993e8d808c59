"""Arrow columns become whole numbers, codes, truths and days; what cannot be read stays as it came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.cells import Cells, Wanted, read
from engine.bulk.problems import FileProblem
from engine.compiler.program import InputSpec, Type
from engine.evaluator.columns import Fault, read_column
from engine.evaluator.rows import Column

NUMBER = Wanted(frozenset({"number"}), 2)
CODE = Wanted(frozenset({"code"}))
BOOLEAN = Wanted(frozenset({"boolean"}))
DATE = Wanted(frozenset({"date"}))


def cells(array: pa.Array, wanted: Wanted, metadata: dict[str, str] | None = None) -> Cells:
    return read(array, pa.field("x", array.type, metadata=metadata), wanted, "rows.parquet")


def numbers(column: Column) -> list[Decimal | None]:
    """Read a column back as decimals."""
    given_ = [True] * len(column.values) if column.valid is None else column.valid.tolist()
    return [
        Decimal(int(value)).scaleb(-column.places) if there else None
        for value, there in zip(column.values.tolist(), given_, strict=True)
    ]


def unreadable(found: Cells) -> list[int]:
    return [] if found.unreadable is None else np.flatnonzero(found.unreadable).tolist()


@pytest.mark.parametrize(
    "type_", [pa.decimal128(18, 2), pa.decimal128(38, 2), pa.decimal256(50, 2), pa.decimal64(18, 2), pa.decimal32(9, 2)]
)
def test_decimals_of_every_width(type_: pa.DataType) -> None:
    array = pa.array([Decimal("0.01"), None, Decimal("-12345.67")], type_)

    found = cells(array, NUMBER)

    assert numbers(found.column) == [Decimal("0.01"), None, Decimal("-12345.67")]
    assert unreadable(found) == []


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=30), st.integers(0, 18))
def test_decimal128_is_read_from_its_two_words(wholes: Sequence[int | None], places: int) -> None:
    """Every 64-bit whole number, either sign, with nulls, and in a slice that does not begin at the buffer's start."""
    values = [None if whole is None else Decimal(whole).scaleb(-places) for whole in wholes]
    array = pa.array([Decimal(7), *values], pa.decimal128(38, places)).slice(1)

    found = cells(array, NUMBER)

    assert numbers(found.column) == values
    assert unreadable(found) == []


def test_decimal_beyond_64_bits_keeps_its_text_for_the_door() -> None:
    huge = Decimal("123456789012345678901.25")
    array = pa.array([Decimal("1.00"), huge], pa.decimal128(38, 2))

    found = cells(array, NUMBER)

    assert unreadable(found) == [1]
    assert found.as_came(np.array([1])).values.tolist() == [huge]


def test_whole_numbers_are_scaled_only_where_the_column_says_so() -> None:
    array = pa.array([1234, None], pa.int32())

    plain, scaled = cells(array, NUMBER), cells(array, NUMBER, {"places": "2"})

    assert numbers(plain.column) == [Decimal(1234), None]
    assert numbers(scaled.column) == [Decimal("12.34"), None]


def test_uint64_beyond_int64_is_not_wrapped() -> None:
    array = pa.array([5, 2**63], pa.uint64())

    found = cells(array, NUMBER)

    assert unreadable(found) == [1]
    assert found.as_came(np.array([0, 1])).values.tolist() == [5, 2**63]


@pytest.mark.parametrize("written", ["two", "-1", "19", ""])
def test_places_that_are_no_places(written: str) -> None:
    with pytest.raises(FileProblem) as found:
        cells(pa.array([1]), NUMBER, {"places": written})

    assert found.value.code == "portfolio-places"


def test_text_is_read_as_decimals() -> None:
    array = pa.array(["0", "007.5", "-3.25", None, "12"])

    found = cells(array, NUMBER)

    assert numbers(found.column) == [Decimal(0), Decimal("7.5"), Decimal("-3.25"), None, Decimal(12)]
    assert unreadable(found) == []


@pytest.mark.parametrize(
    "text", ["1,5", "1e3", " 1", "1 ", "１２", "0x10", "nan", "1.", ".5", "--1", "1.005", "99999999999999999999"]
)
def test_text_that_is_not_read_survives(text: str) -> None:
    """What the pattern does not take goes to the door as it stood, beside rows that were read."""
    array = pa.array(["2.50", text])

    found = cells(array, NUMBER)

    assert unreadable(found) == [1]
    assert found.as_came(np.array([1])).values.tolist() == [text]
    assert numbers(found.column)[0] == Decimal("2.50")


@given(st.lists(st.one_of(st.none(), st.decimals(-(10**15), 10**15, places=2)), max_size=30))
def test_text_and_decimals_are_read_alike(values: Sequence[Decimal | None]) -> None:
    texts = pa.array([None if value is None else f"{value:f}" for value in values], pa.string())
    decimals = pa.array(values, pa.decimal128(38, 2))

    assert numbers(cells(texts, NUMBER).column) == numbers(cells(decimals, NUMBER).column)


def test_float64_stays_for_the_door_to_judge() -> None:
    found = cells(pa.array([0.1, None, 2.5]), NUMBER)

    assert found.column.values.dtype == np.float64
    assert found.column.values.tolist() == [0.1, 0.0, 2.5]
    assert found.column.valid is not None
    assert found.column.valid.tolist() == [True, False, True]


@pytest.mark.parametrize("type_", [pa.float32(), pa.float16(), pa.bool_(), pa.date32(), pa.list_(pa.int64())])
def test_types_that_hold_no_exact_number(type_: pa.DataType) -> None:
    with pytest.raises(FileProblem) as found:
        cells(pa.array([], type_), NUMBER)

    assert found.value.code == "portfolio-column-type"
    assert found.value.parameters["column"] == "x"


def test_float32_is_told_what_to_write_instead() -> None:
    with pytest.raises(FileProblem) as found:
        cells(pa.array([], pa.float32()), NUMBER)

    assert str(found.value) == (
        "rows.parquet: portfolio-column-type: the column `x` is float, which has lost digits of a number such as "
        "123456.78.\n"
        "  Write decimal128(18, 2), whole numbers with `places` in the column's metadata, or text."
    )


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["north", None, "south", "north"]),
        pa.array(["north", None, "south", "north"], pa.large_string()),
        pa.array(["north", None, "south", "north"]).dictionary_encode(),
        pa.array(["north", None, "south", "north"], pa.string_view()),
    ],
)
def test_codes(array: pa.Array) -> None:
    found = cells(array, CODE).column

    assert found.codes is not None
    assert found.valid is not None
    texts = [found.codes[at] if there else None for at, there in zip(found.values, found.valid, strict=True)]
    assert texts == ["north", None, "south", "north"]


def test_codes_written_as_whole_numbers() -> None:
    found = cells(pa.array([315, 100, 315]), CODE).column

    assert found.codes is not None
    assert [found.codes[at] for at in found.values] == ["315", "100", "315"]


def test_booleans_and_their_texts() -> None:
    array = pa.array([True, None, False])
    texts = pa.array(["true", None, "false"])

    both = [cells(array, BOOLEAN), cells(texts, BOOLEAN)]

    for found in both:
        assert found.column.values[[0, 2]].tolist() == [1, 0]
        assert found.column.valid is not None
        assert found.column.valid.tolist() == [True, False, True]
        assert unreadable(found) == []


def test_text_that_is_no_truth_survives() -> None:
    found = cells(pa.array(["true", "是"]), BOOLEAN)

    assert unreadable(found) == [1]
    assert found.as_came(np.array([1])).values.tolist() == ["是"]


def test_days() -> None:
    days = [date(2026, 1, 1), None, date(1969, 12, 31)]
    expected = [20454, None, -1]

    for array in (
        pa.array(days, pa.date32()),
        pa.array(days, pa.date64()),
        pa.array(["2026-01-01", None, "1969-12-31"]),
    ):
        found = cells(array, DATE).column
        assert found.valid is not None
        there = [int(v) if ok else None for v, ok in zip(found.values, found.valid, strict=True)]
        assert there == expected


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "20260101", "2026/01/01", "2026-01-01T00:00", ""])
def test_text_that_is_no_day_survives(text: str) -> None:
    found = cells(pa.array(["2026-01-01", text]), DATE)

    assert unreadable(found) == [1]
    assert found.as_came(np.array([1])).values.tolist() == [text]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_timestamp_counts_at_local_midnight(unit: str) -> None:
    """16:00 in London is midnight in Shanghai; an hour later it is no day."""
    shanghai = ZoneInfo("Asia/Shanghai")
    times = [datetime(2026, 1, 2, tzinfo=shanghai), datetime(2026, 1, 2, 1, tzinfo=shanghai)]

    found = cells(pa.array(times, pa.timestamp(unit, tz="Asia/Shanghai")), DATE)

    assert int(found.column.values[0]) == 20455
    assert unreadable(found) == [1]
    assert found.as_came(np.array([1])).values.tolist() == ["2026-01-02 01:00:00+08:00"]


def test_a_timestamp_without_zone_is_refused() -> None:
    with pytest.raises(FileProblem) as found:
        cells(pa.array([0], pa.timestamp("us")), DATE)

    assert "a time without a zone" in str(found.value)


def test_a_column_that_rule_sets_read_differently_goes_as_it_came() -> None:
    found = cells(pa.array(["1", None, "north"]), Wanted(frozenset({"number", "code"}), 2))

    assert found.column.values.tolist() == ["1", None, "north"]


def test_a_column_of_nulls_gives_nothing() -> None:
    found = cells(pa.nulls(3), NUMBER).column

    assert found.valid is not None
    assert not found.valid.any()


def test_scaled_whole_numbers_that_rule_sets_read_differently_keep_their_places() -> None:
    """As objects they went to the door without their places, and 12.34 was read as 1234."""
    of = Type(places=2, low=0, high=10**6)
    found = cells(pa.array([1234, None]), Wanted(frozenset({"number", "code"}), 2), {"places": "2"})

    reading = read_column(InputSpec("kwh", of, optional=True), found.column)

    assert (reading.values.tolist(), reading.faults) == ([1234, 0], None)


def test_scaled_uint64_set_apart_keeps_its_places() -> None:
    found = cells(pa.array([1234, 2**64 - 1], pa.uint64()), Wanted(frozenset({"number"}), 2), {"places": "2"})

    apart = found.as_came(np.array([0, 1]))

    assert apart.values.tolist() == [Decimal("12.34"), Decimal("184467440737095516.15")]


def test_floats_that_rule_sets_read_differently_are_the_numbers_they_are_nearest_to() -> None:
    found = cells(pa.array([12.34, None, 0.1 + 0.2]), Wanted(frozenset({"number", "code"}), 2))

    reading = read_column(InputSpec("kwh", Type(places=2, low=0, high=10**6), optional=True), found.column)

    assert reading.values.tolist()[:2] == [1234, 0]
    assert reading.faults is not None
    assert reading.faults.tolist() == [0, 0, Fault.BINARY_FLOAT]
