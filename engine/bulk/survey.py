"""The first look at a portfolio whose rule sets carry inputs: what each row needs of its account's earlier rows.

    file ──probe──▶ quantities by account ──carry──▶ a value or a reason by row ──▶ the run

Values depend on quantities alone, never on what a row is billed. About 70 bytes a row are held while the file is read,
and 9 bytes a row and carried input while it is billed. The order of the rows in the file does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.bulk.carried import Earlier, Mask, State, Whole, carry
from engine.bulk.filling import Carriage, CarriedColumn, filled, given_values
from engine.bulk.flow import in_order
from engine.bulk.overlaps import ACCOUNT, account_keys
from engine.bulk.pieces import chosen_rows
from engine.bulk.probe import Asked, Probe, needed, probes, quantities
from engine.bulk.sources import Batch, Source
from engine.bulk.versions import by_day
from engine.compiler.program import END_DAY, FIRST_DAY, Carried, Compiled, InputSpec
from engine.evaluator.batch import Dispatched, Group, dispatch
from engine.evaluator.families import Families
from engine.evaluator.rows import Rows

_COLUMNS: Final = (
    *("row", "version", "primary", "check", "period_from", "period_to"),
    *("quantity", "given", "value", "needed", "refused"),
)


@dataclass(frozen=True, slots=True)
class _Looked:
    """Rows of one rule set with what concerns one carried input; shape (row,) each."""

    row: Whole  # position in the file
    version: Whole  # position of its rule set among the probes: several share an id, each with its own days
    primary: NDArray[np.uint64]
    check: NDArray[np.uint64]
    period_from: Whole
    period_to: Whole
    quantity: Whole
    given: Mask
    value: Whole
    needed: Mask
    refused: Mask


Chain = tuple[str, str]  # id of the rule set, name of the carried input


def survey(
    book: Mapping[str, Compiled],
    source: Source,
    threads: int,
    pass_through: Collection[str],
    again: Mask | None = None,
) -> Carriage | None:
    """Compute what a source's rows carry.

    Args:
        book: rule sets by key.
        source: all rows of an account are in it.
        threads: that look at rows.
        pass_through: columns that are meant to be unread.
        again: (row,) of the whole source, which row ids have come before; None: to be found here.

    Returns:
        The carried inputs by row; None where no rule set carries anything, or no row lacks it.
    """
    found = probes(book)
    if not found or ACCOUNT not in source.passing:
        return None
    reduced = {key: one.compiled for key, one in found.items()}
    look = _Look(book, found, reduced, pass_through, Families(reduced))
    parts: dict[Chain, list[_Looked]] = {}
    rows = 0
    for size, looked in in_order(source, look.batch, threads, again):
        rows += size
        for chain, one in looked:
            parts.setdefault(chain, []).append(one)
    chains = {chain: _joined(several) for chain, several in sorted(parts.items())}
    if not any(bool((one.needed & ~one.given).any()) for one in chains.values()):
        return None
    columns = _columns(found, chains, rows, np.zeros(0, dtype=np.int64))
    if any(one.judged for one in found.values()):
        # Look again, for rows that are refused because of what they carry: later rows cannot follow them.
        checked = {key: one.checked for key, one in found.items()}
        look = _Look(book, found, checked, pass_through, Families(checked), Carriage(columns, reduced))
        refused = np.concatenate([np.zeros(0, dtype=np.int64), *in_order(source, look.refused, threads, again)])
        columns = _columns(found, chains, rows, refused)
    return Carriage(columns, reduced)


@dataclass(frozen=True)
class _Look:
    """How rows are looked at: with the probes, or again with all refusals and what is carried."""

    book: Mapping[str, Compiled]
    found: Mapping[str, Probe]
    rulesets: Mapping[str, Compiled]
    pass_through: Collection[str]
    plans: Families
    carriage: Carriage | None = None

    def batch(self, batch: Batch, again: Mask) -> tuple[int, list[tuple[Chain, _Looked]]]:
        """Look at a batch: its size, and what its rows bring to each carried input."""
        keys = account_keys(batch)
        assert keys is not None
        primary, check, named = keys
        looked = []
        keys_found = list(self.found)
        for piece in batch.pieces:
            at, rows = self._own(piece.rows, named[piece.positions] & ~again[piece.positions])
            if not len(rows):
                continue
            billed = [one for group in self._dispatched(rows).groups for one in group.apart()]
            codes = rows.ruleset.codes or ()
            for number in np.unique(rows.ruleset.values).tolist():
                of = np.flatnonzero(rows.ruleset.values == number)
                probe = self.found[codes[number]]
                where = piece.positions[at][of]
                version = np.full(len(of), keys_found.index(codes[number]))
                days = (rows.period_from[of], rows.period_to[of])
                whose = (batch.first + where, version, primary[where], check[where], *days)
                for asked in probe.asked:
                    more = self._asked(probe, asked, rows, of, billed)
                    looked.append(((probe.compiled.id, asked.spec.name), _Looked(*whose, *more)))
        return batch.size, looked

    def refused(self, batch: Batch, again: Mask) -> Whole:
        """Positions in the file of rows that are refused."""
        assert self.carriage is not None
        found = [np.zeros(0, dtype=np.int64)]
        for piece in batch.pieces:
            at, rows = self._own(piece.rows, ~again[piece.positions])
            where = batch.first + piece.positions[at]
            ready = filled(self.carriage, rows, where)
            gone = np.array(sorted(ready.refused), dtype=np.int64)
            found += [where[gone], where[ready.doomed]]
            if len(ready.rows):
                refused = [one.row for one in self._dispatched(ready.rows).refused]
                found.append(where[ready.kept[np.array(refused, dtype=np.int64)]])
        return np.concatenate(found)

    def _own(self, rows: Rows, wanted: Mask) -> tuple[Whole, Rows]:
        """The rows of rule sets that carry something, with days that are a billing period."""
        rows = by_day(self.book, rows)
        known = np.array([code in self.found for code in rows.ruleset.codes or ()] or [False])
        wanted = wanted & known[rows.ruleset.values]
        wanted &= (rows.period_from >= FIRST_DAY) & (rows.period_to < END_DAY) & (rows.period_from < rows.period_to)
        at = np.flatnonzero(wanted)
        return at, chosen_rows(rows, at)

    def _dispatched(self, rows: Rows) -> Dispatched:
        return dispatch(self.rulesets, rows, pass_through=self.pass_through, plans=self.plans)

    def _asked(
        self, probe: Probe, asked: Asked, rows: Rows, of: Whole, billed: Sequence[Group]
    ) -> tuple[Whole, Mask, Whole, Mask, Mask]:
        """Of a carried input in some rows: quantity, given, value, needed, refused."""
        quantity, needs = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
        refused = np.ones(len(rows), dtype=bool)
        places = _places(self.found, asked.spec.name)
        more = places - probe.compiled.program.steps[asked.quantity].type.places
        for group in billed:
            if group.compiled is probe.compiled:
                kept = group.result.kept
                quantity[kept] = quantities(asked, group.result) * 10**more
                needs[kept] = needed(asked, group.result)
                refused[kept] = False
        given, value = given_values(asked.spec, rows, of, places)
        return quantity[of], given, value, needs[of], refused[of]


@dataclass(frozen=True, slots=True)
class _Declared:
    """How a version of a rule set carries an input; whole numbers of the places that hold it in any rule set."""

    how: Carried
    low: int
    high: int


def _places(found: Mapping[str, Probe], name: str) -> int:
    """Places that hold a carried input of any rule set."""
    return max(asked.spec.type.places for probe in found.values() for asked in probe.asked if asked.spec.name == name)


def _declared(spec: InputSpec, places: int) -> _Declared:
    how, finer = spec.carried, 10 ** (places - spec.type.places)
    assert how is not None
    opening = None if how.opening is None else how.opening * finer
    how = replace(how, whole=how.whole * finer, opening=opening)
    return _Declared(how, spec.type.low * finer, spec.type.high * finer)


def _joined(several: list[_Looked]) -> _Looked:
    return _Looked(*(np.concatenate([getattr(one, name) for one in several]) for name in _COLUMNS))


def _columns(
    found: Mapping[str, Probe], chains: Mapping[Chain, _Looked], rows: int, refused: Whole
) -> dict[str, CarriedColumn]:
    """Compute every carried input, and lay the values out by the file's rows.

    Args:
        found: the rule sets.
        chains: rows of each rule set and carried input.
        rows: of the file.
        refused: positions in the file of rows that are refused because of what they carry.
    """
    columns: dict[str, CarriedColumn] = {}
    for (id_, name), one in chains.items():
        places = _places(found, name)
        declared = {
            version: _declared(asked.spec, places)
            for version, probe in enumerate(found.values())
            for asked in probe.asked
            if (probe.compiled.id, asked.spec.name) == (id_, name)
        }
        values, states = _values(declared, one, np.isin(one.row, refused))
        if name not in columns:
            columns[name] = CarriedColumn(np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=np.uint8), places)
        columns[name].values[one.row], columns[name].states[one.row] = values, states
    return columns


def _values(declared: Mapping[int, _Declared], one: _Looked, judged: Mask) -> tuple[Whole, NDArray[np.uint8]]:
    """Compute a carried input; a row whose value leaves the input's bounds is refused, and nothing follows it."""
    refused = one.refused | judged
    values, states = _carried(declared, one, refused)
    outside = np.zeros(len(values), dtype=bool)
    for version, of in declared.items():
        outside |= (one.version == version) & ((values < of.low) | (values > of.high))
    outside &= states == State.COMPUTED
    if bool(outside.any()):
        values, states = _carried(declared, one, refused | outside)
    states[one.refused & ~one.given] = State.DOOMED
    return values, states


def _carried(declared: Mapping[int, _Declared], one: _Looked, refused: Mask) -> tuple[Whole, NDArray[np.uint8]]:
    """Compute a carried input: what earlier rows bring is theirs to say, what is made of it is the row's version's."""
    whose = (one.primary, one.check, one.period_from, one.period_to)
    opens, opening = np.zeros(len(refused), dtype=bool), np.zeros(len(refused), dtype=np.int64)
    for version, of in declared.items():
        if of.how.opening is not None:
            own = one.version == version
            opens[own], opening[own] = True, of.how.opening
    rows = Earlier(*whose, one.quantity, one.given, one.value, one.needed, opens, opening, refused)
    values, states = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.uint8)
    for version, of in declared.items():
        own = one.version == version
        if bool(own.any()):
            made, why = carry(of.how, rows)
            values[own], states[own] = made[own], why[own]
    return values, states
