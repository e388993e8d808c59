"""Where a partition's tables go as Delta tables: an append a table and partition, with an application transaction.

    FOLDER/bills  FOLDER/refused  FOLDER/warnings  FOLDER/lines/STRUCTURE       one Delta table each

Delta keeps with each commit an application's id and a number; ours is the run, the partition and 1. A writer that finds
it there writes nothing. Delta itself refuses it only from writers that had not seen it: whoever opened the table after
it was committed may commit it again. So it is looked for on the very handle that then writes; of two that did not find
it the slower is refused, looks again, and finds it. Tables are committed one by one; an attempt that dies between two
leaves the rest to the next. The rows of a partition are in memory until they are committed.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk.partitions import WrittenFile
from engine.bulk.problems import FileProblem

PREFIX: Final = "delta:"
VERSION: Final = 1  # of our application transactions: a partition is written once
TRIES: Final = 30
WAIT_SECONDS: Final = 0.02  # longer with every try
INSTALL: Final = "pip install 'dianjia[delta]'"
LEADING: Final = (pa.field("run", pa.string()), pa.field("partition", pa.int32()))
_LOG: Final = "_delta_log"


class DeltaSink:
    """One attempt at a partition. Used by one thread."""

    def __init__(self, location: str, run: str, partition: int) -> None:
        self._location, self._run, self._partition = location, run, partition
        self._waiting: dict[str, list[Any]] = {}

    def write(self, name: str, table: Any) -> None:
        """Take rows of a table in: `bills`, `refused`, `warnings`, `lines/STRUCTURE`; they wait for the end."""
        self._waiting.setdefault(name, []).append(table)

    def commit(self) -> Mapping[str, WrittenFile]:
        """Append the rows to their tables. Every row is there, once, when this returns.

        Raises:
            FileProblem: a table cannot be written, or was not prepared.
        """
        written = {}
        for name in sorted(self._waiting):
            table = pa.concat_tables(self._waiting.pop(name))
            if table.num_rows:
                self._append(_place(self._location, name), self._led(table))
            written[name] = WrittenFile(table.num_rows)
        return written

    def abandon(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def _led(self, table: Any) -> Any:
        schema = delta_schema(table.schema)
        rows = table.num_rows
        run = pa.array([self._run]).take(pa.array(np.zeros(rows, np.int64)))
        partition = pa.array(np.full(rows, self._partition, np.int32))
        given = [column.cast(field.type) for column, field in zip(table.columns, list(schema)[2:], strict=True)]
        return pa.Table.from_arrays([run, partition, *given], schema=schema)

    def _append(self, place: str, table: Any) -> None:
        deltalake = _driver()
        application = f"{self._run}/{self._partition}"
        once = deltalake.CommitProperties(app_transactions=[deltalake.Transaction(application, VERSION)])
        with _telling(place):
            for number in range(1, TRIES + 1):
                handle = deltalake.DeltaTable(place)
                if handle.transaction_version(application) is None:
                    try:
                        deltalake.write_deltalake(handle, table, mode="append", commit_properties=once)
                    except deltalake.exceptions.CommitFailedError:
                        if number == TRIES:
                            raise
                        time.sleep(WAIT_SECONDS * number)
                        continue
                if "://" not in place:
                    _make_last(Path(place), application, handle.version())
                return


def open_sink(output: str, run: str, partition: int, attempt: str | int) -> DeltaSink:
    """Open the sink of one attempt at a partition; the run was prepared before.

    Args:
        output: `delta:FOLDER`, or `delta:` and the URL of an object store that deltalake knows.
        run: the run's id.
        partition: its number.
        attempt: nothing depends on it.
    """
    del attempt
    return DeltaSink(location(output), run, partition)


def prepare(output: str, schemas: Mapping[str, Any]) -> None:
    """Make the tables of a run where they are not there yet.

    Args:
        output: as of `open_sink`.
        schemas: pyarrow Schemas by table. What a column's metadata says is kept with it.

    Raises:
        FileProblem: a table is there with other columns, or cannot be made; a column has the name of one of ours.
    """
    deltalake = _driver()
    where = location(output)
    for name, schema in schemas.items():
        place, wanted = _place(where, name), delta_schema(schema)
        for field in schema:
            if field.name in {one.name for one in LEADING}:
                raise FileProblem("portfolio-column-taken", place, column=field.name)
        with _telling(place):
            handle = deltalake.DeltaTable.create(place, wanted, mode="ignore", partition_by=["run"])
            there = pa.schema(handle.schema().to_arrow())
        for field in [*wanted, *there]:
            mine, theirs = _type_of(wanted, field.name), _type_of(there, field.name)
            if mine != theirs:
                reason = f"`{field.name}` is {theirs or 'not there'}, and would be {mine or 'left out'}"
                raise FileProblem("delta-refused", place, reason=reason)


def finish(output: str, run: str, names: Iterable[str]) -> None:
    """Remove what writers that died have left of a run: files of rows that no commit names. The run must be at its end.

    In an object store they stay, for `vacuum` of whoever keeps it; no reader sees them.

    Args:
        output: as of `open_sink`.
        run: the run's id.
        names: of its tables.

    Raises:
        FileProblem: a table cannot be read, or a file not removed.
    """
    where = location(output)
    for name in names if "://" not in where else ():
        place = _place(where, name)
        with _telling(place):
            named = {uri.rpartition("/")[2] for uri in _driver().DeltaTable(place).file_uris()}
            for file in Path(place).glob(f"run={run}/*.parquet"):
                if file.name not in named:
                    file.unlink()


def counted(output: str, run: str, done: Mapping[int, Mapping[str, int]]) -> Iterator[tuple[int, str, int, int]]:
    """Count the rows of a run again; give what differs: partition, table, rows as told, rows there.

    Args:
        output: as of `open_sink`.
        run: the run's id.
        done: rows by partition and table, as the ledger has them.

    Raises:
        FileProblem: a table cannot be read.
    """
    where = location(output)
    for name in sorted({name for counts in done.values() for name in counts}):
        place = _place(where, name)
        with _telling(place):
            dataset = _driver().DeltaTable(place).to_pyarrow_dataset()
            there: Counter[int] = Counter()
            for batch in dataset.scanner(columns=["partition"], filter=pc.field("run") == run).to_batches():
                there.update(batch.column("partition").to_pylist())
        for partition in sorted({*done, *there}):
            told = done.get(partition, {}).get(name, 0)
            if told != there[partition]:
                yield partition, name, told, there[partition]


def location(output: str) -> str:
    """The folder or URL of an output that begins with `delta:`."""
    return output.removeprefix(PREFIX)


def is_delta(output: str) -> bool:
    """Tell whether an output is of Delta tables."""
    return output.startswith(PREFIX)


def delta_schema(schema: Any) -> Any:
    """Columns as Delta has them: run and partition first, texts without dictionaries, whole numbers with a sign."""
    return pa.schema([*LEADING, *(field.with_type(_type(field.type)) for field in schema)])


def _type(type_: Any) -> Any:
    types = pa.types
    if types.is_dictionary(type_):
        return _type(type_.value_type)
    if types.is_unsigned_integer(type_):
        return pa.decimal128(20, 0) if types.is_uint64(type_) else pa.int64()
    if types.is_large_string(type_) or types.is_null(type_):
        return pa.string()
    if types.is_timestamp(type_):
        return pa.timestamp("us", "UTC" if type_.tz is not None else None)
    return type_


def _type_of(schema: Any, name: str) -> str | None:
    """A column's type as text; items of lists are named `item` by some and `element` by others."""
    at = schema.get_field_index(name)
    return None if at < 0 else str(schema.field(at).type).replace("<element:", "<item:")


def _place(where: str, name: str) -> str:
    return f"{where.rstrip('/')}/{name}"


def _make_last(folder: Path, application: str, last: int) -> None:
    """Make a commit outlive a crash of the machine: deltalake leaves its files to the system to write."""
    for version in range(last, 0, -1):
        entry = folder / _LOG / f"{version:020}.json"
        try:
            actions = [json.loads(line) for line in entry.read_text("utf-8").splitlines()]
        except FileNotFoundError:
            return  # in a checkpoint by now
        if not any(action.get("txn", {}).get("appId") == application for action in actions):
            continue
        files = [folder / unquote(action["add"]["path"]) for action in actions if "add" in action]
        for file in [*files, *{one.parent for one in files}, folder, entry, entry.parent]:
            opened = os.open(file, os.O_RDONLY)
            try:
                os.fsync(opened)
            finally:
                os.close(opened)
        return


@contextmanager
def _telling(place: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # deltalake raises plain Exceptions, too
        if isinstance(error, FileProblem):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise FileProblem("delta-refused", place, reason=lines[0].rstrip(".") if lines else "?") from error


def _driver() -> Any:
    try:
        import deltalake
    except ImportError:
        told = {"instead": INSTALL, "instead_zh": INSTALL}
        raise FileProblem("database-driver-missing", PREFIX, came="deltalake", **told) from None
    return deltalake
