"""The first layout: versions, their contents, the audit trail and the use of versions."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_APPENDED = ("version", "version_file", "content", "coverage", "audit", "request")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "version": ("version",),
    "version_file": ("version", "path"),
    "content": ("hash",),
    "coverage": ("version", "ruleset", "first_day"),
    "request": ("request_id",),
}
_NO_HASH = "0" * 64


def upgrade() -> None:
    """Make the tables and the triggers that guard them."""
    _tables_of_content()
    _tables_of_audit()
    op.execute(f"INSERT INTO audit_head (one, number, hash) VALUES (1, 0, '{_NO_HASH}')")
    if op.get_bind().dialect.name == "sqlite":
        _guard_in_sqlite()
    else:
        _guard_in_postgresql()


def _tables_of_content() -> None:
    op.create_table(
        "version",
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("rule_sets", sa.Integer, nullable=False),
        sa.Column("tests", sa.Integer, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("changed_files", sa.Text, nullable=False),
        sa.UniqueConstraint("version", "author", name="version_and_author"),
    )
    op.create_table(
        "content",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "version_file",
        sa.Column("version", sa.String(64), sa.ForeignKey("version.version"), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("hash", sa.String(64), sa.ForeignKey("content.hash"), nullable=False),
    )
    op.create_table(
        "coverage",
        sa.Column("version", sa.String(64), sa.ForeignKey("version.version"), primary_key=True),
        sa.Column("ruleset", sa.Text, primary_key=True),
        sa.Column("first_day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("end_day", sa.Integer, nullable=False),
    )
    op.create_table(
        "version_use",
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("month", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("bills", sa.BigInteger, nullable=False),
        sa.Column("first_used_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger, nullable=False),
    )


def _tables_of_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("active_from", sa.BigInteger),
        sa.Column("returns_to", sa.String(64), sa.ForeignKey("version.version")),
        sa.Column("request_id", sa.Text, nullable=False, unique=True),
        sa.Column("previous_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.ForeignKeyConstraint(
            ["version", "author"], ["version.version", "version.author"], name="audit_of_a_version"
        ),
        sa.CheckConstraint("action IN ('published', 'approved', 'activated', 'withdrawn')", name="audit_action"),
        sa.CheckConstraint("action <> 'published' OR who = author", name="audit_author_publishes"),
        sa.CheckConstraint(
            "action NOT IN ('approved', 'withdrawn') OR who <> author", name="audit_author_does_not_approve"
        ),
        sa.CheckConstraint("(action = 'activated') = (active_from IS NOT NULL)", name="audit_activated_from"),
        sa.CheckConstraint("(action = 'withdrawn') = (returns_to IS NOT NULL)", name="audit_withdrawn_to"),
        sa.CheckConstraint("returns_to IS NULL OR returns_to <> version", name="audit_returns_to_another"),
    )
    once = sa.text("action <> 'activated'")
    op.create_index("audit_once", "audit", ["version", "action"], unique=True, sqlite_where=once, postgresql_where=once)
    op.create_index("audit_version", "audit", ["version", "number"])
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.CheckConstraint("one = 1", name="audit_head_is_one"),
    )
    op.create_table(
        "request",
        sa.Column("request_id", sa.Text, sa.ForeignKey("audit.request_id"), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
    )


def _guard_in_sqlite() -> None:
    """Refuse changes. `INSERT OR REPLACE` deletes without telling a trigger, so that inserting is guarded too."""
    for table in _APPENDED:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
            )
    for table, keys in _KEYS.items():
        same = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
        )
    last = "FROM audit ORDER BY number DESC LIMIT 1"
    op.execute(
        "CREATE TRIGGER audit_chain BEFORE INSERT ON audit "
        f"WHEN NEW.number <> coalesce((SELECT number {last}), 0) + 1 "
        f"OR NEW.previous_hash <> coalesce((SELECT hash {last}), '{_NO_HASH}') "
        "OR EXISTS (SELECT 1 FROM audit WHERE request_id = NEW.request_id OR hash = NEW.hash) "
        "BEGIN SELECT RAISE(ABORT, 'a row of audit follows the last one'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head "
        "BEGIN SELECT RAISE(ABORT, 'the row of audit_head stays'); END"
    )


def _guard_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION registry_never_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME; END $$"
    )
    for table in _APPENDED:
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION registry_never_changed()"
        )
    for table in (*_APPENDED, "audit_head"):
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION registry_never_changed()"
        )
    op.execute(
        "CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head "
        "FOR EACH ROW EXECUTE FUNCTION registry_never_changed()"
    )
    last = "FROM audit ORDER BY number DESC LIMIT 1"
    op.execute(
        "CREATE FUNCTION registry_audit_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.number <> coalesce((SELECT number {last}), 0) + 1 "
        f"OR NEW.previous_hash <> coalesce((SELECT hash {last}), '{_NO_HASH}') THEN "
        "RAISE EXCEPTION 'a row of audit follows the last one'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION registry_audit_follows()"
    )
