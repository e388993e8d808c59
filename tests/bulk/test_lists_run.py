"""Runs over rule sets with lists and with parts, from Parquet, CSV and Arrow. Amounts are worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.bulk.single import portfolio_rows
from engine.bulk.sources import open_source
from engine.commands.asked import Asked
from engine.commands.one_row import billed
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.reference import Bill
from engine.evaluator.rows import RowProblem
from tests.running import read, run

PLANT, PLAIN, SPLIT, CURVE = "cn.test.plant", "cn.test.plain", "cn.test.split", "cn.test.curve"
PLANT_YAML = """\
ruleset: cn.test.plant
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
lists:
  transformers:
    at_most: 3
    optional: true
    inputs:
      kva: {unit: kVA, places: 1, from: 0, to: 5000}
      spare: {type: boolean, default: false}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: 0.50}
  capacity: {title: 基本电费, quantity: "sum(0[kVA] if transformers.spare else transformers.kva)", price: 2.00}
"""
PLAIN_YAML = """\
ruleset: cn.test.plain
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: 1.00}
"""
SPLIT_YAML = """\
ruleset: cn.test.split
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
changes: split
calendar:
  timezone: Asia/Shanghai
  seasons: {warm: "months 6-9", cold: "months 1-5, 10-12"}
inputs:
  kwh: {unit: kWh, places: 2, from: 0, to: 100000, split: by_days}
energy: {total: kwh, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: kwh, price: "0.5[CNY/kWh] if season == warm else 0.6[CNY/kWh]"}
warnings:
  much: {title: 多, level: amber, when: "kwh > 50[kWh]", message: "用电 {kwh}"}
"""
JANUARY = (date(2026, 1, 1), date(2026, 2, 1))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Compiled]:
    folder = tmp_path_factory.mktemp("rules")
    for name, text in (("plant", PLANT_YAML), ("plain", PLAIN_YAML), ("split", SPLIT_YAML)):
        (folder / f"{name}.ruleset.yaml").write_text(text, encoding="utf-8")
    return compile_paths([folder]).rulesets


UNIT = pa.struct(
    [
        pa.field("kva", pa.int64(), metadata={"places": "1"}),
        pa.field("spare", pa.bool_()),
    ]
)
# row id, rule set, kWh, transformers
ROWS: list[tuple[str, str, str, Any]] = [
    ("two", PLANT, "10.00", [{"kva": 10005}, {"kva": 6300, "spare": True}]),  # 5.00 + 1000.5 kVA: 2001.00
    ("none", PLANT, "10.00", []),
    ("null", PLANT, "10.00", None),
    ("four", PLANT, "10.00", [{"kva": 10}] * 4),
    ("lacks", PLANT, "10.00", [{"kva": 10}, {"spare": False}]),
    ("big", PLANT, "10.00", [{"kva": 10}, {"kva": 50001}]),
    ("plain", PLAIN, "10.00", None),
    ("wrong", PLAIN, "10.00", [{"kva": 10}]),
]
BILLED = {"two": "2006.00", "none": "5.00", "null": "5.00", "plain": "10.00"}
REFUSED = {
    "four": ("too-many-items", "transformers", "4"),
    "lacks": ("missing-value", "transformers.kva", ""),
    "big": ("out-of-bounds", "transformers.kva", "5000.1"),
}


def table(rows: list[tuple[str, str, str, Any]]) -> pa.Table:
    """The rows as typed columns."""
    kind = pa.list_(UNIT)
    return pa.table(
        {
            "row_id": [row[0] for row in rows],
            "ruleset": [row[1] for row in rows],
            "period_from": [JANUARY[0]] * len(rows),
            "period_to": [JANUARY[1]] * len(rows),
            "kwh": [Decimal(row[2]) for row in rows],
            "transformers": pa.array([row[3] for row in rows], kind),
        }
    ).cast(
        pa.schema(
            [
                *(pa.field(name, pa.string()) for name in ("row_id", "ruleset")),
                *(pa.field(name, pa.date32()) for name in ("period_from", "period_to")),
                pa.field("kwh", pa.decimal128(12, 2)),
                pa.field("transformers", kind),
            ]
        )
    )


def as_text(rows: list[tuple[str, str, str, Any]]) -> pa.Table:
    """The same with JSON in the cells of the list; every other row as an object of arrays."""
    cells = []
    for number, (_, _, _, items) in enumerate(rows):
        items = items and [{**one, **({"kva": one["kva"] / 10} if "kva" in one else {})} for one in items]
        if items and number % 2:
            items = {name: [one.get(name) for one in items] for name in ("kva", "spare")}
        cells.append(None if items is None else json.dumps(items))
    return table(rows).set_column(5, "transformers", pa.array(cells, pa.string()))


def written(path: Path, made: pa.Table) -> Path:
    if path.suffix == ".csv":
        pa_csv.write_csv(made, path)
    elif path.suffix == ".arrow":
        with pa.ipc.new_file(path, made.schema) as file:
            file.write_table(made)
    else:
        pq.write_table(made, path)
    return path


def outcome(
    rulesets: Mapping[str, Compiled], source: Path, **options: Any
) -> tuple[dict[str, str], dict[str, tuple[str, str, str]]]:
    folder = source.parent / "out"
    run(rulesets, source, folder, overwrite=True, **options)
    bills = {one["row_id"]: str(one["total"]) for one in read(folder, "bills").to_pylist()}
    refused = read(folder, "refused").to_pylist()
    return bills, {one["row_id"]: (one["code"], one["field"], one["value"]) for one in refused}


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.arrow"])
def test_lists_of_every_format(name: str, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[1] == PLANT]
    source = written(tmp_path / name, as_text(rows) if name.endswith("csv") else table(rows))

    bills, refused = outcome(book, source)

    assert bills == {id_: total for id_, total in BILLED.items() if id_ != "plain"}
    assert refused == REFUSED


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_a_list_that_the_rule_set_does_not_read(name: str, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    source = written(tmp_path / name, as_text(ROWS) if name.endswith("csv") else table(ROWS))

    bills, refused = outcome(book, source)

    assert bills == BILLED
    assert {id_: one[:2] for id_, one in refused.items()} == {
        **{id_: one[:2] for id_, one in REFUSED.items()},
        "wrong": ("unknown-column", "transformers"),
    }


@pytest.mark.parametrize("batch_rows", [1, 3])
def test_batches_change_nothing(batch_rows: int, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    rows = [row for row in ROWS if row[1] == PLANT]

    bills, refused = outcome(book, written(tmp_path / "rows.arrow", table(rows)), batch_rows=batch_rows)

    assert (set(bills), refused) == ({"two", "none", "null"}, REFUSED)


def test_a_cell_that_is_no_list_refuses_its_row_alone(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    made = table(ROWS[:3]).set_column(5, "transformers", pa.array(["[{}", '[{"maker": 1}]', '[{"kva": "1,5"}]']))

    bills, refused = outcome(book, written(tmp_path / "rows.parquet", made))

    assert bills == {}
    assert refused == {
        "two": ("not-a-list", "transformers", "[{}"),
        "none": ("unknown-item-key", "transformers", "maker"),
        "null": ("not-a-number", "transformers.kva", "1,5"),
    }


def test_a_number_of_a_billion_digits_is_not_written_out(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """One cell of 22 letters may not take the memory of the machine."""
    cells = ['[{"kva": 1e999999999}]', '[{"kva": -1e-999999999}]', '[{"kva": 1e2}]']
    made = table(ROWS[:3]).set_column(5, "transformers", pa.array(cells))

    bills, refused = outcome(book, written(tmp_path / "rows.csv", made))

    assert bills == {"null": "205.00"}  # 10 × 0.50 + 100 × 2.00
    assert refused == {
        "two": ("not-a-number", "transformers.kva", "1E+999999999"),
        "none": ("not-a-number", "transformers.kva", "-1E-999999999"),
    }


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_a_single_bill_is_that_of_the_run(name: str, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Each row by itself, as `dianjia bill --input FILE` bills it."""
    rows = [row for row in ROWS if row[1] == PLANT]
    source = written(tmp_path / name, as_text(rows) if name.endswith("csv") else table(rows))

    made = {}
    for row in portfolio_rows(source, [book[PLANT]], [], book):
        made[row.row_id] = billed(
            Asked(row.compiled, row.row_id, row.period_from, row.period_to, row.values, row.refused)
        )

    assert {id_: str(one.total) for id_, one in made.items() if isinstance(one, Bill)} == {
        id_: total for id_, total in BILLED.items() if id_ != "plain"
    }
    assert {id_: (one.code, one.field) for id_, one in made.items() if isinstance(one, RowProblem)} == {
        id_: one[:2] for id_, one in REFUSED.items()
    }


SMALL_YAML = (
    PLANT_YAML.replace("cn.test.plant", "cn.test.small")
    + """\
refuse:
  small: {when: "transformers.kva < 1[kVA]", message: "{transformers.kva} 千伏安太小"}
"""
)


def test_a_refusal_by_a_rule_tells_which_item(tmp_path: Path) -> None:
    (tmp_path / "small.ruleset.yaml").write_text(SMALL_YAML, encoding="utf-8")
    rulesets = compile_paths([tmp_path]).rulesets
    rows = [("a", "cn.test.small", "1.00", [{"kva": 10}, {"kva": 5}])]
    source = written(tmp_path / "rows.parquet", table(rows))

    (row,) = portfolio_rows(source, list(rulesets.values()), [], rulesets)
    single = billed(Asked(row.compiled, row.row_id, row.period_from, row.period_to, row.values, row.refused))

    assert isinstance(single, RowProblem)
    assert (single.field, single.value, single.parameters["item"]) == ("small", "transformers[2].kva = 0.5", "2")
    assert outcome(rulesets, source) == ({}, {"a": ("refused-by-rule", "small", "transformers[2].kva = 0.5")})


def test_a_text_of_null_is_no_list_by_itself_nor_in_a_run(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    made = table(ROWS[:1]).set_column(5, "transformers", pa.array(["null"]))
    source = written(tmp_path / "rows.csv", made)

    (row,) = portfolio_rows(source, [book[PLANT]], [], book)
    single = billed(Asked(row.compiled, row.row_id, row.period_from, row.period_to, row.values, row.refused))

    assert isinstance(single, RowProblem)
    assert (single.code, single.field, single.value) == ("not-a-list", "transformers", "null")
    assert outcome(book, source) == ({}, {"two": ("not-a-list", "transformers", "null")})


def test_a_single_row_that_gives_another_rule_set_its_input(book: Mapping[str, Compiled], tmp_path: Path) -> None:
    source = written(tmp_path / "rows.parquet", table(ROWS))

    rows = {row.row_id: row for row in portfolio_rows(source, [book[PLAIN]], [], book)}
    by_pass = list(portfolio_rows(source, [book[PLAIN]], ["wrong"], book, ["transformers"]))

    assert rows["plain"].refused is None
    refused = rows["wrong"].refused
    assert refused is not None
    assert (refused.code, refused.field, refused.parameters["known"]) == ("unknown-column", "transformers", "`kwh`")
    assert by_pass[0].refused is None


class TestParts:
    """SPLIT: kWh divided by days at the change of seasons on 1 June and 1 October."""

    def rows(self) -> pa.Table:
        """61 days of which 31 in May and 30 in June; then a June alone."""
        return pa.table(
            {
                "row_id": ["two", "one", "three"],
                "ruleset": [SPLIT] * 3,
                "period_from": [date(2026, 5, 1), date(2026, 6, 1), date(2026, 5, 31)],
                "period_to": [date(2026, 7, 1), date(2026, 7, 1), date(2026, 10, 2)],
                "kwh": [Decimal("61.00"), Decimal("30.00"), Decimal("124.00")],
            }
        )

    def test_a_record_for_each_part(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """31 kWh at 0.6 and 30 at 0.5; 30 at 0.5; 1 at 0.6, 122 at 0.5 and 1 at 0.6."""
        source = written(tmp_path / "rows.parquet", self.rows())

        summary = run(book, source, tmp_path / "out", details=True)

        lines = read(tmp_path / "out", f"lines/{SPLIT}").to_pylist()
        assert [one["energy.quantity"] for one in lines] == [3100, 3000, 3000, 100, 12200, 100]
        assert [one["energy"] for one in lines] == [1860, 1500, 1500, 60, 6100, 60]
        assert [(one["part"], one["part_from"]) for one in lines] == [
            (1, date(2026, 5, 1)),
            (2, date(2026, 6, 1)),
            (1, date(2026, 6, 1)),
            (1, date(2026, 5, 31)),
            (2, date(2026, 6, 1)),
            (3, date(2026, 10, 1)),
        ]
        bills = read(tmp_path / "out", "bills").to_pylist()
        assert {one["row_id"]: str(one["total"]) for one in bills} == {"two": "33.60", "one": "15.00", "three": "62.20"}
        (ruleset,) = summary.rulesets
        assert (ruleset.billed, str(ruleset.total), str(ruleset.charges["energy"])) == (3, "110.80", "110.80")

    def test_warnings_are_of_rows(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        """A warning reads the whole bill: 61 kWh, of which no part has 50, and 124 kWh."""
        run(book, written(tmp_path / "rows.parquet", self.rows()), tmp_path / "out")

        warnings = read(tmp_path / "out", "warnings").to_pylist()
        assert [(one["row_id"], one["message"]) for one in warnings] == [
            ("two", "用电 61.00"),
            ("three", "用电 124.00"),
        ]

    def test_csv_has_the_same_columns(self, book: Mapping[str, Compiled], tmp_path: Path) -> None:
        run(book, written(tmp_path / "rows.parquet", self.rows()), tmp_path / "out", format_="csv")

        first = (tmp_path / "out" / "lines" / SPLIT / "00000.csv").read_text(encoding="utf-8").splitlines()[:2]
        assert first == [
            '"row_id","ruleset","part","part_from","part_to","energy"',
            f'"two","{SPLIT}",1,2026-05-01,2026-06-01,18.60',
        ]


def test_an_interval_list_by_the_clock(tmp_path: Path) -> None:
    """A day of 24 hours from Parquet; 23 values are refused with both counts."""
    text = """\
ruleset: cn.test.curve
source: {standing: example, note: made up for a test}
in_force: {from: 2026-01-01, until_replaced: true}
version_by: period_from
calendar: {timezone: Asia/Shanghai}
lists:
  load:
    every: 60 minutes
    at_most: 744
    inputs:
      kwh: {unit: kWh, places: 3, from: 0, to: 1000}
quantities:
  used: sum(load.kwh)
energy: {total: used, priced_by: [energy]}
charges:
  energy: {title: 电费, quantity: used, price: 0.50}
"""
    (tmp_path / "curve.ruleset.yaml").write_text(text, encoding="utf-8")
    rulesets = compile_paths([tmp_path]).rulesets
    kind = pa.list_(pa.field("item", pa.int64(), metadata={"places": "3"}))
    made = pa.table(
        {
            "row_id": ["a", "b"],
            "ruleset": [CURVE] * 2,
            "period_from": [date(2026, 1, 1)] * 2,
            "period_to": [date(2026, 1, 2)] * 2,
        }
    ).append_column(pa.field("load", kind), pa.array([[1500] * 24, [1500] * 23], kind))

    bills, refused = outcome(rulesets, written(tmp_path / "rows.parquet", made))

    assert bills == {"a": "18.00"}  # 24 × 1.5 kWh × 0.50
    assert refused == {"b": ("interval-count", "load", "23")}


@pytest.mark.parametrize(("items", "rows"), [(0, 131_072), (3, 131_072), (5_000, 838)])
def test_long_lists_make_smaller_batches(items: int, rows: int, book: Mapping[str, Compiled], tmp_path: Path) -> None:
    """Four million items at most: 4,194,304 / 5,000 is 838.9. Parquet says how many a row has."""
    made = table([(str(at), PLANT, "1.00", [{"kva": 1}] * items) for at in range(4)])

    source = open_source(written(tmp_path / "rows.parquet", made), book)

    assert source.batch_rows() == rows
