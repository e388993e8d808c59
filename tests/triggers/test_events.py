"""An event as it comes: read to the last digit, or refused with the first thing that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from engine.compiler.program import InputSpec, Type
from engine.compiler.trigger import DAY_US, EventType
from engine.evaluator.rows import RowProblem
from engine.language.units import parse_unit
from engine.triggers.events import Event, RawEvent, read_event, time_of, time_text

KWH = Type("number", parse_unit("kWh")[0], 2, 0, 10_000)
TYPES: Mapping[str, EventType] = {
    "used": EventType(
        "used",
        "用电",
        ("meter",),
        (
            InputSpec("energy", KWH),
            InputSpec("last_year", KWH, optional=True),
            InputSpec("kind", Type("code", high=1, codes=("plain", "peak")), default=0, optional=True),
        ),
        3 * DAY_US,
    )
}
GOOD = RawEvent("e1", "used", "C554695123", "2026-01-31T08:00:00+08:00", {"energy": "12.30"}, {"meter": "m1"})


def test_an_event_is_read_as_whole_numbers() -> None:
    """2026-01-31T00:00Z is 1,769,817,600 s after 1970, as `date -u -d 2026-01-31 +%s` says."""
    read = read_event(TYPES, GOOD)

    assert Event("e1", "used", "C554695123", 1_769_817_600_000_000, (1230, None, 0), ("m1",)) == read


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"id": ""}, "bad-event-id", "id"),
        ({"id": "a\nb"}, "bad-event-id", "id"),
        ({"id": 7}, "bad-event-id", "id"),
        ({"account": "x" * 257}, "bad-account", "account"),
        ({"type": "usd"}, "unknown-event", "event"),
        ({"at": "2026-01-31T08:00:00"}, "bad-event-time", "at"),
        ({"at": "2026-01-31"}, "bad-event-time", "at"),
        ({"at": "2026-01-31T08:00:00.1234567+08:00"}, "bad-event-time", "at"),
        ({"at": 1.5}, "bad-event-time", "at"),
        ({"at": "1999-12-31T23:59:59Z"}, "event-time-range", "at"),
        ({"at": "2100-01-01T00:00:00Z"}, "event-time-range", "at"),
        ({"at": 10**18}, "event-time-range", "at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "event-time-range", "at"),
        ({"keys": {}}, "bad-event-key", "meter"),
        ({"region": "\u0000"}, "bad-event-key", "region"),
        ({"values": {"energy": "1", "energie": "2"}}, "unknown-event-value", "energie"),
        ({"keys": {"meter": "m1", "bill": "b"}}, "unknown-event-value", "bill"),
        ({"values": {}}, "missing-value", "energy"),
        ({"values": {"energy": "1.234"}}, "too-many-places", "energy"),
        ({"values": {"energy": "100.01"}}, "out-of-bounds", "energy"),
        ({"values": {"energy": 1.5}}, "binary-float", "energy"),
        ({"values": {"energy": "1", "kind": "flat"}}, "unknown-code", "kind"),
    ],
)
def test_what_is_wrong_is_told_by_code_and_field(changed: dict[str, object], code: str, field: str) -> None:
    """The first thing that is wrong, with a sentence in both languages."""
    refused = read_event(TYPES, replace(GOOD, **changed))  # type: ignore[arg-type]  # a field of each test's own type

    assert isinstance(refused, RowProblem)
    assert (code, field) == (refused.code, refused.field)
    assert refused.reason


def test_times_are_whole_microseconds() -> None:
    """A datetime, its text and the number mean the same moment, to the microsecond."""
    when = datetime(2026, 1, 31, 8, 0, 0, 1, timezone(timedelta(hours=8)))

    assert 1_769_817_600_000_001 == time_of(when) == time_of(when.isoformat()) == time_of(1_769_817_600_000_001)
    assert "2026-01-31T00:00:00.000001Z" == time_text(1_769_817_600_000_001)


def test_a_truth_is_no_time() -> None:
    """`true` is 1 in Python."""
    assert time_of(True) is None
