"""What became of each field of a rate: an account without gaps.

report = Report(rate)
report.used("fixedchargefirstmeter", "charge `fixed`")
report.entries()  # every field of the rate, each once, in the order of the file
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from engine.urdb.fields import FIELDS
from engine.urdb.rate import Rate
from engine.urdb.write import one_line

Outcome = Literal["billed", "header", "note", "no_money", "not_billed", "left_out", "unknown"]

WORDS: Final[Mapping[Outcome, str]] = {
    "billed": "billed",
    "header": "used",
    "note": "kept as a note",
    "no_money": "no money in it",
    "not_billed": "not billed",
    "left_out": "left out",
    "unknown": "not known",
}


LEFT_OUT: Final[tuple[Outcome, str]] = ("left_out", "--without: the rule set does not bill it")


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one field; `field` is spelled as in the file."""

    field: str
    outcome: Outcome
    text: str


class Report:
    """Collects what became of each field while a rate is translated."""

    def __init__(self, rate: Rate, left_out: frozenset[str] = frozenset()) -> None:
        self.rate = rate
        self.left_out = left_out
        self._said: dict[str, list[tuple[Outcome, str]]] = {}

    def say(self, outcome: Outcome, text: str, *fields: str) -> None:
        """Say what became of fields, where the rate has them; a field may have several remarks, the first counts."""
        for field in fields:
            if field in self.rate.values and field not in self.left_out:
                self._said.setdefault(field, []).append((outcome, text))

    def is_said(self, field: str) -> bool:
        """Whether something was said of a field."""
        return field in self._said

    def entries(self) -> tuple[Entry, ...]:
        """Give an entry for each spelling of each field of the rate.

        What nothing was said of is a note if the field is known to hold no money, and else not known.
        """
        entries = []
        for field, value in self.rate.values.items():
            said = self._said.get(field) or [LEFT_OUT if field in self.left_out else _unsaid(field, value)]
            text = "; ".join(dict.fromkeys(text for _, text in said))
            spellings = self.rate.spelled[field]
            shown = spellings if len(spellings) <= 3 else (f"{spellings[0]} … ({len(spellings)} keys)",)
            entries += [Entry(spelling, said[0][0], text) for spelling in shown]
        return tuple(entries)


def _unsaid(field: str, value: Any) -> tuple[Outcome, str]:
    known = FIELDS.get(field)
    if known is None:
        return "unknown", "no field of URDB that is known: read what it says, it is not billed"
    if value is None or value in ("", [], {}):
        return "no_money", f"{known.meaning}: empty"
    assert known.kind != "money", f"{field} was dropped"
    shown = said(value)
    if known.kind == "who":
        return "note", f"{known.meaning}: {shown}; not checked"
    return "note", f"{known.meaning}: {shown}" if shown else known.meaning


def said(value: Any) -> str:
    """Write a value on one line: texts, numbers, lists of names and numbers; long ones are cut."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        text = "; ".join(f"{one_line(str(key))}: {said(one)}" for key, one in value.items())
    elif isinstance(value, list):
        text = ", ".join(said(one) for one in value)
    else:
        text = one_line(str(value).replace("\\r", " ").replace("\\n", " "))
    return text if len(text) <= 600 else text[:597] + "..."


def lines(entries: tuple[Entry, ...], width: int = 118) -> list[str]:
    """Lay entries out in lines: field, what became of it, why."""
    first = max((len(entry.field) for entry in entries), default=0)
    second = max((len(WORDS[entry.outcome]) for entry in entries), default=0)
    found: list[str] = []
    for entry in entries:
        head = f"{entry.field:<{first}}  {WORDS[entry.outcome]:<{second}}  "
        found += textwrap.wrap(
            entry.text,
            max(width, first + second + 40),
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return found
