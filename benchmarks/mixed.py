"""Many rule sets in one batch against one: what a row costs when rows of different rule sets come in any order.

    python -m benchmarks.mixed

Variations of W1 and W2 are written as rule sets and compiled. A hundred share W1's structure: prices and the day on
which they change differ. Forty have structures of their own: numbers of tiers, charges that are there or not, funds.
Rows name them at random, are of any month of 2026, and carry the columns of both workloads where structures differ,
empty where a row's rule set does not read them.

What is counted is the CPU time of `dispatch`, door included, in turns. The single cost is that of the same rows under
one rule set alone: W1 as it is, or the mean of all structures, each by itself and weighted by its rows. A sample of
the totals is compared with the reference's, in decimals.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.workloads import W1, W2, Columns, Ints, Workload, columns
from engine.compiler.compile import compile_paths
from engine.compiler.program import Compiled
from engine.evaluator.batch import Dispatched, dispatch
from engine.evaluator.families import Families
from engine.evaluator.reference import Reference
from engine.evaluator.rows import Column, RowProblem, Rows, same

SHARED: Final = 100
DIFFERENT: Final = 40
SHARED_AT_MOST: Final = 2.5  # times the cost of one rule set
DIFFERENT_AT_MOST: Final = 4.0
DIFFERENT_ROWS_MIN: Final = 1_000_000  # for which that is asked: a structure has its cost, however few its rows
CHECKED_ROWS: Final = 2_000
ROUND_SECONDS: Final = 0.05  # a side repeats its work within a round until this is reached
MONTHS: Final = np.arange("2026-01", "2027-02", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)
_BANDS: Final = """bands:
  standard_0_90:
    of: power_factor
    step: 0.01
    unit: percent
    rows:
      - {from: 1.00, to: 0.95, value: -0.75}
      - {from: 0.91, to: 0.94, first: -0.15, each: -0.15}
      - {from: 0.90, to: 0.90, value: 0}
      - {from: 0.89, to: 0.70, first: 0.5, each: 0.5}
      - {from: 0.69, to: 0.65, first: 11, each: 1}
      - {from: 0.64, to: 0.00, value: 15}
"""


@dataclass(frozen=True, slots=True)
class Mixed:
    """Many rule sets in one batch."""

    name: str
    rows: int
    rule_sets: int
    structures: int
    single_ns: float  # a row under one rule set alone, CPU time, median of the rounds
    mixed_ns: float  # a row among many
    at_most: float | None  # that `ratio` is asked to be; None: nothing is asked at this size
    checked: int  # totals compared with the reference
    wrong_totals: int

    @property
    def ratio(self) -> float:
        """How many times what one rule set costs."""
        return self.mixed_ns / self.single_ns


@dataclass(frozen=True, slots=True)
class Case:
    """A book, rows of all its rule sets, and what to compare them with."""

    name: str
    book: Mapping[str, Compiled]
    rows: Rows
    alone: tuple[tuple[Compiled, Rows, float], ...]  # a rule set, its rows, and its weight
    at_most: float | None


def measure(rows: int, rounds: int) -> Sequence[Mixed]:
    """Measure both cases on so many rows, the sides in turns, after one unmeasured batch each."""
    return [_measured(case, rounds) for case in (shared_structure(rows), different_structures(rows))]


def shared_structure(rows: int) -> Case:
    """A hundred rule sets of W1's structure."""
    draw = np.random.default_rng(5)
    book = _compiled({f"shared.s{number}": _residential(draw, f"shared.s{number}") for number in range(SHARED)})
    (plain,) = _compiled({"shared.alone": _residential(np.random.default_rng(1), "shared.alone", dated=False)}).values()
    given = _laid_out(W1, columns(W1, rows))
    mixed = _batch(draw.integers(0, len(book), rows), tuple(book), given)
    alone = Rows(
        mixed.row_id, Column(same(np.int64(0), rows), codes=(plain.id,)), mixed.period_from, mixed.period_to, given
    )
    return Case("one structure", book, mixed, ((plain, alone, 1.0),), SHARED_AT_MOST)


def different_structures(rows: int) -> Case:
    """Forty rule sets, each of a structure of its own."""
    draw = np.random.default_rng(6)
    texts: dict[str, str] = {}
    for number in range(DIFFERENT // 2):
        name = f"different.r{number}"
        texts[name] = _residential(
            draw, name, tiers=2 + number % 5, registers=number % 2 == 0, quota=number % 3 == 0, funds=number // 5
        )
    for number in range(DIFFERENT // 2):
        name = f"different.i{number}"
        texts[name] = _industrial(draw, name, discount=number % 2 == 0, factor=number % 4 < 2, funds=number // 2)
    book = _compiled(texts)
    rule_set = draw.integers(0, len(book), rows)
    drawn = {workload.name: _laid_out(workload, columns(workload, rows)) for workload in (W1, W2)}
    # By rule set: the columns that it reads, of the workload that it is a variation of.
    own = []
    for id_, compiled in book.items():
        of = drawn["W1" if id_.startswith("different.r") else "W2"]
        own.append({spec.name: of[spec.name] for spec in compiled.program.inputs if spec.name in of})
    given = {}
    for name in sorted(set().union(*own)):
        at_first, at_second = (drawn[workload].get(name) for workload in ("W1", "W2"))
        one = at_first or at_second
        assert one is not None
        values = one.values
        if at_first and at_second:
            values = np.where(rule_set < DIFFERENT // 2, at_first.values, at_second.values)
        reads = np.array([name in columns_ for columns_ in own])
        given[name] = Column(values, one.places, None if reads.all() else reads[rule_set], one.codes)
    mixed = _batch(rule_set, tuple(book), given)
    shares = np.bincount(rule_set, minlength=len(book)) / rows
    alone = []
    for (id_, compiled), of, share in zip(book.items(), own, shares.tolist(), strict=True):
        code = Column(same(np.int64(0), rows), codes=(id_,))
        alone.append((compiled, Rows(mixed.row_id, code, mixed.period_from, mixed.period_to, of), share))
    return Case(
        "a structure each", book, mixed, tuple(alone), DIFFERENT_AT_MOST if rows >= DIFFERENT_ROWS_MIN else None
    )


def biller(book: Mapping[str, Compiled], rows: Rows) -> Callable[[], Dispatched]:
    """Give what bills rows with a book that was prepared once."""
    families = Families(book)
    return lambda: dispatch(book, rows, plans=families)


def _measured(case: Case, rounds: int) -> Mixed:
    many = biller(case.book, case.rows)
    ones = [(biller({one.id: one}, rows), weight) for one, rows, weight in case.alone]
    checked, wrong = _wrong_totals(case, many())
    for bill, _ in ones:
        bill()
    of_many, of_one = [], []
    for _ in range(rounds):
        of_many.append(_cpu_seconds(many))
        of_one.append(sum(_cpu_seconds(bill, once=len(ones) > 1) * weight for bill, weight in ones))
    rows = len(case.rows)
    return Mixed(
        name=case.name,
        rows=rows,
        rule_sets=len(case.book),
        structures=len({one.program.structure for one in case.book.values()}),
        single_ns=statistics.median(of_one) / rows * 1e9,
        mixed_ns=statistics.median(of_many) / rows * 1e9,
        at_most=case.at_most,
        checked=checked,
        wrong_totals=wrong,
    )


def _cpu_seconds(bill: Callable[[], Dispatched], *, once: bool = False) -> float:
    """Bill until a round is long enough, and give the CPU seconds of one batch, over all threads."""
    gc.collect()
    gc.disable()
    try:
        start, repeats = time.process_time(), 0
        while True:
            bill()
            repeats += 1
            taken = time.process_time() - start
            if once or taken > ROUND_SECONDS:
                return taken / repeats
    finally:
        gc.enable()


def _wrong_totals(case: Case, done: Dispatched) -> tuple[int, int]:
    """Compare a sample of totals with the reference's; a row that is refused counts as wrong."""
    rows, found = case.rows, np.full(len(case.rows), np.iinfo(np.int64).min)
    for group in done.groups:
        found[group.result.kept] = group.result.total
    references = {id_: Reference(compiled) for id_, compiled in case.book.items()}
    names = tuple(case.book)
    chosen = np.random.default_rng(2).choice(len(rows), min(CHECKED_ROWS, len(rows)), replace=False)
    wrong = 0
    for at in chosen.tolist():
        given = {name: _cell(column, at) for name, column in rows.columns.items()}
        given = {name: value for name, value in given.items() if value is not None}
        of = references[names[int(rows.ruleset.values[at])]]
        bill = of.bill(given, period_from=int(rows.period_from[at]), period_to=int(rows.period_to[at]))
        wrong += isinstance(bill, RowProblem) or bill.total != Decimal(int(found[at])).scaleb(-2)
    return len(chosen), wrong


def _cell(column: Column, at: int) -> object:
    if column.valid is not None and not column.valid[at]:
        return None
    value = int(column.values[at])
    if column.codes is not None:
        return column.codes[value]
    return Decimal(value).scaleb(-column.places)


def _batch(rule_set: Ints, ids: tuple[str, ...], given: Mapping[str, Column]) -> Rows:
    """Rows of any month of 2026."""
    rows = len(rule_set)
    month = np.random.default_rng(3).integers(0, len(MONTHS) - 1, rows)
    ids_column = Column(rule_set, codes=ids)
    return Rows(np.arange(rows), ids_column, MONTHS[month], MONTHS[month + 1], given)


def _laid_out(workload: Workload, given: Columns) -> dict[str, Column]:
    codes = {"basic_mode": ("capacity", "demand")}
    return {
        one.name: Column(given[one.name], 0 if one.name in codes else one.places, None, codes.get(one.name))
        for one in workload.inputs
    }


def _compiled(texts: Mapping[str, str]) -> Mapping[str, Compiled]:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, text in texts.items():
            paths.append(Path(folder) / f"{name}.ruleset.yaml")
            paths[-1].write_text(text, encoding="utf-8")
        rulesets = compile_paths(paths).rulesets
    return {name: rulesets[name] for name in texts}


def _price(draw: np.random.Generator, low: float, high: float, places: int, dated: bool) -> str:
    """A price; a dated one changes on the first of a month of 2026."""
    first, second = (f"{value:.{places}f}" for value in draw.uniform(low, high, 2))
    if not dated:
        return first
    day = f"2026-{draw.integers(2, 13):02d}-01"
    return f"{{dated: [{{from: 2012-07-01, printed: {first}}}, {{from: {day}, printed: {second}}}]}}"


def _head(name: str, of_class: str) -> str:
    return f"""ruleset: {name}
title: {name}
source: {{standing: benchmark, note: a variation of a bill that engines are measured on}}
in_force: {{from: 2012-07-01, until_replaced: true}}
version_by: period_from
class: {of_class}
"""


def _residential(
    draw: np.random.Generator,
    name: str,
    *,
    tiers: int = 3,
    registers: bool = True,
    quota: bool = True,
    funds: int = 0,
    dated: bool = True,
) -> str:
    """W1 with other prices, tiers, and charges."""
    limits = 2760 + 2040 * np.arange(tiers - 1)
    ladder = [f"up_to: {limit}, " for limit in limits.tolist()] + [""]
    steps = "\n".join(
        f"      - {{{limit}price: {_price(draw, 0.4 + 0.2 * at, 0.6 + 0.2 * at, 4, dated)}}}"
        for at, limit in enumerate(ladder)
    )
    charges = []
    if registers:
        charges.append(f"  peak: {{when: on_tou, quantity: kwh_peak, price: {_price(draw, 0.01, 0.05, 2, dated)}}}")
        charges.append(f"  valley: {{when: on_tou, quantity: kwh_valley, price: {_price(draw, -0.2, -0.1, 2, dated)}}}")
    if quota:
        charges.append(
            '  free_quota: {when: low_income, kind: free_quota, method: refund, free: "15[kWh]", of: kwh, '
            "price: energy.1.price}"
        )
    charges += [f"  fund_{at}: {{quantity: kwh, price: {_price(draw, 0.001, 0.03, 4, dated)}}}" for at in range(funds)]
    joined = "\n".join(charges)
    inputs = "\n".join(
        [
            *(f"  {one}: {{unit: kWh, places: 2, from: 0, to: 10000}}" for one in ("kwh_peak", "kwh_valley")),
            *(f"  {one}: {{unit: kWh, places: 2, from: 0, to: 100000}}" for one in ("ytd_kwh", "last_year_kwh")),
            "  household_size: {type: integer, unit: person, from: 1, to: 20}",
            *(f"  {one}: {{type: boolean}}" for one, read in (("low_income", quota), ("on_tou", registers)) if read),
        ]
    )
    return f"""{_head(name, "residential")}
inputs:
{inputs}
quantities:
  kwh: kwh_peak + kwh_valley
  family_kwh: "1200[kWh] if household_size >= 5[person] else 0"
energy: {{total: kwh, priced_by: [energy]}}
charges:
  energy:
    kind: tiered
    quantity: kwh
    before: ytd_kwh
    over: calendar_year
    method: marginal
    widen_limits: family_kwh
    tiers:
{steps}
{joined}
warnings:
  usage_surge:
    title: Usage surge
    level: amber
    when: kwh > 1.5 * last_year_kwh
    message: "{{kwh}} kWh this month, {{last_year_kwh}} a year ago"
"""


def _industrial(draw: np.random.Generator, name: str, *, discount: bool, factor: bool, funds: int) -> str:
    """W2 with other prices and charges."""
    four = ", ".join(
        f"{period}: {_price(draw, low, low + 0.2, 8, True)}"
        for period, low in (("sharp", 1.0), ("peak", 0.8), ("flat", 0.6), ("valley", 0.3))
    )
    charges = []
    if factor:
        charges.append(
            "  power_factor: {when: kwh > 0, kind: power_factor, active: kwh, reactive: kvarh, standard: 0.90, "
            "base: [energy, basic]}"
        )
    if discount:
        charges.append(
            "  quantity_discount: {kind: quantity_discount, quantity: kwh, above: 1000000, method: marginal, "
            "percent: 2, base: [energy]}"
        )
    charges += [f"  fund_{at}: {{quantity: kwh, price: {_price(draw, 0.001, 0.03, 4, True)}}}" for at in range(funds)]
    joined = "\n".join(charges)
    reactive = "  kvarh: {unit: kvarh, places: 2, from: 0, to: 10000000}" if factor else ""
    bands = _BANDS if factor else ""
    return f"""{_head(name, "industry_commerce")}
inputs:
  kwh_sharp:     {{unit: kWh, places: 2, from: 0, to: 5000000}}
  kwh_peak:      {{unit: kWh, places: 2, from: 0, to: 5000000}}
  kwh_flat:      {{unit: kWh, places: 2, from: 0, to: 5000000}}
  kwh_valley:    {{unit: kWh, places: 2, from: 0, to: 5000000}}
  max_demand_kw: {{unit: kW, places: 2, from: 0, to: 200000}}
{reactive}
  capacity_kva:  {{unit: kVA, places: 0, from: 1, to: 200000}}
  basic_mode:    {{type: code, codes: {{capacity: by installed capacity, demand: by maximum demand}}}}
quantities:
  kwh: {{formula: kwh_sharp + kwh_peak + kwh_flat + kwh_valley, from: 0, to: 5000000}}
  demand_price: "43.2[CNY/kW] if kwh >= 260[kWh/kVA] * capacity_kva else 48[CNY/kW]"
{bands}
energy: {{total: kwh, priced_by: [energy]}}
charges:
  energy:
    kind: time_of_use
    quantity: {{sharp: kwh_sharp, peak: kwh_peak, flat: kwh_flat, valley: kwh_valley}}
    price: {{{four}}}
  basic:
    kind: formula
    amount: "32[CNY/kVA] * capacity_kva if basic_mode == capacity else demand_price * max_demand_kw"
{joined}
"""


def main() -> None:
    """Print the table."""
    print("| | rule sets | rows | alone, ns | mixed, ns | times | asked | wrong totals |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for rows in (16_384, 100_000, 1_000_000):
        for one in measure(rows, 5):
            print(
                f"| {one.name} | {one.rule_sets} | {one.rows:,} | {one.single_ns:.1f} | {one.mixed_ns:.1f} | "
                f"{one.ratio:.2f} | {one.at_most or ''} | {one.wrong_totals} of {one.checked:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
