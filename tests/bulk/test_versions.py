"""Several rule sets of one id, each with days of its own: the row names the id, and its day decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk.single import portfolio_rows
from engine.bulk.versions import chosen
from engine.calendars.days import day_number
from engine.commands.asked import Asked
from engine.commands.one_row import billed
from engine.compiler.compile import RateBook, compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.reference import Bill
from tests.running import read, run

ID = "cn.test.home"
OLD = """\
ruleset: cn.test.home
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, through: 2026-05-31}
version_by: last_day
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: 0.50}
"""
NEW = """\
ruleset: cn.test.home
source: {standing: example, note: made up for a test}
in_force: {from: 2026-06-01, until_replaced: true}
version_by: last_day
inputs:
  kwh_peak: {unit: kWh, places: 2, from: 0, to: 100000}
  kwh_rest: {unit: kWh, places: 2, from: 0, to: 100000}
quantities:
  kwh: kwh_peak + kwh_rest
energy: {total: kwh, priced_by: [peak, rest]}
charges:
  peak: {title: 峰, quantity: kwh_peak, price: 1.00}
  rest: {title: 其余, quantity: kwh_rest, price: 0.25}
"""


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> RateBook:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "old.ruleset.yaml").write_text(OLD, encoding="utf-8")
    (folder / "new.ruleset.yaml").write_text(NEW, encoding="utf-8")
    return compile_paths([folder])


def portfolio(path: Path) -> Path:
    pq.write_table(
        pa.table(
            {
                "row_id": ["may", "june", "early", "mixed"],
                "ruleset": [ID] * 4,
                "period_from": [date(2026, 5, 1), date(2026, 6, 1), date(2025, 12, 1), date(2026, 6, 1)],
                "period_to": [date(2026, 6, 1), date(2026, 7, 1), date(2026, 1, 1), date(2026, 7, 1)],
                "kwh": [100.0, None, 100.0, 5.0],
                "kwh_peak": [None, 40.0, None, 40.0],
                "kwh_rest": [None, 60.0, None, 60.0],
            }
        ),
        path,
    )
    return path


def test_each_row_goes_to_the_version_of_its_day(rates: RateBook, tmp_path: Path) -> None:
    """May: 100 × 0.50. June: 40 × 1.00 + 60 × 0.25. The last row gives what only the old version reads."""
    summary = run(rates.rulesets, portfolio(tmp_path / "rows.parquet"), tmp_path / "out")

    bills = read(tmp_path / "out", "bills").to_pylist()
    refused = read(tmp_path / "out", "refused").to_pylist()
    assert [(one["row_id"], one["ruleset"], str(one["total"])) for one in bills] == [
        ("may", ID, "50.00"),
        ("june", ID, "55.00"),
    ]
    assert len({one["version"] for one in bills}) == 2
    assert [(one["row_id"], one["ruleset"], one["code"], one["field"]) for one in refused] == [
        ("early", ID, "no-price-in-force", ID),
        ("mixed", ID, "unknown-column", "kwh"),
    ]
    assert [(one.id, one.in_force_from, str(one.total)) for one in summary.rulesets] == [
        (ID, "2026-01-01", "50.00"),
        (ID, "2026-06-01", "55.00"),
    ]
    tables = {name: read(tmp_path / "out", name).column_names for name in summary.line_tables}
    assert sorted(tables.values()) == [["row_id", "ruleset", "energy"], ["row_id", "ruleset", "peak", "rest"]]


def test_single_bills_choose_as_the_run_does(rates: RateBook, tmp_path: Path) -> None:
    source = portfolio(tmp_path / "rows.parquet")

    found = {}
    for row in portfolio_rows(source, rates.of(ID), [], rates.rulesets):
        made = billed(Asked(row.compiled, row.row_id, row.period_from, row.period_to, row.values, row.refused))
        found[row.row_id] = str(made.total) if isinstance(made, Bill) else f"{made.code} {made.field}"

    assert found == {
        "may": "50.00",
        "june": "55.00",
        "early": f"no-price-in-force {ID}",
        "mixed": "unknown-column kwh",
    }


def test_the_choice_is_that_of_the_rate_book(rates: RateBook) -> None:
    """For every month from 2025 to 2027, inside and outside the days in force."""
    versions = rates.of(ID)
    months = [date(2025 + at // 12, at % 12 + 1, 1) for at in range(36)]
    days = np.array([day_number(one) for one in months], dtype=np.int64)

    which = chosen(versions, days[:-1], days[1:])

    expected: list[Compiled | None] = [rates.at(ID, int(first), int(end)) for first, end in pairwise(days)]
    assert [versions[at] for at in which] == expected


def test_a_book_has_a_key_for_each(rates: RateBook) -> None:
    rulesets: Mapping[str, Compiled] = rates.rulesets

    assert sorted(rulesets) == [f"{ID}@2026-01-01", f"{ID}@2026-06-01"]


SPLIT = """\
ruleset: cn.test.parts
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, through: 2026-03-31}
version_by: VERSION_BY
changes: split
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 100000, split: by_days}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {quantity: kwh, price: {dated: [{from: 2026-01-01, printed: 0.5}, {from: 2026-02-01, printed: 0.6}]}}
"""
NEXT = SPLIT.replace("2026-01-01, through: 2026-03-31", "2026-04-01, until_replaced: true").replace(
    "{from: 2026-01-01, printed: 0.5}, {from: 2026-02-01,", "{from: 2026-04-01,"
)


@pytest.mark.parametrize("version_by", ["period_from", "last_day"])
def test_a_row_in_parts_that_crosses_into_the_next_version_is_told_to_be_divided(
    version_by: str, tmp_path: Path
) -> None:
    """15 March to 15 April: both days have a price, in two rule sets. Before 2026, and of all its days, none has."""
    for name, text in (("split", SPLIT), ("next", NEXT)):
        written = text.replace("VERSION_BY", version_by)
        (tmp_path / f"{name}.ruleset.yaml").write_text(written, encoding="utf-8")
    rulesets = compile_paths([tmp_path]).rulesets
    days = [("2026-01-15", "2026-02-15"), ("2026-03-15", "2026-04-15"), ("2026-01-15", "2026-05-15")]
    days += [("2025-12-15", "2026-01-15"), ("2025-11-15", "2025-12-15")]
    lines = [f"{at},cn.test.parts,{first},{end},31" for at, (first, end) in enumerate(days)]
    source = tmp_path / "rows.csv"
    source.write_text("\n".join(["row_id,ruleset,period_from,period_to,kwh", *lines]) + "\n", encoding="utf-8")

    run(rulesets, source, tmp_path / "out")

    refused = read(tmp_path / "out", "refused").to_pylist()
    told = [(one["row_id"], one["code"], one["field"], one["reason"].rpartition(" ")[2]) for one in refused]
    assert told == [
        ("1", "period-crosses-change", "period_to", "2026-04-01."),
        ("2", "period-crosses-change", "period_to", "2026-04-01."),
        ("3", "period-crosses-change", "period_to", "2026-01-01."),
        ("4", "no-price-in-force", "cn.test.parts", "2025-11-15." if version_by == "period_from" else "2025-12-14."),
    ]
    several = sorted(rulesets.values(), key=lambda one: one.first_day)
    for row in portfolio_rows(source, several, [], rulesets):
        made = billed(Asked(row.compiled, row.row_id, row.period_from, row.period_to, row.values, row.refused))
        assert isinstance(made, Bill) == (row.row_id == "0")
        if not isinstance(made, Bill):
            assert (made.code, made.reason) == next(
                (c["code"], c["reason"]) for c in refused if c["row_id"] == row.row_id
            )
