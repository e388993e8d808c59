"""The fifth layout: warnings over time, the events and the memory that they come of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    desk = op.create_table(
        "watch_desk",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("watermark", sa.BigInteger, nullable=False),
        sa.Column("latest_at", sa.BigInteger, nullable=False),
        sa.Column("complete_until", sa.BigInteger, nullable=False),
        sa.Column("log_from", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.BigInteger, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("examined", EXACT, nullable=False),
        sa.CheckConstraint("one = 1", name="watch_desk_is_one"),
    )
    numbers = ("watermark", "latest_at", "complete_until", "log_from", "chunks", "cursor")
    op.bulk_insert(desk, [{"one": 1, "examined": "", **dict.fromkeys(numbers, 0)}])
    op.create_table(
        "watch_event",
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", EXACT, primary_key=True),
        sa.Column("account", EXACT, nullable=False),
        sa.Column("shape", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("id", name="watch_event_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "watch_shape",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.UniqueConstraint("type", "inputs", name="watch_shape_once"),
    )
    op.create_table(
        "watch_memory",
        sa.Column("account", EXACT, primary_key=True),
        sa.Column("due", sa.BigInteger),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("region_at", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "watch_memory_due",
        "watch_memory",
        ["due"],
        sqlite_where=sa.text("due IS NOT NULL"),
        postgresql_where=sa.text("due IS NOT NULL"),
    )
    op.create_table(
        "watch_slot",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("structure", sa.Text, nullable=False),
        sa.UniqueConstraint("trigger", "structure", name="watch_slot_once"),
    )
    op.create_table(
        "warning",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", EXACT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("account", EXACT, nullable=False),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("ruleset", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
        sa.Column("causes", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger),
        sa.Column("acknowledged_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.UniqueConstraint("id", name="warning_once"),
        sa.CheckConstraint("kind IN ('warning', 'tariff_notice')", name="warning_kind"),
        sa.CheckConstraint("state IN ('raised', 'cleared')", name="warning_state"),
    )
    op.create_index("warning_account", "warning", ["account", "seq"])
