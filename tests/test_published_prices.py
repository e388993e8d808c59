"""Prices and demand charges that others have published, from what they rest on, by the oracles and the engine."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.billing import book, evaluated, referred
from tests.oracles import basic_charge, demand, tiered, tiered_time_of_use, time_of_use
from tests.oracles.amounts import Refused, half_up
from tests.oracles.periods import cut, divided, thirtieths
from tests.properties.case import Row

D = Decimal

# 国网湖北 2026-01: transmission price, then sharp, peak, flat, valley. The agency price and the losses float with the
# periods, at 2.00, 1.49, 1 and 0.45.
HUBEI = {
    "single_low": ("0.2103", "1.133999", "0.930961", "0.735686", "0.516924"),
    "single_10kv": ("0.1903", "1.113999", "0.910961", "0.715686", "0.496924"),
    "single_35kv": ("0.1703", "1.093999", "0.890961", "0.695686", "0.476924"),
    "two_10kv": ("0.1263", "1.049999", "0.848961", "0.651886", "0.432924"),
    "two_35kv": ("0.1065", "1.030199", "0.827161", "0.632086", "0.413124"),
    "two_110kv": ("0.0884", "1.012099", "0.809061", "0.613986", "0.395024"),
    "two_220kv": ("0.0694", "0.993099", "0.790061", "0.594986", "0.376024"),
}
PERIODS = ("sharp", "peak", "flat", "valley")
# Where the table differs from the sum of its own components: (printed, computed). Probable misprints.
MISPRINTS = {
    ("single_low", "flat"): ("0.735686", "0.735886"),
    ("single_10kv", "flat"): ("0.715686", "0.715886"),
    ("single_35kv", "flat"): ("0.695686", "0.695886"),
    ("two_10kv", "peak"): ("0.848961", "0.846961"),
}
CELLS = [(row, period, D(HUBEI[row][1 + at])) for row in HUBEI for at, period in enumerate(PERIODS)]


def _of_components(row: str, period: str, printed: Decimal) -> Decimal:
    """Return what the components come to: the printed price, but for the misprints."""
    if (row, period) not in MISPRINTS:
        return printed
    as_printed, computed = MISPRINTS[row, period]
    assert printed == D(as_printed)
    return D(computed)


@pytest.mark.parametrize(("row", "period", "printed"), CELLS)
def test_oracle_makes_the_prices_of_hubei(row: str, period: str, printed: Decimal) -> None:
    """Agency 0.384470 and loss 0.013643 float; transmission, system 0.082273 and funds 0.0452 do not."""
    components = {
        "agency": D("0.384470"),
        "loss": D("0.013643"),
        "transmission": D(HUBEI[row][0]),
        "system": D("0.082273"),
        "funds": D("0.0452"),
    }
    ratios = {"sharp": D("2.00"), "peak": D("1.49"), "flat": D(1), "valley": D("0.45")}

    prices = time_of_use.component_prices(components, ("agency", "loss"), ratios, 6)

    assert prices[period] == _of_components(row, period, printed)


@pytest.mark.parametrize(("row", "period", "printed"), CELLS)
def test_engine_makes_the_prices_of_hubei(row: str, period: str, printed: Decimal) -> None:
    """A million kWh of one period cost a million times its price, and show all six decimals."""
    compiled = book()["kinds.time_of_use_components"]
    given = {f"kwh_{one}": D(1000000) if one == period else D(0) for one in PERIODS}
    rows = [Row({**given, "price_class": row}, date(2026, 1, 1), date(2026, 2, 1))]

    for (bill,) in (evaluated(compiled, rows), referred(compiled, rows)):
        assert not isinstance(bill, Refused)
        assert bill[f"published.{period}"] == 1000000 * _of_components(row, period, printed)


def test_a_year_of_the_ratchet_of_wallingford() -> None:
    """100 kW in January, 1 kW from then on, 35 % of the 11 months before: 5302.50 USD, as NREL's REopt.jl expects."""
    price = [D("11.50") if month in (5, 6, 7, 8, 9, 10) else D("10.50") for month in range(1, 13)]
    billed = [
        demand.billing_demand(D(100) if n == 0 else D(1), highest_before=D(100) if n else D(0), ratchet_percent=D(35))
        for n in range(12)
    ]

    assert sum(demand.flat(kw, p) for kw, p in zip(billed, price, strict=True)) == D("5302.50")


def test_first_hundred_kw_of_south_central() -> None:
    """250 kW in summer: 100 x 16.30 + 150 x 14.90 = 3865.00 (URDB 539f6a23ec4f024411ec8beb, worked by hand)."""
    steps = demand.in_steps(D(250), [(D(100), D("16.3")), (None, D("14.9"))])

    assert steps == {"1": D("1630.00"), "2": D("2235.00")}


def test_published_capacity_is_billed_in_whole_kva() -> None:
    """13,000 kVA and 30ths of a month are 433.33 kVA; billed as 433 x 26.30 = 11,387.90, not 11,396.67."""
    assert basic_charge.capacity_in_thirtieths(D(13000), D("26.3"), 0) == D("11387.90")
    assert basic_charge.capacity_in_thirtieths(D(13000), D("26.3")) == D("11396.67")


@pytest.mark.parametrize(
    ("first", "end", "counted"),
    [
        ((2026, 1, 1), (2026, 2, 1), 30),  # a month of 31 days
        ((2026, 2, 1), (2026, 3, 1), 30),  # of 28
        ((2026, 1, 11), (2026, 2, 1), 21),
        ((2026, 2, 11), (2026, 3, 1), 18),
        ((2026, 1, 16), (2026, 3, 10), 16 + 30 + 9),
        ((2026, 1, 16), (2026, 1, 16), 0),
        ((2026, 1, 16), (2026, 1, 10), 0),
    ],
)
def test_thirtieths_of_months(first: tuple[int, int, int], end: tuple[int, int, int], counted: int) -> None:
    """A whole month has 30, a part of one its days."""
    assert thirtieths(date(*first), date(*end)) == counted


def test_all_use_at_the_price_of_its_tier() -> None:
    """180 kWh stay in the first tier (0.50: 90.00) unless it is for less than 180 kWh (0.60: 108.00)."""
    tiers: list[tiered.Tier] = [(D(180), D("0.50")), (None, D("0.60"))]

    assert tiered.whole(D(180), tiers) == {"1": D("90.00")}
    assert tiered.whole(D(180), tiers, at_limit="upper") == {"2": D("108.00")}
    assert tiered.whole(D("180.01"), tiers) == {"2": half_up(D("180.01") * D("0.60"))}


def test_tiers_are_filled_in_order_of_time() -> None:
    """100 kWh in the peak, 80 off it, 60 in the peak again, a limit of 150: the peak has 100 + 0, off-peak 50, above it
    60 and 30. Shared in proportion the peak would have 100 of the first 150, and 60 of the rest.
    """
    ladder: list[tiered_time_of_use.SimpleTier] = [(D(150), D(1)), (None, D(2))]
    items = [("peak", D(100)), ("off_peak", D(80)), ("peak", D(60))]

    lines = tiered_time_of_use.chronological(items, {"peak": ladder, "off_peak": ladder})

    assert lines == {"1.peak": D(100), "2.peak": D(120), "1.off_peak": D(50), "2.off_peak": D(60)}


def test_a_bill_over_new_year_begins_a_ladder() -> None:
    """62 days cut at 1 January: 31 of 310 kWh each side; the new year begins at nothing."""
    parts = cut(date(2025, 12, 1), date(2026, 2, 1), [date(2026, 1, 1)])

    shares = divided(D(310), parts, 2)

    assert shares == [D("155.00"), D("155.00")]
    assert tiered.reached_before(shares, [2025, 2026], D(2700)) == [D(2700), D(0)]
