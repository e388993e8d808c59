"""Take a run's adjustments back: equal and opposite ones (冲销), exported and acknowledged like any others.

A reversal names in `reverses` what it takes back, and brings a bill to where it stood before the run. Of an adjustment
that is still open it makes a pair: the bill takes no other correction until both halves are acknowledged. The billing
system posts both or rejects both; whichever it does, posted sums are then those from before the run. Where it posts one
half alone, the ledger keeps what it says, and a further reversal of the run (`remaining`) makes good what is left over.

Bills are taken back in the order in which they were corrected, the last correction first: where a later run has
corrected a bill since, and was not itself taken back, its amounts stand on this run's, and the bill is refused or held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection

from engine.registry.database import Database
from engine.runs import adjustment_file as files
from engine.runs import adjustment_ledger as ledger
from engine.runs.adjustment_ledger import Batch, Prior, Rows
from engine.runs.adjustment_problems import AdjustmentProblem, first_of
from engine.runs.adjustment_steps import (
    Entries,
    Exported,
    Made,
    hand_over,
    held_table,
    keeping,
    next_batch,
    rows_of,
    scaled_prior,
    standing,
    summed,
    with_summary,
    write_again,
)

REASON: Final = "reversal"
LATER: Final = "corrected-later"  # why a bill is held: a later run has corrected it


@dataclass(frozen=True, slots=True)
class Reversal:
    """What is to be taken back.

    Attributes:
        run: its id.
        output: file to write, `.parquet` or `.csv`.
        reason, reason_text: as of an export.
        remaining: make a further reversal of what is left over.
        hold: leave out bills that a later run has corrected, and write them to a list.
        number: which reversal to write again; 0: the last.
    """

    run: str
    output: Path
    reason: str = REASON
    reason_text: str = ""
    remaining: bool = False
    hold: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Bills:
    """The bills that a run's batches have corrected, in the order of their ids."""

    bill_ids: Any
    accounts: Any
    currencies: Any
    originals: NDArray[np.int64]


def reverse(database: Database, wish: Reversal, made_at: int) -> Exported:
    """Export the opposite of what a run's exports come to.

    Args:
        database: of the ledger.
        wish: which run, and how.
        made_at: instant in microseconds, for the ledger alone.

    Raises:
        AdjustmentProblem: nothing was changed, and no file is left.
        FileProblem: the file cannot be written.
    """
    files.check_output(wish.output)
    with database.reading() as connection:
        exported = ledger.batches(connection, wish.run, "export")
        known = ledger.batches(connection, wish.run, "reverse")
    if not exported:
        raise AdjustmentProblem("nothing-exported", wish.run)
    if wish.number and not any(one.number == wish.number for one in known):
        raise AdjustmentProblem("export-not-found", wish.run, kind="reverse", number=wish.number)
    if known and not wish.remaining:
        batch = next((one for one in known if one.number == wish.number), known[-1])
        return write_again(database, batch, wish.output)
    with keeping(database, wish.output) as keep:
        last = next(reversed(ledger.batches(keep.connection, wish.run, "reverse")), None)
        if last is None or wish.remaining:
            made = _settle(keep.connection, wish, made_at, 1 if last is None else last.number + 1)
            if last is None or len(made.rows.ids):
                keep.batch(made)
    if keep.made is not None:
        return hand_over(wish.output, keep.made.batch)
    assert last is not None, "the first reversal is kept, whatever it holds"
    return write_again(database, last, wish.output)


def _settle(connection: Connection, wish: Reversal, made_at: int, number: int) -> Made:
    """Add up what the run's batches come to, posted or open, and turn it round."""
    batches = ledger.batches(connection)
    own = [one for one in batches if one.run == wish.run]
    bills = _bills(connection, own)
    count = len(bills.bill_ids)
    found = ledger.prior(connection, bills.bill_ids)
    is_own = np.isin(found.batch, np.array([one.batch for one in own], np.int64))
    charges = sorted(set(found.charge))
    places = max(one.places for one in batches)
    before = scaled_prior(found, batches, places, charges)
    parts = Entries(before.at[is_own], before.charge[is_own], -before.amount[is_own])
    entries = summed([parts], max(len(charges), 1), wish.run)
    touched = np.zeros(count, dtype=bool)
    touched[entries.at] = True
    later = touched & _corrected_later(found, before, batches, wish.run, charges, count)
    held = np.flatnonzero(later)
    if len(held) and not wish.hold:
        first = first_of(bills.bill_ids.take(held).to_pylist())
        raise AdjustmentProblem("corrected-later", wish.run, count=len(held), first=first)
    free = ~later[entries.at]
    entries = Entries(entries.at[free], entries.charge[free], entries.amount[free])
    of_run = next(one for one in own if one.kind == "export")
    batch = Batch(
        batch=next_batch(connection),
        run=wish.run,
        kind="reverse",
        number=number,
        version=of_run.version,
        original=of_run.original,
        reason=wish.reason,
        reason_text=wish.reason_text,
        places=places,
        summary={},
        made_at=made_at,
    )
    with_rows, of, names = rows_of(entries, charges)
    stands = standing(found, count, ~found.open, np.zeros(count, np.int64))
    known = np.zeros(count, np.int64)
    np.maximum.at(known, found.bill_at, found.bill_revision)
    bill_ids = bills.bill_ids.take(with_rows)
    rows = Rows(
        bill_ids=bill_ids,
        accounts=bills.accounts.take(with_rows),
        currencies=bills.currencies.take(with_rows),
        revisions=known[with_rows] + 1,
        replaces=np.maximum(stands, _own_revision(found, is_own, count))[with_rows],
        originals=bills.originals[with_rows],
        bills=of,
        charges=names,
        ids=ledger.adjustment_ids(batch, bill_ids, of, names.to_pylist()),
        amounts=entries.amount,
        reverses=_reverses(connection, own, bills, entries, charges),
    )
    summary = {
        "filter": str(of_run.summary["filter"]),
        "bills": {"corrected": count, "adjusted": len(bill_ids), "held": len(held)},
        "paired_with_open": int(np.isin(with_rows, np.unique(found.at[found.open & is_own])).sum()),
    }
    lists = {"held": held_table(bills.bill_ids, bills.accounts, held, [LATER] * len(held))}
    return Made(with_summary(batch, rows, summary, len(held)), rows, lists)


def _own_revision(found: Prior, is_own: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """(bill,) the last revision of a bill that the run has made: what the reversal takes back."""
    last = np.zeros(count, np.int64)
    np.maximum.at(last, found.at[is_own], found.revision[is_own])
    return last


def _bills(connection: Connection, own: Sequence[Batch]) -> _Bills:
    """The bills of some batches, each once."""
    several = [ledger.read_bills(connection, one.batch) for one in own]
    table = pa.concat_tables(
        [
            pa.table({"bill_id": one.bill_ids, "account": one.accounts, "currency": one.currencies, "n": one.originals})
            for one in several
        ]
    )
    first: Any = table.append_column("row", pa.array(np.arange(table.num_rows)))
    kept = first.group_by("bill_id").aggregate([("row", "min")]).sort_by("bill_id")
    once = table.take(kept.column("row_min"))
    texts = [once.column(name).combine_chunks() for name in ("bill_id", "account", "currency")]
    return _Bills(texts[0], texts[1], texts[2], once.column("n").to_numpy())


def _corrected_later(
    found: Prior, before: Entries, batches: Sequence[Batch], run: str, charges: Sequence[str], count: int
) -> NDArray[np.bool_]:
    """(bill,) whether another run has corrected it since the run's first correction of it, and that still stands."""
    runs = sorted({one.run for one in batches})
    of_batch = {one.batch: runs.index(one.run) for one in batches}
    of = np.array([of_batch[batch] for batch in found.batch.tolist()], dtype=np.int64)
    own = of == runs.index(run)
    first = np.full(count, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(first, found.at[own], found.batch[own])
    later = ~own & (found.batch > first[found.at])
    answer = np.zeros(count, dtype=bool)
    answer[found.at[later & found.open]] = True
    by_run = before.charge[later] + len(charges) * of[later]
    nets = summed([Entries(before.at[later], by_run, before.amount[later])], max(len(charges) * len(runs), 1), run)
    answer[nets.at] = True
    return answer


def _reverses(
    connection: Connection, own: Sequence[Batch], bills: _Bills, entries: Entries, charges: Sequence[str]
) -> Any:
    """(row,) ids of the run's adjustments of that bill and charge which were not rejected, with a space between."""
    ids = ledger.standing_ids(connection, [one.batch for one in own])
    at = pc.index_in(ids.column("bill_id"), value_set=bills.bill_ids).combine_chunks().to_numpy()
    code = pc.index_in(ids.column("charge"), value_set=pa.array(charges, pa.string())).combine_chunks()
    keys = at.astype(np.int64) * max(len(charges), 1) + code.to_numpy()
    named = pa.table({"key": keys, "id": ids.column("adjustment_id")})
    joined = named.group_by("key", use_threads=False).aggregate([("id", "list")])
    texts = pc.binary_join(joined.column("id_list").combine_chunks(), " ")
    wanted = pa.array(entries.at * max(len(charges), 1) + entries.charge)
    return texts.take(pc.index_in(wanted, value_set=joined.column("key").combine_chunks()))
