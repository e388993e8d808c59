"""Where rules are read from, and the rate book made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from engine.cache.compiled import RateBook, book_and_problems
from engine.calendars.days import day_number
from engine.commands.cache import remark_cache
from engine.commands.output import Language, complain, counted, failure, show_problems
from engine.compiler.program import Compiled
from engine.language.problems import Problem, ProblemsFound


def rule_paths(paths: Sequence[Path]) -> list[Path]:
    """The paths given; else `rules` in the current folder; else the rules that were installed with the engine."""
    if paths:
        return list(paths)
    for folder in _folders():
        if folder.is_dir():
            return [folder]
    raise failure(
        "dianjia: no rules: there is no folder `rules` here. Name one: --rules DIR",
        "dianjia: 没有规则：这里没有文件夹 `rules`。请指明：--rules DIR",
        2,
    )


def _folders() -> tuple[Path, ...]:
    """Where rules are looked for."""
    engine = Path(__file__).resolve().parent.parent
    return Path("rules"), engine / "rules", engine.parent / "rules"


def known_book(paths: Sequence[Path]) -> RateBook:
    """What can be compiled of a rate book, in silence: for what is shown better with it, and without it too."""
    return book_and_problems(paths or [folder for folder in _folders() if folder.is_dir()][:1])[0]


def compiled_book(paths: Sequence[Path], language: Language) -> RateBook:
    """Compile a rate book, or show every problem and end the command."""
    book, found = compiled_part(rule_paths(paths), language)
    if found:
        show_problems(ProblemsFound(found).problems, language)
        raise SystemExit(1)
    return book


def compiled_part(paths: Sequence[Path], language: Language) -> tuple[RateBook, list[Problem]]:
    """Compile what can be compiled, or find it in the cache, and tell the rest."""
    remark_cache(language)
    return book_and_problems(paths)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rule set that was named, in its rate book."""

    book: RateBook
    versions: tuple[Compiled, ...]  # rule sets of one id, by first day

    def at(self, period_from: date | str, period_to: date | str) -> Compiled:
        """Give the version that bills some days; where none does, one whose door says so."""
        if not isinstance(period_from, date) or not isinstance(period_to, date):
            return self.versions[0]
        if len(self.versions) == 1:
            return self.versions[0]
        found = self.book.at(self.versions[0].id, day_number(period_from), day_number(period_to))
        assert found is not None
        return found


def one_ruleset(paths: Sequence[Path], name: str, language: Language) -> Rate:
    """Give a rule set by its id; what is wrong elsewhere in the rate book is mentioned, and does not stop its bills.

    Problems of its own files, and of documents that claim the same name as one of them, end the command.
    """
    book, found = compiled_part(rule_paths(paths), language)
    versions = book.of(name)
    own = {file for one in versions for file in one.files}
    if found and (
        not versions or any(at is not None and at.file in own for one in found for at in (one.place, one.other))
    ):
        show_problems(ProblemsFound(found).problems, language)
        raise SystemExit(1)
    if found and language == "zh":
        complain(f"其他规则有 {len(found)} 个问题，`dianjia check` 会列出\n")
    elif found:
        complain(f"{counted(len(found), 'problem')} in other rules; `dianjia check` shows what is wrong\n")
    return Rate(book, versions or _not_found(book, name))


def _not_found(book: RateBook, name: str) -> NoReturn:
    """Say which ids are near, and end the command."""
    ids = list(dict.fromkeys(one.id for one in book.rulesets.values()))
    near = get_close_matches(name, ids, n=3, cutoff=0.5)
    endings = [one for one in ids if name in one]
    hint = ", ".join(f"`{one}`" for one in dict.fromkeys([*endings[:3], *near]))
    advice = f"Did you mean {hint}?" if hint else "`dianjia list` shows the rule sets there are."
    advice_zh = f"是否指 {hint}？" if hint else "`dianjia list` 列出现有的规则集。"
    raise failure(
        f"dianjia: unknown-ruleset: the rate book has no rule set `{name}`.\n  {advice}",
        f"dianjia: unknown-ruleset: 电价册里没有规则集 `{name}`。\n  {advice_zh}",
        2,
    )
