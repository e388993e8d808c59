"""time_of_use: each time-of-use period's kWh × that period's price, a line a period.

The price is printed (`price`), or made of `components` of which some float: price of a period = floating components ×
the period's ratio + the others, rounded as `round_price` says. A component under `as_lines` stays out of the price and
is a line of its own.

`less` takes the prices of funds that are billed apart out of a printed price that contains them. The two ways in
use differ in more than half of random bills, so `split` has no default:
`each_rounded` bills kWh × (printed - funds), each line rounded;
`whole_rounded` bills kWh × printed, each line rounded, and takes the funds' own rounded amounts off in a line `less`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.charges.items import check_read
from engine.charges.rounding import RoundTo, rounded_to
from engine.language import scalars
from engine.language.expressions import Expr, Item, Name, number, total
from engine.language.fields import FormulaField, NameField, Priced, PricedField, TextField
from engine.language.formulas import parse
from engine.language.nodes import Text
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS, Unit

_PERCENT = re.compile(r"(?:([A-Za-z_]\w*)\s*)?([-+])\s*([0-9]+(?:\.[0-9]+)?)\s*%")
_OF_COMPONENTS = ("floats", "ratios", "as_lines", "round_price")


class TimeOfUse(ChargeModel):
    quantity: dict[NameField, FormulaField]
    schedule: NameField | None = None
    price: dict[NameField, PricedField] | FormulaField | None = None
    components: dict[NameField, PricedField] | None = None
    floats: list[TextField] | None = None
    ratios: dict[NameField, TextField] | TextField | None = None
    round_price: RoundTo | None = None
    as_lines: list[TextField] | None = None
    less: list[TextField] = []
    split: Literal["each_rounded", "whole_rounded"] | None = None
    rest_to: TextField | None = None
    titles: dict[NameField, TextField] = {}


def lower(charge: TimeOfUse, context: Context) -> Lowered:
    """Lower to a product a period; the periods must be those of the calendar, where there is one."""
    _check_periods(charge, context)
    _check_price(charge, context)
    whole = total(list(charge.quantity.values()))
    unit = context.currency / context.unit_of(whole)
    apart = [str(name) for name in charge.as_lines or ()]
    components = {
        str(name): context.figure(f"{name}.price" if str(name) in apart else f"components.{name}", priced, unit)
        for name, priced in (charge.components or {}).items()
    }
    funds = [context.price_of(name) for name in charge.less] if charge.split == "each_rounded" else []
    lines = []
    for period, quantity in charge.quantity.items():
        if charge.components is not None:
            price: Expr = _composed(charge, context, str(period), components, unit)
        else:
            price = _price(charge, context, str(period), unit)
        if funds:
            price = price - total(funds)
        title = str(charge.titles.get(period, ""))
        lines.append(LoweredLine(str(period), quantity * price, title, quantity, price, place=quantity.place))
    for name in charge.as_lines or ():
        price, title = components[str(name)], str(charge.titles.get(name, ""))
        lines.append(LoweredLine(str(name), whole * price, title, whole, price, place=name.place))
    if charge.less and charge.split == "whole_rounded":
        amounts = total([context.amount_of(name) for name in charge.less])
        lines.append(LoweredLine("less", -amounts, "", place=charge.place))
    return Lowered(tuple(lines), energy=whole)


def _check_periods(charge: TimeOfUse, context: Context) -> None:
    check_read(charge, context, "split", "less", read=bool(charge.less))
    check_read(charge, context, "rest_to", "split: whole_rounded", read=charge.split == "whole_rounded")
    if charge.less and charge.split is None:
        context.fail("split-not-declared", charge.place_of("less"), charge=context.name)
    if charge.split == "whole_rounded" and str(charge.rest_to or "") != context.name:
        key = "split" if charge.rest_to is None else "rest_to"
        context.fail("rest-to", charge.place_of(key), charge=context.name)
    known = context.tou_periods()
    if charge.schedule is not None:
        schedules = context.schedules()
        known = schedules.get(str(charge.schedule), ())
        if not known:
            near = did_you_mean(charge.schedule, schedules)
            told = {"name": charge.schedule, "known": ", ".join(schedules)}
            context.fail("unknown-schedule", charge.schedule.place, None, **told, **near)
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


def _check_price(charge: TimeOfUse, context: Context) -> None:
    """A printed price, or components with what they need; never parts of both."""
    if charge.components is None:
        unread = [key for key in _OF_COMPONENTS if getattr(charge, key) is not None]
        if charge.price is None or unread:
            place = charge.place_of(unread[0]) if unread else context.place
            context.fail("price-or-components", place, charge=context.name)
        return
    if charge.price is not None or charge.less:
        context.fail("price-or-components", charge.place_of("components"), charge=context.name)
    missing = [key for key in ("floats", "ratios", "round_price") if getattr(charge, key) is None]
    if missing:
        told = {"charge": context.name, "missing": ", ".join(f"`{key}`" for key in missing)}
        context.fail("components-need", charge.place_of("components"), None, **told)
    _known_components(charge, context, [*(charge.floats or ()), *(charge.as_lines or ())])


def _known_components(charge: TimeOfUse, context: Context, names: Iterable[Text]) -> None:
    """Each name is a component's, and none is named twice: what floats has no line of its own."""
    known = [str(name) for name in charge.components or {}]
    seen: dict[str, Text] = {}
    for name in names:
        if str(name) not in known:
            near = did_you_mean(name, known, seen)
            context.fail("unknown-component", name.place, None, component=name, known=", ".join(known), **near)
        if str(name) in seen:
            context.fail("listed-twice", name.place, seen[str(name)].place, name=name)
        seen[str(name)] = name


def _composed(charge: TimeOfUse, context: Context, period: str, components: dict[str, Expr], unit: Unit) -> Expr:
    """The floating components times the period's ratio, and the others."""
    floats = [str(name) for name in charge.floats or ()]
    apart = [str(name) for name in charge.as_lines or ()]
    ratio = _ratio(charge, context, period)
    price = total([components[name] for name in floats]) * ratio
    fixed = [component for name, component in components.items() if name not in floats and name not in apart]
    if fixed:
        price = price + total(fixed)
    return context.define(f"{period}.price", rounded_to(price, charge.round_price, unit, context))


def _ratio(charge: TimeOfUse, context: Context, period: str) -> Expr:
    """The period's ratio: a number, `peak * 1.25`, `+70%`, `peak +20%`, or a cell of a table's row."""
    ratios = charge.ratios
    assert ratios is not None
    if isinstance(ratios, Text):
        return _of_row(context, parse(ratios), period)
    text = next((text for name, text in ratios.items() if str(name) == period), None)
    if text is None:
        context.fail("tou-period-not-priced", charge.place_of("ratios"), charge=context.name, missing=period)
    for name in ratios:
        if name not in charge.quantity:
            near = did_you_mean(name, map(str, charge.quantity), ratios)
            known = ", ".join(map(str, charge.quantity))
            context.fail("unknown-tou-period", name.place, None, period=name, known=known, **near)
    names = {str(name): f"{context.name}.{name}.ratio" for name in ratios}
    percent = _PERCENT.fullmatch(str(text).strip())
    priced: Priced
    if percent is not None:
        of, sign, size = percent.groups()
        times = number(1 + Decimal(f"{sign}{size}") / 100)
        priced = times if of is None else _renamed(Name(of, place=text.place) * times, names)
    elif scalars.looks_numeric(text):
        priced = scalars.number(text)
    else:
        priced = _renamed(parse(text), names)
    return context.figure(f"{period}.ratio", priced, DIMENSIONLESS)


def _renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The formula with other names."""
    if isinstance(expr, Name):
        return Name(names.get(expr.path, expr.path), place=expr.place)
    changed: dict[str, object] = {}
    for item in fields(expr):
        value = getattr(expr, item.name)
        if isinstance(value, Expr):
            changed[item.name] = _renamed(value, names)
        elif isinstance(value, tuple):
            changed[item.name] = tuple(_renamed(one, names) if isinstance(one, Expr) else one for one in value)
    return replace(expr, **changed)  # type: ignore[arg-type]  # each field keeps its type


def _price(charge: TimeOfUse, context: Context, period: str, unit: Unit) -> Expr:
    if isinstance(charge.price, dict):
        if period not in charge.price:
            context.fail("tou-period-not-priced", charge.place_of("price"), charge=context.name, missing=period)
        priced = next(value for key, value in charge.price.items() if str(key) == period)
        return context.figure(f"{period}.price", priced, unit)
    assert charge.price is not None
    return _of_row(context, charge.price, period)


def _of_row(context: Context, row: Expr, period: str) -> Expr:
    """The cell of a table's row whose column has the period's name."""
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
