"""What the documentation shows as code is code that works, and its links lead somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.advice.cases import cases_of
from engine.advice.cases import run_case as run_advice_case
from engine.commands.test import run_case
from engine.compiler.compile import compile_paths
from engine.triggers import cases
from tests.documents import ROOT, Block, agrees, blocks, commands, pages, run_command, shipped

DECISIONS = ROOT / "docs" / "decisions"
PAGES = [page for page in pages() if page.is_relative_to(ROOT / "docs")]
ADDS_FILES = ROOT / "docs" / "adding-a-charge.md"  # its commands run in a copy of the repository, below
PUBLISHES = ROOT / "docs" / "publishing.md"  # its commands run in tests/cli/test_publishing_page.py
RUN_HERE = [page for page in PAGES if commands(page) and page not in (ADDS_FILES, PUBLISHES)]


def _id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _blocks(*info: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.info[: len(info)] == info]


@pytest.mark.parametrize("block", _blocks("python", "run"), ids=lambda block: block.id)
def test_python_in_docs_runs(block: Block) -> None:
    """A block that begins ```python run runs as it stands, from the repository's folder."""
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert (done.returncode, done.stderr) == (0, ""), f"{block.id}: {done.stderr}"


@pytest.mark.parametrize("block", _blocks("yaml", "rules"), ids=lambda block: block.id)
def test_rules_in_docs_compile_and_pass_their_tests(block: Block, tmp_path: Path) -> None:
    """A block that begins ```yaml rules is one whole file, or several with `---` between; it passes its tests."""
    for number, text in enumerate(re.split(r"^---\n", block.text, flags=re.MULTILINE)):
        (tmp_path / f"{number}.ruleset.yaml").write_text(text, encoding="utf-8")

    book = compile_paths([tmp_path])
    rulesets, watch = book.rulesets.values(), book.watch

    assert [found for one in rulesets for case in one.tests for found in run_case(one, case)] == []
    assert [found for case in watch.tests for found in cases.run_case(watch, case)] == []
    assert [found for advice, case in cases_of(book) for found in run_advice_case(book, advice, case)] == []
    assert all(one.tests for one in rulesets), f"{block.id}: a rule set without a test shows nothing"
    looked_at = {trigger for case in watch.tests for trigger in case.triggers}
    assert set(watch.triggers) == looked_at, f"{block.id}: a trigger without a test shows nothing"
    assert rulesets or watch.triggers, f"{block.id} compiles to nothing"


@pytest.mark.parametrize("page", RUN_HERE, ids=_id)
def test_commands_in_docs_work(page: Path, tmp_path: Path) -> None:
    """Commands of a page run in order, in a folder with the shipped rules and examples, and print what it shows."""
    shipped(tmp_path)

    wrong = []
    for command in commands(page):
        printed = run_command(command, tmp_path)
        if not agrees(command.shown, printed):
            wrong.append(f"{command.id}\n--- shown\n{command.shown}--- printed\n{printed}")

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("page", pages(), ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file of the repository, and a fragment names a heading in it."""
    text = page.read_text(encoding="utf-8")

    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        to = (page.parent / name) if name else page
        if not to.exists() or (fragment and fragment not in _anchors(to)):
            broken.append(target)

    assert broken == []


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_decision_is_listed_and_short() -> None:
    """The list of decisions names each page by its title, and each is about half a page."""
    listed = (DECISIONS / "README.md").read_text(encoding="utf-8")

    for page in sorted(DECISIONS.glob("[0-9]*.md")):
        text = page.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({page.name})" in listed
        assert title[:4] == page.name[:4]
        for part in ("**Decided.**", "**Why.**", "**What follows.**"):
            assert part in text, f"{page.name} has no {part}"
        assert len(text.split()) <= 400, f"{page.name} is longer than half a page"


def test_architecture_names_rooms_that_exist() -> None:
    """Every path that the architecture page puts in code marks is there."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    named = re.findall(r"`((?:engine|tests|docs|rules)/[\w./]*)`", text)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_nomenclature_names_every_input() -> None:
    """Each input of a shipped rule set is on the page of names, with its unit or its codes.

    An import asks how many decimals its kWh have, so that the places of a US rate's inputs are its own.
    """
    text = (ROOT / "docs" / "nomenclature.md").read_text(encoding="utf-8")
    section = text.split("\n## Names of inputs\n")[1].split("\n## ")[0]
    listed: dict[str, tuple[str, str]] = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([a-z_0-9.]+)`", cells[0])
        if not line.startswith("|") or not names:
            continue
        units = cells[1].split(", ") if len(names) > 1 and cells[1].count(",") == len(names) - 1 else []
        for at, name in enumerate(names):
            listed[name] = (units[at] if units else cells[1], cells[2])

    wrong = []
    for compiled in compile_paths([ROOT / "rules"]).rulesets.values():
        for spec in compiled.program.inputs:
            unit, places = listed.get(spec.name, ("not listed", ""))
            match spec.type.kind:
                case "number":
                    imported = compiled.id.startswith("us.")
                    as_listed = unit == str(spec.type.unit) and (imported or places == str(spec.type.places))
                case "code":
                    as_listed = {f"`{code}`" for code in spec.type.codes} <= set(unit.split(", "))
                case kind:
                    as_listed = unit == {"boolean": "true, false", "date": "day"}[kind]
            if not as_listed:
                wrong.append(f"{compiled.id}: {spec.name} {spec.type.kind} {spec.type.unit} {spec.type.places}: {unit}")

    assert wrong == []


def test_adding_a_charge_from_start_to_end(tmp_path: Path) -> None:
    """The page's files are written into a copy of the repository, and its commands print there what it shows."""
    page = ADDS_FILES
    for part in ("engine", "rules", "tests"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for block in blocks(page):
        name = next((word.removeprefix("file=") for word in block.info if word.startswith("file=")), None)
        if name is not None:
            assert not (tmp_path / name).exists(), f"{name} is there already: the page adds it"
            (tmp_path / name).write_text(block.text, encoding="utf-8")

    wrong = []
    for command in commands(page):
        printed = run_command(command, tmp_path, engine=tmp_path)
        if not agrees(command.shown, printed):
            wrong.append(f"{command.id}\n--- shown\n{command.shown}--- printed\n{printed}")

    assert wrong == [], "\n".join(wrong)
