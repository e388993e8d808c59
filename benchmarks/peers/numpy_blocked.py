"""Blocked numpy as a specialist writes it by hand: scratch that stays in the cache, nothing allocated a step.

A rounded product of non-negative whole numbers is two float64 passes, `a * c` and `rint`, where c lies a hair above
price / scale: exact while the whole product stays below 2^50. Conditions multiply, since a branch a row costs ten
times a pass. This is what the engine may hope to reach; it is shown for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.peers.power_factor import percent_by_factor, settle
from benchmarks.sides import Side
from benchmarks.workloads import Columns, Floats, Ints, Workload

BLOCK_ROWS = 16_384
PERCENT = percent_by_factor().astype(np.float64)


def side() -> Side:
    """Give blocked numpy as a side."""
    return Side("numpy-blocked", "hand-written numpy, blocks, exact float64 passes", _load, _bill, _answer)


def _above(price: int, scale: int) -> float:
    """Give the double just above price / scale, so that a tie rounds away from zero."""
    return float(np.nextafter(np.nextafter(price / scale, np.inf), np.inf))


@dataclass(slots=True)
class _Scratch:
    """Columns of one block's length, made once and reused."""

    rows: int
    floats: list[Floats] = field(default_factory=list)
    ints: list[Ints] = field(default_factory=list)

    def take_floats(self, count: int) -> list[Floats]:
        while len(self.floats) < count:
            self.floats.append(np.empty(self.rows))
        return self.floats[:count]

    def take_ints(self, count: int) -> list[Ints]:
        while len(self.ints) < count:
            self.ints.append(np.empty(self.rows, dtype=np.int64))
        return self.ints[:count]


def _load(workload: Workload, columns: Columns) -> tuple[Workload, Columns]:
    return workload, columns


def _answer(workload: Workload, bills: Columns) -> Columns:
    return bills


def _bill(loaded: tuple[Workload, Columns]) -> Columns:
    workload, columns = loaded
    rows = len(columns[workload.inputs[0].name])
    bills = {name: np.empty(rows, dtype=np.int64) for name in workload.outputs}
    block_bill = _residential if workload.name == "W1" else _industrial
    scratch = _Scratch(min(rows, BLOCK_ROWS))
    for start in range(0, rows, BLOCK_ROWS):
        end = min(start + BLOCK_ROWS, rows)
        if end - start != scratch.rows:
            scratch = _Scratch(end - start)
        given = {name: values[start:end] for name, values in columns.items()}
        _check(workload, given)
        block_bill(given, {name: values[start:end] for name, values in bills.items()}, scratch)
    return bills


def _check(workload: Workload, given: Columns) -> None:
    """Check a block's bounds; seen as unsigned, a number below zero lies above every bound."""
    for column in workload.inputs:
        values = given[column.name]
        if int(values.view(np.uint64).max()) > column.high or (column.low and int(values.min()) < column.low):
            raise ValueError(f"{column.name} leaves its bounds")


def _rounded(quantity: Floats, factor: float, out: Floats) -> None:
    np.multiply(quantity, factor, out=out)
    np.rint(out, out=out)


def _residential(given: Columns, out: Columns, scratch: _Scratch) -> None:
    peak, valley, ytd, kwh, end, first_limit, second_limit, one, two, total, mask = scratch.take_floats(11)
    np.copyto(peak, given["kwh_peak"])
    np.copyto(valley, given["kwh_valley"])
    np.copyto(ytd, given["ytd_kwh"])
    np.add(peak, valley, out=kwh)
    np.add(ytd, kwh, out=end)
    np.greater_equal(given["household_size"], 5, out=one, casting="unsafe")
    np.multiply(one, 120_000.0, out=first_limit)
    np.add(first_limit, 480_000.0, out=second_limit)
    np.add(first_limit, 276_000.0, out=first_limit)
    np.minimum(end, first_limit, out=one)
    np.minimum(ytd, first_limit, out=two)
    np.subtract(one, two, out=one)  # kWh below the first limit
    np.minimum(end, second_limit, out=end)
    np.minimum(ytd, second_limit, out=two)
    np.subtract(end, two, out=two)  # kWh below the second limit
    np.subtract(two, one, out=end)
    _rounded(one, _above(5283, 10_000), total)
    np.copyto(out["energy.1"], total, casting="unsafe")
    _rounded(end, _above(5783, 10_000), one)
    np.copyto(out["energy.2"], one, casting="unsafe")
    np.add(total, one, out=total)
    np.subtract(kwh, two, out=two)
    _rounded(two, _above(8283, 10_000), one)
    np.copyto(out["energy.3"], one, casting="unsafe")
    np.add(total, one, out=total)
    np.copyto(mask, given["on_tou"])
    _rounded(peak, _above(3, 100), one)
    np.multiply(one, mask, out=one)
    np.copyto(out["peak"], one, casting="unsafe")
    np.add(total, one, out=total)
    _rounded(valley, -_above(17, 100), one)
    np.multiply(one, mask, out=one)
    np.copyto(out["valley"], one, casting="unsafe")
    np.add(total, one, out=total)
    np.minimum(kwh, 1500.0, out=two)
    _rounded(two, -_above(5283, 10_000), one)
    np.copyto(mask, given["low_income"])
    np.multiply(one, mask, out=one)
    np.copyto(out["free_quota"], one, casting="unsafe")
    np.add(total, one, out=total)
    np.copyto(out["total"], total, casting="unsafe")
    np.multiply(given["last_year_kwh"], 1.5, out=one)
    np.greater(kwh, one, out=out["usage_surge"], casting="unsafe")


def _industrial(given: Columns, out: Columns, scratch: _Scratch) -> None:
    kwh, energy, base, one, two, three = scratch.take_ints(6)
    active, ratio, reactive = scratch.take_floats(3)
    np.add(given["kwh_sharp"], given["kwh_peak"], out=kwh)
    np.add(kwh, given["kwh_flat"], out=kwh)
    np.add(kwh, given["kwh_valley"], out=kwh)
    for period, price in (("sharp", 112_345_678), ("peak", 98_765_432), ("flat", 65_432_109), ("valley", 31_415_926)):
        np.multiply(given[f"kwh_{period}"], price, out=one)
        np.add(one, 50_000_000, out=one)
        np.floor_divide(one, 100_000_000, out=out[f"energy.{period}"])
    np.add(out["energy.sharp"], out["energy.peak"], out=energy)
    np.add(energy, out["energy.flat"], out=energy)
    np.add(energy, out["energy.valley"], out=energy)
    # basic: price of a tenth of a kW is 480 less 48 where the factory uses 260 kWh a kVA; then one of two modes
    np.multiply(given["capacity_kva"], 26_000, out=one)
    np.greater_equal(kwh, one, out=one, casting="unsafe")
    np.multiply(one, -48, out=one)
    np.add(one, 480, out=one)
    np.multiply(given["max_demand_kw"], one, out=one)
    np.add(one, 5, out=one)
    np.floor_divide(one, 10, out=one)
    np.multiply(given["capacity_kva"], 3200, out=two)
    np.subtract(one, two, out=one)
    np.multiply(one, given["basic_mode"], out=one)
    np.add(one, two, out=out["basic"])
    np.add(energy, out["basic"], out=base)
    # power factor, its percentage, the adjustment
    np.copyto(active, kwh)
    np.copyto(reactive, given["kvarh"])
    np.multiply(reactive, reactive, out=reactive)
    np.multiply(active, active, out=ratio)
    np.add(ratio, reactive, out=ratio)
    np.sqrt(ratio, out=ratio)
    np.maximum(ratio, 1.0, out=ratio)
    np.divide(active, ratio, out=ratio)
    np.multiply(ratio, 100.0, out=ratio)
    np.rint(ratio, out=reactive)
    np.copyto(one, reactive, casting="unsafe")
    np.subtract(ratio, reactive, out=ratio)
    np.abs(ratio, out=ratio)
    if float(ratio.max()) > 0.5 - 1e-9:
        for row in np.flatnonzero(ratio > 0.5 - 1e-9).tolist():
            one[row] = settle(int(kwh[row]), int(given["kvarh"][row]), int(one[row]))
    np.take(PERCENT, one, out=reactive, mode="clip")
    if int(kwh.min()) == 0:
        reactive[kwh == 0] = 0.0
    np.copyto(ratio, base)
    np.multiply(reactive, ratio, out=reactive)
    _rounded(reactive, _above(1, 10_000), reactive)
    np.copyto(out["power_factor"], reactive, casting="unsafe")
    # discount: half up of energy x over / (50 kWh) is the floor of (energy x over + 25 kWh) / (50 kWh)
    np.subtract(kwh, 100_000_000, out=one)
    np.maximum(one, 0, out=one)
    np.multiply(energy, one, out=one)
    np.maximum(kwh, 1, out=two)
    np.multiply(two, 25, out=energy)
    np.add(one, energy, out=one)
    np.add(energy, energy, out=two)
    _floor_divide(one, two, quotient=energy, scratch=three, floats=active)
    np.negative(energy, out=out["quantity_discount"])
    np.multiply(kwh, 19, out=one)
    np.add(one, 500, out=one)
    np.floor_divide(one, 1000, out=out["fund_a"])
    np.multiply(kwh, 23, out=one)
    np.add(one, 5000, out=one)
    np.floor_divide(one, 10_000, out=out["fund_b"])
    np.add(base, out["power_factor"], out=base)
    np.add(base, out["quantity_discount"], out=base)
    np.add(base, out["fund_a"], out=base)
    np.add(base, out["fund_b"], out=out["total"])


def _floor_divide(numerator: Ints, divisor: Ints, quotient: Ints, scratch: Ints, floats: Floats) -> None:
    """Divide non-negative columns, downwards; the numerator becomes the remainder.

    The quotient of doubles is at most one off while it stays below 2^52, and the remainder settles it; an integer
    division by a column costs three times as much.
    """
    np.divide(numerator, divisor, out=floats)
    np.copyto(quotient, floats, casting="unsafe")
    np.multiply(quotient, divisor, out=scratch)
    np.subtract(numerator, scratch, out=numerator)
    np.less(numerator, 0, out=scratch, casting="unsafe")
    np.subtract(quotient, scratch, out=quotient)
    np.greater_equal(numerator, divisor, out=scratch, casting="unsafe")
    np.add(quotient, scratch, out=quotient)
