"""The difference of each bill, by charge and cause: an entry for each.

Takes a batch billed by both sides and the transitions between their rule sets; bills the rows that both have with each
stage, and gives entries (row, charge, cause, amount). For each bill and charge they add up to the difference: a stage
begins where the one before it ended. A row that a stage refuses has no part of it; the next stage that bills the row
has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.bulk.pieces import chosen_rows
from engine.bulk.sources import Piece
from engine.comparison.amounts import Some
from engine.comparison.causes import Cause, Causes
from engine.comparison.sides import Billed, Found, Whole, neighbours
from engine.comparison.substitution import Stage, Transition, transition, with_indexes
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch
from engine.evaluator.families import Families
from engine.evaluator.groups import Group
from engine.evaluator.rows import Column


@dataclass(frozen=True, slots=True)
class Entries:
    """Parts of differences; shape (entry,) each, sorted by row, charge and cause, none of them zero.

    Attributes:
        row: position in the batch.
        charge: position in the comparison's charges.
        cause: number.
        amount: whole numbers of the comparison's places.
    """

    row: Whole
    charge: Whole
    cause: Whole
    amount: Whole


@dataclass(frozen=True, eq=False)
class Stages:
    """Everything that comes between two books, ready to bill.

    Attributes:
        number: shape (old key + 1, new key + 1) transition of a row by its rule sets; -1: there is none.
        transitions: by number.
        books: the rule sets of each stage but the last, under a name for each transition.
        keys: of each stage, transition -> position of its name in that book.
        earlier: the new rule sets with what the old side carries; None: both carry the same.
        unknown: cause by old key, for differences that nothing explains.
    """

    number: NDArray[np.int32]
    transitions: tuple[Transition, ...]
    books: tuple[Families, ...]
    keys: tuple[Mapping[int, int], ...]
    carried: NDArray[np.int32]
    unknown: NDArray[np.int32]
    new: Mapping[str, Compiled] = field(default_factory=dict)

    @property
    def many(self) -> int:
        """Most stages of any transition."""
        return max((len(one.stages) for one in self.transitions), default=0)


def stages_between(
    old: Mapping[str, Compiled], new: Mapping[str, Compiled], causes: Causes, *, carries: bool
) -> Stages:
    """Find what comes between two books.

    Args:
        old, new: key -> rule set.
        causes: known so far; those of the stages are added.
        carries: whether the two sides differ in what rows carry.
    """
    old_keys, new_keys = tuple(old), tuple(new)
    number = np.full((len(old_keys) + 1, len(new_keys) + 1), -1, np.int32)
    carried = np.full(len(old_keys) + 1, -1, np.int32)
    found: list[Transition] = []
    for i, key in enumerate(old_keys):
        for j, other in enumerate(new_keys):
            one, its = old[key], new[other]
            if one.id != its.id or not _meet(one, its):
                continue
            made = None if one.content_hash == its.content_hash and one == its else transition(one, its, causes)
            if made is not None:
                number[i, j] = len(found)
                found.append(made)
        names = [spec.name for spec in old[key].program.inputs if spec.carried is not None]
        if carries and names:
            carried[i] = causes.number(Cause(old[key].id, "carried", ", ".join(names)))
    unknown = np.array([causes.number(Cause(old[key].id, "rule", "")) for key in old_keys] + [-1], np.int32)
    books, keys = _books(found, old_keys, new_keys, number, carries=carries)
    return Stages(number, tuple(found), books, keys, carried, unknown, _new_book(found, new))


def _meet(old: Compiled, new: Compiled) -> bool:
    """Whether some day is in force in both."""
    first = max(old.first_day, new.first_day)
    return all(one.end_day is None or first < one.end_day for one in (old, new))


def _books(
    found: Sequence[Transition],
    old_keys: Sequence[str],
    new_keys: Sequence[str],
    number: NDArray[np.int32],
    *,
    carries: bool,
) -> tuple[tuple[Families, ...], tuple[Mapping[int, int], ...]]:
    where = {int(number[i, j]): (i, j) for i, j in zip(*np.nonzero(number >= 0), strict=True)}
    books, keys = [], []
    for level in range(max((len(one.stages) for one in found), default=0)):
        book: dict[str, Compiled] = {}
        key: dict[int, int] = {}
        several = [(at, one.stages[level]) for at, one in enumerate(found) if level < len(one.stages) - 1]
        indexes: dict[str, frozenset[int]] = {}
        for _, stage in several:
            assert stage.compiled is not None
            structure = stage.compiled.program.structure
            indexes[structure] = indexes.get(structure, frozenset()) | stage.indexes
        for at, stage in several:
            assert stage.compiled is not None
            i, j = where[at]
            name = f"{old_keys[i]} > {new_keys[j]}"
            key[at] = len(book)
            made = with_indexes(stage.compiled, indexes[stage.compiled.program.structure])
            book[name] = replace(made, id=name)
        books.append(Families(book))
        keys.append(key)
    return tuple(books), tuple(keys)


def _new_book(found: Sequence[Transition], new: Mapping[str, Compiled]) -> Mapping[str, Compiled]:
    """The new rule sets, cut where the tellers of their stages know it, that say which cells they read."""
    indexes: dict[str, frozenset[int]] = {}
    cut = {}
    for one in found:
        last = one.stages[-1]
        structure = one.new.program.structure
        indexes[structure] = indexes.get(structure, frozenset()) | last.indexes
        if one.cut_new is not None:
            cut[id(one.new)] = one.cut_new
    made = {}
    for key, compiled in new.items():
        with_cut = compiled if id(compiled) not in cut else replace(compiled, constants=cut[id(compiled)])
        made[key] = with_indexes(with_cut, indexes.get(compiled.program.structure, frozenset()))
    return made


class Attribution:
    """What both sides' bills of a batch differ by, and why."""

    def __init__(self, stages: Stages, charges: Mapping[str, int], places: int, pass_through: Sequence[str]) -> None:
        self.stages, self.charges, self.places, self.pass_through = stages, charges, places, pass_through

    def entries(self, old: Billed, new: Billed, early: Billed | None = None) -> Entries:
        """Bill the stages.

        Args:
            old, new: the batch billed by both sides.
            early: by the new one, with what rows carry on the old one's; None: both carry the same.
        """
        stages = self.stages
        both = (old.group >= 0) & (new.group >= 0)
        which = np.where(both, stages.number[old.number, new.number], -1)
        taken: list[tuple[Whole, Whole, Whole, Whole]] = []
        rows = np.flatnonzero(both)
        before = old.copied()
        for level in range(stages.many - 1):
            some = np.flatnonzero(which >= 0)
            some = some[np.array([len(one.stages) for one in stages.transitions])[which[some]] > level + 1]
            if not len(some):
                break
            after = self._billed(old.pieces, some, which, level)
            taken += self._between(before, after, some, which, level)
            before.replaced(after, some)
        if early is not None:
            taken += self._between(before, early, rows, which, -1)
            before.replaced(early, rows)
            taken += self._carried(before, new, rows, old)
        else:
            taken += self._between(before, new, rows, which, -1, old)
        return _sorted(taken, len(self.charges))

    def _billed(self, pieces: Sequence[Piece], rows: Whole, which: NDArray[np.int32], level: int) -> Found:
        """Bill rows with the rule sets of a stage."""
        found = Found(len(which))
        families, keys = self.stages.books[level], self.stages.keys[level]
        number = np.full(len(self.stages.transitions), -1, np.int64)
        for of, place in keys.items():
            number[of] = place
        chosen = np.zeros(len(which), np.bool_)
        chosen[rows] = True
        for piece in pieces:
            at = np.flatnonzero(chosen[piece.positions])
            if not len(at):
                continue
            own = chosen_rows(piece.rows, at)
            positions = piece.positions[at]
            named = Column(number[which[positions]], codes=families.keys_)
            done = dispatch(families.book, replace(own, ruleset=named), pass_through=self.pass_through, plans=families)
            found.take(done.groups, positions)
        return found

    def _between(
        self, before: Found, after: Found, rows: Whole, which: NDArray[np.int32], level: int, old: Billed | None = None
    ) -> list[tuple[Whole, Whole, Whole, Whole]]:
        """Entries of one stage."""
        taken = []
        for some, one, at_one, other, at_other in neighbours(before, after, rows):
            of = which[some]
            for number in np.unique(of).tolist():
                own = np.flatnonzero(of == number)
                if number < 0:
                    a, b = Some(one, at_one[own], self.places), Some(other, at_other[own], self.places)
                    taken += self._by_charge(some[own], a, b, {}, self._unknown(some[own], old))
                    continue
                stage = self.stages.transitions[number].stages[level]
                for of_kind, by_line in self._by_cuts(stage, one, at_one, other, at_other, own):
                    a, b = Some(one, at_one[of_kind], self.places), Some(other, at_other[of_kind], self.places)
                    if by_line:
                        taken += self._by_line(some[of_kind], a, b, stage)
                    else:
                        taken += self._by_charge(some[of_kind], a, b, stage.charges, stage.otherwise)
        return taken

    def _by_cuts(
        self, stage: Stage, one: Group, at_one: Whole, other: Group, at_other: Whole, own: Whole
    ) -> list[tuple[Whole, bool]]:
        """Rows whose parts are cut alike, so that each line has its cause, and those of which only charges can tell."""
        if not stage.tellers:
            return [(own, False)]
        counts = [Some(group, at[own], self.places).counts for group, at in ((one, at_one), (other, at_other))]
        alike = counts[0] == counts[1]
        return [(rows, by_line) for rows, by_line in ((own[alike], True), (own[~alike], False)) if len(rows)]

    def _unknown(self, rows: Whole, old: Billed | None) -> int:
        return int(self.stages.unknown[old.number[rows[0]]]) if old is not None and len(rows) else 0

    def _carried(
        self, before: Found, after: Found, rows: Whole, old: Billed
    ) -> list[tuple[Whole, Whole, Whole, Whole]]:
        """Entries of what follows from earlier rows."""
        taken = []
        for some, one, at_one, other, at_other in neighbours(before, after, rows):
            of = old.number[some]
            for number in np.unique(of).tolist():
                own = np.flatnonzero(of == number)
                a, b = Some(one, at_one[own], self.places), Some(other, at_other[own], self.places)
                cause = int(self.stages.carried[number])
                cause = cause if cause >= 0 else int(self.stages.unknown[number])
                taken += self._by_charge(some[own], a, b, {}, cause)
        return taken

    def _by_charge(
        self, rows: Whole, a: Some, b: Some, causes: Mapping[str, int], otherwise: int
    ) -> list[tuple[Whole, Whole, Whole, Whole]]:
        nothing = np.zeros(len(rows), np.int64)
        taken = []
        for charge in {**a.charges, **b.charges}:
            less = b.charges.get(charge, nothing) - a.charges.get(charge, nothing)
            at = np.flatnonzero(less)
            if len(at):
                cause = np.full(len(at), causes.get(charge, otherwise))
                taken.append((rows[at], np.full(len(at), self.charges[charge]), cause, less[at]))
        return taken

    def _by_line(self, rows: Whole, a: Some, b: Some, stage: Stage) -> list[tuple[Whole, Whole, Whole, Whole]]:
        """Entries line by line, each part's cause told by its days and the cell that it reads."""
        taken = []
        stretch: Whole | None = None
        for line in b.group.compiled.program.lines:
            if not line.money:
                continue
            less = b.line(line.id) - a.line(line.id)
            at = np.flatnonzero(less)
            if not len(at):
                continue
            teller = stage.tellers.get(line.id)
            if teller is None:
                cause = np.full(len(at), stage.otherwise)
            else:
                if stretch is None:
                    stretch = np.array([*stage.stretch, -1])[b.version()]
                cell = b.index(teller.index)[at].astype(np.int64) if teller.index else np.zeros(len(at), np.int64)
                cause = np.where(
                    stretch[at] >= 0, teller.numbers[stretch[at], np.minimum(cell, teller.numbers.shape[1] - 1)], -1
                ).astype(np.int64)
                cause = np.where(cause >= 0, cause, teller.otherwise)
            taken.append((rows[b.row[at]], np.full(len(at), self.charges[line.charge]), cause, less[at]))
        return taken


def _sorted(taken: Sequence[tuple[Whole, Whole, Whole, Whole]], charges: int) -> Entries:
    """Bring the parts of one row, charge and cause together, and leave out those that come to nothing."""
    if not taken:
        none = np.zeros(0, np.int64)
        return Entries(none, none, none, none)
    row, charge, cause, amount = (np.concatenate([one[at] for one in taken]).astype(np.int64) for at in range(4))
    most = int(cause.max()) + 1
    key = (row * charges + charge) * most + cause
    order = np.argsort(key, kind="stable")
    key, amount = key[order], amount[order]
    begins = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), key[1:] != key[:-1]]))
    key, amount = key[begins], np.add.reduceat(amount, begins)
    some = np.flatnonzero(amount)
    key, amount = key[some], amount[some]
    return Entries(key // most // charges, key // most % charges, key % most, amount)
