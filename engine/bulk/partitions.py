"""What a run is cut into: plain data that can be sent to another thread, process or machine.

    Work        the same for all partitions of a run: the rate book by its hash, how bills are written, which are wanted
    Partition   some rows of the input, all rows of an account together
    Done        what became of a partition: counts, control sums, files

A partition is a unit of work: `engine.bulk.partition_run.bill_partition(work, partition, attempt)` gives the same files
wherever it is called and however often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from engine.evaluator.native import Backend

Format = Literal["parquet", "csv", "arrow"]
FORMATS: Final[tuple[Format, ...]] = ("parquet", "csv", "arrow")
Amounts = Literal["scaled", "decimal"]
BATCH_ROWS: Final = 131_072


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows [first, first + rows) of a Parquet file."""

    path: str
    first: int
    rows: int


@dataclass(frozen=True, slots=True)
class Partition:
    """Some rows of a run's input.

    Attributes:
        number: from 0; names its files.
        rows: of all slices.
        slices: in the order of the input.
        again: positions among its rows of those whose row id has come before in the run; they are refused.
    """

    number: int
    rows: int
    slices: tuple[Slice, ...]
    again: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of the input are billed; the others take part in what later rows carry, and are left out.

    Attributes:
        values: column -> texts, of which a row's value must be one; all columns count.
        days: rule set id -> stretches [first, end) of days since 1970-01-01, one of which a row's period must touch;
            None: every rule set and day.
        following: rule set ids of which later rows of an account are wanted, too, once one of its rows is.
    """

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    days: Mapping[str, tuple[tuple[int, int], ...]] | None = None
    following: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        return not self.values and self.days is None


@dataclass(frozen=True, slots=True)
class History:
    """The events that a run's rows are looked at together with.

    Attributes:
        folder: holds a file of each partition's events, `engine.runs.history` says how.
        since: warnings before this local day are not told [day since 1970-01-01].
        until: everything before has come: deadlines before it pass [us since 1970-01-01 UTC].
        files: that the events came from, with their rows, in the order in which their positions count.
    """

    folder: str
    since: int
    until: int
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What billing any partition of a run needs.

    Attributes:
        run: its id.
        book: hash of the rate book, `RateBook.hash`.
        book_file: file that holds the compiled book.
        input: the input as the operator named it, for messages.
        schema: of the slices, as Arrow writes a schema, in hexadecimal digits.
        output: folder; or URL of PostgreSQL or a Delta table's folder (`delta:PATH`).
        pass_through: columns that are meant to be unread.
        options: of the evaluator and the outputs, as `dianjia run` names them.
        history: events that came before; None: triggers do not look at the rows.
    """

    run: str
    book: str
    book_file: str
    input: str
    schema: str
    output: str
    format: Format = "parquet"
    amounts: Amounts = "scaled"
    details: bool = False
    backend: Backend = "numpy"
    pass_through: tuple[str, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    batch_rows: int = BATCH_ROWS
    history: History | None = None


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file, or a table in a database, that holds rows of one partition."""

    rows: int
    size: int = 0  # [bytes]; 0: not a file
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a partition. received = billed + refused + left_out.

    Attributes:
        files: name below the output -> what it holds.
        sums: control sums, `engine.bulk.summary.Tally.to_json`.
        overlaps: rows that overlap another of their account, and the first of them, `Overlaps.to_json`.
        cpu_seconds: of the thread that billed it.
        native: instructions in machine code, and all, of the plans that billed it; None: not asked for.
    """

    partition: int
    received: int
    billed: int
    refused: int
    left_out: int
    files: Mapping[str, WrittenFile]
    sums: Mapping[str, object]
    overlaps: Mapping[str, object] | None
    cpu_seconds: float
    native: tuple[int, int] | None = None
