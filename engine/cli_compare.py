"""The command `dianjia compare` as it is typed. The work is in `engine.commands.compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from engine.cli_options import SPEAK, TEXT_OR_JSON, THREADS, language


@click.command()
@click.option(
    "--rules", multiple=True, type=click.Path(path_type=Path), metavar="OLD", help="The old rules. [default: rules]"
)
@click.option("--against", multiple=True, type=click.Path(path_type=Path), metavar="NEW", help="The new rules.")
@click.option(
    "--stored",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Bills of an earlier run as the old side; with --rules, what they differ by from these rules is told apart.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="RULESET:PATH@DAY=NUMBER",
    help="A number in place of a printed one, from that day on.",
)
@click.option(
    "--sweep",
    default="",
    metavar="RULESET:PATH@DAY=FROM..TO/STEP",
    help="Several numbers in place of one: what each comes to.",
)
@click.option(
    "--input", "source", required=True, type=click.Path(path_type=Path), help="Portfolio: Parquet, CSV or Arrow."
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder for differences, data and report."
)
@click.option(
    "--by", multiple=True, metavar="COLUMN", help="Totals by a column; `region` and `month` are always there."
)
@click.option(
    "--only", multiple=True, metavar="COLUMN=VALUE[,VALUE]", help="Compare these rows alone; several must all hold."
)
@click.option("--affected", is_flag=True, help="Compare only the rows that the change can reach.")
@click.option("--pass", "pass_through", multiple=True, metavar="COLUMN", help="A column that is meant to be unread.")
@click.option("--overwrite", is_flag=True, help="Replace an earlier comparison.")
@click.option("--format-out", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
@THREADS
@TEXT_OR_JSON
@SPEAK
def compare(
    rules: tuple[Path, ...],
    against: tuple[Path, ...],
    stored: Path | None,
    settings: tuple[str, ...],
    sweep: str,
    source: Path,
    output: Path | None,
    by: tuple[str, ...],
    only: tuple[str, ...],
    affected: bool,
    pass_through: tuple[str, ...],
    overwrite: bool,
    format_out: str,
    threads: int | None,
    format_: str,
) -> None:
    """Compare the bills of two rate books, to the last digit and with the cause of each difference.

    \b
    dianjia compare --rules rules --against rules-2027 --input portfolio.parquet --by region --output compared
    dianjia compare --set cn.jiangsu.residential:valley.price@2026-01-01=-0.15 --input portfolio.parquet
    """
    from engine.commands import compare as command

    options = command.Options(
        rules=rules,
        against=against,
        source=source,
        output=output,
        stored=stored,
        settings=settings,
        sweep=sweep,
        by=by,
        only=only,
        affected=affected,
        pass_through=pass_through,
        format_out=format_out,
        overwrite=overwrite,
        threads=threads,
    )
    command.compare(options, format_, language())


COMMANDS: Final = (compare,)
