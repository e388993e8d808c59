"""An input that changed between planning and resuming is noticed; one that was copied or touched is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.bulk.problems import FileProblem
from engine.runs.fingerprint import changed, fingerprint


def test_what_changed_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        (folder / name).write_bytes(b"1234")
    lone = tmp_path / "lone"
    lone.write_bytes(b"5678")
    taken = json.loads(json.dumps(fingerprint([folder, lone])))
    assert changed(taken) == []

    (folder / "a").write_bytes(b"12345")
    (folder / "b").write_bytes(b"4321")
    (folder / "c").unlink()
    (folder / "e").write_bytes(b"")
    lone.unlink()

    expected = [("a", "size"), ("b", "content"), ("c", "missing"), ("e", "added")]
    assert changed(taken) == [*((str(folder / name), what) for name, what in expected), (str(lone), "missing")]


def test_a_file_that_was_touched_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"1234")
    taken = fingerprint([file])

    os.utime(file, ns=(1, 1))

    assert changed(taken) == []


def test_a_thorough_look_trusts_no_time(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"1234")
    taken = fingerprint([file])
    before = file.stat()

    file.write_bytes(b"4321")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert changed(taken) == []
    assert changed(taken, thorough=True) == [(str(file), "content")]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileProblem) as raised:
        fingerprint([tmp_path / "none"])

    assert raised.value.code == "portfolio-not-found"
