"""Versions at the door: which version bills a row or a part of it, and which billing periods no version bills.

Takes billing periods and the rule set of each row, of one family; gives versions and parts, and has rows refused whose
period has no price, crosses a change, or has too many parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from engine.compiler.program import PARTS_MAX, Compiled
from engine.evaluator.door_days import Days
from engine.evaluator.family import Family
from engine.evaluator.member_days import NO_VERSION
from engine.evaluator.parts import Cut, cut
from engine.evaluator.rows import Mask, RowProblem, Whole, day_text
from engine.language.problems import Place


class Desk(Protocol):
    """Where rows are refused; `member` is of shape (row,), None: all rows are of the family's only one."""

    family: Family
    member: Whole | None

    def own(self, at: int) -> Compiled:
        """Give the rule set of a row."""
        ...

    def refuse(self, bad: Mask, say: Callable[[int], RowProblem]) -> None:
        """Refuse rows that nothing refused before."""
        ...

    def problem(
        self, at: int, code: str, field: str, value: str, place: Place | None = None, **parameters: str
    ) -> RowProblem:
        """Make a row's problem."""
        ...


def in_parts(desk: Desk, firsts: Days, ends: Days) -> Cut | None:
    """Cut periods at the changes that they hold; None: no period holds one."""
    family, member = desk.family, desk.member
    if member is None:
        return cut(firsts.values, ends.values, family.compiled.change_days)
    last = Days(ends.values - 1, ends.low - 1, ends.high - 1)
    after, before = (family.passed.read(member, days).found for days in (firsts, last))
    return cut(firsts.values, ends.values, family.changes, (after, before))


def refuse_many_parts(desk: Desk, of: Cut, firsts: Days, ends: Days) -> None:
    """Refuse periods of too many parts."""
    counts = of.counts
    if counts.max() <= PARTS_MAX:
        return

    def many(at: int) -> RowProblem:
        both = {"period_from": day_text(int(firsts.values[at])), "period_to": day_text(int(ends.values[at]))}
        more = {**both, "found": str(counts[at]), "at_most": str(PARTS_MAX)}
        return desk.problem(at, "too-many-parts", "period_to", both["period_to"], None, **more)

    desk.refuse(counts > PARTS_MAX, many)


def versions(desk: Desk, days: Days, of: Cut | None = None) -> Whole:
    """Find the version of each row, or part, by its day; refuse rows that have none, or none with a price."""
    day = days.values
    if not len(day):
        return day
    member = desk.member if of is None or desk.member is None else desk.member.take(of.row)
    read = desk.family.versions.read(member, days)
    version, unpriced = read.found, desk.family.unpriced
    if of is not None:
        _refuse_leaving(desk, days, of, member)
    if not (desk.family.gaps and unpriced[read.among].any()) and int(read.among.min()) != NO_VERSION:
        return version
    bad = unpriced[version]
    if of is None:
        desk.refuse(bad, lambda at: _no_price(desk, at, int(version[at]), int(day[at])))
        return version

    def first_unpriced(at: int) -> RowProblem:
        part = int(of.offsets[at]) + int(bad[of.offsets[at] :].argmax())
        return _no_price(desk, at, int(version[part]), int(day[part]))

    desk.refuse(np.logical_or.reduceat(bad, of.offsets[:-1]), first_unpriced)
    return version


def refuse_changes(desk: Desk, firsts: Days, ends: Days) -> None:
    """Refuse periods that hold a change strictly inside."""
    first, end, days = firsts.values, ends.values, desk.family.changes
    if not ((firsts.low < days) & (days < ends.high)).any():
        return
    change = desk.family.following.read(desk.member, firsts).found
    desk.refuse(change < end, lambda at: _crosses(desk, at, int(first[at]), int(end[at]), int(change[at])))


def _refuse_leaving(desk: Desk, days: Days, of: Cut, member: Whole | None) -> None:
    """Refuse rows of which some parts are within the days of the rule set and others are not."""
    first, end = desk.family.first_day, desk.family.end_day
    if first.max() <= days.low and days.high < end.min():
        return
    if member is not None:
        first, end = first.take(member), end.take(member)
    within = (first <= days.values) & (days.values < end)
    turns = np.append(False, within[1:] != within[:-1]) & (of.number > 0)

    def leaving(at: int) -> RowProblem:
        start, end = int(of.offsets[at]), int(of.offsets[at + 1])
        turn = start + int(turns[start:end].argmax())
        return _crosses(desk, at, int(of.first[start]), int(of.end[end - 1]), int(of.first[turn]))

    desk.refuse(np.logical_or.reduceat(turns, of.offsets[:-1]), leaving)


def _no_price(desk: Desk, at: int, version: int, day: int) -> RowProblem:
    text = day_text(day)
    if version == NO_VERSION:
        own = desk.own(at)
        return desk.problem(at, "no-price-in-force", own.id, text, own.place, day=text)
    missing = desk.family.compiled.constants.versions[version].missing[0]
    return desk.problem(at, missing.code, missing.field, text, missing.place, day=text)


def _crosses(desk: Desk, at: int, first: int, end: int, day: int) -> RowProblem:
    named = {"period_from": day_text(first), "period_to": day_text(end), "day": day_text(day)}
    return desk.problem(at, "period-crosses-change", "period_to", named["period_to"], None, **named)
