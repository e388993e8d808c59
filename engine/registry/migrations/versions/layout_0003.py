"""Adjustments: what runs changed in bills already issued, as it was exported and acknowledged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = ("adjustment_batch", "adjusted_bill", "adjustment")
_FIXED = ("batch", "bill", "charge", "adjustment_id", "amount", "reverses")  # of an adjustment


def upgrade() -> None:
    """Make the tables and the triggers that guard them."""
    op.create_table(
        "adjustment_batch",
        sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("prefix", sa.String(12), nullable=False, unique=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("original", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reason_text", sa.Text, nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.CheckConstraint("kind IN ('export', 'reverse')", name="adjustment_batch_kind"),
        sa.UniqueConstraint("run", "kind", "number", name="adjustment_batch_of_run"),
    )
    op.create_table(
        "adjusted_bill",
        sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bill", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bill_id", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("replaces", sa.BigInteger, nullable=False),
        sa.Column("original", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("adjusted_bill_id", "adjusted_bill", ["bill_id"])
    op.create_table(
        "adjustment",
        sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bill", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("charge", sa.Text, primary_key=True),
        sa.Column("adjustment_id", sa.String(40), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("reverses", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("outcome_reason", sa.Text, nullable=False),
        sa.Column("outcome_date", sa.Text, nullable=False),
        sa.Column("outcome_reference", sa.Text, nullable=False),
        sa.CheckConstraint("state IN ('exported', 'posted', 'rejected')", name="adjustment_state"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        _guard_in_sqlite()
    else:
        _guard_in_postgresql()


def _changed() -> str:
    """An adjustment is told its outcome once; nothing else of it is ever changed."""
    same = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in _FIXED)
    return f"OLD.state <> 'exported' OR NEW.state = 'exported' OR {same}"


def _guard_in_sqlite() -> None:
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never deleted'); END"
        )
    for table in _TABLES[:2]:
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
        )
    op.execute(
        f"CREATE TRIGGER adjustment_outcome_once BEFORE UPDATE ON adjustment WHEN {_changed()} "
        "BEGIN SELECT RAISE(ABORT, 'an adjustment is told its outcome once'); END"
    )


def _guard_in_postgresql() -> None:
    for table in _TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_never_deleted BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION registry_never_changed()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION registry_never_changed()"
        )
    for table in _TABLES[:2]:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION registry_never_changed()"
        )
    op.execute(
        f"CREATE TRIGGER adjustment_outcome_once BEFORE UPDATE ON adjustment FOR EACH ROW WHEN ({_changed()}) "
        "EXECUTE FUNCTION registry_never_changed()"
    )
