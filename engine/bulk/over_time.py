"""The tables that a run with a history has besides, and how warnings over time are counted and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from engine.bulk.partitions import History
from engine.compiler.trigger import Trigger
from engine.evaluator.rows import day_text

Counts = Counter[tuple[str, str]]
"""(what, of which) -> how many: `raised` and `cleared` by trigger; `history` and `rows` by event type; `refused` by
code; `duplicate`, events that came twice, by type."""

LEVELS: Final = ("red", "amber", "yellow", "info")
_NAMED: Final = pa.dictionary(pa.int32(), pa.string())
SCHEMAS: Final[Mapping[str, Any]] = {
    "warnings_over_time": pa.schema(
        [
            pa.field("id", pa.string()),
            pa.field("account", pa.string()),
            pa.field("trigger", _NAMED),
            pa.field("keys", pa.string()),  # JSON: key -> text
            pa.field("state", _NAMED),
            pa.field("at", pa.timestamp("us", "UTC")),
            pa.field("event", pa.string()),
            pa.field("level", _NAMED),
            pa.field("recipient", _NAMED),
            pa.field("title", _NAMED),
            pa.field("message", pa.string()),
            pa.field("values", pa.string()),  # JSON: name -> text
            pa.field("region", _NAMED),
            pa.field("ruleset", _NAMED),
        ]
    ),
    "events_refused": pa.schema(
        [
            pa.field("file", _NAMED),
            pa.field("row", pa.int64()),  # from 0; null: an event that a row of the run is
            pa.field("id", pa.string()),
            pa.field("code", pa.string()),
            pa.field("field", pa.string()),
            pa.field("value", pa.string()),
            pa.field("reason", pa.string()),
        ]
    ),
}


@dataclass(frozen=True, slots=True)
class OverTime:
    """What came of the triggers of a run.

    Attributes:
        since: first day of which warnings are told, YYYY-MM-DD.
        until: time before which everything had come.
        raised: level -> trigger -> warnings.
        cleared: trigger -> warnings.
        events: event type -> events of the history.
        rows: event type -> rows of the run that are such events.
        duplicates: events that came twice.
        refused: code -> events.
    """

    since: str
    until: str
    raised: Mapping[str, Mapping[str, int]]
    cleared: Mapping[str, int]
    events: Mapping[str, int]
    rows: Mapping[str, int]
    duplicates: int
    refused: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        """The same for a program to read."""
        return {
            "since": self.since,
            "until": self.until,
            "warnings": {level: dict(ids) for level, ids in self.raised.items()},
            "cleared": dict(self.cleared),
            "events": {
                "history": dict(self.events),
                "rows": dict(self.rows),
                "duplicates": self.duplicates,
                "refused": {"events": sum(self.refused.values()), "by_code": dict(self.refused)},
            },
        }


def told(counts: Counts, triggers: Mapping[str, Trigger], history: History) -> OverTime:
    """Say what counts of a run with a history come to."""

    def of(what: str) -> dict[str, int]:
        return {name: count for (its, name), count in sorted(counts.items()) if its == what}

    raised = of("raised")
    by_level = {
        level: {id_: count for id_, count in raised.items() if triggers[id_].level == level} for level in LEVELS
    }
    return OverTime(
        since=day_text(history.since),
        until=(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=history.until)).isoformat(),
        raised={level: ids for level, ids in by_level.items() if ids},
        cleared=of("cleared"),
        events=of("history"),
        rows=of("rows"),
        duplicates=sum(of("duplicate").values()),
        refused=of("refused"),
    )
