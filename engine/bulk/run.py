"""Bill a portfolio: read, bill and write at once, with bounded memory.

    source ──batches──▶ seen row ids ──▶ bill (threads) ──tables──▶ folder
       └─(survey: what rows carry)─────────▲  └──▶ tally ──▶ summary

Batches are read ahead by one thread, billed by several and written in the order of the file by another, so that two
runs of one file write the same bytes whatever the threads do. Where a row is refused for want of an input that follows
from its account's earlier rows, the run begins anew with a survey of the file; one that lacks none never takes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from engine.bulk.filling import Carriage, filled
from engine.bulk.flow import in_order
from engine.bulk.outputs import Amounts, Layout, Tables, billed_by, lay_out, renamed, tables
from engine.bulk.overlaps import ACCOUNT, AccountRows, account_rows, overlaps
from engine.bulk.pieces import chosen_rows
from engine.bulk.probe import carried_inputs
from engine.bulk.sinks import Folder, Format
from engine.bulk.sources import Batch, Piece, Source, open_source
from engine.bulk.summary import Summary, Tally
from engine.bulk.survey import survey
from engine.bulk.versions import by_day
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch
from engine.evaluator.families import Families
from engine.evaluator.native import Backend
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Rows, day_text
from engine.language.problems import Place

__all__ = ["Amounts", "Summary", "run"]

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class _Billed:
    tables: Tables
    tally: Tally
    rows: int
    accounts: AccountRows | None


@dataclass(frozen=True, slots=True)
class _Job:
    """What billing a batch needs, the same for all of them."""

    book: Mapping[str, Compiled]
    plans: Families
    layout: Layout
    pass_through: Collection[str]
    carriage: Carriage | None
    carried: frozenset[str]  # inputs for want of which the run begins anew


class _Lacking(Exception):
    """A row lacks an input that may follow from earlier rows."""


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
    backend: Backend = "numpy",
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
        backend: `native` bills plans that enough rows come to in machine code; results are the same.
        progress: called with rows done, and rows to come in all where that is known.

    Returns:
        Counts and totals. received = billed + refused, by row id.

    Raises:
        FileProblem: the file cannot be billed from, or the folder not written to. No results are left then.
    """
    started = perf_counter()
    opened = open_source(source, book, pass_through)
    layout = lay_out(book, opened, "decimal" if format_ == "csv" else amounts, details)
    plans = Families(book, backend=backend)
    carried = carried_inputs(book) if ACCOUNT in opened.passing else frozenset()
    job = _Job(book, plans, layout, (*opened.passing, *pass_through), None, carried)
    threads = threads or _cores()
    try:
        return _run(job, opened, Folder(output, format_, overwrite), threads, started, progress)
    except _Lacking:
        carriage = survey(book, opened, threads, job.pass_through)
        job = replace(job, carriage=carriage, carried=frozenset())
        return _run(job, opened, Folder(output, format_, overwrite), threads, started, progress)


def _run(job: _Job, source: Source, folder: Folder, threads: int, started: float, progress: Progress | None) -> Summary:
    layout, tally = job.layout, Tally()
    accounts: list[AccountRows] = []
    try:
        for name, schema in (("bills", layout.bills), ("refused", layout.refused), ("warnings", layout.warnings)):
            folder.table(name, schema)
        done = 0
        for billed in in_order(source, partial(_bill, job), threads):
            _write(folder, layout, billed.tables)
            tally.add(billed.tally)
            if billed.accounts is not None:
                accounts.append(billed.accounts)
            done += billed.rows
            if progress is not None:
                progress(done, source.rows)
        tally.check()
        found = overlaps(source, accounts)
        seconds = perf_counter() - started
        native = job.plans.native_share() if job.plans.backend == "native" else None
        summary = tally.summary(job.book, source.path, folder.files(), _tables_of(layout), found, seconds, native)
        folder.finish(summary.to_json())
    except BaseException:
        folder.abandon()
        raise
    return summary


def _bill(job: _Job, batch: Batch, again: NDArray[np.bool_]) -> _Billed:
    batch = _ready(job, batch)
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
    made, refused = tables(job.layout, batch, done)
    if job.carried and any(one.code == "missing-value" and one.field in job.carried for one in refused):
        raise _Lacking
    tally = Tally()
    tally.count(batch.size, done, refused, job.layout.key)
    tally.check()
    accounts = account_rows(batch, billed_by(job.layout, batch, done))
    return _Billed(made, tally, batch.size, accounts)


def _ready(job: _Job, batch: Batch) -> Batch:
    """Name each row's rule set by its day, and fill in what it carries; rows that cannot carry it are refused."""
    pieces, refused = [], list(batch.refused)
    for piece in batch.pieces:
        rows, positions = by_day(job.book, piece.rows), piece.positions
        if job.carriage is not None:
            ready = filled(job.carriage, rows, batch.first + positions)
            for at, (code, name) in ready.refused.items():
                position = int(positions[at])
                row_id, day = batch.row_id[position].as_py(), day_text(int(batch.period_from[position]))
                refused.append(row_problem(position, row_id, code, name, "", _declared(job, rows, at, name), day=day))
            doomed = chosen_rows(rows, ready.doomed)
            if len(doomed):
                told = dispatch(job.carriage.reduced, doomed, pass_through=job.pass_through).refused
                assert len(told) == len(doomed), "what was refused before is refused again"
                where = positions[ready.doomed]
                refused += [renamed(found, batch, int(where[found.row])) for found in told]
            rows, positions = ready.rows, positions[ready.kept]
        if len(rows):
            pieces.append(Piece(rows, positions))
    return replace(batch, pieces=tuple(pieces), refused=tuple(refused))


def _declared(job: _Job, rows: Rows, at: int, name: str) -> Place | None:
    """Where a row's rule set declares an input."""
    compiled = job.book[(rows.ruleset.codes or ("",))[int(rows.ruleset.values[at])]]
    return next((spec.place for spec in compiled.program.inputs if spec.name == name), None)


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
