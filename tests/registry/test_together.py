"""Several processes in one registry at once, from its first opening on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.registry.registry import Registry

ROOT = Path(__file__).resolve().parent.parent.parent
PROCESSES = 4
VERSIONS = 5


@pytest.fixture
def answers(database_url: str) -> list[dict[str, object]]:
    """What each process was answered."""
    command = [sys.executable, "-m", "tests.registry.worker", database_url]
    workers = [
        subprocess.Popen(
            [*command, chr(ord("a") + number), str(VERSIONS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    found = []
    for worker in workers:
        said, complaints = worker.communicate(timeout=120)
        assert (0, "") == (worker.returncode, complaints)
        found.append(json.loads(said))
    return found


def test_processes_at_once_leave_no_gap_and_no_broken_chain(
    answers: list[dict[str, object]], database_url: str
) -> None:
    """All make the tables, all publish, approve and activate; what all ask for with one request_id is done once."""
    registry = Registry(database_url)
    steps = 2 + PROCESSES * VERSIONS * 3
    made = {str(version) for answer in answers for version in answer["made"]}  # type: ignore[attr-defined]  # JSON

    history = registry.history(limit=1000)
    uses = [(one.month, one.bills) for one in registry.uses("v")]
    schedule = registry.schedule()
    holds = registry.chain_holds()

    registry.close()
    assert list(range(1, steps + 1)) == [one.number for one in history]
    assert holds
    assert PROCESSES * VERSIONS == len(made)
    assert made == {one.version for one in history if one.action == "activated"}
    assert made == {one.version for one in schedule.activations}
    assert 1 == len({answer["shared"] for answer in answers})
    assert 1 == len({answer["approved"] for answer in answers})
    assert [(24300, PROCESSES * VERSIONS), (24301, 2 * PROCESSES * VERSIONS)] == uses
