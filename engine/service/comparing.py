"""A chunk billed with two versions of the rate book -> what differs.

Takes two versions and a chunk; gives the rows whose bills differ with the lines that do, the rows that one version
refuses, and sums. Columns are compared with columns; Python looks at the rows alone that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dianjia.rating.v1 import rating_pb2
from dianjia.type.v1 import type_pb2
from engine.evaluator.batch import Dispatched, Group, dispatch
from engine.evaluator.rows import Array, Mask, Rows, Whole
from engine.evaluator.seen import SeenRows
from engine.service.answers import row_errors
from engine.service.books import LoadedBook
from engine.service.calls import wrong
from engine.service.columns import ReadChunk

_WHOLE_MAX: Final = 2**63  # what a message holds; the sum of bills that are all as high as can be may go beyond


def compared(
    before: LoadedBook, after: LoadedBook, read: ReadChunk, between: Callable[[], None]
) -> rating_pb2.CompareBillsResponse:
    """Bill a chunk twice.

    Args:
        before: the version that is compared with.
        after: the version that is compared.
        read: the chunk.
        between: called before each rule set; raises where nobody waits for the answer any more.
    """
    rows = read.rows
    again = SeenRows().add(*read.keys)
    old, new = (
        dispatch(loaded.rulesets, rows, again=again, plans=loaded.plans, between=between) for loaded in (before, after)
    )
    answer = rating_pb2.CompareBillsResponse(
        before=before.version,
        after=after.version,
        received=len(rows),
        refused_before=row_errors(old.refused, rows, before.rulesets),
        refused_after=row_errors(new.refused, rows, after.rulesets),
    )
    sums: dict[str, _Sums] = {}
    found: list[rating_pb2.BillDifference] = []
    for pair in _pairs(old, new):
        differs = pair.differs()
        answer.same += len(differs) - int(differs.sum())
        found += (pair.difference(at, rows) for at in np.flatnonzero(differs).tolist())
        pair.add_to(sums)
    answer.differences.extend(sorted(found, key=lambda one: one.index))
    for currency, of in sorted(sums.items()):
        if max(abs(of.before), abs(of.after)) >= _WHOLE_MAX:
            raise wrong("too-many-rows", "chunk", found=len(rows), at_most=len(rows) // 2)
        answer.totals.add(
            before=_money(of.before, of.places, currency),
            after=_money(of.after, of.places, currency),
            bills=of.bills,
        )
    return answer


@dataclass(slots=True)
class _Sums:
    """Sums of totals in one currency, whole numbers of a place."""

    places: int
    before: int = 0
    after: int = 0
    bills: int = 0


@dataclass(frozen=True, slots=True)
class _Side:
    """The bills of some rows by one version, row by row."""

    group: Group
    at: Whole  # (row,) positions of the rows in the group

    @property
    def currency(self) -> str:
        return self.group.compiled.currency

    @property
    def places(self) -> int:
        """Decimal places of the total."""
        program = self.group.compiled.program
        return program.steps[program.total].type.places

    @property
    def total(self) -> Whole:
        return self.group.result.total[self.at]

    def lines(self) -> Mapping[str, _Amounts]:
        """Give each line of the bills, summed over the parts that show it."""
        result, program = self.group.result, self.group.compiled.program
        found = {}
        for line in program.lines:
            amounts, shown = result.amounts[line.id], result.shown.get(line.id)
            stands: Mask = np.ones(len(amounts), np.bool_) if shown is None else shown
            amounts = amounts if shown is None else np.where(shown, amounts, 0)
            if result.offsets is not None:
                amounts = np.add.reduceat(amounts, result.offsets[:-1])
                stands = np.logical_or.reduceat(stands, result.offsets[:-1])
            found[line.id] = _Amounts(amounts[self.at], stands[self.at], program.steps[line.amount].type.places)
        return found


@dataclass(frozen=True, slots=True)
class _Amounts:
    """One line of some bills."""

    values: Whole  # (row,)
    stands: Mask  # (row,) whether the bill has the line
    places: int


@dataclass(slots=True)
class _Pair:
    """Rows that one rule set of either version billed."""

    rows: Whole  # (row,) positions in the chunk
    old: _Side
    new: _Side
    old_lines: Mapping[str, _Amounts] = field(init=False)
    new_lines: Mapping[str, _Amounts] = field(init=False)
    different: Mapping[str, Mask] = field(init=False)  # line -> (row,) whether its amount differs

    def __post_init__(self) -> None:
        self.old_lines, self.new_lines = self.old.lines(), self.new.lines()
        self.different = {id_: self._line_differs(id_) for id_ in {**self.old_lines, **self.new_lines}}

    def differs(self) -> Mask:
        """Which rows are billed differently: in the total, its currency, or the amount of a line.

        A line of zero that the other bill lacks is no difference.
        """
        if self.old.currency != self.new.currency:
            return np.ones(len(self.rows), np.bool_)
        found = _unequal(self.old.total, self.old.places, self.new.total, self.new.places)
        for different in self.different.values():
            found |= different
        return found

    def difference(self, at: int, rows: Rows) -> rating_pb2.BillDifference:
        """Tell how a row is billed differently."""
        index = int(self.rows[at])
        old, new = int(self.old.total[at]), int(self.new.total[at])
        made = rating_pb2.BillDifference(
            row_id=str(rows.row_id[index]),
            index=index,
            ruleset=self.new.group.own(int(self.new.at[at])).id,
            before=_money(old, self.old.places, self.old.currency),
            after=_money(new, self.new.places, self.new.currency),
            lines=self._lines(at),
        )
        if self.old.currency == self.new.currency:
            places = max(self.old.places, self.new.places)
            less = new * 10 ** (places - self.new.places) - old * 10 ** (places - self.old.places)
            if abs(less) < _WHOLE_MAX:
                made.difference.CopyFrom(_money(less, places, self.new.currency))
        return made

    def add_to(self, sums: dict[str, _Sums]) -> None:
        """Add the totals to the sums of their currencies."""
        for side in (self.old, self.new):
            of = sums.setdefault(side.currency, _Sums(side.places))
            if side.places > of.places:
                by = 10 ** (side.places - of.places)
                of.before, of.after, of.places = of.before * by, of.after * by, side.places
            total = sum(side.total.tolist()) * 10 ** (of.places - side.places)
            if side is self.old:
                of.before += total
            else:
                of.after += total
            if side is self.new or self.old.currency != self.new.currency:
                of.bills += len(self.rows)

    def _line_differs(self, id_: str) -> Mask:
        old, new = self.old_lines.get(id_), self.new_lines.get(id_)
        if old is None or new is None:
            one = old or new
            assert one is not None
            return np.not_equal(one.values, 0)
        return _unequal(old.values, old.places, new.values, new.places)

    def _lines(self, at: int) -> Iterator[rating_pb2.LineDifference]:
        for id_, different in self.different.items():
            if different[at]:
                old, new = (_decimal(lines.get(id_), at) for lines in (self.old_lines, self.new_lines))
                yield rating_pb2.LineDifference(id=id_, before=old, after=new)


def _pairs(old: Dispatched, new: Dispatched) -> Iterator[_Pair]:
    """Bring together what rule sets of the two versions billed of the same rows."""
    for of_old in old.groups:
        for of_new in new.groups:
            rows, in_old, in_new = np.intersect1d(
                of_old.result.kept, of_new.result.kept, assume_unique=True, return_indices=True
            )
            if len(rows):
                yield _Pair(rows, _Side(of_old, in_old), _Side(of_new, in_new))


def _unequal(old: Array, old_places: int, new: Array, new_places: int) -> Mask:
    """Which numbers differ; of different places, they are compared as Python's whole numbers."""
    if old_places == new_places:
        return np.asarray(old != new)
    places = max(old_places, new_places)
    scaled = (one.astype(object) * 10 ** (places - own) for one, own in ((old, old_places), (new, new_places)))
    one, other = scaled
    return np.asarray(one != other, np.bool_)


def _decimal(of: _Amounts | None, at: int) -> type_pb2.Decimal | None:
    if of is None or not of.stands[at]:
        return None
    return type_pb2.Decimal(unscaled=int(of.values[at]), places=of.places)


def _money(unscaled: int, places: int, currency: str) -> type_pb2.Money:
    return type_pb2.Money(unscaled=unscaled, places=places, currency=currency)
