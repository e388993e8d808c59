"""Differences as Arrow tables, and the files that hold them.

    differences   a row for each bill, charge and cause: `old` before the cause, `new` after it, `difference` between
    bills         a row for each bill that changes
    unpaired      a row for each bill that one side alone has, and each row that neither bills, with the reason

Of one bill and charge, the first `old` and the last `new` are the charge's, and the differences add up to the charge's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.bulk.money import decimals
from engine.bulk.sinks import PARTIAL, writing
from engine.comparison.amounts import Whole

FormatOut = Literal["parquet", "csv"]
PRECISION: Final = 19
TABLES: Final = ("differences", "bills", "unpaired")


def named() -> Any:
    """A column of few texts."""
    return pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Columns:
    """The tables' columns: what tells whose a bill is, and money."""

    row_id: Any  # field
    telling: tuple[Any, ...]  # fields of columns that pass through
    places: int

    def _tables(self, *own: tuple[str, Any]) -> Any:
        return pa.schema([self.row_id, *self.telling, *(pa.field(name, type_) for name, type_ in own)])

    @property
    def money(self) -> Any:
        return pa.decimal128(PRECISION, self.places)

    @property
    def differences(self) -> Any:
        days = ("period_from", pa.date32())
        amounts = [(name, self.money) for name in ("old", "new", "difference")]
        texts = [(name, named()) for name in ("direction", "cause", "currency")]
        return self._tables(("ruleset", named()), days, ("charge", named()), *amounts, *texts)

    @property
    def bills(self) -> Any:
        days = [(name, pa.date32()) for name in ("period_from", "period_to")]
        amounts = [(name, self.money) for name in ("old", "new", "difference")]
        texts = [(name, named()) for name in ("direction", "currency")]
        return self._tables(("ruleset", named()), *days, *amounts, *texts)

    @property
    def unpaired(self) -> Any:
        days = [(name, pa.date32()) for name in ("period_from", "period_to")]
        texts = [("code", named()), ("field", pa.string()), ("value", pa.string()), ("reason", pa.string())]
        money = ("total", self.money), ("currency", named())
        return self._tables(("group", named()), ("ruleset", pa.string()), *days, *money, *texts)

    def schema(self, table: str) -> Any:
        """The columns of a table."""
        return getattr(self, table)

    def amount(self, values: Whole, valid: Any = None) -> Any:
        """Whole numbers as a decimal column."""
        return decimals(np.ascontiguousarray(values), self.places, PRECISION, valid)


def coded(codes: Any, names: Sequence[str]) -> Any:
    """A column of few texts from their positions."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(list(names), pa.string()))


DIRECTIONS: Final = ("down", "same", "up")


def direction(difference: Whole) -> Any:
    """Which way amounts go."""
    return coded(np.sign(difference) + 1, DIRECTIONS)


class Files:
    """One file a table, each under a temporary name until all are whole; `comparison.json` speaks for them."""

    def __init__(self, folder: Path, format_: FormatOut, schemas: Mapping[str, Any]) -> None:
        self.folder, self.format, self.schemas = folder, format_, schemas
        self.rows = dict.fromkeys(schemas, 0)
        self._writers: dict[str, Any] = {}
        for name in schemas:
            path = self._partial(name)
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                self._writers[name] = self._opened(name)

    def _path(self, name: str) -> Path:
        return self.folder / name / f"00000.{self.format}"

    def _partial(self, name: str) -> Path:
        path = self._path(name)
        return path.with_name(path.name + PARTIAL)

    def _opened(self, name: str) -> Any:
        schema, target = self.schemas[name], str(self._partial(name))
        if self.format == "csv":
            return pa_csv.CSVWriter(target, pa.schema([pa.field(one.name, _plain(one.type)) for one in schema]))
        numbers = {one.name for one in schema if pa.types.is_decimal(one.type) or pa.types.is_integer(one.type)}
        texts = [one.name for one in schema if one.name not in numbers]
        return pq.ParquetWriter(target, schema, compression="zstd", compression_level=1, use_dictionary=texts)

    def write(self, name: str, table: Any) -> None:
        """Take rows in."""
        if not table.num_rows:
            return
        with writing(self._partial(name)):
            if self.format == "csv":
                columns = [column.cast(_plain(column.type)) for column in table.columns]
                table = pa.table(columns, names=table.schema.names)
            self._writers[name].write_table(table)
        self.rows[name] += table.num_rows

    def finish(self) -> None:
        """Close the files and give them their names."""
        for name, writer in self._writers.items():
            with writing(self._path(name)):
                writer.close()
        for name in self._writers:
            with writing(self._path(name)):
                self._partial(name).replace(self._path(name))

    def abandon(self) -> None:
        """Take the temporary files away."""
        for name, writer in self._writers.items():
            try:
                writer.close()
                self._partial(name).unlink(missing_ok=True)
            except OSError:  # on a full disk the end of a file cannot be written either
                continue


def _plain(type_: Any) -> Any:
    return type_.value_type if pa.types.is_dictionary(type_) else type_
