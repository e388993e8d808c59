"""Cases for the shipped profiles of customers: rows near every limit, some without what may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracles import customer_classes, energy_efficiency, four_highs, portfolio_2025
from tests.oracles.amounts import Refused
from tests.oracles.given import Value
from tests.oracles.scores import Answer
from tests.properties import draw
from tests.properties.case import Row, joined, rows_of

D = Decimal
Numbers = SearchStrategy[Decimal]


@dataclass(frozen=True)
class Profile:
    """A rule set, what draws its rows, what scores one, and quantities to compare besides."""

    name: str
    rows: SearchStrategy[Row]
    oracle: Callable[[Mapping[str, Value], date, date], Answer | Refused]
    quantities: tuple[str, ...] = ()

    @property
    def ruleset(self) -> str:
        return f"cn.national.profiles.{self.name}"


MONTHS = [(2025, 1, 12), (2024, 1, 12), (2026, 4, 3), (2025, 6, 1)]
PERIODS = st.sampled_from([*(draw.several(*one) for one in MONTHS), (date(2025, 12, 10), date(2026, 1, 10))])


def _few(*counts: int) -> Numbers:
    return st.sampled_from([D(count) for count in counts])


def _times(value: Numbers, shares: Iterable[str], places: int = 2) -> SearchStrategy[tuple[Decimal, Decimal]]:
    """Draw a number and a share of it, at one of these shares or a step of the last place beside it."""
    step = D(1).scaleb(-places)
    return st.builds(
        lambda whole, share, aside: (whole, max(D(0), (whole * D(share)).quantize(step) + aside * step)),
        value,
        st.sampled_from(list(shares)),
        st.sampled_from([-1, 0, 0, 1]),
    )


KWH_A_MONTH = [1000, 10000, 100000, 1000000]
GROWTH = ["0.5", "0.89", "0.9", "0.90005", "0.99", "1", "1.05", "1.09995", "1.1", "1.2", "1.29995", "1.3", "2"]
BEFORE = st.one_of(
    st.sampled_from([D(limit * months) for limit in KWH_A_MONTH for months in (1, 3, 12)]),
    draw.number(1, 20000000, 2),
)


def _grown(shares: Iterable[str]) -> SearchStrategy[Mapping[str, Value]]:
    """Draw the kWh of a year and of the year before: mostly grown by one of these, at times from nothing or unknown."""

    def years(pair: tuple[Decimal, Decimal], known: str) -> Mapping[str, Value]:
        before = {"known": {"kwh_last_year": pair[0]}, "nothing": {"kwh_last_year": D(0)}, "unknown": {}}[known]
        return {"kwh": pair[1], **before}

    return st.builds(years, _times(BEFORE, shares), st.sampled_from([*["known"] * 6, "nothing", "unknown"]))


MONEY = st.sampled_from([D(500), D(1000000), D("123456.78")])
FOUR_HIGHS_DRAWN = joined(
    joined(
        rows_of(
            PERIODS,
            nature_of_use=st.sampled_from(sorted(four_highs.NATURE)),
            services=_few(0, 1, 3, 5, 6, 12, 20, 36, 100),
            complaints=_few(0, 0, 0, 0, 1, 1, 5),
            breaches=_few(0, 0, 0, 1, 2, 3),
            thefts=_few(0, 0, 0, 0, 0, 1),
        ),
        _grown(GROWTH),
    ),
    st.one_of(
        _times(MONEY, ["0", "0", "0", "0.0005", "0.0009995", "0.001", "0.01", "1"]).map(
            lambda pair: {"billed_cny": pair[0], "late_fee_cny": pair[1]}
        ),
        st.just({"billed_cny": D(0), "late_fee_cny": D(0)}),
    ),
)

GOOD = rows_of(
    PERIODS,
    nature_of_use=st.sampled_from(["large_industry", "commerce"]),
    kwh=st.sampled_from([D(1300000), D(14400000), D("11999999.99")]),
    kwh_last_year=_few(1000000, 11000000),
    services=_few(12, 36, 37),
    complaints=_few(0, 0, 1),
    breaches=_few(0, 0, 1),
    thefts=_few(0),
    billed_cny=_few(9000000),
    late_fee_cny=_few(0, 8999),
)
FOUR_HIGHS = st.one_of(FOUR_HIGHS_DRAWN, FOUR_HIGHS_DRAWN, GOOD)

# Each input stands to the kWh in one of these shares, or is absent: shares that make a limit of the month's hours, or
# so; and the places of the input.
SHARES: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "kvarh": (2, ("0", "0.3", "0.3287", "0.4843", "0.6197", "0.75", "2")),
    "demand_kw": (4, ("0", "0.0014", "0.0018", "0.00198", "0.0027", "0.0028", "0.0047")),
    "kwh_valley": (2, ("0", "0.15", "0.2", "0.3", "0.45", "0.5", "1")),
    "running_kva": (0, ("0", "0.0014", "0.00154", "0.00186", "0.0025", "0.0035", "0.0070")),
    "kwh_loss": (2, ("0", "0.02", "0.03", "0.04", "0.07", "0.1", "1")),
    "tonnes": (3, ("0", "0.001", "0.0015", "0.00167", "0.0018", "0.002", "0.01")),
}


def _used(
    days: tuple[date, date], kwh: Decimal, due: Decimal | None, shares: Mapping[str, tuple[str, int] | None]
) -> Row:
    """A month's row: inputs in their shares of the kWh, some a step of the last place beside."""
    given: dict[str, Value] = {"kwh": kwh} if due is None else {"kwh": kwh, "kwh_per_tonne_due": due}
    for name, drawn in shares.items():
        if drawn is not None:
            step = D(1).scaleb(-SHARES[name][0])
            given[name] = max(D(0), (kwh * D(drawn[0])).quantize(step) + drawn[1] * step)
    return Row(given, *days)


ENERGY = st.builds(
    _used,
    st.sampled_from([draw.several(2025, 6, 1), draw.several(2025, 2, 1), draw.several(2025, 7, 1)]),
    st.sampled_from([D(0), D(14400), D("300000.01"), D(648000), D(72000)]),
    st.sampled_from([None, D(600), D(600), D(600)]),
    st.fixed_dictionaries(
        {
            name: st.sampled_from([None, None, None, *((share, aside) for share in shares for aside in (-1, 0, 0, 1))])
            for name, (_, shares) in SHARES.items()
        }
    ),
)

MARKS = st.sampled_from([None, *(D(mark) for mark in range(1, 11))])
SATISFACTION = st.one_of(
    rows_of(PERIODS, **{f"{question}_answer": MARKS for question in customer_classes.QUESTIONS}),
    st.builds(
        lambda days, mark: Row({f"{question}_answer": mark for question in customer_classes.QUESTIONS}, *days),
        PERIODS,
        _few(5, 6, 8, 9, 10),
    ),
)

BILLS = _few(0, 1, 4, 5, 10, 12)
LATE = _few(0, 0, 0, 1, 1, 2, 5)
CREDIT = rows_of(
    PERIODS,
    bills=BILLS,
    bills_late=LATE,
    longest_late=_few(0, 0, 0, 1, 10, 11, 30, 31, 3660),
    breaches=_few(0, 0, 0, 1, 2),
    thefts=_few(0, 0, 0, 0, 1),
    months_served=st.sampled_from([None, D(0), D(11), D(12), D(35), D(36), D(1200)]),
    billed_cny=draw.number(0, 10000000000, 2, usual=100000),
)


def _near(measure: str, shares: Iterable[str], months: int) -> Numbers:
    """Draw what makes the measure of so many months a limit of the portfolio, or half a step beside it."""
    limits = [portfolio_2025.limit(measure, share) * months for share in shares]
    near = [limit + aside for limit in limits for aside in (0, D("-0.01") * months, D("0.01") * months)]
    return st.one_of(
        st.sampled_from(near), st.sampled_from([limit + D("0.005") * months for limit in limits]).map(_in_fen)
    )


def _in_fen(value: Decimal) -> Decimal:
    return value.quantize(D("0.01"))


def _ability(months: int) -> SearchStrategy[Row]:
    kwh = st.one_of(_near("kwh_per_person", ["0.2", "0.25", "0.5", "0.75", "0.8"], months), _few(0, 10000))
    return joined(
        rows_of(
            st.sampled_from([draw.several(2025, 1, months)] * 9 + [draw.several(2024, 1, months)]),
            billed_cny=st.one_of(_near("monthly_cny", ["0.2", "0.4", "0.6", "0.8"], months), _few(0, 100000)),
            bills=BILLS,
            bills_late=LATE,
        ),
        st.builds(
            lambda each, people: {"kwh": min(D(10000000), each * (people or 1)), "household_size": people},
            kwh,
            st.sampled_from([None, D(1), D(1), D(2), D(5), D(30)]),
        ),
    )


REVENUE = st.sampled_from([D(0), D(700000), D("123456.78")])
MARGIN = ["0", "0.5", "0.84", "0.85", "0.85005", "0.9", "1", "1.1"]
MARKET = joined(
    joined(
        rows_of(PERIODS),
        _grown(["0", *GROWTH]),
    ),
    _times(REVENUE, MARGIN).map(lambda pair: {"revenue_cny": pair[0], "cost_cny": pair[1]}),
)

PROFILES = (
    Profile("four_highs", FOUR_HIGHS, four_highs.customer),
    Profile("vip", FOUR_HIGHS, four_highs.vip),
    Profile("energy_efficiency", ENERGY, energy_efficiency.profile),
    Profile("satisfaction", SATISFACTION, customer_classes.satisfaction),
    Profile("credit", CREDIT, customer_classes.credit, ("grace_days", "credit_limit_cny")),
    Profile("consumption_ability", st.one_of(_ability(12), _ability(3)), customer_classes.consumption_ability),
    Profile("market", MARKET, customer_classes.market, ("growth", "margin", "profit_cny")),
)
