"""Where rules are read from, and the rate book made of them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.output import Language, failure, show_problems

if TYPE_CHECKING:
    from engine.compiler.compile import RateBook
    from engine.compiler.program import Compiled


def rule_paths(paths: Sequence[Path]) -> list[Path]:
    """The paths given; else `rules` in the current folder; else the rules that were installed with the engine."""
    if paths:
        return list(paths)
    engine = Path(__file__).resolve().parent.parent
    for folder in (Path("rules"), engine / "rules", engine.parent / "rules"):
        if folder.is_dir():
            return [folder]
    raise failure("dianjia: no rules: there is no folder `rules` here. Name one: --rules DIR", 2)


def compiled_book(paths: Sequence[Path], language: Language) -> RateBook:
    """Compile a rate book, or show every problem and end the command."""
    from engine.compiler.compile import compile_paths
    from engine.language.problems import ProblemsFound

    try:
        return compile_paths(rule_paths(paths))
    except ProblemsFound as found:
        show_problems(found.problems, language)
        raise SystemExit(1) from None


def find_ruleset(book: RateBook, name: str) -> Compiled:
    """Give a rule set by its id, or say which ids are near and end the command."""
    found = book.rulesets.get(name)
    if found is not None:
        return found
    near = get_close_matches(name, book.rulesets, n=3, cutoff=0.5)
    endings = [one for one in book.rulesets if name in one]
    hint = ", ".join(f"`{one}`" for one in dict.fromkeys([*endings[:3], *near]))
    advice = f"Did you mean {hint}?" if hint else "`dianjia list` shows the rule sets there are."
    raise failure(f"dianjia: unknown-ruleset: the rate book has no rule set `{name}`.\n  {advice}", 2)
