"""`dianjia run` and `dianjia runs`: what an operator types, reads, and gets as JSON and exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from engine.bulk.problems import FileProblem
from engine.bulk.sinks import PARTIAL
from engine.cli import main
from engine.commands.run import open_ledger
from engine.runs.ledger import Ledger
from engine.runs.order import Order
from tests.bulk.book import HOME, SHOP, make_book
from tests.documents import ROOT
from tests.running import files, read
from tests.runs.portfolio import PARTITION_ROWS, REFUSED, TOTALS, table, written

RUN = ("run", "--input", "rows.parquet", "--output", "out", "--partition-rows", str(PARTITION_ROWS), "--threads", "1")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and a portfolio in it, and a ledger of its own, as the current one."""
    (tmp_path / "rules").mkdir()
    make_book(tmp_path / "rules")
    written(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    return tmp_path


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def told(*arguments: str, code: int = 0) -> Any:
    """What a command tells a program."""
    done = dianjia(*arguments, "--format", "json")
    assert done.exit_code == code, done.stderr
    return json.loads(done.stdout)


def interrupted(*arguments: str) -> str:
    """A run that is killed as soon as its second partition is in the ledger; gives its id."""
    command = [sys.executable, "-c", KILLED, *(arguments or RUN)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    (found,) = [one["run"] for one in told("runs", "list") if one["counts"]["partitions_done"] == 2]
    return str(found)


KILLED = """
import os, signal, sys
from engine.cli import main
from engine.runs.ledger import Ledger
commit = Ledger.commit
def killing(ledger, run, done, seconds):
    commit(ledger, run, done, seconds)
    if done.partition == 1:
        os.kill(os.getpid(), signal.SIGKILL)
Ledger.commit = killing
main(sys.argv[1:])
"""


class TestList:
    def test_a_ledger_without_runs(self, here: Path) -> None:
        assert dianjia("runs", "list").stdout == "the ledger has no runs.\n"
        assert dianjia("runs", "list", "--language", "zh").stdout == "台账中没有计算。\n"
        assert told("runs", "list") == []

    def test_a_list_of_objects_newest_first(self, here: Path) -> None:
        first = told(*RUN)["run"]
        second = told(*RUN, "--overwrite", "--only", "region=north")["run"]

        runs = told("runs", "list")

        assert [(one["run"], one["state"]) for one in runs] == [(second, "finished"), (first, "finished")]
        assert runs[1]["counts"] == {
            "rows": 12,
            "received": 12,
            "billed": 10,
            "refused": 2,
            "left_out": 0,
            "partitions": 4,
            "partitions_done": 4,
            "attempts": 4,
        }
        assert [(one["filter"], one["complete"]) for one in runs] == [("region=north", False), ("", True)]
        assert [one["counts"]["left_out"] for one in runs] == [8, 0]
        assert told("runs", "list", "--count", "1") == runs[:1]

    def test_as_text(self, here: Path) -> None:
        run = told(*RUN, "--only", "region=north")["run"]

        (heads, _, line) = dianjia("runs", "list").stdout.splitlines()

        assert heads.split() == ["run", "state", "rows", "billed", "refused", "partitions", "filter", "output"]
        assert line.split() == [run, "finished", "12", "3", "1", "4/4", "region=north", "out"]

    def test_a_ledger_of_ones_own(self, here: Path) -> None:
        """Named by an option, or by the environment."""
        told(*RUN, "--database", "sqlite:///own.sqlite")

        assert (here / "own.sqlite").exists()
        assert told("runs", "list") == []
        assert len(told("runs", "list", "--database", "sqlite:///own.sqlite")) == 1

    def test_a_ledger_in_postgresql(self, here: Path, postgresql_url: str) -> None:
        run = told(*RUN, "--database", postgresql_url)["run"]

        (found,) = told("runs", "list", "--database", postgresql_url)
        check = told("runs", "verify", run, "--database", postgresql_url)

        assert (found["run"], found["state"], found["counts"]["billed"]) == (run, "finished", 10)
        assert check["holds"]

    def test_a_machine_that_was_given_another_name(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of a ledger in a file every driver is on this machine, whatever it was called then."""
        monkeypatch.setattr("engine.runs.ledger.this_driver", lambda: "another-name:4711")
        with open_ledger("") as ledger:
            ledger.create(Order((str(here / "rows.parquet"),), (str(here / "rules"),), str(here / "out")), "out/_run")

        (found,) = told("runs", "list")

        assert (found["driver"], found["state"]) == ("another-name:4711", "interrupted")


class TestShow:
    def test_partitions_and_control_sums(self, here: Path) -> None:
        """Sums of whole fen by rule set and line, as the bills add up."""
        run = told(*RUN)["run"]

        found = told("runs", "show", run[-4:])

        assert found["control_sums"] == {
            HOME: {"energy": 27789, "new_here": 0, "relief": 0, "total": 27789},
            SHOP: {"energy": 52700, "total": 52700},
        }
        assert [(one["number"], one["state"], one["rows"], one["billed"]) for one in found["partitions"]] == [
            (0, "done", 3, 3),
            (1, "done", 3, 2),
            (2, "done", 3, 3),
            (3, "done", 3, 2),
        ]
        (bills,) = [of for name, of in found["partitions"][1]["files"].items() if name == "bills/00001.parquet"]
        assert (bills["rows"], bills["bytes"]) == (2, (here / "out" / "bills" / "00001.parquet").stat().st_size)

    def test_as_text(self, here: Path) -> None:
        first = told(*RUN, "--output", "first")["run"]
        run = told(*RUN, "--only", "region=north", "--mends", "first")["run"]

        lines = dict(re.split(r"  +", one, maxsplit=1) for one in dianjia("runs", "show", run).stdout.splitlines()[:13])

        assert lines["run"] == run
        assert (lines["filter"], lines["mends"], lines["left out"]) == ("region=north", first, "8")
        assert lines["input"] == str(here / "rows.parquet")

    def test_no_such_run(self, here: Path) -> None:
        done = dianjia("runs", "show", "run-1")
        in_chinese = dianjia("runs", "show", "run-1", "--language", "zh")

        assert done.exit_code == in_chinese.exit_code == 1
        assert done.stderr.startswith("run-1: run-not-found: the ledger has 0 runs of this id.\n")
        assert "台账中有 0 个此编号的计算" in in_chinese.stderr


class TestResume:
    def test_after_a_kill(self, here: Path) -> None:
        """It is `interrupted` until it is resumed; a second resumption does nothing and says the same."""
        run = interrupted()
        (found,) = told("runs", "list")
        before = files(here / "out")

        summary = told("runs", "resume", run)
        after, again = files(here / "out"), told("runs", "resume", run)

        assert (found["state"], found["counts"]["partitions_done"]) == ("interrupted", 2)
        assert (summary["run"], summary["billed"], summary["refused"]["rows"]) == (run, 10, 2)
        assert {name: of for name, of in before.items() if not name.endswith(PARTIAL)}.items() <= after.items()
        assert again == summary
        assert files(here / "out") == after
        assert {one["row_id"]: str(one["total"]) for one in read(here / "out", "bills").to_pylist()} == TOTALS
        assert told("runs", "list")[0]["state"] == "finished"

    def test_rules_that_changed(self, here: Path) -> None:
        """Refused, in both languages; told otherwise, the run's own rate book bills, and no rules are read."""
        run = interrupted()
        rule = here / "rules" / "home.ruleset.yaml"
        rule.write_text(rule.read_text("utf-8").replace("0.5283", "0.6000"), "utf-8")

        refused, in_chinese = dianjia("runs", "resume", run), dianjia("runs", "resume", run, "--language", "zh")
        rule.write_text("no rules at all", "utf-8")
        summary = told("runs", "resume", run, "--despite", "rules")

        assert refused.exit_code == in_chinese.exit_code == 1
        assert f"{run}: run-changed: since the run was planned, the rate book changed: " in refused.stderr
        assert "go on nevertheless: --despite rules" in refused.stderr
        assert "计划后电价册已改变" in in_chinese.stderr
        assert [one["total"] for one in summary["rulesets"]] == ["277.89", "527.00"]

    def test_the_filter_is_the_runs(self, here: Path) -> None:
        run = interrupted(*RUN, "--only", "region=north")

        assert told("runs", "resume", run)["left_out"] == 8

    def test_a_run_that_was_killed_while_it_was_planned(self, here: Path) -> None:
        """Nothing is kept of its rate book yet, so that it is compiled, whatever may have changed."""
        command = [sys.executable, "-c", PLANNED, *RUN]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        (found,) = told("runs", "list")

        summary = told("runs", "resume", found["run"], "--despite", "rules")

        assert found["state"] == "interrupted"
        assert (summary["billed"], summary["refused"]["rows"]) == (len(TOTALS), len(REFUSED))


PLANNED = """
import os, signal, sys
from engine.cli import main
from engine.runs.ledger import Ledger
Ledger.plan = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


class TestCancel:
    def test_a_run_that_was_interrupted(self, here: Path) -> None:
        run = interrupted()

        cancelled = told("runs", "cancel", run)
        resumed, again = dianjia("runs", "resume", run), dianjia("runs", "cancel", run)

        assert (cancelled["state"], cancelled["reason"]) == ("cancelled", "cancelled by the operator")
        assert (resumed.exit_code, again.exit_code) == (1, 1)
        assert "run-cancelled" in resumed.stderr
        assert "the run is cancelled" in again.stderr

    def test_a_run_that_is_finished(self, here: Path) -> None:
        run = told(*RUN)["run"]

        done = dianjia("runs", "cancel", run)

        assert (done.exit_code, done.stderr) == (1, f"{run}: the run is finished already.\n")

    def test_a_run_that_is_driven(self, here: Path) -> None:
        """Another process bills; it ends at its next look, with exit code 1, and says so."""
        driven = subprocess.Popen(
            [sys.executable, "-c", SLOW, *RUN],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with driven:
            assert driven.stderr is not None
            run = driven.stderr.readline().strip()
            asked = dianjia("runs", "cancel", run)
            _, said = driven.communicate(timeout=120)

        assert asked.stdout == f"{run}: asked to end; its driver does so after this batch\n"
        assert driven.returncode == 1
        assert "run-cancelled" in said
        assert told("runs", "list")[0]["state"] == "cancelled"


SLOW = """
import sys, time
from engine.cli import main
from engine.runs.ledger import Ledger
commit = Ledger.commit
def waiting(ledger, run, done, seconds):
    while not ledger.is_asked_to_stop(run):
        time.sleep(0.02)
    commit(ledger, run, done, seconds)
Ledger.commit = waiting
main(sys.argv[1:])
"""


class TestVerify:
    def test_a_run_that_is_as_the_ledger_says(self, here: Path) -> None:
        run = told(*RUN)["run"]

        done = dianjia("runs", "verify", run)
        check = told("runs", "verify", run, "--sample", "0")

        assert (done.exit_code, check["holds"], check["sampled"]) == (0, True, 0)
        assert ["differences", "0"] in [line.split() for line in done.stdout.splitlines()]

    def test_a_file_that_is_gone(self, here: Path) -> None:
        run = told(*RUN)["run"]
        (here / "out" / "refused" / "00001.parquet").unlink()

        done = dianjia("runs", "verify", run)
        check = told("runs", "verify", run, code=1)

        assert done.exit_code == 1
        assert "refused/00001.parquet  file" in done.stdout
        assert not check["holds"]

    def test_by_the_folder_in_chinese(self, here: Path) -> None:
        told(*RUN)
        (here / "out" / "refused" / "00001.parquet").unlink()

        done = dianjia("runs", "verify", "out", "--language", "zh")

        assert done.exit_code == 1
        assert re.search("refused/00001.parquet +文件 +已写 +不存在", done.stdout)

    def test_a_run_that_is_not_finished(self, here: Path) -> None:
        run = interrupted()

        done = dianjia("runs", "verify", run)

        assert done.exit_code == 0
        assert ["partitions", "2/4"] in [line.split() for line in done.stdout.splitlines()]
        assert done.stdout.endswith(f"Go on with `dianjia runs resume {run}`.\n")

    def test_a_run_whose_folder_holds_another(self, here: Path) -> None:
        first = told(*RUN)["run"]
        second = told(*RUN, "--overwrite")["run"]

        done = dianjia("runs", "verify", first)

        assert done.exit_code == 1
        assert f"{first}: its folder `out` holds the results of {second} now." in done.stderr


class TestStopped:
    def test_what_stopped_a_run_and_how_it_goes_on(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        commit = Ledger.commit

        def failing(ledger: Ledger, run: str, done: Any, seconds: float) -> None:
            if done.partition == 1:
                raise FileProblem("output-unwritable", "out", reason="No space left on device")
            commit(ledger, run, done, seconds)

        with monkeypatch.context() as change:
            change.setattr(Ledger, "commit", failing)
            stopped = dianjia(*RUN)
            again = dianjia("runs", "resume", "out", "--language", "zh")
        (run,) = [one["run"] for one in told("runs", "list")]

        assert (stopped.exit_code, again.exit_code) == (1, 1)
        assert stopped.stderr.endswith(f"when that is mended, `dianjia runs resume {run}` goes on.\n")
        assert again.stderr.endswith(f"排除原因后继续：`dianjia runs resume {run}`。\n")
        assert told("runs", "resume", "out")["billed"] == 10


class TestDryRun:
    def test_nothing_is_billed(self, here: Path) -> None:
        plan = told(*RUN, "--dry-run")

        assert plan == {
            "rows": 12,
            "partitions": {"how": "ranges", "count": 4},
            "accounts": None,
            "repeated_row_ids": 0,
            "rows_to_bill": {},
        }
        assert not (here / "out").exists()
        assert told("runs", "list") == []

    def test_rows_to_bill_by_rule_set(self, here: Path) -> None:
        plan = told(*RUN, "--dry-run", "--only", "region=north")
        text = dianjia(*RUN, "--dry-run", "--only", "region=north")

        assert plan["rows_to_bill"] == {HOME: 2, SHOP: 1, "cn.test.none": 1}
        assert ["in", "all", "4"] in [line.split() for line in text.stderr.splitlines()]


class TestOptions:
    def test_only_is_told_on_the_way_and_in_the_end(self, here: Path) -> None:
        done = dianjia(*RUN, "--only", "region=north")

        assert done.exit_code == 0
        assert ["in", "all", "4"] in [line.split() for line in done.stderr.splitlines()]  # before the first row
        assert ["filter", "region=north"] in [line.split() for line in done.stdout.splitlines()]
        assert ["left", "out", "8"] in [line.split() for line in done.stdout.splitlines()]
        summary = json.loads((here / "out" / "summary.json").read_text("utf-8"))
        assert (summary["filter"], summary["left_out"]) == ("region=north", 8)

    @pytest.mark.parametrize(
        ("only", "code"), [("region", 2), ("regoin=north", 1), ("kwh=much", 1)], ids=["form", "column", "value"]
    )
    def test_only_that_chooses_by_nothing(self, only: str, code: int, here: Path) -> None:
        done = dianjia(*RUN, "--only", only)

        assert done.exit_code == code
        assert f"`{only.partition('=')[0]}`" in done.stderr
        assert "Traceback" not in done.stderr
        assert told("runs", "list") == []

    def test_mends(self, here: Path) -> None:
        """Refused rows, mended, are a run of their own that says whose they are."""
        first = told(*RUN)["run"]
        rows = table().filter([id_ in REFUSED for id_ in table()["row_id"].to_pylist()])
        pq.write_table(rows.set_column(1, "ruleset", [[SHOP, SHOP]]), here / "mended.parquet")

        told("run", "--input", "mended.parquet", "--output", "more", "--mends", first)

        newest = told("runs", "list")[0]
        assert (newest["refers_to"], newest["counts"]["billed"]) == (first, 1)

    def test_mends_a_run_that_the_ledger_does_not_have(self, here: Path) -> None:
        done = dianjia(*RUN, "--mends", "frist")

        assert done.exit_code == 1
        assert done.stderr.startswith("frist: run-not-found")
        assert not (here / "out").exists()

    def test_no_row_is_selected(self, here: Path) -> None:
        done = dianjia(*RUN, "--only", "region=nowhere")

        assert done.exit_code == 0
        assert "no row is selected: all are left out." in done.stderr

    def test_rules_that_are_not_the_new_ones(self, here: Path) -> None:
        (here / "new").mkdir()
        make_book(here / "new")

        wrong = dianjia(*RUN, "--rules", "rules", "--affected-by", "rules", "new")
        right = dianjia(*RUN, "--rules", "new", "--affected-by", "rules", "new")

        assert (wrong.exit_code, right.exit_code) == (2, 0)
        assert "bills with the rules of `new`; --rules names `rules`" in wrong.stderr

    def test_no_input(self, here: Path) -> None:
        done = dianjia("run", "--output", "out")

        assert done.exit_code == 2
        assert "Name a portfolio with --input, or a plan that names one with --join." in done.stderr

    def test_an_input_that_the_plan_names(self, here: Path) -> None:
        (here / "regions.csv").write_text("region,manager\nnorth,wang\nsouth,li\n", encoding="utf-8")
        join = "{file: regions.csv, on: [region], columns: [manager]}"
        (here / "plan.yaml").write_text(f"input: rows.parquet\njoins:\n  regions: {join}\n", encoding="utf-8")

        billed = told("run", "--join", "plan.yaml", "--output", "out")["billed"]
        shown = dianjia("runs", "show", "out").stdout

        assert billed == told(*RUN, "--output", "alone")["billed"]
        assert re.search(rf"join +{re.escape(str(here / 'plan.yaml'))}", shown)

    @pytest.mark.parametrize("memory", ["600MB", "2G", "700 MiB"])
    def test_memory(self, memory: str, here: Path) -> None:
        assert told(*RUN, "--memory", memory)["billed"] == 10

    def test_memory_that_is_no_size(self, here: Path) -> None:
        done = dianjia(*RUN, "--memory", "much")

        assert done.exit_code == 2
        assert "`much` is no size of memory. Write it as 600MB or 2GB." in done.stderr

    def test_several_inputs_and_a_folder(self, here: Path) -> None:
        """The rows of all files count as one input; a row id that two of them have is refused once."""
        (here / "in").mkdir()
        pq.write_table(table().slice(0, 6), here / "in" / "a.parquet")
        pq.write_table(table().slice(6), here / "in" / "b.parquet")
        again = ("--input", "rows.parquet")

        whole = told("run", "--input", "in", "--output", "folder")
        doubled = told("run", "--input", "in", *again, "--output", "twice")

        assert (whole["rows"], whole["billed"]) == (12, 10)
        assert (doubled["rows"], doubled["billed"], doubled["refused"]["by_code"]["duplicate-row"]) == (24, 10, 12)


def test_clean_deletes_the_copy_of_the_input(here: Path) -> None:
    """A CSV file is copied; without the copy the files can be verified, and no sample drawn."""
    (here / "rows.csv").write_text(
        f"row_id,ruleset,period_from,period_to,kwh\na,{HOME},2026-01-01,2026-02-01,100\n", "utf-8"
    )
    run = told("run", "--input", "rows.csv", "--output", "out")["run"]
    copies = list((here / "out" / "_run" / "staging").iterdir())

    done = dianjia("runs", "clean", run)
    check = told("runs", "verify", run)

    assert copies
    assert done.exit_code == 0
    assert not (here / "out" / "_run" / "staging").exists()
    assert (check["holds"], check["bills"], check["sampled"]) == (True, 1, 0)
    assert "the input is gone" in check["sample_kept_from"]
