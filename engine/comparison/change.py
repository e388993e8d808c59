"""One thing in which two rate books differ, and the days on which they do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.calendars.days import END_DAY, FIRST_DAY, day_date
from engine.compiler.program import Compiled
from engine.language.problems import Place

Kind = Literal["parameter", "rule", "ruleset-added", "ruleset-removed", "in-force"]
Days = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Attributes:
        ruleset: its id.
        path: of the parameter, `price.second`; or the charge; or `profile:`, `quantity:`, `input:`, `check:`,
            `calendar:` and a name; `days` where the days in force or of change differ; "" of a rule set.
        days: stretches [first, end) of days since 1970-01-01 in which it differs.
        charges: whose amounts it can reach, in their order.
        before, after: what stands there, with the day from which it does where that is known; "": nothing.
        carries: whether it reaches a quantity that later bills of an account take over.
        bills: whether it can change an amount, a score or a class, or whether a row is refused; else warnings alone.
        follows: whether a row is billed by the day after its last, which chooses its version.
    """

    ruleset: str
    kind: Kind
    path: str
    days: Days
    charges: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    source_before: str = ""
    source_after: str = ""
    place_before: str = ""
    place_after: str = ""
    carries: bool = False
    bills: bool = True
    follows: bool = False

    @property
    def id(self) -> str:
        """A name that is the same in every comparison of the same two books."""
        what = {"parameter": "", "rule": "rule:", "in-force": "in-force:"}.get(self.kind, f"{self.kind}:")
        return f"{self.ruleset}:{what}{self.path}".rstrip(":")

    def to_json(self) -> dict[str, object]:
        """The change for a program to read; days are printed, both included, null where there is no end."""
        return {
            "id": self.id,
            "ruleset": self.ruleset,
            "kind": self.kind,
            "path": self.path,
            "days": [{"from": from_text(first), "through": through_text(end)} for first, end in self.days],
            "charges": list(self.charges),
            "before": self.before,
            "after": self.after,
            "source_before": self.source_before,
            "source_after": self.source_after,
            "place_before": self.place_before,
            "place_after": self.place_after,
            "carries": self.carries,
            "changes_bills": self.bills,
        }


def from_text(day: int) -> str | None:
    """The first day of a stretch as printed; None: it has no beginning."""
    return None if day <= FIRST_DAY else day_date(day).isoformat()


def through_text(end: int) -> str | None:
    """The last day of a stretch as printed; None: it has no end."""
    return None if end >= END_DAY else day_date(end - 1).isoformat()


def end_of(one: Compiled) -> int:
    """The day after the last on which a rule set is in force."""
    return END_DAY if one.end_day is None else one.end_day


def place_text(place: Place | None) -> str:
    """File and line; "": none is known."""
    return "" if place is None else f"{place.file}:{place.line}"


def merged(days: Iterable[tuple[int, int]]) -> Days:
    """Stretches in order, those that touch joined."""
    found: list[tuple[int, int]] = []
    for first, end in sorted(days):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif first < end:
            found.append((first, end))
    return tuple(found)
