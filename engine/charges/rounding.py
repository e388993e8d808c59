"""How a charge rounds a price or a quantity before it is billed, where the notice says so.

`places` are decimals of `unit`, which may be a smaller one than the engine's: 2 places of fen/kWh are 4 of CNY/kWh.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from engine.charges.base import Context
from engine.language.expressions import Call, Expr
from engine.language.fields import IntField, Model, UnitField
from engine.language.units import Unit

Mode = Literal["half_up", "half_even", "up", "down", "floor", "ceiling"]
PLACES_MAX = 8


class RoundTo(Model):
    what = "a rounding"

    places: IntField
    mode: Mode
    unit: UnitField | None = None


def rounded_to(value: Expr, rule: RoundTo | None, unit: Unit, context: Context) -> Expr:
    """The value [unit], rounded as the rule says; as it is where there is no rule."""
    if rule is None:
        return value
    return Call("round", (value,), places_of(rule, unit, context), rule.mode, place=value.place)


def places_of(rule: RoundTo, unit: Unit, context: Context) -> int:
    """Decimals of `unit` that the rule keeps."""
    places, scale = rule.places, Fraction(1)
    if rule.unit is not None:
        if rule.unit.unit != unit:
            told = {"formula": rule.unit.text, "unit": rule.unit.unit, "expected": str(unit) or "1"}
            context.fail("figure-unit", rule.unit.place, None, **told)
        scale = rule.unit.scale
    while scale < 1:
        places, scale = places + 1, scale * 10
    if not 0 <= places <= PLACES_MAX or scale != 1 or rule.places < 0:
        context.fail("rounding-out-of-reach", rule.place, None, charge=context.name, most=PLACES_MAX)
    return places
