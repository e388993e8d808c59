"""The independent reference: `decimal.Decimal`, a row at a time, written from the words of the two bills.

Shares nothing with the engine and nothing with the other peers, so its answers are what all are compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from typing import Any

import numpy as np

from benchmarks.sides import Side
from benchmarks.workloads import REFUSED, Columns, Workload

FEN = Decimal("0.01")
ZERO = Decimal(0)


def side() -> Side:
    """Give the reference as a side."""
    return Side("decimal", "decimal.Decimal, a row at a time", _load, _bill, _answer, rows_max=20_000)


def by_hand(workload: Workload) -> Callable[..., tuple[Decimal, ...]]:
    """Give a function of one row's values: it checks their bounds and gives `workload.outputs`."""
    scales = [Decimal(1).scaleb(-column.places) for column in workload.inputs]
    bounds = [(column.low * scale, column.high * scale) for column, scale in zip(workload.inputs, scales, strict=True)]
    context = _context()
    makes = _BILLS[workload.name]

    def bill(*values: Any) -> tuple[Decimal, ...]:
        for value, (low, high) in zip(values, bounds, strict=True):
            if not low <= value <= high:
                raise ValueError(f"{value} leaves its bounds")
        with localcontext(context):
            made = makes(*values)
        if made is None:
            raise ValueError("the row breaks the claim")
        return made

    return bill


def _load(workload: Workload, columns: Columns) -> tuple[Workload, list[list[int]]]:
    return workload, [columns[column.name].tolist() for column in workload.inputs]


def _bill(loaded: tuple[Workload, list[list[int]]]) -> list[tuple[Decimal, ...] | None]:
    workload, values = loaded
    scales = [Decimal(1).scaleb(-column.places) for column in workload.inputs]
    bounds = [(column.low, column.high) for column in workload.inputs]
    row_bill = _BILLS[workload.name]
    with localcontext(_context()):
        return [
            row_bill(*[value * scale for value, scale in zip(row, scales, strict=True)])
            if all(low <= value <= high for value, (low, high) in zip(row, bounds, strict=True))
            else None
            for row in zip(*values, strict=True)
        ]


def _context() -> Context:
    context = Context(prec=60, rounding=ROUND_HALF_UP)
    context.traps[Inexact] = False
    return context


def _answer(workload: Workload, bills: list[tuple[Decimal, ...] | None]) -> Columns:
    table: dict[str, Any] = {name: np.zeros(len(bills), dtype=np.int64) for name in (*workload.outputs, REFUSED)}
    for row, bill in enumerate(bills):
        if bill is None:
            table[REFUSED][row] = 1
            continue
        for name, value in zip(workload.outputs, bill, strict=True):
            table[name][row] = int(value) if name in workload.flags else int(value.scaleb(2))
    return table


def _fen(amount: Decimal) -> Decimal:
    return amount.quantize(FEN, rounding=ROUND_HALF_UP)


def _residential(
    kwh_peak: Decimal,
    kwh_valley: Decimal,
    ytd_kwh: Decimal,
    last_year_kwh: Decimal,
    household_size: Decimal,
    low_income: Decimal,
    on_tou: Decimal,
) -> tuple[Decimal, ...]:
    kwh = kwh_peak + kwh_valley
    widened = Decimal(1200) if household_size >= 5 else ZERO
    first_limit, second_limit = 2760 + widened, 4800 + widened
    start, end = ytd_kwh, ytd_kwh + kwh
    in_first = max(ZERO, min(end, first_limit) - start)
    in_second = max(ZERO, min(end, second_limit) - max(start, first_limit))
    in_third = max(ZERO, end - max(start, second_limit))
    items = [
        _fen(in_first * Decimal("0.5283")),
        _fen(in_second * Decimal("0.5783")),
        _fen(in_third * Decimal("0.8283")),
        _fen(kwh_peak * Decimal("0.03")) if on_tou else ZERO,
        _fen(kwh_valley * Decimal("-0.17")) if on_tou else ZERO,
        -_fen(min(Decimal(15), kwh) * Decimal("0.5283")) if low_income else ZERO,
    ]
    surge = Decimal(1) if kwh > Decimal("1.5") * last_year_kwh else ZERO
    return (*items, sum(items, ZERO), surge)


def _industrial(
    kwh_sharp: Decimal,
    kwh_peak: Decimal,
    kwh_flat: Decimal,
    kwh_valley: Decimal,
    max_demand_kw: Decimal,
    kvarh: Decimal,
    capacity_kva: Decimal,
    basic_mode: Decimal,
) -> tuple[Decimal, ...] | None:
    kwh = kwh_sharp + kwh_peak + kwh_flat + kwh_valley
    if kwh > 5_000_000:
        return None
    energies = [
        _fen(kwh_sharp * Decimal("1.12345678")),
        _fen(kwh_peak * Decimal("0.98765432")),
        _fen(kwh_flat * Decimal("0.65432109")),
        _fen(kwh_valley * Decimal("0.31415926")),
    ]
    energy = sum(energies, ZERO)
    if basic_mode == 0:
        basic = _fen(capacity_kva * 32)
    elif kwh / capacity_kva >= 260:
        basic = _fen(max_demand_kw * Decimal("43.2"))
    else:
        basic = _fen(max_demand_kw * 48)
    if kwh == 0:
        adjustment = discount = ZERO
    else:
        factor = _fen(kwh / (kwh * kwh + kvarh * kvarh).sqrt())
        adjustment = _fen((energy + basic) * _percent(factor) / 100)
        discount = -_fen(Decimal("0.02") * energy * max(ZERO, kwh - 1_000_000) / kwh)
    items = [*energies, basic, adjustment, discount, _fen(kwh * Decimal("0.019")), _fen(kwh * Decimal("0.0023"))]
    return (*items, sum(items, ZERO))


def _percent(factor: Decimal) -> Decimal:
    """The national table for the standard 0.90, kept between -0.75 % and +15 %."""
    if factor >= Decimal("0.95"):
        return Decimal("-0.75")
    if factor >= Decimal("0.90"):
        return (factor - Decimal("0.90")) / FEN * Decimal("-0.15")
    if factor >= Decimal("0.70"):
        return (Decimal("0.90") - factor) / FEN * Decimal("0.5")
    return min(Decimal(15), 10 + (Decimal("0.70") - factor) / FEN)


_BILLS: dict[str, Callable[..., tuple[Decimal, ...] | None]] = {"W1": _residential, "W2": _industrial}
