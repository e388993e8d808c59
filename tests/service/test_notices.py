"""A version that is activated through a server leaves tariff notices; its withdrawal takes them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.registry.database import Database
from engine.warnings.kept import after
from engine.warnings.warning import Wanted
from tests.service.rate_books import RULESET, home, in_folder
from tests.service.serving import serving
from tests.service.steps import TOKENS, activate, approved, withdraw


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_steps_through_a_server(tmp_path: Path, where: str, request: pytest.FixtureRequest) -> None:
    """Two versions that differ in a price: one notice when the second answers, one when it is withdrawn."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    if where == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    rules = in_folder(tmp_path / "rules", home())
    settings = {"follow_seconds": 0.1}
    with (
        serving(tmp_path, rules=rules, tokens=TOKENS, settings=settings, database=url) as server,
        server.channel("wang") as wang,
        server.channel("li") as li,
    ):
        first, second = approved(wang, li), approved(wang, li)
        activate(li, first)
        activate(li, second)
        withdraw(li, second, first)
    database = Database(url)
    try:
        with database.reading() as connection:
            announced, taken_back = after(connection, 0, 100, Wanted(kinds=("tariff_notice",)))
    finally:
        database.close()

    assert (RULESET, second, first) == (
        announced.ruleset,
        announced.values["version"],
        announced.values["version_before"],
    )
    assert announced.values["energy.price.old"] != announced.values["energy.price.new"]
    assert ("yellow", second, first) == (
        taken_back.level,
        taken_back.values["version"],
        taken_back.values["returns_to"],
    )
    assert announced.values["energy.price.old"] == taken_back.values["energy.price.new"]
