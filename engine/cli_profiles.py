"""The command `dianjia quantiles` as it is typed. The work is in `engine.commands.quantiles`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from engine.cli_options import SPEAK, TEXT_OR_JSON, THREADS, language


@click.command()
@click.argument("rules", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.notice.yaml")
@click.option("--ruleset", "rulesets", multiple=True, metavar="ID", help="Only the limits of this rule set.")
@click.option("--series", default="", metavar="ID", help="Of the notice, where the rule sets read several.")
@click.option("--notice", default="", metavar="ID", help="Of the notice. [default: the series and its first day]")
@click.option("--from", "first", default="", metavar="DAY", help="In force from. [default: first day of the rows]")
@click.option("--pass", "pass_through", multiple=True, metavar="COLUMN", help="A column that is meant to be unread.")
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@THREADS
@TEXT_OR_JSON
@SPEAK
def quantiles(
    rules: tuple[Path, ...],
    source: Path,
    output: Path | None,
    rulesets: tuple[str, ...],
    series: str,
    notice: str,
    first: str,
    pass_through: tuple[str, ...],
    overwrite: bool,
    threads: int | None,
    format_: str,
) -> None:
    """Compute the limits by quantile of scores and segments in RULES from a portfolio, as a notice.

    \b
    dianjia quantiles rules/cn/national/profiles customers.parquet -o portfolio_2026.notice.yaml
    """
    from engine.commands import quantiles as command

    options = command.Options(
        rules, source, output, rulesets, series, notice, first, pass_through, overwrite, threads or 1
    )
    command.quantiles(options, format_, language())


COMMANDS: Final = (quantiles,)
