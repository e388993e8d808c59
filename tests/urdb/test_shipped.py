"""Rates in rules/us are what is imported from the rates beside them; their loads are those of the saved bills."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import main
from tests.documents import ROOT
from tests.urdb.billing import HERE, load

US = ROOT / "rules" / "us"
NOTE = re.compile(r"^  note: (?P<quote>'?)(?P<text>.*)(?P=quote)$", re.MULTILINE)
LOADS = sorted(US.glob("*/*_[0-9][0-9].csv"))


@dataclass(frozen=True, slots=True)
class Shipped:
    """A row of the page in rules/us: the rate, the options of its import, and the rate in tests/urdb/cases."""

    name: str
    options: tuple[str, ...]
    case: str


def _shipped() -> list[Shipped]:
    text = (US / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9_/]+)` \| (?:`([^`]+)` )?\| `([^`]+)` \|$", text, re.MULTILINE)
    return [Shipped(name, tuple(options.split()), case) for name, options, case in rows]


SHIPPED = _shipped()


def test_every_rate_is_on_the_page() -> None:
    files = sorted(path.relative_to(US).as_posix().removesuffix(".urdb.json") for path in US.rglob("*.urdb.json"))

    assert sorted(one.name for one in SHIPPED) == files


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_the_shipped_rate_is_what_is_imported(one: Shipped) -> None:
    """The file is the import of the rate beside it; the note goes on where it may, and tests are added at the end."""
    source = US / f"{one.name}.urdb.json"
    shipped = (US / f"{one.name}.ruleset.yaml").read_text(encoding="utf-8")

    done = CliRunner().invoke(main, ["import", "urdb", str(source), *one.options], catch_exceptions=False)

    imported, tests = shipped.split("\ntests:\n")
    ours, theirs = NOTE.search(imported), NOTE.search(done.stdout)
    assert ours is not None
    assert theirs is not None
    assert ours["text"].startswith(theirs["text"])
    assert imported.replace(ours[0], theirs[0]) == done.stdout
    assert "vouched_by" in tests


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.name)
def test_the_rate_is_that_of_the_saved_bills(one: Shipped) -> None:
    source, saved = (US / f"{one.name}.urdb.json", HERE / "cases" / one.case)

    assert json.loads(source.read_text(encoding="utf-8")) == json.loads(saved.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", LOADS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_load_is_a_month_of_the_saved_bills(file: Path) -> None:
    """`LOAD_MONTH.csv`: the hours of that month, rounded half up to the four decimals that the rule sets take."""
    name, _, month = file.stem.rpartition("_")

    head, *lines = file.read_text(encoding="utf-8").splitlines()

    hours = load(name)[int(month) - 1]
    assert head == "kwh"
    assert [Decimal(line) for line in lines] == [hour.quantize(Decimal("0.0001"), ROUND_HALF_UP) for hour in hours]
