"""A folder for each thing that can be wrong, with the whole message that it gives.

tests/bad/       rules: what `dianjia check` says
tests/bad_rows/  rules and data: `row.json` is billed with `dianjia bill`, `rows.json` with `dianjia run` (expected are
                 the rows refused); where there is neither, the rules' own tests are run with `dianjia test`
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from engine.cli import main
from engine.compiler.compile import check_paths
from engine.language.catalogue import CATALOGUE, DESK, EVENTS, SERVICE
from engine.language.problems import render

BAD = Path(__file__).parent.parent / "bad"
FOLDERS = sorted(path for path in BAD.iterdir() if path.is_dir())
ROWS = Path(__file__).parent.parent / "bad_rows"
DURABLE = sorted((Path(__file__).parent.parent / "bad_durable").iterdir())  # see tests/triggers
ROW_FOLDERS = sorted(path for path in ROWS.iterdir() if path.is_dir())

# Problems of events are brought about in tests/triggers. Codes whose bad file cannot be kept as text:
# test_load.py, test_fields.py, test_tables.py, advice/test_advise.py and below here make it.
MADE_BY_TESTS = {
    "currencies-differ",
    "file-too-large",
    "no-such-file",
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


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_bad_file_is_explained_in_chinese_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every placeholder has a value, and no sentence is left in English."""
    monkeypatch.chdir(folder)

    problems = check_paths([Path()])

    for problem in problems:
        headline = render(problem, "zh").split("\n")[0]
        assert re.search("[\u4e00-\u9fff]", headline) is not None


@pytest.mark.parametrize("folder", ROW_FOLDERS, ids=lambda folder: folder.name)
def test_a_bad_row_gives_the_message_that_is_written_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a person reads on the terminal, or finds in the file of refused rows."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DIANJIA_LANGUAGE", raising=False)
    expected = Path("expected.txt").read_text("utf-8")

    if Path("row.json").exists():
        done = CliRunner().invoke(main, ["bill", "cn.test.shop", "--rules", ".", "--input", "row.json"])
        said, code = done.stderr, 1
    elif Path("rows.json").exists():
        # Parquet, because only there a number can come as a binary float
        rows = json.loads(Path("rows.json").read_text("utf-8"))
        source, output = tmp_path / "rows.parquet", tmp_path / "out"
        pq.write_table(pa.Table.from_pylist(rows), source)
        options = ["--rules", ".", "--input", str(source), "--output", str(output), "--format-out", "csv"]
        done = CliRunner().invoke(main, ["run", *options], catch_exceptions=False)
        said, code = (output / "refused" / "00000.csv").read_text("utf-8"), 0
    else:
        done = CliRunner().invoke(main, ["test", "."])
        said, code = done.stderr, 1

    assert (expected, code) == (said.rstrip("\n") + "\n", done.exit_code)


def test_a_path_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A misspelt folder is not an empty one."""
    monkeypatch.chdir(tmp_path)

    (problem,) = check_paths([Path("ruels")])

    assert render(problem) == "no-such-file: there is no file or folder `ruels`.\n  Check the path and its spelling."


def test_every_code_has_a_bad_file() -> None:
    """A code that nothing shows cannot be judged by a reader; a code that nothing can give is taken out."""
    shown = {code for folder in (*FOLDERS, *ROW_FOLDERS, *DURABLE) for code in _codes(folder)}

    missing = CATALOGUE.keys() - SERVICE.keys() - EVENTS.keys() - DESK.keys() - shown - MADE_BY_TESTS

    assert set() == missing


def test_every_code_of_events_is_brought_about_by_a_test() -> None:
    """Events and the desk that takes them have no bad files: their tests name the codes."""
    folders = [BAD.parent / name for name in ("triggers", "service", "cli", "runs")]
    tests = "".join(path.read_text("utf-8") for folder in folders for path in sorted(folder.rglob("test_*.py")))

    missing = {code for code in (*EVENTS, *DESK) if f'"{code}"' not in tests and f"{code}:" not in tests}

    assert set() == missing


def test_what_tests_make_is_not_kept_as_a_file_too() -> None:
    """The list of exceptions stays as short as it can be."""
    shown = {code for folder in (*FOLDERS, *ROW_FOLDERS) for code in _codes(folder)}

    assert set() == MADE_BY_TESTS & shown


def _codes(folder: Path) -> set[str]:
    """Codes that stand in an expected text where a headline has them."""
    text = (folder / "expected.txt").read_text("utf-8")
    blocks = [block.splitlines()[0] for block in text.split("\n\n") if block.strip()]
    headlines = {part for block in blocks for part in block.split(": ")[:3]}
    refused = {cell.strip('"') for line in text.splitlines() for cell in line.split(",")[2:3]}
    return headlines | refused
