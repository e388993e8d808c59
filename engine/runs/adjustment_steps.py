"""Steps that exports and reversals share: adding amounts up, keeping a batch, handing its file over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from engine.registry.database import Database
from engine.runs import adjustment_file as files
from engine.runs import adjustment_ledger as ledger
from engine.runs.adjustment_ledger import Batch, Kind, Prior, Rows
from engine.runs.adjustment_problems import AdjustmentProblem
from engine.runs.billed import AMOUNT_MAX


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of adjustments that was written; `again`: it had been written before."""

    output: Path
    batch: Batch
    again: bool

    @property
    def summary(self) -> Mapping[str, Any]:
        """Counts and sums, as in the summary beside the file."""
        return self.batch.summary


@dataclass(frozen=True, slots=True)
class Entries:
    """Amounts by bill and charge, of which one pair may come several times."""

    at: NDArray[np.int64]  # position of the bill
    charge: NDArray[np.int64]  # position among charges
    amount: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Made:
    """A batch that is about to be kept, with the lists that belong to it: name -> table."""

    batch: Batch
    rows: Rows
    lists: Mapping[str, Any]


@dataclass(slots=True)
class Keeping:
    """A transaction in which a batch may be kept. `made`: the batch, once it is."""

    connection: Connection
    output: Path
    made: Made | None = None

    def batch(self, made: Made) -> None:
        """Write a batch's files, the main one under its temporary name, and enter it into the ledger.

        Raises:
            AdjustmentProblem: `output-exists`.
        """
        if self.output.exists():
            raise AdjustmentProblem("output-exists", str(self.output))
        self.made = made
        for what, table in made.lists.items():
            files.write_list(self.output, what, table, made.batch.prefix)
        files.write_partial(self.output, files.table_of(made.batch, made.rows), made.batch.prefix)
        ledger.write(self.connection, made.batch, made.rows)


@contextmanager
def keeping(database: Database, output: Path) -> Iterator[Keeping]:
    """A transaction that alone may change adjustments. Where it fails, the temporary file goes with it."""
    kept = None
    try:
        with database.writing() as connection:
            ledger.lock(connection)
            kept = Keeping(connection, output)
            yield kept
    except BaseException:
        if kept is not None and kept.made is not None:
            files.abandon(files.partial_of(output, kept.made.batch.prefix))
        raise


def hand_over(output: Path, batch: Batch) -> Exported:
    """Give a batch's file its own name: the ledger has it."""
    files.place(files.partial_of(output, batch.prefix), output)
    files.write_summary(output, batch)
    return Exported(output, batch, False)


def next_batch(connection: Connection) -> int:
    """The number of the batch to come."""
    known = ledger.batches(connection)
    return known[-1].batch + 1 if known else 1


def summed(parts: Sequence[Entries], charges: int, name: str) -> Entries:
    """Add amounts of the same bill and charge up, and leave zeros out; in the order of bills and charges.

    Raises:
        AdjustmentProblem: `sum-too-large`.
    """
    keys = np.concatenate([np.zeros(0, np.int64), *(part.at * charges + part.charge for part in parts)])
    amounts = np.concatenate([np.zeros(0, np.int64), *(part.amount for part in parts)])
    if not len(keys):
        return Entries(keys, keys, amounts)
    order = np.argsort(keys, kind="stable")
    keys, amounts = keys[order], amounts[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    several = int(np.diff(starts, append=len(keys)).max())
    most = int(np.abs(amounts).max())
    if most * several > np.iinfo(np.int64).max:
        raise AdjustmentProblem("sum-too-large", name)
    sums = np.add.reduceat(amounts, starts)
    if int(np.abs(sums).max()) > AMOUNT_MAX:
        raise AdjustmentProblem("sum-too-large", name)
    kept = sums != 0
    found = keys[starts][kept]
    return Entries(found // charges, found % charges, sums[kept])


def standing(found: Prior, count: int, posted: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """(bill,) which revision of each bill stands: the last of which something was posted, or the original's."""
    stands = first.copy()
    np.maximum.at(stands, found.at[posted], found.revision[posted])
    assert len(stands) == count
    return stands


def scaled_prior(found: Prior, batches: Sequence[Batch], places: int, charges: Sequence[str]) -> Entries:
    """What the ledger has, in whole numbers of `places`, with charges by their position."""
    by_batch = {one.batch: 10 ** (places - one.places) for one in batches}
    by = np.array([by_batch[batch] for batch in found.batch.tolist()], dtype=np.int64)
    where = {charge: at for at, charge in enumerate(charges)}
    return Entries(found.at, np.array([where[charge] for charge in found.charge], np.int64), found.amount * by)


def rows_of(entries: Entries, charges: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], Any]:
    """Positions of the bills that have rows; (row,) which of these; (row,) charges."""
    with_rows, bills = np.unique(entries.at, return_inverse=True)
    names = pa.array(list(charges), pa.string()).take(entries.charge)
    return with_rows, bills.astype(np.int64), names


def write_again(database: Database, batch: Batch, output: Path) -> Exported:
    """Write the file of a batch again, as it was.

    Raises:
        AdjustmentProblem: `output-exists`: a file of that name holds something else.
    """
    with database.reading() as connection:
        rows = ledger.read(connection, batch.batch)
    partial = files.write_partial(output, files.table_of(batch, rows), batch.prefix)
    if output.exists() and files.sha256(output) != files.sha256(partial):
        files.abandon(partial)
        raise AdjustmentProblem("output-exists", str(output))
    return replace(hand_over(output, batch), again=True)


def held_table(bill_ids: Any, accounts: Any, held: NDArray[np.int64], reasons: list[str]) -> Any:
    """The list of bills that are left out for now."""
    return pa.table(
        {
            "bill_id": bill_ids.take(held),
            "account": accounts.take(held),
            "reason": pa.array(reasons, pa.string()),
        }
    )


def with_summary(batch: Batch, rows: Rows, told: Mapping[str, object], held: int) -> Batch:
    """A batch with its counts and sums."""
    kind: Kind = batch.kind
    summary = {
        "run": batch.run,
        "kind": kind,
        "number": batch.number,
        "version": batch.version,
        "original": batch.original,
        "reason": batch.reason,
        "reason_text": batch.reason_text,
        "complete": not told["filter"] and not held,
        **told,
        "adjustments": len(rows.ids),
        "sums": files.sums_of(batch, rows),
    }
    return replace(batch, summary=summary)
