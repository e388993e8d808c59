"""Cuts a run's input into ranges of rows as it stands, so that an account's rows lie in one range where that can be.

accounts ──▶ where another account begins ──▶ the first of these at or after each target is a cut
└──▶ the accounts of each range, each once ──▶ any in two ranges?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np

from engine.bulk import row_ids
from engine.bulk.partitions import Slice
from engine.evaluator.seen import Words
from engine.runs.inputs import Inputs
from engine.runs.keys import KeyStore, Repeated, distinct, spread

GROUPS_ENOUGH: Final = 8  # row groups of which each may be a partition: enough for several threads
GROUP_ROWS_MAX: Final = 2_097_152  # of a row group that may be a partition as it is
GATHERED_MAX: Final = 4_194_304  # accounts of one range that are kept before equal ones are put together


class Ranges:
    """Finds cuts while rows come; asked in the end whether an account lies in two ranges."""

    def __init__(
        self, store: KeyStore | None, targets: Sequence[int], cut_at: Literal["targets", "files", "none"]
    ) -> None:
        """Begin before the first row.

        Args:
            store: for the accounts; None: rows have none, and cuts are the targets.
            targets: rows before which a cut is wanted, ascending.
            cut_at: these, or where a file ends; `none`: accounts are only counted.
        """
        self._store, self._targets, self._cut_at = store, list(targets), cut_at
        self._next = 0
        self._file = 0
        self._last: int | None = None  # number of the account of the row before; None: it has none
        self._gathered: list[Words] = []
        self._waiting = 0
        self.rows = 0
        self.cuts = [0]

    def add(self, file: int, accounts: Any | None, rows: int) -> None:
        """Take rows in, whose accounts are as `row_ids.names` gives them."""
        if self._cut_at == "files" and file != self._file:
            self._finish_files(file - self._file)
        self._file = file
        if accounts is None:
            self._plain(rows)
        elif rows:
            self._with_accounts(accounts, rows)
        self.rows += rows

    def finish(self, files: int) -> Repeated | None:
        """End the last range; gives what is known of the accounts.

        Args:
            files: of the input; some at its end may have no rows.
        """
        if self._cut_at == "files":
            self._finish_files(files - self._file)
        else:
            self._cut(self.rows)
        return None if self._store is None else self._store.repeated()

    def _finish_files(self, ended: int) -> None:
        for _ in range(ended):
            self._cut(self.rows)
        self._last = None

    def _plain(self, rows: int) -> None:
        while self._next < len(self._targets) and self._targets[self._next] < self.rows + rows:
            self._cut(self._targets[self._next])

    def _with_accounts(self, accounts: Any, rows: int) -> None:
        primary, _ = row_ids.keys(accounts)
        new = np.empty(rows, dtype=bool)
        new[0] = self._last is None or int(primary[0]) != self._last
        np.not_equal(primary[1:], primary[:-1], out=new[1:])
        given = None
        if accounts.null_count:
            given = np.asarray(accounts.is_valid())
            new |= ~given  # a row without account is on its own
            new[1:] |= ~given[:-1]
        self._last = int(primary[-1]) if given is None or given[-1] else None
        starts = np.flatnonzero(new)
        keys = spread(primary[starts])
        done = 0
        while self._next < len(self._targets):
            at = int(np.searchsorted(starts, self._targets[self._next] - self.rows))
            if at == len(starts):
                break
            self._gather(keys[done:at], None if given is None else given[starts[done:at]])
            self._cut(self.rows + int(starts[at]))
            done = at
        self._gather(keys[done:], None if given is None else given[starts[done:]])

    def _gather(self, keys: Words, given: Any | None) -> None:
        named = keys if given is None else keys[given]
        if self._cut_at == "none" and self._store is not None:
            self._store.add(named)
            return
        self._gathered.append(named)
        self._waiting += len(named)
        if self._waiting > GATHERED_MAX:
            self._gathered = [distinct(self._gathered)]
            self._waiting = len(self._gathered[0]) // 2  # so that many accounts are not sorted time and again

    def _cut(self, at: int) -> None:
        self.cuts.append(at)
        while self._next < len(self._targets) and self._targets[self._next] <= at:
            self._next += 1
        if self._store is not None and self._gathered:
            self._store.add(distinct(self._gathered))
        self._gathered, self._waiting = [], 0


def targets_of(inputs: Inputs, partition_rows: int) -> list[int]:
    """Rows before which a cut is wanted: even ones, moved to where a row group begins.

    A range that begins within a row group costs reading what stands before it, so that this is done only where row
    groups are few or very long, and none begins near.
    """
    rows = inputs.rows or 0
    parts = max(1, round(rows / partition_rows))
    groups = [size for one in inputs.files for size in one.groups]
    begins = np.cumsum([0, *groups])
    alone = len(groups) >= GROUPS_ENOUGH and max(groups) <= GROUP_ROWS_MAX
    found = set()
    for number in range(1, parts):
        wanted = round(number * rows / parts)
        nearest = int(begins[np.argmin(np.abs(begins - wanted))])
        found.add(nearest if alone or abs(nearest - wanted) * 2 <= partition_rows else wanted)
    return sorted(found - {0, rows})


def slices_between(inputs: Inputs, first: int, end: int) -> tuple[Slice, ...]:
    """Rows [first, end) of the input, as rows of its files; none of the first file where there are none."""
    found, begins = [], 0
    for one in inputs.files:
        size = one.rows or 0
        low, high = max(first, begins), min(end, begins + size)
        if low < high:
            found.append(Slice(str(one.path), low - begins, high - low))
        begins += size
    return tuple(found) or (Slice(str(inputs.files[0].path), 0, 0),)
