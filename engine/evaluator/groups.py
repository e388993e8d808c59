"""What became of a batch: the rows that one rule set, or one family of them, billed, and those that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans, Result
from engine.evaluator.family import Family, Members
from engine.evaluator.items import chosen_items
from engine.evaluator.partition import smallest
from engine.evaluator.rows import Array, RowProblem, Whole


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of a batch that one rule set billed, or rule sets of one family in any order.

    Attributes:
        result: `result.kept` has the rows' positions in the batch.
        plans: that billed them.
        family: whose members billed them.
        code: shape (row,) position of each row's rule set in `members`; None: it is the only one.
    """

    result: Result
    plans: Plans
    family: Family
    code: Whole | None = None

    @property
    def compiled(self) -> Compiled:
        """What billed the rows.

        Of several members it says what all have alike: steps, lines and their types, currency. Ids, titles, messages
        and places are those of each row's own.
        """
        return self.family.compiled

    @property
    def members(self) -> tuple[Compiled, ...]:
        """Rule sets, some of which billed the rows."""
        return self.family.members

    def own(self, at: int) -> Compiled:
        """Give the rule set that billed a row."""
        return self.members[0 if self.code is None else int(self.code[at])]

    def of(self, rows: int) -> Members:
        """Say whose each row of a batch of so many is, to bill some of this group's rows again."""
        if self.code is None:
            return Members(self.family)
        code = np.zeros(rows, np.int64)
        code[self.result.kept] = self.code
        return Members(self.family, code)

    def apart(self) -> Iterator[Group]:
        """Give each rule set's rows by themselves; every column is sorted once, and its parts are not copied."""
        if self.code is None:
            yield self
            return
        count = len(self.members)
        small = self.code.astype(smallest(count))
        order = np.argsort(small, kind="stable")
        ends = np.cumsum(np.bincount(small, minlength=count)).tolist()
        of_all = _some(self.result, order)
        start = 0
        for one, first, end in zip(self.members, self.family.firsts, ends, strict=True):
            if end > start:
                own = _slice(of_all, start, end)
                yield Group(replace(own, version=own.version - first), Plans(one), Family.alone(one))
            start = end


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A batch, billed: each of its rows is in one group's bills or in `refused`, never in both."""

    received: int
    groups: tuple[Group, ...]
    refused: tuple[RowProblem, ...]  # ordered by position in the batch

    @property
    def billed(self) -> int:
        return sum(len(group.result.total) for group in self.groups)


def _some(result: Result, rows: Whole) -> Result:
    """Some rows of a result, in the order asked for."""
    parts, offsets = (rows, None) if result.offsets is None else chosen_items(result.offsets, rows)
    return replace(
        result,
        positions=result.kept[rows],
        version=result.version[parts],
        period_from=result.period_from[parts],
        period_to=result.period_to[parts],
        offsets=offsets,
        amounts={name: values.take(parts) for name, values in result.amounts.items()},
        shown={name: values.take(parts) for name, values in result.shown.items()},
        total=result.total.take(rows),
        ledgers={name: values.take(rows) for name, values in result.ledgers.items()},
        quantities={name: values.take(parts) for name, values in result.quantities.items()},
        prices={name: values.take(parts) for name, values in result.prices.items()},
        warnings={name: values.take(rows) for name, values in result.warnings.items()},
        warning_values={
            name: {value: of.take(rows) for value, of in values.items()}
            for name, values in result.warning_values.items()
        },
        steps={step: values.take(parts) for step, values in result.steps.items()},
        scores={name: values.take(rows) for name, values in result.scores.items()},
        segments={name: values.take(rows) for name, values in result.segments.items()},
    )


def _slice(result: Result, start: int, end: int) -> Result:
    """A stretch of a result's rows, not copied; the refusals are left out."""
    rows = parts = slice(start, end)
    offsets = None
    if result.offsets is not None:
        first, last = int(result.offsets[start]), int(result.offsets[end])
        parts = slice(first, last)
        if last - first > end - start:
            offsets = result.offsets[start : end + 1] - first

    def of_rows(columns: dict[str, Array]) -> dict[str, Array]:
        return {name: values[rows] for name, values in columns.items()}

    def of_parts(columns: dict[str, Array]) -> dict[str, Array]:
        return {name: values[parts] for name, values in columns.items()}

    return Result(
        received=end - start,
        positions=result.kept[rows],
        version=result.version[parts],
        period_from=result.period_from[parts],
        period_to=result.period_to[parts],
        offsets=offsets,
        amounts=of_parts(dict(result.amounts)),
        shown=of_parts(dict(result.shown)),
        total=result.total[rows],
        ledgers=of_rows(dict(result.ledgers)),
        quantities=of_parts(dict(result.quantities)),
        prices=of_parts(dict(result.prices)),
        warnings=of_rows(dict(result.warnings)),
        warning_values={name: of_rows(dict(values)) for name, values in result.warning_values.items()},
        problems=(),
        steps={step: values[parts] for step, values in result.steps.items()},
        scores=of_rows(dict(result.scores)),
        segments=of_rows(dict(result.segments)),
    )
