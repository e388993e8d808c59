"""The energy-efficiency score of a month (能效评分): six indicators, of which any may be missing.

Load factor and use of the transformer are of the month's hours; what is metered may not exceed what could be.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.oracles.amounts import Refused
from tests.oracles.given import Given, number
from tests.oracles.power_factor import hundredths
from tests.oracles.scores import Answer, below, ratio, score, up_to

D = Decimal


def profile(given: Given, period_from: date, period_to: date) -> Answer | Refused:
    """Return the score, the points of the indicators that are there, and the grade."""
    kwh, hours = number(given, "kwh"), D(24 * (period_to - period_from).days)
    kvarh, demand, valley, kva, loss, tonnes, due = (
        None if given.get(name) is None else number(given, name)
        for name in ("kvarh", "demand_kw", "kwh_valley", "running_kva", "kwh_loss", "tonnes", "kwh_per_tonne_due")
    )
    too_much = (valley or 0) > kwh or (loss or 0) > kwh or (demand is not None and kwh > demand * hours)
    factor = None if kvarh is None else hundredths(kwh, kvarh)
    indicators: dict[str, tuple[str, Decimal | None]] = {
        "power_factor": (
            "0.25",
            None if factor is None else below(D(factor) / 100, ["0.80", "0.85", "0.90", "0.95"], [20, 50, 70, 90, 100]),
        ),
        "load_factor": (
            "0.20",
            below(ratio(kwh, demand * hours, 4), ["0.30", "0.50", "0.70"], [20, 50, 80, 100]) if demand else None,
        ),
        "valley_share": (
            "0.15",
            None
            if valley is None or kwh == 0
            else below(ratio(valley, kwh, 4), ["0.15", "0.30", "0.45"], [40, 60, 80, 100]),
        ),
        "transformer_use": ("0.15", _use(ratio(kwh, kva * hours, 4)) if kva else None),
        "loss_rate": (
            "0.10",
            None
            if loss is None or kwh == 0
            else up_to(ratio(loss, kwh, 4), ["0.02", "0.04", "0.07"], [100, 80, 50, 20]),
        ),
        "unit_use": (
            "0.15",
            up_to(ratio(kwh, tonnes * due, 4), ["0.90", "1", "1.20"], [100, 80, 50, 20]) if tonnes and due else None,
        ),
    }
    found = score(indicators.values())
    if too_much or found is None:
        return Refused(frozenset({"refused-by-rule"}))
    points = {f"energy_efficiency.{name}.points": value for name, (_, value) in indicators.items() if value is not None}
    grade = "poor" if found < 50 else "fair" if found < 70 else "good" if found < 85 else "excellent"
    return {**points, "energy_efficiency": found, "efficiency_grade": grade}


def _use(use: Decimal) -> Decimal:
    """To nine tenths, included, the load is high; beyond, the transformer is overloaded."""
    if use < D("0.75"):
        return below(use, ["0.20", "0.40"], [20, 60, 100])
    return D(70) if use <= D("0.90") else D(20)
