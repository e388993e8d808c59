"""Energy from a meter's readings (抄见电量): (end - start) × multiplier, with dials that turn over and meters changed.

A dial of n digits before the point shows 10^n - something and then something: what is below its start has turned. The
stretches of one register fill the bill, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from tests.oracles.amounts import ZERO, Refused, half_up, hundred_digits
from tests.oracles.given import Item, day, number, truth, word

REFUSED = Refused(frozenset({"refused-by-rule"}))


@dataclass(frozen=True)
class Stretch:
    """What one meter measured from one day to another."""

    register: str
    kwh: Decimal
    first: date
    end: date
    estimated: bool


@hundred_digits
def measured(item: Item, digits: int | None) -> Decimal | None:
    """Return the energy of a stretch, not rounded; None where no meter shows it."""
    start, end = number(item, "start"), number(item, "end")
    if digits is None:
        return None if end < start else (end - start) * number(item, "multiplier", Decimal(1))
    if not 1 <= digits <= 8 or max(start, end) >= 10**digits:
        return None
    turned = end - start if end >= start else 10**digits - start + end
    return turned * number(item, "multiplier", Decimal(1))


def stretches(items: Sequence[Item], digits: Callable[[Item], int | None]) -> list[Stretch] | None:
    """Read a list of readings; None where one of them cannot be."""
    found = []
    for item in items:
        kwh = measured(item, digits(item))
        first, end = day(item, "from_day"), day(item, "to_day")
        if kwh is None or first >= end:
            return None
        register = word(item, "register") if "register" in item else ""
        found.append(Stretch(register, kwh, first, end, truth(item, "estimated")))
    return found


def fills(found: Sequence[Stretch], first: date, end: date) -> bool:
    """Say whether stretches follow one another from the first day to the last."""
    reached = first
    for one in found:
        if one.first != reached:
            return False
        reached = one.end
    return reached == end


@hundred_digits
def by_days(found: Sequence[Stretch], cuts: Sequence[date], places: int) -> list[Decimal]:
    """Divide energy between the parts that the days cut: the rounded energy up to each less that up to the last."""

    def until(at: date) -> Decimal:
        energy = ZERO
        for one in found:
            days, whole = min(max((at - one.first).days, 0), (one.end - one.first).days), (one.end - one.first).days
            energy += one.kwh if days == whole else half_up(one.kwh * days / whole, places)
        return half_up(energy, places)

    return [until(after) - until(before) for before, after in pairwise(cuts)]


def by_reading(found: Sequence[Stretch], cuts: Sequence[date]) -> list[Decimal] | None:
    """Add what lies in each part; None where a stretch lies in two."""
    parts = []
    for first, end in pairwise(cuts):
        inside = [one for one in found if first <= one.first and one.end <= end]
        touching = [one for one in found if one.first < end and first < one.end]
        if inside != touching:
            return None
        parts.append(sum((one.kwh for one in inside), ZERO))
    return parts


@hundred_digits
def with_registers(given: Sequence[Item], first: date, end: date) -> dict[str, Decimal] | Refused:
    """Measure a total and registers of periods, the flat one being the rest; a sharp one may be absent."""
    found = stretches(given, lambda item: int(number(item, "digits")))
    if found is None:
        return REFUSED
    sums = {}
    for code in ("total", "sharp", "peak", "valley"):
        own = [one for one in found if one.register == code]
        if not (fills(own, first, end) or (code == "sharp" and not own)):
            return REFUSED
        sums[code] = half_up(sum((one.kwh for one in own), ZERO), 0)
    flat = sums["total"] - sums["sharp"] - sums["peak"] - sums["valley"]
    if flat < 0:
        return REFUSED
    guessed = sum((one.kwh for one in found if one.register == "total" and one.estimated), ZERO)
    energy = {f"energy.{code}": sums[code] for code in ("sharp", "peak", "valley")}
    return {**energy, "energy.flat": flat, "whole": sums["total"], "guessed": half_up(guessed, 0)}
