"""What the command that makes the peers' environments says; nothing is installed."""

from __future__ import annotations

import subprocess

import pytest

from benchmarks import environments


def test_one_that_cannot_be_made_is_told_and_the_others_are_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(name: str) -> None:
        if name == "pysam":
            raise subprocess.CalledProcessError(1, ["python", "-m", "pip", "install", "--requirement", "pysam.txt"])

    monkeypatch.setattr(environments, "make", make)

    code = environments.main([])

    told = capsys.readouterr()
    assert code == 1
    assert [name for name in environments.names() if name != "pysam"] == [
        line.partition(":")[0] for line in told.out.splitlines()
    ]
    assert told.err.startswith("pysam: not there, its packages could not be installed; ")
    assert told.err.endswith("`python -m benchmarks.environments pysam`\n")
