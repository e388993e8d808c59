"""The commands of runs: `dianjia run`, and `dianjia runs` with what is done with one; the work is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from engine.cli_adjustments import COMMANDS as ADJUSTMENTS
from engine.cli_options import BACKEND, DATABASE, FORMAT_OUT, RULES, SPEAK, TEXT_OR_JSON, THREADS, language

if TYPE_CHECKING:
    from engine.commands.run import How
    from engine.evaluator.native import Backend

Command = TypeVar("Command", bound=Callable[..., Any])

_DRIVING: Final = [
    THREADS,
    click.option(
        "--engine",
        type=click.Choice(["local", "spark", "dask"]),
        default="local",
        show_default=True,
        help="What bills partitions: threads of this process, or workers of a cluster (extras `spark`, `dask`).",
    ),
    click.option(
        "--cluster",
        metavar="ADDRESS",
        default="",
        help="Of --engine: spark://HOST:PORT, sc://HOST:PORT, tcp://HOST:PORT. [default: two workers on this machine]",
    ),
    click.option(
        "--priority",
        type=click.Choice(["low", "normal"]),
        default="normal",
        show_default=True,
        help="low: other programs of this machine go first.",
    ),
    DATABASE,
]


def _driving(command: Command) -> Command:
    """Options of the commands that bill partitions."""
    for option in reversed(_DRIVING):
        command = option(command)
    return command


@click.command()
@RULES
@click.option(
    "--input",
    "sources",
    multiple=True,
    metavar="FILE",
    help="Portfolio: Parquet, CSV or Arrow files, or folders of them; or postgresql://HOST/NAME with --query. "
    "May be said several times, and left out where --join names it.",
)
@click.option("--query", default="", metavar="SQL", help="What to read from a database.")
@click.option(
    "--join",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PLAN.yaml",
    help="What to join: customers, readings, intervals.",
)
@click.option(
    "--output",
    required=True,
    metavar="DIR",
    help="Folder for the results; or postgresql://HOST/NAME, or delta:FOLDER (extra `delta`).",
)
@click.option("--pass", "pass_through", multiple=True, metavar="COLUMN", help="A column that is meant to be unread.")
@click.option("--details", is_flag=True, help="Also write each line's quantity and price.")
@click.option(
    "--amounts",
    type=click.Choice(["scaled", "decimal"]),
    default="scaled",
    show_default=True,
    help="How lines are written in Parquet and Arrow.",
)
@click.option("--overwrite", is_flag=True, help="Replace the results of an earlier run.")
@click.option(
    "--only", multiple=True, metavar="COLUMN=VALUE[,VALUE]", help="Bill these rows alone; several must all hold."
)
@click.option(
    "--affected-by",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="OLD NEW",
    help="Bill the rows alone whose bills differ between two folders of rules, with those of NEW.",
)
@click.option("--mends", metavar="RUN", default="", help="The run whose refused rows these are.")
@click.option(
    "--history",
    multiple=True,
    metavar="EVENTS",
    help="Events that came before: Parquet, CSV or Arrow files, or folders of them. Triggers look at them and at the "
    "rows; what they find goes to `warnings_over_time`. May be said several times.",
)
@click.option(
    "--since", default="", metavar="YYYY-MM-DD", help="First day of warnings over time. [default: of the rows' periods]"
)
@click.option(
    "--until",
    default="",
    metavar="YYYY-MM-DD",
    help="Every event before this day has come. [default: the end of the rows' periods and of the history]",
)
@click.option("--partition-rows", type=click.IntRange(1), metavar="N", help="Of a unit of work, about.")
@click.option(
    "--partition-by",
    type=click.Choice(["auto", "given", "hash"]),
    default="auto",
    show_default=True,
    help="given: each file is a unit of work. hash: rows are spread anew by account.",
)
@click.option("--memory", metavar="SIZE", default="", help="Keep below this: 600MB, 2GB.")
@click.option("--dry-run", is_flag=True, help="Plan, say what would be billed, and bill nothing.")
@FORMAT_OUT
@BACKEND
@_driving
@TEXT_OR_JSON
@SPEAK
def run(
    rules: tuple[Path, ...],
    sources: tuple[str, ...],
    query: str,
    join: Path | None,
    output: str,
    pass_through: tuple[str, ...],
    details: bool,
    amounts: Any,
    overwrite: bool,
    only: tuple[str, ...],
    affected_by: tuple[Path, Path] | None,
    mends: str,
    history: tuple[str, ...],
    since: str,
    until: str,
    partition_rows: int | None,
    partition_by: Any,
    memory: str,
    dry_run: bool,
    format_out: Any,
    backend: Backend,
    threads: int | None,
    engine: str,
    cluster: str,
    priority: str,
    database: str,
    format_: str,
) -> None:
    """Bill a portfolio: bills, lines, refused rows and warnings go to a folder or a database.

    What is done is in the ledger: a run that was cut short goes on with `dianjia runs resume`.
    """
    command = _work()
    options = command.Options(
        pass_through=pass_through,
        details=details,
        amounts=amounts,
        overwrite=overwrite,
        format_out=format_out,
        backend=backend,
        query=query,
        join=join,
        only=only,
        affected_by=affected_by,
        mends=mends,
        history=history,
        since=since,
        until=until,
        partition_rows=partition_rows or 0,
        partition_by=partition_by,
        memory=memory,
    )
    how = _how(command, threads, engine, cluster, priority, database)
    if dry_run:
        command.dry_run(rules, sources, options, how, format_, language())
    else:
        command.run(rules, sources, output, options, how, format_, language())


@click.group()
def runs() -> None:
    """Look at runs, go on with them, check them, and hand over what they change.

    RUN is a run's id, an end of it that no other run has, or the folder of its results.
    """


@runs.command(name="list")
@click.option("--count", type=click.IntRange(1), help="The newest alone.")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def list_(count: int | None, database: str, format_: str) -> None:
    """List runs, newest first."""
    _runs().list_(count, database, format_, language())


@runs.command()
@click.argument("run")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def show(run: str, database: str, format_: str) -> None:
    """Show a run: what was ordered, where it stands, its partitions and control sums."""
    _runs().show(run, database, format_, language())


@runs.command()
@click.argument("run")
@click.option(
    "--despite",
    multiple=True,
    type=click.Choice(["input", "rules", "code"]),
    help="Go on although this changed since the run was planned. The rate book is the one it was planned with.",
)
@_driving
@TEXT_OR_JSON
@SPEAK
def resume(
    run: str,
    despite: tuple[str, ...],
    threads: int | None,
    engine: str,
    cluster: str,
    priority: str,
    database: str,
    format_: str,
) -> None:
    """Go on with a run that was cut short. One that is finished is left alone."""
    command = _work()
    how = _how(command, threads, engine, cluster, priority, database)
    command.resume(run, frozenset(despite), how, format_, language())


@runs.command()
@click.argument("run")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def cancel(run: str, database: str, format_: str) -> None:
    """End a run for good. What it has written stays, and is no result."""
    _runs().cancel(run, database, format_, language())


@runs.command()
@click.argument("run")
@click.option("--sample", type=click.IntRange(0), default=200, show_default=True, help="Bills that are billed again.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
@DATABASE
@TEXT_OR_JSON
@SPEAK
def verify(run: str, sample: int, seed: int, database: str, format_: str) -> None:
    """Count and add up every file of a run again, and bill a sample with the reference.

    Exit code 1 where anything differs from the ledger.
    """
    _runs().verify(run, sample, seed, database, format_, language())


@runs.command()
@click.argument("run")
@DATABASE
@SPEAK
def clean(run: str, database: str) -> None:
    """Delete the copy of the input that a finished run has kept. It cannot be verified by a sample any more."""
    _runs().clean(run, database, language())


for _command in ADJUSTMENTS:
    runs.add_command(_command)

COMMANDS: Final = (run, runs)


def _how(command: ModuleType, threads: int | None, engine: str, cluster: str, priority: str, database: str) -> How:
    how: How = command.How(threads, engine, cluster, priority, database)
    return how


def _work() -> ModuleType:
    from engine.commands import run as command

    return command


def _runs() -> ModuleType:
    """The module that looks at runs, if what it needs is installed."""
    try:
        from engine.commands import runs as command
    except ModuleNotFoundError as missing:
        from engine.commands.output import not_installed

        raise not_installed(missing, "runs") from None
    return command
