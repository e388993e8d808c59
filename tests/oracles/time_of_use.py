"""Energy by time-of-use period (分时电价): each period's kWh at its price, each line rounded to fen.

Where the printed price contains funds that are billed on lines of their own, they are taken out (`less`):
- `each_rounded`: the period's price less the funds' prices, times its kWh, rounded. The bill's lines are each right;
  their sum may differ by some fen from kWh x printed price.
- `whole_rounded`: kWh x printed price, rounded for each period, is what the customer pays in all; a line `less` takes
  off what the funds' own rounded lines already take, so that the sum of the bill is that of the printed prices.

A province whose price is made of components says which of them float with the periods (Hubei: the agency price and the
line losses): price = floating x ratio + the others, rounded as its table is printed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from tests.oracles.amounts import ZERO, Lines, half_up, hundred_digits


@hundred_digits
def time_of_use(quantity: Mapping[str, Decimal], price: Mapping[str, Decimal], less: Sequence[Decimal] = ()) -> Lines:
    """Return one line a period; `less` are the prices [CNY/kWh] of the funds that the printed price contains."""
    funds = sum(less, ZERO)
    return {period: half_up(kwh * (price[period] - funds)) for period, kwh in quantity.items()}


@hundred_digits
def whole_rounded(
    quantity: Mapping[str, Decimal], price: Mapping[str, Decimal], funds_billed: Sequence[Decimal]
) -> Lines:
    """Return one line a period at the printed price, and `less`; `funds_billed` are the funds' amounts [CNY]."""
    lines = time_of_use(quantity, price)
    return {**lines, "less": -sum(funds_billed, ZERO)}


@hundred_digits
def component_prices(
    components: Mapping[str, Decimal], floats: Collection[str], ratios: Mapping[str, Decimal], places: int
) -> dict[str, Decimal]:
    """Return the price of each period [CNY/kWh], half up to `places`."""
    floating = sum((price for name, price in components.items() if name in floats), ZERO)
    fixed = sum((price for name, price in components.items() if name not in floats), ZERO)
    return {period: half_up(floating * ratio + fixed, places) for period, ratio in ratios.items()}
