"""The commands of versions: `dianjia publish` to `dianjia history`. The work is in `engine.commands.versions`."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from engine.cli_options import SPEAK, language

if TYPE_CHECKING:
    from engine.commands.versions import Asked

Command = TypeVar("Command", bound=Callable[..., Any])

_TOLD: Final = "dianjia.versions."  # where the context keeps the options that all these commands have
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


def _keep(context: click.Context, parameter: click.Parameter, value: object) -> None:
    context.meta[f"{_TOLD}{parameter.name}"] = value


_WHERE: Final = [
    click.option(
        "--database",
        metavar="URL",
        envvar="DIANJIA_DATABASE",
        expose_value=False,
        callback=_keep,
        help="The registry. [env: DIANJIA_DATABASE; default: that of this user]",
    ),
    click.option(
        "--server",
        metavar="HOST:PORT",
        envvar="DIANJIA_SERVER",
        expose_value=False,
        callback=_keep,
        help="Ask a server, not a database. [env: DIANJIA_SERVER]",
    ),
    click.option(
        "--token-file",
        type=_FILE,
        envvar="DIANJIA_TOKEN_FILE",
        expose_value=False,
        callback=_keep,
        help="Holds the token for --server. [env: DIANJIA_TOKEN_FILE; or DIANJIA_TOKEN, the token itself]",
    ),
    click.option(
        "--ca",
        type=_FILE,
        expose_value=False,
        callback=_keep,
        help="PEM of who vouches for the server's certificate; the call then goes over TLS.",
    ),
    click.option(
        "--cert",
        type=_FILE,
        expose_value=False,
        callback=_keep,
        help="PEM of this machine's own certificate, for a server that asks for one (mTLS); with --key.",
    ),
    click.option(
        "--key", type=_FILE, expose_value=False, callback=_keep, help="PEM of that certificate's private key."
    ),
    click.option(
        "--format", "format_", type=click.Choice(["text", "json"]), default="text", expose_value=False, callback=_keep
    ),
    SPEAK,
]
_STEP: Final = [
    click.option(
        "--by",
        metavar="NAME",
        expose_value=False,
        callback=_keep,
        help="Who takes the step, in a database. [default: the user of the system]",
    ),
    click.option(
        "--request-id",
        metavar="ID",
        default="",
        expose_value=False,
        callback=_keep,
        help="To repeat a step whose answer was lost. [default: a new one]",
    ),
    *_WHERE,
]


def _options(options: list[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    def of(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return of


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--why", required=True, metavar="TEXT", help="What changes, and which notice asks for it.")
@_options(_STEP)
def publish(folder: Path | None, why: str) -> None:
    """Publish FOLDER as a version of the rate book: it compiles, and its tests hold.

    Without FOLDER, the folder `rules`.
    """
    _work().publish(_asked(), folder, why)


@click.command()
@click.argument("version")
@click.option("--why", default="", metavar="TEXT", help="What was checked.")
@_options(_STEP)
def approve(version: str, why: str) -> None:
    """Approve VERSION, which somebody else has published.

    VERSION is 8 or more of its first digits.
    """
    _work().approve(_asked(), version, why)


@click.command()
@click.argument("version")
@click.option("--from", "from_", default="", metavar="INSTANT", help="2026-12-01T00:00:00+08:00. [default: now]")
@click.option("--why", default="", metavar="TEXT", help="Why then.")
@click.option(
    "--comparison",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Of `dianjia compare`: the version that answers then, and VERSION. Each account has a notice of its bills.",
)
@_options(_STEP)
def activate(version: str, from_: str, why: str, comparison: Path | None) -> None:
    """Let VERSION answer calls that name no version, from an instant on.

    What it changes is kept as tariff notices: `dianjia warnings list --kind tariff_notice`.

    Which prices bill which days is settled inside the version; this instant has nothing to do with it.
    """
    asked = _asked()
    if comparison is not None and asked.where.server:
        raise click.UsageError("--comparison is for a database: a server does not read folders of its callers.")
    _work().activate(asked, version, from_, why, comparison)


@click.command()
@click.argument("version")
@click.option("--reason", required=True, metavar="TEXT", help="What is wrong with it.")
@click.option("--return-to", required=True, metavar="VERSION", help="The approved version that answers in its place.")
@_options(_STEP)
def withdraw(version: str, reason: str, return_to: str) -> None:
    """Withdraw VERSION, which somebody else has published: it bills only where a call insists on it by name."""
    _work().withdraw(_asked(), version, reason, return_to)


@click.command()
@_options(_WHERE)
def versions() -> None:
    """List the versions of the rate book, newest first."""
    _work().versions(_asked())


@click.command()
@click.argument("version", default="")
@click.option("--verify", is_flag=True, help="Compute the chain of hashes again, here.")
@_options(_WHERE)
def history(version: str, verify: bool) -> None:
    """Show who published, approved, activated and withdrew what, when and why: of VERSION, or of all.

    Exit code 1 where the chain of hashes shows that the trail was changed.
    """
    _work().history(_asked(), version, verify)


@click.command()
@click.argument("version")
@_options(_WHERE)
def uses(version: str) -> None:
    """Show which runs and billing months VERSION has billed."""
    _work().uses(_asked(), version)


COMMANDS: Final = (publish, approve, activate, withdraw, versions, history, uses)


def _work() -> ModuleType:
    """The module that does the work, if what it needs is installed."""
    try:
        from engine.commands import versions
    except ModuleNotFoundError as missing:
        from engine.commands.output import not_installed

        raise not_installed(missing, "registry") from None
    return versions


def _asked() -> Asked:
    """Join what was typed and what the environment says; what was typed comes first."""
    from engine.commands.version_desk import Where
    from engine.commands.versions import Asked

    told = click.get_current_context().meta
    database, server = told[f"{_TOLD}database"] or "", told[f"{_TOLD}server"] or ""
    by, file, ca = told.get(f"{_TOLD}by"), told[f"{_TOLD}token_file"], told[f"{_TOLD}ca"]
    cert, key = told[f"{_TOLD}cert"], told[f"{_TOLD}key"]
    if database and server:
        typed = [name for name in ("database", "server") if _was_typed(name)]
        if len(typed) != 1:
            raise click.UsageError("--database and --server are both named, or both in the environment. Type one.")
        database, server = (database, "") if typed == ["database"] else ("", server)
    token = ""
    if server:
        if by:
            raise click.UsageError("--by is for a database. A server knows who you are by your token.")
        if (cert is None) != (key is None):
            raise click.UsageError("--cert and --key belong together. Name both.")
        token = (os.environ.get("DIANJIA_TOKEN", "") if file is None else file.read_text(encoding="utf-8")).strip()
        if token and ca is None and cert is None and not _on_loopback(server):
            raise click.UsageError("a token would go out in plain text. Name the server's authority: --ca FILE.")
    where = Where(database, server, "" if server else by or _user(), token, ca, cert, key)
    return Asked(where, told[f"{_TOLD}format_"], language(), told.get(f"{_TOLD}request_id", ""))


def _was_typed(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _on_loopback(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]")
    try:
        return server.startswith("unix:") or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _user() -> str:
    """Who is logged in; "" where the system does not say."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return ""
