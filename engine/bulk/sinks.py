"""Arrow tables -> files of one folder: Parquet, CSV or Arrow IPC, each under a temporary name until all are whole.

A folder with a `summary.json` holds a finished run; a run that stops leaves only files that end in `.partial`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.problems import FileProblem

Format = Literal["parquet", "csv", "arrow"]
FORMATS: Final[tuple[Format, ...]] = ("parquet", "csv", "arrow")

PARTIAL: Final = ".partial"
SUMMARY: Final = "summary.json"
FLUSH_ROWS: Final = 131_072  # rows of a Parquet row group or Arrow batch, at least, but for the last
WAITING_ROWS_MAX: Final = 2_097_152  # over all files: with very many structures, their largest is written earlier


class TableFile:
    """One table, written as its rows come."""

    def __init__(self, path: Path, schema: Any, format_: Format) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self.waiting = 0
        self._format = format_
        self._parts: list[Any] = []
        self._writer: Any = None

    @property
    def partial(self) -> Path:
        return self.path.with_name(self.path.name + PARTIAL)

    def write(self, table: Any) -> None:
        """Take rows in; they are on their way to the file once there are enough of them."""
        if table.num_rows == 0:
            return
        self._parts.append(table)
        self.waiting += table.num_rows
        if self.waiting >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        with writing(self.path):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = self._opened()
            if not self._parts:
                return
            table = pa.concat_tables(self._parts).combine_chunks()
            if self._format == "csv":
                table = _for_csv(table)
            self._writer.write_table(table)
        self.rows += self.waiting
        self._parts, self.waiting = [], 0

    def close(self) -> None:
        """Write the rest. A table without rows is still a file with its columns."""
        self.flush()
        with writing(self.path):
            self._writer.close()

    def abandon(self) -> None:
        """Leave the partial file as it is."""
        self._parts = []
        if self._writer is not None:
            with suppress(OSError):  # on a full disk the end of a file cannot be written either
                self._writer.close()

    def _opened(self) -> Any:
        target = str(self.partial)
        if self._format == "parquet":
            # Amounts hardly repeat: dictionaries are for the texts alone.
            texts = [field.name for field in self.schema if not _is_number(field.type)]
            return pq.ParquetWriter(target, self.schema, compression="zstd", compression_level=1, use_dictionary=texts)
        if self._format == "csv":
            return pa_csv.CSVWriter(target, _csv_schema(self.schema))
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        return pa.ipc.new_file(target, self.schema, options=options)


class Folder:
    """The files of one run, renamed together at the end."""

    def __init__(self, path: Path, format_: Format, overwrite: bool = False) -> None:
        self.path = path
        self.format: Format = format_
        self._files: dict[str, TableFile] = {}
        if path.exists() and not path.is_dir():
            raise FileProblem("output-not-folder", str(path))
        self._earlier = _results(path)
        if self._earlier and not overwrite:
            found = ", ".join(sorted(file.relative_to(path).as_posix() for file in self._earlier[:3]))
            raise FileProblem("output-not-empty", str(path), found=found)
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
            for stale in [*path.glob(f"*{PARTIAL}"), *path.glob(f"lines/*{PARTIAL}")]:
                stale.unlink()

    def table(self, name: str, schema: Any) -> TableFile:
        """Give the file of a name such as `bills` or `lines/cn.jiangsu.residential`, made at its first use."""
        if name not in self._files:
            self._files[name] = TableFile(self.path / f"{name}.{self.format}", schema, self.format)
        return self._files[name]

    def relieve(self) -> None:
        """Write the fullest files early where too many rows wait in all of them."""
        waiting = sum(file.waiting for file in self._files.values())
        for file in sorted(self._files.values(), key=lambda one: -one.waiting):
            if waiting <= WAITING_ROWS_MAX:
                return
            waiting -= file.waiting
            file.flush()

    def finish(self, summary: Mapping[str, object]) -> None:
        """Close the files, give them their names, and write the summary last."""
        for file in self._files.values():
            file.close()
        with writing(self.path):
            # The summary goes first: wherever this is cut short, no summary speaks for files that are gone.
            for earlier in sorted(self._earlier, key=lambda file: file.name != SUMMARY):
                earlier.unlink(missing_ok=True)
            for file in self._files.values():
                file.partial.replace(file.path)
            target = self.path / SUMMARY
            partial = target.with_name(SUMMARY + PARTIAL)
            partial.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            partial.replace(target)

    def abandon(self) -> None:
        """Stop without results: what was written keeps its partial name."""
        for file in self._files.values():
            file.abandon()

    def files(self) -> dict[str, int]:
        """File names below the folder, with their rows."""
        return {file.path.relative_to(self.path).as_posix(): file.rows + file.waiting for file in self._files.values()}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says against writing into a problem of that file or folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise FileProblem("output-unwritable", str(path), reason=reason.rstrip(".")) from error


def _results(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    names = ("bills", "refused", "warnings")
    found: Iterable[Path] = [
        *(folder / f"{name}.{format_}" for name in names for format_ in FORMATS),
        *(file for format_ in FORMATS for file in sorted(folder.glob(f"lines/*.{format_}"))),
        folder / SUMMARY,
    ]
    return [file for file in found if file.is_file()]


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
