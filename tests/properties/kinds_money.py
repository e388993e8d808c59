"""Cases for the charge kinds that price capacity, or other charges. The rule sets are in tests/kinds."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.oracles import (
    basic_charge,
    flat,
    formula,
    free_quota,
    minimum_bill,
    percentage,
    power_factor,
    quantity_discount,
)
from tests.oracles.amounts import ZERO, Bill, Refused, bill, half_up, hundred_digits, named
from tests.oracles.given import Given, number, truth, word
from tests.oracles.periods import months_of
from tests.properties import draw
from tests.properties.case import Case, Oracle, Row, joined, rows_of
from tests.properties.kinds_energy import MONTH, MONTHS

D = Decimal


def _basic_charge(over: str) -> Oracle:
    def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
        mode = word(given, "basic_mode")
        needed = {"contract_kw": mode == "contract_demand", "demand_kw": mode != "capacity"}
        present = {name: given.get(name) is not None for name in needed}
        against = frozenset(
            "missing-value" if wanted else "not-needed" for name, wanted in needed.items() if present[name] != wanted
        )
        if against:
            return Refused(against)
        kva = number(given, "capacity_kva")
        if mode == "capacity":
            return bill({"basic.capacity": basic_charge.capacity(kva, D("26.3"))})
        price = basic_charge.demand_price(D("36.1"), number(given, "kwh"), number(given, "contract_kva"))
        demand = number(given, "demand_kw")
        if mode == "actual_demand":
            return bill({"basic.actual_demand": basic_charge.actual_demand(demand, price)})
        contract = basic_charge.floored_contract(number(given, "contract_kw"), kva)
        return bill(named("basic", basic_charge.contract_demand(contract, demand, price, over)))

    return bill_of


KVA = draw.number(0, 2000000, near=[315, 1000, 3200, 5000], usual=10000)
# The contract is 2400 kW, or the floor of 6000 kVA; 95 %, 100 % and 105 % of it, and of 400 kW.
DEMAND = draw.number(0, 2000000, 4, near=[380, 400, 420, 2280, 2400, 2520, "2520.0001", 2600], usual=5000)


def _basic_rows(mode: str) -> SearchStrategy[Row]:
    return rows_of(
        MONTH,
        basic_mode=st.just(mode),
        capacity_kva=st.one_of(st.sampled_from([D(0), D(1000), D(6000)]), KVA),
        contract_kva=st.one_of(st.sampled_from([D(0), D(1000), D(3200)]), KVA),
        contract_kw=st.one_of(st.sampled_from([D(400), D(2400)]), KVA) if mode == "contract_demand" else st.none(),
        demand_kw=DEMAND if mode != "capacity" else st.sampled_from([None, None, None, D(1)]),
        kwh=draw.number(0, 500000000, 2, near=[260000, 832000], usual=3000000),
    )


BASIC_ROWS = st.one_of(*map(_basic_rows, ["capacity", "contract_demand", "contract_demand", "actual_demand"]))
BASIC = tuple(
    Case(f"kinds.basic_charge_{over.lower()}", BASIC_ROWS, _basic_charge(over)) for over in ("A", "B", "C", "D")
)


def _power_factor(standard: str) -> Oracle:
    def bill_of(given: Given, period_from: date, period_to: date) -> Bill:
        kwh, kvarh = number(given, "kwh"), number(given, "kvarh")
        energy, basic = flat.flat(kwh, D("0.6518")), number(given, "basic_cny")
        return bill(
            {
                "energy": energy,
                "basic": half_up(basic),
                "fund": flat.flat(kwh, D("0.0452")),
                "power_factor": power_factor.adjustment(kwh, kvarh, D(standard), energy + basic),
            }
        )

    return bill_of


def _with_factor(kwh: Decimal, hundredths: int, move: int) -> Decimal:
    """Return the kvarh, to 0.01, at which the factor is about `hundredths` + 1/2, and `move` steps aside."""
    factor = (D(hundredths) + D("0.5")) / 100
    kvarh = kwh * (1 / (factor * factor) - 1).sqrt()
    return max(ZERO, min(D(500000000), half_up(kvarh) + D(move) / 100))


ENERGY = draw.number(0, 500000000, 2, usual=1000000)
# Reactive energy that puts the factor at the very edge of a step, as often as any.
REACTIVE = st.one_of(
    st.tuples(ENERGY, draw.number(0, 500000000, 2, usual=1000000)),
    st.builds(
        lambda kwh, n, move: (kwh, _with_factor(kwh, n, move)),
        ENERGY,
        st.integers(1, 99),
        st.integers(-1, 1),
    ),
    st.just((ZERO, ZERO)),
)
POWER_ROWS = joined(
    rows_of(MONTH, basic_cny=draw.number(-1000000, 100000000, 2, usual=100000)),
    REACTIVE.map(lambda pair: {"kwh": pair[0], "kvarh": pair[1]}),
)
POWER_FACTOR = tuple(
    Case(f"kinds.power_factor_{standard[2:]}", POWER_ROWS, _power_factor(standard))
    for standard in ("0.90", "0.85", "0.80")
)


def _percentage(given: Given, period_from: date, period_to: date) -> Bill:
    energy, rent = flat.flat(number(given, "kwh"), D("0.5283")), half_up(number(given, "rent_cny"))
    return bill(
        {
            "energy": energy,
            "rent": rent,
            "tax": percentage.percentage(D(13), energy + rent),
            "rider": percentage.percentage(D("0.196875"), energy),
            "discount": percentage.percentage(D(-5), energy),
            "capped": percentage.percentage(D(-20), rent, cap=D(100)),
        }
    )


PERCENTAGE = Case(
    "kinds.percentage",
    rows_of(
        MONTH,
        kwh=draw.number(-100000, 5000000, 2, usual=5000),
        rent_cny=draw.number(0, 100000, 2, near=[500, "0.03", "0.1"], usual=1000),
    ),
    _percentage,
)


def _quantity_discount(given: Given, period_from: date, period_to: date) -> Bill:
    kwh = number(given, "kwh")
    energy = flat.flat(kwh, D("0.5283"))
    return bill(
        {
            "energy": energy,
            "above_by_price": quantity_discount.by_price(kwh, D(200), "marginal", D("0.10")),
            "whole_by_price": quantity_discount.by_price(kwh, D(200), "whole", D("0.1055")),
            "above_by_percent": quantity_discount.by_percent(kwh, D(1000000), "marginal", D(2), energy),
            "whole_by_percent": quantity_discount.by_percent(kwh, D(1000000), "whole", D(2), energy),
        }
    )


QUANTITY_DISCOUNT = Case(
    "kinds.quantity_discount",
    rows_of(MONTH, kwh=draw.number(0, 5000000, 2, near=[200, 1000000, *draw.ties("0.1055")], usual=2000000)),
    _quantity_discount,
)


def _free_quota(given: Given, period_from: date, period_to: date) -> Bill:
    kwh, price, months = number(given, "kwh"), D("0.5224"), months_of(period_from, period_to)
    lines = {"energy": flat.flat(kwh, price)}
    if truth(given, "low_income"):
        lines["used"] = free_quota.refund(D(15), kwh, price, months)
        lines["fixed"] = free_quota.refund_whatever_used(D(15), price, months)
    return bill(lines)


FREE_QUOTA = Case(
    "kinds.free_quota",
    rows_of(MONTHS, kwh=draw.number(0, 100000, 2, near=[15, 30, 45], usual=60), low_income=st.booleans()),
    _free_quota,
)


def _minimum_bill(given: Given, period_from: date, period_to: date) -> Bill:
    kwh, months = number(given, "kwh"), months_of(period_from, period_to)
    energy, fund = flat.flat(kwh, D("0.5283")), flat.flat(kwh, D("0.0452"))
    least = minimum_bill.minimum_bill(D("10.00"), energy, months)
    above_all = minimum_bill.minimum_bill(D("25.555"), energy + fund + least, months)
    return bill({"energy": energy, "fund": fund, "least": least, "least_of_all": above_all})


MINIMUM_BILL = Case(
    "kinds.minimum_bill",
    rows_of(MONTHS, kwh=draw.number(-1000, 100000, 2, near=["18.93", "44.56", "37.86"], usual=100)),
    _minimum_bill,
)

MODES = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}


@hundred_digits
def _formula(given: Given, period_from: date, period_to: date) -> Bill:
    energy = flat.flat(number(given, "kwh"), D("0.5283"))
    a, b, late = number(given, "a"), number(given, "b"), number(given, "days_late")
    lines = {
        "energy": energy,
        "late": formula.formula(max(D(1), energy * D("0.001") * late) if late > 0 else ZERO),
        "ratio": formula.formula((a / b).quantize(D("0.001"), rounding=ROUND_HALF_EVEN)),
        "root": formula.formula(b.sqrt()),
        "least": formula.formula(min(abs(a), b, D(3))),
    }
    for mode, rounding in MODES.items():
        lines[mode] = formula.formula(a.quantize(D("0.1"), rounding=rounding))
    return bill(lines)


FORMULA = Case(
    "kinds.formula",
    rows_of(
        MONTH,
        kwh=draw.number(-100000, 1000000, 2, usual=1000),
        days_late=draw.number(0, 400),
        a=draw.number(-10000, 10000, 2, near=["0.05", "0.15", "0.25", "-0.05", "-0.15", "-0.25", "12.35"], usual=100),
        b=draw.number("0.1", 5000, 1, near=["0.3", 4, 8, 16], usual=50),
    ),
    _formula,
)

CASES = (*BASIC, *POWER_FACTOR, PERCENTAGE, QUANTITY_DISCOUNT, FREE_QUOTA, MINIMUM_BILL, FORMULA)
