"""`dianjia compare` as it is typed: what it prints and writes, and what it says where it cannot."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from tests.comparison.compared import book, portfolio
from tests.comparison.test_compare import SHOP

ROWS: Final[list[dict[str, Any]]] = [
    {"row_id": "a", "segment": "small", "ruleset": "cn.test.shop", "kwh": Decimal(100)},
    {"row_id": "b", "segment": "big", "ruleset": "cn.test.shop", "kwh": Decimal(400)},
    {"row_id": "c", "segment": "big", "ruleset": "cn.test.shop", "kwh": None},
]
WRITING = ("--only", "segment=big", "--by", "segment", "--format-out", "csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compare")
    book(made / "old", shop=SHOP)
    book(made / "new", shop=SHOP.replace("1.00,", "1.10,"))
    portfolio(made / "rows.parquet", ROWS)
    return made


@pytest.fixture(scope="module")
def written(folder: Path) -> Path:
    """What a comparison of the big ones wrote; made once, as plots take their time."""
    told = typed(folder, *both(folder), *WRITING, "--output", str(folder / "out"))
    assert told.exit_code == 0, told.output
    return folder / "out"


def typed(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", "--input", str(folder / "rows.parquet"), *arguments])


def both(folder: Path) -> tuple[str, ...]:
    return ("--rules", str(folder / "old"), "--against", str(folder / "new"))


def test_the_summary_has_groups_totals_and_causes(folder: Path) -> None:
    told = typed(folder, *both(folder), "--by", "segment")

    assert told.exit_code == 0, told.output
    lines = [" ".join(line.split()) for line in told.output.splitlines()]
    assert lines[:5] == ["received 3", "both 2", "only old 0", "only new 0", "neither 1"]
    assert "CNY 2 2 0 0 550.00 605.00 55.00" in lines
    assert "small 1 1 0 0 110.00 121.00 11.00" in lines
    assert "cn.test.shop:energy.price@2025-01-01 1.00 1.10 2 55.00" in lines


def test_it_writes_differences_and_data(written: Path) -> None:
    data = json.loads((written / "comparison.json").read_text(encoding="utf-8"))

    assert [one["path"] for one in data["changes"]] == ["energy.price"]
    assert data["files"] == {"differences": 2, "bills": 1, "unpaired": 1}
    rows = pa_csv.read_csv(written / "differences/00000.csv").to_pylist()
    assert [(one["row_id"], one["charge"], one["difference"]) for one in rows] == [
        ("b", "energy", 40.0),
        ("b", "levy", 4.0),
    ]
    assert not list(written.rglob("*.partial"))


def test_a_part_of_the_portfolio_says_so_everywhere(folder: Path, written: Path) -> None:
    told = typed(folder, *both(folder), "--only", "segment=big")

    assert told.output.splitlines()[0] == "part of the portfolio: segment=big"
    data = json.loads((written / "comparison.json").read_text(encoding="utf-8"))
    assert data["partial"] == {"only": {"segment": ["big"]}}
    assert data["rows"] == {"received": 2, "both": 1, "only_old": 0, "only_new": 0, "neither": 1}
    assert "部分账单" in (written / "report.html").read_text(encoding="utf-8")


def test_the_page_stands_by_itself_in_both_languages(written: Path) -> None:
    page = (written / "report.html").read_text(encoding="utf-8")

    named = {url for url in re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page) if not url.startswith("#")}
    assert named == set()
    assert "<script" not in page
    for text in ("账单比较", "comparison of bills", "收入影响", "revenue effect", "44.00", "big"):
        assert text in page
    assert page.count("<svg") == 2 * 6  # histogram, causes, waterfall, rule sets, segments, deciles


def test_an_earlier_comparison_is_replaced_where_asked_with_the_same_bytes(folder: Path, written: Path) -> None:
    names = ("report.html", "comparison.json", "differences/00000.csv", "bills/00000.csv")
    before = [(written / name).read_bytes() for name in names]
    arguments = (*both(folder), *WRITING, "--output", str(written), "--threads", "3")

    refused, replaced = typed(folder, *arguments), typed(folder, *arguments, "--overwrite")

    assert (refused.exit_code, replaced.exit_code) == (1, 0)
    assert refused.stderr == (
        f"{written}: comparison-done: the folder already holds a comparison.\n"
        "  Name another folder, or say --overwrite to replace it.\n"
    )
    assert [(written / name).read_bytes() for name in names] == before


def test_a_number_given_on_the_command_line(folder: Path) -> None:
    told = typed(
        folder, "--rules", str(folder / "old"), "--set", "cn.test.shop:energy.price@2026-01-01=0.90", "--format", "json"
    )

    data = json.loads(told.stdout)
    assert data["settings"] == ["cn.test.shop:energy.price@2026-01-01=0.90"]
    assert data["currencies"][0]["difference"] == "-55.00"


def test_a_sweep_tells_what_each_value_comes_to(folder: Path) -> None:
    sweep = "cn.test.shop:energy.price@2026-01-01=0.90..1.10/0.10"

    told = typed(
        folder, "--rules", str(folder / "old"), "--sweep", sweep, "--output", str(folder / "swept"), "--format", "json"
    )

    assert told.exit_code == 0, told.output
    steps: list[dict[str, Any]] = json.loads(told.stdout)["sweep"]["steps"]
    assert [
        (one["value"], *(one["currencies"]["CNY"][name] for name in ("difference", "up", "down"))) for one in steps
    ] == [("0.90", "-55.00", 0, 2), ("1.00", "0.00", 0, 0), ("1.10", "55.00", 2, 0)]
    assert "<svg" in (folder / "swept/report.html").read_text(encoding="utf-8")


def test_rows_that_the_change_cannot_reach_are_left_out(folder: Path) -> None:
    """Of January and February, a number that changes in February alone reaches the later."""
    months = [{**ROWS[0], "row_id": str(month), "period_from": date(2026, month, 1)} for month in (1, 2)]
    for one in months:
        one["period_to"] = date(2026, one["period_from"].month + 1, 1)
    source = portfolio(folder / "months.parquet", months)

    setting = "cn.test.shop:energy.price@2026-02-01=2.00"
    told = CliRunner().invoke(
        main,
        ["compare", "--input", str(source), "--rules", str(folder / "old"), "--set", setting, "--affected"],
    )

    lines = [" ".join(line.split()) for line in told.output.splitlines()]
    assert lines[0] == "part of the portfolio: rows that the change reaches"
    assert "received 1" in lines
    assert "CNY 1 1 0 0 110.00 220.00 110.00" in lines


def test_a_sweep_of_the_rows_that_it_reaches_is_of_these(folder: Path) -> None:
    sweep = "cn.test.shop:energy.price@2026-01-01=1.00..1.10/0.10"

    told = typed(folder, "--rules", str(folder / "old"), "--sweep", sweep, "--affected")

    lines = [" ".join(line.split()) for line in told.output.splitlines()]
    assert lines[0] == "part of the portfolio: rows that the change reaches"
    assert lines[-2:] == ["1.00 2 0 0 550.00 550.00 0.00", "1.10 2 2 0 550.00 605.00 55.00"]


def test_rows_that_a_change_reaches_are_told_from_two_books(folder: Path) -> None:
    told = typed(folder, "--stored", str(folder), "--against", str(folder / "new"), "--affected")

    assert told.exit_code == 2
    assert "--affected asks what differs between two rate books" in told.output


def test_a_page_without_a_difference_has_no_empty_plots(folder: Path) -> None:
    old = str(folder / "old")

    told = typed(folder, "--rules", old, "--against", old, "--by", "month", "--output", str(folder / "same"))

    page = (folder / "same/report.html").read_text(encoding="utf-8")
    assert told.exit_code == 0, told.output
    assert "<svg" not in page
    assert "+0.00%" not in page


def test_files_of_a_part_say_so(folder: Path) -> None:
    for name, more in (("whole", ()), ("part", ("--only", "segment=big"))):
        typed(folder, *both(folder), *more, "--output", str(folder / name))

    metadata = [pq.read_schema(folder / name / "differences/00000.parquet").metadata for name in ("whole", "part")]
    assert [one[b"dianjia.complete"] for one in metadata] == [b"true", b"false"]
    assert json.loads(metadata[1][b"dianjia.filter"]) == {"only": {"segment": ["big"]}}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "dianjia: nothing to compare with.\n  Name the new rules with --against DIR, or change a number"),
        ("zh", "dianjia: 没有可比较的对象。\n  请用 --against DIR 给出新规则，或用 --set"),
    ],
)
def test_nothing_to_compare_with(language: str, expected: str, folder: Path) -> None:
    told = typed(folder, "--rules", str(folder / "old"), "--language", language)

    assert told.exit_code == 2
    assert told.stderr.startswith(expected)


def test_a_column_that_is_not_there_cannot_group(folder: Path) -> None:
    told = typed(folder, *both(folder), "--by", "kind")

    assert told.exit_code == 1
    assert told.stderr == (
        f"{folder / 'rows.parquet'}: comparison-by: the portfolio has no column `kind`; totals can be told by "
        "`kwh`, `month`, `region`, `segment`.\n  Name one of these in --by.\n"
    )


def test_two_currencies_have_no_difference(folder: Path) -> None:
    dollars = SHOP.replace("\ninputs", "\ncurrency: USD\ninputs", 1).replace("CNY", "USD")
    book(folder / "dollars", shop=dollars)

    told = typed(folder, "--rules", str(folder / "old"), "--against", str(folder / "dollars"))

    assert told.exit_code == 1
    assert told.stderr.startswith(
        "cn.test.shop: comparison-currency: its bills are in CNY on one side and in USD on the other.\n"
    )
