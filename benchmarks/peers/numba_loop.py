"""numba, one loop a bill, as a specialist writes it: whole numbers, no branch, divisions that become vectors.

Exact for the reasons that the C loops are: within the bounds every product fits 64 bits, a division is the quotient of
doubles settled by its remainder, and a power factor near a tie is settled in Python's whole numbers. A row out of
bounds is found by one flag for all rows, and only then looked for. The compilation, some seconds at each
start, is not measured. It computes one bill and nothing else.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.power_factor import percent_by_factor, settle
from benchmarks.sides import Side, answered
from benchmarks.workloads import REFUSED, Columns, Mask, Workload, outside

MISSING = None if importlib.util.find_spec("numba") else "numba is not installed: pip install 'dianjia[native]'"
PERCENT = percent_by_factor()


def side() -> Side:
    """Give numba as a side."""
    return Side("numba", "numba, one loop", _load, _bill, answered, missing=MISSING)


@dataclass(frozen=True, slots=True)
class _Loaded:
    workload: Workload
    given: Columns
    bills: dict[str, npt.NDArray[Any]]
    loop: Callable[..., int]


def _load(workload: Workload, columns: Columns) -> _Loaded:
    rows = len(columns[workload.inputs[0].name])
    bills: dict[str, npt.NDArray[Any]] = {name: np.empty(rows, dtype=np.int64) for name in workload.outputs}
    bills |= {name: np.empty(rows, dtype=np.uint8) for name in workload.flags}
    bills[REFUSED] = np.zeros(rows, dtype=np.uint8)
    residential, industrial = loops()
    loaded = _Loaded(
        workload,
        {one.name: np.ascontiguousarray(columns[one.name]) for one in workload.inputs},
        bills,
        residential if workload.name == "W1" else industrial,
    )
    _bill(loaded)  # compiles
    return loaded


def _bill(loaded: _Loaded) -> Mapping[str, npt.NDArray[Any]]:
    workload, bills = loaded.workload, loaded.bills
    out = [bills[name] for name in workload.outputs]
    state = loaded.loop(*loaded.given.values(), *out)
    if state & 1:
        np.copyto(bills[REFUSED], outside(workload, loaded.given), casting="unsafe")
    if state & 2:
        for row in np.flatnonzero(_near(loaded.given) & (bills[REFUSED] == 0)).tolist():
            _settle(loaded.given, bills, row)
    return bills


def _near(given: Columns) -> Mask:
    """Say which rows' power factors lie near a rounding tie."""
    active = (given["kwh_sharp"] + given["kwh_peak"] + given["kwh_flat"] + given["kwh_valley"]).astype(np.float64)
    reactive = given["kvarh"].astype(np.float64)
    ratio = 100.0 * active / np.maximum(np.sqrt(active * active + reactive * reactive), 1.0)
    near: Mask = np.abs(ratio - np.rint(ratio)) > 0.5 - 2e-9
    return near


def _settle(given: Columns, bills: dict[str, npt.NDArray[Any]], row: int) -> None:
    """Bill one power factor again, exactly."""
    kwh = sum(int(given[f"kwh_{period}"][row]) for period in ("sharp", "peak", "flat", "valley"))
    if kwh == 0:
        return
    factor = settle(kwh, int(given["kvarh"][row]), 90)
    base = sum(
        int(bills[name][row]) for name in ("energy.sharp", "energy.peak", "energy.flat", "energy.valley", "basic")
    )
    product = base * int(PERCENT[factor])
    adjustment = (abs(product) + 5000) // 10_000 * (1 if product > 0 else -1)
    bills["total"][row] += adjustment - bills["power_factor"][row]
    bills["power_factor"][row] = adjustment


@cache
def loops() -> tuple[Callable[..., int], Callable[..., int]]:
    """Write both loops; numba compiles each at its first call."""
    import numba

    compiled = numba.njit(error_model="numpy", boundscheck=False)

    @compiled
    def over(value: Any, by: Any) -> Any:
        total = value + by // 2
        quotient = np.int64(np.float64(total) * (1.0 / by))
        rest = total - quotient * by
        return quotient + (rest >= by) - (rest < 0)

    @compiled
    def residential(
        peak: Any, valley: Any, ytd: Any, last_year: Any, size: Any, low_income: Any, on_tou: Any,
        first: Any, second: Any, third: Any, extra: Any, less: Any, quota: Any, total: Any, surge: Any,
    ) -> Any:  # fmt: skip
        bad = False
        for i in range(len(peak)):
            kwh = peak[i] + valley[i]
            end = ytd[i] + kwh
            bad |= (peak[i] < 0) | (peak[i] > 1_000_000) | (valley[i] < 0) | (valley[i] > 1_000_000)
            bad |= (ytd[i] < 0) | (ytd[i] > 10_000_000) | (last_year[i] < 0) | (last_year[i] > 10_000_000)
            bad |= (size[i] < 1) | (size[i] > 20) | (low_income[i] < 0) | (low_income[i] > 1)
            bad |= (on_tou[i] < 0) | (on_tou[i] > 1)
            first_limit = 396_000 if size[i] >= 5 else 276_000
            second_limit = first_limit + 204_000
            below_first = min(end, first_limit) - min(ytd[i], first_limit)
            below_second = min(end, second_limit) - min(ytd[i], second_limit)
            one = over(below_first * 5283, 10_000)
            two = over((below_second - below_first) * 5783, 10_000)
            three = over((kwh - below_second) * 8283, 10_000)
            four = over(peak[i] * 3, 100) * on_tou[i]
            five = -over(valley[i] * 17, 100) * on_tou[i]
            six = -over(min(kwh, 1500) * 5283, 10_000) * low_income[i]
            first[i] = one
            second[i] = two
            third[i] = three
            extra[i] = four
            less[i] = five
            quota[i] = six
            total[i] = one + two + three + four + five + six
            surge[i] = 2 * kwh > 3 * last_year[i]
        return np.int64(bad)

    @compiled
    def industrial(
        sharp: Any, peak: Any, flat: Any, valley: Any, demand: Any, kvarh: Any, kva: Any, mode: Any,
        sharp_fen: Any, peak_fen: Any, flat_fen: Any, valley_fen: Any, basic_fen: Any, factor_fen: Any,
        discount_fen: Any, fund_a: Any, fund_b: Any, total: Any,
    ) -> Any:  # fmt: skip
        bad = False
        ties = False
        for i in range(len(sharp)):
            kwh = sharp[i] + peak[i] + flat[i] + valley[i]
            bad |= (sharp[i] < 0) | (peak[i] < 0) | (flat[i] < 0) | (valley[i] < 0) | (kwh > 500_000_000)
            bad |= (sharp[i] > 500_000_000) | (peak[i] > 500_000_000) | (flat[i] > 500_000_000)
            bad |= (valley[i] > 500_000_000) | (demand[i] < 0) | (demand[i] > 20_000_000) | (kvarh[i] < 0)
            bad |= (kvarh[i] > 1_000_000_000) | (kva[i] < 1) | (kva[i] > 200_000) | (mode[i] < 0) | (mode[i] > 1)
            a = over(sharp[i] * 112_345_678, 100_000_000)
            b = over(peak[i] * 98_765_432, 100_000_000)
            c = over(flat[i] * 65_432_109, 100_000_000)
            d = over(valley[i] * 31_415_926, 100_000_000)
            energy = a + b + c + d
            by_demand = over(demand[i] * (432 if kwh >= 26_000 * kva[i] else 480), 10)
            basic = by_demand if mode[i] else 3200 * kva[i]
            active = np.float64(kwh)
            reactive = np.float64(kvarh[i])
            ratio = 100.0 * active / max(np.sqrt(active * active + reactive * reactive), 1.0)
            nearest = np.rint(ratio)
            tie = abs(ratio - nearest) > 0.5 - 1e-9
            ties |= tie  # which rows, is looked up where there are any: a byte to store would cost the vectors
            factor = np.int64(nearest)
            low: Any = min(1500, 1000 + 100 * (70 - factor) if factor < 70 else 50 * (90 - factor))
            high: Any = max(-75, -15 * (factor - 90))
            product = (energy + basic) * (0 if kwh == 0 else (low if factor < 90 else high))
            rounded = over(abs(product), 10_000)
            adjustment = -rounded if product < 0 else rounded
            numerator = energy * max(kwh - 100_000_000, 0) + 25 * kwh
            divisor = 50 * max(kwh, 1)
            discount = np.int64(np.float64(numerator) / np.float64(divisor))
            rest = numerator - discount * divisor
            discount += (rest >= divisor) - (rest < 0)
            fa = over(kwh * 19, 1000)
            fb = over(kwh * 23, 10_000)
            sharp_fen[i] = a
            peak_fen[i] = b
            flat_fen[i] = c
            valley_fen[i] = d
            basic_fen[i] = basic
            factor_fen[i] = adjustment
            discount_fen[i] = -discount
            fund_a[i] = fa
            fund_b[i] = fb
            total[i] = energy + basic + adjustment - discount + fa + fb
        return np.int64(bad) + 2 * np.int64(ties)

    return residential, industrial
