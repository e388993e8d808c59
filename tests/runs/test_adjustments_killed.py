"""An export that is killed at any step is made whole by repeating it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.registry.database import Database
from tests.documents import ROOT
from tests.runs.adjusting import Office

V1 = {"B1": {"energy": "100.00", "fund": "2.50"}, "B2": {"energy": "50.00"}}
V2 = {"B1": {"energy": "110.00", "fund": "2.50"}, "B2": {"energy": "45.00"}, "B3": {"energy": "1.00"}}

CHILD = """
import os, signal, sys
from pathlib import Path
from engine.registry.database import Database
from engine.runs import adjustment_file, adjustment_ledger, adjustments
from engine.runs.adjustment_sources import Bills

step, folder = sys.argv[1], Path(sys.argv[2])

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def write_and_die(*given, write=adjustment_ledger.write):
    write(*given)
    die()

if step == "file written":
    adjustment_ledger.write = die
elif step == "ledger written":
    adjustment_ledger.write = write_and_die
elif step == "ledger committed":
    adjustments.hand_over = die
elif step == "file in place":
    adjustment_file.write_summary = die
run, original = (Bills(name, folder / name, "", "5" * 64) for name in ("v2", "v1"))
wish = adjustments.Wish(run, original, folder / "out.parquet", "PRICE")
adjustments.export(Database(f"sqlite:///{folder / 'ledger.sqlite'}"), wish, 1)
"""


@pytest.mark.parametrize("step", ["file written", "ledger written", "ledger committed", "file in place"])
def test_an_export_killed_at_any_step_is_made_whole_by_repeating_it(step: str, tmp_path: Path) -> None:
    """The ledger has the batch once, the file is that of an export left in peace, and nothing temporary remains."""
    database, calm = (Database(f"sqlite:///{tmp_path / name / 'ledger.sqlite'}") for name in ("killed", "calm"))
    killed, peaceful = Office(database, tmp_path / "killed"), Office(calm, tmp_path / "calm")
    first, second = killed.run("v1", V1), killed.run("v2", V2)
    expected = peaceful.export(peaceful.run("v2", V2), peaceful.run("v1", V1), output=peaceful.folder / "out.parquet")
    output = killed.folder / "out.parquet"

    child = subprocess.run([sys.executable, "-c", CHILD, step, str(killed.folder)], cwd=ROOT, check=False)
    known = step in ("ledger committed", "file in place")
    done = killed.export(second, first, output=output)

    assert -signal.SIGKILL == child.returncode
    assert known == done.again
    for name in ("out.parquet", "out.parquet.summary.json", "out.unmatched.parquet"):
        assert (expected.output.parent / name).read_bytes() == (output.parent / name).read_bytes()
    assert not [*killed.folder.rglob("*.partial")]
    with database.reading() as connection:
        assert [(1, 2)] == [
            tuple(one)
            for one in connection.exec_driver_sql(
                "SELECT (SELECT count(*) FROM adjustment_batch), (SELECT count(*) FROM adjustment)"
            )
        ]
    database.close()
    calm.close()


def test_an_export_that_fails_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger refuses at the last moment."""
    from engine.runs import adjustment_ledger

    def refuse(*_: object) -> None:
        raise RuntimeError("the disk is full")

    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    office = Office(database, tmp_path)
    first, second = office.run("v1", V1), office.run("v2", V2)
    with monkeypatch.context() as patched:
        patched.setattr(adjustment_ledger, "write", refuse)
        with pytest.raises(RuntimeError, match="the disk is full"):
            office.export(second, first)

    done = office.export(second, first)

    database.close()
    assert not done.again
    assert not [*tmp_path.rglob("*.partial")]
