"""Version 2 of the API, and the database's CSV: structures as single keys, schedules as 288 digits.

`energyratestructure/period1/tier1rate` becomes the list of lists that later versions have; `flatdemandmonth1` to
`flatdemandmonth12` become `flatdemandmonths`; a schedule text of 12 x 24 digits becomes twelve lists. Version 2 counts
periods and tiers from 1, the CSV from 0: the least number in the keys says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from engine.urdb.problems import fail, short

_CELL: Final = re.compile(
    r"(energyratestructure|demandratestructure|flatdemandstructure|coincidentratestructure)"
    r"/period(\d+)/tier(\d+)(max|rate|adj|adjustment|sell|unit)",
    re.IGNORECASE,
)
_MONTH: Final = re.compile(r"flatdemandmonth_?(\d+)", re.IGNORECASE)
_SCHEDULE: Final = re.compile(r"(energy|demand|coincident)\w*sched\w*", re.IGNORECASE)
_HOURS = 12 * 24


def unflatten(written: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """Put flattened keys together; gives the fields, and which keys went into those that were put together."""
    fields: dict[str, Any] = {}
    sources: dict[str, tuple[str, ...]] = {}
    cells: dict[str, dict[tuple[int, int], dict[str, Any]]] = {}
    months: dict[int, Any] = {}
    for key, value in written.items():
        cell, month = _CELL.fullmatch(key), _MONTH.fullmatch(key)
        if cell is not None:
            name = cell[1].lower()
            part = "adj" if cell[4].lower() == "adjustment" else cell[4].lower()
            if value not in (None, ""):
                cells.setdefault(name, {}).setdefault((int(cell[2]), int(cell[3])), {})[part] = value
            sources[name] = (*sources.get(name, ()), key)
        elif month is not None and 1 <= int(month[1]) <= 12:
            months[int(month[1])] = value
            sources["flatdemandmonths"] = (*sources.get("flatdemandmonths", ()), key)
        else:
            fields[key] = value
    first = min((period for structure in cells.values() for period, _ in structure), default=1)
    made: dict[str, Any] = dict.fromkeys(sources)  # None: every cell of it is empty
    made |= {name: _structure(structure, first) for name, structure in cells.items()}
    if len(months) == 12 and all(value not in (None, "") for value in months.values()):
        made["flatdemandmonths"] = [Decimal(str(months[month])) - first for month in range(1, 13)]
    elif months:
        made["flatdemandmonths"] = [value for value in months.values() if value not in (None, "")] or None
    for name, value in made.items():
        if name in fields and fields[name] != value:
            shown = {"one": short(fields[name]), "other": short(value)}
            raise fail("same-field", first=name, second=sources[name][0], **shown)
        fields[name] = value
    for key, value in list(fields.items()):
        if isinstance(value, str) and _SCHEDULE.fullmatch(key) and re.fullmatch(rf"[0-9]{{{_HOURS}}}", value):
            digits = [Decimal(digit) - first for digit in value]
            fields[key] = [digits[24 * month : 24 * month + 24] for month in range(12)]
    return fields, sources


def _structure(cells: Mapping[tuple[int, int], dict[str, Any]], first: int) -> list[list[dict[str, Any]]]:
    periods = max(period for period, _ in cells) - first + 1
    structure: list[list[dict[str, Any]]] = [[] for _ in range(periods)]
    for (period, _), cell in sorted(cells.items()):
        structure[period - first].append(cell)
    return structure
