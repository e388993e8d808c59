"""Billed rows -> events: what of a row is an event's input, exactly, at the end of its billing period.

An event type's `from_rows` names for each input the first of some names that the row's rule set knows: an input, a
quantity, or `total`. A row of a rule set that knows none of them for an input that every event needs, or that does not
give it, is no such event. A row that is split by a change inside its period has no quantities, only inputs and `total`.
An event type with keys is of no row: the compiler refuses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import row_ids
from engine.bulk.arrays import take
from engine.bulk.event_files import VALUE
from engine.bulk.overlaps import ACCOUNT
from engine.bulk.sources import Batch, Piece
from engine.calendars.local import midnights
from engine.compiler.program import Compiled, InputSpec, Type
from engine.compiler.trigger import EventType
from engine.evaluator.batch import Dispatched, Group
from engine.evaluator.columns import absent, read_column
from engine.evaluator.rows import Column, RowProblem, Whole, day_text, whole_text
from engine.triggers.events import TEXT_MAX, Event, RawEvent, read_event

TOTAL: Final = "total"
BEFORE_MIDNIGHT: Final = 1_000_000  # [us] the period ends a second before the day after it: within its last day
_ODD: Final = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class RowEvents:
    """Rows of a batch as events.

    Attributes:
        table: pyarrow Table as `engine.bulk.event_files.schema_of` says, but for what it has no column of.
        refused: rows that are no events though their rule set knows all that is needed.
    """

    table: Any
    refused: tuple[RowProblem, ...]


def needed_names(types: Mapping[str, EventType]) -> frozenset[str]:
    """Quantities that rows must be billed with so that they can be events."""
    return frozenset(name for type_ in types.values() for of in type_.rows for name in of.names if name != TOTAL)


def events_of_rows(
    types: Mapping[str, EventType], timezones: Mapping[str, str], batch: Batch, done: Sequence[Dispatched]
) -> Iterator[RowEvents]:
    """Give the billed rows of a batch as events.

    Args:
        types: those with `rows`, by name.
        timezones: by event type, of its rows' days.
        batch: as it was read.
        done: what became of each of its pieces.
    """
    for piece, one in zip(batch.pieces, done, strict=True):
        for group in one.groups:
            for compiled, at in _members(group):
                for type_ in types.values():
                    found = _events(type_, timezones[type_.name], batch, piece, group, compiled, at)
                    if found is not None:
                        yield found


def _members(group: Group) -> Iterator[tuple[Compiled, Whole]]:
    """Rule sets of a group with their rows' positions among the billed rows."""
    count = len(group.result.total)
    if group.code is None:
        if count:
            yield group.members[0], np.arange(count)
        return
    order = np.argsort(group.code, kind="stable")
    ends = np.cumsum(np.bincount(group.code, minlength=len(group.members))).tolist()
    for compiled, first, end in zip(group.members, [0, *ends], ends, strict=False):
        if end > first:
            yield compiled, order[first:end]


def _events(
    type_: EventType, timezone: str, batch: Batch, piece: Piece, group: Group, compiled: Compiled, at: Whole
) -> RowEvents | None:
    columns: dict[str, Column] = {}
    for spec in type_.inputs:
        names = next((one.names for one in type_.rows if one.input == spec.name), ())
        column = _column(names, spec, piece, group, compiled, at)
        if column is not None:
            columns[spec.name] = column
        elif spec.default is None and not spec.optional:
            return None
    positions = piece.positions[group.result.kept[at]]
    known = row_ids.texts(batch.passing[ACCOUNT]).take(pa.array(positions))
    given = np.asarray(known.is_valid())  # else it is a row of nobody
    for spec in type_.inputs:
        valid = columns[spec.name].valid if spec.name in columns else None
        if valid is not None and spec.default is None and not spec.optional:
            given = given & valid
    if not given.all():
        if not given.any():
            return None
        known, positions = known.filter(pa.array(given)), positions[given]
        columns = {name: take(column, np.flatnonzero(given)) for name, column in columns.items()}
    return _laid_out(type_, timezone, batch, compiled, positions, known, columns)


def _column(
    names: Sequence[str], spec: InputSpec, piece: Piece, group: Group, compiled: Compiled, at: Whole
) -> Column | None:
    """The values that an event's input takes of rows; None: their rule set knows none of the names."""
    program, result = compiled.program, group.result
    for name in names:
        own = next((one for one in program.inputs if one.name == name and _as(one.type, spec)), None)
        if own is not None:
            rows = result.kept[at]
            came = piece.rows.columns.get(name)
            read = absent(own, len(rows)) if came is None else read_column(own, take(came, rows))
            valid = None if own.default is not None else read.given
            codes = own.type.codes if own.type.kind == "code" else None
            return Column(read.values, 0 if codes else own.type.places, valid, codes)
        if name == TOTAL and _as(program.steps[program.total].type, spec):
            return Column(result.total[at].copy(), program.steps[program.total].type.places)
        step = program.names.get(name)
        if step is not None and step in result.steps and _as(program.steps[step].type, spec):
            of = program.steps[step].type
            codes = of.codes if of.kind == "code" else None
            if result.offsets is None:
                return Column(result.steps[step][at].copy(), 0 if codes else of.places, None, codes)
            first = result.offsets[:-1][at]
            whole = np.diff(result.offsets)[at] == 1
            return Column(result.steps[step][first].copy(), 0 if codes else of.places, whole, codes)
    return None


def _as(of: Type, spec: InputSpec) -> bool:
    """Whether a value of a rule set can be an event's input: one of the row, of the same kind and unit."""
    return of.axis == "row" and of.kind == spec.type.kind and of.unit == spec.type.unit


def _laid_out(
    type_: EventType,
    timezone: str,
    batch: Batch,
    compiled: Compiled,
    positions: Whole,
    accounts: Any,
    columns: Mapping[str, Column],
) -> RowEvents:
    count = len(positions)
    doubtful = np.zeros(count, dtype=bool)
    first, end = batch.period_from[positions], batch.period_to[positions]
    rows = row_ids.texts(batch.row_id.take(pa.array(positions)))
    found: dict[str, Any] = {
        "event": _one(type_.name, count),
        "id": _ids(type_.name, first, end, rows, accounts),
        "account": accounts,
        "at": pa.array(midnights(end, timezone) - BEFORE_MIDNIGHT),
        "region": _passing(batch, "region", positions).fill_null(""),
        "ruleset": _one(compiled.id, count),
    }
    doubtful |= _odd(found["region"], absent=True) | _odd(accounts)
    for spec in type_.inputs:
        column = columns.get(spec.name)
        read = absent(spec, count) if column is None else read_column(spec, column)
        if read.faults is not None:
            doubtful |= read.faults != 0
        without = ~read.given if read.given is not None and spec.default is None else None
        found[VALUE + spec.name] = pa.array(read.values.astype(np.int64, copy=False), mask=without)
    table = pa.table(found)
    if not doubtful.any():
        return RowEvents(table, ())
    refused = [_refused(type_, table, columns, int(at)) for at in np.flatnonzero(doubtful)]
    return RowEvents(table.filter(pa.array(~doubtful)), tuple(refused))


def _refused(type_: EventType, table: Any, columns: Mapping[str, Column], at: int) -> RowProblem:
    """Say of a row why it is no event, as `read_event` says it."""
    row = table.slice(at, 1).to_pylist()[0]
    values = {name: _text(column, at) for name, column in columns.items()}
    raw = RawEvent(
        id=row["id"],
        type=type_.name,
        account=row["account"],
        at=row["at"],
        values={name: value for name, value in values.items() if value is not None},
        region=row["region"],
        ruleset=row["ruleset"],
    )
    found = read_event({type_.name: type_}, raw)
    assert not isinstance(found, Event), "what is refused as a column is refused by itself"
    return found


def _text(column: Column, at: int) -> object:
    if column.valid is not None and not column.valid[at]:
        return None
    came = column.values[at]
    if column.codes is not None:
        return column.codes[int(came)]
    if column.values.dtype.kind == "b":
        return bool(came)
    return whole_text(int(came), column.places) if column.places else int(came)  # a day is its number


def _passing(batch: Batch, name: str, positions: Whole) -> Any:
    if name not in batch.passing:
        return _one("", len(positions))
    return row_ids.texts(batch.passing[name].take(pa.array(positions)))


def _one(text: str, count: int) -> Any:
    return pa.array([text]).take(pa.array(np.zeros(count, np.int64)))


def _odd(texts: Any, absent: bool = False) -> Any:
    lengths = np.asarray(pc.utf8_length(texts).fill_null(0))
    odd = np.asarray(pc.match_substring_regex(texts, _ODD).fill_null(True)) | (lengths > TEXT_MAX)
    return odd if absent else odd | (lengths == 0)


def _ids(event: str, first: Whole, end: Whole, rows: Any, accounts: Any) -> Any:
    """Ids of rows' events: `usage_recorded@2026-01-01..2026-02-01/ROW/ACCOUNT`; of ones too long, their hash.

    A slash in the row's id is written `%2F`, and `%` is `%25`: two rows never share an id.
    """
    rows = pc.replace_substring(pc.replace_substring(rows, "%", "%25"), "/", "%2F")
    ids = pc.binary_join_element_wise(f"{event}@", _days(first), "..", _days(end), "/", rows, "/", accounts, "")
    odd = _odd(ids)
    if not odd.any():
        return ids
    hashed = [hashlib.sha256(ids[int(at)].as_py().encode()).hexdigest() for at in np.flatnonzero(odd)]
    return pc.replace_with_mask(ids, pa.array(odd), pa.array(hashed))


def _days(days: Whole) -> Any:
    distinct, at = np.unique(days, return_inverse=True)
    return pa.array([day_text(day) for day in distinct.tolist()], pa.string()).take(pa.array(at))
