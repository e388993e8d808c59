"""The command `dianjia`: what can be typed. The work is in `engine.commands`, imported when a command runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli_advice import COMMANDS as ADVICE
from engine.cli_changes import COMMANDS as CHANGES
from engine.cli_compare import COMMANDS as COMPARE
from engine.cli_options import BACKEND, FORMAT_OUT, PATHS, RULES, SPEAK, TEXT_OR_JSON, THREADS, language
from engine.cli_profiles import COMMANDS as PROFILES
from engine.cli_runs import COMMANDS as RUNS
from engine.cli_service import COMMANDS as SERVICE
from engine.cli_versions import COMMANDS as VERSIONS
from engine.cli_warnings import COMMANDS as WARNINGS

if TYPE_CHECKING:
    from engine.evaluator.native import Backend

Command = TypeVar("Command", bound=Callable[..., Any])


def _asking(command: Command) -> Command:
    """Options of the commands that bill single rows."""
    for option in reversed(
        [
            click.argument("ruleset"),
            click.option("--period", metavar="PERIOD", help="2026-01, or FROM..TO with TO the day after the last."),
            click.option("--set", "written", multiple=True, metavar="NAME=VALUE", help="An input, or a list as JSON."),
            click.option(
                "--input",
                "file",
                type=click.Path(path_type=Path, dir_okay=False),
                help="Values as JSON, or rows of a portfolio (CSV, Parquet, Arrow).",
            ),
            click.option(
                "--row", "row_ids", multiple=True, metavar="ROW_ID", help="Of --input, the rows that are meant."
            ),
            click.option(
                "--pass",
                "pass_through",
                multiple=True,
                metavar="COLUMN",
                help="Of --input, an unread column.",
            ),
            RULES,
            TEXT_OR_JSON,
            SPEAK,
        ]
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="dianjia", prog_name="dianjia")
@SPEAK
def main() -> None:
    """Dianjia 电价: electricity tariffs, written as YAML, billed exactly.

    Exit code 1: a problem in the rules or the data. 2: the command was not understood.
    """


@main.command()
@PATHS
@click.option("--format", "format_", type=click.Choice(["text", "json", "github"]), default="text")
@click.option(
    "--correlator",
    type=click.Choice(["built-in", "durable"]),
    default="built-in",
    help="durable: tell too what durable_rules cannot do correctly of triggers over time.",
)
@SPEAK
def check(paths: tuple[Path, ...], format_: str, correlator: str) -> None:
    """Compile rule files and show every problem.

    PATH is a file or folder; without one, the folder `rules`.
    """
    from engine.commands import check as command

    command.check(paths, format_, language(), correlator)


@main.command()
@PATHS
@click.option(
    "--random",
    "random_rows",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Compare all interpreters on N random rows a rule set.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@BACKEND
@TEXT_OR_JSON
@SPEAK
def test(paths: tuple[Path, ...], random_rows: int, seed: int, backend: Backend, format_: str) -> None:
    """Run the tests that stand in rule sets, through all three interpreters."""
    from engine.commands import test as command

    command.test(paths, random_rows, seed, backend, format_, language())


@main.command()
@_asking
def bill(
    ruleset: str,
    period: str | None,
    written: tuple[str, ...],
    file: Path | None,
    row_ids: tuple[str, ...],
    pass_through: tuple[str, ...],
    rules: tuple[Path, ...],
    format_: str,
) -> None:
    """Bill one customer with RULESET.

    \b
    dianjia bill cn.jiangsu.residential --period 2026-01 --set kwh_peak=120 --set kwh_valley=80
    """
    from engine.commands import bill as command

    which = command.Which(ruleset, rules, period, written, file, row_ids, pass_through)
    command.bill(which, format_, language())


@main.command()
@_asking
def explain(
    ruleset: str,
    period: str | None,
    written: tuple[str, ...],
    file: Path | None,
    row_ids: tuple[str, ...],
    pass_through: tuple[str, ...],
    rules: tuple[Path, ...],
    format_: str,
) -> None:
    """Bill one customer with RULESET and show the working of each line."""
    from engine.commands import bill as command

    which = command.Which(ruleset, rules, period, written, file, row_ids, pass_through)
    command.explain(which, format_, language())


@main.command()
@click.option("--rows", type=click.IntRange(1), default=1_000_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--portfolio-only", type=click.Path(path_type=Path), metavar="FILE", help="Write the portfolio, bill nothing."
)
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("dianjia-demo"), show_default=True, metavar="DIR"
)
@RULES
@FORMAT_OUT
@THREADS
@TEXT_OR_JSON
@SPEAK
def demo(
    rows: int,
    seed: int,
    portfolio_only: Path | None,
    output: Path,
    rules: tuple[Path, ...],
    format_out: str,
    threads: int | None,
    format_: str,
) -> None:
    """Bill a seeded portfolio over the shipped rules and explain one bill."""
    from engine.commands import demo as command

    command.demo(rows, seed, portfolio_only, output, rules, format_out, threads, format_, language())


@main.command(name="list")
@RULES
@click.option("--triggers", is_flag=True, help="The triggers over time instead, with whom they tell and their events.")
@click.option("--profiles", is_flag=True, help="The scores and segments instead, with their indicators and classes.")
@click.option("--warnings", is_flag=True, help="The warnings of a bill instead, with what has to be given for each.")
@click.option("--advice", is_flag=True, help="What customers can be advised of instead, with its alternatives.")
@TEXT_OR_JSON
@SPEAK
def list_(rules: tuple[Path, ...], triggers: bool, profiles: bool, warnings: bool, advice: bool, format_: str) -> None:
    """Show rule sets by place, class, days in force and standing of their sources."""
    from engine.commands import listing as command

    if advice:
        from engine.commands.advice_listing import list_advice

        list_advice(rules, format_, language())
        return
    if warnings:
        from engine.commands.warnings_listing import list_warnings

        list_warnings(rules, format_, language())
        return
    shown = command.list_triggers if triggers else command.list_profiles if profiles else command.list_
    shown(rules, format_, language())


@main.command()
@click.option("--within", default="20d", show_default=True, metavar="DAYS")
@click.option("--on", metavar="DAY", help="Counted from this day. [default: today]")
@RULES
@TEXT_OR_JSON
@SPEAK
def due(within: str, on: str | None, rules: tuple[Path, ...], format_: str) -> None:
    """Show what ends soon without a successor; exit code 1 where anything does."""
    from engine.commands import listing as command

    command.due(within, on, rules, format_, language())


@main.command()
@click.option("--clear", "delete", is_flag=True, help="Delete what it holds.")
@TEXT_OR_JSON
@SPEAK
def cache(delete: bool, format_: str) -> None:
    """Show what is kept on the disk to start sooner: compiled rules, machine code.

    It may be deleted at any time. [env: DIANJIA_CACHE: its folder, or `off`]
    """
    from engine.commands import cache as command

    command.cache(delete, format_, language())


@main.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors."""
    from engine.commands import schema as command

    command.schema()


for _command in (*RUNS, *ADVICE, *CHANGES, *COMPARE, *PROFILES, *VERSIONS, *SERVICE, *WARNINGS):
    main.add_command(_command)


@main.group(name="import")
def import_() -> None:
    """Write rule sets from what others publish."""


@import_.command(name="urdb")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="RULESET.yaml")
@click.option("--timezone", metavar="ZONE", help="Of the rate's hours, for example America/Los_Angeles.")
@click.option(
    "--tier-scope",
    type=click.Choice(["pooled_pro_rata", "pooled_chronological", "per_period"]),
    help="How time-of-use periods share tiers.",
)
@click.option("--interval", type=click.Choice(["5", "10", "15", "20", "30", "60"]), help="Minutes; bill on a load.")
@click.option("--in-force", metavar="FROM..THROUGH", help="Days, in place of the rate's own.")
@click.option("--without", multiple=True, metavar="FIELD", help="Leave a field out of the bills.")
@click.option("--id", "id_", metavar="ID", help="Of the rule set. [default: us.UTILITY.NAME]")
@click.option("--label", help="Of the rate, where the file holds several.")
@click.option("--minor-places", type=click.IntRange(0, 6), default=2, show_default=True, help="Decimals of money.")
@click.option(
    "--kwh-places", type=click.IntRange(0, 6), default=3, show_default=True, help="Decimals of what is metered."
)
@click.option("--overwrite", is_flag=True, help="Replace the file.")
@TEXT_OR_JSON
@SPEAK
def import_urdb(
    source: Path,
    output: Path | None,
    timezone: str | None,
    tier_scope: Any,
    interval: str | None,
    in_force: str | None,
    without: tuple[str, ...],
    id_: str | None,
    label: str | None,
    minor_places: int,
    kwh_places: int,
    overwrite: bool,
    format_: str,
) -> None:
    """Write a rate of the U.S. Utility Rate Database (JSON, version 8 or older) as a rule set.

    Every field of the rate is billed or told of; what cannot be translated and changes money stops the import.
    """
    from engine.commands import import_urdb as command

    options = command.Options(
        id=id_,
        timezone=timezone,
        tier_scope=tier_scope,
        interval=int(interval) if interval is not None else None,
        in_force=in_force,
        minor_places=minor_places,
        kwh_places=kwh_places,
        without=frozenset(without),
        label=label,
    )
    command.import_urdb(source, output, overwrite, options, format_, language())


if __name__ == "__main__":
    main()
