"""Lists in files: Arrow and Parquet lists of structs, JSON text in CSV; expected items are written out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bulk.cells import Wanted
from engine.bulk.list_texts import Laid, NotAList, read_list_text
from engine.bulk.lists import ListCells, WantedList, read_lists, taken
from engine.bulk.problems import FileProblem
from engine.evaluator.rows import Children, Column, whole_text

NUMBER, DATE, CODE = (Wanted(frozenset({kind}), 4) for kind in ("number", "date", "code"))
BOOLEAN = Wanted(frozenset({"boolean"}))
UNITS = WantedList({"kva": NUMBER, "from_day": DATE, "side": CODE, "spare": BOOLEAN}, 30)
CURVE = WantedList({"kwh": NUMBER}, 5952)

Items = list[dict[str, object]]


def lists(array: Any, wanted: WantedList, field: Any = None, unread: tuple[str, ...] = ()) -> ListCells:
    return read_lists(array, field or pa.field("units", array.type), wanted, "rows.parquet", unread)


def cell(column: Column, at: int) -> object:
    """A cell as text, or None where it is not given."""
    if column.valid is not None and not column.valid[at]:
        return None
    value = column.values[at]
    if column.codes is not None:
        return column.codes[int(value)]
    return whole_text(int(value), column.places) if column.places else getattr(value, "item", lambda: value)()


def written(children: Children) -> list[Items | None]:
    """The lists of a batch; None where a row has none."""
    found: list[Items | None] = []
    for row in range(len(children.offsets) - 1):
        if children.valid is not None and not children.valid[row]:
            assert children.offsets[row] == children.offsets[row + 1]
            found.append(None)
            continue
        positions = range(children.offsets[row], children.offsets[row + 1])
        found.append([{name: cell(column, at) for name, column in children.columns.items()} for at in positions])
    return found


UNIT = pa.struct(
    [
        pa.field("kva", pa.int64(), metadata={"places": "2"}),
        pa.field("from_day", pa.date32()),
        pa.field("side", pa.dictionary(pa.int32(), pa.string())),
        pa.field("spare", pa.bool_()),
    ]
)
FIRST = {"kva": 100050, "from_day": date(1970, 1, 2), "side": "high", "spare": True}
SECOND = {"kva": 63000, "from_day": date(1970, 1, 3), "side": None, "spare": None}
READ_FIRST = {"kva": "1000.50", "from_day": 1, "side": "high", "spare": 1}
READ_SECOND = {"kva": "630.00", "from_day": 2, "side": None, "spare": None}
NOTHING: dict[str, object] = dict.fromkeys(UNIT.names)


def units(rows: list[Any], kind: Any) -> Any:
    """Lists of structs with a dictionary in them, which pyarrow does not build from Python values."""
    plain = pa.struct([f.with_type(pa.string()) if f.name == "side" else f for f in UNIT])
    flat = pa.array([item for row in rows if row is not None for item in row], plain)
    arrays = [a.dictionary_encode() if UNIT[i].name == "side" else a for i, a in enumerate(flat.flatten())]
    structs = pa.StructArray.from_arrays(arrays, fields=list(UNIT), mask=flat.is_null())
    ends = np.cumsum([0, *(len(row or ()) for row in rows)])
    mask = pa.array([row is None for row in rows])
    if pa.types.is_large_list(kind):
        return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), structs, type=kind, mask=mask)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), structs, type=kind, mask=mask)


@pytest.mark.parametrize("kind", [pa.list_(UNIT), pa.large_list(UNIT)])
def test_lists_of_structs(kind: pa.DataType) -> None:
    """Scaled whole numbers, days, dictionaries and truths; an empty list, a null list, a null struct."""
    array = units([[FIRST, SECOND], [], None, [None, FIRST]], kind)

    found = lists(array, UNITS)

    assert written(found.children) == [[READ_FIRST, READ_SECOND], [], None, [NOTHING, READ_FIRST]]
    assert found.unreadable is None


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_a_slice_begins_elsewhere_than_its_buffers(start: int) -> None:
    rows = [[FIRST], None, [SECOND, FIRST], [], [SECOND]]
    expected = [[READ_FIRST], None, [READ_SECOND, READ_FIRST], [], [READ_SECOND]]

    found = lists(units(rows, pa.list_(UNIT)).slice(start), UNITS)

    assert written(found.children) == expected[start:]


def test_what_lies_behind_a_null_is_no_item() -> None:
    """A null list may have offsets that span items."""
    values = pa.array([1, 2, 3, 4, 5], pa.int64())
    array = pa.ListArray.from_arrays(pa.array([0, 2, 4, 5], pa.int32()), values, mask=pa.array([False, True, False]))

    found = lists(array, CURVE)

    assert written(found.children) == [[{"kwh": 1}, {"kwh": 2}], None, [{"kwh": 5}]]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([None, [1, 2], [3, 4]], pa.list_(pa.int64(), 2)),
        pa.array([[9, 9], None, [1, 2], [3, 4]], pa.list_(pa.int64(), 2)).slice(1),
        pa.array([None, [1, 2], [3, 4]], pa.list_view(pa.int64())),
        pa.chunked_array([pa.array([None, [1, 2]], pa.list_(pa.int64())), pa.array([[3, 4]], pa.list_(pa.int64()))]),
    ],
)
def test_lists_of_every_layout(array: Any) -> None:
    found = lists(array, CURVE)

    assert written(found.children) == [None, [{"kwh": 1}, {"kwh": 2}], [{"kwh": 3}, {"kwh": 4}]]


def test_values_alone_carry_places_in_their_field() -> None:
    kind = pa.list_(pa.field("item", pa.int32(), metadata={"places": "1"}))

    found = lists(pa.array([[5, -12]], kind), CURVE)

    assert written(found.children) == [[{"kwh": "0.5"}, {"kwh": "-1.2"}]]


@pytest.mark.parametrize("array", [pa.array([[5]]), pa.array([[{"kwh": 5}]])])
def test_places_of_the_column_itself_are_not_passed_over(array: Any) -> None:
    """They would mean 0.5, and the items would be read as 5."""
    with pytest.raises(FileProblem) as found:
        lists(array, CURVE, pa.field("units", array.type, metadata={"places": "1"}))

    assert str(found.value) == (
        "rows.parquet: portfolio-list-places: the column `units` of lists says places = `1` itself.\n"
        "  Its items have places of their own: put them into the metadata of the field within the list."
    )


def test_a_dictionary_of_lists() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1]), pa.array([[1, 2], []], pa.list_(pa.int64())))

    found = lists(array, CURVE)

    assert written(found.children) == [[], None, [{"kwh": 1}, {"kwh": 2}], []]


def test_an_item_that_cannot_be_read_marks_its_row() -> None:
    """Its row goes to the door with what stood there; the others stay columns."""
    array = pa.array([["1.5", "2"], ["x"], None, ["3.25"]])

    found = lists(array, CURVE)

    assert found.unreadable is not None
    assert found.unreadable.tolist() == [False, True, False, False]
    assert written(taken(found.children, np.array([0, 3]))) == [[{"kwh": "1.50"}, {"kwh": "2.00"}], [{"kwh": "3.25"}]]
    assert written(found.as_came(np.array([1, 2]))) == [[{"kwh": "x"}], None]


def test_binary_floats_stay_for_the_door() -> None:
    found = lists(pa.array([[0.1, 0.1 + 0.2]]), CURVE)

    assert found.children.columns["kwh"].values.dtype == np.float64


def test_float32_has_lost_digits() -> None:
    with pytest.raises(FileProblem, match=r"the column `units\.kwh` is float"):
        lists(pa.array([[1.5]], pa.list_(pa.float32())), CURVE)


@pytest.mark.parametrize(
    ("array", "wanted", "said"),
    [
        (pa.array([1]), CURVE, "the column `units` is int64"),
        (pa.array([[1]]), UNITS, "a list of int64"),
        (pa.array([[[1]]]), CURVE, "a list of list<"),
        (pa.array([[{"kwh": 1, "maker": "x"}]]), CURVE, "have a field `maker`"),
    ],
)
def test_what_holds_no_list_of_these_inputs(array: Any, wanted: WantedList, said: str) -> None:
    with pytest.raises(FileProblem) as found:
        lists(array, wanted)

    assert said in str(found.value)


def test_a_field_may_be_meant_to_be_unread() -> None:
    found = lists(pa.array([[{"kwh": 1, "maker": "x"}]]), CURVE, unread=("units.maker",))

    assert written(found.children) == [[{"kwh": 1}]]


def test_nothing_given() -> None:
    assert written(lists(pa.nulls(2), CURVE).children) == [None, None]
    assert written(lists(pa.array([[], []], pa.list_(pa.null())), CURVE).children) == [[], []]


@given(
    st.lists(st.one_of(st.none(), st.lists(st.integers(-(10**9), 10**9), max_size=5)), max_size=12),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_offsets_lead_to_the_items(rows: list[list[int] | None], cut: int, random: Any) -> None:
    """Any lists, in a slice, and any choice of their rows."""
    found = lists(pa.array(rows, pa.list_(pa.int64())).slice(cut), CURVE).children
    expected = [None if row is None else [{"kwh": one} for one in row] for row in rows[cut:]]
    chosen = sorted(random.sample(range(len(expected)), len(expected) // 2))

    assert written(found) == expected
    assert [len(row or ()) for row in written(taken(found, np.array(chosen, np.int64)))] == [
        len(expected[at] or ()) for at in chosen
    ]


class TestTexts:
    """A cell of text holds JSON."""

    def test_both_ways_of_writing(self) -> None:
        array = pa.array(
            [
                '[{"kva": 1000.50, "from_day": "2026-01-01"}, {"kva": "630", "spare": true}]',
                '{"kva": [1, 2.10], "side": ["high", null]}',
                None,
                "[]",
                "[null]",
            ]
        )

        found = lists(array, UNITS)

        none = dict.fromkeys(("kva", "from_day", "side", "spare"))
        assert written(found.children) == [
            [
                {**none, "kva": Decimal("1000.50"), "from_day": "2026-01-01"},
                {**none, "kva": "630", "spare": True},
            ],
            [{**none, "kva": 1, "side": "high"}, {**none, "kva": Decimal("2.10")}],
            None,
            [],
            [none],
        ]
        assert found.wrong == {}

    def test_numbers_keep_their_digits(self) -> None:
        """0.1 + 0.2 of binary arithmetic, 20 digits, and a trailing zero stay what was written."""
        found = read_list_text("[0.30000000000000004, 12345678901234567890.5, 1.0]", ["kwh"])

        assert isinstance(found, Laid)
        assert [str(one) for one in found.columns["kwh"]] == ["0.30000000000000004", "12345678901234567890.5", "1.0"]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "1,2",
            "12",
            "true",
            '"a"',
            "[1, 2",
            "[[1]]",
            "[NaN]",
            "[Infinity]",
            '{"kwh": 1}',
            '{"kwh": [1], "kwh": [2]}',
            "[" * 100_000,
            "[" + "9" * 5000 + "]",
        ],
    )
    def test_what_is_no_list(self, text: str) -> None:
        found = read_list_text(text, ["kwh"])

        assert isinstance(found, NotAList)
        assert (found.code, found.value[:60]) == ("not-a-list", text[:60])

    def test_columns_of_unequal_length(self) -> None:
        assert isinstance(read_list_text('{"kva": [1], "side": []}', UNITS.inputs), NotAList)

    def test_a_key_that_nothing_reads(self) -> None:
        found = read_list_text('[{"kva": 1, "maker": "x"}]', ["kva", "side"])

        assert found == NotAList("unknown-item-key", "maker", {"known": "kva, side"})

    def test_only_the_row_is_wrong(self) -> None:
        found = lists(pa.array(["[1]", "oops", "[2]"]), CURVE)

        assert list(found.wrong) == [1]
        assert written(found.children) == [[{"kwh": 1}], [], [{"kwh": 2}]]


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    """Places stand in the metadata of the struct's field, through the file."""
    kind = pa.list_(UNIT)
    table = pa.table({"units": units([[FIRST], None, [SECOND]], kind)}, schema=pa.schema([pa.field("units", kind)]))
    pq.write_table(table, tmp_path / "rows.parquet")

    back = pq.read_table(tmp_path / "rows.parquet")
    found = lists(back.column("units"), UNITS, back.schema.field("units"))

    assert written(found.children) == [[READ_FIRST], None, [READ_SECOND]]
