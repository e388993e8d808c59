"""Rows as columns, and what is wrong with a row.

Takes numpy arrays from whoever read the file or the message; holds them without looking at a single value
(`engine.evaluator.door` does that). Nothing here knows Arrow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compiler.program import Type
from engine.language.problems import Place

Array = NDArray[Any]
Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]

EPOCH = date(1970, 1, 1).toordinal()
PLACES_MAX = 18  # of a column of whole numbers: 10^18 is the largest power of ten that an int64 holds


@dataclass(frozen=True)
class Column:
    """One column of a batch.

    Args:
        values: shape (row,), or two axes where `Children.grid` takes them. Integers: whole numbers of `places`, days
            since 1970-01-01, or positions in `codes`. float64: only where each is the nearest double to a number of the
            declared places. bool or uint8: booleans. datetime64[D]: dates. Text or object (str, Decimal, int, date,
            None): read value by value.
        places: decimal places of whole numbers; 2: 1234 is 12.34.
        valid: of the same shape; False: not given. None: every value is given, but for None in an object column.
        codes: texts of a dictionary column.

    Raises:
        ValueError: the array is not one of these, or the shapes differ.
    """

    values: Array
    places: int = 0
    valid: Mask | None = None
    codes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        values, valid = self.values, self.valid
        if values.ndim not in (1, 2):
            raise ValueError(f"a column has one axis, row; came an array of shape {values.shape}")
        if values.dtype.kind not in "iubOUM" and values.dtype != np.float64:
            raise ValueError(f"a column of {values.dtype} cannot be billed; pass int64, float64, bool, text or objects")
        if values.dtype.kind == "M" and values.dtype != np.dtype("datetime64[D]"):
            raise ValueError(f"a column of {values.dtype} cannot be billed; pass whole days as datetime64[D]")
        if not 0 <= self.places <= PLACES_MAX:
            raise ValueError(f"places is 0 to {PLACES_MAX}; came {self.places}")
        if self.places and values.dtype.kind not in "iu":
            raise ValueError(f"places belong to whole numbers; came {self.places} with a column of {values.dtype}")
        if self.codes is not None and values.dtype.kind not in "iu":
            raise ValueError(f"positions in codes are integers; came {values.dtype}")
        if valid is not None and (valid.dtype != np.bool_ or valid.shape != values.shape):
            raise ValueError(f"valid is bool of shape {values.shape}; came {valid.dtype} of shape {valid.shape}")


@dataclass(frozen=True)
class Children:
    """What comes many to a row: one list of each row of a batch, all items behind one another.

    Args:
        offsets: shape (row + 1,) int64; the items of row r are [offsets[r], offsets[r + 1]) of each column. What lies
            before the first offset, or after the last, belongs to other batches.
        columns: input of an item, `kva` of `transformers.kva` -> shape (item,). One that is absent is given in no item.
        valid: shape (row,); False: the row gives no list, whatever its offsets say. None: every row gives one.
        time_major: the first item of every row comes first, then the second of every row: item i of row r is at
            i * rows + r of each column. The offsets still say how many items a row has, all rows as many.

    Raises:
        ValueError: the offsets run backwards or beyond the items, or the shapes differ.
    """

    offsets: Whole
    columns: Mapping[str, Column] = dataclasses.field(default_factory=dict)
    valid: Mask | None = None
    time_major: bool = False

    @classmethod
    def grid(cls, columns: Mapping[str, Column], *, time_major: bool = False, valid: Mask | None = None) -> Children:
        """Take lists of one length as arrays with two axes; nothing is copied that lies without gaps in memory.

        Args:
            columns: input of an item -> a column with values of shape (row, item); with `time_major` (item, row).
            time_major: which axis comes first. It says what the axes mean, not how they lie in memory: either order is
                read as it lies.
            valid: as above.

        Raises:
            ValueError: there is no column, or one has not two axes, or the shapes differ.

        >>> load = Children.grid({"kwh": Column(np.array([[1, 2, 3], [4, 5, 6]]))})
        >>> load.offsets.tolist(), load.columns["kwh"].values.tolist()
        ([0, 3, 6], [1, 2, 3, 4, 5, 6])
        """
        shapes = {column.values.shape for column in columns.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"the columns of a grid have one shape of two axes; came {sorted(shapes)}")
        first, last = next(iter(shapes))
        rows, items = (last, first) if time_major else (first, last)
        # As most of it lies: the other way about it would be copied.
        turned = all(its.values.flags.f_contiguous and not its.values.flags.c_contiguous for its in columns.values())
        flat = {
            name: dataclasses.replace(
                column,
                values=_flat(column.values, turned=turned),
                valid=None if column.valid is None else _flat(column.valid, turned=turned),
            )
            for name, column in columns.items()
        }
        return cls(np.arange(rows + 1) * items, flat, valid, time_major != turned)

    def by_row(self) -> Children:
        """Give the same with the items of a row behind one another; copied where they are not."""
        if not self.time_major:
            return self
        rows = len(self.offsets) - 1
        columns = {
            name: dataclasses.replace(
                column,
                values=column.values.reshape(-1, rows).T.reshape(-1),
                valid=None if column.valid is None else column.valid.reshape(-1, rows).T.reshape(-1),
            )
            for name, column in self.columns.items()
        }
        return Children(self.offsets, columns, self.valid)

    def __post_init__(self) -> None:
        offsets, valid = self.offsets, self.valid
        if offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets):
            raise ValueError(f"offsets are int64 of shape (rows + 1,); came {offsets.dtype} of shape {offsets.shape}")
        if offsets[0] < 0 or (offsets[1:] < offsets[:-1]).any():
            raise ValueError("offsets begin at 0 or later and never run backwards")
        for name, column in self.columns.items():
            if column.values.ndim != 1:
                raise ValueError(
                    f"{name} has shape {column.values.shape}, a list's column one axis; pass `Children.grid`"
                )
        lengths = {name: len(column.values) for name, column in self.columns.items()}
        for name, items in lengths.items():
            if items < offsets[-1] or items != next(iter(lengths.values())):
                raise ValueError(f"{name} has {items} items, the offsets end at {offsets[-1]}; a list has one length")
        if self.time_major:
            each = np.diff(offsets)
            if offsets[0] or (each != each[:1]).any() or any(items != offsets[-1] for items in lengths.values()):
                raise ValueError("time-major rows have as many items each, and the columns hold nothing else")
        if valid is not None and (valid.dtype != np.bool_ or valid.shape != (len(offsets) - 1,)):
            raise ValueError(f"valid is bool of shape {(len(offsets) - 1,)}; came {valid.dtype} of shape {valid.shape}")


@dataclass(frozen=True)
class Rows:
    """A batch.

    Args:
        row_id: shape (row,), text, objects or int64; names the row to whoever sent it.
        ruleset: which rule set bills the row; whoever dispatches rows to rule sets has read it.
        period_from: shape (row,) int64 [day since 1970-01-01], the first day billed.
        period_to: shape (row,) int64 [day since 1970-01-01], the day after the last day billed.
        columns: inputs, and what passes through.
        children: lists, by name.

    Raises:
        ValueError: the lengths differ, or a period is not in whole days.
    """

    row_id: Array
    ruleset: Column
    period_from: Whole
    period_to: Whole
    columns: Mapping[str, Column] = dataclasses.field(default_factory=dict)
    children: Mapping[str, Children] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, days in (("period_from", self.period_from), ("period_to", self.period_to)):
            if days.dtype != np.int64:
                raise ValueError(f"{name} is int64 days since 1970-01-01; came {days.dtype}")
        lengths = {
            "row_id": self.row_id.shape,
            "ruleset": self.ruleset.values.shape,
            "period_to": self.period_to.shape,
            **{name: column.values.shape for name, column in self.columns.items()},
            **{name: (len(children.offsets) - 1,) for name, children in self.children.items()},
        }
        for name, shape in lengths.items():
            if shape != self.period_from.shape:
                raise ValueError(f"{name} has shape {shape}, period_from {self.period_from.shape}; a batch has one")

    def __len__(self) -> int:
        return len(self.period_from)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why one row has no bill."""

    row: int  # position in the batch
    row_id: object
    code: str
    field: str
    value: str  # as given; "" where nothing was given
    reason: str  # in English; `parameters` fill the catalogue's text in another language
    place: Place | None = None
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)


class UnknownColumns(ValueError):
    """The batch has columns that the rule set neither reads nor was told to pass through."""

    def __init__(self, columns: tuple[str, ...], known: tuple[str, ...]) -> None:
        self.columns = columns
        self.known = known
        super().__init__(
            f"unknown-column: the rule set reads no {_listed(columns)}; it reads {_listed(known)}. "
            "Rename the column, or name it in pass_through."
        )


def same(value: np.generic, rows: int) -> Array:
    """Repeat one value for all rows, without memory for each: an array of stride 0 that cannot be written to."""
    return np.ndarray((rows,), value.dtype, value.tobytes(), strides=(0,))


def _flat(values: Array, *, turned: bool) -> Array:
    """A grid's values one after another, as it lies, or as it lies turned."""
    return (values.T if turned else values).reshape(-1)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "column"


def whole_text(whole: int, places: int) -> str:
    """Write a whole number of the smallest place as a decimal.

    >>> whole_text(-5, 2), whole_text(5283, 4), whole_text(12, 0)
    ('-0.05', '0.5283', '12')
    """
    if places == 0:
        return str(whole)
    digits = str(abs(whole)).rjust(places + 1, "0")
    return f"{'-' if whole < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def day_text(day: int) -> str:
    """Write a day since 1970-01-01 as YYYY-MM-DD; a day that no calendar holds as its number."""
    try:
        return date.fromordinal(day + EPOCH).isoformat()
    except (ValueError, OverflowError):
        return str(day)


def value_text(value: int, of: Type) -> str:
    """Write a value of a program as an analyst would.

    >>> value_text(4150, Type(places=2)), value_text(1, Type(kind="code", high=1, codes=("low", "high")))
    ('41.50', 'high')
    """
    match of.kind:
        case "number":
            return whole_text(value, of.places)
        case "boolean":
            return "true" if value else "false"
        case "code":
            return of.codes[value] if 0 <= value < len(of.codes) else str(value)
        case "date":
            return day_text(value)
