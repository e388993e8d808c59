"""Columns -> messages and back. Whole columns are copied at once: no step looks at numbers one by one."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dianjia.client.values import Array, Coded, Column, Days, Flags, Items, Mask, Scaled, Texts
from dianjia.type.v1 import type_pb2 as types

# A field of a message on the wire: its number and the kind "length, then bytes".
_WITH_LENGTH: Final = 2
_PERIOD_FROM: Final = types.Chunk.PERIOD_FROM_FIELD_NUMBER
_PERIOD_TO: Final = types.Chunk.PERIOD_TO_FIELD_NUMBER
_FEW_NAMES: Final = 64


def bits(mask: Mask) -> bytes:
    """Write truth values as bits, the lowest first."""
    return np.packbits(mask, bitorder="little").tobytes()


def mask_of(data: bytes, rows: int) -> Mask | None:
    """Read bits; no bytes: all."""
    if not data:
        return None
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=rows, bitorder="little").astype(bool)


def _packed(message: Any, field: int, array: Array) -> None:
    """Fill a packed repeated field from an array of its type, which has no other way that is fast."""
    data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    length, head = len(data), bytearray([field << 3 | _WITH_LENGTH])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    message.MergeFromString(bytes(head) + data)


def column_message(name: str, column: Column) -> types.Column:
    """Write a column of values."""
    message = types.Column(name=name)
    match column:
        case Scaled(values, places):
            message.numbers.places = places
            _packed(message.numbers, types.Numbers.VALUES_FIELD_NUMBER, values)
        case Days(values):
            message.days.SetInParent()
            _packed(message.days, types.Days.VALUES_FIELD_NUMBER, values)
        case Flags(values):
            message.booleans.bits = bits(values)
        case Coded():
            message.codes.CopyFrom(codes_message(column))
        case Texts(values):
            message.texts.values.extend(values.tolist())
        case Items():
            raise AssertionError("a list goes into `lists`")
    if column.given is not None:
        message.given = bits(column.given)
    return message


def codes_message(column: Coded) -> types.Codes:
    """Write texts of which few differ: those that occur, each once."""
    positions, names = column.positions, column.names
    if column.given is not None:
        positions = np.where(column.given, positions, positions[column.given][:1].sum())
    if len(names) > _FEW_NAMES or len(set(names)) < len(names):
        used = np.unique(positions)
        index: dict[str, int] = {}
        shorter = np.zeros(len(names), dtype=np.int64)
        for at in used.tolist():
            shorter[at] = index.setdefault(names[at], len(index))
        positions, names = shorter[positions], tuple(index)
    message = types.Codes(names=names)
    if len(names) != 1:
        _packed(message, types.Codes.POSITIONS_FIELD_NUMBER, positions.astype(np.uint32))
    return message


def list_message(name: str, column: Items) -> types.ListColumn:
    """Write a list column."""
    message = types.ListColumn(name=name)
    _packed(message, types.ListColumn.LENGTHS_FIELD_NUMBER, column.lengths.astype(np.uint32))
    message.columns.extend(column_message(key, one) for key, one in column.columns.items() if len(one))
    if column.given is not None:
        message.given = bits(column.given)
    return message


def chunk_message(
    ids: Column, rulesets: Coded, period_from: Days, period_to: Days, columns: dict[str, Column]
) -> types.Chunk:
    """Write a chunk of rows."""
    chunk = types.Chunk(rows=len(ids))
    if isinstance(ids, Scaled):
        chunk.row_id_numbers.SetInParent()
        _packed(chunk.row_id_numbers, types.Numbers.VALUES_FIELD_NUMBER, ids.values)
    else:
        assert isinstance(ids, Texts)
        chunk.row_id_texts.values.extend(ids.values.tolist())
    chunk.rulesets.CopyFrom(codes_message(rulesets))
    _packed(chunk, _PERIOD_FROM, period_from.values)
    _packed(chunk, _PERIOD_TO, period_to.values)
    for name, column in columns.items():
        if isinstance(column, Items):
            chunk.lists.append(list_message(name, column))
        else:
            chunk.columns.append(column_message(name, column))
    return chunk


def weight(column: Column) -> int | NDArray[np.int64]:
    """Bytes that each row of a column takes in a message, at most, and nearly; one number where all take the same."""
    match column:
        case Scaled():
            return 8
        case Days() | Coded():
            return 4
        case Flags():
            return 1
        case Texts(values):
            # UTF-8 takes at most three bytes for a character of the texts that come here, and two for the length.
            return np.fromiter((3 * len(text) + 3 for text in values.tolist()), dtype=np.int64, count=len(values))
        case Items(lengths, columns):
            total = np.full(len(lengths), 4, dtype=np.int64)
            ends = np.cumsum(lengths)
            for one in columns.values():
                each = weight(one)
                if isinstance(each, int):
                    total += lengths * each
                else:
                    sums = np.concatenate([[0], np.cumsum(each)])
                    total += sums[ends] - sums[ends - lengths]
            return total


def array_of(field: Any, dtype: type[np.generic]) -> Array:
    """Read a packed repeated field."""
    return np.array(field, dtype=dtype)


def scaled_of(message: types.Numbers) -> Scaled:
    """Read numbers."""
    return Scaled(array_of(message.values, np.int64), message.places)
