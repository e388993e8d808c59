"""A run's history: event files copied once into a file for each partition, by account, as the rows are.

    event files ──read as columns──▶ by account ──▶ history/staging/00000.parquet ...     engine.runs.staging
                         │      └──▶ ids ──▶ history/again.npy: positions of events whose id came before
                         └──▶ history/refused.parquet

What a run does later reads the copy: each partition its own accounts alone. Whether an event whose id came before is
the same event once more is decided there, where both are read. The ledger is told of a run's partitions once the copy
is on the disk; one that was cut short is made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.bulk import cells, files, row_ids
from engine.bulk.cells import Wanted
from engine.bulk.event_files import EventBatch, opened, read_files, schema_of
from engine.bulk.over_time import SCHEMAS
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.partitions import History
from engine.bulk.problems import FileProblem
from engine.bulk.sinks import sync, writing
from engine.calendars.days import day_number, read_day
from engine.calendars.local import midnight
from engine.compiler.trigger import END_AT, FIRST_AT, EventType, Watch
from engine.evaluator.rows import RowProblem, Whole
from engine.runs.folder import HISTORY
from engine.runs.inputs import expanded, look, rows_about
from engine.runs.keys import KeyStore, spread, suspects
from engine.runs.manifest import MEMORY, SPILL, Manifest
from engine.runs.order import Order
from engine.runs.staging import STAGING, by_account, stage

REFUSED: Final = "refused.parquet"
AGAIN: Final = "again.npy"
EVENTS_MAX: Final = 2_000_000  # of a partition, about: they are in memory while triggers look at them
PERIOD_DAYS_MAX: Final = 400  # a longer billing period is a slip of the pen, and says nothing of the time
TIMEZONE: Final = "Asia/Shanghai"  # of days where no trigger has one
_DATE: Final = Wanted(frozenset({"date"}))
_PERIOD: Final = ("period_from", "period_to")


def refuse_history(order: Order, watch: Watch, columns: Sequence[str]) -> None:
    """Look at what a run with a history needs, before anything is copied.

    Args:
        order: of the run.
        watch: triggers and event types of its rate book.
        columns: of its rows.

    Raises:
        FileProblem: it cannot be run with a history, or a file holds no events.
    """
    told = " ".join(order.history)
    if not watch.triggers:
        raise FileProblem("history-no-triggers", told)
    if order.partition_by == "given":
        raise FileProblem("history-by-file", told)
    if ACCOUNT not in columns:
        raise FileProblem("history-account", order.inputs[0] if order.inputs else order.join)
    for path in history_files(order):
        opened(watch.events, path)


def history_files(order: Order) -> list[Path]:
    """The files of a run's history.

    Raises:
        FileProblem: a folder holds none.
    """
    return [file for one in order.history for file in expanded(Path(one))]


def partitions_for(order: Order) -> int:
    """How many partitions keep the events of each few enough to be in memory."""
    about = sum(rows_about(look([path])[0]) for path in history_files(order))
    return max(1, -(-about // EVENTS_MAX))


def keep_history(order: Order, watch: Watch, manifest: Manifest, folder: Path) -> History:
    """Copy the events of a history into a file for each partition.

    Args:
        order: of the run.
        watch: event types of its rate book.
        manifest: its partitions, cut by the hash of the account.
        folder: of what the run needs besides its results.

    Raises:
        FileProblem: a file cannot be read, or the copy not written.
    """
    paths = history_files(order)
    home = folder / HISTORY
    with writing(home):
        home.mkdir(parents=True, exist_ok=True)
    reading = _Reading(watch.events, paths, home)
    parts = len(manifest.partitions)
    try:
        stage(reading.tables, by_account(parts, ""), parts, schema_of(watch.events), home, MEMORY // 2, reading.take)
    finally:
        reading.close()
    again = reading.again()
    with writing(home):
        np.save(home / AGAIN, again)
        for name in (REFUSED, AGAIN):
            sync(home / name)
        sync(home)
    first, end = _days(manifest)
    zones = sorted({one.timezone for one in watch.triggers.values()}) or [TIMEZONE]
    ends = day_number_of(order.until) if order.until else end
    until = max(midnight(ends, zone) for zone in zones)
    if not order.until:
        until = max(until, reading.last + 1)
    return History(
        folder=str(home.absolute()),
        since=day_number_of(order.since) if order.since else first,
        until=until,
        files=tuple(reading.rows),
    )


def day_number_of(text: str) -> int:
    """Read a day that was checked when it was typed."""
    day = read_day(text)
    assert day is not None, f"{text} is no day"
    return day_number(day)


def events_of(history: History, partition: int) -> Any:
    """Read a partition's events, as `schema_of` says, in the order in which they came.

    Raises:
        FileProblem: the copy is damaged.
    """
    path = Path(history.folder) / STAGING / f"{partition:05d}.parquet"
    with files.damage_named(path):
        return pq.read_table(path, use_threads=False)


def again_of(history: History) -> Whole:
    """Positions of events whose id came before, sorted.

    Raises:
        FileProblem: the file is damaged.
    """
    path = Path(history.folder) / AGAIN
    with files.damage_named(path):
        found: Whole = np.load(path, allow_pickle=False)
    return found


def refused_of(history: History) -> Iterator[Any]:
    """Rows of event files that are no events, as tables.

    Raises:
        FileProblem: the file is damaged.
    """
    path = Path(history.folder) / REFUSED
    with files.damage_named(path), pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches():
            yield pa.Table.from_batches([batch]).cast(SCHEMAS["events_refused"])


def refused_table(found: Sequence[tuple[str | None, int | None, RowProblem]]) -> Any:
    """Lay refused events out: file and row that they came from, and why."""
    rows = [
        {
            "file": file,
            "row": row,
            "id": str(one.row_id),
            "code": one.code,
            "field": one.field,
            "value": one.value,
            "reason": one.reason,
        }
        for file, row, one in found
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["events_refused"])


class _Reading:
    """One reading of all event files, or several of the same where there are very many partitions."""

    def __init__(self, types: Mapping[str, EventType], paths: Sequence[Path], home: Path) -> None:
        self._types, self._paths, self._home = types, paths, home
        self._ids = KeyStore(home / SPILL, "events", MEMORY // 4)
        with writing(home):
            self._refused = pq.ParquetWriter(home / REFUSED, SCHEMAS["events_refused"])
        self._begun = False
        self.rows: list[tuple[str, int]] = []  # of each file
        self.last = 0  # time of the latest event

    def tables(self) -> Iterator[tuple[int, Any]]:
        """Read from the beginning; refusals are kept at the first reading."""
        again, self._begun = self._begun, True
        for batch in read_files(self._types, self._paths):
            if not again:
                self._keep(batch)
            yield 0, batch.table

    def take(self, _: int, table: Any) -> None:
        """Take the ids and times of events in."""
        self._ids.add(spread(row_ids.keys(_plain(table.column("id")))[0]))
        if table.num_rows:
            self.last = max(self.last, int(np.asarray(table.column("at")).max()))

    def again(self) -> NDArray[np.int64]:
        """Give the positions of events whose id came before, sorted."""
        twice = self._ids.repeated().twice
        if not len(twice):
            return np.zeros(0, dtype=np.int64)

        def batches() -> Iterator[tuple[Any, Whole]]:
            for _, table in self.tables():
                yield _plain(table.column("id")), np.asarray(table.column("position"))

        return np.sort(suspects(batches(), twice).again())

    def close(self) -> None:
        """End the file of refusals."""
        with writing(self._home):
            self._refused.close()

    def _keep(self, batch: EventBatch) -> None:
        if not batch.first:  # another file begins
            self.rows.append((str(batch.path), 0))
        self.rows[-1] = (str(batch.path), batch.first + batch.rows)
        if batch.refused:
            table = refused_table([(str(batch.path), one.row, one) for one in batch.refused])
            with writing(self._home):
                self._refused.write_table(table)


def _plain(column: Any) -> Any:
    array = column.combine_chunks()
    return array.chunk(0) if isinstance(array, pa.ChunkedArray) else array


def _days(manifest: Manifest) -> tuple[int, int]:
    """The first day that the rows bill, and the day after the last; periods that cannot be meant do not count."""
    low, high = [], []
    for partition in manifest.partitions:
        for one in partition.slices:
            for table in files.sliced(one, manifest.schema, (), 1 << 20, _PERIOD):
                first, end = (_column(table, name, one.path) for name in _PERIOD)
                length = end - first
                meant = (length > 0) & (length <= PERIOD_DAYS_MAX) & (first > FIRST_DAY) & (end < END_DAY)
                if meant.any():
                    low.append(int(first[meant].min()))
                    high.append(int(end[meant].max()))
    return (min(low), max(high)) if low else (FIRST_DAY, FIRST_DAY)


FIRST_DAY: Final = FIRST_AT // 86_400_000_000
END_DAY: Final = END_AT // 86_400_000_000


def _column(table: Any, name: str, file: str) -> Whole:
    """Days of a column; what is none is 0."""
    read = cells.read(table.column(name), table.schema.field(name), _DATE, file)
    days = read.column.values.astype(np.int64)
    for wrong in (read.unreadable, None if read.column.valid is None else ~read.column.valid):
        if wrong is not None:
            days[wrong] = 0
    return days
