"""Whole-array numpy in int64, as a careful engineer writes it by hand: clear, exact, a temporary a step."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.power_factor import percent_by_factor, settle
from benchmarks.sides import Side, answered
from benchmarks.workloads import REFUSED, W2, Columns, Ints, Workload, harmless, in_bounds, outside

PERCENT = percent_by_factor()
assert W2.claim is not None
KWH_MAX = W2.claim.high


def side() -> Side:
    """Give whole-array numpy as a side."""
    return Side("numpy", "hand-written numpy int64, whole arrays", _load, _bill, answered)


def _load(workload: Workload, columns: Columns) -> tuple[Workload, Columns]:
    return workload, columns


def _bill(loaded: tuple[Workload, Columns]) -> Columns:
    workload, columns = loaded
    makes = _residential if workload.name == "W1" else _industrial
    bills = makes(columns) if in_bounds(workload, columns) else None
    if bills is not None:
        return bills
    refused = outside(workload, columns)
    bills = makes(harmless(workload, columns, refused))
    assert bills is not None
    return {**bills, REFUSED: refused.astype(np.int64)}


def _residential(given: Columns) -> Columns | None:
    peak, valley, ytd = given["kwh_peak"], given["kwh_valley"], given["ytd_kwh"]
    kwh = peak + valley
    end = ytd + kwh
    first_limit = np.where(given["household_size"] >= 5, 396_000, 276_000)
    second_limit = first_limit + 204_000
    below_first = np.minimum(end, first_limit) - np.minimum(ytd, first_limit)
    below_second = np.minimum(end, second_limit) - np.minimum(ytd, second_limit)
    first = (below_first * 5283 + 5000) // 10_000
    second = ((below_second - below_first) * 5783 + 5000) // 10_000
    third = ((kwh - below_second) * 8283 + 5000) // 10_000
    on_tou = given["on_tou"]
    peak_extra = (peak * 3 + 50) // 100 * on_tou
    valley_less = (valley * -17 - 50 + 99) // 100 * on_tou  # half away from zero, of a number that is not positive
    quota = (np.minimum(kwh, 1500) * -5283 - 5000 + 9999) // 10_000 * given["low_income"]
    return {
        "energy.1": first,
        "energy.2": second,
        "energy.3": third,
        "peak": peak_extra,
        "valley": valley_less,
        "free_quota": quota,
        "total": first + second + third + peak_extra + valley_less + quota,
        "usage_surge": (2 * kwh > 3 * given["last_year_kwh"]).view(np.int8),
    }


def _industrial(given: Columns) -> Columns | None:
    kwh = given["kwh_sharp"] + given["kwh_peak"] + given["kwh_flat"] + given["kwh_valley"]
    if int(kwh.max(initial=0)) > KWH_MAX:
        return None  # some row breaks the claim
    sharp = (given["kwh_sharp"] * 112_345_678 + 50_000_000) // 100_000_000
    peak = (given["kwh_peak"] * 98_765_432 + 50_000_000) // 100_000_000
    flat = (given["kwh_flat"] * 65_432_109 + 50_000_000) // 100_000_000
    valley = (given["kwh_valley"] * 31_415_926 + 50_000_000) // 100_000_000
    energy = sharp + peak + flat + valley
    kva, kw = given["capacity_kva"], given["max_demand_kw"]
    by_demand = np.where(kwh >= 26_000 * kva, (kw * 432 + 5) // 10, kw * 48)
    basic = np.where(given["basic_mode"] == 0, kva * 3200, by_demand)
    percent = PERCENT[_power_factor(kwh, given["kvarh"])]
    percent[kwh == 0] = 0
    adjustment = (energy + basic) * percent
    adjustment = np.sign(adjustment) * ((np.abs(adjustment) + 5000) // 10_000)
    over = np.maximum(kwh - 100_000_000, 0)
    divisor = 50 * np.maximum(kwh, 1)
    discount = -((energy * over + divisor // 2) // divisor)
    fund_a = (kwh * 19 + 500) // 1000
    fund_b = (kwh * 23 + 5000) // 10_000
    return {
        "energy.sharp": sharp,
        "energy.peak": peak,
        "energy.flat": flat,
        "energy.valley": valley,
        "basic": basic,
        "power_factor": adjustment,
        "quantity_discount": discount,
        "fund_a": fund_a,
        "fund_b": fund_b,
        "total": energy + basic + adjustment + discount + fund_a + fund_b,
    }


def _power_factor(kwh: Ints, kvarh: Ints) -> Ints:
    """Round P / sqrt(P^2 + Q^2) to 0.01; both zero gives zero. Near ties are settled in whole numbers."""
    active, reactive = kwh.astype(np.float64), kvarh.astype(np.float64)
    apparent = np.sqrt(active * active + reactive * reactive)
    shifted = 100.0 * (active / np.maximum(apparent, 1.0)) + 0.5
    factor = np.floor(shifted)
    near = np.flatnonzero(np.abs(shifted - np.rint(shifted)) < 1e-9)
    rounded = factor.astype(np.int64)
    for row in near.tolist():
        if kwh[row] or kvarh[row]:
            rounded[row] = settle(int(kwh[row]), int(kvarh[row]), int(rounded[row]))
    return rounded
