"""Instants as text: RFC 3339 with an offset, nothing else.

A time without an offset would mean another instant on every machine, so it is refused.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from engine.language.problems import ProblemsFound, problem

_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SHOWN: Final = 60  # characters that a message repeats


def read_instant(text: str) -> datetime:
    """Read an instant; it comes back in UTC.

    >>> read_instant("2026-12-01T00:00:00+08:00").isoformat()
    '2026-11-30T16:00:00+00:00'

    Raises:
        ProblemsFound: `bad-instant`.
    """
    if _WRITTEN.fullmatch(text) is not None:
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # the 31st of June, an offset of 25 hours, the year 0
    raise ProblemsFound([problem("bad-instant", None, value=text[:_SHOWN])])


def instant_text(instant: datetime) -> str:
    """Write an instant in UTC, to the second unless it says more.

    >>> instant_text(read_instant("2026-12-01T00:00:00+08:00"))
    '2026-11-30T16:00:00Z'
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
