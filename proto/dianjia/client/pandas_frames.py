"""pandas as a frame. Results keep the index of their rows, so that `frame["total"] = bills.bills["total"]` fits.

Amounts are columns of Decimal objects; where the frame has a column that is kept in Arrow, results are too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dianjia.client.arrays import column_of_array, or_none
from dianjia.client.described import Kind, Wanted
from dianjia.client.frames import Made, Positions, Same, no_floats, wrong_type
from dianjia.client.objects import FLOATS, column_of
from dianjia.client.values import Coded, Column, Days, Flags, Scaled, Texts


@dataclass(frozen=True, slots=True)
class PandasFrame:
    """A DataFrame."""

    frame: Any
    rows: int
    names: tuple[str, ...]
    in_arrow: bool

    @classmethod
    def of(cls, given: Any) -> PandasFrame:
        """Take a DataFrame with one level of names.

        Raises:
            ValueError: a name is no text, or comes twice.
        """
        names = tuple(given.columns)
        if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise ValueError(f"column names are texts, each once; came {', '.join(map(repr, names))}")
        in_arrow = any(isinstance(type_, pd.ArrowDtype) for type_ in given.dtypes)
        return cls(given, len(given), names, in_arrow)

    def column(self, name: str, wanted: Wanted, start: int, stop: int) -> Column:
        """Read a column of some rows."""
        return _column(name, self.frame[name].iloc[start:stop], wanted)

    def made(self, columns: Made, positions: Positions) -> Any:
        """Make a DataFrame."""
        index = self.frame.index.take(positions)
        data = {name: self._series(one, index) for name, one in columns.items()}
        return pd.DataFrame(data, index=index)

    def _series(self, one: Column | Same | Positions, index: Any) -> Any:
        if isinstance(one, Same):
            return self.frame[one.name].iloc[one.positions].set_axis(index)
        if self.in_arrow:
            from dianjia.client.arrow_frames import array_of

            made = array_of(one)
            return pd.Series(pd.arrays.ArrowExtensionArray(made), index=index)
        return pd.Series(_values(one), index=index)


def _values(one: Column | Positions) -> Any:
    match one:
        case np.ndarray():
            return one
        case Scaled(values, _, given):
            decimals = np.empty(len(values), dtype=object)
            decimals[:] = one.decimals()
            return or_none(decimals, given)
        case Coded(positions, names, given):
            codes = positions if given is None else np.where(given, positions, -1)
            made: Any = pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(list(names)))
            return made
        case Days(values, given):
            days = values.astype("datetime64[D]").astype("datetime64[s]")
            return days if given is None else np.where(given, days, np.datetime64("NaT"))
        case Flags(values, given) | Texts(values, given):
            return or_none(values, given)
    raise AssertionError("no list comes back")


def _column(name: str, series: Any, wanted: Wanted) -> Column:
    type_ = series.dtype
    if isinstance(type_, pd.ArrowDtype):
        import pyarrow as pa

        from dianjia.client.arrow_frames import column_of_arrow

        return column_of_arrow(name, pa.chunked_array(series.array.__arrow_array__()), None, wanted)
    if isinstance(type_, pd.CategoricalDtype):
        if pd.api.types.is_float_dtype(series.cat.categories.dtype):
            raise no_floats(name, f"categories of {series.cat.categories.dtype}", FLOATS)
        if wanted.kind is Kind.CODE and wanted.items is None:
            codes = np.asarray(series.cat.codes).astype(np.int64)
            given = None if not bool((codes < 0).any()) else codes >= 0
            return Coded(np.maximum(codes, 0), tuple(str(one) for one in series.cat.categories), given)
        return column_of(name, series.tolist(), wanted)
    if isinstance(type_, pd.StringDtype):
        if wanted.kind is Kind.CODE and wanted.items is None:
            positions, names = pd.factorize(series)
            given = None if not bool((positions < 0).any()) else positions >= 0
            return Coded(np.maximum(positions, 0), tuple(str(one) for one in names), given)
        return column_of(name, series.astype(object).tolist(), wanted)
    if isinstance(type_, np.dtype):
        return column_of_array(name, series.to_numpy(), wanted)
    if isinstance(type_, pd.DatetimeTZDtype):
        more = "Write `.dt.tz_localize(None)` where its zone is the rule set's: local days have none."
        raise wrong_type(name, type_, wanted, more)
    if pd.api.types.is_float_dtype(type_):
        raise no_floats(name, type_, FLOATS)
    if pd.api.types.is_integer_dtype(type_) or pd.api.types.is_bool_dtype(type_):
        absent = np.asarray(series.isna())
        given = None if not bool(absent.any()) else ~absent
        return column_of_array(name, series.to_numpy(dtype=type_.numpy_dtype, na_value=0), wanted, given)
    raise wrong_type(name, type_, wanted)
