"""The door for one row: plain values in, decimals in the declared bounds out, or the first reason to refuse the row.

The same checks in the same order, with the same codes, as the door for columns (`engine.evaluator.door`), written
without it: the billing period, the version, changes inside the period, then each input as declared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Final

from engine.calendars.days import EPOCH, read_day
from engine.compiler.program import END_DAY, FIRST_DAY, Compiled, InputSpec, Refusal, Type
from engine.evaluator import decimals
from engine.evaluator.rows import day_text, value_text
from engine.language.problems import Place

# A number as a file or a message writes it. Exponents are for programs that print floats, and floats are not money.
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?")
_EXPONENT_MAX: Final = 400  # of a decimal; a larger one is no reading
BUILT_IN: Final = ("period_from", "period_to", "day")
"""Inputs of a program that the door supplies."""
_TRUTHS: Final = {"true": 1, "false": 0, "1": 1, "0": 0}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is refused: a code of the catalogue, the field, the value as given, and the code's parameters."""

    code: str
    field: str
    value: str
    parameters: Mapping[str, str]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A row that may be computed. Values are decimals as `engine.evaluator.interpretation` reads them."""

    version: int
    inputs: Mapping[str, Decimal]  # with defaults, and the days `period_from`, `period_to` and `day`
    given: Mapping[str, bool]


def admit_row(
    compiled: Compiled, row: Mapping[str, object], period_from: object, period_to: object
) -> Admitted | Fault:
    """Check one row as it came.

    Args:
        compiled: the rule set.
        row: input name -> Decimal, int, text, bool, date or None; None and absence are the same.
        period_from: first day billed: a date, its text, or a day number.
        period_to: the day after the last day billed.
    """
    days: list[int] = []
    for name, came in (("period_from", period_from), ("period_to", period_to)):
        if came is None:
            return _fault("missing-value", name, "")
        day = _day(came)
        if day is None or not FIRST_DAY <= day < END_DAY:
            return _fault("bad-date", name, _written(came) if day is None else day_text(day))
        days.append(day)
    first, end = days
    if end <= first:
        return _fault("bad-period", "period_to", day_text(end), period_from=day_text(first), period_to=day_text(end))
    day = version_day(compiled, first, end)
    found = _version(compiled, day)
    if isinstance(found, Fault):
        return found
    for change in compiled.change_days:
        if first < change < end:
            return _fault(
                "period-crosses-change",
                "period_to",
                day_text(end),
                period_from=day_text(first),
                period_to=day_text(end),
                day=day_text(change),
            )
    inputs = {"period_from": Decimal(first), "period_to": Decimal(end), "day": Decimal(day)}
    given = {}
    for spec in compiled.program.inputs:
        if spec.name in BUILT_IN:
            continue
        came = row.get(spec.name)
        given[spec.name] = came is not None
        if came is None:
            if spec.default is not None:
                inputs[spec.name] = decimals.of_whole(spec.default, spec.type.places)
            elif not spec.optional:
                return _fault("missing-value", spec.name, "", place=spec.place)
            continue
        read = _READERS[spec.type.kind](spec, came)
        if isinstance(read, Fault):
            return read
        inputs[spec.name] = read
    return Admitted(found, inputs, given)


def version_day(compiled: Compiled, first: int, end: int) -> int:
    """Give the day that picks the version of a billing period [first, end)."""
    match compiled.version_by:
        case "period_from":
            return first
        case "last_day":
            return end - 1
        case "reading_day":
            return end


def _version(compiled: Compiled, day: int) -> int | Fault:
    after = compiled.end_day is not None and day >= compiled.end_day
    if day >= compiled.first_day and not after:
        for at, version in enumerate(compiled.constants.versions):
            if version.first_day <= day < version.end_day:
                if version.missing:
                    return _no_price(version.missing[0], day)
                return at
    return _fault("no-price-in-force", compiled.id, day_text(day), day=day_text(day), place=compiled.place)


def _no_price(missing: Refusal, day: int) -> Fault:
    return _fault(missing.code, missing.field, day_text(day), day=day_text(day), place=missing.place)


def _fault(code: str, field: str, value: str, place: Place | None = None, **parameters: str) -> Fault:
    return Fault(code, field, value, {"field": field, "value": value, **parameters}, place)


def _day(came: object) -> int | None:
    """Read a day: a date, `2026-01-31`, or a number of days since 1970-01-01."""
    if isinstance(came, bool):
        return None
    if isinstance(came, int):
        return came
    if isinstance(came, str):
        came = read_day(came)
    # A datetime is a date in Python, but a clock time is not a day.
    if type(came) is date:
        return (came - EPOCH).days
    return None


def _written(came: object) -> str:
    """Write a value as it came."""
    if isinstance(came, bool):
        return "true" if came else "false"
    if isinstance(came, float) and isfinite(came):
        came = Decimal(repr(float(came)))
    return f"{came:f}" if isinstance(came, Decimal) and came.is_finite() else str(came)


def _number(spec: InputSpec, came: object) -> Decimal | Fault:
    value: Decimal
    if isinstance(came, float):
        return _fault("binary-float", spec.name, _written(came), places=str(spec.type.places), place=spec.place)
    if isinstance(came, str) and _NUMBER.fullmatch(came) is not None:
        value = Decimal(came)
    elif isinstance(came, Decimal) and came.is_finite() and abs(came.adjusted()) <= _EXPONENT_MAX:
        value = came
    elif isinstance(came, int) and not isinstance(came, bool):
        value = Decimal(came)
    else:
        return _fault("not-a-number", spec.name, _written(came), place=spec.place)
    whole = decimals.to_whole(value, spec.type.places)
    if whole is None:
        return _fault("too-many-places", spec.name, _written(came), places=str(spec.type.places), place=spec.place)
    if not spec.type.low <= whole <= spec.type.high:
        return _outside(spec, _written(came))
    return decimals.of_whole(whole, spec.type.places)


def _outside(spec: InputSpec, value: str) -> Fault:
    low, high = (value_text(bound, spec.type) for bound in (spec.type.low, spec.type.high))
    return _fault("out-of-bounds", spec.name, value, low=low, high=high, place=spec.place)


def _boolean(spec: InputSpec, came: object) -> Decimal | Fault:
    return _code_of(spec, came, _TRUTHS.get(_written(came)))


def _code(spec: InputSpec, came: object) -> Decimal | Fault:
    # A code may be a number in the file: 10 stands for the code `10`.
    text = str(came) if isinstance(came, int) and not isinstance(came, bool) else came
    codes = spec.type.codes
    return _code_of(spec, came, codes.index(text) if isinstance(text, str) and text in codes else None)


def _code_of(spec: InputSpec, came: object, whole: int | None) -> Decimal | Fault:
    if whole is None:
        known = ", ".join(_codes(spec.type))
        return _fault("unknown-code", spec.name, _written(came), codes=known, place=spec.place)
    return Decimal(whole)


def _codes(of: Type) -> tuple[str, ...]:
    return ("true", "false") if of.kind == "boolean" else of.codes


def _date(spec: InputSpec, came: object) -> Decimal | Fault:
    day = _day(came)
    if day is None:
        return _fault("bad-date", spec.name, _written(came), place=spec.place)
    if not spec.type.low <= day <= spec.type.high:
        return _outside(spec, day_text(day))
    return Decimal(day)


_READERS: Final[Mapping[str, Callable[[InputSpec, object], Decimal | Fault]]] = {
    "number": _number,
    "boolean": _boolean,
    "code": _code,
    "date": _date,
}
