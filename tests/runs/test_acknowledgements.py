"""What the billing system says of adjustments: a file counts as a whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk.problems import FileProblem
from engine.registry.database import Database
from engine.runs.acknowledgements import Acknowledged, acknowledge
from engine.runs.adjustment_problems import AdjustmentProblem
from tests.runs.adjusting import Office, read, write_csv

V1 = {f"B{at}": {"energy": "10.00", "fund": "1.00"} for at in range(6)}
V2 = {f"B{at}": {"energy": "11.00", "fund": "0.75"} for at in range(6)}


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """A ledger with twelve adjustments, in a file of SQLite, and in PostgreSQL."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    database = Database(url)
    yield Office(database, tmp_path)
    database.close()


@pytest.fixture
def ids(office: Office) -> list[str]:
    """The ids of twelve adjustments."""
    return [row["adjustment_id"] for row in read(office.export(office.run("v2", V2), office.run("v1", V1)).output)]


def states(office: Office) -> dict[str, str]:
    with office.database.reading() as connection:
        return dict(connection.exec_driver_sql("SELECT adjustment_id, state FROM adjustment").fetchall())


def test_a_file_with_some_of_the_ids_acknowledges_those(office: Office, ids: list[str]) -> None:
    """Counts by hand; told again, nothing changes."""
    outcomes = {ids[0]: "posted", ids[5]: "rejected", ids[7]: "posted"}

    first = office.acknowledge(outcomes)
    again = office.acknowledge(outcomes | {ids[1]: "posted"})

    told = {"halves": 0, "runs": ("v2",)}
    assert Acknowledged(rows=3, posted=2, rejected=1, known_already=0, still_open=9, **told) == first  # type: ignore[arg-type]  # spread
    assert Acknowledged(rows=4, posted=1, rejected=0, known_already=3, still_open=8, **told) == again  # type: ignore[arg-type]  # spread
    expected = dict.fromkeys(ids, "exported") | outcomes | {ids[1]: "posted"}
    assert expected == states(office)


def test_bad_input_changes_nothing(office: Office, ids: list[str], tmp_path: Path) -> None:
    """An unknown id, one that is nearly known, another outcome than before, in the ledger or in the file itself."""
    office.acknowledge({ids[0]: "posted"})
    before = states(office)
    cases = [
        [(ids[1], "posted"), ("0" * 40, "posted")],
        [(ids[1], "posted"), (ids[2][:-1] + "x", "posted")],
        [(ids[1], "posted"), (ids[0], "rejected")],
        [(ids[1], "posted"), (ids[1], "rejected")],
        [(ids[1], "posted"), (ids[2], "done")],
        [(ids[1], "posted"), (ids[2], "")],
    ]

    found = []
    for number, rows in enumerate(cases):
        path = tmp_path / f"{number}.csv"
        write_csv(path, ["adjustment_id", "outcome"], rows)
        with pytest.raises(AdjustmentProblem) as refused:
            acknowledge(office.database, path)
        found.append((refused.value.code.removeprefix("acknowledgement-"), refused.value.parameters["count"]))
    write_csv(tmp_path / "less.csv", ["adjustment_id", "result"], [(ids[1], "posted")])
    with pytest.raises(AdjustmentProblem) as lacking:
        acknowledge(office.database, tmp_path / "less.csv")
    with pytest.raises(FileProblem) as missing:
        acknowledge(office.database, tmp_path / "nowhere.csv")

    assert [
        ("unknown", "1"),
        ("unknown", "1"),
        ("contradicts", "1"),
        ("contradicts", "1"),
        ("outcome", "1"),
        ("outcome", "1"),
    ] == found
    assert ("acknowledgement-columns", "portfolio-not-found") == (lacking.value.code, missing.value.code)
    assert before == states(office)


def test_notes_are_kept_with_the_outcome(office: Office, ids: list[str], tmp_path: Path) -> None:
    """Parquet with dates and dictionaries; an id that stands twice with one outcome is told once."""
    table = pa.table(
        {
            "adjustment_id": pa.array([f" {ids[0]} ", ids[1], ids[0]]),
            "outcome": pa.array(["posted", "rejected", "posted"]).dictionary_encode(),
            "date": pa.array([20_000, None, 20_000], pa.int32()).cast(pa.date32()),
            "reference": pa.array(["J-1", "J-2", "J-1"]),
            "reason": pa.array([None, "账户已销户", None]),
        }
    )
    pq.write_table(table, tmp_path / "back.parquet")

    done = acknowledge(office.database, tmp_path / "back.parquet")

    assert (2, 1, 1) == (done.rows, done.posted, done.rejected)
    with office.database.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT adjustment_id, outcome_date, outcome_reference, outcome_reason FROM adjustment "
            "WHERE state <> 'exported'"
        ).fetchall()
    assert {(ids[0], "2024-10-04", "J-1", ""), (ids[1], "", "J-2", "账户已销户")} == {tuple(one) for one in found}


def test_many_ids_are_found_as_few_are(office: Office) -> None:
    """More than are named one by one, of two runs at once."""
    many = {f"C{at}": {"energy": "10.00"} for at in range(700)}
    more = {f"C{at}": {"energy": "10.01"} for at in range(700)}
    one = read(office.export(office.run("v2", V2), office.run("v1", V1)).output)
    two = read(office.export(office.run("w2", more), office.run("w1", many)).output)

    done = office.acknowledge({row["adjustment_id"]: "posted" for row in [*two, *one[:3]]})

    assert (703, ("v2", "w2"), 9) == (done.posted, done.runs, done.still_open)
    assert 703 == list(states(office).values()).count("posted")
