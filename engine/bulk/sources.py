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
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk import arrays, cells, files, lists, row_ids
from engine.bulk.cells import Cells, Wanted
from engine.bulk.lists import ListCells, WantedList
from engine.bulk.partitions import BATCH_ROWS, Slice
from engine.bulk.problems import FileProblem
from engine.compiler.program import Compiled
from engine.evaluator.refuse import row_problem
from engine.evaluator.row_door import supplied
from engine.evaluator.rows import Children, Column, RowProblem, Rows
from engine.evaluator.seen import Words

BATCH_ITEMS: Final = 4_194_304  # of all lists of a batch: long lists make batches of fewer rows
KEY_COLUMNS: Final = ("row_id", "ruleset", "period_from", "period_to")
CUSTOMARY: Final = frozenset(
    {"account", "bill_id", "revision", "scope"}
)  # pass through under these names, never a slip
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

    first: int  # rows of the file before it
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
    """A portfolio that can be billed from: its columns are known, no row has been read."""

    path: Path  # as whoever named it knows it
    format: str  # parquet, csv, arrow
    schema: Any  # pyarrow Schema
    rows: int | None  # None: not known before the end is reached
    wanted: Mapping[str, Wanted]  # the inputs among its columns
    lists: Mapping[str, WantedList]  # the lists among its columns
    passing: tuple[str, ...]
    unread: tuple[str, ...] = ()  # columns, and fields of lists, that are meant to be unread
    slices: tuple[Slice, ...] = ()  # of Parquet files, that hold its rows; none: the file `path`
    batch_rows_max: int = BATCH_ROWS

    def batches(self) -> Iterator[Batch]:
        """Read from the beginning.

        Raises:
            FileProblem: the file is damaged, or a column cannot hold what is wanted of it.
        """
        dictionaries = [name for name, wanted in self.wanted.items() if wanted.kinds == {"code"}]
        tables: Iterator[Any]
        first, rows, texts = 0, self.batch_rows(), ["ruleset", *dictionaries]
        if self.slices:
            tables = chain.from_iterable(files.sliced(one, self.schema, texts, rows) for one in self.slices)
        else:
            tables = files.tables(self.path, self.format, self.schema, texts, rows)
        for table in tables:
            yield _batch(self, table, first)
            first += table.num_rows

    def batch_rows(self) -> int:
        """Rows of a batch: fewer where their lists are long."""
        paths = [Path(one) for one in dict.fromkeys(one.path for one in self.slices)] or [self.path]
        means = [files.items_a_row(path, self.format, self.lists) for path in paths]
        at_most = sum(wanted.at_most for wanted in self.lists.values())
        items = max(at_most if mean is None else mean for mean in means)
        return max(1, min(self.batch_rows_max, int(BATCH_ITEMS / max(items, 1))))


def whole(source: Source) -> Batch:
    """Read all rows as one batch: for what needs those of an account together.

    Raises:
        FileProblem: as `Source.batches`.
    """
    texts = ["ruleset", *(name for name, wanted in source.wanted.items() if wanted.kinds == {"code"})]
    found = list(files.tables(source.path, source.format, source.schema, texts, source.batch_rows()))
    if not found:
        return _batch(source, source.schema.empty_table(), 0)
    return _batch(source, pa.concat_tables(found).unify_dictionaries(), 0)


def wanted_of(book: Mapping[str, Compiled]) -> dict[str, Wanted]:
    """How the rule sets of a book read each column: kinds, and most places."""
    kinds: dict[str, set[str]] = {}
    places: dict[str, int] = {}
    for compiled in book.values():
        for spec in compiled.program.inputs:
            if spec.type.axis != "row" or supplied(spec.name):
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
    return source_of(path, format_, schema, rows, book, pass_through)


def source_of(
    path: Path,
    format_: str,
    schema: Any,
    rows: int | None,
    book: Mapping[str, Compiled],
    pass_through: Collection[str] = (),
    slices: tuple[Slice, ...] = (),
) -> Source:
    """Look at columns that are known, and say at once what cannot be billed from them.

    Args:
        path: names the input in what is told of it.
        format_, schema, rows: as `files.opened` gives them.
        book, pass_through: as of `open_source`.
        slices: of Parquet files, that hold the rows; none: the file `path` does.

    Raises:
        FileProblem: a column cannot be billed from.
    """
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
    wanted_all, lists_all = wanted_of(book), lists.wanted_lists(book)
    known_all = {*wanted_all, *lists_all}
    unread = [name for name in names if name not in KEY_COLUMNS and (name not in known_all or name in pass_through)]
    missing = [name for name in (*wanted_all, *lists_all) if name not in names]
    for name in unread:
        if name not in CUSTOMARY and name not in pass_through:
            _refuse_slip(name, missing, str(path))
    wanted = {name: wanted_all[name] for name in names if name in wanted_all and name not in unread}
    many = {name: lists_all[name] for name in names if name in lists_all and name not in unread}
    source = Source(path, format_, schema, rows, wanted, many, tuple(unread), tuple(pass_through), slices)
    # Types are looked at on no rows, so that a column of the wrong type is named before the first row is billed.
    _batch(source, schema.empty_table(), 0)
    return source


def _refuse_slip(name: str, missing: Sequence[str], file: str) -> None:
    folded = {_folded(other): other for other in missing}
    near = get_close_matches(_folded(name), folded, n=1, cutoff=ALIKE)
    if near:
        raise FileProblem("portfolio-column-name", file, column=name, input=folded[near[0]])


def _folded(name: str) -> str:
    """A name as slips leave it: without capitals, underscores, blanks and full-width letters."""
    return re.sub(r"[\s_]+", "", unicodedata.normalize("NFKC", name).lower())


def _batch(source: Source, table: Any, first: int) -> Batch:
    file, size = str(source.path), table.num_rows
    row_id = row_ids.ids(table.column("row_id"), file)
    read = {
        name: cells.read(table.column(name), table.schema.field(name), wanted, file)
        for name, wanted in source.wanted.items()
    }
    many = {
        name: lists.read_lists(table.column(name), table.schema.field(name), wanted, file, source.unread)
        for name, wanted in source.lists.items()
    }
    keys = {name: _key(table, name, file) for name in ("period_from", "period_to")}
    ruleset = cells.read(table.column("ruleset"), table.schema.field("ruleset"), _CODE, file)
    refused = _without_key(row_id, ruleset.column, table, keys)
    refused = _without_list(refused, row_id, many)
    dropped = np.zeros(size, dtype=bool)
    dropped[[found.row for found in refused]] = True
    apart = dropped.copy()
    for unreadable in (*(one.unreadable for one in read.values()), *(one.unreadable for one in many.values())):
        if unreadable is not None:
            apart |= unreadable
    periods = {name: key.column.values.astype(np.int64, copy=False) for name, key in keys.items()}
    pieces = []
    if not bool(apart.any()):
        columns = {name: one.column for name, one in read.items()}
        positions = np.arange(size, dtype=np.int64)
        children = {name: one.children for name, one in many.items()}
        rows = Rows(positions, ruleset.column, periods["period_from"], periods["period_to"], columns, children)
        pieces.append(Piece(rows, positions))
    else:
        clean = np.flatnonzero(~apart)
        if len(clean):
            columns = {name: arrays.take(one.column, clean) for name, one in read.items()}
            children = {name: lists.taken(one.children, clean) for name, one in many.items()}
            pieces.append(_piece(clean, ruleset.column, periods, columns, children))
        unread = np.flatnonzero(apart & ~dropped)
        if len(unread):
            columns = {name: one.as_came(unread) for name, one in read.items()}
            children = {name: one.as_came(unread) for name, one in many.items()}
            pieces.append(_piece(unread, ruleset.column, periods, columns, children))
    return Batch(
        first=first,
        size=size,
        row_id=row_id,
        keys=row_ids.keys(row_id),
        ruleset=ruleset.column,
        period_from=periods["period_from"],
        period_to=periods["period_to"],
        pieces=tuple(pieces),
        refused=tuple(refused),
        passing={name: arrays.passing(table.column(name)) for name in source.passing},
        texts={
            name: array
            for name, wanted in source.wanted.items()
            if "number" in wanted.kinds and arrays.is_text((array := arrays.plain(table.column(name))).type)
        },
    )


def _piece(
    positions: NDArray[np.int64],
    ruleset: Column,
    periods: Mapping[str, NDArray[np.int64]],
    columns: Mapping[str, Column],
    children: Mapping[str, Children],
) -> Piece:
    from_, to = periods["period_from"][positions], periods["period_to"][positions]
    return Piece(Rows(positions, arrays.take(ruleset, positions), from_, to, columns, children), positions)


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


def _without_list(found: list[RowProblem], row_id: Any, many: Mapping[str, ListCells]) -> list[RowProblem]:
    """Refuse rows, too, whose cell holds no list where a list belongs."""
    refused = {one.row: one for one in found}
    for name, one in many.items():
        for position, why in one.wrong.items():
            if position not in refused:
                id_ = row_id[position].as_py()
                refused[position] = row_problem(position, id_, why.code, name, why.value, None, **why.parameters)
    return [refused[position] for position in sorted(refused)]
