"""Which rows of a portfolio changes can reach: by rule set and day, and the later rows of an account that follow.

Takes changes; gives what `engine.bulk.partitions.Wanted` asks of a run. No row whose bill differs is left out: a row
is chosen where its billing period touches a stretch of days of a change, and, where its version is chosen by the day
after its last, where that day does.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.bulk.partitions import Wanted
from engine.calendars.days import FIRST_DAY
from engine.comparison.changes import Change
from engine.compiler.book import RateBook


def reach(changes: Sequence[Change], new_book: RateBook, old_book: RateBook) -> Wanted:
    """The rows that changes can reach.

    Args:
        changes: between the two books.

    Returns:
        What is wanted of a run; of changes that reach no bill, nothing of their rule set.
    """
    days: dict[str, list[tuple[int, int]]] = {}
    following: set[str] = set()
    for change in changes:
        if not change.bills:
            continue
        stretches = [(max(first - change.follows, FIRST_DAY), end) for first, end in change.days]
        days.setdefault(change.ruleset, []).extend(stretches)
        if change.carries:
            following.add(change.ruleset)
    for book in (new_book, old_book):
        for key, one in book.rulesets.items():  # a row may name one of several versions of an id
            if key != one.id and one.id in days:
                days.setdefault(key, []).extend(days[one.id])
                following |= {key} if one.id in following else set()
    made = {name: _merged(stretches) for name, stretches in sorted(days.items())}
    return Wanted(days=made, following=tuple(sorted(following)))


def _merged(days: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for first, end in sorted(set(days)):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((first, end))
    return tuple(found)
