"""The calendar of a rate: seasons, day types, and the hours of its periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.urdb.draft import WEEKEND, Draft
from engine.urdb.months import Season, listed, seasons
from engine.urdb.problems import fail
from engine.urdb.structures import HOURS, MONTHS, Schedule
from engine.urdb.write import Flow


def calendar(draft: Draft) -> dict[str, Any] | None:
    """Write what the charges read of the calendar; None where they read nothing of it."""
    named = len(draft.seasons) > 1
    if not named and not draft.columns:
        return None
    if draft.options.timezone is None:
        raise fail("needs-timezone")
    data: dict[str, Any] = {"timezone": draft.options.timezone}
    if any(schedule.weekday != schedule.weekend for schedule in draft.schedules.values()):
        data["day_types"] = Flow(weekend=list(WEEKEND), workday="rest")
    if named:
        data["seasons"] = Flow(**{season.name: f"months {listed(season.months)}" for season in draft.seasons})
    if "tou_period" in draft.schedules:
        data["tou_periods"] = entries(draft.schedules["tou_period"])
    others = {name: entries(schedule) for name, schedule in draft.schedules.items() if name != "tou_period"}
    if others:
        data["schedules"] = others
    return data


def entries(schedule: Schedule) -> list[Flow]:
    """Write an entry for months and day types whose hours are alike."""
    written = []
    for season in seasons([(schedule.weekday[month], schedule.weekend[month]) for month in range(MONTHS)]):
        weekday, weekend = schedule.weekday[season.months[0]], schedule.weekend[season.months[0]]
        if weekday == weekend:
            written.append(Flow(months=_months(season), **_hours(weekday)))
        else:
            written.append(Flow(months=_months(season), day_types="workday", **_hours(weekday)))
            written.append(Flow(months=_months(season), day_types="weekend", **_hours(weekend)))
    return written


def _months(season: Season) -> Any:
    text = listed(season.months)
    return text.split(", ") if ", " in text else text


def _hours(row: Sequence[int]) -> dict[str, Any]:
    """The spans of each period; the one with the most hours takes the rest."""
    periods = sorted(set(row))
    widest = max(periods, key=lambda period: (row.count(period), -period))
    hours: dict[str, Any] = {f"period_{period}": _spans(row, period) for period in periods if period != widest}
    return {**hours, f"period_{widest}": "rest"}


def _spans(row: Sequence[int], period: int) -> list[str]:
    """Spans of the clock, one running over midnight where the day ends and begins with the period."""
    spans = []
    for hour in range(HOURS):
        if row[hour] != period or row[hour - 1] == period:
            continue
        end = hour + 1
        while row[end % HOURS] == period:
            end += 1
        spans.append(f"{hour:02}:00-{end if end <= HOURS else end - HOURS:02}:00")
    return sorted(spans)
