"""The ledger's tables of adjustments. The migration `layout_0003` makes them, and the triggers that refuse changes.

    adjustment_batch   one row an export or a reversal of a run: a file that was written
    adjusted_bill      its bills: which revision of a bill it makes, and in place of which
    adjustment         its rows: an amount of a charge of a bill, and what the billing system did with it

An adjustment is `exported` until the billing system answers, then `posted` or `rejected` for good. Rows are numbered
within their batch, so that a million of them are written and read in the order of the key. The two large tables have no
foreign keys: a batch is written whole, in one transaction, by `engine.runs.adjustment_ledger` alone.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text, UniqueConstraint

from engine.runs.tables import METADATA

ADJUSTMENT_BATCH: Final = Table(
    "adjustment_batch",
    METADATA,
    Column("batch", Integer, primary_key=True, autoincrement=False),  # in the order in which they were made
    Column("prefix", String(12), nullable=False, unique=True),  # the ids of its adjustments begin with it
    Column("run", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("number", Integer, nullable=False),  # from 1, of the run's exports or of its reversals
    Column("version", Text, nullable=False),  # of the run's rate book
    Column("original", Text, nullable=False),  # where the bills stand that were corrected, as it was named
    Column("reason", Text, nullable=False),
    Column("reason_text", Text, nullable=False),
    Column("places", Integer, nullable=False),  # of its amounts
    Column("summary", Text, nullable=False),  # JSON
    Column("made_at", BigInteger, nullable=False),
    CheckConstraint("kind IN ('export', 'reverse')", name="adjustment_batch_kind"),
    UniqueConstraint("run", "kind", "number", name="adjustment_batch_of_run"),
)

ADJUSTED_BILL: Final = Table(
    "adjusted_bill",
    METADATA,
    Column("batch", Integer, primary_key=True, autoincrement=False),
    Column("bill", Integer, primary_key=True, autoincrement=False),  # from 0, by bill_id
    Column("bill_id", Text, nullable=False),
    Column("account", Text, nullable=False),  # "": not known
    Column("currency", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("replaces", BigInteger, nullable=False),  # the revision that it corrects
    Column("original", BigInteger, nullable=False),  # check number of the original's amounts
    Index("adjusted_bill_id", "bill_id"),
    sqlite_with_rowid=False,  # rows are kept in the order of the key, once
)

ADJUSTMENT: Final = Table(
    "adjustment",
    METADATA,
    Column("batch", Integer, primary_key=True, autoincrement=False),
    Column("bill", Integer, primary_key=True, autoincrement=False),
    Column("charge", Text, primary_key=True),
    Column("adjustment_id", String(40), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reverses", Text, nullable=False),  # ids that a reversal takes back, with a space between; else ""
    Column("state", Text, nullable=False),
    Column("outcome_reason", Text, nullable=False),
    Column("outcome_date", Text, nullable=False),
    Column("outcome_reference", Text, nullable=False),
    CheckConstraint("state IN ('exported', 'posted', 'rejected')", name="adjustment_state"),
    sqlite_with_rowid=False,
)
