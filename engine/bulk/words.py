"""Arrow columns of codes, of truths and of days: few distinct texts, each read once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.arrays import (
    Cells,
    Wanted,
    all_read,
    by_distinct_text,
    field_places,
    is_text,
    object_column,
    objects,
    validity,
    wrong_type,
)
from engine.bulk.problems import FileProblem
from engine.evaluator.columns import TRUTHS
from engine.evaluator.rows import Column

DAY_TEXT_LENGTH: Final = 10


def codes(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """Positions in the texts that the column holds; whole numbers count as their digits."""
    del wanted
    type_ = array.type
    if pa.types.is_integer(type_) and not field_places(field, file):
        array = array.cast(pa.string())
        type_ = array.type
    if is_text(type_):
        array = array.dictionary_encode()
    elif not pa.types.is_dictionary(type_):
        raise wrong_type(field, type_, file, "a code (text)", "代码（文本）")
    valid = validity(array)
    names = tuple("" if name is None else str(name) for name in array.dictionary.to_pylist())
    indices = array.indices
    positions = np.asarray(indices if indices.null_count == 0 else indices.fill_null(0)).astype(np.int64, copy=False)
    if not names:
        names, valid = ("",), np.zeros(len(array), dtype=bool)
    elif array.dictionary.null_count:
        # A null of the dictionary is a cell not given, too.
        named = np.asarray(array.dictionary.is_valid())[positions]
        valid = named if valid is None else valid & named
    return all_read(Column(values=positions, valid=valid, codes=names))


def booleans(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """0 and 1; text is read as the door reads it."""
    del wanted
    type_ = array.type
    valid = validity(array)
    if pa.types.is_boolean(type_):
        filled = array if valid is None else array.fill_null(False)
        return all_read(Column(values=np.asarray(filled).astype(np.uint8), valid=valid))
    if pa.types.is_integer(type_) and not field_places(field, file):
        values = np.asarray(array if valid is None else array.fill_null(0))
        other = (values != 0) & (values != 1)
        column = Column(values=np.where(other, 0, values).astype(np.uint8), valid=valid)
        return Cells(column, other, objects(array)) if bool(other.any()) else all_read(column)
    if is_text(type_) or pa.types.is_dictionary(type_):
        return by_distinct_text(array, _boolean)
    raise wrong_type(field, type_, file, "true or false", "真或假")


def _boolean(text: str) -> int | None:
    return TRUTHS.get(text)


def dates(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """Days since 1970-01-01. A timestamp must have a zone, and counts where it is midnight there."""
    del wanted
    type_ = array.type
    if pa.types.is_date64(type_):
        array = array.cast(pa.date32())
    if pa.types.is_date(type_):
        valid = validity(array)
        days = np.asarray(array.cast(pa.int32()).fill_null(0)).astype(np.int64)
        return all_read(Column(values=days, valid=valid))
    if pa.types.is_timestamp(type_):
        if type_.tz is None:
            raise FileProblem(
                "portfolio-column-type",
                file,
                column=field.name,
                came=f"{type_}, a time without a zone",
                instead="Write date32 (a local day), or a timestamp with its zone at local midnight.",
                instead_zh="请写成 date32（当地日期），或带时区且为当地零点的时间戳。",
            )
        return _midnights(array)
    if is_text(type_) or pa.types.is_dictionary(type_):
        return by_distinct_text(array, _day)
    raise wrong_type(field, type_, file, "a day (date32)", "日期（date32）")


def _day(text: str) -> int | None:
    if len(text) != DAY_TEXT_LENGTH or text[4] != "-" or text[7] != "-" or not text.isascii():
        return None
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _midnights(array: Any) -> Cells:
    valid = validity(array)
    local = pc.local_timestamp(array)
    per_day = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[local.type.unit]
    ticks = np.asarray(local.cast(pa.int64()).fill_null(0))
    days = ticks // per_day
    off = days * per_day != ticks
    column = Column(values=days, valid=valid)
    if not bool(off.any()):
        return all_read(column)

    def as_came(positions: NDArray[np.int64]) -> Column:
        return object_column([_time_text(value) for value in array.take(pa.array(positions)).to_pylist()])

    return Cells(column, off, as_came)


def _time_text(value: datetime | None) -> object:
    """A day where the time is midnight, else the time as text, which the door refuses as no day."""
    if value is None:
        return None
    return value.date() if value.time() == value.time().min else value.isoformat(sep=" ")
