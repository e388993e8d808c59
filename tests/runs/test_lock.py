"""The lock of a run's folder: held by one process, and let go of by the system however that process ends."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.bulk.problems import FileProblem
from engine.runs import alive, lock
from tests.documents import ROOT

HOLDER = """
import sys, time
from pathlib import Path
from engine.runs import lock
with lock.held(Path(sys.argv[1])) as other:
    print(repr(other), flush=True)
    time.sleep(600)
"""


def test_it_is_free_and_then_held(tmp_path: Path) -> None:
    """Whoever comes second is told the machine and the process of the first."""
    folder = tmp_path / "out" / "_run"

    with lock.held(folder) as first, lock.held(folder) as second:
        driven = alive.is_locked(folder / "lock")

    assert (first, second) == ("", f"{socket.gethostname()}:{os.getpid()}")
    assert driven
    assert not alive.is_locked(folder / "lock")


def test_who_ends_a_run_keeps_drivers_away(tmp_path: Path) -> None:
    """Between the look whether somebody drives a run and its end nobody begins to."""
    with lock.held(tmp_path), lock.kept_free(tmp_path) as while_driven:
        pass
    with lock.kept_free(tmp_path) as free, lock.held(tmp_path) as driver:
        pass
    with lock.held(tmp_path) as later:
        pass

    assert (while_driven, free) == (False, True)
    assert driver != ""
    assert later == ""


def test_who_looks_does_not_keep_a_driver_away(tmp_path: Path) -> None:
    """To look at a lock is to hold it for a moment."""
    with lock.held(tmp_path):
        pass
    with (tmp_path / "lock").open("r") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        timer = threading.Timer(lock.WAIT_SECONDS, fcntl.flock, (looking.fileno(), fcntl.LOCK_UN))
        timer.start()
        with lock.held(tmp_path) as other:
            pass
        timer.join()

    assert other == ""


def test_the_lock_of_a_folder_that_was_taken_away_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holder removes the folder of a run that could not be planned; a third one makes it anew, and holds that."""
    flock = fcntl.flock

    def late(handle: int, how: int) -> None:
        flock(handle, how)
        (tmp_path / "lock").unlink()

    monkeypatch.setattr(fcntl, "flock", late)
    with lock.held(tmp_path) as other:
        pass

    assert other != ""


def test_asking_takes_nothing_away(tmp_path: Path) -> None:
    """A second one that gives up leaves the lock to the first."""
    with lock.held(tmp_path):
        with lock.held(tmp_path) as second:
            assert second
        with lock.held(tmp_path) as third:
            assert third


def test_a_folder_that_is_not_there_is_driven_by_nobody(tmp_path: Path) -> None:
    assert not alive.is_locked(tmp_path / "none" / "lock")


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    """SIGKILL leaves the file with the dead process in it, and no lock."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        said = holder.stdout.readline()
        while_it_lives = alive.is_locked(tmp_path / "lock")
        with lock.held(tmp_path) as other:
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    assert said == "''\n"
    assert while_it_lives
    assert other.endswith(f":{holder.pid}")
    assert (tmp_path / "lock").read_text(encoding="utf-8").endswith(f":{holder.pid}")
    assert not alive.is_locked(tmp_path / "lock")
    with lock.held(tmp_path) as now:
        assert now == ""


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(FileProblem, match="output-unwritable"), lock.held(tmp_path / "file" / "_run"):
        pass
