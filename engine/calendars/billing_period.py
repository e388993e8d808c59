"""Billing periods: the local days [from, to) that a bill covers, and how many months they count as.

Takes `2026-01` or `{from: 2026-01-15, to: 2026-02-15}` as written; gives two dates, the second not billed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final

from pydantic import Field

from engine.calendars.days import month_index
from engine.language.fields import DayField, Model, read
from engine.language.nodes import List, Map, Node, Text
from engine.language.problems import ProblemsFound, problem

_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


class Days(Model):
    """The first day billed, and the day after the last."""

    what = "a billing period"

    from_: Annotated[DayField, Field(alias="from")]
    to: DayField


def read_billing_period(node: Node) -> tuple[date, date]:
    """Read a billing period: a calendar month, or its first day and the day after its last.

    Raises:
        ProblemsFound: it is neither, or it ends before it begins.
    """
    if isinstance(node, Text):
        days = month_days(node)
        if days is None:
            raise ProblemsFound([problem("billing-period-not-read", node.place, text=node)])
        return days
    if isinstance(node, List):
        raise ProblemsFound([problem("billing-period-not-read", node.place, text=", ".join(map(str, node)))])
    assert isinstance(node, Map)
    model = read(Days, node)
    if model.to <= model.from_:
        place, other = model.place_of("to"), model.place_of("from")
        raise ProblemsFound([problem("billing-period-order", place, other, to_day=model.to, from_day=model.from_)])
    return model.from_, model.to


def month_days(text: str) -> tuple[date, date] | None:
    """Give the days [first, end) of a month written `2026-01`; None where it is not one.

    >>> month_days("2025-12")
    (datetime.date(2025, 12, 1), datetime.date(2026, 1, 1))
    """
    match = _MONTH.fullmatch(text)
    if match is None or match[1] in ("0000", "9999"):
        return None
    year, month = int(match[1]), int(match[2])
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def months_of(period_from: date, period_to: date) -> int:
    """Count the months of a billing period [period_from, period_to) [month]: at least one.

    It counts month ends, not days, as limits and quotas per month do: 15 January to 15 March is two months, and so is
    1 January to 1 March; a part of one month counts as one.

    >>> months_of(date(2026, 1, 15), date(2026, 3, 15)), months_of(date(2026, 1, 10), date(2026, 1, 20))
    (2, 1)
    """
    return max(1, month_index(period_to) - month_index(period_from))
