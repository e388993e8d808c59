"""The proposal of a customer: its figures are those of `dianjia bill`, and it is whole on a phone and on A4.

The bills that it is compared with are billed one by one by another command, from rows that this test rewrites by hand.
With `DIANJIA_PICTURES=FOLDER` the pictures that are taken stay in that folder, for people to look at.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from engine.cli import main
from tests.documents import ROOT
from tests.proposal.browser import Browser, parts_outside

ACCOUNT: Final = "42010002"
RULESET: Final = "cn.example.industry_commerce"
_FILES: Final = (
    *(f"rules/cn/national/industry_commerce.{kind}.yaml" for kind in ("form", "advice")),
    *("rules/cn/national/power_factor.shared.yaml", "rules/cn/national/warnings/one_row.shared.yaml"),
    *("docs/examples/advice", "rules/cn/hubei"),  # tests of the advice are on the latter
)
RULES: Final = [str(ROOT / one) for one in _FILES]
CUSTOMERS: Final = ROOT / "docs" / "examples" / "customers_2026.csv"
LANGUAGES: Final = ("zh", "en")
ADVICE_ONLY: Final = ("measured_kw", "transformer_kva", "idle_kva", "on_tou", "kwh_year_before", "gas_m3")
PHONE: Final = 390
A4_MM: Final = (210, 297)
PAPER: Final = 688  # pixels between the margins of A4: 182 mm at 96 a 25.4 mm


Bills = Mapping[str, Mapping[str, Mapping[str, Decimal]]]


class Figures(HTMLParser):
    """The figures of a page by their names; what stands there as text has to be the figure."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Decimal] = {}
        self.not_possible: list[str] = []
        self._name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self.not_possible += [str(of["data-not-possible"])] if "data-not-possible" in of else []
        self._name = ""
        if tag == "data":
            self._name, value = str(of["data-figure"]), Decimal(str(of["value"]))
            assert self.found.setdefault(self._name, value) == value, f"{self._name} is told in two ways"

    def handle_data(self, data: str) -> None:
        if self._name:
            number = re.match(r"-?[\d,]+(\.\d+)?", data)
            assert number is not None, data
            assert Decimal(number[0].replace(",", "")) == self.found[self._name]
            self._name = ""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Path]]:
    """The proposal in both languages."""
    folder = Path(os.environ.get("DIANJIA_PICTURES") or tmp_path_factory.mktemp("proposal"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIANJIA_CACHE", f"{os.environ['SHARED_BY_TESTS']}/dianjia")  # see tests/conftest.py
        made = {}
        for language in LANGUAGES:
            made[language] = folder / f"{ACCOUNT}.{language}.html"
            options = ["--account", ACCOUNT, "--language", language, "--proposal", str(made[language]), "--overwrite"]
            done = CliRunner().invoke(main, ["advise", *RULES, str(CUSTOMERS), *options], catch_exceptions=False)
            assert done.exit_code == 0, done.output
        yield made


@pytest.fixture(scope="module")
def figures(pages: Mapping[str, Path]) -> Figures:
    """Those of the Chinese page, which are those of the English one."""
    read = {}
    for language in LANGUAGES:
        read[language] = Figures()
        read[language].feed(pages[language].read_text(encoding="utf-8"))
    assert read["zh"].found == read["en"].found
    return read["zh"]


def rows() -> list[dict[str, str]]:
    with CUSTOMERS.open(encoding="utf-8", newline="") as file:
        return [one for one in csv.DictReader(file) if one["account"] == ACCOUNT]


def by_actual_demand(row: dict[str, str]) -> dict[str, str]:
    return {**row, "basic_mode": "actual_demand", "contract_kw": ""}


def by_capacity(row: dict[str, str]) -> dict[str, str]:
    return {**row, "basic_mode": "capacity", "capacity_kva": row["contract_kva"], "contract_kw": "", "demand_kw": ""}


def shift_to_valley(row: dict[str, str]) -> dict[str, str]:
    """A tenth of what is used in sharp and peak hours is used in the valley."""
    moved = {
        name: (Decimal(row[name]) / 10).quantize(Decimal("0.01"), ROUND_HALF_UP) for name in ("kwh_sharp", "kwh_peak")
    }
    less = {name: str(Decimal(row[name]) - kwh) for name, kwh in moved.items()}
    return {**row, **less, "kwh_valley": str(Decimal(row["kwh_valley"]) + sum(moved.values()))}


REWRITTEN: Final[Mapping[str, Callable[[dict[str, str]], dict[str, str]]]] = {
    "by_actual_demand": by_actual_demand,
    "by_capacity": by_capacity,
    "shift_to_valley": shift_to_valley,
}


def best_on_the_page(page: Path) -> tuple[int, int]:
    """The contract demand that is told as cheapest, and the present one [kW]."""
    told = re.search(
        r"合同最大需量：([\d,]+) 千瓦，为最省的取值（现为 ([\d,]+) 千瓦）", page.read_text(encoding="utf-8")
    )
    assert told is not None
    best, now = (int(one.replace(",", "")) for one in told.groups())
    return best, now


@pytest.fixture(scope="module")
def bills(pages: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Bills:
    """What `dianjia bill` says of the rows: under `now`, names of alternatives and contract demands, by row.

    Of each bill its total, and its lines, those of a title together.
    """
    best, _ = best_on_the_page(pages["zh"])
    written = [{**row, "row_id": f"now/{row['row_id']}"} for row in rows()]
    for name, rewrite in REWRITTEN.items():
        written += [{**rewrite(row), "row_id": f"{name}/{row['row_id']}"} for row in rows()]
    for kw in (best - 1, best, best + 1):
        written += [{**row, "row_id": f"{kw}/{row['row_id']}", "contract_kw": str(kw)} for row in rows()]
    kept = [{name: value for name, value in row.items() if value and name not in ADVICE_ONLY} for row in written]
    file = tmp_path_factory.mktemp("bill") / "rows.json"
    file.write_text(json.dumps(kept), encoding="utf-8")
    rules = [word for one in RULES for word in ("--rules", one)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIANJIA_CACHE", f"{os.environ['SHARED_BY_TESTS']}/dianjia")
        asked = ["bill", RULESET, "--input", str(file), "--format", "json", *rules]
        done = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, dict[str, dict[str, Decimal]]] = {}
    for bill in json.loads(done.stdout):
        name, _, row_id = bill["row_id"].partition("/")
        of = found.setdefault(name, {})[row_id] = {"total": Decimal(bill["total"])}
        for line in bill["lines"]:
            of[line["title"]] = of.get(line["title"], Decimal(0)) + Decimal(line["amount"])
    return found


def of_alternative(figures: Figures, name: str) -> dict[str, Decimal]:
    head = f"bill:{name}:"
    return {key.removeprefix(head): value for key, value in figures.found.items() if key.startswith(head)}


def test_bills_as_they_are_are_those_of_bill(figures: Figures, bills: Bills) -> None:
    now = bills["now"]

    shown = {name: figures.found[f"now:{name}"] for name in now}
    assert shown == {name: bill["total"] for name, bill in now.items()}
    assert figures.found["total"] == sum(shown.values())
    sharp = {name: figures.found[f"line:energy.sharp:{name}"] for name in now}
    assert sharp == {name: bill["尖峰"] for name, bill in now.items()}
    assert figures.found["line:energy.sharp"] == sum(sharp.values())
    lines = [value for key, value in figures.found.items() if key.startswith("line:") and key.count(":") == 1]
    assert sum(lines) == figures.found["total"]


@pytest.mark.parametrize("name", REWRITTEN)
def test_bills_of_an_alternative_are_those_of_bill(figures: Figures, bills: Bills, name: str) -> None:
    of = bills[name]

    assert of_alternative(figures, name) == {row: bill["total"] for row, bill in of.items()}
    total = sum(bill["total"] for bill in of.values())
    assert figures.found[f"total:{name}"] == total
    assert figures.found[f"saving:{name}"] == figures.found["total"] - total


@pytest.mark.parametrize("name", ["by_actual_demand", "by_capacity"])
def test_what_a_line_comes_to_is_that_of_bill(figures: Figures, bills: Bills, name: str) -> None:
    """The basic charge under another way of paying it is the sum of twelve bills."""
    (shown,) = (value for key, value in figures.found.items() if key.startswith(f"then:{name}:basic."))

    assert shown == sum(bill["容（需）量电费"] for bill in bills[name].values())


def test_the_best_contract_demand_is_cheaper_than_its_neighbours(
    pages: Mapping[str, Path], figures: Figures, bills: Bills
) -> None:
    """The value on the page gives the total on the page; a kilowatt less costs more, one more no less."""
    best, now = best_on_the_page(pages["zh"])

    less, at, more = (sum(bill["total"] for bill in bills[str(best + by)].values()) for by in (-1, 0, 1))

    assert {row["contract_kw"] for row in rows()} == {str(now)}
    assert figures.found["total:contract_at_best"] == at
    assert less > at <= more


def test_every_way_is_told_once(figures: Figures) -> None:
    """Ways that save, change nothing, cost more or cannot be are as many as were looked at."""
    saves = [key for key in figures.found if key.startswith("saving:")]
    dearer = [key for key in figures.found if key.startswith("more:")]

    assert len(saves) + len(dearer) + len(figures.not_possible) + 1 == figures.found["looked_at"]
    assert len(set(figures.not_possible)) == len(figures.not_possible)
    best = max(saves, key=lambda key: figures.found[key])
    assert figures.found["best.saving"] == figures.found[best]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_stands_by_itself(pages: Mapping[str, Path], language: str) -> None:
    text = pages[language].read_text(encoding="utf-8")

    assert not re.search(r"(?:src|href)\s*=|url\(|<script|@import", text)
    assert text.count("<svg") > 8
    told = {
        "zh": (
            "降低用电成本建议书",
            "示例，非正式数据",
            "发改办价格〔2016〕1583号",
            "缺少数据：整月可以停用的整台变压器容量",
        )
    }
    told["en"] = (
        "How to pay less for electricity",
        "illustrative, made up",
        "发改办价格〔2016〕1583号",
        "Data is missing",
    )
    assert [one for one in told[language] if one not in text] == []


def test_it_is_whole_on_a_phone_and_on_paper(pages: Mapping[str, Path]) -> None:
    """Nothing reaches beyond the screen or the paper in either language; the pictures are taken."""
    with Browser() as browser:
        for language, page in pages.items():
            browser.open(page, PHONE)
            assert browser.value("document.documentElement.scrollWidth") == PHONE
            assert parts_outside(browser, PHONE) == []
            small = browser.value(
                "Math.min(...[...document.querySelectorAll('main *')].map(one => "
                "parseFloat(getComputedStyle(one).fontSize)))"
            )
            assert small >= 10, f"{language}: letters of {small} pixels cannot be read on a phone"
            page.with_suffix(".phone.png").write_bytes(browser.picture())

            browser.open(page, PAPER, media="print")
            assert browser.value("document.documentElement.scrollWidth") == PAPER
            assert parts_outside(browser, PAPER) == []
            paper = browser.paper()
            page.with_suffix(".a4.pdf").write_bytes(paper)
            sizes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper))
            assert {tuple(round(float(of) * 25.4 / 72) for of in size) for size in sizes} == {A4_MM}
            page.with_suffix(".a4.png").write_bytes(browser.picture())
            assert browser.value("[...document.querySelectorAll('svg')].every(one => one.clientWidth > 100)")
