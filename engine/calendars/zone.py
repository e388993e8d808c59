"""Timezones: which stretches of the local clock each day has.

Takes the name of a zone; gives the days on which its clock is put forward or back, and what they hold. The rules of
the zones are those of the pinned package `tzdata`, never those of the machine: the same bills come out everywhere.

An ordinary day has the clock times 00:00 to 24:00 once each. On 8 March 2026 New York's clock goes from 02:00 to 03:00:
that day has 00:00 to 02:00 and 03:00 to 24:00, 23 hours. On 1 November it goes from 02:00 back to 01:00: 00:00 to 02:00
and then 01:00 to 24:00, 25 hours.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from io import BytesIO
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from engine.calendars.days import END_DAY, EPOCH, FIRST_DAY
from engine.calendars.months import MINUTES

_START: Final = datetime(EPOCH.year, EPOCH.month, EPOCH.day, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
_STEP: Final = 2 * MINUTES

Stretches = tuple[tuple[int, int], ...]
"""Half-open stretches of a day's clock [min], in the order in which they pass."""

WHOLE_DAY: Final[Stretches] = ((0, MINUTES),)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clock jumps, on local `day`, from `before` to `after` [min since midnight of `day`; after may be outside]."""

    day: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Zone:
    """What is not ordinary about the days of a timezone between FIRST_DAY and END_DAY."""

    name: str
    changes: tuple[ClockChange, ...]  # in order
    days: Mapping[int, Stretches]  # what each day holds that is not WHOLE_DAY; nothing: the calendar skips that day


@cache
def zone_names() -> frozenset[str]:
    """Name the timezones that there are."""
    return frozenset((pkgutil.get_data("tzdata", "zones") or b"").decode("ascii").split())


@lru_cache(maxsize=32)
def offset_changes(name: str) -> tuple[tuple[int, int], ...]:
    """Give the minutes since 1970, UTC, at which a timezone's offset changes, each with the new offset [min].

    The first is before FIRST_DAY. ValueError where `zone_names` does not have the name.
    """
    if name not in zone_names():
        raise ValueError(f"no timezone {name!r}: pass a name such as 'Asia/Shanghai', see zone_names()")
    rules = pkgutil.get_data("tzdata", f"zoneinfo/{name}")
    assert rules is not None, f"tzdata lists {name} and has no file for it"
    return tuple(_offset_changes(ZoneInfo.from_file(BytesIO(rules), key=name)))


@lru_cache(maxsize=32)
def zone_of(name: str) -> Zone:
    """Find the clock changes of a timezone; ValueError where `zone_names` does not have it."""
    # Stretches of time with one offset from UTC: the local minutes, since 1970, at which each begins and ends.
    changes = list(offset_changes(name))
    ends = [at for at, _ in changes[1:]] + [(END_DAY + 6) * MINUTES]
    stretches = [(at + offset, end + offset) for (at, offset), end in zip(changes, ends, strict=True)]
    jumps: list[ClockChange] = []
    touched: dict[int, list[tuple[int, int]]] = {}
    for (one, before), (after, other) in pairwise(stretches):
        day = before // MINUTES
        jumps.append(ClockChange(day, before - day * MINUTES, after - day * MINUTES))
        for number in range(min(before, after) // MINUTES, max(before, after) // MINUTES + 1):
            held = touched.setdefault(number, [])
            held += [some for some in ((one, before), (after, other)) if some not in held]
    days = {number: _inside(number, held) for number, held in touched.items()}
    return Zone(
        name,
        tuple(jump for jump in jumps if FIRST_DAY <= jump.day < END_DAY),
        {number: held for number, held in days.items() if held != WHOLE_DAY and FIRST_DAY <= number < END_DAY},
    )


def _offset_changes(zone: ZoneInfo) -> list[tuple[int, int]]:
    """Give the minutes since 1970, UTC, at which the offset from UTC changes, each with the new offset [min].

    The offset is looked up every other day and the change found between; no zone has changed twice within three days
    since 1990, nor at another time than a whole minute.
    """

    def offset(minute: int) -> int:
        there = (_START + minute * _MINUTE).astimezone(zone).utcoffset()
        assert there is not None
        return there // _MINUTE

    first = (FIRST_DAY - 2) * MINUTES
    found = [(first, offset(first))]
    for minute in range(first + _STEP, (END_DAY + 2) * MINUTES + _STEP, _STEP):
        now = offset(minute)
        if now != found[-1][1]:
            low, high = minute - _STEP, minute
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == found[-1][1] else (low, middle)
            found.append((high, now))
    return found


def _inside(day: int, stretches: list[tuple[int, int]]) -> Stretches:
    """Cut stretches of local minutes to those of one day."""
    midnight = day * MINUTES
    cut = [(max(start - midnight, 0), min(end - midnight, MINUTES)) for start, end in stretches]
    return tuple((start, end) for start, end in cut if start < end)
