"""What is no result of a run does not stay among its results, and what is one is billed from one input."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.bulk.partition_run import bill_partition
from engine.bulk.problems import FileProblem
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled
from engine.runs import driver, folder
from engine.runs.engines.local import LocalEngine
from engine.runs.order import work_of
from tests.bulk.book import HOME, make_book
from tests.running import files, ledger_at, ledger_file, order_of, read, record, resume, run
from tests.runs.portfolio import PARTITION_ROWS, REFUSED, ROWS, TOTALS, after, table, written


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


def totals(output: Path) -> dict[str, str]:
    """Totals of the bills, and codes of the refusals, by row id."""
    bills = {one["row_id"]: str(one["total"]) for one in read(output, "bills").to_pylist()}
    return bills | {one["row_id"]: one["code"] for one in read(output, "refused").to_pylist()}


def interrupted(book: Mapping[str, Compiled], source: Path, output: Path) -> None:
    """Begin a run that the operator ends in its third partition of four."""
    with pytest.raises(KeyboardInterrupt):
        run(book, source, output, partition_rows=PARTITION_ROWS, advance=after(7, KeyboardInterrupt()))


def test_a_file_that_only_an_earlier_attempt_wrote_is_taken_away(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """The attempt ended between its files and the ledger; the next one has no rows for this table."""
    source, output = written(tmp_path), tmp_path / "out"
    interrupted(book, source, output)
    stray = output / "lines" / "cn.test.gone" / "00002.parquet"
    stray.parent.mkdir()
    shutil.copy(output / "lines" / HOME / "00000.parquet", stray)

    resume(book, output)

    assert not stray.exists()
    assert totals(output) == TOTALS | REFUSED


def test_a_worker_that_outlives_its_run_writes_into_no_other(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A cluster goes on with a partition whose driver was killed, and whose folder was given to another run since."""
    source, output = written(tmp_path), tmp_path / "out"
    interrupted(book, source, output)
    with ledger_at(ledger_file(output)) as ledger:
        late, work = ledger.pending(record(output).id)[0], work_of(record(output).work)
    kept = tmp_path / "kept.json"
    shutil.copy(work.book_file, kept)
    run(book, source, output, overwrite=True, partition_rows=PARTITION_ROWS)
    shutil.copy(kept, work.book_file)
    before = files(output)

    with pytest.raises(FileProblem, match="run-replaced"):
        bill_partition(work, late, 7)

    assert files(output) == before
    assert list(output.rglob("*.partial")) == []


def test_a_run_whose_results_are_being_replaced_cannot_go_on(
    book: Mapping[str, Compiled], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it takes the results of an earlier run away: the ledger says of that one that they are there."""
    source, output = written(tmp_path), tmp_path / "out"
    interrupted(book, source, output)
    earlier = record(output).id

    def killed(where: str) -> None:
        folder.clear(where)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(driver, "clear", killed)
        with pytest.raises(KeyboardInterrupt):
            run(book, source, output, overwrite=True)

    with pytest.raises(FileProblem, match="run-replaced"):
        resume(book, output, earlier)


def test_results_are_replaced_only_by_what_can_be_read(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """A slip in the name of the input does not cost the results that are there."""
    source, output = written(tmp_path), tmp_path / "out"
    run(book, source, output)
    before = files(output)

    with pytest.raises(FileProblem, match="portfolio-not-found"):
        run(book, tmp_path / "rwos.parquet", output, overwrite=True)

    assert files(output) == before
    assert (output / "summary.json").exists()


class TestAnInputThatChangesMeanwhile:
    def replaced(self, source: Path) -> None:
        """Another file of the same name, which bills 1,000 kWh more a row."""
        made = table()
        kwh = [None if one is None else one + Decimal(1_000) for one in made.column("kwh").to_pylist()]
        other = source.with_name("other.parquet")
        at = made.schema.get_field_index("kwh")
        pq.write_table(made.set_column(at, "kwh", [kwh]), other)
        other.replace(source)

    def test_no_bill_is_of_the_other_one(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """It is replaced while the second of four partitions is billed; the run stops with what was billed before."""
        source, output = written(tmp_path), tmp_path / "out"
        kept = tmp_path / "kept.parquet"
        shutil.copy(source, kept)
        rows = 0

        def advance(batch: int) -> None:
            nonlocal rows
            rows += batch
            if rows == 2 * PARTITION_ROWS:
                self.replaced(source)

        with pytest.raises(FileProblem, match="run-changed"):
            run(book, source, output, partition_rows=PARTITION_ROWS, advance=advance)
        stopped = record(output)
        shutil.copy(kept, source)
        resume(book, output)

        assert (stopped.state, stopped.partitions_done) == ("stopped", 1)
        assert "rows.parquet" in stopped.reason
        assert totals(output) == TOTALS | REFUSED

    def test_despite_it(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        source, output = written(tmp_path), tmp_path / "out"
        interrupted(book, source, output)
        self.replaced(source)

        summary = resume(book, output, despite=["input"])

        assert summary.rows == ROWS
        # 1,000 kWh more: 56.00 + 528.30 of home r6, 111.00 + 1000 of shop r11
        assert totals(output)["r6"] == "584.30"
        assert totals(output)["r11"] == "1111.00"
        assert totals(output)["r0"] == TOTALS["r0"]


def test_a_request_to_end_while_rules_are_compiled_is_heard(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    source, output = written(tmp_path), tmp_path / "out"
    interrupted(book, source, output)

    with ledger_at(ledger_file(output)) as ledger:
        run_ = ledger.list()[0].id

        def compiles(_: object) -> RateBook:
            ledger.ask_to_stop(run_)
            return RateBook(book)

        with pytest.raises(FileProblem, match="run-cancelled"):
            driver.resume(ledger, run_, compiles, LocalEngine(1))

    assert record(output).state == "cancelled"


def test_a_copy_that_was_cut_short_in_planning_is_begun_anew(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    source, output = written(tmp_path), tmp_path / "out"
    with ledger_at(ledger_file(output)) as ledger:
        order = order_of(source, output, partition_rows=PARTITION_ROWS, partition_by="hash")
        ledger.create(order, str(driver.folder_of(order, "")))
    (output / "_run" / "staging.partial").mkdir(parents=True)
    (output / "_run" / "staging.partial" / "00000.parquet").write_bytes(b"half")

    resume(book, output)

    assert totals(output) == TOTALS | REFUSED
    assert list(output.rglob("*.partial")) == []
