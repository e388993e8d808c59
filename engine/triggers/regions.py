"""The region of an account at a time: the last that one of its events said."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from engine.evaluator.rows import Array, Whole

if TYPE_CHECKING:
    from engine.triggers.layout import Log


class Regions:
    """Looks regions up. Most events say their own; the others' are put in order when one is first asked for."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def of_event(self, table: int, row: int) -> str:
        """Give the region at an event, as far as that or an earlier one says it."""
        own = self._text(table, row)
        if own:
            return own
        of = self._log.tables[table]
        return self._before(int(self._log.account[table][row]), int(of.at[row]), str(of.ids[row]))

    def at(self, account: int, when: int) -> str:
        """Give the region at a time [us], events at that time included."""
        return self._before(account, when, None)

    def _before(self, account: int, when: int, id_: str | None) -> str:
        """Give the region that was said last: before a time, or at it by an event of no later id."""
        accounts, at, tables, rows = self._said
        if not len(accounts):  # no event says one
            return ""
        first, end = np.searchsorted(accounts, (account, account + 1)).tolist()
        place = first + int(np.searchsorted(at[first:end], when, "right"))
        while id_ is not None and place > first and at[place - 1] == when and self._id(tables, rows, place - 1) > id_:
            place -= 1
        return self._text(int(tables[place - 1]), int(rows[place - 1])) if place > first else ""

    @cached_property
    def _said(self) -> tuple[Whole, Whole, Whole, Whole]:
        """Accounts, times, tables and rows of the events that say a region, by account, time and id."""
        log, none = self._log, np.zeros(0, np.int64)
        found = [(none, none, none, none)]
        for number, table in enumerate(log.tables):
            if table.regions is not None:
                rows = np.flatnonzero(_saying(table.regions) & (table.at < log.until))
                found.append((log.account[number][rows], table.at[rows], np.full(len(rows), number), rows))
        accounts, at, tables, rows = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((at, accounts))
        same = (accounts[order[1:]] == accounts[order[:-1]]) & (at[order[1:]] == at[order[:-1]])
        places = np.flatnonzero(np.append(same, False) | np.append(False, same)) if same.any() else none
        if len(places):
            tied = order[places]
            named = [(int(accounts[one]), int(at[one]), self._id(tables, rows, one)) for one in tied.tolist()]
            order[places] = tied[sorted(range(len(tied)), key=named.__getitem__)]
        return accounts[order], at[order], tables[order], rows[order]

    def _id(self, tables: Whole, rows: Whole, place: int) -> str:
        return str(self._log.tables[int(tables[place])].ids[int(rows[place])])

    def _text(self, table: int, row: int) -> str:
        regions = self._log.tables[table].regions
        if regions is None:
            return ""
        return str(regions[row]) if isinstance(regions, np.ndarray) else str(regions.texts[int(regions.codes[row])])


def _saying(regions: object) -> Array:
    """Which texts say something: shape (event,)."""
    if isinstance(regions, np.ndarray):
        return np.asarray(regions != "", np.bool_)
    texts, codes = regions.texts, regions.codes  # type: ignore[attr-defined]  # else they are `Coded`, which imports this
    said: Array = np.array([bool(text) for text in texts], np.bool_)[codes]
    return said
