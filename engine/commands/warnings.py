"""`dianjia warnings list|show|watch|acknowledge`: what is kept of warnings, and who has taken them up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from engine.commands.output import Language, complain, emit, failure, table
from engine.commands.warnings_desk import ZONE, now_us, open_database, open_desk, shown_time, zones_of
from engine.commands.warnings_words import warning_words
from engine.compiler.trigger import Watch
from engine.language.problems import ProblemsFound, problem
from engine.warnings.behind import LoggedEvent, events_behind
from engine.warnings.desk import Desk
from engine.warnings.warning import Wanted, WarningRecord

LOOK_SECONDS: Final = 1.0  # between two looks for new warnings
_AT_ONCE: Final = 1000


def list_(
    wanted: Mapping[str, Any],
    since: int | None,
    count: int,
    rules: Sequence[Path],
    database: str,
    format_: str,
    language: Language,
) -> None:
    """List warnings: newest first, or those behind a cursor, oldest first."""
    chosen = _wanted(wanted)
    with open_desk(database, language) as desk:
        _require_reached(desk, since)
        found = desk.newest(0, count, chosen) if since is None else desk.warnings(since, count, chosen)
    if format_ == "json":
        emit([one.to_json() for one in found])
        return
    say, zones = warning_words(language), zones_of(rules, found)
    rows = [
        [
            str(one.seq),
            shown_time(one.at, zones.get(one.trigger, ZONE)),
            say(one.level),
            say(one.state) if one.kind == "warning" else say(one.kind),
            one.account or "*",
            one.region,
            one.title,
            say(one.recipient),
            one.acknowledged_by,
            one.id,
        ]
        for one in found
    ]
    names = ("cursor", "at", "level", "state", "account", "region", "title", "recipient", "acknowledged", "id")
    if chosen == Wanted() and not since:
        nothing = "没有预警。" if language == "zh" else "there are no warnings."
    else:
        nothing = "没有符合条件的预警。" if language == "zh" else "there are no warnings that fit."
    click.echo(table(rows, [say(name) for name in names], "><") if rows else nothing)


def show(id_: str, rules: Sequence[Path], database: str, format_: str, language: Language) -> None:
    """Show a warning with all that is known of it."""
    with open_database(database, language) as at:
        found = _named(Desk(at, Watch()), id_)
        behind = events_behind(at, found)
    if format_ == "json":
        emit(found.to_json() | {"events": [one.to_json() for one in behind]})
        return
    zone = zones_of(rules, [found]).get(found.trigger, ZONE)
    click.echo(_shown(found, zone, language))
    if behind:
        click.echo("\n" + _events(behind, zone, language))


def watch(
    wanted: Mapping[str, Any],
    since: int | None,
    count: int | None,
    rules: Sequence[Path],
    database: str,
    format_: str,
    language: Language,
) -> None:
    """Print warnings as they come, until Ctrl-C or until so many have come."""
    say, chosen = warning_words(language), _wanted(wanted)
    zones = {} if format_ == "json" else zones_of(rules)
    with open_desk(database, language) as desk, suppress(KeyboardInterrupt):
        _require_reached(desk, since)
        begins = _newest(desk) if since is None else since
        complain(
            f"正在等待游标 {begins} 之后的预警；Ctrl-C 停止"
            if language == "zh"
            else f"watching for warnings behind cursor {begins}; Ctrl-C ends it"
        )
        for one in _following(desk, chosen, begins, count):
            if format_ == "json":
                line = json.dumps(one.to_json(), ensure_ascii=False, separators=(",", ":"))
            else:
                state = say(one.state) if one.kind == "warning" else say(one.kind)
                at = shown_time(one.at, zones.get(one.trigger, ZONE))
                account = one.account or "*"
                line = "  ".join((str(one.seq), at, say(one.level), state, account, one.title, one.message, one.id))
            click.echo(line)


def acknowledge(id_: str, by: str, note: str, database: str, format_: str, language: Language) -> None:
    """Say that somebody has taken a warning up."""
    now = now_us()
    with open_desk(database, language) as desk:
        found = desk.acknowledge(id_, by, now, note)
    if format_ == "json":
        emit(found.to_json())
        return
    who, when = found.acknowledged_by, shown_time(found.acknowledged_at or 0)
    click.echo(f"{found.id}：{who} 于 {when} 受理" if language == "zh" else f"{found.id}: taken up by {who}, {when}")
    if (found.acknowledged_at, found.acknowledged_by, found.note) != (now, by, note):
        complain(
            "此前已有人受理，登记不变。"
            if language == "zh"
            else "it had been taken up before: that stays, and nothing was added."
        )


def _newest(desk: Desk) -> int:
    """The cursor of the newest warning; 0: there is none."""
    newest = desk.newest(limit=1)
    return newest[0].seq if newest else 0


def _require_reached(desk: Desk, since: int | None) -> None:
    """Refuse a cursor that no warning has had: what comes next would lie before it, and never be told."""
    newest = _newest(desk) if since else 0
    if since and since > newest:
        raise ProblemsFound([problem("cursor-ahead", None, field="--since", found=since, newest=newest)])


def _following(desk: Desk, wanted: Wanted, since: int, count: int | None) -> Iterator[WarningRecord]:
    told = 0
    while True:
        found = desk.warnings(since, _AT_ONCE, wanted)
        for one in found:
            yield one
            since, told = one.seq, told + 1
            if told == count:
                return
        if len(found) < _AT_ONCE:
            time.sleep(LOOK_SECONDS)


def _wanted(typed: Mapping[str, Any]) -> Wanted:
    """Which warnings are asked for; the name of a trigger alone, which none has as its id, ends the command."""
    for name in typed["triggers"]:
        if ":" not in name:
            raise failure(
                f"dianjia: --trigger is `{name}`. Write RULESET:NAME, as `dianjia list --triggers` shows it.",
                f"dianjia: --trigger 为 `{name}`。请写 `规则集:名称`，如 `dianjia list --triggers` 所示。",
                2,
            )
    return Wanted(**typed)


def _named(desk: Desk, id_: str) -> WarningRecord:
    found = desk.warnings(0, 1, Wanted(ids=(id_,)))
    if not found:
        raise ProblemsFound([problem("warning-not-found", None, value=id_)])
    return found[0]


def _shown(one: WarningRecord, zone: str, language: Language) -> str:
    say = warning_words(language)
    taken_up = say("nobody")
    if one.acknowledged_at is not None:
        taken_up = " · ".join(
            part for part in (one.acknowledged_by, shown_time(one.acknowledged_at, zone), one.note) if part
        )
    rows = [
        [say("title"), one.title],
        [say("message"), one.message],
        [say("level"), say(one.level)],
        [say("state"), say(one.state) if one.kind == "warning" else say(one.kind)],
        [say("account"), one.account or "*"],
        *([[say("keys"), _listed(one.keys)]] if one.keys else []),
        [say("at"), shown_time(one.at, zone)],
        [say("recipient"), say(one.recipient)],
        *([[say("region"), one.region]] if one.region else []),
        *([[say("values"), _listed(one.values)]] if one.values else []),
        *[[say("causes") if not at else "", cause] for at, cause in enumerate(one.causes)],
        *([[say("action"), one.action]] if one.action else []),
        [say("rule"), f"{one.trigger or one.ruleset}  {one.place}".rstrip()],
        *([[say("source"), one.source]] if one.source else []),
        *([[say("event"), one.event]] if one.event else []),
        [say("recorded"), shown_time(one.recorded_at, zone)],
        [say("acknowledged"), taken_up],
        [say("cursor"), str(one.seq)],
        [say("id"), one.id],
    ]
    return table(rows)


def _events(behind: Sequence[LoggedEvent], zone: str, language: Language) -> str:
    say = warning_words(language)
    rows = [
        [shown_time(one.at, zone), one.type, _listed({**one.keys, **one.values}), one.id, "*" if one.completed else ""]
        for one in behind
    ]
    return f"{say('events behind')}\n{table(rows)}"


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
