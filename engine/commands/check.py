"""`dianjia check`: compile everything and show all problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.commands.output import Language, annotation, complain, counted, emit, problems_json, show_problems
from engine.commands.rates import compiled_part, rule_paths
from engine.compiler.files import files_under
from engine.language.problems import ProblemsFound, shown_path


def check(paths: Sequence[Path], format_: str, language: Language) -> None:
    """Compile; exit 1 where a problem is found."""
    asked = rule_paths(paths)
    book, found = compiled_part(asked, language)
    if found:
        _show(ProblemsFound(found), format_, language)
        raise SystemExit(1)
    read = {file for one in book.rulesets.values() for file in one.files}
    # a notice alone is checked too, though no rule set that was asked for reads it
    rulesets, files = len(book.rulesets), len(read | {shown_path(file) for file in files_under(asked)})
    if format_ == "json":
        emit({"problems": [], "rulesets": rulesets, "files": files})
    elif language == "zh":
        click.echo(f"{rulesets} 个规则集、{files} 个文件：没有问题")
    else:
        click.echo(f"{counted(rulesets, 'rule set')} of {counted(files, 'file')}: no problem")


def _show(found: ProblemsFound, format_: str, language: Language) -> None:
    if format_ == "json":
        emit({"problems": problems_json(found.problems)})
    elif format_ == "github":
        click.echo("\n".join(annotation(one, language) for one in found.problems))
    else:
        show_problems(found.problems, language)
        count = len(found.problems)
        complain(f"\n{count} 个问题" if language == "zh" else f"\n{count} problem{'s' * (count != 1)}")
