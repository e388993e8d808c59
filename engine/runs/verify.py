"""A run against its ledger: every file counted, hashed and added up again, and a sample of bills billed again.

    ledger ─▶ files: there, of the same bytes, of as many rows ─▶ sums of totals and lines by rule set ┐
    input  ─▶ rows drawn at random ─▶ reference (engine.runs.rebill) ──────────────────────────────────┴▶ differences

Sums are decimals of Arrow, which hold them exactly.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import files
from engine.bulk.delta_sink import counted, is_delta
from engine.bulk.partition_run import Prepared, prepare
from engine.bulk.partitions import Work, WrittenFile
from engine.bulk.postgresql_check import recount
from engine.bulk.postgresql_url import is_postgresql
from engine.bulk.problems import FileProblem
from engine.bulk.summary import Tally
from engine.runs import rebill
from engine.runs.folder import is_folder, result_files
from engine.runs.ledger import Ledger, PartitionRecord, RunRecord
from engine.runs.order import work_of

BATCH_ROWS: Final = 131_072
_SUM: Final = pa.decimal128(38, 0)
Key = TypeVar("Key")


class Sums(defaultdict[Key, Decimal]):
    """Decimals by key; nothing is zero."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the ledger says."""

    where: str
    what: str
    ledger: str
    found: str


@dataclass(slots=True)
class Check:
    """What was looked at, and what differs."""

    run: str
    partitions: int = 0
    files: int = 0
    bills: int = 0
    lines: int = 0
    refused: int = 0
    sampled: int = 0
    sample_kept_from: str = ""  # why no sample could be billed again
    differences: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """The check for a program to read."""
        return asdict(self) | {"holds": not self.differences}


class Written(Protocol):
    """Where a run's tables can be read again."""

    def batches(self, name: str) -> Iterator[Any]:
        """The rows of one entry of `Done.files`."""

    def faults(self, name: str, written: WrittenFile) -> Iterator[tuple[str, str, str]]:
        """What, as the ledger says, as it is: where an entry is not as it was written."""


class WrittenFolder:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def batches(self, name: str) -> Iterator[Any]:
        """The rows of a file."""
        path = self._folder / name
        format_, schema, _ = files.opened(path)
        yield from files.tables(path, format_, schema, [], BATCH_ROWS)

    def faults(self, name: str, written: WrittenFile) -> Iterator[tuple[str, str, str]]:
        """Whether a file is there, and of the same bytes."""
        path = self._folder / name
        if not path.is_file():
            yield "file", "written", "not there"
            return
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != written.sha256:
            yield "SHA-256", written.sha256, digest


def verify(ledger: Ledger, record: RunRecord, sample: int, seed: int) -> Check:
    """Check every partition of a run that is done.

    Args:
        ledger: that tells what is there.
        record: the run.
        sample: rows of the input that are billed again with the reference.
        seed: of the sample.

    Raises:
        FileProblem: a file of the input cannot be read.
    """
    check = Check(record.id)
    if not record.manifest:
        return check
    work = work_of(record.work)
    if not is_folder(work.output):
        return _database(check, ledger, record, work)
    prepared = prepare(work)
    written = WrittenFolder(Path(work.output))
    done, whole, known = list[PartitionRecord](), list[PartitionRecord](), set[str]()
    for one in ledger.records(record.id):
        if one.done is not None:
            done.append(one)
            known |= one.done.files.keys()
            if _partition(check, prepared, written, one):
                whole.append(one)
        elif record.state == "finished":
            check.differences.append(Difference(f"partition {one.partition.number}", "state", "finished", "pending"))
    if record.state == "finished":
        rows = sum(one.partition.rows for one in done)
        _same(check, record.id, "rows", record.rows, rows)
        _strays(check, Path(work.output), known)
    if sample and whole:
        rebill.check(check, prepared, written, whole, sample, seed)
    return check


def _strays(check: Check, folder: Path, known: set[str]) -> None:
    """Files that a reader of the folder would take for results of the run, and that the ledger does not know."""
    for file in result_files(folder):
        name = file.relative_to(folder).as_posix()
        if name not in known:
            check.differences.append(Difference(name, "file", "not written by this run", "there"))


def _database(check: Check, ledger: Ledger, record: RunRecord, work: Work) -> Check:
    """Let the database count its rows, and PostgreSQL add them up."""
    check.sample_kept_from = "the bills are not in files of a folder"
    done = dict[int, dict[str, int]]()
    for one in ledger.records(record.id):
        if one.done is not None:
            check.partitions += 1
            check.bills += one.done.billed
            check.refused += one.done.refused
            _same(check, f"partition {one.partition.number}", "rows", one.partition.rows, one.done.received)
            done[one.partition.number] = {name: written.rows for name, written in one.done.files.items()}
        elif record.state == "finished":
            check.differences.append(Difference(f"partition {one.partition.number}", "state", "finished", "pending"))
    for counts in done.values():
        check.lines += sum(rows for name, rows in counts.items() if name.startswith("lines/"))
    if is_postgresql(work.output):
        for partition, name, what, marker, found in recount(work.output, record.id, done):
            check.differences.append(Difference(f"partition {partition}", f"{name} {what}", marker, found))
    elif is_delta(work.output):
        for partition, name, told, there in counted(work.output, record.id, done):
            check.differences.append(Difference(f"partition {partition}", f"{name} rows", str(told), str(there)))
    return check


def _partition(check: Check, prepared: Prepared, written: Written, record: PartitionRecord) -> bool:
    """Check a partition; gives whether all that it wrote can be read."""
    done = record.done
    assert done is not None
    check.partitions += 1
    where = f"partition {done.partition}"
    tally = Tally.from_json(done.sums)
    _same(check, where, "rows", record.partition.rows, done.received)
    readable = True
    counts, totals, lines = Counter[str](), Sums[str](Decimal), Sums[tuple[str, str]](Decimal)
    for name, file in done.files.items():
        check.files += 1
        faults = list(written.faults(name, file))
        check.differences += [Difference(name, *fault) for fault in faults]
        if any(what == "file" for what, _, _ in faults):
            readable = False
            continue
        rows = 0
        try:
            for table in written.batches(name):
                rows += table.num_rows
                if name.startswith("bills"):
                    _add(totals, "total", table, counts)
                elif name.startswith("lines/"):
                    _add_lines(lines, prepared, table)
        except FileProblem as found:
            check.differences.append(Difference(name, "file", "readable", found.code))
            readable = False
            continue
        _same(check, name, "rows", file.rows, rows)
        if name.startswith("bills"):
            check.bills += rows
            _same(check, name, "bills", done.billed, rows)
        elif name.startswith("lines/"):
            check.lines += rows
        elif name.startswith("refused"):
            check.refused += rows
            _same(check, name, "refused", done.refused, rows)
    expected, expected_lines, billed = _told(prepared, tally)
    for ruleset in sorted(set(expected) | set(totals)):
        _same(check, where, f"{ruleset} bills", billed[ruleset], counts[ruleset])
        _same(check, where, f"{ruleset} total", expected[ruleset], totals[ruleset])
    for ruleset, line in sorted(set(expected_lines) | set(lines)):
        key = (ruleset, line)
        _same(check, where, f"{ruleset}:{line}", expected_lines[key], lines[key])
    return readable


def _told(prepared: Prepared, tally: Tally) -> tuple[Sums[str], Sums[tuple[str, str]], Counter[str]]:
    """What the ledger says: totals and lines as decimals, and bills, by rule set id."""
    totals, lines, billed = Sums[str](Decimal), Sums[tuple[str, str]](Decimal), Counter[str]()
    book = prepared.book.rulesets
    for key, amount in tally.totals.items():
        program = book[key].program
        totals[book[key].id] += Decimal(amount).scaleb(-program.steps[program.total].type.places)
        billed[book[key].id] += tally.billed[key]
    for (key, line_id), amount in tally.lines.items():
        program = book[key].program
        line = next(one for one in program.lines if one.id == line_id)
        lines[book[key].id, line_id] += Decimal(amount).scaleb(-program.steps[line.amount].type.places)
    return totals, lines, billed


def _same(check: Check, where: str, what: str, ledger: object, found: object) -> None:
    if ledger != found:
        check.differences.append(Difference(where, what, _said(ledger), _said(found)))


def _said(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _add(sums: Sums[str], column: str, table: Any, counts: Counter[str]) -> None:
    """Add a column of bills up by rule set, and count its rows."""
    for ruleset, amount, rows in _by_ruleset(table, _decimal(table.column(column), 0)):
        sums[ruleset] += amount
        counts[ruleset] += rows


def _add_lines(sums: Sums[tuple[str, str]], prepared: Prepared, table: Any) -> None:
    for at, name in enumerate(table.schema.names):
        metadata = table.schema.field(at).metadata or {}
        if b"charge" not in metadata and not _is_line(prepared, name):
            continue
        if name.endswith((".quantity", ".price")) and not _is_line(prepared, name):
            continue
        places = int(metadata.get(b"places", b"0"))
        for ruleset, amount, _ in _by_ruleset(table, _decimal(table.column(at), places)):
            sums[ruleset, name] += amount


def _is_line(prepared: Prepared, name: str) -> bool:
    return any(line.id == name for one in prepared.book.rulesets.values() for line in one.program.lines)


def _decimal(column: Any, places: int) -> tuple[Any, int]:
    """A column of decimals, of whole numbers of some place, or of their texts as a CSV file has them."""
    if pa.types.is_integer(column.type):
        return pc.cast(column, _SUM), places
    if pa.types.is_string(column.type):
        return pc.cast(column, pa.decimal128(38, 12)), 0
    return column, 0


def _by_ruleset(table: Any, column: tuple[Any, int]) -> Iterator[tuple[str, Any, int]]:
    values, places = column
    rulesets = table.column("ruleset")
    if pa.types.is_dictionary(rulesets.type):
        rulesets = pc.cast(rulesets, pa.string())
    grouped = pa.table({"ruleset": rulesets, "value": values}).group_by("ruleset")
    found = grouped.aggregate([("value", "sum"), ("ruleset", "count")])
    for row in found.to_pylist():
        amount = row["value_sum"]
        yield row["ruleset"], Decimal(0) if amount is None else amount.scaleb(-places), row["ruleset_count"]
