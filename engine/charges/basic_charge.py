"""basic_charge: the capacity or demand charge of a two-part tariff (基本电费), in its three modes.

Contract demand bills a contract value and what the measured demand has over it. Sources disagree how, so `over` is
named (c contract, a actual, p price):
A  c·p + 2p·max(0, a - 1.05c)                        the wording of 发改办价格〔2016〕1583号
B  c·p up to 1.05c; above it 1.05c·p + 2p·(a - 1.05c)
C  c·p + 2p·max(0, a - c)                            the older 核定 rule
D  0.95c·p below 0.95c; a·p up to 1.05c; above it c·p + 2p·(a - c)
`floor` raises the contract value to a percentage of a capacity, one kW a kVA. `high_use` multiplies the demand
price where kWh per kVA reach a threshold, 260[kWh/kVA/month] times the months; nothing is divided for it.

Where a quantity is one of a list (incoming lines, transformers), its items are added. Whether what is over the contract
is taken of the sums or line by line makes a difference, so `per_line` has to say. `thirtieths` is a capacity times
the 1/30 of months for which it counts: transformers that were suspended or added within the month.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, LoweredRefusal
from engine.charges.rounding import RoundTo, places_of, rounded_to
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Logic, Name, both, maximum, number
from engine.language.fields import BoolField, FormulaField, Model, NumberField, Priced, PricedField, TextField
from engine.language.units import Unit, parse_unit

MODES = ("capacity", "contract_demand", "actual_demand")
MONTH = parse_unit("month")[0]


class Part(Model):
    what = "a part of the basic charge"

    quantity: FormulaField | None = None
    thirtieths: FormulaField | None = None
    round_billed: RoundTo | None = None
    price: PricedField


class Floor(Model):
    what = "the floor of the contract demand"

    of: FormulaField
    percent: NumberField


class ContractDemand(Model):
    what = "the contract demand"

    quantity: FormulaField
    measured: FormulaField
    per_line: BoolField | None = None
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
    if not modes:
        told = {"key": MODES[0], "what": "a basic_charge charge", "allowed": ", ".join(MODES)}
        context.fail("missing-key", charge.place, None, **told)
    # A mode may be written out: `mode: capacity` in a rule set whose customers have no other.
    fixed = charge.mode.path if isinstance(charge.mode, Name) and charge.mode.path in MODES else None
    if fixed is not None and modes != [fixed]:
        context.fail("fixed-mode", charge.mode.place, charge=context.name, mode=fixed, parts=", ".join(modes))
    chosen: dict[str, Expr | None] = {
        mode: None
        if fixed
        else Compare("==", charge.mode, Name(mode, place=charge.mode.place), place=charge.mode.place)
        for mode in modes
    }
    if charge.capacity is not None:
        part = charge.capacity
        price = context.figure("capacity.price", part.price, _per_month(context, part))
        lines.append(_line(context, "capacity", part, price, chosen["capacity"]))
    if charge.contract_demand is not None:
        lines += _contract(charge, charge.contract_demand, context, chosen["contract_demand"])
    if charge.actual_demand is not None:
        part = charge.actual_demand
        price = _demand_price(charge, context, "actual_demand", part.price, _per_month(context, part))
        lines.append(_line(context, "actual_demand", part, price, chosen["actual_demand"]))
    known = tuple(mode for mode in chosen.values() if mode is not None)
    if not known:
        return Lowered(tuple(lines))
    one_of = known[0] if len(known) == 1 else Logic("or", known, place=charge.mode.place)
    refusal = LoweredRefusal(one_of, "mode", f"{context.name}: no price for this mode")
    return Lowered(tuple(lines), refusals=(refusal,))


def _on_row(context: Context, expr: Expr) -> Expr:
    """A value of the row; the items of a list are added."""
    return Call("sum", (expr,), place=expr.place) if context.list_of(expr) else expr


def _per_month(context: Context, part: Part) -> Unit:
    """The unit of a part's price; kVA times thirtieths of months hold the month already."""
    if (part.quantity is None) == (part.thirtieths is None):
        context.fail("quantity-or-thirtieths", part.place, charge=context.name)
    if part.thirtieths is not None:
        return context.currency / context.unit_of(part.thirtieths)
    assert part.quantity is not None
    return context.currency / context.unit_of(part.quantity) / MONTH


def _line(context: Context, name: str, part: Part, price: Expr, shown: Expr | None) -> LoweredLine:
    """Capacity or demand × price; with thirtieths the product is divided by 30 and rounded once."""
    if part.thirtieths is None:
        assert part.quantity is not None
        quantity = _on_row(context, part.quantity)
        if part.round_billed is not None:
            billed = rounded_to(quantity, part.round_billed, context.unit_of(quantity), context)
            quantity = context.define(f"{name}.billed", billed)
        return _product(context, name, quantity, price, shown, part)
    counted = context.define(f"{name}.thirtieths", _on_row(context, part.thirtieths))
    if part.round_billed is not None:
        places = places_of(part.round_billed, context.unit_of(counted), context)
        months = Call("divide", (counted, number(30)), places, part.round_billed.mode, place=counted.place)
        quantity = context.define(f"{name}.billed", months)
        return LoweredLine(name, quantity * price, quantity=quantity, price=price, shown=shown, place=part.place)
    amount = Call("divide", (counted * price, number(30)), context.minor_places, "half_up", place=part.place)
    return LoweredLine(name, amount, price=price, shown=shown, place=part.place)


def _product(context: Context, name: str, quantity: Expr, price: Expr, shown: Expr | None, model: Model) -> LoweredLine:
    amount = context.per_period(quantity * price)
    return LoweredLine(name, amount, quantity=quantity, price=price, shown=shown, place=model.place)


def _demand_price(charge: BasicCharge, context: Context, mode: str, priced: Priced, unit: Unit) -> Expr:
    """The demand price, times `price_times` where high use reaches the threshold."""
    rule = charge.high_use
    if rule is None or mode not in rule.modes:
        return context.figure(f"{mode}.price", priced, unit)
    price = context.figure(f"{mode}.full_price", priced, unit)
    if len(rule.of) != 2:
        context.fail("high-use-of", rule.place_of("of"), count=len(rule.of))
    energy, capacity = (_on_row(context, one) for one in rule.of)
    reached = both(
        Compare(">", capacity, ZERO, place=rule.place),
        Compare(">=", energy, context.per_period(rule.at_least * capacity), place=rule.place),
    )
    assert reached is not None
    return context.define(
        f"{mode}.price_due", If(reached, price * number(rule.price_times.value), price, place=rule.place)
    )


def _contract(charge: BasicCharge, part: ContractDemand, context: Context, chosen: Expr | None) -> list[LoweredLine]:
    unit = context.currency / context.unit_of(part.quantity) / MONTH
    price = _demand_price(charge, context, "contract_demand", part.price, unit)
    of_list = [key for key in ("quantity", "measured") if context.list_of(getattr(part, key))]
    if of_list and part.per_line is None:
        context.fail("per-line-not-declared", part.place_of(of_list[0]), charge=context.name)
    floor = None if part.floor is None else part.floor.of
    if part.per_line and not (of_list and (floor is None or context.list_of(floor))):
        context.fail("per-line-of-a-list", part.place_of("per_line"), charge=context.name)
    contract, actual = part.quantity, part.measured
    if not part.per_line:
        contract, actual = _on_row(context, contract), _on_row(context, actual)
        floor = None if floor is None else _on_row(context, floor)
    if part.floor is not None and floor is not None:
        ratio = context.unit_of(contract) / context.unit_of(floor)
        share = number(part.floor.percent.value / Decimal(100), ratio)
        contract = maximum(contract, floor * share)
    if not part.per_line:
        contract = context.define("contract_demand.kw", contract)
    billed, excess = _over(context.setting(part.over, ("A", "B", "C", "D")), contract, actual, part)
    quantity = context.define("contract_demand.billed", _on_row(context, billed))
    over = context.define("over_contract.kw", _on_row(context, excess))
    return [
        _product(context, "contract_demand", quantity, price, chosen, part),
        _product(context, "over_contract", over, price * number(2), chosen, part),
    ]


def _over(mode: str, contract: Expr, actual: Expr, part: ContractDemand) -> tuple[Expr, Expr]:
    """What is billed at the price, and what at twice the price."""
    upper = contract * number("1.05")
    above = Compare(">", actual, upper, place=part.place)
    if mode == "A":
        return contract, maximum(actual - upper, ZERO)
    if mode == "B":
        return If(above, upper, contract, place=part.place), maximum(actual - upper, ZERO)
    if mode == "C":
        return contract, maximum(actual - contract, ZERO)
    lower_limit = contract * number("0.95")
    within = If(above, contract, actual, place=part.place)
    billed = If(Compare("<", actual, lower_limit, place=part.place), lower_limit, within, place=part.place)
    return billed, If(above, actual - contract, ZERO, place=part.place)


KIND = Kind("basic_charge", BasicCharge, lower, linear=False)
