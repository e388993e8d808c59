"""Settings as they are typed: `RULESET:PATH@FIRST_DAY=NUMBER`, and sweeps, which give a setting several numbers.

    cn.jiangsu.residential:energy.2.price@2026-01-01=0.60                   from that day until the price's next change
    cn.jiangsu.residential:price[below_1kv].second@2026-01-01..2026-03-31=0.60       on these days, both included
    cn.jiangsu.residential:energy.2.price@2026-01-01=0.50..0.70/0.05        a sweep: 0.50, 0.55, 0.60, 0.65, 0.70

A number is written as the rules print it: in fen where they print fen, in per cent where they print per cent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, NoReturn

from engine.calendars.days import read_day
from engine.comparison.problems import ComparisonProblem

SWEEP_MAX: Final = 1000  # values of one sweep

_FORM: Final = re.compile(r"(?P<ruleset>[^:=\s]+):(?P<path>[^=]+?)@(?P<days>[^@=\]]+)=(?P<number>[^=]*)")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that takes the place of a printed one.

    Attributes:
        ruleset: id, or the key of one of several versions of an id in the rate book.
        path: of the printed number.
        first: day from which it counts.
        through: last day on which it counts; None: until the printed number's next change.
        number: as typed, in the unit in which the rules print it.
    """

    ruleset: str
    path: str
    first: date
    through: date | None
    number: str

    @property
    def value(self) -> Decimal:
        return Decimal(self.number)

    @property
    def subject(self) -> str:
        """What is set and when, without the number."""
        until = "" if self.through is None else f"..{self.through.isoformat()}"
        return f"{self.ruleset}:{self.path}@{self.first.isoformat()}{until}"

    def __str__(self) -> str:
        return f"{self.subject}={self.number}"


def parse_setting(text: str) -> Setting:
    """Read a setting.

    Raises:
        ComparisonProblem: it is none; a day or the number cannot be read.

    >>> parse_setting("cn.jiangsu.residential:energy.2.price@2026-01-01=0.60").path
    'energy.2.price'
    """
    setting = _without_number(text)
    if not _NUMBER.fullmatch(setting.number):
        _fail("setting-number", text, text=setting.number)
    return setting


def parse_sweep(text: str) -> list[list[Setting]]:
    """Read a sweep: the settings of each run, one a value; of a plain setting, the one.

    Raises:
        ComparisonProblem: it is none; a day, a number or the range cannot be read.

    >>> [one.number for [one] in parse_sweep("cn.x:energy.price@2026-01-01=0.50..0.60/0.05")]
    ['0.50', '0.55', '0.60']
    """
    setting = _without_number(text)
    if ".." not in setting.number:
        return [[parse_setting(text)]]
    bounds, slash, step = setting.number.partition("/")
    low, _, high = bounds.partition("..")
    written: Sequence[str] = (low, high, step)
    if not slash or not all(_NUMBER.fullmatch(one) for one in written):
        _fail("sweep-form", text, text=setting.number, most=SWEEP_MAX)
    first, last, by = (Decimal(one) for one in written)
    if by <= 0 or last < first or (last - first) / by > SWEEP_MAX - 1:
        _fail("sweep-form", text, text=setting.number, most=SWEEP_MAX)
    places = max(len(one.partition(".")[2]) for one in written)
    count = int((last - first) / by) + 1
    return [[replace(setting, number=f"{first + by * at:.{places}f}")] for at in range(count)]


def _without_number(text: str) -> Setting:
    found = _FORM.fullmatch(text.strip())
    if found is None:
        _fail("setting-form", text)
    first_text, dots, through_text = found["days"].partition("..")
    first = _day(first_text, text)
    through = _day(through_text, text) if dots else None
    if through is not None and through < first:
        _fail("setting-days", text, first=first.isoformat(), through=through.isoformat())
    return Setting(found["ruleset"], found["path"].strip(), first, through, found["number"].strip())


def _day(text: str, whole: str) -> date:
    found = read_day(text.strip())
    if found is None:
        _fail("setting-day", whole, text=text.strip())
    return found


def _fail(code: str, subject: str, **parameters: object) -> NoReturn:
    raise ComparisonProblem(code, subject, **parameters)
