"""Runs as the command makes them, for tests: through the driver, with a ledger beside the output.

The tables of a ledger are made once a session and copied: to make them takes longer than most of these runs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.partitions import Amounts, Format, Wanted
from engine.bulk.summary import Summary
from engine.bulk.wanted import parse_only
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.evaluator.native import Backend
from engine.registry.database import Database
from engine.runs import driver, planning
from engine.runs.engines.local import LocalEngine
from engine.runs.ledger import Ledger, RunRecord
from engine.runs.order import Order, PartitionBy

_LEFT_BY_SQLITE = ("", "-wal", "-shm")


def ledger_file(output: Path) -> Path:
    """Where `run` keeps the ledger of an output."""
    return output.with_name(f"{output.name}.ledger.sqlite")


@contextmanager
def ledger_at(file: Path) -> Iterator[Ledger]:
    """The ledger in a file, which is made where there is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_template(), file)
    database = Database(f"sqlite:///{file}")
    try:
        yield Ledger(database)
    finally:
        database.close()


@cache
def _template() -> Path:
    """A ledger without runs."""
    folder = tempfile.TemporaryDirectory(prefix="dianjia-ledger-")
    _KEPT.append(folder)
    file = Path(folder.name) / "ledger.sqlite"
    database = Database(f"sqlite:///{file}")
    database.open()
    database.close()
    # What is in the log beside the file is not in a copy of the file.
    assert not any(file.with_name(file.name + end).exists() for end in _LEFT_BY_SQLITE[1:])
    return file


_KEPT: list[tempfile.TemporaryDirectory[str]] = []  # until the session ends


def order_of(
    source: Path | Sequence[Path],
    output: Path,
    *,
    format_: Format = "parquet",
    pass_through: Sequence[str] = (),
    details: bool = False,
    amounts: Amounts = "scaled",
    backend: Backend = "numpy",
    only: Sequence[str] = (),
    partition_rows: int = 0,
    partition_by: PartitionBy = "auto",
    refers_to: str = "",
    memory: int = 0,
    history: Sequence[Path] = (),
    since: str = "",
    until: str = "",
) -> Order:
    """What an operator who types these options orders."""
    sources = [source] if isinstance(source, Path) else source
    return Order(
        inputs=tuple(str(one.absolute()) for one in sources),
        rules=(),
        output=str(output.absolute()),
        format=format_,
        amounts=amounts,
        details=details,
        backend=backend,
        pass_through=tuple(pass_through),
        only=tuple(only),
        partition_rows=partition_rows,
        partition_by=partition_by,
        refers_to=refers_to,
        memory=memory,
        history=tuple(str(one.absolute()) for one in history),
        since=since,
        until=until,
    )


def run(
    book: Mapping[str, Compiled] | RateBook,
    source: Path | Sequence[Path],
    output: Path,
    *,
    threads: int = 1,
    overwrite: bool = False,
    batch_rows: int | None = None,
    advance: Callable[[int], None] | None = None,
    ledger: Path | None = None,
    **options: Any,
) -> Summary:
    """Bill a portfolio to a folder.

    Args:
        book: rule set id -> rule set; or with triggers.
        source: file or folder, or several of them.
        output: folder.
        threads: partitions at once.
        overwrite: replace the results of an earlier run.
        batch_rows: rows that are read, billed and written at once; None: as the command does.
        advance: called with the rows of each batch.
        ledger: its file; None: the one beside the output.
        options: as `order_of`.
    """
    order = order_of(source, output, **options)
    wanted = Wanted(parse_only(order.only))
    with ledger_at(ledger or ledger_file(output)) as ledger_, batches_of(batch_rows):
        return driver.begin(
            ledger_,
            order,
            book if isinstance(book, RateBook) else RateBook(book),
            LocalEngine(threads, advance),
            wanted=wanted,
            filter_="; ".join(order.only),
            overwrite=overwrite,
        )


def resume(
    book: Mapping[str, Compiled] | RateBook,
    output: Path,
    id_: str = "",
    *,
    threads: int = 1,
    despite: Sequence[str] = (),
    advance: Callable[[int], None] | None = None,
) -> Summary:
    """Go on with a run of an output, the newest where none is named; rules are `book`, whatever the order says."""
    with ledger_at(ledger_file(output)) as ledger:
        run_ = id_ or ledger.list()[0].id
        engine = LocalEngine(threads, advance)
        compiled = book if isinstance(book, RateBook) else RateBook(book)
        return driver.resume(ledger, run_, lambda _: compiled, engine, despite=frozenset(despite))


def record(output: Path) -> RunRecord:
    """The newest run of an output, as its ledger has it."""
    with ledger_at(ledger_file(output)) as ledger:
        return ledger.list()[0]


def files(output: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of each file of results: a file that was written again has others."""
    found = (path for path in output.rglob("*") if path.is_file() and "_run" not in path.parts)
    return {path.relative_to(output).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


@contextmanager
def batches_of(rows: int | None) -> Iterator[None]:
    """Plan runs with batches of so many rows; None: of as many as otherwise."""
    if rows is None:
        yield
        return
    with patch.object(planning, "batch_rows", lambda *_: rows):
        yield


def read(folder: Path, name: str, format_: Format = "parquet") -> pa.Table:
    """The rows of one table of a run, from all its files, by partition.

    Decimals of a CSV file are texts there; the columns of totals are read as the decimals that Parquet has.
    """
    files = sorted((folder / name).glob(f"*.{format_}"))
    assert files, f"{folder} has no table {name}"
    tables = [_read(path, format_) for path in files]
    return pa.concat_tables(tables, promote_options="permissive" if format_ == "csv" else "none")


def lines(folder: Path) -> list[str]:
    """The structures of a run that have lines."""
    return sorted(path.name for path in (folder / "lines").iterdir())


def _read(path: Path, format_: Format) -> pa.Table:
    if format_ == "parquet":
        return pq.read_table(path)
    if format_ == "arrow":
        return pa.ipc.open_file(str(path)).read_all()
    names = pa_csv.open_csv(path).schema.names
    money = [name for name in names if name == "total" or name.startswith("ledger_")]
    return pa_csv.read_csv(
        path, convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(money, pa.decimal128(18, 2)))
    )
