"""Where the tables of one partition go: files of a folder, each under a name of the attempt's own until it is whole.

    write ─▶ bills/00007.parquet.ATTEMPT.partial ─close, fsync, hash─▶ rename to bills/00007.parquet ─▶ fsync the folder

A sink takes what one attempt at a partition makes. Once `commit` has returned, every row is on the disk, once, however
often the partition was begun before; the ledger is told after that, so what it knows of is always there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.partitions import Format, WrittenFile
from engine.bulk.problems import FileProblem

PARTIAL: Final = ".partial"
SUMMARY: Final = "summary.json"  # of a folder's finished run
FOLDER: Final = "_run"  # below the output: the rate book, copies of the input, the lock
OWNER: Final = "run"  # file in it, with the id of the run that the output is of
TABLES: Final = ("bills", "refused", "warnings")  # are written without rows, too: their columns say what there is
OVER_TIME: Final = ("warnings_over_time", "events_refused")  # of a run with a history
FLUSH_ROWS: Final = 131_072  # rows of a Parquet row group or Arrow batch, at least, but for the last
_WHOLE_DIGITS: Final = 18  # of a decimal that 64 bits hold
WAITING_ROWS_MAX: Final = 524_288  # over all files: with very many structures, their largest is written earlier


class Sink(Protocol):
    """What takes the tables of one attempt at a partition."""

    def write(self, name: str, table: Any) -> None:
        """Take rows of a table in: `bills`, `lines/STRUCTURE` and the others; those that come wait for more."""

    def commit(self) -> Mapping[str, WrittenFile]:
        """Make every row last, once, and say what holds them."""

    def abandon(self) -> None:
        """Take back what was written."""


class FolderSink:
    """Files of a folder: `TABLE/NUMBER.FORMAT`."""

    def __init__(
        self, folder: Path, run: str, number: int, attempt: str, format_: Format, schemas: Mapping[str, Any]
    ) -> None:
        """Prepare a partition's files.

        Args:
            folder: of the run's results.
            run: its id.
            number: of the partition.
            attempt: no other attempt at any partition of the run has this name.
            format_: of the files.
            schemas: by table.
        """
        self._folder, self._run, self._number = folder, run, number
        self._attempt, self._format = attempt, format_
        self._schemas = schemas
        self._files: dict[str, _TableFile] = {name: self._file(name) for name in TABLES}

    def write(self, name: str, table: Any) -> None:
        """Take rows in."""
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = self._file(name)
        file.write(table)
        waiting = sum(one.waiting for one in self._files.values())
        while waiting > WAITING_ROWS_MAX:
            largest = max(self._files.values(), key=lambda one: one.waiting)
            waiting -= largest.waiting
            largest.flush()

    def commit(self) -> Mapping[str, WrittenFile]:
        """Close the files, and give them their names once all of them are on the disk."""
        written = {}
        for file in self._files.values():
            size, digest = file.close()
            written[file.path.relative_to(self._folder).as_posix()] = WrittenFile(file.rows, size, digest)
        # A worker may live longer than its driver, and than the run whose folder this was.
        owner = owner_of(self._folder / FOLDER)
        if owner and owner != self._run:
            raise FileProblem("run-replaced", self._run, folder=self._folder, other=owner)
        for file in self._files.values():
            with writing(file.path):
                file.partial.replace(file.path)
        # A new folder lasts only once its name is on the disk, too.
        tables = {file.path.parent for file in self._files.values()}
        for folder in sorted({one for of in tables for one in (of, *of.parents) if one.is_relative_to(self._folder)}):
            with writing(folder):
                sync(folder)
        with suppress(PermissionError):  # of a folder that is not ours to read, and that was there before
            sync(self._folder.parent)
        return written

    def abandon(self) -> None:
        """Take the partial files away."""
        for file in self._files.values():
            file.abandon()

    def _file(self, name: str) -> _TableFile:
        path = self._folder / name / file_name(self._number, self._format)
        return _TableFile(path, self._attempt, self._schemas[name], self._format)


def owner_of(folder: Path) -> str:
    """The id of the run that a folder of results is of, as its FOLDER says; "": it does not say."""
    try:
        return (folder / OWNER).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def file_name(number: int, format_: Format) -> str:
    """The name of a partition's files."""
    return f"{number:05d}.{format_}"


class _TableFile:
    """One table of a partition, written as its rows come."""

    def __init__(self, path: Path, attempt: str, schema: Any, format_: Format) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.{attempt}{PARTIAL}")
        self.rows = 0
        self.waiting = 0
        self._schema = schema
        self._format = format_
        self._parts: list[Any] = []
        self._writer: Any = None

    def write(self, table: Any) -> None:
        if table.num_rows == 0:
            return
        self._parts.append(table)
        self.waiting += table.num_rows
        if self.waiting >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting. A table without rows is still a file with its columns."""
        with writing(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = self._opened()
            if not self._parts:
                return
            table = pa.concat_tables(self._parts)
            if self._format != "parquet":  # which writes pieces as one row group
                table = table.combine_chunks()
            self._writer.write_table(_for_csv(table) if self._format == "csv" else table)
        self.rows += self.waiting
        self._parts, self.waiting = [], 0

    def close(self) -> tuple[int, str]:
        """Write the rest, and wait for the disk; gives the file's size [bytes] and SHA-256."""
        self.flush()
        with writing(self.path):
            self._writer.close()
            sync(self.partial)
            with self.partial.open("rb") as file:
                return self.partial.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()

    def abandon(self) -> None:
        self._parts = []
        with suppress(OSError):  # on a full disk the end of a file cannot be written either
            if self._writer is not None:
                self._writer.close()
        with suppress(OSError):
            self.partial.unlink(missing_ok=True)

    def _opened(self) -> Any:
        target = str(self.partial)
        if self._format == "parquet":
            return pq.ParquetWriter(target, self._schema, **parquet_options(self._schema))
        if self._format == "csv":
            return pa_csv.CSVWriter(target, _csv_schema(self._schema))
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        return pa.ipc.new_file(target, self._schema, options=options)


def parquet_options(schema: Any) -> dict[str, Any]:
    """How tables are written as Parquet: for `pyarrow.parquet.ParquetWriter`."""
    # Amounts hardly repeat: dictionaries are for texts and days. Differences of whole numbers are packed, which halves
    # the time that compression takes; decimals of 18 digits are whole numbers, too, to whoever reads the file.
    packed = {field.name: "DELTA_BINARY_PACKED" for field in schema if _is_whole(field.type)}
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [field.name for field in schema if not _is_number(field.type)],
        "column_encoding": packed,
        "store_decimal_as_integer": True,
    }


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says against writing into a problem of that file or folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise FileProblem("output-unwritable", str(path), reason=reason.rstrip(".")) from error


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_whole(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) or (pa.types.is_decimal(type_) and type_.precision <= _WHOLE_DIGITS))


def _is_number(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_decimal(type_) or pa.types.is_floating(type_))


def _csv_type(type_: Any) -> Any:
    if pa.types.is_dictionary(type_):
        return type_.value_type
    if pa.types.is_nested(type_):
        return pa.string()
    return type_


def _csv_schema(schema: Any) -> Any:
    return pa.schema([pa.field(field.name, _csv_type(field.type)) for field in schema])


def _for_csv(table: Any) -> Any:
    columns = []
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_nested(field.type):
            texts = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
            columns.append(pa.array(texts, pa.string()))
        else:
            columns.append(column.cast(_csv_type(field.type)))
    return pa.table(columns, schema=_csv_schema(table.schema))
