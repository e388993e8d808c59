"""A run from its order to its summary: plan it, bill its partitions, commit each to the ledger, and finish.

    begin   order ─▶ ledger: planning ─▶ manifest ─▶ ledger: running, partitions pending ┐
    resume  ledger ─▶ what changed since? ────────────────────────────────────────────────┴▶ drive ─▶ finish
    drive   pending ─▶ engine ─▶ Done ─▶ ledger: done            (files are on the disk before the ledger is told)

A run has one driver, which holds the lock of its folder. Whatever ends a driver, what the ledger says is done stays,
and everything else is made again by the next one.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from engine.bulk import delta_sink, over_time, postgresql_sink
from engine.bulk.overlaps import PAIRS_SHOWN, Overlap, Overlaps
from engine.bulk.partition_run import Prepared, prepare, read_book
from engine.bulk.partitions import Done, Partition, Wanted, Work
from engine.bulk.postgresql_url import is_postgresql
from engine.bulk.problems import FileProblem
from engine.bulk.sinks import FOLDER, PARTIAL, SUMMARY, sync, writing
from engine.bulk.summary import Summary, Tally
from engine.compiler.book import RateBook
from engine.language.problems import ProblemsFound
from engine.registry.where import state_folder
from engine.runs import lock
from engine.runs.adjustment_ledger import standing_on
from engine.runs.code import code_hash
from engine.runs.fingerprint import Unchanged, changed
from engine.runs.folder import (
    clear,
    is_folder,
    own,
    refuse_replaced,
    refuse_results,
    sweep,
    take_strays,
    tidy,
)
from engine.runs.ledger import Ledger, RunRecord, new_id
from engine.runs.manifest import Manifest
from engine.runs.order import Order, work_of
from engine.runs.planning import plan, refuse_inputs

LOOK_SECONDS: Final = 1.0  # after which the driver looks whether it is asked to stop

Despite = frozenset[str]  # of `input`, `rules`, `code`: changes that are known, and go on nevertheless


class Engine(Protocol):
    """What bills partitions; `engine.runs.engines` has several."""

    name: str
    width: int

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        """Bill a partition somewhere."""

    def close(self) -> None:
        """End what is under way, and wait for it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how a run goes on; each may be left as it is.

    Attributes:
        planned: called with the manifest before the first row is billed.
        begun: called with rows to come, and rows done before.
    """

    planned: Callable[[str, Manifest], None] = lambda _run, _manifest: None
    begun: Callable[[int, int], None] = lambda _rows, _done: None


def begin(
    ledger: Ledger,
    order: Order,
    book: RateBook,
    engine: Engine,
    *,
    wanted: Wanted | None = None,
    filter_: str = "",
    overwrite: bool = False,
    watch: Watch | None = None,
    run: str = "",
) -> Summary:
    """Plan a run and drive it to its end.

    Args:
        ledger: where it is kept.
        order: what is asked for.
        book: compiled from the order's rules.
        engine: that bills partitions; closed in the end.
        wanted: rows to be billed; None: all.
        filter_: as a person reads `wanted`.
        overwrite: take the results of an earlier run away.
        watch: who is told.
        run: its id; "": a new one.

    Raises:
        FileProblem: the run cannot be planned, or stopped; it can be resumed once that is mended.
    """
    wanted, watch = wanted or Wanted(), watch or Watch()
    run = run or new_id()
    folder = folder_of(order, run)
    with closing(engine):
        refuse_file(order.output)
        refuse_inputs(order, book)  # before anything is made, or taken away
        with driving(ledger, run, folder):
            if not overwrite:
                refuse_results(order.output)
            _refuse_handed_over(ledger, order.output)
            own(folder, run)
            clear(order.output)
            ledger.create(order, str(folder), run)
            try:
                plan(ledger, run, order, book, folder, wanted, filter_, watch.planned, _at_once(engine))
            except (FileProblem, ProblemsFound):  # nothing is billed, and nothing can be resumed
                tidy(order.output, folder)
                ledger.forget(run)
                raise
            with told(ledger, run):
                return _drive(ledger, ledger.show(run), engine, watch)


def resume(
    ledger: Ledger,
    run: str,
    book: Callable[[Sequence[str]], RateBook],
    engine: Engine,
    *,
    despite: Despite = frozenset(),
    wanted: Callable[[Order], tuple[Wanted, str]] = lambda _: (Wanted(), ""),
    watch: Watch | None = None,
) -> Summary:
    """Drive a run on from where it is; one that is finished is left alone.

    Args:
        ledger: where it is kept.
        run: its id.
        book: compiles the rules that an order names.
        engine: that bills partitions; closed in the end.
        despite: what may have changed since the run was planned.
        wanted: the rows that an order selects; asked where the run was not planned to the end.
        watch: who is told.

    Raises:
        FileProblem: as `begin`; something changed; the run is driven by another, or was cancelled.
    """
    watch = watch or Watch()
    record = ledger.show(run)
    run, folder = record.id, Path(record.folder)
    with closing(engine):
        if record.state == "finished":
            return summary_of(ledger, record)
        with driving(ledger, run, folder), told(ledger, run):
            record = ledger.show(run)
            if record.state == "cancelled":
                raise FileProblem("run-cancelled", run)
            if record.state == "finished":
                return summary_of(ledger, record)
            refuse_replaced(folder, run)
            ledger.take_over(run)
            compiled = book(record.order.rules)
            if not record.manifest:
                ledger.drive(run)
                selected, filter_ = wanted(record.order)
                plan(ledger, run, record.order, compiled, folder, selected, filter_, watch.planned, _at_once(engine))
            else:
                _refuse_changes(record, compiled, despite)
                ledger.drive(run)
            return _drive(ledger, ledger.show(run), engine, watch, despite)


def _refuse_handed_over(ledger: Ledger, output: str) -> None:
    """Refuse to replace bills on which adjustments stand that were handed to a billing system."""
    if is_folder(output):
        with ledger.database.reading() as connection:
            run = standing_on(connection, output)
        if run:
            raise FileProblem("output-handed-over", output, run=run)


def folder_of(order: Order, run: str) -> Path:
    """Where a run keeps what it needs besides its results."""
    if is_folder(order.output):
        return Path(order.output) / FOLDER
    return state_folder() / "runs" / run


def kept_book(record: RunRecord) -> RateBook:
    """The rate book that a run was planned with."""
    return read_book(work_of(record.work))


def summary_of(ledger: Ledger, record: RunRecord) -> Summary:
    """Add up what a run's partitions came to; for one that is finished, as it was told then."""
    work = work_of(record.work)
    prepared = prepare(work)
    tally, files, left_out, overlapping, native = Tally(), Counter[str](), 0, list[Overlaps](), None
    for one in ledger.records(record.id):
        done = one.done
        assert done is not None, "a partition that is pending has no sums"
        tally.add(Tally.from_json(done.sums))
        files.update({name: written.rows for name, written in done.files.items()})  # of a database many share a name
        left_out += done.left_out
        native = done.native or native
        if done.overlaps is not None:
            overlapping.append(_overlaps(done.overlaps))
    tally.check()
    assert tally.rows + left_out == record.rows, "every row of the input is billed, refused or left out"
    found = None
    if overlapping:
        first = [pair for one in overlapping for pair in one.first][:PAIRS_SHOWN]
        found = Overlaps(sum(one.rows for one in overlapping), tuple(first))
    return tally.summary(
        prepared.book.rulesets,
        work.input,
        files,
        _line_tables(prepared),
        found,
        record.seconds,
        native=native,
        left_out=left_out,
        run=record.id,
        filter_=record.filter,
        over_time=None
        if work.history is None
        else over_time.told(tally.over_time, prepared.book.watch.triggers, work.history),
    )


@contextmanager
def closing(engine: Engine) -> Iterator[None]:
    """Close an engine in the end."""
    try:
        yield
    finally:
        engine.close()


@contextmanager
def driving(ledger: Ledger, run: str, folder: Path) -> Iterator[None]:
    """Be the one driver of a run.

    Raises:
        FileProblem: another one is.
    """
    with lock.held(folder) as other, ledger.driving(run) as free:
        if other or not free:
            raise FileProblem("run-driven", run, driver=other or "on another machine", run=run)
        yield


@contextmanager
def told(ledger: Ledger, run: str) -> Iterator[None]:
    """Tell the ledger why a run does not go on."""
    try:
        yield
    except FileProblem as found:
        with suppress(Exception):  # on a full disk the ledger cannot be told either
            if ledger.is_asked_to_stop(run):
                ledger.stop(run, "cancelled", _BY_THE_OPERATOR)
            elif found.code not in _LEFT_AS_IT_IS:
                ledger.stop(run, "stopped", found.render())
        raise
    except _Cancelled:
        ledger.stop(run, "cancelled", _BY_THE_OPERATOR)
        raise FileProblem("run-cancelled", run) from None
    except KeyboardInterrupt:
        ledger.stop(run, "stopped", "stopped by the operator")
        raise


_BY_THE_OPERATOR: Final = "cancelled by the operator"
_LEFT_AS_IT_IS: Final = frozenset({"run-changed", "run-cancelled", "run-replaced"})


class _Cancelled(Exception):
    """Somebody asked for the end of the run."""


def _at_once(engine: Engine) -> int:
    """Partitions that a process bills at once: the workers of a cluster have one each."""
    return engine.width if engine.name == "local" else 1


def _refuse_changes(record: RunRecord, book: RateBook, despite: Despite) -> None:
    """Refuse to go on where the run would be made of two different things."""
    found = changed(json.loads(record.input_files))
    differences = (
        ("input", "the input", "输入", "; ".join(f"{path} ({what})" for path, what in found)),
        ("rules", "the rate book", "电价册", "" if book.hash == record.book else f"{record.book} -> {book.hash}"),
        ("code", "the engine", "计算程序", "" if code_hash() == record.code else "its sources, numpy or pyarrow"),
    )
    for key, what, what_zh, which in differences:
        if which and key not in despite:
            raise FileProblem("run-changed", record.id, what=what, what_zh=what_zh, which=which, what_key=key)


def _drive(ledger: Ledger, record: RunRecord, engine: Engine, watch: Watch, despite: Despite = frozenset()) -> Summary:
    run, work = record.id, work_of(record.work)
    queue = deque(ledger.pending(run))
    left = sum(one.rows for one in queue)
    watch.begun(record.rows, record.rows - left)
    sweep(work.output)
    take_strays(work.output, _known(ledger, run))
    unchanged = Unchanged(json.loads(record.input_files), despite=bool(despite & {"input"}))
    slices = {one.number: one.slices for one in queue}
    waiting: dict[Future[Done], int] = {}
    clock = time.monotonic()

    def commit(done: Done) -> None:
        nonlocal clock
        path = unchanged.fault([one.path for one in slices[done.partition]])
        if path:  # while it was read, or before: what is done was billed from what was there when the run was planned
            told = {"what": "the input", "what_zh": "输入", "which": path, "what_key": "input"}
            found = FileProblem("run-changed", run, **told)
            ledger.stop(run, "stopped", found.render())
            raise found
        at = time.monotonic()
        ledger.commit(run, done, at - clock)
        clock = at

    try:
        while queue or waiting:
            while queue and len(waiting) < engine.width:
                partition = queue.popleft()
                attempt = ledger.attempt(run, partition.number)
                waiting[engine.submit(work, partition, attempt)] = partition.number
            for future in wait(waiting, LOOK_SECONDS, FIRST_COMPLETED).done:
                del waiting[future]
                commit(future.result())
            if ledger.is_asked_to_stop(run):
                raise _Cancelled
    except BaseException:
        engine.close()
        for future in waiting:
            # What is whole is kept; what failed, or was ended, is made again.
            if future.done() and not future.cancelled() and future.exception() is None:
                with suppress(Exception):  # the first failure is the one that is told
                    commit(future.result())
        sweep(work.output)
        raise
    return _finish(ledger, run, work)


def _finish(ledger: Ledger, run: str, work: Work) -> Summary:
    summary = summary_of(ledger, ledger.show(run))
    sweep(work.output)
    take_strays(work.output, summary.files.keys())
    if is_folder(work.output):
        target = Path(work.output) / SUMMARY
        partial = target.with_name(SUMMARY + PARTIAL)
        with writing(target):
            partial.write_text(json.dumps(summary.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            sync(partial)
            partial.replace(target)
            sync(target.parent)
    elif is_postgresql(work.output):
        postgresql_sink.finish(work.output, run, summary.to_json())
    elif delta_sink.is_delta(work.output):
        delta_sink.finish(work.output, run, prepare(work).schemas)
    ledger.finish(run, summary.to_json())
    return summary


def _known(ledger: Ledger, run: str) -> set[str]:
    """Names of the files that the ledger has as done."""
    return {name for one in ledger.records(run) if one.done is not None for name in one.done.files}


def refuse_file(output: str) -> None:
    """Refuse an output that is to be a folder, and is a file.

    Raises:
        FileProblem: it is.
    """
    if is_folder(output) and Path(output).exists() and not Path(output).is_dir():
        raise FileProblem("output-not-folder", output)


def _line_tables(prepared: Prepared) -> dict[str, list[str]]:
    """Which rule sets' lines stand in which table."""
    found: dict[str, list[str]] = {}
    for id_, (name, _) in prepared.layout.lines.items():
        found.setdefault(name, []).append(id_)
    return found


def _overlaps(told_: Mapping[str, Any]) -> Overlaps:
    return Overlaps(told_["rows"], tuple(Overlap(**one) for one in told_["first"]))
