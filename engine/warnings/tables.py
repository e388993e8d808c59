"""The tables of warnings over time, in the registry's database. engine/registry/migrations makes them.

    watch_desk    one row: how far the desk has come; whoever records locks it first
    watch_event   the log: every event that was accepted, once; those with at < watermark were processed
    watch_shape   inputs of event types, as events of the log were written with them
    watch_memory  one row an account of which something is remembered: the memories of all triggers, packed
    watch_slot    triggers and the structure of their memory, by the number that packed memories call them
    warning       warnings and tariff notices, each once, in the order in which they were kept

Times are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA: Final = MetaData()

# Events at one time are processed in the order of their ids, character by character, whatever a database's language.
EXACT: Final = Text().with_variant(Text(collation="C"), "postgresql")

DESK: Final = Table(
    "watch_desk",
    METADATA,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("watermark", BigInteger, nullable=False),
    Column("latest_at", BigInteger, nullable=False),  # of an accepted event; 0: none
    Column("complete_until", BigInteger, nullable=False),  # the latest that a source has told; 0: none
    Column("log_from", BigInteger, nullable=False),  # events before were taken out of the log; 0: none
    Column("chunks", BigInteger, nullable=False),  # recorded so far
    Column("cursor", BigInteger, nullable=False),  # seq of the newest warning
    Column("examined", EXACT, nullable=False),  # account that the round of forgetting has come to
    CheckConstraint("one = 1", name="watch_desk_is_one"),
)

EVENT: Final = Table(
    "watch_event",
    METADATA,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("id", EXACT, primary_key=True),
    Column("account", EXACT, nullable=False),
    Column("shape", Integer, nullable=False),  # its type, and how its values are written
    Column("content", LargeBinary, nullable=False),  # MessagePack: engine.warnings.packing
    UniqueConstraint("id", name="watch_event_id"),
    sqlite_with_rowid=False,  # events of a time lie beside each other
)

SHAPE: Final = Table(
    "watch_shape",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("inputs", Text, nullable=False),  # JSON
    UniqueConstraint("type", "inputs", name="watch_shape_once"),
)

MEMORY: Final = Table(
    "watch_memory",
    METADATA,
    Column("account", EXACT, primary_key=True),
    Column("due", BigInteger),  # the earliest deadline; NULL: none
    Column("region", Text, nullable=False),
    Column("region_at", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),  # MessagePack: engine.warnings.packing
    Index("watch_memory_due", "due", sqlite_where=text("due IS NOT NULL"), postgresql_where=text("due IS NOT NULL")),
    sqlite_with_rowid=False,
)

SLOT: Final = Table(
    "watch_slot",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("trigger", Text, nullable=False),
    Column("structure", Text, nullable=False),
    UniqueConstraint("trigger", "structure", name="watch_slot_once"),
)

WARNING: Final = Table(
    "warning",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", EXACT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("account", EXACT, nullable=False),
    Column("keys", Text, nullable=False),  # JSON
    Column("at", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("ruleset", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("values", Text, nullable=False),  # JSON
    Column("causes", Text, nullable=False),  # JSON
    Column("action", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("id", name="warning_once"),
    CheckConstraint("kind IN ('warning', 'tariff_notice')", name="warning_kind"),
    CheckConstraint("state IN ('raised', 'cleared')", name="warning_state"),
    Index("warning_account", "account", "seq"),
)
