"""Tables of what endpoints were told, in the registry's database. engine/registry/migrations makes them.

    webhook_endpoint   one row each: how far it was told, who tells it now, whether it is left alone for a while
    webhook_message    warnings that an endpoint did not take: `waiting` for the next attempt, or `dead`

A warning behind the cursor without a row here was taken. Instants are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

from engine.warnings.tables import METADATA

WEBHOOK_ENDPOINT: Final = Table(
    "webhook_endpoint",
    METADATA,
    Column("endpoint", Text, primary_key=True),
    Column("cursor", BigInteger, nullable=False),  # every wanted warning up to it was taken, or has a row below
    Column("owner", Text, nullable=False),  # host, process and number of the sender that tells it; "": none
    Column("owned_until", BigInteger, nullable=False),  # then another one may take over
    Column("failures", Integer, nullable=False),  # since it took one last, of those that concern the whole endpoint
    Column("paused_until", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),  # warnings, in all
    Column("last_taken_at", BigInteger, nullable=False),  # 0: none yet
    Column("reason", Text, nullable=False),  # why the last attempt failed; "": it did not
)

WEBHOOK_MESSAGE: Final = Table(
    "webhook_message",
    METADATA,
    Column("endpoint", Text, primary_key=True),
    Column("warning", Text, primary_key=True),  # its id
    Column("seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # waiting, dead
    Column("tries", Integer, nullable=False),  # that failed
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),  # of a dead one when it died
    Column("status", Integer, nullable=False),  # of HTTP; 0: there was no answer
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),  # the bytes that every attempt sends
    CheckConstraint("state IN ('waiting', 'dead')", name="webhook_message_state_is_known"),
    Index("webhook_message_next", "endpoint", "state", "next_at"),
)
