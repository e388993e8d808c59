"""power_factor: the power-factor adjustment (功率因数调整电费) of a base, by the national tables.

pf = P/√(P²+Q²), rounded half up to two places; the percentage stands in the band table of the declared standard
(`standard_0_90` for 0.90). Without active and reactive energy there is no adjustment. Source: (83)水电财字第215号.
"""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine, LoweredRefusal
from engine.language.fields import FormulaField, TextField
from engine.language.formulas import ZERO, Call, Compare, Expr, If, Item, Logic, number

_PREFIX = "standard_"


class PowerFactor(ChargeModel):
    active: FormulaField
    reactive: FormulaField
    standard: FormulaField
    base: list[TextField]


def lower(charge: PowerFactor, context: Context) -> Lowered:
    """Lower to `base * percentage of the standard's table at the rounded power factor`."""
    tables = {name.removeprefix(_PREFIX).replace("_", "."): name for name in context.bands() if _PREFIX in name}
    if not tables:
        context.fail("no-power-factor-table", charge.place, charge=context.name)
    measured = Call("power_factor", (charge.active, charge.reactive), 2, "half_up", place=charge.place)
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
    percent = context.define("percent", If(idle, ZERO, percent, place=charge.place))
    base = context.base(charge.base)
    one_of = known[0] if len(known) == 1 else Logic("or", tuple(known), place=charge.standard.place)
    message = f"power-factor standards with a table: {', '.join(sorted(tables))}"
    refusal = LoweredRefusal(one_of, "refused-by-rule", "standard", message)
    line = LoweredLine("", base * percent, quantity=base, price=percent, place=charge.place)
    return Lowered((line,), refusals=(refusal,))


KIND = Kind("power_factor", PowerFactor, lower)
