"""One batch of a comparison: billed by both sides, its differences by charge and cause as tables, and its totals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk.sources import Batch
from engine.comparison.amounts import Some
from engine.comparison.attribution import Attribution, Entries
from engine.comparison.causes import Cause
from engine.comparison.dimensions import dimensions
from engine.comparison.sides import Billed, Mask, Side, Whole
from engine.comparison.stored import Stored
from engine.comparison.tables import Columns, coded, direction
from engine.comparison.totals import Extreme, Sum, Totals, most, sums_of
from engine.evaluator.rows import RowProblem, day_text

STORED: Final = 0  # the first cause, where there are stored bills


@dataclass(frozen=True, slots=True)
class Job:
    """What comparing a batch needs, the same for all.

    Attributes:
        old: None where stored bills take its place and their rules are not given.
        new: the new side; `early` likewise with what rows carry on the old side, where that differs.
        charges: their positions in the outputs.
        causes: by number.
        currencies: rule set id -> currency.
        by: columns that totals are told by.
        kinds: of the inputs among the columns.
        telling: columns that tell whose a bill is.
        wanted: (row,) of the file; None: all.
    """

    old: Side | None
    new: Side
    early: Side | None
    stored: Stored | None
    attribution: Attribution
    charges: tuple[str, ...]
    causes: tuple[Cause, ...]
    currencies: Mapping[str, str]
    regions: Mapping[str, str]
    by: tuple[str, ...]
    kinds: Mapping[str, Collection[str]]
    telling: tuple[str, ...]
    columns: Columns
    wanted: Mask | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What a batch comes to."""

    size: int  # rows of the batch
    totals: Totals
    tables: Mapping[str, Any]


def compare_batch(job: Job, batch: Batch, again: Mask) -> Compared:
    """Compare a batch.

    Args:
        job: the comparison.
        batch: some rows of the file.
        again: (row,) whose ids have come before.
    """
    return _Batch(job, batch, again).compared()


class _Batch:
    def __init__(self, job: Job, batch: Batch, again: Mask) -> None:
        self.job, self.batch, self.size = job, batch, batch.size
        self.again = again
        self.new = job.new.bill(batch, again)
        self.old = None if job.old is None else job.old.bill(batch, again)
        self.held = None if job.stored is None else job.stored.of(batch, again)
        wanted = slice(None) if job.wanted is None else job.wanted[batch.first : batch.first + batch.size]
        self.rows = np.arange(self.size)[wanted]

    def compared(self) -> Compared:
        job = self.job
        totals = Totals(rows=len(self.rows))
        old_has = self._old_has()
        new_has = self.new.group >= 0
        both = self.rows[old_has[self.rows] & new_has[self.rows]]
        tables: dict[str, Any] = {"unpaired": self._unpaired(totals, old_has, new_has)}
        totals.groups["both"] = len(both)
        old, new = self._totals(both)
        entries = self._entries(both)
        tables["differences"] = self._differences(both, entries, totals)
        tables["bills"] = self._bills(both, old, new)
        self._count(both, old, new, totals)
        self._causes(entries, totals)
        self._tops(both, old, new, entries, totals)
        if job.stored is not None:
            assert self.held is not None
            job.stored.met(self.held)
        return Compared(
            self.size,
            totals,
            {name: job.columns.schema(name).empty_table() if one is None else one for name, one in tables.items()},
        )

    def _old_has(self) -> Mask:
        if self.held is not None:
            return self.held.has
        assert self.old is not None
        return self.old.group >= 0

    # amounts

    def _totals(self, rows: Whole) -> tuple[Whole, Whole]:
        """Totals of both sides."""
        new = np.zeros(self.size, np.int64)
        for where, some in self._some(self.new):
            new[where] = some.total
        if self.held is not None:
            return self.held.total[rows], new[rows]
        old = np.zeros(self.size, np.int64)
        assert self.old is not None
        for where, some in self._some(self.old):
            old[where] = some.total
        return old[rows], new[rows]

    def _some(self, side: Billed) -> list[tuple[Whole, Some]]:
        found = self._kept.get(id(side))
        if found is None:
            found = self._kept[id(side)] = []
            for at, group in enumerate(side.groups):
                where = np.flatnonzero(side.group == at)
                if len(where):
                    found.append((where, Some(group, side.at[where].astype(np.int64), self.job.columns.places)))
        return found

    @cached_property
    def _kept(self) -> dict[int, list[tuple[Whole, Some]]]:
        return {}

    def _charge(self, side: Billed | None, charge: str) -> Whole | None:
        """Shape (row,): a charge of one side; None: no bill has it."""
        if side is None or (self.held is not None and side is self.old):
            return None if self.held is None else self.held.charges.get(charge)
        found = None
        for where, some in self._some(side):
            if charge in some.charges:
                found = np.zeros(self.size, np.int64) if found is None else found
                found[where] = some.charges[charge]
        return found

    def _entries(self, both: Whole) -> Entries:
        job = self.job
        parts: list[Entries] = []
        told = np.zeros(self.size, np.bool_)
        told[both] = True
        if self.old is not None:
            early = None if job.early is None else job.early.bill(self.batch, self.again)
            own = job.attribution.entries(self.old, self.new, early)
            keep = np.flatnonzero(told[own.row])
            parts.append(Entries(own.row[keep], own.charge[keep], own.cause[keep], own.amount[keep]))
        if self.held is not None:
            parts.append(self._from_stored(both))
        if len(parts) == 1:
            return parts[0]
        joined = [
            np.concatenate([getattr(one, name) for one in parts]) for name in ("row", "charge", "cause", "amount")
        ]
        order = np.lexsort((joined[2], joined[1], joined[0]))
        return Entries(*(one[order] for one in joined))

    def _from_stored(self, both: Whole) -> Entries:
        """From the stored bills to what the old rules make of the rows; where there are none, to the new bills."""
        assert self.held is not None
        rows: list[Whole] = []
        charges: list[Whole] = []
        amounts: list[Whole] = []
        nothing = np.zeros(self.size, np.int64)
        old_has = np.zeros(self.size, np.bool_) if self.old is None else self.old.group >= 0
        for number, charge in enumerate(self.job.charges):
            held = self.held.charges.get(charge, nothing)
            to = self._charge(self.new, charge)
            to = nothing if to is None else to
            if self.old is not None:
                made = nothing.copy()
                for where, some in self._some(self.old):
                    if charge in some.charges:
                        made[where] = some.charges[charge]
                to = np.where(old_has, made, to)
            less = (to - held)[both]
            at = np.flatnonzero(less)
            rows.append(both[at])
            charges.append(np.full(len(at), number))
            amounts.append(less[at])
        row, charge_, amount = (np.concatenate(one) for one in (rows, charges, amounts))
        order = np.lexsort((charge_, row))
        return Entries(row[order], charge_[order], np.full(len(row), STORED), amount[order])

    # tables

    def _differences(self, both: Whole, entries: Entries, totals: Totals) -> Any:
        """Count charges, check that causes add up, and lay the entries out."""
        job = self.job
        before = np.zeros(len(entries.row), np.int64)
        nothing = np.zeros(self.size, np.int64)
        code, names = self._currency_codes
        of = code[both]
        for number, charge in enumerate(job.charges):
            old, new = self._charge(self.old, charge), self._charge(self.new, charge)
            if old is None and new is None:
                continue
            old, new = nothing if old is None else old, nothing if new is None else new
            a, b = old[both], new[both]
            for currency, one in sums_of(of, names, a, b).items():
                mine = totals.charges.setdefault(currency, {})
                mine.setdefault(charge, Sum()).add(one)
            at = np.flatnonzero(entries.charge == number)
            less = np.zeros(self.size, np.int64)
            np.add.at(less, entries.row[at], entries.amount[at])
            assert np.array_equal(less[both], b - a), f"{charge}: causes do not add up to the difference"
            before[at] = old[entries.row[at]]
        if not len(entries.row):
            return None
        # Of one bill and charge the causes come one after another: each begins where the one before ended.
        key = entries.row * len(job.charges) + entries.charge
        begins = np.concatenate([np.ones(1, np.bool_), key[1:] != key[:-1]])
        run = np.cumsum(entries.amount)
        first = np.flatnonzero(begins)
        until = (run - entries.amount)[first][np.cumsum(begins) - 1]
        old = before + run - entries.amount - until
        schema = job.columns.differences
        rows = pa.array(entries.row)
        ruleset, ids = self._ruleset
        money = job.columns.amount
        columns = [
            *self._telling(rows),
            coded(ruleset[entries.row], ids),
            self._days(self.batch.period_from[entries.row]),
            coded(entries.charge, job.charges),
            money(old),
            money(old + entries.amount),
            money(entries.amount),
            direction(entries.amount),
            coded(entries.cause, self._cause_ids),
            coded(code[entries.row], names),
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    @cached_property
    def _cause_ids(self) -> list[str]:
        return [one.id for one in self.job.causes]

    def _bills(self, both: Whole, old: Whole, new: Whole) -> Any:
        at = np.flatnonzero(old != new)
        rows = both[at]
        if not len(rows):
            return None
        ruleset, ids = self._ruleset
        code, names = self._currency_codes
        money = self.job.columns.amount
        columns = [
            *self._telling(pa.array(rows)),
            coded(ruleset[rows], ids),
            self._days(self.batch.period_from[rows]),
            self._days(self.batch.period_to[rows]),
            money(old[at]),
            money(new[at]),
            money(new[at] - old[at]),
            direction(new[at] - old[at]),
            coded(code[rows], names),
        ]
        return pa.Table.from_arrays(columns, schema=self.job.columns.bills)

    def _telling(self, rows: Any) -> list[Any]:
        return [self.batch.row_id.take(rows), *(self.batch.passing[name].take(rows) for name in self.job.telling)]

    def _days(self, days: Whole) -> Any:
        return pa.array(days.astype(np.int32)).view(pa.date32())

    def _unpaired(self, totals: Totals, old_has: Mask, new_has: Mask) -> Any:
        """Rows that one side alone bills, and those that neither does, with the other's reason."""
        job = self.job
        names = ("only_old", "only_new", "neither")
        kind = np.full(self.size, -1, np.int32)
        kind[self.rows] = np.where(
            old_has[self.rows], np.where(new_has[self.rows], -1, 0), np.where(new_has[self.rows], 1, 2)
        )
        rows = np.flatnonzero(kind >= 0)
        if not len(rows):
            return None
        found = [self._reason(int(row), names[kind[row]]) for row in rows]
        for row, one in zip(rows.tolist(), found, strict=True):
            totals.groups[names[kind[row]]] += 1
            totals.reasons[names[kind[row]], one[0]] += 1
        amounts = np.zeros(self.size, np.int64)
        for where, some in self._some(self.new):
            amounts[where] = some.total
        if self.held is not None:
            amounts = np.where(kind == 0, self.held.total, amounts)
        elif self.old is not None:
            for where, some in self._some(self.old):
                amounts[where] = np.where(kind[where] == 0, some.total, amounts[where])
        code, currencies = self._currency_codes
        for at in (0, 1):
            of = rows[kind[rows] == at]
            for currency, its in sums_of(
                code[of], currencies, amounts[of] * (at == 0), amounts[of] * (at == 1)
            ).items():
                totals.alone.setdefault((names[at], currency), Sum()).add(its)
        billed = kind[rows] < 2
        codes = list(dict.fromkeys(one[0] for one in found))
        schema = job.columns.unpaired
        unkeyed = {one.row for one in self.batch.refused}
        keyed = np.array([row not in unkeyed for row in rows.tolist()])
        ruleset, ids = self._ruleset
        days = [
            pa.array(of[rows].astype(np.int32), mask=~keyed).view(pa.date32())
            for of in (self.batch.period_from, self.batch.period_to)
        ]
        columns = [
            *self._telling(pa.array(rows)),
            coded(kind[rows], names),
            pa.array([ids[at] if at < len(ids) - 1 else None for at in ruleset[rows].tolist()], pa.string()),
            *days,
            job.columns.amount(amounts[rows], billed),
            pa.DictionaryArray.from_arrays(
                pa.array(np.where(billed, code[rows], 0).astype(np.int32), mask=~billed),
                pa.array(currencies, pa.string()),
            ),
            coded(np.array([codes.index(one[0]) for one in found]), codes),
            *(pa.array([one[at] for one in found], pa.string()) for at in (1, 2, 3)),
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    def _reason(self, row: int, kind: str) -> tuple[str, str, str, str]:
        """Why a side has no bill; where neither has, the new one's reason."""
        if kind == "only_new" and self.held is not None:
            return self.held.reason(row)
        side = self.old if kind == "only_new" else self.new
        assert side is not None
        found: RowProblem = side.refused[row]
        return found.code, found.field, found.value, found.reason

    # totals

    @cached_property
    def _ruleset(self) -> tuple[NDArray[np.int32], list[str]]:
        """Shape (row,) position of each row's rule set id among ids; the last is none."""
        ids = [*self.job.currencies, ""]
        at = {id_: number for number, id_ in enumerate(ids)}
        for key, one in self.job.new.book.items():
            at.setdefault(key, at[one.id])
        if self.job.old is not None:
            for key, one in self.job.old.book.items():
                at.setdefault(key, at[one.id])
        codes = np.array([at.get(name, len(ids) - 1) for name in self.batch.ruleset.codes or ()] + [len(ids) - 1])
        values = self.batch.ruleset.values.astype(np.int64)
        if self.batch.ruleset.valid is not None:
            values = np.where(self.batch.ruleset.valid, values, len(codes) - 1)
        return codes[values].astype(np.int32), ids

    @cached_property
    def _currency_codes(self) -> tuple[Whole, list[str]]:
        """Shape (row,) position of each row's currency among names; that of a stored bill is its own."""
        ruleset, ids = self._ruleset
        names = sorted(set(self.job.currencies.values()))
        code = np.array([names.index(self.job.currencies[id_]) if id_ else 0 for id_ in ids], np.int64)[ruleset]
        if self.held is not None:
            code = self.held.currencies(code, names, self.new.group >= 0, self.batch.row_id)
        return code, names

    def _count(self, both: Whole, old: Whole, new: Whole, totals: Totals) -> None:
        job = self.job
        code, currencies = self._currency_codes
        ruleset, ids = self._ruleset
        for number, currency in enumerate(currencies):
            at = np.flatnonzero(code[both] == number)
            if not len(at):
                continue
            rows, a, b = both[at], old[at], new[at]
            totals.old.setdefault(currency, []).append(a)
            totals.differences.setdefault(currency, []).append(b - a)
            told = dimensions(self.batch, job.by, job.kinds, ruleset, ids, job.regions)
            for dimension, (of, names) in told.items():
                totals.sums[dimension, currency] = sums_of(of[rows], names, a, b)

    def _causes(self, entries: Entries, totals: Totals) -> None:
        if not len(entries.row):
            return
        code, currencies = self._currency_codes
        of = code[entries.row]
        many = len(self.job.causes)
        key = entries.row * many + entries.cause
        order = np.argsort(key, kind="stable")
        first = np.concatenate([np.ones(1, np.bool_), np.diff(key[order]) != 0])
        bills = order[first]
        for number, currency in enumerate(currencies):
            own = of == number
            counts = np.bincount(entries.cause[bills[own[bills]]], minlength=many).tolist()
            sums = sums_of(
                entries.cause[own],
                [str(at) for at in range(many)],
                np.zeros(int(own.sum()), np.int64),
                entries.amount[own],
            )
            mine = {int(name): (counts[int(name)], one.new) for name, one in sums.items()}
            if mine:
                totals.causes[currency] = mine

    def _tops(self, both: Whole, old: Whole, new: Whole, entries: Entries, totals: Totals) -> None:
        code, currencies = self._currency_codes
        less = new - old
        for number, currency in enumerate(currencies):
            of = np.flatnonzero(code[both] == number)
            totals.tops[currency] = [
                Extreme(
                    int(less[at]),
                    self.batch.first + int(both[at]),
                    self._told(int(both[at]), int(old[at]), int(new[at]), entries),
                )
                for at in of[most(less[of])].tolist()
            ]

    def _told(self, row: int, old: int, new: int, entries: Entries) -> dict[str, object]:
        start, end = np.searchsorted(entries.row, [row, row + 1])
        causes: dict[int, int] = {}
        for at in range(int(start), int(end)):
            number = int(entries.cause[at])
            causes[number] = causes.get(number, 0) + int(entries.amount[at])
        ruleset, ids = self._ruleset
        return {
            "row_id": self.batch.row_id[row].as_py(),
            **{name: self.batch.passing[name][row].as_py() for name in self.job.telling},
            "ruleset": ids[int(ruleset[row])],
            "period_from": day_text(int(self.batch.period_from[row])),
            "period_to": day_text(int(self.batch.period_to[row])),
            "old": old,
            "new": new,
            "difference": new - old,
            "causes": {number: amount for number, amount in sorted(causes.items()) if amount},
        }
