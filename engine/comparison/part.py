"""Which rows of a portfolio a comparison is of, where it is not of all: for the data, the page and the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.bulk.partitions import Wanted


def partial(wanted: Wanted) -> dict[str, Any] | None:
    """Which rows were compared, where not all of them were."""
    if wanted.everything:
        return None
    found: dict[str, Any] = {"only": {name: list(values) for name, values in wanted.values.items()}}
    if wanted.days is not None:
        found["affected_rulesets"] = sorted(wanted.days)
    return found


def file_metadata(wanted: Wanted) -> Mapping[str, str]:
    """What a Parquet file says of it, under the names that files of adjustments use."""
    told = partial(wanted)
    filter_ = "" if told is None else json.dumps(told, ensure_ascii=False)
    return {"dianjia.complete": str(told is None).lower(), "dianjia.filter": filter_}
