"""Bills of a group as amounts by charge and line, in whole numbers of one count of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Compiled
from engine.evaluator.groups import Group

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

WHOLE_MAX = 2**62


class TooLarge(ArithmeticError):
    """An amount does not fit into 62 bits at the places of the comparison."""


def scaled(values: Whole, by: int) -> Whole:
    """Multiply whole numbers; raises `TooLarge` where they leave 62 bits."""
    if by == 1 or not len(values):
        return values.astype(np.int64, copy=False)
    if max(abs(int(values.max())), abs(int(values.min()))) > WHOLE_MAX // by:
        raise TooLarge
    found: Whole = values.astype(np.int64) * by
    return found


def places_of(compiled: Compiled) -> int:
    """Places that hold the total and all money lines of a rule set."""
    steps, program = compiled.program.steps, compiled.program
    return max(steps[program.total].type.places, *(steps[line.amount].type.places for line in program.lines), 0)


def charges_of(compiled: Compiled) -> tuple[str, ...]:
    """The charges that bring money, in the order of the bill."""
    return tuple(dict.fromkeys(line.charge for line in compiled.program.lines if line.money))


@dataclass(frozen=True, eq=False)
class Some:
    """Some rows of a group.

    Attributes:
        at: shape (row,) positions in the group's results.
        places: of what is given.
    """

    group: Group
    at: Whole
    places: int

    @cached_property
    def counts(self) -> Whole:
        """Shape (row,): parts of each row."""
        offsets = self.group.result.offsets
        if offsets is None:
            return np.ones(len(self.at), np.int64)
        return np.diff(offsets)[self.at]

    @cached_property
    def parts(self) -> Whole:
        """Shape (part,): where the rows' parts are."""
        offsets = self.group.result.offsets
        if offsets is None:
            return self.at
        begins = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])[:-1]
        return np.repeat(offsets[:-1][self.at] - begins, self.counts) + np.arange(int(self.counts.sum()))

    @cached_property
    def row(self) -> Whole:
        """Shape (part,): the row of each part."""
        return np.repeat(np.arange(len(self.at)), self.counts)

    @property
    def several(self) -> bool:
        """Whether a row may have several parts."""
        return self.group.result.offsets is not None

    def by(self, step: int) -> int:
        """What a step's whole numbers are multiplied by."""
        return int(10 ** (self.places - self.group.compiled.program.steps[step].type.places))

    def line(self, id_: str) -> Whole:
        """Shape (part,): a money line's amount; 0 where it is not shown."""
        result, program = self.group.result, self.group.compiled.program
        line = next(one for one in program.lines if one.id == id_)
        amounts, shown = result.amounts[id_].take(self.parts), result.shown.get(id_)
        if shown is not None:
            amounts = np.where(shown.take(self.parts), amounts, 0)
        return scaled(amounts, self.by(line.amount))

    def summed(self, parts: Whole) -> Whole:
        """Add parts up by row."""
        if not self.several or not len(parts):
            return parts
        found: Whole = np.add.reduceat(parts, np.cumsum(self.counts) - self.counts)
        return found

    @cached_property
    def total(self) -> Whole:
        """Shape (row,)."""
        return scaled(self.group.result.total.take(self.at), self.by(self.group.compiled.program.total))

    @cached_property
    def charges(self) -> Mapping[str, Whole]:
        """By charge, shape (row,)."""
        found: dict[str, Whole] = {}
        for line in self.group.compiled.program.lines:
            if line.money:
                amount = self.summed(self.line(line.id))
                found[line.charge] = found[line.charge] + amount if line.charge in found else amount
        return found

    def index(self, id_: str) -> Whole:
        """Shape (part,): a line that says which cell is read."""
        return self.group.result.amounts[id_].take(self.parts)

    def version(self) -> Whole:
        """Shape (part,): the version of its own rule set that bills each part."""
        result, group = self.group.result, self.group
        version = result.version.take(self.parts)
        if group.code is None:
            return version - group.family.firsts[0]
        firsts: Whole = np.array(group.family.firsts, np.int64)
        found: Whole = version - firsts[group.code.take(self.at)].take(self.row)
        return found
