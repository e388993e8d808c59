"""What a run is cut into, decided once: partitions of the input in each of which all rows of an account lie.

    files ──▶ columns ──▶ row ids and accounts ──▶ ranges of Parquet files as they stand
                                  │          └──▶ else a copy by account: engine.runs.staging
                                  └──▶ rows whose id has come before, by partition

Memory does not grow with the rows, but for those whose ids come twice: 8 bytes each while they are looked for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.bulk import row_ids
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.partitions import Partition, Slice, Wanted
from engine.bulk.problems import FileProblem
from engine.bulk.wanted import check_wanted, wanted_by_ruleset
from engine.compiler.program import Compiled
from engine.evaluator.seen import Words
from engine.runs.inputs import Inputs, open_inputs, rows_about
from engine.runs.keys import KeyStore, Repeated, RowIds, spread, suspects
from engine.runs.ranges import Ranges, slices_between, targets_of
from engine.runs.staging import Parts, Placing, by_account, by_file, positions, stage, staged_schema

By = Literal["auto", "given", "hash"]
Progress = Callable[[int, int | None], None]
Place = NDArray[np.int64]

SPILL: Final = "spill"
MEMORY: Final = 128 << 20
_INNER: Final = 40  # bits of a place that hold the row's position in its partition


@dataclass(frozen=True, slots=True)
class Keys:
    """What the row ids and accounts of a run are, counted."""

    accounts: int | None  # None: the input has no such column
    duplicates: int  # rows whose id has come before


@dataclass(frozen=True, slots=True)
class Manifest:
    """A run's partitions.

    Attributes:
        partitions: in the order of their numbers.
        schema: pyarrow Schema of their slices.
        rows: of all partitions.
        how: the input's own files are read, or a copy of them.
        keys: counts of row ids and accounts.
        wanted_counts: rows that are billed by rule set id, where not all rows are; else empty.
        without: join -> rows that it has nothing for; empty where nothing is joined.
    """

    partitions: tuple[Partition, ...]
    schema: Any
    rows: int
    how: Literal["ranges", "staged"]
    keys: Keys
    wanted_counts: Mapping[str, int]
    without: Mapping[str, int] = field(default_factory=dict)

    @property
    def schema_hex(self) -> str:
        """The schema as `Work.schema` has it."""
        return str(self.schema.serialize().to_pybytes().hex())

    @property
    def hash(self) -> str:
        """SHA-256 of partitions, schema and counts."""
        told = {
            "partitions": [asdict(one) for one in self.partitions],
            "schema": self.schema_hex,
            "rows": self.rows,
            "how": self.how,
        }
        text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def plan_partitions(
    inputs: Sequence[Path],
    work_folder: Path,
    book: Mapping[str, Compiled],
    *,
    pass_through: Collection[str] = (),
    partition_rows: int = 1_000_000,
    by: By = "auto",
    wanted: Wanted | None = None,
    memory: int = MEMORY,
    progress: Progress | None = None,
) -> Manifest:
    """Cut the input of a run into partitions.

    Args:
        inputs: files, or folders of them, all with the same columns; their rows count in this order.
        work_folder: for what does not fit into memory, and for the copy by account, where one is made.
        book: the rule sets that will bill them.
        pass_through: columns that are meant to be unread although their name is near an input's.
        partition_rows: rows of a partition, about.
        by: `given`: each file is a partition; `hash`: always make a copy by account; `auto`: only where it is needed.
        wanted: the rows to be billed; None: all.
        memory: that is used for keys, and for rows that wait to be copied, about [bytes].
        progress: called with rows done, and rows to come in all where that is known.

    Raises:
        FileProblem: a file or column cannot be billed from, files differ, or with `given` an account is in two files.
    """
    opened = open_inputs(inputs, book, pass_through)
    if wanted is not None:
        check_wanted(wanted, opened.source)
    spill = work_folder / SPILL
    try:
        planned = _Plan(opened, work_folder, by, partition_rows, memory, progress).made()
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    if wanted is None or wanted.everything:
        return planned
    source = replace(opened.source, format="parquet", schema=planned.schema)
    counts: Counter[str] = Counter()
    for one in planned.partitions:
        counts.update(wanted_by_ruleset(wanted, book, replace(source, slices=one.slices, rows=one.rows)))
    return replace(planned, wanted_counts=dict(sorted(counts.items())))


class _Plan:
    """The making of one manifest."""

    def __init__(
        self, inputs: Inputs, folder: Path, by: By, partition_rows: int, memory: int, progress: Progress | None
    ) -> None:
        self.inputs, self.folder, self.by, self.memory, self.progress = inputs, folder, by, memory, progress
        self.partition_rows = partition_rows
        self.accounts = ACCOUNT in inputs.schema.names
        self.columns = ["row_id", *([ACCOUNT] if self.accounts else [])]
        self.file = str(inputs.files[0].path)
        spill = folder / SPILL
        store = KeyStore(spill, "accounts", memory // 4) if self.accounts else None
        as_they_stand = inputs.parquet and by == "auto"
        targets = targets_of(inputs, partition_rows) if as_they_stand else []
        self.ranges = Ranges(store, targets, "targets" if as_they_stand else "files" if by == "given" else "none")
        self.ids = RowIds(KeyStore(spill, "rows", memory // 4))

    def made(self) -> Manifest:
        if not self.inputs.parquet or self.by == "hash":
            return self.staged(self.take)
        for file, table in self.inputs.tables(self.columns):
            self.take(file, table)
        known = self.ranges.finish(len(self.inputs.files))
        again = self.ids.twice(self.ids_again)
        if known is not None and len(known.twice):
            self.refuse_split(known.twice)
            if self.by == "auto":
                return self.staged(lambda file, table: None, known, again)
        cuts = np.array(self.ranges.cuts, dtype=np.int64)
        slices = [slices_between(self.inputs, low, high) for low, high in pairwise(self.ranges.cuts)]
        return self.manifest("ranges", self.inputs.schema, slices, known, self.again_in_ranges(again, cuts))

    def take(self, file: int, table: Any) -> None:
        """Take keys of some rows in."""
        self.ids.add(row_ids.ids(table.column("row_id"), self.file))
        self.ranges.add(file, row_ids.names(table.column(ACCOUNT)) if self.accounts else None, table.num_rows)
        if self.progress is not None:
            self.progress(self.ranges.rows, self.inputs.rows)

    def staged(
        self, take: Callable[[int, Any], None], known: Repeated | None = None, again: Words | None = None
    ) -> Manifest:
        """Copy the input by account; keys are taken meanwhile where that has not been done."""
        files, schema = self.inputs.files, staged_schema(self.inputs.schema)
        place: Placing = by_file
        if self.by == "given":
            parts = len(files)
        else:
            parts = max(1, round(sum(rows_about(one) for one in files) / self.partition_rows))
            place = by_account(parts, self.file)
        slices = stage(self.inputs.tables, place, parts, schema, self.folder, self.memory // 2, take)
        if again is None:
            known = self.ranges.finish(len(files))
            if self.by == "given" and known is not None and len(known.twice):
                self.refuse_split(known.twice)
            again = self.ids.twice(self.ids_again)
        return self.manifest("staged", schema, slices, known, self.again_in_parts(again, place, parts))

    def manifest(
        self,
        how: Literal["ranges", "staged"],
        schema: Any,
        slices: Sequence[tuple[Slice, ...]],
        known: Repeated | None,
        again: Mapping[int, tuple[int, ...]],
    ) -> Manifest:
        partitions = tuple(
            Partition(number, sum(one.rows for one in of), of, again.get(number, ()))
            for number, of in enumerate(slices)
        )
        keys = Keys(None if known is None else known.distinct, sum(len(one.again) for one in partitions))
        return Manifest(partitions, schema, sum(one.rows for one in partitions), how, keys, {})

    def ids_again(self) -> Iterator[Any]:
        """Read the row ids once more."""
        for _, table in self.inputs.tables(["row_id"]):
            yield row_ids.ids(table.column("row_id"), self.file)

    def again_in_ranges(self, twice: Words, cuts: Place) -> dict[int, tuple[int, ...]]:
        """Positions of rows whose id has come before, by partition."""
        if not len(twice):
            return {}

        def batches() -> Iterator[tuple[Any, Place]]:
            first = 0
            for ids in self.ids_again():
                yield ids, first + np.arange(len(ids), dtype=np.int64)
                first += len(ids)

        at = suspects(batches(), twice).again()
        part = np.searchsorted(cuts[1:], at, side="right")
        return _by_part((part << _INNER) | (at - cuts[part]))

    def again_in_parts(self, twice: Words, place: Placing, parts: int) -> dict[int, tuple[int, ...]]:
        """As `again_in_ranges`, where rows are copied."""
        if not len(twice):
            return {}

        def batches() -> Iterator[tuple[Any, Parts]]:
            for file, table in self.inputs.tables(self.columns):
                yield row_ids.ids(table.column("row_id"), self.file), place(file, table)

        return _by_part(suspects(positions(batches(), parts), twice).again())

    def refuse_split(self, twice: Words) -> None:
        """Name an account that two files hold, where each file is meant to be a partition."""
        if self.by != "given":
            return
        found: dict[str, int] = {}
        for file, table in self.inputs.tables([ACCOUNT]):
            named = row_ids.names(table.column(ACCOUNT))
            for at in np.flatnonzero(np.isin(spread(row_ids.keys(named)[0]), twice)).tolist():
                account = named[at].as_py()
                if account is not None and found.setdefault(str(account), file) != file:
                    first, other = self.inputs.files[found[str(account)]], self.inputs.files[file]
                    raise FileProblem("portfolio-account-split", str(other.path), came=account, input=first.path)


def _by_part(places: Place) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for place in np.sort(places).tolist():
        found.setdefault(place >> _INNER, []).append(place & ((1 << _INNER) - 1))
    return {part: tuple(inner) for part, inner in found.items()}
