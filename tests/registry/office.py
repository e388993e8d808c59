"""People who take steps in a registry, and what they are told when they may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count

import pytest

from engine.language.problems import ProblemsFound
from engine.registry.registry import Registry, VersionRecord
from tests.registry.books import book


class Office:
    """People at work in a registry: Li writes, Wang approves; every request has a number of its own."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.numbers = count(1)

    def request(self) -> str:
        return f"request {next(self.numbers)}"

    def publish(self, price: str = "0.5283", **more: bytes) -> VersionRecord:
        return self.registry.publish(book(price, **more), who="Li", why=f"at {price}", request_id=self.request())

    def approve(self, record: VersionRecord) -> VersionRecord:
        return self.registry.approve(record.version, who="Wang", why="recalculated", request_id=self.request())

    def activate(self, record: VersionRecord, active_from: datetime | None = None) -> VersionRecord:
        return self.registry.activate(
            record.version, who="Wang", why="notice 7", active_from=active_from, request_id=self.request()
        )

    def withdraw(self, record: VersionRecord, to: VersionRecord, who: str = "Wang") -> VersionRecord:
        return self.registry.withdraw(
            record.version, who=who, reason="typing error", return_to=to.version, request_id=self.request()
        )

    def approved(self, price: str = "0.5283", **more: bytes) -> VersionRecord:
        return self.approve(self.publish(price, **more))


def codes(refused: Callable[[], object]) -> list[str]:
    """The codes with which something is refused."""
    with pytest.raises(ProblemsFound) as found:
        refused()
    return [one.code for one in found.value.problems]
