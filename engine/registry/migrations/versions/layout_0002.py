"""The second layout: recalculation runs and their partitions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "run",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("driver", sa.Text, nullable=False),
        sa.Column("stop_asked", sa.Text, nullable=False),
        sa.Column("orders", sa.Text, nullable=False),
        sa.Column("output", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("book", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("manifest", sa.String(64), nullable=False),
        sa.Column("input_files", sa.Text, nullable=False),
        sa.Column("work", sa.Text, nullable=False),
        sa.Column("filter", sa.Text, nullable=False),
        sa.Column("refers_to", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("partitions", sa.Integer, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("seconds_us", sa.BigInteger, nullable=False),
        sa.CheckConstraint(
            "state IN ('planning', 'running', 'stopped', 'cancelled', 'finished')", name="run_state_is_known"
        ),
    )
    op.create_index("run_created", "run", ["created_at"])
    op.create_table(
        "run_partition",
        sa.Column("run", sa.Text, sa.ForeignKey("run.run"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("slices", sa.Text, nullable=False),
        sa.Column("again", sa.LargeBinary, nullable=False),
        sa.Column("billed", sa.BigInteger),
        sa.Column("refused", sa.BigInteger),
        sa.Column("left_out", sa.BigInteger),
        sa.Column("files", sa.Text),
        sa.Column("sums", sa.Text),
        sa.Column("overlaps", sa.Text),
        sa.Column("native", sa.Text),
        sa.Column("cpu_us", sa.BigInteger),
        sa.Column("done_at", sa.BigInteger),
        sa.CheckConstraint("state IN ('pending', 'done')", name="run_partition_state_is_known"),
        sa.CheckConstraint("(state = 'done') = (sums IS NOT NULL)", name="run_partition_done_has_sums"),
        sa.CheckConstraint("state <> 'done' OR rows = billed + refused + left_out", name="run_partition_loses_no_row"),
    )
