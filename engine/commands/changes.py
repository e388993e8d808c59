"""`dianjia changes`: what two folders of rules differ in, by meaning."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.output import Language, emit
from engine.commands.rates import compiled_book
from engine.comparison.changes import changes as changes_between
from engine.comparison.changes_text import changes_text


def changes(old: Path, new: Path, format_: str, language: Language) -> None:
    """Print what differs between two rate books, on which days, and which charges it reaches."""
    found = changes_between(compiled_book([old], language), compiled_book([new], language))
    if format_ == "json":
        emit([one.to_json() for one in found])
        return
    click.echo(changes_text(found, language))
