"""The command `dianjia changes`. The work is in `engine.commands.changes`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from engine.cli_options import SPEAK, TEXT_OR_JSON, language

_RULES: Final = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("old", type=_RULES)
@click.argument("new", type=_RULES)
@TEXT_OR_JSON
@SPEAK
def changes(old: Path, new: Path, format_: str) -> None:
    """Show what the rules in NEW change against those in OLD: numbers, rules and days, and the charges they reach.

    \b
    dianjia changes rules-2025 rules-2026
    """
    from engine.commands import changes as command

    command.changes(old, new, format_, language())


COMMANDS: Final = (changes,)
