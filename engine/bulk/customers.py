"""Made-up customers that look real: what a month's readings of each shipped rule set are like.

Each function takes a seeded generator and how many rows are wanted, and gives the inputs of its rule set as columns
(row,) of whole numbers. Shares and shapes are guesses at ordinary values, not statistics of any place. Every row that
comes out can be billed; rows that cannot are planted by `engine.bulk.portfolio`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A column for some rows: whole numbers [of the column's places], and where they are given (None: everywhere)."""

    values: Whole
    given: Mask | None = None


@dataclass(frozen=True, slots=True)
class Customers:
    """Rows of one rule set: the month each bill begins with, how many months it covers, and its inputs."""

    month: Whole  # 1 to 12
    months: Whole
    inputs: Mapping[str, Drawn]


CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "voltage": ("below_1kv", "from_1_to_10kv", "from_1_to_20kv", "at_10kv", "at_35kv", "at_110kv", "at_220kv"),
    "meter": ("household", "shared"),
    "user": ("household", "shared", "non_household"),
    "city": ("zhanjiang", "shenzhen", "dongguan"),  # the last has no price: it is planted
    "scheme": ("single", "two_part"),
    "basic_mode": ("capacity", "contract_demand", "actual_demand"),
}
MONTHS: Final = 10  # residents' bills begin in January to October
# Use of a month against the year's mean: winter heating and, more so, summer cooling.
EAST: Final = (1.15, 1.10, 0.90, 0.75, 0.75, 0.95, 1.35, 1.45, 1.10, 0.75, 0.80, 1.00)
SOUTH: Final = (0.75, 0.75, 0.80, 0.90, 1.05, 1.25, 1.35, 1.35, 1.25, 1.05, 0.80, 0.75)
HOUSEHOLD_SIZES: Final = (0.25, 0.29, 0.22, 0.14, 0.06, 0.03, 0.01)  # of 1 to 7 persons


def jiangsu(draw: np.random.Generator, rows: int) -> Customers:
    """Draw households on the annual ladder, a quarter read every other month; a few shared meters."""
    month = draw.integers(1, MONTHS + 1, rows)
    months = 1 + (draw.random(rows) < 0.25).astype(np.int64)
    shared = draw.random(rows) < 0.02
    high_voltage = shared & (draw.random(rows) < 0.4)
    monthly = _household_kwh(draw, rows)
    kwh = _hundredths(np.where(shared, monthly * 6, monthly) * _season(EAST, month) * months)
    on_tou = ~shared & (draw.random(rows) < 0.45)
    peak = _share(kwh, draw.uniform(0.35, 0.80, rows))
    return Customers(
        month,
        months,
        {
            "voltage": _code("voltage", np.where(high_voltage, "from_1_to_10kv", "below_1kv")),
            "meter": Drawn(shared.astype(np.int64)),
            "on_tou": Drawn(on_tou.astype(np.int64)),
            "kwh_total": Drawn(kwh, ~on_tou),
            "kwh_peak": Drawn(peak, on_tou),
            "kwh_valley": Drawn(kwh - peak, on_tou),
            "kwh_year_before": Drawn(_year_before(draw, monthly, month), ~shared),
            "household_size": Drawn(_sizes(draw, rows)),
            "low_income": Drawn((~shared & (draw.random(rows) < 0.04)).astype(np.int64)),
            "kwh_last_year": Drawn(_earlier(draw, kwh, 0.35), draw.random(rows) < 0.90),
        },
    )


def guangdong(draw: np.random.Generator, rows: int) -> Customers:
    """Draw households of two cities on the monthly ladder, some on peak, flat and valley."""
    month = draw.integers(1, MONTHS + 1, rows)
    shared = draw.random(rows) < 0.03
    monthly = _household_kwh(draw, rows)
    kwh = _hundredths(np.where(shared, monthly * 6, monthly) * _season(SOUTH, month))
    on_tou = ~shared & (draw.random(rows) < 0.15)
    peak = _share(kwh, draw.uniform(0.15, 0.45, rows))
    flat = _share(kwh - peak, draw.uniform(0.35, 0.65, rows))
    return Customers(
        month,
        np.ones(rows, dtype=np.int64),
        {
            "city": Drawn((draw.random(rows) < 0.7).astype(np.int64)),
            "meter": Drawn(shared.astype(np.int64)),
            "on_tou": Drawn(on_tou.astype(np.int64)),
            "kwh": Drawn(kwh),
            "kwh_peak": Drawn(peak, on_tou),
            "kwh_flat": Drawn(flat, on_tou),
            "kwh_valley": Drawn(kwh - peak - flat, on_tou),
            "household_size": Drawn(_sizes(draw, rows)),
            "kwh_last_month": Drawn(_earlier(draw, kwh, 0.30), draw.random(rows) < 0.92),
        },
    )


def shanghai(draw: np.random.Generator, rows: int) -> Customers:
    """Draw households on the annual ladder, most on peak and valley; some non-household users at their price."""
    month = draw.integers(1, MONTHS + 1, rows)
    other = draw.random(rows) < 0.02
    at_10kv = other & (draw.random(rows) < 0.3)
    monthly = _household_kwh(draw, rows)
    kwh = _hundredths(np.where(other, monthly * 15, monthly) * _season(EAST, month))
    on_tou = ~other & (draw.random(rows) < 0.60)
    peak = _share(kwh, draw.uniform(0.45, 0.95, rows))
    return Customers(
        month,
        np.ones(rows, dtype=np.int64),
        {
            "user": _code("user", np.where(other, "non_household", "household")),
            "voltage": _code("voltage", np.where(at_10kv, "at_10kv", "below_1kv")),
            "on_tou": Drawn(on_tou.astype(np.int64)),
            "kwh_total": Drawn(kwh, ~on_tou),
            "kwh_peak": Drawn(peak, on_tou),
            "kwh_valley": Drawn(kwh - peak, on_tou),
            "kwh_year_before": Drawn(_year_before(draw, monthly, month), ~other),
            "household_size": Drawn(_sizes(draw, rows)),
            "kwh_last_month": Drawn(_earlier(draw, kwh, 0.30), draw.random(rows) < 0.92),
        },
    )


def sichuan(draw: np.random.Generator, rows: int) -> Customers:
    """Draw households on the monthly ladder, a quarter with a valley price, some of them poor."""
    month = draw.integers(1, MONTHS + 1, rows)
    kind = np.searchsorted((0.95, 0.98), draw.random(rows)).astype(np.int64)  # household, shared, non_household
    monthly = _household_kwh(draw, rows)
    kwh = _hundredths(np.where(kind > 0, monthly * 6, monthly) * 0.9 * _season(EAST, month))
    on_tou = (kind == 0) & (draw.random(rows) < 0.25)
    return Customers(
        month,
        np.ones(rows, dtype=np.int64),
        {
            "user": Drawn(kind),
            "on_tou": Drawn(on_tou.astype(np.int64)),
            "kwh": Drawn(kwh),
            "kwh_valley": Drawn(_share(kwh, draw.uniform(0.15, 0.55, rows)), on_tou),
            "low_income": Drawn(((kind == 0) & (draw.random(rows) < 0.06)).astype(np.int64)),
            "kwh_last_month": Drawn(_earlier(draw, kwh, 0.30), draw.random(rows) < 0.92),
        },
    )


def hubei(draw: np.random.Generator, rows: int) -> Customers:
    """Draw shops and factories in January, the only month with a price table: from 10 kVA to 100,000 kVA."""
    kva = np.clip(draw.lognormal(4.3, 1.6, rows), 10, 100_000).astype(np.int64)
    small = kva < 100
    two_part = (kva >= 315) | ((kva > 100) & (draw.random(rows) < 0.25))
    raised = draw.random(rows) < 0.12  # supplied at a voltage above what the capacity asks for
    level = np.searchsorted((100, 10_000, 40_000, 80_000), kva, side="right") + raised
    level = np.minimum(level, np.where(two_part, 4, np.where(small, 0, 2)))
    voltage = np.array(["below_1kv", "from_1_to_20kv", "at_35kv", "at_110kv", "at_220kv"])[level]
    by_mode = draw.random(rows)
    mode = np.searchsorted((0.45, 0.80), by_mode).astype(np.int64)  # capacity, contract demand, actual demand
    suspended = two_part & (draw.random(rows) < 0.05)
    running = np.where(suspended, _share(kva, draw.uniform(0.5, 0.95, rows)), kva)
    load = draw.beta(3, 3, rows)  # of the running capacity, at the highest
    demand = np.floor(running * (0.15 + 0.85 * load) * 0.95 * 10_000).astype(np.int64)
    contract_kw = np.maximum(1, np.floor(demand / 10_000 * draw.lognormal(0.05, 0.10, rows))).astype(np.int64)
    kwh = _hundredths(demand / 10_000 * draw.uniform(90, 620, rows))
    periods = draw.standard_gamma(np.array([1.0, 3.0, 3.0, 3.0]), (rows, 4))
    ends = np.floor(np.cumsum(periods, axis=1)[:, :3] / periods.sum(axis=1)[:, None] * kwh[:, None]).astype(np.int64)
    power_factor = np.clip(1 - draw.gamma(2, 0.035, rows), 0.5, 1.0)
    kvarh = np.floor(kwh * np.tan(np.arccos(power_factor))).astype(np.int64)
    other_points = two_part & (draw.random(rows) < 0.03)
    return Customers(
        np.ones(rows, dtype=np.int64),
        np.ones(rows, dtype=np.int64),
        {
            "scheme": Drawn(two_part.astype(np.int64)),
            "voltage": _code("voltage", voltage),
            "basic_mode": Drawn(mode, two_part),
            "capacity_kva": Drawn(running, two_part & (mode == 0)),
            "contract_kva": Drawn(kva, two_part),
            "running_kva": Drawn(running, suspended),
            "contract_kw": Drawn(contract_kw, two_part & (mode == 1)),
            "demand_kw": Drawn(demand, two_part & (mode > 0)),
            "kwh_sharp": Drawn(ends[:, 0]),
            "kwh_peak": Drawn(ends[:, 1] - ends[:, 0]),
            "kwh_flat": Drawn(ends[:, 2] - ends[:, 1]),
            "kwh_valley": Drawn(kwh - ends[:, 2]),
            "kwh_all_points": Drawn(_share(kwh, draw.uniform(1.0, 2.0, rows)), other_points),
            "kwh_last_month": Drawn(_earlier(draw, kwh, 0.18), draw.random(rows) < 0.95),
            "under_100_kva": Drawn(small.astype(np.int64)),
            "kvarh": Drawn(kvarh * 10, ~small),  # meters give three places, the last one zero
        },
    )


# rule set, share of the portfolio, its customers
RULE_SETS: Final[Sequence[tuple[str, float, Callable[[np.random.Generator, int], Customers]]]] = (
    ("cn.jiangsu.residential", 0.30, jiangsu),
    ("cn.guangdong.residential", 0.27, guangdong),
    ("cn.sichuan.residential", 0.18, sichuan),
    ("cn.shanghai.residential", 0.13, shanghai),
    ("cn.hubei.industry_commerce", 0.12, hubei),
)


def _household_kwh(draw: np.random.Generator, rows: int) -> Floats:
    """A household's kWh of a mean month: lognormal, a few homes nearly empty, one in a hundred without any use."""
    kwh = np.minimum(draw.lognormal(5.15, 0.55, rows), 4000.0)
    kind = draw.random(rows)
    kwh = np.where(kind < 0.03, draw.uniform(0, 15, rows), kwh)
    return np.where(kind < 0.01, 0.0, kwh)


def _season(months: Sequence[float], month: Whole) -> Floats:
    return np.array(months)[month - 1]


def _year_before(draw: np.random.Generator, monthly: Floats, month: Whole) -> Whole:
    """The year's kWh before this bill: none in January."""
    return _hundredths(monthly * (month - 1) * draw.lognormal(0, 0.10, len(monthly)))


def _earlier(draw: np.random.Generator, kwh: Whole, spread: float) -> Whole:
    """The use of an earlier month, near this one's."""
    return np.floor(kwh * draw.lognormal(0, spread, len(kwh))).astype(np.int64)


def _sizes(draw: np.random.Generator, rows: int) -> Whole:
    ends = np.cumsum(HOUSEHOLD_SIZES)[:-1]
    return np.searchsorted(ends, draw.random(rows)).astype(np.int64) + 1


def _hundredths(values: Floats) -> Whole:
    return np.floor(values * 100 + 0.5).astype(np.int64)


def _share(whole: Whole, share: Floats) -> Whole:
    return np.floor(whole * share).astype(np.int64)


def _code(column: str, names: NDArray[np.str_]) -> Drawn:
    """Positions of names in the column's codes."""
    positions = np.zeros(len(names), dtype=np.int64)
    for position, code in enumerate(CODES[column]):
        positions[names == code] = position
    return Drawn(positions)
