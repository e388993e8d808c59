"""Versions of the rate book: what the service says of them, and the files of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from dianjia.client.errors import Problem, problem_of
from dianjia.client.plain import instant_or_none
from dianjia.ratebooks.v1 import ratebooks_pb2 as messages
from dianjia.rulesets.v1 import rulesets_pb2

# What a rate book is made of; anything else in its folder is left out.
_SUFFIXES: Final = frozenset({".yaml", ".yml", ".csv", ".xlsx"})
_LOCKED: Final = "~$"  # Excel's mark on the file that lies beside a workbook while it is open
# Of one message; a server takes 4 MiB.
_MESSAGE_BYTES: Final = 3 << 20


class State(StrEnum):
    """Where a version stands."""

    PUBLISHED = "published"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    FOLDER = "folder"
    UNKNOWN = "unknown"  # a later release of the service says something else


@dataclass(frozen=True, slots=True)
class RateBook:
    """One version."""

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
class AuditEntry:
    """One row of the audit trail."""

    number: int
    at: datetime | None
    who: str
    action: str  # published, approved, activated, withdrawn
    version: str
    why: str
    active_from: datetime | None
    returns_to: str
    request_id: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class History:
    """The audit trail, oldest first."""

    entries: tuple[AuditEntry, ...]
    chain_holds: bool  # of the whole trail


@dataclass(frozen=True, slots=True)
class VersionUse:
    """Bills of one run and one billing month that a version made."""

    run: str
    billing_month: str
    bills: int
    first_used_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Validation:
    """What is wrong with files."""

    version: str
    problems: tuple[Problem, ...]
    problems_found: int  # in all; `problems` may hold fewer
    rule_sets: int
    tests: int


def rate_book_of(message: messages.RateBook) -> RateBook:
    """Read a version."""
    return RateBook(
        message.version,
        _state(message.state),
        message.author,
        instant_or_none(message, "published_at"),
        message.why,
        message.approver,
        instant_or_none(message, "active_from"),
        message.returns_to,
        message.rule_sets,
        message.files,
        tuple(message.changed_files),
    )


def _state(value: Any) -> State:
    name = messages.RateBookState.Name(value) if value in messages.RateBookState.values() else ""
    text = name.removeprefix("RATE_BOOK_STATE_").lower()
    return State(text) if text in list(State) else State.UNKNOWN


def entry_of(message: messages.AuditEntry) -> AuditEntry:
    """Read a row of the audit trail."""
    known = message.action in messages.AuditAction.values()
    action = messages.AuditAction.Name(message.action) if known else ""
    return AuditEntry(
        message.number,
        instant_or_none(message, "at"),
        message.who,
        action.removeprefix("AUDIT_ACTION_").lower(),
        message.version,
        message.why,
        instant_or_none(message, "active_from"),
        message.returns_to,
        message.request_id,
        message.previous_hash,
        message.hash,
    )


def use_of(message: messages.VersionUse) -> VersionUse:
    """Read what a version billed."""
    return VersionUse(
        message.run,
        message.billing_month,
        message.bills,
        instant_or_none(message, "first_used_at"),
        instant_or_none(message, "last_used_at"),
    )


def validation_of(message: rulesets_pb2.ValidateRuleSetResponse) -> Validation:
    """Read what is wrong with files."""
    return Validation(
        message.version,
        tuple(problem_of(one) for one in message.problems),
        message.problems_found,
        message.rule_sets,
        message.tests,
    )


def files_of(given: Path | str | Mapping[str, bytes]) -> dict[str, bytes]:
    """Take the files of a rate book: a folder, or paths inside it with their content.

    Raises:
        ValueError: it is no folder.
    """
    if isinstance(given, Mapping):
        return {path: given[path] for path in sorted(given)}
    folder = Path(given)
    if not folder.is_dir():
        raise ValueError(
            f"{folder} is no folder; pass the folder of a rate book, or its files by their paths inside it"
        )
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(_LOCKED) and path.is_file()
    }
    return {name: found[name].read_bytes() for name in sorted(found)}


def publications(files: Mapping[str, bytes], request_id: str, why: str) -> Iterator[messages.PublishRateBookRequest]:
    """Write the messages of a publication, each of a size that servers take."""
    request = messages.PublishRateBookRequest(request_id=request_id, why=why)
    size = 0
    for path, content in files.items():
        if request.files and size + len(content) > _MESSAGE_BYTES:
            yield request
            request, size = messages.PublishRateBookRequest(), 0
        request.files.add(path=path, content=content)
        size += len(content)
    yield request
