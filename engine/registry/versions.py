"""Versions in the database: their files, the days they bill, and how they stand by the audit trail."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, insert, select

from engine.language.problems import ProblemsFound, problem
from engine.registry import audit
from engine.registry.audit import AuditEntry, Step
from engine.registry.building import Built
from engine.registry.content import version_of
from engine.registry.coverage import Days, covered
from engine.registry.records import VersionRecord
from engine.registry.tables import AUDIT, CONTENT, COVERAGE, VERSION, VERSION_FILE

_PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")
_SHOWN_MAX: Final = 64  # characters of what was given that a message repeats
_AT_ONCE: Final = 500  # values in one question; SQLite takes 32,766


def find(connection: Connection, prefix: str) -> str:
    """Give the whole hash of the version that begins with these digits.

    Raises:
        ProblemsFound: `unknown-version`; `version-ambiguous`: several do.
    """
    digits = prefix.strip().lower()
    found: Sequence[str] = []
    if _PREFIX.fullmatch(digits) is not None:
        query = select(VERSION.c.version).where(func.substr(VERSION.c.version, 1, len(digits)) == digits).limit(2)
        found = connection.execute(query).scalars().all()
    if len(found) == 1:
        return found[0]
    code = "version-ambiguous" if found else "unknown-version"
    raise ProblemsFound([problem(code, None, version=prefix[:_SHOWN_MAX])])


def write(
    connection: Connection,
    step: Step,
    files: Mapping[str, bytes],
    hashes: Mapping[str, str],
    changed: Sequence[str],
    built: Built,
) -> None:
    """Write a version with its files; contents that are there already are not written again.

    Args:
        connection: with a transaction that holds the lock of the trail.
        step: its publication.
        files: path -> bytes.
        hashes: path -> hash of the bytes.
        changed: files that are new or otherwise against the version before.
        built: what was compiled of the files.
    """
    connection.execute(
        insert(VERSION).values(
            version=step.version,
            author=step.who,
            rule_sets=len(built.book.rulesets),
            tests=built.tests,
            files=len(files),
            changed_files=json.dumps(list(changed), ensure_ascii=False),
        )
    )
    contents = {hashes[path]: content for path, content in files.items()}
    for hash_ in _missing(connection, sorted(contents)):
        connection.execute(insert(CONTENT).values(hash=hash_, content=contents[hash_]))
    connection.execute(
        insert(VERSION_FILE),
        [{"version": step.version, "path": path, "hash": hashes[path]} for path in files],
    )
    days = [
        {"version": step.version, "ruleset": id_, "first_day": first, "end_day": end}
        for id_, some in covered(built.book.rulesets.values()).items()
        for first, end in some
    ]
    if days:
        connection.execute(insert(COVERAGE), days)


def files_of(connection: Connection, version: str) -> dict[str, bytes]:
    """Read the files of a version, and see that they are what it is named after."""
    query = (
        select(VERSION_FILE.c.path, CONTENT.c.content)
        .join(CONTENT, CONTENT.c.hash == VERSION_FILE.c.hash)
        .where(VERSION_FILE.c.version == version)
        .order_by(VERSION_FILE.c.path)
    )
    files = {path: bytes(content) for path, content in connection.execute(query)}
    if version_of(files) != version:
        raise RuntimeError(f"the files of version {version} are not those that were published: the registry is damaged")
    return files


def hashes_of(connection: Connection, version: str) -> dict[str, str]:
    """Read the hashes of a version's files, by path."""
    query = select(VERSION_FILE.c.path, VERSION_FILE.c.hash).where(VERSION_FILE.c.version == version)
    return {row.path: row.hash for row in connection.execute(query)}


def coverage_of(connection: Connection, version: str) -> dict[str, Days]:
    """Read the days that a version bills, by rule set id."""
    query = select(COVERAGE).where(COVERAGE.c.version == version).order_by(COVERAGE.c.ruleset, COVERAGE.c.first_day)
    found: dict[str, Days] = {}
    for row in connection.execute(query):
        found[row.ruleset] = (*found.get(row.ruleset, ()), (row.first_day, row.end_day))
    return found


def record(connection: Connection, version: str) -> VersionRecord:
    """Describe a version, given its whole hash, as it stands."""
    (found,) = _records(connection, [version])
    return found


def record_if_any(connection: Connection, version: str) -> VersionRecord | None:
    """Describe a version, given its whole hash; None: it is not published."""
    found = _records(connection, [version])
    return found[0] if found else None


def records(connection: Connection, limit: int, before: str) -> list[VersionRecord]:
    """Describe versions, newest first: those published before another one, or all."""
    published = select(AUDIT.c.version).where(AUDIT.c.action == "published").order_by(AUDIT.c.number.desc())
    if before:
        number = select(AUDIT.c.number).where(AUDIT.c.action == "published", AUDIT.c.version == before)
        published = published.where(AUDIT.c.number < number.scalar_subquery())
    wanted = connection.execute(published.limit(limit)).scalars().all()
    found = {one.version: one for one in _records(connection, wanted)}
    return [found[version] for version in wanted]


def _records(connection: Connection, wanted: Sequence[str]) -> list[VersionRecord]:
    found = []
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        steps: dict[str, dict[str, AuditEntry]] = {}
        for entry in audit.entries(connection, some):
            steps.setdefault(entry.version, {})[entry.action] = entry  # of several activations the latest
        for row in connection.execute(select(VERSION).where(VERSION.c.version.in_(some))):
            of = steps[row.version]
            published, approved = of["published"], of.get("approved")
            activated, withdrawn = of.get("activated"), of.get("withdrawn")
            found.append(
                VersionRecord(
                    version=row.version,
                    author=row.author,
                    published_at=published.at,
                    why=published.why,
                    approver="" if approved is None else approved.who,
                    approved_at=None if approved is None else approved.at,
                    active_from=None if activated is None else activated.active_from,
                    returns_to="" if withdrawn is None else withdrawn.returns_to,
                    withdrawn_at=None if withdrawn is None else withdrawn.at,
                    rule_sets=row.rule_sets,
                    files=row.files,
                    changed_files=tuple(json.loads(row.changed_files)),
                )
            )
    return found


def _missing(connection: Connection, hashes: Sequence[str]) -> list[str]:
    """Those contents that the database lacks."""
    known: set[str] = set()
    for first in range(0, len(hashes), _AT_ONCE):
        query = select(CONTENT.c.hash).where(CONTENT.c.hash.in_(hashes[first : first + _AT_ONCE]))
        known.update(connection.execute(query).scalars())
    return [hash_ for hash_ in hashes if hash_ not in known]
