"""Runs that are killed with SIGKILL, at a small count; `make kill-test` does it a hundred times to more rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.killing import kill_runs


@pytest.mark.parametrize("scattered", [False, True], ids=["ranges", "staged"])
def test_a_run_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path, scattered: bool) -> None:
    report = kill_runs(tmp_path, rows=120_000, kills=3, seed=3, scattered=scattered, partition_rows=15_000)

    assert report.faults == []
    assert report.kills >= 3
