"""Runs over rule sets that carry inputs: a year's ladder billed from one file. Amounts are worked out by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.bulk.single import portfolio_rows
from engine.commands.asked import Asked
from engine.commands.one_row import billed
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.reference import reference
from engine.evaluator.rows import RowProblem
from tests.running import read, run

LADDER = "cn.test.ladder"
YAML = """\
ruleset: cn.test.ladder
source: {standing: example, note: made up for a test}
in_force: {from: 2025-01-01, until_replaced: true}
version_by: period_from

inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
  shared: {type: boolean, default: false}
  kwh_year_before:
    unit: kWh
    places: 2
    from: 0
    to: 5000
    needed_when: not shared
    carried: {sum: kwh, since: calendar_year, opening: 0}

energy: {total: kwh, priced_by: [energy]}

charges:
  energy: {title: 电费, quantity: kwh, price: 0.50, ledger: energy}
  more:
    title: 二档加价
    kind: formula
    when: not shared
    amount: "max(0[kWh], kwh_year_before + kwh - 1000[kWh]) * 0.10[CNY/kWh]"
    ledger: energy
"""

# row id, account, first day, end, kWh, shared, kWh of the year before
Row = tuple[str, str | None, date, date, str | None, bool, str | None]


def row(id_: str, account: str | None, number: int, kwh: str | None, shared: bool = False, before: Any = None) -> Row:
    """A row for a month of 2026; 13 is January 2027."""
    first = date(2026 + (number - 1) // 12, (number - 1) % 12 + 1, 1)
    end = date(2026 + number // 12, number % 12 + 1, 1)
    return (id_, account, first, end, kwh, shared, before)


def book(folder: Path, text: str = YAML) -> Mapping[str, Compiled]:
    folder.mkdir(exist_ok=True)
    (folder / "ladder.ruleset.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder]).rulesets


def written(path: Path, rows: Sequence[Row], without: Sequence[str] = ()) -> Path:
    names = ("row_id", "account", "period_from", "period_to", "kwh", "shared", "kwh_year_before")
    columns = {name: [one[at] for one in rows] for at, name in enumerate(names) if name not in without}
    for name in ("kwh", "kwh_year_before"):
        if name in columns:
            values = [None if value is None else Decimal(str(value)) for value in columns[name]]
            columns[name] = pa.array(values, pa.decimal128(12, 2))
    table = pa.table({**columns, "ruleset": [LADDER] * len(rows)})
    pq.write_table(table, path)
    return path


def outcome(rulesets: Mapping[str, Compiled], source: Path, **options: Any) -> dict[str, str]:
    """Totals of the bills, and codes and fields of the refusals, by row."""
    folder = source.with_suffix("")
    run(rulesets, source, folder, overwrite=True, **options)
    found = {one["row_id"]: str(one["total"]) for one in read(folder, "bills").to_pylist()}
    for one in read(folder, "refused").to_pylist():
        found[one["row_id"]] = f"{one['code']} {one['field']}"
    return found


YEAR = [
    row("1", "a", 1, "600"),  # 300.00
    row("2", "a", 2, "300"),  # 150.00: 900 so far
    row("3", "a", 3, "200.50"),  # 100.25 and 100.50 above 1000: 10.05
    row("4", "a", 4, "10", shared=True),  # 5.00, and its 10 kWh count
    row("5", "a", 5, "100"),  # 50.00; with 1110.50 before it, 210.50 above 1000: 21.05
    row("6", "b", 12, "900", before="200"),  # 450.00 and 10.00
    row("7", "b", 13, "900"),  # another year: 450.00
]
BILLED = {"1": "300.00", "2": "150.00", "3": "110.30", "4": "5.00", "5": "71.05", "6": "460.00", "7": "450.00"}


def test_a_year_of_rows_in_one_file(tmp_path: Path) -> None:
    assert outcome(book(tmp_path / "rules"), written(tmp_path / "rows.parquet", YEAR)) == BILLED


def test_the_column_may_be_left_out(tmp_path: Path) -> None:
    rows = [one for one in YEAR if one[1] == "a"]
    source = written(tmp_path / "rows.parquet", rows, without=["kwh_year_before"])

    assert outcome(book(tmp_path / "rules"), source) == {id_: BILLED[id_] for id_ in "12345"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("partition_rows", [0, 3])
def test_the_order_of_the_rows_does_not_matter(seed: int, partition_rows: int, tmp_path: Path) -> None:
    """Nor do batches, partitions and threads: all rows of an account are in one partition."""
    rows = list(YEAR)
    random.Random(seed).shuffle(rows)
    options = {"threads": 3, "batch_rows": 2, "partition_rows": partition_rows}

    found = outcome(book(tmp_path / "rules"), written(tmp_path / "rows.parquet", rows), **options)

    assert found == BILLED


def test_a_bill_gets_what_the_run_computed(tmp_path: Path) -> None:
    """One row by itself, with the value as a plain input."""
    rulesets = book(tmp_path / "rules")

    bill = reference(
        rulesets[LADDER],
        {"kwh": "200.50", "kwh_year_before": "900"},
        period_from=date(2026, 3, 1),
        period_to=date(2026, 4, 1),
    )

    assert not isinstance(bill, RowProblem)
    assert str(bill.total) == BILLED["3"]


CANNOT = [
    row("gap-1", "a", 2, "1"),
    row("gap-2", "a", 4, "1"),
    row("gap-3", "a", 5, "1"),
    row("bad-1", "b", 1, "100000.01"),
    row("bad-2", "b", 2, "1"),
    row("far-1", "c", 1, "5000"),
    row("far-2", "c", 2, "0.01"),
    row("far-3", "c", 3, "1"),
    row("far-4", "c", 4, "1"),
    row("none", None, 1, "1"),
]


def test_rows_that_cannot_be_carried_to_say_why(tmp_path: Path) -> None:
    assert outcome(book(tmp_path / "rules"), written(tmp_path / "rows.parquet", CANNOT)) == {
        "gap-1": "0.50",
        "gap-2": "carried-gap kwh_year_before",
        "gap-3": "carried-from-refused kwh_year_before",
        "bad-1": "out-of-bounds kwh",
        "bad-2": "carried-from-refused kwh_year_before",
        "far-1": "2900.00",  # 2500.00 and 400.00
        "far-2": "400.01",  # 0.01 (half a cent, up) and 400.00: 5000 before, the most there may be
        "far-3": "out-of-bounds kwh_year_before",  # 5000.01
        "far-4": "carried-from-refused kwh_year_before",
        "none": "missing-value kwh_year_before",
    }


def one_by_one(rulesets: Mapping[str, Compiled], source: Path, *row_ids: str) -> dict[str, str]:
    """As `outcome`, as `dianjia bill --input FILE` bills rows."""
    found = {}
    for one in portfolio_rows(source, [rulesets[LADDER]], row_ids, rulesets):
        asked = Asked(one.compiled, one.row_id, one.period_from, one.period_to, one.values, one.refused)
        made = billed(asked)
        found[str(made.row_id)] = f"{made.code} {made.field}" if isinstance(made, RowProblem) else str(made.total)
    return found


@pytest.mark.parametrize("rows", [YEAR, CANNOT], ids=["year", "cannot"])
@pytest.mark.parametrize("seed", range(2))
def test_single_bills_carry_what_the_run_does(rows: Sequence[Row], seed: int, tmp_path: Path) -> None:
    """So that `explain` can tell of a row why it was billed so."""
    rulesets = book(tmp_path / "rules")
    source = written(tmp_path / "rows.parquet", random.Random(seed).sample(rows, len(rows)))

    assert one_by_one(rulesets, source) == outcome(rulesets, source, batch_rows=3)


def test_one_single_bill_of_an_account(tmp_path: Path) -> None:
    rulesets = book(tmp_path / "rules")

    assert one_by_one(rulesets, written(tmp_path / "rows.parquet", YEAR), "3", "7") == {"3": "110.30", "7": "450.00"}
    (read,) = portfolio_rows(tmp_path / "rows.parquet", [rulesets[LADDER]], ["3"], rulesets)
    assert str(read.values["kwh_year_before"]) == "900.00"


def test_a_row_that_comes_twice_counts_once(tmp_path: Path) -> None:
    rows = [row("1", "a", 1, "600"), row("2", "a", 2, "600"), row("1", "a", 1, "600")]
    source = written(tmp_path / "rows.parquet", rows)

    run(book(tmp_path / "rules"), source, tmp_path / "out")

    bills = read(tmp_path / "out", "bills").to_pylist()
    assert {one["row_id"]: str(one["total"]) for one in bills} == {"1": "300.00", "2": "320.00"}


REFUSING = (
    YAML
    + """
refuse:
  too_much: {when: "not shared and kwh_year_before > 900[kWh]", message: 请分户}
"""
)


def test_a_refusal_that_reads_the_carried_value(tmp_path: Path) -> None:
    """Row 4 reads 1000: refused by the rule; what follows cannot follow a refused row, though it reads as much."""
    rows = [row(str(at), "a", at, "300") for at in (1, 2, 3)]
    rows += [
        row("4", "a", 4, "100"),
        row("5", "a", 5, "100"),
        row("6", "b", 1, "1", before="950"),
        row("7", "b", 2, "1"),
    ]
    rows[2] = row("3", "a", 3, "400")

    assert outcome(book(tmp_path / "rules", REFUSING), written(tmp_path / "rows.parquet", rows)) == {
        "1": "150.00",
        "2": "150.00",
        "3": "200.00",
        "4": "refused-by-rule too_much",
        "5": "carried-from-refused kwh_year_before",
        "6": "refused-by-rule too_much",
        "7": "carried-from-refused kwh_year_before",
    }


def test_without_accounts_it_is_as_before(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.parquet", [row("1", "a", 1, "600")], without=["account"])

    assert outcome(book(tmp_path / "rules"), source) == {"1": "missing-value kwh_year_before"}


PARTS = """\
ruleset: cn.test.ladder
source: {standing: example, note: made up for a test}
in_force: {from: 2025-01-01, through: 2026-06-30}
version_by: period_from
changes: split
calendar:
  timezone: Asia/Shanghai
  seasons: {warm: "months 2-9", cold: "months 1, 10-12"}
inputs:
  kwh: {unit: kWh, places: 0, from: 0, to: 100000, split: by_days}
  kwh_year_before: {unit: kWh, places: 0, from: 0, to: 5000, split: no, carried: {sum: kwh, since: calendar_year}}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: "0.50[CNY/kWh] if season == warm else 0.60[CNY/kWh]"}
  before: {title: 前, kind: formula, per: bill, amount: "kwh_year_before * 0.01[CNY/kWh]"}
"""
AFTER = """\
ruleset: cn.test.ladder
source: {standing: example, note: made up for a test}
in_force: {from: 2026-07-01, until_replaced: true}
version_by: period_from
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
  kwh_year_before: {unit: kWh, places: 2, from: 0, to: 5000, carried: {sum: kwh, since: calendar_year}}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: 1.00}
  before: {title: 前, kind: formula, amount: "kwh_year_before * 0.01[CNY/kWh]"}
"""


def test_parts_and_a_new_version_of_the_rule_set(tmp_path: Path) -> None:
    """The whole bill is carried, not its last part; and it is carried on where another structure takes over."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "parts.ruleset.yaml").write_text(PARTS, encoding="utf-8")
    (folder / "after.ruleset.yaml").write_text(AFTER, encoding="utf-8")
    rows: list[Row] = [
        ("1", "a", date(2026, 1, 1), date(2026, 3, 1), "590", False, None),  # 310 × 0.60 + 280 × 0.50
        ("2", "a", date(2026, 3, 1), date(2026, 7, 1), "100", False, None),  # 100 × 0.50 + 5.90
        ("3", "a", date(2026, 7, 1), date(2026, 8, 1), "1", False, None),  # 1 × 1.00 + 6.90
        ("4", "a", date(2026, 8, 1), date(2026, 9, 1), "0", False, None),  # 6.91
    ]
    source = written(tmp_path / "rows.parquet", rows, without=["shared", "kwh_year_before"])

    found = outcome(compile_paths([folder]).rulesets, source)

    assert found == {"1": "326.00", "2": "55.90", "3": "7.90", "4": "6.91"}


def test_versions_have_openings_and_bounds_of_their_own(tmp_path: Path) -> None:
    """Account a goes on from the first version, whose bound of 1000 no longer holds; b begins with the second."""
    folder = tmp_path / "rules"
    folder.mkdir()
    text = AFTER.replace("2026-07-01", "2026-03-01")
    first = text.replace("2026-03-01, until_replaced: true", "2026-01-01, through: 2026-02-28")
    first = first.replace("to: 5000, carried: {sum: kwh,", "to: 1000, carried: {opening: 0, sum: kwh,")
    second = text.replace("carried: {sum: kwh,", "carried: {opening: 7, sum: kwh,")
    (folder / "first.ruleset.yaml").write_text(first, encoding="utf-8")
    (folder / "second.ruleset.yaml").write_text(second, encoding="utf-8")
    rows = [
        row("1", "a", 1, "600"),  # 600.00
        row("2", "a", 2, "600"),  # 600.00 and 6.00
        row("3", "a", 3, "600"),  # 600.00 and 12.00
        row("4", "a", 4, "600"),  # 600.00 and 18.00
        row("5", "b", 3, "600"),  # 600.00 and 0.07
        row("6", "b", 4, "600"),  # 600.00 and 6.07
    ]
    source = written(tmp_path / "rows.parquet", rows, without=["shared", "kwh_year_before"])

    assert outcome(compile_paths([folder]).rulesets, source) == {
        "1": "600.00",
        "2": "606.00",
        "3": "612.00",
        "4": "618.00",
        "5": "600.07",
        "6": "606.07",
    }
