"""Read the fenced blocks of the project's Markdown pages, for the tests that run them."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: the page, the line of its first content, what stands after the fence, and its text."""

    page: str
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One `$ command` of a console block, with the lines that the page shows beneath it."""

    page: str
    line: int
    text: str
    shown: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line} {self.text.splitlines()[0][:60]}"


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    return [
        Block(name, text.count("\n", 0, m.start("body")) + 1, tuple(m["info"].split()), m["body"])
        for m in _FENCE.finditer(text)
    ]


def commands(page: Path) -> list[Command]:
    """Return what a page's `console` blocks type and show. A command ends where a line does not end in a backslash."""
    found: list[Command] = []
    for block in blocks(page):
        if block.info[:1] != ("console",):
            continue
        lines = block.text.splitlines()
        at = 0
        while at < len(lines):
            assert lines[at].startswith("$ "), f"{block.page}:{block.line + at}: a console block begins with `$ `"
            first = at
            typed = [lines[at][2:]]
            while typed[-1].endswith("\\"):
                at += 1
                typed.append(lines[at].removeprefix("> "))
            at += 1
            shown: list[str] = []
            while at < len(lines) and not lines[at].startswith("$ "):
                shown.append(lines[at])
                at += 1
            found.append(
                Command(block.page, block.line + first, "\n".join(typed), "".join(f"{line}\n" for line in shown))
            )
    return found


def headings(page: Path) -> list[int]:
    """Return the levels of a page's headings in their order, fenced blocks left out."""
    return [len(m[1]) for m in re.finditer(r"^(#+) ", without_blocks(page), re.MULTILINE)]


def without_blocks(page: Path) -> str:
    """Return a page's text with each fenced block left empty; every line stays where it is."""
    return _FENCE.sub(lambda m: "\n" * m[0].count("\n"), page.read_text(encoding="utf-8"))


def pages() -> list[Path]:
    """Return every Markdown page of the repository's own."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "rules").rglob("*.md")])


# A page shows `...` for what may differ from one machine or day to the next: speeds, paths, the rest of a long list.
_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def shipped(folder: Path) -> None:
    """Put what commands of pages read into a folder: the shipped rules, and the example data with its own rules."""
    shutil.copytree(ROOT / "rules", folder / "rules")
    shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples", ignore=shutil.ignore_patterns("node"))


def environment() -> dict[str, str]:
    """Return the environment of a reader: the command on the path, plain text, no settings of the tests.

    What is compiled is kept as a reader's is, but not where the one who runs the tests keeps his.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DIANJIA_", "PYTEST_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    kept |= {"XDG_CACHE_HOME": str(ROOT / ".pytest_cache")}
    return kept | {"PATH": path, "COLUMNS": "120", "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def run_command(command: Command, folder: Path, engine: Path | None = None) -> str:
    """Run a command in a folder and return what it prints; exit codes other than 0 and 1 are added to that.

    What commands keep, such as the ledger of runs, is kept in that folder, where `ls` does not show it.
    With `engine`, packages are taken from that folder and not from this repository.
    """
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        env=environment()
        | {"XDG_STATE_HOME": str(folder / ".state")}
        | ({} if engine is None else {"PYTHONPATH": str(engine)}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout if done.returncode in (0, 1) else f"{done.stdout}[exit code {done.returncode}]\n"


def agrees(shown: str, printed: str) -> bool:
    """Say whether a page shows what was printed; where it shows nothing, the command has only to work."""
    if not shown.strip():
        return "[exit code" not in printed and "Traceback" not in printed
    return doctest.OutputChecker().check_output(_without_lines(shown), _without_lines(printed), _SHOWN)


def _without_lines(text: str) -> str:
    """Leave out line numbers of rule files: a page need not change because a rule moved down a line."""
    return re.sub(r"\.yaml:\d+:", ".yaml:N:", re.sub(r"^ *\d+ \|", "N |", text, flags=re.MULTILINE))
