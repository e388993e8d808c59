"""Some rows of a portfolio, one by one, as plain values: for showing and explaining single bills."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from engine.bulk import cells, files, sources
from engine.calendars.days import read_day
from engine.compiler.program import Compiled, Type
from engine.evaluator.columns import of_float

_KEYS: Final = ("row_id", "ruleset", "period_from", "period_to")


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """One row: values by input name, those that are given."""

    row_id: object
    period_from: date | str  # text where the cell is no day
    period_to: date | str  # half-open
    values: Mapping[str, object]


def portfolio_rows(path: Path, compiled: Compiled, row_ids: Collection[str]) -> Iterator[PortfolioRow]:
    """Read the rows of one rule set.

    Args:
        path: a portfolio, as `engine.bulk.sources` reads.
        compiled: the rule set.
        row_ids: the ids that are meant, as text; none: all.

    Raises:
        FileProblem: the file cannot be read.
    """
    others = {name for name in files.opened(path)[1].names if name not in _KEYS}
    own = sources.wanted_of({compiled.id: compiled})
    types = {spec.name: spec.type for spec in compiled.program.inputs if spec.name in own}
    source = sources.open_source(path, {compiled.id: compiled}, others - own.keys())
    texts = set(row_ids)
    for table in files.tables(path, source.format, source.schema, ["ruleset"], sources.BATCH_ROWS):
        columns = {name: cells.passing(table.column(name)) for name in table.column_names}
        fields = [field.with_type(columns[field.name].type) for field in table.schema]
        table = pa.table(list(columns.values()), schema=pa.schema(fields))
        chosen = table.filter(_equal(table.column("ruleset"), compiled.id))
        if texts and chosen.num_rows:
            chosen = chosen.filter(pc.is_in(chosen.column("row_id").cast(pa.string()), pa.array(sorted(texts))))
        places = {
            field.name: cells.field_places(field, str(path))
            for field in chosen.schema
            if field.name in own and pa.types.is_integer(field.type)
        }
        for row in chosen.to_pylist():
            values = {name: _value(row[name], of, places.get(name, 0)) for name, of in types.items() if name in row}
            values = {name: value for name, value in values.items() if value is not None}
            yield PortfolioRow(row["row_id"], _day(row["period_from"]), _day(row["period_to"]), values)


def _equal(column: Any, text: str) -> Any:
    return pc.fill_null(pc.equal(column.cast(pa.string()), text), False)


def _value(value: object, of: Type, places: int) -> object:
    if isinstance(value, float):
        return of_float(of, value)
    if isinstance(value, int) and not isinstance(value, bool) and places:
        return Decimal(value).scaleb(-places)
    if isinstance(value, datetime):
        return _day(value)
    return value


def _day(value: object) -> date | str:
    if isinstance(value, datetime):
        return value.date() if value.time() == value.time().min else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value
    text = "" if value is None else str(value)
    return read_day(text) or text
