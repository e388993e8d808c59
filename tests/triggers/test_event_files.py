"""Event files: what is read as columns is what `read_event` reads row by row, and refusals are the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.bulk import event_files
from engine.bulk.problems import FileProblem
from engine.compiler.program import InputSpec, Type
from engine.compiler.trigger import EventType
from engine.triggers.events import Event, read_event

CHINA = timezone(timedelta(hours=8))
JANUARY = 1_769_788_800_000_000  # 2026-01-31 00:00 in China

TYPES: Mapping[str, EventType] = {
    "usage_recorded": EventType(
        "usage_recorded",
        "用电",
        ("meter",),
        (
            InputSpec("energy", Type(places=2, low=0, high=1_000_000)),
            InputSpec("demand", Type(places=1, low=0, high=10_000), optional=True),
            InputSpec("estimated", Type(kind="boolean", low=0, high=1), default=0, optional=True),
        ),
        0,
    ),
    "bill_issued": EventType(
        "bill_issued",
        "出账",
        ("bill",),
        (
            InputSpec("amount", Type(places=2, low=-1_000_000, high=1_000_000)),
            InputSpec("due", Type(kind="date", low=0, high=40_000)),
            InputSpec("way", Type(kind="code", low=0, high=1, codes=("bank", "cash"))),
        ),
        0,
    ),
}


def written(path: Path, table: pa.Table) -> Path:
    """The table in the format that the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pa_csv.write_csv(table, path)
    elif path.suffix == ".stream":
        with pa.ipc.new_stream(path, table.schema) as to:
            to.write_table(table)
    else:
        with pa.ipc.new_file(path, table.schema) as to:
            to.write_table(table)
    return path


def read(*paths: Path, rows: int = 7) -> tuple[list[dict[str, Any]], list[tuple[int, str, str]]]:
    """Events as dictionaries without what is absent, and refusals as row, code and field."""
    events: list[dict[str, Any]] = []
    refused = []
    for batch in event_files.read_files(TYPES, paths, rows):
        for one in batch.table.to_pylist():
            events.append({name: value for name, value in one.items() if value not in (None, "")})
        refused += [(one.row, one.code, one.field) for one in batch.refused]
    return events, refused


def texts(rows: list[dict[str, str]]) -> pa.Table:
    """Rows of text, as CSV has them; what a row does not say is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


USAGE = {"id": "u1", "account": "1", "at": "2026-01-31T00:00:00+08:00", "meter": "m1", "energy": "120.50"}


@pytest.mark.parametrize(
    "name",
    ["usage_recorded.csv", "usage_recorded/2026.parquet", "event=usage_recorded/a.arrow", "usage_recorded.stream"],
)
def test_every_format_gives_the_same_events(tmp_path: Path, name: str) -> None:
    """Texts, decimals, scaled whole numbers and doubles that are nearest to a number are that number."""
    rows = texts([USAGE, USAGE | {"id": "u2", "energy": "0", "demand": "3.5", "estimated": "true"}])

    events, refused = read(written(tmp_path / name, rows))

    assert refused == []
    first = {"event": "usage_recorded", "id": "u1", "account": "1", "at": JANUARY, "key.meter": "m1"}
    assert events == [
        first | {"position": 0, "value.energy": 12050, "value.estimated": 0},
        first | {"id": "u2", "position": 1, "value.energy": 0, "value.demand": 35, "value.estimated": 1},
    ]


@pytest.mark.parametrize(
    "energy",
    [
        pa.array([Decimal("120.50")], pa.decimal128(12, 2)),
        pa.array([Decimal("120.5000")], pa.decimal256(40, 4)),
        pa.array([120.5], pa.float64()),
        pa.array(["120.5"]).dictionary_encode(),
    ],
)
@pytest.mark.parametrize(
    "at",
    [
        pa.array([datetime(2026, 1, 31, tzinfo=CHINA)], pa.timestamp("us", "Asia/Shanghai")),
        pa.array([JANUARY // 10**6], pa.int64()).cast(pa.timestamp("s", "UTC")),
        pa.array([JANUARY * 1000], pa.int64()).cast(pa.timestamp("ns", "UTC")),
        pa.array([JANUARY], pa.int64()),
    ],
)
def test_numbers_and_times_may_be_of_any_exact_type(tmp_path: Path, energy: Any, at: Any) -> None:
    """Account numbers may be whole numbers: they are names nevertheless."""
    table = pa.table({"id": ["u1"], "account": [17], "at": at, "meter": ["m1"], "energy": energy})

    events, refused = read(written(tmp_path / "usage_recorded.parquet", table))

    assert refused == []
    assert [(one["account"], one["at"], one["value.energy"]) for one in events] == [("17", JANUARY, 12050)]


def test_whole_numbers_say_their_places(tmp_path: Path) -> None:
    """12050 with two places is 120.50; without it is 12050 kWh."""
    scaled = pa.field("energy", pa.int64(), metadata={"places": "2"})
    schema = pa.schema(
        [("id", pa.string()), ("account", pa.string()), ("at", pa.int64()), ("meter", pa.string()), scaled]
    )
    table = pa.table([["u1"], ["1"], [JANUARY], ["m1"], [12050]], schema=schema)

    told, _ = read(written(tmp_path / "usage_recorded.parquet", table))
    plain, refused = read(
        written(
            tmp_path / "plain" / "usage_recorded.parquet",
            table.replace_schema_metadata().cast(pa.schema([pa.field(one.name, one.type) for one in schema])),
        )
    )

    assert [one["value.energy"] for one in told] == [12050]
    assert (plain, refused) == ([], [(0, "out-of-bounds", "energy")])  # 12050.00 is above 10000.00


FAULTS = [
    ({"id": ""}, "bad-event-id", "id"),
    ({"id": "a\tb"}, "bad-event-id", "id"),
    ({"id": "x" * 257}, "bad-event-id", "id"),
    ({"account": ""}, "bad-account", "account"),
    ({"event": "usage_recordd"}, "unknown-event", "event"),
    ({"event": ""}, "unknown-event", "event"),
    ({"at": "2026-01-31"}, "bad-event-time", "at"),
    ({"at": "2026-01-31T08:00:00.1234567+08:00"}, "bad-event-time", "at"),
    ({"at": "2026-02-30T08:00:00+08:00"}, "bad-event-time", "at"),
    ({"at": "1999-01-31T08:00:00+08:00"}, "event-time-range", "at"),
    ({"region": "a\nb"}, "bad-event-key", "region"),
    ({"meter": ""}, "bad-event-key", "meter"),
    ({"bill": "b1"}, "unknown-event-value", "bill"),
    ({"amount": "1.00"}, "unknown-event-value", "amount"),
    ({"energy": ""}, "missing-value", "energy"),
    ({"energy": "1e3"}, "not-a-number", "energy"),
    ({"energy": "1.005"}, "too-many-places", "energy"),
    ({"energy": "-1"}, "out-of-bounds", "energy"),
    ({"energy": "9" * 40}, "out-of-bounds", "energy"),
    ({"estimated": "maybe"}, "unknown-code", "estimated"),
    (
        {"event": "bill_issued", "energy": "", "meter": "", "bill": "b", "amount": "1", "way": "bank", "due": "soon"},
        "bad-date",
        "due",
    ),
    (
        {
            "event": "bill_issued",
            "energy": "",
            "meter": "",
            "bill": "b",
            "amount": "1",
            "way": "coin",
            "due": "2026-01-01",
        },
        "unknown-code",
        "way",
    ),
]  # fmt: skip - a table


def test_every_fault_is_told_by_row_and_the_others_are_read(tmp_path: Path) -> None:
    """Between two faulty rows stands a good one each; a bill beside them is of another type."""
    good = USAGE | {"event": "usage_recorded", "region": "north"}
    bill = {
        "event": "bill_issued",
        "id": "b1",
        "account": "1",
        "at": "2026-02-01T00:00:00Z",
        "bill": "7",
        "amount": "-0.01",
        "due": "2026-02-20",
        "way": "cash",
    }  # fmt: skip - a table
    rows = [bill]
    for at, (changed, _, _) in enumerate(FAULTS):
        rows += [good | {"id": f"bad{at}"} | changed, good | {"id": f"good{at}"}]

    events, refused = read(written(tmp_path / "events.csv", texts(rows)))

    assert refused == [(1 + 2 * at, code, field) for at, (_, code, field) in enumerate(FAULTS)]
    assert [one["id"] for one in events] == ["b1", *(f"good{at}" for at in range(len(FAULTS)))]
    assert [one["position"] for one in events] == [0, *(2 + 2 * at for at in range(len(FAULTS)))]
    assert events[0] == {
        "event": "bill_issued",
        "id": "b1",
        "account": "1",
        "at": 1_769_904_000_000_000,
        "position": 0,
        "key.bill": "7",
        "value.amount": -1,
        "value.due": 20504,
        "value.way": 1,
    }  # fmt: skip - a table


def test_columns_and_rows_one_by_one_are_the_same(tmp_path: Path) -> None:
    """`raw_events` and `read_event` accept and refuse what is read as columns, with the same words."""
    rows = [USAGE | {"event": "usage_recorded", "id": f"e{at}"} | FAULTS[at][0] for at in range(len(FAULTS))]
    rows += [USAGE | {"event": "usage_recorded", "id": f"g{at}", "energy": f"{at}.{at}"} for at in range(5)]
    path = written(tmp_path / "events.csv", texts(rows))

    one_by_one = [read_event(TYPES, raw, at) for at, raw in enumerate(event_files.raw_events(TYPES, [path]))]
    batch = next(event_files.read_files(TYPES, [path]))

    assert [one for one in one_by_one if not isinstance(one, Event)] == list(batch.refused)
    events = [one for one in one_by_one if isinstance(one, Event)]
    positions = [at for at, one in enumerate(one_by_one) if isinstance(one, Event)]
    assert event_files.table_of(TYPES, events, positions).to_pylist() == batch.table.to_pylist()


def test_a_double_that_is_not_nearest_to_a_number_is_refused(tmp_path: Path) -> None:
    """0.1 + 0.2 is no reading; 0.3 is."""
    table = pa.table(
        {"id": ["a", "b"], "account": ["1", "1"], "at": [JANUARY] * 2, "meter": ["m", "m"], "energy": [0.1 + 0.2, 0.3]}
    )  # fmt: skip - a table

    events, refused = read(written(tmp_path / "usage_recorded.parquet", table))

    assert refused == [(0, "binary-float", "energy")]
    assert [one["value.energy"] for one in events] == [30]


@pytest.mark.parametrize(
    ("name", "columns", "code"),
    [
        ("events.parquet", {}, "events-type-unknown"),
        ("usage_recorded.parquet", {"enregy": ["1"]}, "events-column-unknown"),
        ("usage_recorded.parquet", {"energy": pa.array([1.5], pa.float32())}, "portfolio-column-type"),
        (
            "usage_recorded.parquet",
            {"at": pa.array([datetime(2026, 1, 1)], pa.timestamp("us"))},
            "portfolio-column-type",
        ),
        (
            "usage_recorded.parquet",
            {"at": pa.array([datetime(2026, 1, 1, tzinfo=UTC).date()])},
            "portfolio-column-type",
        ),
    ],
)
def test_a_file_that_holds_no_events_is_refused_whole(
    tmp_path: Path, name: str, columns: Mapping[str, Any], code: str
) -> None:
    """Before its first row is read."""
    made: dict[str, Any] = {"id": ["u1"], "account": ["1"], "at": ["2026-01-31T00:00:00Z"], "meter": ["m"]}

    with pytest.raises(FileProblem) as told:
        read(written(tmp_path / name, pa.table(made | dict(columns))))

    assert told.value.code == code


def test_a_file_without_accounts_is_refused(tmp_path: Path) -> None:
    """The message says what the column is for."""
    with pytest.raises(FileProblem, match="there is no column `account`"):
        read(written(tmp_path / "usage_recorded.csv", texts([{"id": "a", "at": "2026-01-31T00:00:00Z"}])))


def test_json_lines_are_not_taken_for_a_csv_file(tmp_path: Path) -> None:
    """Else the first event is read as the names of columns."""
    (tmp_path / "usage.jsonl").write_text('{"id": "a"}\n', "utf-8")

    with pytest.raises(FileProblem, match="it is JSON Lines, which `dianjia warnings record` reads"):
        read(tmp_path / "usage.jsonl")
