"""line_loss: loss of the customer's own line (线损), a percentage of the energy and of the transformer's loss.

The contract's percentage is taken of kWh + transformer loss, and of kvarh likewise: the formulas say what is counted.
"""

from __future__ import annotations

from fractions import Fraction

from engine.charges.base import Context
from engine.language.fields import FormulaField, PricedField
from engine.language.units import DIMENSIONLESS
from engine.quantities.base import Kind, LoweredQuantity, QuantityModel
from engine.quantities.over_lists import Round, settled


class LineLoss(QuantityModel):
    percent: PricedField
    active: FormulaField
    reactive: FormulaField | None = None
    round: Round | None = None


def lower(model: LineLoss, context: Context) -> LoweredQuantity:
    """Lower to `active * percent` and `reactive * percent`."""
    rate = context.figure("rate", model.percent, DIMENSIONLESS, Fraction(1, 100))
    parts = [("active", settled(model.active * rate, model.round))]
    if model.reactive is not None:
        parts.append(("reactive", settled(model.reactive * rate, model.round)))
    return LoweredQuantity(None, tuple(parts))


KIND = Kind("line_loss", LineLoss, lower)
