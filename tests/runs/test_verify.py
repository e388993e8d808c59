"""`verify` finds whatever of a run's files is not as the ledger says, and bills that were never right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from engine.bulk.summary import Tally
from engine.compiler.program import Compiled
from engine.runs.tables import RUN_PARTITION
from engine.runs.verify import Check, verify
from tests.bulk.book import HOME, make_book
from tests.bulk.test_carried_run import YEAR as LADDER_ROWS
from tests.bulk.test_carried_run import book as ladder_book
from tests.bulk.test_carried_run import written as ladder_written
from tests.running import ledger_at, ledger_file, run
from tests.runs.portfolio import PARTITION_ROWS, ROWS, after, table, written

BILLS, LINES = "bills/00000.parquet", f"lines/{HOME}/00000.parquet"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    return make_book(tmp_path_factory.mktemp("rules"))


@pytest.fixture
def output(book: Mapping[str, Compiled], tmp_path: Path) -> Path:
    """The results of a run of four partitions."""
    run(book, written(tmp_path), tmp_path / "out", partition_rows=PARTITION_ROWS)
    return tmp_path / "out"


def checked(output: Path, sample: int = 100, seed: int = 1) -> Check:
    with ledger_at(ledger_file(output)) as ledger:
        return verify(ledger, ledger.list()[0], sample, seed)


def found(check: Check) -> list[tuple[str, str, str, str]]:
    return [(one.where, one.what, one.ledger, one.found) for one in check.differences]


@pytest.mark.parametrize("format_", ["parquet", "csv", "arrow"])
@pytest.mark.parametrize("amounts", ["scaled", "decimal"])
def test_a_run_is_as_its_ledger_says(format_: Any, amounts: Any, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Counts of 12 rows, 10 bills of one line each; all are billed again but for that of no known rule set."""
    source = written(tmp_path)
    run(book, source, tmp_path / "out", partition_rows=PARTITION_ROWS, format_=format_, amounts=amounts, details=True)

    check = checked(tmp_path / "out")

    assert found(check) == []
    assert (check.partitions, check.bills, check.refused, check.lines) == (4, 10, 2, 10)
    # bills, refused and warnings of each partition; lines of shops in each, and of homes in all but the second
    assert (check.files, check.sampled) == (4 * 4 + 3, ROWS - 1)
    assert check.to_json()["holds"] is True


def test_a_sample_is_a_sample(output: Path) -> None:
    """Two rows of each partition, of which r9 may be one, the same for the same seed; none asked for, none billed."""
    assert checked(output, 8).sampled in (7, 8)
    assert checked(output, 8, 7) == checked(output, 8, 7)
    assert checked(output, 0).sampled == 0


def test_what_rows_carry_is_billed_again_with_it(tmp_path: Path) -> None:
    """The row of March is right only with what January and February used."""
    ladder = ladder_book(tmp_path / "rules")
    source = ladder_written(tmp_path / "rows.parquet", LADDER_ROWS[::-1])
    run(ladder, source, tmp_path / "out", partition_rows=4)

    check = checked(tmp_path / "out")

    assert (found(check), check.sampled) == ([], len(LADDER_ROWS))


def test_rows_that_are_left_out_are_none_of_its_business(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    run(book, written(tmp_path), tmp_path / "out", only=["region=north"])

    check = checked(tmp_path / "out")

    assert (found(check), check.bills, check.refused, check.sampled) == ([], 3, 1, 3)


def test_of_a_run_that_was_cut_short_what_is_done(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    source, stop = written(tmp_path), after(7, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(book, source, tmp_path / "out", partition_rows=PARTITION_ROWS, advance=stop)

    check = checked(tmp_path / "out")

    assert (found(check), check.partitions, check.bills) == ([], 2, 5)


class TestFiles:
    def test_a_byte_that_changed(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """Of a CSV file, which can be read all the same: the total of the row, too, is another."""
        run(book, written(tmp_path), tmp_path / "out", format_="csv")
        file = tmp_path / "out" / "bills" / "00000.csv"
        text = file.read_bytes()
        assert text.count(b"53.89") == 2  # total and ledger
        file.write_bytes(text.replace(b"53.89", b"53.88"))

        check = checked(tmp_path / "out")

        was, now = (hashlib.sha256(one).hexdigest() for one in (text, file.read_bytes()))
        assert found(check) == [
            ("bills/00000.csv", "SHA-256", was, now),
            ("partition 0", f"{HOME} total", "277.89", "277.88"),
            ("row r2", "total, billed again", "53.88", "53.89"),
        ]
        assert check.to_json()["holds"] is False

    def test_a_file_that_is_damaged(self, output: Path) -> None:
        """It cannot be read, which is told, and the others are checked all the same."""
        file = output / BILLS
        file.write_bytes(file.read_bytes()[:-20])

        check = checked(output)

        told = {(where, what): (ledger, now) for where, what, ledger, now in found(check)}
        assert told[BILLS, "file"] == ("readable", "portfolio-unreadable")
        assert (BILLS, "SHA-256") in told
        assert (check.files, check.partitions, check.bills) == (19, 4, 7)

    @pytest.mark.parametrize("name", [BILLS, LINES, "refused/00001.parquet"])
    def test_a_file_that_is_gone(self, name: str, output: Path) -> None:
        (output / name).unlink()

        assert (name, "file", "written", "not there") in found(checked(output))

    def test_a_file_too_many(self, output: Path) -> None:
        """Whoever reads the folder would read its rows, too."""
        (output / "bills" / "00004.parquet").write_bytes((output / BILLS).read_bytes())

        assert found(checked(output)) == [("bills/00004.parquet", "file", "not written by this run", "there")]


class TestTheLedger:
    def test_a_sum_that_changed(self, output: Path) -> None:
        def more(tally: Tally) -> None:
            tally.lines[HOME, "energy"] += 1

        change_sums(output, 0, more)

        assert found(checked(output)) == [("partition 0", f"{HOME}:energy", "106.73", "106.72")]

    def test_a_count_that_changed(self, output: Path) -> None:
        change(output, 1, refused=0, left_out=1)

        told = found(checked(output))

        assert ("refused/00001.parquet", "refused", "0", "1") in told

    def test_a_partition_that_is_pending_in_a_finished_run(self, output: Path) -> None:
        change(output, 3, state="pending", sums=None)

        told = found(checked(output))

        assert ("partition 3", "state", "finished", "pending") in told
        assert any(what == "rows" for _, what, _, _ in told)
        assert ("bills/00003.parquet", "file", "not written by this run", "there") in told


class TestBillsThatWereNeverRight:
    """Files and ledger agree: the sample alone can find them, and does where it draws the row."""

    def test_an_amount(self, output: Path) -> None:
        """r2 with a fen more, in the bill, in its line, in hashes and sums."""

        def amount(one: pa.Table, column: str, more: Any) -> pa.Table:
            at = one.schema.get_field_index(column)
            field = one.schema.field(at)
            extra = pa.array([more if id_ == "r2" else more * 0 for id_ in one["row_id"].to_pylist()], field.type)
            return one.set_column(at, field, pc.add(one.column(at), extra).cast(field.type))

        def more(tally: Tally) -> None:
            tally.lines[HOME, "energy"] += 1
            tally.totals[HOME] += 1

        rewrite(output, 0, BILLS, lambda one: amount(one, "total", Decimal("0.01")))
        rewrite(output, 0, LINES, lambda one: amount(one, "energy", 1))
        change_sums(output, 0, more)

        unseen, seen = checked(output, 0), checked(output)

        assert found(unseen) == []
        assert sorted(found(seen)) == [
            ("row r2", "energy, billed again", "53.90", "53.89"),
            ("row r2", "total, billed again", "53.90", "53.89"),
        ]

    def test_a_refusal_for_another_reason(self, output: Path) -> None:
        def other(one: pa.Table) -> pa.Table:
            at = one.schema.get_field_index("code")
            return one.set_column(at, one.schema.field(at), pa.array(["missing-value"], one.schema.field(at).type))

        rewrite(output, 1, "refused/00001.parquet", other)

        assert found(checked(output)) == [
            ("row r4", "refused, billed again", "missing-value kwh", "out-of-bounds kwh"),
        ]

    def test_the_bill_of_another_row(self, output: Path) -> None:
        """r0's total under r2's id and the other way round: every sum holds."""

        def swapped(one: pa.Table) -> pa.Table:
            ids = pa.array([{"r0": "r2", "r2": "r0"}.get(id_, id_) for id_ in one["row_id"].to_pylist()])
            return one.set_column(0, one.schema.field(0), ids)

        rewrite(output, 0, BILLS, swapped)

        assert {(where, what) for where, what, _, _ in found(checked(output))} == {
            ("row r0", "total, billed again"),
            ("row r2", "total, billed again"),
        }


def test_without_the_input_no_sample_is_drawn(output: Path) -> None:
    """The files are checked; why no bill was billed again is told."""
    source = output.parent / "rows.parquet"
    source.unlink()

    check = checked(output)

    assert (found(check), check.sampled) == ([], 0)
    assert check.sample_kept_from == f"the input is gone: {source}"


def test_an_input_that_changed_shows(output: Path) -> None:
    """What was billed is not what the file says now."""
    kwh = pa.array([Decimal(1)] * ROWS, pa.decimal128(12, 2))
    written(output.parent, table().set_column(4, "kwh", kwh))

    told = found(checked(output))

    assert ("row r1", "total, billed again", "101.00", "1.00") in told


def change(output: Path, number: int, **values: Any) -> None:
    """Change what the ledger says of a partition."""
    with ledger_at(ledger_file(output)) as ledger, ledger.database.writing() as connection:
        connection.execute(update(RUN_PARTITION).where(RUN_PARTITION.c.number == number).values(values))


def column(output: Path, number: int, name: str) -> Any:
    """What the ledger says of a partition."""
    with ledger_at(ledger_file(output)) as ledger, ledger.database.reading() as connection:
        query = select(RUN_PARTITION.c[name]).where(RUN_PARTITION.c.number == number)
        return json.loads(connection.execute(query).scalar_one())


def change_sums(output: Path, number: int, how: Callable[[Tally], None]) -> None:
    """Change what the ledger says that a partition comes to."""
    tally = Tally.from_json(column(output, number, "sums"))
    how(tally)
    change(output, number, sums=json.dumps(tally.to_json()))


def rewrite(output: Path, number: int, name: str, how: Callable[[pa.Table], pa.Table]) -> None:
    """Change a file of a partition, and make the ledger say that it was written so."""
    pq.write_table(how(pq.read_table(output / name)), output / name)
    files = column(output, number, "files")
    content = (output / name).read_bytes()
    files[name] = [files[name][0], len(content), hashlib.sha256(content).hexdigest()]
    change(output, number, files=json.dumps(files))
