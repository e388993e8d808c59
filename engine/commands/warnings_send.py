"""`dianjia warnings send|secret|dead-letters`: warnings go to webhooks, and what was not taken may go again."""

from __future__ import annotations

import base64
import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from engine.commands.output import Language, emit, failure, show_problems, table
from engine.commands.warnings_desk import now_us, open_database, shown_time
from engine.commands.warnings_words import warning_words
from engine.language.problems import ProblemsFound
from engine.triggers.events import time_text
from engine.warnings.webhook import LOG, Round, Sender
from engine.warnings.webhook_endpoints import Endpoint, read_endpoints
from engine.warnings.webhook_signature import PREFIX
from engine.warnings.webhook_store import Deliveries

SECRET_BYTES = 32
STOP_SECONDS = 30.0  # that attempts under way have to end


def send(endpoints: Path | None, once: bool, database: str, format_: str, language: Language) -> None:
    """Send warnings, until Ctrl-C or what is due now; exit code 1 where anything was not taken."""
    if endpoints is None:
        raise failure(
            "dianjia: who is to be told? Name a file: --endpoints FILE. docs/warnings-delivery.md",
            "dianjia: 推送给谁？请指明文件：--endpoints FILE。见 docs/warnings-delivery.md",
            2,
        )
    try:
        found = read_endpoints(endpoints, os.environ)
    except ProblemsFound as wrong:
        show_problems(wrong.problems, language)
        raise SystemExit(1) from None
    with open_database(database, language) as at:
        sender = Sender(found, at)
        if not once:
            _until_asked(sender, found, language)
            return
        rounds = sender.once()
    if format_ == "json":
        emit([_json(one) for one in rounds])
    else:
        click.echo(_rounds(rounds, language))
    if any(one.failed or one.elsewhere or one.next_at for one in rounds):
        raise SystemExit(1)


def _until_asked(sender: Sender, endpoints: Sequence[Endpoint], language: Language) -> None:
    """Send until the first SIGTERM or SIGINT."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    names = ", ".join(one.name for one in endpoints)
    click.echo(f"正在推送到 {names}；Ctrl-C 停止" if language == "zh" else f"sending to {names}; Ctrl-C ends it")
    sender.start()
    try:
        asked.wait()
    finally:
        sender.stop(STOP_SECONDS)
        LOG.removeHandler(handler)


def _json(one: Round) -> dict[str, object]:
    shown = asdict(one)
    del shown["more"]
    return shown | {"next_at": time_text(one.next_at) if one.next_at else None}


def _rounds(found: Sequence[Round], language: Language) -> str:
    say = warning_words(language)
    elsewhere = "正由另一进程推送" if language == "zh" else "another sender tells it now"
    rows = [
        [
            one.endpoint,
            f"{one.taken:,}",
            f"{one.failed:,}",
            f"{one.dead:,}",
            shown_time(one.next_at),
            elsewhere if one.elsewhere else one.reason,
        ]
        for one in found
    ]
    names = ("endpoint", "taken", "attempts failed", "dead", "next attempt", "reason")
    return table(rows, [say(name) for name in names], "<>>>")


def secret() -> None:
    """Print a new secret."""
    click.echo(PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def list_dead(endpoint: str, database: str, format_: str, language: Language) -> None:
    """List dead letters, oldest first."""
    with open_database(database, language) as at:
        found = Deliveries(at).dead(endpoint)
    if format_ == "json":
        emit([one.to_json() for one in found])
        return
    say = warning_words(language)
    rows = [
        [str(one.seq), one.endpoint, str(one.tries), shown_time(one.last_at), one.warning, one.reason] for one in found
    ]
    names = ("cursor", "endpoint", "tries", "at", "id", "reason")
    nothing = "没有死信。" if language == "zh" else "there are no dead letters."
    click.echo(table(rows, [say(name) for name in names], "><>") if rows else nothing)


def retry(ids: Sequence[str], every: bool, endpoint: str, database: str, language: Language) -> None:
    """Let dead letters be sent again."""
    if bool(ids) == every:
        raise failure(
            "dianjia: which dead letters? Name warnings by their ids, or say --all.",
            "dianjia: 要重发哪些死信？请给出预警编号，或用 --all。",
            2,
        )
    with open_database(database, language) as at:
        deliveries, now = Deliveries(at), now_us()
        count = sum(deliveries.retry(now, endpoint, one) for one in ids or [""])
    click.echo(f"{count:,} 条死信将重新推送" if language == "zh" else f"{count:,} to be sent again")
    if not count:
        raise SystemExit(1)
