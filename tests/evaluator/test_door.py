"""What the door lets in, what it refuses, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler.program import END_DAY, FIRST_DAY, Compiled, InputSpec, Refusal, Type, Version
from engine.evaluator.columns import Fault, of_float, read_column
from engine.evaluator.door import Door, admit
from engine.evaluator.row_door import Fault as RowFault
from engine.evaluator.row_door import admit_row
from engine.evaluator.rows import Column, Rows, UnknownColumns
from tests.evaluator.builder import END, START, Builder, batch

KWH = InputSpec("kwh", Type(places=2, low=0, high=100000))
CODE = InputSpec("voltage", Type("code", high=2, codes=("low", "10", "high")))
DAY = InputSpec("since", Type("date", low=START, high=END))
FLAG = InputSpec("poor", Type("boolean", low=0, high=1))


def objects(*values: object) -> Column:
    array = np.empty(len(values), object)
    array[:] = values
    return Column(array)


def read(spec: InputSpec, column: Column) -> list[object]:
    """Value, or code of the fault, of each row; None where an optional one is absent."""
    found = read_column(spec, column)
    rows = len(column.values)
    faults = [0] * rows if found.faults is None else found.faults.tolist()
    given = [True] * rows if found.given is None else found.given.tolist()
    values = found.values.tolist()
    return [
        Fault(fault).code if fault else value if there else None
        for value, fault, there in zip(values, faults, given, strict=True)
    ]


def one_input(spec: InputSpec, **more: object) -> Compiled:
    b = Builder()
    b.line("x", b.literal(0))
    compiled = b.compiled(0, **more)  # type: ignore[arg-type]  # fields by name
    return replace(compiled, program=replace(compiled.program, inputs=(spec,)))


def codes(door: Door) -> list[tuple[int, str, str, str]]:
    return [(one.row, one.code, one.field, one.value) for one in door.problems]


class TestNumbers:
    def test_whole_numbers_of_the_declared_places_are_not_copied(self) -> None:
        values = np.array([0, 4150, 100000])

        found = read_column(KWH, Column(values, 2))

        assert found.values is values
        assert (found.given, found.faults) == (None, None)

    def test_bounds(self) -> None:
        assert read(KWH, Column(np.array([-1, 0, 100000, 100001]), 2)) == ["out-of-bounds", 0, 100000, "out-of-bounds"]

    @pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64])
    def test_fewer_places_are_rescaled(self, dtype: type) -> None:
        assert read(KWH, Column(np.array([0, 1, 100], dtype))) == [0, 100, 10000]

    def test_fewer_places_do_not_overflow(self) -> None:
        wide = replace(KWH, type=Type(places=18, low=-(10**18), high=10**18))

        assert read(wide, Column(np.array([1, -1, 2, 2**62]))) == [10**18, -(10**18), "out-of-bounds", "out-of-bounds"]
        assert read(KWH, Column(np.array([2**64 - 1, 5], np.uint64))) == ["out-of-bounds", 500]

    def test_more_places_must_be_zeros(self) -> None:
        came = Column(np.array([1230, 1231, -10, 10**15, -1]), 3)

        assert read(KWH, came) == [123, "too-many-places", "out-of-bounds", "out-of-bounds", "too-many-places"]
        assert read(KWH, Column(np.array([100, 101], np.uint8), 4)) == [1, "too-many-places"]

    def test_a_float_must_be_the_nearest_to_a_number_of_the_places(self) -> None:
        came = np.array([1.1, 41.5, 0.1 + 0.2, 1.234, float("nan"), float("inf"), -0.0, 1000.01, 1e300])

        assert read(KWH, Column(came)) == [
            *(110, 4150, "binary-float", "too-many-places"),
            *("not-a-number", "not-a-number", 0, "out-of-bounds", "out-of-bounds"),
        ]

    @given(st.integers(0, 10**15), st.integers(0, 6))
    def test_every_decimal_comes_back_from_its_nearest_float(self, whole: int, places: int) -> None:
        spec = replace(KWH, type=Type(places=places, low=0, high=10**15))
        nearest = float(Decimal(whole).scaleb(-places))

        expected: object = whole if whole <= 2**50 else "out-of-bounds"
        assert read(spec, Column(np.array([nearest]))) in ([whole], [expected])

    @given(st.integers(1, 2**40), st.integers(0, 4), st.sampled_from([-1, 1]))
    def test_the_float_beside_it_does_not(self, whole: int, places: int, step: int) -> None:
        spec = replace(KWH, type=Type(places=places, low=0, high=2**41))
        beside = np.nextafter(float(Decimal(whole).scaleb(-places)), step * np.inf)

        assert read(spec, Column(np.array([beside]))) in (["binary-float"], ["too-many-places"])

    def test_text_and_objects(self) -> None:
        came = [
            "41.50",
            "0041.5",
            "+1",
            "41.505",
            "41.500",
            "-1",
            "1e3",
            " 1",
            "1 ",
            "1,5",
            "４１",
            "",
            ".5",
            "5.",
            "1_0",
        ]
        texts = [4150, 4150, 100, "too-many-places", 4150, "out-of-bounds", *["not-a-number"] * 9]

        assert read(KWH, objects(*came)) == texts
        assert read(KWH, Column(np.array(came))) == texts

    def test_other_objects(self) -> None:
        came = objects(
            7, Decimal("1.10"), Decimal("1.101"), True, 1.5, None, [], Decimal("NaN"), Decimal("1E+2"), 10**40
        )

        assert read(KWH, came) == [
            *(700, 110, "too-many-places", "not-a-number", "binary-float", "missing-value"),
            *("not-a-number", "not-a-number", 10000, "out-of-bounds"),
        ]

    def test_equal_objects_of_different_kinds_are_told_apart(self) -> None:
        assert read(KWH, objects(True, 1, 1.0, Decimal(1), "1")) == ["not-a-number", 100, "binary-float", 100, 100]

    def test_booleans_and_dates_are_no_numbers(self) -> None:
        assert read(KWH, Column(np.array([True]))) == ["not-a-number"]
        assert read(KWH, Column(np.array(["2026-01-01"], "datetime64[D]"))) == ["not-a-number"]


class TestOtherKinds:
    def test_codes_by_dictionary(self) -> None:
        column = Column(np.array([2, 0, 1, 0], np.int32), codes=("high", "none", "low"))

        assert read(CODE, column) == [0, 2, "unknown-code", 2]

    def test_a_dictionary_may_hold_what_no_row_names(self) -> None:
        column = Column(np.array([0, -1]), valid=np.array([True, False]), codes=("high", "none"))

        assert read(replace(CODE, optional=True), column) == [2, None]

    def test_a_position_outside_the_dictionary_is_the_callers_fault(self) -> None:
        with pytest.raises(ValueError, match="a dictionary of 1 texts has no position"):
            read(CODE, Column(np.array([1]), codes=("high",)))

    def test_numbers_by_dictionary(self) -> None:
        assert read(KWH, Column(np.array([0, 1, 0]), codes=("1.5", "x"))) == [150, "not-a-number", 150]

    def test_codes_by_text_or_number(self) -> None:
        assert read(CODE, objects("low", "LOW", 10, None)) == [0, "unknown-code", 1, "missing-value"]
        assert read(CODE, Column(np.array([10, 11]))) == [1, "unknown-code"]
        assert read(CODE, Column(np.array([1.0]))) == ["unknown-code"]

    def test_booleans(self) -> None:
        assert read(FLAG, Column(np.array([True, False]))) == [True, False]
        assert read(FLAG, Column(np.array([0, 1, 2], np.uint8))) == [False, True, "unknown-code"]
        assert read(FLAG, objects("true", "false", "0", "1", "yes", True, 1)) == [
            *(True, False, False, True, "unknown-code", True, True)
        ]
        assert read(FLAG, Column(np.array([1.0]))) == ["unknown-code"]

    def test_dates(self) -> None:
        assert read(DAY, Column(np.array([START, END + 1]))) == [START, "out-of-bounds"]
        assert read(DAY, Column(np.array(["2026-01-02", "NaT"], "datetime64[D]"))) == [START + 1, "out-of-bounds"]
        came = objects(
            date(2026, 1, 3), "2026-01-04", "20260104", "2026-02-30", datetime(2026, 1, 3, tzinfo=UTC), START
        )
        assert read(DAY, came) == [START + 2, START + 3, "bad-date", "bad-date", "bad-date", START]
        assert read(DAY, Column(np.array([1.0]))) == ["bad-date"]


class TestAbsence:
    def test_required_optional_and_default(self) -> None:
        column = Column(np.array([500, -7]), 2, np.array([True, False]))

        assert read(KWH, column) == [500, "missing-value"]
        assert read(replace(KWH, optional=True), column) == [500, None]
        found = read_column(replace(KWH, default=300, optional=True), column)
        assert found.values.tolist() == [500, 300]
        assert found.given is not None
        assert found.given.tolist() == [True, False]

    def test_a_column_that_is_not_there(self) -> None:
        compiled = one_input(KWH)

        assert codes(admit(compiled, batch({}, 2))) == [
            (0, "missing-value", "kwh", ""),
            (1, "missing-value", "kwh", ""),
        ]
        door = admit(one_input(replace(KWH, optional=True)), batch({}, 2))
        assert (door.inputs["kwh"].tolist(), door.given["kwh"].tolist()) == ([0, 0], [False, False])


def periods(*pairs: tuple[int, int]) -> Rows:
    rows = batch({}, len(pairs))
    first, end = (np.array(column) for column in zip(*pairs, strict=True))
    return replace(rows, period_from=first, period_to=end)


class TestDays:
    def test_periods(self) -> None:
        least = int(np.iinfo(np.int64).min)
        rows = periods(
            (START, START + 1),
            (START, START),
            (START + 1, START),
            (FIRST_DAY - 1, START),
            (START, END_DAY),
            (least, START),
            (10**12, 10**13),
        )

        door = admit(one_input(replace(KWH, optional=True)), rows)

        assert door.kept.tolist() == [0]
        assert codes(door) == [
            (1, "bad-period", "period_to", "2026-01-01"),
            (2, "bad-period", "period_to", "2026-01-01"),
            (3, "bad-date", "period_from", "1989-12-31"),
            (4, "bad-date", "period_to", "2100-01-01"),
            (5, "missing-value", "period_from", ""),
            (6, "bad-date", "period_from", "1000000000000"),
        ]

    @pytest.mark.parametrize(
        ("version_by", "expected"), [("period_from", [0, 0, 1]), ("last_day", [0, 1, 1]), ("reading_day", [1, 1, 1])]
    )
    def test_the_day_that_picks_the_version(self, version_by: str, expected: Sequence[int]) -> None:
        versions = (Version(START, START + 10), Version(START + 10, END))
        compiled = one_input(replace(KWH, optional=True), versions=versions, version_by=version_by)
        rows = periods((START + 5, START + 10), (START + 5, START + 11), (START + 10, START + 20))

        door = admit(compiled, rows)

        assert door.version.tolist() == expected

    def test_days_without_a_price(self) -> None:
        missing = Refusal("no-price-in-force", "prices", place=KWH.place)
        versions = (Version(START, START + 10), Version(START + 10, START + 20, (missing,)), Version(START + 30, END))
        compiled = one_input(replace(KWH, optional=True), versions=versions, end_day=START + 50)
        rows = periods(*((START + day, START + day + 1) for day in (-1, 0, 9, 10, 19, 20, 29, 30, 49, 50)))

        door = admit(compiled, rows)

        assert door.kept.tolist() == [1, 2, 7, 8]
        assert door.version.tolist() == [0, 0, 2, 2]
        assert codes(door) == [
            (0, "no-price-in-force", "cn.test.hand", "2025-12-31"),
            (3, "no-price-in-force", "prices", "2026-01-11"),
            (4, "no-price-in-force", "prices", "2026-01-20"),
            (5, "no-price-in-force", "cn.test.hand", "2026-01-21"),
            (6, "no-price-in-force", "cn.test.hand", "2026-01-30"),
            (9, "no-price-in-force", "cn.test.hand", "2026-02-20"),
        ]
        assert door.problems[1].reason == "no price of `prices` is in force on 2026-01-11."

    def test_a_change_strictly_inside(self) -> None:
        compiled = one_input(replace(KWH, optional=True), change_days=(START - 50, START + 10, START + 20, START + 400))
        rows = periods((START, START + 10), (START, START + 11), (START + 10, START + 20), (START + 9, START + 300))

        door = admit(compiled, rows)

        assert door.kept.tolist() == [0, 2]
        assert [one.reason for one in door.problems] == [
            "the billing period 2026-01-01 to 2026-01-12 crosses the change of 2026-01-11.",
            "the billing period 2026-01-10 to 2026-10-28 crosses the change of 2026-01-11.",
        ]


def test_the_first_problem_wins() -> None:
    """Days, version, crossing, then inputs as declared."""
    b = Builder()
    b.input("a", 0, 0, 9)
    b.input("b", 0, 0, 9)
    b.line("x", 0)
    compiled = b.compiled(0, change_days=(START + 5,))
    rows = batch({"a": np.full(5, 10), "b": np.full(5, 10)}, 5)
    rows = replace(
        rows,
        period_from=np.array([START, START - 1, START, START, START]),
        period_to=np.array([START, START + 9, START + 9, START + 5, START + 5]),
        columns={"a": Column(np.array([10, 10, 10, 10, 9])), "b": rows.columns["b"]},
    )

    assert [(one.code, one.field) for one in admit(compiled, rows).problems] == [
        ("bad-period", "period_to"),
        ("no-price-in-force", "cn.test.hand"),
        ("period-crosses-change", "period_to"),
        ("out-of-bounds", "a"),
        ("out-of-bounds", "b"),
    ]


def test_reasons_name_value_and_bounds() -> None:
    found = admit(one_input(KWH), batch({"kwh": Column(np.array([10**8, -5]), 3)}, 2)).problems

    assert [one.reason for one in found] == [
        "`kwh` is 100000.000, outside 0.00 to 1000.00.",
        "`kwh` is -0.005, with more than 2 decimals.",
    ]


def test_refused_rows_leave_the_columns() -> None:
    door = admit(one_input(KWH), batch({"kwh": Column(np.array([1, -1, 3]), 2)}, 3))

    assert door.kept.tolist() == [0, 2]
    assert door.inputs["kwh"].tolist() == [1, 3]
    assert door.inputs["day"].tolist() == [START, START]
    assert door.version.tolist() == [0, 0]
    assert door.received == 3


def test_unknown_columns_stop_the_batch() -> None:
    rows = batch({"kwh": np.zeros(1, np.int64), "kwhh": np.zeros(1, np.int64)}, 1)

    with pytest.raises(UnknownColumns, match="unknown-column: the rule set reads no `kwhh`; it reads `kwh`"):
        admit(one_input(KWH), rows)
    assert admit(one_input(KWH), rows, pass_through={"kwhh"}).received == 1


VALUES: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 2000),
    st.decimals(-10, 2000, allow_nan=True, places=3),
    st.sampled_from(["low", "high", "10", "true", "false", "0", "1", "yes", "", "12.50", "2026-01-05", "1.", "x", 1.5]),
    st.dates(date(2025, 12, 1), date(2026, 3, 1)),
)


@given(st.lists(VALUES, min_size=1, max_size=8), st.sampled_from([KWH, CODE, DAY, FLAG]), st.booleans())
def test_columns_and_single_rows_are_refused_alike(values: list[object], spec: InputSpec, optional: bool) -> None:
    """The reference has a door of its own, written apart."""
    spec = replace(spec, optional=optional)
    compiled = one_input(spec)

    door = admit(compiled, batch({spec.name: objects(*values)}, len(values)))

    single = [admit_row(compiled, {spec.name: value}, START, START + 28) for value in values]
    refused = [(row, one) for row, one in enumerate(single) if isinstance(one, RowFault)]
    assert [(row, one.code, one.field, one.value) for row, one in refused] == codes(door)
    billed = [one for one in single if not isinstance(one, RowFault)]
    wholes = [one.inputs.get(spec.name) for one in billed]
    places = spec.type.places
    assert [spec.type.low if one is None else int(one.scaleb(places)) for one in wholes] == [
        int(one) for one in door.inputs[spec.name].tolist()
    ]


@pytest.mark.parametrize("spec", [KWH, CODE, DAY, FLAG], ids=lambda spec: spec.name)
@pytest.mark.parametrize(
    "came",
    [
        *("", "0", "1", "+1", "01", "1.000", "0." + "0" * 45, "0" * 50 + "5", "1" * 60, "1e3", "low", "10", "true"),
        *("True", "2026-01-15", "2050-01-01", "2026-1-15"),
        *(None, True, False, 0, 1, 10, -1, 10**30, 1.0, 1e-7, 0.1 + 0.2, float("nan"), START, START - 1),
        *(date(2026, 1, 15), date(2050, 1, 1), datetime(2026, 1, 15)),
        *map(Decimal, ("1", "0E+1", "0E+90", "0E-90", "1E+90", "1E-90", "NaN", "Infinity", "-0.00", "1.001")),
        *map(Decimal, ("1E+99999999", "-1.5E-99999999", "0E+99999999")),
    ],
    ids=repr,
)
def test_both_doors_say_the_same_of_a_value(spec: InputSpec, came: object) -> None:
    compiled = one_input(spec)

    door = admit(compiled, batch({spec.name: objects(came)}, 1))
    row = admit_row(compiled, {spec.name: came}, START, START + 28)

    if isinstance(row, RowFault):
        assert codes(door) == [(0, row.code, row.field, row.value)]
    else:
        assert codes(door) == []
        assert door.inputs[spec.name].tolist() == [int(row.inputs[spec.name].scaleb(spec.type.places))]


@pytest.mark.parametrize("high", [100000, 2**60])
@pytest.mark.parametrize(
    "came",
    [
        *(0.0, -0.0, 1.23, 0.1 + 0.2, 1e-7, 1.001, 999.999, 1e13, 1e14, 1e16, 1e300, 5e-324),
        *(11258999068426.24, 11258999068426.25, 12345678901234567.0, float("nan"), float("inf")),
    ],
)
def test_a_float_cell_says_the_same_one_by_one(came: float, high: int) -> None:
    spec = replace(KWH, type=replace(KWH.type, high=high))
    compiled = one_input(spec)

    door = admit(compiled, batch({"kwh": Column(np.array([came]))}, 1))
    row = admit_row(compiled, {"kwh": of_float(spec.type, came)}, START, START + 28)

    if isinstance(row, RowFault):
        assert codes(door) == [(0, row.code, row.field, row.value)]
    else:
        assert (codes(door), door.inputs["kwh"].tolist()) == ([], [int(row.inputs["kwh"] * 100)])


def test_a_double_in_bounds_is_not_said_to_be_outside() -> None:
    """Beyond 2^50 of the smallest place a double no longer tells which number is meant."""
    spec = replace(KWH, type=replace(KWH.type, high=2**60))

    assert read(spec, Column(np.array([1e14]))) == ["binary-float"]


def test_objects_have_no_places_of_their_own() -> None:
    with pytest.raises(ValueError, match="places belong to whole numbers; came 2 with a column of object"):
        Column(objects(1234).values, places=2)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64])
def test_positions_of_every_width(dtype: type[np.integer]) -> None:
    assert read(CODE, Column(np.array([0, 1, 0], dtype), codes=("10", "none"))) == [1, "unknown-code", 1]


def test_a_dictionary_of_nothing() -> None:
    door = admit(one_input(CODE), batch({"voltage": Column(np.array([0]), codes=())}, 1))

    assert codes(door) == [(0, "unknown-code", "voltage", "")]
