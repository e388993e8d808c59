"""power_factor: the power-factor adjustment (功率因数调整电费) of a base, by the national tables.

pf = P/√(P²+Q²), rounded half up to two places; the percentage stands in the band table of the declared standard
(`standard_0_90` for 0.90). Without active and reactive energy there is no adjustment. Source: (83)水电财字第215号.

`places` is for tables with other steps. `no_reduction` (a customer with a lowered standard): what lies below the
standard pays, what lies above it gets nothing. `excludes` takes charges, or lines of them, out of the base again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, LoweredRefusal
from engine.language.expressions import ZERO, Call, Compare, Expr, If, Item, Logic, Name, maximum, number, written
from engine.language.fields import FormulaField, IntField, TextField
from engine.language.formulas import parse
from engine.language.problems import Problem, problem

_TABLE = re.compile("standard_([01])_([0-9]{2})")


class PowerFactor(ChargeModel):
    active: FormulaField
    reactive: FormulaField
    standard: FormulaField
    base: list[TextField]
    excludes: list[TextField] | None = None
    places: IntField = 2
    no_reduction: TextField | None = None


def lower(charge: PowerFactor, context: Context) -> Lowered:
    """Lower to `base * percentage of the standard's table at the rounded power factor`."""
    tables = {f"{match[1]}.{match[2]}": name for name in context.bands() if (match := _TABLE.fullmatch(name))}
    if not tables:
        context.fail("no-power-factor-table", charge.place_of("kind"), charge=context.name)
    if charge.places not in range(1, 5):
        context.fail("rounding-out-of-reach", charge.place_of("places"), None, charge=context.name, most=4)
    measured = Call("power_factor", (charge.active, charge.reactive), charge.places, "half_up", place=charge.place)
    factor = context.define("cos", measured)
    percent: Expr = ZERO
    known: list[Expr] = []
    for standard, table in sorted(tables.items()):
        is_this = Compare("==", charge.standard, number(standard), place=charge.standard.place)
        known.append(is_this)
        cell = Item(table, (factor,), "value", place=charge.place)
        percent = If(is_this, cell, percent, place=charge.place)
    idle = Logic(
        "and",
        (Compare("==", charge.active, ZERO), Compare("==", charge.reactive, ZERO)),
        place=charge.place,
    )
    lowered = _no_reduction(charge)
    if lowered is not None:
        kept = maximum(percent, ZERO)
        percent = kept if lowered is True else If(lowered, kept, percent, place=charge.place)
    percent = context.define("percent", If(idle, ZERO, percent, place=charge.place))
    base = _base(charge, context)
    one_of = known[0] if len(known) == 1 else Logic("or", tuple(known), place=charge.standard.place)
    known_text = ", ".join(sorted(tables))
    message = f"{context.name}: power-factor standards with a table are {known_text}"
    # a table of standards may hold some for customers whom `when` leaves out: their rows tell
    told = None if isinstance(charge.standard, Item) else _no_table(charge.standard, tables, context)
    refusal = LoweredRefusal(one_of, "standard", message, told)
    line = LoweredLine("", base * percent, quantity=base, price=percent, place=charge.place)
    return Lowered((line,), refusals=(refusal,))


def _no_reduction(charge: PowerFactor) -> Expr | Literal[True] | None:
    """The condition under which nothing is given back: always, a formula, or never."""
    text = charge.no_reduction
    if text is None or text == "false":
        return None
    return True if text == "true" else parse(text)


def _base(charge: PowerFactor, context: Context) -> Expr:
    """What is adjusted: charges and ledgers, less what is excluded; of a charge a single line, `energy.funds`, too."""
    base = context.base(charge.base)
    for name in charge.excludes or ():
        base = base - (Name(str(name), place=name.place) if "." in name else context.base([name]))
    return base


def _no_table(standard: Expr, tables: Mapping[str, str], context: Context) -> Problem:
    """What is told where the standard is known and has no table: 80 for 0.80, most often."""
    printed = context.printed(standard)
    near = {"suggestion": "", "suggestion_zh": ""}
    place, other, text = standard.place, None, written(standard)
    if printed is not None:
        place, text = printed.place, printed.text
        other = standard.place if standard.place != place else None
        meant = next((name for name in tables if Decimal(name) * 100 == printed.value), None)
        if meant is not None:
            near = {"suggestion": f"Write `{meant}`. ", "suggestion_zh": f"请写 `{meant}`。"}
    return problem("power-factor-standard", place, other, standard=text, known=", ".join(sorted(tables)), **near)


KIND = Kind("power_factor", PowerFactor, lower, linear=False)
