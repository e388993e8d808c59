"""A batch's rows brought together by what bills them.

Takes the rule set of each row; gives bins, each a rule set or a family with the rows that it bills: all of the batch as
it came, or those rows' columns moved behind one another. Lists are not moved: rows with lists are looked up where they
are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans, Result
from engine.evaluator.families import Families
from engine.evaluator.family import Family
from engine.evaluator.groups import Group
from engine.evaluator.memory import Pool
from engine.evaluator.partition import Partition, smallest
from engine.evaluator.rows import Array, Column, Rows, Whole, same

_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Sent:
    """Which rule set each row goes to.

    Attributes:
        cell: shape (row,) position in `number`.
        number: shape (cell,) number of a rule set in the book; as many as there are: none, the row is refused.
        asked: numbers in the order in which the batch names them.
    """

    cell: Whole
    number: Whole
    asked: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """What bills some rows: a rule set, or a family of which several members have rows."""

    plans: Plans
    family: Family
    numbers: tuple[int, ...]  # of the rule sets that have rows
    rows: int

    @property
    def compiled(self) -> Compiled:
        return self.family.compiled

    @property
    def several(self) -> bool:
        """Whether rows differ in their rule set."""
        return len(self.family.members) > 1


@dataclass(frozen=True, slots=True)
class Share:
    """The rows of one bin.

    Attributes:
        bin: what bills them.
        rows: a batch that holds them.
        at: shape (share row,) positions of them in `rows`; None: all.
        back: shape (row of `rows`,) their positions in the batch that came; None: it is `rows` itself.
        code: shape (row of `rows`,) member of the family.
        unread: columns of the batch that are known to have no value in any row whose rule set does not read them.
    """

    bin: Bin
    rows: Rows
    at: Whole | None
    back: Whole | None
    code: Whole | None
    unread: frozenset[str] = _NOTHING

    @property
    def positions(self) -> Whole:
        """Shape (share row,): positions in the batch that came."""
        if self.back is not None:
            return self.back if self.at is None else self.back[self.at]
        return np.arange(len(self.rows)) if self.at is None else self.at

    def group(self, result: Result, batch: Rows) -> Group:
        """Say who billed what, by the rows of the batch that came."""
        code = self.code if self.code is None or result.positions is None else self.code[result.positions]
        return Group(self._of_batch(result, batch), self.bin.plans, self.bin.family, code)

    def _of_batch(self, result: Result, batch: Rows) -> Result:
        back = self.back
        if back is None:
            return result
        positions = back if result.positions is None else back[result.positions]
        problems = []
        for one in result.problems:
            row = int(back[one.row])
            problems.append(replace(one, row=row, row_id=batch.row_id[row]))
        return replace(result, positions=positions, problems=tuple(problems))


def bins_of(families: Families, sent: Sent) -> list[Bin]:
    """Find what bills the rows, in the order in which the batch names it."""
    nobody = len(families)
    counts = np.zeros(nobody + 1, np.int64)
    if sent.cell.strides == (0,) and len(sent.cell):  # a column that repeats one name
        counts[sent.number[sent.cell[0]]] = len(sent.cell)
    else:
        np.add.at(counts, sent.number, np.bincount(sent.cell, minlength=len(sent.number)))
    by_family: dict[int, list[int]] = {}
    for number in sent.asked:
        if counts[number]:
            by_family.setdefault(int(families.family[number]), []).append(number)
    found = []
    for family, numbers in by_family.items():
        merged = families.merged(family) if len(numbers) > 1 else None
        if merged is not None:
            rows = int(counts[numbers].sum())
            found.append(Bin(merged[1], merged[0], tuple(numbers), rows))
            continue
        for number in numbers:
            found.append(Bin(families.plans(number), families.alone(number), (number,), int(counts[number])))
    return found


def shares(families: Families, bins: Sequence[Bin], sent: Sent, rows: Rows) -> Iterator[Share]:
    """Bring the rows of each bin together."""
    mixed = any(one.several for one in bins)
    members = np.append(families.member, 0)
    if len(bins) == 1 and bins[0].rows == len(rows):
        yield Share(bins[0], rows, None, None, members[sent.number].take(sent.cell) if mixed else None)
        return
    bin_of = np.full(len(families) + 1, len(bins), smallest(len(bins) + 1))
    for number, one in enumerate(bins):
        bin_of[list(one.numbers)] = number
    partition = Partition(bin_of[sent.number].take(sent.cell), len(bins), families.placing)
    code = members.astype(smallest(len(members)))[sent.number].take(sent.cell) if mixed else None
    moved = _Moved(families, partition, bins, rows, code)
    for number, one in enumerate(bins):
        start, end = int(partition.offsets[number]), int(partition.offsets[number + 1])
        positions = partition.positions[start:end]
        if one.compiled.program.axes:
            yield Share(one, rows, positions, None, code.astype(np.int64) if one.several and code is not None else None)
        else:
            yield moved.share(one, positions, slice(start, end))


class _Moved:
    """A batch's columns, each moved once, in the order of a partition."""

    def __init__(
        self, families: Families, partition: Partition, bins: Sequence[Bin], rows: Rows, code: Array | None
    ) -> None:
        self.rows = rows
        own = [_NOTHING if one.compiled.program.axes else one.family.of_rows & rows.columns.keys() for one in bins]
        self.own = {one.numbers: names for one, names in zip(bins, own, strict=True)}
        everywhere = [not one.compiled.program.axes for one in bins]
        asked: dict[tuple[str, str], tuple[Array, list[bool]]] = {}
        if code is not None:
            asked["code", ""] = (code, [one.several for one in bins])
        for name in sorted(_NOTHING.union(*own)):
            column, wanted = rows.columns[name], [name in names for names in own]
            asked["values", name] = (column.values, wanted)
            if column.valid is not None:
                asked["valid", name] = (column.valid, wanted)
        days = {("days", "from"): (rows.period_from, everywhere), ("days", "to"): (rows.period_to, everywhere)}
        self._columns = _gathered(partition, days, families.lasting) | _gathered(partition, asked, families.passing)
        self.unread = frozenset(
            name for name, column in rows.columns.items() if self._given_where_read(name, column, partition, own)
        )

    def _given_where_read(self, name: str, column: Column, partition: Partition, own: Sequence[frozenset[str]]) -> bool:
        """Whether all values of a column stand in rows that read it: they are counted here and there."""
        if column.valid is None or column.values.dtype == object:
            return False
        given = int(np.count_nonzero(column.valid))
        if given and ("valid", name) in self._columns:
            valid, offsets = self._columns["valid", name], partition.offsets.tolist()
            bounds = zip(offsets[:-1], offsets[1:], own, strict=True)
            given -= sum(int(np.count_nonzero(valid[start:end])) for start, end, names in bounds if name in names)
        return not given

    def share(self, one: Bin, positions: Whole, at: slice) -> Share:
        """Give the rows of a bin, which stand at a stretch of the partition."""
        columns = {}
        for name in self.own[one.numbers]:
            of = self.rows.columns[name]
            valid = self._columns["valid", name][at] if of.valid is not None else None
            # Where every row of a rule set gives a column, other rule sets' rows that do not are no matter.
            columns[name] = Column(
                self._columns["values", name][at], of.places, None if valid is None or valid.all() else valid, of.codes
            )
        rows = Rows(
            row_id=positions,
            ruleset=Column(same(np.int64(0), len(positions))),
            period_from=self._columns["days", "from"][at],
            period_to=self._columns["days", "to"][at],
            columns=columns,
        )
        code = self._columns["code", ""][at].astype(np.int64) if one.several else None
        return Share(one, rows, None, positions, code, self.unread)


def _gathered(
    partition: Partition, columns: Mapping[tuple[str, str], tuple[Array, list[bool]]], pool: Pool
) -> dict[tuple[str, str], Array]:
    """Move columns; one that repeats a single value is the same in any order."""
    several = {key: one for key, one in columns.items() if one[0].strides != (0,)}
    arrays, wanted = [values for values, _ in several.values()], [by_bin for _, by_bin in several.values()]
    moved = partition.gathered(arrays, wanted, pool)
    return {key: values for key, (values, _) in columns.items()} | dict(zip(several, moved, strict=True))
