"""Bill a portfolio: read, bill and write at once, with bounded memory.

    source ──batches──▶ seen row ids ──▶ bill (threads) ──tables──▶ folder
                                              └──▶ tally ──▶ summary

Batches are read ahead by one thread, billed by several and written in the order of the file by another, so that two
runs of one file write the same bytes whatever the threads do.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from engine.bulk.outputs import Amounts, Layout, Tables, lay_out, tables
from engine.bulk.sinks import Folder, Format
from engine.bulk.sources import Batch, Source, open_source
from engine.bulk.summary import Summary, Tally
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch
from engine.evaluator.evaluate import Plans
from engine.evaluator.seen import SeenRows

__all__ = ["Amounts", "Summary", "run"]

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class _Billed:
    tables: Tables
    tally: Tally
    rows: int


@dataclass(frozen=True, slots=True)
class _Job:
    """What billing a batch needs, the same for all of them."""

    book: Mapping[str, Compiled]
    plans: Mapping[str, Plans]
    layout: Layout
    pass_through: Collection[str]


def run(
    book: Mapping[str, Compiled],
    source: Path,
    output: Path,
    *,
    format_: Format = "parquet",
    threads: int | None = None,
    pass_through: Collection[str] = (),
    details: bool = False,
    amounts: Amounts = "scaled",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Bill a file to a folder.

    Args:
        book: rule set id -> rule set.
        source: Parquet, CSV, Arrow IPC file or stream.
        output: folder for `bills`, `lines/…`, `refused`, `warnings` and `summary.json`.
        format_: of the output files.
        threads: that bill at once; None: as many as this process may use.
        pass_through: columns that are meant to be unread.
        details: also each line's quantity and price.
        amounts: lines as whole numbers with `places` in the column's metadata, or as decimals. CSV has decimals.
        overwrite: replace the results of an earlier run.
        progress: called with rows done, and rows to come in all where that is known.

    Returns:
        Counts and totals. received = billed + refused, by row id.

    Raises:
        FileProblem: the file cannot be billed from, or the folder not written to. No results are left then.
    """
    started = perf_counter()
    opened = open_source(source, book, pass_through)
    layout = lay_out(book, opened, "decimal" if format_ == "csv" else amounts, details)
    folder = Folder(output, format_, overwrite)
    job = _Job(book, {id_: Plans(compiled) for id_, compiled in book.items()}, layout, (*opened.passing, *pass_through))
    tally = Tally()
    try:
        for name, schema in (("bills", layout.bills), ("refused", layout.refused), ("warnings", layout.warnings)):
            folder.table(name, schema)
        done = 0
        for billed in _in_order(opened, job, threads or _cores()):
            _write(folder, layout, billed.tables)
            tally.add(billed.tally)
            done += billed.rows
            if progress is not None:
                progress(done, opened.rows)
        tally.check()
        summary = tally.summary(book, source, folder.files(), _tables_of(layout), perf_counter() - started)
        folder.finish(summary.to_json())
    except BaseException:
        folder.abandon()
        raise
    return summary


def _in_order(source: Source, job: _Job, threads: int) -> Iterator[_Billed]:
    """Bill batches on several threads and give them in the order of the file; few are in memory at once."""
    seen = SeenRows()
    waiting: deque[Future[_Billed]] = deque()
    with ThreadPoolExecutor(threads, "bill") as billing, ThreadPoolExecutor(1, "read") as reading:
        try:
            for batch in _read_ahead(source, reading):
                waiting.append(billing.submit(_bill, job, batch, _again(seen, batch)))
                while len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read_ahead(source: Source, reading: ThreadPoolExecutor) -> Iterator[Batch]:
    batches = source.batches()
    coming = reading.submit(next, batches, None)
    while (batch := coming.result()) is not None:
        coming = reading.submit(next, batches, None)
        yield batch


def _again(seen: SeenRows, batch: Batch) -> NDArray[np.bool_]:
    """(row,) which row ids have come before; rows without an id are refused for that."""
    primary, check = batch.keys
    if not batch.row_id.null_count:
        return seen.add(primary, check)
    given = np.flatnonzero(np.asarray(batch.row_id.is_valid()))
    again = np.zeros(batch.size, dtype=bool)
    again[given] = seen.add(primary[given], check[given])
    return again


def _bill(job: _Job, batch: Batch, again: NDArray[np.bool_]) -> _Billed:
    done = [
        dispatch(
            job.book,
            piece.rows,
            again=again[piece.positions],
            pass_through=job.pass_through,
            details=job.layout.details,
            plans=job.plans,
        )
        for piece in batch.pieces
    ]
    made, refused = tables(job.layout, batch, done, job.plans)
    tally = Tally()
    tally.count(batch.size, done, refused)
    tally.check()
    return _Billed(made, tally, batch.size)


def _write(folder: Folder, layout: Layout, made: Tables) -> None:
    folder.table("bills", layout.bills).write(made.bills)
    folder.table("refused", layout.refused).write(made.refused)
    for table in made.warnings:
        folder.table("warnings", layout.warnings).write(table)
    for name, table in made.lines:
        folder.table(name, table.schema).write(table)
    folder.relieve()


def _tables_of(layout: Layout) -> dict[str, list[str]]:
    """Which rule sets' lines stand in which table."""
    found: dict[str, list[str]] = {}
    for id_, (name, _) in layout.lines.items():
        found.setdefault(name, []).append(id_)
    return found


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
