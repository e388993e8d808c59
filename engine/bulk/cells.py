"""Arrow columns -> columns of the evaluator: whole numbers, codes, booleans and days, a column at a time.

What a cell cannot be read as is decided for the whole column at once; a cell that cannot be read (text that is no
number, a decimal beyond 64 bits) is marked, and its row goes another way: with its cells as they came, so that the door
refuses it with the text that stood there. Nothing is guessed and no number passes through a binary float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.problems import FileProblem
from engine.evaluator.columns import FLOAT_DIGITS, TRUTHS
from engine.evaluator.rows import Column

PLACES_MAX: Final = 18
NUMBER_TEXT: Final = r"^-?[0-9]{1,18}(\.[0-9]{1,12})?$"
TEXT_PLACES_MAX: Final = 12
DAY_TEXT_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the rule sets of a book read a column: as which kinds, and with at most how many places."""

    kinds: frozenset[str]  # number, boolean, code, date
    places: int = 0


@dataclass(frozen=True, slots=True)
class Cells:
    """A column of one batch as the evaluator takes it.

    `column` holds at least every cell that is not marked in `unreadable`; `as_came(positions)` gives cells, marked ones
    too, as Python values or in a type that the door checks itself.
    """

    column: Column
    unreadable: NDArray[np.bool_] | None
    as_came: Callable[[NDArray[np.int64]], Column]


def read(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """Read a column as the rule sets want it.

    Args:
        array: a pyarrow Array, (row,).
        field: its pyarrow Field; `places` in its metadata says that its whole numbers are scaled.
        wanted: the kinds that rule sets read it as.
        file: for the problem.

    Raises:
        FileProblem: the column's type cannot hold what is wanted.
    """
    array = plain(array)
    if pa.types.is_null(array.type):
        return _nothing(len(array))
    if len(wanted.kinds) != 1:
        # Rule sets disagree on what the column is: each cell goes to the door as text, which every kind reads.
        return _texts(array, field, file)
    return READERS[next(iter(wanted.kinds))](array, field, wanted, file)


def plain(array: Any) -> Any:
    """The column as one array, without a dictionary of numbers; texts, in a dictionary too, with 32-bit offsets."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    type_ = array.type
    if pa.types.is_dictionary(type_) and not is_text(type_.value_type):
        array = array.dictionary_decode()
        type_ = array.type
    if pa.types.is_large_string(type_) or _is_view(type_):
        array = array.cast(pa.string())
    elif pa.types.is_dictionary(type_) and not pa.types.is_string(type_.value_type):
        array = pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.string()))
    return array


def passing(array: Any) -> Any:
    """The column as one array as it came, but in a type that Arrow can take rows of and Parquet can hold."""
    type_ = array.type
    if pa.types.is_run_end_encoded(type_) or _is_view(type_):
        return plain(array)
    if pa.types.is_dictionary(type_) and _is_view(type_.value_type):
        return plain(array)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def is_text(type_: Any) -> bool:
    """Tell whether a column of an Arrow type holds text."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or _is_view(type_))


def _is_view(type_: Any) -> bool:
    check = getattr(pa.types, "is_string_view", None)
    return bool(check is not None and check(type_))


def validity(array: Any) -> NDArray[np.bool_] | None:
    """(row,) which cells are given; None where all are."""
    return None if array.null_count == 0 else np.asarray(array.is_valid())


# Numbers


def numbers(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """Whole numbers of the smallest place; float64 stays as it is, for the door to accept nearest doubles alone."""
    type_ = array.type
    valid = validity(array)
    if pa.types.is_integer(type_):
        return _integers(array, field, file)
    if pa.types.is_float64(type_):
        values = np.asarray(array if valid is None else array.fill_null(0.0))
        return _whole(Column(values=values, valid=valid))
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
    raise _wrong_type(field, type_, file, "a number", "数字")


def _integers(array: Any, field: Any, file: str) -> Cells:
    places = field_places(field, file)
    valid = validity(array)
    filled = array if valid is None else array.fill_null(0)
    if pa.types.is_uint64(array.type):
        values = np.asarray(filled)
        beyond = values >= np.uint64(1 << 63)
        whole = np.where(beyond, np.uint64(0), values).astype(np.int64)
        if bool(beyond.any()):
            return Cells(Column(values=whole, places=places, valid=valid), beyond, _objects(array, places))
    else:
        whole = np.asarray(filled).astype(np.int64, copy=False)
    return _whole(Column(values=whole, places=places, valid=valid))


def field_places(field: Any, file: str) -> int:
    """Places that a column of whole numbers declares in its metadata; 0 where it declares none."""
    written = (field.metadata or {}).get(b"places")
    if written is None:
        return 0
    text = written.decode("utf-8", errors="replace")
    if not (text.isascii() and text.isdigit() and int(text) <= PLACES_MAX):
        raise FileProblem("portfolio-places", file, column=field.name, came=text)
    return int(text)


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
            return Cells(_empty(len(array)), every, _objects(array))
        scale = array.type.scale
    elif not pa.types.is_decimal128(array.type):
        array = array.cast(pa.decimal128(38, scale))
    values, beyond = whole_of_decimals(array)
    if valid is not None:
        beyond &= valid
    column = Column(values=values, places=scale, valid=valid)
    if array.type.precision <= 18 or not bool(beyond.any()):
        return _whole(column)
    return Cells(column, beyond, _objects(array))


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
        return _whole(column)
    return Cells(column, unreadable, _objects(array))


# Codes


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
        raise _wrong_type(field, type_, file, "a code (text)", "代码（文本）")
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
    return _whole(Column(values=positions, valid=valid, codes=names))


# Booleans and days: few distinct texts, each read once


def booleans(array: Any, field: Any, wanted: Wanted, file: str) -> Cells:
    """0 and 1; text is read as the door reads it."""
    del wanted
    type_ = array.type
    valid = validity(array)
    if pa.types.is_boolean(type_):
        filled = array if valid is None else array.fill_null(False)
        return _whole(Column(values=np.asarray(filled).astype(np.uint8), valid=valid))
    if pa.types.is_integer(type_) and not field_places(field, file):
        values = np.asarray(array if valid is None else array.fill_null(0))
        other = (values != 0) & (values != 1)
        column = Column(values=np.where(other, 0, values).astype(np.uint8), valid=valid)
        return Cells(column, other, _objects(array)) if bool(other.any()) else _whole(column)
    if is_text(type_) or pa.types.is_dictionary(type_):
        return _by_distinct_text(array, _boolean)
    raise _wrong_type(field, type_, file, "true or false", "真或假")


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
        return _whole(Column(values=days, valid=valid))
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
        return _by_distinct_text(array, _day)
    raise _wrong_type(field, type_, file, "a day (date32)", "日期（date32）")


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
        return _whole(column)

    def as_came(positions: NDArray[np.int64]) -> Column:
        return _object_column([_time_text(value) for value in array.take(pa.array(positions)).to_pylist()])

    return Cells(column, off, as_came)


def _time_text(value: datetime | None) -> object:
    """A day where the time is midnight, else the time as text, which the door refuses as no day."""
    if value is None:
        return None
    return value.date() if value.time() == value.time().min else value.isoformat(sep=" ")


def _by_distinct_text(array: Any, reading: Callable[[str], int | None]) -> Cells:
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    valid = validity(array)
    names = array.dictionary.to_pylist()
    read_ = [None if name is None else reading(str(name)) for name in names]
    if not read_:
        return _nothing(len(array))
    indices = np.asarray(array.indices.fill_null(0)).astype(np.int64, copy=False)
    values = np.array([0 if value is None else value for value in read_], dtype=np.int64)[indices]
    failed = np.array([value is None for value in read_])[indices]
    if valid is not None:
        failed &= valid
    column = Column(values=values, valid=valid)
    if not bool(failed.any()):
        return _whole(column)
    return Cells(column, failed, _objects(array))


# As they came


def _texts(array: Any, field: Any, file: str) -> Cells:
    places = field_places(field, file) if pa.types.is_integer(array.type) else 0
    column = _objects(array, places)(np.arange(len(array)))
    if pa.types.is_float64(array.type):
        column = _object_column([_of_float(value) for value in column.values.tolist()])
    return Cells(column, None, lambda positions: take(column, positions))


def _of_float(value: float | None) -> object:
    """The decimal that a double is nearest to, where 15 digits name it; else the double, which the door refuses."""
    if value is None or not isfinite(value):
        return None if value is None else str(value)
    number = Decimal(repr(value))
    return number if len(number.normalize().as_tuple().digits) <= FLOAT_DIGITS else value


def _objects(array: Any, places: int = 0) -> Callable[[NDArray[np.int64]], Column]:
    """Cells as text, Decimal, day, whole number, true or false; None where not given.

    Whole numbers that are scaled by `places` come as the Decimals that they stand for: no object has places of its own.
    """

    def as_came(positions: NDArray[np.int64]) -> Column:
        values = array.take(pa.array(positions)).to_pylist()
        return _object_column(values, places)

    return as_came


def _object_column(values: list[object], places: int = 0) -> Column:
    if places:
        values = [None if value is None else Decimal(str(value)).scaleb(-places) for value in values]
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    given = np.array([value is not None for value in values], dtype=bool)
    return Column(values=objects, valid=None if bool(given.all()) else given)


def _whole(column: Column) -> Cells:
    """A column in which every cell could be read."""
    return Cells(column, None, lambda positions: take(column, positions))


def _nothing(rows: int) -> Cells:
    return _whole(_empty(rows))


def _empty(rows: int) -> Column:
    return Column(values=np.zeros(rows, dtype=np.int64), valid=np.zeros(rows, dtype=bool))


def take(column: Column, positions: NDArray[np.int64]) -> Column:
    """The column's cells at some positions."""
    return Column(
        values=column.values[positions],
        places=column.places,
        valid=None if column.valid is None else column.valid[positions],
        codes=column.codes,
    )


def _wrong_type(field: Any, type_: Any, file: str, wanted: str, wanted_zh: str) -> FileProblem:
    return FileProblem(
        "portfolio-column-type",
        file,
        column=field.name,
        came=str(type_),
        instead=f"The rule sets read {wanted}; write it so, or leave the column out.",
        instead_zh=f"规则集需要{wanted_zh}；请照此填写，或去掉这一列。",
    )


READERS: Final[Mapping[str, Callable[[Any, Any, Wanted, str], Cells]]] = {
    "number": numbers,
    "code": codes,
    "boolean": booleans,
    "date": dates,
}
