"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

LANGUAGE: Final = "dianjia.language"  # as engine.commands.output reads it
PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
TEXT_OR_JSON = click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")

RULES = click.option(
    "--rules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the rules are. [default: rules]",
)
THREADS = click.option("--threads", type=click.IntRange(1), default=None, help="[default: as many as there are cores]")
BACKEND = click.option(
    "--backend",
    type=click.Choice(["numpy", "native"]),
    default="numpy",
    show_default=True,
    help="What computes columns: numpy, or machine code that numba makes (the extra `native`). Bills are the same.",
)
FORMAT_OUT = click.option(
    "--format-out", type=click.Choice(["parquet", "csv", "arrow"]), default="parquet", show_default=True
)
DATABASE = click.option(
    "--database",
    metavar="URL",
    envvar="DIANJIA_DATABASE",
    default="",
    help="The ledger of runs: sqlite:///FILE or postgresql://HOST/NAME. [env: DIANJIA_DATABASE; default: this user's]",
)


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
