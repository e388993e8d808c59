"""Demand as United States tariffs bill it: a price for each kW of billing demand and month.

Billing demand is the largest of
- what was measured (highest kW of the month, or of the hours of a demand period),
- a share of the contract demand,
- a share of the highest demand of the months before (ratchet, look-back),
- a minimum,
rounded where the tariff rounds it. In tiers, each kW costs the price of the step in which it lies ("first 100 kW"), or
all kW cost the price of the step that the demand reaches.

Town of Wallingford, Connecticut, Primary Service Northford: 35 % of the highest demand of the 11 months before.
A demand of 100 kW in one hour of January and 1 kW from then on costs
100 x 10.50 + 5 x 35 x 10.50 + 6 x 35 x 11.50 = 5302.50 USD a year (the test of REopt.jl, by NREL).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Lines, half_up, hundred_digits
from tests.oracles.tiered import Tier, kwh_in_tiers, whole


@hundred_digits
def billing_demand(
    measured: Decimal,
    contract_share: Decimal = ZERO,
    highest_before: Decimal = ZERO,
    ratchet_percent: Decimal = ZERO,
    minimum: Decimal = ZERO,
    places: int | None = None,
) -> Decimal:
    """Return the kW that are billed."""
    billed = max(measured, contract_share, highest_before * ratchet_percent / 100, minimum)
    return billed if places is None else half_up(billed, places)


@hundred_digits
def flat(billed: Decimal, price: Decimal, months: int = 1) -> Decimal:
    """Return kW x price [USD/kW/month] x months."""
    return half_up(billed * price * months)


@hundred_digits
def in_steps(billed: Decimal, tiers: Sequence[Tier], months: int = 1) -> Lines:
    """Return a line a step. The limits are kW, whatever the months."""
    parts = kwh_in_tiers(billed, [limit for limit, _ in tiers])
    return {
        str(n): half_up(part * price * months) for n, (part, (_, price)) in enumerate(zip(parts, tiers, strict=True), 1)
    }


@hundred_digits
def at_reached_step(billed: Decimal, tiers: Sequence[Tier], months: int = 1, at_limit: str = "lower") -> Lines:
    """Return the one line of the step that the demand reaches."""
    return whole(billed, [(limit, price * months) for limit, price in tiers], at_limit=at_limit)
