"""Which rule set bills a row where several share an id, each with days of its own.

A row names the id; the day by which its version is chosen decides. A book's key is the id, or `id@first-day` where
several rule sets share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Compiled
from engine.evaluator.rows import Column, Rows

Whole = NDArray[np.int64]


def keys_by_id(book: Mapping[str, Compiled]) -> dict[str, tuple[str, ...]]:
    """Ids -> keys of the book, by first day."""
    found: dict[str, list[str]] = {}
    for key in sorted(book, key=lambda one: book[one].first_day):
        found.setdefault(book[key].id, []).append(key)
    return {id_: tuple(keys) for id_, keys in sorted(found.items())}


def by_day(book: Mapping[str, Compiled], rows: Rows) -> Rows:
    """Name each row's rule set by its key in the book.

    Args:
        book: key -> rule set.
        rows: `rows.ruleset` holds ids, as positions in its codes.
    """
    shared = {id_: keys for id_, keys in keys_by_id(book).items() if len(keys) > 1}
    codes = rows.ruleset.codes or ()
    if shared.keys().isdisjoint(codes):
        return rows
    names = list(codes)
    values = rows.ruleset.values.astype(np.int64)
    for at, id_ in enumerate(codes):
        if id_ not in shared:
            continue
        of = np.flatnonzero(rows.ruleset.values == at)
        which = chosen([book[key] for key in shared[id_]], rows.period_from[of], rows.period_to[of])
        values[of] = len(names) + which
        names += shared[id_]
    return replace(rows, ruleset=Column(values, valid=rows.ruleset.valid, codes=tuple(names)))


def chosen(several: Sequence[Compiled], period_from: Whole, period_to: Whole) -> Whole:
    """Choose among rule sets of one id, sorted by first day, as `RateBook.at` does for one row.

    Returns:
        (row,) positions in `several`: of the one in force; where none is, the next, or the last, which refuses the row.
    """
    begins = np.array([one.first_day for one in several])
    found = np.minimum(np.searchsorted(begins, period_from, side="right"), len(several) - 1)
    for at, one in reversed(list(enumerate(several))):
        day = {"period_from": period_from, "last_day": period_to - 1, "reading_day": period_to}[one.version_by]
        found[(one.first_day <= day) & (True if one.end_day is None else day < one.end_day)] = at
    return found
