"""A test that stands in a rule set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.language.problems import Place


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test that stands in the rule set. Given values are text as written."""

    name: str
    period_from: date
    period_to: date
    given: Mapping[str, str | tuple[Mapping[str, str], ...]]  # of a list: its items
    expect: Mapping[str, str]  # line, charge or quantity path -> decimal text; "total"
    warnings: tuple[str, ...] | None
    refused: tuple[str, str] | None  # code, field
    vouched_by: Mapping[str, str]
    place: Place
    segments: Mapping[str, str] = field(default_factory=dict)  # segment -> class
