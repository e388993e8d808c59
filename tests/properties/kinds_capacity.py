"""Cases for demand, for capacity in part months, and for the power factor of customers with a lowered standard."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from tests.oracles import basic_charge, demand, flat, power_factor, tiered
from tests.oracles.amounts import Bill, bill, half_up, named
from tests.oracles.given import Given, Item, day, items, number, truth
from tests.oracles.periods import months_of, thirtieths
from tests.properties import draw
from tests.properties.case import Case, joined, rows_of
from tests.properties.kinds_energy import MONTH, MONTHS
from tests.properties.kinds_money import REACTIVE

D = Decimal

STEPS: list[tiered.Tier] = [(D(100), D("16.30")), (D(500), D("14.90")), (None, D("13.125"))]
REACHED: list[tiered.Tier] = [(D(100), D("9.00")), (None, D("7.00"))]
OFF_PEAK: list[tiered.Tier] = [(D(200), D("5.81")), (None, D("4.25"))]


def _demand(given: Given, period_from: date, period_to: date) -> Bill:
    months, days = months_of(period_from, period_to), (period_to - period_from).days
    kw, before = number(given, "kw"), number(given, "kw_highest_before")
    share = number(given, "contract_kw") * 60 / 100
    largest = demand.billing_demand(kw, share, before, D(35), D(50), places=0)
    off_peak = demand.billing_demand(number(given, "kw_off_peak"), highest_before=before, ratchet_percent=D(80))
    return bill(
        {"largest": demand.flat(largest, D("11.50"), months)},
        named("steps", demand.in_steps(kw, STEPS, months)),
        named("reached", demand.at_reached_step(kw, REACHED, months, at_limit="upper")),
        {"apart.peak": demand.flat(kw, D("20.97"), months)},
        named("apart.off_peak", demand.in_steps(off_peak, OFF_PEAK, months)),
        {"apparent": half_up(number(given, "kva") * D("0.075") * days)},
    )


DEMAND = Case(
    "kinds.demand",
    rows_of(
        MONTHS,
        kw=draw.number(0, 100000, 3, near=[50, "50.5", 100, 500, "99.999"], usual=800),
        kw_off_peak=draw.number(0, 100000, 3, near=[200], usual=800),
        kva=draw.number(0, 100000, 2, usual=1000),
        contract_kw=draw.number(0, 100000, near=[83, 84, 100, 500], usual=800),
        kw_highest_before=draw.number(0, 100000, 3, near=[250, 100, "142.857"], usual=1500),
    ),
    _demand,
)


def _thirtieths(given: Given, period_from: date, period_to: date) -> Bill:
    sums, kva = number(given, "kva_thirtieths"), number(given, "capacity_kva")
    months = months_of(period_from, period_to)
    return bill(
        {
            "exact.capacity": basic_charge.capacity_in_thirtieths(sums, D("26.3")),
            "rounded.capacity": basic_charge.capacity_in_thirtieths(sums, D("26.3"), 0),
            "whole_kva.capacity": basic_charge.capacity(half_up(kva, 0) * months, D("26.3")),
        }
    )


THIRTIETHS = Case(
    "kinds.basic_charge_thirtieths",
    rows_of(
        MONTHS,
        kva_thirtieths=draw.number(0, 60000000, near=[15, 13000, 30000, 45015], usual=90000),
        capacity_kva=draw.number(0, 2000000, 2, near=["433.33", "0.5", "1.5", "433.50"], usual=5000),
    ),
    _thirtieths,
)


def _lowered(given: Given, period_from: date, period_to: date) -> Bill:
    kwh, kvarh = number(given, "kwh"), number(given, "kvarh")
    energy, funds, rent = flat.flat(kwh, D("0.6518")), flat.flat(kwh, D("0.0452")), flat.flat(kwh, D("0.01"))
    kept = power_factor.without_reduction if truth(given, "lowered") else power_factor.adjustment
    return bill(
        {
            "energy.flat": energy,
            "energy.funds": funds,
            "rent": rent,
            "always": power_factor.without_reduction(kwh, kvarh, D("0.85"), energy),
            "some": kept(kwh, kvarh, D("0.85"), energy + funds - rent),
        }
    )


LOWERED = Case(
    "kinds.power_factor_lowered",
    joined(
        rows_of(MONTH, lowered=st.booleans()),
        REACTIVE.map(lambda pair: {"kwh": pair[0], "kvarh": pair[1]}),
    ),
    _lowered,
)


def _demand_lists(given: Given, period_from: date, period_to: date) -> Bill:
    """kWh of a quarter of an hour are four times as many kW; the peak is 8:00 to 21:00."""
    load = items(given, "intervals")
    kw = [4 * number(item, "kwh") for item in load]
    flagged = [power for power, item in zip(kw, load, strict=True) if item.get("flagged")]
    in_peak = [power for at, power in enumerate(kw) if 8 <= at // 4 % 24 < 21]
    this_month = period_from.year * 12 + period_from.month
    summers = [
        number(item, "kw")
        for item in items(given, "history")
        if 6 <= day(item, "month_from").month <= 9
        and 1 <= this_month - day(item, "month_from").year * 12 - day(item, "month_from").month <= 11
    ]
    highest = max((number(item, "kw") for item in items(given, "history")), default=D(0))
    summer = demand.billing_demand(max(kw), highest_before=max(summers, default=D(0)), ratchet_percent=D(80))
    coincident = demand.billing_demand(max(flagged, default=D(0)), highest_before=highest, ratchet_percent=D(35))
    return bill(
        {"ratchet": demand.flat(summer, D("11.50"))},
        {"periods.peak": demand.flat(max(in_peak), D("20.97"))},
        named("periods.coincident", demand.in_steps(coincident, [(D(100), D("16.3")), (None, D("14.9"))])),
    )


QUARTER: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {"kwh": draw.number(0, 10000, 3, near=[25, 100], usual=100)}, optional={"flagged": st.booleans()}
)
PAST: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {
        "month_from": st.builds(date, st.sampled_from([2024, 2025]), st.integers(1, 12), st.just(1)),
        "kw": draw.number(0, 10000, 3, usual=500),
    }
)
DEMAND_LISTS = Case(
    "kinds.demand_lists",
    rows_of(
        st.sampled_from([(date(2025, 3, 3), date(2025, 3, 4)), (date(2025, 10, 1), date(2025, 10, 2))]),
        intervals=st.lists(QUARTER, min_size=96, max_size=96),
        history=st.lists(PAST, max_size=6),
    ),
    _demand_lists,
)


def _lines(given: Given, period_from: date, period_to: date) -> Bill:
    lines = items(given, "lines")
    contracts = [number(item, "contract_kw") for item in lines]
    measured = [number(item, "measured_kw") for item in lines]
    kva = [number(item, "kva") for item in lines]
    price = basic_charge.demand_price(D("36.1"), number(given, "kwh"), sum(kva, D(0)))
    floored = basic_charge.floored_contract(sum(contracts, D(0)), sum(kva, D(0)))
    each_floored = [basic_charge.floored_contract(c, of) for c, of in zip(contracts, kva, strict=True)]
    transformers = items(given, "transformers")
    counted = sum(
        number(item, "kva") * thirtieths(max(day(item, "from_day"), period_from), min(day(item, "to_day"), period_to))
        for item in transformers
    )
    capacity = sum((number(item, "kva") for item in transformers), D(0))
    return bill(
        named("added", basic_charge.contract_demand(floored, sum(measured, D(0)), price, "A")),
        named("each_a", basic_charge.lines_apart(contracts, measured, D("36.1"), "A")),
        named("each_c", basic_charge.lines_apart(each_floored, measured, D("36.1"), "C")),
        {"capacity.capacity": basic_charge.capacity(capacity, D("26.3"))},
        {"counted.capacity": basic_charge.capacity_in_thirtieths(D(counted), D("26.3"))},
    )


LINE: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {
        "contract_kw": draw.number(0, 100000, near=[400, 2400], usual=3000),
        "measured_kw": draw.number(0, 100000, 2, near=[420, 2520, 2600], usual=3000),
        "kva": draw.number(0, 100000, near=[1000, 6000], usual=6000),
    }
)
SOME_DAY = st.one_of(
    st.dates(date(2025, 12, 20), date(2026, 3, 15)), st.sampled_from([date(2020, 1, 1), date(2030, 1, 1)])
)
TRANSFORMER: st.SearchStrategy[Item] = st.fixed_dictionaries(
    {"kva": draw.number(0, 100000, near=[315, 1000], usual=3000), "from_day": SOME_DAY, "to_day": SOME_DAY}
)
LINES = Case(
    "kinds.basic_charge_lines",
    rows_of(
        draw.month([2026], [1, 2]),
        lines=st.lists(LINE, max_size=4),
        transformers=st.lists(TRANSFORMER, max_size=5),
        kwh=draw.number(0, 100000000, 2, near=[260000, 1560000], usual=3000000),
    ),
    _lines,
)

CASES = (DEMAND, THIRTIETHS, LOWERED, DEMAND_LISTS, LINES)
