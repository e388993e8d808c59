"""Runs that are killed with SIGKILL, at a small count; `make kill-test` does it a hundred times to more rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.runs.killing import kill_runs


@pytest.mark.parametrize("scattered", [False, True], ids=["ranges", "staged"])
def test_a_run_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, scattered: bool) -> None:
    cache = Path(os.environ["SHARED_BY_TESTS"]) / "dianjia"
    report = kill_runs(tmp_path, 120_000, kills=4, seed=3, scattered=scattered, partition_rows=15_000, cache=cache)

    assert report.faults == []
    assert report.kills >= 4
