"""Energy charges: one price, time-of-use periods, tiers, and tiers over periods.

Months in which the same periods hold are billed alike. Where such months have one period, its tiers are a ladder of the
month; where they have several, `--tier-scope` says how the periods share the ladder:
`pooled_pro_rata` and `pooled_chronological` take all periods' kWh up one ladder, which has a step wherever any of the
periods has one; `per_period` gives each period its own ladder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engine.urdb.draft import LIST, Draft, Options
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
    read_structure,
)

STRUCTURE: Final = "energyratestructure"
WEEKDAY: Final = "energyweekdayschedule"
WEEKEND: Final = "energyweekendschedule"
SCHEDULES: Final = (WEEKDAY, WEEKEND)
LIMITS: Final = {  # unit of a limit -> what it is multiplied with: kW, kVA, hp; days
    "kwh": ("", False),
    "kwh daily": ("", True),
    "kwh/kw": ("kW", False),
    "kwh/kw daily": ("kW", True),
    "kwh/kva": ("kVA", False),
    "kwh/kva daily": ("kVA", True),
    "kwh/hp": ("hp", False),
    "kwh/hp daily": ("hp", True),
}


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers of some periods with common limits: `up_to` and the periods' prices, step by step."""

    periods: tuple[int, ...]
    steps: tuple[tuple[Decimal | None, tuple[Price, ...]], ...]
    unit: str  # of the limits


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy prices as read: `groups` are months that have the same periods, with the ladders that hold in them."""

    structure: Structure
    schedule: Schedule
    groups: tuple[tuple[tuple[int, ...], tuple[Ladder, ...]], ...]

    @property
    def tiered(self) -> bool:
        return any(len(ladder.steps) > 1 for _, ladders in self.groups for ladder in ladders)

    def demand_units(self) -> set[str]:
        """Units of the demand that limits are multiplied with."""
        ladders = [ladder for _, ladders in self.groups for ladder in ladders if len(ladder.steps) > 1]
        return {LIMITS[ladder.unit][0] for ladder in ladders} - {""}

    def keys(self) -> list[Any]:
        """Give what makes a month differ from another; where prices follow the hours alone, nothing does."""
        if self.tiered or not self.schedule.by_hour:
            return [self.schedule.in_month(month) for month in range(MONTHS)]
        return [()] * MONTHS


def read_energy(rate: Rate, report: Report, options: Options) -> Energy | None:
    """Read the prices of energy; None where the rate has none."""
    if rate.get("flatratebuy") is not None and rate.get(STRUCTURE) is None:
        return _version_2(rate, report, options)
    for field in ("flatratebuy", "flatratefueladj"):
        report.say("no_money", "what version 2 said; the structure stands in its place", field)
    report.say("not_billed", "what the utility pays for energy: bills are of energy used", "flatratesell")
    if rate.get(STRUCTURE) is None:
        report.say("no_money", "no energy is priced", STRUCTURE, *SCHEDULES)
        return None
    structure = read_structure(STRUCTURE, rate.get(STRUCTURE), "kWh")
    if not structure.periods:
        report.say("no_money", "no energy is priced", STRUCTURE, *SCHEDULES)
        return None
    schedule = _schedule(rate, structure)
    if not structure.priced(schedule.used):
        report.say("no_money", "every price is 0", STRUCTURE, *SCHEDULES)
        return None
    return _grouped(structure, schedule, options)


def _version_2(rate: Rate, report: Report, options: Options) -> Energy:
    adj = rate.get("flatratefueladj")
    price = Price(number("flatratebuy", rate.get("flatratebuy")), number("flatratefueladj", adj) if adj else Decimal(0))
    structure = Structure("flatratebuy", ((Tier(None, "kWh", price, None),),), ())
    report.say("not_billed", "what the utility pays for energy: bills are of energy used", "flatratesell")
    return _grouped(structure, one_schedule(1, WEEKDAY, STRUCTURE), options)


def _schedule(rate: Rate, structure: Structure) -> Schedule:
    given = [field for field in SCHEDULES if rate.get(field) is not None]
    if not given:
        return one_schedule(len(structure.periods), WEEKDAY, STRUCTURE)
    for field in SCHEDULES:
        if field not in given:
            raise fail("shape", field=given[0], why=f"`{field}` is missing beside it")
    weekday, weekend = (read_hours(field, rate.get(field), len(structure.periods)) for field in SCHEDULES)
    return Schedule(weekday, weekend)


def _grouped(structure: Structure, schedule: Schedule, options: Options) -> Energy:
    groups = []
    for season in seasons([schedule.in_month(month) for month in range(MONTHS)]):
        periods = schedule.in_month(season.months[0])
        groups.append((season.months, _ladders(structure, periods, season.months, options)))
    return Energy(structure, schedule, tuple(groups))


def _ladders(
    structure: Structure, periods: tuple[int, ...], months: tuple[int, ...], options: Options
) -> tuple[Ladder, ...]:
    """One ladder that the periods share, or one for each."""
    units = {period: _unit(structure, period) for period in periods}
    own = tuple(_pooled(structure, (period,), units[period]) for period in periods)
    if len(periods) == 1 or all(len(ladder.steps) == 1 for ladder in own):
        return own if len(periods) == 1 else (_pooled(structure, periods, "kwh"),)
    if options.tier_scope is None:
        raise fail("needs-tier-scope", months=f"months {listed(months)}")
    limits = {tuple(up_to for up_to, _ in ladder.steps) for ladder in own}
    if options.tier_scope == "per_period":
        return (
            (_pooled(structure, periods, own[0].unit),) if len(limits) == 1 and len(set(units.values())) == 1 else own
        )
    tiered = {ladder.unit for ladder in own if len(ladder.steps) > 1}
    if len(tiered) > 1:
        why = f"limits in {' and '.join(sorted(tiered))} have no common ladder; --tier-scope per_period needs none"
        raise fail("not-translated", field=structure.field, why=why)
    return (_pooled(structure, periods, tiered.pop()),)


def _unit(structure: Structure, period: int) -> str:
    """The unit of a period's limits."""
    tiers = structure.periods[period]
    units = {" ".join(tier.unit.lower().split()) for tier in (tiers if len(tiers) == 1 else tiers[:-1])}
    if len(units) > 1:
        why = f"period {period} has limits in {' and '.join(sorted(units))}, which follow no order that URDB names"
        raise fail("not-translated", field=structure.field, why=why)
    unit = units.pop() if units else "kwh"
    if unit not in LIMITS and len(tiers) > 1:
        raise fail("not-translated", field=structure.field, why=f"period {period} has limits in `{tiers[0].unit}`")
    return unit if unit in LIMITS else "kwh"


def _pooled(structure: Structure, periods: tuple[int, ...], unit: str) -> Ladder:
    """A ladder with a step wherever one of the periods has one."""
    limits = sorted({tier.max for period in periods for tier in structure.periods[period] if tier.max is not None})
    steps = [(limit, tuple(_price_below(structure.periods[period], limit) for period in periods)) for limit in limits]
    return Ladder(periods, (*steps, (None, tuple(structure.periods[period][-1].price for period in periods))), unit)


def _price_below(tiers: Sequence[Tier], limit: Decimal) -> Price:
    """The price of what lies just below a limit."""
    return next(tier.price for tier in tiers if tier.max is None or limit <= tier.max)


def write_energy(energy: Energy, draft: Draft, billing_demand: dict[str, str]) -> list[str]:
    """Add the charges; gives their names.

    Args:
        billing_demand: unit of demand -> name of the quantity that limits are multiplied with.
    """
    if draft.interval and energy.schedule.by_hour:
        draft.schedules["tou_period"] = energy.schedule
    if not energy.tiered:
        names = _untiered(energy, draft)
    elif draft.options.tier_scope == "pooled_chronological" and energy.schedule.by_hour:
        names = [_chronological(energy, draft, billing_demand)]
    else:
        names = _tiered(energy, draft, billing_demand)
    _account(energy, draft, names)
    return names


def _untiered(energy: Energy, draft: Draft) -> list[str]:
    used, structure = energy.schedule.used, energy.structure
    if energy.schedule.by_hour:
        keys = {
            "title": "Energy",
            "kind": "time_of_use",
            "quantity": {f"period_{period}": draft.kwh_in(period) for period in used},
            "price": {f"period_{period}": structure.periods[period][0].price.text("USD/kWh") for period in used},
        }
        return [draft.charge("energy", "energy", keys)]
    prices = [structure.periods[energy.schedule.in_month(month)[0]][0].price for month in range(MONTHS)]
    price = draft.seasonal("energy_price", "Price of energy", "USD/kWh", prices)
    return [draft.charge("energy", "energy", {"title": "Energy", "quantity": draft.kwh(), "price": price})]


def _tiered(energy: Energy, draft: Draft, billing_demand: dict[str, str]) -> list[str]:
    names = []
    for months, ladders in energy.groups:
        for ladder in ladders:
            name = "energy" if len(energy.groups) == 1 else f"energy_{_season_name(draft, months)}"
            if len(ladders) > 1:
                name = f"{name}_period_{ladder.periods[0]}"
            keys = _ladder_keys(ladder, draft, billing_demand, alone=len(ladders) == 1)
            names.append(draft.charge(name, "energy", keys, draft.when(months)))
    return names


def _chronological(energy: Energy, draft: Draft, billing_demand: dict[str, str]) -> str:
    """One charge for the year: its periods are those of the calendar, and each season has limits of its own."""
    draft.kwh()
    field = energy.structure.field
    ladders = {months: ladders[0] for months, ladders in energy.groups}
    units = {ladder.unit for ladder in ladders.values() if len(ladder.steps) > 1}
    if len(units) > 1:
        why = f"limits in {' and '.join(sorted(units))}, by season: --tier-scope pooled_pro_rata translates them"
        raise fail("not-translated", field=field, why=why)
    (unit,) = units
    count = max(len(ladder.steps) for ladder in ladders.values())
    prices: dict[int, list[str]] = {}
    limits: list[list[Decimal | None]] = [[None] * MONTHS for _ in range(count - 1)]
    for months, ladder in ladders.items():
        filled = _filled(ladder, count)
        for k, (limit, _) in enumerate(filled):
            for month in months:
                limits[k][month] = limit
        for at, period in enumerate(ladder.periods):
            texts = [of[at].text("USD/kWh") for _, of in (*filled, ladder.steps[-1])]
            if prices.setdefault(period, texts) != texts:
                why = f"period {period} has other steps in other months: --tier-scope pooled_pro_rata translates them"
                raise fail("not-translated", field=field, why=why)
    tiers: list[dict[str, Any]] = []
    for k in range(count):
        up_to = {"up_to": _limit_by_season(draft, unit, k, limits, billing_demand)} if k < count - 1 else {}
        tiers.append({**up_to, "price": {f"period_{period}": prices[period][k] for period in sorted(prices)}})
    keys = {
        "title": "Energy",
        "kind": "tiered_time_of_use",
        "scope": "pooled_chronological",
        "intervals": f"{LIST}.kwh",
        "period": f"{LIST}.tou_period",
        "over": "billing_month",
        "tiers": tiers,
    }
    return draft.charge("energy", "energy", keys)


def _filled(ladder: Ladder, count: int) -> list[tuple[Decimal, tuple[Price, ...]]]:
    """The steps that have a limit, with more at the last price until there are `count - 1`: they change no amount."""
    limited = [(limit, prices) for limit, prices in ladder.steps if limit is not None]
    last, last_prices = limited[-1][0] if limited else Decimal(0), ladder.steps[-1][1]
    return [*limited, *((last + n, last_prices) for n in range(1, count - len(limited)))]


def _limit_by_season(
    draft: Draft, unit: str, k: int, limits: Sequence[Sequence[Decimal | None]], billing_demand: dict[str, str]
) -> str:
    """A limit, or the cell of a table by season."""
    of_year = {value for value in limits[k] if value is not None}
    if len(draft.seasons) == 1 and len(of_year) == 1:
        return _limit(unit, of_year.pop(), billing_demand)
    demand, daily = LIMITS[unit]
    per = {"": "kWh", "kW": "kWh/kW", "kVA": "kWh/kVA", "hp": "kWh"}[demand] + ("/day" if daily else "")
    rows = [
        [season.name, *(digits(value) if (value := one[season.months[0]]) is not None else "-" for one in limits)]
        for season in draft.seasons
    ]
    columns = [f"tier_{n}" for n in range(1, len(limits) + 1)]
    if per == "kWh":
        per = "kWh/month" if not demand else "kWh"
    draft.tables["tier_limit"] = {
        "title": "Where tiers end",
        "unit": per,
        "keys": ["season"],
        "columns": columns,
        "rows": rows,
    }
    factors = [f"tier_limit[season].tier_{k + 1}", *([billing_demand[demand]] if demand else [])]
    return " * ".join([*factors, *(["days"] if daily else [])])


def _season_name(draft: Draft, months: tuple[int, ...]) -> str:
    return "_and_".join(season.name for season in draft.seasons if season.months[0] in months)


def _ladder_keys(ladder: Ladder, draft: Draft, billing_demand: dict[str, str], alone: bool) -> dict[str, Any]:
    """The keys of a charge; `alone`: no other charge prices energy in these months."""
    single = len(ladder.periods) == 1
    if single:
        quantity: Any = draft.kwh() if alone else draft.kwh_in(ladder.periods[0])
    else:
        quantity = {f"period_{period}": draft.kwh_in(period) for period in ladder.periods}
    if single and len(ladder.steps) == 1:
        return {"title": "Energy", "quantity": quantity, "price": ladder.steps[0][1][0].text("USD/kWh")}
    tiers = []
    for up_to, prices in ladder.steps:
        texts = [price.text("USD/kWh") for price in prices]
        price: Any = (
            texts[0] if single else {f"period_{p}": text for p, text in zip(ladder.periods, texts, strict=True)}
        )
        limit = {} if up_to is None else {"up_to": _limit(ladder.unit, up_to, billing_demand)}
        tiers.append({**limit, "price": price})
    if single:
        return {"title": "Energy", "kind": "tiered", "quantity": quantity, "over": "billing_month", "tiers": tiers}
    head = {"title": "Energy", "kind": "tiered_time_of_use", "quantity": quantity, "over": "billing_month"}
    return {**head, **_scope(ladder, draft), "tiers": tiers}


def _scope(ladder: Ladder, draft: Draft) -> dict[str, Any]:
    """How periods share a ladder; without tiers it makes no difference."""
    scope = draft.options.tier_scope if len(ladder.steps) > 1 else "per_period"
    assert scope is not None
    if scope == "pooled_pro_rata":
        return {"scope": scope, "share": "exact"}
    return {"scope": scope}


def _limit(unit: str, value: Decimal, billing_demand: dict[str, str]) -> str:
    """Write a limit: a number is of a month; daily limits grow with the days, others with demand."""
    demand, daily = LIMITS[unit]
    if not demand and not daily:
        return digits(value)
    per = {"": "kWh", "kW": "kWh/kW", "kVA": "kWh/kVA", "hp": "kWh"}[demand] + ("/day" if daily else "")
    factors = [f"{digits(value)}[{per}]", *([billing_demand[demand]] if demand else []), *(["days"] if daily else [])]
    return " * ".join(factors)


def _account(energy: Energy, draft: Draft, names: Sequence[str]) -> None:
    """Say what became of the fields."""
    report, structure, used = draft.report, energy.structure, energy.schedule.used
    charges = ", ".join(f"`{name}`" for name in names)
    adj = any(tier.price.adj for period in used for tier in structure.periods[period])
    told = f"price of energy: charge {charges}" + (", each price `rate` + `adj`" if adj else "")
    if (
        energy.tiered
        and draft.options.tier_scope
        and any(len(ladder.periods) > 1 for _, one in energy.groups for ladder in one)
    ):
        told += f"; periods share the tiers {draft.options.tier_scope}"
    report.say("billed", told, structure.field, "flatratefueladj")
    for remark in structure.remarks:
        report.say("billed", remark, structure.field)
    unused = [period for period in range(len(structure.periods)) if period not in used]
    if unused:
        report.say(
            "billed", f"period {', '.join(map(str, unused))} holds in no hour, and is not billed", structure.field
        )
    if any(tier.sell for period in used for tier in structure.periods[period]):
        report.say(
            "billed", "`sell`, the price of energy fed in, is not billed: bills are of energy used", structure.field
        )
    if energy.schedule.by_hour:
        report.say("billed", "hours of the periods: calendar, `tou_periods`", *SCHEDULES)
    elif len(used) > 1:
        report.say("billed", "months of the periods: calendar, `seasons`", *SCHEDULES)
    else:
        report.say("billed", "one period at all hours", *SCHEDULES)
