"""Numpy arrays as a frame: name -> an array, `Scaled`, `Coded`, `Items`, a list, or one value for all rows.

What comes back is a mapping likewise: amounts are `Scaled`, days datetime64[D], texts arrays of objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from dianjia.client.described import Kind, Wanted
from dianjia.client.frames import Made, Positions, Same, no_floats, wrong_type
from dianjia.client.objects import FLOATS, coded, column_of
from dianjia.client.values import Coded, Column, Days, Flags, Items, Mask, Scaled, Texts, picked

_Single = (str, int, bool, Decimal, date)


@dataclass(frozen=True, slots=True)
class ArrayFrame:
    """Columns by name."""

    columns: Mapping[str, Any]
    rows: int
    names: tuple[str, ...]
    lists: dict[str, Column] = field(default_factory=dict)  # list columns, read once

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ArrayFrame:
        """Take a mapping; a single value stands for every row.

        Raises:
            ValueError: columns differ in length, or there is no column.
        """
        lengths = {name: len(one) for name, one in given.items() if not isinstance(one, _Single)}
        if not lengths:
            raise ValueError("pass at least one column; a single value stands for every row of the others")
        rows = next(iter(lengths.values()))
        for name, length in lengths.items():
            if length != rows:
                raise ValueError(f"`{name}` has {length} rows, `{next(iter(lengths))}` {rows}")
        return cls(given, rows, tuple(given))

    def column(self, name: str, wanted: Wanted, start: int, stop: int) -> Column:
        """Read a column of some rows."""
        one = self.columns[name]
        if isinstance(one, _Single):
            return _repeated(column_of(name, [one], wanted), stop - start)
        if isinstance(one, Items):
            if name not in self.lists:
                self.lists[name] = _fitting(name, one, wanted)
            return picked(self.lists[name], slice(start, stop))
        if isinstance(one, (Scaled, Coded, Days, Flags, Texts)):
            return _fitting(name, picked(one, slice(start, stop)), wanted)
        if isinstance(one, np.ndarray):
            return column_of_array(name, one[start:stop], wanted)
        if isinstance(one, Sequence):
            return column_of(name, one[start:stop], wanted)
        raise wrong_type(name, type(one).__name__, wanted)

    def made(self, columns: Made, positions: Positions) -> Any:
        """Make a mapping."""
        return {name: self._given(one) for name, one in columns.items()}

    def _given(self, one: Column | Same | Positions) -> Any:
        match one:
            case Same(name, positions):
                own = self.columns[name]
                if isinstance(own, _Single):
                    return np.array([own] * len(positions), dtype=None if isinstance(own, int) else object)
                if isinstance(own, np.ndarray):
                    return own[positions]
                if isinstance(own, Sequence):
                    return np.array([own[at] for at in positions.tolist()], dtype=object)
                return picked(own, positions)
            case Coded():
                return one.texts()
            case Days(values, given):
                days = values.astype("datetime64[D]")
                return days if given is None else np.where(given, days, np.datetime64("NaT"))
            case Flags(values, given) | Texts(values, given):
                return or_none(values, given)
        return one


def or_none(values: Any, given: Mask | None) -> Any:
    """Values as objects, with None in the place of those that are not given."""
    if given is None:
        return values
    objects = values.astype(object)
    objects[~given] = None
    return objects


def _repeated(column: Column, rows: int) -> Column:
    """One value for every row, without memory for each where numpy can do so."""
    return picked(column, np.zeros(rows, dtype=np.int64))


def _fitting(name: str, column: Column, wanted: Wanted) -> Column:
    """A column that the caller made: of the kind that is wanted, or text that the service reads."""
    if wanted.items is not None:
        if not isinstance(column, Items):
            raise wrong_type(name, type(column).__name__, wanted, "Pass Items.")
        own = ArrayFrame(column.columns, int(column.lengths.sum()), tuple(column.columns))
        for key in column.columns:
            if key not in wanted.items:
                raise ValueError(f"`{name}` has no `{key}`; it takes {wanted.described}")
        read = {key: own.column(key, wanted.items[key], 0, own.rows) for key in column.columns}
        return Items(column.lengths, read, column.given)
    match column, wanted.kind:
        case (
            (Scaled(), Kind.NUMBER)
            | (Coded(), Kind.CODE)
            | (Days(), Kind.DATE)
            | (Flags(), Kind.BOOLEAN)
            | (Texts(), Kind.NUMBER | Kind.DATE | Kind.BOOLEAN | Kind.TEXT | Kind.MIXED)
        ):
            return column
        case Scaled(_, 0, _), Kind.TEXT:
            return column
        case Coded(), _:
            return Texts(np.where(column.texts() == None, "", column.texts()), column.given)  # noqa: E711 - by element
        case Texts(values, given), Kind.CODE:
            return coded([value if given is None or given[at] else None for at, value in enumerate(values.tolist())])
        case Scaled(_, 0, _), Kind.CODE:
            return coded(_listed(column.values, column.given))
        case Scaled(), Kind.MIXED:
            texts = np.array([format(value, "f") for value in column.decimals()], dtype=object)
            return Texts(texts, column.given)
    raise wrong_type(name, type(column).__name__, wanted)


def column_of_array(name: str, array: Any, wanted: Wanted, given: Mask | None = None) -> Column:
    """Read an array.

    Raises:
        ValueError: its type cannot be what is wanted.
    """
    masked = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    values = np.asarray(np.ma.getdata(array))
    if masked is not None and bool(masked.any()):
        given = ~masked if given is None else given & ~masked
    if wanted.items is not None:
        return _lists(name, values, wanted, given)
    if values.ndim != 1:
        raise ValueError(f"`{name}` has the shape {values.shape}; a column has one axis")
    match values.dtype.kind, wanted.kind:
        case "f" | "c", _:
            raise no_floats(name, values.dtype, FLOATS)
        case "i" | "u", Kind.NUMBER | Kind.TEXT:
            if values.dtype == np.uint64 and len(values) and int(values.max()) >= 2**63:
                return column_of(name, _listed(values, given), wanted)
            return Scaled(values, 0, given)
        case "b", Kind.BOOLEAN:
            return Flags(values, given)
        case "M", Kind.DATE:
            return days_of(name, values, given)
        case "O" | "U" | "T", _:
            return column_of(name, _listed(values, given), wanted)
        case "i" | "u" | "b", Kind.CODE | Kind.MIXED:
            return column_of(name, _listed(values, given), wanted)
        case "M", Kind.MIXED:
            days = days_of(name, values, given)
            return column_of(name, _listed(days.values.astype("datetime64[D]"), days.given), wanted)
    raise wrong_type(name, values.dtype, wanted)


def days_of(name: str, values: Any, given: Mask | None) -> Days:
    """Read days; NaT is not given.

    Raises:
        ValueError: one is at another time than midnight.
    """
    days = values.astype("datetime64[D]")
    absent = np.isnat(values)
    odd = ~absent & (days != values)
    if bool(odd.any()):
        raise ValueError(f"`{name}` holds {values[np.flatnonzero(odd)[0]]}, which is no day; pass local days")
    if bool(absent.any()):
        given = ~absent if given is None else given & ~absent
    filled = np.where(absent, 0, days.astype(np.int64))
    return Days(np.clip(filled, -(2**31), 2**31 - 1).astype(np.int32), given)


def _lists(name: str, values: Any, wanted: Wanted, given: Mask | None) -> Items:
    """Lists of as many items each, from two axes (row, item); or an array of lists."""
    assert wanted.items is not None
    if values.ndim == 2 and len(wanted.items) == 1:
        (only,) = wanted.items
        lengths = np.full(len(values), values.shape[1], dtype=np.int64)
        kept = values if given is None else values[given]
        return Items(lengths, {only: column_of_array(name, kept.reshape(-1), wanted.items[only])}, given)
    if values.dtype.kind != "O" or values.ndim != 1:
        raise wrong_type(name, f"{values.dtype} of shape {values.shape}", wanted, "Pass Items.")
    own = column_of(name, _listed(values, given), wanted)
    assert isinstance(own, Items)
    return own


def _listed(values: Any, given: Mask | None) -> list[Any]:
    listed: list[Any] = values.tolist()
    if given is None:
        return listed
    return [value if there else None for value, there in zip(listed, given.tolist(), strict=True)]
