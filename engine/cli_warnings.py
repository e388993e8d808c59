"""`dianjia warnings`: events in, warnings out, and their delivery. The work is in `engine.commands.warnings*`."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, Final

import click

from engine.cli_options import RULES, SPEAK, TEXT_OR_JSON, language

DATABASE = click.option(
    "--database",
    metavar="URL",
    envvar="DIANJIA_DATABASE",
    default="",
    help="Where it is kept: sqlite:///FILE or postgresql://HOST/NAME. [env: DIANJIA_DATABASE; default: this user's]",
)
_ENDPOINTS = click.option(
    "--endpoints",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="DIANJIA_WEBHOOKS",
    metavar="FILE",
    help="TOML file that says who is told, and of what. [env: DIANJIA_WEBHOOKS]",
)
_FILTERS: Final = [
    click.option("--region", "regions", multiple=True, metavar="REGION", help="Of these regions; several may be said."),
    click.option(
        "--level",
        "levels",
        multiple=True,
        type=click.Choice(["info", "yellow", "amber", "red"]),
        help="Of these levels.",
    ),
    click.option(
        "--recipient",
        "recipients",
        multiple=True,
        type=click.Choice(
            ["customer", "account_manager", "billing", "credit_control", "metering", "inspection", "dispatch"]
        ),
        help="For these recipients.",
    ),
    click.option("--trigger", "triggers", multiple=True, metavar="ID", help="Of these triggers: RULESET:NAME."),
    click.option("--account", "accounts", multiple=True, metavar="ACCOUNT", help="Of these accounts."),
    click.option("--ruleset", "rulesets", multiple=True, metavar="ID", help="Of these rule sets."),
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        type=click.Choice(["warning", "tariff_notice"]),
        help="Warnings, or notices of new tariffs.",
    ),
    click.option("--state", "states", multiple=True, type=click.Choice(["raised", "cleared"]), help="In this state."),
    click.option(
        "--acknowledged/--unacknowledged", default=None, help="Those that somebody has taken up, or nobody has."
    ),
]


def _filtered(command: Any) -> Any:
    """Options that say which warnings are meant."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group()
def warnings() -> None:
    """Record events, and see and deliver the warnings that they bring.

    Events, what is remembered of accounts, and warnings are kept in the database that --database names.
    """


@warnings.command()
@click.argument("files", nargs=-1, required=True, metavar="FILES|-")
@click.option(
    "--complete-until",
    metavar="TIME",
    default="",
    help="Every event before has been sent: deadlines before it fire. 2026-01-31T00:00:00+08:00",
)
@click.option(
    "--correlator",
    type=click.Choice(["built-in", "durable"]),
    default="built-in",
    show_default=True,
    help="What correlates events: the engine's own, or durable_rules (extra `durable`).",
)
@click.option("--sort", is_flag=True, help="Put the events in order of time first; they have to fit into memory.")
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def record(
    files: tuple[str, ...],
    complete_until: str,
    correlator: str,
    sort: bool,
    rules: tuple[Path, ...],
    database: str,
    format_: str,
) -> None:
    """Record events of FILES: JSON Lines, CSV, Parquet or Arrow; `-`: JSON Lines from standard input.

    Events come in order of time, but for the lateness that their types declare; several files are read side by side.
    Events that were recorded before are no harm. Exit code 1 where any was refused.
    """
    _work("warnings_record").record(files, complete_until, correlator, sort, rules, database, format_, language())


@warnings.command(name="list")
@_filtered
@click.option("--since", type=click.IntRange(0), metavar="CURSOR", help="Those behind it, oldest first.")
@click.option("--count", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def list_(since: int | None, count: int, rules: tuple[Path, ...], database: str, format_: str, **wanted: Any) -> None:
    """List warnings and tariff notices, newest first."""
    _work("warnings").list_(wanted, since, count, rules, database, format_, language())


@warnings.command()
@click.argument("id_", metavar="ID")
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def show(id_: str, rules: tuple[Path, ...], database: str, format_: str) -> None:
    """Show a warning: message, values, causes, what to do, the rule behind it, and the events of the account."""
    _work("warnings").show(id_, rules, database, format_, language())


@warnings.command()
@_filtered
@click.option("--since", type=click.IntRange(0), metavar="CURSOR", help="Begin behind it. [default: the newest]")
@click.option("--count", type=click.IntRange(1), help="End after so many.")
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def watch(
    since: int | None, count: int | None, rules: tuple[Path, ...], database: str, format_: str, **wanted: Any
) -> None:
    """Print warnings as they come, one a line, until Ctrl-C."""
    _work("warnings").watch(wanted, since, count, rules, database, format_, language())


@warnings.command()
@click.argument("id_", metavar="ID")
@click.option("--by", required=True, metavar="NAME", help="Who takes it up.")
@click.option("--note", default="", metavar="TEXT", help="What is done about it.")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def acknowledge(id_: str, by: str, note: str, database: str, format_: str) -> None:
    """Say that somebody has taken a warning up. The first to say so is kept."""
    _work("warnings").acknowledge(id_, by, note, database, format_, language())


@warnings.command()
@click.option("--since", default="", metavar="TIME", help="Compare warnings from then on. [default: all]")
@click.option("--rebuild", is_flag=True, help="Write what is remembered of accounts anew from the log.")
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def replay(since: str, rebuild: bool, rules: tuple[Path, ...], database: str, format_: str) -> None:
    """Run afresh over the log of events, and compare the warnings with those that are kept.

    Exit code 1 where they differ.
    """
    _work("warnings_keeping").replay(since, rebuild, rules, database, format_, language())


@warnings.command()
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def status(rules: tuple[Path, ...], database: str, format_: str) -> None:
    """Show the watermark, how late events may come, what is kept, and how far each endpoint was told."""
    _work("warnings_keeping").status(rules, database, format_, language())


@warnings.command()
@click.option("--before", required=True, metavar="TIME", help="Of events before this time, 2026-01-31T00:00:00+08:00.")
@RULES
@DATABASE
@TEXT_OR_JSON
@SPEAK
def forget(before: str, rules: tuple[Path, ...], database: str, format_: str) -> None:
    """Take old events out of the log. What is remembered of accounts, and the warnings, stay.

    A replay begins behind them then, and memory cannot be made anew; take a snapshot before.
    """
    _work("warnings_keeping").forget(before, rules, database, format_, language())


@warnings.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@RULES
@DATABASE
@SPEAK
def snapshot(file: Path, rules: tuple[Path, ...], database: str) -> None:
    """Write all that is kept of events, accounts and warnings to FILE."""
    _work("warnings_keeping").snapshot(file, rules, database, language())


@warnings.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@RULES
@DATABASE
@SPEAK
def restore(file: Path, rules: tuple[Path, ...], database: str) -> None:
    """Read what `snapshot` wrote into a database that keeps no events yet."""
    _work("warnings_keeping").restore(file, rules, database, language())


@warnings.command()
@_ENDPOINTS
@click.option("--once", is_flag=True, help="Send what is due now, and end. Exit code 1 where anything was not taken.")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def send(endpoints: Path | None, once: bool, database: str, format_: str) -> None:
    """Send warnings to webhooks until Ctrl-C: signed, at least once, in order. docs/warnings-delivery.md"""
    _work("warnings_send").send(endpoints, once, database, format_, language())


@warnings.command()
def secret() -> None:
    """Print a new secret for an endpoint."""
    _work("warnings_send").secret()


@warnings.group(name="dead-letters")
def dead_letters() -> None:
    """Warnings that an endpoint did not take, however often it was tried."""


@dead_letters.command(name="list")
@click.option("--endpoint", default="", metavar="NAME", help="Of one endpoint.")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def list_dead(endpoint: str, database: str, format_: str) -> None:
    """List dead letters, oldest first."""
    _work("warnings_send").list_dead(endpoint, database, format_, language())


@dead_letters.command()
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--all", "every", is_flag=True, help="All of them, or all of --endpoint.")
@click.option("--endpoint", default="", metavar="NAME", help="Of one endpoint.")
@DATABASE
@SPEAK
def retry(ids: tuple[str, ...], every: bool, endpoint: str, database: str) -> None:
    """Let dead letters be sent again, those of these warnings or --all."""
    _work("warnings_send").retry(ids, every, endpoint, database, language())


COMMANDS: Final = (warnings,)


def _work(name: str) -> ModuleType:
    """A module of commands, if what it needs is installed."""
    from importlib import import_module

    try:
        return import_module(f"engine.commands.{name}")
    except ModuleNotFoundError as missing:
        from engine.commands.output import not_installed

        raise not_installed(missing, "webhooks" if name == "warnings_send" else "runs") from None
