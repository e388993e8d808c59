"""A caller's frame, whichever library made it: read a column of some rows, pick rows, make a frame of what came back.

No library is imported before a frame of it comes: who passes numpy arrays needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dianjia.client.described import Wanted
from dianjia.client.values import Column

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Same:
    """A column of a result that is a column of the caller's frame, at some positions."""

    name: str
    positions: Positions


Made = Mapping[str, Column | Same | Positions]  # positions: whole numbers that count something


class Frame(Protocol):
    """Rows of a caller."""

    @property
    def rows(self) -> int:
        """How many."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    def column(self, name: str, wanted: Wanted, start: int, stop: int) -> Column:
        """Read a column of the rows [start, stop).

        Raises:
            ValueError: the column is of a type that cannot be what is wanted.
        """

    def made(self, columns: Made, positions: Positions) -> Any:
        """Make a frame of the same library.

        Args:
            columns: name -> column, all of one length.
            positions: shape (row,): row of the caller's frame that each row comes from.
        """


def framed(given: Any) -> Frame:
    """Take what a caller passes.

    Raises:
        ValueError: it is no mapping of columns and no frame of pandas, Polars or Arrow, or columns differ in length.
    """
    if isinstance(given, Mapping):
        from dianjia.client.arrays import ArrayFrame

        return ArrayFrame.of(given)
    match type(given).__module__.partition(".")[0], type(given).__name__:
        case "pandas", "DataFrame":
            from dianjia.client.pandas_frames import PandasFrame

            return PandasFrame.of(given)
        case "polars", "DataFrame":
            from dianjia.client.polars_frames import PolarsFrame

            return PolarsFrame.of(given)
        case "pyarrow", "Table" | "RecordBatch":
            from dianjia.client.arrow_frames import ArrowFrame

            return ArrowFrame.of(given)
        case "polars", "LazyFrame":
            raise ValueError("a LazyFrame holds no rows yet; collect it, or pass its batches to `stream`")
    raise ValueError(
        f"came {type(given).__module__}.{type(given).__name__}; pass a mapping of numpy arrays, a pandas or Polars "
        "DataFrame, or an Arrow Table or RecordBatch"
    )


def no_floats(name: str, came: object, reason: str) -> ValueError:
    """Say that a column is of binary floats."""
    return ValueError(f"`{name}` is a column of {came}: {reason}")


def wrong_type(name: str, came: object, wanted: Wanted, more: str = "") -> ValueError:
    """Say that a column is of a type that cannot be what is wanted."""
    return ValueError(f"`{name}` is a column of {came}; it takes {wanted.described}.{more and f' {more}'}")
