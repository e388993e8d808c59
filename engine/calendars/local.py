"""Local time: the day that a moment falls on, and the moment of a local time.

Takes whole microseconds since 1970-01-01 UTC and the name of a timezone, whose rules are those of the pinned `tzdata`.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.calendars.days import EPOCH
from engine.calendars.zone import offset_changes

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 86_400_000_000
_START: Final = datetime(EPOCH.year, EPOCH.month, EPOCH.day)  # noqa: DTZ001  # local times have no zone of their own


@lru_cache(maxsize=32)
def offsets(zone: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the moments at which a timezone's offset from UTC changes, and the offsets from each on [us]."""
    changes = offset_changes(zone)
    return tuple(at * MINUTE_US for at, _ in changes), tuple(offset * MINUTE_US for _, offset in changes)


def local_day(at: int, zone: str) -> int:
    """Give the local day of a moment [days since 1970-01-01].

    >>> local_day(1_735_660_800_000_000, "Asia/Shanghai"), local_day(1_735_660_799_999_999, "Asia/Shanghai")
    (20089, 20088)
    """
    moments, offset = offsets(zone)
    return (at + offset[max(bisect_right(moments, at) - 1, 0)]) // DAY_US


def moment(local: datetime, zone: str) -> int | None:
    """Give the moment of a local time without a zone [us]; of two, the earlier; None: the clock skips it."""
    wanted = (local - _START) // timedelta(microseconds=1)
    moments, offset = offsets(zone)
    for start, end, by in zip(moments, (*moments[1:], None), offset, strict=True):
        at = wanted - by
        if start <= at and (end is None or at < end):
            return at
    return None


def local_text(at: int, zone: str) -> str:
    """Write a moment as local time: the day alone where it is midnight.

    >>> local_text(1_735_660_800_000_000, "Asia/Shanghai"), local_text(1_735_660_801_000_000, "Asia/Shanghai")
    ('2025-01-01', '2025-01-01 00:00:01')
    """
    moments, offset = offsets(zone)
    local = _START + timedelta(microseconds=at + offset[max(bisect_right(moments, at) - 1, 0)])
    text = local.isoformat(sep=" ")
    return text.removesuffix(" 00:00:00")


def zoned_text(at: int, zone: str) -> str:
    """Write a moment as local time, with how far that is from UTC.

    >>> zoned_text(1_735_660_800_000_000, "Asia/Shanghai"), zoned_text(1_735_660_800_000_000, "America/New_York")
    ('2025-01-01 00:00:00+08:00', '2024-12-31 11:00:00-05:00')
    """
    moments, offset = offsets(zone)
    by = offset[max(bisect_right(moments, at) - 1, 0)]
    local = _START + timedelta(microseconds=at + by)
    return f"{local.isoformat(sep=' ')}{'-' if by < 0 else '+'}{abs(by) // HOUR_US:02}:{abs(by) // MINUTE_US % 60:02}"


@lru_cache(maxsize=65_536)
def midnight(day: int, zone: str) -> int:
    """Give when a local day begins [us]; where the clock skips midnight, when it goes on.

    >>> midnight(0, "Asia/Shanghai")
    -28800000000
    """
    wanted = day * DAY_US
    changes, offset = offsets(zone)
    for start, end, by in zip(changes, (*changes[1:], None), offset, strict=True):
        at = max(wanted - by, start)
        if end is None or at < end:
            return at
    raise AssertionError("the last offset has no end")


def midnights(days: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Give when each of some local days begins, shape (row,) [us]."""
    distinct, at = np.unique(days, return_inverse=True)
    found: NDArray[np.int64] = np.array([midnight(day, zone) for day in distinct.tolist()], dtype=np.int64)[at]
    return found
