"""What a meter measured for others (套扣): 定量, then 定比 of what is left, then 总分, period by period.

Energy is counted out in whole kWh. In order: from the first period until it is empty, then from the next. In
proportion: the shares up to each period are rounded half up, and each period has what its own adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Refused, half_up, hundred_digits

Energy = dict[str, Decimal]  # period -> kWh
REFUSED = Refused(frozenset({"refused-by-rule"}))


def in_order(left: Energy, amount: Decimal, order: Sequence[str]) -> Energy:
    """Take an amount that is there from one period after the other."""
    taken = dict.fromkeys(left, ZERO)
    for period in order:
        taken[period] = min(amount, left[period])
        amount -= taken[period]
    assert amount == 0, "more was taken than was there"
    return taken


@hundred_digits
def in_proportion(left: Energy, amount: Decimal, order: Sequence[str]) -> Energy:
    """Take an amount from all periods alike."""
    whole, reached, before = sum(left.values()), ZERO, ZERO
    taken = {}
    for period in order:
        reached += left[period]
        share = half_up(amount * reached / whole, 0) if whole else ZERO
        taken[period], before = share - before, share
    return taken


def deducted(
    energy: Mapping[str, Decimal],
    order: Sequence[str],
    steps: Sequence[tuple[str, Decimal | Mapping[str, Decimal], bool]],
    *,
    clip: bool,
) -> tuple[Energy, dict[str, Energy]] | Refused:
    """Take step after step.

    Args:
        steps: name, amount, whether in proportion. An amount below one that is written as a share stands as negative.

    Returns:
        What is left, and what each step took.
    """
    left, found = dict(energy), {}
    for name, wanted, proportional in steps:
        if isinstance(wanted, Decimal):
            whole = sum(left.values(), ZERO)
            amount = half_up(whole * -wanted, 0) if wanted < 0 else wanted
            if amount > whole and not clip:
                return REFUSED
            take = in_proportion if proportional else in_order
            found[name] = take(left, min(amount, whole), order)
        else:
            if any(wanted.get(period, ZERO) > left[period] for period in left) and not clip:
                return REFUSED
            found[name] = {period: min(wanted.get(period, ZERO), left[period]) for period in left}
        left = {period: left[period] - found[name][period] for period in left}
    return left, found
