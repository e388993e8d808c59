"""The page of mechanisms is true: each row's files are there, use what it says, and hold the test and the standing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from engine.commands.test import run_case
from engine.compiler.compile import RateBook, compile_paths
from engine.triggers import cases
from tests.documents import ROOT

PAGE = ROOT / "docs" / "mechanisms.md"
RULES = (ROOT / "rules" / "cn", ROOT / "rules" / "us")
# Rule sets that show nothing that another on the page does not show.
ANOTHER_PLACE = {"fujian/distributed_pv"}


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A row of the page: the files' names under `rules/cn` or `rules/us`, words of the language, standing, test."""

    title: str
    files: tuple[str, ...]
    uses: tuple[str, ...]
    standing: str
    test: str

    @property
    def text(self) -> str:
        return "".join(_path(name).read_text(encoding="utf-8") for name in self.files)


def _path(name: str) -> Path:
    """Return the file of a name: `place/class`, or `place/name.form`, `place/name.notice`, `place/name.shared`."""
    kind = "" if name.endswith((".form", ".notice", ".shared")) else ".ruleset"
    (path,) = (folder / f"{name}{kind}.yaml" for folder in RULES if (folder / f"{name}{kind}.yaml").exists())
    return path


def _mechanisms() -> list[Mechanism]:
    rows = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or not cells[1].startswith("`"):
            continue
        assert len(cells) == 5, line
        title, files, uses, standing, test = cells
        names = re.findall(r"`([^`]+)`", files)
        rows.append(Mechanism(title, tuple(names), tuple(re.findall(r"`([^`]+)`", uses)), standing, test))
    return rows


MECHANISMS = _mechanisms()


@cache
def _book() -> RateBook:
    return compile_paths([ROOT / "rules"])


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row.title)
def test_files_use_what_the_row_says(row: Mechanism) -> None:
    """Each word is a kind (`kind: word`), a key (`word:`), a choice (`: word`) or a function (`word(`) in a file."""
    code = re.sub(r"(?m)(^|\s)#.*$", "", row.text)

    written = re.findall(r"[a-z_0-9]+(?=\s*[:(])|(?<=: )[a-z_0-9]+(?=\s*(?:[,}\n]|$))", code)

    assert row.uses
    assert set(row.uses) - set(written) == set()


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row.title)
def test_standing_is_that_of_the_source(row: Mechanism) -> None:
    """The files, or a part of them, have the standing; a row never claims more than its rule set says somewhere."""
    assert f"standing: {row.standing}" in row.text


@pytest.mark.parametrize("row", MECHANISMS, ids=lambda row: row.title)
def test_the_named_test_passes(row: Mechanism) -> None:
    """The test stands in the first file, says who vouches for it, and holds."""
    path = _path(row.files[0])
    made = re.search(r"^ruleset: (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert made is not None

    found = [
        (one, case)
        for name, one in _book().rulesets.items()
        for case in one.tests
        if name.split("@")[0] == made[1] and case.name == row.test and f"- name: {row.test}\n" in row.text
    ]

    watch = _book().watch
    over_time = [case for case in watch.tests if case.ruleset == made[1] and case.name == row.test]
    assert found or over_time
    assert [problem for one, case in found for problem in run_case(one, case)] == []
    assert [problem for case in over_time for problem in cases.run_case(watch, case)] == []


def test_every_rule_set_is_on_the_page() -> None:
    """A new rule set shows something: it has a row, or is listed here as another place's copy of a row."""
    shipped = {
        path.relative_to(folder).as_posix().removesuffix(".ruleset.yaml")
        for folder in RULES
        for path in folder.rglob("*.ruleset.yaml")
    }

    named = {name for row in MECHANISMS for name in row.files}

    assert shipped - named - ANOTHER_PLACE == set()
