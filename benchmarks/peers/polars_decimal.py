"""Polars with every amount a Decimal(38, 10), one thread.

At its natural scale Polars rounds a product to the wider operand's places before `round` sees it, and `round` is
half even unless told otherwise; ten places hold every product of these bills, and the mode is named. The discount
divides whole numbers (Int128), because a Decimal quotient is itself rounded once. What is 0 or 1 is an Int8, which can
hold what has to be refused; rows to refuse, where there are any, are filtered out before the bills are made.
"""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from benchmarks.peers.arrow_decimals import to_decimals, to_whole_numbers
from benchmarks.peers.power_factor import percent_by_factor, settle
from benchmarks.sides import Side, answered, spread
from benchmarks.workloads import Columns, Workload

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read once, when polars is imported

import numpy as np
import polars as pl
import pyarrow as pa

WIDE = pl.Decimal(38, 10)
TEN_PLACES = 10


def side() -> Side:
    """Give Polars as a side."""
    return Side("polars", "Polars Decimal(38, 10), POLARS_MAX_THREADS=1", _load, _bill, _answer, rows_max=1_000_000)


def _load(workload: Workload, columns: Columns) -> tuple[Workload, pl.DataFrame]:
    table = {}
    for column in workload.inputs:
        values = columns[column.name]
        if column.high == 1:
            table[column.name] = pa.array(values.astype(np.int8))
        elif column.places:
            scaled = values * 10 ** (TEN_PLACES - column.places)
            table[column.name] = to_decimals(scaled, 38, TEN_PLACES)
        else:
            table[column.name] = pa.array(values)
    frame = pl.from_arrow(pa.table(table), rechunk=True)
    assert isinstance(frame, pl.DataFrame)
    return workload, frame


def _bill(loaded: tuple[Workload, pl.DataFrame]) -> tuple[pl.DataFrame, pl.Series | None]:
    workload, given = loaded
    makes = _residential if workload.name == "W1" else _industrial
    whole = pl.any_horizontal(
        (pl.col(c.name).min() < _bound(c.low, c.places)) | (pl.col(c.name).max() > _bound(c.high, c.places))
        for c in workload.inputs
    )
    if workload.claim is not None:
        claim = _sum(*workload.claim.columns) > _bound(workload.claim.high, 2)
        whole = whole | claim.any()
    if not given.select(whole).item():
        return makes(given), None
    each = pl.any_horizontal(
        (pl.col(c.name) < _bound(c.low, c.places)) | (pl.col(c.name) > _bound(c.high, c.places))
        for c in workload.inputs
    )
    outside = given.select(each if workload.claim is None else each | claim).to_series()
    return makes(given.filter(~outside)), outside


def _bound(value: int, places: int) -> pl.Expr:
    return pl.lit(value) if places == 0 else _number(str(Decimal(value).scaleb(-places)))


def _answer(workload: Workload, outcome: tuple[pl.DataFrame, pl.Series | None]) -> Columns:
    bills, outside = outcome
    table: Any = bills.to_arrow()
    whole = {name: to_whole_numbers(table[name], 0 if name in workload.flags else 2) for name in workload.outputs}
    if outside is None:
        return answered(workload, whole)
    return spread(workload, whole, np.flatnonzero(~outside.to_numpy()), len(outside))


def _number(text: str) -> pl.Expr:
    return pl.lit(Decimal(text), dtype=WIDE)


def _fen(amount: pl.Expr) -> pl.Expr:
    return amount.round(2, mode="half_away_from_zero")


def _residential(given: pl.DataFrame) -> pl.DataFrame:
    zero = _number("0")
    kwh, ytd = pl.col("kwh"), pl.col("ytd_kwh")
    large = pl.col("household_size") >= 5
    return (
        given.lazy()
        .with_columns(
            kwh=pl.col("kwh_peak") + pl.col("kwh_valley"),
            first_limit=pl.when(large).then(_number("3960")).otherwise(_number("2760")),
            second_limit=pl.when(large).then(_number("6000")).otherwise(_number("4800")),
        )
        .with_columns(
            below_first=_least(ytd + kwh, pl.col("first_limit")) - _least(ytd, pl.col("first_limit")),
            below_second=_least(ytd + kwh, pl.col("second_limit")) - _least(ytd, pl.col("second_limit")),
        )
        .select(
            _fen(pl.col("below_first") * _number("0.5283")).alias("energy.1"),
            _fen((pl.col("below_second") - pl.col("below_first")) * _number("0.5783")).alias("energy.2"),
            _fen((kwh - pl.col("below_second")) * _number("0.8283")).alias("energy.3"),
            pl.when(pl.col("on_tou") == 1)
            .then(_fen(pl.col("kwh_peak") * _number("0.03")))
            .otherwise(zero)
            .alias("peak"),
            pl.when(pl.col("on_tou") == 1)
            .then(_fen(pl.col("kwh_valley") * _number("-0.17")))
            .otherwise(zero)
            .alias("valley"),
            pl.when(pl.col("low_income") == 1)
            .then(_fen(_least(kwh, _number("15")) * _number("-0.5283")))
            .otherwise(zero)
            .alias("free_quota"),
            (kwh > pl.col("last_year_kwh") * _number("1.5")).alias("usage_surge"),
        )
        .with_columns(
            total=_sum("energy.1", "energy.2", "energy.3", "peak", "valley", "free_quota"),
        )
        .collect()
    )


def _industrial(given: pl.DataFrame) -> pl.DataFrame:
    kwh, energy = pl.col("kwh"), pl.col("energy")
    active, reactive = kwh.cast(pl.Float64), pl.col("kvarh").cast(pl.Float64)
    apparent = (active * active + reactive * reactive).sqrt()
    by_demand = (
        pl.when(kwh >= (pl.col("capacity_kva") * 260).cast(WIDE))
        .then(_fen(pl.col("max_demand_kw") * _number("43.2")))
        .otherwise(pl.col("max_demand_kw") * _number("48"))
    )
    priced = (
        given.lazy()
        .with_columns(
            _fen(pl.col("kwh_sharp") * _number("1.12345678")).alias("energy.sharp"),
            _fen(pl.col("kwh_peak") * _number("0.98765432")).alias("energy.peak"),
            _fen(pl.col("kwh_flat") * _number("0.65432109")).alias("energy.flat"),
            _fen(pl.col("kwh_valley") * _number("0.31415926")).alias("energy.valley"),
            kwh=_sum("kwh_sharp", "kwh_peak", "kwh_flat", "kwh_valley"),
        )
        .with_columns(
            energy=_sum("energy.sharp", "energy.peak", "energy.flat", "energy.valley"),
            basic=pl.when(pl.col("basic_mode") == 1)
            .then(by_demand)
            .otherwise((pl.col("capacity_kva") * 32).cast(WIDE)),
            shifted=100 * (active / pl.max_horizontal(apparent, pl.lit(0.01))) + 0.5,
        )
        .collect()
    )
    factor = _settled(priced)
    hundredths_of_percent = pl.Series(percent_by_factor())
    percent = (hundredths_of_percent.cast(WIDE) * Decimal("0.0001")).gather(factor)
    over = pl.max_horizontal(_whole(kwh) - 100_000_000, pl.lit(0, dtype=pl.Int128))
    divisor = 50 * pl.max_horizontal(_whole(kwh), pl.lit(1, dtype=pl.Int128))
    discount = (_whole(energy) * over + divisor // 2) // divisor
    return (
        priced.lazy()
        .with_columns(percent=percent)
        .with_columns(
            pl.when(kwh == 0)
            .then(_number("0"))
            .otherwise(_fen((energy + pl.col("basic")) * pl.col("percent")))
            .alias("power_factor"),
            (discount.cast(WIDE) * _number("-0.01")).alias("quantity_discount"),
            _fen(kwh * _number("0.019")).alias("fund_a"),
            _fen(kwh * _number("0.0023")).alias("fund_b"),
        )
        .select(
            "energy.sharp",
            "energy.peak",
            "energy.flat",
            "energy.valley",
            "basic",
            "power_factor",
            "quantity_discount",
            "fund_a",
            "fund_b",
            _sum("energy", "basic", "power_factor", "quantity_discount", "fund_a", "fund_b").alias("total"),
        )
        .collect()
    )


def _settled(priced: pl.DataFrame) -> pl.Series:
    """Round the power factor [0.01]; rows near a tie, if any, are settled in whole numbers."""
    shifted = priced["shifted"]
    factor = shifted.floor().cast(pl.Int64)
    near = ((shifted - shifted.round()).abs() < 1e-9).arg_true()
    if len(near):
        hundred = Decimal(100)
        settled = [
            settle(int(p * hundred), int(q * hundred), guess) if p or q else 0
            for p, q, guess in zip(priced["kwh"][near], priced["kvarh"][near], factor[near], strict=True)
        ]
        factor = factor.scatter(near, settled)
    return factor


def _least(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Give the lesser of two decimals; `min_horizontal` costs several times as much on decimals."""
    return pl.when(left < right).then(left).otherwise(right)


def _whole(amount: pl.Expr) -> pl.Expr:
    return (amount * _number("100")).cast(pl.Int128)


def _sum(*names: str) -> pl.Expr:
    total = pl.col(names[0])
    for name in names[1:]:
        total = total + pl.col(name)
    return total
