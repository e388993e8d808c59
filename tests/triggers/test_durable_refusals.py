"""What durable_rules is refused for, by name: a folder of tests/bad_durable for each reason. No library is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli import main
from engine.compiler.compile import check_paths, compile_paths
from engine.compiler.trigger import Watch
from engine.language.problems import ProblemsFound, render
from engine.warnings.durable import Durable
from engine.warnings.durable_plan import durable_problems

FOLDERS = sorted(path for path in (Path(__file__).parent.parent / "bad_durable").iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_it_cannot_do_is_said_at_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole text is compared; in Chinese no sentence is left in English. The built-in correlator has no problem."""
    monkeypatch.chdir(folder)
    expected = Path("expected.txt").read_text("utf-8")

    problems = ProblemsFound(durable_problems(compile_paths([Path()]).watch)).problems

    assert expected == "\n\n".join(render(problem) for problem in problems) + "\n"
    assert all(re.search("[\u4e00-\u9fff]", render(problem, "zh").split("\n")[0]) for problem in problems)
    assert [] == check_paths([Path()])


def test_check_tells_it_where_durable_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that an analyst runs before anything is published."""
    monkeypatch.chdir(FOLDERS[0])

    asked = CliRunner().invoke(main, ["check", ".", "--correlator", "durable"])
    plain = CliRunner().invoke(main, ["check", "."])

    assert (1, 0) == (asked.exit_code, plain.exit_code)
    assert f"{FOLDERS[0].name}: durable_rules cannot watch" in asked.stderr


def test_the_four_triggers_are_accepted(four: Watch) -> None:
    """With their cool-downs and what clears them."""
    assert [] == durable_problems(four)


def test_where_it_is_not_installed_that_is_said(four: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any event is taken, with what to type."""
    monkeypatch.setattr("engine.warnings.durable_process.find_spec", lambda _: None)

    with pytest.raises(ProblemsFound) as found:
        Durable(four)

    (problem,) = found.value.problems
    assert "durable-not-installed" == problem.code
    assert "make install-durable" in render(problem)
