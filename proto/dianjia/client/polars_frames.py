"""Polars as a frame; results are DataFrames with decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl

from dianjia.client.described import Kind, Wanted
from dianjia.client.frames import Made, Positions, Same, no_floats, wrong_type
from dianjia.client.objects import FLOATS
from dianjia.client.values import PLACES_MAX, Coded, Column, Days, Flags, Items, Mask, Scaled, Texts

_DIGITS_MAX: Final = 38


@dataclass(frozen=True, slots=True)
class PolarsFrame:
    """A DataFrame."""

    frame: Any
    rows: int
    names: tuple[str, ...]

    @classmethod
    def of(cls, given: Any) -> PolarsFrame:
        """Take a DataFrame."""
        return cls(given, given.height, tuple(given.columns))

    def column(self, name: str, wanted: Wanted, start: int, stop: int) -> Column:
        """Read a column of some rows."""
        return _column(name, self.frame.get_column(name).slice(start, stop - start), wanted)

    def made(self, columns: Made, positions: Positions) -> Any:
        """Make a DataFrame."""
        return pl.DataFrame([self._series(name, one) for name, one in columns.items()])

    def _series(self, name: str, one: Column | Same | Positions) -> Any:
        if isinstance(one, Same):
            return self.frame.get_column(one.name).gather(pl.Series(one.positions)).alias(name)
        return _made(name, one)


def _column(name: str, series: Any, wanted: Wanted) -> Column:
    type_ = series.dtype
    if wanted.items is not None:
        return _items(name, series, wanted)
    if type_ == pl.Null:
        return Texts(np.full(len(series), "", dtype=object), np.zeros(len(series), dtype=bool))
    if type_.is_float():
        raise no_floats(name, type_, FLOATS)
    given = _given(series)
    if type_.is_integer():
        return _whole(name, series, wanted, given)
    if type_.is_decimal() and wanted.kind in (Kind.NUMBER, Kind.MIXED):
        return _texts(series, given) if wanted.kind is Kind.MIXED else _decimals(series, wanted.places, given)
    if type_ == pl.Boolean and wanted.kind is Kind.BOOLEAN:
        return Flags(series.fill_null(False).to_numpy().astype(bool), given)
    if type_ == pl.Date and wanted.kind is Kind.DATE:
        return Days(series.to_physical().fill_null(0).to_numpy().astype(np.int32), given)
    if type_ in (pl.String, pl.Categorical, pl.Enum):
        return _codes(series, given) if wanted.kind is Kind.CODE else _texts(series, given)
    if type_ in (pl.Boolean, pl.Date) and wanted.kind is Kind.MIXED:
        return _texts(series, given)
    more = "Cast it to Date, each a local day." if type_ == pl.Datetime else ""
    raise wrong_type(name, type_, wanted, more)


def _given(series: Any) -> Mask | None:
    return None if series.null_count() == 0 else series.is_not_null().to_numpy().astype(bool)


def _texts(series: Any, given: Mask | None) -> Texts:
    return Texts(np.array(series.cast(pl.String).fill_null("").to_list(), dtype=object), given)


def _codes(series: Any, given: Mask | None) -> Coded:
    texts = series.cast(pl.String)
    names = texts.drop_nulls().unique(maintain_order=True).to_list()
    at = pl.Series(range(len(names)), dtype=pl.Int64)
    positions = texts.replace_strict(pl.Series(names, dtype=pl.String), at, default=0, return_dtype=pl.Int64)
    return Coded(positions.fill_null(0).to_numpy(), tuple(names), given)


def _whole(name: str, series: Any, wanted: Wanted, given: Mask | None) -> Column:
    match wanted.kind:
        case Kind.CODE:
            return _codes(series, given)
        case Kind.MIXED:
            return _texts(series, given)
        case Kind.NUMBER | Kind.TEXT:
            whole = series.fill_null(0).cast(pl.Int64, strict=False)
            if whole.null_count():  # beyond 2^63: the service says so, row by row
                return _texts(series, given)
            return Scaled(whole.to_numpy(), 0, given)
    raise wrong_type(name, series.dtype, wanted)


def _decimals(series: Any, places: int, given: Mask | None) -> Column:
    """Read decimals at their own scale; a wide scale is first brought to the declared one, where nothing is lost."""
    scale = series.dtype.scale
    if scale > places:
        shorter = series.cast(pl.Decimal(_DIGITS_MAX, places), strict=False)
        back = shorter.cast(pl.Decimal(_DIGITS_MAX, scale), strict=False)
        if bool((back == series).fill_null(True).all()) and shorter.null_count() == series.null_count():
            series, scale = shorter, places
    whole = series.to_physical().cast(pl.Int64, strict=False)
    if scale > PLACES_MAX or whole.null_count() > series.null_count():
        return _texts(series, given)
    return Scaled(whole.fill_null(0).to_numpy(), scale, given)


def _items(name: str, series: Any, wanted: Wanted) -> Items:
    """Read lists of structs, or of plain values where items have one input."""
    assert wanted.items is not None
    if series.dtype == pl.Null:
        return Items(np.zeros(len(series), dtype=np.int64), {}, np.zeros(len(series), dtype=bool))
    if series.dtype == pl.Array:
        series = series.arr.to_list()
    if series.dtype != pl.List:
        raise wrong_type(name, series.dtype, wanted)
    lengths = series.list.len().fill_null(0).to_numpy().astype(np.int64)
    given = _given(series)
    values = series.filter(series.list.len() > 0).list.explode()
    if values.dtype == pl.Struct:
        for key in values.struct.fields:
            if key not in wanted.items:
                raise ValueError(f"`{name}` has no `{key}`; it takes {wanted.described}")
        read = {
            key: _column(f"{name}.{key}", values.struct.field(key), wanted.items[key]) for key in values.struct.fields
        }
        return Items(lengths, read, given)
    if len(wanted.items) != 1:
        raise wrong_type(name, series.dtype, wanted)
    (only,) = wanted.items
    return Items(lengths, {only: _column(name, values, wanted.items[only])}, given)


def _made(name: str, one: Column | Positions) -> Any:
    match one:
        case np.ndarray():
            return pl.Series(name, one)
        case Scaled(values, places, given):
            # A product of decimals is exact: a whole number with the smallest place.
            smallest = pl.lit(Decimal(1).scaleb(-places), dtype=pl.Decimal(_DIGITS_MAX, places))
            whole = pl.Series(name, values).cast(pl.Decimal(_DIGITS_MAX, 0))
            made = pl.DataFrame([whole]).select(pl.col(name) * smallest).to_series()
        case Coded(positions, names, given):
            codes = positions.astype(np.uint32)
            made = pl.Series(names, dtype=pl.String).gather(pl.Series(codes)).cast(pl.Categorical).alias(name)
        case Days(values, given):
            made = pl.Series(name, values).cast(pl.Date)
        case Flags(values, given):
            made = pl.Series(name, values)
        case Texts(values, given):
            made = pl.Series(name, values.tolist(), dtype=pl.String)
        case _:
            raise AssertionError("no list comes back")
    if given is None:
        return made
    return made.zip_with(pl.Series(given), pl.Series(name, [None], dtype=made.dtype).new_from_index(0, len(made)))
