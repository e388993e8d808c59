"""docs/publishing.md: its commands run one after another and print what it shows, with the hashes of today's rules."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.documents import ROOT, agrees, commands, run_command

PAGE = ROOT / "docs" / "publishing.md"
DIGITS = 12  # of a version, as the page and the commands show it


def test_the_walk_from_a_notice_to_an_active_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version on the page stands for the one that its command publishes here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    here: dict[str, str] = {}  # digits on the page -> digits here

    wrong = []
    for command in commands(PAGE):
        printed = run_command(replace(command, text=_with(here, command.text)), tmp_path)
        published = re.search(r"^published ([0-9a-f]{64})$", printed, re.MULTILINE)
        shown = re.search(rf"^published ([0-9a-f]{{{DIGITS}}})\.\.\.$", command.shown, re.MULTILINE)
        if published and shown:
            here[shown[1]] = published[1][:DIGITS]
        if not agrees(_with(here, command.shown), printed):
            wrong.append(f"{command.id}\n--- shown\n{_with(here, command.shown)}--- printed\n{printed}")

    assert wrong == [], "\n".join(wrong)
    assert len(here) == 2


def _with(here: dict[str, str], text: str) -> str:
    """Put the digits of here in place of the page's, whole or as many as are typed."""
    for page, digits in here.items():
        text = text.replace(page, digits).replace(page[:8], digits[:8])
    return text
