"""Copies a run's input once into Parquet files by account, where it cannot be cut into partitions as it stands.

    tables ──▶ rows sorted by partition ──▶ waiting ──memory is used──▶ a row group of each partition's file

The order of the input is kept within a partition. Cells stay what they are: of CSV, text. Everything is written below a
temporary name, which is changed once all of it is on the disk, so that a copy that was cut short is begun anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.bulk import arrays, lists, row_ids
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.partitions import Slice
from engine.bulk.sinks import PARTIAL, sync, writing
from engine.evaluator.seen import Words
from engine.runs.keys import parted, spread

STAGING: Final = "staging"
OPEN_MAX: Final = 256  # files written at once: more partitions take more readings of the input
THREADS_MAX: Final = 4

Parts = NDArray[np.uint32]
Tables = Callable[[], Iterable[tuple[int, Any]]]
"""Reads the input from its beginning: numbers of files, and tables."""
Placing = Callable[[int, Any], Parts]
"""Takes the number of a file and a table of its rows; gives (row,) the partition of each row."""


def by_account(parts: int, file: str) -> Placing:
    """Place rows by the text of their account; a row without one by its row id."""

    def place(_: int, table: Any) -> Parts:
        if ACCOUNT not in table.schema.names:
            return parted(_spread_keys(row_ids.ids(table.column("row_id"), file)), parts)
        named = row_ids.texts(table.column(ACCOUNT))
        keys = _spread_keys(named)
        if named.null_count:
            absent = ~np.asarray(named.is_valid())
            keys = np.where(absent, _spread_keys(row_ids.ids(table.column("row_id"), file)), keys)
        return parted(keys, parts)

    return place


def by_file(file: int, table: Any) -> Parts:
    """Place all rows of a file in the partition of its number."""
    return np.full(table.num_rows, file, dtype=np.uint32)


def _spread_keys(named: Any) -> Words:
    return spread(row_ids.keys(named)[0])


def staged_schema(schema: Any) -> Any:
    """The columns as Parquet holds them; what they say of places stays."""
    plain = [arrays.passing(pa.chunked_array([], type=field.type)).type for field in schema]
    return pa.schema([field.with_type(_without_views(type_)) for field, type_ in zip(schema, plain, strict=True)])


def _without_views(type_: Any) -> Any:
    """A list as Parquet holds it."""
    if pa.types.is_list_view(type_):
        return pa.list_(type_.value_field)
    if pa.types.is_large_list_view(type_):
        return pa.large_list(type_.value_field)
    return type_


def stage(
    tables: Tables,
    place: Placing,
    parts: int,
    schema: Any,
    work_folder: Path,
    memory: int,
    between: Callable[[int, Any], None],
) -> list[tuple[Slice, ...]]:
    """Copy rows into a file for each partition.

    Args:
        tables: reads the rows.
        place: which partition a row belongs to.
        parts: partitions.
        schema: as `staged_schema` gives it.
        work_folder: gets the folder `staging`; one that is there is replaced.
        memory: that rows which wait to be written take, about [bytes].
        between: called with each table of the first reading.

    Returns:
        Of each partition, its file.

    Raises:
        FileProblem: the input cannot be read, or the copy not written.
    """
    counts = np.zeros(parts, dtype=np.int64)
    with made_whole(work_folder, STAGING) as folder:
        for low in range(0, parts, OPEN_MAX):
            high = min(parts, low + OPEN_MAX)
            with _Writers(folder, range(low, high), schema, memory) as writers:
                for file, table in tables():
                    if low == 0:
                        between(file, table)
                    placed = place(file, table)
                    if parts > OPEN_MAX:
                        mine = np.flatnonzero((placed >= low) & (placed < high))
                        table, placed = table.take(pa.array(mine)), placed[mine]
                    writers.add(table, placed - np.uint32(low))
                    counts[low:high] += np.bincount(placed - np.uint32(low), minlength=high - low)
    final = (work_folder / STAGING).absolute()
    return [(Slice(str(final / _name(part)), 0, int(rows)),) for part, rows in enumerate(counts.tolist())]


@contextmanager
def made_whole(work_folder: Path, name: str) -> Iterator[Path]:
    """Give a folder to write to, which gets its name, in place of an earlier one, once all of it is on the disk."""
    final, partial = work_folder / name, work_folder / f"{name}{PARTIAL}"
    with writing(work_folder):
        for earlier in (final, partial):
            if earlier.exists():
                shutil.rmtree(earlier)
        partial.mkdir(parents=True)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    with writing(work_folder):
        for file in partial.iterdir():
            sync(file)
        sync(partial)
        partial.rename(final)
        sync(work_folder)


def _name(part: int) -> str:
    return f"{part:05d}.parquet"


class _Writers:
    """The files of some partitions, written as their rows come."""

    def __init__(self, folder: Path, parts: Sequence[int], schema: Any, memory: int) -> None:
        self._folder, self._schema, self._memory = folder, schema, memory
        self._paths = [folder / _name(part) for part in parts]
        self._writers: list[Any] = []
        self._waiting: list[tuple[Any, NDArray[np.int64]]] = []  # rows sorted by partition, and where each begins
        self._size = 0

    def __enter__(self) -> _Writers:
        texts = [field.name for field in self._schema if arrays.is_text(field.type) and field.name not in _DISTINCT]
        with writing(self._folder):
            for path in self._paths:
                self._writers.append(
                    pq.ParquetWriter(
                        path, self._schema, compression="lz4", use_dictionary=texts, write_statistics=False
                    )
                )
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            with writing(self._folder):
                for writer in self._writers:
                    writer.close()

    def add(self, table: Any, placed: Parts) -> None:
        """Take rows in."""
        if not table.num_rows:
            return
        order = np.argsort(placed, kind="stable")
        bounds = np.searchsorted(placed[order], np.arange(len(self._paths) + 1))
        rows = as_staged(table, self._schema).take(pa.array(order))
        self._waiting.append((rows, bounds))
        self._size += rows.nbytes
        if self._size > self._memory:
            self._flush()

    def _flush(self) -> None:
        """Write what waits; each file has a thread of its own, so that its order does not depend on them."""
        threads = min(THREADS_MAX, os.cpu_count() or 1)
        with writing(self._folder), ThreadPoolExecutor(threads, "stage") as pool:
            for _ in pool.map(self._write, range(len(self._writers))):
                pass
        self._waiting, self._size = [], 0

    def _write(self, part: int) -> None:
        pieces = [
            rows.slice(int(bounds[part]), int(bounds[part + 1] - bounds[part]))
            for rows, bounds in self._waiting
            if bounds[part + 1] > bounds[part]
        ]
        if pieces:
            table = pa.concat_tables(pieces).unify_dictionaries()
            self._writers[part].write_table(table, row_group_size=max(table.num_rows, 1))


_DISTINCT: Final = frozenset({"row_id", ACCOUNT})  # hardly repeat: a dictionary of them is made in vain


def as_staged(table: Any, schema: Any) -> Any:
    """Give a table's columns in the types that `staged_schema` gives them."""
    columns = []
    for field in schema:
        column = table.column(field.name)
        if pa.types.is_list_view(column.type) or pa.types.is_large_list_view(column.type):
            column = _without_view(column.combine_chunks(), field.type)
        elif column.type != field.type or pa.types.is_dictionary(column.type):  # it may hold nulls
            column = arrays.passing(column).cast(field.type)
        columns.append(column)
    return pa.table(columns, schema=schema)


def _without_view(array: Any, type_: Any) -> Any:
    """A list view as a list; pyarrow's own cast gives an array that lacks its last offset."""
    offsets, items, valid = lists.flat(array)
    large = pa.types.is_large_list(type_)
    mask = None if valid is None else pa.array(~valid)
    starts = pa.array(offsets, pa.int64() if large else pa.int32())
    return (pa.LargeListArray if large else pa.ListArray).from_arrays(starts, items, type=type_, mask=mask)


def positions(batches: Iterable[tuple[Any, Parts]], parts: int) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """Say of each row its place as `code_place` writes it.

    Args:
        batches: row ids, and the partition of each row.
        parts: partitions.
    """
    counts = np.zeros(parts, dtype=np.int64)
    for ids, placed in batches:
        order = np.argsort(placed, kind="stable")
        ordered = placed[order]
        begins = np.searchsorted(ordered, np.arange(parts))
        inner = np.empty(len(placed), dtype=np.int64)
        inner[order] = np.arange(len(placed)) - begins[ordered] + counts[ordered]
        counts += np.bincount(placed, minlength=parts)
        yield ids, (placed.astype(np.int64) << 40) | inner
