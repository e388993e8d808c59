"""Translate a rate into a rule set.

Takes a rate and what URDB does not say; gives the rule set as plain data, and an account of every field. First all is
read and checked, which tells what depends on the month; then the charges are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.urdb.calendar import calendar
from engine.urdb.demand import RATCHET, Demand, billing_demand, reactive, read_demand, window, write_demand
from engine.urdb.draft import DAYS_MOST, LIST, Draft, Options
from engine.urdb.energy import Energy, read_energy, write_energy
from engine.urdb.fields import FIELDS
from engine.urdb.fixed import read_fixed, write_fixed, write_least
from engine.urdb.header import head
from engine.urdb.months import seasons
from engine.urdb.problems import fail
from engine.urdb.rate import Rate
from engine.urdb.report import Entry, Report
from engine.urdb.structures import number

HOUR: Final = 60
INTERVALS: Final = (5, 10, 15, 20, 30, 60)
NO_HOLIDAYS: Final = "URDB has no holidays: they are billed as the day of the week that they fall on"


@dataclass(frozen=True, slots=True)
class Translation:
    """A rule set as plain data, and what became of each field of the rate."""

    ruleset: Mapping[str, Any]
    entries: tuple[Entry, ...]
    remarks: tuple[str, ...]


def translate(whole: Rate, options: Options) -> Translation:
    """Translate a rate.

    Raises:
        NotTranslated: a field would change money and cannot be translated, or URDB does not say what is needed.
    """
    if not any(name in FIELDS for name in whole.values):
        raise fail("no-rate")
    rate = _without(whole, options)
    report = Report(whole, frozenset(whole.values) - frozenset(rate.values))
    energy = read_energy(rate, report, options)
    demand = read_demand(rate, report)
    fixed = read_fixed(rate, report)
    interval, minutes = _interval(rate, options, energy, demand)
    keys = zip(energy.keys() if energy else [()] * 12, demand.keys(), fixed.keys(), strict=True)
    large = str(rate.get("sector") or "").lower() != "residential"
    draft = Draft(options, report, seasons(list(keys)), interval, minutes, large)
    heading = head(rate, report, options)
    units = energy.demand_units() if energy else set()
    stretched = {unit: billing_demand(demand, draft, unit) for unit in sorted(units)}
    priced_by = write_energy(energy, draft, stretched) if energy else []
    if stretched:
        draft.of_one_month()
    counted = [*priced_by, *write_demand(demand, draft), *reactive(rate, draft), *write_fixed(fixed, draft)]
    write_least(fixed, draft, counted)
    window(rate, draft)
    for field in RATCHET:
        if demand.ratchet is not None and not report.is_said(field):
            report.say("no_money", "no charge reads the billing demand", field)
    return Translation(_ruleset(heading, draft, priced_by), report.entries(), _remarks(draft))


def _without(rate: Rate, options: Options) -> Rate:
    """Leave out what is asked for, by any of its spellings."""
    known = {spelling: name for name, spellings in rate.spelled.items() for spelling in (name, *spellings)}
    for field in sorted(options.without):
        if field not in known:
            raise fail("nothing-to-leave-out", field=field, known=", ".join(rate.values))
    return rate.without(frozenset(known[field] for field in options.without))


def _interval(rate: Rate, options: Options, energy: Energy | None, demand: Demand) -> tuple[int, int]:
    """Minutes of the load's intervals, and of the windows over which demand is measured; 0 where bills need no load."""
    measured = demand.metered() or (energy is not None and bool(energy.demand_units() - {"hp"}))
    if not measured and not (energy is not None and energy.schedule.by_hour) and options.interval is None:
        return 0, 0
    said = rate.get("demandwindow")
    window = int(number("demandwindow", said)) if said else 0
    interval = options.interval or (window if window in INTERVALS else HOUR)
    if not measured or not window or window == interval:
        return interval, interval
    if window % interval or HOUR % window or demand.apparent():
        raise fail("interval", window=window, interval=interval)
    return interval, window


def _ruleset(heading: Mapping[str, Any], draft: Draft, priced_by: list[str]) -> dict[str, Any]:
    data: dict[str, Any] = dict(heading)
    data["calendar"] = calendar(draft)
    data["inputs"] = draft.inputs
    if draft.columns:
        per_day = 24 * HOUR // draft.interval
        inner: dict[str, Any] = {"every": f"{draft.interval} minutes", "at_most": DAYS_MOST * per_day}
        data["lists"] = {LIST: {"title": "Load", **inner, "inputs": draft.columns}}
    data["tables"] = draft.tables
    data["quantities"] = draft.quantities
    data["refuse"] = draft.refuse
    if priced_by:
        data["energy"] = {"total": draft.kwh(), "priced_by": priced_by}
    else:
        data["energy"] = {"not_priced": "the rate has no price of energy"}
    data["charges"] = draft.charges
    return {key: value for key, value in data.items() if value not in (None, {})}


def _remarks(draft: Draft) -> tuple[str, ...]:
    remarks = []
    if draft.schedules:
        remarks.append(NO_HOLIDAYS)
    return tuple(remarks)
