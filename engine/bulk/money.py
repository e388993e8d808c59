"""Whole numbers of the smallest place, and their exact sums and decimals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_LOW_BITS = 32
_ROWS_ADDED = 2**21
_FLOAT_EXACT = 2**53


def exact_sum(whole: NDArray[Any]) -> int:
    """Add whole numbers up without running over 64 bits."""
    if whole.dtype != np.int64:
        whole = whole.astype(np.int64)
    upper = int((whole >> _LOW_BITS).sum(dtype=np.int64))
    lower = int((whole & ((1 << _LOW_BITS) - 1)).sum(dtype=np.int64))
    return (upper << _LOW_BITS) + lower


def sums_by(code: NDArray[np.int64] | None, count: int, whole: NDArray[Any]) -> list[int]:
    """Add whole numbers up by a code of each, below `count`; None: all have the same.

    A sum is taken in float64, and exact: of numbers that together stay within 2^53, or of their halves, of which one is
    below 2^32 and up to 2^21 rows are added at a time.
    """
    if code is None:
        return [exact_sum(whole)]
    found = [0] * count
    for start in range(0, len(whole), _ROWS_ADDED):
        of, some = code[start : start + _ROWS_ADDED], whole[start : start + _ROWS_ADDED]
        if max(abs(int(some.max())), abs(int(some.min()))) * len(some) <= _FLOAT_EXACT:
            halves = [(np.bincount(of, some, count), 0)]
        else:
            low = some & ((1 << _LOW_BITS) - 1)
            halves = [(np.bincount(of, low, count), 0), (np.bincount(of, some >> _LOW_BITS, count), _LOW_BITS)]
        for sums, shift in halves:
            for at, of_one in enumerate(sums.tolist()):
                found[at] += int(of_one) << shift
    return found


def decimals(whole: NDArray[np.int64], places: int, precision: int, valid: NDArray[np.bool_] | None = None) -> Any:
    """Give whole numbers as an Arrow decimal128 array, by its two 64-bit words; null where not valid."""
    words = np.empty((len(whole), 2), dtype=np.int64)
    words[:, 0] = whole
    words[:, 1] = whole >> 63
    bitmap, nulls = None, 0
    if valid is not None:
        nulls = len(valid) - int(np.count_nonzero(valid))
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little")) if nulls else None
    type_ = pa.decimal128(precision, places)
    return pa.Array.from_buffers(type_, len(whole), [bitmap, pa.py_buffer(words)], null_count=nulls)


def precision_of(low: int, high: int) -> int:
    """Digits of a decimal column that holds these bounds: 18 where they fit in, as databases like it, else 19."""
    return 18 if max(abs(low), abs(high)) < 10**18 else 19
