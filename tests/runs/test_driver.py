"""A run goes on where it was cut short, has one driver, and refuses to be made of two different things."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk.partitions import Done, Partition, Work
from engine.bulk.problems import FileProblem
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.runs import driver
from engine.runs.engines.local import LocalEngine
from engine.runs.order import work_of
from tests.bulk.book import HOME, HOME_YAML, SHOP, SHOP_YAML, make_book
from tests.bulk.test_carried_run import BILLED as LADDER_BILLED
from tests.bulk.test_carried_run import YEAR as LADDER_ROWS
from tests.bulk.test_carried_run import book as ladder_book
from tests.bulk.test_carried_run import written as ladder_written
from tests.documents import ROOT
from tests.running import files, ledger_at, ledger_file, order_of, read, record, resume, run
from tests.runs.portfolio import PARTITION_ROWS, REFUSED, ROWS, TOTALS, after, table, written


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def totals(output: Path) -> dict[str, str]:
    """Totals of the bills, and codes of the refusals, by row id; each row stands in one of them once."""
    bills = [(one["row_id"], str(one["total"])) for one in read(output, "bills").to_pylist()]
    bills += [(one["row_id"], one["code"]) for one in read(output, "refused").to_pylist()]
    assert len(bills) == len(dict(bills))
    return dict(bills)


def interrupted(book: Mapping[str, Compiled], source: Path, output: Path, rows: int = 7) -> None:
    """Begin a run that the operator ends in its third partition of four."""
    with pytest.raises(KeyboardInterrupt):
        run(book, source, output, partition_rows=PARTITION_ROWS, advance=after(rows, KeyboardInterrupt()))


class Nothing:
    """An engine that must not be asked for anything."""

    name, width = "nothing", 1

    def submit(self, work: Work, partition: Partition, attempt: int) -> Future[Done]:
        raise AssertionError(f"partition {partition.number} is billed")

    def close(self) -> None:
        pass


class TestResuming:
    def test_what_is_done_stays_and_the_rest_is_made(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """Two of four partitions are done when the operator stops; theirs are the same files in the end."""
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        before, stopped = files(output), record(output)

        summary = resume(book, output)

        assert (stopped.state, stopped.reason) == ("stopped", "stopped by the operator")
        assert (stopped.partitions_done, stopped.received, stopped.billed, stopped.refused) == (2, 6, 5, 1)
        assert {name.split("/")[-1] for name in before} == {"00000.parquet", "00001.parquet"}
        assert before.items() <= files(output).items()
        assert totals(output) == TOTALS | REFUSED
        assert (summary.rows, summary.billed, summary.refused_rows) == (ROWS, 10, 2)
        # three partitions were begun, the third was begun again, and the fourth came after it
        assert (record(output).state, record(output).attempts) == ("finished", 5)

    def test_sums_are_those_of_a_run_that_nothing_disturbed(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source = written(tmp_path)
        whole = run(book, source, tmp_path / "whole")
        interrupted(book, source, tmp_path / "parts")

        parts = resume(book, tmp_path / "parts")

        assert parts.rulesets == whole.rulesets
        assert (parts.refused, parts.warnings, parts.line_tables) == (whole.refused, whole.warnings, whole.line_tables)
        assert {one.id: str(one.total) for one in parts.rulesets} == {HOME: "277.89", SHOP: "527.00"}
        for name in ("bills", "refused", f"lines/{HOME}", f"lines/{SHOP}"):
            assert read(tmp_path / "parts", name).equals(read(tmp_path / "whole", name)), name

    def test_a_second_time_does_nothing(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        first = resume(book, output)
        before, at = files(output), record(output)

        with ledger_at(ledger_file(output)) as ledger:
            again = driver.resume(ledger, at.id, lambda _: pytest.fail("rules are compiled"), Nothing())

        assert again == first
        assert files(output) == before
        assert record(output) == at

    def test_nothing_is_left_of_what_was_cut_short(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """A killed process takes nothing away: its half-written files have names of their own."""
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        (output / "bills" / "00002.parquet.1-0badcafe.partial").write_bytes(b"half")
        (output / "lines" / HOME / "00002.parquet.1-0badcafe.partial").write_bytes(b"half")

        resume(book, output)

        assert [path for path in output.rglob("*") if path.name.endswith(".partial")] == []

    def test_files_without_the_ledgers_word_are_made_again(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """A process that ends between the renaming of a partition's files and the ledger doubles no row."""
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        for name in ("bills", "refused", "warnings"):
            shutil.copy(output / name / "00001.parquet", output / name / "00002.parquet")

        resume(book, output)

        assert totals(output) == TOTALS | REFUSED

    def test_a_run_that_was_not_planned_to_the_end(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        with ledger_at(ledger_file(output)) as ledger:
            order = order_of(source, output, partition_rows=PARTITION_ROWS)
            ledger.create(order, str(driver.folder_of(order, "")))

        summary = resume(book, output)

        assert (summary.billed, record(output).partitions) == (10, 4)
        assert totals(output) == TOTALS | REFUSED

    def test_by_an_end_of_its_id(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        interrupted(book, written(tmp_path), tmp_path / "out")

        summary = resume(book, tmp_path / "out", record(tmp_path / "out").id[-7:])

        assert summary.billed == 10

    def test_accounts_carry_on_over_the_interruption(self, tmp_path: Path) -> None:
        """Rows of accounts in disorder are copied by account once; the copy is what is billed later."""
        ladder = ladder_book(tmp_path / "rules")
        rows = LADDER_ROWS[::2] + LADDER_ROWS[1::2]
        source, output = ladder_written(tmp_path / "rows.parquet", rows), tmp_path / "out"
        with pytest.raises(KeyboardInterrupt):
            run(ladder, source, output, partition_rows=4, advance=after(7, KeyboardInterrupt()))

        resume(ladder, output)

        assert totals(output) == LADDER_BILLED


class TestWhatChanged:
    """Between the plan and a resumption."""

    def test_the_input(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        kwh = pa.array([Decimal(1)] * ROWS, pa.decimal128(12, 2))
        written(tmp_path, table().set_column(4, "kwh", kwh))

        with pytest.raises(FileProblem, match="run-changed: since the run was planned, the input changed: ") as no:
            resume(book, output)
        summary = resume(book, output, despite=["input"])

        assert f"{source} (" in str(no.value)
        assert "--despite input" in str(no.value)
        assert "输入" in no.value.render("zh")
        assert summary.billed == 10
        assert {id_: total for id_, total in totals(output).items() if id_ in ("r0", "r10", "r11")} == {
            "r0": "52.83",
            "r10": "0.53",
            "r11": "1.00",
        }

    def test_an_input_that_is_gone(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        source.unlink()

        with pytest.raises(FileProblem, match=r"run-changed: .*missing"):
            resume(book, output)

    def test_an_input_that_was_only_touched(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        os.utime(source, (1, 1))

        assert resume(book, output).billed == 10

    def test_the_rate_book(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """Told otherwise, the run goes on with the rate book that it was planned with, and not with the new one."""
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        (tmp_path / "home.ruleset.yaml").write_text(HOME_YAML.replace("0.5283", "0.6000"), encoding="utf-8")
        (tmp_path / "shop.ruleset.yaml").write_text(SHOP_YAML, encoding="utf-8")
        new = compile_paths([tmp_path]).rulesets

        with pytest.raises(FileProblem, match="run-changed: since the run was planned, the rate book changed"):
            resume(new, output)
        refused = record(output)
        resume(new, output, despite=["rules"])

        assert (refused.state, refused.partitions_done) == ("stopped", 2)
        assert totals(output) == TOTALS | REFUSED

    def test_the_code(self, book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        monkeypatch.setattr(driver, "code_hash", lambda: "0" * 64)

        with pytest.raises(FileProblem, match="run-changed: since the run was planned, the engine changed"):
            resume(book, output)

        assert resume(book, output, despite=["code"]).billed == 10

    def test_each_change_has_to_be_named(
        self, book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        source.unlink()
        monkeypatch.setattr(driver, "code_hash", lambda: "0" * 64)

        with pytest.raises(FileProblem, match="--despite input"):
            resume(book, output, despite=["code", "rules"])


class TestOneDriver:
    def test_a_second_one_is_refused(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """While the first bills, a resumption and a run anew to the same folder are told who it is."""
        source, output = written(tmp_path), tmp_path / "out"
        billing, go_on = threading.Event(), threading.Event()

        def wait(_: int) -> None:
            billing.set()
            assert go_on.wait(60)

        first = threading.Thread(target=lambda: run(book, source, output, advance=wait))
        first.start()
        try:
            assert billing.wait(60)
            with pytest.raises(FileProblem) as second:
                resume(book, output)
            with pytest.raises(FileProblem) as anew:
                run(book, source, output, overwrite=True)
        finally:
            go_on.set()
            first.join()

        for found in (second, anew):
            assert found.value.code == "run-driven"
            assert f":{os.getpid()}" in str(found.value)
        assert record(output).state == "finished"
        assert totals(output) == TOTALS | REFUSED

    def test_a_folder_that_another_run_has_taken(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """What a run that was replaced would write does not belong there any more."""
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        replaced = record(output)
        run(book, source, output, overwrite=True)
        before = files(output)

        with pytest.raises(FileProblem) as found:
            resume(book, output, replaced.id)

        assert found.value.code == "run-replaced"
        assert record(output).id in str(found.value)
        assert files(output) == before


class TestCancelling:
    def test_while_it_is_driven(
        self, book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The driver ends at its next look; what was done stays, and the run cannot be resumed."""
        source, output = written(tmp_path), tmp_path / "out"
        monkeypatch.setattr(driver, "LOOK_SECONDS", 0.01)

        def cancel(_: int) -> None:
            with ledger_at(ledger_file(output)) as ledger:
                ledger.ask_to_stop(ledger.list()[0].id)

        with pytest.raises(FileProblem) as ended:
            run(book, source, output, partition_rows=PARTITION_ROWS, advance=cancel)
        with pytest.raises(FileProblem) as again:
            resume(book, output)

        assert ended.value.code == again.value.code == "run-cancelled"
        assert (record(output).state, record(output).partitions_done) == ("cancelled", 1)
        assert not (output / "summary.json").exists()
        assert list(output.rglob("*.partial")) == []


class TestWhatStopsARun:
    """It stops with its reason, and goes on once that is mended."""

    def test_a_file_where_a_folder_should_be(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        output.mkdir()
        (output / "refused").write_text("a file")

        with pytest.raises(FileProblem) as found:
            run(book, source, output, partition_rows=PARTITION_ROWS)
        stopped = record(output)
        (output / "refused").unlink()
        summary = resume(book, output)

        assert found.value.code == "output-unwritable"
        assert stopped.state == "stopped"
        assert "output-unwritable: writing stopped: File exists" in stopped.reason
        assert list(output.rglob("*.partial")) == []
        assert (summary.billed, totals(output)) == (10, TOTALS | REFUSED)

    def test_no_room(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """The system lets no file grow above a megabyte, and the second partition is larger."""
        rows, long = 2_000, "x" * 1_000
        made = table(rows).append_column("note", pa.array(["" if at < 1_000 else long for at in range(rows)]))
        source, output = written(tmp_path, made), tmp_path / "out"
        (tmp_path / "rules").mkdir()
        make_book(tmp_path / "rules")
        command: list[Any] = [
            sys.executable,
            "-m",
            "engine.start",
            "run",
            "--rules",
            tmp_path / "rules",
            "--input",
            source,
        ]
        command += ["--output", output, "--partition-rows", "1000", "--format-out", "csv", "--threads", "1"]
        environment = os.environ | {"DIANJIA_DATABASE": f"sqlite:///{ledger_file(output)}"}
        with ledger_at(ledger_file(output)):  # it is there, and takes part of the megabyte
            pass

        done = subprocess.run(
            ["bash", "-c", 'ulimit -f 1024; exec "$@"', "bash", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        stopped = record(output)
        left = files(output)
        summary = resume(book, output)

        assert done.returncode == 1
        assert "output-unwritable: writing stopped: " in done.stderr
        assert "Traceback" not in done.stderr
        assert (stopped.state, stopped.partitions_done) == ("stopped", 1)
        assert "File too large" in stopped.reason
        assert {name for name in left if not name.startswith("lines")} == {
            "bills/00000.csv",
            "refused/00000.csv",
            "warnings/00000.csv",
        }
        assert (summary.rows, summary.billed, record(output).state) == (2_000, 1_998, "finished")

    def test_an_engine_that_fails_leaves_an_interrupted_run(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """A fault of ours is not taken for a reason to stop; the run goes on all the same."""
        source, output = written(tmp_path), tmp_path / "out"

        with pytest.raises(ZeroDivisionError):
            run(book, source, output, partition_rows=PARTITION_ROWS, advance=after(7, ZeroDivisionError()))

        assert (record(output).state, record(output).partitions_done) == ("running", 2)
        assert resume(book, output).billed == 10


class TestRowsLeftOut:
    def test_they_are_counted_and_told_of(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """North are r0, r3, r6 and r9, which is refused; received = billed + refused + left out."""
        source, output = written(tmp_path), tmp_path / "out"

        summary = run(book, source, output, only=["region=north"], partition_rows=PARTITION_ROWS)

        assert (summary.rows, summary.billed, summary.refused_rows, summary.left_out) == (12, 3, 1, 8)
        assert totals(output) == {id_: TOTALS[id_] for id_ in ("r0", "r3", "r6")} | {"r9": "unknown-ruleset"}
        told = json.loads((output / "summary.json").read_text(encoding="utf-8"))
        assert (told["left_out"], told["filter"]) == (8, "region=north")
        found = record(output)
        assert (found.filter, found.left_out, found.complete) == ("region=north", 8, False)
        assert (found.to_json()["filter"], found.to_json()["complete"]) == ("region=north", False)

    def test_a_run_of_all_rows_is_complete(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        run(book, written(tmp_path), tmp_path / "out")

        assert record(tmp_path / "out").complete
        assert "filter" not in json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))

    def test_a_resumption_leaves_out_the_same(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        options: dict[str, Any] = {"only": ["region=north"], "partition_rows": PARTITION_ROWS}
        with pytest.raises(KeyboardInterrupt):
            run(book, source, output, advance=after(7, KeyboardInterrupt()), **options)

        summary = resume(book, output)

        assert (summary.billed, summary.left_out) == (3, 8)

    def test_rows_that_are_left_out_are_carried_on_from(self, tmp_path: Path) -> None:
        """The bill of March knows what January and February used, whether or not these are billed."""
        ladder = ladder_book(tmp_path / "rules")
        source, output = ladder_written(tmp_path / "rows.parquet", LADDER_ROWS), tmp_path / "out"

        run(ladder, source, output, only=["row_id=3,5"])

        assert totals(output) == {id_: LADDER_BILLED[id_] for id_ in "35"}


class TestMending:
    def test_refused_rows_are_a_run_of_their_own(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """The file of refused rows names them; mended, they are billed by a run that says which one it mends."""
        source = written(tmp_path)
        first = run(book, source, tmp_path / "first", partition_rows=PARTITION_ROWS)
        refused = read(tmp_path / "first", "refused").column("row_id").to_pylist()
        rows = [row for row in table().to_pylist() if row["row_id"] in refused]
        rows = [row | {"ruleset": HOME, "kwh": Decimal("1.00")} for row in rows]
        mended = tmp_path / "mended.parquet"
        pq.write_table(pa.Table.from_pylist(rows, table().schema), mended)

        run(book, mended, tmp_path / "second", refers_to=first.run)

        assert sorted(refused) == ["r4", "r9"]
        assert totals(tmp_path / "second") == {"r4": "0.53", "r9": "0.53"}
        assert record(tmp_path / "second").refers_to == first.run
        assert record(tmp_path / "second").to_json()["refers_to"] == first.run

    def test_each_partition_has_its_refused_rows_with_their_reasons(
        self, book: Mapping[str, Compiled], tmp_path: Path
    ) -> None:
        run(book, written(tmp_path), tmp_path / "out", partition_rows=PARTITION_ROWS)

        found = [pq.read_table(path).to_pylist() for path in sorted((tmp_path / "out" / "refused").iterdir())]

        assert [[(row["row_id"], row["code"], row["field"], row["value"]) for row in part] for part in found] == [
            [],
            [("r4", "out-of-bounds", "kwh", "100000.01")],
            [],
            [("r9", "unknown-ruleset", "ruleset", "cn.test.none")],
        ]
        assert all(row["reason"] for part in found for row in part)


class TestMemory:
    @pytest.mark.parametrize(("memory", "rows"), [(0, 131_072), (10**10, 131_072), (410 * 10**6, 100_000), (1, 4_096)])
    def test_batches_are_of_fewer_rows_where_memory_is_short(
        self, memory: int, rows: int, book: Mapping[str, Compiled], tmp_path: Path
    ) -> None:
        """One thread, 1,500 bytes a row, above 260 MB that the process takes by itself."""
        run(book, written(tmp_path), tmp_path / "out", memory=memory)

        assert work_of(record(tmp_path / "out").work).batch_rows == rows


def test_several_threads_bill_several_partitions_at_once(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Both threads wait for each other, in partitions of their own."""
    both = threading.Barrier(2, timeout=60)
    engine = LocalEngine(2, lambda _: (both.wait(), None)[1])
    order = order_of(written(tmp_path), tmp_path / "out", partition_rows=PARTITION_ROWS)

    with ledger_at(ledger_file(tmp_path / "out")) as ledger:
        summary = driver.begin(ledger, order, RateBook(book), engine)

    assert summary.billed == 10
    assert totals(tmp_path / "out") == TOTALS | REFUSED
