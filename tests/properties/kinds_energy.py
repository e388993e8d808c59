"""Cases for the charge kinds that price energy: flat, time of use, tiers. The rule sets are in tests/kinds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from tests.oracles import flat, tier_uplift, tiered, tiered_time_of_use, time_of_use
from tests.oracles.amounts import ZERO, Bill, Refused, bill, named
from tests.oracles.given import Given, number, truth, word
from tests.oracles.periods import crosses, months_of
from tests.properties import draw
from tests.properties.case import Case, rows_of

D = Decimal
MONTH = draw.month([2024, 2025, 2026])
MONTHS = st.sampled_from(
    [draw.several(2025, 1, 1), draw.several(2025, 5, 2), draw.several(2025, 11, 2), draw.several(2024, 2, 3)]
)


def _flat(given: Given, period_from: date, period_to: date) -> Bill:
    kwh = number(given, "kwh")
    dated = D("0.0190") if period_from < date(2026, 1, 1) else D("0.0195")
    lines = {
        "energy": flat.flat(kwh, D("0.5283")),
        "fine": flat.flat(kwh, D("0.00196875")),
        "fen": flat.flat(kwh, dated),
        "holding": flat.flat(number(given, "days_late"), D("0.125")),
    }
    if truth(given, "poor"):
        lines["less"] = flat.flat(kwh, D("-0.05"))
    return bill(lines)


FLAT = Case(
    "kinds.flat",
    rows_of(
        st.sampled_from([(date(2025, 12, 1), date(2026, 1, 1)), (date(2026, 1, 1), date(2026, 2, 1))]),
        kwh=draw.number(-100000, 1000000, 2, near=draw.ties("0.5283") + draw.ties("0.05"), usual=1000),
        days_late=draw.number(0, 400),
        poor=st.booleans(),
    ),
    _flat,
)

TOU_PRICES = {
    "low": {"sharp": D("1.133999"), "peak": D("0.930961"), "valley": D("0.516924")},
    "high": {"sharp": D("1.049999"), "valley": D("0.432924")},
}


def _kwh(given: Given, *periods: str) -> dict[str, Decimal]:
    return {period: number(given, f"kwh_{period}") for period in periods}


def _time_of_use(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    prices = TOU_PRICES[word(given, "voltage")]
    kwh = _kwh(given, "sharp", "peak", "valley")
    if set(kwh) - set(prices):  # the notice prints no peak price for this class: no bill, whatever the peak kWh
        return Refused(frozenset({"no-table-cell"}))
    return bill(named("energy", time_of_use.time_of_use(kwh, prices)))


def _kwh_inputs(*periods: str, top: int = 5000000) -> dict[str, st.SearchStrategy[Decimal]]:
    return {f"kwh_{period}": draw.number(0, top, 2, usual=top // 1000) for period in periods}


TIME_OF_USE = Case(
    "kinds.time_of_use",
    rows_of(MONTH, voltage=st.sampled_from(["low", "low", "high"]), **_kwh_inputs("sharp", "peak", "valley")),
    _time_of_use,
)

LESS = {"loan": D("0.02"), "renewables": D("0.00196875")}


def _each_rounded(given: Given, period_from: date, period_to: date) -> Bill:
    kwh = _kwh(given, "sharp", "peak", "valley")
    energy = time_of_use.time_of_use(kwh, TOU_PRICES["low"], less=list(LESS.values()))
    total = sum(kwh.values(), ZERO)
    return bill(named("energy", energy), {fund: flat.flat(total, price) for fund, price in LESS.items()})


def _whole_rounded(given: Given, period_from: date, period_to: date) -> Bill:
    kwh = _kwh(given, "sharp", "peak", "valley")
    total = sum(kwh.values(), ZERO)
    funds = {fund: flat.flat(total, price) for fund, price in LESS.items()}
    energy = time_of_use.whole_rounded(kwh, TOU_PRICES["low"], list(funds.values()))
    return bill(named("energy", energy), funds)


EACH_ROUNDED = Case(
    "kinds.time_of_use_each_rounded", rows_of(MONTH, **_kwh_inputs("sharp", "peak", "valley")), _each_rounded
)
WHOLE_ROUNDED = Case(
    "kinds.time_of_use_whole_rounded", rows_of(MONTH, **_kwh_inputs("sharp", "peak", "valley")), _whole_rounded
)

SICHUAN: list[tiered.Tier] = [(D(180), D("0.5224")), (D(280), D("0.6224")), (None, D("0.8224"))]
JIANGSU: list[tiered.Tier] = [(D(2760), D("0.5283")), (D(4800), D("0.5783")), (None, D("0.8283"))]
GUIZHOU: list[tiered.Tier] = [(D(3000), D("0.4556")), (D(4700), D("0.5056")), (None, D("0.7556"))]
FIVE = st.sampled_from([D(1), D(4), D(5), D(6), D(20)])


def _times(tiers: list[tiered.Tier], months: int) -> list[tiered.Tier]:
    return [(None if limit is None else limit * months, price) for limit, price in tiers]


def _tiered_monthly(given: Given, period_from: date, period_to: date) -> Bill:
    months = months_of(period_from, period_to)
    tiers, kwh = _times(SICHUAN, months), number(given, "kwh")
    widen = D(100) * months if number(given, "household_size") >= 5 else ZERO
    return bill(
        named("marginal", tiered.marginal(kwh, tiers, widen=widen)),
        named("uplift", tiered.uplift(kwh, tiers, widen=widen)),
    )


TIERED_MONTHLY = Case(
    "kinds.tiered_monthly",
    rows_of(
        MONTHS,
        kwh=draw.number(
            0,
            100000,
            2,
            near=[n * m for n in (180, 280, 380) for m in (1, 2, 3)] + list(draw.ties("0.5224")),
            usual=900,
        ),
        household_size=FIVE,
    ),
    _tiered_monthly,
)


def _tiered_annual(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    # One ladder begins on 1 January, the other on 1 December: a bill over either day has two ladder years in it.
    if crosses(period_from, period_to, lambda day: (day.year, day.month == 12)):
        return Refused(frozenset({"period-crosses-change"}))
    kwh, before = number(given, "kwh"), number(given, "kwh_year_before")
    widen = D(1200) if number(given, "household_size") >= 5 else ZERO
    return bill(
        named("marginal", tiered.marginal(kwh, JIANGSU, before, widen)),
        named("uplift", tiered.uplift(kwh, GUIZHOU, before, widen)),
    )


LIMITS = [2760, 3000, 3960, 4200, 4700, 4800, 5900, 6000]
TIERED_ANNUAL = Case(
    "kinds.tiered_annual",
    rows_of(
        st.one_of(
            MONTH,
            MONTH,
            st.sampled_from([draw.several(2025, 10, 2), draw.several(2025, 11, 2), draw.several(2025, 12, 2)]),
        ),
        kwh=draw.number(0, 100000, 2, near=[*LIMITS, 300, *draw.ties("0.5783")], usual=2000),
        kwh_year_before=draw.number(0, 1000000, 2, near=[*LIMITS, *(limit - 300 for limit in LIMITS)], usual=6000),
        household_size=FIVE,
    ),
    _tiered_annual,
)


def _tier_uplift(given: Given, period_from: date, period_to: date) -> Bill:
    months, kwh = months_of(period_from, period_to), number(given, "kwh")
    widen = D(100) * months if number(given, "household_size") >= 5 else ZERO
    month = [(D(260) * months, D("0.05")), (D(600) * months, D("0.30"))]
    year = [(D(2520), D("0.05")), (D(4800), D("0.30"))]
    return bill(
        {"energy": flat.flat(kwh, D("0.6002"))},
        named("monthly", tier_uplift.tier_uplift(kwh, month, widen=widen)),
        named("year", tier_uplift.tier_uplift(kwh, year, number(given, "kwh_year_before"))),
    )


TIER_UPLIFT = Case(
    "kinds.tier_uplift",
    rows_of(
        MONTHS,
        kwh=draw.number(0, 100000, 2, near=[260, 600, 520, 1200, 360, 700, 780, 1800, 2520, 4800], usual=2000),
        kwh_year_before=draw.number(0, 1000000, 2, near=[2260, 2520, 4200, 4800], usual=6000),
        household_size=FIVE,
    ),
    _tier_uplift,
)


def _cells(*limits: int) -> list[tiered_time_of_use.Tier]:
    prices = (("0.617", "0.5", "0.307"), ("0.677", "0.55", "0.337"), ("0.977", "0.8", "0.487"))
    ends = [*map(Decimal, limits), None]
    return [
        (end, dict(zip(("peak", "flat", "valley"), map(Decimal, row), strict=True)))
        for end, row in zip(ends, prices, strict=True)
    ]


def _tiered_time_of_use(given: Given, period_from: date, period_to: date) -> Bill:
    kwh, before = _kwh(given, "peak", "flat", "valley"), number(given, "kwh_year_before")
    widen = D(1200) if number(given, "household_size") >= 5 else ZERO
    year, month = _cells(3120, 4800), _cells(200, 400)
    return bill(
        named("rounded", tiered_time_of_use.pooled_pro_rata(kwh, year, 2, before, widen)),
        named("exact", tiered_time_of_use.pooled_pro_rata(kwh, year, None, before, widen)),
        named("apart", tiered_time_of_use.per_period(kwh, month)),
    )


TIERED_TIME_OF_USE = Case(
    "kinds.tiered_time_of_use",
    rows_of(
        MONTH,
        **{
            f"kwh_{period}": draw.number(0, 20000, 2, near=[200, 400, 1040, 1600], usual=1000)
            for period in ("peak", "flat", "valley")
        },
        kwh_year_before=draw.number(0, 100000, 2, near=[3120, 4800, 4320, 6000, 2900, 4600], usual=6000),
        household_size=FIVE,
    ),
    _tiered_time_of_use,
)

CASES = (
    FLAT,
    TIME_OF_USE,
    EACH_ROUNDED,
    WHOLE_ROUNDED,
    TIERED_MONTHLY,
    TIERED_ANNUAL,
    TIER_UPLIFT,
    TIERED_TIME_OF_USE,
)
