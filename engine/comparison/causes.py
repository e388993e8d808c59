"""What a difference of two bills comes from: a number, a rule, the days that cut a bill, what earlier bills carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from engine.calendars.days import END_DAY, FIRST_DAY, day_date

Kind = Literal["figure", "figures", "rule", "days", "carried", "stored"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause.

    Attributes:
        ruleset: its identifier.
        kind: `figure` a number of the rules; `figures` numbers that cannot be told apart; `rule` how a charge is
            computed; `days` where a billing period is cut; `carried` what follows from the account's earlier rows;
            `stored` the stored bill is not what the old rules make of the row.
        path: of the parameter, or the charge.
        first_day, end_day: days [first, end) since 1970-01-01 on which the change holds; wide open where it is of none.
        before, after: the number as decimal text, in `unit`; "" where there is none.
        source, place: the document and the line of the number after, or before where there is none after.
    """

    ruleset: str
    kind: Kind
    path: str
    first_day: int = FIRST_DAY
    end_day: int = END_DAY
    before: str = ""
    after: str = ""
    unit: str = ""
    source: str = ""
    place: str = ""

    @property
    def id(self) -> str:
        """A name that is the same in every comparison of the same two rule sets."""
        day = "" if self.first_day <= FIRST_DAY else f"@{day_date(self.first_day)}"
        what = "" if self.kind in ("figure", "figures") else f"{self.kind}:"
        return f"{self.ruleset}:{what}{self.path}{day}"

    def to_json(self) -> dict[str, object]:
        """The cause for a program to read."""
        return {
            "id": self.id,
            "ruleset": self.ruleset,
            "kind": self.kind,
            "path": self.path,
            "from": None if self.first_day <= FIRST_DAY else str(day_date(self.first_day)),
            "through": None if self.end_day >= END_DAY else str(day_date(self.end_day - 1)),
            "before": self.before,
            "after": self.after,
            "unit": self.unit,
            "source": self.source,
            "place": self.place,
        }


class Causes:
    """Causes by number, in the order in which they were met."""

    def __init__(self, known: Iterable[Cause] = ()) -> None:
        self._numbers: dict[Cause, int] = {}
        for one in known:
            self.number(one)

    def number(self, cause: Cause) -> int:
        """Give a cause's number."""
        return self._numbers.setdefault(cause, len(self._numbers))

    def __iter__(self) -> Iterator[Cause]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)
