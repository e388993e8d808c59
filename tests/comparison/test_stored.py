"""New bills against the bills that an earlier run wrote."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from engine.bulk.partitions import Wanted
from engine.comparison.problems import ComparisonProblem
from tests.comparison.compared import book, compared, portfolio
from tests.comparison.test_compare import SHOP
from tests.running import run

ROWS: Final[list[dict[str, Any]]] = [
    {"row_id": "a", "account": "x", "ruleset": "cn.test.shop", "kwh": Decimal(100)},
    {"row_id": "b", "account": "x", "ruleset": "cn.test.shop", "kwh": Decimal(200)},
    {"row_id": "c", "account": "y", "ruleset": "cn.test.shop", "kwh": None},
]


def _stored(folder: Path) -> Path:
    old = book(folder / "old", shop=SHOP)
    run(old.rulesets, portfolio(folder / "then.parquet", ROWS), folder / "run")
    return folder / "run"


def test_new_bills_against_stored_ones(tmp_path: Path) -> None:
    """a stays, b was mended to 250 kWh, c was refused and has its kWh now, d is new, and e was stored alone."""
    stored = _stored(tmp_path)
    now = [
        {**ROWS[0], "row_id": "d"},
        {**ROWS[2], "kwh": Decimal(300)},
        {**ROWS[1], "kwh": Decimal(250)},
    ]
    new = book(tmp_path / "new", shop=SHOP.replace("1.00,", "1.10,"))

    found = compared(None, new, portfolio(tmp_path / "now.parquet", now), tmp_path / "out", stored)

    assert found.data["rows"] == {"received": 4, "both": 1, "only_old": 1, "only_new": 2, "neither": 0}
    assert [(one["row_id"], one["group"], one["code"], str(one["total"])) for one in found.unpaired] == [
        ("d", "only_new", "not-stored", "121.00"),
        ("c", "only_new", "missing-value", "363.00"),
        ("a", "only_old", "not-in-input", "110.00"),
    ]
    # 200 x 1.00 and 20.00; 250 x 1.10 and 27.50
    assert [(one["charge"], str(one["old"]), str(one["new"])) for one in found.differences] == [
        ("energy", "200.00", "275.00"),
        ("levy", "20.00", "27.50"),
    ]


def test_with_the_old_rules_what_is_not_theirs_is_told_apart(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    now = [ROWS[0], {**ROWS[1], "kwh": Decimal(250)}]
    old = book(tmp_path / "old", shop=SHOP)
    new = book(tmp_path / "new", shop=SHOP.replace("1.00,", "1.10,"))

    found = compared(old, new, portfolio(tmp_path / "now.parquet", now), tmp_path / "out", stored)

    assert found.causes("a") == [
        ("energy", "energy.price@2025-01-01", "10.00"),
        ("levy", "energy.price@2025-01-01", "1.00"),
    ]
    assert found.causes("b") == [
        ("energy", "stored:", "50.00"),
        ("energy", "energy.price@2025-01-01", "25.00"),
        ("levy", "stored:", "5.00"),
        ("levy", "energy.price@2025-01-01", "2.50"),
    ]


def test_a_folder_without_a_finished_run_is_refused(tmp_path: Path) -> None:
    new = book(tmp_path / "new", shop=SHOP)

    with pytest.raises(ComparisonProblem) as raised:
        compared(None, new, portfolio(tmp_path / "now.parquet", ROWS), tmp_path / "out", tmp_path / "new")

    assert raised.value.code == "stored-no-run"


def test_stored_bills_whose_lines_are_gone_are_refused(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    (lines,) = (stored / "lines").glob("*/*.parquet")
    pq.write_table(pq.read_table(lines).slice(1), lines)
    new = book(tmp_path / "new", shop=SHOP)

    with pytest.raises(ComparisonProblem) as raised:
        compared(None, new, portfolio(tmp_path / "now.parquet", ROWS), tmp_path / "out", stored)

    assert (raised.value.code, raised.value.parameters["rows"]) == ("stored-not-whole", "1")
    assert json.loads((stored / "summary.json").read_text(encoding="utf-8"))


def test_a_part_of_the_portfolio_leaves_stored_bills_of_other_parts_out(tmp_path: Path) -> None:
    """The input has the north alone, and one bill of the north is gone from it: the south's are not missed."""
    old = book(tmp_path / "old", shop=SHOP)
    rows = [{**ROWS[0], "row_id": name, "region": name[:5]} for name in ("north1", "north2", "south1")]
    run(old.rulesets, portfolio(tmp_path / "then.parquet", rows), tmp_path / "run")
    new = book(tmp_path / "new", shop=SHOP.replace("1.00,", "1.10,"))
    source = portfolio(tmp_path / "now.parquet", rows[:1])
    february = {"cn.test.shop": ((20485, 20513),)}

    found, later = (
        compared(None, new, source, tmp_path / folder, tmp_path / "run", wanted=wanted)
        for folder, wanted in (("out", Wanted({"region": ("north",)})), ("later", Wanted(days=february)))
    )
    with pytest.raises(ComparisonProblem) as unknown:
        compared(None, new, source, tmp_path / "kwh", tmp_path / "run", wanted=Wanted({"kwh": ("100",)}))

    assert [(one["row_id"], one["code"]) for one in found.unpaired] == [("north2", "not-in-input")]
    assert found.data["currencies"][0]["revenue_effect"] == "-99.00"  # 11.00 more, and 110.00 are gone
    assert later.data["rows"] == {"received": 0, "both": 0, "only_old": 0, "only_new": 0, "neither": 0}
    assert (unknown.value.code, unknown.value.parameters["column"]) == ("stored-only-column", "kwh")


def test_a_stored_bill_of_another_currency_has_no_difference(tmp_path: Path) -> None:
    """a was billed in CNY, and its row names a rule set in USD now; where that has no bill, what is gone is CNY."""
    texts = {"shop": SHOP, "us": "currency: USD\n" + SHOP.replace("CNY", "USD")}
    rules = book(tmp_path / "rules", **texts)
    run(rules.rulesets, portfolio(tmp_path / "then.parquet", ROWS[:1]), tmp_path / "run")
    abroad = {**ROWS[0], "ruleset": "cn.test.us"}
    sources = [
        portfolio(tmp_path / f"{kwh}.parquet", [{**abroad, "kwh": kwh}, {**ROWS[1], "kwh": Decimal(1)}])
        for kwh in (Decimal(100), None)
    ]

    with pytest.raises(ComparisonProblem) as raised:
        compared(None, rules, sources[0], tmp_path / "out", tmp_path / "run")
    found = compared(None, rules, sources[1], tmp_path / "gone", tmp_path / "run")

    assert (raised.value.code, raised.value.subject) == ("stored-currency", "a")
    assert [(one["currency"], one["only_old"]["amount"]) for one in found.data["currencies"]] == [("CNY", "110.00")]
    assert [(one["group"], one["currency"]) for one in found.unpaired] == [("only_old", "CNY"), ("only_new", "CNY")]
