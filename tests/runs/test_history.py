"""Runs with a history: triggers look at events that came before and at the rows, partition by partition."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.bulk.partition_run import prepare
from engine.bulk.problems import FileProblem
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.runs.engines.task import done_of, perform, task_text
from engine.runs.order import work_of
from engine.runs.verify import verify
from engine.triggers.events import Event
from engine.triggers.machine import Machine, Raised, text_of
from tests.bulk.book import HOME, HOME_YAML, SHOP, SHOP_YAML
from tests.running import ledger_at, ledger_file, read, record, resume, run
from tests.runs.portfolio import after, written

CHINA = timezone(timedelta(hours=8))
START = datetime(1970, 1, 1, tzinfo=UTC)

WATCH_YAML = """\
ruleset: cn.test.watch
title: 跨期预警
source: {standing: example, note: made up for a test}
in_force: {from: 2020-01-01, until_replaced: true}

events:
  usage_recorded:
    title: 一期用电量
    lateness: 3 days
    inputs:
      energy: {unit: kWh, places: 3, from: 0, to: 90000}
      moved:  {type: date, optional: true}
    from_rows: {energy: [kwh], moved: [moved_in]}
  bill_issued:
    title: 出账
    lateness: 1 day
    inputs: {amount: {unit: CNY, places: 2, from: -10000, to: 1000000}}
    from_rows: {amount: [total]}
  payment_received:
    title: 交费
    lateness: 3 days
    keys: [bill]
    inputs: {amount: {unit: CNY, places: 2, from: 0, to: 1000000}}

triggers:
  rising:
    title: 连续三期增长
    kind: trend
    on: usage_recorded
    when: energy > previous.energy
    times: 3
    at_most_apart: 45 days
    level: yellow
    recipient: account_manager
    message: "{previous.energy} → {energy} 千瓦时"
    causes: [用电增长]
    action: 回访
    source: {standing: example, note: made up for a test}
  unpaid:
    title: 三十日未交
    kind: sequence
    steps:
      - {as: bill, on: bill_issued, when: "amount > 0[CNY]"}
      - {absent: payment_received, within: 30 days}
    keeps: first
    level: red
    recipient: credit_control
    message: "账单 {bill.amount} 元未交"
    causes: [欠费]
    action: 催费
    source: {standing: example, note: made up for a test}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> RateBook:
    folder = tmp_path_factory.mktemp("rules")
    for name, text in (("home", HOME_YAML), ("shop", SHOP_YAML), ("watch", WATCH_YAML)):
        (folder / f"{name}.ruleset.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder])


ACCOUNTS = 8
RISES = {0: 3, 1: 3, 2: 2, 3: 0, 4: 3, 5: 1, 6: 3, 7: 3}  # months in a row in which an account's use has risen by March


def use(account: int, month: int) -> Decimal:
    """kWh of a month of 2026: rises for as many months as RISES says, and falls before."""
    if month >= 3 - RISES[account]:
        return Decimal(100 + 10 * month + account)
    return Decimal(900 - 10 * month)


def local(year: int, month: int, day: int, hour: int = 0) -> int:
    """A moment in China [us]."""
    return (datetime(year, month, day, hour, tzinfo=CHINA) - START) // timedelta(microseconds=1)


def rows(scattered: bool = True) -> pa.Table:
    """Three months of 2026 by account, or by month: each account's rows then stand apart."""
    found = [(account, month) for account in range(ACCOUNTS) for month in (1, 2, 3)]
    found.sort(key=(lambda one: one[::-1]) if scattered else (lambda one: one))
    return pa.table(
        {
            "row_id": [f"r{account}-{month}" for account, month in found],
            "account": [f"户{account}" for account, _ in found],
            "region": ["south" if account % 2 else "north" for account, _ in found],
            "ruleset": [SHOP if account % 2 else HOME for account, _ in found],
            "period_from": [date(2026, month, 1) for _, month in found],
            "period_to": [date(2026, month + 1, 1) for _, month in found],
            "kwh": pa.array([use(account, month) for account, month in found], pa.decimal128(12, 2)),
        }
    )


def history(folder: Path) -> list[Path]:
    """December's use and bill of each account, as a file each, and payments of the bills of even months."""
    folder.mkdir(exist_ok=True)
    accounts = [f"户{account}" for account in range(ACCOUNTS)]
    december = [datetime(2025, 12, 31, 12, tzinfo=CHINA)] * ACCOUNTS
    usage = {"id": [f"u{one}" for one in accounts], "account": accounts, "at": december}
    usage["energy"] = [use(account, 0) for account in range(ACCOUNTS)]
    pq.write_table(pa.table(usage), folder / "usage_recorded.parquet")
    paid = [(account, 2) for account in range(ACCOUNTS)]
    payments = pa.table(
        {
            "event": ["payment_received"] * ACCOUNTS,
            "id": [f"p{account}" for account, _ in paid],
            "account": accounts,
            "at": ["2026-03-20T09:00:00+08:00"] * ACCOUNTS,
            "bill": [f"b{account}-{month}" for account, month in paid],
            "amount": ["10.00"] * ACCOUNTS,
        }
    )
    pa_csv.write_csv(payments, folder / "payments.csv")
    return [folder / "usage_recorded.parquet", folder / "payments.csv"]


def machine_by_machine(book: RateBook, events: Iterable[Event], until: int) -> list[Raised]:
    """What the machines of all triggers find, an account at a time."""
    found: list[Raised] = []
    ordered = sorted((one for one in events if one.at < until), key=lambda one: one.order)
    for trigger in book.watch.triggers.values():
        machine = Machine(trigger)
        memories: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        regions: dict[str, str] = {}
        for event in ordered:
            regions[event.account] = event.region or regions.get(event.account, "")
            key = machine.key_of(event)
            if key is not None:
                memory = memories.get((event.account, key), machine.start)
                memories[event.account, key], raised = machine.on_event(memory, event, key, regions[event.account])
                found += raised
        for (account, key), memory in memories.items():
            found += machine.on_watermark(memory, account, key, regions[account], until)[1]
    return found


def expected_events(table: pa.Table, amounts: Mapping[str, Decimal]) -> list[Event]:
    """The events of `rows` and `history`, made here by hand."""
    found = []
    for one in table.to_pylist():
        end = one["period_to"]
        at = local(end.year, end.month, end.day) - 1_000_000
        ends = f"@{one['period_from']}..{end}/{one['row_id']}/{one['account']}"
        told = (one["account"], at)
        of = (one["region"], one["ruleset"])
        found.append(Event(f"usage_recorded{ends}", "usage_recorded", *told, (int(one["kwh"] * 1000), None), (), *of))
        amount = int(amounts[one["row_id"]] * 100)
        found.append(Event(f"bill_issued{ends}", "bill_issued", *told, (amount,), (), *of))
    for account in range(ACCOUNTS):
        name, at = f"户{account}", local(2025, 12, 31, 12)
        found.append(Event(f"u{name}", "usage_recorded", name, at, (int(use(account, 0)) * 1000, None)))
        paid = local(2026, 3, 20, 9)
        found.append(Event(f"p{account}", "payment_received", name, paid, (1000,), (f"b{account}-2",)))
    return found


def told(output: Path) -> list[dict[str, Any]]:
    """The warnings over time of a run, in order of their ids."""
    return sorted(read(output, "warnings_over_time").to_pylist(), key=lambda one: str(one["id"]))


def bills(output: Path) -> dict[str, Decimal]:
    return {one["row_id"]: one["total"] for one in read(output, "bills").to_pylist()}


@pytest.mark.parametrize("partition_rows", [24, 3], ids=["one", "many"])
def test_a_run_with_history_finds_what_the_machines_find_account_by_account(
    book: RateBook, tmp_path: Path, partition_rows: int
) -> None:
    """All warnings since January, whatever the number of partitions."""
    table, output = rows(), tmp_path / "out"

    summary = run(
        book, written(tmp_path, table), output, history=history(tmp_path / "h"), partition_rows=partition_rows
    )

    until = local(2026, 4, 1)
    found = machine_by_machine(book, expected_events(table, bills(output)), until)
    expected = sorted(
        (
            one.id,
            one.account,
            one.trigger,
            one.at,
            one.event,
            one.region,
            text_of(book.watch.triggers[one.trigger], one),
        )
        for one in found
    )
    columns = ("id", "account", "trigger", "at", "event", "region", "message")
    got = [tuple(one[name] for name in columns) for one in told(output)]
    assert [(*one[:3], (one[3] - START) // timedelta(microseconds=1), *one[4:]) for one in got] == expected
    assert summary.over_time is not None
    assert summary.over_time.raised == {"red": {"cn.test.watch:unpaid": 8}, "yellow": {"cn.test.watch:rising": 5}}
    assert summary.over_time.events == {"payment_received": 8, "usage_recorded": 8}
    assert summary.over_time.rows == {"bill_issued": 24, "usage_recorded": 24}
    assert (summary.over_time.since, summary.over_time.until) == ("2026-01-01", "2026-03-31T16:00:00+00:00")
    assert json.loads((output / "summary.json").read_text(encoding="utf-8"))["over_time"] == summary.over_time.to_json()


def test_what_a_warning_says(book: RateBook, tmp_path: Path) -> None:
    """Account 0 used 100, 110, 120 and 130 kWh from December to March."""
    output = tmp_path / "out"

    run(book, written(tmp_path, rows()), output, history=history(tmp_path / "h"))

    rising = [one for one in told(output) if one["account"] == "户0" and one["trigger"] == "cn.test.watch:rising"]
    assert [{name: value for name, value in one.items() if name != "id"} for one in rising] == [
        {
            "account": "户0",
            "trigger": "cn.test.watch:rising",
            "keys": "{}",
            "state": "raised",
            "at": datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC),
            "event": "usage_recorded@2026-03-01..2026-04-01/r0-3/户0",
            "level": "yellow",
            "recipient": "account_manager",
            "title": "连续三期增长",
            "message": "120.000 → 130.000 千瓦时",
            "values": '{"previous.energy": "120.000", "energy": "130.000"}',
            "region": "north",
            "ruleset": "cn.test.watch",
        }
    ]


def test_a_monthly_run_does_not_repeat_what_was_warned_before(book: RateBook, tmp_path: Path) -> None:
    """Of March's rows alone, with January and February in the history; --since goes further back."""
    whole = rows()
    first = run(book, written(tmp_path, whole), tmp_path / "whole", history=history(tmp_path / "h"))
    march = whole.filter(pa.compute.equal(whole.column("period_from"), date(2026, 3, 1)))
    earlier = whole.filter(pa.compute.less(whole.column("period_from"), date(2026, 3, 1)))
    amounts = bills(tmp_path / "whole")
    lines = [one for one in expected_events(earlier, amounts) if one.type in ("usage_recorded", "bill_issued")]
    old = as_files(tmp_path / "h" / "old", [one for one in lines if "@" in one.id])
    (tmp_path / "march").mkdir()
    source, events = written(tmp_path / "march", march), [*history(tmp_path / "h"), old]

    summary = run(book, source, tmp_path / "out", history=events)
    run(book, source, tmp_path / "all", history=events, since="2026-01-01")

    assert first.over_time is not None
    assert summary.over_time is not None
    assert told(tmp_path / "all") == told(tmp_path / "whole")
    since = datetime(2026, 3, 1, tzinfo=CHINA)
    assert told(tmp_path / "out") == [one for one in told(tmp_path / "whole") if one["at"] >= since]
    assert summary.over_time.since == "2026-03-01"


def as_files(folder: Path, events: Sequence[Event]) -> Path:
    """Events of usage and bills as files of a folder."""
    for type_, value, places in (("usage_recorded", "energy", 3), ("bill_issued", "amount", 2)):
        some = [one for one in events if one.type == type_]
        made: dict[str, Any] = {
            "id": [one.id for one in some],
            "account": [one.account for one in some],
            "at": [one.at for one in some],
            "region": [one.region for one in some],
            "ruleset": [one.ruleset for one in some],
            value: pa.array([Decimal(one.values[0] or 0).scaleb(-places) for one in some], pa.decimal128(18, places)),
        }
        (folder / type_).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(made), folder / type_ / "part.parquet")
    return folder


def test_an_event_that_comes_twice_counts_once_and_a_taken_id_is_told(book: RateBook, tmp_path: Path) -> None:
    """The whole history again changes nothing; an id that is another account's, or has another value, is refused."""
    events = history(tmp_path / "h")
    run(book, written(tmp_path, rows()), tmp_path / "once", history=events, partition_rows=3)
    other = tmp_path / "h" / "usage_recorded.csv"
    other.write_text(
        "id,account,at,energy\n"
        "u户0,户0,2025-12-31T12:00:00+08:00,100.001\n"
        "u户1,户0,2025-12-31T12:00:00+08:00,100\n"
        "p2,户3,2025-12-31T12:00:00+08:00,nothing\n",
        encoding="utf-8",
    )

    summary = run(
        book, tmp_path / "rows.parquet", tmp_path / "twice", history=[*events, *events, other], partition_rows=3
    )

    assert summary.over_time is not None
    assert summary.over_time.duplicates == 16
    assert summary.over_time.refused == {"event-id-taken": 2, "not-a-number": 1}
    assert told(tmp_path / "twice") == told(tmp_path / "once")
    refused = sorted(read(tmp_path / "twice", "events_refused").to_pylist(), key=lambda one: int(one["row"]))
    assert [(one["file"], one["row"], one["id"], one["code"], one["field"], one["value"]) for one in refused] == [
        (str(other), 0, "u户0", "event-id-taken", "id", "u户0"),
        (str(other), 1, "u户1", "event-id-taken", "id", "u户1"),
        (str(other), 2, "p2", "not-a-number", "energy", "nothing"),
    ]


def test_a_row_that_is_no_event_is_billed_and_told(book: RateBook, tmp_path: Path) -> None:
    """95000 kWh are more than the event can hold; so long a region is no name."""
    table = rows()
    at = table.schema.get_field_index("kwh")
    kwh = [Decimal(95000), *table.column("kwh").to_pylist()[1:]]
    table = table.set_column(at, "kwh", pa.array(kwh, pa.decimal128(12, 2)))
    at = table.schema.get_field_index("region")
    table = table.set_column(at, "region", pa.array([*table.column("region").to_pylist()[:-1], "x" * 257]))

    summary = run(book, written(tmp_path, table), tmp_path / "out", history=history(tmp_path / "h"))

    assert summary.billed == 24
    assert summary.over_time is not None
    assert summary.over_time.refused == {"bad-event-key": 2, "out-of-bounds": 1}
    refused = read(tmp_path / "out", "events_refused").sort_by("id").to_pylist()
    assert [(one["file"], one["row"], one["id"], one["field"], one["value"]) for one in refused] == [
        (None, None, "bill_issued@2026-03-01..2026-04-01/r7-3/户7", "region", "x" * 257),
        (None, None, "usage_recorded@2026-01-01..2026-02-01/r0-1/户0", "energy", "95000.00"),
        (None, None, "usage_recorded@2026-03-01..2026-04-01/r7-3/户7", "region", "x" * 257),
    ]


def test_a_row_that_the_history_already_has_counts_once(book: RateBook, tmp_path: Path) -> None:
    """Events of an earlier run over the same rows are the same events."""
    run(book, written(tmp_path, rows()), tmp_path / "out", history=history(tmp_path / "h"))
    own = [one for one in expected_events(rows(), bills(tmp_path / "out")) if "@" in one.id]
    again = as_files(tmp_path / "h" / "own", own)

    summary = run(book, tmp_path / "rows.parquet", tmp_path / "again", history=[*history(tmp_path / "h"), again])

    assert summary.over_time is not None
    assert (summary.over_time.duplicates, summary.over_time.refused) == (48, {})
    assert told(tmp_path / "again") == told(tmp_path / "out")


@pytest.mark.parametrize(
    ("columns", "options", "code"),
    [
        (["account"], {}, "history-account"),
        ([], {"partition_by": "given"}, "history-by-file"),
    ],
)
def test_what_a_history_needs_is_told_before_anything_is_billed(
    book: RateBook, tmp_path: Path, columns: list[str], options: dict[str, Any], code: str
) -> None:
    source = written(tmp_path, rows().drop_columns(columns))

    with pytest.raises(FileProblem) as found:
        run(book, source, tmp_path / "out", history=history(tmp_path / "h"), **options)

    assert found.value.code == code
    assert not (tmp_path / "out").exists()


def test_a_book_without_triggers_takes_no_history(book: RateBook, tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="history-no-triggers"):
        run(book.rulesets, written(tmp_path, rows()), tmp_path / "out", history=history(tmp_path / "h"))


@pytest.mark.parametrize("first", [13])
def test_a_run_that_was_cut_short_goes_on_to_the_same_warnings(book: RateBook, tmp_path: Path, first: int) -> None:
    """Cut short after some rows; the history's own files may be gone by then, as their copy is what is read."""
    source = written(tmp_path, rows())
    run(book, source, tmp_path / "whole", history=history(tmp_path / "h"), partition_rows=3)
    events = history(tmp_path / "h")
    with pytest.raises(KeyboardInterrupt):
        run(book, source, tmp_path / "out", history=events, partition_rows=3, advance=after(first, KeyboardInterrupt()))

    summary = resume(book, tmp_path / "out")

    assert told(tmp_path / "out") == told(tmp_path / "whole")
    assert summary.over_time is not None
    with ledger_at(ledger_file(tmp_path / "out")) as ledger:
        assert verify(ledger, record(tmp_path / "out"), 5, 1).differences == []


def test_a_history_that_changed_stops_a_resumption(book: RateBook, tmp_path: Path) -> None:
    """It is part of the input: its fingerprint is in the ledger."""
    events = history(tmp_path / "h")
    with pytest.raises(KeyboardInterrupt):
        run(book, written(tmp_path, rows()), tmp_path / "out", history=events, partition_rows=3,
            advance=after(4, KeyboardInterrupt()))  # fmt: skip
    events[1].write_text(events[1].read_text(encoding="utf-8").replace("10.00", "11.00"), encoding="utf-8")

    with pytest.raises(FileProblem, match="run-changed"):
        resume(book, tmp_path / "out")


def test_a_worker_of_a_cluster_finds_the_same(book: RateBook, tmp_path: Path) -> None:
    """What travels to it is text; the copy of the history is beside that of the rows."""
    events = history(tmp_path / "h")
    run(book, written(tmp_path, rows()), tmp_path / "out", history=events, partition_rows=3)
    before = told(tmp_path / "out")
    with ledger_at(ledger_file(tmp_path / "out")) as ledger:
        partitions = [one.partition for one in ledger.records(record(tmp_path / "out").id)]
    work = work_of(record(tmp_path / "out").work)
    assert "warnings_over_time" in prepare(work).schemas

    for one in partitions:
        done_of(perform(task_text(work, one, 2)))

    assert told(tmp_path / "out") == before
