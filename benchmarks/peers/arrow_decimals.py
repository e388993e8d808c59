"""Whole-number columns to Arrow decimals and back, exactly and without going through text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from benchmarks.workloads import Ints


def to_decimals(values: Ints, precision: int, places: int) -> pa.Array:
    """Lay out whole numbers of `places` as decimal128(precision, places), `values` (row,)."""
    limbs = np.empty((len(values), 2), dtype=np.int64)
    limbs[:, 0] = values
    limbs[:, 1] = values >> 63
    return pa.Array.from_buffers(pa.decimal128(precision, places), len(values), [None, pa.py_buffer(limbs)])


def to_whole_numbers(column: pa.ChunkedArray | pa.Array, places: int) -> Ints:
    """Take decimals as whole numbers of `places`; raises ArrowInvalid where that would lose a digit."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_boolean(column.type) or pa.types.is_integer(column.type):
        return np.asarray(column.cast(pa.int64()))
    column = column.cast(pa.decimal128(38, places))
    limbs = np.frombuffer(column.buffers()[1], dtype=np.int64).reshape(-1, 2)
    return limbs[column.offset : column.offset + len(column), 0].copy()
