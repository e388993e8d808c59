"""`dianjia list --warnings`: which warnings each rule set has, and what has to be given for each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from engine.commands.output import Language, emit, table
from engine.commands.rates import compiled_book
from engine.commands.words import words
from engine.compiler.program import Compiled, Warning
from engine.evaluator.silence import asked


def list_warnings(rules: Sequence[Path], format_: str, language: Language) -> None:
    """Print the warnings of a bill's row by rule set, with level and the optional inputs without which none is told."""
    rulesets = [one for one in compiled_book(rules, language).rulesets.values() if one.program.warnings]
    if format_ == "json":
        emit([{"ruleset": one.id, "warnings": [_json(*pair) for pair in _asking(one)]} for one in rulesets])
        return
    say = words(language)
    headers = [say("rule set"), say("level"), say("warning"), say("title"), say("needs")]
    rows = [
        [one.id, warning.level, warning.id, warning.title, ", ".join(needs)]
        for one in rulesets
        for warning, needs in _asking(one)
    ]
    click.echo(table(rows, headers))


def _asking(one: Compiled) -> list[tuple[Warning, list[str]]]:
    """The warnings, each with the inputs that have to be given, in the order in which the rule set declares them."""
    names = [spec.name for spec in one.program.inputs]
    needed = (sorted(found, key=names.index) for found in asked(one.program))
    return list(zip(one.program.warnings, needed, strict=True))


def _json(warning: Warning, needs: Sequence[str]) -> dict[str, object]:
    return {
        "warning": warning.id,
        "level": warning.level,
        "title": warning.title,
        "message": warning.message,
        "needs": list(needs),
        "causes": list(warning.causes),
        "action": warning.action,
        "at": str(warning.place),
    }
