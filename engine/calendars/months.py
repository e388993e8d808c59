"""Read months and hours of the clock as notices write them: `months 11-4`, `[7, 8]`, `22:00-06:00`.

Takes scalars and lists with their places, gives months 1 to 12 and half-open spans of minutes. Both wrap: `11-4`
runs over the year's end and `22:00-06:00` over midnight. A span belongs to the day type and month of the day on
which its minutes fall, so 22:00-06:00 in July is 00:00-06:00 and 22:00-24:00 of every day in July.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MINUTES: Final = 24 * 60

ALL_MONTHS: Final = tuple(range(1, 13))

_MONTH = r"(?:0?[1-9]|1[0-2])"
_MONTHS = re.compile(rf"({_MONTH})(?:-({_MONTH}))?")
_SPAN = re.compile(r"([0-9]{1,2}):([0-5][0-9])-([0-9]{1,2}):([0-5][0-9])")


def read_months(text: str) -> tuple[int, ...] | None:
    """Read `all`, `7`, `5-10`, `months 11-4` or `months 1, 7-8, 12`; None where the text is none of these.

    >>> read_months("months 11-4")
    (1, 2, 3, 4, 11, 12)
    >>> read_months("13") is None
    True
    """
    if text == "all":
        return ALL_MONTHS
    listed = re.sub(r"^months?\s+", "", text)
    months: list[int] = []
    for piece in listed.split(","):
        match = _MONTHS.fullmatch(piece.strip())
        if match is None:
            return None
        months.extend(_range(int(match[1]), int(match[2] or match[1])))
    if len(set(months)) != len(months):
        return None
    return tuple(sorted(months))


def _range(first: int, last: int) -> Iterable[int]:
    """Give the months from first to last, both included, over the year's end where last comes before first."""
    length = (last - first) % 12 + 1
    return ((first - 1 + i) % 12 + 1 for i in range(length))


def read_span(text: str) -> tuple[tuple[int, int], ...] | None:
    """Read `22:00-06:00` into half-open spans of minutes [min] inside one day; None where it is not a span.

    A span whose end is its start is refused: it may mean nothing or the whole day, which is 00:00-24:00.

    >>> read_span("22:00-06:00")
    ((0, 360), (1320, 1440))
    >>> read_span("7:30-10:30")
    ((450, 630),)
    >>> read_span("06:00-06:00") is None
    True
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    start = int(match[1]) * 60 + int(match[2])
    end = int(match[3]) * 60 + int(match[4])
    if start >= MINUTES or end > MINUTES or start == end:
        return None
    if start < end:
        return ((start, end),)
    return ((0, end), (start, MINUTES)) if end else ((start, MINUTES),)


def clock(minute: int) -> str:
    """Write a minute of the day as a clock time.

    >>> clock(0), clock(630), clock(1440)
    ('00:00', '10:30', '24:00')
    """
    return f"{minute // 60:02d}:{minute % 60:02d}"


def months_text(months: Iterable[int]) -> str:
    """Write months shortly, runs over the year's end joined.

    >>> months_text((1, 2, 3, 4, 11, 12)), months_text((7,)), months_text((1, 7, 8, 12))
    ('11-4', '7', '12-1, 7-8')
    """
    left = sorted(set(months))
    if len(left) == 12:
        return "1-12"
    starts = [month for month in left if (month - 2) % 12 + 1 not in left]
    runs = []
    for start in starts:
        last = start
        while last % 12 + 1 in left:
            last = last % 12 + 1
        runs.append(str(start) if last == start else f"{start}-{last}")
    # The run over the year's end is read first, as it holds January.
    if len(runs) > 1 and 1 in left and 12 in left:
        runs.insert(0, runs.pop())
    return ", ".join(runs)
