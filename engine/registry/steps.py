"""What speaks against a step, and what is written where nothing does.

Each decision reads what it needs inside the transaction that holds the lock of the trail, so that what it saw is still
so when its row is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from sqlalchemy import Connection

from engine.language.problems import Problem, ProblemsFound, problem
from engine.registry import audit, versions
from engine.registry.audit import Step
from engine.registry.building import Built
from engine.registry.coverage import days_text, lost
from engine.registry.instants import day_of, instant_text, microseconds
from engine.registry.records import VersionRecord
from engine.registry.schedule import Activation, Schedule, Withdrawal, schedule_of

Decision: TypeAlias = Callable[[Connection, Step, datetime], tuple[Step, str]]
"""Connection, what is asked, the present instant -> what is to be written, and the version's author."""

_PAST_MAX: Final = 60_000_000  # [us] that an activation may lie back: clocks differ, and calls take time
_LENGTHS: Final = {"who": 200, "why": 10_000, "request_id": 100}
_CODES: Final = {"who": "who-missing", "request_id": "request-id-missing"}


def said(step: Step) -> Step:
    """Give a step with its texts trimmed.

    Raises:
        ProblemsFound: `who-missing`, `request-id-missing`, `reason-missing` of a withdrawal, `field-too-long`,
            `field-characters`.
    """
    texts = {name: getattr(step, name).strip() for name in _LENGTHS}
    problems = [problem(code, None) for name, code in _CODES.items() if not texts[name]]
    if step.action == "withdrawn" and not texts["why"]:
        problems.append(problem("reason-missing", None))
    for name, at_most in _LENGTHS.items():
        problems += _bad_text(name, texts[name], at_most)
    if problems:
        raise ProblemsFound(problems)
    return replace(step, **texts)


def approving(connection: Connection, step: Step, _at: datetime) -> tuple[Step, str]:
    """Decide on an approval."""
    found = _named(connection, step.version)
    _refuse_withdrawn(found)
    if found.approver:
        raise ProblemsFound([problem("already-approved", None, version=found.version, who=found.approver)])
    _refuse_author(found, step, "approve", "批准")
    return replace(step, version=found.version), found.author


def activating(connection: Connection, step: Step, at: datetime) -> tuple[Step, str]:
    """Decide on an activation."""
    found = _named(connection, step.version)
    _refuse_withdrawn(found)
    _refuse_unapproved(found)
    instant = at if step.active_from is None else step.active_from
    if microseconds(instant) < microseconds(at) - _PAST_MAX:
        raise ProblemsFound([problem("instant-past", None, value=instant_text(microseconds(instant)))])
    _refuse_lost_days(connection, found.version, instant)
    return replace(step, version=found.version, active_from=instant), found.author


def withdrawing(connection: Connection, step: Step, _at: datetime) -> tuple[Step, str]:
    """Decide on a withdrawal."""
    found, instead = _named(connection, step.version), _named(connection, step.returns_to)
    _refuse_withdrawn(found)
    _refuse_author(found, step, "withdraw", "撤回")
    if instead.version == found.version:
        raise ProblemsFound([problem("returns-to-itself", None, version=found.version)])
    _refuse_withdrawn(instead)
    _refuse_unapproved(instead)
    return replace(step, version=found.version, returns_to=instead.version), found.author


def refuse_published(connection: Connection, version: str) -> None:
    """Say of a version that it is there already."""
    found = versions.record_if_any(connection, version)
    if found is not None:
        raise ProblemsFound([problem("version-exists", None, version=version, who=found.author)])


def refuse_unfit(built: Built) -> None:
    """Say of a rate book what keeps it from being published."""
    if built.problems:
        whole = problem("rate-book-fails", None, found=len(built.problems))
        raise ProblemsFound([whole, *built.problems])
    if not built.book.rulesets and not built.book.watch.triggers:
        raise ProblemsFound([problem("rate-book-empty", None)])


def schedule_in(connection: Connection) -> Schedule:
    """Make the schedule of the whole trail."""
    trail = audit.entries(connection, leave_out="published")
    return schedule_of(
        [Activation(one.number, one.version, one.active_from) for one in trail if one.active_from is not None],
        [Withdrawal(one.number, one.version, one.returns_to) for one in trail if one.action == "withdrawn"],
        [one.version for one in trail if one.action == "approved"],
    )


def _named(connection: Connection, version: str) -> VersionRecord:
    return versions.record(connection, versions.find(connection, version))


def _refuse_withdrawn(found: VersionRecord) -> None:
    if found.withdrawn_at is not None:
        raise ProblemsFound([problem("is-withdrawn", None, version=found.version)])


def _refuse_unapproved(found: VersionRecord) -> None:
    if not found.approver:
        raise ProblemsFound([problem("not-approved", None, version=found.version, who=found.author)])


def _refuse_author(found: VersionRecord, step: Step, verb: str, verb_zh: str) -> None:
    """Refuse the author, however the name is written; that it is not the very same one the database sees to as well."""
    if _plain(found.author) == _plain(step.who):
        told = {"who": step.who, "version": found.version, "step": verb, "step_zh": verb_zh}
        raise ProblemsFound([problem("author-approves", None, None, **told)])


def _refuse_lost_days(connection: Connection, version: str, instant: datetime) -> None:
    """Refuse where a version bills fewer past days than the one before it, or the one that follows fewer than it."""
    schedule = schedule_in(connection)
    follows: list[tuple[str | None, str | None, datetime]] = [(schedule.active(instant), version, instant)]
    later = next((one.active_from for one in schedule.activations if one.active_from > instant), None)
    if later is not None:
        follows.append((version, schedule.active(later), later))
    problems = []
    for before, after, at in follows:
        if before is None or after is None or before == after:
            continue
        had, has = versions.coverage_of(connection, before), versions.coverage_of(connection, after)
        problems += [
            problem("coverage-lost", None, version=after, ruleset=id_, days=days_text(days), before=before)
            for id_, days in lost(had, has, day_of(microseconds(at))).items()
        ]
    if problems:
        raise ProblemsFound(problems)


def _bad_text(name: str, text: str, at_most: int) -> list[Problem]:
    if len(text) > at_most:
        return [problem("field-too-long", None, None, field=name, found=len(text), at_most=at_most)]
    bad = next((c for c in text if c == "\0" or unicodedata.category(c) == "Cs"), None)
    return [] if bad is None else [problem("field-characters", None, None, field=name, found=f"U+{ord(bad):04X}")]


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
