"""Capacity and demand charge (基本电费, 容(需)量电费), 发改办价格〔2016〕1583号 and the forms found beside it.

Three modes: transformer capacity in kVA, contract demand in kW, actual demand in kW.

Contract demand: up to 105 % of the contract the contract value is billed, and the part above doubles. Published
practice differs, so the way is a named option; c contract, a actual, p price:
  A  c p + 2 p max(0, a - 1.05 c)                     the wording of the notice
  B  c p up to 105 %; above it 1.05 c p + 2 p (a - 1.05 c)
  C  c p + 2 p max(0, a - c)                          the old 核定 rule: no 5 % of grace
  D  max(a, 0.95 c) p up to 105 %; above it c p + 2 p (a - c)
For c = 2400, a = 2600, p = 36.1 these give 92,416, 96,748, 101,080 and 101,080.

A contract below 40 % of the transformers' kVA counts as 40 % of them. The floor is for the contract alone.

260 rule: in a month with at least 260 kWh of all metering points for each kVA of contract capacity, demand is billed
at 90 % of its price. Capacity in kVA never is. A customer without contract kVA has no kWh for each kVA: full price.

Part months: each transformer's kVA for the days that it counts, a day 1/30 of a month whatever the month's length. The
sum is divided by 30 once. One published bill (433.33 kVA billed as 433) rounds the capacity to whole kVA before the
price, others round the money only.

Several incoming lines: the demand of each is metered and they are added; or each has its own contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Lines, half_up, hundred_digits

GRACE = Decimal("1.05")
LEAST = Decimal("0.95")


@hundred_digits
def capacity(kva: Decimal, price: Decimal) -> Decimal:
    """Return kVA x price [CNY/kVA/month] of one month."""
    return half_up(kva * price)


@hundred_digits
def actual_demand(kw: Decimal, price: Decimal) -> Decimal:
    """Return kW x price [CNY/kW/month] of one month; no floor."""
    return half_up(kw * price)


@hundred_digits
def demand_price(price: Decimal, kwh: Decimal, contract_kva: Decimal) -> Decimal:
    """Return the demand price of the month: 90 % of it from 260 kWh/kVA on, the limit itself included."""
    return price * Decimal("0.90") if contract_kva > 0 and kwh >= 260 * contract_kva else price


@hundred_digits
def floored_contract(contract_kw: Decimal, floor_kva: Decimal, percent: Decimal = Decimal(40)) -> Decimal:
    """Return the contract demand that is billed: at least 40 % of the transformers' kVA."""
    return max(contract_kw, floor_kva * percent / 100)


@hundred_digits
def contract_demand(contract_kw: Decimal, measured_kw: Decimal, price: Decimal, over: str) -> Lines:
    """Return the lines `contract_demand` and `over_contract` of one month, each rounded to fen."""
    c, a = contract_kw, measured_kw
    exceeded = a > GRACE * c
    if over == "A":
        base, doubled = c, a - GRACE * c if exceeded else ZERO
    elif over == "B":
        base, doubled = (GRACE * c, a - GRACE * c) if exceeded else (c, ZERO)
    elif over == "C":
        base, doubled = c, max(ZERO, a - c)
    elif over == "D":
        base, doubled = (c, a - c) if exceeded else (max(a, LEAST * c), ZERO)
    else:
        raise ValueError(f"no such way of billing above the contract: {over}")
    return {"contract_demand": half_up(base * price), "over_contract": half_up(2 * doubled * price)}


@hundred_digits
def capacity_in_thirtieths(kva_thirtieths: Decimal, price: Decimal, kva_places: int | None = None) -> Decimal:
    """Return (sum of kVA x thirtieths of months) / 30 x price; rounded before the price to `kva_places`, or never."""
    if kva_places is not None:
        return half_up(half_up(kva_thirtieths / 30, kva_places) * price)
    return half_up(kva_thirtieths * price / 30)


@hundred_digits
def lines_apart(contracts: Sequence[Decimal], measured: Sequence[Decimal], price: Decimal, over: str) -> Lines:
    """Return `contract_demand` and `over_contract` of lines that are each held against a contract of its own.

    What is billed is added before it is priced, so that money is rounded once.
    """
    billed = doubled = ZERO
    for c, a in zip(contracts, measured, strict=True):
        exceeded = a > GRACE * c
        if over == "A":
            billed, doubled = billed + c, doubled + (a - GRACE * c if exceeded else ZERO)
        elif over == "C":
            billed, doubled = billed + c, doubled + max(ZERO, a - c)
        else:
            raise ValueError(f"not written for {over}")
    return {"contract_demand": half_up(billed * price), "over_contract": half_up(2 * doubled * price)}
