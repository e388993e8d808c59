"""Columns of a file as they are read: what is wanted of one, what came of it, and Arrow arrays in their plain form.

A cell that cannot be read is marked, and its row goes another way: with its cells as they came, so that the door
refuses it with the text that stood there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.bulk.problems import FileProblem
from engine.evaluator.rows import Column

PLACES_MAX: Final = 18


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


def plain(array: Any) -> Any:
    """The column as one array, without a dictionary of numbers; texts, in a dictionary too, with 32-bit offsets."""
    array = _whole(array)
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
    array = _whole(array)
    if (
        pa.types.is_dictionary(type_) and array.dictionary.null_count
    ):  # Parquet holds no null among a dictionary's values
        array = array.dictionary_decode().dictionary_encode()
        array = pa.DictionaryArray.from_arrays(array.indices.cast(type_.index_type), array.dictionary)
    return array


def _whole(array: Any) -> Any:
    """The chunks of a column as one array."""
    if not isinstance(array, pa.ChunkedArray):
        return array
    if array.num_chunks == 1:
        return array.chunk(0)  # to combine would copy it
    # Arrow makes no array of no chunks where a dictionary's values are views.
    return array.combine_chunks() if array.num_chunks else pa.nulls(0, array.type)


def is_text(type_: Any) -> bool:
    """Tell whether a column of an Arrow type holds text."""
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or _is_view(type_))


def _is_view(type_: Any) -> bool:
    check = getattr(pa.types, "is_string_view", None)
    return bool(check is not None and check(type_))


def validity(array: Any) -> NDArray[np.bool_] | None:
    """(row,) which cells are given; None where all are."""
    return None if array.null_count == 0 else np.asarray(array.is_valid())


def field_places(field: Any, file: str) -> int:
    """Places that a column of whole numbers declares in its metadata; 0 where it declares none."""
    written = (field.metadata or {}).get(b"places")
    if written is None:
        return 0
    text = written.decode("utf-8", errors="replace")
    if not (text.isascii() and text.isdigit() and int(text) <= PLACES_MAX):
        raise FileProblem("portfolio-places", file, column=field.name, came=text)
    return int(text)


def objects(array: Any, places: int = 0) -> Callable[[NDArray[np.int64]], Column]:
    """Cells as text, Decimal, day, whole number, true or false; None where not given.

    Whole numbers that are scaled by `places` come as the Decimals that they stand for: no object has places of its own.
    """

    def as_came(positions: NDArray[np.int64]) -> Column:
        values = array.take(pa.array(positions)).to_pylist()
        return object_column(values, places)

    return as_came


def object_column(values: list[object], places: int = 0) -> Column:
    """A column of Python values; whole numbers that are scaled by `places` become Decimals."""
    if places:
        values = [None if value is None else Decimal(str(value)).scaleb(-places) for value in values]
    objects = np.empty(len(values), dtype=object)
    objects[:] = values
    given = np.array([value is not None for value in values], dtype=bool)
    return Column(values=objects, valid=None if bool(given.all()) else given)


def all_read(column: Column) -> Cells:
    """A column in which every cell could be read."""
    return Cells(column, None, lambda positions: take(column, positions))


def nothing(rows: int) -> Cells:
    """A column in which nothing is given."""
    return all_read(empty(rows))


def empty(rows: int) -> Column:
    """A column in which nothing is given, as the evaluator takes it."""
    return Column(values=np.zeros(rows, dtype=np.int64), valid=np.zeros(rows, dtype=bool))


def take(column: Column, positions: NDArray[np.int64]) -> Column:
    """The column's cells at some positions."""
    return Column(
        values=column.values[positions],
        places=column.places,
        valid=None if column.valid is None else column.valid[positions],
        codes=column.codes,
    )


def by_distinct_text(array: Any, reading: Callable[[str], int | None]) -> Cells:
    """Read each distinct text of a column once; `reading` gives None where it cannot."""
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    valid = validity(array)
    names = array.dictionary.to_pylist()
    read_ = [None if name is None else reading(str(name)) for name in names]
    if not read_:
        return nothing(len(array))
    indices = np.asarray(array.indices.fill_null(0)).astype(np.int64, copy=False)
    values = np.array([0 if value is None else value for value in read_], dtype=np.int64)[indices]
    failed = np.array([value is None for value in read_])[indices]
    if valid is not None:
        failed &= valid
    column = Column(values=values, valid=valid)
    if not bool(failed.any()):
        return all_read(column)
    return Cells(column, failed, objects(array))


def wrong_type(field: Any, type_: Any, file: str, wanted: str, wanted_zh: str) -> FileProblem:
    """Say that a column's type cannot hold what the rule sets read."""
    return FileProblem(
        "portfolio-column-type",
        file,
        column=field.name,
        came=str(type_),
        instead=f"The rule sets read {wanted}; write it so, or leave the column out.",
        instead_zh=f"规则集需要{wanted_zh}；请照此填写，或去掉这一列。",
    )
