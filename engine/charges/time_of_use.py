"""time_of_use: each time-of-use period's kWh × that period's price, a line a period.

`less` takes the prices of funds that are billed apart out of a printed price that contains them. The two ways in
use differ in more than half of random bills, so `split` has no default:
`each_rounded` bills kWh × (printed - funds), each line rounded;
`whole_rounded` bills kWh × printed, each line rounded, and takes the funds' own rounded amounts off in a line `less`.
"""

from __future__ import annotations

from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.language.expressions import Expr, Item, Name, total
from engine.language.fields import FormulaField, NameField, PricedField, TextField
from engine.language.reading import did_you_mean


class TimeOfUse(ChargeModel):
    quantity: dict[NameField, FormulaField]
    price: dict[NameField, PricedField] | FormulaField
    less: list[TextField] = []
    split: Literal["each_rounded", "whole_rounded"] | None = None
    rest_to: TextField | None = None
    titles: dict[NameField, TextField] = {}


def lower(charge: TimeOfUse, context: Context) -> Lowered:
    """Lower to a product a period; the periods must be those of the calendar, where there is one."""
    _check_periods(charge, context)
    funds = [context.price_of(name) for name in charge.less]
    lines = []
    for period, quantity in charge.quantity.items():
        price = _price(charge, context, str(period), quantity)
        if funds and charge.split == "each_rounded":
            price = price - total(funds)
        title = str(charge.titles.get(period, ""))
        lines.append(LoweredLine(str(period), quantity * price, title, quantity, price, place=quantity.place))
    if funds and charge.split == "whole_rounded":
        amounts = total([context.amount_of(name) for name in charge.less])
        lines.append(LoweredLine("less", -amounts, "", place=charge.place))
    return Lowered(tuple(lines), energy=total(list(charge.quantity.values())))


def _check_periods(charge: TimeOfUse, context: Context) -> None:
    if charge.less and charge.split is None:
        context.fail("split-not-declared", charge.place_of("less"), charge=context.name)
    if charge.split == "whole_rounded" and str(charge.rest_to or "") != context.name:
        key = "split" if charge.rest_to is None else "rest_to"
        context.fail("rest-to", charge.place_of(key), charge=context.name)
    known = context.tou_periods()
    if not known:
        return
    for period in charge.quantity:
        if str(period) not in known:
            near = did_you_mean(period, known, charge.quantity)
            context.fail("unknown-tou-period", period.place, None, period=period, known=", ".join(known), **near)
    missing = [period for period in known if period not in charge.quantity]
    if missing:
        place = charge.place_of("quantity")
        context.fail("tou-period-not-priced", place, charge=context.name, missing=", ".join(missing))


def _price(charge: TimeOfUse, context: Context, period: str, quantity: Expr) -> Expr:
    unit = context.currency / context.unit_of(quantity)
    if isinstance(charge.price, dict):
        if period not in charge.price:
            context.fail("tou-period-not-priced", charge.place_of("price"), charge=context.name, missing=period)
        priced = next(value for key, value in charge.price.items() if str(key) == period)
        return context.figure(f"{period}.price", priced, unit)
    row = charge.price
    if isinstance(row, Item) and row.column is None:
        columns = context.columns(row)
        if columns and period not in columns:
            told = {"column": period, "table": row.table, "known": ", ".join(columns)}
            context.fail("column-not-in-table", row.place, None, **told, **did_you_mean(period, columns))
        return Item(row.table, row.keys, period, place=row.place)
    if isinstance(row, Name):
        return Name(f"{row.path}.{period}", place=row.place)
    context.fail("tou-price", row.place, charge=context.name)


KIND = Kind("time_of_use", TimeOfUse, lower)
