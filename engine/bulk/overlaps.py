"""Rows of one account, rule set and scope whose billing periods overlap: billed, and reported.

Kept while a portfolio is billed: 36 bytes a billed row where the file has a column `account`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.bulk import row_ids
from engine.bulk.sources import Batch, Source
from engine.evaluator.rows import day_text
from engine.evaluator.seen import Words

Whole = NDArray[np.int64]

ACCOUNT: Final = "account"
SCOPE: Final = "scope"  # what of an account a row bills, where it is billed in pieces
PAIRS_SHOWN: Final = 5

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Rows with what tells whose they are and which days they bill."""

    row: Whole  # position in the file
    primary: Words  # of account and scope
    check: Words
    ruleset: NDArray[np.int32]
    period_from: NDArray[np.int32]
    period_to: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rows of one account whose billing periods overlap."""

    account: str
    ruleset: str
    row_id: str
    period: str  # 2026-01-01..2026-02-01
    other_row_id: str
    other_period: str


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Billed rows that overlap another of the same account, rule set and scope; they are billed nevertheless."""

    rows: int
    first: tuple[Overlap, ...]  # of them, the first in the file

    def to_json(self) -> dict[str, object]:
        """The overlaps for a program to read."""
        pairs = [
            {
                "account": one.account,
                "ruleset": one.ruleset,
                "row_id": one.row_id,
                "period": one.period,
                "other_row_id": one.other_row_id,
                "other_period": one.other_period,
            }
            for one in self.first
        ]
        return {"rows": self.rows, "first": pairs}


def overlaps(source: Source, parts: Iterable[AccountRows]) -> Overlaps | None:
    """Find overlapping rows, and read from the file again who the first of them are.

    Args:
        source: the portfolio.
        parts: the billed rows of its batches.
    """
    if ACCOUNT not in source.passing:
        return None
    rows = joined(parts)
    if rows is None:
        return Overlaps(0, ())
    at, others = overlapping(rows)
    shown = list(zip(at[:PAIRS_SHOWN].tolist(), others[:PAIRS_SHOWN].tolist(), strict=True))
    told = _told(source, {row for pair in shown for row in pair})
    pairs = [Overlap(*told[row][:2], *told[row][2:], *told[other][2:]) for row, other in shown]
    return Overlaps(len(at), tuple(pairs))


def _told(source: Source, wanted: set[int]) -> dict[int, tuple[str, str, str, str]]:
    """Account, rule set, row id and period of some rows, read again."""
    found: dict[int, tuple[str, str, str, str]] = {}
    if not wanted:
        return found
    for batch in source.batches():
        for row in sorted(wanted):
            at = row - batch.first
            if 0 <= at < batch.size:
                ruleset = (batch.ruleset.codes or ("",))[int(batch.ruleset.values[at])]
                period = f"{day_text(int(batch.period_from[at]))}..{day_text(int(batch.period_to[at]))}"
                found[row] = (str(batch.passing[ACCOUNT][at]), ruleset, str(batch.row_id[at]), period)
        if len(found) == len(wanted):
            break
    return found


def account_keys(batch: Batch) -> tuple[Words, Words, NDArray[np.bool_]] | None:
    """(row,) two numbers that stand for a row's account and scope, and whether it has one; None without the column."""
    if ACCOUNT not in batch.passing:
        return None
    named = row_ids.names(batch.passing[ACCOUNT])
    primary, check = row_ids.keys(named)
    given = np.asarray(named.is_valid()) if named.null_count else np.ones(batch.size, dtype=bool)
    if SCOPE in batch.passing:
        scope, scope_check = row_ids.keys(row_ids.names(batch.passing[SCOPE]))
        primary, check = primary ^ (scope * _ODD), check ^ (scope_check * _ODD + scope)
    return primary, check, given


def account_rows(batch: Batch, ruleset: NDArray[np.int32]) -> AccountRows | None:
    """The billed rows of a batch; `ruleset` is -1 where a row was not billed."""
    keys = account_keys(batch)
    if keys is None:
        return None
    primary, check, given = keys
    at = np.flatnonzero(given & (ruleset >= 0))
    return AccountRows(
        batch.first + at,
        primary[at],
        check[at],
        ruleset[at],
        batch.period_from[at].astype(np.int32),
        batch.period_to[at].astype(np.int32),
    )


def joined(parts: Iterable[AccountRows]) -> AccountRows | None:
    """The rows of several batches; None where there are none."""
    several = list(parts)
    if not several:
        return None
    columns = ("row", "primary", "check", "ruleset", "period_from", "period_to")
    return AccountRows(*(np.concatenate([getattr(one, name) for one in several]) for name in columns))


def overlapping(rows: AccountRows) -> tuple[Whole, Whole]:
    """Find rows that begin before an earlier one of the same account, rule set and scope has ended.

    Returns:
        Positions in the file of each such row, and of a row that it overlaps; in the order of the first.
    """
    nothing = np.zeros(0, dtype=np.int64)
    mixed = rows.primary ^ (rows.check * _ODD) ^ (rows.ruleset.astype(np.uint64) << np.uint64(40))
    ordered = np.sort(mixed)
    same = ordered[1:] == ordered[:-1]
    if not bool(same.any()):
        return nothing, nothing
    order = np.argsort(mixed, kind="stable")  # takes five times as long as to sort, and is seldom needed
    several = order[np.append(same, False) | np.append(False, same)]
    # Few are left: sorted by every number, so that no two accounts are taken for one.
    keys = (rows.row, rows.period_to, rows.period_from, rows.ruleset, rows.check, rows.primary)
    order = several[np.lexsort([key[several] for key in keys])]
    new = np.ones(len(order), dtype=bool)
    for key in (rows.ruleset, rows.check, rows.primary):
        new[1:] &= key[order][1:] == key[order][:-1]
    new[1:], new[0] = ~new[1:], True
    group = np.cumsum(new)
    # The row of its group that ends last so far: groups ascend, and a day takes less than 20 bits.
    ends = (group << 20) + rows.period_to[order]
    last = np.maximum.accumulate(ends)
    latest = np.maximum.accumulate(np.where(ends == last, np.arange(len(order)), 0))
    before = np.append(np.int64(0), latest[:-1])
    found = np.flatnonzero(~new & (rows.period_from[order] < rows.period_to[order][before]))
    at, other = rows.row[order[found]], rows.row[order[before[found]]]
    by_row = np.argsort(at, kind="stable")
    return at[by_row], other[by_row]
