"""Cases for ladders that depend on more than kWh: on days, demand, months in use; and for prices of components."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from tests.oracles import flat, tier_uplift, tiered, tiered_time_of_use, time_of_use
from tests.oracles.amounts import Bill, Lines, Refused, bill, half_up, named
from tests.oracles.given import Given, items, number, word
from tests.oracles.periods import calendar_months, crosses, cut, days_of, divided, months_of
from tests.properties import draw
from tests.properties.case import Case, Row, rows_of
from tests.properties.kinds_energy import MONTH, MONTHS

D = Decimal

TRANSMISSION = {
    "single_low": D("0.2103"),
    "single_10kv": D("0.1903"),
    "single_35kv": D("0.1703"),
    "two_10kv": D("0.1263"),
    "two_35kv": D("0.1065"),
    "two_110kv": D("0.0884"),
    "two_220kv": D("0.0694"),
}
FLAT = {"flat": D(1)}
HIGH = {"sharp": D("2.00"), "peak": D("1.49"), **FLAT, "valley": D("0.45")}
OTHER = {"sharp": D("1.80"), "peak": D("1.49"), **FLAT, "valley": D("0.48")}
STEPPED = {"sharp": D("1.788"), "peak": D("1.49"), **FLAT, "valley": D("0.45")}  # peak x 1.2; 1 - 55 %
IN_FEN = {"sharp": D("2.125"), "peak": D("1.70"), **FLAT, "valley": D("0.38")}  # 1.7 x 1.25
PERIODS = ("sharp", "peak", "flat", "valley")


def _components(given: Given, period_from: date, period_to: date) -> Bill:
    kwh = {period: number(given, f"kwh_{period}") for period in PERIODS}
    whole = sum(kwh.values(), D(0))
    parts = {"agency": D("0.384470"), "loss": D("0.013643"), "system": D("0.082273")}
    ratios = HIGH if period_from.month in (1, 7, 8, 12) else OTHER
    table = {**parts, "transmission": TRANSMISSION[word(given, "price_class")], "funds": D("0.0452")}
    two = {**parts, "transmission": D("0.1263")}
    fen = {"agency": D("0.384470"), "transmission": D("0.1263")}
    published = time_of_use.component_prices(table, ("agency", "loss"), ratios, 6)
    apart = time_of_use.component_prices(two, ("agency", "loss"), STEPPED, 6)
    in_fen = time_of_use.component_prices(fen, fen, IN_FEN, 4)
    return bill(
        named("published", time_of_use.time_of_use(kwh, published)),
        named("funds_apart", time_of_use.time_of_use(kwh, apart)),
        {"funds_apart.funds": flat.flat(whole, D("0.0452"))},
        named("in_fen", time_of_use.time_of_use(kwh, in_fen)),
    )


COMPONENTS = Case(
    "kinds.time_of_use_components",
    rows_of(
        MONTH,
        price_class=st.sampled_from(sorted(TRANSMISSION)),
        **{f"kwh_{period}": draw.number(0, 10000000, 2, usual=20000) for period in PERIODS},
    ),
    _components,
)

SICHUAN: list[tiered.Tier] = [(D(180), D("0.5224")), (D(280), D("0.6224")), (None, D("0.8224"))]
JIANGSU: list[tiered.Tier] = [(D(2760), D("0.5283")), (D(4800), D("0.5783")), (None, D("0.8283"))]
GUIZHOU: list[tiered.Tier] = [(D(3000), D("0.4556")), (D(4700), D("0.5056")), (None, D("0.7556"))]


def _whole(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    if crosses(period_from, period_to, lambda day: day.year):
        return Refused(frozenset({"period-crosses-change"}))
    kwh, kw, before = number(given, "kwh"), number(given, "kw"), number(given, "kwh_year_before")
    months, days = months_of(period_from, period_to), (period_to - period_from).days
    used = number(given, "months_used")
    month: list[tiered.Tier] = [(None if limit is None else limit * months, price) for limit, price in SICHUAN]
    day: list[tiered.Tier] = [
        (D("13.5") * days, D("0.32561")),
        (D(54) * days, D("0.40702")),
        (None, D("0.50")),
    ]
    hours: list[tiered.Tier] = [
        (300 * kw * months, D("0.049")),
        (400 * kw * months, D("0.041")),
        (None, D("0.033")),
    ]
    year: list[tiered.Tier] = [
        (None if limit is None else half_up(limit * used / 12, 0), price) for limit, price in GUIZHOU
    ]
    return bill(
        named("all_at_one", tiered.whole(kwh, month)),
        named("less_than", tiered.whole(kwh, JIANGSU, before, at_limit="upper")),
        named("a_day", tiered.marginal(kwh, day)),
        named("hours_of_use", tiered.marginal(kwh, hours)),
        named("part_of_a_year", tiered.marginal(kwh, year, before)),
        named("uplift", tier_uplift.tier_uplift(kwh, [(250 * kw * months, D("0.05"))])),
    )


WHOLE = Case(
    "kinds.tiered_whole",
    rows_of(
        MONTHS,
        kwh=draw.number(
            0, 1000000, 2, near=[n * m for n in (180, 280, 30000, 40000, 25000) for m in (1, 2, 3)], usual=3000
        ),
        kw=st.one_of(st.sampled_from([D(0), D(100), D("0.6"), D(1)]), draw.number(0, 10000, 2, usual=20)),
        kwh_year_before=draw.number(0, 1000000, 2, near=[2760, 4800, 2580, 4520, 1750, 2742], usual=6000),
        months_used=st.integers(1, 12).map(D),
    ),
    _whole,
)

APART: dict[str, list[tiered_time_of_use.SimpleTier]] = {
    "peak": [(D(100), D("0.617")), (D(300), D("0.677")), (None, D("0.977"))],
    "flat": [(D(200), D("0.50")), (None, D("0.55"))],
    "valley": [(None, D("0.307"))],
}


def _by_period(given: Given, period_from: date, period_to: date) -> Bill:
    kwh = {period: number(given, f"kwh_{period}") for period in APART}
    months = months_of(period_from, period_to)
    ladders: dict[str, list[tiered_time_of_use.SimpleTier]] = {
        period: [(None if limit is None else limit * months, price) for limit, price in tiers]
        for period, tiers in APART.items()
    }
    return bill(named("energy", tiered_time_of_use.ladders_apart(kwh, ladders)))


BY_PERIOD = Case(
    "kinds.tiered_by_period",
    rows_of(
        MONTHS,
        **{
            f"kwh_{period}": draw.number(0, 20000, 2, near=[100, 200, 300, 400, 600, 900], usual=1000)
            for period in APART
        },
    ),
    _by_period,
)

POOLED: dict[str, list[tiered_time_of_use.SimpleTier]] = {
    "peak": [(D(200), D("0.617")), (D(400), D("0.677")), (None, D("0.977"))],
    "valley": [(D(200), D("0.307")), (D(400), D("0.337")), (None, D("0.487"))],
}
UNLIKE: dict[str, list[tiered_time_of_use.SimpleTier]] = {
    "critical": [(D(1500), D("0.90")), (None, D("1.20"))],
    "other": [(D(1000), D("0.50")), (D(2000), D("0.60")), (None, D("0.70"))],
}


def _chronological(given: Given, period_from: date, period_to: date) -> Bill:
    hours = [
        ("peak" if 8 <= at % 24 < 21 else "valley", number(item, "kwh"))
        for at, item in enumerate(items(given, "intervals"))
    ]
    readings = [(word(item, "price_period"), number(item, "kwh")) for item in items(given, "readings")]
    return bill(
        named("energy", tiered_time_of_use.chronological(hours, POOLED)),
        named("unlike", tiered_time_of_use.chronological(readings, UNLIKE, number(given, "kwh_year_before"))),
    )


HOURLY = st.one_of(
    draw.number(0, 10000, 3, near=["8.333", "16.667", 200, 400], usual=20),
    draw.number(0, 30, 3, usual=20),
    draw.number(0, 30, 3, usual=20),
)


def _hours_of(days: int) -> st.SearchStrategy[tuple[Given, date, date]]:
    """Draw the hours of some days in March."""
    hours = st.lists(st.fixed_dictionaries({"kwh": HOURLY}), min_size=24 * days, max_size=24 * days)
    return hours.map(lambda drawn: ({"intervals": drawn}, date(2025, 3, 3), date(2025, 3, 3 + days)))


READING = st.fixed_dictionaries(
    {
        "kwh": draw.number(0, 10000, 2, near=[1000, 1500, 2000, 500], usual=900),
        "price_period": st.sampled_from(["critical", "other"]),
    }
)
CHRONOLOGICAL = Case(
    "kinds.tiered_chronological",
    st.builds(
        lambda hours, readings, before: Row(
            {**hours[0], "readings": readings, "kwh_year_before": before}, hours[1], hours[2]
        ),
        st.integers(1, 3).flatmap(_hours_of),
        st.lists(READING, max_size=8),
        draw.number(0, 1000000, 2, near=[1000, 1500, 2000], usual=2500),
    ),
    _chronological,
)

BASE = {date(2020, 1, 1): D("0.5224"), date(2025, 5, 15): D("0.5300"), date(2025, 6, 1): D("0.5400")}
YEARS = [date(year, month, 1) for year in range(2024, 2028) for month in (1, 12)]


def _parts(given: Given, period_from: date, period_to: date) -> Bill:
    """One bill, part by part: a part's kWh are its days' share, its base price is that of its first day."""
    parts = cut(period_from, period_to, [*BASE, *YEARS])
    kwh = divided(number(given, "kwh"), parts, 2)
    peak = divided(number(given, "kwh_peak"), parts, 2)
    months, days = calendar_months(period_from, period_to), (period_to - period_from).days
    before, first = number(given, "kwh_year_before"), [part[0] for part in parts]
    in_bill = tiered.reached_before(kwh, [0] * len(parts))
    in_year = tiered.reached_before(kwh, [day.year for day in first], before)
    in_ladder_year = tiered.reached_before(kwh, [day.year + (day.month == 12) for day in first], before)
    pooled = tiered.reached_before([a + b for a, b in zip(kwh, peak, strict=True)], [0] * len(parts))
    found: Lines = {}
    for n, part in enumerate(parts):
        base, q = BASE[max(day for day in BASE if day <= part[0])], kwh[n]
        own, share = calendar_months(*part), D(days_of(part)) / days
        year: list[tiered.Tier] = [(D(2760), base), (D(4800), D("0.5783")), (None, D("0.8283"))]
        lines = {
            **named(
                "one_ladder",
                tiered.marginal(
                    q, [(D(180) * months, base), (D(280) * months, D("0.6224")), (None, D("0.8224"))], in_bill[n]
                ),
            ),
            **named("a_day", tiered.marginal(q, [(D(6) * days, base), (None, D("0.8224"))], in_bill[n])),
            **named("of_months", tiered.marginal(q, [(D(180) * own, base), (None, D("0.8224"))])),
            **named(
                "of_days",
                tiered.marginal(
                    q,
                    [
                        (half_up(D(180) * months * share, 0), base),
                        (half_up(D(280) * months * share, 0), D("0.6224")),
                        (None, D("0.8224")),
                    ],
                ),
            ),
            **named("year", tiered.marginal(q, year, in_year[n])),
            **named(
                "ladder_year",
                tier_uplift.tier_uplift(q, [(D(3000), D("0.05")), (D(4700), D("0.30"))], in_ladder_year[n]),
            ),
            **named(
                "shared",
                tiered_time_of_use.pooled_pro_rata({"peak": peak[n], "valley": q}, SHARED, 2, pooled[n]),
            ),
        }
        if n == len(parts) - 1:
            whole: list[tiered.Tier] = [(D(180) * months, D("0.5224")), (None, D("0.6224"))]
            lines |= named("once", tiered.whole(number(given, "kwh"), whole))
        found |= lines if len(parts) == 1 else {f"{line}@{n + 1}": amount for line, amount in lines.items()}
    return bill(found)


SHARED: list[tiered_time_of_use.Tier] = [
    (D(500), {"peak": D("0.617"), "valley": D("0.307")}),
    (None, {"peak": D("0.677"), "valley": D("0.337")}),
]
PARTS = Case(
    "kinds.tiered_parts",
    rows_of(
        st.sampled_from(
            [
                (date(2025, 5, 1), date(2025, 6, 1)),
                (date(2025, 5, 10), date(2025, 6, 20)),
                (date(2025, 5, 1), date(2025, 7, 1)),
                (date(2025, 11, 17), date(2026, 1, 15)),
                (date(2025, 11, 1), date(2026, 2, 1)),
                (date(2026, 3, 1), date(2026, 4, 1)),
                (date(2025, 4, 14), date(2025, 5, 15)),
            ]
        ),
        kwh=draw.number(0, 100000, 2, near=[180, 280, 360, 560, 500, "0.01", "0.02"], usual=1200),
        kwh_peak=draw.number(0, 100000, 2, near=[500], usual=1200),
        kwh_year_before=draw.number(0, 1000000, 2, near=[2760, 4800, 3000, 4700], usual=5000),
    ),
    _parts,
)


def _year_dated(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """The year begins in January until June 2025, anew on 1 July 2025, and in December from then on."""

    def year(day: date) -> object:
        return day.year if day < date(2025, 7, 1) else (day.year + (day.month == 12), "December")

    if crosses(period_from, period_to, year):
        return Refused(frozenset({"period-crosses-change"}))
    return bill(named("energy", tiered.marginal(number(given, "kwh"), GUIZHOU, number(given, "kwh_year_before"))))


YEAR_DATED = Case(
    "kinds.tiered_year_dated",
    rows_of(
        st.sampled_from(
            [
                *(draw.several(year, month, 2) for year in (2024, 2025) for month in (5, 6, 11, 12)),
                draw.several(2025, 10, 2),
                draw.several(2025, 7, 5),
            ]
        ),
        kwh=draw.number(0, 100000, 2, near=[3000, 4700], usual=2000),
        kwh_year_before=draw.number(0, 1000000, 2, near=[3000, 4700], usual=5000),
    ),
    _year_dated,
)

CASES = (COMPONENTS, WHOLE, BY_PERIOD, CHRONOLOGICAL, PARTS, YEAR_DATED)
