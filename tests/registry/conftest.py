"""Every test that asks for a registry runs twice: in a file of SQLite, and in a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.registry.registry import Registry
from tests.registry.books import Clock, build_in_process
from tests.registry.office import Office


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place where no registry is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'registry.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def clock() -> Clock:
    """The registry's clock."""
    return Clock()


@pytest.fixture
def registry(database_url: str, clock: Clock) -> Iterator[Registry]:
    """An empty registry."""
    found = Registry(database_url, clock, build_in_process)
    yield found
    found.close()


@pytest.fixture
def office(registry: Registry) -> Office:
    """Whoever works in the registry."""
    return Office(registry)
