"""Cases for the charge kinds about conduct and settlement: late fees, bands, deviations, events, taxes, penalties,
exclusive reductions. The rule sets are in tests/kinds.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracles import (
    back_billing,
    banded,
    deviation,
    event_credit,
    exclusive,
    flat,
    formula,
    late_fee,
    penalty,
    percentage,
    tax,
)
from tests.oracles.amounts import ZERO, Bill, Lines, Refused, bill, half_up, named
from tests.oracles.given import Given, Item, day, items, number, truth
from tests.oracles.periods import months_of
from tests.properties import draw
from tests.properties.case import Case, joined, rows_of
from tests.properties.kinds_energy import MONTH, MONTHS

D = Decimal

# late_fee


def _late_fee(given: Given, period_from: date, period_to: date) -> Bill:
    owed, due, paid = number(given, "owed"), day(given, "due_day"), day(given, "paid_day")

    def accrued(ends: tuple[bool, bool], rate: str, later: str | None = None, cross_year: str = "split") -> Decimal:
        return late_fee.accrued(owed, due, paid, ends, D(rate), None if later is None else D(later), cross_year)

    if truth(given, "household"):
        home = min(accrued(late_fee.DAY_AFTER, "0.001"), max(owed, ZERO))
        between = accrued(late_fee.BETWEEN, "0.0005", "0.0007")
        return bill({"home": late_fee.fee([home], at_least=D(1)), "between": late_fee.fee([between])})
    split = accrued(late_fee.DAY_AFTER, "0.002", "0.003")
    across = accrued(late_fee.BOTH, "0.002", "0.003", "all")
    new_year = min(accrued(late_fee.DAY_BEFORE, "0.002", "0.003", "new_year_only"), max(owed, ZERO) * D("0.05"))
    return bill(
        {
            "split": late_fee.fee([split], at_least=D(1)),
            "all": late_fee.fee([across]),
            "new_year": late_fee.fee([new_year]),
        }
    )


def _due_and_paid() -> SearchStrategy[tuple[date, date]]:
    """Due days at the end of a year as often as any, payments a day either side of the due day and of new year."""
    due = st.one_of(
        st.dates(date(2000, 1, 1), date(2030, 12, 31)),
        st.builds(date, st.integers(2000, 2030), st.just(12), st.integers(28, 31)),
        st.just(date(2024, 2, 29)),
    )
    late = st.one_of(st.integers(-3, 40), st.integers(-400, 800), st.sampled_from([0, 1, 365, 366]))
    return st.builds(lambda on, days: (on, on + timedelta(days=days)), due, late)


OWED = draw.number(-1000, 10000000, 2, near=["0.01", 60, 500, 1000, 2000], usual=5000)
LATE_FEE = Case(
    "kinds.late_fee",
    joined(
        rows_of(MONTH, owed=OWED, household=st.booleans()),
        _due_and_paid().map(lambda days: {"due_day": days[0], "paid_day": days[1]}),
    ),
    _late_fee,
)


def _late_fee_list(given: Given, period_from: date, period_to: date) -> Bill:
    arrears = [(number(one, "owed"), day(one, "due_day"), day(one, "paid_day")) for one in items(given, "arrears")]

    def accrued(rate: str, later: str, cross_year: str) -> list[Decimal]:
        return [late_fee.accrued(*one, late_fee.DAY_AFTER, D(rate), D(later), cross_year) for one in arrears]

    capped = [min(fee, owed / 10) for fee, (owed, _, _) in zip(accrued("0.002", "0.003", "all"), arrears, strict=True)]
    home = accrued("0.001", "0.001", "new_year_only")
    return bill(
        {
            "whole": late_fee.fee(accrued("0.002", "0.003", "split"), at_least=D(1)),
            "each": late_fee.fee(capped, round_each=True),
            "home": late_fee.fee(home, round_each=True, at_least=D(1)),
        }
    )


def _lists(name: str, item: SearchStrategy[Item], at_most: int) -> SearchStrategy[dict[str, list[Item]]]:
    """Lists of none to `at_most` items, short ones mostly."""
    lists = st.one_of(st.lists(item, max_size=3), st.lists(item, max_size=at_most))
    return lists.map(lambda drawn: {name: drawn})


ARREARS: SearchStrategy[Item] = st.builds(
    lambda owed, days: {"owed": owed, "due_day": days[0], "paid_day": days[1]},
    draw.number(0, 10000000, 2, near=["0.01", 60, 500, 1000, 2000], usual=500),
    _due_and_paid(),
)
LATE_FEE_LIST = Case("kinds.late_fee_list", joined(rows_of(MONTH), _lists("arrears", ARREARS, 24)), _late_fee_list)

# banded


def _closed(*limits: str) -> list[banded.Limit]:
    return [(D(limit), True) for limit in limits]


def _open(*limits: str) -> list[banded.Limit]:
    return [(D(limit), False) for limit in limits]


def _prices(*prices: str) -> list[Decimal]:
    return [D(price) for price in prices]


def _limit_of_year(day_: date) -> Decimal:
    return D(13650 if day_.year == 2022 else 13450 if day_.year < 2025 else 13300)


def _banded(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    kwh, demand, quota = (number(given, name) for name in ("kwh", "demand_kw", "quota_kwh"))
    year_kwh, tonnes = number(given, "year_kwh"), number(given, "year_tonnes")
    if period_from < date(2022, 1, 1):
        return Refused(frozenset({"no-price-in-force"}))
    if demand == 0:  # kWh to no kW are no hours
        return Refused(frozenset({"refused-by-rule"}))
    intensity, hours = Fraction(year_kwh) / Fraction(tonnes), Fraction(kwh) / Fraction(demand)
    to_hundredths = Fraction(half_up(year_kwh / tonnes))
    to_whole = Fraction(half_up(year_kwh / tonnes, 0))
    energy = flat.flat(kwh, D("0.45"))
    times = 1 - D("0.01") * max(number(given, "renewable_percent") - 15, ZERO)
    limit = _limit_of_year(period_from)
    started = banded.steps_started(intensity, limit, D(20))
    full = banded.steps_full(to_hundredths, D(13000), D("50.5"))
    uplift = (D("0.003") + D("0.01") * started) * times
    prices = _prices("0", "0.02", "0.08")
    lines = [
        {"energy": energy},
        named("steps_2014", banded.whole(kwh, intensity, _closed("13700", "13800"), prices)),
        named("steps_2025", banded.whole(kwh, intensity, [(limit, True)], [ZERO, uplift])),
        named(
            "full_steps",
            banded.whole(kwh, to_hundredths, _open("13000"), [D("0.01"), D("0.02") + D("0.005") * full]),
        ),
        named("rounded", banded.whole(kwh, to_whole, _open("90", "100"), _prices("0", "0.1", "0.2"))),
        named("load_factor", banded.whole(energy, hours, _open("300", "500"), _prices("0", "-0.03", "-0.05"))),
        named("hours", banded.marginal(kwh, demand, _closed("200", "400"), _prices("0.08", "0.05", "0.02"))),
    ]
    if quota > 0:
        use = Fraction(year_kwh) / Fraction(quota)
        prices = _prices("0", "0.10", "0.30")
        lines.append(named("punitive", banded.whole(kwh, use, _closed("1", "2"), prices)))
    return bill(*lines)


def _intensity() -> SearchStrategy[dict[str, Decimal]]:
    """kWh and tonnes of a year whose ratio is at a limit or a step, one kWh either side, or anywhere."""
    tonnes = draw.number(1000, 1000000, 1, near=[1000, "1000.1", 20000])
    ratios = st.sampled_from([90, 100, 13000, 13050, 13101, 13300, 13320, 13450, 13470, 13650, 13700, 13710, 13800])
    at_limit = st.builds(
        lambda per, ratio, move: {"year_tonnes": per, "year_kwh": D(int(per * ratio) + move)},
        tonnes,
        ratios,
        st.integers(-1, 1),
    )
    anywhere = st.fixed_dictionaries({"year_tonnes": tonnes, "year_kwh": draw.number(0, 20000000000)})
    return st.one_of(at_limit, at_limit, anywhere)


def _hours() -> SearchStrategy[dict[str, Decimal]]:
    """kWh and kW of a month at a limit of hours of use, 0.01 kWh either side, or anywhere."""
    kilowatts = draw.number(0, 100000, 1, near=["0.1", 1000])
    at_limit = st.builds(
        lambda kw, hours, move: {"demand_kw": kw, "kwh": max(ZERO, kw * hours + D(move) / 100)},
        kilowatts,
        st.sampled_from([200, 300, 400, 500]),
        st.integers(-1, 1),
    )
    kwh = draw.number(0, 100000000, 2, usual=50000)
    anywhere = st.fixed_dictionaries({"demand_kw": kilowatts, "kwh": kwh})
    return st.one_of(at_limit, anywhere)


BANDED = Case(
    "kinds.banded",
    joined(
        joined(
            rows_of(
                draw.month([2021, 2022, 2023, 2024, 2025, 2026]),
                quota_kwh=st.one_of(st.just(ZERO), draw.number(0, 20000000000), draw.number(1, 30000)),
                renewable_percent=draw.number(0, 100, 1, near=[15, 16]),
            ),
            _intensity(),
        ),
        _hours(),
    ),
    _banded,
)

# deviation


def _deviation(given: Given, period_from: date, period_to: date) -> Bill:
    kwh, contract = number(given, "kwh"), number(given, "contract_kwh")
    gap = abs(number(given, "price_spot") - number(given, "price_contract"))
    return bill(
        {
            "difference.over": flat.flat(deviation.over(kwh, contract, ZERO, "marginal"), gap),
            "difference.under": flat.flat(deviation.under(kwh, contract, ZERO, "marginal"), 3 * gap),
            "priced.over": flat.flat(deviation.over(kwh, contract, D(10), "whole"), D("0.0375")),
            "priced.under": flat.flat(deviation.under(kwh, contract, D(5), "whole"), D("0.0375")),
            "over_alone.over": flat.flat(deviation.over(kwh, contract, D("2.5"), "marginal"), D("0.1")),
        }
    )


DEVIATION = Case(
    "kinds.deviation",
    rows_of(
        MONTH,
        kwh=draw.number(0, 100000000, 2, near=[950, 1000, 1025, 1100, 2000], usual=2000),
        contract_kwh=st.one_of(st.sampled_from([D(0), D(1000)]), draw.number(0, 100000000, usual=2000)),
        price_spot=draw.number(0, 2, 4, near=["0.3"]),
        price_contract=draw.number(0, 2, 4, near=["0.3"]),
    ),
    _deviation,
)


def _deviation_list(given: Given, period_from: date, period_to: date) -> Bill:
    over, under, gaps = [], [], []
    for slot in items(given, "slots"):
        kwh, contract = number(slot, "kwh"), number(slot, "contract_kwh")
        over.append(deviation.over(kwh, contract, D(3), "marginal"))
        under.append(deviation.under(kwh, contract, D(3), "whole"))
        gaps.append(number(slot, "price_gap"))

    def priced(quantities: list[Decimal], times: int) -> list[Decimal]:
        return [quantity * gap * times for quantity, gap in zip(quantities, gaps, strict=True)]

    return bill(
        {
            "each.over": event_credit.line(priced(over, 1), round_each=True),
            "each.under": event_credit.line(priced(under, 3), round_each=True),
            "whole.over": half_up(sum(over, ZERO) * D("0.0375")),
            "whole.under": event_credit.line(priced(under, 1), round_each=False),
        }
    )


SLOT: SearchStrategy[Item] = st.fixed_dictionaries(
    {
        "kwh": draw.number(0, 1000000, 1, near=[970, 1000, 1030], usual=2000),
        "contract_kwh": st.one_of(st.sampled_from([D(0), D(1000)]), draw.number(0, 1000000, usual=2000)),
        "price_gap": draw.number(0, 2, 5, near=["0.00005"]),
    }
)
DEVIATION_LIST = Case("kinds.deviation_list", joined(rows_of(MONTH), _lists("slots", SLOT, 24)), _deviation_list)

# event_credit


def _event_credit(given: Given, period_from: date, period_to: date) -> Bill:
    kw, committed = number(given, "reduced_kw"), number(given, "committed_kw")
    kwh, hours = number(given, "reduced_kwh"), number(given, "hours")
    by_power = event_credit.earned(kw, D("12.345"), committed, D(80), D(120), 35 * committed)
    missing = deviation.under(kw, committed, D(20), "whole")
    by_energy = event_credit.earned(kwh, D("0.505"), committed * hours, None, D(100), D(5000))
    missing_kwh = deviation.under(kwh, committed * hours, ZERO, "marginal")
    return bill(
        {
            "by_power.credit": -event_credit.line([by_power], round_each=False),
            "by_power.shortfall": half_up(missing * D("6.1725")),
            "by_energy.credit": -event_credit.line([by_energy], round_each=False),
            "by_energy.shortfall": half_up(missing_kwh * D("0.25")),
            "plain.credit": -event_credit.line([event_credit.earned(kwh, D("0.2"))], round_each=False),
        }
    )


EVENT_CREDIT = Case(
    "kinds.event_credit",
    rows_of(
        MONTH,
        reduced_kw=draw.number(-1000, 100000, 1, near=[800, 1000, 1200], usual=2000),
        committed_kw=st.one_of(st.sampled_from([D(0), D(1000)]), draw.number(0, 100000, usual=2000)),
        reduced_kwh=draw.number(0, 1000000, 2, near=[2000, "9900.99"], usual=3000),
        hours=draw.number(0, 24, 2, near=[2]),
    ),
    _event_credit,
)


def _event_credit_list(given: Given, period_from: date, period_to: date) -> Bill:
    contract = number(given, "contract_kw")
    each, each_missing, whole, missing, own = [], [], [], ZERO, []
    for event in items(given, "events"):
        kw, committed = number(event, "reduced_kw"), number(event, "committed_kw")
        hours, price = number(event, "hours"), number(event, "price")
        each.append(event_credit.earned(kw * hours, price, committed * hours, D(80), D(120), 35 * committed))
        each_missing.append(deviation.under(kw * hours, committed * hours, D(20), "marginal") * price / 2)
        whole.append(event_credit.earned(kw, D("12.345"), contract, None, D(100)))
        missing += deviation.under(kw, contract, ZERO, "whole")
        own.append(event_credit.earned(kw * hours, price))
    return bill(
        {
            "each.credit": -event_credit.line(each, round_each=True),
            "each.shortfall": event_credit.line(each_missing, round_each=True),
            "whole.credit": -event_credit.line(whole, round_each=False),
            "whole.shortfall": half_up(missing * D("4.005")),
            "whole_own_price.credit": -event_credit.line(own, round_each=False),
        }
    )


EVENT: SearchStrategy[Item] = st.fixed_dictionaries(
    {
        "reduced_kw": draw.number(-1000, 100000, 1, near=[80, 100, 120], usual=200),
        "committed_kw": st.one_of(st.sampled_from([D(0), D(100)]), draw.number(0, 100000, usual=200)),
        "hours": draw.number(0, 24, 2, near=[2]),
        "price": draw.number(0, 5, 3, near=["0.505"]),
    }
)
EVENT_CREDIT_LIST = Case(
    "kinds.event_credit_list",
    joined(
        rows_of(MONTH, contract_kw=st.one_of(st.just(D(100)), draw.number(0, 100000, usual=200))),
        _lists("events", EVENT, 31),
    ),
    _event_credit_list,
)

# tax


def _tax(given: Given, period_from: date, period_to: date) -> Bill:
    energy, rent = flat.flat(number(given, "kwh"), D("0.5283")), half_up(number(given, "rent_cny"))
    net, vat = tax.contained(energy + rent, D(13))
    return bill(
        {
            "energy": energy,
            "rent": rent,
            "surcharge": tax.added(energy, D("0.196875")),
            "tax_read": formula.formula(vat),
            "net_read": formula.formula(net),
        }
    )


TAX = Case(
    "kinds.tax",
    rows_of(
        MONTH,
        kwh=draw.number(-100000, 5000000, 2, usual=5000),
        rent_cny=draw.number(0, 100000, 2, near=["0.04", "0.05", "113", "1.13"], usual=1000),
    ),
    _tax,
)

# penalty, and back-billing by formula


def _penalty(given: Given, period_from: date, period_to: date) -> Bill:
    lighting, months = truth(given, "lighting"), months_of(period_from, period_to)
    kwh = number(given, "kw") * number(given, "use_days") * (6 if lighting else 12)
    capacity = number(given, "kva") * 15 * months
    return bill(
        named("cheap_line", penalty.penalty(kwh * D("0.2942"), D(2))),
        named("theft", penalty.penalty(kwh * D("0.3035"), D(3))),
        named("capacity", penalty.penalty(capacity, D(3) if lighting else D("2.5"))),
    )


PENALTY = Case(
    "kinds.penalty",
    rows_of(
        MONTHS,
        kw=draw.number(0, 1000, 3, near=[2, "0.005"], usual=20),
        use_days=draw.number(0, 180, near=[90]),
        kva=draw.number(0, 100000, usual=2000),
        lighting=st.booleans(),
    ),
    _penalty,
)


def _back_billing(given: Given, period_from: date, period_to: date) -> Bill:
    recorded, hours = number(given, "kwh_recorded"), number(given, "outage_hours")
    half = back_billing.half_of_error(recorded, number(given, "error_percent"))
    wiring = back_billing.by_factor(recorded, number(given, "factor"))
    times = 5 if truth(given, "two_part") else 4
    return bill(
        {
            "meter_error": flat.flat(half, D("0.5283")),
            "wiring": flat.flat(wiring, D("0.45")),
            "outage": back_billing.outage(number(given, "kwh_last_month"), hours, D("0.40"), times),
        }
    )


BACK_BILLING = Case(
    "kinds.back_billing",
    rows_of(
        MONTH,
        kwh_recorded=draw.number(0, 10000000, near=[90000, 900000], usual=10000),
        error_percent=draw.number(-50, 50, 2, near=[-10]),
        factor=draw.number(0, 20, 4, near=[1, "0.8"]),
        kwh_last_month=draw.number(0, 10000000, near=[30000], usual=30000),
        outage_hours=draw.number(0, 744, 1, near=[30]),
        two_part=st.booleans(),
    ),
    _back_billing,
)

# exclusive


def _exclusive(given: Given, period_from: date, period_to: date) -> Bill:
    energy, rent = flat.flat(number(given, "kwh"), D("0.5283")), half_up(number(given, "rent_cny"))
    poor, online = truth(given, "poor"), truth(given, "online")
    has_coupon = given.get("coupon_cny") is not None
    coupon = -half_up(number(given, "coupon_cny", ZERO))
    first = exclusive.first(
        [
            ("poor", poor, percentage.percentage(D(-20), energy)),
            ("coupon", has_coupon, coupon),
            ("other", True, percentage.percentage(D("-0.5"), energy + rent)),
        ]
    )
    most = min(D(50), percentage.percentage(D(30), energy + rent))
    quarter = percentage.percentage(D(-25), energy)
    largest = exclusive.largest(
        [
            ("poor", poor, quarter),
            ("coupon", has_coupon, coupon),
            ("online", online, quarter),
            ("fixed", True, formula.formula(D("-0.025") * rent)),
        ],
        most,
    )
    lines: Lines = {"energy": energy, "rent": rent}
    return bill(lines, named("first", first), named("largest", largest))


EXCLUSIVE = Case(
    "kinds.exclusive",
    rows_of(
        MONTH,
        kwh=draw.number(-1000, 100000, 2, near=[100, "378.57"], usual=500),
        rent_cny=draw.number(0, 1000, 2, near=["0.20", 20, 40], usual=100),
        poor=st.booleans(),
        online=st.booleans(),
        coupon_cny=draw.maybe(draw.number(0, 100, 2, near=[50, "13.21"], usual=60)),
    ),
    _exclusive,
)

CASES = (
    LATE_FEE,
    LATE_FEE_LIST,
    BANDED,
    DEVIATION,
    DEVIATION_LIST,
    EVENT_CREDIT,
    EVENT_CREDIT_LIST,
    TAX,
    PENALTY,
    BACK_BILLING,
    EXCLUSIVE,
)
