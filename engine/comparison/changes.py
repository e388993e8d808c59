"""What two rate books differ in, by meaning: numbers, rules, rule sets, days in force.

Takes two compiled books; gives `Change`s. Rule sets are paired by id and day, so that versions of an id are compared
over the line of days. Of a pair,

    parameter   a printed number that differs, with the days on which it does; one change a table column
    rule        a charge, a quantity that later bills take over, an input, a check or a calendar that works otherwise
    in-force    days on which another rule set bills, none does, or a billing period is cut

Numbers are compared even where the rules differ. What has no effect on any bill, such as a title or the notice that
reprints a number, is no change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.calendars.days import END_DAY, FIRST_DAY, day_date
from engine.comparison.change import Change as Change
from engine.comparison.change import Days, Kind, end_of, from_text, merged, place_text, through_text
from engine.comparison.parameter_changes import parameter_changes
from engine.comparison.rule_changes import rule_changes
from engine.comparison.two_versions import TwoVersions
from engine.compiler.book import RateBook
from engine.compiler.program import Compiled


def changes(old: RateBook, new: RateBook) -> tuple[Change, ...]:
    """Compare two rate books; rule sets in order of their ids, of each the numbers first."""
    found: list[Change] = []
    for id_ in sorted({one.id for book in (old, new) for one in book.rulesets.values()}):
        before = [one for one in old.of(id_) if one.id == id_]
        after = [one for one in new.of(id_) if one.id == id_]
        if not before or not after:
            found.append(_whole(id_, before, after))
            continue
        pairs = _pairs(before, after)
        own = _joined(change for pair in pairs for change in _of_pair(pair))
        own += _in_force(id_, pairs)
        own += _cuts(id_, before, after, tuple(stretch for change in own if change.bills for stretch in change.days))
        found += own
    return tuple(found)


def _whole(id_: str, before: Sequence[Compiled], after: Sequence[Compiled]) -> Change:
    """A rule set that is only in one of the books."""
    there = after or before
    kind: Kind = "ruleset-added" if after else "ruleset-removed"
    days = merged((one.first_day, end_of(one)) for one in there)
    charges = tuple(dict.fromkeys(line.charge for one in there for line in one.program.lines))
    carries = any(spec.carried is not None for one in there for spec in one.program.inputs)
    follows = any(one.version_by == "reading_day" for one in there)
    change = Change(id_, kind, "", days, charges, carries=carries, follows=follows)
    title, source, place = there[0].title, there[0].source, place_text(there[0].place)
    if after:
        return replace(change, after=title, source_after=source, place_after=place)
    return replace(change, before=title, source_before=source, place_before=place)


@dataclass(frozen=True, eq=False)
class Pair:
    """What bills on some days, in the old book and in the new one."""

    old: Compiled | None
    new: Compiled | None
    days: Days


def _pairs(before: Sequence[Compiled], after: Sequence[Compiled]) -> list[Pair]:
    edges = sorted({day for one in (*before, *after) for day in (one.first_day, end_of(one))})
    found: list[Pair] = []
    for first, end in pairwise(edges):
        old = next((one for one in before if one.first_day <= first < end_of(one)), None)
        new = next((one for one in after if one.first_day <= first < end_of(one)), None)
        if old is None and new is None:
            continue
        same = next((at for at, pair in enumerate(found) if pair.old is old and pair.new is new), None)
        if same is None:
            found.append(Pair(old, new, ((first, end),)))
        else:
            found[same] = Pair(old, new, merged([*found[same].days, (first, end)]))
    return found


def _of_pair(pair: Pair) -> list[Change]:
    """What differs between two rule sets on the days on which one took the other's place."""
    if pair.old is None or pair.new is None or pair.old is pair.new:
        return []
    two = TwoVersions(pair.old, pair.new, pair.days)
    return [*parameter_changes(two), *rule_changes(two)]


def _joined(found: Iterable[Change]) -> list[Change]:
    """One change an id, where several pairs of rule sets have it."""
    by_id: dict[str, Change] = {}
    for one in found:
        known = by_id.get(one.id)
        if known is None:
            by_id[one.id] = one
            continue
        first, other = (known, one) if known.days <= one.days else (one, known)
        by_id[one.id] = replace(
            first,
            days=merged([*known.days, *one.days]),
            charges=tuple(dict.fromkeys([*known.charges, *one.charges])),
            before=_texts(first.before, other.before),
            after=_texts(first.after, other.after),
            carries=known.carries or one.carries,
            bills=known.bills or one.bills,
            follows=known.follows or one.follows,
        )
    return list(by_id.values())


def _texts(one: str, other: str) -> str:
    return one if other in ("", one) else other if not one else f"{one}; {other}"


def _in_force(id_: str, pairs: Sequence[Pair]) -> list[Change]:
    """Days on which a rule set bills in one of the books alone."""
    found: list[Change] = []
    for pair in pairs:
        there = pair.new or pair.old
        if there is None or (pair.new is not None and pair.old is not None):
            continue
        texts = tuple("" if one is None else _days_text(one) for one in (pair.old, pair.new))
        charges = tuple(dict.fromkeys(line.charge for line in there.program.lines))
        carries = any(spec.carried is not None for spec in there.program.inputs)
        follows = there.version_by == "reading_day"
        found.append(
            Change(
                ruleset=id_,
                kind="in-force",
                path="days",
                days=pair.days,
                charges=charges,
                before=texts[0],
                after=texts[1],
                place_before="" if pair.old is None else place_text(pair.old.place),
                place_after="" if pair.new is None else place_text(pair.new.place),
                carries=carries,
                follows=follows,
            )
        )
    return _joined(found)


def _days_text(one: Compiled) -> str:
    return f"{from_text(one.first_day) or ''} .. {through_text(end_of(one)) or ''}".strip()


def _cuts(id_: str, before: Sequence[Compiled], after: Sequence[Compiled], known: Days) -> list[Change]:
    """Days on which one of the books cuts a billing period, or refuses it, and the other does not.

    A day at an edge of another change is a part of that one.
    """
    sides = [{day for one in side for day in one.change_days} for side in (before, after)]
    alone = sides[0] ^ sides[1]
    left = sorted(day for day in alone if not any(first <= day <= end for first, end in known))
    in_force = [(one.first_day, end_of(one)) for one in (*before, *after)]
    left = [day for day in left if FIRST_DAY < day < END_DAY and any(one <= day <= end for one, end in in_force)]
    if not left:
        return []
    several = (*before, *after)
    texts = [", ".join(day_date(day).isoformat() for day in left if day in side) for side in sides]
    charges = tuple(dict.fromkeys(line.charge for one in several for line in one.program.lines))
    days = merged((day - 1, day + 1) for day in left)
    follows = any(one.version_by == "reading_day" for one in several)
    carries = any(spec.carried is not None for one in several for spec in one.program.inputs)
    before_text, after_text = texts
    return [
        Change(id_, "in-force", "change days", days, charges, before_text, after_text, carries=carries, follows=follows)
    ]
