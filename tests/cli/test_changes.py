"""`dianjia changes`: what two folders of rules differ in, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.cli import main
from tests.bulk.book import HOME_YAML, SHOP_YAML


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of rules, of which the new one prints another price."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    for name, home in (("old", HOME_YAML), ("new", HOME_YAML.replace("0.5283", "0.5483"))):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "home.ruleset.yaml").write_text(home, encoding="utf-8")
        (folder / "shop.ruleset.yaml").write_text(SHOP_YAML, encoding="utf-8")
    return tmp_path


def dianjia(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


@pytest.mark.usefixtures("here")
def test_a_price_is_told_with_its_day_charge_and_place() -> None:
    result = dianjia("changes", "old", "new")

    assert 0 == result.exit_code
    assert [
        "cn.test.home:energy.price  [number]  2026-01-01 ..",
        "  0.5283 CNY/kWh (2026-01-01) -> 0.5483 CNY/kWh (2026-01-01)",
        "  reaches: energy",
        "  old/home.ruleset.yaml:16 -> new/home.ruleset.yaml:16",
        "  made up for a test",
    ] == result.output.splitlines()


@pytest.mark.usefixtures("here")
def test_the_same_in_chinese() -> None:
    result = dianjia("changes", "old", "new", "--language", "zh")

    assert "cn.test.home:energy.price  [数值]  2026-01-01 .." in result.output
    assert "影响：energy" in result.output


@pytest.mark.usefixtures("here")
def test_json_has_each_change() -> None:
    (found,) = json.loads(dianjia("changes", "old", "new", "--format", "json").output)

    assert ("cn.test.home:energy.price", "parameter", ["energy"], False) == (
        found["id"],
        found["kind"],
        found["charges"],
        found["carries"],
    )
    assert [{"from": "2026-01-01", "through": None}] == found["days"]


@pytest.mark.usefixtures("here")
def test_a_folder_and_itself_have_no_change() -> None:
    assert "No bill can differ.\n" == dianjia("changes", "old", "old").output
