"""Where versions are kept, as the commands see it: a database, or a server that has one. Both do the same.

What a step needs and what it refuses is the registry's to say; it raises `ProblemsFound`, whichever desk is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from engine.language.problems import ProblemsFound, problem
from engine.registry.audit import AuditEntry
from engine.registry.records import UseRecord
from engine.service.standing import State

DIGITS_MIN: Final = 8  # of a version that is typed
_DIGITS: Final = re.compile(rf"[0-9a-f]{{{DIGITS_MIN},64}}")


@dataclass(frozen=True, slots=True)
class Version:
    """One version as it stands.

    Attributes:
        version: content hash, 64 hexadecimal digits.
        state: where it stands now.
        author: who published it.
        published_at: when; None: nobody did, it is the folder of a server.
        why: why it was published.
        approver: who approved it; "": nobody yet.
        active_from: of its latest activation; None: it was never activated.
        returns_to: of a withdrawn version: the one that its withdrawal names.
        rule_sets: how many it has.
        files: how many it has.
        changed_files: files that the version active at its publication lacks, has otherwise, or has alone.
    """

    version: str
    state: State
    author: str
    published_at: datetime | None
    why: str
    approver: str
    active_from: datetime | None
    returns_to: str
    rule_sets: int
    files: int
    changed_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The audit trail."""

    entries: tuple[AuditEntry, ...]
    chain_holds: bool  # as whoever keeps the trail says, of the whole trail


class Unreachable(Exception):
    """A server does not answer, or says what this release has no words for."""


class Desk(Protocol):
    """Takes steps in somebody's name, and tells of versions."""

    def publish(self, files: Mapping[str, bytes], why: str, request_id: str) -> Version:
        """Publish a rate book."""

    def approve(self, version: str, why: str, request_id: str) -> Version:
        """Approve a version."""

    def activate(
        self, version: str, active_from: datetime | None, why: str, request_id: str, comparison: Path | None = None
    ) -> Version:
        """Activate a version from an instant; None: now.

        With a comparison of the version that answers then with this one, a folder of `dianjia compare`, each account
        whose bills change has a notice; a server takes none.
        """

    def withdraw(self, version: str, reason: str, return_to: str, request_id: str) -> Version:
        """Withdraw a version."""

    def version(self, version: str) -> Version:
        """Give one version by its whole hash."""

    def active(self) -> Version | None:
        """Give the version that answers calls that name none; None: none does."""

    def versions(self) -> Iterator[Version]:
        """Give all versions, newest first."""

    def history(self, version: str) -> History:
        """Give the audit trail, oldest first: of a version, or of all where it is ""."""

    def uses(self, version: str) -> Iterator[UseRecord]:
        """Give what a version billed, by run and billing month."""

    def close(self) -> None:
        """Let go of the database or the server."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which desk is asked, as it was typed.

    Attributes:
        database: URL of a registry; "": the one of this user.
        server: HOST:PORT; "": no server.
        by: who takes the step, where a database is asked.
        token: sent to a server; "": none.
        ca: PEM file of the authorities that a server's certificate comes from; None and no `cert`: plain text.
        cert, key: PEM files of the caller's own certificate, for a server that asks for one; None: none.
    """

    database: str
    server: str
    by: str
    token: str
    ca: Path | None
    cert: Path | None = None
    key: Path | None = None


def desk(where: Where) -> Desk:
    """Open a desk.

    Raises:
        ModuleNotFoundError: what it needs is not installed.
        ValueError: the URL is no URL of a database.
    """
    if where.server:
        from engine.commands.version_desk_server import ServerDesk

        return ServerDesk(where.server, where.token, where.ca, where.cert, where.key)
    from engine.commands.version_desk_database import DatabaseDesk

    return DatabaseDesk(where.database, where.by)


def whole_version(of: Desk, typed: str) -> str:
    """Give the whole hash of a version of which the first digits are typed.

    Raises:
        ProblemsFound: `unknown-version`, `version-ambiguous`.
    """
    digits = typed.removeprefix("rateBooks/").lower()
    if _DIGITS.fullmatch(digits) is None:
        raise ProblemsFound([problem("unknown-version", None, version=typed)])
    found = {one.version for one in of.versions() if one.version.startswith(digits)}
    if len(found) > 1:
        raise ProblemsFound([problem("version-ambiguous", None, version=typed)])
    if not found:
        raise ProblemsFound([problem("unknown-version", None, version=typed)])
    return found.pop()
