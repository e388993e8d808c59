"""Names of rows and of accounts: text or whole numbers, and the two 64-bit numbers that stand for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from engine.bulk.arrays import is_text, plain
from engine.bulk.problems import FileProblem
from engine.evaluator.seen import Words, keys_of_numbers, keys_of_text


def ids(array: Any, file: str) -> Any:
    """Row ids as text or int64.

    Raises:
        FileProblem: the column is neither text nor whole numbers.
    """
    array = _named(array)
    if array is not None:
        return array
    raise FileProblem(
        "portfolio-column-type",
        file,
        column="row_id",
        came="of another type",
        instead="Write row ids as text or whole numbers.",
        instead_zh="行号请写成文本或整数。",
    )


def names(array: Any) -> Any:
    """A column that names something, such as `account`, as text or int64, whatever its type."""
    found = _named(array)
    return plain(array).cast(pa.string()) if found is None else found


def texts(array: Any) -> Any:
    """A column that names something as text: a whole number is the name that its digits are."""
    found = names(array)
    return found if is_text(found.type) else found.cast(pa.string())


def _named(array: Any) -> Any:
    array = plain(array)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if is_text(array.type) or pa.types.is_int64(array.type):
        return array
    if pa.types.is_integer(array.type) and not pa.types.is_uint64(array.type):
        return array.cast(pa.int64())
    if pa.types.is_null(array.type) or pa.types.is_uint64(array.type):
        return array.cast(pa.string())
    return None


def keys(named: Any) -> tuple[Words, Words]:
    """Two 64-bit numbers an id, from Arrow's own buffers."""
    if pa.types.is_int64(named.type):
        return keys_of_numbers(np.asarray(named.fill_null(0)))
    _, offsets, data = named.buffers()
    if offsets is None or len(named) == 0:
        return keys_of_text(np.zeros(0, dtype=np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    ends = np.frombuffer(offsets, dtype=np.int32)[named.offset : named.offset + len(named) + 1].astype(np.int64)
    octets = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)
    return keys_of_text(octets, ends[:-1], ends[1:])
