"""An order -> a run's manifest in the ledger: where the input comes from, what it is joined with, how it is cut.

    database ──fetched──┐
    files ──────────────┴─▶ joined, where a plan says so ─▶ manifest ─▶ ledger: running, partitions pending

What is fetched or joined is kept below the run's folder, and is what the run bills: a query may never give it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine.bulk import delta_sink, postgresql_sink
from engine.bulk.partition_run import prepare
from engine.bulk.partitions import BATCH_ROWS, History, Wanted, Work
from engine.bulk.postgresql_source import open_query
from engine.bulk.postgresql_url import is_postgresql
from engine.bulk.sinks import PARTIAL, sync, writing
from engine.cache.compiled import packed_book
from engine.compiler.book import RateBook
from engine.runs.code import code_hash
from engine.runs.fingerprint import fingerprint
from engine.runs.history import keep_history, partitions_for, refuse_history
from engine.runs.inputs import open_inputs, rows_about
from engine.runs.ledger import Ledger, Planned
from engine.runs.manifest import Manifest, plan_partitions
from engine.runs.order import Order, work_json
from engine.runs.stored import FETCHED, store

PARTITION_ROWS: Final = 1_000_000
PARTITIONS_LEAST: Final = 8  # of a large input
ROW_BYTES: Final = 1_500  # that a row of a batch takes while it is read, billed and written
BASE_BYTES: Final = 260_000_000  # of the process before it bills


@dataclass(frozen=True, slots=True)
class Cut:
    """An input that is cut into partitions.

    Attributes:
        manifest: the partitions.
        fingerprint: of the files that were read, for the ledger.
        history: copied as the partitions are; None: there is none.
    """

    manifest: Manifest
    fingerprint: list[dict[str, Any]]
    history: History | None = None


def plan(
    ledger: Ledger,
    run: str,
    order: Order,
    book: RateBook,
    folder: Path,
    wanted: Wanted,
    filter_: str,
    planned: Callable[[str, Manifest], None],
    at_once: int,
) -> None:
    """Enter the manifest of a run into the ledger.

    Args:
        ledger: where the run is kept.
        run: its id.
        order: what is asked for.
        book: compiled from its rules.
        folder: for what the run needs besides its results.
        wanted: the rows to be billed.
        filter_: as a person reads it.
        planned: called with the run and its manifest before the first row is billed.
        at_once: partitions that a process bills at once.

    Raises:
        FileProblem: the input cannot be billed from, or the output not written to.
    """
    book_file = folder / f"book-{book.hash}.json"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        partial = book_file.with_name(book_file.name + PARTIAL)
        partial.write_bytes(packed_book([Path(one) for one in order.rules], book))
        sync(partial)
        partial.replace(book_file)
        sync(folder)
    made = cut(order, book, folder, wanted)
    work = Work(
        run=run,
        book=book.hash,
        book_file=str(book_file),
        input=" ".join(order.inputs),
        schema=made.manifest.schema_hex,
        output=order.output,
        format=order.format,
        amounts=order.amounts,
        details=order.details,
        backend=order.backend,
        pass_through=order.pass_through,
        wanted=wanted,
        batch_rows=batch_rows(order.memory, at_once),
        history=made.history,
    )
    schemas = prepare(work).schemas  # what cannot be laid out is told before the first row is billed
    if is_postgresql(order.output):
        postgresql_sink.prepare(order.output, schemas)
    elif delta_sink.is_delta(order.output):
        delta_sink.prepare(order.output, schemas)
    files = json.dumps(made.fingerprint, ensure_ascii=False)
    ledger.plan(
        run,
        Planned(book.hash, code_hash(), made.manifest.hash, files, work_json(work), filter_),
        made.manifest.partitions,
    )
    planned(run, made.manifest)


def refuse_inputs(order: Order, book: RateBook) -> None:
    """Look at the input's columns where that is done before anything is copied.

    Raises:
        FileProblem: it cannot be billed from.
    """
    if not order.join and not any(map(is_postgresql, order.inputs)):
        opened = open_inputs([Path(one) for one in order.inputs], book.rulesets, order.pass_through)
        if order.history:
            refuse_history(order, book.watch, opened.schema.names)


def cut(order: Order, book: RateBook, folder: Path, wanted: Wanted) -> Cut:
    """Cut the input of a run into partitions; what is copied of it goes below a folder.

    Raises:
        FileProblem: the input cannot be read, joined or billed from.
    """
    inputs, told, without = _inputs(order, folder)
    rows = order.partition_rows
    if not rows or order.history:
        opened = open_inputs(inputs, book.rulesets, order.pass_through)
        about = sum(rows_about(one) for one in opened.files)
        rows = rows or partition_rows(about)
        if order.history:  # and few enough that a partition's events are in memory
            refuse_history(order, book.watch, opened.schema.names)
            rows = max(1, min(rows, about // partitions_for(order)))
            told += fingerprint([Path(one) for one in order.history])
    manifest = plan_partitions(
        inputs,
        folder,
        book.rulesets,
        pass_through=order.pass_through,
        partition_rows=rows,
        by="hash" if order.history else order.partition_by,  # by which the history is cut, too
        wanted=wanted,
    )
    history = keep_history(order, book.watch, manifest, folder) if order.history else None
    return Cut(replace(manifest, without=without), told, history)


def _inputs(order: Order, folder: Path) -> tuple[list[Path], list[dict[str, Any]], dict[str, int]]:
    """The files that are cut, the fingerprint of what was read for them, and bills without a match in a join."""
    inputs = [Path(one) for one in order.inputs]
    told: list[dict[str, Any]] = []
    if any(is_postgresql(one) for one in order.inputs):
        inputs = [fetch(order.inputs[0], order.query, folder)]
    if order.join:
        from engine.runs.join_plan import read_plan  # DuckDB takes a while to import, and is an extra
        from engine.runs.joins import MEMORY, join

        joined = join(read_plan(Path(order.join)), inputs, folder, memory=order.memory or MEMORY)
        return [joined.path], fingerprint([Path(order.join), *joined.files]), dict(joined.without)
    told += fingerprint(inputs)
    return inputs, told, {}


def fetch(url: str, query: str, folder: Path) -> Path:
    """Copy what a query of PostgreSQL gives into a Parquet file; all of it is of one snapshot.

    Raises:
        FileProblem: the database does not answer, the query is wrong, or the file cannot be written.
    """
    import pyarrow as pa

    with open_query(url, query or None) as rows:
        tables = (pa.Table.from_batches([batch], rows.schema) for batch in rows.batches())
        return store(tables, rows.schema, folder, FETCHED)


def partition_rows(rows: int) -> int:
    """Rows of a partition where nobody says: few enough that several threads have some, whatever their number is."""
    return max(BATCH_ROWS, min(PARTITION_ROWS, -(-rows // PARTITIONS_LEAST)))


def batch_rows(memory: int, threads: int) -> int:
    """Rows of a batch that keep a run below some memory [bytes]; 0: not said."""
    if not memory:
        return BATCH_ROWS
    return max(4_096, min(BATCH_ROWS, (memory - BASE_BYTES) // (threads * ROW_BYTES)))
