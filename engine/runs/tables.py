"""The ledger's tables, in the registry's database. engine/registry/migrations makes them.

    run             one row a run: what was ordered, with which rate book and code, where it stands
    run_partition   its partitions: rows of the input, and once done, counts, control sums and files

Instants are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA: Final = MetaData()

RUN: Final = Table(
    "run",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),  # why it is stopped
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),  # when its driver was last heard of
    Column("finished_at", BigInteger),
    Column("driver", Text, nullable=False),  # host and process that drives it, or drove it last
    Column("stop_asked", Text, nullable=False),  # `cancel`: the driver ends at its next look
    Column("orders", Text, nullable=False),  # JSON: engine.runs.order.Order
    Column("output", Text, nullable=False),
    Column("folder", Text, nullable=False),  # of the rate book, the staging and the lock
    Column("book", String(64), nullable=False),
    Column("code", String(64), nullable=False),
    Column("manifest", String(64), nullable=False),
    Column("input_files", Text, nullable=False),  # JSON: engine.runs.fingerprint
    Column("work", Text, nullable=False),  # JSON: engine.bulk.partitions.Work
    Column("filter", Text, nullable=False),  # as a person reads it; "": the whole input is billed
    Column("refers_to", Text, nullable=False),  # the run whose refused rows it mends
    Column("rows", BigInteger, nullable=False),
    Column("partitions", Integer, nullable=False),
    Column("summary", Text, nullable=False),  # JSON, once finished
    Column("seconds_us", BigInteger, nullable=False),  # that drivers have spent on it
    Index("run_created", "created_at"),
)

RUN_PARTITION: Final = Table(
    "run_partition",
    METADATA,
    Column("run", Text, ForeignKey("run.run"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("slices", Text, nullable=False),  # JSON
    Column("again", LargeBinary, nullable=False),  # positions of repeated row ids, int64, little-endian, zlib
    Column("billed", BigInteger),
    Column("refused", BigInteger),
    Column("left_out", BigInteger),
    Column("files", Text),  # JSON
    Column("sums", Text),  # JSON: engine.bulk.summary.Tally
    Column("overlaps", Text),  # JSON
    Column("native", Text),  # JSON
    Column("cpu_us", BigInteger),
    Column("done_at", BigInteger),
)
