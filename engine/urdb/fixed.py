"""Fixed charges, fuel adjustments by month, and least charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from engine.urdb.draft import Draft
from engine.urdb.problems import fail
from engine.urdb.rate import Rate
from engine.urdb.report import Report
from engine.urdb.structures import MONTHS, Price, digits, number
from engine.urdb.write import Flow

UNITS: Final = ("$/month", "$/day", "$/year")
DECEMBER: Final = 11


@dataclass(frozen=True, slots=True)
class Fixed:
    """Amounts per month, day or year; each with the fields that say it."""

    first: tuple[Decimal, str] | None
    first_field: str
    further: tuple[Decimal, str] | None
    least: tuple[tuple[Decimal, str, tuple[str, ...]], ...]
    fuel: tuple[Decimal, ...] | None

    def keys(self) -> list[Any]:
        """Give what makes a month differ from another."""
        yearly = any(unit == "$/year" for _, unit, _ in self.least)
        fuel = self.fuel or (Decimal(0),) * MONTHS
        return [(fuel[month], yearly and month == DECEMBER) for month in range(MONTHS)]


def read_fixed(rate: Rate, report: Report) -> Fixed:
    """Read amounts that do not follow from use, under their names of version 8 and before."""
    first = _amount(rate, report, "fixedchargefirstmeter", "fixedchargeunits")
    further = _amount(rate, report, "fixedchargeeaaddl", "fixedchargeunits")
    if first is None and further is None:
        report.say("no_money", "unit of fixed charges, of which there are none", "fixedchargeunits")
    legacy = _amount(rate, report, "fixedmonthlycharge", None)
    if legacy is not None and first is not None and legacy != first:
        raise fail("conflict", field="fixedmonthlycharge", other="fixedchargefirstmeter", why=_differ(legacy, first))
    if legacy is not None and first is not None:
        report.say("billed", "the same as `fixedchargefirstmeter`", "fixedmonthlycharge")
    said_by = "fixedchargefirstmeter" if first is not None else "fixedmonthlycharge"
    return Fixed(first or legacy, said_by, further, _least(rate, report), _fuel(rate, report))


def _differ(one: tuple[Decimal, str], other: tuple[Decimal, str]) -> str:
    return f"{digits(one[0])} {one[1]} and {digits(other[0])} {other[1]}"


def _amount(rate: Rate, report: Report, field: str, units: str | None) -> tuple[Decimal, str] | None:
    """Read an amount and its unit; None where it is nothing."""
    if rate.get(field) is None or not number(field, rate.get(field)):
        report.say("no_money", "0" if rate.get(field) is not None else "empty", field)
        return None
    if units is None:
        return number(field, rate.get(field)), "$/month"
    unit = rate.get(units)
    if unit not in UNITS:
        why = f"`{units}` is {'missing' if unit is None else f'`{unit}`'}; it is one of {', '.join(UNITS)}"
        raise fail("not-translated", field=field, why=why)
    return number(field, rate.get(field)), unit


def _least(rate: Rate, report: Report) -> tuple[tuple[Decimal, str, tuple[str, ...]], ...]:
    found: list[tuple[Decimal, str, tuple[str, ...]]] = []
    new = _amount(rate, report, "mincharge", "minchargeunits")
    if new is None:
        report.say("no_money", "unit of the least charge, of which there is none", "minchargeunits")
    else:
        found.append((*new, ("mincharge", "minchargeunits")))
    for field, unit in (("minmonthlycharge", "$/month"), ("annualmincharge", "$/year")):
        legacy = _amount(rate, report, field, None)
        if legacy is None:
            continue
        same = new is not None and (new[1] == "$/year") == (unit == "$/year")
        if same and new is not None and (legacy[0], unit) != new:
            raise fail("conflict", field=field, other="mincharge", why=_differ((legacy[0], unit), new))
        if same:
            report.say("billed", "the same as `mincharge`", field)
        else:
            found.append((legacy[0], unit, (field,)))
    return tuple(found)


def _fuel(rate: Rate, report: Report) -> tuple[Decimal, ...] | None:
    field = "fueladjustmentsmonthly"
    value = rate.get(field)
    if value is None or value == []:
        report.say("no_money", "empty", field)
        return None
    if not isinstance(value, list) or len(value) != MONTHS:
        raise fail("shape", field=field, why="it has twelve numbers, one a month")
    amounts = tuple(number(field, one) if one is not None else Decimal(0) for one in value)
    if not any(amounts):
        report.say("no_money", "every month is 0", field)
        return None
    return amounts


def write_fixed(fixed: Fixed, draft: Draft) -> list[str]:
    """Add the fixed charges and the fuel adjustment; gives their names."""
    names = []
    if fixed.fuel is not None:
        price = draft.seasonal("fuel_price", "Fuel adjustment", "USD/kWh", [Price(one) for one in fixed.fuel])
        keys = {"title": "Fuel adjustment", "quantity": draft.kwh(), "price": price}
        names.append(draft.charge("fuel", "energy", keys))
        draft.report.say("billed", "charge `fuel` on every kWh, by month", "fueladjustmentsmonthly")
    if fixed.first is not None:
        names.append(draft.charge("fixed", "fixed", {"title": "Fixed charge", **_per(*fixed.first, draft, "")}))
        draft.report.say("billed", f"charge `fixed`, {_said(*fixed.first)}", fixed.first_field)
    if fixed.further is not None:
        whole = {"type": "integer", "from": 1, "to": 1000, "default": 1}
        draft.inputs["meters"] = Flow(**whole, title="Meters of the customer")
        keys = {"title": "Further meters", **_per(*fixed.further, draft, "(meters - 1)")}
        names.append(draft.charge("fixed_further_meters", "fixed", keys))
        told = "charge `fixed_further_meters`, for each of the input `meters` beyond the first"
        draft.report.say("billed", told, "fixedchargeeaaddl")
    draft.report.say("billed", "unit of fixed charges", "fixedchargeunits")
    return names


def _said(amount: Decimal, unit: str) -> str:
    convention = {"$/month": "each month", "$/day": "each day of the bill", "$/year": "a twelfth each month"}[unit]
    return f"${digits(amount)}, {convention}"


def _per(amount: Decimal, unit: str, draft: Draft, times: str) -> dict[str, Any]:
    """Keys of a charge of so much a month, a day or a year, once or so many times."""
    if unit == "$/year":
        whole = " * ".join([f"{digits(amount)}[USD/month]", "months", *([times] if times else [])])
        return {"kind": "formula", "amount": f"divide({whole}, 12, {draft.options.minor_places}, half_up)"}
    count = "months" if unit == "$/month" else "days"
    return {"quantity": f"{count} * {times}" if times else count, "price": digits(amount)}


def write_least(fixed: Fixed, draft: Draft, counted: Sequence[str]) -> None:
    """Add what is missing to least charges.

    Args:
        counted: charges of energy, demand and fixed amounts, which count towards them.
    """
    for amount, unit, fields in fixed.least:
        if unit == "$/year":
            told = _least_of_year(amount, draft, counted)
        else:
            at_least = digits(amount) if unit == "$/month" else f"{digits(amount)}[USD/day] * days"
            keys = {"title": "Minimum charge", "kind": "minimum_bill", "at_least": at_least, "base": list(counted)}
            draft.charge("minimum", "minimum", keys)
            each = "a month" if unit == "$/month" else "a day of the bill"
            told = f"charge `minimum`: what energy, demand and fixed charges lack of ${digits(amount)} {each}"
        draft.report.say("billed", told, *fields)


def _least_of_year(amount: Decimal, draft: Draft, counted: Sequence[str]) -> str:
    """A year's least charge: December's bill has what the year lacks of it."""
    december = draft.when((DECEMBER,))
    most = 1_000_000_000
    bounds = {"unit": "USD", "places": draft.options.minor_places, "from": -most, "to": most}
    title = "Energy, demand and fixed charges of the year's bills before December's"
    draft.inputs["charged_before"] = {**bounds, "needed_when": december, "title": title}
    lacking = " - ".join([f"{digits(amount)}[USD]", "charged_before", *counted])
    keys = {"title": "Minimum charge of the year", "kind": "formula", "amount": f"max({lacking}, 0)"}
    draft.charge("minimum_of_year", "minimum", keys, december)
    return (
        f"charge `minimum_of_year`: December's bill has what the calendar year lacks of ${digits(amount)}; "
        "the input `charged_before` says what the other months came to"
    )
