"""The ladder's surcharge alone: kWh of the higher tiers x their uplift, beside an energy charge that knows no tiers.

Guangdong prints it so (二档加价, 三档加价). The kWh between the first limit and the second carry the first uplift,
those above the second limit the second uplift only: uplifts do not add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Lines, half_up, hundred_digits
from tests.oracles.tiered import kwh_in_tiers


@hundred_digits
def tier_uplift(
    quantity: Decimal,
    tiers: Sequence[tuple[Decimal, Decimal]],
    before: Decimal = ZERO,
    widen: Decimal = ZERO,
) -> Lines:
    """Return one line a tier; tiers are (above [kWh], uplift [CNY/kWh]) in ascending order."""
    limits: list[Decimal | None] = [above for above, _ in tiers]
    parts = kwh_in_tiers(quantity, [*limits, None], before, widen)[1:]
    return {str(n): half_up(part * price) for n, (part, (_, price)) in enumerate(zip(parts, tiers, strict=True), 1)}
