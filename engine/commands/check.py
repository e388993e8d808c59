"""`dianjia check`: compile everything and show all problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.commands.output import Language, annotation, complain, counted, emit, problems_json, show_problems
from engine.commands.rates import compiled_part, rule_paths
from engine.compiler.files import files_under
from engine.language.problems import ProblemsFound, shown_path
from engine.warnings.durable_plan import durable_problems


def check(paths: Sequence[Path], format_: str, language: Language, correlator: str = "built-in") -> None:
    """Compile; exit 1 where a problem is found. `durable`: what durable_rules cannot do correctly is one too."""
    asked = rule_paths(paths)
    book, found = compiled_part(asked, language)
    if correlator == "durable":
        found = [*found, *durable_problems(book.watch)]
    if found:
        _show(ProblemsFound(found), format_, language)
        raise SystemExit(1)
    read = {file for one in book.rulesets.values() for file in one.files} | {*book.watch.files}
    read |= {file for several in book.advice.values() for one in several for file in one.rewrite.files}
    # a notice alone is checked too, though no rule set that was asked for reads it
    rulesets, files = len(book.rulesets), len(read | {shown_path(file) for file in files_under(asked)})
    triggers = len(book.watch.triggers)
    if format_ == "json":
        emit({"problems": [], "rulesets": rulesets, "triggers": triggers, "files": files})
    elif language == "zh":
        there = [f"{rulesets} 个规则集"] if rulesets or not triggers else []
        there += [f"{triggers} 个触发器"] if triggers else []
        click.echo(f"{'、'.join([*there, f'{files} 个文件'])}：没有问题")
    else:
        there = [counted(rulesets, "rule set")] if rulesets or not triggers else []
        there += [counted(triggers, "trigger")] if triggers else []
        click.echo(f"{' and '.join(there)} of {counted(files, 'file')}: no problem")


def _show(found: ProblemsFound, format_: str, language: Language) -> None:
    if format_ == "json":
        emit({"problems": problems_json(found.problems)})
    elif format_ == "github":
        click.echo("\n".join(annotation(one, language) for one in found.problems))
    else:
        show_problems(found.problems, language)
        count = len(found.problems)
        complain(f"\n{count} 个问题" if language == "zh" else f"\n{count} problem{'s' * (count != 1)}")
