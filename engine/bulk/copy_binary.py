"""Arrow rows -> bytes of PostgreSQL's `COPY ... (FORMAT binary)`, a column at a time.

The format (PostgreSQL's manual, COPY, "Binary Format"): a header, rows, a trailer; a row is a count of fields, and a
field is a length and so many bytes in the form that the type's `recv` function reads; null is the length -1. Here the
parts of fields that are as long in every row are laid side by side in one array of records, and what differs in length
(texts, lists, numbers that may be null) is joined between those records by Arrow. Nothing is done a row at a time but
for nested values that are written as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.arrays import is_text
from engine.bulk.copy_numeric import numeric_parts

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
TRAILER: Final = b"\xff\xff"
BLOCK_ROWS: Final = 16_384
BLOCK_BYTES: Final = 16 << 20  # of Arrow's own; long texts make blocks of fewer rows
NAMES_MAX: Final = 1_024  # texts of a dictionary that are laid out once a block; of more, each row's is

_EPOCH_DAYS: Final = 10_957  # from 1970-01-01 to 2000-01-01, where PostgreSQL counts from
_EPOCH_MICROSECONDS: Final = _EPOCH_DAYS * 86_400_000_000
_JSONB_VERSION: Final = b"\1"
_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_OIDS: Final = {  # of the types of a list's items, pg_type.dat
    "boolean": 16,
    "bytea": 17,
    "bigint": 20,
    "integer": 23,
    "text": 25,
    "real": 700,
    "double precision": 701,
    "date": 1082,
    "timestamp": 1114,
    "timestamptz": 1184,
    "numeric": 1700,
}

Part = bytes | NDArray[Any] | Any
"""A piece of a row: the same bytes in each; (row,) values, as long in each; or an Arrow binary array without nulls."""
Records = NDArray[Any]
Constant = str | int


def postgresql_type(type_: Any) -> str | None:
    """Name the PostgreSQL type that holds an Arrow type without loss; None: there is none.

    Nested values other than lists of plain ones are written as JSON, in `jsonb`.
    """
    types = pa.types
    if types.is_dictionary(type_):
        return postgresql_type(type_.value_type)
    if isinstance(type_, pa.BaseExtensionType):
        return postgresql_type(type_.storage_type)
    if _is_list(type_):
        item = postgresql_type(type_.value_type)
        plain = item is not None and item.partition("(")[0] in _OIDS
        return f"{item}[]" if plain else "jsonb"
    if types.is_nested(type_):
        return "jsonb"
    if types.is_decimal(type_):
        return f"numeric({type_.precision + max(-type_.scale, 0)},{max(type_.scale, 0)})"
    if types.is_timestamp(type_):
        return "timestamp" if type_.tz is None else "timestamptz"
    return next((name for check, name in _TYPES if check(type_)), None)


def blocks(table: Any, leading: Sequence[Constant] = ()) -> Iterator[memoryview]:
    """Give the rows of a table as blocks of bytes, without the format's header and trailer.

    Args:
        table: a pyarrow Table whose columns all have a `postgresql_type`.
        leading: values of columns before the table's own, the same in every row; text, or `integer`.

    Raises:
        ValueError: a time has more digits than microseconds.
        pyarrow.ArrowInvalid: a number cannot be held.
    """
    rows = table.num_rows
    if not rows:
        return
    step = max(1, min(BLOCK_ROWS, BLOCK_BYTES * rows // max(table.nbytes, 1)))
    columns = [_one(column) for column in table.columns]
    kept: dict[int, Records] = {}
    for first in range(0, rows, step):
        yield _block([column.slice(first, step) for column in columns], leading, kept)


def _one(column: Any) -> Any:
    """A column as one array; chunks of several dictionaries cannot be one as they are."""
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.combine_chunks()


def _block(columns: Sequence[Any], leading: Sequence[Constant], kept: dict[int, Records]) -> memoryview:
    rows = len(columns[0])
    parts: list[Part] = [np.array(len(leading) + len(columns), ">i2").tobytes(), *map(_constant, leading)]
    for column in columns:
        parts += _field(column)
    pieces = _laid(parts, rows, kept)
    if len(pieces) == 1 and isinstance(pieces[0], np.ndarray):
        return memoryview(pieces[0].tobytes())
    data, offsets = _data(_joined(pieces))
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _constant(value: Constant) -> bytes:
    data = value.encode() if isinstance(value, str) else np.array(value, ">i4").tobytes()
    return _length(len(data)) + data


def _length(octets: int) -> bytes:
    return np.array(octets, ">i4").tobytes()


# Parts of a row: records that are as long in each, and texts that are not


def _laid(parts: Sequence[Part], rows: int, kept: dict[int, Records] | None = None) -> list[Any]:
    """Lay neighbouring parts that are as long in every row side by side in one array of records, (row,).

    Args:
        parts: of a row.
        rows: of the block.
        kept: records of the block before, by their place among the pieces; they are written over where they have the
            same constants, so that those are written once.
    """
    pieces: list[Any] = []
    beside: list[bytes | NDArray[Any]] = []

    def lay() -> None:
        if beside:
            pieces.append(_records(beside, rows, len(pieces), kept))
            beside.clear()

    for part in parts:
        if isinstance(part, bytes | np.ndarray):
            beside.append(part)
        else:
            lay()
            pieces.append(part)
    lay()
    return pieces


def _records(parts: Sequence[bytes | NDArray[Any]], rows: int, at: int, kept: dict[int, Records] | None) -> Records:
    names, formats, offsets, template = [], [], [], b""
    for number, part in enumerate(parts):
        if isinstance(part, bytes):
            template += part
            continue
        names.append(str(number))
        formats.append(part.dtype)
        offsets.append(len(template))
        template += bytes(part.dtype.itemsize)
    of_row = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": len(template)})
    first = np.frombuffer(template, f"V{len(template)}")
    records = None if kept is None else kept.get(at)
    if records is None or len(records) != rows or not _same(records, first, of_row):
        records = np.empty(rows, first.dtype)
        records[:] = first
        if kept is not None:
            kept[at] = records
    if names:
        fields = records.view(of_row)
        for name in names:
            fields[name] = parts[int(name)]
    return records


def _same(records: Records, first: Records, of_row: Any) -> bool:
    """Whether records have the constants of a row whose other fields are zero."""
    if records.dtype != first.dtype:
        return False
    one = records[:1].copy()
    fields = one.view(of_row) if of_row.names else one
    for name in of_row.names or ():
        fields[name] = np.zeros(1, of_row[name])
    return one.tobytes() == first.tobytes()


def _joined(parts: Sequence[Part]) -> Any:
    """One Arrow binary array, (row,), of a row's parts one after the other."""
    pieces = [_binary_of_records(part) if isinstance(part, np.ndarray) else part for part in parts]
    return pieces[0] if len(pieces) == 1 else pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.binary()))


def _binary_of_records(records: NDArray[Any]) -> Any:
    records = np.ascontiguousarray(records)
    offsets = np.arange(len(records) + 1, dtype=np.int64) * records.dtype.itemsize
    return _binary(offsets, records)


def _binary(offsets: NDArray[np.int64], data: NDArray[Any]) -> Any:
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data.view(np.uint8))]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _data(array: Any) -> tuple[Any, NDArray[np.int32]]:
    """The buffer of an Arrow binary array, and its (row + 1,) offsets there."""
    _, offsets, data = array.buffers()
    found = np.frombuffer(offsets, np.int32, len(array) + 1, 4 * array.offset)
    return pa.py_buffer(b"") if data is None else data, found


# Fields


def _field(array: Any) -> list[Part]:
    """A column's field in each row: its length, and its bytes."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    type_ = array.type
    if pa.types.is_dictionary(type_):
        small = len(array.dictionary) <= NAMES_MAX and not array.dictionary.null_count
        if small and is_text(type_.value_type):
            return _named(array)
        return _field(array.dictionary_decode())
    if pa.types.is_null(type_):
        return [_length(-1)]
    if pa.types.is_nested(type_):
        return _list(array) if str(postgresql_type(type_)).endswith("[]") else _texts(_jsons(array))
    if is_text(type_) or pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return _texts(array)
    parts = _values(array)
    width = sum(len(part) if isinstance(part, bytes) else part.dtype.itemsize for part in parts)
    if not array.null_count:
        return [_length(width), *parts]
    valid = np.asarray(array.is_valid())
    (records,) = _laid(parts, len(array))
    return [np.where(valid, width, -1).astype(">i4"), _binary(_ends(valid * width), records[valid])]


def _ends(lengths: NDArray[Any]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _texts(array: Any) -> list[Part]:
    array = array.cast(pa.binary())
    lengths = pc.binary_length(array)
    if array.null_count:
        lengths, array = lengths.fill_null(-1), array.fill_null(b"")
    return [np.asarray(lengths).astype(">i4"), array]


def _named(array: Any) -> list[Part]:
    """Texts of a dictionary: where they are all as long, their bytes are as long in each row, too."""
    texts = array.dictionary.cast(pa.binary())
    lengths = np.asarray(pc.binary_length(texts))
    if array.null_count or not len(lengths) or bool((lengths != lengths[0]).any()):
        several = [_length(len(text)) + text for text in texts.to_pylist()]
        indices = array.indices.fill_null(len(several)) if array.null_count else array.indices
        return [pa.array([*several, _length(-1)], pa.binary()).take(indices)]
    width = _length(int(lengths[0]))
    fields = np.array([width + text for text in texts.to_pylist()], f"V{int(lengths[0]) + 4}")
    if len(fields) == 1:
        return [fields.tobytes()]
    found = np.empty(len(array), fields.dtype)
    # `clip` spares numpy a check and a copy; no index is out of bounds.
    np.take(fields, np.asarray(array.indices), out=found, mode="clip")
    return [found]


def _list(array: Any) -> list[Part]:
    """Lists of plain values: the array's head, and its items as fields of their own."""
    array = array.cast(pa.list_(array.type.value_type))
    if array.null_count:
        array = array.take(pa.array(np.arange(len(array))))  # a null may stand over items, which nobody is to see
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    items = array.values.slice(first, last - first)
    data, ends = _data(_joined(_laid(_field(items), len(items))))
    offsets = np.asarray(array.offsets).astype(np.int64) - first
    counts = np.diff(offsets)
    valid = np.asarray(array.is_valid())
    heads = np.empty(len(array), np.dtype([(name, ">i4") for name in ("dimensions", "nulls", "oid", "length", "from")]))
    heads["dimensions"] = counts > 0
    heads["nulls"] = 0  # PostgreSQL looks for itself
    heads["oid"] = _OIDS[str(postgresql_type(items.type)).partition("(")[0]]
    heads["length"] = counts
    heads["from"] = 1
    # An empty list has no dimension, whose length and first number are then not written; a null has nothing at all.
    head_sizes = np.where(counts > 0, 20, 12) * valid
    octets = np.ascontiguousarray(heads).view(np.uint8).reshape(-1, 20)
    head = _binary(_ends(head_sizes), octets[np.arange(20) < head_sizes[:, None]])
    body = pa.Array.from_buffers(pa.binary(), len(array), [None, pa.py_buffer(ends[offsets].astype(np.int32)), data])
    sizes = head_sizes + np.diff(ends[offsets])
    return [np.where(valid, sizes, -1).astype(">i4"), head, body]


def _jsons(array: Any) -> Any:
    texts = [
        None if value is None else _JSONB_VERSION + json.dumps(value, ensure_ascii=False, default=str).encode()
        for value in array.to_pylist()
    ]
    return pa.array(texts, pa.binary())


# Values that are as long in every row, as `recv` reads them; what stands under a null says nothing


def _values(array: Any) -> list[bytes | NDArray[Any]]:
    type_ = array.type
    if pa.types.is_decimal(type_) or pa.types.is_uint64(type_):
        return numeric_parts(array)
    return [next(write for check, write in _WRITERS if check(type_))(array)]


def _filled(array: Any, as_: Any) -> NDArray[Any]:
    array = array.cast(as_)
    return np.asarray(array.fill_null(0) if array.null_count else array)


def _small(array: Any) -> NDArray[Any]:
    return _filled(array, pa.int32()).astype(">i4")


def _large(array: Any) -> NDArray[Any]:
    return _filled(array, pa.int64()).astype(">i8")


def _boolean(array: Any) -> NDArray[Any]:
    return _filled(array, pa.uint8())


def _single(array: Any) -> NDArray[Any]:
    return _filled(array, pa.float32()).astype(">f4")


def _double(array: Any) -> NDArray[Any]:
    return _filled(array, pa.float64()).astype(">f8")


def _day(array: Any) -> NDArray[Any]:
    days = _filled(array.cast(pa.date32()), pa.int32())
    return (days - np.int32(_EPOCH_DAYS)).astype(">i4")


def _time(array: Any) -> NDArray[Any]:
    unit = _PER_SECOND[array.type.unit]
    ticks = _filled(array, pa.int64())
    if unit > 10**6:
        by = unit // 10**6
        if bool((ticks % by).any()):
            raise ValueError("a time has nanoseconds; PostgreSQL keeps microseconds")
        ticks = ticks // by
    else:
        ticks = ticks * (10**6 // unit)
    return (ticks - _EPOCH_MICROSECONDS).astype(">i8")


def _is_list(type_: Any) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def _is_small(type_: Any) -> bool:
    return bool(pa.types.is_integer(type_) and (type_.bit_width < 32 or pa.types.is_int32(type_)))


def _is_single(type_: Any) -> bool:
    return bool(pa.types.is_floating(type_) and not pa.types.is_float64(type_))


_WRITERS: Final[tuple[tuple[Callable[[Any], bool], Callable[[Any], NDArray[Any]]], ...]] = (
    (pa.types.is_boolean, _boolean),
    (_is_small, _small),
    (pa.types.is_integer, _large),
    (_is_single, _single),
    (pa.types.is_float64, _double),
    (pa.types.is_date, _day),
    (pa.types.is_timestamp, _time),
)
_TYPES: Final[tuple[tuple[Callable[[Any], bool], str], ...]] = (
    (is_text, "text"),
    (pa.types.is_null, "text"),
    (pa.types.is_binary, "bytea"),
    (pa.types.is_large_binary, "bytea"),
    (pa.types.is_boolean, "boolean"),
    (_is_small, "integer"),
    (pa.types.is_uint64, "numeric(20,0)"),
    (pa.types.is_integer, "bigint"),
    (_is_single, "real"),
    (pa.types.is_float64, "double precision"),
    (pa.types.is_date, "date"),
)
