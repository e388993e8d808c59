"""Bills joined with customers, readings or interval data by a declared plan, into a file that a run is cut from.

    bills ──keys, row numbers──▶ DuckDB ──▶ rows of each join, by row number ─┐
      └──────────all columns, in their order──────────────────────────────────┴──▶ joined/00000.parquet

The columns of the bills never leave Arrow, so that they stay what they are. DuckDB joins and sorts, within a memory
limit and else on the disk. A bill without a match has nulls, which its rule set refuses by name where it needs them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from engine.bulk.arrays import plain
from engine.bulk.problems import FileProblem
from engine.runs.inputs import InputFile, expanded, look, read
from engine.runs.join_parts import Part, part_of, refuse_taken
from engine.runs.join_plan import JoinPlan
from engine.runs.join_query import ROW, Stream, joined
from engine.runs.stored import store

Progress = Callable[[int, int | None], None]

SPILL: Final = "join-spill"
MEMORY: Final = 512 << 20
ROWS_MAX: Final = 65_536  # of bills that are put together at once
ROWS_FIRST: Final = 1_024
ITEMS_MAX: Final = 2_097_152  # of the lists of such bills, about


@dataclass(frozen=True, slots=True)
class Result:
    """What a join gave.

    Attributes:
        path: Parquet file of the bills with what was joined, in the order of the input.
        without: join -> bills that it has no row for.
        files: all that was read, for the fingerprint.
    """

    path: Path
    without: Mapping[str, int]
    files: tuple[Path, ...]


def join(
    plan: JoinPlan,
    bills: Sequence[Path],
    work_folder: Path,
    *,
    memory: int = MEMORY,
    progress: Progress | None = None,
) -> Result:
    """Join bills with the files of a plan.

    Args:
        plan: what is joined.
        bills: files or folders; none: those that the plan names.
        work_folder: gets the folder `joined`; one that is there is replaced.
        memory: for DuckDB [bytes]; below 128 MB it may not suffice.
        progress: called with bills done, and bills to come in all where that is known.

    Raises:
        FileProblem: a file or column is missing or of another type; a key that a bill takes columns by comes twice.
    """
    named = list(bills) or plan.bills
    if not named:
        raise FileProblem("join-no-bills", str(plan.place))
    its = look([file for path in named for file in expanded(path)])
    parts = [part_of(name, one, path, its) for (name, one), path in zip(plan.joins.items(), plan.files, strict=True)]
    refuse_taken(parts, its)
    spill = work_folder / SPILL
    shutil.rmtree(spill, ignore_errors=True)
    try:
        # One after another, so that each has all of the memory.
        going = [
            _Going(part, joined(part, its, spill / f"{number}.arrow", memory)) for number, part in enumerate(parts)
        ]
        schema = pa.schema([*its[0].schema, *(one for part in parts for one in part.gives)])
        path = store(_tables(its, going, schema, progress), schema, work_folder)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    files = (*(one.path for one in its), *(one.path for part in parts for one in part.files))
    return Result(path, {one.part.name: one.without for one in going}, files)


@dataclass(slots=True)
class _Going:
    """A join that runs."""

    part: Part
    stream: Stream
    without: int = 0


def _tables(
    bills: Sequence[InputFile], going: Sequence[_Going], schema: Any, progress: Progress | None
) -> Iterator[Any]:
    """Give the bills with what is joined, in pieces: of few rows where their lists are long."""
    known = [one.rows for one in bills if one.rows is not None]
    total = sum(known) if len(known) == len(bills) else None
    many = [one.stream for one in going if one.part.join.many]
    rows, done = ROWS_FIRST, 0
    for table in (table for one in bills for table in read(one, one.schema.names, ROWS_MAX)):
        first = 0
        while first < table.num_rows:
            piece = table.slice(first, rows)
            before = sum(stream.rows for stream in many)
            columns = [piece.column(name) for name in bills[0].schema.names]
            for one in going:
                columns += _columns(one, done, piece.num_rows)
            yield pa.table(columns, schema=schema)
            items = sum(stream.rows for stream in many) - before
            first, done = first + piece.num_rows, done + piece.num_rows
            rows = max(1, min(ROWS_MAX, rows * 4, ITEMS_MAX * piece.num_rows // max(items, 1)))
            if progress is not None:
                progress(done, total)


def _columns(going: _Going, first: int, rows: int) -> list[Any]:
    """What the bills [first, first + rows) get of a join."""
    part = going.part
    found = going.stream.until(first + rows)
    at = np.asarray(found.column(ROW)).astype(np.int64) - first
    values = [_whole(found.column(f"v{number}")).cast(one.type) for number, one in enumerate(part.fields)]
    counts = np.bincount(at, minlength=rows)
    going.without += int(np.count_nonzero(counts == 0))
    if not part.join.many:
        where = np.full(rows, -1, dtype=np.int64)
        where[at] = np.arange(len(at))
        taking = pa.array(where, mask=where < 0)
        return [value.take(taking) for value in values]
    offsets = pa.array(np.append(0, np.cumsum(counts)).astype(np.int32))
    items = values[0] if part.join.field else pa.StructArray.from_arrays(values, fields=part.fields)
    return [pa.ListArray.from_arrays(offsets, items, type=part.gives[0].type, mask=pa.array(counts == 0))]


def _whole(column: Any) -> Any:
    array = plain(column)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
