"""Bills joined with other files by a plan: what comes out is what plain loops give; what cannot be joined is named."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.bulk.problems import FileProblem
from engine.bulk.sources import open_source
from engine.language.problems import ProblemsFound
from engine.runs.join_plan import read_plan
from engine.runs.joins import Result, join
from engine.runs.manifest import plan_partitions
from tests.bulk.book import HOME, make_book

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
CUSTOMERS = """\
input: bills.parquet
joins:
  customers: {file: customers.parquet, on: [account], columns: [voltage, size]}
"""
READINGS = """\
input: bills.parquet
joins:
  readings:
    file: readings.parquet
    on: {account: account, begin: period_from}
    list: readings
    fields: {at: day, kwh: kwh}
    order: [at]
"""
INTERVALS = """\
joins:
  intervals:
    file: intervals.parquet
    on: [meter]
    within: {start: [period_from, period_to]}
    list: kwh_intervals
    field: kwh
    order: [start]
"""


def written(folder: Path, name: str, **columns: Any) -> None:
    pq.write_table(pa.table(columns), folder / f"{name}.parquet", row_group_size=3)


def bills(folder: Path, **changed: Any) -> None:
    columns = {
        "row_id": ["b1", "b2", "b3", "b4"],
        "account": ["甲", "乙", None, "丙"],
        "meter": [7, 8, 9, 7],
        "period_from": pa.array([JANUARY, JANUARY, JANUARY, FEBRUARY]),
        "period_to": pa.array([FEBRUARY, FEBRUARY, FEBRUARY, MARCH]),
    }
    columns |= changed
    written(folder, "bills", **{name: column for name, column in columns.items() if column is not None})


def customers(folder: Path, **changed: Any) -> None:
    columns = {
        "account": ["丙", "甲", "丁"],
        "voltage": pa.array(["below_1kv", "at_10kv", "at_35kv"]).dictionary_encode(),
        "size": pa.array([5, None, 2], pa.int8()),
        "unread": [1.5, 2.5, 3.5],
    }
    written(folder, "customers", **columns | changed)


def run(folder: Path, plan: str, bills: Sequence[str] = (), memory: int = 64 << 20) -> tuple[pa.Table, Result]:
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    found = join(read_plan(folder / "plan.yaml"), [folder / name for name in bills], folder / "work", memory=memory)
    return pq.read_table(found.path), found


def problem(folder: Path, plan: str, bills: Sequence[str] = ()) -> FileProblem:
    with pytest.raises(FileProblem) as raised:
        run(folder, plan, bills)
    return raised.value


def test_a_bill_gets_the_columns_of_its_customer_or_nulls(tmp_path: Path) -> None:
    bills(tmp_path)
    customers(tmp_path)

    table, found = run(tmp_path, CUSTOMERS)

    assert table.column("row_id").to_pylist() == ["b1", "b2", "b3", "b4"]
    assert table.column("voltage").to_pylist() == ["at_10kv", None, None, "below_1kv"]
    assert table.column("size").to_pylist() == [None, None, None, 5]
    assert table.schema.field("size").type == pa.int8()
    assert found.without == {"customers": 2}
    assert [path.name for path in found.files] == ["bills.parquet", "customers.parquet"]


def test_readings_become_a_list_in_their_order(tmp_path: Path) -> None:
    bills(tmp_path)
    days = [date(2026, 1, 31), date(2026, 1, 1), date(2026, 2, 28), date(2026, 1, 15)]
    kwh = pa.array([Decimal("30.10"), Decimal("0.05"), Decimal("9.99"), None], pa.decimal128(20, 2))
    begins = pa.array([JANUARY, JANUARY, FEBRUARY, JANUARY])
    written(tmp_path, "readings", account=["甲", "甲", "甲", "甲"], begin=begins, at=pa.array(days), kwh=kwh)

    table, found = run(tmp_path, READINGS)

    expected = [(days[1], Decimal("0.05")), (days[3], None), (days[0], Decimal("30.10"))]
    assert table.column("readings").to_pylist() == [
        [{"day": day, "kwh": amount} for day, amount in expected],
        None,
        None,
        None,
    ]
    assert table.schema.field("readings").type.value_type.field("kwh").type == pa.decimal128(20, 2)
    assert found.without == {"readings": 3}


def test_intervals_lie_within_the_billing_period(tmp_path: Path) -> None:
    """From the period's first day on, and before its last: an interval at midnight belongs to the later bill."""
    bills(tmp_path)
    starts = [datetime(2025, 12, 31, 23), datetime(2026, 1, 1), datetime(2026, 1, 31, 23), datetime(2026, 2, 1)]
    kwh = pa.array([1, 2, 3, 4], pa.int32())
    fields = [pa.field("meter", pa.int64()), pa.field("start", pa.timestamp("ms"))]
    fields.append(pa.field("kwh", pa.int32(), metadata={"places": "3"}))
    table = pa.table([pa.array([7] * 4), pa.array(starts, pa.timestamp("ms")), kwh], schema=pa.schema(fields))
    pq.write_table(table, tmp_path / "intervals.parquet")

    table, found = run(tmp_path, INTERVALS, ["bills.parquet"])

    assert table.column("kwh_intervals").to_pylist() == [[2, 3], None, None, [4]]
    assert table.schema.field("kwh_intervals").type.value_field.metadata == {b"places": b"3"}
    assert found.without == {"intervals": 2}


def test_what_the_bills_bring_stays_as_it_is(tmp_path: Path) -> None:
    """Types that DuckDB does not have, dictionaries, and metadata pass by it."""
    wide = pa.array([Decimal("1.5")] * 4, pa.decimal256(50, 1))
    zone = pa.array(["n", "s", "n", None]).dictionary_encode()
    bills(tmp_path, wide=wide, zone=zone, note=[{"a": [1]}, None, {"a": []}, {"a": [2, 3]}])
    customers(tmp_path)
    before = pq.read_table(tmp_path / "bills.parquet")

    table, _ = run(tmp_path, CUSTOMERS)

    assert table.select(before.schema.names).equals(before)


def test_many_rows_in_little_memory_equal_plain_loops(tmp_path: Path) -> None:
    """Several joins at once, several files of bills, lists of all lengths, keys without order."""
    draw = random.Random(20260101)
    meters = [draw.randrange(2_000) for _ in range(6_000)]
    months = [draw.choice((JANUARY, FEBRUARY)) for _ in meters]
    accounts = [None if draw.random() < 0.02 else f"c{meter}" for meter in meters]
    table = pa.table(
        {
            "row_id": range(len(meters)),
            "account": accounts,
            "meter": meters,
            "period_from": months,
            "period_to": [FEBRUARY if day == JANUARY else MARCH for day in months],
        }
    )
    pq.write_table(table.slice(0, 2_500), tmp_path / "a.parquet")
    pq.write_table(table.slice(2_500), tmp_path / "b.parquet")
    order = list(range(0, 2_000, 2))
    draw.shuffle(order)
    sizes = {f"c{number}": draw.randrange(9) for number in order}
    written(tmp_path, "customers", account=list(sizes), voltage=["v"] * 1_000, size=list(sizes.values()))
    times = [(draw.randrange(1_500), JANUARY + timedelta(days=draw.randrange(70)), n) for n in range(40_000)]
    kwh = [Decimal(n).scaleb(-2) for _, _, n in times]
    on, day = [meter for meter, _, _ in times], [day for _, day, _ in times]
    written(tmp_path, "intervals", meter=on, start=day, kwh=pa.array(kwh, pa.decimal128(12, 2)))

    joined, found = run(
        tmp_path,
        CUSTOMERS.replace("input: bills.parquet\n", "") + INTERVALS.replace("joins:\n", ""),
        ["a.parquet", "b.parquet"],
        memory=1,
    )

    by_meter: dict[int, list[tuple[date, Decimal]]] = {}
    for (meter, when, _), amount in zip(times, kwh, strict=True):
        by_meter.setdefault(meter, []).append((when, amount))
    expected = []
    for meter, first, end in zip(meters, months, table.column("period_to").to_pylist(), strict=True):
        inside = sorted(one for one in by_meter.get(meter, []) if first <= one[0] < end)
        expected.append([amount for _, amount in inside] or None)
    assert joined.column("row_id").to_pylist() == list(range(len(meters)))
    assert joined.column("kwh_intervals").to_pylist() == expected
    assert joined.column("size").to_pylist() == [None if one is None else sizes.get(one) for one in accounts]
    without = sum(one is None or one not in sizes for one in accounts)
    assert found.without == {"customers": without, "intervals": sum(one is None for one in expected)}
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["joined"]


def test_the_plan_of_the_page(tmp_path: Path) -> None:
    """docs/joins.md shows a plan that can be run."""
    page = (Path(__file__).parents[2] / "docs" / "joins.md").read_text(encoding="utf-8")
    bills(tmp_path)
    written(tmp_path, "customers", account=["乙"], voltage=["at_10kv"], household_size=[4])
    written(tmp_path, "readings", account=["甲"], billed_from=pa.array([JANUARY]), read_on=[FEBRUARY], kwh=[1])
    written(tmp_path, "intervals", meter=[7], start=[FEBRUARY], kwh=[2])

    table, _ = run(tmp_path, page.split("```yaml\n")[1].split("```")[0])

    assert table.column("household_size").to_pylist() == [None, 4, None, None]
    assert table.column("readings").to_pylist() == [[{"day": FEBRUARY, "kwh": 1}], None, None, None]
    assert table.column("kwh_intervals").to_pylist() == [None, None, None, [2]]


def test_a_joined_file_is_cut_and_read_like_any_other(tmp_path: Path) -> None:
    """A rule set reads what was joined."""
    book = make_book(tmp_path)
    kwh = pa.array([Decimal("1.00")] * 4, pa.decimal128(9, 2))
    bills(tmp_path, ruleset=[HOME] * 4, kwh=kwh, account=["甲", "甲", "乙", None])
    customers(tmp_path, account=["乙", "丙", "甲"], zone=pa.array(["south", "north", "north"]).dictionary_encode())
    _, found = run(tmp_path, CUSTOMERS.replace("[voltage, size]", "{zone: zone}"))

    manifest = plan_partitions([found.path], tmp_path / "work", book, partition_rows=2)

    assert (manifest.how, [one.rows for one in manifest.partitions]) == ("ranges", [2, 2])
    (batch,) = open_source(found.path, book).batches()
    zone = batch.pieces[0].rows.columns["zone"]
    assert zone.codes is not None
    assert zone.valid is not None
    names = [zone.codes[at] if valid else None for at, valid in zip(zone.values, zone.valid, strict=True)]
    assert names == ["north", "north", "south", None]


def test_a_join_without_duckdb_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bills(tmp_path)
    customers(tmp_path)
    monkeypatch.setitem(sys.modules, "duckdb", None)

    found = problem(tmp_path, CUSTOMERS)

    assert found.code == "database-driver-missing"
    assert "dianjia[join]" in found.render()


def test_csv_cells_stay_text(tmp_path: Path) -> None:
    bills(tmp_path, meter=None)
    table = pq.read_table(tmp_path / "bills.parquet")
    pa_csv.write_csv(table, tmp_path / "bills.csv")
    (tmp_path / "customers.csv").write_text("account,voltage,size\n甲,at_10kv,05\n丙,,1.50\n", encoding="utf-8")

    joined, _ = run(tmp_path, CUSTOMERS.replace(".parquet", ".csv"))

    assert joined.column("size").to_pylist() == ["05", None, None, "1.50"]
    assert joined.column("period_from").to_pylist()[0] == "2026-01-01"


def test_a_second_customer_of_one_key_stops_the_join(tmp_path: Path) -> None:
    bills(tmp_path)
    customers(tmp_path, account=["丙", "甲", "甲"])

    found = problem(tmp_path, CUSTOMERS)

    assert found.code == "join-key-twice"
    assert found.file.endswith("plan.yaml:3:40")
    assert "customers.parquet has more than one row of account = 甲" in found.render()
    assert not (tmp_path / "work" / "joined").exists()


def test_two_customers_without_a_key_are_no_second_one(tmp_path: Path) -> None:
    bills(tmp_path)
    customers(tmp_path, account=[None, "甲", None])

    table, _ = run(tmp_path, CUSTOMERS)

    assert table.column("voltage").to_pylist() == ["at_10kv", None, None, None]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("[voltage, size]", "[voltage, sise]"), "join-column-missing"),
        (("on: [account]", "on: {account: customer}"), "join-column-missing"),
        (("on: [account]", "on: {voltage: meter}"), "join-types"),
        (("on: [account]", "on: {unread: meter}"), "join-types"),
        (("[voltage, size]", "{voltage: meter}"), "join-column-taken"),
        (("columns: [voltage, size]", "list: l, field: size"), "join-takes"),
        (("columns: [voltage, size]", "columns: [size], list: l, field: size, order: [size]"), "join-takes"),
        (("columns: [voltage, size]", "columns: [size], within: {size: [period_from]}"), "join-within"),
        (("columns: [voltage, size]", "columns: [size], within: {size: [period_from, period_to]}"), "join-types"),
        (("customers.parquet", "nobody.parquet"), "portfolio-not-found"),
        (("input: bills.parquet\n", ""), "join-no-bills"),
    ],
)
def test_what_cannot_be_joined_is_named(change: tuple[str, str], code: str, tmp_path: Path) -> None:
    bills(tmp_path)
    customers(tmp_path)

    assert problem(tmp_path, CUSTOMERS.replace(*change)).code == code


def test_a_plan_that_is_none_is_told_line_by_line(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(CUSTOMERS.replace("columns", "colums").replace("[account]", "[[account]]"), encoding="utf-8")

    with pytest.raises(ProblemsFound) as raised:
        read_plan(plan)

    found = [(one.code, one.place and one.place.line) for one in raised.value.problems]
    assert found == [("wrong-shape", 3), ("unknown-key", 3)]


def test_a_damaged_file_is_named_as_itself(tmp_path: Path) -> None:
    bills(tmp_path)
    (tmp_path / "customers.csv").write_text("account,voltage,size\n甲,at_10kv,5\n丙,1,2,3\n", encoding="utf-8")

    found = problem(tmp_path, CUSTOMERS.replace("customers.parquet", "customers.csv"))

    assert (found.code, Path(found.file).name) == ("portfolio-line", "customers.csv")
