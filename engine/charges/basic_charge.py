"""basic_charge: the capacity or demand charge of a two-part tariff (基本电费), in its three modes.

Contract demand bills a contract value and what the measured demand has over it. Sources disagree how, so `over` is
named (c contract, a actual, p price):
A  c·p + 2p·max(0, a - 1.05c)                        the wording of 发改办价格〔2016〕1583号
B  c·p up to 1.05c; above it 1.05c·p + 2p·(a - 1.05c)
C  c·p + 2p·max(0, a - c)                            the older 核定 rule
D  0.95c·p below 0.95c; a·p up to 1.05c; above it c·p + 2p·(a - c)
`floor` raises the contract value to a percentage of a capacity, one kW a kVA. `high_use` multiplies the demand
price where kWh per kVA reach a threshold, 260[kWh/kVA/month] times the months; nothing is divided for it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, LoweredRefusal
from engine.language.expressions import ZERO, Compare, Expr, If, Logic, Name, both, maximum, number
from engine.language.fields import FormulaField, Model, NumberField, Priced, PricedField, TextField
from engine.language.units import Unit, parse_unit

MODES = ("capacity", "contract_demand", "actual_demand")


class Part(Model):
    what = "a part of the basic charge"

    quantity: FormulaField
    price: PricedField


class Floor(Model):
    what = "the floor of the contract demand"

    of: FormulaField
    percent: NumberField


class ContractDemand(Model):
    what = "the contract demand"

    quantity: FormulaField
    measured: FormulaField
    over: TextField
    price: PricedField
    floor: Floor | None = None


class HighUse(Model):
    what = "the rule of high use"

    modes: list[Literal["contract_demand", "actual_demand"]]
    at_least: FormulaField
    of: list[FormulaField]
    price_times: NumberField


class BasicCharge(ChargeModel):
    mode: FormulaField
    capacity: Part | None = None
    contract_demand: ContractDemand | None = None
    actual_demand: Part | None = None
    high_use: HighUse | None = None


def lower(charge: BasicCharge, context: Context) -> Lowered:
    """Lower to a line a mode, each shown in its own mode only."""
    lines: list[LoweredLine] = []
    modes = [mode for mode in MODES if getattr(charge, mode) is not None]
    # A mode may be written out: `mode: capacity` in a rule set whose customers have no other.
    fixed = charge.mode.path if isinstance(charge.mode, Name) and charge.mode.path in MODES else None
    if fixed is not None and modes != [fixed]:
        context.fail("fixed-mode", charge.mode.place, charge=context.name, mode=fixed, parts=", ".join(modes))
    chosen: dict[str, Expr | None] = {
        mode: None if fixed else Compare("==", charge.mode, Name(mode), place=charge.mode.place) for mode in modes
    }
    if charge.capacity is not None:
        price = context.figure("capacity.price", charge.capacity.price, _per_month(context, charge.capacity.quantity))
        lines.append(_line(context, "capacity", charge.capacity.quantity, price, chosen["capacity"], charge.capacity))
    if charge.contract_demand is not None:
        lines += _contract(charge, charge.contract_demand, context, chosen["contract_demand"])
    if charge.actual_demand is not None:
        part = charge.actual_demand
        price = _demand_price(charge, context, "actual_demand", part.price, part.quantity)
        lines.append(_line(context, "actual_demand", part.quantity, price, chosen["actual_demand"], part))
    known = tuple(mode for mode in chosen.values() if mode is not None)
    if not known:
        return Lowered(tuple(lines))
    one_of = known[0] if len(known) == 1 else Logic("or", known, place=charge.mode.place)
    refusal = LoweredRefusal(one_of, "mode", f"{context.name}: no price for this mode")
    return Lowered(tuple(lines), refusals=(refusal,))


def _per_month(context: Context, quantity: Expr) -> Unit:
    month, _ = parse_unit("month")
    return context.currency / context.unit_of(quantity) / month


def _line(context: Context, name: str, quantity: Expr, price: Expr, shown: Expr | None, model: Model) -> LoweredLine:
    amount = context.per_period(quantity * price)
    return LoweredLine(name, amount, quantity=quantity, price=price, shown=shown, place=model.place)


def _demand_price(charge: BasicCharge, context: Context, mode: str, priced: Priced, quantity: Expr) -> Expr:
    """The demand price, times `price_times` where high use reaches the threshold."""
    rule = charge.high_use
    if rule is None or mode not in rule.modes:
        return context.figure(f"{mode}.price", priced, _per_month(context, quantity))
    price = context.figure(f"{mode}.full_price", priced, _per_month(context, quantity))
    if len(rule.of) != 2:
        context.fail("high-use-of", rule.place_of("of"), count=len(rule.of))
    energy, capacity = rule.of
    reached = both(
        Compare(">", capacity, ZERO, place=rule.place),
        Compare(">=", energy, context.per_period(rule.at_least * capacity), place=rule.place),
    )
    assert reached is not None
    return context.define(
        f"{mode}.price_due", If(reached, price * number(rule.price_times.value), price, place=rule.place)
    )


def _contract(charge: BasicCharge, part: ContractDemand, context: Context, chosen: Expr | None) -> list[LoweredLine]:
    price = _demand_price(charge, context, "contract_demand", part.price, part.quantity)
    contract: Expr = part.quantity
    if part.floor is not None:
        ratio = context.unit_of(contract) / context.unit_of(part.floor.of)
        share = number(part.floor.percent.value / Decimal(100), ratio)
        contract = maximum(contract, part.floor.of * share)
    contract = context.define("contract_demand.kw", contract)
    actual = part.measured
    upper = contract * number("1.05")
    above = Compare(">", actual, upper, place=part.place)
    mode = context.setting(part.over, ("A", "B", "C", "D"))
    billed: Expr
    excess: Expr
    if mode == "A":
        billed, excess = contract, maximum(actual - upper, ZERO)
    elif mode == "B":
        billed, excess = If(above, upper, contract, place=part.place), maximum(actual - upper, ZERO)
    elif mode == "C":
        billed, excess = contract, maximum(actual - contract, ZERO)
    else:
        lower_limit = contract * number("0.95")
        within = If(above, contract, actual, place=part.place)
        billed = If(Compare("<", actual, lower_limit, place=part.place), lower_limit, within, place=part.place)
        excess = If(above, actual - contract, ZERO, place=part.place)
    quantity = context.define("contract_demand.billed", billed)
    over = context.define("over_contract.kw", excess)
    return [
        _line(context, "contract_demand", quantity, price, chosen, part),
        _line(context, "over_contract", over, price * number(2), chosen, part),
    ]


KIND = Kind("basic_charge", BasicCharge, lower)
