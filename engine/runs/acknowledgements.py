"""What the billing system did with adjustments -> the ledger: a file of ids, each `posted` or `rejected`.

A file may speak of some of the adjustments; the others stay open. It counts as a whole or not at all: an id that the
ledger does not know, or an outcome that contradicts an earlier one, leaves everything as it was. The same outcome told
again changes nothing, so that a file may be read twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.files import opened, tables
from engine.registry.database import Database
from engine.runs.adjustment_ledger import lock
from engine.runs.adjustment_outcomes import left_over, look_up, settle
from engine.runs.adjustment_problems import AdjustmentProblem, first_of

OUTCOMES: Final = ("posted", "rejected")
NEEDED: Final = ("adjustment_id", "outcome")
NOTES: Final = ("reason", "date", "reference")  # columns that are kept if they are there
_BATCH_ROWS: Final = 262_144


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a file has changed. rows = posted + rejected + known_already.

    Attributes:
        rows: adjustments that it names.
        posted, rejected: that were open.
        known_already: that had this outcome before.
        still_open: of the runs that it speaks of, adjustments that wait for an outcome.
        halves: charges of bills of which one of an adjustment and its reversal was posted alone: `dianjia runs
            reverse RUN --remaining` makes them good.
        runs: that it speaks of.
    """

    rows: int
    posted: int
    rejected: int
    known_already: int
    still_open: int
    halves: int
    runs: tuple[str, ...]


def acknowledge(database: Database, file: Path) -> Acknowledged:
    """Take in what a file says.

    Raises:
        AdjustmentProblem: nothing was changed.
        FileProblem: the file cannot be read.
    """
    ids, codes, notes = _read(file)
    with database.writing() as connection:
        lock(connection)
        found = look_up(connection, ids)
        if found.unknown:
            first = first_of(found.unknown)
            raise AdjustmentProblem("acknowledgement-unknown", str(file), count=len(found.unknown), first=first)
        own = codes[found.asked]
        contradicts = (found.state > 0) & (found.state != own)
        if contradicts.any():
            first = first_of(ids.take(found.asked[contradicts]).to_pylist())
            raise AdjustmentProblem("acknowledgement-contradicts", str(file), count=int(contradicts.sum()), first=first)
        fresh = found.state == 0
        texts = {name: _noted(notes.get(name), found.asked[fresh]) for name in NOTES}
        states = [OUTCOMES[code - 1] for code in own[fresh].tolist()]
        settle(connection, found, np.flatnonzero(fresh), states, texts)
        still_open, halves = left_over(connection, found.runs)
    return Acknowledged(
        rows=len(ids),
        posted=states.count("posted"),
        rejected=states.count("rejected"),
        known_already=int((~fresh).sum()),
        still_open=still_open,
        halves=halves,
        runs=found.runs,
    )


def _read(file: Path) -> tuple[Any, NDArray[np.int64], Mapping[str, Any]]:
    """Ids, each once; 1 for posted, 2 for rejected; notes by their column."""
    format_, schema, _ = opened(file)
    for name in NEEDED:
        if name not in schema.names:
            known = ", ".join(f"`{one}`" for one in schema.names)
            raise AdjustmentProblem("acknowledgement-columns", str(file), column=name, known=known)
    wanted = [name for name in (*NEEDED, *NOTES) if name in schema.names]
    parts: dict[str, list[Any]] = {name: [] for name in wanted}
    for table in tables(file, format_, schema, (), _BATCH_ROWS):
        for name in wanted:
            parts[name] += table.column(name).cast(pa.string()).chunks
    columns = {name: pa.concat_arrays([pa.array([], pa.string()), *its]) for name, its in parts.items()}
    ids = pc.fill_null(pc.utf8_trim_whitespace(columns["adjustment_id"]), "")
    outcomes = pc.fill_null(pc.utf8_trim_whitespace(columns["outcome"]), "")
    codes = pc.fill_null(pc.index_in(outcomes, value_set=pa.array(OUTCOMES)), -1).to_numpy().astype(np.int64) + 1
    wrong = np.flatnonzero(codes == 0)
    if len(wrong):
        first = first_of([f"{ids[at].as_py()}: {outcomes[at].as_py()}" for at in wrong[:6].tolist()])
        raise AdjustmentProblem("acknowledgement-outcome", str(file), count=len(wrong), first=first)
    return _once(file, ids, codes, {name: columns[name] for name in NOTES if name in columns})


def _once(
    file: Path, ids: Any, codes: NDArray[np.int64], notes: Mapping[str, Any]
) -> tuple[Any, NDArray[np.int64], Mapping[str, Any]]:
    """Leave out rows that say the same thing twice.

    Raises:
        AdjustmentProblem: `acknowledgement-contradicts`: two rows say different things of one adjustment.
    """
    named = ids.dictionary_encode()
    if len(named.dictionary) == len(ids):
        return ids, codes, notes
    which = named.indices.to_numpy()
    _, first = np.unique(which, return_index=True)
    other = codes != codes[first][which]
    if other.any():
        told = sorted(set(ids.filter(pa.array(other)).to_pylist()))
        raise AdjustmentProblem("acknowledgement-contradicts", str(file), count=len(told), first=first_of(told))
    return ids.take(first), codes[first], {name: column.take(first) for name, column in notes.items()}


def _noted(column: Any, asked: NDArray[np.int64]) -> Sequence[str]:
    if column is None:
        return [""] * len(asked)
    texts: list[str] = pc.fill_null(column.take(asked), "").to_pylist()
    return texts
