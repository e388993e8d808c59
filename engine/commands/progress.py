"""A progress bar on a terminal: rows done, rows a second, and how long it takes yet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass
class Bar:
    """A progress bar: rows done, of all rows, how many a second, and how long it takes yet."""

    update: Callable[..., None]

    def begin(self, rows: int, done: int) -> None:
        """Say how many rows there are, and how many were done before."""
        self.update(total=rows, completed=done)

    def at(self, done: int, total: int | None) -> None:
        """Say how many rows are done, of how many."""
        self.update(completed=done, total=total)

    def add(self, rows: int) -> None:
        """Say that rows are done."""
        self.update(advance=rows)


@contextmanager
def progress(title: str) -> Iterator[Bar | None]:
    """A progress bar on standard error where that is a terminal and rich is installed; else nothing."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:,.0f}/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield Bar(lambda **changes: bar.update(task, **changes))
