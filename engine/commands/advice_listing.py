"""`dianjia list --advice`: what customers can be advised of, file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from engine.commands.output import Language, emit, table
from engine.commands.rates import compiled_book
from engine.commands.words import words
from engine.compiler.advising import Advice, Alternative
from engine.compiler.book import RateBook


def list_advice(rules: Sequence[Path], format_: str, language: Language) -> None:
    """Print the alternatives by advice file, with their kinds, the rule sets that they are for, and their standing."""
    files = by_file(compiled_book(rules, language))
    if format_ == "json":
        emit([_json(several) for several in files.values()])
        return
    say = words(language)
    rows = []
    for id_, several in files.items():
        keys = f"{several[0].key}" if len(several) == 1 else str(len(several))
        for one in several[0].alternatives.values():
            rows.append([id_, one.id, say(one.kind), keys, one.standing, one.title])
    headers = [say("advice"), say("alternative"), say("kind"), say("rule set"), say("standing"), say("title")]
    click.echo(table(rows, headers))


def by_file(book: RateBook) -> Mapping[str, list[Advice]]:
    """The advice of a rate book by its id, a rule set after another."""
    found: dict[str, list[Advice]] = {}
    for several in book.advice.values():
        for one in several:
            found.setdefault(one.id, []).append(one)
    return dict(sorted(found.items()))


def _json(several: Sequence[Advice]) -> dict[str, object]:
    first = several[0]
    return {
        "advice": first.id,
        "title": first.title,
        "rulesets": [one.key for one in several],
        "inputs": [{"name": spec.name, "title": spec.title, "unit": str(spec.type.unit)} for spec in first.inputs],
        "alternatives": [_alternative(one) for one in first.alternatives.values()],
        "source": first.source,
        "standing": first.standing,
        "at": str(first.place),
    }


def _alternative(one: Alternative) -> dict[str, object]:
    return {
        "alternative": one.id,
        "title": one.title,
        "kind": one.kind,
        "first": list(one.first),
        "ruleset": one.ruleset or None,
        "sets": [change.input for change in one.changes],
        "best": None if one.best is None else one.best.input,
        "how": one.how,
        "conditions": [
            {"text": each.text, "source": each.source, "standing": each.standing} for each in one.conditions
        ],
        "source": one.source,
        "standing": one.standing,
        "at": str(one.place),
    }
