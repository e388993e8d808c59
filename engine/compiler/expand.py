"""Lists and carried inputs as declared: what comes many to a row, and what follows from earlier rows.

Takes the models of the language; gives the program's `AxisSpec` and `Carried`. Whether the names that they mention
exist is told by inference.
"""

from __future__ import annotations

import re
from typing import Final

from engine.calendars.calendar import Calendar
from engine.compiler.inputs import scaled_bound
from engine.compiler.program import AxisSpec, Carried, Type
from engine.compiler.scope import AxisRule
from engine.language.models import Input, ListRule
from engine.language.problems import Place, ProblemsFound, problem

AT_MOST: Final = 100_000  # items of a row
_EVERY: Final = re.compile(r"(5|10|15|20|30|60) minutes")


def axis_rule(name: str, rule: ListRule, place: Place, calendar: Calendar | None) -> AxisRule:
    """A list as an axis; the clock of an interval list is made when a timeline is.

    Raises:
        ProblemsFound: `at_most` out of reach, an interval length that no clock has, an interval list without calendar.
    """
    if not 1 <= rule.at_most <= AT_MOST:
        raise ProblemsFound([problem("list-at-most", rule.place_of("at_most"), None, name=name, most=AT_MOST)])
    if rule.optional and rule.needed_when is not None:
        here, there = rule.place_of("optional"), rule.place_of("needed_when")
        raise ProblemsFound([problem("optional-and-needed", here, there, name=name)])
    minutes = 0
    if rule.every is not None:
        found = _EVERY.fullmatch(str(rule.every))
        if found is None:
            raise ProblemsFound([problem("interval-length", rule.every.place, None, text=rule.every)])
        if calendar is None:
            raise ProblemsFound([problem("interval-without-calendar", rule.every.place, None, name=name)])
        minutes = int(found[1])
    for given in rule.inputs.values():
        for key in ("needed_when", "ignored_when", "carried", "split"):
            if getattr(given, key) is not None:
                raise ProblemsFound([problem("item-key", given.place_of(key), None, key=key, list=name)])
    optional = rule.optional or rule.needed_when is not None
    spec = AxisSpec(name, rule.at_most, str(rule.title or ""), optional, minutes, place=place)
    return AxisRule(spec, rule.needed_when, place)


def carried_of(name: str, given: Input, type_: Type, place: Place) -> Carried | None:
    """How an input follows from earlier rows; None where it does not say.

    Raises:
        ProblemsFound: not exactly one of `sum`, `max`, `last` and `remainder`, or what belongs to another of them.
    """
    rule = given.carried
    if rule is None:
        return None
    ways = [way for way in ("sum", "max", "last", "remainder") if getattr(rule, way) is not None]
    bad = len(ways) != 1 or type_.kind != "number"
    bad = bad or (rule.months is not None) != (ways == ["max"]) or (rule.since is not None and ways != ["sum"])
    bad = bad or (rule.year_starts is not None) != (rule.since == "ladder_year")
    bad = bad or (rule.months is not None and rule.months < 1)
    bad = bad or (rule.year_starts is not None and rule.year_starts not in range(1, 13))
    if bad:
        raise ProblemsFound([problem("carried-how", rule.place, place, name=name)])
    starts = 0 if rule.since is None else rule.year_starts or 1
    opening = None if rule.opening is None else scaled_bound(name, rule.opening, type_.places)
    how = ways[0]
    whole = 10**type_.places if how == "remainder" else 0
    return Carried(how, str(getattr(rule, how)), starts, rule.months or 0, whole, opening)  # type: ignore[arg-type]  # one of the four ways
