"""The words of a problem."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """The words of one code. `other` introduces the second place, for the problems that have one."""

    headline: str
    remedy: str
    headline_zh: str
    remedy_zh: str
    other: str = "See also"
    other_zh: str = "另见"
