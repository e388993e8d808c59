"""The commands `dianjia advise` and `dianjia compare-plans` as they are typed: `engine.commands.advise` works."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from engine.cli_options import SPEAK, THREADS, language

_OPTIONS: Final = [
    click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="[RULES]... INPUT"),
    click.option("--account", "accounts", multiple=True, metavar="ACCOUNT", help="Of these accounts alone."),
    click.option(
        "--only", multiple=True, metavar="ALTERNATIVE", help="These alone: NAME, or ADVICE:NAME where several have it."
    ),
    click.option(
        "--pass", "pass_through", multiple=True, metavar="COLUMN", help="A column that is meant to be unread."
    ),
    click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json", "csv", "parquet"]),
        help="[default: by the ending of --output, else text]",
    ),
    click.option(
        "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Written here."
    ),
    click.option("--overwrite", is_flag=True, help="Replace what is there."),
    THREADS,
    SPEAK,
]


def _asking(command: Any) -> Any:
    """Options of both commands."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_asking
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(["choice", "measure", "plan"]),
    help="What an application brings, what needs work or investment, other plans.",
)
@click.option(
    "--proposal",
    type=click.Path(path_type=Path),
    metavar="FILE.html|DIR",
    help="Write the customer's proposal as a page to print: a file for one --account, else a folder.",
)
def advise(
    paths: tuple[Path, ...],
    accounts: tuple[str, ...],
    only: tuple[str, ...],
    kinds: tuple[str, ...],
    pass_through: tuple[str, ...],
    format_: str | None,
    output: Path | None,
    proposal: Path | None,
    overwrite: bool,
    threads: int | None,
) -> None:
    """Tell each customer what it could lawfully pay instead, ranked by saving, with the bills behind it.

    INPUT is a portfolio (CSV, Parquet, Arrow) with a column `account`: up to 12 months of each customer's own rows.
    RULES are files and folders; without any, the folder `rules`.

    \b
    dianjia advise portfolio.parquet
    dianjia advise rules portfolio.csv --account 42010001 --proposal proposal.html --language zh
    """
    from engine.commands import advise as command

    options = command.Options(
        rules=paths[:-1],
        source=paths[-1],
        accounts=accounts,
        only=only,
        kinds=kinds,
        pass_through=pass_through,
        output=output,
        proposal=proposal,
        overwrite=overwrite,
        threads=threads,
    )
    command.advise(options, format_, language())


@click.command(name="compare-plans")
@_asking
def compare_plans(
    paths: tuple[Path, ...],
    accounts: tuple[str, ...],
    only: tuple[str, ...],
    pass_through: tuple[str, ...],
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    threads: int | None,
) -> None:
    """Rank the plans that each customer may choose, the present one among them, on its own rows.

    Plans are alternatives of the kind `plan`. INPUT and RULES are those of `dianjia advise`.

    \b
    dianjia compare-plans rules portfolio.csv --account 90010001
    """
    from engine.commands import advise as command

    options = command.Options(
        rules=paths[:-1],
        source=paths[-1],
        accounts=accounts,
        only=only,
        kinds=("plan",),
        pass_through=pass_through,
        output=output,
        overwrite=overwrite,
        threads=threads,
    )
    command.compare_plans(options, format_, language())


COMMANDS: Final = (advise, compare_plans)
