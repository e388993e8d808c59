"""The input of a run: one file, several, or a folder of them, all with the same columns, read one after another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from engine.bulk import files
from engine.bulk.problems import FileProblem
from engine.bulk.sources import Source, open_source
from engine.compiler.program import Compiled

HIDDEN: Final = (".", "_")  # how the names of files begin that other programs leave in a folder
KEY_BATCH_ROWS: Final = 262_144  # rows read at once of a few columns
SAMPLE_BYTES: Final = 4 << 20
READ_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of the input that has been looked at; no row has been read."""

    path: Path  # absolute: a worker may stand in another folder
    format: str
    schema: Any  # pyarrow Schema
    rows: int | None  # None: not known before the end is reached
    groups: tuple[int, ...]  # rows of each row group; of Parquet alone


@dataclass(frozen=True, slots=True)
class Inputs:
    """All files of a run, in the order in which their rows count."""

    files: tuple[InputFile, ...]
    source: Source  # of the first file: what rule sets read of the columns

    @property
    def schema(self) -> Any:
        """Of every file, as the first has it."""
        return self.files[0].schema

    @property
    def parquet(self) -> bool:
        """Whether every file is Parquet."""
        return all(one.format == "parquet" for one in self.files)

    @property
    def rows(self) -> int | None:
        """Of all files; None where one does not say."""
        known = [one.rows for one in self.files if one.rows is not None]
        return sum(known) if len(known) == len(self.files) else None

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[tuple[int, Any]]:
        """Read all files, a table of some rows at a time, each with the number of its file.

        Args:
            columns: to be read; None: all of them, of as many rows at once as their lists allow.

        Raises:
            FileProblem: a file is damaged.
        """
        for number, one in enumerate(self.files):
            rows = KEY_BATCH_ROWS if columns is not None else replace(self.source, path=one.path).batch_rows()
            names = self.schema.names if columns is None else columns
            for table in read(one, names, rows):
                yield number, table


def open_inputs(paths: Sequence[Path], book: Mapping[str, Compiled], pass_through: Collection[str] = ()) -> Inputs:
    """Look at the columns of all files, and say at once what cannot be billed from them.

    Args:
        paths: files or folders; of a folder all files count, also of folders in it, by name.
        book: the rule sets that will bill them.
        pass_through: columns that are meant to be unread although their name is near an input's.

    Raises:
        FileProblem: a file or a column cannot be billed from, or two files differ in their columns.
    """
    named = [file for path in paths for file in expanded(path)]
    source = open_source(named[0], book, pass_through)
    return Inputs(look(named), source)


def look(paths: Sequence[Path]) -> tuple[InputFile, ...]:
    """Look at the columns of files, which must be the same.

    Raises:
        FileProblem: a file is none of the formats, or two files differ in their columns.
    """
    found = tuple(_looked(path) for path in paths)
    for other in found[1:]:
        _same_columns(found[0], other)
    return found


def read(one: InputFile, columns: Sequence[str], rows: int) -> Iterator[Any]:
    """Read some columns of a file as tables of at most some rows.

    Raises:
        FileProblem: the file is damaged.
    """
    with files.damage_named(one.path):
        if one.format == "parquet":
            # Not whole column chunks at once: that takes the memory of a row group of all columns.
            with pq.ParquetFile(one.path, pre_buffer=False, buffer_size=READ_BYTES) as parquet:
                for batch in parquet.iter_batches(batch_size=rows, columns=list(columns)):
                    yield pa.Table.from_batches([batch]).select(columns)
        else:
            for table in files.tables(one.path, one.format, one.schema, (), rows):
                yield table.select(columns)


def rows_about(one: InputFile) -> int:
    """Give the rows of a file: as it says, or as many as its size and its beginning let expect.

    The same file gives the same number. Of CSV, line breaks within cells count as rows.
    """
    if one.rows is not None:
        return one.rows
    with files.damage_named(one.path):
        if one.format == "csv":
            return _lines_about(one.path)
        return sum(table.num_rows for table in files.tables(one.path, one.format, one.schema, (), KEY_BATCH_ROWS))


def _lines_about(path: Path) -> int:
    with path.open("rb") as file:
        gzip = file.read(2) == files.GZIP
    size = path.stat().st_size
    with path.open("rb") as file:
        if not gzip:
            head: bytes = file.read(SAMPLE_BYTES)
            return round(head.count(b"\n") * size / max(len(head), 1))
        with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "gzip") as stream:
            head = stream.read(SAMPLE_BYTES)
            used = size if len(head) < SAMPLE_BYTES else min(size, file.tell())
    lines: int = round(head.count(b"\n") * size / max(used, 1))
    return lines


def expanded(path: Path) -> list[Path]:
    """Give the files that a path names: itself, or those of a folder and of the folders in it, by name.

    Raises:
        FileProblem: the folder holds none.
    """
    if not path.is_dir():
        return [path.absolute()]
    found = [
        file.absolute()
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(HIDDEN) for part in file.relative_to(path).parts)
    ]
    if not found:
        raise FileProblem("portfolio-folder-empty", str(path))
    return found


def _looked(path: Path) -> InputFile:
    format_, schema, rows = files.opened(path)
    groups: tuple[int, ...] = ()
    if format_ == "parquet":
        with files.damage_named(path), pq.ParquetFile(path) as parquet:
            groups = tuple(parquet.metadata.row_group(at).num_rows for at in range(parquet.metadata.num_row_groups))
    return InputFile(path, format_, schema, rows, groups)


def _same_columns(first: InputFile, other: InputFile) -> None:
    """Refuse a file whose columns are not those of the first; their order does not count."""
    for one, its in ((first, other), (other, first)):
        for name in one.schema.names:
            if name not in its.schema.names:
                raise FileProblem("portfolio-files-columns", str(its.path), column=name, input=one.path)
    for field in first.schema:
        came = other.schema.field(field.name)
        if not (came.type.equals(field.type) and _places(came) == _places(field)):
            raise FileProblem(
                "portfolio-files-types",
                str(other.path),
                column=field.name,
                came=_typed(came),
                found=_typed(field),
                input=first.path,
            )


def _places(field: Any) -> list[object]:
    """Places that a field and those within it declare."""
    own: list[object] = [(field.metadata or {}).get(b"places")]
    type_ = field.type
    inner = [type_.field(at) for at in range(type_.num_fields)] if pa.types.is_nested(type_) else []
    return own + [_places(one) for one in inner]


def _typed(field: Any) -> str:
    places = (field.metadata or {}).get(b"places")
    return str(field.type) if places is None else f"{field.type} with places = {places.decode('utf-8', 'replace')}"
