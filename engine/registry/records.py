"""What the registry gives: a version with its standing, and what a version billed; a version as JSON and back.

The JSON is kept with the request that made it, so that a repeated request gets its first answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from engine.registry.instants import microseconds, of_microseconds


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One version of the rate book, as it stands.

    Attributes:
        version: content hash, 64 hexadecimal digits.
        author: who published it.
        published_at: when.
        why: why it was published.
        approver: who approved it; "" nobody yet.
        approved_at: when it was approved.
        active_from: of its latest activation: the instant from which it answers calls that name none.
        returns_to: of a withdrawn version: the version that its withdrawal names; "" not withdrawn.
        withdrawn_at: when it was withdrawn.
        rule_sets: how many it has.
        files: how many it has.
        changed_files: files that the version active at its publication lacks, has otherwise, or has alone.
    """

    version: str
    author: str
    published_at: datetime
    why: str
    approver: str
    approved_at: datetime | None
    active_from: datetime | None
    returns_to: str
    withdrawn_at: datetime | None
    rule_sets: int
    files: int
    changed_files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseRecord:
    """Bills of one run and one billing month that a version made."""

    version: str
    run: str  # "" for single bills and streams without a name
    month: int  # of the first day billed: year x 12 + month - 1
    bills: int  # repeated calls count again
    first_used_at: datetime
    last_used_at: datetime


_INSTANTS = ("published_at", "approved_at", "active_from", "withdrawn_at")


def to_text(record: VersionRecord) -> str:
    """Write a version as JSON, instants as microseconds."""
    fields = {name: getattr(record, name) for name in VersionRecord.__slots__}
    for name in _INSTANTS:
        fields[name] = None if fields[name] is None else microseconds(fields[name])
    return json.dumps(fields, ensure_ascii=False)


def of_text(text: str) -> VersionRecord:
    """Read what `to_text` wrote."""
    fields = json.loads(text)
    for name in _INSTANTS:
        fields[name] = None if fields[name] is None else of_microseconds(fields[name])
    return VersionRecord(**{**fields, "changed_files": tuple(fields["changed_files"])})
