"""What versions billed, counted while the registry fails in one way or another."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from engine.language.problems import ProblemsFound, problem
from engine.registry.registry import Registry
from engine.service.uses import Uses

VERSION = "a" * 64
JANUARY = 2026 * 12


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(RuntimeError('relation "version_use" does not exist'), id="a fault that nobody foresaw"),
        pytest.param(ProblemsFound([problem("registry-unavailable", None)]), id="it does not answer"),
    ],
)
def test_no_count_is_lost_and_no_bill_refused(fault: Exception) -> None:
    """A new key, a known one, and a flush: each while the registry fails."""
    written: list[tuple[str, dict[int, int]]] = []
    fails = False

    def note_use(_: str, run: str, bills: dict[int, int], __: datetime) -> None:
        if fails:
            raise fault
        written.append((run, dict(bills)))

    uses = Uses(Mock(Registry, note_use=note_use), lambda: datetime(2026, 3, 1, tzinfo=UTC))
    uses.note(VERSION, "known", {JANUARY: 1})
    fails = True
    uses.note(VERSION, "known", {JANUARY: 2})
    uses.note(VERSION, "new", {JANUARY: 4})
    flushed = uses.flush()
    fails = False

    assert not flushed
    assert uses.flush()
    assert [("known", {JANUARY: 1}), ("known", {JANUARY: 2}), ("new", {JANUARY: 4})] == written
