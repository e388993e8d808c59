"""docs/errors.md says of every code what the server does with it."""

from __future__ import annotations

from pathlib import Path

from engine.bulk.problems import FILE_PROBLEMS
from engine.language.catalogue import CATALOGUE
from engine.service.errors_page import errors_page

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_page_is_the_one_that_the_catalogue_gives() -> None:
    """`make errors` was run after the last change of the catalogue."""
    assert errors_page() == PAGE.read_text("utf-8")


def test_every_code_has_one_row() -> None:
    """None is left out, and none is told twice."""
    rows = [line.split("`")[1] for line in errors_page().splitlines() if line.startswith("| `")]

    assert sorted([*CATALOGUE, *FILE_PROBLEMS]) == sorted(rows)
