"""`dianjia warnings replay|status|forget|snapshot|restore`: whether what is kept is right, how much it is, copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from engine.commands.output import Language, emit, table
from engine.commands.warnings_desk import open_database, open_desk, shown_time, typed_time, watched, zone_of
from engine.commands.warnings_words import warning_words
from engine.compiler.trigger import MICROSECONDS
from engine.triggers.events import time_text
from engine.warnings.desk import Desk, Status
from engine.warnings.replay import Replayed
from engine.warnings.webhook_store import Deliveries, Progress

_TIMES = ("watermark", "latest_at", "complete_until", "log_from", "next_due")


def replay(since: str, rebuild: bool, rules: Sequence[Path], database: str, format_: str, language: Language) -> None:
    """Run afresh over the log; exit code 1 where the warnings differ from those that are kept."""
    at = typed_time(since, "--since")
    with open_desk(database, language, watched(rules, language)) as desk:
        found = desk.replay(at, rebuild)
    if format_ == "json":
        emit(asdict(found) | {"since": time_text(found.since) if found.since else None, "equal": found.equal})
    else:
        click.echo(_replayed(found, language))
    if not found.equal:
        raise SystemExit(1)


def _replayed(found: Replayed, language: Language) -> str:
    say = warning_words(language)
    rows = [
        [say("events"), f"{found.events:,}"],
        [say("fresh run"), f"{found.warnings:,}"],
        [say("kept"), f"{found.kept:,}"],
        [say("missing"), f"{found.missing_count:,}"],
        [say("unexpected"), f"{found.unexpected_count:,}"],
        [say("different"), f"{found.different_count:,}"],
    ]
    parts = [table(rows, align="<>")]
    listed = (("missing", found.missing), ("unexpected", found.unexpected), ("different", found.different))
    for name, ids in listed:
        parts += [f"{say(name)}  {id_}" for id_ in ids]
    if found.equal:
        parts.append(
            "重放结果与已保存的预警一致。" if language == "zh" else "the fresh run brings the warnings that are kept."
        )
    elif language == "zh":
        parts.append("重放结果与已保存的预警不一致：规则可能在记录之后改过。")
    else:
        parts.append("the fresh run differs from what is kept: the rules may have changed since it was recorded.")
    if found.rebuilt:
        parts.append("各户状态已重建。" if language == "zh" else "what is remembered of accounts was written anew.")
    return "\n".join(parts)


def forget(before: str, rules: Sequence[Path], database: str, format_: str, language: Language) -> None:
    """Take events before a time out of the log."""
    at = typed_time(before, "--before")
    with open_desk(database, language, watched(rules, language)) as desk:
        gone = desk.forget(at)
        left = desk.status().events
    if format_ == "json":
        emit({"before": time_text(at), "forgotten": gone, "events": left})
    else:
        click.echo(
            f"已从日志中删除 {gone:,} 个事件，还有 {left:,} 个。"
            if language == "zh"
            else f"{gone:,} events taken out of the log, {left:,} are left."
        )


def status(rules: Sequence[Path], database: str, format_: str, language: Language) -> None:
    """Show how the desk stands, and how far each endpoint was told."""
    watch = watched(rules, language)
    lateness = max((one.lateness for one in watch.events.values()), default=0)
    with open_database(database, language) as at:
        desk = Desk(at, watch)
        found, endpoints = desk.status(), Deliveries(at).progress()
        desk.close()
    if format_ == "json":
        shown = asdict(found) | {name: _time_or_none(getattr(found, name)) for name in _TIMES}
        told = {"lateness_seconds": lateness // MICROSECONDS, "endpoints": [one.to_json() for one in endpoints]}
        emit(shown | told)
        return
    click.echo(table(_standing(found, lateness, zone_of(watch), language)))
    if endpoints:
        click.echo("\n" + _endpoints(endpoints, zone_of(watch), language))


def _time_or_none(at: int) -> str | None:
    return time_text(at) if at else None


def _standing(found: Status, lateness: int, zone: str, language: Language) -> list[list[str]]:
    say = warning_words(language)
    each = found.memory_bytes / found.accounts if found.accounts else 0
    return [
        [say("watermark"), shown_time(found.watermark, zone)],
        [say("latest event"), shown_time(found.latest_at, zone)],
        *([[say("complete until"), shown_time(found.complete_until, zone)]] if found.complete_until else []),
        [say("lateness"), _length(lateness, language)],
        [say("events"), f"{found.events:,}"],
        [say("waiting"), f"{found.waiting:,}"],
        [say("accounts held"), f"{found.accounts:,}"],
        [say("bytes held"), f"{found.memory_bytes:,}"],
        [say("bytes per account"), f"{each:,.0f}"],
        [say("next deadline"), shown_time(found.next_due, zone)],
        [say("warnings"), f"{found.warnings:,}"],
        [say("unacknowledged"), f"{found.unacknowledged:,}"],
        [say("cursor"), f"{found.cursor}"],
        [say("triggers"), f"{found.triggers:,}"],
        [say("correlator"), found.correlator],
        *[[say("read anew") if not at else "", id_] for at, id_ in enumerate(found.unread)],
    ]


def _length(us: int, language: Language) -> str:
    """A length of time as a person reads it."""
    seconds = us // MICROSECONDS
    for unit, unit_zh, size in (("days", "天", 86_400), ("hours", "小时", 3_600), ("minutes", "分钟", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit_zh if language == 'zh' else unit}"
    return f"{seconds} {'秒' if language == 'zh' else 'seconds'}"


def _endpoints(found: Sequence[Progress], zone: str, language: Language) -> str:
    say = warning_words(language)
    rows = [
        [
            one.endpoint,
            str(one.cursor),
            f"{one.taken:,}",
            f"{one.waiting:,}",
            f"{one.dead:,}",
            shown_time(one.last_taken_at, zone),
            shown_time(one.paused_until, zone),
            one.reason,
        ]
        for one in found
    ]
    names = ("endpoint", "cursor", "taken", "waiting", "dead", "last taken", "paused until", "reason")
    return table(rows, [say(name) for name in names], "<>>>>")


def snapshot(file: Path, rules: Sequence[Path], database: str, language: Language) -> None:
    """Write all that the desk keeps to a file."""
    with open_desk(database, language, watched(rules, language)) as desk:
        rows = desk.snapshot(file)
    click.echo(f"{file}: {rows:,} {'行' if language == 'zh' else 'rows'}")


def restore(file: Path, rules: Sequence[Path], database: str, language: Language) -> None:
    """Read a snapshot into a database that keeps no events yet."""
    with open_desk(database, language, watched(rules, language)) as desk:
        rows = desk.restore(file)
    click.echo(f"{file}: {rows:,} {'行' if language == 'zh' else 'rows'}")
