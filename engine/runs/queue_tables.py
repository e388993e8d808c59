"""Tables of recalculations that a server was asked for. engine/registry/migrations makes them.

    recalculation       one row each: what is asked for, whether it waits; where it stands is in `run`, by the same id
    recalculation_step  who started, resumed and cancelled it, by request; rows are only ever added

Instants are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from engine.runs.tables import METADATA

RECALCULATION: Final = Table(
    "recalculation",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("state", Text, nullable=False),  # waiting, started, ended, cancelled
    Column("priority", Integer, nullable=False),  # larger ones first
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("orders", Text, nullable=False),  # JSON: engine.runs.order.Order; its rules are checked out later
    Column("version", String(64), nullable=False),  # content hash of the rate book
    Column("affected_since", String(64), nullable=False),  # content hash; "": every row is meant
    Column("overwrite", Integer, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("cancelled_by", Text, nullable=False),
    Column("host", Text, nullable=False),  # that drives it, or did last
    Column("error", Text, nullable=False),  # JSON: why it stopped
    Column("use_noted", Integer, nullable=False),  # whether its bills are in version_use
    CheckConstraint("state IN ('waiting', 'started', 'ended', 'cancelled')", name="recalculation_state_is_known"),
    CheckConstraint("started_by <> ''", name="recalculation_is_somebodys"),
    Index("recalculation_state", "state"),
    Index("recalculation_created", "created_at", "run"),
)

RECALCULATION_STEP: Final = Table(
    "recalculation_step",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("run", Text, ForeignKey("recalculation.run"), nullable=False),
    Column("action", Text, nullable=False),  # start, resume
    Column("who", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # of what was asked
)
