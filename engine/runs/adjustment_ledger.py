"""Adjustments in the ledger's database, by the column: a batch is written and read whole, a million rows in seconds.

What was exported before is asked for by bill, in one join. Whoever writes holds the lock of all adjustments until the
transaction ends, so that two exports never both find a bill without an open correction.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, Table, insert, select

from engine.runs.adjustment_tables import ADJUSTED_BILL, ADJUSTMENT, ADJUSTMENT_BATCH
from engine.runs.tables import RUN

Kind = Literal["export", "reverse"]

PREFIX: Final = 12  # hexadecimal digits of an id that are its batch's
_OWN: Final = 28  # and those of its bill and charge
_CACHE_KB: Final = 65_536  # of SQLite while a million rows are written: with its 2 MB it writes pages many times
_CHUNK: Final = 100_000  # rows sent to a database, or fetched from it, at once
_TYPES: Final[Mapping[str, str]] = {"INTEGER": "integer", "BIGINT": "bigint", "TEXT": "text", "VARCHAR(40)": "text"}


@dataclass(frozen=True, slots=True)
class Batch:
    """An export or a reversal of a run, as the ledger has it."""

    batch: int
    run: str
    kind: Kind
    number: int
    version: str
    original: str
    reason: str
    reason_text: str
    places: int
    summary: Mapping[str, Any]
    made_at: int

    @property
    def prefix(self) -> str:
        """With which the ids of its adjustments begin."""
        return _digits(f"{self.kind}\0{self.run}\0{self.number}", PREFIX)


@dataclass(frozen=True, slots=True)
class Rows:
    """The adjustments of a batch. Bills are in the order of their ids, rows in that of bills and charges.

    Attributes:
        bill_ids, accounts, currencies: (bill,) Arrow texts.
        revisions, replaces, originals: (bill,)
        bills: (row,) position of the bill.
        charges, ids, reverses: (row,) Arrow texts.
        amounts: (row,) whole numbers of the batch's places.
    """

    bill_ids: Any
    accounts: Any
    currencies: Any
    revisions: NDArray[np.int64]
    replaces: NDArray[np.int64]
    originals: NDArray[np.int64]
    bills: NDArray[np.int64]
    charges: Any
    ids: Any
    amounts: NDArray[np.int64]
    reverses: Any


@dataclass(frozen=True, slots=True)
class Prior:
    """What the ledger has of some bills, told by their positions among those that were asked for.

    `bill_*` are of its bills, a bill a batch; the others of its adjustments, of which those that were rejected are left
    out.
    """

    bill_at: NDArray[np.int64]
    bill_revision: NDArray[np.int64]
    bill_original: NDArray[np.int64]
    at: NDArray[np.int64]
    batch: NDArray[np.int64]
    revision: NDArray[np.int64]
    charge: Sequence[str]
    amount: NDArray[np.int64]  # of the batch's places
    open: NDArray[np.bool_]  # exported and not acknowledged; else posted


def lock(connection: Connection) -> None:
    """Let nobody else write adjustments until the transaction ends; of SQLite its own lock does so."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE adjustment_batch IN SHARE ROW EXCLUSIVE MODE")
    else:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KB}")  # until the connection is closed


def batches(connection: Connection, run: str = "", kind: str = "") -> list[Batch]:
    """All batches in the order in which they were made, or those of a run, or of a kind."""
    query = select(ADJUSTMENT_BATCH).order_by(ADJUSTMENT_BATCH.c.batch)
    if run:
        query = query.where(ADJUSTMENT_BATCH.c.run == run)
    if kind:
        query = query.where(ADJUSTMENT_BATCH.c.kind == kind)
    return [
        Batch(
            batch=one.batch,
            run=one.run,
            kind=one.kind,
            number=one.number,
            version=one.version,
            original=one.original,
            reason=one.reason,
            reason_text=one.reason_text,
            places=one.places,
            summary=json.loads(one.summary),
            made_at=one.made_at,
        )
        for one in connection.execute(query)
    ]


def standing_on(connection: Connection, output: str) -> str:
    """Give a run whose adjustments were made from the bills of an output folder, or corrected them; "": none."""
    found = connection.execute(
        select(ADJUSTMENT_BATCH.c.run, ADJUSTMENT_BATCH.c.original).order_by(ADJUSTMENT_BATCH.c.batch)
    )
    own = set(connection.execute(select(RUN.c.run).where(RUN.c.output == output)).scalars())
    for run, original in found:
        if run in own or original in own or Path(original).resolve() == Path(output).resolve():
            return str(run)
    return ""


def adjustment_ids(batch: Batch, bill_ids: Any, bills: NDArray[np.int64], charges: Sequence[str]) -> Any:
    """Name adjustments by their run, which of its batches it is, bill and charge: the same ones whenever it is done."""
    named: list[str] = bill_ids.to_pylist()
    prefix, salt = batch.prefix, f"{batch.kind}\0{batch.run}\0{batch.number}\0"
    return pa.array(
        [
            prefix + _digits(f"{salt}{named[bill]}\0{charge}", _OWN)
            for bill, charge in zip(bills.tolist(), charges, strict=True)
        ],
        pa.string(),
    )


def write(connection: Connection, batch: Batch, rows: Rows) -> None:
    """Enter a batch with its adjustments, all of them open."""
    told = {name: getattr(batch, name) for name in Batch.__slots__}
    told |= {"summary": json.dumps(batch.summary, ensure_ascii=False), "prefix": batch.prefix}
    connection.execute(insert(ADJUSTMENT_BATCH).values(told))
    count = len(rows.bill_ids)
    _insert(
        connection,
        ADJUSTED_BILL,
        {
            "batch": [batch.batch] * count,
            "bill": list(range(count)),
            "bill_id": rows.bill_ids.to_pylist(),
            "account": rows.accounts.to_pylist(),
            "currency": rows.currencies.to_pylist(),
            "revision": rows.revisions.tolist(),
            "replaces": rows.replaces.tolist(),
            "original": rows.originals.tolist(),
        },
    )
    count = len(rows.ids)
    _insert(
        connection,
        ADJUSTMENT,
        {
            "batch": [batch.batch] * count,
            "bill": rows.bills.tolist(),
            "charge": rows.charges.to_pylist(),
            "adjustment_id": rows.ids.to_pylist(),
            "amount": rows.amounts.tolist(),
            "reverses": rows.reverses.to_pylist(),
            "state": ["exported"] * count,
            "outcome_reason": [""] * count,
            "outcome_date": [""] * count,
            "outcome_reference": [""] * count,
        },
    )


@dataclass(frozen=True, slots=True)
class BillRows:
    """The bills of a batch, in the order of their ids; as of `Rows`."""

    bill_ids: Any
    accounts: Any
    currencies: Any
    revisions: NDArray[np.int64]
    replaces: NDArray[np.int64]
    originals: NDArray[np.int64]


def read_bills(connection: Connection, batch: int) -> BillRows:
    """Give the bills of a batch."""
    bill = ADJUSTED_BILL.c
    query = select(bill.bill_id, bill.account, bill.currency, bill.revision, bill.replaces, bill.original)
    found = columns_of(connection, query.where(bill.batch == batch).order_by(bill.bill), 6)
    return BillRows(
        bill_ids=pa.array(found[0], pa.string()),
        accounts=pa.array(found[1], pa.string()),
        currencies=pa.array(found[2], pa.string()),
        revisions=np.array(found[3], np.int64),
        replaces=np.array(found[4], np.int64),
        originals=np.array(found[5], np.int64),
    )


def read(connection: Connection, batch: int) -> Rows:
    """Give a batch's adjustments as they were written."""
    bills, row = read_bills(connection, batch), ADJUSTMENT.c
    query = select(row.bill, row.charge, row.adjustment_id, row.amount, row.reverses).where(row.batch == batch)
    found = columns_of(connection, query, 5)
    of, charges = np.array(found[0], np.int64), pa.array(found[1], pa.string())
    order = _order(of, charges)
    return Rows(
        bill_ids=bills.bill_ids,
        accounts=bills.accounts,
        currencies=bills.currencies,
        revisions=bills.revisions,
        replaces=bills.replaces,
        originals=bills.originals,
        bills=of[order],
        charges=charges.take(order),
        ids=pa.array(found[2], pa.string()).take(order),
        amounts=np.array(found[3], np.int64)[order],
        reverses=pa.array(found[4], pa.string()).take(order),
    )


def standing_ids(connection: Connection, numbers: Sequence[int]) -> Any:
    """A table of the adjustments of some batches that were not rejected: bill_id, charge, adjustment_id."""
    bill, row = ADJUSTED_BILL.c, ADJUSTMENT.c
    query = (
        select(bill.bill_id, row.charge, row.adjustment_id)
        .join_from(ADJUSTMENT, ADJUSTED_BILL, (bill.batch == row.batch) & (bill.bill == row.bill))
        .where(row.batch.in_(numbers), row.state != "rejected")
        .order_by(row.batch, row.bill)
    )
    names = ("bill_id", "charge", "adjustment_id")
    found = columns_of(connection, query, 3)
    return pa.table({name: pa.array(texts, pa.string()) for name, texts in zip(names, found, strict=True)})


def prior(connection: Connection, bill_ids: Any) -> Prior:
    """Ask what the ledger has of some bills.

    Args:
        connection: with a transaction that may write: the bills are put into a temporary table, and joined.
        bill_ids: (bill,) Arrow texts, each once.
    """
    if len(bill_ids) == 0 or connection.execute(select(ADJUSTED_BILL.c.bill_id).limit(1)).first() is None:
        whole, none = np.zeros(0, np.int64), np.zeros(0, bool)
        return Prior(whole, whole, whole, whole, whole, whole, (), whole, none)
    asked = _ask(connection, bill_ids)
    of_bill = f"FROM {asked} JOIN adjusted_bill b ON b.bill_id = {asked}.bill_id"
    bills = columns_of(connection, f"SELECT {asked}.position, b.revision, b.original {of_bill}", 3)
    rows = columns_of(
        connection,
        f"SELECT {asked}.position, b.batch, b.revision, a.charge, a.amount, a.state {of_bill} "
        "JOIN adjustment a ON a.batch = b.batch AND a.bill = b.bill WHERE a.state <> 'rejected'",
        6,
    )
    connection.exec_driver_sql(f"DROP TABLE {asked}")
    return Prior(
        bill_at=np.array(bills[0], np.int64),
        bill_revision=np.array(bills[1], np.int64),
        bill_original=np.array(bills[2], np.int64),
        at=np.array(rows[0], np.int64),
        batch=np.array(rows[1], np.int64),
        revision=np.array(rows[2], np.int64),
        charge=rows[3],
        amount=np.array(rows[4], np.int64),
        open=np.array([state == "exported" for state in rows[5]], dtype=bool),
    )


def _ask(connection: Connection, bill_ids: Any) -> str:
    """Put bills into a temporary table; gives its name."""
    name = "asked_bill"
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {name} (position INTEGER, bill_id TEXT)")
    columns = {"position": list(range(len(bill_ids))), "bill_id": bill_ids.to_pylist()}
    insert_columns(connection, name, columns, {"position": "integer", "bill_id": "text"})
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {name}")  # else it is taken for small
    return name


def insert_columns(
    connection: Connection, name: str, columns: Mapping[str, list[Any]], types: Mapping[str, str]
) -> None:
    """Insert rows that are given by the column.

    Args:
        connection: with a transaction that may write.
        name: of the table.
        columns: name -> values, all of one length.
        types: name -> type as PostgreSQL names it.
    """
    names = ", ".join(columns)
    count = len(next(iter(columns.values())))
    if not count:
        return
    if connection.dialect.name == "postgresql":
        arrays = ", ".join(f"%s::{types[column]}[]" for column in columns)
        statement = f"INSERT INTO {name} ({names}) SELECT * FROM unnest({arrays})"
        for first in range(0, count, _CHUNK):
            chunk = tuple(values[first : first + _CHUNK] for values in columns.values())
            connection.exec_driver_sql(statement, chunk)
    else:
        marks = ", ".join("?" * len(columns))
        with _uncollected():
            rows = list(zip(*columns.values(), strict=True))
            connection.exec_driver_sql(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)


def _insert(connection: Connection, table: Table, columns: Mapping[str, list[Any]]) -> None:
    types = {name: _TYPES[str(table.c[name].type)] for name in columns}
    insert_columns(connection, table.name, columns, types)


def columns_of(connection: Connection, query: Any, count: int) -> list[list[Any]]:
    """The columns of a statement's answer: whole numbers and texts, as the driver gives them."""
    found = connection.exec_driver_sql(query) if isinstance(query, str) else connection.execute(query)
    columns: list[list[Any]] = [[] for _ in range(count)]
    assert found.cursor is not None, "a SELECT has an answer"
    with _uncollected():
        while rows := found.cursor.fetchmany(_CHUNK):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(values)
    found.close()
    return columns


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave Python's search for cycles out: it would look through millions of tuples again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _order(bills: NDArray[np.int64], charges: Any) -> NDArray[np.int64]:
    """Positions in the order of bills, and of charges by code points within them, however a database orders texts."""
    names = charges.dictionary_encode()
    words = names.dictionary.to_pylist()
    rank = np.empty(len(words), dtype=np.int64)
    rank[sorted(range(len(words)), key=lambda at: str(words[at]))] = np.arange(len(words))
    codes = names.indices.to_numpy()
    return np.lexsort((rank[codes] if len(words) else codes, bills))


def _digits(text: str, count: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:count]
