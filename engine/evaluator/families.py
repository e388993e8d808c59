"""A rate book ready for batches: plans of its rule sets, and of its families.

Takes rule sets by key; gives which of them a name in a row may mean, and what bills the rows of several at once. Keep
one to bill many batches. Threads may share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

import numpy as np

from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans
from engine.evaluator.family import Family, alike, merged
from engine.evaluator.memory import Pool
from engine.evaluator.native import Backend, require_backend

NATIVE_ROWS_MIN = 100_000  # of one plan, that numpy bills sooner than machine code is made or read from the disk


class Families(Mapping[str, Plans]):
    """Key of a book -> plans of the rule set by itself.

    Attributes:
        keys_: of the book, in its order.
        rulesets: in the same order.
        family: shape (rule set,): which family each is of, counted from 0.
        member: shape (rule set,): which member of it.
        placing: memory for the positions of a batch's rows.
        lasting: memory for what results hold of a batch's columns.
        passing: memory for what they do not.
    """

    def __init__(
        self, book: Mapping[str, Compiled], plans: Mapping[str, Plans] | None = None, backend: Backend = "numpy"
    ) -> None:
        """Prepare a book; `plans`: of rule sets by themselves, if there are some already."""
        require_backend(backend)
        self.book = book
        self.backend = backend
        self.keys_ = tuple(book)
        self.rulesets = tuple(book.values())
        self._numbers = {key: number for number, key in enumerate(self.keys_)}
        self._of_id: dict[str, list[int]] = {}
        for number, compiled in enumerate(self.rulesets):
            self._of_id.setdefault(compiled.id, []).append(number)
        self.family, self.member = np.zeros(len(self.keys_), np.int64), np.zeros(len(self.keys_), np.int64)
        self.placing, self.lasting, self.passing = Pool(), Pool(), Pool()
        self._members = alike(self.rulesets)
        for family, numbers in enumerate(self._members):
            self.family[numbers] = family
            self.member[numbers] = np.arange(len(numbers))
        self._plans = {} if plans is None else dict(plans)
        self._alone: dict[int, Family] = {}
        self._merged: dict[int, tuple[Family, Plans] | None] = {}
        self._lock = Lock()

    @classmethod
    def of(cls, book: Mapping[str, Compiled], plans: Mapping[str, Plans] | None) -> Families:
        """Prepare a book unless it is.

        Raises:
            ValueError: another one is prepared.
        """
        if not isinstance(plans, Families):
            return cls(book, plans)
        if plans.book is not book:
            raise ValueError("the plans are of another rate book; pass Families(book) of this one")
        return plans

    def __getitem__(self, key: str) -> Plans:
        return self.plans(self._numbers[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys_)

    def __len__(self) -> int:
        return len(self.keys_)

    def plans(self, number: int) -> Plans:
        """Give the plans of a rule set by itself."""
        key = self.keys_[number]
        found = self._plans.get(key)
        return self._plans.setdefault(key, self._made(self.rulesets[number])) if found is None else found

    def alone(self, number: int) -> Family:
        """Give a rule set as a family of its own, which keeps what is found by day."""
        return self._alone.setdefault(number, Family.alone(self.rulesets[number]))

    def native_share(self) -> tuple[int, int]:
        """Count the instructions that are in machine code, and all, of the plans that were compiled."""
        merged = [one[1] for one in self._merged.values() if one is not None]
        counts = [plans.native_share() for plans in (*self._plans.values(), *merged)]
        return sum(native for native, _ in counts), sum(all_ for _, all_ in counts)

    def _made(self, compiled: Compiled) -> Plans:
        return Plans(compiled, self.backend, NATIVE_ROWS_MIN)

    def meant(self, name: str) -> Sequence[int]:
        """Find the rule sets that a row may mean: those of an id, or the one of a key."""
        found = self._of_id.get(name)
        if found is None:
            number = self._numbers.get(name)
            return () if number is None else (number,)
        return found

    def merged(self, family: int) -> tuple[Family, Plans] | None:
        """Give what bills a family's rows at once; None: its members stay apart."""
        with self._lock:
            if family not in self._merged:
                found = merged([self.rulesets[number] for number in self._members[family]])
                self._merged[family] = None if found is None else (found, self._made(found.compiled))
            return self._merged[family]
