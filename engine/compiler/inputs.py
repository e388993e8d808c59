"""An input's declaration as a type with whole-number bounds, and its default as a whole number."""

from __future__ import annotations

from decimal import Decimal

from engine.calendars.days import END_DAY, FIRST_DAY, day_date, day_number
from engine.compiler.program import Type
from engine.language import scalars
from engine.language.fields import Printed
from engine.language.models import Input
from engine.language.nodes import Text
from engine.language.problems import Place, ProblemsFound, problem
from engine.language.reading import did_you_mean
from engine.language.units import DIMENSIONLESS


def input_type(name: str, kind: str, given: Input, place: Place) -> Type:
    """The type of an input that is declared as `kind`; what is missing or reversed is told."""
    if kind == "boolean":
        return Type("boolean", high=1)
    if kind == "date":
        return Type("date", low=FIRST_DAY, high=END_DAY - 1)
    if kind == "code":
        if not given.codes:
            raise ProblemsFound((problem("code-without-codes", place, name=name),))
        codes = tuple(str(code) for code in given.codes)
        return Type("code", high=len(codes) - 1, codes=codes)
    missing = [key for key, value in (("from", given.from_), ("to", given.to)) if value is None]
    if kind == "decimal" and given.places is None:
        missing.append("places")
    if missing:
        raise ProblemsFound((problem("input-without-bounds", place, name=name, missing=", ".join(missing)),))
    assert given.from_ is not None
    assert given.to is not None
    places = given.places or 0
    unit = given.unit.unit if given.unit is not None else DIMENSIONLESS
    if given.unit is not None and given.unit.scale != 1:
        raise ProblemsFound((problem("input-unit", given.unit.place, name=name, unit=given.unit.text, base=unit),))
    bounds = []
    for bound in (given.from_, given.to):
        bounds.append(scaled_bound(name, bound, places))
    if bounds[0] > bounds[1]:
        told = {"name": name, "low": given.from_.text, "high": given.to.text}
        raise ProblemsFound([problem("bounds-reversed", given.to.place, given.from_.place, **told)])
    return Type("number", unit, places, bounds[0], bounds[1])


def scaled_bound(name: str, bound: Printed, places: int) -> int:
    """A bound of an input as a whole number of its places."""
    if bound.places > places:
        raise ProblemsFound((problem("bound-places", bound.place, name=name, bound=bound.text, places=places),))
    return int(bound.value.scaleb(places))


def default_of(name: str, text: Text, type_: Type) -> int:
    """A default that a row could give, as a whole number."""
    if type_.kind == "boolean":
        return int(scalars.truth(text))
    if type_.kind == "code":
        if str(text) not in type_.codes:
            known, near = ", ".join(type_.codes), did_you_mean(str(text), type_.codes)
            raise ProblemsFound(
                (problem("default-not-a-code", text.place, None, name=name, value=text, known=known, **near),)
            )
        return type_.codes.index(str(text))
    if type_.kind == "date":
        found = day_number(scalars.day(text))
        if not type_.low <= found <= type_.high:
            told = {"name": name, "value": text, "low": day_date(type_.low), "high": day_date(type_.high), "places": 0}
            raise ProblemsFound([problem("default-out-of-bounds", text.place, None, **told)])
        return found
    number = scalars.number(text)
    value = int(number.value.scaleb(type_.places))
    if number.places > type_.places or not type_.low <= value <= type_.high:
        low, high = (f"{Decimal(bound).scaleb(-type_.places):f}" for bound in (type_.low, type_.high))
        told = {"name": name, "value": text, "low": low, "high": high, "places": type_.places}
        raise ProblemsFound([problem("default-out-of-bounds", text.place, None, **told)])
    return value
