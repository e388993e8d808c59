"""Rows of the library -> the same rows as messages, and as a file: written value by value, in the plainest way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dianjia.type.v1 import type_pb2
from engine.evaluator.compare import plain
from engine.evaluator.rows import Children, Column, Rows, day_text
from tests.service.drawing import packed


def without_floats(rows: Rows) -> Rows:
    """The rows with binary fractions, which no message holds, as the texts that they are nearest to."""
    return Rows(
        rows.row_id,
        rows.ruleset,
        rows.period_from,
        rows.period_to,
        {name: _textual(column) for name, column in rows.columns.items()},
        {
            name: Children(its.offsets, {one: _textual(of) for one, of in its.columns.items()}, its.valid)
            for name, its in rows.children.items()
        },
    )


def _textual(column: Column) -> Column:
    if column.values.dtype.kind != "f":
        return column
    values = np.empty(len(column.values), object)
    values[:] = [f"{Decimal(repr(one)):f}" for one in column.values.tolist()]
    return Column(values, valid=column.valid)


def chunk_of(rows: Rows, first_id: int = 0) -> type_pb2.Chunk:
    """Write rows as a chunk."""
    codes = rows.ruleset.codes or ()
    return type_pb2.Chunk(
        rows=len(rows),
        row_id_numbers=type_pb2.Numbers(values=range(first_id, first_id + len(rows))),
        rulesets=type_pb2.Codes(names=codes, positions=rows.ruleset.values.tolist()),
        period_from=rows.period_from.tolist(),
        period_to=rows.period_to.tolist(),
        columns=[column_of(name, column) for name, column in rows.columns.items()],
        lists=[_list_of(name, its) for name, its in rows.children.items()],
    )


def column_of(name: str, column: Column) -> type_pb2.Column:
    """Write a column in the kind of message that it is."""
    found = type_pb2.Column(name=name)
    values, kind = column.values, column.values.dtype.kind
    if column.codes is not None:
        found.codes.names.extend(column.codes)
        found.codes.positions.extend(values.tolist())
    elif kind == "M":
        found.days.values.extend(values.astype(np.int64).tolist())
    elif kind in "ub" and set(values.tolist()) <= {0, 1}:
        found.booleans.bits = packed([bool(one) for one in values.tolist()])
    elif kind in "iub":
        found.numbers.places = column.places
        found.numbers.values.extend(values.tolist())
    else:
        found.texts.values.extend("" if one is None else str(one) for one in values.tolist())
    given = [there and one is not None for there, one in zip(_valid(column), values.tolist(), strict=True)]
    if not all(given):
        found.given = packed(given)
    return found


def _valid(column: Column) -> list[bool]:
    return [True] * len(column.values) if column.valid is None else column.valid.tolist()


def _list_of(name: str, its: Children) -> type_pb2.ListColumn:
    assert its.offsets[0] == 0
    return type_pb2.ListColumn(
        name=name,
        lengths=np.diff(its.offsets).tolist(),
        columns=[column_of(one, column) for one, column in its.columns.items()],
        given=b"" if its.valid is None else packed(its.valid.tolist()),
    )


def row_of(rows: Rows, at: int, row_id: str = "") -> type_pb2.Row:
    """Write one of the rows."""
    row = type_pb2.Row(
        row_id=row_id or str(at),
        ruleset=(rows.ruleset.codes or ())[int(rows.ruleset.values[at])],
        period_from=day_text(int(rows.period_from[at])),
        period_to=day_text(int(rows.period_to[at])),
    )
    for name, column in rows.columns.items():
        value = value_of(column, at)
        if value is not None:
            row.values[name].CopyFrom(value)
    for name, its in rows.children.items():
        if its.valid is None or its.valid[at]:
            items = slice(int(its.offsets[at]), int(its.offsets[at + 1]))
            columns = {one: _some(of, items) for one, of in its.columns.items()}
            row.lists.add(
                name=name,
                items=items.stop - items.start,
                columns=[column_of(one, of) for one, of in columns.items()],
            )
    return row


def _some(column: Column, items: slice) -> Column:
    valid = None if column.valid is None else column.valid[items]
    return Column(column.values[items], column.places, valid, column.codes)


def value_of(column: Column, at: int) -> type_pb2.Value | None:
    """Write one value; None: it is not given."""
    if column.valid is not None and not column.valid[at]:
        return None
    value = column.values[at]
    if column.codes is not None:
        return type_pb2.Value(text=column.codes[int(value)])
    match column.values.dtype.kind:
        case "M":
            return type_pb2.Value(text=day_text(int(value.astype(np.int64))))
        case "u" | "b" if value in (0, 1):
            return type_pb2.Value(boolean=bool(value))
        case "i" | "u" | "b":
            return type_pb2.Value(number=type_pb2.Decimal(unscaled=int(value), places=column.places))
    return None if value is None else type_pb2.Value(text=str(value))


def write_portfolio(file: Path, batches: Sequence[Rows]) -> None:
    """Write rows of several rule sets into one file: each value as text, a list as JSON."""
    names = list(dict.fromkeys(name for rows in batches for name in {**rows.columns, **rows.children}))
    cells: dict[str, list[str | None]] = {name: [] for name in ("ruleset", *names)}
    for rows in batches:
        of = {name: _texts(column) for name, column in rows.columns.items()}
        of |= {name: _list_texts(its) for name, its in rows.children.items()}
        for name in names:
            cells[name] += of.get(name, [None] * len(rows))
        codes = rows.ruleset.codes or ()
        cells["ruleset"] += [codes[at] for at in rows.ruleset.values.tolist()]
    periods = {
        name: pa.array(np.concatenate([getattr(rows, name) for rows in batches]).astype(np.int32)).cast(pa.date32())
        for name in ("period_from", "period_to")
    }
    table = pa.table({"row_id": pa.array(range(len(cells["ruleset"]))), **periods, **cells})
    pq.write_table(table, file)


def _texts(column: Column) -> list[str | None]:
    dated = column.values.dtype.kind == "M"
    return [None if one is None else day_text(int(str(one))) if dated else _text(one) for one in plain(column)]


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _list_texts(its: Children) -> list[str | None]:
    columns: Mapping[str, list[str | None]] = {name: _texts(column) for name, column in its.columns.items()}
    found: list[str | None] = []
    for at, (start, end) in enumerate(zip(its.offsets[:-1].tolist(), its.offsets[1:].tolist(), strict=True)):
        items = {name: column[start:end] for name, column in columns.items()}
        found.append(None if its.valid is not None and not its.valid[at] else json.dumps(items, ensure_ascii=False))
    return found


def joined(batches: Sequence[Rows]) -> Rows:
    """Shuffle the rows of several rule sets, without lists, into one batch; each gives the columns of its own."""
    names = list(dict.fromkeys(name for rows in batches for name in rows.columns))
    values: dict[str, list[object]] = {name: [] for name in names}
    for rows in batches:
        for name in names:
            values[name] += _texts(rows.columns[name]) if name in rows.columns else [None] * len(rows)
    codes = tuple(dict.fromkeys(code for rows in batches for code in rows.ruleset.codes or ()))
    of = [codes.index((rows.ruleset.codes or ())[at]) for rows in batches for at in rows.ruleset.values.tolist()]
    order = np.random.default_rng(1).permutation(len(of))
    return Rows(
        np.arange(len(of), dtype=np.int64),
        Column(np.array(of, np.int64)[order], codes=codes),
        np.concatenate([rows.period_from for rows in batches])[order],
        np.concatenate([rows.period_to for rows in batches])[order],
        {name: _objects([column[at] for at in order.tolist()]) for name, column in values.items()},
    )


def _objects(values: Sequence[object]) -> Column:
    cells = np.empty(len(values), object)
    cells[:] = values
    return Column(cells, valid=np.array([one is not None for one in values]))
