"""Columns of a message -> columns of the evaluator, or what is wrong with the message.

Takes a `Chunk`, or a column of one; gives `engine.evaluator.rows.Rows` without looking at a value where numpy can do
without. What does not fit together is told with the path of its field and ends the call; whether a value can be billed
is the evaluator's to say, row by row. Everything that a caller may make large is bounded here: texts, columns, items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from dianjia.type.v1 import type_pb2
from engine.evaluator.rows import PLACES_MAX, Array, Children, Column, Mask, Rows, Whole, same
from engine.evaluator.seen import Words, keys_of_numbers, keys_of_text
from engine.service.calls import wrong

ROWS_PER_CHUNK: Final = 65_536
TEXT_MAX: Final = 200  # characters of a name, a code or a row id: a refusal repeats it in every row
COLUMNS_MAX: Final = 1_000  # of a chunk, those of its lists too
ITEMS_PER_ROW: Final = 16  # a chunk may have so many times as many items of a list as a chunk may have rows
BYTE_BITS: Final = 8


@dataclass(frozen=True, slots=True)
class ReadChunk:
    """A chunk with the numbers that stand for its row ids."""

    rows: Rows
    ids: str  # row_id_numbers, row_id_texts; "" where there is no row
    keys: tuple[Words, Words]


def read_chunk(chunk: type_pb2.Chunk, rows_per_chunk: int = ROWS_PER_CHUNK, path: str = "chunk") -> ReadChunk:
    """Read a chunk.

    Args:
        chunk: as it came.
        rows_per_chunk: how many rows it may have; items of its lists may be 16 times as many.
        path: of the chunk in its message.

    Raises:
        ProblemsFound: the chunk is not in one piece; with the path of the field.
    """
    count = chunk.rows
    if count > rows_per_chunk:
        raise wrong("too-many-rows", path, found=count, at_most=rows_per_chunk)
    _in_all(chunk, path)
    columns: dict[str, Column] = {}
    for at, column in enumerate(chunk.columns):
        where = f"{path}.columns[{at}]"
        name = new_name(column.name, columns, where)
        columns[name] = read_column(column, count, where)
    children: dict[str, Children] = {}
    for at, one in enumerate(chunk.lists):
        where = f"{path}.lists[{at}]"
        name = new_name(one.name, {*columns, *children}, where)
        children[name] = _list(one, count, rows_per_chunk * ITEMS_PER_ROW, where)
        both = next((of for of in children[name].columns if f"{name}.{of}" in columns), None)
        if both is not None:
            raise wrong("column-twice", where, name=f"{name}.{both}")
    ids, row_id, keys = _row_ids(chunk, count, path)
    rows = Rows(
        row_id=row_id,
        ruleset=_rulesets(chunk, count, path),
        period_from=_days(chunk.period_from, count, f"{path}.period_from"),
        period_to=_days(chunk.period_to, count, f"{path}.period_to"),
        columns=columns,
        children=children,
    )
    return ReadChunk(rows, ids, keys)


def read_column(column: type_pb2.Column, count: int, path: str) -> Column:
    """Read a column of a chunk, or of a list.

    Args:
        column: as it came.
        count: of its rows or items.
        path: of the column in its message.
    """
    valid = _bits(column.given, count, f"{path}.given") if column.given else None
    kind = column.WhichOneof("values")
    if kind == "numbers":
        numbers = column.numbers
        places = numbers.places
        if not 0 <= places <= PLACES_MAX:
            raise wrong("column-places", f"{path}.numbers.places", found=places)
        return Column(_of_length(np.array(numbers.values), count, f"{path}.numbers.values"), places, valid)
    if kind == "days":
        days = np.array(column.days.values, np.int64)
        return Column(_of_length(days, count, f"{path}.days.values").view("datetime64[D]"), 0, valid)
    if kind == "booleans":
        return Column(_bits(column.booleans.bits, count, f"{path}.booleans.bits"), 0, valid)
    if kind == "codes":
        names, positions = _codes(column.codes, count, valid, f"{path}.codes")
        return Column(positions, 0, valid, names)
    if kind == "texts":
        return Column(_objects(_texts(column.texts.values, count, f"{path}.texts.values")), 0, valid)
    raise wrong("column-empty", path)


def refuse_long(text: str, path: str) -> None:
    """Refuse a text that is longer than any name, code or row id."""
    if len(text) > TEXT_MAX:
        raise wrong("field-too-long", path, found=len(text), at_most=TEXT_MAX)


def _in_all(chunk: type_pb2.Chunk, path: str) -> None:
    """Bound what costs a step for each, however few the rows."""
    for name, found in (
        ("columns", len(chunk.columns) + sum(len(one.columns) for one in chunk.lists)),
        ("lists", len(chunk.lists)),
    ):
        if found > COLUMNS_MAX:
            raise wrong("too-many-entries", f"{path}.{name}", found=found, at_most=COLUMNS_MAX)


def new_name(name: str, before: Collection[str], path: str) -> str:
    """Refuse a column or list without a name, or with one that came before."""
    if not name:
        raise wrong("field-missing", f"{path}.name")
    refuse_long(name, f"{path}.name")
    if name in before:
        raise wrong("column-twice", f"{path}.name", name=name)
    return name


def read_codes(codes: type_pb2.Codes, count: int, path: str) -> tuple[tuple[str, ...], Array]:
    """Read a text of each row, of which few differ.

    Args:
        codes: as they came.
        count: of the rows.
        path: of the field in its message.

    Returns:
        The texts, and shape (row,) which of them each row has.

    Raises:
        ProblemsFound: the field is not in one piece.
    """
    return _codes(codes, count, None, path)


def _list(one: type_pb2.ListColumn, count: int, items_max: int, path: str) -> Children:
    lengths = _of_length(np.array(one.lengths), count, f"{path}.lengths")
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])  # of at most 65,536 numbers below 2^32
    items = int(offsets[-1])
    if items > items_max:
        raise wrong("too-many-entries", f"{path}.lengths", found=items, at_most=items_max)
    if items and not one.columns:
        raise wrong("column-length", f"{path}.columns", found=0, expected=items)
    columns: dict[str, Column] = {}
    for at, column in enumerate(one.columns):
        where = f"{path}.columns[{at}]"
        columns[new_name(column.name, columns, where)] = read_column(column, items, where)
    return Children(offsets, columns, _bits(one.given, count, f"{path}.given") if one.given else None)


def _row_ids(chunk: type_pb2.Chunk, count: int, path: str) -> tuple[str, Array, tuple[Words, Words]]:
    """Read the row ids, with the numbers by which `engine.evaluator.seen` knows them."""
    kind = chunk.WhichOneof("row_ids") or ""
    if kind == "row_id_numbers":
        places = chunk.row_id_numbers.places
        if places:
            raise wrong("row-id-places", f"{path}.row_id_numbers.places", found=places)
        numbers = _of_length(np.array(chunk.row_id_numbers.values), count, f"{path}.row_id_numbers.values")
        return kind, numbers, keys_of_numbers(numbers)
    if kind == "row_id_texts":
        texts = _texts(chunk.row_id_texts.values, count, f"{path}.row_id_texts.values")
        return kind, _objects(texts), _keys_of_texts(texts)
    if count:
        raise wrong("field-missing", f"{path}.row_ids")
    nothing = np.zeros(0, np.int64)
    return "", nothing, keys_of_numbers(nothing)


def _keys_of_texts(texts: Sequence[str]) -> tuple[Words, Words]:
    """Give the keys of texts, by the bytes of all in one piece."""
    joined = "".join(texts).encode()
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    if len(joined) != int(lengths.sum()):  # not of ASCII alone: bytes are more than characters
        lengths = np.fromiter((len(text.encode()) for text in texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    return keys_of_text(np.frombuffer(joined, np.uint8), ends - lengths, ends)


def _rulesets(chunk: type_pb2.Chunk, count: int, path: str) -> Column:
    if count and not chunk.HasField("rulesets"):
        raise wrong("field-missing", f"{path}.rulesets")
    names, positions = _codes(chunk.rulesets, count, None, f"{path}.rulesets")
    return Column(positions, codes=names)


def _codes(codes: type_pb2.Codes, count: int, valid: Mask | None, path: str) -> tuple[tuple[str, ...], Array]:
    """Read texts that are each said once, and where they stand."""
    names = _short(codes.names, f"{path}.names")
    if len(set(names)) < len(names):
        ((twice, _),) = Counter(names).most_common(1)
        raise wrong("column-twice", f"{path}.names", name=twice)
    positions: Array = np.array(codes.positions)
    if not len(positions) and len(names) == 1:
        return tuple(names), same(np.int64(0), count)
    _of_length(positions, count, f"{path}.positions")
    if count and int(positions.max()) >= len(names):
        if valid is not None:  # positions of what is not given count for nothing
            positions = np.where(valid, positions, np.uint32(0))
        if int(positions.max()) >= len(names) and (valid is None or bool(valid.any())):
            raise wrong("code-position", f"{path}.positions", found=int(positions.max()), expected=len(names))
    if len(names) > max(count, TEXT_MAX):
        # Reading a name costs more than a row; of so many names most stand in no row.
        used, positions = np.unique(positions, return_inverse=True)
        names = [names[at] for at in used.tolist() if at < len(names)]
    return tuple(names) or ("",), positions


def _texts(texts: Sequence[str], count: int, path: str) -> list[str]:
    if len(texts) != count:
        _length(len(texts), count, path)
    return _short(texts, path)


def _short(texts: Sequence[str], path: str) -> list[str]:
    found = list(texts)
    if max(map(len, found), default=0) > TEXT_MAX:
        for at, text in enumerate(found):
            refuse_long(text, f"{path}[{at}]")
    return found


def _objects(texts: Sequence[str]) -> NDArray[np.object_]:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def _days(days: Sequence[int], count: int, path: str) -> Whole:
    return _of_length(np.array(days, np.int64), count, path)


def _of_length(values: Array, count: int, path: str) -> Array:
    if len(values) != count:
        _length(len(values), count, path)
    return values


def _length(found: int, expected: int, path: str) -> NoReturn:
    raise wrong("column-length", path, found=found, expected=expected)


def _bits(octets: bytes, count: int, path: str) -> Mask:
    """Unpack bits, the lowest of each byte first."""
    expected = -(-count // BYTE_BITS)
    if len(octets) != expected:
        raise wrong("bits-length", path, found=len(octets), expected=expected)
    if count % BYTE_BITS and octets[-1] >> count % BYTE_BITS:
        raise wrong("column-bits", path, expected=count)
    return np.unpackbits(np.frombuffer(octets, np.uint8), count=count, bitorder="little").view(np.bool_)
