"""Loss of a transformer whose meter stands on its low side (变损): the K method, tables of load, formulas, fixed.

Monthly figures hold for thirty thirtieths of a month. The formulas are those of a billing engine in use, with its
constants rounded half up; the K method is that of a published case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.oracles.amounts import ZERO, half_up, hundred_digits

Losses = tuple[Decimal, Decimal]  # active [kWh], reactive [kvarh]


@dataclass(frozen=True)
class Plate:
    """What a transformer's plate says."""

    kva: Decimal
    no_load: Decimal  # kW
    load_loss: Decimal  # kW
    current: Decimal  # a share, 0.02 for 2 %
    impedance: Decimal  # likewise


@hundred_digits
def by_k(
    kwh: Decimal, iron: Losses, rate: Decimal, factor: Decimal, thirtieths: int, *, each: bool, places: int = 0
) -> Losses:
    """Add a month's iron loss to a copper loss that follows the energy.

    >>> by_k(Decimal(15000), (Decimal(300), Decimal(400)), Decimal("0.01"), Decimal("2.3"), 30, each=True)
    (Decimal('450'), Decimal('745'))
    """
    copper = half_up(kwh * rate, places) if each else kwh * rate
    found = []
    for monthly, own in zip(iron, (copper, copper * factor), strict=True):
        of_days = monthly * thirtieths / 30
        found.append(half_up(of_days, places) + half_up(own, places) if each else half_up(of_days + own, places))
    return found[0], found[1]


@hundred_digits
def by_formula(kwh: Decimal, kvarh: Decimal | None, of: Plate, shift: Decimal, days: int) -> Losses:
    """Compute P0·24·d + c·(P² + Q²)/10⁶ and its reactive counterpart, each term rounded to whole kWh and kvarh."""
    c = half_up(shift * of.load_loss * 1_000_000 / (days * 24 * of.kva * of.kva), 1)
    iron = half_up(of.no_load * days * 24, 0)
    if kvarh is None:
        apparent = kwh / 1000 / Decimal("0.8")
        return iron + half_up(c * apparent * apparent, 0), ZERO
    squares = (kwh * kwh + kvarh * kvarh) / 1000 / 1000
    e = half_up(shift * of.impedance * 100 * 10000 / (days * 24 * of.kva), 1)
    magnetising = half_up(of.current * 100 * of.kva * days * 24 / 100, 1)
    return iron + half_up(c * squares, 0), half_up(magnetising, 0) + half_up(e * squares, 0)


@hundred_digits
def by_table(load: Decimal, kwh: Decimal, cells: Sequence[Losses], thirtieths: int) -> Losses:
    """Read a band of load: to 0.05, to 0.5, to 1; above it 3 % of the energy and a tenth of it reactive."""
    for limit, cell in zip(("0.05", "0.5", "1"), cells, strict=True):
        if load <= Decimal(limit):
            return half_up(cell[0] * thirtieths / 30, 0), half_up(cell[1] * thirtieths / 30, 0)
    return half_up(kwh * Decimal("0.03"), 0), half_up(kwh / 10, 0)


@hundred_digits
def shared(losses: Losses, own: Decimal, whole: Decimal) -> Losses:
    """Give a customer the part that the ratio of two quantities makes, rounded to four places; nothing of nothing."""
    ratio = half_up(own / whole, 4) if whole else ZERO
    return half_up(losses[0] * ratio, 0), half_up(losses[1] * ratio, 0)
