"""Hubei industry and commerce, January 2026, agency purchase: the table of 国网湖北 for 2026-01, billed as printed.

Read from the notice:
- The printed period price is billed, even where it is not the sum of its components (three flat prices of single-part
  customers, one peak price of two-part customers).
- The printed price contains the funds (2.00 + 0.62 + 1.90 fen). They stand on lines of their own, so the energy lines
  are kWh x (printed price - funds), each line rounded.
- Two-part customers pay capacity or demand; customers without a price in the table (two-part below 1 kV, single-part
  from 110 kV) get no bill.
- 260 rule: kWh of all metering points, which is the bill's own where no more are given, for each kVA of the contract.
- The 40 % floor of the contract demand counts what runs, suspended transformers not: running kVA where given.
- Power factor 0.90 on energy and basic charge, funds outside; nobody below 100 kVA.
- One notice for one month: no bill before 2026-01-01 or after 2026-01-31, nor one that runs beyond.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from tests.oracles import basic_charge, power_factor, time_of_use
from tests.oracles.amounts import ZERO, Bill, Refused, bill, hundred_digits, named
from tests.oracles.flat import flat
from tests.oracles.given import Given, number, truth, word
from tests.oracles.periods import crosses

FUNDS = {"grid_loan": Decimal("0.0200"), "resettlement": Decimal("0.0062"), "renewables": Decimal("0.0190")}

PERIODS = ("sharp", "peak", "flat", "valley")
ENERGY = {
    ("single", "below_1kv"): ("1.133999", "0.930961", "0.735686", "0.516924"),
    ("single", "from_1_to_20kv"): ("1.113999", "0.910961", "0.715686", "0.496924"),
    ("single", "at_35kv"): ("1.093999", "0.890961", "0.695686", "0.476924"),
    ("two_part", "from_1_to_20kv"): ("1.049999", "0.848961", "0.651886", "0.432924"),
    ("two_part", "at_35kv"): ("1.030199", "0.827161", "0.632086", "0.413124"),
    ("two_part", "at_110kv"): ("1.012099", "0.809061", "0.613986", "0.395024"),
    ("two_part", "at_220kv"): ("0.993099", "0.790061", "0.594986", "0.376024"),
}
# voltage -> price of a kVA, price of a kW, each a month
BASIC = {
    "from_1_to_20kv": (Decimal("26.3"), Decimal("42.0")),
    "at_35kv": (Decimal("26.3"), Decimal("42.0")),
    "at_110kv": (Decimal("24.4"), Decimal("39.0")),
    "at_220kv": (Decimal("24.4"), Decimal("39.0")),
}


@hundred_digits
def bill_of(given: Given, period_from: date, period_to: date) -> Bill | Refused:
    """Return the bill of one month; `given` has the form's names."""
    reasons = refusals(given, period_from, period_to)
    if reasons:
        return Refused(reasons)
    kwh = {period: number(given, f"kwh_{period}") for period in PERIODS}
    total_kwh = sum(kwh.values(), ZERO)
    printed = dict(zip(PERIODS, map(Decimal, ENERGY[word(given, "scheme"), word(given, "voltage")]), strict=True))
    energy = time_of_use.time_of_use(kwh, printed, less=list(FUNDS.values()))
    basic = _basic(given, total_kwh) if word(given, "scheme") == "two_part" else {}
    adjustment = {}
    if not truth(given, "under_100_kva"):
        base = sum(energy.values(), ZERO) + sum(basic.values(), ZERO)
        reactive = number(given, "kvarh")
        adjustment = {"power_factor": power_factor.adjustment(total_kwh, reactive, Decimal("0.90"), base)}
    funds = {fund: flat(total_kwh, price) for fund, price in FUNDS.items()}
    return bill(named("energy", energy), named("basic", basic), adjustment, funds)


def _basic(given: Given, kwh: Decimal) -> Mapping[str, Decimal]:
    per_kva, per_kw = BASIC[word(given, "voltage")]
    mode = word(given, "basic_mode")
    if mode == "capacity":
        return {"capacity": basic_charge.capacity(number(given, "capacity_kva"), per_kva)}
    contract_kva = number(given, "contract_kva")
    price = basic_charge.demand_price(per_kw, number(given, "kwh_all_points", kwh), contract_kva)
    demand = number(given, "demand_kw")
    if mode == "actual_demand":
        return {"actual_demand": basic_charge.actual_demand(demand, price)}
    contract = basic_charge.floored_contract(number(given, "contract_kw"), number(given, "running_kva", contract_kva))
    return basic_charge.contract_demand(contract, demand, price, over="A")


def refusals(given: Given, period_from: date, period_to: date) -> frozenset[str]:
    """Return the codes of everything that stands against a bill."""
    reasons: set[str] = set()
    if not (date(2026, 1, 1) <= period_from and period_to <= date(2026, 2, 1)):
        reasons.add("no-price-in-force")
    if crosses(period_from, period_to, lambda day: (day.year, day.month)):
        reasons.add("period-crosses-change")
    two_part, mode = word(given, "scheme") == "two_part", given.get("basic_mode")
    needed = {
        "basic_mode": two_part,
        "contract_kva": two_part,
        "capacity_kva": two_part and mode == "capacity",
        "contract_kw": two_part and mode == "contract_demand",
        "demand_kw": two_part and mode in ("contract_demand", "actual_demand"),
        "kvarh": not truth(given, "under_100_kva"),
    }
    for name, wanted in needed.items():
        if wanted and given.get(name) is None:
            reasons.add("missing-value")
        if not wanted and given.get(name) is not None:
            reasons.add("not-needed")
    if (word(given, "scheme"), word(given, "voltage")) not in ENERGY:
        reasons.add("no-table-cell")
    if reasons & {"missing-value", "not-needed"}:
        return frozenset(reasons)
    kwh = sum((number(given, f"kwh_{period}") for period in PERIODS), ZERO)
    contract_kva = number(given, "contract_kva", ZERO)
    against = (
        two_part and number(given, "demand_kw", ZERO) > Decimal("1.5") * contract_kva,
        two_part and number(given, "capacity_kva", ZERO) > contract_kva,
        two_part and number(given, "running_kva", ZERO) > contract_kva,
        number(given, "kwh_all_points", kwh) < kwh,
        two_part and truth(given, "under_100_kva"),
    )
    if any(against):
        reasons.add("refused-by-rule")
    return frozenset(reasons)
