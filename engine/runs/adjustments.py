"""What a run changes in bills already issued -> a file of adjustments (退补), each of them in the ledger.

    adjustment of a charge of a bill = amount in the run − (amount in the original + all adjustments posted)

The original is the bill as it was first issued. The billing system says in an acknowledgement what it posted
(`engine.runs.acknowledgements`); what it rejected does not count, what it has not spoken of is open. A bill with an
open correction takes no second one, so that each adjustment starts from what was certainly posted: the next correction
of a bill makes good whatever became of the earlier ones.

An export is made once and kept: asked for again, the same rows are written again, byte for byte. What it left out,
bills held back and adjustments rejected, goes into a further export of the run, on request.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from engine.runs.adjustment_sources import Bills
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
from engine.runs.billed import Billed, check_numbers, read_billed

ABSENT: Final = "absent"  # why a bill is in one of two runs: the other does not have it
OUTSIDE_FILTER: Final = "absent-or-outside-filter"  # the other billed a part of its input
REFUSED: Final = "refused: "  # the other refused its row, with this code
OPEN: Final = "open"  # why a bill is held: it has an open correction


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be exported, and how.

    Attributes:
        run: the new bills; its name is the run's id.
        original: the bills as they were first issued.
        output: file to write, `.parquet` or `.csv`.
        reason: code that the billing system knows.
        reason_text: in words.
        bill_column: names a bill through all its revisions.
        remaining: make a further export of what the earlier ones left out.
        hold_open: leave out bills with an open correction, and write them to a list.
        complete: refuse where the export would not be complete.
        number: which export to write again; 0: the last.
    """

    run: Bills
    original: Bills
    output: Path
    reason: str
    reason_text: str = ""
    bill_column: str = "bill_id"
    remaining: bool = False
    hold_open: bool = False
    complete: bool = False
    number: int = 0


def export(database: Database, wish: Wish, made_at: int) -> Exported:
    """Export what a run changes.

    Args:
        database: of the ledger.
        wish: what and how.
        made_at: instant in microseconds, for the ledger alone.

    Raises:
        AdjustmentProblem: nothing was changed, and no file is left.
        FileProblem: a file is damaged, or cannot be written.
    """
    files.check_output(wish.output)
    if wish.original.folder.resolve() == wish.run.folder.resolve():
        raise AdjustmentProblem("original-is-run", wish.run.name)
    last = _last(database, wish)
    if last is not None and not wish.remaining:
        return _again(database, last, wish)
    if wish.complete and wish.run.filter:
        told = {
            "reason": f"the run billed a part, {wish.run.filter}",
            "reason_zh": f"只计算了一部分，{wish.run.filter}",
        }
        raise AdjustmentProblem("run-partial", wish.run.name, **told)
    pairs = _pair(wish)
    with keeping(database, wish.output) as keep:
        known = ledger.batches(keep.connection, wish.run.name, "export")
        of_original = [one for one in known if _from_original(one, wish)]
        if not known or wish.remaining:
            made = _settle(keep.connection, wish, pairs, made_at, known[-1].number + 1 if known else 1)
            if not of_original or len(made.rows.ids):
                keep.batch(made)
    if keep.made is not None:
        return hand_over(wish.output, keep.made.batch)
    # Somebody else has just exported it, or nothing remains: the first export is kept, whatever it holds.
    return _again(database, of_original[-1] if wish.remaining else known[-1], wish)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Bills that are in both runs, in the order of their ids, and how they differ."""

    bill_ids: Any
    accounts: Any
    currencies: Any
    revisions: NDArray[np.int64]  # (bill,) as the run has them
    firsts: NDArray[np.int64]  # (bill,) as the original has them
    checks: NDArray[np.int64]  # (bill,) of the original
    places: int
    differences: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]  # charge -> bills, new - original
    unmatched: Any  # table: bill_id, account, only_in, reason
    only_new: int
    only_original: int


def _last(database: Database, wish: Wish) -> Batch | None:
    """The export to write again; None: there is none yet."""
    with database.reading() as connection:
        known = ledger.batches(connection, wish.run.name, "export")
    if not wish.number:
        return known[-1] if known else None
    found = next((one for one in known if one.number == wish.number), None)
    if found is None:
        raise AdjustmentProblem("export-not-found", wish.run.name, kind="export", number=wish.number)
    return found


def _from_original(batch: Batch, wish: Wish) -> bool:
    """Whether an export corrected the bills of the same original, however its folder was typed."""
    name = wish.original.name
    return batch.original == name or Path(batch.original).resolve() == Path(name).resolve()


def _again(database: Database, batch: Batch, wish: Wish) -> Exported:
    if (batch.reason, batch.reason_text) != (wish.reason, wish.reason_text):
        came = f"`{batch.reason}`" + (f" ({batch.reason_text})" if batch.reason_text else "")
        raise AdjustmentProblem("export-differs", wish.run.name, came=came)
    if not _from_original(batch, wish):
        raise AdjustmentProblem("export-of-another", wish.run.name, original=batch.original)
    if wish.complete and not batch.summary["complete"]:
        told = {"reason": "it was exported as partial", "reason_zh": "当时为部分导出"}
        raise AdjustmentProblem("run-partial", wish.run.name, **told)
    return write_again(database, batch, wish.output)


def _pair(wish: Wish) -> _Pairs:
    new = read_billed(wish.run.folder, wish.run.name, wish.bill_column, wish.run.filter)
    old = read_billed(wish.original.folder, wish.original.name, wish.bill_column, wish.original.filter)
    found = pc.index_in(new.bill_ids, value_set=old.bill_ids)
    in_both = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
    bill_ids = new.bill_ids.take(in_both)
    order = pc.sort_indices(bill_ids).to_numpy().astype(np.int64)
    at_new = in_both[order]
    at_old = found.take(at_new).to_numpy().astype(np.int64)
    bill_ids, currencies = bill_ids.take(order), new.currencies.take(at_new)
    changed = pc.not_equal(currencies, old.currencies.take(at_old))
    if pc.any(changed).as_py():
        named = bill_ids.filter(changed)
        raise AdjustmentProblem("currency-changed", new.name, count=len(named), first=first_of(named.to_pylist()))
    places = max(new.places, old.places)
    differences = {}
    for charge in sorted(new.charges.keys() | old.charges.keys()):
        difference = new.amounts(charge, places)[at_new] - old.amounts(charge, places)[at_old]
        bills = np.flatnonzero(difference)
        if len(bills):
            differences[charge] = (bills, difference[bills])
    only_new = np.flatnonzero(found.is_null().to_numpy(zero_copy_only=False))
    only_old = np.ones(len(old.bill_ids), dtype=bool)
    only_old[at_old] = False
    lists = [_unmatched(new, only_new, old, "run"), _unmatched(old, np.flatnonzero(only_old), new, "original")]
    return _Pairs(
        bill_ids=bill_ids,
        accounts=new.accounts.take(at_new),
        currencies=currencies,
        revisions=new.revisions[at_new],
        firsts=old.revisions[at_old],
        checks=check_numbers(old, at_old),
        places=places,
        differences=differences,
        unmatched=pa.concat_tables(lists),
        only_new=len(only_new),
        only_original=int(only_old.sum()),
    )


def _unmatched(having: Billed, positions: NDArray[np.int64], lacking: Billed, only_in: str) -> Any:
    """Bills that one run has and the other lacks, with what is known of why."""
    row_ids = having.row_ids.take(positions)
    ids, codes = lacking.refused
    refused = codes.take(pc.index_in(row_ids, value_set=ids))
    why = pc.fill_null(
        pc.binary_join_element_wise(pa.scalar(REFUSED), refused, ""), OUTSIDE_FILTER if lacking.filter else ABSENT
    )
    table = pa.table(
        {
            "bill_id": having.bill_ids.take(positions),
            "account": having.accounts.take(positions),
            "only_in": pa.array([only_in]).take(np.zeros(len(positions), np.int64)),
            "reason": why,
        }
    )
    return table.sort_by("bill_id")


def _settle(connection: Connection, wish: Wish, pairs: _Pairs, made_at: int, number: int) -> Made:
    """Subtract what was posted; hold what is open, or refuse."""
    count, run = len(pairs.bill_ids), wish.run.name
    found = ledger.prior(connection, pairs.bill_ids)
    batches = ledger.batches(connection)
    _check_original(wish, pairs, found)
    own = {one.batch for one in batches if one.run == run and one.kind == "export"}
    own_rows = np.isin(found.batch, np.array(sorted(own), np.int64))
    is_open, waiting = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    is_open[found.at[found.open & ~own_rows]] = True
    waiting[found.at[found.open & own_rows]] = True  # of an earlier export of this run: they stay what they are
    waiting &= ~is_open
    held = np.flatnonzero(is_open)
    if len(held) and not wish.hold_open:
        first = first_of(pairs.bill_ids.take(held).to_pylist())
        raise AdjustmentProblem("adjustment-open", run, count=len(held), first=first)
    if len(held) and wish.complete:
        told = {"reason": f"{len(held)} bills are held", "reason_zh": f"{len(held)} 张账单暂不导出"}
        raise AdjustmentProblem("run-partial", run, **told)
    places = max([pairs.places, *(one.places for one in batches if one.batch in set(found.batch.tolist()))])
    charges = sorted({*pairs.differences, *found.charge})
    before = scaled_prior(found, batches, places, charges)
    parts = [Entries(before.at[~found.open], before.charge[~found.open], -before.amount[~found.open])]
    for charge, (bills, amounts) in pairs.differences.items():
        code = np.full(len(bills), charges.index(charge), dtype=np.int64)
        parts.append(Entries(bills, code, amounts * 10 ** (places - pairs.places)))
    entries = summed(parts, max(len(charges), 1), run)
    free = ~(is_open | waiting)[entries.at]
    entries = Entries(entries.at[free], entries.charge[free], entries.amount[free])
    batch = Batch(
        batch=next_batch(connection),
        run=run,
        kind="export",
        number=number,
        version=wish.run.version,
        original=wish.original.name,
        reason=wish.reason,
        reason_text=wish.reason_text,
        places=places,
        summary={},
        made_at=made_at,
    )
    with_rows, bills, names = rows_of(entries, charges)
    stands = standing(found, count, ~found.open, pairs.firsts)
    known = pairs.firsts.copy()
    np.maximum.at(known, found.bill_at, found.bill_revision)
    bill_ids = pairs.bill_ids.take(with_rows)
    rows = Rows(
        bill_ids=bill_ids,
        accounts=pairs.accounts.take(with_rows),
        currencies=pairs.currencies.take(with_rows),
        revisions=np.maximum(known + 1, pairs.revisions)[with_rows],
        replaces=stands[with_rows],
        originals=pairs.checks[with_rows],
        bills=bills,
        charges=names,
        ids=ledger.adjustment_ids(batch, bill_ids, bills, names.to_pylist()),
        amounts=entries.amount,
        reverses=pa.array([""]).take(np.zeros(len(bills), np.int64)),
    )
    summary = {
        "filter": wish.run.filter,
        "bills": {
            "in_both": count,
            "only_in_run": pairs.only_new,
            "only_in_original": pairs.only_original,
            "adjusted": len(bill_ids),
            "held": len(held),
            "waiting": int(waiting.sum()),
            "unchanged": count - len(bill_ids) - len(held) - int(waiting.sum()),
        },
    }
    lists = {"held": held_table(pairs.bill_ids, pairs.accounts, held, [OPEN] * len(held)), "unmatched": pairs.unmatched}
    return Made(with_summary(batch, rows, summary, len(held)), rows, lists)


def _check_original(wish: Wish, pairs: _Pairs, found: Prior) -> None:
    """Refuse an original that is not the one from which a bill was corrected before."""
    other = pairs.checks[found.bill_at] != found.bill_original
    if other.any():
        bills = np.unique(found.bill_at[other])
        first = first_of(pairs.bill_ids.take(bills).to_pylist())
        raise AdjustmentProblem("original-differs", wish.original.name, count=len(bills), first=first)
