"""intervals: energy and demand from a list of equal intervals (负荷曲线): kWh by period, the largest demand by window.

Energy of a period is the sum of its intervals; the periods add up to the whole. Demand is the average power of a window
of 5 to 60 minutes, kWh × 60 / minutes: windows that follow one another from midnight (`block`), or one that ends with
every interval (`sliding`; the first ends when the billing period is a window old). A window belongs to the period of
its last interval, or (`period_of: all_intervals`) to the one in which it lies whole.

`only_when` counts the intervals of called days or of the system's peak, for energy and, by a window's last interval,
for demand. A missing interval has no kWh: the list's input is needed in each item, unless it is optional and `missing`
says what is taken instead.
"""

from __future__ import annotations

from typing import Literal

from engine.charges.base import Context
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Name, number, total
from engine.language.fields import FormulaField, IntField, Model, NameField
from engine.language.reading import did_you_mean
from engine.quantities import over_lists as lists
from engine.quantities.base import Kind, LoweredQuantity, QuantityModel

MINUTES = 60  # of an hour: the longest window, so that kWh become kW without a remainder


class Demand(Model):
    """How the largest demand is found."""

    what = "a demand"

    minutes: IntField
    windows: Literal["block", "sliding"]
    schedule: NameField | None = None
    period_of: Literal["last_interval", "all_intervals"] = "last_interval"
    round: lists.Round | None = None


class Intervals(QuantityModel):
    kwh: FormulaField
    schedule: NameField | None = None
    missing: FormulaField | None = None
    estimated: FormulaField | None = None
    only_when: FormulaField | None = None
    demand: Demand | None = None


def lower(model: Intervals, context: Context) -> LoweredQuantity:
    """Lower to sums of the list's items, and to the largest of the sums over windows."""
    on = context.list_of(model.kwh)
    every = context.every(on) if on else 0
    if not every:
        context.fail("intervals-expected", model.place_of("kwh"), name=context.name)
    energy: Expr = model.kwh
    parts: list[tuple[str, Expr]] = []
    if model.missing is not None:
        given = Call("given", (model.kwh,), place=model.kwh.place)
        energy = If(given, model.kwh, model.missing, place=model.kwh.place)
        parts.append(("missing", lists.item_count(lists.negation(given))))
    energy = context.define("each", energy)
    parts += _energy(model, context, on, energy)
    if model.demand is not None:
        parts += _demand(model, model.demand, context, on, energy)
    if model.estimated is not None:
        parts.append(("estimated", lists.item_count(model.estimated)))
    return LoweredQuantity(None, tuple(parts))


def _periods(context: Context, schedule: NameField) -> tuple[str, ...]:
    known = context.schedules()
    if str(schedule) not in known:
        told = {"name": schedule, "known": ", ".join(known)}
        context.fail("unknown-schedule", schedule.place, None, **told, **did_you_mean(str(schedule), known))
    return known[str(schedule)]


def _in_period(on: str, schedule: NameField, period: str) -> Expr:
    """That an interval lies in a period."""
    return Compare("==", Name(f"{on}.{schedule}", place=schedule.place), Name(period), place=schedule.place)


def _energy(model: Intervals, context: Context, on: str, energy: Expr) -> list[tuple[str, Expr]]:
    """Energy by period, and their sum."""
    if model.schedule is None:
        return [("kwh", lists.item_sum(lists.where(model.only_when, energy)))]
    found = []
    for period in _periods(context, model.schedule):
        here = _in_period(on, model.schedule, period)
        counted = here if model.only_when is None else lists.all_of(model.only_when, here)
        found.append((period, context.define(f"{period}.sum", lists.item_sum(lists.where(counted, energy)))))
    whole = total([expr for _, expr in found])
    return [("kwh", whole), *((f"kwh.{period}", expr) for period, expr in found)]


def _demand(model: Intervals, demand: Demand, context: Context, on: str, energy: Expr) -> list[tuple[str, Expr]]:
    """The largest average power over the windows, in all and by period."""
    every = context.every(on)
    if demand.minutes < every or demand.minutes % every or MINUTES % demand.minutes:
        place = demand.place_of("minutes")
        context.fail("window-length", place, name=context.name, minutes=demand.minutes, every=every)
    items = demand.minutes // every
    if context.splits() and demand.windows == "sliding" and items > 1:  # one that lies in two parts would be in none
        context.fail("windows-in-parts", demand.place_of("windows"), name=context.name)
    power = lists.windowed(energy, items) * number(MINUTES // demand.minutes, lists.PER_HOUR)
    power = context.define("window", power)
    ends: list[Expr] = []
    if items > 1:
        end = context.window_end(on, demand.minutes)
        if demand.windows == "sliding":
            # the first window that is whole ends with the first block of the same length
            ends.append(lists.at_most(number(1), lists.running_sum(If(end, number(1), ZERO, place=end.place))))
        else:
            ends.append(end)
    if model.only_when is not None:
        ends.append(model.only_when)
    found = [("kw", _largest(demand, power, ends))]
    schedule = demand.schedule or model.schedule
    if schedule is None:
        return found
    for period in _periods(context, schedule):
        here = _in_period(on, schedule, period)
        if demand.period_of == "all_intervals" and items > 1:
            inside = lists.windowed(If(here, number(1), ZERO, place=schedule.place), items)
            here = lists.equals(inside, number(items))
        found.append((f"kw.{period}", _largest(demand, power, [*ends, here])))
    return found


def _largest(demand: Demand, power: Expr, conditions: list[Expr]) -> Expr:
    counted = lists.where(lists.all_of(*conditions), power) if conditions else power
    return lists.settled(lists.largest_item(counted, ZERO), demand.round)


KIND = Kind("intervals", Intervals, lower)
