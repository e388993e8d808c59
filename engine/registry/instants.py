"""Instants as the registry keeps them: whole microseconds since 1970-01-01T00:00:00Z, which compare exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1) // _MICROSECOND
_CHINA: Final = timedelta(hours=8) // _MICROSECOND

LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""Later instants cannot be written with every offset."""


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)


def microseconds(instant: datetime) -> int:
    """Count the microseconds since the beginning of 1970.

    Raises:
        ValueError: the instant has no offset, so that nobody knows which one it is.

    >>> microseconds(datetime.fromisoformat("1970-01-01T08:00:01+08:00"))
    1000000
    """
    if instant.utcoffset() is None:
        raise ValueError(f"an instant needs its offset; came {instant.isoformat()}: pass datetime(..., tzinfo=...)")
    return (instant - _EPOCH) // _MICROSECOND


def of_microseconds(count: int) -> datetime:
    """Give the instant, in UTC, that is so many microseconds after the beginning of 1970."""
    return _EPOCH + count * _MICROSECOND


def instant_text(count: int) -> str:
    """Write an instant in one way only: RFC 3339, UTC, six decimal places.

    >>> instant_text(1_796_054_400_000_000)
    '2026-11-30T16:00:00.000000Z'
    """
    return of_microseconds(count).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def day_of(count: int) -> int:
    """The day that an instant falls on in China, as days since 1970-01-01. Days of places west of it begin later."""
    return (count + _CHINA) // _DAY
