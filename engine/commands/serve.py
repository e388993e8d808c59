"""`dianjia serve` and `python server.py`: read the settings, start the service, say where it is.

The flags are made of the settings' model, so that none is forgotten; the model is imported when the command runs.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli_options import SPEAK, language
from engine.commands.output import Language, complain
from engine.commands.rates import rule_paths
from engine.language.problems import Problem, ProblemsFound, problem, read_source, render

if TYPE_CHECKING:
    from engine.service.settings import Settings
    from engine.service.started import Started

_ABOUT = """Answer calls over gRPC until SIGTERM or SIGINT. A second one of them ends it at once.

Each flag is also a line of the file that --config names (`grace_seconds = 10`) and a variable of the environment
(DIANJIA_GRACE_SECONDS); a flag goes before a variable, a variable before the file. docs/service.md tells of them all.
"""


def main(arguments: Sequence[str] | None = None, parent: click.Context | None = None) -> None:
    """Understand the arguments and serve.

    Args:
        arguments: None: those of the process.
        parent: of the command `dianjia`; None: this is the program itself.
    """
    # What gRPC's core writes to standard error is no JSON. Whoever wants it sets the variable.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # children are started, never forked
    try:
        command = _command()
    except ModuleNotFoundError as missing:
        _show([problem("packages-missing", None, None, name=missing.name)], "en")
        raise SystemExit(1) from None
    if parent is None:
        command.main(arguments)
    else:
        command.main(arguments, "serve", standalone_mode=False, parent=parent)


def _command() -> click.Command:
    from engine.service.settings import Settings, groups

    options: list[click.Parameter] = [
        click.Option(
            ["--config"], type=click.Path(path_type=Path), envvar="DIANJIA_CONFIG", help="TOML file of settings."
        )
    ]
    for group, names in groups().items():
        for name in names:
            info = Settings.model_fields[name]
            flag = f"--{name.replace('_', '-')}"
            about = f"{group}: {info.description}"
            if info.default not in (None, "") and info.annotation is not bool:
                usual = f"{info.default:g}" if isinstance(info.default, float) else info.default
                about += f" [default: {usual}]"
            if info.annotation is bool:
                options.append(click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=about))
            else:
                options.append(click.Option([flag], metavar="VALUE", help=about))
    made = click.Command(
        "serve", params=options, callback=_serve, help=_ABOUT, context_settings={"help_option_names": ["-h", "--help"]}
    )
    return SPEAK(made)


def _serve(config: Path | None, **typed: object) -> None:
    """Serve; exit 1 where the server does not start."""
    spoken: Language = language()
    flags = {name: value for name, value in typed.items() if value is not None}
    inside: Path | None = None
    try:
        from engine.service.settings import read_settings

        settings = read_settings(flags, config)
        inside = (settings.rules or rule_paths(())[0]).absolute()
        code = _run(settings.model_copy(update={"rules": inside}), spoken)
    except ProblemsFound as found:
        _show(found.problems, spoken, inside)
        raise SystemExit(1) from None
    except ModuleNotFoundError as missing:
        _show([problem("packages-missing", None, None, name=missing.name)], spoken)
        raise SystemExit(1) from None
    raise SystemExit(code)


def _run(settings: Settings, spoken: Language) -> int:
    from engine.service import processes

    def started(found: Started) -> None:
        listening.set()
        click.echo(banner(found, settings, spoken))
        sys.stdout.flush()

    asked, hurried, listening = threading.Event(), threading.Event(), threading.Event()
    processes.stop_on_signals(asked, hurried, listening)
    if settings.processes > 1:
        return processes.run_several(settings, started, asked, hurried, listening, spoken)
    from engine.service import app

    app.run(settings, started, asked, hurried)
    processes.finish()


def _show(problems: Sequence[Problem], spoken: Language, inside: Path | None = None) -> None:
    """Show what keeps the server from starting; rule files are named by their path inside the rate book."""
    sources = read_source if inside is None else lambda file: read_source(str(inside / file))
    complain("\n\n".join(render(one, spoken, sources) for one in problems))


def banner(found: Started, settings: Settings, spoken: Language) -> str:
    """Say where the server is, what answers, who may call, and how."""
    chinese = spoken == "zh"
    lines = [
        (f"Dianjia {version('dianjia')} 正在监听 " if chinese else f"Dianjia {version('dianjia')} listens on ")
        + found.address
        + (f" ({settings.processes} {'个进程' if chinese else 'processes'})" if settings.processes > 1 else "")
    ]
    for name, name_zh, text in (
        ("rules", "规则", found.rules),
        ("version", "版本", f"{found.version} ({found.rule_sets} {'个规则集' if chinese else 'rule sets'})"),
        ("registry", "登记库", found.database or ("无" if chinese else "none")),
        ("callers", "调用方", _callers(settings, chinese)),
        ("metrics", "指标", found.metrics and f"http://{found.metrics}/metrics"),
        ("try", "试用", _trial(found.address, settings) if settings.reflection else ""),
        ("stop", "停止", "Ctrl-C"),
    ):
        if text:
            lines.append(f"  {name_zh if chinese else f'{name:<8}'}  {text}")
    return "\n".join(lines)


def _trial(address: str, settings: Settings) -> str:
    """A command that shows the calls there are. 0.0.0.0 is where a server listens; it is called by a name."""
    for everywhere in ("0.0.0.0:", "[::]:"):
        address = address.replace(everywhere, "localhost:")
    if settings.tls_certificate is None:
        return f"grpcurl -plaintext {address} list"
    own = "" if settings.tls_client_ca is None else "-cert FILE -key FILE "
    return f"grpcurl {own}{address} list"


def _callers(settings: Settings, chinese: bool) -> str:
    way, way_zh = ("plain text", "明文")
    if settings.tls_certificate is not None:
        way, way_zh = ("TLS", "TLS") if settings.tls_client_ca is None else ("mTLS", "双向 TLS")
    if settings.tokens is not None:
        return f"{way_zh}，须有 {settings.tokens} 中的令牌" if chinese else f"{way}, with a token of {settings.tokens}"
    if chinese:
        return f"{way_zh}，任何人都可计费和读取；发布等变更需要令牌（`dianjia token`）"
    return f"{way}, anybody may rate and read; changes need a token (`dianjia token`)"
