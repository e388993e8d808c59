"""One rate book of a comparison: it bills batches, and says of each row who billed it or why nobody did.

Takes a book and batches of a source; gives `Billed`, in which rows are found by their position in the batch. Inputs
that follow from an account's earlier rows are filled in, as a run does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.bulk.filling import Carriage, filled
from engine.bulk.outputs import renamed
from engine.bulk.pieces import chosen_rows
from engine.bulk.sources import Batch, Piece
from engine.bulk.versions import by_day
from engine.compiler.program import Compiled
from engine.evaluator.batch import dispatch
from engine.evaluator.families import Families
from engine.evaluator.groups import Group
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import RowProblem, day_text

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Lacking(Exception):
    """A row lacks an input that may follow from earlier rows."""


@dataclass(frozen=True, eq=False)
class Side:
    """A book that is ready to bill.

    Attributes:
        book: key -> rule set.
        pass_through: columns that nothing reads.
        carriage: what rows carry; None: nothing, or it has not been looked for.
        carried: inputs for want of which `Lacking` is raised.
        totals_only: nothing but totals is wanted.
    """

    book: Mapping[str, Compiled]
    pass_through: Collection[str] = ()
    carriage: Carriage | None = None
    carried: frozenset[str] = frozenset()
    totals_only: bool = False

    @cached_property
    def plans(self) -> Families:
        return Families(self.book)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.book)

    @cached_property
    def number_of(self) -> dict[int, int]:
        """Identity of a rule set -> position of its key."""
        return {id(self.book[key]): at for at, key in enumerate(self.keys)}

    def bill(self, batch: Batch, again: Mask) -> Billed:
        """Bill a batch."""
        pieces, refused = self._ready(batch)
        found = Billed(pieces, self, batch.size)
        for piece in pieces:
            done = dispatch(
                self.book,
                piece.rows,
                again=again[piece.positions],
                pass_through=self.pass_through,
                totals_only=self.totals_only,
                plans=self.plans,
            )
            found.take(done.groups, piece.positions)
            refused += [renamed(one, batch, int(piece.positions[one.row])) for one in done.refused]
        if any(one.code == "missing-value" and one.field in self.carried for one in refused):
            raise Lacking
        found.refused = {one.row: one for one in refused}
        return found

    def _ready(self, batch: Batch) -> tuple[tuple[Piece, ...], list[RowProblem]]:
        """Name each row's rule set by its day, and fill in what it carries; rows that cannot carry it are refused."""
        pieces, refused = [], list(batch.refused)
        for piece in batch.pieces:
            rows, positions = by_day(self.book, piece.rows), piece.positions
            if self.carriage is not None:
                ready = filled(self.carriage, rows, batch.first + positions)
                for at, (code, name) in ready.refused.items():
                    position = int(positions[at])
                    row_id, day = batch.row_id[position].as_py(), day_text(int(batch.period_from[position]))
                    refused.append(row_problem(position, row_id, code, name, "", None, day=day))
                doomed = chosen_rows(rows, ready.doomed)
                if len(doomed):
                    told = dispatch(self.carriage.reduced, doomed, pass_through=self.pass_through).refused
                    where = positions[ready.doomed]
                    refused += [renamed(one, batch, int(where[one.row])) for one in told]
                rows, positions = ready.rows, positions[ready.kept]
            if len(rows):
                pieces.append(Piece(rows, positions))
        return tuple(pieces), refused


class Found:
    """Bills of some rows of a batch, by position in it.

    Attributes:
        group: shape (row,) position in `groups`; -1: no bill.
        at: shape (row,) position in that group's results.
    """

    def __init__(self, size: int) -> None:
        self.groups: list[Group] = []
        self.group: NDArray[np.int32] = np.full(size, -1, np.int32)
        self.at: NDArray[np.int32] = np.zeros(size, np.int32)

    def take(self, groups: Sequence[Group], positions: Whole) -> None:
        """Take bills in; the groups' rows are at `positions`."""
        for one in groups:
            where = positions[one.result.kept]
            self.group[where] = len(self.groups)
            self.at[where] = np.arange(len(where), dtype=np.int32)
            self.groups.append(one)

    def copied(self) -> Found:
        """The same, to be changed."""
        made = Found(0)
        made.groups, made.group, made.at = list(self.groups), self.group.copy(), self.at.copy()
        return made

    def replaced(self, by: Found, rows: Whole) -> None:
        """Take another's bills of some rows in place of one's own, where it has any."""
        rows = rows[by.group[rows] >= 0]
        self.group[rows] = by.group[rows] + len(self.groups)
        self.at[rows] = by.at[rows]
        self.groups += by.groups


class Billed(Found):
    """A batch billed by one side.

    Attributes:
        pieces: the rows as they were billed.
        refused: position -> why there is no bill.
    """

    def __init__(self, pieces: tuple[Piece, ...], side: Side, size: int) -> None:
        super().__init__(size)
        self.pieces, self.side = pieces, side
        self.refused: dict[int, RowProblem] = {}

    @cached_property
    def number(self) -> NDArray[np.int32]:
        """Shape (row,): position in the side's keys of the rule set that billed each row; -1: none did."""
        found = np.full(len(self.group), -1, np.int32)
        for at, group in enumerate(self.groups):
            rows = np.flatnonzero(self.group == at)
            own = np.array([self.side.number_of[id(one)] for one in group.members], np.int32)
            found[rows] = own[0] if group.code is None else own.take(group.code.take(self.at[rows]))
        return found


def neighbours(before: Found, after: Found, rows: Whole) -> list[tuple[Whole, Group, Whole, Group, Whole]]:
    """Rows that two have bills of: their positions, and who billed them where, for each pair of groups."""
    rows = rows[(before.group[rows] >= 0) & (after.group[rows] >= 0)]
    if not len(rows):
        return []
    key = before.group[rows].astype(np.int64) * len(after.groups) + after.group[rows]
    found = []
    for number in np.unique(key).tolist():
        some = rows[key == number]
        one, other = before.groups[number // len(after.groups)], after.groups[number % len(after.groups)]
        found.append((some, one, before.at[some].astype(np.int64), other, after.at[some].astype(np.int64)))
    return found
