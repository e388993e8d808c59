"""Advice for a thousand customers: `python -m benchmarks.advice`.

A year of bills of each, under a rule set with twelve months of prices, and every alternative of the national advice:
ways to bill capacity or demand, the best contract demand three times over, single- or two-part, suspended transformers,
power factor, shifted use, combinations. Customers are of every size, in every way to be billed; half have metered
demands about one level, half vary. Measured is all of it: bills as they are, rows rewritten, values searched, bills
under each alternative, and results put together.

Asked: within 5 s of CPU. The best contract demand of a sample of customers is compared with a scan of every kW of the
range, billed by the ordinary evaluator, and every bill as it is with that of `dispatch`.
"""

from __future__ import annotations

import argparse
import gc
import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.clock import cpu_seconds
from engine.advice.advise import advise
from engine.advice.result import Advised
from engine.compiler.book import RateBook
from engine.compiler.compile import compile_paths
from engine.evaluator.batch import dispatch
from engine.evaluator.evaluate import evaluate
from engine.evaluator.rows import Column, Rows

ROOT = Path(__file__).resolve().parent.parent
RULESET = "cn.example.industry_commerce"
NATIONAL = "rules/cn/national"
PATHS = (
    "docs/examples/advice",
    f"{NATIONAL}/industry_commerce.form.yaml",
    f"{NATIONAL}/industry_commerce.advice.yaml",
    f"{NATIONAL}/power_factor.shared.yaml",
    f"{NATIONAL}/warnings/one_row.shared.yaml",
)
CUSTOMERS, MONTHS = 1_000, 12
CHECKED = 12  # customers that every kW is billed for
ROUNDS = 3
ASKED_SECONDS = 5.0
MODES = ("capacity", "contract_demand", "actual_demand")
VOLTAGES = ("from_1_to_20kv", "at_35kv", "at_110kv")
SIZES = (160, 250, 315, 630, 1000, 1600, 5000, 20_000, 100_000)  # kVA

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Advice for so many customers [s of CPU, the median of the rounds]."""

    customers: int
    rows: int
    alternatives: int
    billed: int  # alternatives of all customers together that have bills
    seconds: float
    checked: int
    wrong: int


@cache
def book() -> RateBook:
    """The rule set and its advice."""
    return compile_paths([path for name in PATHS if (path := ROOT / name).exists()])


def drawn(customers: int = CUSTOMERS, seed: int = 1) -> tuple[Rows, Ints]:
    """Draw customers with a year of rows each; gives the rows and whose each is."""
    draw = np.random.default_rng(seed)
    count = customers * MONTHS
    account = np.repeat(np.arange(customers), MONTHS)

    def each(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.repeat(values, MONTHS)

    kva = each(draw.choice(SIZES, customers))
    single = each(draw.random(customers) < 0.1) & (kva < 315)
    mode = each(draw.integers(0, 3, customers))
    spread = each(draw.choice([0.02, 0.25], customers))
    level = each(draw.uniform(0.2, 0.9, customers))
    demand = (kva * level * draw.uniform(1 - spread, 1 + spread) * 10_000).astype(np.int64)
    kwh = (demand / 10_000 * draw.uniform(150, 500, count) * 100).astype(np.int64)
    share = draw.dirichlet([1, 2, 3, 2], count)
    two = ~single
    columns = {
        "scheme": Column(two.astype(np.int64), codes=("single", "two_part")),
        "voltage": Column(np.minimum(each(draw.integers(0, 3, customers)), 1 + (kva >= 5000)), codes=VOLTAGES),
        "basic_mode": Column(mode, valid=two, codes=MODES),
        "capacity_kva": Column(kva, valid=two & (mode == 0)),
        "contract_kva": Column(kva, valid=two),
        "contract_kw": Column((kva * 0.8).astype(np.int64), valid=two & (mode == 1)),
        "demand_kw": Column(demand, 4, two & (mode != 0)),
        "measured_kw": Column(demand, 4, single | (mode == 0)),
        "transformer_kva": Column(kva, valid=single),
        "idle_kva": Column(kva // 4, valid=each(draw.random(customers) < 0.3)),
        "kvarh": Column((kwh * draw.uniform(0.1, 0.8, count)).astype(np.int64), 2),
    }
    for at, name in enumerate(("kwh_sharp", "kwh_peak", "kwh_flat", "kwh_valley")):
        columns[name] = Column((kwh * share[:, at]).astype(np.int64), 2)
    months = (np.datetime64("2026-01", "M") + np.arange(MONTHS + 1)).astype("datetime64[D]").astype(np.int64)
    first, end = np.tile(months[:-1], customers), np.tile(months[1:], customers)
    named = Column(np.zeros(count, np.int64), codes=(RULESET,))
    return Rows(np.arange(count), named, first, end, columns), account


def measure(
    customers: int = CUSTOMERS, rounds: int = ROUNDS, progress: Callable[[str], None] = lambda _: None
) -> Measured:
    """Measure advice, and compare a sample of what it finds."""
    rows, account = drawn(customers)
    names = [f"{one:06d}" for one in account.tolist()]
    seconds = []
    for turn in range(rounds):
        progress(f"round {turn + 1} of {rounds}")
        gc.collect()
        start = cpu_seconds()
        found = advise(book(), rows, names)
        seconds.append(cpu_seconds() - start)
    progress("comparing")
    checked, wrong = _compared(rows, found.advised)
    return Measured(
        customers,
        len(rows),
        len(found.billed),
        sum(found.billed.values()),
        statistics.median(seconds),
        checked,
        wrong + customers - len(found.advised),
    )


def _compared(rows: Rows, advised: tuple[Advised, ...]) -> tuple[int, int]:
    """Compare bills as they are, and the best contract demand of some customers; how many were, and are wrong."""
    besides = {"measured_kw", "transformer_kva", "idle_kva"}
    (group,) = dispatch(book().rulesets, rows, totals_only=True, pass_through=besides).groups
    now = dict(zip(group.result.kept.tolist(), group.result.total.tolist(), strict=True))
    wrong = sum(now[row] != bill for one in advised for row, bill in zip(one.rows, one.bills, strict=True))
    checked, kws = len(now), 0
    for one in advised:
        outcome = next(found for found in one.outcomes if found.alternative == "contract_at_best")
        small = int(rows.columns["contract_kva"].values[one.rows[0]]) <= 5000
        if kws < CHECKED and outcome.best is not None and outcome.total is not None and small:
            kws += 1
            wrong += (outcome.total, outcome.best) != _every_kw(rows, np.array(one.rows))
    return checked + kws, wrong


def _every_kw(rows: Rows, at: Ints) -> tuple[int, int]:
    """Bill a customer with contract demand at every kW from 40 % of its kVA to all of them; the least and its kW."""
    kva = int(rows.columns["contract_kva"].values[at[0]])
    values = np.arange(-(-kva * 4 // 10), kva + 1)
    of = np.repeat(at, len(values))
    columns = {name: replace(one, values=one.values[of], valid=None) for name, one in rows.columns.items()}
    for name in ("measured_kw", "transformer_kva", "idle_kva", "capacity_kva"):
        del columns[name]
    columns["basic_mode"] = Column(np.ones(len(of), np.int64), codes=MODES)
    columns["contract_kw"] = Column(np.tile(values, len(at)))
    named = Column(np.zeros(len(of), np.int64), codes=(RULESET,))
    batch = Rows(np.arange(len(of)), named, rows.period_from[of], rows.period_to[of], columns)
    total = evaluate(book().rulesets[RULESET], batch, totals_only=True).total.reshape(len(at), -1).sum(axis=0)
    least = int(np.argmin(total))
    return int(total[least]), int(values[least])


def render(one: Measured) -> str:
    """Write a Markdown table."""
    return "\n".join(
        [
            "| customers | rows | alternatives | billed | CPU [s] | compared | wrong |",
            "|---:|---:|---:|---:|---:|---:|---:|",
            f"| {one.customers:,} | {one.rows:,} | {one.alternatives} | {one.billed:,} | {one.seconds:.2f} "
            f"| {one.checked:,} | {one.wrong} |",
        ]
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    print(render(measure(given.customers, given.rounds, print)))
    print(f"asked: {ASKED_SECONDS:.0f} s for {CUSTOMERS:,}")


if __name__ == "__main__":
    main()
