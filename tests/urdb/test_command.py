"""`dianjia import urdb`: what it writes, what it says, with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from tests.urdb.billing import HERE

CASES = HERE / "cases"
TIERED = CASES / "tiered_fpl_rs1" / "rate_original.json"
BY_HOUR = CASES / "tou_broadriver80" / "rate.json"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["import", "urdb", *map(str, arguments)], catch_exceptions=False)


def test_writes_a_rule_set_that_compiles_and_tells_of_every_field(tmp_path: Path) -> None:
    done = run(TIERED, "-o", "rs_1.ruleset.yaml")

    text = (tmp_path / "rs_1.ruleset.yaml").read_text(encoding="utf-8")
    assert (done.exit_code, done.stdout) == (0, "")
    assert [line.split()[0] for line in done.stderr.splitlines() if not line.startswith(" ")][:-1] == list(
        json.loads(TIERED.read_text(encoding="utf-8"))
    )
    assert done.stderr.splitlines()[-1] == "18 fields: 4 billed, 7 used, 7 kept as a note"
    assert "ruleset: us.florida_power_light.rs_1_residential_service" in text
    assert all(f"# {line}".rstrip() in text for line in done.stderr.splitlines()[:-1])
    assert CliRunner().invoke(main, ["check", "rs_1.ruleset.yaml"]).exit_code == 0


def test_without_a_file_the_rule_set_is_printed() -> None:
    done = run(TIERED)

    assert done.exit_code == 0
    assert done.stdout.startswith("# Imported by `dianjia import urdb`.")
    assert "18 fields" in done.stderr


def test_a_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("mine\n", encoding="utf-8")

    refused, replaced = run(TIERED, "-o", "x.yaml"), run(TIERED, "-o", "x.yaml", "--overwrite")

    assert (refused.exit_code, refused.stderr) == (2, "dianjia: x.yaml is there already. Replace it: --overwrite\n")
    assert replaced.exit_code == 0
    assert (tmp_path / "x.yaml").read_text(encoding="utf-8").startswith("# Imported")


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("en", "the rate has hours or seasons, and URDB does not say in which timezone."),
        ("zh", "费率含时段或季节，URDB 没有说明时区。"),
    ],
)
def test_what_is_needed_is_asked_for(language: str, first: str) -> None:
    """Nothing is written where an answer is missing."""
    done = run(BY_HOUR, "-o", "x.yaml", "--in-force", "2026-01-01..", "--language", language)

    assert done.exit_code == 1
    assert done.stderr.splitlines()[0] == f"{BY_HOUR}: needs-timezone: {first}"
    assert "--timezone America/Los_Angeles" in done.stderr
    assert not Path("x.yaml").exists()


def test_the_account_for_a_program(tmp_path: Path) -> None:
    done = run(TIERED, "-o", "x.yaml", "--format", "json")

    account = json.loads(done.stdout)
    assert account["ruleset"] == "us.florida_power_light.rs_1_residential_service"
    assert {"field": "fixedmonthlycharge", "outcome": "billed", "text": "charge `fixed`, $7.57, each month"} in account[
        "fields"
    ]


def test_a_file_that_is_no_rate(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe{")

    empty, unread = run("a.json"), run("b.json")

    assert (empty.exit_code, empty.stderr.splitlines()[0]) == (1, "a.json: no-rate: the file holds no rate.")
    assert unread.exit_code == 1
    assert unread.stderr.startswith("b.json: not-read: ")


def test_a_rule_set_that_does_not_compile_is_told_of() -> None:
    """A price that no tariff has: dollars where cents were meant."""
    text = json.dumps({"utility": "E", "name": "R", "startdate": 1514764800, "energyratestructure": [[{"rate": 12}]]})
    Path("a.json").write_text(text, encoding="utf-8")

    done = run("a.json", "-o", "x.yaml")

    assert done.exit_code == 1
    assert "x.yaml" in done.stderr
    assert "implausible: 12 is outside" in done.stderr
