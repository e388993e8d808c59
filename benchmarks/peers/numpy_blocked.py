"""Blocked numpy as a specialist writes it by hand: scratch that stays in the cache, nothing allocated a step.

A rounded product of non-negative whole numbers is two float64 passes, `a * c` and `rint`, where c lies a hair above
price / scale: exact while the whole product stays below 2^50. Conditions multiply, since a branch a row costs ten
times a pass. The answer's memory is made once, with the scratch, as a program that bills every night would do. A block
with a row to refuse is billed again with harmless values in that row. It is shown as what one bill costs by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.power_factor import percent_by_factor, settle
from benchmarks.sides import Side, answered
from benchmarks.workloads import REFUSED, W2, Columns, Floats, Ints, Workload, harmless, outside

BLOCK_ROWS = 16_384
PERCENT = percent_by_factor().astype(np.float64)
assert W2.claim is not None
KWH_MAX = W2.claim.high


def side() -> Side:
    """Give blocked numpy as a side."""
    return Side("numpy-blocked", "hand-written numpy, blocks, exact float64 passes", _load, _bill, answered)


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


@dataclass(slots=True)
class _Loaded:
    workload: Workload
    given: Columns
    bills: dict[str, npt.NDArray[Any]]
    scratch: _Scratch


def _load(workload: Workload, columns: Columns) -> _Loaded:
    rows = len(columns[workload.inputs[0].name])
    bills: dict[str, npt.NDArray[Any]] = {name: np.empty(rows, dtype=np.int64) for name in workload.outputs}
    bills |= {name: np.empty(rows, dtype=np.uint8) for name in (*workload.flags, REFUSED)}
    return _Loaded(workload, columns, bills, _Scratch(min(rows, BLOCK_ROWS)))


def _bill(loaded: _Loaded) -> Mapping[str, npt.NDArray[Any]]:
    workload, bills = loaded.workload, loaded.bills
    rows = len(bills["total"])
    makes = _residential if workload.name == "W1" else _industrial
    for start in range(0, rows, BLOCK_ROWS):
        end = min(start + BLOCK_ROWS, rows)
        scratch = loaded.scratch if end - start == loaded.scratch.rows else _Scratch(end - start)
        given = {name: values[start:end] for name, values in loaded.given.items()}
        out = {name: values[start:end] for name, values in bills.items()}
        out[REFUSED].fill(0)
        if not (_in_bounds(workload, given) and makes(given, out, scratch)):
            refused = outside(workload, given)
            assert makes(harmless(workload, given, refused), out, scratch)
            np.copyto(out[REFUSED], refused, casting="unsafe")
    return bills


def _in_bounds(workload: Workload, given: Columns) -> bool:
    """Check a block's bounds; seen as unsigned, a number below zero lies above every bound."""
    return all(
        int(given[column.name].view(np.uint64).max()) <= column.high
        and (not column.low or int(given[column.name].min()) >= column.low)
        for column in workload.inputs
    )


def _rounded(quantity: Floats, factor: float, out: Floats) -> None:
    np.multiply(quantity, factor, out=out)
    np.rint(out, out=out)


def _residential(given: Columns, out: Columns, scratch: _Scratch) -> bool:
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
    np.greater(kwh, one, out=out["usage_surge"].view(np.bool_))
    return True


def _industrial(given: Columns, out: Columns, scratch: _Scratch) -> bool:
    """Bill a block; False: some row breaks the claim."""
    kwh, energy, base, one, two, three = scratch.take_ints(6)
    active, ratio, reactive = scratch.take_floats(3)
    np.add(given["kwh_sharp"], given["kwh_peak"], out=kwh)
    np.add(kwh, given["kwh_flat"], out=kwh)
    np.add(kwh, given["kwh_valley"], out=kwh)
    if int(kwh.max()) > KWH_MAX:
        return False
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
    np.copyto(active, kwh)
    _rounded(active, _above(19, 1000), ratio)
    np.copyto(out["fund_a"], ratio, casting="unsafe")
    _rounded(active, _above(23, 10_000), ratio)
    np.copyto(out["fund_b"], ratio, casting="unsafe")
    # power factor, its percentage, the adjustment
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
    np.add(base, out["power_factor"], out=base)
    np.add(base, out["quantity_discount"], out=base)
    np.add(base, out["fund_a"], out=base)
    np.add(base, out["fund_b"], out=out["total"])
    return True


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
