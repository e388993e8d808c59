"""`dianjia activate --comparison`: what a comparison of the two versions says of each account is kept as its notice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.registry.database import Database
from engine.warnings.kept import after
from engine.warnings.warning import Wanted, WarningRecord
from tests.cli.test_versions import LI, approved, dianjia
from tests.cli.test_versions import here as here
from tests.service.rate_books import RULESET
from tests.service.running import portfolio


def notices(url: str) -> list[WarningRecord]:
    database = Database(url)
    try:
        with database.reading() as connection:
            return after(connection, 0, 100, Wanted())
    finally:
        database.close()


@pytest.mark.parametrize(("where", "format_"), [("sqlite", "parquet"), ("postgresql", "csv")])
def test_from_a_comparison_to_the_accounts(
    here: Path, where: str, format_: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 kWh and 300 kWh at 0.50 and at 0.60: 50.00 -> 60.00 and 150.00 -> 180.00."""
    url = f"sqlite:///{here / 'registry.sqlite'}"
    if where == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    monkeypatch.setenv("DIANJIA_DATABASE", url)
    old = approved("0.50")
    shutil.copytree("rules", "before")
    new = approved("0.60")
    assert dianjia("activate", old, *LI).exit_code == 0
    rows = portfolio(here / "rows.csv", [100, 300])
    sides = ["--rules", "before", "--against", "rules", "--input", str(rows), "--format-out", format_]
    done = dianjia("compare", *sides, "--output", "compared")
    assert done.exit_code == 0, done.output
    shutil.copytree("compared", "other-compared")
    text = Path("compared/comparison.json").read_text(encoding="utf-8")
    Path("other-compared/comparison.json").write_text(text.replace('"old": "', '"old": "0'), encoding="utf-8")

    refused = dianjia("activate", new, "--comparison", "other-compared", *LI)
    first = notices(url)
    taken = dianjia("activate", new, "--comparison", "compared", "--request-id", "one", *LI)
    again = dianjia("activate", new, "--comparison", "compared", "--request-id", "one", *LI)

    assert (1, []) == (refused.exit_code, first)
    assert "other-compared: notice-books: the comparison is of other rate books" in refused.stderr
    assert (0, 0) == (taken.exit_code, again.exit_code)
    told = [(one.ruleset, one.account, one.values.get("old"), one.values.get("new")) for one in notices(url)]
    assert [
        (RULESET, "", None, None),
        (RULESET, "a0", "50.00", "60.00"),
        (RULESET, "a1", "150.00", "180.00"),
    ] == told


def test_a_server_reads_no_folder_of_its_callers(here: Path) -> None:
    done = dianjia("activate", "f" * 64, "--comparison", str(here), "--server", "127.0.0.1:1")

    assert 2 == done.exit_code
    assert "--comparison is for a database" in done.output
