"""Outcomes of adjustments in the ledger's database: find adjustments by their ids, settle them, count what is left.

The first digits of an id name its batch, so that no index by id is kept: of each batch that a file speaks of, the rows
are read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, case, func, select, update

from engine.runs.adjustment_ledger import PREFIX, columns_of, insert_columns
from engine.runs.adjustment_tables import ADJUSTED_BILL, ADJUSTMENT, ADJUSTMENT_BATCH

_STATES: Final = ("exported", "posted", "rejected")
_FEW: Final = 500  # ids that a statement may name one by one
_SETTLE: Final = (
    "UPDATE adjustment SET state = {state}, outcome_reason = {reason}, outcome_date = {date}, "
    "outcome_reference = {reference} WHERE adjustment.batch = {batch} AND adjustment.bill = {bill} "
    "AND adjustment.charge = {charge}"
)
_TYPES: Final[Mapping[str, str]] = {
    "state": "text",
    "reason": "text",
    "date": "text",
    "reference": "text",
    "batch": "integer",
    "bill": "integer",
    "charge": "text",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Adjustments that were asked for by id, in no particular order.

    Attributes:
        asked: (row,) position among the ids asked for.
        batch, bill: (row,) with the charge, the key of the adjustment.
        charge: (row,) Arrow texts.
        state: (row,) 0 open, 1 posted, 2 rejected.
        unknown: ids that are of no adjustment.
        runs: of the adjustments that were found.
    """

    asked: NDArray[np.int64]
    batch: NDArray[np.int64]
    bill: NDArray[np.int64]
    charge: Any
    state: NDArray[np.int64]
    unknown: Sequence[str]
    runs: tuple[str, ...]


def look_up(connection: Connection, ids: Any) -> Found:
    """Find adjustments by their ids: (id,) Arrow texts, each once."""
    prefixes = pc.utf8_slice_codeunits(ids, 0, PREFIX).dictionary_encode()
    of_id = prefixes.indices.to_numpy()
    known = {one.prefix: one for one in connection.execute(select(ADJUSTMENT_BATCH))}
    asked, batches, bills, states = ([np.zeros(0, np.int64)] for _ in range(4))
    charges = [pa.array([], pa.string())]
    runs = set()
    for code, prefix in enumerate(prefixes.dictionary.to_pylist()):
        if prefix not in known:
            continue
        batch, mine = known[prefix].batch, np.flatnonzero(of_id == code)
        of_batch = _rows(connection, batch, ids.take(mine))
        at = pc.index_in(ids.take(mine), value_set=of_batch.ids)
        there = at.is_valid().to_numpy(zero_copy_only=False)
        rows = at.drop_null().to_numpy()
        asked.append(mine[there])
        batches.append(np.full(len(rows), batch, dtype=np.int64))
        bills.append(of_batch.bills[rows])
        charges.append(of_batch.charges.take(rows))
        states.append(of_batch.states[rows])
        runs.add(known[prefix].run)
    where = np.concatenate(asked)
    lacking = np.ones(len(ids), dtype=bool)
    lacking[where] = False
    return Found(
        asked=where,
        batch=np.concatenate(batches),
        bill=np.concatenate(bills),
        charge=pa.concat_arrays(charges),
        state=np.concatenate(states),
        unknown=sorted(ids.filter(pa.array(lacking)).to_pylist()),
        runs=tuple(sorted(runs)),
    )


def settle(
    connection: Connection,
    found: Found,
    rows: NDArray[np.int64],
    states: Sequence[str],
    notes: Mapping[str, Sequence[str]],
) -> None:
    """Give open adjustments their outcome.

    Args:
        connection: with a transaction that may write.
        found: adjustments.
        rows: (outcome,) which of them.
        states: (outcome,) `posted` or `rejected`.
        notes: `reason`, `date` and `reference`, (outcome,) texts.
    """
    rows, states, notes = _settle_whole(connection, found, rows, states, notes)
    if not len(rows):
        return
    columns: dict[str, list[Any]] = {
        "state": list(states),
        **{name: list(texts) for name, texts in notes.items()},
        "batch": found.batch[rows].tolist(),
        "bill": found.bill[rows].tolist(),
        "charge": found.charge.take(rows).to_pylist(),
    }
    if connection.dialect.name == "postgresql":
        told = "told_outcome"
        named = ", ".join(f"{name} {type_}" for name, type_ in _TYPES.items())
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {told} ({named})")
        insert_columns(connection, told, {name: columns[name] for name in _TYPES}, _TYPES)
        connection.exec_driver_sql(f"ANALYZE {told}")
        statement = _SETTLE.format_map({name: f"{told}.{name}" for name in _TYPES})
        connection.exec_driver_sql(statement.replace(" WHERE ", f" FROM {told} WHERE ", 1))
        connection.exec_driver_sql(f"DROP TABLE {told}")
    else:
        statement = _SETTLE.format_map(dict.fromkeys(_TYPES, "?"))
        connection.exec_driver_sql(statement, list(zip(*(columns[name] for name in _TYPES), strict=True)))


def _settle_whole(
    connection: Connection,
    found: Found,
    rows: NDArray[np.int64],
    states: Sequence[str],
    notes: Mapping[str, Sequence[str]],
) -> tuple[NDArray[np.int64], Sequence[str], Mapping[str, Sequence[str]]]:
    """Settle by one statement each batch of which everything that is open has one outcome; gives what is left."""
    if any(text for texts in notes.values() for text in texts):
        return rows, states, notes
    row = ADJUSTMENT.c
    batches, said = found.batch[rows], np.array(states, dtype="U8")
    left = np.ones(len(rows), dtype=bool)
    for batch in np.unique(batches).tolist():
        mine = batches == batch
        outcomes = np.unique(said[mine]).tolist()
        is_open = (row.batch == batch) & (row.state == "exported")
        if len(outcomes) == 1 and int(mine.sum()) == connection.scalar(select(func.count()).where(is_open)):
            connection.execute(update(ADJUSTMENT).where(is_open).values(state=outcomes[0]))
            left &= ~mine
    return rows[left], said[left].tolist(), {name: [""] * int(left.sum()) for name in notes}


def left_over(connection: Connection, runs: Sequence[str]) -> tuple[int, int]:
    """Count, of some runs, adjustments that are open, and charges of bills that a reversal has not set right.

    The second are those whose last adjustment by the run is a reversal's, of which nothing is open, and which the
    posted ones do not leave where they were.
    """
    still_open = halves = 0
    for run in runs:
        own = connection.execute(select(ADJUSTMENT_BATCH).where(ADJUSTMENT_BATCH.c.run == run)).all()
        numbers = [one.batch for one in own]
        row = ADJUSTMENT.c
        counted = select(func.count()).where(row.batch.in_(numbers), row.state == "exported")
        still_open += int(connection.execute(counted).scalar_one())
        if any(one.kind == "reverse" for one in own):
            halves += _halves(connection, own)
    return still_open, halves


def _halves(connection: Connection, own: Sequence[Any]) -> int:
    bill, row = ADJUSTED_BILL.c, ADJUSTMENT.c
    places = max(one.places for one in own)
    by = case({one.batch: 10 ** (places - one.places) for one in own}, value=row.batch)
    reversals = [one.batch for one in own if one.kind == "reverse"]
    last = func.max(row.batch)
    charges = (
        select(row.charge)
        .join_from(ADJUSTMENT, ADJUSTED_BILL, (bill.batch == row.batch) & (bill.bill == row.bill))
        .where(row.batch.in_([one.batch for one in own]))
        .group_by(bill.bill_id, row.charge)
        .having(func.max(case((row.batch.in_(reversals), row.batch), else_=0)) == last)
        .having(func.sum(case((row.state == "exported", 1), else_=0)) == 0)
        .having(func.sum(case((row.state == "posted", row.amount * by), else_=0)) != 0)
        .subquery()
    )
    return int(connection.execute(select(func.count()).select_from(charges)).scalar_one())


@dataclass(frozen=True, slots=True)
class _Rows:
    ids: Any
    bills: NDArray[np.int64]
    charges: Any
    states: NDArray[np.int64]


def _rows(connection: Connection, batch: int, ids: Any) -> _Rows:
    """A batch's adjustments: all of them, or where few are asked for, those."""
    row = ADJUSTMENT.c
    query = select(row.adjustment_id, row.bill, row.charge, row.state).where(row.batch == batch)
    if len(ids) <= _FEW:
        query = query.where(row.adjustment_id.in_(ids.to_pylist()))
    found = columns_of(connection, query, 4)
    states = pc.index_in(pa.array(found[3], pa.string()), value_set=pa.array(_STATES))
    return _Rows(
        ids=pa.array(found[0], pa.string()),
        bills=np.array(found[1], np.int64),
        charges=pa.array(found[2], pa.string()),
        states=states.to_numpy().astype(np.int64),
    )
