"""Event files -> events as columns of whole numbers, exactly: Parquet, CSV, Arrow files and streams, a piece at a time.

    file ──tables──▶ by event type ──▶ texts, times, values: a column at a time ──▶ accepted rows
                                                     └── what is not plain ──▶ `read_event` ──▶ an event, or its problem

A file has the columns `id`, `account` and `at`, those of its events' keys and values, and may have `event`, `region`
and `ruleset`. Without `event` the name of the file, or of a folder that it lies in, says of which type its events are.
What a row is refused for is what `engine.triggers.events.read_event` says of it: a row that is not read as columns is
read by that. A column of whole numbers may say its `places`, as of portfolio files; a float64 cell is taken where it is
the nearest double to a number of the declared places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import arrays, cells, files, row_ids
from engine.bulk.cells import Cells, Wanted
from engine.bulk.event_times import time_as_it_came, times
from engine.bulk.problems import FileProblem
from engine.compiler.program import InputSpec
from engine.compiler.trigger import EventType
from engine.evaluator.columns import of_float, read_column
from engine.evaluator.rows import Mask, RowProblem, Whole
from engine.triggers.events import TEXT_MAX, Event, RawEvent, read_event

ROWS: Final = 131_072  # of a table
FIXED: Final = ("event", "id", "account", "at", "region", "ruleset")
NEEDED: Final = ("id", "account", "at")
LINES: Final = (".jsonl", ".ndjson", ".json")  # ends of names of JSON Lines, which are read line by line elsewhere
KEY, VALUE = "key.", "value."  # how columns of accepted events begin
_CONTROL: Final = r"[\x00-\x1f\x7f]"


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Some rows of a file.

    Attributes:
        path: of the file.
        first: rows of the file before it.
        rows: that were read.
        table: pyarrow Table of the events that fit, as `schema_of` says; `position` counts from the first row of all.
        refused: the others; `row` counts from 0 at the first row of the file.
    """

    path: Path
    first: int
    rows: int
    table: Any
    refused: tuple[RowProblem, ...]


def schema_of(types: Mapping[str, EventType]) -> Any:
    """Give the columns of events of any of these types.

    `at` is in microseconds since 1970-01-01 UTC; `value.NAME` a whole number of the places that the row's type
    declares, null where it is absent.
    """
    named = pa.dictionary(pa.int32(), pa.string())
    keys = dict.fromkeys(name for type_ in types.values() for name in type_.keys)
    values = dict.fromkeys(spec.name for type_ in types.values() for spec in type_.inputs)
    return pa.schema(
        [
            pa.field("event", named),
            pa.field("id", pa.string()),
            pa.field("account", pa.string()),
            pa.field("at", pa.int64()),
            pa.field("region", named),
            pa.field("ruleset", named),
            pa.field("position", pa.int64()),
            *(pa.field(KEY + name, pa.string()) for name in keys),
            *(pa.field(VALUE + name, pa.int64()) for name in values),
        ]
    )


def read_files(types: Mapping[str, EventType], paths: Sequence[Path], rows: int = ROWS) -> Iterator[EventBatch]:
    """Read event files, one after another.

    Args:
        types: by name, those of the rate book.
        paths: files; folders are expanded by whoever calls.
        rows: of a batch, at most.

    Raises:
        FileProblem: a file cannot be read, or its columns are none of events.
    """
    before = 0
    for file in [opened(types, path) for path in paths]:
        first = 0
        for table in files.tables(file.path, file.format, file.schema, (), rows):
            yield _batch(file, table, first, before + first)
            first += table.num_rows
        before += first


def raw_events(types: Mapping[str, EventType], paths: Sequence[Path]) -> Iterator[RawEvent]:
    """Read event files row by row, as they came; whoever takes the events in checks them.

    Raises:
        FileProblem: as of `read_files`.
    """
    for file in [opened(types, path) for path in paths]:
        for table in files.tables(file.path, file.format, file.schema, (), ROWS):
            cells_of = _AsCame(file, table)
            every = np.arange(table.num_rows)
            yield from cells_of.events(every, cells_of.types(every))


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of events whose columns are known; no row has been read.

    Attributes:
        types: all that there are.
        type: of all its events; "": the column `event` says it.
        columns: its columns that hold keys or values.
    """

    path: Path
    format: str
    schema: Any
    types: Mapping[str, EventType]
    type: str
    columns: tuple[str, ...]


def opened(types: Mapping[str, EventType], path: Path) -> EventFile:
    """Look at a file's columns, and say at once what cannot be read from them.

    Raises:
        FileProblem: it cannot be read, or its columns are none of events.
    """
    if path.suffix in LINES:
        told = {"reason": "it is JSON Lines, which `dianjia warnings record` reads"}
        told["reason_zh"] = "是 JSON Lines，由 `dianjia warnings record` 读取"
        raise FileProblem("portfolio-format", str(path), **told)
    format_, schema, _ = files.opened(path)
    names = list(schema.names)
    for name in names:
        if names.count(name) > 1:
            raise FileProblem("portfolio-column-twice", str(path), column=name)
    for name in NEEDED:
        if name not in names:
            instead, instead_zh = _INSTEAD[name]
            there = ", ".join(f"`{one}`" for one in names) or "no column"
            told = {"known": there, "instead": instead, "instead_zh": instead_zh}
            raise FileProblem("portfolio-column-missing", str(path), column=name, **told)
    type_ = "" if "event" in names else _named_after(types, path)
    mine = types if not type_ else {type_: types[type_]}
    known = sorted({*(key for one in mine.values() for key in one.keys), *_inputs(mine)})
    columns = tuple(name for name in names if name not in FIXED)
    for name in columns:
        if name not in known:
            raise FileProblem("events-column-unknown", str(path), column=name, known=", ".join(known))
    at = schema.field("at").type
    if pa.types.is_date(at) or (pa.types.is_timestamp(at) and at.tz is None):
        raise FileProblem(
            "portfolio-column-type",
            str(path),
            column="at",
            came=f"{at}, which does not say of which timezone its times are",
            instead="Write a timestamp with a timezone, text such as 2026-01-31T08:00:00+08:00, "
            "or whole microseconds since 1970-01-01 UTC.",
            instead_zh="请写成带时区的 timestamp、2026-01-31T08:00:00+08:00 这样的文本，"
            "或自 1970-01-01 UTC 起的微秒整数。",
        )
    file = EventFile(path, format_, schema, types, type_, columns)
    # Types are looked at on no rows, so that a column of the wrong type is named before the first row is read.
    nothing = schema.empty_table()
    for one in mine.values():
        _of_type(file, nothing, one, np.zeros(0, np.int64), np.zeros(0, np.int64))
    return file


_INSTEAD: Final[Mapping[str, tuple[str, str]]] = {
    "id": (
        "Give each event an `id` that no other event has.",
        "请给每个事件一个不与其他事件重复的 `id`。",
    ),
    "account": (
        "Say in `account` whose event it is.",
        "请在 `account` 写明事件所属账户。",
    ),
    "at": (
        "Say in `at` when it happened, with a timezone: 2026-01-31T08:00:00+08:00.",
        "请在 `at` 写明发生时间并带时区：2026-01-31T08:00:00+08:00。",
    ),
}


def _named_after(types: Mapping[str, EventType], path: Path) -> str:
    """The event type that a file's name, or that of the nearest folder, says; `event=NAME` as well as `NAME`."""
    for name in (path.name.partition(".")[0], *(one.name for one in path.absolute().parents)):
        plain = name.removeprefix("event=")
        if plain in types:
            return plain
    raise FileProblem("events-type-unknown", str(path), known=", ".join(sorted(types)))


def _inputs(types: Mapping[str, EventType]) -> dict[str, list[InputSpec]]:
    found: dict[str, list[InputSpec]] = {}
    for type_ in types.values():
        for spec in type_.inputs:
            found.setdefault(spec.name, []).append(spec)
    return found


def _batch(file: EventFile, table: Any, first: int, before: int) -> EventBatch:
    """Read a table; `before`: rows of all files before it."""
    with files.damage_named(file.path):  # texts of Parquet may hold any bytes
        for column in table.columns:
            if arrays.is_text(column.type):
                column.validate(full=True)
    cells_of = _AsCame(file, table)
    every = np.arange(table.num_rows)
    accepted, refused = [], []
    for name, rows in cells_of.by_type().items():
        type_ = None if name is None else file.types.get(name)
        left = rows
        if type_ is not None:
            read, left = _of_type(file, _taken(table, rows), type_, rows, before + rows)
            accepted.append(read)
        events, problems = _one_by_one(file, cells_of, name, left, first)
        refused += problems
        if events:
            accepted.append(table_of(file.types, [one for _, one in events], [before + at for at, _ in events]))
    schema = schema_of(file.types)
    together = pa.concat_tables([schema.empty_table(), *(widened(one, schema) for one in accepted)])
    if len(accepted) > 1:
        together = together.take(pc.sort_indices(together.column("position")))
    refused.sort(key=lambda one: one.row)
    assert together.num_rows + len(refused) == len(every), "every row is an event or refused"
    return EventBatch(file.path, first, table.num_rows, together.unify_dictionaries(), tuple(refused))


def _taken(table: Any, rows: Whole) -> Any:
    return table if len(rows) == table.num_rows else table.take(pa.array(rows))


def _one_by_one(
    file: EventFile, cells_of: _AsCame, type_: str | None, rows: Whole, first: int
) -> tuple[list[tuple[int, Event]], list[RowProblem]]:
    events, problems = [], []
    for at, raw in zip(rows.tolist(), cells_of.events(rows, [type_] * len(rows)), strict=True):
        found = read_event(file.types, raw, first + at)
        if isinstance(found, Event):
            events.append((at, found))
        else:
            problems.append(found)
    return events, problems


def _of_type(file: EventFile, table: Any, type_: EventType, rows: Whole, positions: Whole) -> tuple[Any, Whole]:
    """Read rows of one type as columns; gives those that fit, and which of `rows` are to be read one by one."""
    count = table.num_rows
    doubtful = np.zeros(count, dtype=bool)
    found: dict[str, Any] = {"event": _one_text(type_.name, count)}
    for name in ("id", "account", "region", "ruleset", *type_.keys):
        plain = name in ("region", "ruleset")
        if name not in table.schema.names:
            doubtful |= not plain
            found[name if name in FIXED else KEY + name] = _one_text("", count)
            continue
        text, odd = _texts(table.column(name), may_be_absent=plain)
        doubtful |= odd
        found[name if name in FIXED else KEY + name] = text
    found["at"], odd = times(table.column("at"), str(file.path))
    doubtful |= odd
    known = {*type_.keys, *(spec.name for spec in type_.inputs)}
    for name in file.columns:
        if name not in known:  # of another type: a value here belongs to no event of this one
            doubtful |= np.asarray(pc.is_valid(table.column(name)))
    for spec in type_.inputs:
        found[VALUE + spec.name], odd = _values(file, table, spec)
        doubtful |= odd
    found["position"] = pa.array(positions)
    made = pa.table({name: _plain_text(values) for name, values in found.items()})
    if not bool(doubtful.any()):
        return made, np.zeros(0, dtype=np.int64)
    return made.filter(pa.array(~doubtful)), rows[doubtful]


def widened(table: Any, schema: Any) -> Any:
    """Give a table all columns of a schema; what it does not have is null."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.schema.names
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)])
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _one_text(text: str, count: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([text]))


def _plain_text(values: Any) -> Any:
    return values.cast(pa.string()) if pa.types.is_dictionary(values.type) else values


def _texts(column: Any, may_be_absent: bool) -> tuple[Any, Mask]:
    """A column of names as text, and which of them are none: those are for `read_event` to look at."""
    named = row_ids.texts(column)
    lengths = np.asarray(pc.utf8_length(named).fill_null(0))
    odd = np.asarray(pc.match_substring_regex(named, _CONTROL).fill_null(False)) | (lengths > TEXT_MAX)
    odd = odd | ((lengths == 0) & (np.asarray(named.is_valid()) if may_be_absent else np.True_))
    if may_be_absent and named.null_count:
        named = named.fill_null("")
    return named, odd


def _values(file: EventFile, table: Any, spec: InputSpec) -> tuple[Any, Mask]:
    """An input's whole numbers, null where absent, and which cells are faulty."""
    count = table.num_rows
    if spec.name not in table.schema.names:
        read, odd = read_column(spec, arrays.empty(count)), np.zeros(count, dtype=bool)
    else:
        came = _cells(file, table, spec)
        odd = np.zeros(count, dtype=bool) if came.unreadable is None else came.unreadable.copy()
        read = read_column(spec, came.column)
    if read.faults is not None:
        odd |= read.faults != 0
    absent = None
    if read.given is not None and spec.default is None:
        absent = ~read.given
    return pa.array(read.values.astype(np.int64, copy=False), mask=absent), odd


def _cells(file: EventFile, table: Any, spec: InputSpec) -> Cells:
    wanted = Wanted(frozenset({spec.type.kind}), spec.type.places)
    return cells.read(table.column(spec.name), table.schema.field(spec.name), wanted, str(file.path))


class _AsCame:
    """The cells of a table as `read_event` takes them."""

    def __init__(self, file: EventFile, table: Any) -> None:
        self._file, self._table = file, table

    def by_type(self) -> dict[str | None, Whole]:
        """The rows of each type that is named, by its name."""
        count = self._table.num_rows
        if self._file.type:
            return {self._file.type: np.arange(count)}
        named = row_ids.texts(self._table.column("event"))
        coded = named.dictionary_encode(null_encoding="encode")
        codes = np.asarray(coded.indices)
        return {name: np.flatnonzero(codes == at) for at, name in enumerate(coded.dictionary.to_pylist())}

    def types(self, rows: Whole) -> list[str | None]:
        """The type of each of some rows."""
        found: list[str | None] = [self._file.type] * self._table.num_rows
        if not self._file.type:
            for name, of in self.by_type().items():
                for at in of.tolist():
                    found[at] = name
        return [found[at] for at in rows.tolist()]

    def events(self, rows: Whole, types: Sequence[str | None]) -> Iterator[RawEvent]:
        """Give rows as they came; an empty key or value of CSV is one that is absent."""
        if not len(rows):
            return
        names = [name for name in (*FIXED, *self._file.columns) if name in self._table.schema.names]
        columns = {name: self._column(name, rows) for name in names}
        ats = self._times(rows)
        for at, named in enumerate(types):
            type_ = self._file.types.get(named or "")
            keys = () if type_ is None else type_.keys
            specs = {} if type_ is None else {spec.name: spec for spec in type_.inputs}
            here = {name: columns[name][at] for name in self._file.columns if columns[name][at] is not None}
            yield RawEvent(
                id=_text(columns["id"][at]),
                type=named or "",
                account=_text(columns["account"][at]),
                at=ats[at],
                values={name: _value(specs.get(name), came) for name, came in here.items() if name not in keys},
                keys={name: _text(came) for name, came in here.items() if name in keys},
                region=_text(columns["region"][at]) if "region" in columns else "",
                ruleset=_text(columns["ruleset"][at]) if "ruleset" in columns else "",
            )

    def _column(self, name: str, rows: Whole) -> list[Any]:
        if name == "at":
            return []
        array = arrays.plain(self._table.column(name))
        field = self._table.schema.field(name)
        places = 0
        if pa.types.is_integer(array.type) and name in self._file.columns:
            places = arrays.field_places(field, str(self._file.path))
        came: list[Any] = arrays.objects(array, places)(rows).values.tolist()
        return came

    def _times(self, rows: Whole) -> list[object]:
        array = arrays.plain(self._table.column("at")).take(pa.array(rows))
        if not pa.types.is_timestamp(array.type):
            came: list[object] = ["" if one is None else one for one in array.to_pylist()]
            return came
        counts = array.cast(pa.int64()).to_pylist()
        return ["" if one is None else time_as_it_came(one, array.type.unit) for one in counts]


def _text(came: object) -> object:
    """A name as text: whole numbers are names, too; nothing is none."""
    if came is None:
        return ""
    return str(came) if isinstance(came, int) and not isinstance(came, bool) else came


def _value(spec: InputSpec | None, came: object) -> object:
    return of_float(spec.type, came) if spec is not None and isinstance(came, float) else came


def table_of(types: Mapping[str, EventType], events: Sequence[Event], positions: Sequence[int]) -> Any:
    """Lay events out as `schema_of` says."""
    schema = schema_of(types)
    rows = []
    for event, position in zip(events, positions, strict=True):
        type_ = types[event.type]
        rows.append(
            {
                "event": event.type,
                "id": event.id,
                "account": event.account,
                "at": event.at,
                "region": event.region,
                "ruleset": event.ruleset,
                "position": position,
                **{KEY + name: key for name, key in zip(type_.keys, event.keys, strict=True)},
                **{VALUE + spec.name: value for spec, value in zip(type_.inputs, event.values, strict=True)},
            }
        )
    return pa.Table.from_pylist(rows, schema=schema)
