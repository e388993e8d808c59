"""Billing a partition while triggers look at its rows, together with the history of their accounts.

    billed rows ──▶ events ┐
    history     ──▶ events ┴──each once──▶ panel ──▶ warnings_over_time
                             └──▶ events_refused

All rows and all events of an account are in one partition. A run without a history is billed as it was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import row_ids
from engine.bulk.event_files import KEY, VALUE, schema_of, widened
from engine.bulk.over_time import SCHEMAS
from engine.bulk.partition_run import Between, Prepared, bill_with, prepare
from engine.bulk.partitions import Done, History, Partition, Work
from engine.bulk.sinks import Sink
from engine.bulk.sources import Batch
from engine.bulk.summary import Tally
from engine.calendars.local import midnight
from engine.compiler.trigger import EventType, Trigger, Watch
from engine.evaluator.batch import Dispatched
from engine.evaluator.refuse import row_problem
from engine.evaluator.rows import Mask, RowProblem
from engine.runs.history import TIMEZONE, again_of, events_of, refused_of, refused_table
from engine.runs.row_events import events_of_rows, needed_names
from engine.triggers.layout import Coded
from engine.triggers.machine import Raised, text_of, values_of
from engine.triggers.panel import EventColumns, RaisedColumns, panel

WRITTEN_ROWS: Final = 65_536  # warnings laid out at once
OF_ROWS: Final = 1 << 62  # positions of rows' events begin here: after all of the history


def bill_partition(work: Work, partition: Partition, attempt: int, between: Between | None = None) -> Done:
    """Bill one partition, as `engine.bulk.partition_run.bill_partition`; of a run with a history triggers look, too.

    Raises:
        FileProblem: the input or the history cannot be read, or the output not written.
        WrongBook: the file of the rate book holds another.
    """
    prepared = prepare(work)
    beside = None if work.history is None else Watching(prepared, work.history, partition.number)
    return bill_with(prepared, partition, attempt, between, beside)


class Watching:
    """What looks at the rows of one partition and at the history of its accounts."""

    def __init__(self, prepared: Prepared, history: History, partition: int) -> None:
        self._watch: Watch = prepared.book.watch
        self._history, self._partition = history, partition
        self._types = {name: type_ for name, type_ in self._watch.events.items() if type_.rows}
        self._timezones = {name: timezone_of(self._watch, name) for name in self._types}
        self._schema = schema_of(self._watch.events)
        self.names = needed_names(self._types)
        self._parts: list[Any] = []
        self._refused: list[RowProblem] = []

    def begin(self) -> None:
        """Forget what came."""
        self._parts, self._refused = [], []

    def take(self, batch: Batch, done: Sequence[Dispatched]) -> None:
        """Take a batch's rows as events."""
        for found in events_of_rows(self._types, self._timezones, batch, done):
            self._parts.append(widened(found.table, self._schema))
            self._refused += found.refused

    def finish(self, sink: Sink, tally: Tally) -> None:
        """Have the triggers look at all events of the partition, and write what they find."""
        counts: Counter[tuple[str, str]] = Counter()
        for name, schema in SCHEMAS.items():
            sink.write(name, schema.empty_table())
        events = self._events(sink, counts)
        columns = list(event_columns(self._watch.events, events))
        del events
        self._parts = []
        found = panel(self._watch.triggers.values(), columns, self._history.until)
        self._write(found, sink, counts)
        tally.over_time.update(counts)

    def _events(self, sink: Sink, counts: Counter[tuple[str, str]]) -> Any:
        """Every event of the partition once; the others are told."""
        history, again = events_of(self._history, self._partition), again_of(self._history)
        counts.update({("history", name): count for name, count in _by_type(history)})
        if self._partition == 0:
            for table in refused_of(self._history):
                self._tell(table, sink, counts)
        self._tell(refused_table([(None, None, one) for one in self._refused]), sink, counts)
        rows = pa.concat_tables([self._schema.empty_table(), *self._parts])
        at = rows.schema.get_field_index("position")
        rows = rows.set_column(at, "position", pa.array(OF_ROWS + np.arange(rows.num_rows)))
        counts.update({("rows", name): count for name, count in _by_type(rows)})
        twice = np.zeros(history.num_rows + rows.num_rows, dtype=bool)
        if len(again):
            twice[: history.num_rows] = np.isin(np.asarray(history.column("position")), again)
        twice[history.num_rows :] = _known(rows.column("id"), history.column("id"), self._types)
        events = pa.concat_tables([history.cast(self._schema), rows]).unify_dictionaries()
        if not twice.any():
            return events
        same, taken = same_again(events, twice)
        counts.update({("duplicate", name): count for name, count in _by_type(events.filter(pa.array(same)))})
        refused = [(*self._place(int(at)), _taken(id_)) for at, id_ in _places(events, taken)]
        self._tell(refused_table(refused), sink, counts)
        return events.filter(pa.array(~twice))

    def _tell(self, table: Any, sink: Sink, counts: Counter[tuple[str, str]]) -> None:
        """Write refused events."""
        if not table.num_rows:
            return
        for one in pc.value_counts(table.column("code")).to_pylist():
            counts["refused", one["values"]] += one["counts"]
        sink.write("events_refused", table)

    def _place(self, position: int) -> tuple[str | None, int | None]:
        """The file and the row in it of an event of the history."""
        for path, rows in self._history.files:
            if position < rows:
                return path, position
            position -= rows
        return None, None

    def _write(self, found: RaisedColumns, sink: Sink, counts: Counter[tuple[str, str]]) -> None:
        since = {id_: midnight(self._history.since, one.timezone) for id_, one in self._watch.triggers.items()}
        told: list[Raised] = []
        for one in found.since(min(since.values())):
            if one.at >= since[one.trigger]:
                counts[one.state, one.trigger] += 1
                told.append(one)
                if len(told) == WRITTEN_ROWS:
                    sink.write("warnings_over_time", warnings_table(self._watch.triggers, told))
                    told = []
        sink.write("warnings_over_time", warnings_table(self._watch.triggers, told))


def timezone_of(watch: Watch, event: str) -> str:
    """The timezone of the days of rows that are such events: that of a trigger which looks at them."""
    zones = (one.timezone for _, one in sorted(watch.triggers.items()) if one.transition(event) is not None)
    return next(zones, TIMEZONE)


def warnings_table(triggers: Mapping[str, Trigger], found: Sequence[Raised]) -> Any:
    """Lay warnings out, in the order in which they come."""
    rows = []
    for one in found:
        trigger = triggers[one.trigger]
        rows.append(
            {
                "id": one.id,
                "account": one.account,
                "trigger": one.trigger,
                "keys": json.dumps(dict(zip(trigger.each, one.key, strict=True)), ensure_ascii=False),
                "state": one.state,
                "at": one.at,
                "event": one.event,
                "level": trigger.level,
                "recipient": trigger.recipient,
                "title": trigger.title,
                "message": text_of(trigger, one),
                "values": json.dumps(values_of(trigger, one), ensure_ascii=False),
                "region": one.region,
                "ruleset": trigger.ruleset,
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMAS["warnings_over_time"])


def event_columns(types: Mapping[str, EventType], events: Any) -> Iterator[EventColumns]:
    """Give events as the panel takes them, a type at a time; none of a type that there are none of.

    Args:
        types: by name.
        events: pyarrow Table as `engine.bulk.event_files.schema_of` says.
    """
    named = row_ids.texts(events.column("event"))
    for name, type_ in types.items():
        mine = events.filter(pc.equal(named, name))
        if not mine.num_rows:
            continue
        values, given = {}, {}
        for spec in type_.inputs:
            column = mine.column(VALUE + spec.name).combine_chunks()
            values[spec.name] = np.asarray(column.fill_null(0)).astype(np.int64, copy=False)
            given[spec.name] = np.asarray(column.is_valid())
        yield EventColumns(
            type=name,
            ids=_Named(mine.column("id")),
            accounts=_coded(mine.column("account")),
            at=np.asarray(mine.column("at")).astype(np.int64, copy=False),
            values=values,
            given=given,
            keys={key: _coded(mine.column(KEY + key)) for key in type_.keys},
            regions=_coded(mine.column("region")),
            rulesets=_coded(mine.column("ruleset")),
        )


def _coded(column: Any) -> Coded:
    """Texts by number, each once, in their order: accounts that stand so in a file are then read as they lie."""
    array = column.combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    texts = array.dictionary.to_pylist()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(texts), dtype=np.int64)
    rank[order] = np.arange(len(texts))
    return Coded(rank[np.asarray(array.indices)], [texts[at] for at in order])


class _Named:
    """Ids in Arrow's memory, given one by one."""

    def __init__(self, column: Any) -> None:
        self._array = column.combine_chunks()

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, row: int, /) -> str:
        return str(self._array[int(row)].as_py())


def same_again(events: Any, twice: Mask) -> tuple[Mask, Mask]:
    """Tell events whose id came before into those of equal content and the others, whose id is taken.

    Args:
        events: of one partition; `position` says which came first.
        twice: (event,) whether its id came before, here or in another partition.
    """
    ids = row_ids.texts(events.column("id"))
    concerned = np.flatnonzero(np.asarray(pc.is_in(ids, value_set=ids.filter(pa.array(twice)))))
    some = events.take(pa.array(concerned))
    order = pc.sort_indices(some, [("id", "ascending"), ("position", "ascending")])
    some, concerned = some.take(order), concerned[np.asarray(order)]
    id_ = row_ids.texts(some.column("id"))
    begins = np.ones(len(id_), dtype=bool)
    begins[1:] = np.asarray(pc.not_equal(id_.slice(1), id_.slice(0, len(id_) - 1)))
    first = pa.array(np.maximum.accumulate(np.where(begins, np.arange(len(id_)), 0)))
    equal = np.ones(len(id_), dtype=bool)
    for name in some.schema.names:
        if name != "position":
            mine = some.column(name).combine_chunks()
            equal &= _alike(mine, mine.take(first))
    came_first = twice[concerned][np.asarray(first)]  # in another partition: then it is of another account
    here = twice[concerned]
    same, taken = np.zeros(len(twice), dtype=bool), np.zeros(len(twice), dtype=bool)
    same[concerned] = here & equal & ~came_first
    taken[concerned] = here & ~(equal & ~came_first)
    return same, taken


def _alike(mine: Any, other: Any) -> Mask:
    if pa.types.is_dictionary(mine.type):
        mine, other = mine.dictionary_decode(), other.dictionary_decode()
    same = np.asarray(pc.equal(mine, other).fill_null(False))
    both: Mask = same | (~np.asarray(mine.is_valid()) & ~np.asarray(other.is_valid()))
    return both


def _known(ids: Any, history: Any, types: Mapping[str, EventType]) -> Mask:
    """Which rows' events the history has already: only ids that begin as those of rows do can be such."""
    theirs = history.combine_chunks()
    begin = np.zeros(len(theirs), dtype=bool)
    for name in types:
        begin |= np.asarray(pc.starts_with(theirs, f"{name}@"))
    # Of a row whose names are too long, the id is a hash of 64 digits.
    begin |= np.asarray(pc.equal(pc.binary_length(theirs), 64))
    if not begin.any():
        return np.zeros(len(ids), dtype=bool)
    found: Mask = np.asarray(pc.is_in(ids.combine_chunks(), value_set=theirs.filter(pa.array(begin))))
    return found


def _taken(id_: str) -> RowProblem:
    return row_problem(0, id_, "event-id-taken", "id", id_)


def _places(events: Any, which: Mask) -> Iterator[tuple[int, str]]:
    some = events.filter(pa.array(which))
    yield from zip(some.column("position").to_pylist(), some.column("id").to_pylist(), strict=True)


def _by_type(events: Any) -> Iterator[tuple[str, int]]:
    for one in pc.value_counts(row_ids.texts(events.column("event"))).to_pylist():
        yield one["values"], one["counts"]
