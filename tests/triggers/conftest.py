"""What tests of the desk share: the four triggers, compiled once, and databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.compiler.trigger import Watch
from engine.registry.database import Database
from engine.warnings.desk import Desk
from tests.triggers.four import watch_of


@pytest.fixture(scope="session")
def four(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """The four triggers."""
    return watch_of(tmp_path_factory.mktemp("four"))


@pytest.fixture
def desk_of(tmp_path: Path, four: Watch) -> Iterator[Callable[..., Desk]]:
    """Makes a desk on a file of SQLite of this name, or on a URL; all are closed at the end."""
    with ExitStack() as closing:

        def make(name: str = "desk", watch: Watch | None = None, url: str = "") -> Desk:
            database = Database(url or f"sqlite:///{tmp_path / name}.sqlite")
            closing.callback(database.close)
            desk = Desk(database, watch or four)
            closing.callback(desk.close)
            return desk

        yield make
