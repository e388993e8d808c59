"""Rows of a run's input drawn at random, billed again by the reference, and laid beside what the run wrote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.partition_run import Prepared, RowsOf
from engine.bulk.partitions import Partition
from engine.bulk.pieces import chosen_rows
from engine.bulk.profiles import PROFILES, SCORE, SEGMENT
from engine.compiler.program import Compiled
from engine.evaluator.compare import plain, plain_list
from engine.evaluator.reference import Bill, Reference
from engine.evaluator.rows import RowProblem, Rows
from engine.runs.ledger import PartitionRecord

if TYPE_CHECKING:
    from engine.runs.verify import Check, Written

PARTITIONS_MAX: Final = 8  # that are read for one sample


def check(
    check_: Check, prepared: Prepared, written: Written, done: Sequence[PartitionRecord], sample: int, seed: int
) -> None:
    """Bill a sample of rows again.

    Args:
        check_: gets the count of rows, and what differs.
        prepared: the run.
        written: its tables.
        done: partitions of it.
        sample: rows.
        seed: the same one draws the same rows.
    """
    gone = sorted({one.path for record in done for one in record.partition.slices if not Path(one.path).is_file()})
    if gone:
        check_.sample_kept_from = f"the input is gone: {gone[0]}"
        return
    draw = np.random.default_rng(seed)
    some = [one for one in done if one.partition.rows]
    if not some:
        return
    chosen = sorted(draw.choice(len(some), min(len(some), PARTITIONS_MAX), replace=False).tolist())
    each = -(-sample // len(chosen))
    for at in chosen:
        record = some[at]
        rows = record.partition.rows
        positions = np.sort(draw.choice(rows, min(rows, each), replace=False))
        _partition(check_, prepared, written, record, positions)


def _partition(
    check_: Check, prepared: Prepared, written: Written, record: PartitionRecord, positions: NDArray[np.int64]
) -> None:
    from engine.runs.verify import Difference

    assert record.done is not None
    references: dict[str, Reference] = {}
    told: dict[str, Bill | RowProblem] = {}
    for row_id, compiled, row, days in _rows(prepared, record.partition, positions):
        if compiled is None:
            continue
        reference = references.setdefault(compiled.id + str(compiled.first_day), Reference(compiled))
        told[row_id] = reference.bill(row, period_from=days[0], period_to=days[1], row_id=row_id)
    found = _stored(written, record, list(told))
    for row_id, expected in told.items():
        check_.sampled += 1
        stored = found.get(row_id, {})
        wanted = _refusal(expected) if isinstance(expected, RowProblem) else _amounts(expected)
        for what in sorted(wanted.keys() | stored.keys()):
            one, other = stored.get(what), wanted.get(what)
            if one != other and (one or other):
                where = f"row {row_id}"
                check_.differences.append(Difference(where, f"{what}, billed again", str(one), str(other)))


def _rows(
    prepared: Prepared, partition: Partition, positions: NDArray[np.int64]
) -> Iterator[tuple[str, Compiled | None, Mapping[str, object], tuple[int, int]]]:
    """Read some rows as the evaluator has them, with what they carry, value by value."""
    rows_of = RowsOf(prepared, partition)
    if prepared.carried:
        rows_of.survey()
    book = prepared.book.rulesets
    for batch in rows_of.source.batches():
        mine = positions[(positions >= batch.first) & (positions < batch.first + batch.size)] - batch.first
        mine = mine[~rows_of.again[batch.first + mine]]
        if rows_of.wanted is not None:
            mine = mine[rows_of.wanted[batch.first + mine]]
        for piece in rows_of.ready(batch).pieces:
            at = np.flatnonzero(np.isin(piece.positions, mine))
            if not len(at):
                continue
            rows = chosen_rows(piece.rows, at)
            for number, position in enumerate(piece.positions[at].tolist()):
                key = (rows.ruleset.codes or ("",))[int(rows.ruleset.values[number])]
                days = int(rows.period_from[number]), int(rows.period_to[number])
                compiled = book.get(key)
                row = {} if compiled is None else _values(compiled, rows, number)
                yield str(batch.row_id[position].as_py()), compiled, row, days


def _values(compiled: Compiled, rows: Rows, at: int) -> dict[str, object]:
    one = chosen_rows(rows, np.array([at]))
    values: dict[str, object] = {name: plain(column)[0] for name, column in one.columns.items()}
    return values | {name: plain_list(compiled, name, children)(0) for name, children in one.children.items()}


def _amounts(bill: Bill) -> dict[str, Decimal | str]:
    found: dict[str, Decimal | str] = {"total": bill.total}
    for line in bill.lines:
        so_far = found.get(line.id, Decimal(0))
        assert isinstance(so_far, Decimal)
        found[line.id] = so_far + line.amount
    found |= {f"{SCORE} {name}": value for name, value in bill.scores.items()}
    found |= {f"{SEGMENT} {name}": class_ for name, class_ in bill.segments.items()}
    return found


def _refusal(found: RowProblem) -> dict[str, Decimal | str]:
    return {"refused": f"{found.code} {found.field}"}


def _stored(written: Written, record: PartitionRecord, row_ids: list[str]) -> dict[str, dict[str, Decimal | str]]:
    """What the run wrote of some rows: amounts by line, or the refusal."""
    assert record.done is not None
    wanted = pa.array(row_ids, pa.string())
    found: dict[str, dict[str, Decimal | str]] = {}
    for name in record.done.files:
        if name.startswith(("warnings", "events_refused")):
            continue
        for table in written.batches(name):
            ids = pc.cast(table.column("row_id"), pa.string())
            mine = table.filter(pc.is_in(ids, wanted))
            if mine.num_rows:
                _read(name, mine, found)
    return found


def _read(name: str, table: Any, found: dict[str, dict[str, Decimal | str]]) -> None:
    places = {field.name: int((field.metadata or {}).get(b"places", b"0")) for field in table.schema}
    lines = [field.name for field in table.schema if field.name not in _NOT_LINES]
    for row in table.to_pylist():
        of = found.setdefault(str(row["row_id"]), {})
        if name.startswith("bills"):
            of["total"] = Decimal(row["total"])
        elif name.startswith("refused"):
            of["refused"] = f"{row['code']} {row['field'] or ''}"
        elif name.startswith(f"{PROFILES}/"):
            of[f"{row['kind']} {row['id']}"] = Decimal(row["value"]) if row["kind"] == SCORE else row["class"]
        else:
            for line in lines:
                if row[line] is not None and not line.endswith((".quantity", ".price")):
                    so_far = of.get(line, Decimal(0))
                    assert isinstance(so_far, Decimal)
                    scaled = isinstance(row[line], int)
                    of[line] = so_far + Decimal(row[line]).scaleb(-places[line] if scaled else 0)


_NOT_LINES: Final = frozenset({"row_id", "ruleset", "part", "part_from", "part_to", "run", "partition"})
