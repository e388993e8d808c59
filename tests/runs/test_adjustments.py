"""Corrections of bills, and corrections of corrections, as a billing system sees them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from engine.registry.database import Database
from engine.runs.acknowledgements import acknowledge
from engine.runs.adjustment_problems import ADJUSTMENT_PROBLEMS, AdjustmentProblem
from engine.runs.adjustment_sources import Bills
from tests.runs.adjusting import BillingSystem, Office, posted, read, without_zeros, write_csv, write_run

V1 = {
    "B1": {"energy": "100.00", "fund": "2.50"},
    "B2": {"energy": "50.00", "fund": "1.25"},
    "B3": {"energy": "80.00", "basic": "20.00"},
    "B4": {"energy": "10.00"},
}
WRONG_V2 = {
    "B1": {"energy": "110.00", "fund": "2.50"},
    "B2": {"energy": "55.00", "fund": "3.25"},
    "B3": {"energy": "88.00", "basic": "15.00"},
    "B4": {"energy": "10.00"},
}
V3 = {
    "B1": {"energy": "95.00", "fund": "2.75"},
    "B2": {"energy": "50.00", "fund": "1.25"},
    "B3": {"energy": "81.01", "subsidy": "-4.00"},
    "B4": {"energy": "10.50"},
}


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """A ledger in a file of SQLite, and one in PostgreSQL."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    database = Database(url)
    yield Office(database, tmp_path)
    database.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Office]:
    """A ledger in a file of SQLite."""
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield Office(database, tmp_path)
    database.close()


def code_of(found: pytest.ExceptionInfo[AdjustmentProblem]) -> str:
    return found.value.code


def test_an_adjustment_is_the_new_amount_less_the_old_one_by_charge(office: Office) -> None:
    """Every column of a file, written by hand; bills and charges that stay are left out."""
    first, second = office.run("v1", V1), office.run("v2", WRONG_V2)

    done = office.export(second, first, reason="P1", reason_text="price of July")

    expected = [
        ("B1", "energy", Decimal("10.00"), "collect"),
        ("B2", "energy", Decimal("5.00"), "collect"),
        ("B2", "fund", Decimal("2.00"), "collect"),
        ("B3", "basic", Decimal("-5.00"), "refund"),
        ("B3", "energy", Decimal("8.00"), "collect"),
    ]
    rows = read(done.output)
    assert expected == [(row["bill_id"], row["charge"], row["amount"], row["direction"]) for row in rows]
    same = {"revision": 1, "currency": "CNY", "reason": "P1", "run": "v2", "version": "5" * 64, "reverses": None}
    for row in rows:
        assert same == {name: row[name] for name in same}
        assert (f"{row['bill_id']}/0", f"a-{row['bill_id']}") == (row["replaces"], row["account"])
    assert len(rows) == len({row["adjustment_id"] for row in rows})
    told = pq.read_schema(done.output).metadata
    assert (b"true", b"", b"price of July") == tuple(
        told[f"dianjia.{name}".encode()] for name in ("complete", "filter", "reason_text")
    )
    counts = {"in_both": 4, "only_in_run": 0, "only_in_original": 0, "adjusted": 3, "held": 0, "waiting": 0}
    assert counts | {"unchanged": 1} == done.summary["bills"]
    energy = {"count": 3, "amount": "23.00"}
    assert {"currency": "CNY", "charge": "energy", "refund": {"count": 0, "amount": "0.00"}, "collect": energy} == (
        done.summary["sums"][1]
    )


def test_the_correction_of_a_wrong_correction_ends_at_the_last_version(office: Office) -> None:
    """v1, v2 posted though it was wrong, v3: what was posted adds up to v3 by charge."""
    first, second, third = office.run("v1", V1), office.run("v2", WRONG_V2), office.run("v3", V3)
    system = BillingSystem.of(V1)

    office.acknowledge(system.load(office.export(second, first).output, posted))
    between = system.bills()
    done = office.export(third, first)
    office.acknowledge(system.load(done.output, posted))

    assert without_zeros(WRONG_V2) == between
    assert without_zeros(V3) == system.bills()
    revisions = {row["bill_id"]: (row["revision"], row["replaces"]) for row in read(done.output)}
    assert {"B1": (2, "B1/1"), "B2": (2, "B2/1"), "B3": (2, "B3/1"), "B4": (1, "B4/0")} == revisions


def test_half_of_a_correction_rejected_ends_at_the_last_version(office: Office) -> None:
    """Of v2's file each second row is rejected, so that B2 and B3 are posted by half; v3 makes good both kinds."""
    first, second, third = office.run("v1", V1), office.run("v2", WRONG_V2), office.run("v3", V3)
    system, seen = BillingSystem.of(V1), []

    def every_second(row: Any) -> str:
        seen.append(row)
        return "posted" if len(seen) % 2 else "rejected"

    office.acknowledge(system.load(office.export(second, first).output, every_second))
    office.acknowledge(system.load(office.export(third, first).output, posted))

    assert without_zeros(V3) == system.bills()


def test_half_of_a_correction_still_open_is_held_until_it_is_acknowledged(office: Office) -> None:
    """v3 is refused while half of v2 is open; with these bills held it goes out, and the rest follows."""
    first, second, third = office.run("v1", V1), office.run("v2", WRONG_V2), office.run("v3", V3)
    system = BillingSystem.of(V1)
    half = office.export(second, first).output
    office.acknowledge(system.load(half, lambda row: "posted" if row["bill_id"] == "B1" else None))

    with pytest.raises(AdjustmentProblem) as refused:
        office.export(third, first, output=office.folder / "never.parquet")
    held = office.export(third, first, hold_open=True)
    office.acknowledge(system.load(held.output, posted))
    between = system.bills()
    rest = {one: "posted" for one in system.known if one not in system.outcomes}
    for one in rest:
        system.settle(one, "posted")
    office.acknowledge(rest)
    remaining = office.export(third, first, remaining=True)
    office.acknowledge(system.load(remaining.output, posted))

    assert ("adjustment-open", "2", "`B2`, `B3`") == (
        refused.value.code,
        refused.value.parameters["count"],
        refused.value.parameters["first"],
    )
    assert not list(office.folder.glob("never*"))
    assert {"B1", "B4"} == {row["bill_id"] for row in read(held.output)}
    listed = read(held.output.with_name(held.output.stem + ".held.parquet"))
    assert [("B2", "open"), ("B3", "open")] == [(row["bill_id"], row["reason"]) for row in listed]
    assert not held.summary["complete"]
    assert {bill: without_zeros(V1)[bill] for bill in ("B2", "B3")} == {bill: between[bill] for bill in ("B2", "B3")}
    assert {"B2", "B3"} == {row["bill_id"] for row in read(remaining.output)}
    assert without_zeros(V3) == system.bills()


def test_exporting_twice_gives_the_same_file(office: Office) -> None:
    """The same ids and bytes, also after acknowledgements and another run; nothing is entered twice."""
    first, second, third = office.run("v1", V1), office.run("v2", WRONG_V2), office.run("v3", V3)
    system = BillingSystem.of(V1)

    once = office.export(second, first)
    again = office.export(second, first)
    office.acknowledge(system.load(once.output, posted))
    office.export(third, first)
    later = office.export(second, first, output=once.output)

    assert once.output.read_bytes() == again.output.read_bytes() == later.output.read_bytes()
    assert [False, True, True] == [one.again for one in (once, again, later)]
    with office.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT run, count(*) FROM adjustment_batch GROUP BY run ORDER BY run")
        assert [("v2", 1), ("v3", 1)] == [tuple(one) for one in found]


def test_ids_do_not_depend_on_files_and_order(office: Office, tmp_path: Path) -> None:
    """The same run cut otherwise, in another ledger: the same ids."""
    first, second = office.run("v1", V1), office.run("v2", WRONG_V2)
    other = Office(Database(f"sqlite:///{tmp_path / 'other.sqlite'}"), tmp_path / "other")
    turned = dict(reversed(WRONG_V2.items()))
    same = other.run("v2", turned, partitions=1, decimal=True, parts=True)

    here, there = office.export(second, first), other.export(same, first)

    other.database.close()
    assert here.output.read_bytes() == there.output.read_bytes()


def test_a_reversal_is_equal_and_opposite(office: Office) -> None:
    """What was posted is taken back; a second reversal is the same file."""
    first, second = office.run("v1", V1), office.run("v2", WRONG_V2)
    system = BillingSystem.of(V1)
    made = office.export(second, first)
    office.acknowledge(system.load(made.output, posted))

    done, again = office.reverse(second), office.reverse(second)
    office.acknowledge(system.load(done.output, posted))
    after = office.reverse(second, remaining=True)

    opposite = {(row["bill_id"], row["charge"]): (-row["amount"], row["adjustment_id"]) for row in read(made.output)}
    assert opposite == {(row["bill_id"], row["charge"]): (row["amount"], row["reverses"]) for row in read(done.output)}
    assert done.output.read_bytes() == again.output.read_bytes() == after.output.read_bytes()
    assert after.again
    assert without_zeros(V1) == system.bills()
    with office.database.reading() as connection:
        assert 10 == connection.exec_driver_sql("SELECT count(*) FROM adjustment").scalar_one()


@pytest.mark.parametrize("outcome", ["posted", "rejected"])
def test_a_reversal_of_an_open_adjustment_makes_a_pair(office: Office, outcome: str) -> None:
    """The bill is closed until both halves are acknowledged; posted or rejected together, it is as before the run."""
    first, second, third = office.run("v1", V1), office.run("v2", WRONG_V2), office.run("v3", V3)
    system = BillingSystem.of(V1)
    made = office.export(second, first)
    done = office.reverse(second)

    office.acknowledge(system.load(made.output, lambda _: outcome))
    with pytest.raises(AdjustmentProblem) as closed:
        office.export(third, first)
    told = office.acknowledge(system.load(done.output, lambda _: outcome))
    between = system.bills()
    office.acknowledge(system.load(office.export(third, first).output, posted))

    assert 3 == done.summary["paired_with_open"]
    assert "adjustment-open" == code_of(closed)
    assert (0, 0) == (told.still_open, told.halves)
    assert without_zeros(V1) == between
    assert without_zeros(V3) == system.bills()


@pytest.mark.parametrize(("run_said", "reversal_said"), [("posted", "rejected"), ("rejected", "posted")])
def test_half_a_pair_is_told_and_made_good(office: Office, run_said: str, reversal_said: str) -> None:
    """Where one half is posted alone, a further reversal takes back what is left over."""
    first, second = office.run("v1", V1), office.run("v2", WRONG_V2)
    system = BillingSystem.of(V1)
    made, done = office.export(second, first), office.reverse(second)
    office.acknowledge(system.load(made.output, lambda _: run_said))

    told = office.acknowledge(system.load(done.output, lambda _: reversal_said))
    more = office.reverse(second, remaining=True)
    after = office.acknowledge(system.load(more.output, posted))

    assert 5 == told.halves
    assert 0 == after.halves
    assert not {row["adjustment_id"] for row in read(more.output)} & {row["adjustment_id"] for row in read(done.output)}
    assert without_zeros(V1) == system.bills()


def test_a_run_is_taken_back_after_those_that_came_later(here: Office) -> None:
    """v2's amounts carry v3's: v3 is reversed first. Bills that v3 did not touch are free."""
    first, second, third = here.run("v1", V1), here.run("v2", WRONG_V2), here.run("v3", {**WRONG_V2, "B1": V3["B1"]})
    system = BillingSystem.of(V1)
    here.acknowledge(system.load(here.export(second, first).output, posted))
    here.acknowledge(system.load(here.export(third, first).output, posted))

    with pytest.raises(AdjustmentProblem) as refused:
        here.reverse(second)
    held = here.reverse(second, hold=True)
    here.acknowledge(system.load(held.output, posted))
    here.acknowledge(system.load(here.reverse(third).output, posted))
    here.acknowledge(system.load(here.reverse(second, remaining=True).output, posted))

    assert ("corrected-later", "1") == (refused.value.code, refused.value.parameters["count"])
    listed = read(held.output.with_name(held.output.stem + ".held.parquet"))
    assert [("B1", "corrected-later")] == [(row["bill_id"], row["reason"]) for row in listed]
    assert without_zeros(V1) == system.bills()


def test_rejected_adjustments_go_out_again_on_request(here: Office) -> None:
    """Under new ids: an outcome is final."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)
    system = BillingSystem.of(V1)
    made = here.export(second, first)
    here.acknowledge(system.load(made.output, lambda row: "rejected" if row["charge"] == "fund" else "posted"))

    again = here.export(second, first, remaining=True)
    here.acknowledge(system.load(again.output, posted))
    nothing = here.export(second, first, remaining=True)

    assert [("B2", "fund", Decimal("2.00"), 2, "B2/1")] == [
        (row["bill_id"], row["charge"], row["amount"], row["revision"], row["replaces"]) for row in read(again.output)
    ]
    assert not {row["adjustment_id"] for row in read(made.output)} & {
        row["adjustment_id"] for row in read(again.output)
    }
    assert nothing.again
    assert again.output.read_bytes() == nothing.output.read_bytes()
    assert made.output.read_bytes() == here.export(second, first, number=1).output.read_bytes()
    assert without_zeros(WRONG_V2) == system.bills()


def test_bills_of_one_run_alone_are_listed_with_their_reasons(here: Office) -> None:
    """Three groups that add up to each run's bills; none of the last two is adjusted."""
    new = {"B1": WRONG_V2["B1"], "B5": {"energy": "7.00"}, "B6": {"energy": "8.00"}}
    first = here.run("v1", V1, refused={"r-B6": "out-of-bounds"})
    second = here.run("v2", new, refused={"r-B2": "missing-value"}, filter="district=0532")

    done = here.export(second, first)

    counts = done.summary["bills"]
    assert (1, 2, 3) == (counts["in_both"], counts["only_in_run"], counts["only_in_original"])
    assert [len(new), len(V1)] == [counts["in_both"] + counts[name] for name in ("only_in_run", "only_in_original")]
    listed = read(done.output.with_name(done.output.stem + ".unmatched.parquet"))
    assert [
        ("B5", "run", "absent"),
        ("B6", "run", "refused: out-of-bounds"),
        ("B2", "original", "refused: missing-value"),
        ("B3", "original", "absent-or-outside-filter"),
        ("B4", "original", "absent-or-outside-filter"),
    ] == [(row["bill_id"], row["only_in"], row["reason"]) for row in listed]
    assert {"B1"} == {row["bill_id"] for row in read(done.output)}


def test_a_part_of_a_portfolio_is_never_complete(here: Office) -> None:
    """The filter is in the file and the summary, and --complete is refused, also of the file written again."""
    first, part = here.run("v1", V1), here.run("v2", WRONG_V2, filter="district=0532")

    with pytest.raises(AdjustmentProblem) as before:
        here.export(part, first, complete=True)
    done = here.export(part, first)
    with pytest.raises(AdjustmentProblem) as after:
        here.export(part, first, complete=True)

    told = pq.read_schema(done.output).metadata
    assert (b"false", b"district=0532") == (told[b"dianjia.complete"], told[b"dianjia.filter"])
    assert (False, "district=0532") == (done.summary["complete"], done.summary["filter"])
    assert ["run-partial", "run-partial"] == [code_of(before), code_of(after)]


def test_whoever_asks_for_a_complete_export_gets_no_held_bills(here: Office) -> None:
    first, second, third = here.run("v1", V1), here.run("v2", WRONG_V2), here.run("v3", V3)
    here.export(second, first)

    with pytest.raises(AdjustmentProblem) as found:
        here.export(third, first, complete=True, hold_open=True)

    assert "run-partial" == code_of(found)


def test_a_bill_with_an_open_correction_is_held_though_the_new_one_changes_nothing(here: Office) -> None:
    """v3 = v1: if v2 is posted after all, the bill is not at v3."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)
    here.export(second, first)

    with pytest.raises(AdjustmentProblem) as found:
        here.export(here.run("v3", V1), first)

    assert ("adjustment-open", "3") == (found.value.code, found.value.parameters["count"])


def test_the_original_is_the_bill_as_first_issued(here: Office) -> None:
    """v2 named as the original of v3 would count v2's adjustments twice. A copy of v1 elsewhere is v1."""
    first, second, third = here.run("v1", V1), here.run("v2", WRONG_V2), here.run("v3", V3)
    system = BillingSystem.of(V1)
    here.acknowledge(system.load(here.export(second, first).output, posted))
    copy = here.run("copy", V1, partitions=1, places=4, parts=True)

    with pytest.raises(AdjustmentProblem) as found:
        here.export(third, second)
    here.acknowledge(system.load(here.export(third, copy).output, posted))

    assert ("original-differs", "3", "`B1`, `B2`, `B3`") == (
        found.value.code,
        found.value.parameters["count"],
        found.value.parameters["first"],
    )
    assert without_zeros(V3) == system.bills()


def test_runs_of_different_places_are_subtracted_exactly(here: Office) -> None:
    """Two places, four, and two again: one smallest amount stays one."""
    first = here.run("v1", {"B1": {"energy": "1.00"}})
    second = here.run("v2", {"B1": {"energy": "1.0001"}}, places=4)
    third = here.run("v3", {"B1": {"energy": "1.00"}}, decimal=True)
    system = BillingSystem.of({"B1": {"energy": "1.00"}})

    here.acknowledge(system.load(here.export(second, first).output, posted))
    between = system.bills()
    here.acknowledge(system.load(here.export(third, first).output, posted))

    assert {"B1": {"energy": Decimal("1.0001")}} == between
    assert {"B1": {"energy": Decimal("1.00")}} == system.bills()


def test_revisions_follow_the_bills_own(here: Office) -> None:
    """A run whose bills say their revision gives it; a later one that does not counts on."""
    first = here.run("v1", V1, revision=3)
    second, third = here.run("v2", WRONG_V2, revision=7), here.run("v3", V3, revision=3)
    system = BillingSystem.of(V1)

    made = here.export(second, first)
    here.acknowledge(system.load(made.output, posted))
    more = here.export(third, first)

    assert {(7, "B1/3")} == {(row["revision"], row["replaces"]) for row in read(made.output) if row["bill_id"] == "B1"}
    assert {(8, "B1/7")} == {(row["revision"], row["replaces"]) for row in read(more.output) if row["bill_id"] == "B1"}


def test_a_folder_of_one_file_of_each_kind_is_read_too(here: Office) -> None:
    first, second = here.run("v1", V1, whole=True), here.run("v2", WRONG_V2)

    rows = read(here.export(second, first).output)

    assert 5 == len(rows)


def test_csv_says_what_parquet_says(here: Office) -> None:
    """The same rows as text, and a file of them with an outcome is an acknowledgement."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)

    parquet = read(here.export(second, first).output)
    path = here.export(second, first, output=here.path(".csv")).output
    rows = read(path)
    back = here.path(".csv")
    write_csv(back, [*rows[0], "outcome"], [[*row.values(), "posted"] for row in rows])
    told = acknowledge(here.database, back)

    as_text = [{name: "" if one is None else str(one) for name, one in row.items()} for row in parquet]
    assert as_text == rows
    assert (5, 0) == (told.posted, told.still_open)


def test_rows_may_be_bills(here: Office) -> None:
    """Without a column `bill_id`, an export is refused; `row_id` may be named in its place."""
    first, second = here.run("v1", V1, column="invoice"), here.run("v2", WRONG_V2, column="invoice")

    with pytest.raises(AdjustmentProblem) as found:
        here.export(second, first)
    done = here.export(second, first, bill_column="row_id")

    assert "bill-id-missing" == code_of(found)
    assert "`account`, `invoice`, `currency`" in found.value.parameters["known"]
    assert {"r-B1", "r-B2", "r-B3"} == {row["bill_id"] for row in read(done.output)}


def test_what_cannot_be_exported_is_told(here: Office) -> None:
    """Each changes nothing and leaves no file."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)
    dollars = here.run("dollars", WRONG_V2, currency={"B2": "USD"})
    large = here.run("large", {"B1": {"energy": "9999999999999999.99"}})
    opposite = here.run("opposite", {"B1": {"energy": "-9999999999999998.99"}})
    larger = here.run("larger", {"B1": {"energy": "10000000000000000.00"}})
    twice = here.run("twice", {"B1": {"energy": "1.00"}, "B2": {"energy": "1.00"}}, row_ids={"B1": "r", "B2": "r"})
    unfinished = here.run("unfinished", V1)
    (unfinished.folder / "summary.json").unlink()

    found = []
    cases: list[tuple[Bills, Bills, dict[str, Any]]] = [
        (dollars, first, {}),
        (large, opposite, {}),
        (large, larger, {}),
        (twice, first, {"bill_column": "row_id"}),
        (unfinished, first, {}),
        (second, unfinished, {}),
        (second, first, {"output": here.folder / "file.xlsx"}),
        (second, first, {"number": 2}),
    ]
    for run, original, how in cases:
        with pytest.raises(AdjustmentProblem) as refused:
            here.export(run, original, **how)
        found.append(code_of(refused))
    with pytest.raises(AdjustmentProblem) as nothing:
        here.reverse(second)

    assert [
        "currency-changed",
        "sum-too-large",
        "amount-too-large",
        "bill-id-twice",
        "bills-not-here",
        "bills-not-here",
        "output-suffix",
        "export-not-found",
    ] == found
    assert "nothing-exported" == code_of(nothing)
    assert not list(here.folder.glob("file-*"))
    with here.database.reading() as connection:
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM adjustment_batch").scalar_one()


def test_an_export_is_repeated_as_it_was(here: Office) -> None:
    """Another reason, or a file that holds something else, is refused."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)
    other = here.path()
    other.write_bytes(b"something else")
    with pytest.raises(AdjustmentProblem) as new_over_other:
        here.export(second, first, output=other)
    here.export(second, first)

    with pytest.raises(AdjustmentProblem) as reason:
        here.export(second, first, reason="OTHER")
    with pytest.raises(AdjustmentProblem) as over_other:
        here.export(second, first, output=other)

    assert ["output-exists", "export-differs", "output-exists"] == [
        code_of(one) for one in (new_over_other, reason, over_other)
    ]
    assert b"something else" == other.read_bytes()
    assert not list(here.folder.glob("*.partial"))


def test_bills_that_two_runs_issued_are_corrected_from_both(here: Office) -> None:
    """January's bills and February's were issued by a run each; one run corrects both. What the second original has is
    never taken for exported because the first was."""
    january, february = here.run("jan", {"J": {"energy": "1.00"}}), here.run("feb", {"F": {"energy": "2.00"}})
    both = here.run("both", {"J": {"energy": "1.10"}, "F": {"energy": "2.50"}})
    done = here.export(both, january)

    with pytest.raises(AdjustmentProblem) as other:
        here.export(both, february)
    more = here.export(both, february, remaining=True)
    again = [here.export(both, one, remaining=True) for one in (january, february)]

    assert ("export-of-another", "jan") == (code_of(other), other.value.parameters["original"])
    assert [("J", Decimal("0.10"))] == [(row["bill_id"], row["amount"]) for row in read(done.output)]
    assert [("F", Decimal("0.50"))] == [(row["bill_id"], row["amount"]) for row in read(more.output)]
    assert [(True, read(done.output)), (True, read(more.output))] == [(one.again, read(one.output)) for one in again]


def test_a_run_is_not_its_own_original(here: Office) -> None:
    """Else an export without rows would be kept, and written again where the right original is named."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)

    with pytest.raises(AdjustmentProblem) as itself:
        here.export(second, Bills(str(second.folder), second.folder))

    assert "original-is-run" == code_of(itself)
    assert 5 == here.export(second, first).summary["adjustments"]


def test_amounts_are_never_changed_and_rows_never_deleted(office: Office) -> None:
    """The database itself refuses, whoever asks."""
    from sqlalchemy.exc import DBAPIError

    first, second = office.run("v1", V1), office.run("v2", WRONG_V2)
    made = office.export(second, first)
    office.acknowledge({row["adjustment_id"]: "posted" for row in read(made.output)})

    refused = 0
    for statement in (
        "UPDATE adjustment SET amount = 0",
        "UPDATE adjustment SET state = 'rejected'",
        "DELETE FROM adjustment",
        "DELETE FROM adjusted_bill",
        "UPDATE adjusted_bill SET revision = 9",
        "DELETE FROM adjustment_batch",
    ):
        with pytest.raises(DBAPIError), office.database.writing() as connection:
            connection.exec_driver_sql(statement)
        refused += 1

    assert 6 == refused


def test_lines_belong_to_bills(here: Office, tmp_path: Path) -> None:
    """Lines of a row that has no bill are not left out in silence."""
    first, second = here.run("v1", V1), here.run("v2", WRONG_V2)
    write_run(tmp_path / "odd", {"B9": {"energy": "1.00"}}, partitions=1)
    (tmp_path / "odd/lines/cn.somewhere/00000.parquet").replace(second.folder / "lines/cn.somewhere/00001.parquet")

    with pytest.raises(AdjustmentProblem) as found:
        here.export(second, first)

    assert ("lines-without-bill", "1") == (found.value.code, found.value.parameters["count"])


def test_every_problem_is_worded_in_both_languages() -> None:
    for code, entry in ADJUSTMENT_PROBLEMS.items():
        texts = (entry.headline, entry.remedy, entry.headline_zh, entry.remedy_zh)
        assert all(texts), code
        assert not entry.headline_zh.isascii(), code
        assert all(text.rstrip()[-1] in ".。" for text in texts), code
