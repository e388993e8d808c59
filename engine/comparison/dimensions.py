"""What a comparison's totals are told by: the rule set, and columns that the operator names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bulk.sources import Batch
from engine.comparison.amounts import Whole
from engine.evaluator.rows import day_text

REGION: Final = "region"  # the place of the rule set, where the file has no such column
MONTH: Final = "month"  # of the first day billed
RULESET: Final = "ruleset"


def dimensions(
    batch: Batch,
    by: Sequence[str],
    kinds: Mapping[str, Collection[str]],
    ruleset: NDArray[np.int32],
    ids: Sequence[str],
    regions: Mapping[str, str],
) -> dict[str, tuple[Whole, Sequence[str]]]:
    """Of each dimension, shape (row,) position of each row's value, and the values; they may repeat.

    Args:
        batch: some rows.
        by: columns; `region` and `month` are made where the file has none.
        kinds: of columns that rule sets read.
        ruleset: (row,) position of each row's rule set in `ids`.
        regions: rule set -> place.
    """
    of_rulesets = ruleset.astype(np.int64)
    found: dict[str, tuple[Whole, Sequence[str]]] = {RULESET: (of_rulesets, ids)}
    for name in by:
        if name in batch.passing:
            found[name] = _encoded(batch.passing[name])
        elif name == REGION:
            found[REGION] = of_rulesets, [regions.get(id_, "") for id_ in ids]
        elif name == MONTH:
            found[MONTH] = _months(batch)
        else:
            found[name] = _input(batch, name, kinds[name])
    return found


def _months(batch: Batch) -> tuple[Whole, Sequence[str]]:
    months = batch.period_from.astype("datetime64[D]").astype("datetime64[M]")
    found, code = np.unique(months, return_inverse=True)
    return code.astype(np.int64), [str(one) for one in found]


def _input(batch: Batch, name: str, kinds: Collection[str]) -> tuple[Whole, Sequence[str]]:
    """A column that rule sets read: words as they came, numbers without zeros at their end."""
    names: dict[str, int] = {"": 0}
    code = np.zeros(batch.size, np.int64)
    for piece in batch.pieces:
        column = piece.rows.columns[name]
        if column.codes is not None:
            of = np.array([names.setdefault(one, len(names)) for one in column.codes] + [0])
            at = of[column.values]
        else:
            texts = (_shown(one, column.places, kinds) for one in column.values.tolist())
            at = np.array([names.setdefault(one, len(names)) for one in texts], np.int64)
        code[piece.positions] = at if column.valid is None else np.where(column.valid, at, 0)
    return code, list(names)


def _shown(value: object, places: int, kinds: Collection[str]) -> str:
    if isinstance(value, int) and "number" in kinds:
        return f"{Decimal(value).scaleb(-places).normalize():f}"
    if isinstance(value, int) and "date" in kinds:
        return day_text(value)
    if isinstance(value, int) and "boolean" in kinds:
        return str(bool(value)).lower()
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _encoded(array: Any) -> tuple[Whole, Sequence[str]]:
    """A column as positions among its values as text; none is ""."""
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    names = [*("" if one is None else str(one) for one in array.dictionary.to_pylist()), ""]
    return np.asarray(array.indices.fill_null(len(names) - 1)).astype(np.int64), names
