"""Bill one partition of a run: read its rows, bill them batch by batch, write its tables, say what became of it.

    slices ──batches──▶ carried inputs, rows left out ──▶ bill ──tables──▶ sink
                                                            └──tally──▶ Done

A function of its arguments alone, on whatever thread, process or machine it is called. Where a row is refused for want
of an input that follows from its account's earlier rows, the partition begins anew with a survey of its rows: all rows
of an account lie in one partition. One that lacks none is read once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk import delta_sink, over_time, postgresql_sink
from engine.bulk.files import damage_named
from engine.bulk.filling import Carriage, filled
from engine.bulk.outputs import Layout, billed_by, lay_out, renamed, tables
from engine.bulk.overlaps import ACCOUNT, AccountRows, account_rows, overlaps
from engine.bulk.partitions import Done, Partition, Work
from engine.bulk.pieces import chosen_rows
from engine.bulk.postgresql_url import is_postgresql
from engine.bulk.probe import carried_inputs
from engine.bulk.profiles import PROFILES
from engine.bulk.sinks import FolderSink, Sink
from engine.bulk.sources import Batch, Piece, Source, source_of
from engine.bulk.summary import Tally
from engine.bulk.survey import survey
from engine.bulk.versions import by_day
from engine.bulk.wanted import selection
from engine.cache.packed import unpack
from engine.compiler.book import RateBook
from engine.evaluator.batch import Dispatched, dispatch
from engine.evaluator.families import Families
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Rows, day_text
from engine.language.problems import Place

Mask = NDArray[np.bool_]


class Beside(Protocol):
    """What looks at billed rows besides, and writes tables of its own."""

    names: frozenset[str]  # quantities that it needs

    def begin(self) -> None:
        """Forget what came: the partition begins."""

    def take(self, batch: Batch, done: Sequence[Dispatched]) -> None:
        """Look at a batch, and what became of each of its pieces."""

    def finish(self, sink: Sink, tally: Tally) -> None:
        """Write and count what came of all of them."""


Between = Callable[[int], None]
"""Called with the rows of each batch that is done; may raise `Stopped`."""

_BOOKS_KEPT: Final = 4  # of a process that bills several runs


class Stopped(Exception):
    """Somebody wants the work to end here; nothing of the partition is kept."""


class WrongBook(ValueError):
    """The file of the rate book holds another one than the run was planned with."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What billing any partition of a run needs, made once a process."""

    work: Work
    book: RateBook
    plans: Families
    layout: Layout
    source: Source  # with no rows
    carried: frozenset[str]  # inputs that a survey finds where rows lack them

    @property
    def schemas(self) -> dict[str, Any]:
        """Columns of each table."""
        layout = self.layout
        return {
            **({} if self.work.history is None else over_time.SCHEMAS),
            "bills": layout.bills,
            "refused": layout.refused,
            "warnings": layout.warnings,
            **({} if layout.profiles is None else {PROFILES: layout.profiles.schema}),
            **dict(layout.lines.values()),
        }

    @property
    def pass_through(self) -> tuple[str, ...]:
        return (*self.source.passing, *self.work.pass_through)


def bill_partition(work: Work, partition: Partition, attempt: int, between: Between | None = None) -> Done:
    """Bill one partition.

    Args:
        work: the run.
        partition: of it.
        attempt: at this partition, from 1.
        between: called between batches; what it raises ends the partition, and nothing of it is kept.

    Returns:
        What became of its rows. The tables are on the disk, or committed in the database, when this returns.

    Raises:
        FileProblem: the input cannot be read, or the output not written.
        WrongBook: the file of the rate book holds another.
    """
    return bill_with(prepare(work), partition, attempt, between)


def prepare(work: Work) -> Prepared:
    """Make what billing any partition of a run needs; kept for the next one."""
    return _prepared(_Kept(work))


def bill_with(
    prepared: Prepared,
    partition: Partition,
    attempt: int,
    between: Between | None = None,
    beside: Beside | None = None,
) -> Done:
    """Bill one partition of a run that is prepared; as `bill_partition`. `beside`: looks at its rows besides."""
    began = time.thread_time()
    rows_of = RowsOf(prepared, partition)
    try:
        done = _billed(rows_of, partition, _sink(prepared, partition, attempt), between, beside)
    except _Lacking:
        rows_of.survey()
        done = _billed(rows_of, partition, _sink(prepared, partition, attempt), between, beside)
    return replace(done, cpu_seconds=time.thread_time() - began)


def _sink(prepared: Prepared, partition: Partition, attempt: int) -> Sink:
    work, number = prepared.work, partition.number
    # Two processes may be at one attempt: the driver of one was killed, the worker lives on. Their names differ.
    name = f"{attempt}-{secrets.token_hex(4)}"
    if is_postgresql(work.output):
        return postgresql_sink.open_sink(work.output, work.run, number, name)
    if delta_sink.is_delta(work.output):
        return delta_sink.open_sink(work.output, work.run, number, name)
    return FolderSink(Path(work.output), work.run, number, name, work.format, prepared.schemas)


@dataclass(frozen=True)
class _Kept:
    """A run as a key: what it is prepared from is named by its hashes."""

    work: Work = field(compare=False)
    key: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        work = self.work
        told = (work.run, work.book, work.book_file, work.schema, work.output, work.format, work.amounts, work.details)
        object.__setattr__(self, "key", (*told, work.backend, work.pass_through, work.batch_rows, work.history))


@lru_cache(maxsize=_BOOKS_KEPT)
def _prepared(kept: _Kept) -> Prepared:
    work = kept.work
    book = read_book(work)
    schema = pa.ipc.read_schema(pa.py_buffer(bytes.fromhex(work.schema)))
    source = source_of(Path(work.input), "parquet", schema, None, book.rulesets, work.pass_through)
    source = replace(source, batch_rows_max=work.batch_rows)
    layout = lay_out(book.rulesets, source, "decimal" if work.format == "csv" else work.amounts, work.details)
    carried = carried_inputs(book.rulesets) if ACCOUNT in source.passing else frozenset()
    return Prepared(work, book, Families(book.rulesets, backend=work.backend), layout, source, carried)


def read_book(work: Work) -> RateBook:
    """Read the rate book that a run is planned with.

    Raises:
        FileProblem: its file cannot be read.
        WrongBook: it holds another.
    """
    with damage_named(Path(work.book_file)):
        packed = Path(work.book_file).read_bytes()
    book = unpack(packed, RateBook)
    if book.hash != work.book:
        raise WrongBook(f"{work.book_file} holds rate book {book.hash}; the run is planned with {work.book}")
    return book


class _Lacking(Exception):
    """A row lacks an input that may follow from earlier rows."""


class RowsOf:
    """The rows of one partition as they are billed: with their rule sets by day, and with what they carry.

    Attributes:
        source: of the rows.
        again: (row,) which row ids have come before in the run.
        wanted: (row,) which rows are billed; None: all.
        carriage: what rows carry, once it is surveyed.
    """

    def __init__(self, prepared: Prepared, partition: Partition) -> None:
        self.prepared = prepared
        self.source = replace(prepared.source, slices=partition.slices, rows=partition.rows)
        self.again = np.zeros(partition.rows, dtype=bool)
        self.again[list(partition.again)] = True
        self.wanted = selection(prepared.work.wanted, prepared.book.rulesets, self.source)
        self.carriage: Carriage | None = None
        self.surveyed = False

    def survey(self) -> None:
        """Find what rows carry that lack it."""
        book, pass_through = self.prepared.book.rulesets, self.prepared.pass_through
        self.carriage, self.surveyed = survey(book, self.source, 1, pass_through, self.again), True

    def ready(self, batch: Batch) -> Batch:
        """Name each row's rule set by its day, and fill in what it carries; rows that cannot carry it are refused."""
        pieces, refused = [], list(batch.refused)
        for piece in batch.pieces:
            rows, positions = by_day(self.prepared.book.rulesets, piece.rows), piece.positions
            if self.carriage is not None:
                ready = filled(self.carriage, rows, batch.first + positions)
                for at, (code, name) in ready.refused.items():
                    position = int(positions[at])
                    row_id, day = batch.row_id[position].as_py(), day_text(int(batch.period_from[position]))
                    place = self._declared(rows, at, name)
                    refused.append(row_problem(position, row_id, code, name, "", place, day=day))
                doomed = chosen_rows(rows, ready.doomed)
                if len(doomed):
                    told = dispatch(self.carriage.reduced, doomed, pass_through=self.prepared.pass_through).refused
                    assert len(told) == len(doomed), "what was refused before is refused again"
                    where = positions[ready.doomed]
                    refused += [renamed(found, batch, int(where[found.row])) for found in told]
                rows, positions = ready.rows, positions[ready.kept]
            if len(rows):
                pieces.append(Piece(rows, positions))
        return replace(batch, pieces=tuple(pieces), refused=tuple(refused))

    def _declared(self, rows: Rows, at: int, name: str) -> Place | None:
        """Where a row's rule set declares an input."""
        key = (rows.ruleset.codes or ("",))[int(rows.ruleset.values[at])]
        program = self.prepared.book.rulesets[key].program
        return next((spec.place for spec in program.inputs if spec.name == name), None)


def _billed(rows_of: RowsOf, partition: Partition, sink: Sink, between: Between | None, beside: Beside | None) -> Done:
    """Bill the rows of a partition into a sink."""
    tally, accounts, left_out = Tally(), list[AccountRows](), 0
    try:
        if beside is not None:
            beside.begin()
        for batch in rows_of.source.batches():
            left_out += _bill(rows_of, batch, sink, tally, accounts, beside)
            if between is not None:
                between(batch.size)
        tally.check()
        assert tally.rows + left_out == partition.rows, "every row is billed, refused or left out"
        if beside is not None:
            beside.finish(sink, tally)
        found = overlaps(rows_of.source, accounts)
        written = sink.commit()
    except BaseException:
        sink.abandon()
        raise
    plans = rows_of.prepared.plans
    return Done(
        partition=partition.number,
        received=tally.rows + left_out,
        billed=tally.billed.total(),
        refused=tally.refused.total(),
        left_out=left_out,
        files=written,
        sums=tally.to_json(),
        overlaps=None if found is None else found.to_json(),
        cpu_seconds=0.0,
        native=plans.native_share() if plans.backend == "native" else None,
    )


def _bill(
    rows_of: RowsOf, batch: Batch, sink: Sink, tally: Tally, accounts: list[AccountRows], beside: Beside | None
) -> int:
    """Bill a batch; gives how many of its rows are left out."""
    prepared, layout = rows_of.prepared, rows_of.prepared.layout
    stretch = slice(batch.first, batch.first + batch.size)
    again = rows_of.again[stretch]
    batch, left_out = rows_of.ready(batch), 0
    if rows_of.wanted is not None:
        batch, left_out = _only(batch, rows_of.wanted[stretch])
    done = [
        dispatch(
            prepared.book.rulesets,
            piece.rows,
            again=again[piece.positions],
            pass_through=prepared.pass_through,
            details=layout.details,
            plans=prepared.plans,
            besides=() if beside is None else beside.names,
        )
        for piece in batch.pieces
    ]
    made, refused = tables(layout, batch, done)
    lacking = (one.code == "missing-value" and one.field in prepared.carried for one in refused)
    if not rows_of.surveyed and any(lacking):
        raise _Lacking
    tally.count(batch.size - left_out, done, refused, layout.key)
    mine = account_rows(batch, billed_by(layout, batch, done))
    if mine is not None:
        accounts.append(mine)
    for name, table in _named(made):
        sink.write(name, table)
    if beside is not None:
        beside.take(batch, done)
    return left_out


def _only(batch: Batch, wanted: Mask) -> tuple[Batch, int]:
    """Leave out rows that are not wanted; gives how many they are."""
    if bool(wanted.all()):
        return batch, 0
    pieces = []
    for piece in batch.pieces:
        at = np.flatnonzero(wanted[piece.positions])
        if len(at):
            pieces.append(Piece(chosen_rows(piece.rows, at), piece.positions[at]))
    refused = tuple(one for one in batch.refused if wanted[one.row])
    return replace(batch, pieces=tuple(pieces), refused=refused), batch.size - int(np.count_nonzero(wanted))


def _named(made: Any) -> Iterable[tuple[str, Any]]:
    yield "bills", made.bills
    yield "refused", made.refused
    for table in made.warnings:
        yield "warnings", table
    for table in made.profiles:
        yield PROFILES, table
    yield from made.lines
