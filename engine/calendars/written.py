"""What several parts of a calendar are written with: texts, months, orders of precedence.

Each function takes nodes as loaded and a list to which it adds the problems that it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from engine.calendars.months import read_months
from engine.language.nodes import Map, Node, Text
from engine.language.problems import Problem, problem
from engine.language.reading import A_LIST, ONE_VALUE, did_you_mean, wrong_shape

REST: Final = "rest"


def texts(node: Node, problems: list[Problem]) -> list[Text] | None:
    """Give the texts of a text or a list of texts; None where it is neither."""
    if isinstance(node, Text):
        return [node]
    if isinstance(node, Map):
        problems.append(wrong_shape(node, ONE_VALUE, A_LIST))
        return None
    found = []
    for item in node:
        if not isinstance(item, Text):
            problems.append(wrong_shape(item, ONE_VALUE))
            return None
        found.append(item)
    return found


def months(node: Node, problems: list[Problem]) -> tuple[int, ...] | None:
    """Read months written as one text or as a list; None where they cannot be read."""
    items = texts(node, problems)
    if items is None:
        return None
    found: list[int] = []
    for item in items:
        some = read_months(item)
        if some is None or set(some) & set(found):
            problems.append(problem("months-not-read", item.place, text=item))
            return None
        found.extend(some)
    return tuple(sorted(found))


def order(listed: Iterable[Text], known: Sequence[str], problems: list[Problem]) -> tuple[str, ...]:
    """Read names in order of precedence, each one of `known` and once."""
    found: list[str] = []
    for name in listed:
        if name not in known:
            near = did_you_mean(name, known)
            problems.append(problem("precedence-unknown", name.place, None, text=name, known=", ".join(known), **near))
        elif name in found:
            problems.append(problem("precedence-twice", name.place, text=name))
        else:
            found.append(str(name))
    return tuple(found)
