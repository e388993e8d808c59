"""Columns of times -> whole microseconds since 1970-01-01 UTC: timestamps with a timezone, whole numbers, text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import arrays
from engine.compiler.trigger import END_AT, FIRST_AT
from engine.evaluator.rows import Mask, Whole
from engine.triggers.events import EPOCH, MICROSECOND, time_of


def times(column: Any, file: str) -> tuple[Any, Mask]:
    """Read a column of times [us], and say which cells are none.

    Raises:
        FileProblem: its type holds no times.
    """
    array = arrays.plain(column)
    valid = np.asarray(array.is_valid())
    if pa.types.is_null(array.type):
        return pa.array(np.zeros(len(array), np.int64)), ~valid
    if pa.types.is_timestamp(array.type):
        whole, odd = _whole_times(array.cast(pa.int64()).fill_null(0), array.type.unit)
    elif pa.types.is_integer(array.type):
        filled = array.fill_null(0)
        odd = (
            np.asarray(pc.greater_equal(filled, END_AT))
            if pa.types.is_uint64(array.type)
            else np.zeros(len(array), bool)
        )
        whole = np.where(odd, 0, np.asarray(filled)).astype(np.int64)
    elif arrays.is_text(array.type) or pa.types.is_dictionary(array.type):
        whole, odd = _written_times(array)
    else:
        raise arrays.wrong_type(pa.field("at", array.type), array.type, file, "a time with a timezone", "带时区的时间")
    return pa.array(whole), odd | ~valid | (whole < FIRST_AT) | (whole >= END_AT)


_UNITS: Final[Mapping[str, tuple[int, int]]] = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def _whole_times(counts: Any, unit: str) -> tuple[Whole, Mask]:
    values = np.asarray(counts)
    by, divided = _UNITS[unit]
    if divided > 1:
        whole, rest = np.divmod(values, divided)
        return whole, rest != 0
    far = (values > END_AT // by) | (values < -(END_AT // by))
    return np.where(far, 0, values) * by, far


def _written_times(array: Any) -> tuple[Whole, Mask]:
    """Each distinct text is read once."""
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    read = [time_of(text) for text in array.dictionary.to_pylist()] or [None]
    at = np.asarray(array.indices.fill_null(0)).astype(np.int64, copy=False)
    # A time beyond 64 bits cannot be written: the calendar ends before.
    whole = (
        np.array([0 if one is None else one for one in read], dtype=np.int64)[at] if len(at) else np.zeros(0, np.int64)
    )
    odd: Mask = np.array([one is None for one in read])[at] if len(at) else np.zeros(0, bool)
    return whole, odd


def time_as_it_came(count: int, unit: str) -> object:
    """Give a count of a timestamp as whole microseconds; one that is finer as text, which is no time of an event."""
    by, divided = _UNITS[unit]
    whole, rest = divmod(count * by, divided)
    if not rest:
        return whole
    text = (EPOCH + whole * MICROSECOND).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{text}{rest:03d}Z"
