"""How far a stream has come, and whoever wants to know of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come."""

    rows: int  # billed or refused
    billed: int
    refused: int
    rows_in_all: int | None  # None: frames that are still to come are not counted
    seconds: float
    resumed: int  # how often the stream began again


class Watch:
    """Counts what is done with, and tells whoever wants to know."""

    def __init__(self, progress: Callable[[Progress], None] | None, rows_in_all: int | None) -> None:
        self._progress = progress
        self._rows_in_all = rows_in_all
        self._began = time.monotonic()
        self._answered = self._billed = self._resumed = 0
        self._told = -1

    def resume(self) -> None:
        """Note that the stream begins again."""
        self._resumed += 1

    def note(self, answered: int, billed: int, unsent: int) -> None:
        """Note an answer, and how many rows in all were refused without being sent."""
        self._answered += answered
        self._billed += billed
        rows = self._answered + unsent
        if self._progress is not None and rows != self._told:
            self._told = rows
            seconds = time.monotonic() - self._began
            self._progress(Progress(rows, self._billed, rows - self._billed, self._rows_in_all, seconds, self._resumed))
