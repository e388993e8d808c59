"""What Alembic runs: the migrations that are missing, on the connection and in the transaction that it is given."""

from __future__ import annotations

from alembic import context

from engine.registry.tables import LAYOUT_TABLE, METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=LAYOUT_TABLE,
    render_as_batch=True,
)
context.run_migrations()
