"""The fourth layout: recalculations that a server was asked for, and by whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "recalculation",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("orders", sa.Text, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("affected_since", sa.String(64), nullable=False),
        sa.Column("overwrite", sa.Integer, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("cancelled_by", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("use_noted", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'started', 'ended', 'cancelled')", name="recalculation_state_is_known"
        ),
        sa.CheckConstraint("started_by <> ''", name="recalculation_is_somebodys"),
    )
    op.create_index("recalculation_state", "recalculation", ["state"])
    op.create_index("recalculation_created", "recalculation", ["created_at", "run"])
    op.create_table(
        "recalculation_step",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, sa.ForeignKey("recalculation.run"), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
