"""A folder in tests/bad/ for each thing that can be wrong with rules, with the whole message that it gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.compiler.compile import check_paths
from engine.language.catalogue import FILES, FORMULAS, TABLES, VALUES
from engine.language.problems import render

BAD = Path(__file__).parent.parent / "bad"
FOLDERS = sorted(path for path in BAD.iterdir() if path.is_dir())

# Codes whose bad file cannot be kept as text: test_load.py, test_fields.py and test_tables.py make it.
MADE_BY_TESTS = {
    "file-too-large",
    "table-cell-error",
    "table-cell-formula",
    "table-cell-hidden-digits",
    "unknown-sheet",
    "value-not-accepted",
    "which-sheet",
    "workbook-reader-missing",
    "workbook-unreadable",
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_bad_file_gives_the_message_that_is_written_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole text is compared: first line, source line, mark, other place, remedy."""
    monkeypatch.chdir(folder)
    expected = Path("expected.txt").read_text("utf-8")

    problems = check_paths([Path()])

    assert expected == "\n\n".join(render(problem) for problem in problems) + "\n"


def test_every_code_of_reading_has_a_bad_file() -> None:
    """A code that nothing shows cannot be judged by a reader."""
    rules = (FILES.keys() | VALUES.keys() | FORMULAS.keys() | TABLES.keys()) - MADE_BY_TESTS
    shown = {line.split(": ")[1] for folder in FOLDERS for line in _headlines(folder)}

    missing = rules - shown

    assert set() == missing


def _headlines(folder: Path) -> list[str]:
    text = (folder / "expected.txt").read_text("utf-8")
    return [block.splitlines()[0] for block in text.split("\n\n") if block.strip()]
