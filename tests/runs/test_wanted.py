"""Which rows are billed: those with some values, those that a change reaches, and those that follow them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.bulk.partitions import Slice, Wanted
from engine.bulk.problems import FileProblem
from engine.bulk.sources import open_source
from engine.bulk.wanted import check_wanted, parse_only, selection, wanted_by_ruleset
from engine.compiler.program import Compiled
from tests.bulk.book import HOME, SHOP, make_book

EPOCH = date(1970, 1, 1)
JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def days(first: date, end: date) -> tuple[int, int]:
    return (first - EPOCH).days, (end - EPOCH).days


def table_of(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of account, scope, rule set, first day and end."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    return pa.table(
        {
            "row_id": pa.array(range(len(rows)), pa.int64()),
            "account": pa.array(columns[0], pa.string()),
            "scope": pa.array(columns[1], pa.string()),
            "ruleset": pa.array(columns[2], pa.string()),
            "period_from": pa.array(columns[3], pa.date32()),
            "period_to": pa.array(columns[4], pa.date32()),
        }
    )


def chosen(table: pa.Table, wanted: Wanted, book: Mapping[str, Compiled], folder: Path) -> list[int]:
    """Positions of the wanted rows, read in two slices."""
    path = folder / "rows.parquet"
    pq.write_table(table, path, row_group_size=3)
    source = open_source(path, book)
    half = table.num_rows // 2
    slices = (Slice(str(path), 0, half), Slice(str(path), half, table.num_rows - half))
    source = type(source)(**{name: getattr(source, name) for name in source.__slots__} | {"slices": slices})
    mask = selection(wanted, book, source)
    if mask is None:
        return list(range(table.num_rows))
    assert wanted_by_ruleset(wanted, book, source).total() == mask.sum()
    return [at for at, one in enumerate(mask.tolist()) if one]


DAY = st.integers(0, 20).map(lambda n: JANUARY + timedelta(days=n))
ROW = st.tuples(
    st.sampled_from(["甲", "乙", None]),
    st.sampled_from(["a", None]),
    st.sampled_from([HOME, SHOP, None]),
    st.one_of(st.none(), DAY),
    DAY,
)


@given(
    rows=st.lists(ROW, max_size=12),
    stretches=st.lists(st.tuples(DAY, st.integers(1, 5)), max_size=2),
    accounts=st.sets(st.sampled_from(["甲", "乙"])),
    following=st.sampled_from([(), (HOME,), (HOME, SHOP)]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_chosen_as_a_plain_loop_chooses_them(
    rows: list[tuple[Any, ...]],
    stretches: list[tuple[date, int]],
    accounts: set[str],
    following: tuple[str, ...],
    book: Mapping[str, Compiled],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Written as the words say it: touched, or of one account, scope and rule set and not earlier than one that is."""
    reached = {HOME: tuple(days(first, first + timedelta(days=length)) for first, length in stretches)}
    values = {"account": tuple(sorted(accounts))} if accounts else {}

    def touched(row: tuple[Any, ...]) -> bool:
        _, _, ruleset, first, end = row
        if first is None or ruleset != HOME:
            return False
        billed = {first + timedelta(days=n) for n in range(max((end - first).days, 1))}
        return any(start + timedelta(days=n) in billed for start, length in stretches for n in range(length))

    def follows(row: tuple[Any, ...]) -> bool:
        account, scope, ruleset, first, _ = row
        return (
            account is not None
            and first is not None
            and ruleset in following
            and any(touched(one) and one[:3] == (account, scope, ruleset) and one[3] <= first for one in rows)
        )

    found = chosen(table_of(rows), Wanted(values, reached, following), book, tmp_path_factory.mktemp("rows"))

    expected = [
        at for at, row in enumerate(rows) if (touched(row) or follows(row)) and (not accounts or row[0] in accounts)
    ]
    assert found == expected


def test_versions_of_one_rule_set_follow_each_other(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A row may name the id, or one of its versions: what it carries comes from rows of any of them."""
    version = f"{HOME}@2026-01-01"
    rows = [("甲", None, HOME, JANUARY, FEBRUARY), ("甲", None, version, FEBRUARY, MARCH)]
    wanted = Wanted(days={HOME: (days(JANUARY, FEBRUARY),)}, following=(HOME, version))

    assert chosen(table_of(rows), wanted, {version: book[HOME]}, tmp_path) == [0, 1]


VALUES = pa.table(
    {
        "row_id": ["0", "1", "2"],
        "ruleset": [HOME] * 3,
        "period_from": pa.array([JANUARY] * 3),
        "period_to": pa.array([FEBRUARY] * 3),
        "text": ["1", "1.0", None],
        "coded": pa.array(["a", None, "b"]).dictionary_encode(),
        "whole": pa.array([1, 2, None], pa.uint8()),
        "amount": pa.array([Decimal("1.00"), Decimal("2.50"), None], pa.decimal128(9, 2)),
        "scaled": pa.array([100, 250, None], pa.int64()),
        "double": [1.0, 2.5, None],
        "flag": [True, False, None],
        "day": pa.array([JANUARY, MARCH, None]),
    },
).cast(
    pa.schema(
        [
            *(("row_id", pa.string()), ("ruleset", pa.string())),
            *(("period_from", pa.date32()), ("period_to", pa.date32()), ("text", pa.string())),
            ("coded", pa.dictionary(pa.int32(), pa.string())),
            *(("whole", pa.uint8()), ("amount", pa.decimal128(9, 2))),
            pa.field("scaled", pa.int64(), metadata={"places": "2"}),
            *(("double", pa.float64()), ("flag", pa.bool_()), ("day", pa.date32())),
        ]
    )
)


@pytest.mark.parametrize(
    ("column", "texts", "expected"),
    [
        ("text", ("1", "9"), [0]),
        ("coded", ("b", "a"), [0, 2]),
        ("whole", ("2.0", "999", "1.5"), [1]),
        ("amount", ("2.5", "1"), [0, 1]),
        ("amount", ("1.001",), []),
        ("scaled", ("2.5",), [1]),
        ("scaled", ("250",), []),
        ("double", ("2.50",), [1]),
        ("flag", ("false",), [1]),
        ("day", ("2026-03-01",), [1]),
        ("row_id", ("2", "0"), [0, 2]),
    ],
)
def test_values_are_compared_as_what_the_column_holds(
    column: str, texts: tuple[str, ...], expected: list[int], book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    assert chosen(VALUES, Wanted({column: texts}), book, tmp_path) == expected


def test_cells_of_csv_are_compared_as_they_are_written(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    pa_csv.write_csv(VALUES.select(["row_id", "ruleset", "period_from", "period_to", "amount"]), tmp_path / "rows")
    source = open_source(tmp_path / "rows", book)

    def found(text: str) -> list[bool]:
        mask = selection(Wanted({"amount": (text,)}), book, source)
        assert mask is not None
        return [bool(one) for one in mask]

    assert found("2.50") == [False, True, False]
    assert found("2.5") == [False, False, False]


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("nothing", "1", "portfolio-only-column"),
        ("whole", "many", "portfolio-only-value"),
        ("amount", "NaN", "portfolio-only-value"),
        ("flag", "1", "portfolio-only-value"),
        ("day", "March", "portfolio-only-value"),
    ],
)
def test_what_no_cell_can_be_is_named(
    column: str, text: str, code: str, book: Mapping[str, Compiled], tmp_path: Path
) -> None:
    pq.write_table(VALUES, tmp_path / "rows")

    with pytest.raises(FileProblem) as raised:
        check_wanted(Wanted({column: (text,)}), open_source(tmp_path / "rows", book))

    assert (raised.value.code, raised.value.parameters["column"]) == (code, column)


def test_options_are_read_as_written() -> None:
    found = parse_only(["region=north,south", 'name="Li, Wei"', "region=west,north", "note=a=b"])

    assert found == {"region": ("north", "south", "west"), "name": ("Li, Wei",), "note": ("a=b",)}


@pytest.mark.parametrize("text", ["region", "=north", "region=", "region=a,,b", 'name="a', ""])
def test_an_option_that_names_no_rows(text: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_only([text])

    assert "Write COLUMN=VALUE" in str(raised.value)
