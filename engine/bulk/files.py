"""Files -> Arrow tables: which format a file is in, its columns, and its rows a piece at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.partitions import Slice
from engine.bulk.problems import FileProblem

PARQUET: Final = b"PAR1"
ARROW_FILE: Final = b"ARROW1"
ARROW_STREAM: Final = b"\xff\xff\xff\xff"
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
HEADER_BYTES_MAX: Final = 1 << 20
# Not whole column chunks at once: those of a row group of a million rows take 140 MB more.
BUFFERED: Final[dict[str, Any]] = {"pre_buffer": False, "buffer_size": 1 << 18}
CSV_BLOCK_BYTES: Final = 16 << 20


def opened(path: Path) -> tuple[str, Any, int | None]:
    """Tell a file's format, its columns, and its number of rows where the file says so.

    Raises:
        FileProblem: there is no such file, or it is none of the formats.
    """
    if path.is_dir():
        raise FileProblem("portfolio-format", str(path), reason="it is a folder", reason_zh="是文件夹")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise FileProblem("portfolio-not-found", str(path)) from None
    except OSError as error:
        raise FileProblem("portfolio-unreadable", str(path), reason=error.strerror or str(error)) from error
    with damage_named(path):
        if head.startswith(PARQUET):
            with pq.ParquetFile(path) as parquet:
                return "parquet", parquet.schema_arrow, parquet.metadata.num_rows
        if head.startswith(ARROW_FILE):
            with pa.memory_map(str(path)) as mapped:
                return "arrow-file", pa.ipc.open_file(mapped).schema, None
        if head.startswith(ARROW_STREAM):
            with pa.memory_map(str(path)) as mapped:
                return "arrow-stream", pa.ipc.open_stream(mapped).schema, None
    if not head:
        raise FileProblem("portfolio-format", str(path), reason="it is empty", reason_zh="是空文件")
    return "csv", _csv_schema(path, head), None


def tables(path: Path, format_: str, schema: Any, dictionaries: Sequence[str], rows: int) -> Iterator[Any]:
    """Read a file as tables of about `rows` rows.

    Args:
        path, format_, schema: as `opened` gave them.
        dictionaries: text columns with few values, which Parquet keeps as dictionaries.
        rows: rows a table; the last has fewer.

    Raises:
        FileProblem: the file is damaged.
    """
    with damage_named(path):
        if format_ == "parquet":
            texts = [name for name in dictionaries if pa.types.is_string(schema.field(name).type)]
            with pq.ParquetFile(path, read_dictionary=texts or None, **BUFFERED) as parquet:
                for batch in parquet.iter_batches(batch_size=rows):
                    yield pa.Table.from_batches([batch])
        elif format_ == "csv":
            yield from _even(_csv_batches(path, schema), schema, rows)
        else:
            with pa.memory_map(str(path)) as mapped:
                if format_ == "arrow-file":
                    file = pa.ipc.open_file(mapped)
                    batches: Iterator[Any] = (file.get_batch(at) for at in range(file.num_record_batches))
                else:
                    batches = iter(pa.ipc.open_stream(mapped))
                yield from _even(batches, schema, rows)


def sliced(
    wanted: Slice, schema: Any, dictionaries: Sequence[str], rows: int, columns: Sequence[str] | None = None
) -> Iterator[Any]:
    """Read some rows of a Parquet file as tables of at most `rows` rows.

    Args:
        wanted: the rows.
        schema: of the file.
        dictionaries: text columns with few values, which Parquet keeps as dictionaries.
        rows: rows a table, at most.
        columns: to be read; None: all of them.

    Raises:
        FileProblem: the file is damaged, or has fewer rows.
    """
    path, first, left = Path(wanted.path), wanted.first, wanted.rows
    texts = [name for name in dictionaries if pa.types.is_string(schema.field(name).type)]
    with damage_named(path), pq.ParquetFile(path, read_dictionary=texts or None, **BUFFERED) as parquet:
        groups, begins = _groups_of(parquet.metadata, first, left)
        skip = first - begins
        # One thread a partition: partitions are what runs side by side.
        for batch in parquet.iter_batches(rows, groups, columns, use_threads=False):
            table = pa.Table.from_batches([batch]).slice(skip, left)
            skip = max(0, skip - batch.num_rows)
            if table.num_rows:
                left -= table.num_rows
                yield table
            if not left:
                return
    if left:
        reason = f"it has {left} rows fewer than it had when the run was planned"
        raise FileProblem("portfolio-unreadable", str(path), reason=reason)


def _groups_of(metadata: Any, first: int, rows: int) -> tuple[list[int], int]:
    """The row groups that hold rows [first, first + rows), and the row at which the first of them begins."""
    groups: list[int] = []
    at, begins = 0, first
    for number in range(metadata.num_row_groups):
        size = metadata.row_group(number).num_rows
        if at < first + rows and at + size > first:
            begins = begins if groups else at
            groups.append(number)
        at += size
    return groups, begins


def items_a_row(path: Path, format_: str, names: Collection[str]) -> float | None:
    """Items that the lists of a row have, at the mean of the row group that has most; None where no file says so."""
    if not names:
        return 0.0
    if format_ != "parquet":
        return None
    most = 0.0
    with damage_named(path), pq.ParquetFile(path) as parquet:
        metadata = parquet.metadata
        for at in range(metadata.num_row_groups):
            group = metadata.row_group(at)
            items: dict[str, int] = {}
            for number in range(group.num_columns):
                column = group.column(number)
                name = column.path_in_schema.partition(".")[0]
                if name in names:
                    items[name] = max(items.get(name, 0), column.num_values)
            most = max(most, sum(items.values()) / max(group.num_rows, 1))
    return most


def _even(batches: Iterator[Any], schema: Any, rows: int) -> Iterator[Any]:
    """Cut long batches and join short ones."""
    waiting: list[Any] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count < rows:
            continue
        table = pa.Table.from_batches(waiting, schema=schema).unify_dictionaries()
        whole = count - count % rows
        for first in range(0, whole, rows):
            yield table.slice(first, rows)
        waiting = table.slice(whole).to_batches() if whole < count else []
        count -= whole
    if count:
        yield pa.Table.from_batches(waiting, schema=schema).unify_dictionaries()


# CSV: every cell is text; an empty one is not given

_SEPARATORS: Final = ((";", "`;`", "分号"), ("\t", "tabs", "制表符"), ("，", "full-width commas", "全角逗号"))


def _csv_schema(path: Path, head: bytes) -> Any:
    if head.startswith(ZIP):
        told = {"reason": "it seems to be an Excel workbook", "reason_zh": "似为 Excel 工作簿"}
        raise FileProblem("portfolio-format", str(path), **told)
    if head.startswith(UTF_16):
        told = {"seems": " (it seems to be UTF-16, Excel's `Unicode Text`)", "seems_zh": "（似为 UTF-16）"}
        raise FileProblem("portfolio-encoding", str(path), **told)
    if b"\0" in head and not head.startswith(GZIP):
        raise FileProblem("portfolio-format", str(path), reason="it holds binary data", reason_zh="是二进制数据")
    with damage_named(path), pa.input_stream(str(path), compression=_compression(path)) as stream:
        start = stream.read(HEADER_BYTES_MAX)
    try:
        text = start.removeprefix(b"\xef\xbb\xbf").splitlines()[0].decode("utf-8") if start else ""
    except UnicodeDecodeError:
        seems, seems_zh = _seems(start)
        raise FileProblem("portfolio-encoding", str(path), seems=seems, seems_zh=seems_zh) from None
    names = next(csv.reader(io.StringIO(text)), [])
    for sign, name, name_zh in _SEPARATORS:
        if len(names) == 1 and sign in text:
            raise FileProblem("portfolio-separator", str(path), sign=name, sign_zh=name_zh)
    return pa.schema([pa.field(name, pa.string()) for name in names])


def _csv_batches(path: Path, schema: Any) -> Iterator[Any]:
    read = pa_csv.ReadOptions(block_size=CSV_BLOCK_BYTES)
    convert = pa_csv.ConvertOptions(
        column_types={field.name: pa.string() for field in schema},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    with pa.input_stream(str(path), compression=_compression(path)) as stream:
        try:
            reader = pa_csv.open_csv(stream, read_options=read, convert_options=convert)
        except pa.ArrowInvalid as error:
            if "Empty CSV" in str(error) or "no rows" in str(error).lower():
                return
            raise
        yield from reader


def _compression(path: Path) -> str | None:
    with path.open("rb") as file:
        return "gzip" if file.read(2) == GZIP else None


def _seems(octets: bytes) -> tuple[str, str]:
    line = octets.splitlines()[0] if octets else b""
    try:
        line.decode("gb18030")
    except UnicodeDecodeError:
        return "", ""
    return " (it seems to be GBK)", "（似为 GBK）"


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what Arrow says of a file into a problem of that file."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowKeyError, pa.ArrowNotImplementedError, OSError, EOFError) as error:
        said = " ".join(str(error).split())
        if "UTF8" in said or "UTF-8" in said:
            raise FileProblem("portfolio-encoding", str(path), seems="", seems_zh="") from error
        if said.startswith("CSV parse error") or "CSV parser" in said:
            raise FileProblem("portfolio-line", str(path), reason=said.removeprefix("CSV parse error: ")) from error
        raise FileProblem("portfolio-unreadable", str(path), reason=said.rstrip(".")) from error
