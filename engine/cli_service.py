"""The commands of the service: `dianjia serve` and `dianjia token`. The work is in `engine.commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from engine.cli_options import SPEAK, language


@click.command(
    add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def serve(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Answer calls over gRPC: bills, rule sets, versions."""
    from engine.commands import serve as command

    command.main(arguments, context.parent)


@click.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(
        ["rate", "read", "publish", "approve", "recalculate", "record-events", "read-warnings", "acknowledge"]
    ),
    help="What its holder may do; may be given several times.",
)
@click.option("--expires", metavar="INSTANT", help="2027-01-01T00:00:00+08:00. [default: never]")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Add its lines to this file of tokens.")
@SPEAK
def token(name: str, scopes: tuple[str, ...], expires: str | None, file: Path | None) -> None:
    """Make a token that lets NAME call the service. It is printed once; the file holds its hash."""
    from engine.commands import token as command

    command.token(name, scopes, expires, file, language())


COMMANDS: Final = (serve, token)
