"""One setting with several values: what each makes of a portfolio, read once and billed once by the rules as they are.

Takes a book, the books of the values, and a portfolio; gives counts and sums of each. Totals alone are computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.bulk.flow import in_order
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.probe import carried_inputs
from engine.bulk.sources import Batch, Source, open_source
from engine.bulk.survey import survey
from engine.bulk.wanted import check_wanted, selection
from engine.comparison.amounts import Some, Whole, places_of
from engine.comparison.compare import Options
from engine.comparison.sides import Billed, Lacking, Mask, Side
from engine.comparison.totals import Sum, sum_of
from engine.compiler.book import RateBook


@dataclass(slots=True)
class Swept:
    """What one value comes to: bills that both sides have, by currency, and rows in each group."""

    sums: dict[str, Sum] = field(default_factory=dict)
    groups: Counter[str] = field(default_factory=Counter)

    def add(self, other: Swept) -> None:
        """Take another batch in."""
        self.groups.update(other.groups)
        for currency, one in other.sums.items():
            self.sums.setdefault(currency, Sum()).add(one)


def sweep(old: RateBook, books: Sequence[RateBook], source: Path, options: Options) -> tuple[list[Swept], int]:
    """Bill a portfolio with each book; what each comes to, and the places of the sums.

    Raises:
        FileProblem: the portfolio cannot be read.
    """
    every = [old, *books]
    opened = open_source(source, old.rulesets, options.pass_through)
    check_wanted(options.wanted, opened)
    wanted = selection(options.wanted, old.rulesets, opened)
    places = max(places_of(one) for one in old.rulesets.values())
    passing = (*opened.passing, *options.pass_through)
    carried = carried_inputs(old.rulesets) if ACCOUNT in opened.passing else frozenset()
    sides = [Side(book.rulesets, passing, carried=carried, totals_only=True) for book in every]
    try:
        return _swept(sides, opened, wanted, places, options), places
    except Lacking:
        ready = [
            replace(one, carried=frozenset(), carriage=survey(one.book, opened, options.threads, passing))
            for one in sides
        ]
        return _swept(ready, opened, wanted, places, options), places


def _swept(sides: Sequence[Side], source: Source, wanted: Mask | None, places: int, options: Options) -> list[Swept]:
    found = [Swept() for _ in sides[1:]]
    done = 0
    for size, ones in in_order(source, partial(_batch, sides, wanted, places), options.threads):
        for mine, one in zip(found, ones, strict=True):
            mine.add(one)
        done += size
        if options.progress is not None:
            options.progress(done, source.rows)
    return found


def _batch(
    sides: Sequence[Side], wanted: Mask | None, places: int, batch: Batch, again: Mask
) -> tuple[int, list[Swept]]:
    kept = np.ones(batch.size, np.bool_) if wanted is None else wanted[batch.first : batch.first + batch.size]
    old = sides[0].bill(batch, again)
    before, has, currency, names = *_totals(old, places), *_currencies(old)
    found = []
    for side in sides[1:]:
        new = side.bill(batch, again)
        after, its = _totals(new, places)
        one = Swept()
        for name, mask in (
            ("both", has & its),
            ("only_old", has & ~its),
            ("only_new", its & ~has),
            ("neither", ~its & ~has),
        ):
            one.groups[name] += int(np.count_nonzero(mask & kept))
        both = np.flatnonzero(has & its & kept)
        for at, name in enumerate(names):
            rows = both[currency[both] == at]
            if len(rows):
                one.sums[name] = sum_of(before[rows], after[rows])
        found.append(one)
    return batch.size, found


def _totals(side: Billed, places: int) -> tuple[Whole, Mask]:
    found = np.zeros(len(side.group), np.int64)
    for at, group in enumerate(side.groups):
        rows = np.flatnonzero(side.group == at)
        found[rows] = Some(group, side.at[rows].astype(np.int64), places).total
    return found, side.group >= 0


def _currencies(side: Billed) -> tuple[Whole, list[str]]:
    names = sorted({one.currency for one in side.side.book.values()})
    of = np.array([names.index(group.compiled.currency) for group in side.groups] + [-1], np.int64)
    return of[side.group], names


def to_json(setting: str, values: Sequence[str], found: Sequence[Swept], places: int) -> dict[str, Any]:
    """A sweep for a program to read, and for the report."""
    currencies = sorted({currency for one in found for currency in one.sums})

    def told(one: Sum) -> Mapping[str, Any]:
        money = {name: f"{Decimal(getattr(one, name)).scaleb(-places):f}" for name in ("old", "new", "difference")}
        return {"bills": one.bills, "up": one.up, "down": one.down, "same": one.same, **money}

    return {
        "setting": setting,
        "currencies": currencies,
        "steps": [
            {
                "value": value,
                "rows": dict(sorted(one.groups.items())),
                "currencies": {currency: told(one.sums.get(currency, Sum())) for currency in currencies},
            }
            for value, one in zip(values, found, strict=True)
        ],
    }
