"""Arrow columns -> columns of the evaluator: whole numbers, codes, booleans and days, a column at a time.

What a cell cannot be read as is decided for the whole column at once; a cell that cannot be read (text that is no
number, a decimal beyond 64 bits) is marked. Nothing is guessed and no number passes through a binary float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, Final

import numpy as np
import pyarrow as pa

from engine.bulk.arrays import Cells, Wanted, field_places, nothing, object_column, objects, plain, take
from engine.bulk.numbers import numbers
from engine.bulk.words import booleans, codes, dates
from engine.evaluator.columns import FLOAT_DIGITS

__all__ = ["Cells", "Wanted", "read"]


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
        return nothing(len(array))
    if len(wanted.kinds) != 1:
        # Rule sets disagree on what the column is: each cell goes to the door as text, which every kind reads.
        return _texts(array, field, file)
    return READERS[next(iter(wanted.kinds))](array, field, wanted, file)


def _texts(array: Any, field: Any, file: str) -> Cells:
    places = field_places(field, file) if pa.types.is_integer(array.type) else 0
    column = objects(array, places)(np.arange(len(array)))
    if pa.types.is_float64(array.type):
        column = object_column([of_float(value) for value in column.values.tolist()])
    return Cells(column, None, lambda positions: take(column, positions))


def of_float(value: float | None) -> object:
    """Give the decimal nearest to a double, where 15 digits name it; else the double, which the door refuses."""
    if value is None or not isfinite(value):
        return None if value is None else str(value)
    number = Decimal(repr(value))
    return number if len(number.normalize().as_tuple().digits) <= FLOAT_DIGITS else value


READERS: Final[Mapping[str, Callable[[Any, Any, Wanted, str], Cells]]] = {
    "number": numbers,
    "code": codes,
    "boolean": booleans,
    "date": dates,
}
