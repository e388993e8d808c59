"""Arrow columns of numbers -> whole numbers of the smallest place; no number passes through a binary float."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.arrays import (
    PLACES_MAX,
    Cells,
    Wanted,
    all_read,
    empty,
    field_places,
    is_text,
    objects,
    validity,
    wrong_type,
)
from engine.bulk.problems import FileProblem
from engine.evaluator.rows import Column

NUMBER_TEXT: Final = r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"
TEXT_PLACES_MAX: Final = 12


def numbers(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """Whole numbers of the smallest place; float64 stays as it is, for the door to accept nearest doubles alone."""
    type_ = array.type
    valid = validity(array)
    if pa.types.is_integer(type_):
        return _integers(array, field, file)
    if pa.types.is_float64(type_):
        values = np.asarray(array if valid is None else array.fill_null(0.0))
        return all_read(Column(values=values, valid=valid))
    if pa.types.is_decimal(type_):
        return _decimals(array, valid)
    if pa.types.is_dictionary(type_):
        array = array.dictionary_decode()
        type_ = array.type
    if is_text(type_):
        return _number_texts(array, valid, wanted)
    if pa.types.is_floating(type_):
        raise FileProblem(
            "portfolio-column-type",
            file,
            column=field.name,
            came=f"{type_}, which has lost digits of a number such as 123456.78",
            instead="Write decimal128(18, 2), whole numbers with `places` in the column's metadata, or text.",
            instead_zh="请写成 decimal128(18, 2)、在列元数据中注明 `places` 的整数，或文本。",
        )
    raise wrong_type(field, type_, file, "a number", "数字")


def _integers(array: Any, field: Any, file: str) -> Cells:
    places = field_places(field, file)
    valid = validity(array)
    filled = array if valid is None else array.fill_null(0)
    if pa.types.is_uint64(array.type):
        values = np.asarray(filled)
        beyond = values >= np.uint64(1 << 63)
        whole = np.where(beyond, np.uint64(0), values).astype(np.int64)
        if bool(beyond.any()):
            return Cells(Column(values=whole, places=places, valid=valid), beyond, objects(array, places))
    else:
        whole = np.asarray(filled).astype(np.int64, copy=False)
    return all_read(Column(values=whole, places=places, valid=valid))


def _decimals(array: Any, valid: NDArray[np.bool_] | None) -> Cells:
    scale = array.type.scale
    if scale < 0:
        array, scale = array.cast(pa.decimal256(76, 0)), 0
    if scale > PLACES_MAX or pa.types.is_decimal256(array.type):
        try:
            array = array.cast(pa.decimal128(38, min(scale, PLACES_MAX)))
        except pa.ArrowInvalid:
            # More digits than 128 bits, or places that matter beyond the 18th: Python reads them one by one.
            every = np.ones(len(array), dtype=bool) if valid is None else valid
            return Cells(empty(len(array)), every, objects(array))
        scale = array.type.scale
    elif not pa.types.is_decimal128(array.type):
        array = array.cast(pa.decimal128(38, scale))
    values, beyond = whole_of_decimals(array)
    if valid is not None:
        beyond &= valid
    column = Column(values=values, places=scale, valid=valid)
    if array.type.precision <= 18 or not bool(beyond.any()):
        return all_read(column)
    return Cells(column, beyond, objects(array))


def whole_of_decimals(array: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """A decimal128 array as whole numbers, and which of them 64 bits do not hold.

    Arrow keeps a decimal128 as two 64-bit words, the lower first; the upper one of a number that fits repeats its sign.
    """
    words = np.frombuffer(array.buffers()[1], dtype=np.int64).reshape(-1, 2)[array.offset : array.offset + len(array)]
    low = np.ascontiguousarray(words[:, 0])
    return low, (low >> 63) != words[:, 1]


def _number_texts(array: Any, valid: NDArray[np.bool_] | None, wanted: Wanted) -> Cells:
    matches = np.asarray(pc.match_substring_regex(array, NUMBER_TEXT).fill_null(False))
    dot = np.asarray(pc.find_substring(array, ".").fill_null(-1))
    length = np.asarray(pc.binary_length(array).fill_null(0))
    decimals = np.where(dot >= 0, length - dot - 1, 0)
    # More places than any rule set reads are for the door to refuse or, where they are zeros, to accept.
    places_max = min(wanted.places, TEXT_PLACES_MAX)
    readable = matches & (decimals <= places_max)
    places = int(decimals[readable].max(initial=0))
    if bool(readable.all()):
        kept = array
    else:
        kept = pc.if_else(pa.array(readable), array, pa.scalar(None, array.type))
    values, beyond = whole_of_decimals(kept.cast(pa.decimal128(38, places)))
    readable &= ~beyond
    values[~readable] = 0
    unreadable = ~readable if valid is None else ~readable & valid
    column = Column(values=values, places=places, valid=valid)
    if not bool(unreadable.any()):
        return all_read(column)
    return Cells(column, unreadable, objects(array))
