"""`dianjia runs export`, `acknowledge`, `reverse`: adjustments (退补). The work is in `engine.commands.adjustments`."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Final

import click

from engine.cli_options import DATABASE, SPEAK, TEXT_OR_JSON, language

_OUTPUT = click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Adjustments to write, `.parquet` or `.csv`; lists and a summary are written beside it.",
)
_REMAINING = click.option(
    "--remaining", is_flag=True, help="Make a further file of what the earlier ones left out or had rejected."
)
_NUMBER = click.option(
    "--number", type=click.IntRange(1), metavar="N", help="Which of the run's files to write again. [default: the last]"
)


@click.command()
@click.argument("run")
@click.option(
    "--original",
    required=True,
    metavar="RUN|FOLDER",
    help="The bills as they were first issued, before any correction.",
)
@_OUTPUT
@click.option("--reason", required=True, metavar="CODE", help="A code that the billing system knows.")
@click.option("--reason-text", default="", metavar="TEXT", help="The same in words.")
@click.option(
    "--bill-id",
    "bill_column",
    default="bill_id",
    show_default=True,
    metavar="COLUMN",
    help="Names a bill through all its revisions; `row_id` where the rows' own ids do.",
)
@click.option("--hold-open", is_flag=True, help="Leave out bills with an open correction, and list them.")
@click.option("--complete", is_flag=True, help="Refuse where the export would not be complete.")
@_REMAINING
@_NUMBER
@DATABASE
@TEXT_OR_JSON
@SPEAK
def export(
    run: str,
    original: str,
    output: Path,
    reason: str,
    reason_text: str,
    bill_column: str,
    hold_open: bool,
    complete: bool,
    remaining: bool,
    number: int | None,
    database: str,
    format_: str,
) -> None:
    """Write what RUN changes in bills already issued: by bill and charge, an amount to refund or to collect.

    An amount is RUN's less the original's and less all adjustments posted so far. Exported again, the file is the same.
    """
    command = _work()
    told = command.Export(
        run=run,
        original=original,
        output=output,
        reason=reason,
        reason_text=reason_text,
        bill_column=bill_column,
        remaining=remaining,
        hold_open=hold_open,
        complete=complete,
        number=number or 0,
    )
    command.export(told, database, format_, language())


@click.command()
@click.option(
    "--file",
    "files",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Parquet or CSV: `adjustment_id`, `outcome` (posted, rejected); if known `reason`, `date`, `reference`.",
)
@DATABASE
@TEXT_OR_JSON
@SPEAK
def acknowledge(files: tuple[Path, ...], database: str, format_: str) -> None:
    """Take in what the billing system did with adjustments. A file counts as a whole, or not at all."""
    _work().acknowledge(files, database, format_, language())


@click.command()
@click.argument("run")
@_OUTPUT
@_REMAINING
@_NUMBER
@click.option("--hold-later", is_flag=True, help="Leave out bills that a later run has corrected, and list them.")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def reverse(
    run: str,
    output: Path,
    remaining: bool,
    number: int | None,
    hold_later: bool,
    database: str,
    format_: str,
) -> None:
    """Write the opposite of every adjustment of RUN that was posted, or is open; it is acknowledged like any other.

    Nothing is deleted. A reversal of an open adjustment is to be posted if that one was, and rejected if that one was.
    """
    _work().reverse(run, output, remaining, hold_later, number or 0, database, format_, language())


COMMANDS: Final = (export, acknowledge, reverse)


def _work() -> ModuleType:
    """The module that does the work, if what it needs is installed."""
    try:
        from engine.commands import adjustments as command
    except ModuleNotFoundError as missing:
        from engine.commands.output import not_installed

        raise not_installed(missing, "runs") from None
    return command
