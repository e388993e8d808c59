"""`dianjia list` and `dianjia due`: what is in a rate book, and what of it ends soon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import click

from engine.calendars.days import day_date, day_number
from engine.commands.output import Language, emit, failure, table
from engine.commands.rates import compiled_book
from engine.commands.words import words
from engine.compiler.program import END_DAY, Compiled
from engine.compiler.trigger import Trigger


def list_triggers(rules: Sequence[Path], format_: str, language: Language) -> None:
    """Print the triggers over time by rule set, with level, recipient, the events that they look at and standing."""
    triggers = compiled_book(rules, language).watch.triggers.values()
    if format_ == "json":
        emit([_trigger_json(one) for one in triggers])
        return
    say = words(language)
    headers = [say("trigger"), say("level"), say("recipient"), say("events"), say("standing"), say("title")]
    rows = [[one.id, one.level, one.recipient, ", ".join(_events(one)), one.standing, one.title] for one in triggers]
    click.echo(table(rows, headers))


def _events(one: Trigger) -> list[str]:
    return [transition.event for transition in one.transitions if transition.event]


def _trigger_json(one: Trigger) -> dict[str, object]:
    return {
        "trigger": one.id,
        "kind": one.kind,
        "title": one.title,
        "level": one.level,
        "recipient": one.recipient,
        "events": _events(one),
        "each": list(one.each),
        "everyone": not one.own,
        "source": one.source,
        "standing": one.standing,
        "at": str(one.place),
    }


def list_profiles(rules: Sequence[Path], format_: str, language: Language) -> None:
    """Print the scores and segments by rule set, with their indicators or classes and the standing of their sources."""
    rulesets = compiled_book(rules, language).rulesets.values()
    if format_ == "json":
        emit(
            [
                {"ruleset": one.id, **profiles_json(one)}
                for one in rulesets
                if one.program.scores or one.program.segments
            ]
        )
        return
    say = words(language)
    rows = []
    for one in rulesets:
        for score in one.program.scores:
            indicators = ", ".join(each.id for each in score.indicators)
            rows.append([one.id, say("score"), score.id, score.title, indicators, score.standing])
        for segment in one.program.segments:
            classes = ", ".join(each.id for each in segment.classes)
            rows.append([one.id, say("segment"), segment.id, segment.title, classes, segment.standing])
    of = f"{say('indicators')} / {say('classes')}"
    click.echo(table(rows, [say("rule set"), say("kind"), "", say("title"), of, say("standing")]))


def profiles_json(one: Compiled) -> dict[str, object]:
    """The scores and segments of a rule set for a program to read."""
    return {
        "scores": [
            {
                "score": score.id,
                "title": score.title,
                "indicators": [{"indicator": each.id, "title": each.title} for each in score.indicators],
                "source": score.source,
                "standing": score.standing,
                "at": str(score.place),
            }
            for score in one.program.scores
        ],
        "segments": [
            {
                "segment": segment.id,
                "title": segment.title,
                "classes": [
                    {"class": each.id, "title": each.title, "services": list(each.services)} for each in segment.classes
                ],
                "source": segment.source,
                "standing": segment.standing,
                "at": str(segment.place),
            }
            for segment in one.program.segments
        ],
    }


def list_(rules: Sequence[Path], format_: str, language: Language) -> None:
    """Print the rule sets by place, class, days in force and standing of their sources."""
    book = compiled_book(rules, language)
    found = sorted(book.rulesets.values(), key=lambda one: (one.place_code, one.customer_class, one.id))
    if format_ == "json":
        emit([_json(one) for one in found])
        return
    say = words(language)
    headers = [say("place"), say("class"), say("rule set"), say("days in force"), say("standing"), say("title")]
    rows = [
        [one.place_code, one.customer_class, one.id, _in_force(one, say("until replaced")), _standing(one), one.title]
        for one in found
    ]
    click.echo(table(rows, headers))


def _json(one: Compiled) -> dict[str, object]:
    return {
        "ruleset": one.id,
        "title": one.title,
        "place": one.place_code,
        "class": one.customer_class,
        "currency": one.currency,
        "in_force": {"from": day_date(one.first_day).isoformat(), "through": _through(one)},
        "standing": one.standing,
        "standings_of_figures": standings(one),
        "source": one.source,
        "version": one.content_hash,
        "files": list(one.files),
        "at": str(one.place),
    }


def standings(one: Compiled) -> dict[str, int]:
    """How many printed figures of a rule set stand on which kind of source."""
    counts: dict[str, int] = {}
    for version in one.constants.figures:
        for slot in version:
            for figure in slot:
                if figure is not None and figure.standing:
                    counts[figure.standing] = counts.get(figure.standing, 0) + 1
    return dict(sorted(counts.items()))


def _standing(one: Compiled) -> str:
    return ", ".join(dict.fromkeys([one.standing, *standings(one)]))


def _through(one: Compiled) -> str | None:
    if one.end_day is None or one.end_day >= END_DAY:
        return None
    return (day_date(one.end_day) - timedelta(days=1)).isoformat()


def _in_force(one: Compiled, open_: str) -> str:
    return f"{day_date(one.first_day).isoformat()} .. {_through(one) or open_}"


def due(within: str, on: str | None, rules: Sequence[Path], format_: str, language: Language) -> None:
    """Print what ends within some days without a successor; exit 1 where anything does."""
    days = re.fullmatch(r"([0-9]{1,5})d?", within)
    if days is None:
        raise failure(
            f"dianjia: --within: `{within}` is no number of days. Write 20d.",
            f"dianjia: --within: `{within}` 不是天数。请写 20d。",
            2,
        )
    today = date.today() if on is None else _day(on)  # noqa: DTZ011 - local days: the day where the analyst sits
    last = day_number(today) + int(days[1])
    book = compiled_book(rules, language)
    found = [
        (end, compiled.id, what) for compiled in book.rulesets.values() for what, end in ending(compiled) if end <= last
    ]
    found.sort()
    if format_ == "json":
        emit(
            [
                {"ruleset": id_, "what": what, "through": _day_before(end), "days_left": end - day_number(today)}
                for end, id_, what in found
            ]
        )
    elif found:
        say = words(language)
        rows = [[_day_before(end), str(end - day_number(today)), id_, what] for end, id_, what in found]
        click.echo(table(rows, [say("ends"), say("left"), say("rule set"), say("what")], "<>"))
    else:
        text = f"nothing ends by {day_date(last).isoformat()} without a successor"
        click.echo(f"{day_date(last).isoformat()} 之前没有到期而未接续的内容" if language == "zh" else text)
    if found:
        raise SystemExit(1)


def ending(compiled: Compiled) -> list[tuple[str, int]]:
    """What of a rule set ends without a successor, with the day after its last."""
    found = dict(compiled.replaces_due)
    return list(found.items())


def _day_before(end: int) -> str:
    return (day_date(end) - timedelta(days=1)).isoformat()


def _day(text: str) -> date:
    from engine.calendars.days import read_day

    found = read_day(text)
    if found is None:
        raise failure(
            f"dianjia: --on: `{text}` is no day. Write it as 2026-01-31.",
            f"dianjia: --on: `{text}` 不是日期。请写成 2026-01-31。",
            2,
        )
    return found
