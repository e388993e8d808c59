"""formula: an amount written out, for what no other kind says."""

from __future__ import annotations

from engine.charges.base import ChargeModel, Context, Kind, Lowered, LoweredLine
from engine.language.fields import FormulaField


class Formula(ChargeModel):
    amount: FormulaField


def lower(charge: Formula, context: Context) -> Lowered:
    """The formula as it stands."""
    return Lowered((LoweredLine("", charge.amount, place=charge.place),))


KIND = Kind("formula", Formula, lower)
