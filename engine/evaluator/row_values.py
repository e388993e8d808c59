"""One value as it came: a decimal in its declared bounds, or the first reason to refuse it.

Takes a Decimal, int, text, truth or date and the input that it is for; gives a decimal as
`engine.evaluator.interpretation` reads it. The same checks, codes and parameters as `engine.evaluator.columns`,
written without it.
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
from engine.compiler.program import InputSpec, Type
from engine.evaluator import decimals
from engine.evaluator.rows import day_text, value_text
from engine.language.problems import Place

# A number as a file or a message writes it. Exponents are for programs that print floats, and floats are not money.
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?")
_EXPONENT_MAX: Final = 400  # of a decimal; a larger one is no reading
_TRUTHS: Final = {"true": 1, "false": 0, "1": 1, "0": 0}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is refused: a code of the catalogue, the field, the value as given, and the code's parameters."""

    code: str
    field: str
    value: str
    parameters: Mapping[str, str]
    place: Place | None = None


def fault(code: str, field: str, value: str, place: Place | None = None, **parameters: str) -> Fault:
    """Say what is wrong; the field and the value are parameters too."""
    return Fault(code, field, value, {"field": field, "value": value, **parameters}, place)


def read_value(spec: InputSpec, came: object) -> Decimal | Fault:
    """Read a value that is there.

    Args:
        spec: the input, of the row or of a list.
        came: Decimal, int, text, bool or date; anything else is refused.
    """
    return _READERS[spec.type.kind](spec, came)


def day_of(came: object) -> int | None:
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


def written(came: object) -> str:
    """Write a value as it came."""
    if isinstance(came, bool):
        return "true" if came else "false"
    if isinstance(came, float) and isfinite(came):
        came = Decimal(repr(float(came)))
    short = isinstance(came, Decimal) and came.is_finite() and abs(came.adjusted()) <= _EXPONENT_MAX
    return f"{came:f}" if short else str(came)


def _number(spec: InputSpec, came: object) -> Decimal | Fault:
    value: Decimal
    if isinstance(came, float):
        return fault("binary-float", spec.name, written(came), places=str(spec.type.places), place=spec.place)
    if isinstance(came, str) and _NUMBER.fullmatch(came) is not None:
        value = Decimal(came)
    elif isinstance(came, Decimal) and came.is_finite() and abs(came.adjusted()) <= _EXPONENT_MAX:
        value = came
    elif isinstance(came, int) and not isinstance(came, bool):
        value = Decimal(came)
    else:
        return fault("not-a-number", spec.name, written(came), place=spec.place)
    whole = decimals.to_whole(value, spec.type.places)
    if whole is None:
        return fault("too-many-places", spec.name, written(came), places=str(spec.type.places), place=spec.place)
    if not spec.type.low <= whole <= spec.type.high:
        return _outside(spec, written(came))
    return decimals.of_whole(whole, spec.type.places)


def _outside(spec: InputSpec, value: str) -> Fault:
    low, high = (value_text(bound, spec.type) for bound in (spec.type.low, spec.type.high))
    return fault("out-of-bounds", spec.name, value, low=low, high=high, place=spec.place)


def _boolean(spec: InputSpec, came: object) -> Decimal | Fault:
    return _code_of(spec, came, _TRUTHS.get(written(came)))


def _code(spec: InputSpec, came: object) -> Decimal | Fault:
    # A code may be a number in the file: 10 stands for the code `10`.
    text = str(came) if isinstance(came, int) and not isinstance(came, bool) else came
    codes = spec.type.codes
    return _code_of(spec, came, codes.index(text) if isinstance(text, str) and text in codes else None)


def _code_of(spec: InputSpec, came: object, whole: int | None) -> Decimal | Fault:
    if whole is None:
        known = ", ".join(_codes(spec.type))
        return fault("unknown-code", spec.name, written(came), codes=known, place=spec.place)
    return Decimal(whole)


def _codes(of: Type) -> tuple[str, ...]:
    return ("true", "false") if of.kind == "boolean" else of.codes


def _date(spec: InputSpec, came: object) -> Decimal | Fault:
    day = day_of(came)
    if day is None:
        return fault("bad-date", spec.name, written(came), place=spec.place)
    if not spec.type.low <= day <= spec.type.high:
        return _outside(spec, day_text(day))
    return Decimal(day)


_READERS: Final[Mapping[str, Callable[[InputSpec, object], Decimal | Fault]]] = {
    "number": _number,
    "boolean": _boolean,
    "code": _code,
    "date": _date,
}
