"""One join in DuckDB: the keys of the bills and the rows of a file go in as Arrow, rows come out by row number."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from engine.bulk.arrays import is_text, plain
from engine.bulk.problems import FileProblem
from engine.bulk.sinks import writing
from engine.runs.inputs import InputFile, read
from engine.runs.join_parts import Part, value_type

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

INSTALL: Final = "pip install 'dianjia[join]'"
KEY_ROWS: Final = 131_072  # read at once
MEGABYTES_LEAST: Final = 64
MEGABYTES_A_THREAD: Final = 128  # a thread that joins and sorts holds blocks of its own
ROW: Final = "bill"  # the column of row numbers


class Stream:
    """The rows of a join by row number, taken a stretch at a time."""

    def __init__(self, path: Path) -> None:
        self._reader = pa.ipc.open_stream(pa.OSFile(str(path)))
        self._schema = self._reader.schema
        self._waiting: list[Any] = []
        self._last = -1  # row number of the last row that waits
        self.rows = 0

    def until(self, end: int) -> Any:
        """Take all rows of bills before a row number."""
        while self._last < end:
            batch = next(self._reader, None)
            if batch is None:
                break
            if batch.num_rows:
                self._waiting.append(batch)
                self._last = batch.column(0)[-1].as_py()
        table = pa.Table.from_batches(self._waiting, schema=self._schema)
        cut = int(np.searchsorted(np.asarray(table.column(0)), end))
        self._waiting = table.slice(cut).to_batches()
        self.rows += cut
        return table.slice(0, cut)


@contextmanager
def _connected(spill: Path, memory: int) -> Iterator[DuckDBPyConnection]:
    """Open DuckDB with a limit of memory [bytes], beyond which it uses a folder.

    Raises:
        FileProblem: it is not installed.
    """
    try:
        import duckdb
    except ImportError:
        told = {"instead": INSTALL, "instead_zh": INSTALL}
        raise FileProblem("database-driver-missing", "DuckDB", came="duckdb", **told) from None
    megabytes = max(memory >> 20, MEGABYTES_LEAST)
    settings: dict[str, Any] = {
        "memory_limit": f"{megabytes}MiB",
        "threads": max(1, min(os.cpu_count() or 1, megabytes // MEGABYTES_A_THREAD)),
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,  # where order counts, it is asked for
    }
    with writing(spill):
        spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(":memory:", config=settings)
    try:
        yield connection
    finally:
        connection.close()


def joined(part: Part, bills: Sequence[InputFile], path: Path, memory: int) -> Stream:
    """Join keys of the bills with a file; the rows come by row number, and in the order that the plan says.

    Args:
        part: the join.
        bills: their files.
        path: of a file for the rows of the join; what does not fit into memory goes beside it.
        memory: of DuckDB [bytes].

    Raises:
        FileProblem: a key of which a bill has one row comes twice; a file is damaged; memory or disk do not suffice.
    """
    told: list[FileProblem] = []
    place = str(part.join.place)
    with _connected(path.parent, memory) as connection, _told(told, place):
        if not part.join.many:
            _refuse_twice(connection, part, told)
        names = {name: f"b{number}" for number, name in enumerate(part.bills_columns())}
        ours = {name: f"f{number}" for number, name in enumerate(part.file_columns())}
        connection.register("bills", _reader(bills, names, told, numbered=True))
        connection.register("file", _reader(part.files, ours, told))
        reader = connection.sql(_query(part, bills, names, ours)).to_arrow_reader(KEY_ROWS)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, reader.schema, options=options) as writer:
            for batch in reader:
                writer.write_batch(batch)
    return Stream(path)


def _query(part: Part, bills: Sequence[InputFile], names: Mapping[str, str], ours: Mapping[str, str]) -> str:
    conditions = [f"file.{ours[column]} = bills.{names[bill]}" for column, bill in part.keys]
    for column, (first, end) in part.join.within.items():
        at = _time(f"file.{ours[column]}", part.schema.field(column).type)
        low, high = (_time(f"bills.{names[bill]}", bills[0].schema.field(bill).type) for bill in (first, end))
        conditions.append(f"{at} >= {low} AND {at} < {high}")
    taken = ", ".join(f"file.{ours[source]} AS v{number}" for number, source in enumerate(part.sources))
    order = [f"bills.{ROW}", *(f"file.{ours[name]}" for name in (*part.join.order, *part.sources))]
    return (
        f"SELECT bills.{ROW} AS {ROW}, {taken} FROM bills JOIN file ON {' AND '.join(conditions)} "
        f"ORDER BY {', '.join(f'{one} NULLS FIRST' for one in dict.fromkeys(order))}"
    )


def _refuse_twice(connection: DuckDBPyConnection, part: Part, told: list[FileProblem]) -> None:
    keys = [column for column, _ in part.keys]
    ours = {name: f"f{number}" for number, name in enumerate(keys)}
    connection.register("keys", _reader(part.files, ours, told))
    listed = ", ".join(ours.values())
    given = " AND ".join(f"{name} IS NOT NULL" for name in ours.values())
    query = f"SELECT {listed} FROM keys WHERE {given} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    found = connection.sql(query).to_arrow_table().to_pylist()
    connection.unregister("keys")
    if found:
        came = ", ".join(f"{name} = {found[0][ours[name]]}" for name in keys)
        raise FileProblem("join-key-twice", str(part.join.place_of("on")), input=part.files[0].path, came=came)


def _reader(
    files: Sequence[InputFile], names: Mapping[str, str], told: list[FileProblem], numbered: bool = False
) -> Any:
    """Some columns of files under new names, for DuckDB to read once; with row numbers where asked for."""
    types = [value_type(files[0].schema.field(name).type) for name in names]
    types = [pa.string() if is_text(type_) else type_ for type_ in types]
    fields = [pa.field(new, type_) for new, type_ in zip(names.values(), types, strict=True)]
    schema = pa.schema([*([pa.field(ROW, pa.int64())] if numbered else []), *fields])

    def batches() -> Iterator[Any]:
        first = 0
        try:
            for one in files:
                for table in read(one, list(names), KEY_ROWS):
                    columns = [
                        _decoded(table.column(name)).cast(type_) for name, type_ in zip(names, types, strict=True)
                    ]
                    if numbered:
                        columns.insert(0, pa.array(np.arange(first, first + table.num_rows)))
                    first += table.num_rows
                    yield pa.record_batch(columns, schema=schema)
        except FileProblem as problem:
            told.append(problem)  # DuckDB makes an error of its own of it
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def _decoded(column: Any) -> Any:
    array = plain(column)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _time(column: str, type_: Any) -> str:
    """A column as DuckDB compares days and times; text that is none matches nothing."""
    if is_text(value_type(type_)):
        return f"TRY_CAST({column} AS TIMESTAMP)"
    return f"CAST({column} AS TIMESTAMP)"


@contextmanager
def _told(told: Sequence[FileProblem], place: str) -> Iterator[None]:
    """Turn what DuckDB says into a problem: that of a file which it could not read, or its own."""
    import duckdb

    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if told:
            raise told[0] from error
        reason = " ".join(str(error).split()).rstrip(".")
        raise FileProblem("join-stopped", place, reason=reason) from error
