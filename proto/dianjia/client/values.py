"""Columns as they are sent and as they come back: numpy arrays that say what their numbers mean.

A caller makes `Scaled`, `Coded` and `Items` where it has numpy arrays; the readers of pandas, Polars and Arrow make all
of them. Shapes: `row` is a row of the frame, `item` an item of a list.
"""

from __future__ import annotations

import dataclasses
import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Whole: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
Pick: TypeAlias = slice | NDArray[np.int64]  # rows of a column: a stretch, or positions

PLACES_MAX: Final = 18
# Wide enough for any whole number of 64 bits and for any product of one with a power of ten that is tried here; what
# does not fit exactly is an error and never a rounding.
EXACT: Final = decimal.Context(prec=60, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow])


@dataclass(frozen=True, slots=True)
class Scaled:
    """Decimal numbers as whole numbers of their smallest place.

    Args:
        values: shape (row,), any whole-number type; 12345 with two places is 123.45.
        places: decimal places of every value, 0 to 18.
        given: shape (row,); False: not given. None: every value is given. A masked array says it by its mask.

    Raises:
        ValueError: the values are not whole numbers of at most 64 bits, or the shapes differ.

    >>> Scaled(np.array([12345, -5]), 2).decimals()
    [Decimal('123.45'), Decimal('-0.05')]
    """

    values: Whole
    places: int = 0
    given: Mask | None = None

    def __post_init__(self) -> None:
        values, given = _unmasked(self.values, self.given)
        if values.dtype.kind not in "iu":
            raise ValueError(
                f"Scaled holds whole numbers of the smallest place; came an array of {values.dtype}. "
                "Pass int64, or make it with Scaled.of_floats or Scaled.of_decimals."
            )
        if values.dtype == np.uint64 and len(values) and int(values.max()) > np.iinfo(np.int64).max:
            raise ValueError("Scaled holds whole numbers below 2^63; came larger ones. Pass text.")
        if not 0 <= self.places <= PLACES_MAX:
            raise ValueError(f"places is 0 to {PLACES_MAX}; came {self.places}")
        object.__setattr__(self, "values", values.astype(np.int64, copy=False))
        object.__setattr__(self, "given", given)

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of_decimals(cls, values: Sequence[Decimal | int | None], places: int) -> Scaled:
        """Take decimal numbers; None is not given.

        Raises:
            ValueError: one has more places, or does not fit 64 bits.
        """
        try:
            scaled = [EXACT.scaleb(0 if value is None else value, places) for value in values]
            whole = [int(value) for value in scaled]
            if whole != scaled:
                raise decimal.Inexact
            array = np.array(whole, dtype=np.int64)
        except (decimal.DecimalException, OverflowError, TypeError, ValueError) as error:
            at = next(at for at, value in enumerate(values) if value is not None and not _fits(value, places))
            raise ValueError(f"row {at}: {values[at]!r} is no decimal number of {places} places and 64 bits") from error
        given = np.array([value is not None for value in values], dtype=bool)
        return cls(array, places, None if bool(given.all()) else given)

    @classmethod
    def of_floats(cls, values: Array, places: int) -> Scaled:
        """Take binary floats, each beyond doubt the nearest to a number of so many places; NaN is not given.

        Raises:
            ValueError: one is not, such as 41.504999999999995 with two places: somebody computed with it, and nobody
                can say which number was meant.

        >>> Scaled.of_floats(np.array([0.1, 41.5]), 2).values.tolist()
        [10, 4150]
        """
        floats = np.asarray(values, dtype=np.float64)
        if np.asarray(values).dtype == np.float32:
            raise ValueError("float32 has lost digits; pass the numbers as they were before")
        given = ~np.isnan(floats)
        filled = np.where(given, floats, 0.0)
        whole = np.rint(filled * 10.0**places)
        # A whole number up to 2^53 divided by a power of ten up to 10^22 is the nearest double to their quotient.
        sure = (np.abs(whole) <= 2.0**53) & (whole / 10.0**places == filled)
        if not bool(sure.all()):
            at = int(np.flatnonzero(~sure)[0])
            raise ValueError(
                f"row {at}: {float(floats[at])!r} is not the nearest binary float to a number of {places} places; "
                "pass the number as it was before anything was computed with it, as a decimal or as text"
            )
        return cls(whole.astype(np.int64), places, None if bool(given.all()) else given)

    def decimals(self) -> list[Decimal]:
        """Give the numbers as decimals; in the place of what is not given, zero."""
        places = -self.places
        return [EXACT.scaleb(Decimal(value), places) for value in self.values.tolist()]


def _fits(value: Decimal | int, places: int) -> bool:
    try:
        scaled = EXACT.scaleb(value, places)
        return int(scaled) == scaled and -(2**63) <= scaled < 2**63
    except (decimal.DecimalException, OverflowError, TypeError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Coded:
    """Texts of which few differ.

    Args:
        positions: shape (row,), whole numbers: positions in `names`.
        names: the texts.
        given: shape (row,); False: not given. None: every row has one.
    """

    positions: Whole
    names: tuple[str, ...]
    given: Mask | None = None

    def __post_init__(self) -> None:
        positions, given = _unmasked(self.positions, self.given)
        if positions.dtype.kind not in "iu":
            raise ValueError(f"positions in names are whole numbers; came an array of {positions.dtype}")
        used = positions if given is None else positions[given]
        if len(used) and not 0 <= int(used.min()) <= int(used.max()) < len(self.names):
            raise ValueError(f"positions are 0 to {len(self.names) - 1}; came {int(used.min())} to {int(used.max())}")
        object.__setattr__(self, "positions", positions.astype(np.int64, copy=False))
        object.__setattr__(self, "given", given)
        object.__setattr__(self, "names", tuple(self.names))

    def __len__(self) -> int:
        return len(self.positions)

    def texts(self) -> NDArray[np.object_]:
        """Give the text of each row; None where it has none."""
        names = np.array([*self.names, None], dtype=object)
        at = self.positions if self.given is None else np.where(self.given, self.positions, -1)
        return names[at]


@dataclass(frozen=True, slots=True)
class Days:
    """Days, each as a number of days since 1970-01-01."""

    values: NDArray[np.int32]
    given: Mask | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Flags:
    """True or false."""

    values: Mask
    given: Mask | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of which most differ, or that nobody has read yet."""

    values: NDArray[np.object_]
    given: Mask | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Items:
    """What comes many to a row: a list of each row, all items behind one another.

    Args:
        lengths: shape (row,): items of each row.
        columns: the items' columns, each of the summed length, by the input's name without the list's: `kva`.
        given: shape (row,); False: the row gives no list. A list may be given with no item.

    Raises:
        ValueError: a column has another length.
    """

    lengths: Whole
    columns: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    given: Mask | None = None

    def __post_init__(self) -> None:
        lengths, given = _unmasked(self.lengths, self.given)
        if lengths.dtype.kind not in "iu" or (len(lengths) and int(lengths.min()) < 0):
            raise ValueError(f"lengths are whole numbers from 0; came an array of {lengths.dtype}")
        if given is not None:
            lengths = np.where(given, lengths, 0)
        items = int(lengths.sum())
        for name, column in self.columns.items():
            if len(column) != items:
                raise ValueError(f"`{name}` has {len(column)} items; the lengths of the lists add up to {items}")
        object.__setattr__(self, "lengths", lengths.astype(np.int64, copy=False))
        object.__setattr__(self, "given", given)

    def __len__(self) -> int:
        return len(self.lengths)


Column: TypeAlias = Scaled | Coded | Days | Flags | Texts | Items


def _unmasked(values: Any, given: Mask | None) -> tuple[Array, Mask | None]:
    """An array, and which of its values are given."""
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    array = np.ma.getdata(values) if masked is not None else np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"a column has one axis, row; came an array of shape {array.shape}")
    if masked is not None and bool(masked.any()):
        given = ~masked if given is None else given & ~masked
    if given is not None:
        given = np.asarray(given)
        if given.dtype != np.bool_ or given.shape != array.shape:
            raise ValueError(f"given is bool of shape {array.shape}; came {given.dtype} of shape {given.shape}")
        if bool(given.all()):
            given = None
    return array, given


def picked(column: Column, pick: Pick) -> Column:
    """Some rows of a column."""
    given = None if column.given is None else column.given[pick]
    match column:
        case Scaled(values, places):
            return Scaled(values[pick], places, given)
        case Coded(positions, names):
            return Coded(positions[pick], names, given)
        case Days(values):
            return Days(values[pick], given)
        case Flags(values):
            return Flags(values[pick], given)
        case Texts(values):
            return Texts(values[pick], given)
        case Items(lengths, columns):
            ends = np.cumsum(lengths)
            starts, own = (ends - lengths)[pick], lengths[pick]
            first = int(starts[0]) if len(own) else 0
            items: Pick = slice(first, first + int(own.sum()))
            if not isinstance(pick, slice):
                within = np.arange(int(own.sum())) - np.repeat(np.cumsum(own) - own, own)
                items = np.repeat(starts, own) + within
            return Items(own, {name: picked(one, items) for name, one in columns.items()}, given)


def none_given(column: Column) -> bool:
    """Whether no row has a value."""
    return len(column) > 0 and column.given is not None and not bool(column.given.any())
