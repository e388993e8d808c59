"""The registry's tables. engine/registry/migrations makes them, and the triggers that refuse changes.

    version        one row a version: what is known of it when it is published
    version_file   its files: path -> hash of the content
    content        contents by their hash; versions that share a file share its row
    coverage       days on which a version has a price, by rule set id
    audit          what was done, and so where each version stands; each row has the hash of the one before
    audit_head     number and hash of the last row; whoever adds a row locks this one first
    request        answers by request_id, so that a repeated request gets its first answer
    version_use    bills by version, run and billing month; the only rows that change

Instants are microseconds since 1970 in UTC, days are days since 1970-01-01.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

LAYOUT: Final = "0006"  # of the last migration
LAYOUT_TABLE: Final = "registry_layout"

METADATA: Final = MetaData()

VERSION: Final = Table(
    "version",
    METADATA,
    Column("version", String(64), primary_key=True),
    Column("author", Text, nullable=False),
    Column("rule_sets", Integer, nullable=False),
    Column("tests", Integer, nullable=False),
    Column("files", Integer, nullable=False),
    Column("changed_files", Text, nullable=False),  # JSON
    UniqueConstraint("version", "author", name="version_and_author"),
)

CONTENT: Final = Table(
    "content",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

VERSION_FILE: Final = Table(
    "version_file",
    METADATA,
    Column("version", String(64), ForeignKey("version.version"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("hash", String(64), ForeignKey("content.hash"), nullable=False),
)

COVERAGE: Final = Table(
    "coverage",
    METADATA,
    Column("version", String(64), ForeignKey("version.version"), primary_key=True),
    Column("ruleset", Text, primary_key=True),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("end_day", Integer, nullable=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("version", String(64), nullable=False),
    Column("author", Text, nullable=False),  # of the version: the constraint below compares it with `who`
    Column("why", Text, nullable=False),
    Column("active_from", BigInteger),
    Column("returns_to", String(64), ForeignKey("version.version")),
    Column("request_id", Text, nullable=False, unique=True),
    Column("previous_hash", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
    ForeignKeyConstraint(["version", "author"], ["version.version", "version.author"], name="audit_of_a_version"),
    CheckConstraint("action IN ('published', 'approved', 'activated', 'withdrawn')", name="audit_action"),
    CheckConstraint("action <> 'published' OR who = author", name="audit_author_publishes"),
    CheckConstraint("action NOT IN ('approved', 'withdrawn') OR who <> author", name="audit_author_does_not_approve"),
    CheckConstraint("(action = 'activated') = (active_from IS NOT NULL)", name="audit_activated_from"),
    CheckConstraint("(action = 'withdrawn') = (returns_to IS NOT NULL)", name="audit_withdrawn_to"),
    CheckConstraint("returns_to IS NULL OR returns_to <> version", name="audit_returns_to_another"),
    Index(
        "audit_once",
        "version",
        "action",
        unique=True,
        sqlite_where=text("action <> 'activated'"),
        postgresql_where=text("action <> 'activated'"),
    ),
    Index("audit_version", "version", "number"),
)

AUDIT_HEAD: Final = Table(
    "audit_head",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    CheckConstraint("one = 1", name="audit_head_is_one"),
)

REQUEST: Final = Table(
    "request",
    METADATA,
    Column("request_id", Text, ForeignKey("audit.request_id"), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("answer", Text, nullable=False),  # JSON
)

VERSION_USE: Final = Table(
    "version_use",
    METADATA,
    Column("version", String(64), primary_key=True),  # also of a folder that nobody published
    Column("run", Text, primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("bills", BigInteger, nullable=False),
    Column("first_used_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
)
