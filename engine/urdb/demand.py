"""Demand charges: at any hour by month, by demand period, at the system's peak; the billing demand behind them.

Billing demand is the month's highest demand, and at least a part of an earlier peak where the rate has a ratchet. It
prices demand at any hour and stretches the limits of energy tiers that are in kWh per kW. Demand by period is each
period's highest demand of the month: URDB names no ratchet for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engine.urdb.draft import Draft
from engine.urdb.months import listed, seasons
from engine.urdb.problems import fail
from engine.urdb.rate import Rate
from engine.urdb.report import Report
from engine.urdb.structures import (
    MONTHS,
    Price,
    Schedule,
    Structure,
    Tier,
    digits,
    number,
    one_schedule,
    read_hours,
    read_months,
    read_structure,
)
from engine.urdb.write import Flow

FLAT: Final = ("flatdemandstructure", "flatdemandmonths", "flatdemandunit")
BY_PERIOD: Final = ("demandratestructure", "demandweekdayschedule", "demandweekendschedule", "demandrateunit")
COINCIDENT: Final = ("coincidentratestructure", "coincidentrateschedule", "coincidentrateunit")
RATCHET: Final = ("lookbackpercent", "lookbackrange", "lookbackmonths", "demandratchetpercentage")
UNITS: Final = {"kw": "kW", "kva": "kVA", "hp": "hp"}
LOOK_BACK_MONTHS: Final = 11  # before this one: a year with it


@dataclass(frozen=True, slots=True)
class Flat:
    """Demand at any hour: the tiers of each month."""

    structure: Structure
    months: tuple[int, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class ByPeriod:
    """Demand by period."""

    structure: Structure
    schedule: Schedule
    unit: str


@dataclass(frozen=True, slots=True)
class Coincident:
    """Demand at the time of the system's peak: an input for each period that has a price."""

    structure: Structure
    months: dict[int, tuple[int, ...]]  # period -> months in which it holds
    unit: str


@dataclass(frozen=True, slots=True)
class Ratchet:
    """The part of an earlier peak that is billed at least: by month, and which peaks count."""

    parts: tuple[Decimal, ...]
    months_back: int
    counted: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    flat: Flat | None
    by_period: ByPeriod | None
    coincident: Coincident | None
    ratchet: Ratchet | None

    def metered(self) -> bool:
        """Whether a charge reads the load."""
        return any(charge is not None and charge.unit != "hp" for charge in (self.flat, self.by_period))

    def apparent(self) -> bool:
        """Whether a charge reads kVA of the load."""
        return any(charge is not None and charge.unit == "kVA" for charge in (self.flat, self.by_period))

    def keys(self) -> list[Any]:
        """Give what makes a month differ from another."""
        keys: list[list[Any]] = [[] for _ in range(MONTHS)]
        for month, key in enumerate(keys):
            if self.flat is not None:
                key.append(self.flat.structure.periods[self.flat.months[month]])
            if self.coincident is not None:
                key.append(tuple(month in months for months in self.coincident.months.values()))
            if self.ratchet is not None:
                key += [self.ratchet.parts[month], self.ratchet.counted[month]]
        return [tuple(key) for key in keys]


def read_demand(rate: Rate, report: Report) -> Demand:
    """Read every demand charge, and say which fields hold no money."""
    flat, by_period, coincident = _flat(rate, report), _by_period(rate, report), _coincident(rate, report)
    return Demand(flat, by_period, coincident, _ratchet(rate, report))


def _unit(rate: Rate, field: str, structure: str) -> str:
    """The unit of a demand; prices a day are not translated."""
    written = " ".join(str(rate.get(field) or "kW").lower().split())
    if written not in UNITS:
        daily = "; URDB does not say whether each day's peak is priced, or the month's peak each day"
        raise fail("not-translated", field=structure, why=f"`{field}` is `{written}`{daily * ('daily' in written)}")
    return UNITS[written]


def _flat(rate: Rate, report: Report) -> Flat | None:
    if rate.get(FLAT[0]) is None:
        report.say("no_money", "no demand at any hour is priced", *FLAT)
        return None
    structure = read_structure(FLAT[0], rate.get(FLAT[0]), "kW")
    periods = len(structure.periods)
    if rate.get(FLAT[1]) is None and periods > 1:
        raise fail("shape", field=FLAT[0], why=f"it has {periods} periods, and there is no `{FLAT[1]}`")
    if not periods:
        report.say("no_money", "no demand at any hour is priced", *FLAT)
        return None
    months = read_months(FLAT[1], rate.get(FLAT[1]), periods) if rate.get(FLAT[1]) is not None else (0,) * MONTHS
    if not structure.priced(sorted(set(months))):
        report.say("no_money", "every price is 0", *FLAT)
        return None
    return Flat(structure, months, _unit(rate, FLAT[2], FLAT[0]))


def _by_period(rate: Rate, report: Report) -> ByPeriod | None:
    if not rate.get(BY_PERIOD[0]):
        report.say("no_money", "no demand by period is priced", *BY_PERIOD)
        return None
    structure = read_structure(BY_PERIOD[0], rate.get(BY_PERIOD[0]), "kW")
    hours = BY_PERIOD[1:3]
    given = [field for field in hours if rate.get(field) is not None]
    if not given:
        schedule = one_schedule(len(structure.periods), hours[0], BY_PERIOD[0])
    else:
        for field in hours:
            if field not in given:
                raise fail("shape", field=given[0], why=f"`{field}` is missing beside it")
        weekday, weekend = (read_hours(field, rate.get(field), len(structure.periods)) for field in hours)
        schedule = Schedule(weekday, weekend)
    if not structure.priced(schedule.used):
        report.say("no_money", "every price is 0", *BY_PERIOD)
        return None
    unit = _unit(rate, BY_PERIOD[3], BY_PERIOD[0])
    if unit == "hp":
        raise fail("not-translated", field=BY_PERIOD[0], why="connected horsepower has no periods")
    return ByPeriod(structure, schedule, unit)


def _coincident(rate: Rate, report: Report) -> Coincident | None:
    if not rate.get(COINCIDENT[0]):
        report.say("no_money", "no demand at the system's peak is priced", *COINCIDENT)
        return None
    structure = read_structure(COINCIDENT[0], rate.get(COINCIDENT[0]), "kW")
    if rate.get(COINCIDENT[1]) is None:
        hours = one_schedule(len(structure.periods), COINCIDENT[1], COINCIDENT[0]).weekday
    else:
        hours = read_hours(COINCIDENT[1], rate.get(COINCIDENT[1]), len(structure.periods))
    months = {
        period: tuple(month for month in range(MONTHS) if period in hours[month])
        for period, tiers in enumerate(structure.periods)
        if any(tier.price.total for tier in tiers)
    }
    months = {period: of for period, of in months.items() if of}
    if not months:
        report.say("no_money", "every price is 0", *COINCIDENT)
        return None
    return Coincident(structure, months, _unit(rate, COINCIDENT[2], COINCIDENT[0]))


# the ratchet


def _ratchet(rate: Rate, report: Report) -> Ratchet | None:
    new, old = _look_back(rate, report), _legacy_ratchet(rate, report)
    if new is not None and old is not None and new.parts != old.parts:
        why = "the parts of an earlier peak differ"
        raise fail("conflict", field="demandratchetpercentage", other="lookbackpercent", why=why)
    if new is not None and old is not None:
        report.say("billed", "the same as `lookbackpercent`, which says how far back", "demandratchetpercentage")
    return new or old


def _part(field: str, value: Any) -> Decimal:
    part = number(field, value)
    if not 0 <= part <= 1:
        why = f"{digits(part)} is no part of a peak between 0 and 1; URDB writes 0.35 for 35 %"
        raise fail("not-translated", field=field, why=why)
    return part


def _look_back(rate: Rate, report: Report) -> Ratchet | None:
    percent = rate.get("lookbackpercent")
    if percent is None or not _part("lookbackpercent", percent):
        report.say("no_money", "no earlier peak is billed", *RATCHET[:3])
        return None
    part = _part("lookbackpercent", percent)
    back = number("lookbackrange", rate.get("lookbackrange") or Decimal(0))
    flags = rate.get("lookbackmonths") or [False] * MONTHS
    if not isinstance(flags, list) or len(flags) != MONTHS:
        raise fail("shape", field="lookbackmonths", why="it has twelve truths, one a month")
    counted = tuple(str(flag).lower() in ("true", "1") for flag in flags)
    if back and any(counted):
        why = "a look-back is over the months before, or over named months"
        raise fail("conflict", field="lookbackrange", other="lookbackmonths", why=why)
    if not back and not any(counted):
        report.say(
            "no_money", "it counts in no month: `lookbackrange` is 0, `lookbackmonths` are all false", *RATCHET[:3]
        )
        return None
    if back != int(back) or not 0 <= back <= 24:
        raise fail("shape", field="lookbackrange", why=f"{digits(back)} is no number of months")
    return Ratchet((part,) * MONTHS, int(back) or LOOK_BACK_MONTHS, counted if any(counted) else (True,) * MONTHS)


def _legacy_ratchet(rate: Rate, report: Report) -> Ratchet | None:
    field = RATCHET[3]
    value = rate.get(field)
    if value is None:
        return None
    parts = value if isinstance(value, list) else [value] * MONTHS
    if len(parts) != MONTHS:
        raise fail("shape", field=field, why="it has twelve numbers, one a month")
    read = tuple(_part(field, part if part is not None else Decimal(0)) for part in parts)
    if not any(read):
        report.say("no_money", "every part is 0", field)
        return None
    return Ratchet(read, LOOK_BACK_MONTHS, (True,) * MONTHS)


# writing


def billing_demand(demand: Demand, draft: Draft, unit: str) -> str:
    """Name the billing demand: the highest of the month, and at least the ratchet's part of an earlier one."""
    peak = draft.peak(unit)
    if demand.ratchet is None or unit == "hp":
        return peak
    ratchet, report = demand.ratchet, draft.report
    name, earlier = f"billing_{unit.lower()}", f"earlier_peak_{unit.lower()}"
    if "." in peak:
        draft.quantities.setdefault(f"peak_{unit.lower()}", peak)
        peak = f"peak_{unit.lower()}"
    looked_at = peak
    if not all(ratchet.counted):
        looked_at = f"{peak}_that_counts"
        months = [month for month in range(MONTHS) if ratchet.counted[month]]
        draft.quantities.setdefault(looked_at, f"{peak} if {draft.when(months)} else 0")
    if name not in draft.quantities:
        carried = Flow(max=looked_at, months=ratchet.months_back)
        title = f"Highest {looked_at} of the {ratchet.months_back} months before"
        bounds = {"unit": unit, "places": draft.options.kwh_places, "from": 0, "to": 10_000_000}
        draft.inputs[earlier] = {**bounds, "title": title, "carried": carried}
        parts = [Price(part) for part in ratchet.parts]
        part = draft.seasonal("ratchet", "Part of an earlier peak that is billed at least", "1", parts)
        draft.quantities[name] = f"max({peak}, {part} * {earlier})"
    _say_ratchet(ratchet, earlier, report)
    return name


def _say_ratchet(ratchet: Ratchet, earlier: str, report: Report) -> None:
    parts = sorted({part for part in ratchet.parts if part})
    shown = ", ".join(digits(part) for part in parts)
    whose = f"of the {ratchet.months_back} months before"
    if not all(ratchet.counted):
        whose += f", months {listed(month for month in range(MONTHS) if ratchet.counted[month])} alone"
    told = f"billing demand is at least {shown} of the highest peak {whose}: input `{earlier}`, carried"
    report.say("billed", f"{told}; for demand by period URDB names no ratchet", RATCHET[0])
    report.say("billed", f"months before this one whose peaks count: {ratchet.months_back}", RATCHET[1])
    named = "months whose peaks are looked back to, as REopt and SAM read it"
    report.say("billed", named if not all(ratchet.counted) else "none is named: every month's peak counts", RATCHET[2])
    assumed = f"; it does not say how far back: {LOOK_BACK_MONTHS} months"
    report.say("billed", told + assumed * (RATCHET[0] not in report.rate.values), RATCHET[3])


def write_demand(demand: Demand, draft: Draft) -> list[str]:
    """Add the charges; gives their names."""
    names: list[str] = []
    if demand.flat is not None:
        names += _write_flat(demand, demand.flat, draft)
    if demand.by_period is not None:
        names += _write_by_period(demand.by_period, draft)
    if demand.coincident is not None:
        names += _write_coincident(demand.coincident, draft)
    if names:
        draft.of_one_month()
    return names


def _price_unit(unit: str) -> str:
    return "USD" if unit == "hp" else f"USD/{unit}"


def _ladder(tiers: Sequence[Tier], unit: str) -> dict[str, Any]:
    """Price, or tiers of demand."""
    if len(tiers) == 1:
        return {"price": tiers[0].price.text(_price_unit(unit))}
    rows = [
        {**({"up_to": digits(tier.max)} if tier.max is not None else {}), "price": tier.price.text(_price_unit(unit))}
        for tier in tiers
    ]
    return {"kind": "tiered", "over": "reading_cycle", "tiers": rows}


def _write_flat(demand: Demand, flat: Flat, draft: Draft) -> list[str]:
    quantity = billing_demand(demand, draft, flat.unit)
    periods = [flat.structure.periods[period] for period in flat.months]
    names = []
    title = "Demand"
    if all(len(tiers) == 1 for tiers in periods):
        prices = [tiers[0].price for tiers in periods]
        price = draft.seasonal("demand_price", "Price of demand", _price_unit(flat.unit), prices)
        names.append(draft.charge("demand", "demand_flat", {"title": title, "quantity": quantity, "price": price}))
    else:
        groups = seasons(periods)
        for group in groups:
            tiers = periods[group.months[0]]
            name = "demand" if len(groups) == 1 else f"demand_{group.name}"
            keys = {"title": title, "quantity": quantity, **_ladder(tiers, flat.unit)}
            names.append(draft.charge(name, "demand_flat", keys, draft.when(group.months)))
    charges = ", ".join(f"`{name}`" for name in names)
    draft.report.say("billed", f"price of the month's billing demand `{quantity}`: charge {charges}", *FLAT[:2])
    draft.report.say("billed", f"unit of demand: {flat.unit}", FLAT[2])
    for remark in flat.structure.remarks:
        draft.report.say("billed", remark, FLAT[0])
    _unused(draft, flat.structure, sorted(set(flat.months)))
    return names


def _unused(draft: Draft, structure: Structure, used: Sequence[int]) -> None:
    unused = [period for period in range(len(structure.periods)) if period not in used]
    if unused:
        told = f"period {', '.join(map(str, unused))} holds at no time, and is not billed"
        draft.report.say("billed", told, structure.field)


def _write_by_period(demand: ByPeriod, draft: Draft) -> list[str]:
    draft.schedules["demand_period"] = demand.schedule
    names, free = [], []
    for period in demand.schedule.used:
        tiers = demand.structure.periods[period]
        if not any(tier.price.total for tier in tiers):
            free.append(period)
            continue
        quantity = draft.peak(demand.unit, period)
        keys = {"title": f"Demand of period {period}", "quantity": quantity, **_ladder(tiers, demand.unit)}
        names.append(draft.charge(f"demand_period_{period}", "demand_tou", keys))
    told = f"price of each period's highest demand of the month: {', '.join(f'`{name}`' for name in names)}"
    draft.report.say("billed", told, BY_PERIOD[0])
    if free:
        draft.report.say("billed", f"period {', '.join(map(str, free))} is priced at 0: no charge", BY_PERIOD[0])
    for remark in demand.structure.remarks:
        draft.report.say("billed", remark, BY_PERIOD[0])
    _unused(draft, demand.structure, demand.schedule.used)
    draft.report.say("billed", "hours of the periods: calendar, schedule `demand_period`", *BY_PERIOD[1:3])
    draft.report.say("billed", f"unit of demand: {demand.unit}", BY_PERIOD[3])
    return names


def _write_coincident(coincident: Coincident, draft: Draft) -> list[str]:
    names = []
    for period, months in coincident.months.items():
        quantity = f"coincident_{coincident.unit.lower()}_period_{period}"
        when = draft.when(months)
        bounds = {"unit": 1 if coincident.unit == "hp" else coincident.unit, "places": draft.options.kwh_places}
        title = f"Demand at the time of the system's peak, coincident period {period}"
        needed = {"needed_when": when} if when else {}
        draft.inputs[quantity] = {**bounds, "from": 0, "to": 10_000_000, **needed, "title": title}
        keys = {"title": "Coincident demand", "quantity": quantity}
        keys |= _ladder(coincident.structure.periods[period], coincident.unit)
        names.append(draft.charge(f"coincident_period_{period}", "coincident", keys, when))
    told = ", ".join(f"`{name}`" for name in names)
    reason = "only the utility knows the hour of the system's peak, so it is an input"
    draft.report.say("billed", f"price of demand at the system's peak: charge {told}; {reason}", COINCIDENT[0])
    draft.report.say("billed", "months in which the input is needed", COINCIDENT[1])
    draft.report.say("billed", f"unit of demand: {coincident.unit}", COINCIDENT[2])
    for remark in coincident.structure.remarks:
        draft.report.say("billed", remark, COINCIDENT[0])
    return names


def reactive(rate: Rate, draft: Draft) -> list[str]:
    """Add the charge of reactive demand, on an input."""
    field = "demandreactivepowercharge"
    value = rate.get(field)
    if value is None or not number(field, value):
        draft.report.say("no_money", "reactive demand has no price", field)
        return []
    bounds = {"unit": "kvar", "places": draft.options.kwh_places, "from": 0, "to": 10_000_000}
    draft.inputs["kvar"] = Flow(**bounds, title="Reactive demand that is billed")
    keys = {"title": "Reactive demand", "quantity": "kvar", "price": digits(number(field, value))}
    told = "charge `reactive` on the input `kvar`; how much reactive demand is free stands in the tariff sheet"
    draft.report.say("billed", told, field)
    draft.of_one_month()
    return [draft.charge("reactive", "reactive", keys)]


def window(rate: Rate, draft: Draft) -> None:
    """Say how the minutes over which demand is measured meet the load's intervals."""
    field = "demandwindow"
    if rate.get(field) is None:
        return
    if not draft.columns:
        draft.report.say(
            "note", f"minutes over which demand is measured: {rate.get(field)}; no charge reads a load", field
        )
        return
    told = f"demand is measured over {draft.window} minutes"
    if draft.window != draft.interval:
        told += ", in blocks that follow one another from midnight: URDB does not say whether windows slide"
    draft.report.say("billed", told, field)
