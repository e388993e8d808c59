"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

LANGUAGE: Final = "dianjia.language"  # as engine.commands.output reads it
PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
TEXT_OR_JSON = click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")


def _speak(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[LANGUAGE] = value


SPEAK = click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    envvar="DIANJIA_LANGUAGE",
    expose_value=False,
    callback=_speak,
    help="Of messages. [env: DIANJIA_LANGUAGE; default: en]",
)


def language() -> Any:
    """The language that was asked for."""
    return click.get_current_context().meta.get(LANGUAGE, "en")
