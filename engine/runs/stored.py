"""Rows that can be read once -> a Parquet file below the work folder, which a run is then cut from.

A joined input and the answer of a database are such rows. The file has its name once all of it is on the disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from engine.bulk.arrays import is_text
from engine.bulk.sinks import writing
from engine.runs.staging import as_staged, made_whole, staged_schema

JOINED: Final = "joined"
FETCHED: Final = "fetched"
FILE: Final = "00000.parquet"
GROUP_ROWS: Final = 131_072  # of a row group, or fewer of long lists
GROUP_BYTES: Final = 64 << 20


def store(tables: Iterable[Any], schema: Any, work_folder: Path, name: str = JOINED) -> Path:
    """Write rows as they come, in their order.

    Args:
        tables: pyarrow Tables of the schema; each is written before many more are asked for.
        schema: of the rows; types that Parquet cannot hold become plain.
        work_folder: gets a folder; one of its name that is there is replaced.
        name: of the folder.

    Returns:
        The file.

    Raises:
        FileProblem: it cannot be written. What reading the tables raises passes through.
    """
    held = staged_schema(schema)
    with made_whole(work_folder, name) as folder, _Groups(folder / FILE, held) as groups:
        for table in tables:
            groups.add(as_staged(table, held))
    return work_folder / name / FILE


class _Groups:
    """A Parquet file, written in row groups of enough rows."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._path = path
        texts = [one.name for one in schema if is_text(one.type)]
        with writing(path):
            self._writer = pq.ParquetWriter(
                path, schema, compression="lz4", use_dictionary=texts, write_statistics=False
            )
        self._waiting: list[Any] = []
        self._rows = self._size = 0

    def __enter__(self) -> _Groups:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with writing(self._path):
            try:
                if kind is None:
                    self._flush()
            finally:
                self._writer.close()

    def add(self, table: Any) -> None:
        """Take rows in."""
        self._waiting.append(table)
        self._rows += table.num_rows
        self._size += table.nbytes
        if self._rows >= GROUP_ROWS or self._size > GROUP_BYTES:
            with writing(self._path):
                self._flush()

    def _flush(self) -> None:
        if self._rows:
            table = pa.concat_tables(self._waiting).unify_dictionaries()
            self._writer.write_table(table, row_group_size=self._rows)
        self._waiting, self._rows, self._size = [], 0, 0
