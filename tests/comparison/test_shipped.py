"""Every shipped rule set with several numbers changed: causes add up, and each is of a number that was changed."""

from __future__ import annotations

from random import Random

import numpy as np
import pyarrow as pa

from engine.bulk import row_ids
from engine.bulk.sources import Batch, Piece
from engine.calendars.days import day_date
from engine.comparison.amounts import Some, charges_of, places_of
from engine.comparison.attribution import Attribution, stages_between
from engine.comparison.causes import Causes
from engine.comparison.cells import spots
from engine.comparison.problems import ComparisonProblem
from engine.comparison.settings import Setting
from engine.comparison.sides import Billed, Side
from engine.comparison.what_if import with_values
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.rows import Column, Rows
from tests.billing import ROOT
from tests.comparison.edited import drawn_rows, other_number

ROWS = 40


def _changed(book: RateBook, key: str, random: Random) -> RateBook:
    """Some numbers of a rule set replaced, those that can be."""
    compiled, kept = book.rulesets[key], list[Setting]()
    alone = RateBook({key: compiled})
    names = sorted(spots(compiled))
    for name in random.sample(names, min(5, len(names))):
        spot = spots(compiled)[name][0]
        version, row = random.choice(list(zip(compiled.constants.versions, compiled.constants.figures, strict=True)))
        figure = row[spot.slot][spot.cell]
        if figure is None:
            continue
        first = max(version.first_day, compiled.first_day)
        setting = Setting(key, name, day_date(first), None, other_number(figure.text, random))
        try:
            with_values(alone, [*kept, setting])
        except ComparisonProblem:
            continue
        kept.append(setting)
    return with_values(alone, kept)


def _batch(key: str, rows: Rows) -> Batch:
    positions = np.arange(len(rows))
    ids = pa.array(positions)
    named = Rows(
        positions,
        Column(np.zeros(len(rows), np.int64), codes=(key,)),
        rows.period_from,
        rows.period_to,
        rows.columns,
        rows.children,
    )  # fmt: skip - as the fields are declared
    return Batch(
        first=0,
        size=len(rows),
        row_id=ids,
        keys=row_ids.keys(ids),
        ruleset=named.ruleset,
        period_from=rows.period_from,
        period_to=rows.period_to,
        pieces=(Piece(named, positions),),
        refused=(),
        passing={},
        texts={},
    )


def _by_charge(billed: Billed, places: int, charges: tuple[str, ...]) -> dict[tuple[int, int], int]:
    found = {}
    for at, group in enumerate(billed.groups):
        rows = np.flatnonzero(billed.group == at)
        some = Some(group, billed.at[rows].astype(np.int64), places)
        for charge, amounts in some.charges.items():
            for row, amount in zip(rows.tolist(), amounts.tolist(), strict=True):
                found[row, charges.index(charge)] = amount
    return found


def _differing(old: Compiled, new: Compiled) -> set[str]:
    """Names of the printed numbers that differ on some day."""
    days = [one.first_day for compiled in (old, new) for one in compiled.constants.versions]

    def values(compiled: Compiled, slot: int, cell: int) -> list[int | None]:
        found = []
        for day in days:
            at = [n for n, one in enumerate(compiled.constants.versions) if one.first_day <= day < one.end_day]
            figure = compiled.constants.figures[at[0]][slot][cell] if at else None
            found.append(None if figure is None else figure.value)
        return found

    return {
        name
        for name, where in spots(old).items()
        if any(values(old, one.slot, one.cell) != values(new, one.slot, one.cell) for one in where)
    }


def _check(key: str, old: Compiled, new: RateBook) -> int:
    causes = Causes()
    stages = stages_between({key: old}, new.rulesets, causes, carries=False)
    before, after = Side({key: old}), Side(stages.new)
    charges, places = charges_of(old), places_of(old)
    batch = _batch(key, drawn_rows(old, ROWS, 3))
    again = np.zeros(ROWS, np.bool_)
    one, other = before.bill(batch, again), after.bill(batch, again)
    attribution = Attribution(stages, {name: at for at, name in enumerate(charges)}, places, ())
    entries = attribution.entries(one, other)
    was, is_ = _by_charge(one, places, charges), _by_charge(other, places, charges)
    expected = {at: is_[at] - was[at] for at in was.keys() & is_.keys() if is_[at] != was[at]}
    found: dict[tuple[int, int], int] = {}
    known = list(causes)
    paths = _differing(old, next(iter(new.rulesets.values())))
    for row, charge, cause, amount in zip(
        *(getattr(entries, name).tolist() for name in ("row", "charge", "cause", "amount")), strict=True
    ):
        found[row, charge] = found.get((row, charge), 0) + amount
        told = known[cause]
        assert told.kind == "figures" or told.path in paths, f"{told.id} was not changed"
    assert {at: amount for at, amount in found.items() if amount} == expected
    return len(expected)


def test_causes_of_every_rule_set_add_up() -> None:
    shipped = compile_paths([ROOT / "rules"])
    differing = 0
    for key in sorted(shipped.rulesets):
        differing += _check(key, shipped.rulesets[key], _changed(shipped, key, Random(key)))

    assert differing > 100
