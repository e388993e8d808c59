"""Portfolio files -> batches of rows: Parquet, CSV, Arrow IPC file and stream, read a piece at a time.

Takes a path and what the rule sets of a book read; gives batches of about 131,072 rows. A column that no rule set reads
passes through to the bills. What concerns a file or a column as a whole stops the run before anything is billed
(`FileProblem`); what concerns one row is left to the row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk import cells, files
from engine.bulk.cells import Cells, Wanted
from engine.bulk.problems import FileProblem
from engine.compiler.program import Compiled
from engine.evaluator.door import BUILT_IN
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Column, RowProblem, Rows
from engine.evaluator.seen import Words, keys_of_numbers, keys_of_text

BATCH_ROWS: Final = 131_072
KEY_COLUMNS: Final = ("row_id", "ruleset", "period_from", "period_to")
CUSTOMARY: Final = frozenset({"account", "bill_id", "revision"})  # pass through under these names, never a slip
ALIKE: Final = 0.84  # how near a column's name must be to an input's to be taken for a slip of the pen

_DAY: Final = Wanted(frozenset({"date"}))
_CODE: Final = Wanted(frozenset({"code"}))

_INSTEAD: Final[Mapping[str, tuple[str, str]]] = {
    "row_id": (
        "Give each row a `row_id`, text or whole number, that no other row of the file has.",
        "请给每行一个不重复的 `row_id`（文本或整数）。",
    ),
    "ruleset": (
        "Name each row's rule set in `ruleset`, for example cn.jiangsu.residential.",
        "请在 `ruleset` 写明每行的规则集，例如 cn.jiangsu.residential。",
    ),
    "period_from": (
        "Give the first day billed in `period_from` (date32, or YYYY-MM-DD in CSV).",
        "请在 `period_from` 给出计费首日（date32，CSV 中写 YYYY-MM-DD）。",
    ),
    "period_to": (
        "Give the day after the last day billed in `period_to` (date32, or YYYY-MM-DD in CSV).",
        "请在 `period_to` 给出最后计费日的次日（date32，CSV 中写 YYYY-MM-DD）。",
    ),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a batch. `rows.row_id` is their position in the batch; its ids are in `Batch.row_id`."""

    rows: Rows
    positions: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file.

    `pieces` and `refused` together hold each row once: rows read as columns, rows with a cell that could not be read
    (their cells as they came, for the door to name), and rows without a readable rule set or period.
    """

    size: int
    row_id: Any  # pyarrow Array, (row,)
    keys: tuple[Words, Words]  # of row_id: engine.evaluator.seen
    ruleset: Column
    period_from: NDArray[np.int64]  # (row,) [day since 1970-01-01]; says nothing for rows in `refused`
    period_to: NDArray[np.int64]
    pieces: tuple[Piece, ...]
    refused: tuple[RowProblem, ...]
    passing: Mapping[str, Any]  # pyarrow Arrays of what no rule set reads, (row,)
    texts: Mapping[str, Any]  # pyarrow Arrays of numbers that came as text, (row,): what a refusal says was given


@dataclass(frozen=True, slots=True)
class Source:
    """A portfolio file that can be billed from: its columns are known, no row has been read."""

    path: Path
    format: str  # parquet, csv, arrow
    schema: Any  # pyarrow Schema
    rows: int | None  # None: not known before the end is reached
    wanted: Mapping[str, Wanted]  # the inputs among its columns
    passing: tuple[str, ...]

    def batches(self) -> Iterator[Batch]:
        """Read the file from its beginning.

        Raises:
            FileProblem: the file is damaged, or a column cannot hold what is wanted of it.
        """
        dictionaries = [name for name, wanted in self.wanted.items() if wanted.kinds == {"code"}]
        tables = files.tables(self.path, self.format, self.schema, ["ruleset", *dictionaries], BATCH_ROWS)
        for table in tables:
            yield _batch(self, table)


def wanted_of(book: Mapping[str, Compiled]) -> dict[str, Wanted]:
    """How the rule sets of a book read each column: kinds, and most places."""
    kinds: dict[str, set[str]] = {}
    places: dict[str, int] = {}
    for compiled in book.values():
        for spec in compiled.program.inputs:
            if spec.name in BUILT_IN:
                continue
            kinds.setdefault(spec.name, set()).add(spec.type.kind)
            places[spec.name] = max(places.get(spec.name, 0), spec.type.places)
    return {name: Wanted(frozenset(read), places[name]) for name, read in kinds.items()}


def open_source(path: Path, book: Mapping[str, Compiled], pass_through: Collection[str] = ()) -> Source:
    """Look at a file's columns, and say at once what cannot be billed from them.

    Args:
        path: a Parquet, CSV (also .gz), Arrow IPC or Arrow stream file.
        book: the rule sets that will bill it.
        pass_through: columns that are meant to be unread although their name is near an input's.

    Raises:
        FileProblem: the file, or one of its columns, cannot be billed from.
    """
    format_, schema, rows = files.opened(path)
    names = list(schema.names)
    for name in names:
        if names.count(name) > 1:
            raise FileProblem("portfolio-column-twice", str(path), column=name)
    for key in KEY_COLUMNS:
        if key not in names:
            instead, instead_zh = _INSTEAD[key]
            known = ", ".join(f"`{name}`" for name in names) or "no column"
            raise FileProblem(
                "portfolio-column-missing", str(path), column=key, known=known, instead=instead, instead_zh=instead_zh
            )
    wanted_all = wanted_of(book)
    unread = [name for name in names if name not in KEY_COLUMNS and (name not in wanted_all or name in pass_through)]
    missing = [name for name in wanted_all if name not in names]
    for name in unread:
        if name not in CUSTOMARY and name not in pass_through:
            _refuse_slip(name, missing, str(path))
    wanted = {name: wanted_all[name] for name in names if name in wanted_all and name not in unread}
    source = Source(path, format_, schema, rows, wanted, tuple(unread))
    # Types are looked at on no rows, so that a column of the wrong type is named before the first row is billed.
    _batch(source, schema.empty_table())
    return source


def _refuse_slip(name: str, missing: Sequence[str], file: str) -> None:
    folded = {_folded(other): other for other in missing}
    near = get_close_matches(_folded(name), folded, n=1, cutoff=ALIKE)
    if near:
        raise FileProblem("portfolio-column-name", file, column=name, input=folded[near[0]])


def _folded(name: str) -> str:
    """A name as slips leave it: without capitals, underscores, blanks and full-width letters."""
    return re.sub(r"[\s_]+", "", unicodedata.normalize("NFKC", name).lower())


def _batch(source: Source, table: Any) -> Batch:
    file, size = str(source.path), table.num_rows
    row_id = _ids(cells.plain(table.column("row_id")), file)
    read = {
        name: cells.read(table.column(name), table.schema.field(name), wanted, file)
        for name, wanted in source.wanted.items()
    }
    keys = {name: _key(table, name, file) for name in ("period_from", "period_to")}
    ruleset = cells.read(table.column("ruleset"), table.schema.field("ruleset"), _CODE, file)
    refused = _without_key(row_id, ruleset.column, table, keys)
    dropped = np.zeros(size, dtype=bool)
    dropped[[found.row for found in refused]] = True
    apart = dropped.copy()
    for one in read.values():
        if one.unreadable is not None:
            apart |= one.unreadable
    periods = {name: key.column.values.astype(np.int64, copy=False) for name, key in keys.items()}
    pieces = []
    if not bool(apart.any()):
        columns = {name: one.column for name, one in read.items()}
        positions = np.arange(size, dtype=np.int64)
        rows = Rows(positions, ruleset.column, periods["period_from"], periods["period_to"], columns)
        pieces.append(Piece(rows, positions))
    else:
        clean = np.flatnonzero(~apart)
        if len(clean):
            columns = {name: cells.take(one.column, clean) for name, one in read.items()}
            pieces.append(_piece(clean, ruleset.column, periods, columns))
        unread = np.flatnonzero(apart & ~dropped)
        if len(unread):
            pieces.append(_piece(unread, ruleset.column, periods, {n: one.as_came(unread) for n, one in read.items()}))
    return Batch(
        size=size,
        row_id=row_id,
        keys=_row_keys(row_id),
        ruleset=ruleset.column,
        period_from=periods["period_from"],
        period_to=periods["period_to"],
        pieces=tuple(pieces),
        refused=tuple(refused),
        passing={name: cells.passing(table.column(name)) for name in source.passing},
        texts={
            name: array
            for name, wanted in source.wanted.items()
            if "number" in wanted.kinds and cells.is_text((array := cells.plain(table.column(name))).type)
        },
    )


def _piece(
    positions: NDArray[np.int64],
    ruleset: Column,
    periods: Mapping[str, NDArray[np.int64]],
    columns: Mapping[str, Column],
) -> Piece:
    from_, to = periods["period_from"][positions], periods["period_to"][positions]
    return Piece(Rows(positions, cells.take(ruleset, positions), from_, to, columns), positions)


def _key(table: Any, name: str, file: str) -> Cells:
    return cells.read(table.column(name), table.schema.field(name), _DAY, file)


def _without_key(row_id: Any, ruleset: Column, table: Any, keys: Mapping[str, Cells]) -> list[RowProblem]:
    """Refuse rows whose id, rule set or period is absent or cannot be read; the first of these counts."""
    found: dict[int, RowProblem] = {}

    def refuse(positions: NDArray[np.int64], code: str, field: str, texts: Sequence[str]) -> None:
        for position, text in zip(positions.tolist(), texts, strict=True):
            if position not in found:
                found[position] = row_problem(position, row_id[position].as_py(), code, field, text)

    if row_id.null_count:
        absent = np.flatnonzero(~np.asarray(row_id.is_valid()))
        refuse(absent, "missing-value", "row_id", [""] * len(absent))
    if ruleset.valid is not None:
        absent = np.flatnonzero(~ruleset.valid)
        refuse(absent, "missing-value", "ruleset", [""] * len(absent))
    for name, key in keys.items():
        if key.column.valid is not None:
            absent = np.flatnonzero(~key.column.valid)
            refuse(absent, "missing-value", name, [""] * len(absent))
        if key.unreadable is not None:
            wrong = np.flatnonzero(key.unreadable)
            came = table.column(name).take(pa.array(wrong)).to_pylist()
            refuse(wrong, "bad-date", name, [str(value) for value in came])
    return [found[position] for position in sorted(found)]


def _ids(array: Any, file: str) -> Any:
    """Row ids as text or int64."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if cells.is_text(array.type) or pa.types.is_int64(array.type):
        return array
    if pa.types.is_integer(array.type) and not pa.types.is_uint64(array.type):
        return array.cast(pa.int64())
    if pa.types.is_null(array.type) or pa.types.is_uint64(array.type):
        return array.cast(pa.string())
    raise FileProblem(
        "portfolio-column-type",
        file,
        column="row_id",
        came=str(array.type),
        instead="Write row ids as text or whole numbers.",
        instead_zh="行号请写成文本或整数。",
    )


def _row_keys(row_id: Any) -> tuple[Words, Words]:
    """Two 64-bit numbers an id, from Arrow's own buffers."""
    if pa.types.is_int64(row_id.type):
        return keys_of_numbers(np.asarray(row_id.fill_null(0)))
    _, offsets, data = row_id.buffers()
    if offsets is None or len(row_id) == 0:
        return keys_of_text(np.zeros(0, dtype=np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    ends = np.frombuffer(offsets, dtype=np.int32)[row_id.offset : row_id.offset + len(row_id) + 1].astype(np.int64)
    octets = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)
    return keys_of_text(octets, ends[:-1], ends[1:])
