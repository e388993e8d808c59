"""What answers: rate books ready to bill, and which of them answers a call.

A `LoadedBook` never changes. A call takes one when it begins and keeps it to its end, so that an activation in between
changes no answer of a stream, and no answer is of two versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.evaluator.families import Families
from engine.evaluator.native import Backend
from engine.evaluator.scalar import Scalar


@dataclass(frozen=True, slots=True)
class LoadedBook:
    """One version of the rate book, ready to bill. Threads may share it.

    Attributes:
        version: content hash of its files, 64 hexadecimal digits.
        book: its rule sets.
        plans: of the column evaluator, by key of the book and of families of rule sets.
        scalars: key of the book -> the evaluator of one bill.
        files: path inside the rate book -> bytes.
    """

    version: str
    book: RateBook
    plans: Families
    scalars: Mapping[str, Scalar]
    files: Mapping[str, bytes]

    @property
    def rulesets(self) -> Mapping[str, Compiled]:
        """Rule sets by key: an id, or `id@first day` where several share one."""
        return self.book.rulesets


def loaded(version: str, book: RateBook, files: Mapping[str, bytes], backend: Backend = "numpy") -> LoadedBook:
    """Make a compiled rate book ready to bill."""
    scalars = {key: Scalar(compiled) for key, compiled in book.rulesets.items()}
    return LoadedBook(version, book, Families(book.rulesets, backend=backend), scalars, files)


class Books(Protocol):
    """Which version answers a call. Threads share it."""

    def choose(self, version: str = "", allow_withdrawn: bool = False) -> LoadedBook:
        """Give the version that is named, or the one that is active now.

        Raises:
            ProblemsFound: `version-not-here`, `version-withdrawn`, `no-version-active`, `allow-withdrawn-alone`,
                `registry-unavailable`.
        """

    def used(self, version: str, run: str, bills: Mapping[int, int]) -> None:
        """Note what a version billed.

        Args:
            version: content hash.
            run: name of the run; "" for single bills.
            bills: month of the first day billed, as year x 12 + month - 1 -> how many were made.
        """
