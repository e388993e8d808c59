"""One recalculation in a process of its own: the rate book is checked out, and the run driven to its end.

A server starts it and tells it on standard input which one. It holds the lock of the recalculation that it inherits
from the server, writes how it ended beside what was asked, and goes on where the server ends: neither needs the other.

    python -m engine.service.recalculating < {"run": …, "database": URL, "rules": FOLDER, "threads": 2}
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.bulk import files as portfolio_files
from engine.bulk.partitions import Wanted
from engine.bulk.problems import FileProblem
from engine.bulk.sinks import SUMMARY, writing
from engine.bulk.summary import Summary
from engine.bulk.wanted import parse_only
from engine.cache.compiled import RateBook, book_and_problems
from engine.language.problems import ProblemsFound, headline, problem
from engine.registry.content import read_folder, version_of
from engine.registry.database import Database
from engine.registry.registry import Registry
from engine.runs import driver
from engine.runs.alive import take_away
from engine.runs.engines.local import LocalEngine
from engine.runs.ledger import Ledger
from engine.runs.order import Order
from engine.runs.queue import Asked, Queue, Recalculation

_LOW_PRIORITY: Final = 10  # of `nice`
_RULES: Final = "rules"  # so called, it is the whole library to the compiler, which looks no further up
_BATCH_ROWS: Final = 262_144


@dataclass(frozen=True, slots=True)
class Told:
    """What the server says.

    Attributes:
        run: id of the recalculation.
        database: URL of the registry and the ledger.
        rules: folder that answers while no version is active; "": none.
        threads: partitions at once.
    """

    run: str
    database: str
    rules: str
    threads: int


def main() -> None:
    """Read on standard input what is to be done, and do it."""
    told = Told(**json.loads(sys.stdin.readline()))
    signal.signal(signal.SIGTERM, _end)
    database = Database(told.database)
    queue = Queue(Ledger(database))
    found = queue.find(told.run)
    assert found is not None, "the server has entered it"
    if found.asked.priority < 0:
        os.nice(_LOW_PRIORITY)
    error, used = _ended(told, queue, found)
    queue.end(told.run, error, used)
    take_away(told.run)
    database.close()


def _ended(
    told: Told, queue: Queue, found: Recalculation
) -> tuple[dict[str, Any] | None, tuple[str, Mapping[int, int]] | None]:
    """Drive a recalculation, and say why it stopped, or what the version billed."""
    try:
        summary, order = _driven(told, queue, found)
        return None, (found.asked.version, bills_by_month(Path(order.output), order.format, summary))
    except FileProblem as problem_:
        return problem_.to_json(), None
    except ProblemsFound as several:
        first = several.problems[0]
        parameters = {name: str(value) for name, value in first.parameters.items()}
        text = f"{first.code}: {headline(first)}"
        _stopped(queue, told.run, text)
        return {"code": first.code, "file": "", "parameters": parameters, "text": text}, None
    except KeyboardInterrupt:
        return None, None  # the ledger says so
    except Exception:  # noqa: BLE001  # whatever it is: the server's log has it, and whoever asks learns that it failed
        sys.stderr.write(traceback.format_exc())
        text = f"our-fault: the server's log says how, under {told.run}"
        _stopped(queue, told.run, text)
        return {"code": "our-fault", "file": "", "parameters": {"request": told.run}, "text": text}, None


def _stopped(queue: Queue, run: str, reason: str) -> None:
    """Tell the ledger, too, where it knows of the run."""
    with suppress(Exception):  # the first failure is the one that is told
        record = queue.ledger.several([run]).get(run)
        if record is not None and record.state in ("planning", "running"):
            queue.ledger.stop(run, "stopped", reason)


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def _driven(told: Told, queue: Queue, found: Recalculation) -> tuple[Summary, Order]:
    asked = found.asked
    ledger = queue.ledger
    engine = LocalEngine(told.threads)

    def cancelled() -> bool:
        now = queue.find(told.run)
        return now is not None and bool(now.cancelled_by)

    def begun(_rows: int, _done: int) -> None:
        if cancelled():  # since before the ledger knew of the run
            ledger.ask_to_stop(told.run)

    watch = driver.Watch(begun=begun)
    if told.run in ledger.several([told.run]):
        record = ledger.several([told.run])[told.run]
        summary = driver.resume(
            ledger, told.run, _resumed_book, engine, wanted=lambda order: _wanted(order, asked), watch=watch
        )
        return summary, record.order
    if cancelled():
        raise FileProblem("run-cancelled", told.run)
    _refuse_earlier(asked)
    folder = driver.folder_of(asked.order, told.run)
    driver.refuse_file(asked.order.output)
    versions = [asked.version, *([asked.affected_since] if asked.affected_since else [])]
    out = {version: _checked_out(told, version, folder) for version in versions}
    try:
        old = out.get(asked.affected_since)
        order = replace(
            asked.order,
            rules=(str(out[asked.version]),),
            affected_by="" if old is None else f"{old}\n{out[asked.version]}",
        )
        book = _compiled(out[asked.version])
        wanted, filter_ = _wanted(order, asked)
        summary = driver.begin(
            ledger,
            order,
            book,
            engine,
            wanted=wanted,
            filter_=filter_,
            overwrite=asked.overwrite,
            watch=watch,
            run=told.run,
        )
    finally:
        if told.run not in ledger.several([told.run]):  # it could not be planned, and nothing goes on with it
            for one in out.values():
                shutil.rmtree(one.parent, ignore_errors=True)
            for left in (folder, Path(asked.order.output)):
                with suppress(OSError):
                    left.rmdir()
    return summary, order


def _refuse_earlier(asked: Asked) -> None:
    """Write nothing into the folder of another run, which the driver would refuse later on."""
    summary = Path(asked.order.output) / SUMMARY
    if summary.exists() and not asked.overwrite:
        raise FileProblem("output-not-empty", asked.order.output, found=SUMMARY)


def _checked_out(told: Told, version: str, folder: Path) -> Path:
    """Write the files of a version below a run's folder; they stay, so that the run can be gone on with anywhere."""
    target = folder / f"{told.run}-{version[:12]}" / _RULES
    with writing(folder):
        shutil.rmtree(target, ignore_errors=True)
        for name, content in _files_of(told, version).items():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    return target


def _files_of(told: Told, version: str) -> Mapping[str, bytes]:
    registry = Registry(told.database)
    try:
        return registry.files(version)
    except ProblemsFound as found:
        if found.problems[0].code != "unknown-version" or not told.rules:
            raise
        files = read_folder(Path(told.rules))
        if version_of(files) != version:  # the folder was changed since
            raise ProblemsFound([problem("version-not-here", None, None, version=version)]) from None
        return files
    finally:
        registry.close()


def _resumed_book(rules: Sequence[str]) -> RateBook:
    return _compiled(Path(rules[0]))


def _compiled(folder: Path) -> RateBook:
    book, problems = book_and_problems([folder])
    if problems:
        raise ProblemsFound(problems)
    return book


def _wanted(order: Order, asked: Asked) -> tuple[Wanted, str]:
    """Which rows are meant; and that as a person reads it."""
    try:
        values = parse_only(order.only)
    except ValueError:
        told = {"field": "order.only", "value": " ".join(order.only)}
        raise ProblemsFound([problem("bad-selection", None, None, **told)]) from None
    said = list(order.only)
    wanted = Wanted(values)
    if order.affected_by:
        from engine.comparison.changes import changes
        from engine.comparison.reach import reach

        old, new = (_compiled(Path(folder)) for folder in order.affected_by.split("\n"))
        wanted = replace(reach(changes(old, new), new, old), values=values)
        said.append(f"affected by {asked.affected_since[:12]} -> {asked.version[:12]}")
    return wanted, "; ".join(said)


def bills_by_month(output: Path, format_: str, summary: Summary) -> Counter[int]:
    """Count the bills that a run has written by the month of the first day billed, as year x 12 + month - 1."""
    found: Counter[int] = Counter()
    for name in summary.files:
        if not name.startswith("bills/"):
            continue
        for column in _first_days(output / name, format_):
            days = pc.cast(column, "date32")
            months = pc.add(pc.multiply(pc.year(days), 12), pc.subtract(pc.month(days), 1))
            for one in pc.value_counts(months).to_pylist():
                if one["values"] is not None:
                    found[one["values"]] += one["counts"]
    return found


def _first_days(file: Path, format_: str) -> Iterator[Any]:
    if format_ == "parquet":
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=["period_from"]):
                yield batch.column(0)
        return
    kind, schema, _ = portfolio_files.opened(file)
    for table in portfolio_files.tables(file, kind, schema, (), _BATCH_ROWS):
        yield table.column("period_from")


if __name__ == "__main__":
    main()
