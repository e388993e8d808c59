"""The ledger says of a run what it was told, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.bulk.partitions import Done, Partition, Slice, Wanted, Work, WrittenFile
from engine.bulk.problems import FileProblem
from engine.bulk.summary import Tally
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.registry.database import Database
from engine.runs import driver
from engine.runs.engines.local import LocalEngine
from engine.runs.ledger import Ledger, Planned
from engine.runs.order import Order, work_json, work_of
from tests.bulk.book import make_book
from tests.postgresql import Cluster
from tests.running import ledger_at, order_of, read
from tests.runs.portfolio import PARTITION_ROWS, REFUSED, TOTALS, after, written

ORDER = Order(("/in/一月.parquet",), ("/rules",), "/out", only=("region=north",), memory=7, refers_to="run-1")
PARTITIONS = (
    Partition(0, 5, (Slice("/in/a.parquet", 0, 5),), (3, 4)),
    Partition(1, 7, (Slice("/in/a.parquet", 5, 1), Slice("/in/b.parquet", 0, 6))),
    Partition(2, 0, ()),
)
PLANNED = Planned("book", "code", "manifest", "[]", "{}", "region=north")


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "sqlite":
        with ledger_at(tmp_path / "ledger.sqlite") as found:
            yield found
        return
    cluster: Cluster = request.getfixturevalue("postgresql")
    database = Database(cluster.create_database())
    try:
        yield Ledger(database)
    finally:
        database.close()


def done(partition: int, **changes: Any) -> Done:
    """What became of a partition: sums above 64 bits, as whole numbers of Python."""
    tally = Tally(rows=4)
    tally.billed.update({"cn.x": 3})
    tally.refused.update({"out-of-bounds": 1})
    tally.totals.update({"cn.x": -(2**70)})
    tally.lines.update({("cn.x", "energy.峰"): 2**70})
    files = {"bills/00000.parquet": WrittenFile(3, 2**40, "a" * 64), "lines/cn.x/00000.parquet": WrittenFile(3, 9, "b")}
    return replace(Done(partition, 5, 3, 1, 1, files, tally.to_json(), None, 1.5, (2, 3)), **changes)


def test_what_is_planned_is_pending(ledger: Ledger) -> None:
    run = ledger.create(ORDER, "/out/_run")
    planning = ledger.show(run)

    ledger.plan(run, PLANNED, PARTITIONS)

    found = ledger.show(run)
    assert (planning.state, planning.rows, planning.manifest) == ("planning", 0, "")
    assert (found.state, found.rows, found.partitions, found.partitions_done) == ("running", 12, 3, 0)
    assert (found.order, found.output, found.folder, found.refers_to) == (ORDER, "/out", "/out/_run", "run-1")
    assert (found.book, found.code, found.manifest, found.filter) == ("book", "code", "manifest", "region=north")
    assert ledger.pending(run) == list(PARTITIONS)
    assert abs(found.created_at - datetime.now(UTC)) < timedelta(hours=1)


def test_a_partition_that_is_done_is_not_pending(ledger: Ledger) -> None:
    """Its counts and sums are what was told, to the last digit, and the run's counts are theirs."""
    run = ledger.create(ORDER, "")
    ledger.plan(run, PLANNED, PARTITIONS)
    assert [ledger.attempt(run, 0), ledger.attempt(run, 0), ledger.attempt(run, 2)] == [1, 2, 1]

    ledger.commit(run, done(0), 2.5)

    assert [one.number for one in ledger.pending(run)] == [1, 2]
    first, second, third = ledger.records(run)
    assert first.done == done(0)
    assert first.partition == PARTITIONS[0]
    assert Tally.from_json(done(0).sums).totals == {"cn.x": -(2**70)}
    assert (second.done, third.done) == (None, None)
    assert [first.attempts, second.attempts, third.attempts] == [2, 0, 1]
    found = ledger.show(run)
    assert (found.received, found.billed, found.refused, found.left_out) == (5, 3, 1, 1)
    assert (found.partitions_done, found.attempts, found.seconds) == (1, 3, 2.5)


def test_a_partition_that_is_told_twice_counts_once(ledger: Ledger) -> None:
    run = ledger.create(ORDER, "")
    ledger.plan(run, PLANNED, PARTITIONS)

    ledger.commit(run, done(0), 1)
    ledger.commit(run, done(0), 1)

    assert (ledger.show(run).billed, ledger.show(run).partitions_done) == (3, 1)


def test_states(ledger: Ledger) -> None:
    run = ledger.create(ORDER, "")
    ledger.plan(run, PLANNED, PARTITIONS)

    ledger.stop(run, "stopped", "磁盘已满")
    stopped = ledger.show(run)
    ledger.drive(run)
    driven = ledger.show(run)
    ledger.finish(run, {"billed": 3})
    finished = ledger.show(run)

    assert (stopped.state, stopped.reason, stopped.complete) == ("stopped", "磁盘已满", False)
    assert (driven.state, driven.reason) == ("running", "")
    assert (finished.state, json.loads(finished.summary)) == ("finished", {"billed": 3})
    assert finished.finished_at is not None
    assert not finished.complete  # rows were left out


def test_a_request_to_end_is_for_the_driver_of_the_day(ledger: Ledger) -> None:
    """Whoever drives the run next has not been asked."""
    run = ledger.create(ORDER, "")
    assert not ledger.is_asked_to_stop(run)

    ledger.ask_to_stop(run)
    asked = ledger.is_asked_to_stop(run)
    ledger.take_over(run)
    taken = ledger.is_asked_to_stop(run)
    ledger.ask_to_stop(run)
    ledger.drive(run)

    assert (asked, taken) == (True, False)
    assert ledger.is_asked_to_stop(run)  # of the driver that took it over, and was about to begin


def test_newest_first(ledger: Ledger) -> None:
    """Also of runs that began within one second."""
    made = [ledger.create(ORDER, "") for _ in range(4)]

    assert [one.id for one in ledger.list()] == made[::-1]
    assert [one.id for one in ledger.list(2)] == made[:1:-1]


def test_a_run_is_named_by_an_end_of_its_id(ledger: Ledger) -> None:
    for id_ in ("run-20260101-000000-00aa", "run-20260101-000000-01aa", "run-20260101-000000-01ab"):
        ledger.create(ORDER, "", id_)

    assert ledger.show("1ab").id.endswith("01ab")
    assert ledger.show("run-20260101-000000-00aa").id.endswith("00aa")
    for name, count in (("aa", 2), ("none", 0), ("%", 0), ("_1ab", 0)):
        with pytest.raises(FileProblem, match=f"run-not-found: the ledger has {count} runs"):
            ledger.show(name)


def test_a_run_that_could_not_be_planned_is_forgotten(ledger: Ledger) -> None:
    run, other = ledger.create(ORDER, ""), ledger.create(ORDER, "")
    ledger.plan(run, PLANNED, PARTITIONS)

    ledger.forget(run)

    assert [one.id for one in ledger.list()] == [other]


def test_a_whole_run(ledger: Ledger, tmp_path: Path) -> None:
    """Begun, stopped by the operator, resumed and finished: counts and bills are there once."""
    (tmp_path / "rules").mkdir()
    book: Mapping[str, Compiled] = make_book(tmp_path / "rules")
    output = tmp_path / "out"
    order = order_of(written(tmp_path), output, partition_rows=PARTITION_ROWS)
    with pytest.raises(KeyboardInterrupt):
        driver.begin(ledger, order, RateBook(book), LocalEngine(1, after(7, KeyboardInterrupt())))
    (stopped,) = ledger.list()

    driver.resume(ledger, stopped.id, lambda _: RateBook(book), LocalEngine(2))

    finished = ledger.show(stopped.id)
    assert (stopped.state, stopped.partitions_done) == ("stopped", 2)
    assert (finished.state, finished.received, finished.billed, finished.refused) == ("finished", 12, 10, 2)
    assert json.loads(finished.summary) == json.loads((output / "summary.json").read_text(encoding="utf-8"))
    assert {one["row_id"]: str(one["total"]) for one in read(output, "bills").to_pylist()} == TOTALS
    assert set(read(output, "refused").column("row_id").to_pylist()) == set(REFUSED)


def test_postgresql_knows_of_a_driver_on_another_machine(postgresql_url: str) -> None:
    """Its lock is of the session: it is free again once whoever holds it is gone. Another run's is its own."""
    here, there = Ledger(Database(postgresql_url)), Ledger(Database(postgresql_url))
    try:
        with here.driving("run-a") as first, there.driving("run-a") as second, there.driving("run-b") as other:
            pass
        with there.driving("run-a") as later:
            pass
    finally:
        here.database.close()
        there.database.close()

    assert (first, second, other, later) == (True, False, True, True)


def test_an_order_and_its_work_are_read_back_as_they_were() -> None:
    wanted = Wanted({"region": ("north", "南")}, {"cn.x": ((1, 2), (5, 9)), "cn.y": ()}, ("cn.x",))
    work = Work("run", "book", "file", "in", "ff", "out", "csv", "decimal", True, "native", ("a", "b"), wanted, 5)

    assert Order.from_json(ORDER.to_json()) == ORDER
    assert work_of(work_json(work)) == work
    assert work_of(work_json(replace(work, wanted=Wanted()))) == replace(work, wanted=Wanted())


def test_what_ends_a_driver_is_not_the_databases_fault(ledger: Ledger) -> None:
    """PostgreSQL's lock is held while files are written: a full disk is not told as a database that is silent."""
    run = ledger.create(ORDER, "")

    with pytest.raises(OSError, match="No space left"), ledger.driving(run):
        raise OSError(28, "No space left on device")
    with ledger.driving(run) as again:
        pass

    assert again
