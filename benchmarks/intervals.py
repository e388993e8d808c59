"""Interval data: to periods and demands, to bills of a month, and to a year's bills; `python -m benchmarks.intervals`.

Three workloads, each from integer columns in memory to int64 results in memory, bounds checked within the time:

- `periods`: 96 points x 31 days of 2,000 meters to the sums of five periods and the highest interval. Dianjia, whose
  outcome is bills already, beside C and two ways one writes it with numpy; values as they lie by meter and by interval.
- `month`: the same data to bills with tiers, time-of-use differences and two demands (`rules/load_month`).
- `year`: twelve rows of hours a meter, with days of 23 and 25 hours (`rules/load_hours`): one meter in one call, and
  1,000 meters with their months in the order of the calendar, meter after meter.

CPU time of all threads, in turns, medians. Every answer of `periods` is compared with C's (numpy's, where there is no
C), and of the others a sample of meters with Decimal arithmetic over the calendar of the standard library.
"""

from __future__ import annotations

import argparse
import gc
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from benchmarks.clock import cpu_seconds
from benchmarks.peers import interval_loops
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.evaluate import Plans, Result, evaluate
from engine.evaluator.rows import EPOCH, Children, Column, Rows

RULES = Path(__file__).parent / "rules"
POINTS, DAYS, METERS = 96, 31, 2000
YEAR_METERS = 1000
HIGH = 10_000_000  # of an interval, as the rule sets say, in whole numbers of their places
PERIODS = ("sharp", "peak", "flat", "valley", "deep")
HOURS = (3, 3, 4, 4, 4, 3, 3, 2, 2, 2, 1, 1, 2, 2, 2, 1, 1, 1, 1, 0, 0, 2, 3, 3)  # period of each hour, as in the rules
JANUARY = date(2026, 1, 1)
CHECKED = 12  # meters that are billed in Decimal arithmetic
ROUNDS = 9
WORKLOADS = ("periods", "month", "year")

Ints = npt.NDArray[np.int64]
Whole = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to do one workload."""

    workload: str
    side: str
    title: str
    rows: int
    items: int
    rounds: tuple[float, ...]  # s of CPU
    checked: int  # rows compared
    wrong: int  # of them

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def ns_per_item(self) -> float:
        """CPU time of an item."""
        return self.seconds / self.items * 1e9

    @property
    def rows_per_second(self) -> float:
        """Rows a second and core."""
        return self.rows / self.seconds


@dataclass(frozen=True, slots=True)
class Side:
    """One way to do one workload, with its data in memory."""

    workload: str
    name: str
    title: str
    rows: int
    items: int
    call: Callable[[], object]
    wrong: Callable[[Any], tuple[int, int]]  # of an outcome: rows checked, and wrong ones


def sides(workload: str, meters: int | None = None) -> list[Side]:
    """Give every way to do a workload of `WORKLOADS`; `meters`: other than usual."""
    if workload == "year":
        return _year(YEAR_METERS if meters is None else meters)
    return {"periods": _periods, "month": _month}[workload](METERS if meters is None else meters)


def measure(rounds: int = ROUNDS, workloads: Sequence[str] = WORKLOADS) -> Sequence[Measured]:
    """Measure every way to do some workloads, in turns."""
    found: list[Measured] = []
    for workload in workloads:
        ways = sides(workload)
        checks = [side.wrong(side.call()) for side in ways]
        repeats = [max(1, round(0.02 / max(_seconds(side, 1), 1e-6))) for side in ways]
        taken: list[list[float]] = [[] for _ in ways]
        for _ in range(rounds):
            for at, side in enumerate(ways):
                taken[at].append(_seconds(side, repeats[at]))
        found += [
            Measured(side.workload, side.name, side.title, side.rows, side.items, tuple(times), *check)
            for side, times, check in zip(ways, taken, checks, strict=True)
        ]
    return found


def ratio(above: Measured, below: Measured) -> float:
    """Give how many times the one's time an item is the other's: the median of the rounds' ratios."""
    each = [a / b for a, b in zip(above.rounds, below.rounds, strict=True)]
    return statistics.median(each) * below.items / above.items


def _seconds(side: Side, repeats: int) -> float:
    gc.collect()
    gc.disable()
    try:
        start = cpu_seconds()
        for _ in range(repeats):
            side.call()
        return (cpu_seconds() - start) / repeats
    finally:
        gc.enable()


@cache
def compiled(name: str) -> Compiled:
    """Compile a rule set of these workloads: `intervals`, `load_month` or `load_hours`."""
    return compile_paths([RULES / f"{name}.ruleset.yaml"]).rulesets[f"benchmark.{name}"]


def loads(meters: int, items: int, high: int, seed: int = 20260101) -> Ints:
    """Draw loads of shape (meter, item): a level of each meter's, and what varies about it; each in [0, high)."""
    draw = np.random.default_rng(seed)
    level = np.exp(draw.uniform(np.log(high / 1000), np.log(high / 2), (meters, 1)))
    drawn: Ints = np.floor(level * draw.uniform(0.2, 1.8, (meters, items))).astype(np.int64)
    return drawn


def batch(rule_set: Compiled, children: Children, starts: Ints, ends: Ints) -> Rows:
    """Make a batch of bills from load data alone."""
    rows = len(starts)
    ruleset = Column(np.zeros(rows, np.int64), codes=(rule_set.id,))
    return Rows(np.arange(rows), ruleset, starts, ends, {}, {"load": children})


def month_rows(rule_set: Compiled, values: Whole, places: int, *, time_major: bool) -> Rows:
    """Bill January: values of shape (meter, item), or time-major (item, meter)."""
    meters = values.shape[1] if time_major else values.shape[0]
    first = JANUARY.toordinal() - EPOCH
    children = Children.grid({"kwh": Column(values, places)}, time_major=time_major)
    return batch(rule_set, children, np.full(meters, first), np.full(meters, first + DAYS))


def year_rows(rule_set: Compiled, values: Ints, places: int) -> Rows:
    """Bill the twelve months of 2026, meter after meter: values of shape (meter, hour)."""
    meters = len(values)
    days = np.array([date(2026, month, 1).toordinal() - EPOCH for month in range(1, 13)] + [_new_year()])
    hours = np.array([len(_local_hours(a, b)) for a, b in pairwise(days.tolist())])
    offsets = np.concatenate([[0], np.cumsum(np.tile(hours, meters))])
    children = Children(offsets, {"kwh": Column(values.reshape(-1), places)})
    return batch(rule_set, children, np.tile(days[:-1], meters), np.tile(days[1:], meters))


def _new_year() -> int:
    return date(2027, 1, 1).toordinal() - EPOCH


# ---- the workloads


def _periods(meters: int) -> list[Side]:
    values = loads(meters, POINTS * DAYS, HIGH)
    by_interval = np.ascontiguousarray(values.T)
    rule_set, plans = compiled("intervals"), Plans(compiled("intervals"))
    period = np.repeat(np.array(HOURS), POINTS // 24)
    days = values.reshape(meters, DAYS, POINTS)
    expected = interval_loops.masks(days, period, len(PERIODS), HIGH)
    found = []
    for dtype in (np.int64, np.int32):
        for time_major, column in ((False, values), (True, by_interval)):
            rows = month_rows(rule_set, column.astype(dtype, copy=False), 2, time_major=time_major)
            order = "interval" if time_major else "meter"
            name, title = f"dianjia-{dtype.__name__}-{order}", f"Dianjia, {dtype.__name__}, by {order}"
            found.append(_periods_side(name, title, partial(_evaluated, plans, rows), expected))
    if interval_loops.MISSING is None:
        for time_major, column in ((False, days), (True, by_interval.reshape(DAYS, POINTS, meters))):
            order = "interval" if time_major else "meter"
            loop = interval_loops.c_loop(column, period, len(PERIODS), HIGH, time_major=time_major)
            found.append(_periods_side(f"c-{order}", f"C, gcc -O3, int64, by {order}", loop, expected))
    for way in (interval_loops.masks, interval_loops.reduceat):
        call = partial(way, days, period, len(PERIODS), HIGH)
        found.append(_periods_side(f"numpy-{way.__name__}", f"numpy, {way.__name__}, int64, by meter", call, expected))
    return found


def _periods_side(name: str, title: str, call: Callable[[], object], expected: interval_loops.Found) -> Side:
    def wrong(outcome: Any) -> tuple[int, int]:
        sums, most = _sums(outcome) if isinstance(outcome, Result) else outcome
        differ = (np.stack(list(sums)) != expected[0]).any(axis=0) | (most != expected[1])
        return meters, int(differ.sum())

    meters = len(expected[1])
    return Side("periods", name, title, meters, meters * POINTS * DAYS, call, wrong)


def _sums(result: Result) -> interval_loops.Found:
    """What a bill's lines were computed from: a result holds it beside the amounts."""
    assert not result.problems, f"{len(result.problems)} meters are refused"
    sums = np.stack([result.quantities[f"energy.{period}"] for period in PERIODS])
    return sums, result.quantities["demand"] // 4


def _evaluated(plans: Plans, rows: Rows) -> Result:
    return evaluate(plans.compiled, rows, plans=plans, details=True)


def _month(meters: int) -> list[Side]:
    values = loads(meters, POINTS * DAYS, HIGH)
    plans = Plans(compiled("load_month"))
    first = JANUARY.toordinal() - EPOCH
    hours = _local_hours(first, first + DAYS, "Asia/Shanghai", 15)
    expected = [_billed(values[meter].tolist(), hours, 4) for meter in range(min(CHECKED, meters))]
    found = []
    for dtype in (np.int64, np.int32):
        for time_major in (False, True):
            column = np.ascontiguousarray(values.T if time_major else values).astype(dtype)
            rows = month_rows(plans.compiled, column, 3, time_major=time_major)
            order = "interval" if time_major else "meter"
            title = f"Dianjia, {dtype.__name__}, by {order}"
            call, check = partial(_evaluated, plans, rows), partial(_compared, expected)
            found.append(Side("month", f"{dtype.__name__}-{order}", title, meters, values.size, call, check))
    return found


def _year(many: int) -> list[Side]:
    plans = Plans(compiled("load_hours"))
    days = [date(2026, month, 1).toordinal() - EPOCH for month in range(1, 13)] + [_new_year()]
    months = [_local_hours(a, b) for a, b in pairwise(days)]
    ends = np.cumsum([0, *(len(month) for month in months)]).tolist()
    values = loads(many, ends[-1], 4 * HIGH)
    expected = [
        _billed(values[meter, a:b].tolist(), month, 1)
        for meter in range(min(CHECKED, many))
        for (a, b), month in zip(pairwise(ends), months, strict=True)
    ]
    found = []
    for meters, title in ((1, "one meter, 12 rows"), (many, f"{many:,} meters")):
        rows = year_rows(plans.compiled, values[:meters], 3)
        call, check = partial(_evaluated, plans, rows), partial(_compared, expected[: 12 * meters])
        found.append(Side("year", f"{meters}", f"Dianjia, {title}", 12 * meters, meters * ends[-1], call, check))
    return found


# ---- the oracle: Decimal arithmetic over the calendar of the standard library


def _local_hours(first: int, end: int, zone: str = "America/Los_Angeles", minutes: int = 60) -> list[datetime]:
    """Give the local time at which each interval of some days begins."""
    start, stop = (
        datetime.combine(date.fromordinal(day + EPOCH), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
        for day in (first, end)
    )
    step = timedelta(minutes=minutes)
    return [(start + step * at).astimezone(ZoneInfo(zone)) for at in range((stop - start) // step)]


def _billed(values: Sequence[int], times: Sequence[datetime], to_kw: int) -> tuple[int, ...]:
    """Bill a month [fen]: three tiers, peak, valley, demand, demand at peak, total."""
    month = times[0].month
    peak_hours = {*range(10, 12), *range(14, 20)} if 6 <= month <= 9 else {*range(8, 11), *range(17, 21)}
    peak = [at for at, time in enumerate(times) if time.weekday() < 5 and time.hour in peak_hours]
    valley = [at for at, time in enumerate(times) if time.hour < 8]
    kwh, at_peak, at_night = (
        Decimal(sum(values[at] for at in its)) / 1000 for its in (range(len(values)), peak, valley)
    )
    first = min(kwh, Decimal(100_000))
    second = min(kwh, Decimal(400_000)) - first
    most = Decimal(max(values) * to_kw) / 1000
    most_at_peak = Decimal(max((values[at] for at in peak), default=0) * to_kw) / 1000
    products = [
        (first, "0.5283"),
        (second, "0.5783"),
        (kwh - first - second, "0.8283"),
        (at_peak, "0.2875"),
        (at_night, "-0.1946"),
        (most, "32"),
        (most_at_peak, "9.50"),
    ]
    cents = [int((of * Decimal(price) * 100).quantize(Decimal(1), ROUND_HALF_UP)) for of, price in products]
    return (*cents, sum(cents))


LINES = ("energy.1", "energy.2", "energy.3", "peak", "valley", "demand", "demand_at_peak")


def _compared(expected: Sequence[tuple[int, ...]], outcome: Result) -> tuple[int, int]:
    assert not outcome.problems, f"{len(outcome.problems)} rows are refused"
    columns = [*(outcome.amounts[line] for line in LINES), outcome.total]
    found = list(zip(*(column[: len(expected)].tolist() for column in columns), strict=True))
    return len(expected), sum(a != b for a, b in zip(found, expected, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table; the exit code is 1 where an answer is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    found = measure(parser.parse_args(arguments).rounds)
    print(f"{'workload':<9} {'side':<34} {'rows':>7} {'ns an item':>11} {'rows a second':>14} {'wrong of checked':>17}")
    for one in found:
        checked = f"{one.wrong} of {one.checked}"
        print(
            f"{one.workload:<9} {one.title:<34} {one.rows:>7,} {one.ns_per_item:>11.3f}"
            f" {one.rows_per_second:>14,.0f} {checked:>17}"
        )
    by_name = {one.side: one for one in found}
    for order in ("meter", "interval"):
        if f"c-{order}" in by_name:
            times = ratio(by_name[f"dianjia-int64-{order}"], by_name[f"c-{order}"])
            print(f"by {order}: Dianjia to C {times:.2f} x")
    return 1 if any(one.wrong for one in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
