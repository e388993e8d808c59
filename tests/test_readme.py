"""Every command that the READMEs show is run here, in order, and prints what they show."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, Block, agrees, blocks, commands, environment, headings, run_command, shipped
from tests.service.serving import serving

ENGLISH = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"


def test_readme_commands_print_what_the_readme_shows(tmp_path: Path) -> None:
    """The tour works from its first command to its last, in a folder with the shipped rules and example data alone."""
    shipped(tmp_path)

    wrong = []
    for command in commands(ENGLISH):
        printed = run_command(command, tmp_path)
        if not agrees(command.shown, printed):
            wrong.append(f"{command.id}\n--- shown\n{command.shown}--- printed\n{printed}")

    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("block", [b for b in blocks(ENGLISH) if b.info[:2] == ("python", "run")], ids=lambda b: b.id)
def test_readme_python_runs(block: Block, tmp_path: Path) -> None:
    """The Python examples run from the repository's folder, and each `# value` beside a print is what it prints."""
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    program = tmp_path / "example.py"
    program.write_text(block.text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, program.name], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )

    promised = [m[1].strip() for m in re.finditer(r"^print\(.*\)  # (.*)$", block.text, re.MULTILINE)]
    assert done.returncode == 0, done.stderr
    assert promised == done.stdout.splitlines()


def test_readme_client_bills_on_the_readme_server(tmp_path: Path) -> None:
    """The server that the README starts answers the program that it shows; only the port is a free one."""
    (serve,) = [b for b in blocks(ENGLISH) if b.info == ("sh", "serve")]
    (client,) = [b for b in blocks(ENGLISH) if b.info == ("python", "client")]
    assert serve.text == "python server.py\n"

    with serving(tmp_path / "server", bare=True) as server:
        assert "127.0.0.1:50051" in client.text
        program = tmp_path / "example.py"
        program.write_text(client.text.replace("127.0.0.1:50051", server.address), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, program.name], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )

    promised = [m[1].strip() for m in re.finditer(r"^ *print\(.*\)  # (.*)$", client.text, re.MULTILINE)]
    assert done.returncode == 0, done.stderr
    assert promised == done.stdout.splitlines()


def test_both_readmes_show_the_same_blocks() -> None:
    """Whoever reads Chinese is shown the same commands, the same output and the same code."""
    english = [(b.info, b.text) for b in blocks(ENGLISH)]
    chinese = [(b.info, b.text) for b in blocks(CHINESE)]

    assert english == chinese


def test_both_readmes_have_the_same_structure() -> None:
    """The headings of the two pages answer each other."""
    assert headings(ENGLISH) == headings(CHINESE)


def test_set_up_is_two_commands() -> None:
    """A fresh machine needs `make demo` and `make test`, and the README says so before anything else."""
    first = blocks(ENGLISH)[0]

    assert first.info == ("sh",)
    assert [line.split("#")[0].strip() for line in first.text.splitlines()] == ["make demo", "make test"]
