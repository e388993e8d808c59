"""The residential ladder (阶梯电价), computed in the two ways that notices print.

Tiers are closed above (及以下, 含): kWh up to and with the limit belong to the lower tier. `before` is what the same
ladder period (the calendar year, for an annual ladder) has already used; this bill's kWh stand on top of it. A limit
per month is multiplied by the months of the bill before it comes here; an annual one is not. `widen` is added to
every limit, so that the tiers above the first keep their width (一户多人口: 仅第一档区间增加, 二三档顺延).

`whole` is another tariff: the tier in which the use ends prices all of it. There it matters whose the limit is:
"up to 100" leaves 100 in the tier below, "less than 100" puts it in the tier above.

A bill that is cut into parts (a price changes inside it) runs through its ladder part by part, see `in_parts`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Lines, half_up, hundred_digits

Tier = tuple[Decimal | None, Decimal]  # (upper limit [kWh], None in the last tier; price [CNY/kWh])


@hundred_digits
def kwh_in_tiers(
    quantity: Decimal, limits: Sequence[Decimal | None], before: Decimal = ZERO, widen: Decimal = ZERO
) -> list[Decimal]:
    """Return how much of `quantity` lies in each tier, when `before` has been used already.

    >>> kwh_in_tiers(Decimal(500), [Decimal(2760), Decimal(4800), None], before=Decimal(4500))
    [Decimal('0'), Decimal('300'), Decimal('200')]
    """
    parts: list[Decimal] = []
    left, reached = quantity, before
    for limit in limits:
        room = left if limit is None else max(ZERO, limit + widen - reached)
        part = min(left, room)
        parts.append(part)
        left -= part
        reached += part
    assert left == 0, "the last tier must be open"
    return parts


@hundred_digits
def marginal(quantity: Decimal, tiers: Sequence[Tier], before: Decimal = ZERO, widen: Decimal = ZERO) -> Lines:
    """Bill each tier's kWh at its own price; a line for each tier, each rounded to fen."""
    parts = kwh_in_tiers(quantity, [limit for limit, _ in tiers], before, widen)
    return {str(n): half_up(part * price) for n, (part, (_, price)) in enumerate(zip(parts, tiers, strict=True), 1)}


@hundred_digits
def uplift(quantity: Decimal, tiers: Sequence[Tier], before: Decimal = ZERO, widen: Decimal = ZERO) -> Lines:
    """Bill every kWh at the first price (`base`) and the higher tiers' kWh at the difference (递增加价)."""
    parts = kwh_in_tiers(quantity, [limit for limit, _ in tiers], before, widen)
    base = tiers[0][1]
    lines = {"base": half_up(quantity * base)}
    for n, (part, (_, price)) in enumerate(zip(parts, tiers, strict=True), 1):
        if n > 1:
            lines[str(n)] = half_up(part * (price - base))
    return lines


@hundred_digits
def whole(quantity: Decimal, tiers: Sequence[Tier], before: Decimal = ZERO, at_limit: str = "lower") -> Lines:
    """Bill every kWh at the price of the tier in which `before + quantity` lies; the one line is named by the tier."""
    position = before + quantity
    for n, (limit, price) in enumerate(tiers, 1):
        if limit is None or position < limit or (position == limit and at_limit == "lower"):
            return {str(n): half_up(quantity * price)}
    raise AssertionError("the last tier must be open")


def reached_before(quantities: Sequence[Decimal], groups: Sequence[Hashable], before: Decimal = ZERO) -> list[Decimal]:
    """Return what the ladder holds when each part of a bill begins.

    `groups` names the ladder (its year) that each part belongs to; `before` is of the ladder of the first part, and a
    part of another one begins at what the parts before it in that ladder have used.

    >>> reached_before([Decimal(300), Decimal(200), Decimal(50)], [2025, 2025, 2026], Decimal(2600))
    [Decimal('2600'), Decimal('2900'), Decimal('0')]
    """
    found = []
    for n, group in enumerate(groups):
        earlier = sum((quantities[m] for m in range(n) if groups[m] == group), ZERO)
        found.append((before if group == groups[0] else ZERO) + earlier)
    return found
