"""Bring the registry's tables to the layout of this release."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from engine.language.problems import ProblemsFound, problem
from engine.registry.database import layout_of

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x6469616E6A6961  # "dianjia": PostgreSQL's number of the lock that only one process holds at a time
_ONE_AT_A_TIME: Final = threading.Lock()  # Alembic keeps what it runs in names of its modules


def bring_up_to_date(connection: Connection) -> None:
    """Run the migrations that are missing, inside the connection's transaction: all of them or none.

    Of SQLite the transaction has to hold the lock for writing already; of PostgreSQL a lock is taken here. Whoever
    comes second finds the work done.

    Raises:
        ProblemsFound: `registry-newer`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    found = layout_of(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise ProblemsFound([problem("registry-newer", None, found=found)])
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")
